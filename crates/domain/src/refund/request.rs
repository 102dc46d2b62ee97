//! A merchant asks for a refund: accepted and booked in one commit, or refused; only then is the channel called.

use super::{Kind, Refund, Status};
use crate::channel::SandboxOutcome;
use crate::decide::{Booking, Changes, Facts};
use crate::event::{Emit, Object, Type};
use crate::funds::Purse;
use crate::id::{MerchantId, PaymentId, RefundId};
use crate::job::Job;
use crate::payment::{self, Payment};
use crate::price::{Price, RefundFee};
use crate::rejection::{Differing, Rejection};
use crate::rows::Rows;
use ledger::posting::Charge;
use ledger::posting::refund::{Acceptance, Accepted, GrossAccount, accepted};
use ledger::{Account, Label};
use money::Amount;

/// `POST /v1/refunds`, parsed.
#[derive(Debug, Clone)]
pub struct RequestRefund {
    /// Whose.
    pub merchant: MerchantId,
    /// The payment.
    pub payment: PaymentId,
    /// The merchant's number.
    pub merchant_refund_no: String,
    /// How much; `None` is all that remains.
    pub amount: Option<Amount>,
    /// The merchant's words.
    pub reason: Option<String>,
    /// What the sandbox channel shall do.
    pub sandbox_outcome: Option<SandboxOutcome>,
    /// The payment's price version.
    pub price: Price,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq)]
pub enum Requested {
    /// It is new; the channel is to be called.
    New(RefundId),
    /// The number stands for this refund already, with the same content.
    Existing(RefundId),
}

/// Decides it.
///
/// # Errors
/// In this order: [`Rejection::RefundExistsDiffers`], [`Rejection::PaymentNotFound`], [`Rejection::PaymentNotRefundable`],
/// [`Rejection::CurrencyDiffers`], [`Rejection::RefundExceedsRemaining`], [`Rejection::InsufficientFunds`].
pub fn decide(
    command: &RequestRefund,
    rows: &Rows,
    facts: &mut Facts<'_>,
) -> Result<(Changes, Requested), Rejection> {
    let number = (command.merchant, command.merchant_refund_no.clone());
    if let Some(stored) = rows.refund_nos.get(&number).and_then(|id| rows.refunds.get(id)) {
        return same_content(command, stored);
    }
    let payment = rows
        .payments
        .get(&command.payment)
        .filter(|p| p.merchant == command.merchant)
        .ok_or(Rejection::PaymentNotFound)?;
    let amount = refundable(command, payment)?;
    let refund = accept(command, payment, amount, rows, facts)?;
    let mut changes = refund.1;
    let refund = refund.0;
    let mut payment = payment.clone();
    payment.refunding_minor += amount.minor();
    payment.fee_returned_minor += refund.fee_returned_minor;
    payment.updated_at_us = facts.now_us;
    payment.sequence += 1;
    let id = refund.id;
    changes.emits.push(Emit { kind: Type::RefundCreated, object: Object::Refund(id), previous_status: None });
    changes.payments.push(payment);
    changes.refunds.push(refund);
    Ok((changes, Requested::New(id)))
}

fn refundable(command: &RequestRefund, payment: &Payment) -> Result<Amount, Rejection> {
    match payment.status {
        payment::Status::Succeeded => {}
        payment::Status::Created
        | payment::Status::RequiresAction
        | payment::Status::Processing
        | payment::Status::Authorized
        | payment::Status::Failed
        | payment::Status::Closed => {
            return Err(Rejection::PaymentNotRefundable { found_status: payment.status.to_string() });
        }
    }
    let remaining_minor = payment.refundable_minor();
    let amount = command.amount.unwrap_or(Amount::new(remaining_minor, payment.currency()));
    if amount.currency() != payment.currency() {
        return Err(Rejection::CurrencyDiffers { payment_currency: payment.currency().code().to_owned() });
    }
    if amount.minor() <= 0 || amount.minor() > remaining_minor {
        return Err(Rejection::RefundExceedsRemaining { remaining_minor });
    }
    Ok(amount)
}

