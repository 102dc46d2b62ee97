//! Handshakes: bounded in number, and none holds up a shutdown.

use api::{ListenerTls, ServeLimits, serve};
use axum::Router;
use axum::routing::get;
use rcgen::generate_simple_self_signed;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

/// The first bytes of a handshake that is then left alone.
const HALF_A_HANDSHAKE: &[u8] = b"\x16\x03\x01\x02\x00\x01";

struct Served {
    address: SocketAddr,
    connector: TlsConnector,
    stop: Arc<Notify>,
    running: JoinHandle<std::io::Result<()>>,
}

async fn served(handshake_timeout_ms: u64, handshakes_max: usize) -> Served {
    let made = generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let certificate = CertificateDer::from(made.cert.der().to_vec());
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let provider = Arc::new(aws_lc_rs::default_provider());
    let server = ServerConfig::builder_with_provider(Arc::clone(&provider));
    let server = server.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    let server = server.with_single_cert(vec![certificate.clone()], key).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(certificate).unwrap();
    let client = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let client = client.with_root_certificates(roots).with_no_client_auth();
    let tls = ListenerTls::new("test", Arc::new(server), handshake_timeout_ms, handshakes_max);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stop = Arc::new(Notify::new());
    let until = Arc::clone(&stop);
    let router = Router::new().route("/fast", get(|| async { "ok" }));
    let until = async move { until.notified().await };
    let running = tokio::spawn(serve(listener, Some(Arc::new(tls)), router, until, ServeLimits::default()));
    Served { address, connector: TlsConnector::from(Arc::new(client)), stop, running }
}

impl Served {
    async fn fetch(&self) -> String {
        let stream = TcpStream::connect(self.address).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        let mut stream = self.connector.connect(name, stream).await.unwrap();
        stream.write_all(b"GET /fast HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    async fn half_a_handshake(&self) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(HALF_A_HANDSHAKE).await.unwrap();
        stream
    }
}

/// The turn is for computing: whoever makes others wait by saying nothing, half of it, or nothing more after the server's answer,
/// holds none.
#[tokio::test]
async fn one_turn_is_enough_however_many_never_finish() {
    let served = served(60_000, 1).await;
    let mut held = vec![TcpStream::connect(served.address).await.unwrap()];
    for _ in 0..20 {
        held.push(served.half_a_handshake().await);
    }
    for _ in 0..20 {
        let stream = TcpStream::connect(served.address).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        let mut hello = Vec::new();
        let mut client = rustls::ClientConnection::new(Arc::clone(served.connector.config()), name).unwrap();
        client.write_tls(&mut hello).unwrap();
        let mut stream = stream;
        stream.write_all(&hello).await.unwrap();
        // The server has answered, so the turn was had.
        stream.read_u8().await.unwrap();
        held.push(stream);
    }
    let answer = timeout(Duration::from_secs(20), served.fetch()).await.expect("its turn came");
    assert!(answer.ends_with("ok"), "{answer}");
}

#[tokio::test]
async fn a_handshake_under_way_does_not_hold_up_the_end() {
    let served = served(60_000, 8).await;
    let _held = served.half_a_handshake().await;
    assert!(served.fetch().await.ends_with("ok"));
    served.stop.notify_one();
    timeout(Duration::from_secs(10), served.running).await.expect("it ended").unwrap().unwrap();
}
