//! A channel's fact about a capture: its gross and fee are booked at once; the final one makes the payment succeed.

use super::{Capture, Status};
use crate::attempt::Attempt;
use crate::channel::{CaptureFact, ChannelAccount, Failure, Taken};
use crate::decide::{Booking, Changes, Facts};
use crate::event::{Emit, Object, Type};
use crate::id::{CaptureId, RefundId};
use crate::payment::apply::{flag, move_to};
use crate::payment::sale::{Sale, book_sale};
use crate::payment::{self, Payment};
use crate::price::Price;
use crate::refund;
use crate::rejection::Rejection;
use crate::rows::Rows;
use ledger::posting::{authorization, held, payment::SaleSource};
use money::Amount;

/// What a channel said of a capture, by answer, query or notice.
#[derive(Debug, Clone)]
pub struct ApplyCapture {
    /// The capture.
    pub capture: CaptureId,
    /// The fact.
    pub fact: CaptureFact,
    /// The payment's price version.
    pub price: Price,
    /// The attempt's channel account.
    pub account: ChannelAccount,
}

/// Decides what the fact changes.
///
/// # Errors
/// [`Rejection::CaptureNotFound`]; [`Rejection::Defect`] when the books refuse.
pub fn decide(command: &ApplyCapture, rows: &Rows, facts: &mut Facts<'_>) -> Result<Changes, Rejection> {
    let capture = rows.captures.get(&command.capture).ok_or(Rejection::CaptureNotFound)?;
    let payment = rows.payments.get(&capture.payment).ok_or(Rejection::PaymentNotFound)?;
    match (capture.status, &command.fact) {
        (Status::Pending, _) => {}
        (Status::Failed, CaptureFact::Succeeded(taken)) => {
            return taken_after_failure(capture, payment, taken, command, rows, facts);
        }
        (Status::Succeeded, CaptureFact::Failed(failure)) => {
            return Ok(contradiction(
                capture,
                &format!("the channel says capture {} failed: {}", capture.id, failure.code),
                rows,
                facts,
            ));
        }
        (Status::Succeeded | Status::Failed, _) => return Ok(Changes::default()),
    }
    match &command.fact {
        CaptureFact::Succeeded(taken) if taken.amount == capture.amount => {
            succeeded(capture, payment, taken, command, rows, facts)
        }
        // Another sum than asked is no end of this capture: a person looks at it, the query goes on.
        CaptureFact::Succeeded(_) | CaptureFact::NotFound | CaptureFact::Unknown => {
            Ok(waiting(capture, facts))
        }
        CaptureFact::Failed(failure) => Ok(fails(capture, payment, failure, facts)),
    }
}

fn changed(capture: &Capture, facts: &Facts<'_>) -> Capture {
    Capture { updated_at_us: facts.now_us, sequence: capture.sequence + 1, ..capture.clone() }
}

fn waiting(capture: &Capture, facts: &Facts<'_>) -> Changes {
    let mut capture = changed(capture, facts);
    capture.job = capture.job.again(facts.real_now_us);
    Changes { captures: vec![capture], ..Changes::default() }
}

fn succeeded(
    capture: &Capture,
    payment: &Payment,
    taken: &Taken,
    command: &ApplyCapture,
    rows: &Rows,
    facts: &Facts<'_>,
) -> Result<Changes, Rejection> {
    let mut changes = Changes::default();
    let mut payment = payment.clone();
    payment.updated_at_us = facts.now_us;
    payment.sequence += 1;
    let sale = Sale {
        gross_minor: taken.amount.minor(),
        bill_date: taken.bill_date,
        price: &command.price,
        account: &command.account,
        source: SaleSource::Channel,
    };
    let booked = book_sale(&mut payment, &sale, rows, facts)?;
    // The memo falls by what is captured; with the final capture the rest of the hold is given up too.
    let released_minor = if capture.is_final { payment.authorized_minor } else { taken.amount.minor() };
    let memo = authorization::released(payment.id.0.0, Amount::new(released_minor, payment.currency()))?;
    changes.bookings.push(Booking { posting: memo, source: payment.id.0 });
    changes.bookings.push(booked.booking);
    payment.authorized_minor -= released_minor;
    payment.capturing_minor -= if capture.is_final { payment.capturing_minor } else { taken.amount.minor() };
    let mut capture = changed(capture, facts);
    capture.status = Status::Succeeded;
    capture.fee_minor = booked.fee_minor;
    capture.cost_minor = booked.cost_minor;
    capture.available_on = payment.available_on;
    capture.bill_date = Some(taken.bill_date);
    capture.job = capture.job.done();
    changes.emits.push(Emit {
        kind: Type::CaptureSucceeded,
        object: Object::Capture(capture.id),
        previous_status: Some(Status::Pending.as_str()),
    });
    if payment.authorized_minor == 0 && payment.capturing_minor == 0 {
        payment.paid_at_us = Some(facts.now_us);
        payment.ending = None;
        move_to(&mut payment, payment::Status::Succeeded, Type::PaymentSucceeded, &mut changes);
    }
    changes.payments.push(payment);
    changes.captures.push(capture);
    Ok(changes)
}

