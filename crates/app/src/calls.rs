//! Calls to channels and what becomes of their answers. Every call is bounded in time; an answer that did not come is the fact
//! "unknown".

use crate::lane::command::{Command, payment_of};
use crate::lane::{Outcome, Reply};
use crate::{App, Refusal};
use channels::{AuthCode, CaptureRef, CaptureRequest, PrepareRequest, RefundRef, RefundRequest, TradeRef};
use domain::Uid;
use domain::attempt::{self, Attempt};
use domain::capture::{self, Capture};
use domain::channel::{AttemptFact, CaptureFact, RefundFact};
use domain::id::{AttemptId, ChannelAccountId, Id};
use domain::job::Job;
use domain::payment::{CaptureMode, Payment, Status};
use domain::refund::{self, Refund};
use std::future::Future;
use std::time::Duration;
use tokio::sync::oneshot;

/// What to ask a channel about an attempt.
pub(crate) enum Ask {
    /// The charge itself.
    Prepare(Option<AuthCode>),
    /// How it stands.
    Query,
    /// That it takes nothing any more.
    Close,
    /// That it gives up what it holds.
    Void,
}

/// Who asks a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asker {
    /// The node whose job it is, as long as its lease runs.
    Owner,
    /// Any node, because somebody reads: it may ask how things stand, and nothing else that is another node's job.
    Reader,
}

/// Every call that this node makes, as it begins.
fn count_call(call: &'static str) {
    metrics::counter!("feiqian_channel_calls_total", "call" => call).increment(1);
}

impl App {
    /// Whether this node may call a channel for a job at this moment: by the lease that the job was born with, or by that of the
    /// shard's work. Asked before each call, so that a node that slept past its leases calls nothing more.
    fn may_call(&self, job: &Job, of: Uid) -> bool {
        let is_leased = self.0.duty.is_leased(job, self.0.clock.real_now_us());
        is_leased || self.0.duty.is_ours(of.shard())
    }

    /// Whether somebody who only reads may do more than ask: not while the job is another node's by its own lease, who may just be
    /// calling.
    fn may_go_on(&self, job: &Job, of: Uid) -> bool {
        let now_us = self.0.clock.real_now_us();
        let is_over = job.due_at_us.is_none_or(|until_us| until_us <= now_us);
        self.0.duty.is_leased(job, now_us) || (is_over && self.0.duty.is_ours(of.shard()))
    }

    fn must_call(&self, job: &Job, of: Uid) -> Result<(), Refusal> {
        if self.may_call(job, of) {
            return Ok(());
        }
        metrics::counter!("feiqian_calls_left_total").increment(1);
        tracing::warn!(job = ?of, "the lease is over: the call is left to whoever has it now");
        Err(Refusal::InProgress)
    }

    pub(crate) async fn within<T>(&self, unknown: T, call: impl Future<Output = T>) -> T {
        let limit = Duration::from_millis(self.0.settings.lease_ms / 2);
        tokio::time::timeout(limit, call).await.unwrap_or(unknown)
    }

    /// Asks the channel and applies what it says. Runs to its end whatever becomes of the caller.
    pub(crate) fn start_attempt(
        &self,
        payment: Payment,
        attempt: Attempt,
        ask: Ask,
        now_us: i64,
    ) -> oneshot::Receiver<Option<Reply>> {
        let (done, wait) = oneshot::channel();
        let app = self.clone();
        self.spawn(async move {
            let reply = app.ask_attempt(&payment, &attempt, ask, now_us, Asker::Owner).await;
            let _ = done.send(reply.ok());
        });
        wait
    }

    /// One call about an attempt, and its fact applied. A second call for the same attempt does not start while one is under way.
    pub(crate) async fn ask_attempt(
        &self,
        payment: &Payment,
        attempt: &Attempt,
        ask: Ask,
        now_us: i64,
        asker: Asker,
    ) -> Result<Reply, Refusal> {
        let _under_way = self.0.duty.begin(attempt.id.0.shard());
        let _asking = Asking::begin(self, attempt).ok_or(Refusal::InProgress)?;
        let fact = self.call_attempt(payment, attempt, ask, now_us, asker).await?;
        self.apply_attempt(payment, attempt, fact).await
    }

