//! Every command that changes money rows: what it needs to read, and which decision it goes to.

use crate::fresh::Fresh;
use domain::adjustment::{self, Adjustment};
use domain::attempt::Attempt;
use domain::capture::{self, Capture};
use domain::clock::{MoveClock, OpenDay, RaiseKeyEpoch};
use domain::decide::{Changes, Facts};
use domain::id::{KeyId, MerchantId, Shard, Uid};
use domain::maturity::Mature;
use domain::payment::{self, Payment};
use domain::refund::{self, Refund};
use domain::rejection::Rejection;
use domain::rows::{ReadSet, Rows};
use ledger::Day;

/// A command, parsed, with the configuration it is decided by.
#[derive(Debug, Clone)]
#[allow(missing_docs)] // each is its type's own story
pub enum Command {
    CreatePayment(Box<payment::create::CreatePayment>),
    AddAttempt(Box<payment::retry::AddAttempt>),
    ApplyAttempt(Box<payment::apply::ApplyAttempt>, payment_of::Attempt),
    EndPayment(payment::end::EndPayment, Option<domain::id::AttemptId>),
    ResolveMismatch(Box<payment::resolve::ResolveMismatch>),
    RequestCapture(capture::request::RequestCapture),
    ApplyCapture(Box<capture::apply::ApplyCapture>, payment_of::Capture),
    RequestRefund(Box<refund::request::RequestRefund>),
    /// As it would be decided; nothing is written.
    PreviewRefund(Box<refund::request::RequestRefund>),
    ApplyRefund(Box<refund::apply::ApplyRefund>, payment_of::Refund),
    ProposeAdjustment(Box<adjustment::ProposeAdjustment>),
    DecideAdjustment(Box<adjustment::DecideAdjustment>),
    ReceiveAdjustment(adjustment::Receive),
    SettleAdjustment(adjustment::SettleAdjustment),
    Mature(Mature),
    MoveClock(MoveClock),
    RaiseKeyEpoch(RaiseKeyEpoch),
    OpenDay(OpenDay),
    /// Moves the shard's open business day forward; a merchant of the shard lends its root.
    CloseDay(Day),
}

/// Immutable columns by which the roots and rows of a fact are found.
pub mod payment_of {
    use domain::id::{AttemptId, PaymentId};

    /// The payment of an attempt.
    #[derive(Debug, Clone, Copy)]
    pub struct Attempt(pub PaymentId);
    /// The payment and attempt of a capture.
    #[derive(Debug, Clone, Copy)]
    pub struct Capture(pub PaymentId, pub AttemptId);
    /// The payment and attempt of a refund.
    #[derive(Debug, Clone, Copy)]
    pub struct Refund(pub PaymentId, pub AttemptId);
}

/// What a decision made or acted on.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// A payment that is new.
    PaymentCreated,
    /// The object that stood under the merchant's number already.
    Existing,
    /// Done.
    Done,
    /// The channel must be asked about the attempt in the reply.
    AskChannel,
    /// Made or acted on under the same idempotency key before: this object, in its present state.
    Replayed(Option<Uid>),
}

/// What a command answers: the rows it is about, as committed.
#[derive(Debug, Clone)]
pub struct Reply {
    /// What happened.
    pub outcome: Outcome,
    /// The payment.
    pub payment: Option<Payment>,
    /// The attempt: the new one, the one to ask about, or the payment's latest.
    pub attempt: Option<Attempt>,
    /// The capture.
    pub capture: Option<Capture>,
    /// The refund.
    pub refund: Option<Refund>,
    /// The adjustment.
    pub adjustment: Option<Adjustment>,
    /// Refunds that the decision made by itself; the channel is to be called.
    pub started: Vec<Refund>,
    /// The merchant's business time when it was decided, microseconds.
    pub now_us: i64,
}

impl Reply {
    /// A reply about no object yet.
    pub(super) fn of(outcome: Outcome, now_us: i64) -> Reply {
        Reply {
            outcome,
            payment: None,
            attempt: None,
            capture: None,
            refund: None,
            adjustment: None,
            started: Vec::new(),
            now_us,
        }
    }
}