/// Fee given back by plan, the draw, the refund fee: one posting.
fn accept(
    command: &RequestRefund,
    payment: &Payment,
    amount: Amount,
    rows: &Rows,
    facts: &mut Facts<'_>,
) -> Result<(Refund, Changes), Rejection> {
    let live_minor = payment.refunded_minor + payment.refunding_minor + amount.minor();
    let (fee_back_minor, refund_fee_minor) = match command.price.refund_fee {
        RefundFee::Returned => {
            let fee_minor = payment.fee_minor.unwrap_or(0);
            let back = money::fee_given_back(
                fee_minor,
                payment.captured_minor,
                live_minor,
                payment.fee_returned_minor,
            );
            (back, 0)
        }
        RefundFee::Kept => (0, 0),
        RefundFee::Charged(minor) => (0, minor),
    };
    let attempt = payment.paid_attempt.and_then(|id| rows.attempts.get(&id));
    let attempt =
        attempt.ok_or_else(|| Rejection::Defect { what: "the paid attempt was not read".to_owned() })?;
    let refund = Refund {
        fee_returned_minor: fee_back_minor,
        fee_charged_minor: refund_fee_minor,
        merchant_refund_no: Some(command.merchant_refund_no.clone()),
        reason: command.reason.clone(),
        sandbox_outcome: command.sandbox_outcome,
        ..fresh(payment, attempt.id, attempt.channel_account, amount, facts)
    };
    let Accepted { posting, owed_increase_minor, .. } =
        accepted(&acceptance(payment, &refund, rows, facts)?, &Purse::new(rows, payment.merchant))?;
    within_debt_limit(payment, owed_increase_minor, rows)?;
    let refund = Refund { accepted_lines: posting.lines.clone(), ..refund };
    let bookings = vec![Booking { posting, source: refund.id.0 }];
    Ok((refund, Changes { bookings, ..Changes::default() }))
}

fn acceptance(
    payment: &Payment,
    refund: &Refund,
    rows: &Rows,
    facts: &Facts<'_>,
) -> Result<Acceptance, Rejection> {
    let method = Label::new(&payment.method)
        .map_err(|_| Rejection::Defect { what: "method is no label".to_owned() })?;
    let mut payment_days: Vec<ledger::Day> =
        rows.captures.values().filter(|c| c.payment == payment.id).filter_map(|c| c.available_on).collect();
    payment_days.extend(payment.available_on);
    Ok(Acceptance {
        merchant: payment.merchant.0.0,
        refund: refund.id.0.0,
        currency: payment.currency(),
        method,
        gross_account: match payment.available_on {
            Some(day) if day > facts.today => GrossAccount::Pending(day),
            Some(_) | None => GrossAccount::Available,
        },
        payment_days,
        holds: Vec::new(),
        reserves: Vec::new(),
        amount_minor: refund.amount.minor(),
        fee_back: Charge::untaxed(refund.fee_returned_minor),
        refund_fee: Charge::untaxed(refund.fee_charged_minor),
    })
}

/// What the merchant's own refunds may make it owe is bounded by its debt limit.
fn within_debt_limit(payment: &Payment, owed_increase_minor: i64, rows: &Rows) -> Result<(), Rejection> {
    if owed_increase_minor <= 0 {
        return Ok(());
    }
    let owed = Account::MerchantReceivable { merchant: payment.merchant.0.0 }.key(payment.currency());
    let owed_minor = rows.balances.get(&owed).map_or(0, |balance| balance.amount_minor);
    let limit_minor = rows.heads.get(&payment.merchant).map_or(0, |head| head.debt_limit_minor);
    let short_minor = owed_minor.saturating_add(owed_increase_minor).saturating_sub(limit_minor);
    if short_minor > 0 { Err(Rejection::InsufficientFunds { short_minor }) } else { Ok(()) }
}

/// A new refund of an attempt's money, its call leased to this node.
pub(super) fn fresh(
    payment: &Payment,
    attempt: crate::id::AttemptId,
    channel_account: crate::id::ChannelAccountId,
    amount: Amount,
    facts: &mut Facts<'_>,
) -> Refund {
    Refund {
        id: facts.number(),
        payment: payment.id,
        attempt,
        merchant: payment.merchant,
        acting_key: facts.acting_key,
        channel_account,
        merchant_order_no: payment.merchant_order_no.clone(),
        merchant_refund_no: None,
        kind: Kind::Merchant,
        amount,
        status: Status::Pending,
        reason: None,
        fee_returned_minor: 0,
        fee_charged_minor: 0,
        cost_returned_minor: 0,
        accepted_lines: Vec::new(),
        in_transit_minor: amount.minor(),
        channel_refund_no: None,
        bill_date: None,
        failure: None,
        sandbox_outcome: None,
        contradiction: None,
        job: Job::leased(facts.node, facts.lease_until_us),
        succeeded_at_us: None,
        created_at_us: facts.now_us,
        updated_at_us: facts.now_us,
        sequence: 1,
    }
}

fn same_content(command: &RequestRefund, stored: &Refund) -> Result<(Changes, Requested), Rejection> {
    let mut differing = Vec::new();
    let mut compare = |pointer: &str, stored: String, given: String| {
        if stored != given {
            differing.push(Differing { pointer: pointer.to_owned(), stored, given });
        }
    };
    compare("/payment", stored.payment.to_string(), command.payment.to_string());
    if let Some(amount) = command.amount {
        compare("/amount/value", stored.amount.minor().to_string(), amount.minor().to_string());
        compare(
            "/amount/currency",
            stored.amount.currency().code().to_owned(),
            amount.currency().code().to_owned(),
        );
    }
    if differing.is_empty() {
        Ok((Changes::default(), Requested::Existing(stored.id)))
    } else {
        Err(Rejection::RefundExistsDiffers { differing })
    }
}
