//! The sandbox channel: a pretend wallet that behaves like a real one, with its own book, bill and callbacks.
//!
//! It has no business clock: every request brings the merchant's time. Delays and retries run on real time. Its only
//! way back to the platform is the [`NoticeSink`], which passes the signed bytes of a callback to the same code as the
//! HTTP route does.

mod bill;
mod book;
mod callback;
mod copy;
mod courier;
mod desk;
mod effects;
mod facts;
mod outcome;
mod outcome_table;
mod parts;
mod protocol;
mod reason;
mod record;
mod trade;
mod trades;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use aws_lc_rs::hmac;
use domain::Uid;
use domain::channel::{AttemptFact, SandboxOutcome};
use domain::id::ChannelAccountId;
use ledger::Day;
use money::{Amount, FeeRule};
use thiserror::Error;
use tokio::sync::{Semaphore, watch};
use tokio::time::{Instant, timeout};

pub use bill::{Bill, BillKind, BillRow, BillTotal, read_bill, read_bill_from};
pub use book::{BookError, BookUse, readable_bytes};
pub use callback::{
    CallbackAmount, CallbackBody, CallbackKind, CallbackState, SIGNATURE_HEADER, TIMESTAMP_HEADER,
    read_callback, sign_callback,
};
pub use copy::{book_continues, copy_book};
pub use outcome::{
    CAPTURE_LOSES_ANSWER_MINOR, CAPTURE_REFUSED_MINOR, FIRST_PAYMENT_AMOUNT_MINOR, FIRST_REFUND_AMOUNT_MINOR,
};
pub use outcome_table::{OutcomeOf, OutcomeRow, TableLanguage, outcome_rows, outcomes_table};

use book::Book;
use desk::{Paying, Rules};
use trade::BillZone;

/// How long a lost call stays unsettled for queries.
const HAZY_MS: u64 = 1_000;
/// How long [`SandboxChannel::pay`] waits for the platform to acknowledge.
const PAY_WAITS_MS: u64 = 5_000;

/// Where callbacks go: to the code that serves the platform's HTTP route for them.
#[async_trait]
pub trait NoticeSink: Send + Sync {
    /// Passes exactly these bytes on; true once they are acknowledged, which is after their commit.
    async fn deliver(&self, account: ChannelAccountId, headers: Vec<(String, String)>, body: Vec<u8>)
    -> bool;
}

/// Settings of a sandbox channel.
#[derive(Clone)]
pub struct SandboxConfig {
    /// The channel account it serves.
    pub account: ChannelAccountId,
    /// Signs callbacks.
    pub callback_secret: [u8; 32],
    /// What the channel charges.
    pub cost: FeeRule,
    /// Its book, one file. The directory must be there.
    pub book_path: PathBuf,
    /// Who may write it. Several nodes share one.
    pub book_use: BookUse,
    /// Where payers pay, `…/pay`; a slash and the request number are added.
    pub pay_base_url: String,
    /// The bills' zone, seconds east of UTC; fixed when the book is made.
    pub bill_offset_s: i32,
    /// After this a call that the outcome `timeout` lost is answered "unknown".
    pub call_timeout_ms: u64,
    /// So late the answer, or the callback, of `answer_late` comes.
    pub late_answer_ms: u64,
    /// Waits between the tries of a callback; one try more than there are waits.
    pub callback_retry_ms: Vec<u64>,
    /// The real time, microseconds since 1970: for callbacks' signatures only.
    pub real_now_us: fn() -> i64,
}

impl SandboxConfig {
    /// The usual settings: UTC+8, calls of 3 s, late answers after 2 s, twelve tries.
    pub fn new(
        account: ChannelAccountId,
        callback_secret: [u8; 32],
        cost: FeeRule,
        book_path: PathBuf,
        pay_base_url: String,
        real_now_us: fn() -> i64,
    ) -> SandboxConfig {
        let retry_s = [1, 2, 5, 15, 30, 60, 60, 60, 60, 60, 60];
        SandboxConfig {
            account,
            callback_secret,
            cost,
            book_path,
            book_use: BookUse::Alone,
            pay_base_url,
            bill_offset_s: 8 * 3600,
            call_timeout_ms: 3_000,
            late_answer_ms: 2_000,
            callback_retry_ms: retry_s.into_iter().map(|seconds: u64| seconds * 1000).collect(),
            real_now_us,
        }
    }
}

/// The channel. Dropping it stops its callbacks and lets another process open the book.
pub struct SandboxChannel {
    inner: Arc<Inner>,
}

/// What the channel and its running work share.
pub(crate) struct Inner {
    config: SandboxConfig,
    key: hmac::Key,
    book: Book,
    sink: Arc<dyn NoticeSink>,
    in_flight: Semaphore,
    backlog: Arc<Semaphore>,
    stop: watch::Sender<bool>,
}

impl Drop for SandboxChannel {
    fn drop(&mut self) {
        self.inner.stop.send_replace(true);
        self.inner.book.shut();
    }
}

