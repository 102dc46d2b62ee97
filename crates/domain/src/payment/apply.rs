//! A channel's fact about an attempt meets the payment. A fact is never thrown away: it moves the attempt, books money, sends
//! money back, or is recorded as a contradiction. The same fact again changes nothing.

mod money_in;
mod progress;

pub(crate) use money_in::flag;
pub(crate) use progress::move_to;

use super::Payment;
use crate::attempt::{self, Attempt};
use crate::channel::{AttemptFact, ChannelAccount};
use crate::decide::{Changes, Facts};
use crate::id::AttemptId;
use crate::job::Job;
use crate::price::Price;
use crate::rejection::Rejection;
use crate::rows::Rows;

/// What a channel said of an attempt, by answer, query or notice.
#[derive(Debug, Clone)]
pub struct ApplyAttempt {
    /// The attempt.
    pub attempt: AttemptId,
    /// The fact.
    pub fact: AttemptFact,
    /// The payment's price version.
    pub price: Price,
    /// The attempt's channel account.
    pub account: ChannelAccount,
}

/// The rows that a fact is about.
pub(crate) struct About<'a> {
    pub payment: &'a Payment,
    pub attempt: &'a Attempt,
    pub rows: &'a Rows,
}

/// Decides what the fact changes.
///
/// # Errors
/// [`Rejection::PaymentNotFound`] when the attempt is unknown; [`Rejection::Defect`] when the books refuse.
pub fn decide(command: &ApplyAttempt, rows: &Rows, facts: &mut Facts<'_>) -> Result<Changes, Rejection> {
    let attempt = rows.attempts.get(&command.attempt).ok_or(Rejection::PaymentNotFound)?;
    let payment = rows.payments.get(&attempt.payment).ok_or(Rejection::PaymentNotFound)?;
    let about = About { payment, attempt, rows };
    let changes = decide_fact(&about, command, facts)?;
    Ok(about.move_job_on(changes, &command.fact, facts))
}

fn decide_fact(
    about: &About<'_>,
    command: &ApplyAttempt,
    facts: &mut Facts<'_>,
) -> Result<Changes, Rejection> {
    match &command.fact {
        AttemptFact::Paid(taken) => money_in::paid(about, taken, command, facts),
        AttemptFact::Authorized { channel_trade_no, amount, expires_at_us } => {
            money_in::authorized(about, channel_trade_no, *amount, *expires_at_us, facts)
        }
        AttemptFact::ActionRequired(action) => progress::action_required(about, action, facts),
        AttemptFact::Processing => progress::working(about, attempt::Status::Processing, facts),
        AttemptFact::Unknown => progress::working(about, attempt::Status::Unknown, facts),
        AttemptFact::NotFound => progress::working(about, attempt::Status::Unknown, facts),
        AttemptFact::Declined(failure) => progress::declined(about, failure, facts),
        AttemptFact::Closed => progress::closed(about, facts),
    }
}

impl About<'_> {
    /// The attempt with one more change.
    fn attempt_changed(&self, facts: &Facts<'_>) -> Attempt {
        let mut attempt = self.attempt.clone();
        attempt.updated_at_us = facts.now_us;
        attempt.sequence += 1;
        attempt
    }

    /// The payment with one more change.
    fn payment_changed(&self, facts: &Facts<'_>) -> Payment {
        let mut payment = self.payment.clone();
        payment.updated_at_us = facts.now_us;
        payment.sequence += 1;
        payment
    }

    /// What the channel says now disagrees with what is booked: recorded for a person, books unchanged (R08).
    fn contradiction(&self, said: &str, facts: &Facts<'_>) -> Changes {
        if self.attempt.contradiction.as_deref() == Some(said) {
            return Changes::default();
        }
        let mut attempt = self.attempt_changed(facts);
        attempt.contradiction = Some(said.to_owned());
        Changes { attempts: vec![attempt], ..Changes::default() }
    }

    /// A due job is moved or cleared by every fact, also by one that changes nothing else: nothing stays due in the past.
    fn move_job_on(&self, mut changes: Changes, fact: &AttemptFact, facts: &Facts<'_>) -> Changes {
        let is_due = |job: &Job| job.due_at_us.is_some_and(|due| due <= facts.real_now_us);
        let position = changes.attempts.iter().position(|a| a.id == self.attempt.id);
        let changed = position.and_then(|at| changes.attempts.get_mut(at));
        let unmoved = |attempt: &Attempt| is_due(&attempt.job) && attempt.job == self.attempt.job;
        match changed {
            Some(attempt) if unmoved(attempt) => attempt.job = self.next_job(fact, facts),
            Some(_) => {}
            None if is_due(&self.attempt.job) => {
                let mut attempt = self.attempt_changed(facts);
                attempt.job = self.next_job(fact, facts);
                changes.attempts.push(attempt);
            }
            None => {}
        }
        changes
    }

    /// Whether anything remains to be asked about the attempt.
    fn next_job(&self, fact: &AttemptFact, facts: &Facts<'_>) -> Job {
        let gives_hold_up =
            self.payment.ending.is_some() && self.payment.paid_attempt == Some(self.attempt.id);
        let holds_for_nothing = self.attempt.reports_unusable_hold() && *fact != AttemptFact::Closed;
        let open = self.attempt.status.is_open() && !self.is_held();
        if open || gives_hold_up || holds_for_nothing {
            self.attempt.job.again(facts.real_now_us)
        } else {
            self.attempt.job.done()
        }
    }

    /// A sum that a person must look at is held.
    fn is_held(&self) -> bool {
        self.attempt.held_minor > 0
    }
}

impl ApplyAttempt {
    /// True for the facts whose booking reads balances.
    pub fn fact_takes_money(&self) -> bool {
        match self.fact {
            AttemptFact::Paid(_) => true,
            AttemptFact::Authorized { .. }
            | AttemptFact::ActionRequired(_)
            | AttemptFact::Processing
            | AttemptFact::Declined(_)
            | AttemptFact::Closed
            | AttemptFact::NotFound
            | AttemptFact::Unknown => false,
        }
    }
}
