//! The receiver's half of an adjustment, and the end of both.

use super::{Adjustment, Arrival, Corrected, Status};
use crate::decide::{Booking, Changes, Facts};
use crate::funds::Purse;
use crate::id::{AdjustmentId, MerchantId};
use crate::rejection::Rejection;
use crate::rows::Rows;
use ledger::posting::adjustment::received;
use money::Amount;

/// Books the receiver's half, under the receiver's head. Its contents are of a row that never changes.
#[derive(Debug, Clone, Copy)]
pub struct Receive {
    /// The adjustment, approved and committed.
    pub adjustment: AdjustmentId,
    /// Who receives.
    pub merchant: MerchantId,
    /// How much.
    pub amount: Amount,
    /// What is corrected.
    pub corrects: Corrected,
}

/// Decides it. What has arrived arrives no second time.
///
/// # Errors
/// [`Rejection::Defect`] when something else has arrived under this id, or the books refuse.
pub fn receive(command: &Receive, rows: &Rows, facts: &Facts<'_>) -> Result<Changes, Rejection> {
    let Receive { adjustment, merchant, amount, corrects } = *command;
    if let Some(arrived) = rows.arrivals.get(&adjustment) {
        return match (arrived.merchant, arrived.amount) == (merchant, amount) {
            true => Ok(Changes::default()),
            false => Err(Rejection::Defect { what: format!("{adjustment} has arrived as something else") }),
        };
    }
    let purse = Purse::new(rows, merchant);
    let posting = received(merchant.0.0, adjustment.0.shard().0, amount, corrects.uid().0, &purse)?;
    let arrival = Arrival { adjustment, merchant, amount, arrived_at_us: facts.now_us };
    let booking = Booking { posting, source: adjustment.0 };
    Ok(Changes { arrivals: vec![arrival], bookings: vec![booking], ..Changes::default() })
}

/// Notes with the giver that the receiver's half is booked, and ends the job.
#[derive(Debug, Clone, Copy)]
pub struct SettleAdjustment {
    /// The adjustment.
    pub id: AdjustmentId,
    /// Who gave.
    pub merchant: MerchantId,
}

/// Decides it.
///
/// # Errors
/// [`Rejection::AdjustmentNotFound`]; [`Rejection::AdjustmentDecided`] when nothing was given.
pub fn settle(command: &SettleAdjustment, rows: &Rows, facts: &Facts<'_>) -> Result<Changes, Rejection> {
    let adjustment = rows.adjustments.get(&command.id).filter(|found| found.merchant == command.merchant);
    let adjustment = adjustment.ok_or(Rejection::AdjustmentNotFound)?;
    match adjustment.status {
        Status::InTransit => {}
        Status::Succeeded => return Ok(Changes::default()),
        Status::Proposed | Status::Rejected => {
            return Err(Rejection::AdjustmentDecided { found_status: adjustment.status.to_string() });
        }
    }
    let settled = Adjustment {
        status: Status::Succeeded,
        due_at_us: None,
        updated_at_us: facts.now_us,
        sequence: adjustment.sequence + 1,
        ..adjustment.clone()
    };
    Ok(Changes { adjustments: vec![settled], ..Changes::default() })
}
