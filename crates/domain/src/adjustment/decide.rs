//! Another person approves an adjustment, and the giver's half is booked; or rejects it.

use super::{Adjustment, Person, Status};
use crate::decide::{Booking, Changes, Facts};
use crate::id::{AdjustmentId, MerchantId};
use crate::rejection::Rejection;
use crate::rows::Rows;
use ledger::Account;
use ledger::posting::adjustment::given;

/// What the other person says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Move the money.
    Approve,
    /// Leave it.
    Reject,
}

/// The command.
#[derive(Debug, Clone)]
pub struct DecideAdjustment {
    /// The adjustment.
    pub id: AdjustmentId,
    /// Who gives.
    pub merchant: MerchantId,
    /// What is said.
    pub verdict: Verdict,
    /// Who says it.
    pub by: Person,
}

/// Decides it. What was said before may be said again and changes nothing.
///
/// # Errors
/// [`Rejection::AdjustmentNotFound`], [`Rejection::AdjustmentDecided`] when the opposite was said, [`Rejection::SamePerson`],
/// [`Rejection::InsufficientFunds`] when the giver's 2020 holds less; its credit line does not serve.
pub fn decide(command: &DecideAdjustment, rows: &Rows, facts: &Facts<'_>) -> Result<Changes, Rejection> {
    let adjustment = rows.adjustments.get(&command.id).filter(|found| found.merchant == command.merchant);
    let adjustment = adjustment.ok_or(Rejection::AdjustmentNotFound)?;
    match (adjustment.status, command.verdict) {
        (Status::Proposed, _) => {}
        (Status::InTransit | Status::Succeeded, Verdict::Approve) | (Status::Rejected, Verdict::Reject) => {
            return Ok(Changes::default());
        }
        (Status::InTransit | Status::Succeeded, Verdict::Reject) | (Status::Rejected, Verdict::Approve) => {
            return Err(Rejection::AdjustmentDecided { found_status: adjustment.status.to_string() });
        }
    }
    if adjustment.proposed_by == command.by {
        return Err(Rejection::SamePerson);
    }
    let decided = Adjustment {
        decided_by: Some(command.by.clone()),
        updated_at_us: facts.now_us,
        sequence: adjustment.sequence + 1,
        ..adjustment.clone()
    };
    match command.verdict {
        Verdict::Reject => {
            let rejected = Adjustment { status: Status::Rejected, ..decided };
            Ok(Changes { adjustments: vec![rejected], ..Changes::default() })
        }
        Verdict::Approve => give(decided, rows, facts),
    }
}

fn give(adjustment: Adjustment, rows: &Rows, facts: &Facts<'_>) -> Result<Changes, Rejection> {
    let Adjustment { merchant, receiver, amount, .. } = adjustment;
    let available = Account::MerchantAvailable { merchant: merchant.0.0 }.key(amount.currency());
    let held_minor = rows.balances.get(&available).map_or(0, |balance| balance.amount_minor);
    if held_minor < amount.minor() {
        let short_minor = amount.minor().saturating_sub(held_minor);
        return Err(Rejection::InsufficientFunds { short_minor });
    }
    let posting = given(merchant.0.0, receiver.0.shard().0, amount, adjustment.corrects.uid().0)?;
    let booking = Booking { posting, source: adjustment.id.0 };
    // Until then the node that approved is about to do it.
    let due_at_us = Some(facts.lease_until_us);
    let in_transit = Adjustment { status: Status::InTransit, due_at_us, ..adjustment };
    Ok(Changes { adjustments: vec![in_transit], bookings: vec![booking], ..Changes::default() })
}
