//! A channel's fact about a refund.

use super::{Kind, Refund, Status};
use crate::attempt::Attempt;
use crate::channel::{Failure, RefundFact};
use crate::decide::{Booking, Changes, Facts};
use crate::event::{Emit, Object, Type};
use crate::funds::Purse;
use crate::id::RefundId;
use crate::payment::Payment;
use crate::payment::apply::flag;
use crate::rejection::Rejection;
use crate::rows::Rows;
use ledger::posting::held;
use ledger::posting::refund::{Taken, taken};
use ledger::posting::refund_failed::{self, LateFailure, failed};
use ledger::{Account, Day};

/// What a channel said of a refund, by answer, query or notice.
#[derive(Debug, Clone)]
pub struct ApplyRefund {
    /// The refund.
    pub refund: RefundId,
    /// The fact.
    pub fact: RefundFact,
}

/// Decides what the fact changes.
///
/// # Errors
/// [`Rejection::RefundNotFound`]; [`Rejection::Defect`] when the books refuse.
pub fn decide(command: &ApplyRefund, rows: &Rows, facts: &Facts<'_>) -> Result<Changes, Rejection> {
    let refund = rows.refunds.get(&command.refund).ok_or(Rejection::RefundNotFound)?;
    let payment = rows.payments.get(&refund.payment).ok_or(Rejection::PaymentNotFound)?;
    match &command.fact {
        RefundFact::Succeeded { channel_refund_no, bill_date, .. } => {
            succeeded(refund, payment, channel_refund_no, *bill_date, facts)
        }
        RefundFact::Accepted { channel_refund_no } => Ok(waiting(refund, Some(channel_refund_no), facts)),
        RefundFact::NotFound | RefundFact::Unknown => Ok(waiting(refund, None, facts)),
        RefundFact::Failed { failure, bill_date } => fails(refund, payment, failure, *bill_date, rows, facts),
    }
}

fn changed(refund: &Refund, facts: &Facts<'_>) -> Refund {
    Refund { updated_at_us: facts.now_us, sequence: refund.sequence + 1, ..refund.clone() }
}

/// Not done yet: asked again later, with the same number.
fn waiting(refund: &Refund, channel_refund_no: Option<&String>, facts: &Facts<'_>) -> Changes {
    match refund.status {
        Status::Pending | Status::RequiresAttention => {
            let mut refund = changed(refund, facts);
            refund.job = refund.job.again(facts.real_now_us);
            refund.channel_refund_no = channel_refund_no.cloned().or(refund.channel_refund_no);
            Changes { refunds: vec![refund], ..Changes::default() }
        }
        Status::Succeeded | Status::Failed => Changes::default(),
    }
}

fn succeeded(
    refund: &Refund,
    payment: &Payment,
    channel_refund_no: &str,
    bill_date: Day,
    facts: &Facts<'_>,
) -> Result<Changes, Rejection> {
    match refund.status {
        Status::Pending | Status::RequiresAttention => {}
        Status::Succeeded => return Ok(Changes::default()),
        Status::Failed => return Ok(contradiction(refund, "the channel says succeeded", facts)),
    }
    let mut changes = Changes::default();
    let mut payment = payment.clone();
    let cost_back_minor = match refund.kind {
        Kind::Merchant => {
            let live_minor = payment.refunded_minor + refund.amount.minor();
            let back = money::fee_given_back(
                payment.cost_minor,
                payment.captured_minor,
                live_minor,
                payment.cost_returned_minor,
            );
            payment.refunded_minor += refund.amount.minor();
            payment.refunding_minor -= refund.amount.minor();
            payment.cost_returned_minor += back;
            payment.updated_at_us = facts.now_us;
            payment.sequence += 1;
            changes.payments.push(payment);
            back
        }
        // Its whole cost was accrued with it; nothing of the payment changes.
        Kind::Automatic => refund.cost_returned_minor,
    };
    let posting = taken(&Taken {
        refund: refund.id.0.0,
        channel_account: refund.channel_account.0.0,
        bill_date,
        currency: refund.amount.currency(),
        amount_minor: refund.amount.minor(),
        cost_back_minor,
    })?;
    changes.bookings.push(Booking { posting, source: refund.id.0 });
    let previous_status = Some(refund.status.as_str());
    let mut refund = changed(refund, facts);
    refund.status = Status::Succeeded;
    refund.in_transit_minor = 0;
    refund.cost_returned_minor = cost_back_minor;
    refund.channel_refund_no = Some(channel_refund_no.to_owned());
    refund.bill_date = Some(bill_date);
    refund.succeeded_at_us = Some(facts.now_us);
    refund.failure = None;
    refund.job = refund.job.done();
    changes.emits.push(Emit {
        kind: Type::RefundSucceeded,
        object: Object::Refund(refund.id),
        previous_status,
    });
    changes.refunds.push(refund);
    Ok(changes)
}

