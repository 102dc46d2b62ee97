//! The lane itself: takes what waits, locks and reads, decides each command in order over one working set, commits once,
//! answers everyone. It never waits to fill a batch.

use super::command::{Command, Outcome, Reply};
use super::queue::{Queue, Work};
use super::told;
use super::working::Working;
use crate::clock::Clock;
use crate::config::{Config, MerchantConfig};
use crate::outside::Random;
use crate::refusal::Refusal;
use arc_swap::ArcSwap;
use domain::decide::{Facts, business_time};
use domain::id::{IdMaker, Shard};
use domain::rejection::Rejection;
use domain::rows::{IdempotencyRow, ReadSet, Rows};
use futures::future::BoxFuture;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;
use store::{LaneSession, Store, StoreError};

/// What a lane is made of; the next one too, when it breaks.
#[derive(Clone)]
pub(crate) struct Setup {
    /// The database.
    pub store: Arc<dyn Store>,
    /// Its shard.
    pub shard: Shard,
    /// Its queue.
    pub queue: Arc<Queue>,
    /// The node's configuration.
    pub config: Arc<ArcSwap<Config>>,
    /// Real time.
    pub clock: Clock,
    /// Makes ids and the numbers of batches.
    pub random: Random,
    /// This node.
    pub node: i64,
    /// How long work born here is leased to this node, microseconds.
    pub lease_us: i64,
    /// The most commands in one batch.
    pub batch_max: usize,
    /// Told of every event that was committed.
    pub committed: Committed,
    /// What is waited for before a batch is taken up, so that the configuration is a young one.
    pub freshen: Freshen,
    /// Where answers are given: waking a request costs more from outside the runtime than from within.
    pub runtime: tokio::runtime::Handle,
}

/// A lane at work.
pub(crate) struct Lane {
    pub setup: Setup,
    /// Its way to the database.
    pub session: Box<dyn LaneSession>,
}

/// Answers what to wait for, if anything.
pub(crate) type Freshen = Arc<dyn Fn() -> Option<BoxFuture<'static, ()>> + Send + Sync>;

/// Told of the events of a batch, after its commit.
pub(crate) type Committed = Arc<dyn Fn(&[domain::event::Event]) + Send + Sync>;

/// How often a batch is read and decided again as a whole before it is halved, and one of a single command before it is given up.
const WHOLE_TRIES_MAX: u32 = 1;
const CONFLICT_TRIES_MAX: u32 = 4;

/// Pauses between looks for a batch whose COMMIT was not answered, milliseconds: as long as a database takes to start again.
const SETTLE_PAUSES_MS: [u64; 9] = [0, 50, 100, 200, 400, 800, 1_600, 3_200, 3_200];

impl Lane {
    /// Runs until the queue is closed and empty.
    pub async fn run(mut self) {
        while let Some(batch) = self.setup.queue.take(self.setup.batch_max).await {
            metrics::histogram!("feiqian_lane_batch_commands").record(metric(batch.len()));
            if let Some(wait) = (self.setup.freshen)() {
                wait.await;
            }
            self.process(batch, 0).await;
        }
    }

