//! The answer's headers, the refusal's document, the log and the counters.

use super::call::{Content, Reply};
use crate::problem::{About, Problem};
use crate::state::Shared;
use crate::text::Lang;
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::id::World;
use futures::TryStreamExt;
use http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LANGUAGE, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE,
};
use http::{HeaderName, HeaderValue, Method, StatusCode};
use tokio::time::Instant;

/// What is known about a request when it is answered, whatever the answer.
pub(super) struct Envelope {
    started: Instant,
    method: Method,
    path: String,
    lang: Lang,
    request_id: String,
    route: &'static str,
    pub(super) world: Option<World>,
}

impl Envelope {
    pub(super) fn new(state: &Shared, request: &Request, route: &'static str) -> Envelope {
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

    pub(super) fn finish(self, state: &Shared, result: Result<Reply, Problem>) -> Response {
        let (status, mut response) = match result {
            Ok(reply) => {
                let mut response = body_of(reply.content);
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
            set(&mut response, WWW_AUTHENTICATE, "Bearer realm=\"sandbox\"");
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
        // What succeeds is counted above; a line each is for whoever looks closer.
        if status.is_client_error() || status.is_server_error() {
            tracing::info!(
                target: "access",
                method = method_label(&self.method),
                route = self.route,
                status = status.as_u16(),
                latency_us,
                request_id = self.request_id,
            );
        } else {
            tracing::debug!(
                target: "access",
                method = method_label(&self.method),
                route = self.route,
                status = status.as_u16(),
                latency_us,
                request_id = self.request_id,
            );
        }
    }
}

fn body_of(content: Content) -> Response {
    match content {
        Content::Json(json) => {
            let mut response = Response::new(Body::from(json));
            set(&mut response, CONTENT_TYPE, "application/json");
            response
        }
        Content::File(file) => {
            // An error among the chunks cuts the connection, so that nobody takes half a file for a whole one.
            let chunks = file.chunks.map_err(|refusal| std::io::Error::other(format!("{refusal:?}")));
            let mut response = Response::new(Body::from_stream(chunks));
            set(&mut response, CONTENT_TYPE, file.content_type);
            set(&mut response, CONTENT_DISPOSITION, &format!("attachment; filename=\"{}\"", file.name));
            if let Some(sha256) = file.sha256 {
                set(&mut response, REPR_DIGEST, &format!("sha-256=:{}:", STANDARD.encode(sha256)));
            }
            response
        }
    }
}

const REPR_DIGEST: HeaderName = HeaderName::from_static("repr-digest");
const REQUEST_ID: HeaderName = HeaderName::from_static("request-id");
const WORLD: HeaderName = HeaderName::from_static("feiqian-world");
const VERSION: HeaderName = HeaderName::from_static("feiqian-version");
const IDEMPOTENCY_STATUS: HeaderName = HeaderName::from_static("idempotency-status");

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
        // A defect and a full queue call for different people.
        500 => "500",
        503 => "503",
        _ => "5xx",
    }
}
