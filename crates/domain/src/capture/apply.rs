//! A channel's fact about a capture: its gross and fee are booked at once; the final one makes the payment succeed.

use super::{Capture, Status};
use crate::channel::{CaptureFact, ChannelAccount, Failure, Taken};
use crate::decide::{Booking, Changes, Facts};
use crate::event::{Emit, Object, Type};
use crate::id::CaptureId;
use crate::payment::apply::move_to;
use crate::payment::sale::{Sale, book_sale};
use crate::payment::{self, Payment};
use crate::price::Price;
use crate::rejection::Rejection;
use crate::rows::Rows;
use ledger::posting::{authorization, payment::SaleSource};
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
pub fn decide(command: &ApplyCapture, rows: &Rows, facts: &Facts<'_>) -> Result<Changes, Rejection> {
    let capture = rows.captures.get(&command.capture).ok_or(Rejection::CaptureNotFound)?;
    let payment = rows.payments.get(&capture.payment).ok_or(Rejection::PaymentNotFound)?;
    match capture.status {
        Status::Pending => {}
        Status::Succeeded | Status::Failed => return Ok(Changes::default()),
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
    payment.capturing_minor -= taken.amount.minor();
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
    if payment.authorized_minor == 0 {
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
    payment.capturing_minor -= capture.amount.minor();
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