    /// A batch that the database refuses is read and decided again, halved on repeat: one poisoned command never fails its
    /// neighbours.
    fn process(&mut self, mut batch: Vec<Work>, tries: u32) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            batch.retain(|work| !work.reply.is_closed() || work.asked.is_none());
            if batch.is_empty() {
                return;
            }
            match self.attempt(&batch).await {
                Ok(answers) => {
                    self.setup.runtime.spawn(async move { answer_all(batch, answers) });
                }
                Err(StoreError::Conflict(what)) if batch.len() > 1 && tries < WHOLE_TRIES_MAX => {
                    tracing::debug!(
                        what,
                        commands = batch.len(),
                        "batch refused by the database, decided again"
                    );
                    self.process(batch, tries + 1).await;
                }
                Err(StoreError::Conflict(what) | StoreError::Corrupt(what)) if batch.len() > 1 => {
                    tracing::warn!(what, commands = batch.len(), "batch refused by the database, halved");
                    let rest = batch.split_off(batch.len() / 2);
                    self.process(batch, 0).await;
                    self.process(rest, 0).await;
                }
                Err(StoreError::Conflict(what)) if tries < CONFLICT_TRIES_MAX => {
                    tracing::warn!(what, tries, "command refused by the database, decided again");
                    self.process(batch, tries + 1).await;
                }
                Err(error) => {
                    tracing::error!(%error, commands = batch.len(), "batch given up");
                    let refusal = Refusal::from(error);
                    let answers = batch.iter().map(|_| Err(refusal.clone())).collect();
                    answer_all(batch, answers);
                }
            }
        })
    }

    /// One try at a batch: load, decide, commit. Every answer is given only after the commit.
    async fn attempt(&mut self, batch: &[Work]) -> Result<Vec<Result<Reply, Refusal>>, StoreError> {
        let mut reads = ReadSet::default();
        for work in batch {
            name_rows(work, &mut reads);
        }
        let mut rows = self.session.load(&reads).await?;
        let more = second_look(&rows);
        if let Some(more) = more
            && let Err(error) = self.session.load_more(&more, &mut rows).await
        {
            self.session.abort().await;
            return Err(error);
        }
        let real_now_us = self.setup.clock.real_now_us();
        let (seed, batch_id) = (self.setup.random.seed(), self.setup.random.seed());
        let config = self.setup.config.load_full();
        let mut working = Working::new(rows, self.setup.shard);
        let mut ids = IdMaker::new(real_now_us, self.setup.shard, seed);
        let mut answers = Vec::with_capacity(batch.len());
        for work in batch {
            let decided = catch_unwind(AssertUnwindSafe(|| {
                self.decide(work, &mut working, &config, ids.clone(), real_now_us)
            }));
            let answer = match decided {
                Ok((answer, next_ids)) => {
                    ids = next_ids;
                    answer
                }
                Err(_) => {
                    // Decisions are pure and applied whole, so the working set is as before this command.
                    metrics::counter!("feiqian_lane_panics_total").increment(1);
                    ids.next::<domain::id::EventId>();
                    Err(Refusal::Internal)
                }
            };
            answers.push(answer);
        }
        if working.is_clean() {
            self.session.abort().await;
            return Ok(answers);
        }
        let writes = working.into_write_set(batch_id, real_now_us);
        self.commit(&writes).await?;
        (self.setup.committed)(&writes.events);
        Ok(answers)
    }

    /// Commits, and settles a commit whose answer was lost by looking for the batch's own row.
    async fn commit(&mut self, writes: &store::WriteSet) -> Result<(), StoreError> {
        match self.session.commit(writes).await {
            Ok(_) => Ok(()),
            Err(StoreError::CommitUnknown(what)) => self.settle(writes.batch, what).await,
            Err(error) => Err(error),
        }
    }

    /// Nobody is told anything while it is not known whether the batch is committed, as long as the database may come back.
    async fn settle(&mut self, batch: u128, what: String) -> Result<(), StoreError> {
        metrics::counter!("feiqian_lane_commits_unknown_total").increment(1);
        for pause_ms in SETTLE_PAUSES_MS {
            pause(&self.setup.runtime, Duration::from_millis(pause_ms)).await;
            match self.session.was_committed(batch).await {
                Ok(Some(_)) => return Ok(()),
                Ok(None) => return Err(StoreError::Conflict(what)),
                Err(StoreError::Unavailable(_) | StoreError::CommitUnknown(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Err(StoreError::CommitUnknown(what))
    }

    fn decide(
        &self,
        work: &Work,
        working: &mut Working,
        config: &Config,
        ids: IdMaker,
        real_now_us: i64,
    ) -> (Result<Reply, Refusal>, IdMaker) {
        let Some(merchant) = config.merchant(work.merchant) else {
            return (Err(Refusal::NotFound("merchant")), ids);
        };
        let Some(head) = working.rows.heads.get(&work.merchant) else {
            return (Err(Refusal::NotFound("merchant")), ids);
        };
        let clock_us = real_now_us.saturating_add(head.clock_offset_us);
        let (now_us, today) = business_time(clock_us, head.business_day, &merchant.zone);
        let mut facts = Facts {
            now_us,
            real_now_us,
            merchant: &merchant.merchant,
            acting_key: work.asked.and_then(|asked| asked.key),
            zone: &merchant.zone,
            today,
            node: self.setup.node,
            lease_until_us: real_now_us.saturating_add(self.setup.lease_us),
            ids,
            number: work.number,
        };
        let key_epoch = head.key_epoch;
        let answer = self.decide_one(work, working, merchant, key_epoch, &mut facts);
        (answer, facts.ids)
    }

    fn decide_one(
        &self,
        work: &Work,
        working: &mut Working,
        merchant: &MerchantConfig,
        key_epoch: i64,
        facts: &mut Facts<'_>,
    ) -> Result<Reply, Refusal> {
        if work.asked.is_some_and(|asked| asked.key_epoch != key_epoch) {
            return Err(Refusal::Stale);
        }
        let nonce = work.re.nonce.and_then(|hash| work.asked.and_then(|a| a.key).map(|key| (key, hash)));
        if nonce.is_some_and(|nonce| working.rows.nonces.contains(&nonce)) {
            return Err(Refusal::NonceReused);
        }
        if let Some(key) = work.re.key
            && let Some(stored) = working.rows.idempotency.get(&(work.merchant, key.hash))
        {
            return replay(stored, key.fingerprint, facts.now_us);
        }
        if work.asked.is_some_and(|asked| !asked.fresh.holds(facts.real_now_us)) {
            // It waited so long that a price which it carries may be over by now.
            return Err(Refusal::StoreUnavailable);
        }
        let (outcome, object, started) = match work.command.decide(&working.rows, facts) {
            Ok(decided) if matches!(work.command, Command::PreviewRefund(_)) => {
                let stored = decided.object.map(domain::id::RefundId);
                let stored = stored.and_then(|id| working.rows.refunds.get(&id).cloned());
                let refund = decided.changes.refunds.into_iter().next().or(stored);
                return Ok(Reply { refund, ..Reply::of(Outcome::Done, facts.now_us) });
            }
            Ok(decided) => {
                let emits = decided.changes.emits.clone();
                let started = decided.changes.refunds.iter().filter(|r| is_started(r)).cloned().collect();
                working.apply(decided.changes, facts, merchant).map_err(Refusal::rejected)?;
                for (at, emit) in emits.iter().enumerate() {
                    // Of several events of one object in one commit the last carries its sequence, earlier ones less.
                    let later = emits.iter().skip(at + 1).filter(|other| other.object == emit.object).count();
                    let event =
                        told::event(emit, later, working, facts, merchant).ok_or(Refusal::Internal)?;
                    working.events.push(event);
                }
                if let Command::CloseDay(day) = work.command {
                    working.new_open_day = Some(day.max(working.rows.open_day));
                }
                (decided.outcome, decided.object, started)
            }
            Err(rejection) => {
                remember_refusal(work, working, &rejection, facts);
                return Err(Refusal::rejected(rejection));
            }
        };
        remember_acceptance(work, working, nonce, &outcome, object, facts);
        Ok(Reply { started, ..reply(&work.command, outcome, object, &working.rows, facts.now_us) })
    }
}

/// A lane's thread is none of the runtime's.
pub(super) async fn pause(runtime: &tokio::runtime::Handle, pause: Duration) {
    let sleep = {
        let _inside = runtime.enter();
        tokio::time::sleep(pause)
    };
    sleep.await;
}

/// A refund that the platform itself has just made.
fn is_started(refund: &domain::refund::Refund) -> bool {
    refund.kind == domain::refund::Kind::Automatic && refund.sequence == 1
}

fn metric(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

fn name_rows(work: &Work, reads: &mut ReadSet) {
    reads.merchants.push(work.merchant);
    if let Some(key) = work.re.key {
        reads.idempotency.push((work.merchant, key.hash));
    }
    if let (Some(hash), Some(key)) = (work.re.nonce, work.asked.and_then(|a| a.key)) {
        reads.nonces.push((key, hash));
    }
    work.command.reads(work.merchant, reads);
}

/// Attempts that the payments read point at and the commands did not name.
fn second_look(rows: &Rows) -> Option<ReadSet> {
    let pointed =
        rows.payments.values().flat_map(|p| [p.latest_attempt, p.open_attempt, p.paid_attempt]).flatten();
    let mut attempts: Vec<_> = pointed.filter(|id| !rows.attempts.contains_key(id)).collect();
    if attempts.is_empty() {
        return None;
    }
    attempts.sort();
    attempts.dedup();
    Some(ReadSet { attempts, ..ReadSet::default() })
}

/// The same key again: the same object in its present state, or the same refusal.
fn replay(stored: &IdempotencyRow, fingerprint: [u8; 16], now_us: i64) -> Result<Reply, Refusal> {
    if stored.fingerprint != fingerprint {
        return Err(Refusal::KeyReused);
    }
    if let Some(refusal) = &stored.refusal {
        let rejection = serde_json::from_str::<Rejection>(refusal).map_err(|_| Refusal::Internal)?;
        return Err(Refusal::Rejected { rejection, replayed: true });
    }
    let outcome = Outcome::Replayed(stored.object);
    Ok(Reply::of(outcome, now_us))
}

/// 409 and 422 decided here are stored under the key and replayed; 404 and defects are not.
fn remember_refusal(work: &Work, working: &mut Working, rejection: &Rejection, facts: &Facts<'_>) {
    let Some(key) = work.re.key else { return };
    let storable = !matches!(
        rejection,
        Rejection::PaymentNotFound
            | Rejection::RefundNotFound
            | Rejection::CaptureNotFound
            | Rejection::AdjustmentNotFound
            | Rejection::ClockBackwards
            | Rejection::Defect { .. }
    );
    let Ok(text) = serde_json::to_string(rejection) else { return };
    if storable {
        working.remember(IdempotencyRow {
            merchant: work.merchant,
            key_hash: key.hash,
            fingerprint: key.fingerprint,
            nonce: None,
            object: None,
            refusal: Some(text),
            created_at_us: facts.real_now_us,
        });
    }
}

/// A nonce is stored only with an effect; a key with every decision.
fn remember_acceptance(
    work: &Work,
    working: &mut Working,
    nonce: Option<(domain::id::KeyId, [u8; 16])>,
    outcome: &Outcome,
    object: Option<domain::Uid>,
    facts: &Facts<'_>,
) {
    let nonce = nonce.filter(|_| *outcome != Outcome::Existing);
    let (key_hash, fingerprint) = match (work.re.key, nonce) {
        (Some(key), _) => (key.hash, key.fingerprint),
        (None, Some((_, hash))) => (under_nonce(facts.real_now_us, hash), [0; 16]),
        (None, None) => return,
    };
    working.remember(IdempotencyRow {
        merchant: work.merchant,
        key_hash,
        fingerprint,
        nonce,
        object,
        refusal: None,
        created_at_us: facts.real_now_us,
    });
}

/// Without an idempotency key the row stands under time and nonce: nobody looks it up by that, and rows in order of time keep
/// the table's last page hot. The nonce itself has its own unique index.
fn under_nonce(real_now_us: i64, nonce: [u8; 16]) -> [u8; 16] {
    let seconds = u32::try_from(real_now_us / 1_000_000).unwrap_or(u32::MAX).to_be_bytes();
    let mut key = nonce;
    for (slot, byte) in key.iter_mut().zip(seconds) {
        *slot = byte;
    }
    key
}

/// The rows that the command is about, as they will be committed.
fn reply(
    command: &Command,
    outcome: Outcome,
    object: Option<domain::Uid>,
    rows: &Rows,
    now_us: i64,
) -> Reply {
    let mut reply = Reply::of(outcome, now_us);
    let Some(uid) = object else { return reply };
    let payment = |id: domain::id::PaymentId| rows.payments.get(&id).cloned();
    match command {
        Command::CreatePayment(_)
        | Command::ApplyAttempt(..)
        | Command::EndPayment(..)
        | Command::ResolveMismatch(_) => {
            reply.payment = payment(domain::id::PaymentId(uid));
            let asked = match (&reply.outcome, &reply.payment) {
                (Outcome::AskChannel, Some(p)) => p.open_attempt.or(p.paid_attempt),
                (_, Some(p)) => p.latest_attempt,
                (_, None) => None,
            };
            reply.attempt = asked.and_then(|id| rows.attempts.get(&id).cloned());
        }
        Command::AddAttempt(c) => {
            reply.payment = payment(c.payment);
            reply.attempt = rows.attempts.get(&domain::id::AttemptId(uid)).cloned();
        }
        Command::RequestCapture(_) | Command::ApplyCapture(..) => {
            reply.capture = rows.captures.get(&domain::id::CaptureId(uid)).cloned();
            reply.payment = reply.capture.as_ref().and_then(|c| payment(c.payment));
        }
        Command::RequestRefund(_) | Command::PreviewRefund(_) | Command::ApplyRefund(..) => {
            reply.refund = rows.refunds.get(&domain::id::RefundId(uid)).cloned();
            reply.payment = reply.refund.as_ref().and_then(|r| payment(r.payment));
        }
        Command::ProposeAdjustment(_) | Command::DecideAdjustment(_) | Command::SettleAdjustment(_) => {
            reply.adjustment = rows.adjustments.get(&domain::id::AdjustmentId(uid)).cloned();
        }
        Command::ReceiveAdjustment(_)
        | Command::Mature(_)
        | Command::MoveClock(_)
        | Command::RaiseKeyEpoch(_)
        | Command::OpenDay(_)
        | Command::CloseDay(_) => {}
    }
    reply
}

fn answer_all(batch: Vec<Work>, answers: Vec<Result<Reply, Refusal>>) {
    for (work, answer) in batch.into_iter().zip(answers) {
        // Whoever asked may be gone; what was committed stays.
        let _ = work.reply.send(answer);
    }
}
