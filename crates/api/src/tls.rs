//! TLS of a listener: handshakes bounded in time and number, over a certificate that can be exchanged while serving.
//! Which files the certificate comes from is not known here.

use arc_swap::ArcSwap;
use rustls::ServerConfig;
use rustls::server::Acceptor;
use std::future::{Future, poll_fn};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::server::TlsStream;

/// First byte of a TLS record that carries a handshake (RFC 8446 section 5.1).
const HANDSHAKE_RECORD: u8 = 0x16;
/// Told to a client that speaks plain HTTP to a TLS port: it would see a broken connection otherwise, and guess.
const PLAIN_HTTP_ANSWER: &str = "HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: 45\r\n\
                                 connection: close\r\n\r\nthis port speaks TLS: use https:// in the URL";
/// How much of such a client's request is read away, so that it gets to see the answer.
const PLAIN_HTTP_BYTES_MAX: usize = 64 * 1_024;
/// How long that may take.
const PLAIN_HTTP_END_MAX: Duration = Duration::from_secs(1);

/// Why a handshake came to nothing; the label of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Failure {
    /// The client did not finish in time.
    Timeout,
    /// The client spoke HTTP without TLS.
    PlainHttp,
    /// The two could not agree, or the connection broke.
    Refused,
}

impl Failure {
    fn as_str(self) -> &'static str {
        match self {
            Failure::Timeout => "timeout",
            Failure::PlainHttp => "plain_http",
            Failure::Refused => "refused",
        }
    }
}

/// The TLS side of one listener.
pub struct ListenerTls {
    listener: &'static str,
    current: ArcSwap<ServerConfig>,
    handshakes: Semaphore,
    handshake_timeout: Duration,
}

impl ListenerTls {
    /// TLS for the listener of this name, which is a label of metrics. A handshake may take `handshake_timeout_ms`; no more
    /// than `handshakes_max` are computed at once, the others wait within their time.
    pub fn new(
        listener: &'static str,
        config: Arc<ServerConfig>,
        handshake_timeout_ms: u64,
        handshakes_max: usize,
    ) -> ListenerTls {
        ListenerTls {
            listener,
            current: ArcSwap::new(config),
            handshakes: Semaphore::new(handshakes_max.clamp(1, Semaphore::MAX_PERMITS)),
            handshake_timeout: Duration::from_millis(handshake_timeout_ms),
        }
    }

    /// Handshakes that begin from now on see this configuration; connections that stand are left alone.
    pub fn exchange(&self, config: Arc<ServerConfig>) {
        self.current.store(config);
    }

    /// Shakes hands; `None` when that came to nothing, which is counted and otherwise the client's own business.
    pub(crate) async fn accept(&self, stream: TcpStream) -> Option<TlsStream<TcpStream>> {
        let failure = match timeout(self.handshake_timeout, self.handshake(stream)).await {
            Ok(Ok(stream)) => return Some(stream),
            Ok(Err(failure)) => failure,
            Err(_) => Failure::Timeout,
        };
        metrics::counter!("feiqian_tls_handshakes_failed_total",
            "listener" => self.listener, "reason" => failure.as_str())
        .increment(1);
        None
    }

    async fn handshake(&self, stream: TcpStream) -> Result<TlsStream<TcpStream>, Failure> {
        // A client that says nothing yet costs nothing yet: it takes its turn when its first byte is there.
        let mut first = [0];
        match stream.peek(&mut first).await {
            Ok(0) | Err(_) => return Err(Failure::Refused),
            Ok(_) if first == [HANDSHAKE_RECORD] => {}
            Ok(_) if first.iter().all(u8::is_ascii_uppercase) => {
                let _ = timeout(PLAIN_HTTP_END_MAX, tell_plain_http(stream)).await;
                return Err(Failure::PlainHttp);
            }
            Ok(_) => return Err(Failure::Refused),
        }
        let refused = |error: std::io::Error| {
            tracing::debug!(%error, listener = self.listener, "a TLS handshake came to nothing");
            Failure::Refused
        };
        // A client that has not said all of its hello takes no turn either: slow ones would hold all turns among themselves.
        let hello = LazyConfigAcceptor::new(Acceptor::default(), stream).await.map_err(refused)?;
        let mut shaking = std::pin::pin!(hello.into_stream(self.current.load_full()));
        let computed = {
            let _turn = self.handshakes.acquire().await.map_err(|_| Failure::Refused)?;
            // What is computed is computed in this poll: the answer to the hello. The rest is waiting for the client.
            poll_fn(|context| Poll::Ready(shaking.as_mut().poll(context))).await
        };
        match computed {
            Poll::Ready(shaken) => shaken.map_err(refused),
            Poll::Pending => shaking.await.map_err(refused),
        }
    }
}

async fn tell_plain_http(mut stream: TcpStream) -> std::io::Result<()> {
    stream.write_all(PLAIN_HTTP_ANSWER.as_bytes()).await?;
    stream.shutdown().await?;
    let mut rest = stream.take(PLAIN_HTTP_BYTES_MAX as u64);
    tokio::io::copy(&mut rest, &mut tokio::io::sink()).await.map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_to_plain_http_counts_its_own_bytes() {
        let (head, body) = PLAIN_HTTP_ANSWER.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("content-length: {}\r\n", body.len())), "{head}");
    }
}
