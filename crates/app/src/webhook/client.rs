//! The one HTTP client that speaks to merchants: no proxy, no redirects, no address that was not checked, everything bounded.

use super::guard::{self, UrlRefusal, UrlRules};
use super::schedule;
use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crypto::webhook::{WebhookSecret, sign};
use domain::id::World;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;

/// The most of an answer's body that is read. It is thrown away: reading it only keeps the connection usable.
const ANSWER_MAX_BYTES: usize = 16 * 1_024;
/// How long that reading may take.
const ANSWER_TIME: Duration = Duration::from_secs(1);
/// How long a name may take to resolve.
const RESOLVE_TIME: Duration = Duration::from_secs(4);
/// Names resolved at once: the system's resolver holds a thread for each.
const RESOLVING_MAX: usize = 32;
/// Addresses tried of one name.
const ADDRESSES_MAX: usize = 8;

/// Bounds of time, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    /// Until the connection stands.
    pub connect_ms: u64,
    /// Until the answer's head is there.
    pub total_ms: u64,
}

/// One request to be made.
pub struct Request<'a> {
    /// The address.
    pub url: &'a str,
    /// The world it belongs to.
    pub world: World,
    /// The event's id, `webhook-id`.
    pub id: &'a str,
    /// Real seconds of this try, `webhook-timestamp`.
    pub timestamp_s: i64,
    /// The event's body as stored.
    pub body: &'a str,
    /// Raw secrets to sign with, the newest first.
    pub secrets: &'a [&'a [u8]],
}

/// How a try ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status, if there was an answer.
    pub status: Option<u16>,
    /// How long it took.
    pub latency_ms: i64,
    /// What went wrong, as one word: never an address, a header or a body.
    pub error: Option<&'static str>,
    /// What the receiver asked for, in seconds.
    pub retry_after_s: Option<i64>,
}

/// Carries webhooks to their receivers.
#[async_trait]
pub trait Post: Send + Sync {
    /// Makes one try. Never fails otherwise than by its answer.
    async fn post(&self, request: &Request<'_>, now_us: i64) -> Answer;
}

#[async_trait]
impl Post for Clients {
    async fn post(&self, request: &Request<'_>, now_us: i64) -> Answer {
        self.send(request, now_us).await
    }
}

/// The clients, by what they may connect to.
pub struct Clients {
    strict: reqwest::Client,
    /// Of the sandbox.
    sandbox: reqwest::Client,
    rules: UrlRules,
    total: Duration,
}

/// The clients could not be made: the TLS library or its roots are missing.
#[derive(Debug, thiserror::Error)]
#[error("the webhook client can't be made: {0}")]
pub struct ClientFault(String);

impl Clients {
    /// Makes both.
    ///
    /// # Errors
    /// [`ClientFault`].
    pub fn new(rules: UrlRules, times: Times) -> Result<Clients, ClientFault> {
        let resolving = Arc::new(Semaphore::new(RESOLVING_MAX));
        let make = |world| {
            let resolver =
                CheckedResolver { private: rules.private_in(world), resolving: Arc::clone(&resolving) };
            build(resolver, times).map_err(|error| ClientFault(error.without_url().to_string()))
        };
        let total = Duration::from_millis(times.total_ms);
        Ok(Clients { strict: make(World::Live)?, sandbox: make(World::Sandbox)?, rules, total })
    }

