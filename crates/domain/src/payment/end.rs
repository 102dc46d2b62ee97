//! Ends that are asked for: close, expiry, void. While an attempt may still take (or holds) money the channel is asked
//! first; only its confirmation, or the absence of any open attempt, ends the payment.

use super::{Payment, Status, StatusReason};
use crate::decide::{Changes, Facts};
use crate::event::{Emit, Object, Type};
use crate::id::{AttemptId, MerchantId, PaymentId};
use crate::job::Job;
use crate::rejection::Rejection;
use crate::rows::Rows;

/// Who wants the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// `POST …/close`.
    Close,
    /// `POST …/void`.
    Void,
    /// Its time is over: unpaid, or its authorization not captured.
    Expire,
}

/// The command.
#[derive(Debug, Clone)]
pub struct EndPayment {
    /// Whose.
    pub merchant: MerchantId,
    /// The payment.
    pub payment: PaymentId,
    /// Why.
    pub wish: Wish,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// Nothing had to be asked: it is ended, or was already in that end.
    Done,
    /// The channel must be asked about this attempt (close or void), leased to this node.
    AskChannel(AttemptId),
}

/// Decides it.
///
/// # Errors
/// [`Rejection::PaymentNotFound`], [`Rejection::PaymentNotClosable`], [`Rejection::PaymentNotVoidable`].
pub fn decide(command: &EndPayment, rows: &Rows, facts: &Facts<'_>) -> Result<(Changes, Ended), Rejection> {
    let payment = rows
        .payments
        .get(&command.payment)
        .filter(|p| p.merchant == command.merchant)
        .ok_or(Rejection::PaymentNotFound)?;
    let Some(reason) = reason_for(command.wish, payment, facts)? else {
        return Ok((Changes::default(), Ended::Done));
    };
    match asked_attempt(payment) {
        Some(id) => ask_channel(payment, id, reason, rows, facts),
        None => Ok((close_now(payment, reason, facts), Ended::Done)),
    }
}

/// Which reason the wish gives the payment as found; `None` when it is in that end already (or its time is not over).
fn reason_for(wish: Wish, payment: &Payment, facts: &Facts<'_>) -> Result<Option<StatusReason>, Rejection> {
    let found_status = payment.status.to_string();
    let held_for_person = payment.status_reason == Some(StatusReason::AmountMismatch);
    match wish {
        Wish::Close => match payment.status {
            Status::Created | Status::RequiresAction | Status::Processing if !held_for_person => {
                Ok(Some(StatusReason::MerchantClosed))
            }
            Status::Closed => Ok(None),
            Status::Created
            | Status::RequiresAction
            | Status::Processing
            | Status::Authorized
            | Status::Succeeded
            | Status::Failed => Err(Rejection::PaymentNotClosable { found_status }),
        },
        Wish::Void => match payment.status {
            Status::Authorized if payment.capturing_minor == 0 => Ok(Some(StatusReason::Voided)),
            Status::Closed | Status::Succeeded if payment.status_reason == Some(StatusReason::Voided) => {
                Ok(None)
            }
            Status::Created
            | Status::RequiresAction
            | Status::Processing
            | Status::Authorized
            | Status::Succeeded
            | Status::Failed
            | Status::Closed => Err(Rejection::PaymentNotVoidable { found_status }),
        },
        Wish::Expire => match payment.status {
            Status::Created | Status::RequiresAction | Status::Processing
                if !held_for_person && payment.expires_at_us <= facts.now_us =>
            {
                Ok(Some(StatusReason::Expired))
            }
            Status::Authorized
                if payment.capturing_minor == 0
                    && payment.authorization_expires_at_us.is_some_and(|at| at <= facts.now_us) =>
            {
                Ok(Some(StatusReason::AuthorizationExpired))
            }
            Status::Created
            | Status::RequiresAction
            | Status::Processing
            | Status::Authorized
            | Status::Succeeded
            | Status::Failed
            | Status::Closed => Ok(None),
        },
    }
}

fn asked_attempt(payment: &Payment) -> Option<AttemptId> {
    match payment.status {
        Status::Authorized => payment.paid_attempt,
        Status::Created | Status::RequiresAction | Status::Processing => payment.open_attempt,
        Status::Succeeded | Status::Failed | Status::Closed => None,
    }
}

fn ask_channel(
    payment: &Payment,
    id: AttemptId,
    reason: StatusReason,
    rows: &Rows,
    facts: &Facts<'_>,
) -> Result<(Changes, Ended), Rejection> {
    let attempt = rows
        .attempts
        .get(&id)
        .ok_or_else(|| Rejection::Defect { what: "the attempt was not read".to_owned() })?;
    if payment.ending.is_some() {
        // Asked for already: whoever wants it again only asks the channel again.
        return Ok((Changes::default(), Ended::AskChannel(id)));
    }
    let mut attempt = attempt.clone();
    attempt.job = Job { fence: attempt.job.fence + 1, ..Job::leased(facts.node, facts.lease_until_us) };
    attempt.sequence += 1;
    let mut payment = payment.clone();
    payment.ending = Some(reason);
    payment.ended_by = facts.acting_key.or(payment.ended_by);
    payment.updated_at_us = facts.now_us;
    payment.sequence += 1;
    Ok((
        Changes { payments: vec![payment], attempts: vec![attempt], ..Changes::default() },
        Ended::AskChannel(id),
    ))
}

/// Nothing can be taken any more: the payment ends now.
pub(super) fn close_now(payment: &Payment, reason: StatusReason, facts: &Facts<'_>) -> Changes {
    let previous_status = Some(payment.status.as_str());
    let mut payment = payment.clone();
    payment.status = Status::Closed;
    payment.status_reason = Some(reason);
    payment.closed_at_us = Some(facts.now_us);
    payment.ended_by = facts.acting_key.or(payment.ended_by);
    payment.updated_at_us = facts.now_us;
    payment.next_action = None;
    payment.ending = None;
    payment.open_attempt = None;
    payment.sequence += 1;
    let emit = Emit { kind: Type::PaymentClosed, object: Object::Payment(payment.id), previous_status };
    Changes { payments: vec![payment], emits: vec![emit], ..Changes::default() }
}
