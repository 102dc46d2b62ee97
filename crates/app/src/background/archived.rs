//! Lines that rest in archive files leave the database: a few hundred transactions at a time, with pauses in which everything else has
//! its turn, under the lease of the shard's work, and not while the installation is held.

use crate::App;
use domain::id::Shard;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use store::StoreError;
use tokio::time::Instant;

/// Pause between two looks for an archive that has grown.
pub(super) const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Transactions in one deletion.
const DROPPED_AT_ONCE: u32 = 500;
/// The pause after a deletion is so many times as long as it took, and never shorter than the other.
const PAUSE_TIMES: u32 = 4;
const PAUSE_LEAST: Duration = Duration::from_millis(50);

/// Before which transaction of a shard nothing is there any more.
#[derive(Debug, Default)]
pub(super) struct Cleared(AtomicI64);

impl App {
    /// Deletes until nothing is left that rests in a file.
    pub(super) async fn drop_archived(&self, shard: Shard, cleared: &Cleared) {
        while !self.0.gate.is_held() && self.0.duty.is_ours(shard) && !self.0.stopping.is_cancelled() {
            let started = Instant::now();
            match self.drop_some(shard, cleared).await {
                Ok(0) => return,
                Ok(dropped) => {
                    metrics::counter!("feiqian_retention_removed_total", "table" => "journal_tx")
                        .increment(dropped);
                }
                Err(error) => {
                    tracing::warn!(%error, shard = shard.0, "archived lines were not deleted; it is tried again");
                    return;
                }
            }
            tokio::time::sleep(started.elapsed().saturating_mul(PAUSE_TIMES).max(PAUSE_LEAST)).await;
        }
    }

    /// A read tells whether there is anything to do: a write, even of nothing, takes the turn of those who have something.
    async fn drop_some(&self, shard: Shard, cleared: &Cleared) -> Result<u64, StoreError> {
        let from_seq = cleared.0.load(Ordering::Relaxed);
        if self.store().archive_end(shard).await?.seq < from_seq.max(1) {
            return Ok(0);
        }
        let dropped = self.store().drop_archived(shard, from_seq, DROPPED_AT_ONCE).await?;
        cleared.0.store(dropped.next_seq, Ordering::Relaxed);
        Ok(dropped.transactions)
    }
}
