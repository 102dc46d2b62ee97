//! What happens around every handler: id, body, media type, credentials, rate, permission, query; then the answer's headers,
//! the log and the counters. A panic becomes a 500 of its own request and of no other.

use crate::access::rate::Class;
use crate::access::{Access, Operation, PeerAddr, Permission, authenticate, client_address};
use crate::json::{Fault, Fields, Value, parse};
use crate::problem::{About, Code, FieldError, Problem};
use crate::query::Query;
use crate::routes::{Body as BodyRule, KeyRule, Spec, Verb};
use crate::state::Shared;
use crate::text::{Lang, Text};
use app::{Caller, Config, IdempotencyKey, ReEntry};
use axum::body::Body;
use axum::extract::{FromRequestParts, RawPathParams, Request};
use axum::response::Response;
use bytes::Bytes;
use domain::Id;
use domain::id::{KeyId, World};
use futures::FutureExt;
use http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use http_body_util::{BodyExt, Limited};
use serde::Serialize;
use std::future::Future;
use std::marker::PhantomData;
use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// How often a request is authenticated again because the merchant's keys changed under it.
const STALE_TRIES: usize = 3;

/// A request as received, its body read.
pub struct Received {
    /// The method.
    pub method: Method,
    /// The path as sent.
    pub path: String,
    /// Path and query as sent: what is signed behind the public URL.
    pub target: String,
    /// The query as sent.
    pub raw_query: Option<String>,
    /// What the route's `{id}` matched, percent-decoded.
    pub id: Option<String>,
    /// The header fields.
    pub headers: HeaderMap,
    /// The body's bytes.
    pub body: Bytes,
    /// The client's address.
    pub address: Option<IpAddr>,
}

/// A request of a known caller on its way into a handler.
pub struct Call {
    /// What all requests share.
    pub state: Shared,
    /// Who asks.
    pub caller: Caller,
    /// With which key.
    pub key: KeyId,
    /// The configuration in which the key stands.
    pub config: Arc<Config>,
    /// The request.
    pub request: Arc<Received>,
    /// Its query.
    pub query: Query,
    /// What makes it re-entrant.
    pub re_entry: ReEntry,
}

/// Proof that the caller may do `P`. Only the pipeline makes one.
pub struct Allowed<P: Permission> {
    /// The call.
    pub call: Call,
    may: PhantomData<P>,
}

impl<P: Permission> std::ops::Deref for Allowed<P> {
    type Target = Call;
    fn deref(&self) -> &Call {
        &self.call
    }
}

impl Call {
    /// The use cases.
    pub fn app(&self) -> &app::App {
        &self.state.app
    }

    /// The caller's world.
    pub fn world(&self) -> World {
        self.caller.world
    }

    /// The id in the path: one that can't be read looks like one that does not exist.
    ///
    /// # Errors
    /// The noun's `…_not_found`.
    pub fn id<I: Id>(&self, not_found: Code) -> Result<I, Problem> {
        self.request.id.as_deref().and_then(parse_id).ok_or_else(|| Problem::new(not_found))
    }

    /// The body as an object; an empty one where the route lets it be left out.
    ///
    /// # Errors
    /// `malformed_json`.
    pub fn body(&self) -> Result<Value<'_>, Problem> {
        if self.request.body.is_empty() { Ok(Value::Object(Vec::new())) } else { parse(&self.request.body) }
    }

    /// For routes without inputs: nothing but `{}`.
    ///
    /// # Errors
    /// `malformed_json`, `unknown_field`.
    pub fn no_inputs(&self) -> Result<(), Problem> {
        let body = self.body()?;
        Fields::new(&body).finish()
    }

    /// The merchant's business time, microseconds.
    ///
    /// # Errors
    /// `store_unavailable`.
    pub async fn business_now_us(&self) -> Result<i64, Problem> {
        match self.world() {
            World::Live => Ok(self.state.real_now_us()),
            World::Sandbox => Ok(self.app().sandbox_clock(&self.caller).await?.now_us),
        }
    }
}

