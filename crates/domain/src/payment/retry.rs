//! Another try at paying: `POST /v1/payments/{id}/attempts`.

use super::create::new_attempt;
use super::{Payment, Scene, Status};
use crate::channel::{ChannelAccount, SandboxOutcome};
use crate::decide::{Changes, Facts};
use crate::id::{AttemptId, MerchantId, PaymentId};
use crate::rejection::Rejection;
use crate::rows::Rows;

/// The command, parsed.
#[derive(Debug, Clone)]
pub struct AddAttempt {
    /// Whose.
    pub merchant: MerchantId,
    /// The payment.
    pub payment: PaymentId,
    /// The method; `None` keeps the payment's.
    pub method: Option<String>,
    /// The scene; `None` keeps the payment's.
    pub scene: Option<Scene>,
    /// What the sandbox channel shall do.
    pub sandbox_outcome: Option<SandboxOutcome>,
    /// The channel account that serves the method.
    pub account: Option<ChannelAccount>,
    /// What else is known of the order's tries.
    pub tries: Tries,
}

/// Tries at an order, as far as their numbers go.
#[derive(Debug, Clone, Default)]
pub struct Tries {
    /// The name of the order that numbers of tries are found from, 62 bits.
    pub order: u64,
    /// Those that the account's channel knows and books restored from a backup may have forgotten; empty for all other books.
    pub forgotten: Vec<AttemptId>,
    /// The largest sequence of the payment from which any channel knows such a number; 0: none.
    pub last: i64,
}

/// Decides it: only a payment that can still be paid and has no attempt that may still take money gets another one (R02).
///
/// # Errors
/// [`Rejection::PaymentNotFound`], [`Rejection::PaymentNotPayable`], [`Rejection::AttemptUnresolved`],
/// [`Rejection::ChannelNotConfigured`].
pub fn decide(
    command: &AddAttempt,
    rows: &Rows,
    facts: &mut Facts<'_>,
) -> Result<(Changes, AttemptId), Rejection> {
    let payment = rows
        .payments
        .get(&command.payment)
        .filter(|p| p.merchant == command.merchant)
        .ok_or(Rejection::PaymentNotFound)?;
    let found_status = payment.status.to_string();
    match payment.status {
        Status::Created | Status::RequiresAction | Status::Processing => {}
        Status::Authorized | Status::Succeeded | Status::Failed | Status::Closed => {
            return Err(Rejection::PaymentNotPayable { found_status });
        }
    }
    if payment.open_attempt.is_some() {
        return Err(Rejection::AttemptUnresolved { found_status });
    }
    if payment.ending.is_some() || payment.expires_at_us <= facts.now_us {
        return Err(Rejection::PaymentNotPayable { found_status });
    }
    let method = command.method.clone().unwrap_or_else(|| payment.method.clone());
    let account =
        command.account.as_ref().ok_or_else(|| Rejection::ChannelNotConfigured { method: method.clone() })?;
    let scene = command.scene.unwrap_or(payment.scene);
    // What a channel did is taken up again, not done once more.
    let Tries { forgotten, last, .. } = &command.tries;
    // Numbers go by the sequence, so it moves behind those that were given before the books forgot them.
    let sequence = if *last == 0 { payment.sequence } else { payment.sequence.max(last + 1) };
    let id: AttemptId = match forgotten.iter().find(|id| !rows.attempts.contains_key(id)) {
        Some(forgotten) => *forgotten,
        None => facts.try_number(payment.id.0, sequence),
    };
    if rows.attempts.contains_key(&id) {
        return Err(Rejection::Defect { what: format!("attempt {id} would be made twice") });
    }
    let attempt = new_attempt(id, payment, account, method, scene, command.sandbox_outcome, facts);
    let changed = Payment {
        latest_attempt: Some(id),
        open_attempt: Some(id),
        next_action: None,
        failure: None,
        updated_at_us: facts.now_us,
        sequence: sequence + 1,
        ..payment.clone()
    };
    Ok((Changes { payments: vec![changed], attempts: vec![attempt], ..Changes::default() }, id))
}
