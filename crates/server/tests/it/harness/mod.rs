//! An installation under test, and clients of it.

pub mod bill;
pub mod books;
pub mod callback;
pub mod cli;
pub mod client;
pub mod listener;
pub mod merchant;
pub mod process;
pub mod receiver;
pub mod server;
pub mod wait;

pub use client::{Answer, Call, Client};
pub use listener::{Laptop, Listener};
pub use merchant::{Merchant, Price, cny};
pub use receiver::{Behaviour, Receiver};
pub use server::{Engine, Server, Setting, shared};
pub use wait::{until, until_within};

use std::future::Future;
use std::sync::LazyLock;
use tokio::runtime::Runtime;

/// One runtime for the whole test binary: connections of the shared client and webhook receivers outlive a single test.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime")
});

/// Runs a case on the common runtime.
pub fn run<T>(case: impl Future<Output = T>) -> T {
    RUNTIME.block_on(case)
}

/// A case on the server that many share. It ends with `verify --full`.
pub fn on_shared(case: impl AsyncFnOnce(&'static Server)) {
    run(async {
        let server = shared();
        case(server).await;
        server.verify();
    });
}

/// A case on a server of its own, with these settings. It ends with `verify --full`, serving or stopped.
pub fn on_own(settings: &[Setting], case: impl AsyncFnOnce(&Server)) {
    run(async {
        let server = Server::start(settings);
        case(&server).await;
        server.verify();
    });
}

/// As [`on_own`], with two shards for each world where the engine has several.
pub fn on_shards(settings: &[Setting], case: impl AsyncFnOnce(&Server)) {
    run(async {
        let server = Server::make_sharded(Engine::of_run(), settings);
        server.serve();
        case(&server).await;
        server.verify();
    });
}

/// Starts something beside a case.
pub fn spawn<T: Send + 'static>(
    work: impl Future<Output = T> + Send + 'static,
) -> tokio::task::JoinHandle<T> {
    RUNTIME.spawn(work)
}