/// A decision's answer before it is committed.
pub(super) struct Decided {
    pub changes: Changes,
    pub outcome: Outcome,
    /// The object for the idempotency row and the reply.
    pub object: Option<Uid>,
}

impl Command {
    /// Whether what it asks for is done by calling a channel, at once or when it comes due.
    pub(crate) fn leads_to_calls(&self) -> bool {
        match self {
            Command::CreatePayment(_)
            | Command::AddAttempt(_)
            | Command::ApplyAttempt(..)
            | Command::EndPayment(..)
            | Command::ResolveMismatch(_)
            | Command::RequestCapture(_)
            | Command::ApplyCapture(..)
            | Command::RequestRefund(_)
            | Command::ApplyRefund(..)
            | Command::MoveClock(_) => true,
            Command::PreviewRefund(_)
            | Command::ProposeAdjustment(_)
            | Command::DecideAdjustment(_)
            | Command::ReceiveAdjustment(_)
            | Command::SettleAdjustment(_)
            | Command::Mature(_)
            | Command::RaiseKeyEpoch(_)
            | Command::CloseDay(_)
            | Command::OpenDay(_) => false,
        }
    }

    /// Which rows it names, besides its merchant's head.
    pub(super) fn reads(&self, merchant: MerchantId, reads: &mut ReadSet) {
        match self {
            Command::CreatePayment(c) => reads.order_nos.push((merchant, c.merchant_order_no.clone())),
            Command::AddAttempt(c) => {
                reads.payments.push(c.payment);
                reads.attempts.extend(&c.tries.forgotten);
            }
            Command::ApplyAttempt(c, of) => {
                reads.payments.push(of.0);
                reads.attempts.push(c.attempt);
                if c.fact_takes_money() {
                    reads.balances_of.push(merchant);
                }
            }
            Command::EndPayment(c, open) => {
                reads.payments.push(c.payment);
                reads.attempts.extend(open);
            }
            Command::ResolveMismatch(c) => {
                reads.payments.push(c.payment);
                reads.attempts.push(c.attempt);
                reads.balances_of.push(merchant);
            }
            Command::RequestCapture(c) => reads.payments.push(c.payment),
            Command::ApplyCapture(c, of) => {
                reads.payments.push(of.0);
                reads.attempts.push(of.1);
                reads.captures.push(c.capture);
                reads.refunds.push(capture::apply::returned_as(c.capture));
                reads.balances_of.push(merchant);
            }
            Command::RequestRefund(c) | Command::PreviewRefund(c) => {
                reads.refund_nos.push((merchant, c.merchant_refund_no.clone()));
                reads.payments.push(c.payment);
                reads.captures_of.push(c.payment);
                reads.balances_of.push(merchant);
            }
            Command::ApplyRefund(c, of) => {
                reads.payments.push(of.0);
                reads.attempts.push(of.1);
                reads.refunds.push(c.refund);
                reads.balances_of.push(merchant);
            }
            Command::ProposeAdjustment(c) => reads.adjustments.push(c.id),
            Command::DecideAdjustment(c) => {
                reads.adjustments.push(c.id);
                reads.correcting.push(c.corrects.uid());
                reads.balances_of.push(merchant);
            }
            Command::ReceiveAdjustment(c) => {
                reads.arrivals.push(c.adjustment);
                reads.balances_of.push(merchant);
            }
            Command::SettleAdjustment(c) => reads.adjustments.push(c.id),
            Command::Mature(_) => reads.balances_of.push(merchant),
            Command::MoveClock(_)
            | Command::RaiseKeyEpoch(_)
            | Command::OpenDay(_)
            | Command::CloseDay(_) => {}
        }
    }

