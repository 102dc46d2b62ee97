//! What grew old goes, a few rows at a time, beside everything else: under the lease of the shard's work, a bounded look at a time, and
//! not while the installation is held.

use crate::App;
use domain::id::{MerchantId, Shard};
use std::collections::HashMap;
use std::time::Duration;
use store::retention::{Aging, Forgotten, Place};
use tokio::sync::Mutex;
use tokio::time::Instant;

/// Pause between two looks while there is something left.
pub(super) const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Pause after a whole table was walked.
const REST: Duration = Duration::from_secs(600);
/// The most rows in one look, which is one short transaction.
pub(super) const LOOK_MAX: u32 = 500;

const DAY_US: i64 = 86_400_000_000;

/// How long what may go is kept, days of real time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Idempotency keys with what was decided under them, and nonces.
    pub idempotency_days: u32,
    /// Events with their deliveries.
    pub events_days: u32,
    /// Tries made at deliveries.
    pub deliveries_days: u32,
    /// The rows by which a commit whose answer was lost is found.
    pub journal_batch_days: u32,
}

impl Retention {
    fn days(&self, aging: Aging) -> u32 {
        match aging {
            Aging::Events => self.events_days,
            Aging::DeliveryAttempts => self.deliveries_days,
            Aging::Idempotency => self.idempotency_days,
            Aging::Batches => self.journal_batch_days,
        }
    }

    /// What is from before this moment is old.
    fn before_us(&self, aging: Aging, real_now_us: i64) -> i64 {
        real_now_us.saturating_sub(i64::from(self.days(aging)).saturating_mul(DAY_US))
    }
}

/// How far the walks of a shard have come.
#[derive(Debug, Default)]
pub(super) struct Walks(Mutex<HashMap<Aging, Walk>>);

#[derive(Debug, Clone)]
enum Walk {
    /// Under way, and whether it began with the table's first row.
    At(Place, bool),
    RestsUntil(Instant),
}

impl Walk {
    /// What follows a look: who began in the middle takes the rest before resting.
    fn after(next: Option<Place>, is_whole: bool) -> Walk {
        match next {
            Some(place) => Walk::At(place, is_whole),
            None if is_whole => Walk::RestsUntil(Instant::now() + REST),
            None => Walk::At(Place::default(), true),
        }
    }
}

impl App {
    /// One look into each table that is not at rest.
    pub(super) async fn forget_old(&self, shard: Shard, walks: &Walks) {
        let Some(retention) = self.0.settings.retention else { return };
        let mut walks = walks.0.lock().await;
        for aging in Aging::ALL {
            if self.0.gate.is_held() || !self.0.duty.is_ours(shard) {
                // Whoever does the work meanwhile walks by itself.
                walks.clear();
                return;
            }
            let (from, is_whole) = match walks.get(&aging) {
                Some(Walk::RestsUntil(until)) if Instant::now() < *until => continue,
                Some(Walk::RestsUntil(_)) => (Place::default(), true),
                Some(Walk::At(place, is_whole)) => (place.clone(), *is_whole),
                None => (self.beginning(shard, aging), false),
            };
            let before_us = retention.before_us(aging, self.0.clock.real_now_us());
            let looked = self.store().forget(shard, aging, before_us, from, LOOK_MAX).await;
            match looked {
                Ok(Forgotten { removed, next }) => {
                    metrics::counter!("feiqian_retention_removed_total", "table" => aging.table())
                        .increment(removed);
                    walks.insert(aging, Walk::after(next, is_whole));
                }
                Err(error) => {
                    tracing::warn!(%error, shard = shard.0, table = aging.table(), "what is old was not removed; it is tried again");
                }
            }
        }
    }

    /// Where the first walk of this process begins.
    fn beginning(&self, shard: Shard, aging: Aging) -> Place {
        let random: [u8; 16] = self.0.random.bytes();
        let config = self.config();
        let mut merchants: Vec<MerchantId> =
            config.merchants.keys().filter(|id| id.0.shard() == shard).copied().collect();
        merchants.sort_unstable();
        let [first, second, ..] = random;
        let at = usize::from(u16::from_be_bytes([first, second]));
        let merchant = at.checked_rem(merchants.len()).and_then(|at| merchants.get(at)).copied();
        Place::anywhere(aging, merchant, random)
    }
}