    /// Makes one try. Never fails otherwise than by its answer.
    pub async fn send(&self, request: &Request<'_>, now_us: i64) -> Answer {
        let start = Instant::now();
        let url = match guard::check_url(request.url, request.world, &self.rules) {
            Ok(url) => url,
            Err(refusal) => return no_answer(start, refused(refusal)),
        };
        let Some(signature) = signature(request) else { return no_answer(start, "secret_unusable") };
        let client = match request.world {
            World::Live => &self.strict,
            World::Sandbox => &self.sandbox,
        };
        let sent = client
            .post(url)
            .header("webhook-id", request.id)
            .header("webhook-timestamp", request.timestamp_s)
            .header("webhook-signature", signature)
            .header(CONTENT_TYPE, "application/json")
            .body(request.body.to_owned())
            .send();
        let response = match tokio::time::timeout(self.total, sent).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => return no_answer(start, reason(&error)),
            Err(_) => return no_answer(start, "timeout"),
        };
        let status = response.status().as_u16();
        let latency_ms = elapsed_ms(start);
        let retry_after_s = retry_after_s(response.headers(), now_us);
        let _ = tokio::time::timeout(ANSWER_TIME, drain(response)).await;
        let error = match status {
            200..=299 => None,
            300..=399 => Some("redirect_not_followed"),
            _ => Some("http_status"),
        };
        Answer { status: Some(status), latency_ms, error, retry_after_s }
    }
}

fn build(resolver: CheckedResolver, times: Times) -> reqwest::Result<reqwest::Client> {
    reqwest::Client::builder()
        .user_agent(concat!("Feiqian-Webhooks/", env!("CARGO_PKG_VERSION")))
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .dns_resolver(Arc::new(resolver))
        // One request per connection at a time: a stuck connection holds up nothing else.
        .http1_only()
        .connect_timeout(Duration::from_millis(times.connect_ms))
        .timeout(Duration::from_millis(times.total_ms) + ANSWER_TIME)
        .pool_max_idle_per_host(4)
        .pool_idle_timeout(Duration::from_secs(20))
        .build()
}

/// The header with one signature per secret; `None` when a secret has an impossible length.
fn signature(request: &Request<'_>) -> Option<String> {
    let parse = |bytes: &&[u8]| WebhookSecret::parse(&format!("whsec_{}", STANDARD.encode(bytes))).ok();
    let secrets: Vec<WebhookSecret> = request.secrets.iter().map(parse).collect::<Option<_>>()?;
    (!secrets.is_empty()).then(|| sign(&secrets, request.id, request.timestamp_s, request.body.as_bytes()))
}

fn retry_after_s(headers: &HeaderMap, now_us: i64) -> Option<i64> {
    headers
        .get(RETRY_AFTER)
        .and_then(|value| value.to_str().ok())
        .and_then(|text| schedule::retry_after_s(text, now_us))
}

async fn drain(mut response: reqwest::Response) {
    let mut read = 0;
    while let Ok(Some(chunk)) = response.chunk().await {
        read += chunk.len();
        if read >= ANSWER_MAX_BYTES {
            return;
        }
    }
}

fn elapsed_ms(start: Instant) -> i64 {
    i64::try_from(start.elapsed().as_millis()).unwrap_or(i64::MAX)
}

fn no_answer(start: Instant, error: &'static str) -> Answer {
    Answer { status: None, latency_ms: elapsed_ms(start), error: Some(error), retry_after_s: None }
}

fn refused(refusal: UrlRefusal) -> &'static str {
    match refusal {
        UrlRefusal::ForbiddenAddress => "address_forbidden",
        UrlRefusal::Malformed
        | UrlRefusal::Scheme
        | UrlRefusal::HttpsRequired
        | UrlRefusal::UserInfo
        | UrlRefusal::NoHost => "url_not_allowed",
    }
}

/// One word for a transport's error. Its own text holds the URL, so it is shown to nobody.
fn reason(error: &reqwest::Error) -> &'static str {
    let mut source = error.source();
    for _ in 0..16 {
        let Some(cause) = source else { break };
        if let Some(fault) = cause.downcast_ref::<ResolveFault>() {
            return fault.word();
        }
        source = cause.source();
    }
    if error.is_timeout() {
        "timeout"
    } else if error.is_connect() {
        "connect_failed"
    } else {
        "connection_broken"
    }
}

/// Resolves names and hands on allowed addresses only. The connection is made to what it answers, so a second answer of the
/// name server (rebinding) is never asked for.
struct CheckedResolver {
    private: bool,
    resolving: Arc<Semaphore>,
}

