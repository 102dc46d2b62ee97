//! Asking for an adjustment. Nothing is booked yet.

use super::{Adjustment, Corrected, Person, Reason, Status};
use crate::decide::{Changes, Facts};
use crate::id::{AdjustmentId, MerchantId};
use crate::rejection::Rejection;
use crate::rows::Rows;
use money::Amount;

/// The command. Whoever asks makes the id, so that asking twice is asking once.
#[derive(Debug, Clone)]
pub struct ProposeAdjustment {
    /// Its id, of the giver's shard.
    pub id: AdjustmentId,
    /// Who gives.
    pub merchant: MerchantId,
    /// Who receives; it was looked for.
    pub receiver: MerchantId,
    /// How much, in the currency of what is corrected.
    pub amount: Amount,
    /// What it corrects; it was looked for and is one of the two's.
    pub corrects: Corrected,
    /// Why.
    pub reason: Reason,
    /// Who asks.
    pub by: Person,
}

impl ProposeAdjustment {
    fn is_what(&self, stored: &Adjustment) -> bool {
        stored.merchant == self.merchant
            && stored.receiver == self.receiver
            && stored.amount == self.amount
            && stored.corrects == self.corrects
            && stored.reason == self.reason
            && stored.proposed_by == self.by
    }
}

/// Decides it. The same proposal again changes nothing.
///
/// # Errors
/// [`Rejection::AdjustmentExistsDiffers`] for another one under this id; [`Rejection::Defect`] for merchants between whom nothing
/// can be moved.
pub fn propose(command: &ProposeAdjustment, rows: &Rows, facts: &Facts<'_>) -> Result<Changes, Rejection> {
    if let Some(stored) = rows.adjustments.get(&command.id) {
        return match command.is_what(stored) {
            true => Ok(Changes::default()),
            false => Err(Rejection::AdjustmentExistsDiffers),
        };
    }
    let world = command.merchant.0.shard().world();
    if command.merchant == command.receiver || command.receiver.0.shard().world() != world {
        let what = "an adjustment is between two merchants of one world".to_owned();
        return Err(Rejection::Defect { what });
    }
    let adjustment = Adjustment {
        id: command.id,
        merchant: command.merchant,
        receiver: command.receiver,
        amount: command.amount,
        corrects: command.corrects,
        reason: command.reason.clone(),
        proposed_by: command.by.clone(),
        decided_by: None,
        status: Status::Proposed,
        due_at_us: None,
        created_at_us: facts.now_us,
        updated_at_us: facts.now_us,
        sequence: 1,
    };
    Ok(Changes { adjustments: vec![adjustment], ..Changes::default() })
}