    async fn call_attempt(
        &self,
        payment: &Payment,
        attempt: &Attempt,
        ask: Ask,
        now_us: i64,
        asker: Asker,
    ) -> Result<AttemptFact, Refusal> {
        if !matches!((asker, &ask), (Asker::Reader, Ask::Query)) {
            self.must_call(&attempt.job, attempt.id.0)?;
        }
        let channel = self.0.gate.channel(attempt.channel_account)?;
        let Some(channel) = channel else { return Ok(AttemptFact::Unknown) };
        let trade = TradeRef { request_no: attempt.id.bare(), now_us };
        count_call(match &ask {
            Ask::Prepare(_) => "prepare",
            Ask::Query => "query",
            Ask::Close => "close",
            Ask::Void => "void",
        });
        let call = async {
            match ask {
                Ask::Prepare(auth_code) => {
                    channel.prepare(prepare_request(payment, attempt, auth_code, now_us)).await
                }
                Ask::Query => channel.query(&trade).await,
                Ask::Close => channel.close(&trade).await,
                Ask::Void => channel.void(&trade).await,
            }
        };
        Ok(self.within(AttemptFact::Unknown, call).await)
    }

    /// Applies a fact about an attempt, whoever learnt it.
    pub(crate) async fn apply_attempt(
        &self,
        payment: &Payment,
        attempt: &Attempt,
        fact: AttemptFact,
    ) -> Result<Reply, Refusal> {
        let (price, account) = self.booking_terms(payment, attempt.channel_account).await?;
        let command = domain::payment::apply::ApplyAttempt { attempt: attempt.id, fact, price, account };
        let of = payment_of::Attempt(payment.id);
        let reply = self.apply(payment.merchant, Command::ApplyAttempt(Box::new(command), of)).await?;
        for refund in &reply.started {
            drop(self.start_refund(refund.clone(), reply.now_us));
        }
        Ok(reply)
    }

    /// Price version and channel account of a payment: immutable rows, so the node's copy serves. Another node may have made them
    /// a moment ago: what is not known is looked for once more.
    pub(crate) async fn booking_terms(
        &self,
        payment: &Payment,
        account: ChannelAccountId,
    ) -> Result<(domain::price::Price, domain::channel::ChannelAccount), Refusal> {
        let price = self.price_of(payment).await?;
        if self.config().account(account).is_none() {
            self.refresh_config().await;
        }
        let config = self.config();
        let account = config.account(account).ok_or(Refusal::Internal)?;
        Ok((price, account.account.clone()))
    }

    /// The price version that a payment was made under.
    pub(crate) async fn price_of(&self, payment: &Payment) -> Result<domain::price::Price, Refusal> {
        if self.config().price(payment.price).is_none() {
            self.refresh_config().await;
        }
        self.config().price(payment.price).cloned().ok_or(Refusal::Internal)
    }

    /// Takes up an attempt that is due, or that somebody reads: asks what the state of payment and attempt calls for, as they
    /// stand now.
    pub(crate) async fn resolve_attempt(&self, attempt: AttemptId, asker: Asker) -> Result<(), Refusal> {
        let Some(attempt) = self.store().attempt(attempt).await? else { return Ok(()) };
        let Some(payment) = self.store().payment(attempt.payment).await? else { return Ok(()) };
        let now_us = self.business_now_us(payment.merchant).await?;
        let ask = match what_to_ask(&payment, &attempt) {
            Some(Ask::Query) => return self.query_attempt(&payment, &attempt, now_us, asker).await,
            Some(ask) => ask,
            None => {
                // Nothing to ask: the decision clears a job that is due all the same.
                self.apply_attempt(&payment, &attempt, AttemptFact::Unknown).await?;
                return Ok(());
            }
        };
        self.ask_attempt(&payment, &attempt, ask, now_us, asker).await.map(|_| ())
    }

