//! Delivery of callbacks: bounded in number, repeated until acknowledged, noted in the book until told.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use domain::Uid;
use domain::channel::SandboxOutcome;
use money::Amount;
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};

use super::Inner;
use super::callback::{CallbackAmount, CallbackBody, CallbackKind, CallbackState, signed_headers};
use super::desk::{Desk, PAYS_AFTER_CLOSE_MS};
use super::reason::Reason;
use super::record::{News, Parcel};
use super::trade::{RefundState, TradeState};

/// Callbacks on their way at a time.
pub(crate) const IN_FLIGHT_MAX: usize = 32;
/// Trades with callbacks not yet told. Beyond it a callback stays noted in the book and is sent after the next open.
pub(crate) const BACKLOG_MAX: usize = 10_000;
/// One try takes no longer.
const TRY_MS: u64 = 10_000;
/// The second of two deliveries comes so much later.
const AGAIN_AFTER_MS: u64 = 200;
/// A contradiction comes so long after what it contradicts.
const CONTRADICT_AFTER_MS: u64 = 1_000;
/// An accepted refund fails by itself after this.
const REFUND_FAILS_AFTER_MS: u64 = 1_000;

/// One delivery, after a delay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Step {
    delay_ms: u64,
    parcel: Parcel,
}

/// What follows a taken (or refused) payment: `at_once` where the scene has no waiting payer.
pub(crate) fn steps(slot: u32, outcome: SandboxOutcome, at_once: bool, late_answer_ms: u64) -> Vec<Step> {
    let step = |delay_ms, news| Step { delay_ms, parcel: Parcel { slot, news } };
    match outcome {
        SandboxOutcome::CallbackTwice => vec![step(0, News::Trade), step(AGAIN_AFTER_MS, News::Trade)],
        SandboxOutcome::CallbackFirst => vec![step(0, News::Trade)],
        SandboxOutcome::Contradict => {
            let first_after_ms = if at_once { AGAIN_AFTER_MS } else { 0 };
            vec![step(first_after_ms, News::Trade), step(CONTRADICT_AFTER_MS, News::Contradiction)]
        }
        SandboxOutcome::Timeout | SandboxOutcome::PayAfterClose => Vec::new(),
        SandboxOutcome::AnswerLate if !at_once => vec![step(late_answer_ms, News::Trade)],
        SandboxOutcome::Succeed
        | SandboxOutcome::Decline
        | SandboxOutcome::NeedsPassword
        | SandboxOutcome::OtherAmount
        | SandboxOutcome::OtherCurrency
            if !at_once =>
        {
            vec![step(0, News::Trade)]
        }
        SandboxOutcome::Succeed
        | SandboxOutcome::Decline
        | SandboxOutcome::NeedsPassword
        | SandboxOutcome::AnswerLate
        | SandboxOutcome::OtherAmount
        | SandboxOutcome::OtherCurrency
        | SandboxOutcome::LoseAnswer
        | SandboxOutcome::Fail => Vec::new(),
    }
}

