//! Facts without money: the payer must act, the channel works, it declined, it closed.

use super::About;
use crate::attempt;
use crate::channel::{Action, Failure};
use crate::decide::{Booking, Changes, Facts};
use crate::event::{Emit, Object, Type};
use crate::job::Job;
use crate::payment::end::close_now;
use crate::payment::{Payment, Status, StatusReason};
use crate::rejection::Rejection;
use ledger::posting;
use money::Amount;

/// The payer must act.
pub(super) fn action_required(
    about: &About<'_>,
    action: &Action,
    facts: &Facts<'_>,
) -> Result<Changes, Rejection> {
    if !about.attempt.status.is_open() || about.is_held() {
        return Ok(Changes::default());
    }
    if about.payment.ending.is_some() {
        // An end was asked for meanwhile: nothing is shown to a payer any more, the channel is asked to close at once.
        let mut attempt = about.attempt_changed(facts);
        attempt.status = attempt::Status::RequiresAction;
        attempt.job = match about.attempt.status {
            attempt::Status::Created => about.attempt.job.at(facts.real_now_us),
            attempt::Status::RequiresAction
            | attempt::Status::Processing
            | attempt::Status::Unknown
            | attempt::Status::Succeeded
            | attempt::Status::Failed
            | attempt::Status::Closed => about.attempt.job.again(facts.real_now_us),
        };
        return Ok(Changes { attempts: vec![attempt], ..Changes::default() });
    }
    let same_action = about.payment.next_action.as_ref() == Some(action);
    if same_action && is_known(about, attempt::Status::RequiresAction, facts) {
        return Ok(Changes::default());
    }
    let mut attempt = about.attempt_changed(facts);
    attempt.status = attempt::Status::RequiresAction;
    // Callbacks tell of payers who pay; queries in case a callback is lost begin after a minute.
    attempt.job = Job { tries: about.attempt.job.tries.max(4), ..about.attempt.job }.again(facts.real_now_us);
    let mut changes = Changes { attempts: vec![attempt], ..Changes::default() };
    if about.payment.open_attempt == Some(about.attempt.id) {
        let already = about.payment.status == Status::RequiresAction && same_action;
        if !already && !about.payment.status.is_final() {
            let mut payment = about.payment_changed(facts);
            payment.next_action = Some(action.clone());
            move_to(&mut payment, Status::RequiresAction, Type::PaymentRequiresAction, &mut changes);
            changes.payments.push(payment);
        }
    }
    Ok(changes)
}

/// Learnt again by a query on read, before the next try is due: nothing to write.
fn is_known(about: &About<'_>, status: attempt::Status, facts: &Facts<'_>) -> bool {
    let scheduled = about.attempt.job.due_at_us.is_some_and(|due| due > facts.real_now_us);
    let waits_for_payer = about.attempt.status == attempt::Status::RequiresAction;
    (about.attempt.status == status || waits_for_payer) && scheduled && about.payment.ending.is_none()
}

/// The channel works on it, or the outcome of a call is not known: ask again later, never conclude.
pub(super) fn working(
    about: &About<'_>,
    becomes: attempt::Status,
    facts: &Facts<'_>,
) -> Result<Changes, Rejection> {
    if !about.attempt.status.is_open() || about.is_held() || is_known(about, becomes, facts) {
        return Ok(Changes::default());
    }
    let mut attempt = about.attempt_changed(facts);
    attempt.job = about.attempt.job.again(facts.real_now_us);
    let waits_for_payer = about.attempt.status == attempt::Status::RequiresAction;
    if !waits_for_payer {
        attempt.status = becomes;
    }
    let mut changes = Changes { attempts: vec![attempt], ..Changes::default() };
    if about.payment.status == Status::Created && !waits_for_payer {
        let mut payment = about.payment_changed(facts);
        move_to(&mut payment, Status::Processing, Type::PaymentProcessing, &mut changes);
        changes.payments.push(payment);
    }
    Ok(changes)
}

/// Refused: ends the attempt; ends the payment where the scene allows one try only.
pub(super) fn declined(
    about: &About<'_>,
    failure: &Failure,
    facts: &Facts<'_>,
) -> Result<Changes, Rejection> {
    if about.attempt.status == attempt::Status::Succeeded || about.is_held() {
        return Ok(about.contradiction(&format!("the channel says declined: {}", failure.code), facts));
    }
    if !about.attempt.status.is_open() {
        return Ok(Changes::default());
    }
    end_unpaid(about, attempt::Status::Failed, failure.clone(), facts)
}

