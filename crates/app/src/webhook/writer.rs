//! Outcomes into the database, in batches, and what they say of the endpoints.

use super::health::{Change, Health};
use super::notice;
use crate::clock::Clock;
use crate::config::Config;
use crate::outside::Random;
use arc_swap::ArcSwap;
use domain::id::{DeliveryId, EndpointId, MerchantId, Shard};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use store::control::{DeliveryOutcome, Endpoint, EndpointStatus};
use store::{Store, StoreError};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// The most outcomes in one write.
const BATCH_MAX: usize = 256;
/// How long a write waits for more to join it.
const BATCH_WAIT: Duration = Duration::from_millis(20);
/// The longest pause before a write that failed is made again.
const PAUSE_MAX: Duration = Duration::from_secs(5);
/// Writes made again once the node is stopping.
const LAST_WRITES: u32 = 3;
/// How often a change of an endpoint is decided anew when others change it too.
const ENDPOINT_WRITES: u32 = 5;
/// Endpoints whose health is held in memory.
const ENDPOINTS_MAX: usize = 20_000;

/// What a try says of its endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Word {
    Succeeded,
    Failed,
    Gone,
    /// Nobody was asked.
    Nothing,
}

/// One outcome on its way to the database.
#[derive(Debug, Clone)]
pub(super) struct Outcome {
    pub(super) row: DeliveryOutcome,
    pub(super) merchant: MerchantId,
    pub(super) endpoint: Option<EndpointId>,
    pub(super) word: Word,
}

/// What became of a batch.
#[derive(Debug, Default)]
pub(super) struct Written {
    /// How many outcomes were in it.
    pub(super) count: usize,
    /// Those that are in the database. One that can't be written stays out, so that its receiver is not sent it for ever.
    pub(super) ids: Vec<DeliveryId>,
    /// Endpoints disabled now, with the sequence that says so: configuration follows a moment later.
    pub(super) disabled: Vec<(EndpointId, i64)>,
    /// An event was inserted that no lane tells of.
    pub(super) told: bool,
}

pub(super) struct Writer {
    pub(super) store: Arc<dyn Store>,
    pub(super) config: Arc<ArcSwap<Config>>,
    pub(super) clock: Clock,
    pub(super) random: Random,
    pub(super) shard: Shard,
    pub(super) stopping: CancellationToken,
    /// As many messages as batches: bounded by the outcomes that the plan lets be unwritten.
    pub(super) written: mpsc::UnboundedSender<Written>,
    pub(super) book: HashMap<EndpointId, Known>,
}

/// An endpoint's health as counted here, and as its row holds it.
pub(super) struct Known {
    now: Health,
    stored: Health,
    sequence: i64,
    merchant: MerchantId,
    at_us: i64,
}

impl Writer {
    /// Works until the sender is gone and everything is written.
    pub(super) async fn run(mut self, mut outcomes: mpsc::Receiver<Outcome>) {
        while let Some(first) = outcomes.recv().await {
            let mut batch = vec![first];
            let gathered = async {
                while batch.len() < BATCH_MAX {
                    let Some(next) = outcomes.recv().await else { break };
                    batch.push(next);
                }
            };
            let _ = tokio::time::timeout(BATCH_WAIT, gathered).await;
            // The tries are over for the plan before the endpoints' rows are looked at.
            let _ = self.written.send(self.write(&batch).await);
            let mut more = Written::default();
            self.note(&batch, &mut more).await;
            if more.told || !more.disabled.is_empty() {
                let _ = self.written.send(more);
            }
        }
    }

    async fn write(&self, batch: &[Outcome]) -> Written {
        let rows: Vec<DeliveryOutcome> = batch.iter().map(|outcome| outcome.row.clone()).collect();
        let mut ids = Vec::with_capacity(rows.len());
        match self.persist(&rows).await {
            Ok(()) => ids.extend(rows.iter().map(|row| row.id)),
            // One bad row must not hold up the others.
            Err(_) => {
                for row in &rows {
                    match self.persist(std::slice::from_ref(row)).await {
                        Ok(()) => ids.push(row.id),
                        Err(error) => {
                            metrics::counter!("feiqian_webhook_outcomes_lost_total").increment(1);
                            tracing::error!(%error, delivery = %row.id, "a delivery's outcome can't be written");
                        }
                    }
                }
            }
        }
        Written { count: batch.len(), ids, ..Written::default() }
    }

