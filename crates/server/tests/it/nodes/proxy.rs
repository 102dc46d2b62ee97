//! The way to a database, which can be cut and mended.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// Carries bytes between a port of its own and an address.
pub(super) struct Proxy {
    pub(super) address: SocketAddr,
    is_cut: Arc<AtomicBool>,
    cut: Arc<Notify>,
    task: JoinHandle<()>,
}

impl Proxy {
    pub(super) async fn to(address: String) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let here = listener.local_addr().expect("its address");
        let (is_cut, cut) = (Arc::new(AtomicBool::new(false)), Arc::new(Notify::new()));
        let (refuses, breaks) = (Arc::clone(&is_cut), Arc::clone(&cut));
        let task = crate::harness::spawn(async move {
            loop {
                let Ok((mut near, _)) = listener.accept().await else { return };
                if refuses.load(Ordering::SeqCst) {
                    continue;
                }
                let (address, breaks) = (address.clone(), Arc::clone(&breaks));
                crate::harness::spawn(async move {
                    let Ok(mut far) = TcpStream::connect(address).await else { return };
                    tokio::select! {
                        _ = copy_bidirectional(&mut near, &mut far) => {}
                        () = breaks.notified() => {}
                    }
                });
            }
        });
        Proxy { address: here, is_cut, cut, task }
    }

    /// Every connection breaks, and no new one comes through.
    pub(super) fn cut(&self) {
        self.is_cut.store(true, Ordering::SeqCst);
        self.cut.notify_waiters();
    }

    /// New connections come through again.
    pub(super) fn mend(&self) {
        self.is_cut.store(false, Ordering::SeqCst);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}