    /// Goes to its decision.
    pub(super) fn decide(&self, rows: &Rows, facts: &mut Facts<'_>) -> Result<Decided, Rejection> {
        match self {
            Command::CreatePayment(c) => {
                let (changes, created) = payment::create::decide(c, rows, facts)?;
                let (outcome, id) = match created {
                    payment::create::Created::New(id) => (Outcome::PaymentCreated, id),
                    payment::create::Created::Existing(id) => (Outcome::Existing, id),
                };
                Ok(Decided { changes, outcome, object: Some(id.0) })
            }
            Command::AddAttempt(c) => {
                let (changes, id) = payment::retry::decide(c, rows, facts)?;
                Ok(Decided { changes, outcome: Outcome::AskChannel, object: Some(id.0) })
            }
            Command::ApplyAttempt(c, of) => done(payment::apply::decide(c, rows, facts)?, of.0.0),
            Command::EndPayment(c, _) => {
                let (changes, ended) = payment::end::decide(c, rows, facts)?;
                let outcome = match ended {
                    payment::end::Ended::Done => Outcome::Done,
                    payment::end::Ended::AskChannel(_) => Outcome::AskChannel,
                };
                Ok(Decided { changes, outcome, object: Some(c.payment.0) })
            }
            Command::ResolveMismatch(c) => done(payment::resolve::decide(c, rows, facts)?, c.payment.0),
            Command::RequestCapture(c) => {
                let (changes, id) = capture::request::decide(c, rows, facts)?;
                Ok(Decided { changes, outcome: Outcome::AskChannel, object: Some(id.0) })
            }
            Command::ApplyCapture(c, _) => done(capture::apply::decide(c, rows, facts)?, c.capture.0),
            Command::RequestRefund(c) | Command::PreviewRefund(c) => {
                let (changes, requested) = refund::request::decide(c, rows, facts)?;
                let (outcome, id) = match requested {
                    refund::request::Requested::New(id) => (Outcome::AskChannel, id),
                    refund::request::Requested::Existing(id) => (Outcome::Existing, id),
                };
                Ok(Decided { changes, outcome, object: Some(id.0) })
            }
            Command::ApplyRefund(c, _) => done(refund::apply::decide(c, rows, facts)?, c.refund.0),
            Command::ProposeAdjustment(c) => done(adjustment::propose(c, rows, facts)?, c.id.0),
            Command::DecideAdjustment(c) => done(adjustment::decide(c, rows, facts)?, c.id.0),
            Command::ReceiveAdjustment(c) => done(adjustment::receive(c, rows, facts)?, c.adjustment.0),
            Command::SettleAdjustment(c) => done(adjustment::settle(c, rows, facts)?, c.id.0),
            Command::Mature(c) => done(domain::maturity::decide(c, rows, facts)?, c.merchant.0),
            Command::MoveClock(c) => done(domain::clock::decide(c, rows, facts)?, c.merchant.0),
            Command::RaiseKeyEpoch(c) => done(domain::clock::raise_key_epoch(c, rows)?, c.merchant.0),
            Command::OpenDay(c) => done(domain::clock::open_day(c, rows, facts)?, c.merchant.0),
            Command::CloseDay(_) => done(Changes::default(), facts.merchant.id.0),
        }
    }
}

fn done(changes: Changes, object: Uid) -> Result<Decided, Rejection> {
    Ok(Decided { changes, outcome: Outcome::Done, object: Some(object) })
}

/// Who asks, as authenticated before the lane.
#[derive(Debug, Clone, Copy)]
pub struct Asked {
    /// The key epoch under which the key was found good.
    pub key_epoch: i64,
    /// The key.
    pub key: Option<KeyId>,
    /// What the command was made by.
    pub fresh: Fresh,
}

/// What makes a request re-entrant and its signature single-use.
#[derive(Debug, Clone, Copy, Default)]
pub struct ReEntry {
    /// The idempotency key.
    pub key: Option<IdempotencyKey>,
    /// Hash of the signature's nonce.
    pub nonce: Option<[u8; 16]>,
}

/// An idempotency key with what it stands for.
#[derive(Debug, Clone, Copy)]
pub struct IdempotencyKey {
    /// Hash of the key.
    pub hash: [u8; 16],
    /// Hash of method, path and body.
    pub fingerprint: [u8; 16],
}

/// The shard of a merchant's rows.
pub fn shard_of(merchant: MerchantId) -> Shard {
    merchant.0.shard()
}