    /// Writes again while the database is away. Written twice, an outcome shows its attempt twice and changes nothing else.
    async fn persist(&self, rows: &[DeliveryOutcome]) -> Result<(), StoreError> {
        let mut pause = Duration::from_millis(100);
        let mut last_writes = 0;
        loop {
            let error = match self.store.record_deliveries(self.shard, rows).await {
                Ok(()) => return Ok(()),
                Err(error) => error,
            };
            match error {
                StoreError::Unavailable(_) | StoreError::CommitUnknown(_) => {}
                StoreError::Conflict(_)
                | StoreError::Corrupt(_)
                | StoreError::Stale
                | StoreError::NonceUsed => return Err(error),
            }
            if self.stopping.is_cancelled() {
                last_writes += 1;
                if last_writes >= LAST_WRITES {
                    return Err(error);
                }
            }
            tracing::warn!(%error, outcomes = rows.len(), "outcomes of deliveries not written; they are written again");
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }

    /// Counts a batch into the endpoints' health, then writes the rows that changed.
    async fn note(&mut self, batch: &[Outcome], written: &mut Written) {
        let mut touched = Vec::new();
        for outcome in batch {
            let Some(id) = outcome.endpoint else { continue };
            let Some(change) = self.count(id, outcome) else { continue };
            if !touched.contains(&id) {
                touched.push(id);
            }
            if let Some(change) = change {
                tracing::info!(endpoint = %id, ?change, "the health of an endpoint changed");
            }
        }
        for id in touched {
            self.settle(id, written).await;
        }
    }

    /// `None` when there is nothing to count.
    fn count(&mut self, id: EndpointId, outcome: &Outcome) -> Option<Option<Change>> {
        if outcome.word == Word::Nothing {
            return None;
        }
        let config = self.config.load();
        let endpoint = config.merchant(outcome.merchant)?.endpoint(id)?;
        if self.book.len() >= ENDPOINTS_MAX && !self.book.contains_key(&id) {
            self.book.clear();
        }
        let fresh = || Known {
            now: Health::of(endpoint),
            stored: Health::of(endpoint),
            sequence: endpoint.sequence,
            merchant: outcome.merchant,
            at_us: 0,
        };
        let known = self.book.entry(id).or_insert_with(fresh);
        if known.sequence < endpoint.sequence {
            // Its owner changed it: an enabled one starts afresh.
            *known = fresh();
        }
        let at_us = outcome.row.attempt.at_us;
        let (now, change) = match outcome.word {
            Word::Succeeded => known.now.succeeded(),
            Word::Failed => known.now.failed(at_us),
            Word::Gone => known.now.gone(at_us),
            Word::Nothing => return None,
        };
        known.now = now;
        known.at_us = known.at_us.max(at_us);
        Some(change)
    }

    /// Brings an endpoint's row up to what was counted, if that is worth it.
    async fn settle(&mut self, id: EndpointId, written: &mut Written) {
        let Some(known) = self.book.get(&id) else { return };
        if !known.now.differs_enough(known.stored, known.at_us) {
            return;
        }
        let (health, merchant) = (known.now, known.merchant);
        match self.write_endpoint(merchant, id, health).await {
            Ok(Some((endpoint, before))) => {
                if endpoint.status == EndpointStatus::Disabled {
                    written.disabled.push((id, endpoint.sequence));
                }
                if let Some(known) = self.book.get_mut(&id) {
                    (known.stored, known.sequence) = (health, endpoint.sequence);
                }
                written.told |= self.tell(&endpoint, before).await;
            }
            // Deleted, or disabled by its owner: nothing to keep.
            Ok(None) => {
                self.book.remove(&id);
            }
            // What was counted stays, so the next outcome writes it.
            Err(error) => tracing::warn!(%error, endpoint = %id, "the health of an endpoint was not written"),
        }
    }

    /// Writes the health under the row's sequence. Answers the row as written and its status before.
    async fn write_endpoint(
        &self,
        merchant: MerchantId,
        id: EndpointId,
        health: Health,
    ) -> Result<Option<(Endpoint, EndpointStatus)>, StoreError> {
        let mut found = self.config.load().merchant(merchant).and_then(|m| m.endpoint(id).cloned());
        for _ in 0..ENDPOINT_WRITES {
            let Some(mut endpoint) = found else { return Ok(None) };
            let before = endpoint.status;
            if before == EndpointStatus::Disabled {
                return Ok(None);
            }
            let expected = endpoint.sequence;
            endpoint.status = health.status;
            endpoint.failing_since_us = health.failing_since_us;
            endpoint.failures = health.failures;
            endpoint.sequence += 1;
            endpoint.updated_at_us = self.business_now_us(merchant).await?;
            match self.store.update_endpoint(&endpoint, expected, None).await {
                Ok(_) => return Ok(Some((endpoint, before))),
                Err(StoreError::Conflict(_)) => {}
                Err(error) => return Err(error),
            }
            let snapshot = self.store.snapshot().await?;
            found = snapshot.endpoints.into_iter().find(|other| other.id == id);
        }
        Err(StoreError::Conflict(format!("endpoint {id} is changed by others again and again")))
    }

    /// Inserts the event of a change of status. True when one was inserted.
    async fn tell(&self, endpoint: &Endpoint, before: EndpointStatus) -> bool {
        let change = match (before, endpoint.status) {
            (EndpointStatus::Enabled, EndpointStatus::Failing) => Change::Failing,
            (EndpointStatus::Failing, EndpointStatus::Enabled) => Change::Recovered,
            (EndpointStatus::Enabled | EndpointStatus::Failing, EndpointStatus::Disabled) => Change::Disabled,
            (EndpointStatus::Disabled, _)
            | (EndpointStatus::Enabled, EndpointStatus::Enabled)
            | (EndpointStatus::Failing, EndpointStatus::Failing) => return false,
        };
        let real_now_us = self.clock.real_now_us();
        let now_us = self.business_now_us(endpoint.merchant).await.unwrap_or(endpoint.updated_at_us);
        let id = notice::fresh_id(self.shard, real_now_us, &self.random);
        let config = self.config.load();
        let event = notice::of_endpoint(change, endpoint, before, &config, real_now_us, now_us, id);
        let mut pause = Duration::from_millis(50);
        for _ in 0..ENDPOINT_WRITES {
            match self.store.insert_event(self.shard, &event, None).await {
                Ok(_) => return true,
                Err(error) => {
                    tracing::warn!(%error, endpoint = %endpoint.id, "a notice about an endpoint was not written")
                }
            }
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
        metrics::counter!("feiqian_webhook_notices_lost_total").increment(1);
        false
    }

    async fn business_now_us(&self, merchant: MerchantId) -> Result<i64, StoreError> {
        let offset_us = self.store.head(merchant).await?.map_or(0, |head| head.clock_offset_us);
        Ok(self.clock.real_now_us().saturating_add(offset_us))
    }
}