/// Reads an id in any case; at most 64 characters are looked at.
pub fn parse_id<I: Id>(text: &str) -> Option<I> {
    if text.len() > 64 { None } else { I::parse(&text.to_ascii_lowercase()) }
}

/// What a handler answers.
pub struct Reply {
    status: StatusCode,
    body: Vec<u8>,
    fresh: Option<bool>,
}

impl Reply {
    /// 200 with an object.
    pub fn ok(object: &impl Serialize) -> Reply {
        Reply { status: StatusCode::OK, body: serde_json::to_vec(object).unwrap_or_default(), fresh: None }
    }

    /// 201 with a new object, 200 with one that stood already.
    pub fn made(object: &impl Serialize, fresh: bool) -> Reply {
        let status = if fresh { StatusCode::CREATED } else { StatusCode::OK };
        Reply { status, fresh: Some(fresh), ..Reply::ok(object) }
    }

    /// 200 with the object acted on.
    pub fn acted(object: &impl Serialize, fresh: bool) -> Reply {
        Reply { fresh: Some(fresh), ..Reply::ok(object) }
    }

    /// The same with another status.
    pub fn with_status(self, status: StatusCode) -> Reply {
        Reply { status, ..self }
    }
}

type HandlerFuture = Pin<Box<dyn Future<Output = Result<Reply, Problem>> + Send>>;

/// A handler behind its permission, its type forgotten.
#[derive(Clone)]
pub struct Handler {
    run: Arc<dyn Fn(Call) -> HandlerFuture + Send + Sync>,
    operation: Operation,
}

impl Handler {
    /// Wraps a handler; what it may do follows from its argument's type.
    pub fn new<P, H, F>(handler: H) -> Handler
    where
        P: Permission,
        H: Fn(Allowed<P>) -> F + Send + Sync + 'static,
        F: Future<Output = Result<Reply, Problem>> + Send + 'static,
    {
        let run = move |call| -> HandlerFuture { Box::pin(handler(Allowed { call, may: PhantomData })) };
        Handler { run: Arc::new(run), operation: P::OPERATION }
    }

    /// What the caller must be allowed to do.
    pub fn operation(&self) -> Operation {
        self.operation
    }
}

/// What is known about a request when it is answered, whatever the answer.
struct Envelope {
    started: Instant,
    method: Method,
    path: String,
    lang: Lang,
    request_id: String,
    route: &'static str,
    world: Option<World>,
}

impl Envelope {
    fn new(state: &Shared, request: &Request, route: &'static str) -> Envelope {
        Envelope {
            started: Instant::now(),
            method: request.method().clone(),
            path: request.uri().path().to_owned(),
            lang: Lang::of(request.headers()),
            request_id: state.request_id(),
            route,
            world: None,
        }
    }

    fn finish(self, state: &Shared, result: Result<Reply, Problem>) -> Response {
        let (status, mut response) = match result {
            Ok(reply) => {
                let mut response = Response::new(Body::from(reply.body));
                set(&mut response, CONTENT_TYPE, "application/json");
                if let Some(fresh) = reply.fresh {
                    set(&mut response, IDEMPOTENCY_STATUS, if fresh { "fresh" } else { "replayed" });
                }
                (reply.status, response)
            }
            Err(problem) => self.refuse(state, &problem),
        };
        *response.status_mut() = status;
        set(&mut response, REQUEST_ID, &self.request_id);
        set(&mut response, VERSION, &state.config.version);
        set(&mut response, CACHE_CONTROL, "no-store");
        set(&mut response, HeaderName::from_static("x-content-type-options"), "nosniff");
        if let Some(world) = self.world {
            set(&mut response, WORLD, world.as_str());
        }
        self.record(status);
        response
    }

