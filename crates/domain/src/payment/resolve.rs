//! A person resolves a payment whose channel reported another amount or currency: the sum goes back, or the payment keeps it.

use super::apply::{flag, move_to};
use super::sale::{Sale, book_sale};
use super::{Payment, Status, StatusReason};
use crate::attempt::{self, Attempt};
use crate::channel::ChannelAccount;
use crate::decide::{Booking, Changes, Facts};
use crate::event::{Emit, Object, Type};
use crate::id::{AttemptId, MerchantId, PaymentId};
use crate::price::Price;
use crate::refund;
use crate::rejection::Rejection;
use crate::rows::Rows;
use ledger::posting::{self, payment::SaleSource};
use money::Amount;

/// What the person decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolution {
    /// The sum goes back to the payer; the payment ends closed.
    SendBack,
    /// The payment keeps the sum as what was captured; possible only in the payment's own currency and up to its amount.
    Keep,
}

/// The command.
#[derive(Debug, Clone)]
pub struct ResolveMismatch {
    /// Whose.
    pub merchant: MerchantId,
    /// The payment.
    pub payment: PaymentId,
    /// The attempt that holds the sum.
    pub attempt: AttemptId,
    /// The decision.
    pub resolution: Resolution,
    /// The payment's price version.
    pub price: Price,
    /// The attempt's channel account.
    pub account: ChannelAccount,
}

/// Decides it.
///
/// # Errors
/// [`Rejection::PaymentNotFound`], [`Rejection::NothingToResolve`], [`Rejection::CurrencyDiffers`],
/// [`Rejection::CaptureExceedsAuthorized`] when more than was asked would be kept.
pub fn decide(command: &ResolveMismatch, rows: &Rows, facts: &mut Facts<'_>) -> Result<Changes, Rejection> {
    let payment = rows
        .payments
        .get(&command.payment)
        .filter(|p| p.merchant == command.merchant)
        .ok_or(Rejection::PaymentNotFound)?;
    let found_status = payment.status.to_string();
    let attempt = rows
        .attempts
        .get(&command.attempt)
        .filter(|a| a.payment == payment.id && a.held_minor > 0)
        .ok_or(Rejection::NothingToResolve { found_status })?;
    match command.resolution {
        Resolution::SendBack => send_back(payment, attempt, command, facts),
        Resolution::Keep => keep(payment, attempt, command, rows, facts),
    }
}

fn send_back(
    payment: &Payment,
    attempt: &Attempt,
    command: &ResolveMismatch,
    facts: &mut Facts<'_>,
) -> Result<Changes, Rejection> {
    let mut changes = Changes::default();
    let held = held_of(attempt);
    let cost_minor = command.account.cost.fee(held.minor())?.rounded_minor;
    let mut payment = changed(payment, facts);
    let mut attempt = taken_out(attempt, facts);
    attempt.sent_back_minor += held.minor();
    let id = refund::returned_as(&attempt);
    let refund = refund::automatic(&payment, &attempt, id, held, cost_minor, facts);
    let posting = posting::held::returned(attempt.id.0.0, refund.id.0.0, held)?;
    changes.bookings.push(Booking { posting, source: refund.id.0 });
    if !payment.status.is_final() && payment.open_attempt == Some(attempt.id) {
        payment.closed_at_us = Some(facts.now_us);
        payment.open_attempt = None;
        move_to(&mut payment, Status::Closed, Type::PaymentClosed, &mut changes);
    } else {
        flag(&mut payment, &mut changes);
    }
    changes.emits.push(Emit {
        kind: Type::RefundCreated,
        object: Object::Refund(refund.id),
        previous_status: None,
    });
    changes.payments.push(payment);
    changes.attempts.push(attempt);
    changes.refunds.push(refund);
    Ok(changes)
}

fn keep(
    payment: &Payment,
    attempt: &Attempt,
    command: &ResolveMismatch,
    rows: &Rows,
    facts: &Facts<'_>,
) -> Result<Changes, Rejection> {
    let held = held_of(attempt);
    let is_others =
        payment.paid_attempt.is_some() || payment.open_attempt.is_some_and(|open| open != attempt.id);
    if payment.status.is_final() || is_others {
        return Err(Rejection::NothingToResolve { found_status: payment.status.to_string() });
    }
    if held.currency() != payment.currency() {
        return Err(Rejection::CurrencyDiffers { payment_currency: payment.currency().code().to_owned() });
    }
    let room_minor = payment.amount.minor() - payment.captured_minor;
    if held.minor() > room_minor {
        return Err(Rejection::CaptureExceedsAuthorized { remaining_minor: room_minor });
    }
    let mut changes = Changes::default();
    let mut payment = changed(payment, facts);
    let sale = Sale {
        gross_minor: held.minor(),
        bill_date: attempt.bill_date.unwrap_or(facts.today),
        price: &command.price,
        account: &command.account,
        source: SaleSource::Held { case: attempt.id.0.0 },
    };
    let booked = book_sale(&mut payment, &sale, rows, facts)?;
    changes.bookings.push(booked.booking);
    payment.paid_attempt = Some(attempt.id);
    payment.open_attempt = None;
    payment.paid_at_us = Some(facts.now_us);
    payment.status_reason = Some(StatusReason::AmountMismatch);
    move_to(&mut payment, Status::Succeeded, Type::PaymentSucceeded, &mut changes);
    changes.payments.push(payment);
    changes.attempts.push(taken_out(attempt, facts));
    Ok(changes)
}

fn changed(payment: &Payment, facts: &Facts<'_>) -> Payment {
    Payment { updated_at_us: facts.now_us, sequence: payment.sequence + 1, ..payment.clone() }
}

/// What 2910 holds of the attempt: more than was taken last, when several captures of it came back.
fn held_of(attempt: &Attempt) -> Amount {
    Amount::new(attempt.held_minor, attempt.taken.unwrap_or(attempt.amount).currency())
}

/// The sum leaves 2910 of the attempt.
fn taken_out(attempt: &Attempt, facts: &Facts<'_>) -> Attempt {
    Attempt {
        status: attempt::Status::Succeeded,
        held_minor: 0,
        job: attempt.job.done(),
        updated_at_us: facts.now_us,
        sequence: attempt.sequence + 1,
        ..attempt.clone()
    }
}
