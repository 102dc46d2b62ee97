//! A merchant asks to be paid: the payment and its first attempt, in one commit, before any channel is called.

use super::{CaptureMode, Details, Payment, Scene, Status};
use crate::attempt::{self, Attempt};
use crate::channel::{ChannelAccount, SandboxOutcome};
use crate::decide::{Changes, Facts};
use crate::event::{Emit, Object, Type};
use crate::id::{AttemptId, MerchantId, PaymentId};
use crate::job::Job;
use crate::price::Price;
use crate::rejection::{Differing, Rejection};
use crate::rows::Rows;
use money::Amount;
use std::sync::Arc;

/// `POST /v1/payments`, parsed.
#[derive(Debug, Clone)]
pub struct CreatePayment {
    /// Whose.
    pub merchant: MerchantId,
    /// The merchant's number.
    pub merchant_order_no: String,
    /// What is asked.
    pub amount: Amount,
    /// The method.
    pub method: String,
    /// The scene.
    pub scene: Scene,
    /// Whether capturing is a step of its own.
    pub capture_mode: CaptureMode,
    /// How long it may stay unpaid, microseconds.
    pub expires_in_us: i64,
    /// What never changes.
    pub details: Arc<Details>,
    /// The price in force, from the node's configuration.
    pub price: Option<Price>,
    /// The channel account that serves it.
    pub account: Option<ChannelAccount>,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq)]
pub enum Created {
    /// It is new; its attempt is to be called.
    New(PaymentId),
    /// The number stands for this payment already, with the same content.
    Existing(PaymentId),
}

/// Decides the creation.
///
/// # Errors
/// [`Rejection::PaymentExistsDiffers`], [`Rejection::ChannelNotConfigured`], [`Rejection::PriceNotConfigured`].
pub fn decide(
    command: &CreatePayment,
    rows: &Rows,
    facts: &mut Facts<'_>,
) -> Result<(Changes, Created), Rejection> {
    let number = (command.merchant, command.merchant_order_no.clone());
    if let Some(stored) = rows.order_nos.get(&number).and_then(|id| rows.payments.get(id)) {
        return same_content(command, stored);
    }
    let account = command
        .account
        .as_ref()
        .ok_or_else(|| Rejection::ChannelNotConfigured { method: command.method.clone() })?;
    let price = command.price.as_ref().ok_or_else(|| Rejection::PriceNotConfigured {
        method: command.method.clone(),
        currency: command.amount.currency().code().to_owned(),
    })?;
    // Found from each other, so that a number which a channel knows tells the payment's id.
    let (first, number): (_, AttemptId) = facts.order_numbers();
    let payment = new_payment(PaymentId(first.twin()), command, price, facts);
    let attempt = new_attempt(
        number,
        &payment,
        account,
        command.method.clone(),
        command.scene,
        command.details.sandbox_outcome,
        facts,
    );
    let payment = Payment { latest_attempt: Some(attempt.id), open_attempt: Some(attempt.id), ..payment };
    let id = payment.id;
    let mut changes = Changes::default();
    if !command.scene.synchronous() {
        changes.emits.push(Emit {
            kind: Type::PaymentCreated,
            object: Object::Payment(id),
            previous_status: None,
        });
    }
    changes.payments.push(payment);
    changes.attempts.push(attempt);
    Ok((changes, Created::New(id)))
}

fn new_payment(id: PaymentId, command: &CreatePayment, price: &Price, facts: &Facts<'_>) -> Payment {
    Payment {
        id,
        merchant: command.merchant,
        merchant_order_no: command.merchant_order_no.clone(),
        status: Status::Created,
        status_reason: None,
        amount: command.amount,
        authorized_minor: 0,
        capturing_minor: 0,
        captured_minor: 0,
        refunded_minor: 0,
        refunding_minor: 0,
        fee_minor: None,
        fee_returned_minor: 0,
        cost_minor: 0,
        cost_returned_minor: 0,
        method: command.method.clone(),
        scene: command.scene,
        capture_mode: command.capture_mode,
        price: price.id,
        expires_at_us: facts.now_us.saturating_add(command.expires_in_us),
        authorization_expires_at_us: None,
        ending: None,
        ended_by: None,
        next_action: None,
        failure: None,
        latest_attempt: None,
        open_attempt: None,
        paid_attempt: None,
        available_on: None,
        created_at_us: facts.now_us,
        updated_at_us: facts.now_us,
        authorized_at_us: None,
        paid_at_us: None,
        closed_at_us: None,
        sequence: 1,
        details: Arc::clone(&command.details),
    }
}

/// An attempt, born leased to this node: its row is the job that makes the call.
pub(super) fn new_attempt(
    id: AttemptId,
    payment: &Payment,
    account: &ChannelAccount,
    method: String,
    scene: Scene,
    sandbox_outcome: Option<SandboxOutcome>,
    facts: &Facts<'_>,
) -> Attempt {
    Attempt {
        id,
        payment: payment.id,
        merchant: payment.merchant,
        acting_key: facts.acting_key,
        status: attempt::Status::Created,
        method,
        scene,
        channel_account: account.id,
        amount: payment.amount,
        channel_trade_no: None,
        failure: None,
        sandbox_outcome,
        taken: None,
        bill_date: None,
        held_minor: 0,
        sent_back_minor: 0,
        contradiction: None,
        job: Job::leased(facts.node, facts.lease_until_us),
        created_at_us: facts.now_us,
        updated_at_us: facts.now_us,
        sequence: 1,
    }
}

/// The merchant's number is known: the same content answers the object as it is, other content names what differs.
fn same_content(command: &CreatePayment, stored: &Payment) -> Result<(Changes, Created), Rejection> {
    let mut differing = Vec::new();
    let mut compare = |pointer: &str, stored: String, given: String| {
        if stored != given {
            differing.push(Differing { pointer: pointer.to_owned(), stored, given });
        }
    };
    compare("/amount/value", stored.amount.minor().to_string(), command.amount.minor().to_string());
    compare(
        "/amount/currency",
        stored.currency().code().to_owned(),
        command.amount.currency().code().to_owned(),
    );
    compare("/method", stored.method.clone(), command.method.clone());
    compare("/scene", stored.scene.to_string(), command.scene.to_string());
    compare("/subject", stored.details.subject.clone(), command.details.subject.clone());
    compare("/capture_mode", stored.capture_mode.to_string(), command.capture_mode.to_string());
    if differing.is_empty() {
        Ok((Changes::default(), Created::Existing(stored.id)))
    } else {
        Err(Rejection::PaymentExistsDiffers { differing })
    }
}