    fn refuse(&self, state: &Shared, problem: &Problem) -> (StatusCode, Response) {
        let parts = problem.parts();
        let about = About {
            lang: self.lang,
            public_url: &state.config.public_url,
            path: &self.path,
            request_id: &self.request_id,
            real_now_us: state.real_now_us(),
        };
        let mut response = Response::new(Body::from(problem.render(&about)));
        set(&mut response, CONTENT_TYPE, "application/problem+json");
        set(&mut response, CONTENT_LANGUAGE, self.lang.tag());
        if let Some(seconds) = parts.retry_after_s {
            set(&mut response, RETRY_AFTER, &seconds.to_string());
        }
        if let Some(replayed) = parts.replayed {
            set(&mut response, IDEMPOTENCY_STATUS, if replayed { "replayed" } else { "fresh" });
        }
        let status =
            StatusCode::from_u16(parts.code.row().status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        if status == StatusCode::UNAUTHORIZED {
            set(&mut response, http::header::WWW_AUTHENTICATE, "Bearer realm=\"sandbox\"");
        }
        (status, response)
    }

    /// Route templates only: no ids, no query values, nothing of bodies.
    fn record(&self, status: StatusCode) {
        let seconds = self.started.elapsed().as_secs_f64();
        let latency_us = u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX);
        metrics::counter!("feiqian_http_requests_total", "method" => method_label(&self.method),
            "route" => self.route, "status" => status_label(status))
        .increment(1);
        metrics::histogram!("feiqian_http_request_seconds", "route" => self.route).record(seconds);
        tracing::info!(
            target: "access",
            method = method_label(&self.method),
            route = self.route,
            status = status.as_u16(),
            latency_us,
            request_id = self.request_id,
        );
    }
}

const REQUEST_ID: HeaderName = HeaderName::from_static("request-id");
const WORLD: HeaderName = HeaderName::from_static("feiqian-world");
const VERSION: HeaderName = HeaderName::from_static("feiqian-version");
const IDEMPOTENCY_STATUS: HeaderName = HeaderName::from_static("idempotency-status");
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

fn set(response: &mut Response, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

/// A closed set, so that nobody fills the counters with labels.
fn method_label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::PUT => "PUT",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

fn status_label(status: StatusCode) -> &'static str {
    match status.as_u16() {
        200..=299 => "2xx",
        300..=399 => "3xx",
        400..=499 => "4xx",
        _ => "5xx",
    }
}

/// Runs a `/v1` route.
pub async fn run(state: Shared, spec: &'static Spec, handler: Handler, request: Request) -> Response {
    let mut envelope = Envelope::new(&state, &request, spec.path);
    let mut world = None;
    let answer = AssertUnwindSafe(answer(&state, spec, &handler, request, &mut world)).catch_unwind().await;
    envelope.world = world;
    envelope.finish(&state, answer.unwrap_or_else(|_| Err(Problem::internal("a handler panicked"))))
}

/// Answers what no route takes.
pub async fn refuse(state: Shared, code: Code, request: Request) -> Response {
    let envelope = Envelope::new(&state, &request, "none");
    envelope.finish(&state, Err(Problem::new(code)))
}

async fn answer(
    state: &Shared,
    spec: &'static Spec,
    handler: &Handler,
    request: Request,
    world: &mut Option<World>,
) -> Result<Reply, Problem> {
    let received = Arc::new(receive(state, spec, request).await?);
    for _ in 1..STALE_TRIES {
        match attempt(state, spec, handler, &received, world).await {
            Err(problem) if problem.parts().stale => state.app.reload_config().await?,
            answer => return answer,
        }
    }
    attempt(state, spec, handler, &received, world).await
}

async fn attempt(
    state: &Shared,
    spec: &'static Spec,
    handler: &Handler,
    received: &Arc<Received>,
    world: &mut Option<World>,
) -> Result<Reply, Problem> {
    let access = match authenticate(state, received) {
        Ok(access) => access,
        Err(problem) => {
            let counted = problem.parts().code.row().status == 401;
            return match counted.then(|| state.limiters.failed_access(received.address)) {
                Some(Err(wait_s)) => Err(limited(wait_s)),
                Some(Ok(())) | None => Err(problem),
            };
        }
    };
    *world = Some(access.caller.world);
    state.limiters.call(access.key, access.caller.world, spec.verb.class()).map_err(limited)?;
    permit(&access, handler.operation)?;
    let query = Query::parse(received.raw_query.as_deref(), spec.query)?;
    let re_entry = ReEntry { key: idempotency_key(spec, received)?, nonce: access.nonce };
    let Access { caller, key, config, .. } = access;
    let call = Call {
        state: Arc::clone(state),
        caller,
        key,
        config,
        request: Arc::clone(received),
        query,
        re_entry,
    };
    (handler.run)(call).await
}