    /// Queries. When the channel never saw the request, a payer's scene is prepared again with the same number; a one-shot scene
    /// is closed at the channel, whose confirmation (and nothing less) ends the attempt.
    async fn query_attempt(
        &self,
        payment: &Payment,
        attempt: &Attempt,
        now_us: i64,
        asker: Asker,
    ) -> Result<(), Refusal> {
        let _under_way = self.0.duty.begin(attempt.id.0.shard());
        let Some(_asking) = Asking::begin(self, attempt) else { return Ok(()) };
        let mut fact = self.call_attempt(payment, attempt, Ask::Query, now_us, asker).await?;
        if fact == AttemptFact::NotFound {
            if asker == Asker::Reader && !self.may_go_on(&attempt.job, attempt.id.0) {
                // Whose job it is sends it, or has it closed.
                return Ok(());
            }
            let again = if attempt.scene.needs_auth_code() { Ask::Close } else { Ask::Prepare(None) };
            fact = self.call_attempt(payment, attempt, again, now_us, asker).await?;
        }
        if attempt.job.tries >= ALERT_TRIES && matches!(fact, AttemptFact::Unknown | AttemptFact::Processing)
        {
            metrics::counter!("feiqian_attempts_unresolved_total").increment(1);
            tracing::error!(attempt = %attempt.id, tries = attempt.job.tries, "attempt still unresolved: look at the channel");
        }
        self.apply_attempt(payment, attempt, fact).await.map(|_| ())
    }

    /// Sends a capture, or asks how it stands, and applies the answer.
    pub(crate) async fn ask_capture(
        &self,
        payment: &Payment,
        capture: &Capture,
        first: bool,
        now_us: i64,
    ) -> Result<Reply, Refusal> {
        let _under_way = self.0.duty.begin(capture.id.0.shard());
        self.must_call(&capture.job, capture.id.0)?;
        let channel = self.0.gate.channel(capture.channel_account)?.ok_or(Refusal::Internal)?;
        let (request_no, capture_no) = (capture.attempt.bare(), capture.id.bare());
        let send = || {
            let request = CaptureRequest {
                request_no: request_no.clone(),
                capture_no: capture_no.clone(),
                amount: capture.amount,
                is_final: capture.is_final,
                now_us,
            };
            count_call("capture");
            channel.capture(request)
        };
        let query = CaptureRef { request_no: request_no.clone(), capture_no: capture_no.clone(), now_us };
        let call = async {
            if first {
                return send().await;
            }
            count_call("query_capture");
            match channel.query_capture(&query).await {
                // The question took its time: whoever has the lease by now sends.
                CaptureFact::NotFound if self.may_call(&capture.job, capture.id.0) => send().await,
                CaptureFact::NotFound => CaptureFact::Unknown,
                fact => fact,
            }
        };
        let fact = self.within(CaptureFact::Unknown, call).await;
        self.apply_capture(payment, capture, fact).await
    }

    pub(crate) async fn apply_capture(
        &self,
        payment: &Payment,
        capture: &Capture,
        fact: CaptureFact,
    ) -> Result<Reply, Refusal> {
        let (price, account) = self.booking_terms(payment, capture.channel_account).await?;
        let command = capture::apply::ApplyCapture { capture: capture.id, fact, price, account };
        let of = payment_of::Capture(payment.id, capture.attempt);
        self.apply(payment.merchant, Command::ApplyCapture(Box::new(command), of)).await
    }

    /// Sends a refund, or asks how it stands; one that the channel does not know is sent again with the same number (R18).
    pub(crate) async fn ask_refund(
        &self,
        refund: &Refund,
        first: bool,
        now_us: i64,
    ) -> Result<Reply, Refusal> {
        let _under_way = self.0.duty.begin(refund.id.0.shard());
        self.must_call(&refund.job, refund.id.0)?;
        let channel = self.0.gate.channel(refund.channel_account)?.ok_or(Refusal::Internal)?;
        let (request_no, refund_no) = (refund.attempt.bare(), refund.id.bare());
        let send = || {
            count_call("refund");
            channel.refund(RefundRequest {
                request_no: request_no.clone(),
                refund_no: refund_no.clone(),
                amount: refund.amount,
                now_us,
                sandbox_outcome: refund.sandbox_outcome,
            })
        };
        let query = RefundRef { request_no: request_no.clone(), refund_no: refund_no.clone(), now_us };
        let call = async {
            if first {
                return send().await;
            }
            count_call("query_refund");
            match channel.query_refund(&query).await {
                RefundFact::NotFound if self.may_call(&refund.job, refund.id.0) => send().await,
                RefundFact::NotFound => RefundFact::Unknown,
                fact => fact,
            }
        };
        let fact = self.within(RefundFact::Unknown, call).await;
        self.apply_refund(refund, fact).await
    }

