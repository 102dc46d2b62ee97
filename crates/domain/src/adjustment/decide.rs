//! Another person approves an adjustment, and the giver's half is booked; or somebody rejects it.

use super::{Adjustment, Corrected, Person, Status};
use crate::decide::{Booking, Changes, Facts};
use crate::id::{AdjustmentId, MerchantId};
use crate::rejection::Rejection;
use crate::rows::Rows;
use ledger::Account;
use ledger::posting::adjustment::given;

/// What a person says.
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
    /// What is corrected.
    pub corrects: Corrected,
    /// The amount of what is corrected: all that this merchant gives for it together is no more. `None`: the person has said that it
    /// may be.
    pub limit_minor: Option<i64>,
}

/// Decides it. What was said before may be said again and changes nothing.
///
/// # Errors
/// [`Rejection::AdjustmentNotFound`], [`Rejection::AdjustmentDecided`] when the opposite was said, [`Rejection::SamePerson`] for an approval,
/// [`Rejection::AdjustmentExceedsCorrected`], [`Rejection::InsufficientFunds`] when the giver's 2020 holds less; its credit line does not serve.
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
    // Whoever proposed it may take it back.
    if adjustment.proposed_by == command.by && command.verdict == Verdict::Approve {
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
        Verdict::Approve => {
            within(command.limit_minor, &decided, rows)?;
            give(decided, rows, facts)
        }
    }
}

/// Two people who handle the same complaint don't give the same money twice.
fn within(limit_minor: Option<i64>, adjustment: &Adjustment, rows: &Rows) -> Result<(), Rejection> {
    let Some(limit_minor) = limit_minor else { return Ok(()) };
    let is_like_it = |other: &&Adjustment| {
        other.status.is_given()
            && other.merchant == adjustment.merchant
            && other.corrects == adjustment.corrects
    };
    let given = rows.adjustments.values().filter(is_like_it).map(|other| other.amount.minor());
    let remaining_minor = given.fold(limit_minor, i64::saturating_sub).max(0);
    match adjustment.amount.minor() <= remaining_minor {
        true => Ok(()),
        false => Err(Rejection::AdjustmentExceedsCorrected { remaining_minor }),
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