/// Closed at the channel: nothing can be taken any more; or the authorization is given up.
pub(super) fn closed(about: &About<'_>, facts: &Facts<'_>) -> Result<Changes, Rejection> {
    if about.attempt.status == attempt::Status::Succeeded {
        if about.payment.status == Status::Authorized && about.payment.paid_attempt == Some(about.attempt.id)
        {
            return authorization_ended(about, facts);
        }
        return Ok(about.contradiction("the channel says closed", facts));
    }
    if about.is_held() {
        return Ok(about.contradiction("the channel says closed", facts));
    }
    if !about.attempt.status.is_open() {
        return Ok(Changes::default());
    }
    let failure = Failure {
        code: "attempt_closed".to_owned(),
        message: "The attempt was closed at the channel before anything was paid.".to_owned(),
        channel_code: None,
        channel_message: None,
        retryable: true,
    };
    end_unpaid(about, attempt::Status::Closed, failure, facts)
}

fn end_unpaid(
    about: &About<'_>,
    becomes: attempt::Status,
    failure: Failure,
    facts: &Facts<'_>,
) -> Result<Changes, Rejection> {
    let mut attempt = about.attempt_changed(facts);
    attempt.status = becomes;
    attempt.job = attempt.job.done();
    attempt.failure = Some(failure.clone());
    let mut changes = Changes { attempts: vec![attempt], ..Changes::default() };
    let payment = about.payment;
    if payment.open_attempt != Some(about.attempt.id) || payment.status.is_final() {
        return Ok(changes);
    }
    if let Some(reason) = payment.ending {
        let mut ended = close_now(payment, reason, facts);
        ended.attempts = changes.attempts;
        return Ok(ended);
    }
    let mut payment = about.payment_changed(facts);
    payment.failure = Some(failure);
    payment.next_action = None;
    payment.open_attempt = None;
    if payment.scene.one_shot() {
        payment.status_reason = Some(StatusReason::Declined);
        payment.closed_at_us = Some(facts.now_us);
        move_to(&mut payment, Status::Failed, Type::PaymentFailed, &mut changes);
    } else {
        // Stays payable until its expiry: no event, the payer may try again.
        payment.status = Status::RequiresAction;
    }
    changes.payments.push(payment);
    Ok(changes)
}

/// The channel confirmed that it holds nothing any more: void or expiry of an authorization.
fn authorization_ended(about: &About<'_>, facts: &Facts<'_>) -> Result<Changes, Rejection> {
    let mut attempt = about.attempt_changed(facts);
    attempt.job = attempt.job.done();
    let mut changes = Changes { attempts: vec![attempt], ..Changes::default() };
    let mut payment = about.payment_changed(facts);
    if payment.capturing_minor > 0 {
        // A capture is under way: its own outcome decides first.
        return Ok(
            about.contradiction("the channel gave the authorization up while a capture was under way", facts)
        );
    }
    if payment.authorized_minor > 0 {
        let posting = posting::authorization::released(
            payment.id.0.0,
            Amount::new(payment.authorized_minor, payment.currency()),
        )?;
        changes.bookings.push(Booking { posting, source: payment.id.0 });
    }
    payment.authorized_minor = 0;
    payment.status_reason = Some(payment.ending.unwrap_or(StatusReason::AuthorizationExpired));
    payment.ending = None;
    if payment.captured_minor > 0 {
        payment.paid_at_us = Some(facts.now_us);
        move_to(&mut payment, Status::Succeeded, Type::PaymentSucceeded, &mut changes);
    } else {
        payment.closed_at_us = Some(facts.now_us);
        move_to(&mut payment, Status::Closed, Type::PaymentClosed, &mut changes);
    }
    changes.payments.push(payment);
    Ok(changes)
}

/// Changes the status and tells it, once per transition.
pub(crate) fn move_to(payment: &mut Payment, status: Status, kind: Type, changes: &mut Changes) {
    if payment.status == status {
        return;
    }
    let previous_status = Some(payment.status.as_str());
    payment.status = status;
    changes.emits.push(Emit { kind, object: Object::Payment(payment.id), previous_status });
}
