//! The one HTTP client that speaks to merchants: no proxy, no redirects, no address that was not checked, everything bounded.

use super::guard::{self, UrlRefusal, UrlRules};
use super::schedule;
use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crypto::webhook::{WebhookSecret, sign};
use domain::id::World;
use futures::future::BoxFuture;
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
        Clients::with_names(rules, times, Arc::new(|name| Box::pin(system_names(name))))
    }

    /// As [`Clients::new`], with names that somebody else looks up.
    fn with_names(rules: UrlRules, times: Times, names: Names) -> Result<Clients, ClientFault> {
        let resolving = Arc::new(Semaphore::new(RESOLVING_MAX));
        let make = |world| {
            let resolver = CheckedResolver {
                private: rules.private_in(world),
                resolving: Arc::clone(&resolving),
                names: Arc::clone(&names),
            };
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
    names: Names,
}

/// Looks a name up. The system's resolver does, but in tests.
type Names = Arc<dyn Fn(String) -> BoxFuture<'static, std::io::Result<Vec<SocketAddr>>> + Send + Sync>;

async fn system_names(name: String) -> std::io::Result<Vec<SocketAddr>> {
    Ok(tokio::net::lookup_host((name, 0)).await?.take(64).collect())
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
        let (resolving, names) = (Arc::clone(&self.resolving), Arc::clone(&self.names));
        Box::pin(async move {
            let found = look_up(names(name.as_str().to_owned()), resolving).await?;
            let allowed = allowed(found, private)?;
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

/// A look-up, within bounds. The permit stays with the look-up itself, which can't be stopped.
#[allow(clippy::disallowed_methods)] // the look-up outlives its caller's patience, and nothing depends on its end
async fn look_up(
    look: BoxFuture<'static, std::io::Result<Vec<SocketAddr>>>,
    resolving: Arc<Semaphore>,
) -> Result<Vec<SocketAddr>, ResolveFault> {
    let asked = async {
        let permit = resolving.acquire_owned().await.map_err(|_| ResolveFault::Busy)?;
        let looking = tokio::spawn(async move {
            let found = look.await;
            drop(permit);
            found
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
    use std::sync::atomic::{AtomicUsize, Ordering};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

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
        let names: Names = Arc::new(|name| Box::pin(system_names(name)));
        let strict = CheckedResolver { private: false, resolving: Arc::new(Semaphore::new(1)), names };
        let client = build(strict, Times { connect_ms: 1_000, total_ms: 2_000 }).unwrap();
        // Not through `check_url`, which knows this name: the resolver must refuse by itself.
        let error = client.get("http://localhost:9/").send().await.unwrap_err();
        assert_eq!(reason(&error), "address_forbidden");
    }

    /// A listener that counts who connects and answers everybody 200, without keeping the connection.
    async fn counted(address: &str) -> (SocketAddr, Arc<AtomicUsize>) {
        let listener = TcpListener::bind(address).await.unwrap();
        let (bound, count) = (listener.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
        let counting = Arc::clone(&count);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                counting.fetch_add(1, Ordering::SeqCst);
                let mut request = [0; 4_096];
                let _ = stream.read(&mut request).await;
                let _ = stream
                    .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
                    .await;
            }
        });
        (bound, count)
    }

    /// A name server that answers otherwise each time (DNS rebinding). Loopback stands for what may be called, link-local addresses,
    /// where clouds keep their metadata, for what may not.
    #[tokio::test]
    async fn a_name_that_moves_is_judged_anew_and_never_followed_inside() {
        let (allowed_at, reached) = counted("127.0.0.1:0").await;
        let answers = [
            vec!["127.0.0.1"],
            vec!["169.254.169.254"],
            vec!["169.254.169.254", "127.0.0.1", "fe80::1"],
            vec![],
        ];
        let asked = Arc::new(AtomicUsize::new(0));
        let asking = Arc::clone(&asked);
        let names: Names = Arc::new(move |_| {
            let answer = answers.get(asking.fetch_add(1, Ordering::SeqCst)).cloned().unwrap_or_default();
            Box::pin(async move { Ok(answer.into_iter().map(address).collect()) })
        });
        let times = Times { connect_ms: 2_000, total_ms: 4_000 };
        let clients = Clients::with_names(UrlRules { allow_private: true }, times, names).unwrap();
        let url = format!("http://hook.example:{}/", allowed_at.port());
        let send = async || {
            let request = Request {
                url: &url,
                world: World::Sandbox,
                id: "evt_1",
                timestamp_s: 1,
                body: "{}",
                secrets: &[&[7; 32]],
            };
            let answer = clients.send(&request, 0).await;
            (answer.status, answer.error)
        };
        assert_eq!(send().await, (Some(200), None));
        assert_eq!(asked.load(Ordering::SeqCst), 1, "the address that was judged is the one that is called");
        assert_eq!(send().await, (None, Some("address_forbidden")));
        assert_eq!(send().await, (Some(200), None), "of several addresses the allowed one");
        assert_eq!(send().await, (None, Some("name_not_resolved")));
        assert_eq!((asked.load(Ordering::SeqCst), reached.load(Ordering::SeqCst)), (4, 2));
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
