//! What an operator must know of and no request tells: who waits for a channel's or a person's word and since when, how far behind
//! sealing and webhooks are, how full the lanes' queues are. Kept as metrics; a look is a few index reads.

use crate::App;
use domain::id::{Shard, World};
use std::collections::BTreeMap;
use std::time::Duration;
use store::StoreError;
use store::control::EndpointStatus;
use store::reads::WaitingRows;

/// Pause between two looks.
pub(crate) const LOOK_EVERY: Duration = Duration::from_secs(5);

/// What was found in all shards of a world: sums of counts, the longest of waits.
#[derive(Debug, Default)]
struct Seen {
    attempts_unknown: (i64, i64),
    payments_held: (i64, i64),
    refunds_attention: (i64, i64),
    delivery_late_us: i64,
    adjustment_late_us: i64,
    unsealed_us: i64,
    queue_fill: f64,
}

fn add(seen: &mut (i64, i64), rows: WaitingRows, now_us: i64) {
    seen.0 += rows.count;
    seen.1 = seen.1.max(rows.oldest_at_us.map_or(0, |at_us| now_us.saturating_sub(at_us)));
}

impl App {
    /// One look; a database that can't be read leaves the metrics as they were.
    pub(crate) async fn watch(&self) {
        let mut by_world: BTreeMap<&'static str, Seen> = BTreeMap::new();
        for shard in self.0.store.shards() {
            let seen = by_world.entry(shard.world().as_str()).or_default();
            if let Err(error) = self.watch_shard(shard, seen).await {
                tracing::warn!(%error, shard = shard.0, "looking at what waits came to nothing");
                return;
            }
        }
        for (world, seen) in by_world {
            seen.record(world);
        }
        self.watch_endpoints();
    }

    async fn watch_shard(&self, shard: Shard, seen: &mut Seen) -> Result<(), StoreError> {
        let now_us = self.0.clock.real_now_us();
        let waiting = self.store().waiting(shard).await?;
        add(&mut seen.attempts_unknown, waiting.attempts_unknown, now_us);
        add(&mut seen.payments_held, waiting.payments_held, now_us);
        add(&mut seen.refunds_attention, waiting.refunds_attention, now_us);
        let late_us = waiting.delivery_due_at_us.map_or(0, |due_us| now_us.saturating_sub(due_us));
        seen.delivery_late_us = seen.delivery_late_us.max(late_us);
        let due = self.store().adjustments_due(shard, now_us, 1).await?;
        let due_us = due.first().and_then(|adjustment| adjustment.due_at_us).unwrap_or(now_us);
        seen.adjustment_late_us = seen.adjustment_late_us.max(now_us.saturating_sub(due_us));
        seen.unsealed_us = seen.unsealed_us.max(self.unsealed_us(shard, now_us).await?);
        seen.queue_fill = seen.queue_fill.max(self.0.lanes.fill(shard));
        Ok(())
    }

    /// How long booked lines have waited to be sealed: at most so long, counted from the newest block; 0 when none waits.
    async fn unsealed_us(&self, shard: Shard, now_us: i64) -> Result<i64, StoreError> {
        let last_seq = self.store().last_journal_seq(shard).await?;
        let newest = self.store().last_block(shard).await?;
        let waits = last_seq > newest.as_ref().map_or(0, |block| block.last_seq);
        // Before the first block there is nothing to count from; it is closed at the first look after the first line.
        Ok(newest.filter(|_| waits).map_or(0, |block| now_us.saturating_sub(block.sealed_at_us)))
    }

    fn watch_endpoints(&self) {
        let config = self.config();
        for world in [World::Live, World::Sandbox] {
            let of_world = config.merchants.values().filter(|known| known.merchant.world == world);
            let mut counts = [("enabled", 0_u32), ("failing", 0), ("disabled", 0)];
            for endpoint in of_world.flat_map(|known| &known.endpoints) {
                let at = match endpoint.status {
                    EndpointStatus::Enabled => "enabled",
                    EndpointStatus::Failing => "failing",
                    EndpointStatus::Disabled => "disabled",
                };
                counts.iter_mut().filter(|(status, _)| *status == at).for_each(|(_, count)| *count += 1);
            }
            for (status, count) in counts {
                metrics::gauge!("feiqian_webhook_endpoints", "world" => world.as_str(), "status" => status)
                    .set(f64::from(count));
            }
        }
    }
}

impl Seen {
    fn record(&self, world: &'static str) {
        let (count, waited_us) = self.attempts_unknown;
        metrics::gauge!("feiqian_attempts_unknown", "world" => world).set(number(count));
        metrics::gauge!("feiqian_attempts_unknown_oldest_seconds", "world" => world).set(seconds(waited_us));
        let (count, waited_us) = self.payments_held;
        metrics::gauge!("feiqian_payments_held", "world" => world).set(number(count));
        metrics::gauge!("feiqian_payments_held_oldest_seconds", "world" => world).set(seconds(waited_us));
        let (count, waited_us) = self.refunds_attention;
        metrics::gauge!("feiqian_refunds_attention", "world" => world).set(number(count));
        metrics::gauge!("feiqian_refunds_attention_oldest_seconds", "world" => world).set(seconds(waited_us));
        metrics::gauge!("feiqian_webhook_late_seconds", "world" => world).set(seconds(self.delivery_late_us));
        metrics::gauge!("feiqian_adjustment_late_seconds", "world" => world)
            .set(seconds(self.adjustment_late_us));
        metrics::gauge!("feiqian_unsealed_seconds", "world" => world).set(seconds(self.unsealed_us));
        metrics::gauge!("feiqian_lane_queue_fill_ratio", "world" => world).set(self.queue_fill);
    }
}

#[allow(clippy::cast_precision_loss)] // counts of rows that wait
fn number(count: i64) -> f64 {
    count as f64
}

/// Whole microseconds as seconds; what lies in the future has not waited.
fn seconds(us: i64) -> f64 {
    number(us.max(0)) / 1e6
}
