//! Lifting the hold after a restore. First every open attempt, capture and refund is asked about at its channel and what it says
//! is applied; then what the channel knows and the books do not is listed, as far as the channel has such a list; only then may
//! calls leave again. Nothing is sent to a channel but questions.

mod lost;

use crate::{App, Refusal};
use channels::{CaptureRef, RefundRef, TradeRef};
use domain::attempt::Attempt;
use domain::capture::Capture;
use domain::channel::{AttemptFact, CaptureFact, RefundFact};
use domain::id::{ChannelAccountId, Id};
use domain::refund::Refund;
use futures::StreamExt;
use futures::stream;
use std::future::Future;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// Rows in one read.
const PAGE: u32 = 500;
/// Questions under way at once.
const AT_ONCE: usize = 16;
/// How often what a channel did not answer is asked again.
const ROUNDS: u32 = 6;
/// The pause before the second round; each later one is as much longer.
const ROUND_PAUSE: Duration = Duration::from_millis(500);

/// What a resume found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Resumed {
    /// Attempts asked about.
    pub attempts: u64,
    /// Captures asked about.
    pub captures: u64,
    /// Refunds asked about.
    pub refunds: u64,
    /// Ids of those that their channel did not answer about.
    pub unanswered: Vec<String>,
    /// Effects that channels know and the books do not.
    pub lost: u64,
    /// Accounts of channels that have no list of what they did: their bills tell.
    pub without_list: Vec<ChannelAccountId>,
    /// Whether the hold was lifted (or there was none).
    pub lifted: bool,
}

impl Resumed {
    fn count(&mut self, open: &[Open]) {
        for one in open {
            match one {
                Open::Attempt(_) => self.attempts += 1,
                Open::Capture(_) => self.captures += 1,
                Open::Refund(_) => self.refunds += 1,
            }
        }
    }
}

/// How far a resume is.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    running: AtomicBool,
    asked: AtomicU64,
    to_ask: AtomicU64,
}

/// Something open at a channel, or ended in the books while the channel did it.
enum Open {
    Attempt(Box<Attempt>),
    Capture(Box<Capture>),
    Refund(Box<Refund>),
}

impl Open {
    fn id(&self) -> String {
        match self {
            Open::Attempt(attempt) => attempt.id.to_string(),
            Open::Capture(capture) => capture.id.to_string(),
            Open::Refund(refund) => refund.id.to_string(),
        }
    }
}

/// Marks that a resume runs, as long as it lives.
struct Running<'a>(&'a AtomicBool);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

impl App {
    /// Since when nothing leaves, real time in microseconds.
    pub fn held_since_us(&self) -> Option<i64> {
        self.config().held_since_us
    }

    /// Questions asked and to be asked by the resume that runs.
    pub fn resume_progress(&self) -> (u64, u64) {
        let progress = &self.0.resume;
        (progress.asked.load(Ordering::Relaxed), progress.to_ask.load(Ordering::Relaxed))
    }

    /// Asks about everything that is open, lists what is lost, lifts the hold. It stays when a channel did not answer about
    /// something, unless `without_answers`. Without a hold nothing is done. Runs to its end whatever becomes of the caller.
    ///
    /// # Errors
    /// [`Refusal::InProgress`] when another resume runs; [`Refusal::StoreUnavailable`]. The hold stays.
    pub async fn resume(&self, without_answers: bool) -> Result<Resumed, Refusal> {
        let app = self.clone();
        self.detached(async move { app.run_resume(without_answers).await }).await
    }

    async fn run_resume(&self, without_answers: bool) -> Result<Resumed, Refusal> {
        let running = &self.0.resume.running;
        if running.swap(true, Ordering::AcqRel) {
            return Err(Refusal::InProgress);
        }
        let _running = Running(running);
        self.reload_config().await?;
        if !self.0.gate.is_held() {
            return Ok(Resumed { lifted: true, ..Resumed::default() });
        }
        self.0.resume.asked.store(0, Ordering::Relaxed);
        self.0.resume.to_ask.store(0, Ordering::Relaxed);
        let mut resumed = Resumed::default();
        let open = self.all_open().await?;
        resumed.count(&open);
        resumed.unanswered = self.ask_all(open).await;
        let undone = self.note_lost(&mut resumed).await?;
        resumed.count(&undone);
        resumed.unanswered.extend(self.ask_all(undone).await);
        if resumed.unanswered.is_empty() || without_answers {
            self.store().release().await?;
            self.reload_config().await?;
            resumed.lifted = true;
            tracing::info!(?resumed, "the hold is lifted: calls leave again");
        }
        Ok(resumed)
    }

    async fn all_open(&self) -> Result<Vec<Open>, Refusal> {
        let (store, mut open) = (self.store(), Vec::new());
        for shard in store.shards() {
            let attempts =
                pages(|after| store.open_attempts(shard, after, PAGE), |a| (a.job.due_at_us, a.id));
            open.extend(attempts.await?.into_iter().map(|attempt| Open::Attempt(Box::new(attempt))));
            let captures =
                pages(|after| store.open_captures(shard, after, PAGE), |c| (c.job.due_at_us, c.id));
            open.extend(captures.await?.into_iter().map(|capture| Open::Capture(Box::new(capture))));
            let refunds = pages(|after| store.open_refunds(shard, after, PAGE), |r| (r.job.due_at_us, r.id));
            open.extend(refunds.await?.into_iter().map(|refund| Open::Refund(Box::new(refund))));
        }
        Ok(open)
    }

