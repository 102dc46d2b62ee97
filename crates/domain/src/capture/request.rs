//! A merchant captures part or all of what is authorized.

use super::{Capture, Status};
use crate::decide::{Changes, Facts};
use crate::id::{CaptureId, MerchantId, PaymentId};
use crate::job::Job;
use crate::payment;
use crate::rejection::Rejection;
use crate::rows::Rows;
use money::Amount;

/// `POST /v1/payments/{id}/captures`, parsed.
#[derive(Debug, Clone)]
pub struct RequestCapture {
    /// Whose.
    pub merchant: MerchantId,
    /// The payment.
    pub payment: PaymentId,
    /// How much; `None` is all that remains.
    pub amount: Option<Amount>,
    /// Whether the rest is given up; `None`: when nothing remains after it.
    pub is_final: Option<bool>,
}

/// Decides it. What captures under way will take counts as taken (R12).
///
/// # Errors
/// [`Rejection::PaymentNotFound`], [`Rejection::PaymentNotCapturable`] (also a final one beside another), [`Rejection::CurrencyDiffers`],
/// [`Rejection::CaptureExceedsAuthorized`].
pub fn decide(
    command: &RequestCapture,
    rows: &Rows,
    facts: &mut Facts<'_>,
) -> Result<(Changes, CaptureId), Rejection> {
    let payment = rows
        .payments
        .get(&command.payment)
        .filter(|p| p.merchant == command.merchant)
        .ok_or(Rejection::PaymentNotFound)?;
    let found_status = payment.status.to_string();
    match payment.status {
        payment::Status::Authorized if payment.ending.is_none() => {}
        payment::Status::Created
        | payment::Status::RequiresAction
        | payment::Status::Processing
        | payment::Status::Authorized
        | payment::Status::Succeeded
        | payment::Status::Failed
        | payment::Status::Closed => return Err(Rejection::PaymentNotCapturable { found_status }),
    }
    let remaining_minor = payment.capturable_minor();
    let amount = command.amount.unwrap_or(Amount::new(remaining_minor, payment.currency()));
    if amount.currency() != payment.currency() {
        return Err(Rejection::CurrencyDiffers { payment_currency: payment.currency().code().to_owned() });
    }
    if amount.minor() <= 0 || amount.minor() > remaining_minor {
        return Err(Rejection::CaptureExceedsAuthorized { remaining_minor });
    }
    // A final capture gives the rest up at the channel, so none may be under way beside it.
    let alone = payment.capturing_minor == 0;
    if command.is_final == Some(true) && !alone {
        return Err(Rejection::PaymentNotCapturable { found_status });
    }
    let is_final = alone && (command.is_final == Some(true) || amount.minor() == remaining_minor);
    let attempt = payment.paid_attempt.and_then(|id| rows.attempts.get(&id));
    let attempt = attempt
        .ok_or_else(|| Rejection::Defect { what: "the authorized attempt was not read".to_owned() })?;
    let capture = Capture {
        id: facts.number(),
        payment: payment.id,
        attempt: attempt.id,
        merchant: payment.merchant,
        acting_key: facts.acting_key,
        channel_account: attempt.channel_account,
        amount,
        is_final,
        status: Status::Pending,
        fee_minor: 0,
        cost_minor: 0,
        available_on: None,
        bill_date: None,
        failure: None,
        job: Job::leased(facts.node, facts.lease_until_us),
        created_at_us: facts.now_us,
        updated_at_us: facts.now_us,
        sequence: 1,
    };
    let mut payment = payment.clone();
    // With a final capture under way nothing remains to be captured.
    payment.capturing_minor =
        if is_final { payment.authorized_minor } else { payment.capturing_minor + amount.minor() };
    payment.updated_at_us = facts.now_us;
    payment.sequence += 1;
    let id = capture.id;
    Ok((Changes { payments: vec![payment], captures: vec![capture], ..Changes::default() }, id))
}