impl Inner {
    /// Runs something beside the callers until the channel is dropped.
    pub(crate) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let mut stop = self.stop.subscribe();
        tokio::spawn(async move {
            tokio::select! {
                biased;
                _ = stop.wait_for(|stopped| *stopped) => {}
                () = work => {}
            }
        });
    }

    /// Delivers one trade's callbacks in order. The receiver hears when the first was acknowledged, and is dropped
    /// without if it never was.
    pub(crate) fn deliver(self: &Arc<Inner>, steps: Vec<Step>) -> oneshot::Receiver<()> {
        let (first_told, heard) = oneshot::channel();
        if steps.is_empty() {
            return heard;
        }
        let Ok(place) = Arc::clone(&self.backlog).try_acquire_owned() else {
            tracing::warn!("too many callbacks of the sandbox channel wait; queries tell");
            return heard;
        };
        let inner = Arc::clone(self);
        self.spawn(async move {
            inner.deliver_in_order(&steps, first_told).await;
            drop(place);
        });
        heard
    }

    async fn deliver_in_order(&self, steps: &[Step], first_told: oneshot::Sender<()>) {
        let mut first_told = Some(first_told);
        for (index, step) in steps.iter().enumerate() {
            sleep(Duration::from_millis(step.delay_ms)).await;
            let told = self.send_until_told(step.parcel).await;
            let again = steps.iter().skip(index + 1).any(|later| later.parcel == step.parcel);
            // If this cannot be written the next open sends once more, which changes nothing.
            if !again && self.book.with(|desk| desk.told(step.parcel)).is_err() {
                tracing::warn!("a callback's end is not in the sandbox channel's book yet");
            }
            if let Some(first_told) = first_told.take().filter(|_| told) {
                // Whoever waited may be gone.
                let _ = first_told.send(());
            }
        }
    }

    /// True once acknowledged; false when all tries are used up.
    async fn send_until_told(&self, parcel: Parcel) -> bool {
        for wait_ms in &self.config.callback_retry_ms {
            if self.send_once(parcel).await {
                return true;
            }
            sleep(Duration::from_millis(*wait_ms)).await;
        }
        let told = self.send_once(parcel).await;
        if !told {
            tracing::warn!(?parcel, "a callback of the sandbox channel was never acknowledged");
        }
        told
    }

    async fn send_once(&self, parcel: Parcel) -> bool {
        let Ok(Some(body)) = self.book.with(|desk| desk.callback_body(parcel)) else { return false };
        let Ok(_place) = self.in_flight.acquire().await else { return false };
        let body = body.to_bytes();
        let headers = signed_headers(&self.key, (self.config.real_now_us)(), &body);
        let sent = self.sink.deliver(self.config.account, headers, body);
        timeout(Duration::from_millis(TRY_MS), sent).await.unwrap_or(false)
    }

    /// The payer who waited for the close pays a little later.
    pub(crate) fn pay_after_close(self: &Arc<Inner>, slot: u32) {
        let inner = Arc::clone(self);
        self.spawn(async move {
            sleep(Duration::from_millis(PAYS_AFTER_CLOSE_MS)).await;
            // Not written is not told either: each delivery tries to write first.
            if inner.book.with(|desk| desk.pay_after_close(slot)).unwrap_or(true) {
                let parcel = Parcel { slot, news: News::Trade };
                drop(inner.deliver(vec![Step { delay_ms: 0, parcel }]));
            }
        });
    }

    /// An accepted refund fails a little later, if no query found it failed before.
    pub(crate) fn fail_refund_later(self: &Arc<Inner>, slot: u32, key: Uid, accepted_at_us: i64) {
        let inner = Arc::clone(self);
        self.spawn(async move {
            sleep(Duration::from_millis(REFUND_FAILS_AFTER_MS)).await;
            let later_us = i64::try_from(REFUND_FAILS_AFTER_MS).unwrap_or(0) * 1000;
            let now_us = accepted_at_us.saturating_add(later_us);
            if inner.book.with(|desk| desk.fail_refund(slot, key, now_us)).is_err() {
                tracing::warn!("a failed refund is not in the sandbox channel's book yet");
            }
            let parcel = Parcel { slot, news: News::Refund(key) };
            drop(inner.deliver(vec![Step { delay_ms: 0, parcel }]));
        });
    }

    /// Takes up what the process before left undone.
    pub(crate) fn resume(self: &Arc<Inner>) {
        let Ok(unfinished) = self.book.with(|desk| desk.unfinished()) else { return };
        for of_one_trade in unfinished.owed.chunk_by(|one, next| one.slot == next.slot) {
            let steps = of_one_trade.iter().map(|parcel| Step { delay_ms: 0, parcel: *parcel }).collect();
            drop(self.deliver(steps));
        }
        for slot in unfinished.pay_after_close {
            self.pay_after_close(slot);
        }
        for (slot, key, accepted_at_us) in unfinished.failing_refunds {
            self.fail_refund_later(slot, key, accepted_at_us);
        }
    }

    /// Hands the book to the disk once a second.
    pub(crate) fn keep_synced(self: &Arc<Inner>) {
        let inner = Arc::clone(self);
        self.spawn(async move {
            loop {
                sleep(Duration::from_secs(1)).await;
                if !inner.book.is_unsynced() {
                    continue;
                }
                let syncing = Arc::clone(&inner);
                match tokio::task::spawn_blocking(move || syncing.book.sync()).await {
                    Ok(Ok(())) => {}
                    Ok(Err(error)) => tracing::error!(%error, "the sandbox channel's book cannot be synced"),
                    Err(error) => tracing::error!(%error, "syncing the sandbox channel's book ended early"),
                }
            }
        });
    }
}

impl Desk {
    /// What a parcel says now; `None` if there is nothing to say.
    pub(crate) fn callback_body(&self, parcel: Parcel) -> Option<CallbackBody> {
        let trade = self.trades.get(parcel.slot)?;
        let body = CallbackBody::paid(
            &trade.key.to_text(),
            &self.trade_no(parcel.slot, trade.key),
            trade.taken(),
            trade.at_us,
        );
        match parcel.news {
            News::Contradiction => {
                Some(CallbackBody { state: CallbackState::Declined, ..body }.because(Reason::PayerDeclined))
            }
            News::Trade => match trade.state {
                TradeState::Paid => Some(body),
                TradeState::Authorized | TradeState::Settled => Some(CallbackBody {
                    state: CallbackState::Authorized,
                    expires_at_us: Some(trade.capture_until_us()),
                    ..body
                }),
                TradeState::Closed => Some(CallbackBody { state: CallbackState::Closed, ..body }),
                TradeState::Declined => {
                    let reason = trade.reason.unwrap_or(Reason::PayerDeclined);
                    Some(CallbackBody { state: CallbackState::Declined, ..body }.because(reason))
                }
                TradeState::Waiting => None,
            },
            News::Refund(key) => self.refund_body(parcel.slot, key, body),
        }
    }

    fn refund_body(&self, slot: u32, key: Uid, body: CallbackBody) -> Option<CallbackBody> {
        let refund = self.find_refund(slot, key)?;
        let amount: Amount = refund.amount;
        let body = CallbackBody {
            kind: CallbackKind::Refund,
            refund_no: Some(key.to_text()),
            trade_no: self.refund_no(refund),
            amount: CallbackAmount { value: amount.minor(), currency: amount.currency().code().to_owned() },
            at_us: refund.at_us,
            ..body
        };
        match refund.state {
            RefundState::Succeeded => Some(CallbackBody { state: CallbackState::Succeeded, ..body }),
            RefundState::Accepted => Some(CallbackBody { state: CallbackState::Accepted, ..body }),
            RefundState::Failed => {
                let reason = refund.reason.unwrap_or(Reason::AccountAbnormal);
                Some(CallbackBody { state: CallbackState::Failed, ..body }.because(reason))
            }
        }
    }
}
