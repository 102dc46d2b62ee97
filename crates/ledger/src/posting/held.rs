//! Money that a payment may not keep. Merchants see none of it. What the channel charges for having taken it is accrued with
//! it, so that 2120 of the bill date equals the bill.

use money::Amount;

use super::draw::{Draft, NoFunds};
use super::refund_failed::LateFailure;
use super::{Posting, PostingKind, not_negative, positive};
use crate::{Account, Category, Day, Label, LedgerError, Ref};

/// What a channel took and the payment may not keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Took {
    /// At which channel account.
    pub channel_account: Ref,
    /// On which of its bills.
    pub bill_date: Day,
    /// How much, above zero.
    pub amount: Amount,
    /// The channel's cost for it, minor units.
    pub cost_minor: i64,
}

/// Paid after close, or paid twice: the channel has the money and a refund of its own sends it back: 1110 / 2130; its cost
/// 5010 / 2120.
///
/// # Errors
/// [`LedgerError::AmountOutOfRange`] unless the amount is above zero.
pub fn not_kept(took: &Took, refund: Ref) -> Result<Posting, LedgerError> {
    came_in(took, Account::RefundInTransit { refund }, PostingKind::PaymentNotKept)
}

/// Another amount or currency than ordered: held for a person under a case: 1110 / 2910; its cost 5010 / 2120. If the person
/// lets the payment keep it, [`super::payment::succeeded`] takes it from the case.
///
/// # Errors
/// [`LedgerError::AmountOutOfRange`] unless the amount is above zero.
pub fn held(took: &Took, case: Ref) -> Result<Posting, LedgerError> {
    came_in(took, Account::SuspenseLong { case }, PostingKind::PaymentHeld)
}

/// A person sends held money back by a refund: 2910 / 2130.
///
/// # Errors
/// [`LedgerError::AmountOutOfRange`] unless the amount is above zero.
pub fn returned(case: Ref, refund: Ref, amount: Amount) -> Result<Posting, LedgerError> {
    moved(
        Account::SuspenseLong { case },
        Account::RefundInTransit { refund },
        amount,
        PostingKind::HeldReturned,
    )
}

/// Sending it back failed, so a person decides again under a case: 2130 / 2910. If the channel had already taken it and
/// brought it back: 1110 of the day it was learnt / 2910, and a cost it had given back 5010 / 2120.
///
/// # Errors
/// [`LedgerError::AmountOutOfRange`] unless the amount is above zero.
pub fn return_failed(
    refund: Ref,
    late: Option<LateFailure>,
    case: Ref,
    amount: Amount,
) -> Result<Posting, LedgerError> {
    let case_account = Account::SuspenseLong { case };
    match late {
        None => moved(Account::RefundInTransit { refund }, case_account, amount, PostingKind::PaymentHeld),
        Some(LateFailure { channel_account, learnt_on, cost_back_minor }) => {
            let took = Took { channel_account, bill_date: learnt_on, amount, cost_minor: cost_back_minor };
            came_in(&took, case_account, PostingKind::PaymentHeld)
        }
    }
}

fn moved(from: Account, into: Account, amount: Amount, kind: PostingKind) -> Result<Posting, LedgerError> {
    let minor = positive("held amount", amount.minor())?;
    let mut draft = Draft::new(amount.currency(), &NoFunds);
    draft.debit(from, minor, Category::Held)?;
    draft.credit(into, minor, Category::Held)?;
    draft.finish(kind)
}

fn came_in(took: &Took, into: Account, kind: PostingKind) -> Result<Posting, LedgerError> {
    let Took { channel_account, bill_date, .. } = *took;
    let minor = positive("held amount", took.amount.minor())?;
    let cost_minor = not_negative("cost", took.cost_minor)?;
    let mut draft = Draft::new(took.amount.currency(), &NoFunds);
    draft.debit(Account::ChannelReceivable { channel_account, bill_date }, minor, Category::Held)?;
    draft.credit(into, minor, Category::Held)?;
    draft.debit(Account::ChannelCost { kind: Label::TRANSACTION }, cost_minor, Category::Cost)?;
    draft.credit(Account::ChannelFeeAccrued { channel_account, bill_date }, cost_minor, Category::Cost)?;
    draft.finish(kind)
}