    pub(crate) async fn apply_refund(&self, refund: &Refund, fact: RefundFact) -> Result<Reply, Refusal> {
        let command = refund::apply::ApplyRefund { refund: refund.id, fact };
        let of = payment_of::Refund(refund.payment, refund.attempt);
        self.apply(refund.merchant, Command::ApplyRefund(Box::new(command), of)).await
    }

    /// Starts the calls of refunds that a decision made by itself. They are leased jobs: should this node die, they are found.
    pub(crate) fn start_refund(&self, refund: Refund, now_us: i64) -> oneshot::Receiver<Option<Reply>> {
        let (done, wait) = oneshot::channel();
        let app = self.clone();
        self.spawn(async move {
            let reply = app.ask_refund(&refund, true, now_us).await;
            let _ = done.send(reply.ok());
        });
        wait
    }

    pub(crate) fn start_capture(
        &self,
        payment: Payment,
        capture: Capture,
        now_us: i64,
    ) -> oneshot::Receiver<Option<Reply>> {
        let (done, wait) = oneshot::channel();
        let app = self.clone();
        self.spawn(async move {
            let reply = app.ask_capture(&payment, &capture, true, now_us).await;
            let _ = done.send(reply.ok());
        });
        wait
    }

    /// Waits for a call at most as long as a request may.
    pub(crate) async fn wait_for(&self, wait: oneshot::Receiver<Option<Reply>>) -> Option<Reply> {
        let limit = Duration::from_millis(self.0.settings.sync_wait_ms);
        tokio::time::timeout(limit, wait).await.ok()?.ok()?
    }
}

/// From this many tries without an end on, a person is called.
const ALERT_TRIES: i64 = 6;

/// What a channel is asked about an attempt that nobody else asks about.
fn what_to_ask(payment: &Payment, attempt: &Attempt) -> Option<Ask> {
    let is_payments_hold = payment.status == Status::Authorized && payment.paid_attempt == Some(attempt.id);
    if attempt.held_minor > 0 {
        return None;
    }
    if attempt.reports_unusable_hold() && attempt.status != attempt::Status::Succeeded {
        return attempt.job.due_at_us.map(|_| Ask::Void);
    }
    if is_payments_hold {
        // Only an end that was asked for gives the payment's own hold up.
        return payment.ending.map(|_| Ask::Void);
    }
    if !attempt.status.is_open() {
        return None;
    }
    let of_no_use = payment.ending.is_some() || payment.status.is_final() || payment.paid_attempt.is_some();
    Some(if of_no_use { Ask::Close } else { Ask::Query })
}

fn prepare_request(
    payment: &Payment,
    attempt: &Attempt,
    auth_code: Option<AuthCode>,
    now_us: i64,
) -> PrepareRequest {
    PrepareRequest {
        request_no: attempt.id.bare(),
        amount: attempt.amount,
        subject: payment.details.subject.clone(),
        scene: attempt.scene.as_str().to_owned(),
        auth_code,
        manual_capture: payment.capture_mode == CaptureMode::Manual,
        expires_at_us: payment.expires_at_us,
        now_us,
        sandbox_outcome: attempt.sandbox_outcome,
    }
}

/// Marks an attempt as being asked about on this node.
struct Asking {
    app: App,
    attempt: domain::id::AttemptId,
}

impl Asking {
    fn begin(app: &App, attempt: &Attempt) -> Option<Asking> {
        let mut asking = app.0.asking.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        asking.insert(attempt.id).then(|| Asking { app: app.clone(), attempt: attempt.id })
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        self.app.0.asking.lock().unwrap_or_else(std::sync::PoisonError::into_inner).remove(&self.attempt);
    }
}

/// Whether a reply asks for a call.
pub(crate) fn asks_channel(reply: &Reply) -> bool {
    reply.outcome == Outcome::AskChannel
}