    /// Asks in rounds; answers the ids of what no channel answered about.
    async fn ask_all(&self, mut open: Vec<Open>) -> Vec<String> {
        let progress = &self.0.resume;
        progress.to_ask.fetch_add(u64::try_from(open.len()).unwrap_or(u64::MAX), Ordering::Relaxed);
        for round in 1..=ROUNDS {
            let asked: Vec<(Open, Result<bool, Refusal>)> = stream::iter(open)
                .map(|one| async move {
                    let answered = self.ask_about(&one).await;
                    (one, answered)
                })
                .buffer_unordered(AT_ONCE)
                .collect()
                .await;
            open = Vec::new();
            for (one, answered) in asked {
                match answered {
                    Ok(true) => {
                        progress.asked.fetch_add(1, Ordering::Relaxed);
                    }
                    Ok(false) => open.push(one),
                    // One that can't be applied keeps none of the others back.
                    Err(error) => {
                        tracing::warn!(id = one.id(), ?error, "what the channel said was not applied");
                        open.push(one);
                    }
                }
            }
            if open.is_empty() {
                break;
            }
            tokio::time::sleep(ROUND_PAUSE * round).await;
        }
        open.iter().map(Open::id).collect()
    }

    /// Asks once and applies what is told. False: the channel did not say. That it does not know a number is an answer, and
    /// changes nothing here: whoever does the work afterwards asks again before sending.
    async fn ask_about(&self, open: &Open) -> Result<bool, Refusal> {
        match open {
            Open::Attempt(attempt) => self.ask_about_attempt(attempt).await,
            Open::Capture(capture) => self.ask_about_capture(capture).await,
            Open::Refund(refund) => self.ask_about_refund(refund).await,
        }
    }

    async fn ask_about_attempt(&self, attempt: &Attempt) -> Result<bool, Refusal> {
        let Some(questions) = self.0.gate.questions(attempt.channel_account) else { return Ok(false) };
        let Some(payment) = self.store().payment(attempt.payment).await? else { return Ok(true) };
        let now_us = self.business_now_us(attempt.merchant).await?;
        let trade = TradeRef { request_no: attempt.id.bare(), now_us };
        let fact = self.within(AttemptFact::Unknown, questions.attempt(&trade)).await;
        if matches!(fact, AttemptFact::Unknown | AttemptFact::NotFound) {
            return Ok(fact == AttemptFact::NotFound);
        }
        self.apply_attempt(&payment, attempt, fact).await.map(|_| true)
    }

    async fn ask_about_capture(&self, capture: &Capture) -> Result<bool, Refusal> {
        let Some(questions) = self.0.gate.questions(capture.channel_account) else { return Ok(false) };
        let Some(payment) = self.store().payment(capture.payment).await? else { return Ok(true) };
        let now_us = self.business_now_us(capture.merchant).await?;
        let (request_no, capture_no) = (capture.attempt.bare(), capture.id.bare());
        let query = CaptureRef { request_no, capture_no, now_us };
        let fact = self.within(CaptureFact::Unknown, questions.capture(&query)).await;
        if matches!(fact, CaptureFact::Unknown | CaptureFact::NotFound) {
            return Ok(fact == CaptureFact::NotFound);
        }
        self.apply_capture(&payment, capture, fact).await.map(|_| true)
    }

    async fn ask_about_refund(&self, refund: &Refund) -> Result<bool, Refusal> {
        let Some(questions) = self.0.gate.questions(refund.channel_account) else { return Ok(false) };
        let now_us = self.business_now_us(refund.merchant).await?;
        let query = RefundRef { request_no: refund.attempt.bare(), refund_no: refund.id.bare(), now_us };
        let fact = self.within(RefundFact::Unknown, questions.refund(&query)).await;
        if matches!(fact, RefundFact::Unknown | RefundFact::NotFound) {
            return Ok(fact == RefundFact::NotFound);
        }
        self.apply_refund(refund, fact).await.map(|_| true)
    }
}

/// Reads all pages of a list by (due, id).
async fn pages<T, I: Id, R>(
    read: impl Fn(Option<(i64, I)>) -> R,
    place: impl Fn(&T) -> (Option<i64>, I),
) -> Result<Vec<T>, Refusal>
where
    R: Future<Output = Result<Vec<T>, store::StoreError>>,
{
    let (mut rows, mut after) = (Vec::new(), None);
    loop {
        let page = read(after).await?;
        let Some(last) = page.last() else { return Ok(rows) };
        let (due_at_us, id) = place(last);
        after = Some((due_at_us.unwrap_or(i64::MAX), id));
        rows.extend(page);
    }
}