fn limited(wait_s: u64) -> Problem {
    Problem::new(Code::RateLimited).with(|parts| parts.retry_after_s = Some(wait_s.max(1)))
}

fn permit(access: &Access, operation: Operation) -> Result<(), Problem> {
    let key = access.config.key(access.key).ok_or_else(|| Problem::new(Code::KeyUnknown))?;
    if operation.is_allowed(&key.key) {
        return Ok(());
    }
    let name = operation.as_str();
    let detail =
        Text::made(format!("The key lacks the permission {name}."), format!("该密钥缺少权限 {name}。"));
    Err(Problem::field(FieldError {
        pointer: String::new(),
        code: Code::PermissionMissing,
        detail,
        allowed: Some(vec![name.to_owned()]),
    }))
}

async fn receive(state: &Shared, spec: &Spec, request: Request) -> Result<Received, Problem> {
    let (mut parts, body) = request.into_parts();
    let id = match RawPathParams::from_request_parts(&mut parts, &()).await {
        Ok(params) => params.iter().next().map(|(_, value)| value.to_owned()),
        Err(_) => None,
    };
    let body = read_body(state, &parts.headers, body).await?;
    media_type(spec, &parts.headers, &body)?;
    let peer = parts.extensions.get::<PeerAddr>().map(|peer| peer.0.ip());
    let target = parts.uri.path_and_query().map_or("/", |target| target.as_str()).to_owned();
    Ok(Received {
        method: parts.method,
        path: parts.uri.path().to_owned(),
        raw_query: parts.uri.query().map(str::to_owned),
        target,
        id,
        address: client_address(peer, &parts.headers, &state.config.trusted_proxies),
        headers: parts.headers,
        body,
    })
}

/// Reads a body once, bounded in size and time.
pub async fn read_body(state: &Shared, headers: &HeaderMap, body: Body) -> Result<Bytes, Problem> {
    let max_bytes = state.config.body_max_bytes;
    let declared =
        headers.get(http::header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if declared.is_some_and(|bytes| bytes > u64::try_from(max_bytes).unwrap_or(u64::MAX)) {
        return Err(Problem::new(Code::BodyTooLarge));
    }
    let read = Limited::new(body, max_bytes).collect();
    match timeout(Duration::from_millis(state.config.body_timeout_ms), read).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => {
            Err(Problem::new(Code::BodyTooLarge))
        }
        // The client broke off: nobody reads this answer.
        Ok(Err(_)) | Err(_) => Err(Problem::new(Code::BodyTimeout)),
    }
}