/// Why a name led nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
enum ResolveFault {
    #[error("the name does not resolve")]
    NotFound,
    #[error("the name resolves to forbidden addresses only")]
    Forbidden,
    #[error("too many names are being resolved")]
    Busy,
}

impl ResolveFault {
    fn word(self) -> &'static str {
        match self {
            ResolveFault::NotFound => "name_not_resolved",
            ResolveFault::Forbidden => "address_forbidden",
            ResolveFault::Busy => "resolver_busy",
        }
    }
}

impl Resolve for CheckedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let private = self.private;
        let resolving = Arc::clone(&self.resolving);
        Box::pin(async move {
            let found = look_up(name.as_str().to_owned(), resolving).await?;
            let allowed = allowed(found, private)?;
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

/// The system's resolver, within bounds. The permit stays with the look-up itself, which can't be stopped.
#[allow(clippy::disallowed_methods)] // the look-up outlives its caller's patience, and nothing depends on its end
async fn look_up(name: String, resolving: Arc<Semaphore>) -> Result<Vec<SocketAddr>, ResolveFault> {
    let asked = async {
        let permit = resolving.acquire_owned().await.map_err(|_| ResolveFault::Busy)?;
        let looking = tokio::spawn(async move {
            let found = tokio::net::lookup_host((name, 0)).await;
            drop(permit);
            found.map(|addresses| addresses.take(64).collect::<Vec<_>>())
        });
        match looking.await {
            Ok(Ok(found)) => Ok(found),
            Ok(Err(_)) | Err(_) => Err(ResolveFault::NotFound),
        }
    };
    tokio::time::timeout(RESOLVE_TIME, asked).await.unwrap_or(Err(ResolveFault::Busy))
}

/// The addresses that may be connected to.
fn allowed(found: Vec<SocketAddr>, private: bool) -> Result<Vec<SocketAddr>, ResolveFault> {
    if found.is_empty() {
        return Err(ResolveFault::NotFound);
    }
    let fit = found.into_iter().filter(|address| guard::may_connect(address.ip(), private));
    let allowed: Vec<SocketAddr> = fit.take(ADDRESSES_MAX).collect();
    if allowed.is_empty() { Err(ResolveFault::Forbidden) } else { Ok(allowed) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> SocketAddr {
        SocketAddr::new(text.parse().unwrap(), 0)
    }

    #[test]
    fn a_name_leads_to_allowed_addresses_only() {
        let mixed = vec![
            address("127.0.0.1"),
            address("8.8.8.8"),
            address("::ffff:10.0.0.1"),
            address("169.254.169.254"),
        ];
        assert_eq!(allowed(mixed.clone(), false), Ok(vec![address("8.8.8.8")]));
        assert_eq!(
            allowed(mixed, true),
            Ok(vec![address("127.0.0.1"), address("8.8.8.8"), address("::ffff:10.0.0.1")])
        );
        assert_eq!(allowed(vec![address("::1"), address("fe80::1")], false), Err(ResolveFault::Forbidden));
        assert_eq!(allowed(vec![], true), Err(ResolveFault::NotFound));
    }

    #[tokio::test]
    async fn a_name_of_this_machine_is_refused_after_its_resolution() {
        let strict = CheckedResolver { private: false, resolving: Arc::new(Semaphore::new(1)) };
        let client = build(strict, Times { connect_ms: 1_000, total_ms: 2_000 }).unwrap();
        // Not through `check_url`, which knows this name: the resolver must refuse by itself.
        let error = client.get("http://localhost:9/").send().await.unwrap_err();
        assert_eq!(reason(&error), "address_forbidden");
    }

    #[test]
    fn secrets_of_an_impossible_length_sign_nothing() {
        let request = |secrets| Request {
            url: "",
            world: World::Sandbox,
            id: "evt_1",
            timestamp_s: 1,
            body: "{}",
            secrets,
        };
        assert_eq!(signature(&request(&[])), None);
        assert_eq!(signature(&request(&[b"short"])), None);
        assert_eq!(signature(&request(&[&[7; 32], &[8; 32]])).unwrap().split(' ').count(), 2);
    }
}
