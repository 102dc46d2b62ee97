//! Facts about money: the channel took it, or holds it.

use super::{About, ApplyAttempt, progress::move_to};
use crate::attempt::{self, UNUSABLE_HOLD};
use crate::channel::Taken;
use crate::decide::{Booking, Changes, Facts};
use crate::event::{Emit, Object, Type};
use crate::job::Job;
use crate::payment::sale::{Sale, book_sale};
use crate::payment::{CaptureMode, Payment, Status, StatusReason};
use crate::refund;
use crate::rejection::Rejection;
use ledger::posting::{self, payment::SaleSource};
use money::Amount;

/// The channel took money with this attempt.
pub(super) fn paid(
    about: &About<'_>,
    taken: &Taken,
    command: &ApplyAttempt,
    facts: &mut Facts<'_>,
) -> Result<Changes, Rejection> {
    if let Some(before) = about.attempt.taken {
        return Ok(known_already(about, before, taken, facts));
    }
    if about.attempt.status == attempt::Status::Succeeded {
        // Authorized; captures tell of the money themselves. Taken although the authorization was given up: it goes back.
        let given_up = about.payment.status == Status::Closed && about.payment.captured_minor == 0;
        return if given_up { send_back(about, taken, command, facts) } else { Ok(Changes::default()) };
    }
    if taken.amount != about.attempt.amount {
        return hold_for_person(about, taken, command, facts);
    }
    let keeps = !about.payment.status.is_final()
        && about.payment.paid_attempt.is_none()
        && about.payment.status_reason != Some(StatusReason::AmountMismatch)
        && about.payment.capture_mode == CaptureMode::Automatic;
    if keeps { settle(about, taken, command, facts) } else { send_back(about, taken, command, facts) }
}

/// The same fact by another way changes nothing; another sum is a contradiction.
fn known_already(about: &About<'_>, before: Amount, taken: &Taken, facts: &Facts<'_>) -> Changes {
    if before == taken.amount {
        return Changes::default();
    }
    about.contradiction(&format!("the channel says it took {}", taken.amount), facts)
}

/// The payment is paid: gross, fee and cost are booked, the merchant is told.
fn settle(
    about: &About<'_>,
    taken: &Taken,
    command: &ApplyAttempt,
    facts: &mut Facts<'_>,
) -> Result<Changes, Rejection> {
    let mut changes = Changes::default();
    let mut payment = about.payment_changed(facts);
    let sale = Sale {
        gross_minor: taken.amount.minor(),
        bill_date: taken.bill_date,
        price: &command.price,
        account: &command.account,
        source: SaleSource::Channel,
    };
    let booked = book_sale(&mut payment, &sale, about.rows, facts)?;
    changes.bookings.push(booked.booking);
    payment.paid_attempt = Some(about.attempt.id);
    payment.paid_at_us = Some(facts.now_us);
    payment.ending = None;
    payment.open_attempt = None;
    payment.next_action = None;
    payment.failure = None;
    payment.status_reason = None;
    move_to(&mut payment, Status::Succeeded, Type::PaymentSucceeded, &mut changes);
    close_other_attempt(about, facts, &mut changes);
    let mut attempt = taken_by(about, taken, facts);
    attempt.status = attempt::Status::Succeeded;
    attempt.failure = None;
    attempt.job = attempt.job.done();
    changes.payments.push(payment);
    changes.attempts.push(attempt);
    Ok(changes)
}

/// Another attempt was open when this one paid: the channel is asked to close it at once.
fn close_other_attempt(about: &About<'_>, facts: &Facts<'_>, changes: &mut Changes) {
    let other = about.payment.open_attempt.filter(|id| *id != about.attempt.id);
    if let Some(other) = other.and_then(|id| about.rows.attempts.get(&id)) {
        let mut other = other.clone();
        other.job = other.job.at(facts.real_now_us);
        other.sequence += 1;
        changes.attempts.push(other);
    }
}

