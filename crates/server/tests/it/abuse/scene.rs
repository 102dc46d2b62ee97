//! An attack with what must hold of every one: honest clients are served meanwhile and afterwards, the server stays up, its memory
//! is bounded, nothing it answers is a 5xx of its own making.

use super::memory::{forget_peak, resident};
use super::page::note;
use super::table::{Attack, row};
use crate::harness::{Merchant, Server};
use serde_json::json;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// An honest payment takes no longer, attack or not: the machine may be busy with other tests.
const HONEST_MAX: Duration = Duration::from_secs(10);
/// Payments before the first attack: caches fill, and what an attack adds is seen for itself.
const WARM_UP: usize = 20;

/// A server with an honest merchant.
pub struct Scene<'s> {
    /// The server.
    pub server: &'s Server,
    /// Whoever is to be served whatever happens.
    pub honest: Merchant<'s>,
}

impl<'s> Scene<'s> {
    /// Warms up.
    pub async fn new(server: &'s Server) -> Scene<'s> {
        let honest = Merchant::new(server).await;
        for _ in 0..WARM_UP {
            honest.paid(100).await;
        }
        honest.client.get("/openapi.json").await.expect(200);
        Scene { server, honest }
    }

    /// Attacks while the honest merchant is paid, and judges by the row of this name.
    pub async fn attack<T>(&self, name: &'static str, act: impl Future<Output = T>) -> T {
        let row = row(name);
        let process = self.server.process_id();
        forget_peak(process);
        let before = resident(process);
        let over = AtomicBool::new(false);
        let attacking = async {
            let result = act.await;
            over.store(true, Ordering::SeqCst);
            result
        };
        let (result, served) = tokio::join!(attacking, self.serve_honestly(&over));
        assert!(served >= 1, "{name}: nobody was served");
        self.server.assert_alive();
        judge(row, before.now_kib, resident(process).peak_kib);
        result
    }

    /// Payments one after the other until the attack is over, and one afterwards.
    async fn serve_honestly(&self, over: &AtomicBool) -> usize {
        let mut served = 0;
        loop {
            let last = over.load(Ordering::SeqCst);
            let begun = Instant::now();
            self.honest.paid(100).await;
            assert!(begun.elapsed() < HONEST_MAX, "an honest payment took {:?}", begun.elapsed());
            served += 1;
            if last {
                return served;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

/// Holds what an attack took against its row.
pub fn judge(row: &Attack, before_kib: u64, peak_kib: u64) {
    let grown_mib = peak_kib.saturating_sub(before_kib) / 1_024;
    note(row, before_kib / 1_024, peak_kib / 1_024);
    let max_mib = row.growth_max_mib.expect("a bound of memory");
    assert!(
        grown_mib <= max_mib,
        "{}: memory grew by {grown_mib} MiB, {max_mib} are allowed ({before_kib} to {peak_kib} KiB)",
        row.name
    );
}

/// The body of a good order, as text.
pub fn order(merchant: &Merchant<'_>) -> String {
    json!(merchant.order("qr_code", 100, None)).to_string()
}
