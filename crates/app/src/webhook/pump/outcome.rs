//! What came of tries: what the plan is told, what the writer gets, when the next try is due.

use super::{BUSY_PAUSE_US, Pump, Tried};
use crate::config::Config;
use crate::webhook::client::Answer;
use crate::webhook::plan::{Ended, Job};
use crate::webhook::schedule::{Verdict, next_try_us, verdict};
use crate::webhook::writer::{Outcome, Word, Written};
use domain::id::EndpointId;
use store::control::DeliveryOutcome;
use store::reads::{DeliveryAttempt, DeliveryStatus};
use tokio::time::Instant;

impl Pump {
    pub(super) fn ended(&mut self, tried: Tried) {
        match tried {
            Tried::Sent(job, at_us, answer) => self.tried(job, at_us, answer),
            Tried::Judged { job, at_us, error, version, is_certain: true } => {
                self.end(&job, Ended { done: true, failed: None, latency_ms: 0 });
                let attempt = not_asked(at_us, error);
                let (status, tries) = (DeliveryStatus::Failed, job.tries);
                let row =
                    DeliveryOutcome { by_version: Some(version), ..row(&job, attempt, status, None, tries) };
                self.write(&job, row, Word::Nothing);
            }
            Tried::Judged { job, .. } => self.leave(&job),
        }
    }

    /// Leaves a delivery to the next look, as it stands in the database.
    fn leave(&mut self, job: &Job) {
        self.plan.ended(job, Ended { done: false, failed: None, latency_ms: 0 });
        self.plan.settled(1);
        self.plan.written(&[job.id]);
        self.next_look = self.next_look.min(Instant::now() + self.busy_pause);
    }

    fn tried(&mut self, job: Job, at_us: i64, answer: Answer) {
        let now_us = self.clock.real_now_us();
        let tries = job.tries.saturating_add(1);
        let verdict = match answer.status {
            Some(status) => verdict(status, answer.retry_after_s),
            None => Verdict::Failed { retry_after_s: None },
        };
        let (status, due_at_us, word) = match verdict {
            Verdict::Succeeded => (DeliveryStatus::Succeeded, None, Word::Succeeded),
            Verdict::Gone => (DeliveryStatus::Failed, None, Word::Gone),
            Verdict::Failed { retry_after_s } => {
                match next_try_us(tries, now_us, retry_after_s, self.spread()) {
                    Some(at_us) => (DeliveryStatus::Pending, Some(at_us), Word::Failed),
                    None => (DeliveryStatus::Failed, None, Word::Failed),
                }
            }
        };
        self.count(&job, &answer, status);
        let ended = Ended {
            done: status != DeliveryStatus::Pending,
            failed: Some(word != Word::Succeeded),
            latency_ms: answer.latency_ms,
        };
        self.end(&job, ended);
        let attempt = DeliveryAttempt {
            at_us,
            status: answer.status,
            latency_ms: answer.latency_ms,
            error: answer.error.map(str::to_owned),
        };
        self.record(job, attempt, status, due_at_us, tries, word);
    }

    fn end(&mut self, job: &Job, ended: Ended) {
        self.plan.ended(job, ended);
        if ended.done && (self.plan.is_parked(job) || job.found) {
            self.awaited.insert(job.id);
        }
    }

    fn count(&self, job: &Job, answer: &Answer, status: DeliveryStatus) {
        let world = self.shard.world().as_str();
        let outcome = match status {
            DeliveryStatus::Succeeded => "succeeded",
            DeliveryStatus::Pending => "retry",
            DeliveryStatus::Failed => "failed",
        };
        metrics::counter!("feiqian_webhook_tries_total", "world" => world, "outcome" => outcome).increment(1);
        let latency_ms = u32::try_from(answer.latency_ms).unwrap_or(u32::MAX);
        metrics::histogram!("feiqian_webhook_latency_seconds", "world" => world)
            .record(f64::from(latency_ms) / 1_000.0);
        tracing::debug!(delivery = %job.id, status = answer.status, error = answer.error, outcome, "webhook tried");
    }

    /// A delivery whose destination has too much waiting.
    pub(super) fn put_off(&mut self, job: Job, failing: bool) {
        let now_us = self.clock.real_now_us();
        metrics::counter!("feiqian_webhook_put_off_total", "world" => self.shard.world().as_str())
            .increment(1);
        if !failing {
            let due_at_us = now_us + BUSY_PAUSE_US + i64::from(self.spread() % 30_000_000);
            self.plan.put_off(&job);
            let tries = job.tries;
            let attempt = not_asked(now_us, "destination_busy");
            self.record(job, attempt, DeliveryStatus::Pending, Some(due_at_us), tries, Word::Nothing);
            return;
        }
        let tries = job.tries.saturating_add(1);
        let due_at_us = next_try_us(tries, now_us, None, self.spread());
        let status = if due_at_us.is_some() { DeliveryStatus::Pending } else { DeliveryStatus::Failed };
        if due_at_us.is_some() {
            self.plan.put_off(&job)
        } else {
            self.plan.given_up(&job)
        }
        self.record(job, not_asked(now_us, "destination_failing"), status, due_at_us, tries, Word::Nothing);
    }

    fn record(
        &mut self,
        job: Job,
        attempt: DeliveryAttempt,
        status: DeliveryStatus,
        due_at_us: Option<i64>,
        tries: i64,
        word: Word,
    ) {
        let row = row(&job, attempt, status, due_at_us, tries);
        self.write(&job, row, word);
    }

    fn write(&mut self, job: &Job, row: DeliveryOutcome, word: Word) {
        let outcome = Outcome { row, merchant: job.event.merchant, endpoint: job.endpoint, word };
        if self.outcomes.try_send(outcome).is_err() {
            // The plan starts nothing while this much is unwritten, so there is room. Without a writer the database keeps
            // the delivery due.
            tracing::error!(delivery = %job.id, "no room for a delivery's outcome");
            self.plan.settled(1);
        }
    }

    pub(super) fn written(&mut self, written: Written) {
        let Written { count, ids, disabled, told } = written;
        self.plan.settled(count);
        let mut awaited = false;
        for id in &ids {
            awaited |= self.awaited.remove(id);
        }
        if self.look.is_empty() {
            self.plan.written(&ids);
        } else {
            self.late.extend(ids);
        }
        let config = self.config.load();
        self.disabled.retain(|id, sequence| !config_knows(&config, *id, *sequence));
        self.disabled.extend(disabled);
        if told || awaited {
            self.look_soon();
        }
    }
}

/// Whether the configuration has caught up with an endpoint's sequence, or with its deletion.
fn config_knows(config: &Config, id: EndpointId, sequence: i64) -> bool {
    let endpoint = config.merchants.values().find_map(|merchant| merchant.endpoint(id));
    endpoint.is_none_or(|endpoint| endpoint.sequence >= sequence)
}

fn row(
    job: &Job,
    attempt: DeliveryAttempt,
    status: DeliveryStatus,
    due_at_us: Option<i64>,
    tries: i64,
) -> DeliveryOutcome {
    DeliveryOutcome { id: job.id, attempt, status, due_at_us, tries, fence: job.fence, by_version: None }
}

fn not_asked(at_us: i64, error: &'static str) -> DeliveryAttempt {
    DeliveryAttempt { at_us, status: None, latency_ms: 0, error: Some(error.to_owned()) }
}
