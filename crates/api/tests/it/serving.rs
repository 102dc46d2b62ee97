//! The accept loop: heads and idle connections are bounded in time, and a shutdown lets open requests end.

use api::{ServeLimits, serve};
use axum::Router;
use axum::routing::get;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// More than the sockets of both sides buffer.
const LARGE_BYTES: usize = 32 * 1024 * 1024;

struct Served {
    address: SocketAddr,
    stop: Arc<Notify>,
    running: JoinHandle<std::io::Result<()>>,
    /// Lets `/slow` answer.
    go: Arc<Notify>,
    /// Told when `/slow` was entered.
    entered: Arc<Notify>,
}

async fn served(limits: ServeLimits) -> Served {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, go, entered) = (Arc::new(Notify::new()), Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (until, wait, tell) = (Arc::clone(&stop), Arc::clone(&go), Arc::clone(&entered));
    let slow = get(move || async move {
        tell.notify_one();
        wait.notified().await;
        "done"
    });
    let large = get(|| async { vec![b'x'; LARGE_BYTES] });
    let fast = get(|| async { "ok" }).post(|body: String| async { body });
    let router = Router::new().route("/fast", fast).route("/slow", slow).route("/large", large);
    let running = tokio::spawn(serve(listener, None, router, async move { until.notified().await }, limits));
    Served { address, stop, running, go, entered }
}

/// Everything until the server closes.
async fn rest(stream: &mut TcpStream) -> String {
    let mut out = String::new();
    timeout(Duration::from_secs(10), stream.read_to_string(&mut out)).await.expect("closed in time").unwrap();
    out
}

#[tokio::test]
async fn a_head_that_never_ends_and_a_connection_that_says_nothing_are_closed() {
    let limits = ServeLimits { head_timeout_ms: 200, idle_max_ms: 300, ..ServeLimits::default() };
    let served = served(limits).await;
    let mut dripping = TcpStream::connect(served.address).await.unwrap();
    dripping.write_all(b"GET /fast HTTP/1.1\r\nHost: x\r\n").await.unwrap();
    let mut silent = TcpStream::connect(served.address).await.unwrap();
    let mut idle = TcpStream::connect(served.address).await.unwrap();
    idle.write_all(b"GET /fast HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    assert!(!rest(&mut dripping).await.starts_with("HTTP/1.1 200"));
    assert_eq!(rest(&mut silent).await, "");
    assert!(rest(&mut idle).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn too_many_fields_are_refused() {
    let served = served(ServeLimits { headers_max: 8, ..ServeLimits::default() }).await;
    let mut stream = TcpStream::connect(served.address).await.unwrap();
    let fields: String = (0..20).map(|n| format!("x-{n}: 1\r\n")).collect();
    stream.write_all(format!("GET /fast HTTP/1.1\r\nHost: x\r\n{fields}\r\n").as_bytes()).await.unwrap();
    assert!(rest(&mut stream).await.starts_with("HTTP/1.1 431"));
}

#[tokio::test]
async fn a_shutdown_waits_for_open_requests_and_for_no_idle_connection() {
    let served = served(ServeLimits::default()).await;
    let mut idle = TcpStream::connect(served.address).await.unwrap();
    idle.write_all(b"GET /fast HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let mut busy = TcpStream::connect(served.address).await.unwrap();
    busy.write_all(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    served.entered.notified().await;
    served.stop.notify_one();
    assert!(rest(&mut idle).await.ends_with("ok"));
    assert!(!served.running.is_finished());
    served.go.notify_one();
    assert!(rest(&mut busy).await.ends_with("done"));
    timeout(Duration::from_secs(10), served.running).await.expect("drained in time").unwrap().unwrap();
    assert!(TcpStream::connect(served.address).await.is_err());
}

#[tokio::test]
async fn a_request_with_a_transfer_coding_is_the_last_of_its_connection() {
    let served = served(ServeLimits::default()).await;
    let mut stream = TcpStream::connect(served.address).await.unwrap();
    let chunked = "POST /fast HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n";
    let behind = "GET /fast HTTP/1.1\r\nHost: x\r\n\r\n";
    stream.write_all(format!("{chunked}{behind}").as_bytes()).await.unwrap();
    let answers = rest(&mut stream).await;
    assert_eq!(answers.matches("HTTP/1.1 200").count(), 1, "{answers}");
    assert!(
        answers.to_ascii_lowercase().contains("connection: close") && answers.ends_with("hi"),
        "{answers}"
    );
}

#[tokio::test]
async fn who_reads_no_more_is_closed_and_who_reads_slowly_is_not() {
    let served = served(ServeLimits { idle_max_ms: 1_000, ..ServeLimits::default() }).await;
    let ask = b"GET /large HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let mut stalled = TcpStream::connect(served.address).await.unwrap();
    stalled.write_all(ask).await.unwrap();
    let mut slow = TcpStream::connect(served.address).await.unwrap();
    slow.write_all(ask).await.unwrap();
    let (mut taken, mut buffer) = (0, vec![0; 1024 * 1024]);
    // Three times as long as a connection may be idle.
    let begun = tokio::time::Instant::now();
    loop {
        let read = slow.read(&mut buffer).await.unwrap();
        taken += read;
        if read == 0 {
            break;
        }
        if begun.elapsed() < Duration::from_secs(3) {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
    assert!(taken > LARGE_BYTES, "{taken} bytes of a slow download");
    assert!(begun.elapsed() > Duration::from_secs(2), "the download was not slow");
    // What was in flight can still be read; the rest was given up.
    let mut got = Vec::new();
    let _ = timeout(Duration::from_secs(10), stalled.read_to_end(&mut got)).await.expect("closed in time");
    assert!(got.len() < LARGE_BYTES, "{} bytes", got.len());
}

#[tokio::test]
async fn idle_connections_make_room_when_the_slots_run_out() {
    let limits = ServeLimits { connections_max: 8, idle_max_ms: 16_000, ..ServeLimits::default() };
    let served = served(limits).await;
    let mut idle = Vec::new();
    for _ in 0..8 {
        let mut stream = TcpStream::connect(served.address).await.unwrap();
        stream.write_all(b"GET /fast HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        idle.push(stream);
    }
    // The ninth waits for a slot, and gets one long before an idle connection would have ended by itself.
    let mut late = TcpStream::connect(served.address).await.unwrap();
    late.write_all(b"GET /fast HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.unwrap();
    assert!(rest(&mut late).await.starts_with("HTTP/1.1 200"));
}