/// Money that the payment may not keep: paid after its end, or a second time (R03, R04). It goes back by itself.
fn send_back(
    about: &About<'_>,
    taken: &Taken,
    command: &ApplyAttempt,
    facts: &mut Facts<'_>,
) -> Result<Changes, Rejection> {
    let mut changes = Changes::default();
    let mut payment = about.payment_changed(facts);
    if payment.status.is_final() {
        payment.status_reason = Some(StatusReason::PaidAfterClose);
    } else if payment.open_attempt == Some(about.attempt.id) {
        // It can't be booked as this payment's; the payer may try again.
        payment.open_attempt = None;
        payment.next_action = None;
        payment.ending = None;
    }
    let cost_minor = command.account.cost.fee(taken.amount.minor())?.rounded_minor;
    let mut attempt = taken_by(about, taken, facts);
    attempt.status = attempt::Status::Succeeded;
    attempt.sent_back_minor = taken.amount.minor();
    attempt.job = attempt.job.done();
    let id = refund::returned_as(&attempt);
    let refund = refund::automatic(&payment, &attempt, id, taken.amount, cost_minor, facts);
    let posting = posting::held::not_kept(&took(taken, command, cost_minor), refund.id.0.0)?;
    changes.bookings.push(Booking { posting, source: refund.id.0 });
    flag(&mut payment, &mut changes);
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

/// Another amount or currency than asked: held and flagged until a person resolves it (R05).
fn hold_for_person(
    about: &About<'_>,
    taken: &Taken,
    command: &ApplyAttempt,
    facts: &mut Facts<'_>,
) -> Result<Changes, Rejection> {
    let mut changes = Changes::default();
    let cost_minor = command.account.cost.fee(taken.amount.minor())?.rounded_minor;
    let posting = posting::held::held(&took(taken, command, cost_minor), about.attempt.id.0.0)?;
    changes.bookings.push(Booking { posting, source: about.attempt.id.0 });
    let mut attempt = taken_by(about, taken, facts);
    attempt.status = attempt::Status::Processing;
    attempt.held_minor = taken.amount.minor();
    attempt.job = attempt.job.done();
    let mut payment = about.payment_changed(facts);
    let is_others =
        payment.paid_attempt.is_some() || payment.open_attempt.is_some_and(|open| open != attempt.id);
    if payment.status.is_final() {
        payment.status_reason = Some(StatusReason::AmountMismatch);
    } else if !is_others {
        payment.status_reason = Some(StatusReason::AmountMismatch);
        payment.ending = None;
        payment.next_action = None;
        payment.open_attempt = Some(attempt.id);
        move_to(&mut payment, Status::Processing, Type::PaymentProcessing, &mut changes);
    }
    flag(&mut payment, &mut changes);
    changes.payments.push(payment);
    changes.attempts.push(attempt);
    Ok(changes)
}

/// The channel holds the money for later captures.
pub(super) fn authorized(
    about: &About<'_>,
    channel_trade_no: &str,
    amount: Amount,
    expires_at_us: i64,
    facts: &Facts<'_>,
) -> Result<Changes, Rejection> {
    if about.attempt.status == attempt::Status::Succeeded || about.is_held() {
        return Ok(Changes::default());
    }
    let unusable = !about.attempt.status.is_open()
        || about.payment.status.is_final()
        || about.payment.paid_attempt.is_some()
        || amount != about.attempt.amount;
    if unusable {
        return Ok(unusable_hold(about, channel_trade_no, amount, facts));
    }
    let mut attempt = about.attempt_changed(facts);
    attempt.channel_trade_no = Some(channel_trade_no.to_owned());
    attempt.status = attempt::Status::Succeeded;
    attempt.failure = None;
    attempt.job = match about.payment.ending {
        // An end was asked for meanwhile: it becomes a void.
        Some(_) => attempt.job.at(facts.real_now_us),
        None => Job::done(attempt.job),
    };
    let mut changes = Changes { attempts: vec![attempt], ..Changes::default() };
    let posting = posting::authorization::authorized(about.payment.id.0.0, amount)?;
    changes.bookings.push(Booking { posting, source: about.payment.id.0 });
    let mut payment: Payment = about.payment_changed(facts);
    payment.authorized_minor = amount.minor();
    payment.authorized_at_us = Some(facts.now_us);
    payment.authorization_expires_at_us = Some(expires_at_us);
    payment.paid_attempt = Some(about.attempt.id);
    payment.open_attempt = None;
    payment.next_action = None;
    payment.failure = None;
    move_to(&mut payment, Status::Authorized, Type::PaymentAuthorized, &mut changes);
    changes.payments.push(payment);
    Ok(changes)
}

/// The channel holds a sum that the payment can't use. Nothing was taken: the channel is asked to give it up, and the merchant is
/// told.
fn unusable_hold(about: &About<'_>, channel_trade_no: &str, amount: Amount, facts: &Facts<'_>) -> Changes {
    if about.attempt.reports_unusable_hold() {
        return Changes::default();
    }
    let mut attempt = about.attempt_changed(facts);
    attempt.channel_trade_no = Some(channel_trade_no.to_owned());
    attempt.contradiction = Some(format!("{UNUSABLE_HOLD}{amount} that the payment can't use"));
    attempt.job = attempt.job.at(facts.real_now_us);
    let mut changes = Changes { attempts: vec![attempt], ..Changes::default() };
    let mut payment = about.payment_changed(facts);
    flag(&mut payment, &mut changes);
    changes.payments.push(payment);
    changes
}

fn took(taken: &Taken, command: &ApplyAttempt, cost_minor: i64) -> posting::held::Took {
    posting::held::Took {
        channel_account: command.account.id.0.0,
        bill_date: taken.bill_date,
        amount: taken.amount,
        cost_minor,
    }
}

fn taken_by(about: &About<'_>, taken: &Taken, facts: &Facts<'_>) -> attempt::Attempt {
    let mut attempt = about.attempt_changed(facts);
    attempt.channel_trade_no = Some(taken.channel_trade_no.clone());
    attempt.taken = Some(taken.amount);
    attempt.bill_date = Some(taken.bill_date);
    attempt
}

/// A fact that the merchant must see although no status changes.
pub(crate) fn flag(payment: &mut Payment, changes: &mut Changes) {
    if changes.emits.iter().any(|emit| emit.object == Object::Payment(payment.id)) {
        // A second event of one commit: its number rises too.
        payment.sequence += 1;
    }
    let emit = Emit {
        kind: Type::PaymentFlagged,
        object: Object::Payment(payment.id),
        previous_status: Some(payment.status.as_str()),
    };
    changes.emits.push(emit);
}
