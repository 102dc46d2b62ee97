//! The accept loop: HTTP/1.1 with bounds on everything that a client could hold open. axum's own `serve` installs no
//! timer, so its header timeout would never fire; and a connection that never sends a byte, or idles between requests,
//! is bounded here too. With TLS, the handshake comes first.

use crate::access::PeerAddr;
use crate::config::ServeLimits;
use crate::tls::ListenerTls;
use axum::Router;
use axum::body::Body;
use axum::response::Response;
use http::header::{CONNECTION, TRANSFER_ENCODING};
use http::{HeaderValue, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::future::Future;
use std::io::IoSlice;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{Instant, sleep, timeout};
use tower::ServiceExt;

/// Pause after a failed accept, such as for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// How often a connection's idleness and age are looked at, at most.
const LOOK_MAX: Duration = Duration::from_secs(5);
/// While fewer of the slots than one in so many are free, idle connections are given up so many times sooner.
const CROWDED: (usize, u64) = (4, 8);
/// How long a connection that was told to end may still take.
const END_MAX: Duration = Duration::from_secs(30);

/// Known to every request: whether its listener closes.
#[derive(Debug, Clone)]
pub struct Closing(watch::Receiver<bool>);

impl Closing {
    /// Comes back when the listener takes no more requests.
    pub async fn begun(mut self) {
        // A sender that is gone has closed too.
        let _ = self.0.wait_for(|closing| *closing).await;
    }
}

/// Serves `router` on `listener`, with TLS if there is any, until `shutdown` is ready; then lets open requests end, at most
/// [`ServeLimits::drain_max_ms`].
///
/// # Errors
/// None at present: failed accepts are logged and tried again.
pub async fn serve(
    listener: TcpListener,
    tls: Option<Arc<ListenerTls>>,
    router: Router,
    shutdown: impl Future<Output = ()> + Send,
    limits: ServeLimits,
) -> std::io::Result<()> {
    let slots = Arc::new(Semaphore::new(limits.connections_max));
    let (end, ended) = watch::channel(false);
    tokio::pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            () = &mut shutdown => break,
            accepted = accept(&listener, &slots) => accepted,
        };
        match accepted {
            Ok((stream, peer, slot)) => {
                let http = Http {
                    peer,
                    router: router.clone(),
                    ended: ended.clone(),
                    limits,
                    slots: Arc::clone(&slots),
                };
                tokio::spawn(connection(stream, tls.clone(), http, slot));
            }
            Err(error) => {
                tracing::warn!(%error, "accept failed");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    let _ = end.send(true);
    let all = u32::try_from(limits.connections_max).unwrap_or(u32::MAX);
    if timeout(Duration::from_millis(limits.drain_max_ms), slots.acquire_many(all)).await.is_err() {
        tracing::warn!("connections were still open at the end of the drain");
    }
    Ok(())
}

async fn accept(
    listener: &TcpListener,
    slots: &Arc<Semaphore>,
) -> std::io::Result<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let slot = Arc::clone(slots).acquire_owned().await.map_err(std::io::Error::other)?;
    let (stream, peer) = listener.accept().await?;
    stream.set_nodelay(true)?;
    Ok((stream, peer, slot))
}

/// What a connection does, seen by its watcher.
struct Activity {
    born: Instant,
    open_requests: AtomicUsize,
    /// Milliseconds after `born` of the last change.
    changed_ms: AtomicU64,
}

impl Activity {
    fn touch(&self) {
        let since_ms = u64::try_from(self.born.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.changed_ms.store(since_ms, Ordering::Relaxed);
    }

    /// True when the connection shall end: too old, or idle for too long. Where others wait for a slot, idle connections make room.
    fn is_over(&self, limits: &ServeLimits, crowded: bool) -> bool {
        let idle_max_ms = if crowded { limits.idle_max_ms / CROWDED.1 } else { limits.idle_max_ms };
        let age_ms = u64::try_from(self.born.elapsed().as_millis()).unwrap_or(u64::MAX);
        let idle_ms = age_ms.saturating_sub(self.changed_ms.load(Ordering::Relaxed));
        let idle = self.open_requests.load(Ordering::Relaxed) == 0 && idle_ms >= idle_max_ms;
        idle || age_ms >= limits.age_max_ms
    }
}

/// Counts a request as open until it is dropped, also when the client goes away.
struct Open(Arc<Activity>);

impl Open {
    fn new(activity: &Arc<Activity>) -> Open {
        activity.open_requests.fetch_add(1, Ordering::Relaxed);
        activity.touch();
        Open(Arc::clone(activity))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.touch();
        self.0.open_requests.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What a connection needs once its bytes are HTTP.
struct Http {
    peer: SocketAddr,
    router: Router,
    ended: watch::Receiver<bool>,
    limits: ServeLimits,
    slots: Arc<Semaphore>,
}

/// One connection from accept to end; its slot is free when this is done.
async fn connection(
    stream: TcpStream,
    tls: Option<Arc<ListenerTls>>,
    http: Http,
    slot: OwnedSemaphorePermit,
) {
    let Some(tls) = tls else {
        http.serve(stream).await;
        drop(slot);
        return;
    };
    let mut ended = http.ended.clone();
    let shaken = tokio::select! {
        shaken = tls.accept(stream) => shaken,
        _ = ended.wait_for(|ended| *ended) => None,
    };
    if let Some(stream) = shaken {
        http.serve(stream).await;
    }
    drop(slot);
}

impl Http {
    async fn serve(self, stream: impl AsyncRead + AsyncWrite + Unpin) {
        let Http { peer, router, mut ended, limits, slots } = self;
        let activity = Arc::new(Activity {
            born: Instant::now(),
            open_requests: AtomicUsize::new(0),
            changed_ms: AtomicU64::new(0),
        });
        let seen = Arc::clone(&activity);
        let closing = Closing(ended.clone());
        let service = service_fn(move |request: hyper::Request<Incoming>| {
            let open = Open::new(&activity);
            let chunked = request.headers().contains_key(TRANSFER_ENCODING);
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(PeerAddr(peer));
            request.extensions_mut().insert(closing.clone());
            let large = head_bytes(&request) > limits.head_max_bytes;
            let router = router.clone();
            async move {
                let answer = if large { Ok(too_large()) } else { router.oneshot(request).await };
                let answer = if chunked || large { answer.map(end_after) } else { answer };
                drop(open);
                answer
            }
        });
        let mut builder = http1::Builder::new();
        builder
            .timer(TokioTimer::new())
            .header_read_timeout(Duration::from_millis(limits.head_timeout_ms))
            .max_headers(limits.headers_max)
            .max_buf_size(limits.head_max_bytes.max(8_192))
            .keep_alive(true);
        let watched = Watched { stream, activity: Arc::clone(&seen) };
        let running = builder.serve_connection(TokioIo::new(watched), service);
        tokio::pin!(running);
        let look = LOOK_MAX.min(Duration::from_millis(limits.idle_max_ms.min(limits.age_max_ms) / 2 + 1));
        loop {
            tokio::select! {
                result = running.as_mut() => return log_end(result),
                changed = ended.changed() => if changed.is_err() || *ended.borrow() { break },
                () = sleep(look) => if seen.is_over(&limits, is_crowded(&slots, &limits)) { break },
            }
        }
        running.as_mut().graceful_shutdown();
        // Nothing that moved for that long will move after it.
        let end_max = END_MAX.min(Duration::from_millis(limits.idle_max_ms));
        if let Ok(result) = timeout(end_max, running).await {
            log_end(result);
        }
    }
}

fn is_crowded(slots: &Semaphore, limits: &ServeLimits) -> bool {
    slots.available_permits() < limits.connections_max / CROWDED.0
}

/// What a head takes on the wire, nearly: the buffer that holds it while it is read is bounded by hyper, and not to the byte.
fn head_bytes(request: &hyper::Request<Body>) -> usize {
    let target = request.uri().path_and_query().map_or(0, |target| target.as_str().len());
    let line = request.method().as_str().len() + target;
    request.headers().iter().fold(line, |sum, (name, value)| sum + name.as_str().len() + value.len() + 4)
}

/// As hyper answers heads with too many fields.
fn too_large() -> Response {
    let mut answer = Response::new(Body::empty());
    *answer.status_mut() = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
    answer
}

/// A request that named a transfer coding is the last of its connection (RFC 9112 section 6.1): had it a length too, a proxy
/// before us may see its end elsewhere, and what follows would be somebody else's request.
fn end_after(mut answer: Response) -> Response {
    answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    answer
}

/// A connection that tells its watcher of every byte that the client takes: who downloads slowly is not idle, who reads no more is.
struct Watched<S> {
    stream: S,
    activity: Arc<Activity>,
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        if written.is_ready() {
            self.activity.touch();
        }
        written
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<std::io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, pieces);
        if written.is_ready() {
            self.activity.touch();
        }
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

fn log_end(result: Result<(), hyper::Error>) {
    if let Err(error) = result {
        tracing::debug!(%error, "connection ended");
    }
}