fn fails(capture: &Capture, payment: &Payment, failure: &Failure, facts: &Facts<'_>) -> Changes {
    let mut payment = payment.clone();
    payment.capturing_minor -=
        if capture.is_final { payment.capturing_minor } else { capture.amount.minor() };
    payment.updated_at_us = facts.now_us;
    payment.sequence += 1;
    let mut capture = changed(capture, facts);
    capture.status = Status::Failed;
    capture.failure = Some(failure.clone());
    capture.job = capture.job.done();
    let emit = Emit {
        kind: Type::CaptureFailed,
        object: Object::Capture(capture.id),
        previous_status: Some(Status::Pending.as_str()),
    };
    Changes { payments: vec![payment], captures: vec![capture], emits: vec![emit], ..Changes::default() }
}

/// The channel first refused a capture and then took it after all: it counts while the authorization still has room for it,
/// otherwise the money goes back by itself. It was told once as failed, so its row stays and the attempt carries the note.
fn taken_after_failure(
    capture: &Capture,
    payment: &Payment,
    taken: &Taken,
    command: &ApplyCapture,
    rows: &Rows,
    facts: &mut Facts<'_>,
) -> Result<Changes, Rejection> {
    if payment.status == payment::Status::Authorized && payment.capturable_minor() >= taken.amount.minor() {
        let mut payment = payment.clone();
        payment.capturing_minor += taken.amount.minor();
        let capture = Capture { is_final: false, ..capture.clone() };
        return succeeded(&capture, &payment, taken, command, rows, facts);
    }
    let said = format!("the channel took capture {} after it had refused it", capture.id);
    // The channel may tell it several times, with other contradictions in between.
    let returned = rows.refunds.contains_key(&returned_as(capture.id));
    let is_noted = |attempt: &&Attempt| attempt.contradiction.as_ref() == Some(&said);
    let attempt = rows.attempts.get(&capture.attempt).filter(|attempt| !returned && !is_noted(attempt));
    let Some(attempt) = attempt else { return Ok(Changes::default()) };
    let mut changes = Changes::default();
    let mut payment =
        Payment { updated_at_us: facts.now_us, sequence: payment.sequence + 1, ..payment.clone() };
    let cost_minor = command.account.cost.fee(taken.amount.minor())?.rounded_minor;
    let refund =
        refund::automatic(&payment, attempt, returned_as(capture.id), taken.amount, cost_minor, facts);
    let took = held::Took {
        channel_account: command.account.id.0.0,
        bill_date: taken.bill_date,
        amount: taken.amount,
        cost_minor,
    };
    changes.bookings.push(Booking { posting: held::not_kept(&took, refund.id.0.0)?, source: refund.id.0 });
    flag(&mut payment, &mut changes);
    changes.emits.push(Emit {
        kind: Type::RefundCreated,
        object: Object::Refund(refund.id),
        previous_status: None,
    });
    changes.payments.push(payment);
    changes.refunds.push(refund);
    changes.attempts.push(Attempt {
        sent_back_minor: attempt.sent_back_minor + taken.amount.minor(),
        ..noted(attempt, &said, facts)
    });
    Ok(changes)
}

/// The refund that sends back what a channel took by a capture after it had refused it.
pub fn returned_as(capture: CaptureId) -> RefundId {
    RefundId(capture.0.nth(capture.0.tail(), 0))
}

/// Noted on the attempt for a person; the books stay.
fn contradiction(capture: &Capture, said: &str, rows: &Rows, facts: &Facts<'_>) -> Changes {
    let attempt = rows.attempts.get(&capture.attempt).filter(|a| a.contradiction.as_deref() != Some(said));
    let attempts = attempt.map(|attempt| noted(attempt, said, facts));
    Changes { attempts: attempts.into_iter().collect(), ..Changes::default() }
}

fn noted(attempt: &Attempt, said: &str, facts: &Facts<'_>) -> Attempt {
    Attempt {
        contradiction: Some(said.to_owned()),
        updated_at_us: facts.now_us,
        sequence: attempt.sequence + 1,
        ..attempt.clone()
    }
}
