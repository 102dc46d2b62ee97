//! A way to the server that loses what the test wants it to lose.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

/// What becomes of the next COMMIT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Fate {
    /// It goes through, and its answer comes back.
    Pass,
    /// It goes through; its answer is lost, and the connection with it.
    LoseAnswer,
    /// It is lost, and the connection with it.
    LoseRequest,
    /// It goes through; its answer never comes, and the connection stands.
    Swallow,
    /// Connections are taken, and nothing is ever said on new ones.
    Silent,
    /// The whole flight is kept on the way until [`Proxy::release`]; the client's side is cut at once.
    Hold,
    /// Nobody gets through any more.
    Away,
}

const FATES: [Fate; 7] =
    [Fate::Pass, Fate::LoseAnswer, Fate::LoseRequest, Fate::Swallow, Fate::Silent, Fate::Hold, Fate::Away];

struct Shared {
    fate: AtomicU8,
    release: Notify,
    released: Notify,
    cut: Notify,
}

/// Stands between a store and its server.
pub struct Proxy {
    shared: Arc<Shared>,
    url: String,
}

impl Shared {
    fn fate(&self) -> Fate {
        FATES[usize::from(self.fate.load(Ordering::SeqCst))]
    }
}

impl Proxy {
    /// Before the server of `url`.
    pub async fn before(url: &str) -> Proxy {
        let config: tokio_postgres::Config = url.parse().unwrap();
        let port = config.get_ports()[0];
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let own = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared {
            fate: AtomicU8::new(Fate::Pass as u8),
            release: Notify::new(),
            released: Notify::new(),
            cut: Notify::new(),
        });
        let accepting = Arc::clone(&shared);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if accepting.fate() == Fate::Away {
                    continue;
                }
                if accepting.fate() == Fate::Silent {
                    tokio::spawn(hold(Arc::clone(&accepting), client));
                    continue;
                }
                let server = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
                tokio::spawn(carry(Arc::clone(&accepting), client, server));
            }
        });
        let url = url.replace(&format!(":{port}/"), &format!(":{own}/"));
        Proxy { shared, url }
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    pub fn set(&self, fate: Fate) {
        self.shared.fate.store(fate as u8, Ordering::SeqCst);
    }

    /// Cuts every connection.
    pub fn cut(&self) {
        self.shared.cut.notify_waiters();
    }

    /// Lets a held COMMIT go on to the server; answers once it was carried out or refused.
    pub async fn release(&self) {
        let released = self.shared.released.notified();
        self.shared.release.notify_one();
        released.await;
    }
}

/// What the two directions of one connection tell each other.
#[derive(Default)]
struct Between {
    /// The client's side is to be closed; the server's stays.
    hang_up: Notify,
    /// The server said something after that.
    answered: Notify,
}

async fn carry(shared: Arc<Shared>, client: TcpStream, server: TcpStream) {
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let between = Between::default();
    tokio::select! {
        () = requests(&shared, from_client, to_server, &between) => {}
        () = replies(&shared, from_server, to_client, &between) => {}
        () = shared.cut.notified() => {}
    }
}

/// Keeps a connection open and says nothing on it.
async fn hold(shared: Arc<Shared>, client: TcpStream) {
    shared.cut.notified().await;
    drop(client);
}

fn has_commit(bytes: &[u8]) -> bool {
    // The end of a message: a transaction that begins names READ COMMITTED.
    bytes.windows(7).any(|part| part == b"COMMIT\0")
}

async fn requests(shared: &Shared, mut from: OwnedReadHalf, mut to: OwnedWriteHalf, between: &Between) {
    let (mut buffer, mut held) = (vec![0; 1 << 20], Vec::new());
    loop {
        let Ok(length @ 1..) = from.read(&mut buffer).await else { return };
        let bytes = &buffer[..length];
        match (has_commit(bytes), shared.fate()) {
            (true, Fate::LoseRequest) => return,
            (is_last, Fate::Hold) => {
                held.extend_from_slice(bytes);
                if is_last {
                    drop(from);
                    between.hang_up.notify_one();
                    shared.release.notified().await;
                    // The server may have ended the session meanwhile.
                    let _ = to.write_all(&held).await;
                    between.answered.notified().await;
                    shared.released.notify_one();
                    return;
                }
            }
            _ => {
                if to.write_all(bytes).await.is_err() {
                    return;
                }
            }
        }
    }
}

async fn replies(shared: &Shared, mut from: OwnedReadHalf, to: OwnedWriteHalf, between: &Between) {
    let (mut buffer, mut to) = (vec![0; 1 << 20], Some(to));
    loop {
        let length = tokio::select! {
            length = from.read(&mut buffer) => length.unwrap_or(0),
            () = between.hang_up.notified() => {
                to = None;
                continue;
            }
        };
        let bytes = &buffer[..length];
        let Some(to) = &mut to else {
            between.answered.notify_one();
            if length == 0 {
                // The server ended the held session; the other direction ends this one.
                std::future::pending::<()>().await;
            }
            continue;
        };
        if shared.fate() == Fate::Swallow && has_commit(bytes) {
            // Until the client gives up, or the test cuts.
            std::future::pending::<()>().await;
        }
        let is_lost = shared.fate() == Fate::LoseAnswer && has_commit(bytes);
        if length == 0 || is_lost || to.write_all(bytes).await.is_err() {
            return;
        }
    }
}