/// What paying came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PayAnswer {
    /// The money was taken.
    Paid,
    /// The money is held.
    Authorized,
    /// The payer's wallet said no; this trade can be paid no more.
    Declined,
    /// The payer waits and pays once the order was closed.
    WaitsForClose,
}

/// Why nothing could be paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum PayRefusal {
    /// No such trade.
    #[error("no such trade")]
    NotFound,
    /// Paid, declined, closed or expired.
    #[error("there is nothing to pay")]
    NotPayable,
    /// Not an outcome of payments.
    #[error("not an outcome of a payment")]
    OutcomeInvalid,
    /// The book cannot be written; whether it was paid is told by a query.
    #[error("the sandbox channel cannot write its book")]
    Unavailable,
}

/// What a payer is shown.
#[derive(Debug, Clone, PartialEq)]
pub struct TradeView {
    /// What is asked.
    pub amount: Amount,
    /// The channel's number.
    pub trade_no: String,
    /// True while it can be paid.
    pub payable: bool,
    /// How it stands.
    pub fact: AttemptFact,
}

impl SandboxChannel {
    /// Opens the book, reads it (blocking; keep it away from a busy runtime), and takes up callbacks that were not
    /// acknowledged. Call it inside a tokio runtime, on which it runs callbacks until it is dropped.
    ///
    /// # Errors
    /// [`BookError`].
    pub fn open(config: SandboxConfig, sink: Arc<dyn NoticeSink>) -> Result<Arc<SandboxChannel>, BookError> {
        config.cost.fee(1).map_err(BookError::Cost)?;
        let rules = Rules {
            zone: BillZone { offset_s: config.bill_offset_s },
            cost: config.cost,
            pay_base_url: config.pay_base_url.trim_end_matches('/').to_owned(),
        };
        let book = Book::open(&config.book_path, rules, config.book_use)?;
        let inner = Arc::new(Inner {
            key: hmac::Key::new(hmac::HMAC_SHA256, &config.callback_secret),
            config,
            book,
            sink,
            in_flight: Semaphore::new(courier::IN_FLIGHT_MAX),
            backlog: Arc::new(Semaphore::new(courier::BACKLOG_MAX)),
            stop: watch::Sender::new(false),
        });
        inner.resume();
        inner.keep_synced();
        Ok(Arc::new(SandboxChannel { inner }))
    }

    /// The payer pays (or tries to): the outcome given, or the trade's own. Comes back when the platform has
    /// acknowledged the first callback, or after five seconds.
    ///
    /// # Errors
    /// [`PayRefusal`].
    pub async fn pay(
        &self,
        request_no: &str,
        outcome: Option<SandboxOutcome>,
        now_us: i64,
    ) -> Result<PayAnswer, PayRefusal> {
        if outcome.is_some_and(|outcome| !SandboxOutcome::PAYMENT.contains(&outcome)) {
            return Err(PayRefusal::OutcomeInvalid);
        }
        let key = Uid::parse(request_no).ok_or(PayRefusal::NotFound)?;
        let paid = self.inner.book.with(|desk| {
            let paying = desk.pay(key, outcome, now_us);
            let Paying::Done { slot, outcome } = paying else { return (paying, AttemptFact::NotFound) };
            if outcome == SandboxOutcome::Timeout {
                desk.make_hazy(slot, Instant::now() + Duration::from_millis(HAZY_MS));
            }
            (paying, desk.fact(slot, now_us))
        });
        match paid.map_err(|_| PayRefusal::Unavailable)? {
            (Paying::NotFound, _) => Err(PayRefusal::NotFound),
            (Paying::NotPayable, _) => Err(PayRefusal::NotPayable),
            (Paying::Waits, _) => Ok(PayAnswer::WaitsForClose),
            (Paying::Done { slot, outcome }, fact) => {
                let steps = courier::steps(slot, outcome, false, self.inner.config.late_answer_ms);
                let heard = self.inner.deliver(steps);
                // Either way the payer has paid; the platform learns it by a later try or a query.
                let _ = timeout(Duration::from_millis(PAY_WAITS_MS), heard).await;
                Ok(pay_answer(&fact))
            }
        }
    }

    /// What a payer's page shows of a trade; `None` if there is none.
    pub fn view(&self, request_no: &str, now_us: i64) -> Option<TradeView> {
        let key = Uid::parse(request_no)?;
        let view = self.inner.book.with(|desk| desk.view(key, now_us));
        view.unwrap_or_default()
    }

    /// The bill of one day, of everything that was answered before this call. Blocks.
    ///
    /// # Errors
    /// [`BookError`].
    pub fn bill(&self, date: Day) -> Result<Bill, BookError> {
        read_bill(&self.inner.config.book_path, date)
    }
}

fn pay_answer(fact: &AttemptFact) -> PayAnswer {
    match fact {
        AttemptFact::Declined(_) => PayAnswer::Declined,
        AttemptFact::Authorized { .. } => PayAnswer::Authorized,
        AttemptFact::Paid(_)
        | AttemptFact::ActionRequired(_)
        | AttemptFact::Processing
        | AttemptFact::Closed
        | AttemptFact::NotFound
        | AttemptFact::Unknown => PayAnswer::Paid,
    }
}