fn media_type(spec: &Spec, headers: &HeaderMap, body: &Bytes) -> Result<(), Problem> {
    let encoded = headers
        .get_all(CONTENT_ENCODING)
        .iter()
        .any(|value| !value.as_bytes().eq_ignore_ascii_case(b"identity"));
    if encoded {
        return Err(Problem::new(Code::MediaType));
    }
    if body.is_empty() {
        return Ok(());
    }
    match spec.body {
        BodyRule::Refused => {
            let fault = Fault::invalid("This method takes no body.", "此方法不接受请求体。");
            Err(Problem::field(fault.at("")))
        }
        BodyRule::Empty | BodyRule::Optional(_) | BodyRule::Required(_) if !is_json(headers) => {
            Err(Problem::new(Code::MediaType))
        }
        BodyRule::Empty | BodyRule::Optional(_) | BodyRule::Required(_) => Ok(()),
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let mut lines = headers.get_all(CONTENT_TYPE).iter();
    let (Some(line), None) = (lines.next(), lines.next()) else { return false };
    let Ok(text) = line.to_str() else { return false };
    let mut parts = text.split(';').map(str::trim);
    let essence = parts.next().unwrap_or("");
    let plain = parts.filter(|part| !part.is_empty()).all(|part| {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        !name.eq_ignore_ascii_case("charset") || value.trim_matches('"').eq_ignore_ascii_case("utf-8")
    });
    essence.eq_ignore_ascii_case("application/json") && plain
}

/// The key of a request that changes something; GET has none.
fn idempotency_key(spec: &Spec, received: &Received) -> Result<Option<IdempotencyKey>, Problem> {
    let invalid = || {
        let fault = Fault::invalid(
            "Idempotency-Key is one value of 1 to 255 visible ASCII characters, quoted or bare.",
            "Idempotency-Key 须为 1 至 255 个可见 ASCII 字符的单个值，可带引号。",
        );
        Problem::field(fault.at("/headers/idempotency-key"))
    };
    if spec.verb == Verb::Get {
        return Ok(None);
    }
    let mut lines = received.headers.get_all(IDEMPOTENCY_KEY).iter();
    let line = match (lines.next(), lines.next(), spec.key) {
        (None, _, KeyRule::Required) => return Err(Problem::new(Code::IdempotencyKeyMissing)),
        (None, _, KeyRule::Optional) => return Ok(None),
        (Some(line), None, KeyRule::Required | KeyRule::Optional) => line,
        (Some(_), Some(_), KeyRule::Required | KeyRule::Optional) => return Err(invalid()),
    };
    let key = key_text(line.as_bytes()).ok_or_else(invalid)?;
    let mut content = Vec::with_capacity(received.body.len() + received.path.len() + 16);
    content.extend_from_slice(received.method.as_str().as_bytes());
    content.push(b' ');
    content.extend_from_slice(received.path.as_bytes());
    content.push(b'\n');
    content.extend_from_slice(&received.body);
    let short = |bytes: &[u8]| crypto::sha256(bytes).first_chunk::<16>().copied().unwrap_or_default();
    Ok(Some(IdempotencyKey { hash: short(key), fingerprint: short(&content) }))
}

/// The key without its quotes: "k" and k are the same.
fn key_text(line: &[u8]) -> Option<&[u8]> {
    let bare = match line {
        [b'"', inside @ .., b'"'] => inside,
        [b'"', ..] => return None,
        bare => bare,
    };
    let fits = (1..=255).contains(&bare.len()) && bare.iter().all(u8::is_ascii_graphic);
    fits.then_some(bare)
}

impl Verb {
    fn class(self) -> Class {
        match self {
            Verb::Get => Class::Read,
            Verb::Post | Verb::Patch | Verb::Delete => Class::Write,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_with_and_without_quotes_are_the_same() {
        let long = [b'k'; 255];
        let too_long = [b'k'; 256];
        for (line, key) in [
            (&b"k"[..], Some(&b"k"[..])),
            (b"\"k\"", Some(b"k")),
            (b"a\"b", Some(b"a\"b")),
            (&long, Some(&long)),
            (&too_long, None),
            (b"", None),
            (b"\"\"", None),
            (b"\"", None),
            (b"\"k", None),
            (b"a b", None),
            (b"\"a b\"", None),
            ("é".as_bytes(), None),
        ] {
            assert_eq!(key_text(line), key, "{}", String::from_utf8_lossy(line));
        }
    }

    #[test]
    fn only_json_in_utf_8_is_json() {
        for (value, fits) in [
            ("application/json", true),
            ("Application/JSON; charset=UTF-8", true),
            ("application/json; charset=\"utf-8\"", true),
            ("application/json; charset=gbk", false),
            ("application/x-www-form-urlencoded", false),
            ("text/plain", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_TYPE, value.parse().unwrap());
            assert_eq!(is_json(&headers), fits, "{value}");
        }
        assert!(!is_json(&HeaderMap::new()));
    }

    #[test]
    fn ids_are_read_in_any_case() {
        let id = domain::id::PaymentId(domain::Uid::new(1, domain::id::Shard(1), 7));
        assert_eq!(parse_id(&id.to_string().to_ascii_uppercase()), Some(id));
        assert_eq!(parse_id::<domain::id::RefundId>(&id.to_string()), None);
        assert_eq!(parse_id::<domain::id::PaymentId>(&"pay_".repeat(40)), None);
    }
}