fn fails(
    refund: &Refund,
    payment: &Payment,
    failure: &Failure,
    learnt_on: Day,
    rows: &Rows,
    facts: &Facts<'_>,
) -> Result<Changes, Rejection> {
    if refund.status == Status::Failed {
        return Ok(Changes::default());
    }
    if refund.kind == Kind::Automatic {
        return held_again(refund, payment, failure, learnt_on, rows, facts);
    }
    let was_taken = refund.status == Status::Succeeded;
    let today = facts.today;
    let has_moved_on = |account: &Account| matches!(account, Account::MerchantPending { available_on, .. } if *available_on <= today);
    let posting = failed(
        &refund_failed::Failure {
            currency: refund.amount.currency(),
            acceptance: &refund.accepted_lines,
            has_moved_on: &has_moved_on,
            merchant_closed: false,
            late: was_taken.then_some(LateFailure {
                channel_account: refund.channel_account.0.0,
                learnt_on,
                cost_back_minor: refund.cost_returned_minor,
            }),
        },
        &Purse::new(rows, refund.merchant),
    )?;
    let mut payment = payment.clone();
    payment.fee_returned_minor -= refund.fee_returned_minor;
    if was_taken {
        payment.refunded_minor -= refund.amount.minor();
        payment.cost_returned_minor -= refund.cost_returned_minor;
    } else {
        payment.refunding_minor -= refund.amount.minor();
    }
    payment.updated_at_us = facts.now_us;
    payment.sequence += 1;
    let previous_status = Some(refund.status.as_str());
    let mut failed_refund = changed(refund, facts);
    failed_refund.status = Status::Failed;
    failed_refund.in_transit_minor = 0;
    failed_refund.fee_returned_minor = 0;
    failed_refund.fee_charged_minor = 0;
    failed_refund.cost_returned_minor = 0;
    failed_refund.succeeded_at_us = None;
    failed_refund.failure = Some(failure.clone());
    failed_refund.job = failed_refund.job.done();
    let emit = Emit { kind: Type::RefundFailed, object: Object::Refund(refund.id), previous_status };
    Ok(Changes {
        payments: vec![payment],
        refunds: vec![failed_refund],
        bookings: vec![Booking { posting, source: refund.id.0 }],
        emits: vec![emit],
        ..Changes::default()
    })
}

/// Money that a payment may not keep can't be given back this way: it is held for a person again, who decides anew.
fn held_again(
    refund: &Refund,
    payment: &Payment,
    failure: &Failure,
    learnt_on: Day,
    rows: &Rows,
    facts: &Facts<'_>,
) -> Result<Changes, Rejection> {
    let attempt = rows.attempts.get(&refund.attempt);
    let attempt =
        attempt.ok_or_else(|| Rejection::Defect { what: "the refund's attempt was not read".to_owned() })?;
    let late = (refund.status == Status::Succeeded).then_some(LateFailure {
        channel_account: refund.channel_account.0.0,
        learnt_on,
        cost_back_minor: refund.cost_returned_minor,
    });
    let posting = held::return_failed(refund.id.0.0, late, attempt.id.0.0, refund.amount)?;
    let mut changes =
        Changes { bookings: vec![Booking { posting, source: refund.id.0 }], ..Changes::default() };
    let previous_status = Some(refund.status.as_str());
    let failed = Refund {
        status: Status::Failed,
        in_transit_minor: 0,
        failure: Some(failure.clone()),
        succeeded_at_us: None,
        job: refund.job.done(),
        ..changed(refund, facts)
    };
    let attempt = Attempt {
        taken: Some(refund.amount),
        held_minor: attempt.held_minor + refund.amount.minor(),
        sent_back_minor: attempt.sent_back_minor - refund.amount.minor(),
        updated_at_us: facts.now_us,
        sequence: attempt.sequence + 1,
        ..attempt.clone()
    };
    let mut payment =
        Payment { updated_at_us: facts.now_us, sequence: payment.sequence + 1, ..payment.clone() };
    changes.emits.push(Emit { kind: Type::RefundFailed, object: Object::Refund(refund.id), previous_status });
    flag(&mut payment, &mut changes);
    changes.payments.push(payment);
    changes.attempts.push(attempt);
    changes.refunds.push(failed);
    Ok(changes)
}

fn contradiction(refund: &Refund, said: &str, facts: &Facts<'_>) -> Changes {
    if refund.contradiction.as_deref() == Some(said) {
        return Changes::default();
    }
    let mut refund = changed(refund, facts);
    refund.contradiction = Some(said.to_owned());
    Changes { refunds: vec![refund], ..Changes::default() }
}
