//! A refund failed: its acceptance and its fees are turned round.

use money::Currency;

use super::draw::{Draft, Funds, Purpose};
use super::{Line, Posting, PostingKind, not_negative};
use crate::{Account, Category, Day, Label, LedgerError, Ref};

/// A refund that failed.
pub struct Failure<'a> {
    /// Currency of the acceptance.
    pub currency: Currency,
    /// The lines of [`super::refund::accepted`]. (Money that a payment could not keep has no acceptance:
    /// [`super::held::return_failed`].)
    pub acceptance: &'a [Line],
    /// Whether an account no longer takes back what came from it, because its day has matured or its hold was
    /// released; the money then goes to 2020.
    pub has_moved_on: &'a dyn Fn(&Account) -> bool,
    /// A closed merchant's money goes to 2990.
    pub merchant_closed: bool,
    /// Set if the channel had already taken the money.
    pub late: Option<LateFailure>,
}

/// The channel took a refund's money and brought it back later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LateFailure {
    /// The channel account.
    pub channel_account: Ref,
    /// The day on which it was learnt.
    pub learnt_on: Day,
    /// What the channel had given back of its cost when it took the money, in minor units.
    pub cost_back_minor: i64,
}

/// Every line of the acceptance with its sign turned, in reverse order, so that no running balance falls below where it
/// was on the way in. 2130 is debited, or 1110 of the day it was learnt if the channel had taken the money. What 1210
/// took is given back to it at most up to the present debt, the rest was repaid and goes to 2020. A fee that had been
/// given back is drawn again from where it went, then 2020, else 1210.
///
/// # Errors
/// [`LedgerError::NotAnAcceptance`], [`LedgerError::AccountUnexpected`], [`LedgerError::AmountOutOfRange`],
/// [`LedgerError::Overflow`].
pub fn failed(failure: &Failure<'_>, funds: &dyn Funds) -> Result<Posting, LedgerError> {
    let in_transit =
        failure.acceptance.iter().filter(|line| line.account.code() == 2130 && line.amount_minor < 0).count();
    if in_transit != 1 {
        return Err(LedgerError::NotAnAcceptance);
    }
    let mut draft = Draft::new(failure.currency, funds);
    for line in failure.acceptance.iter().rev() {
        turn(failure, line, &mut draft)?;
    }
    let Some(late) = failure.late else {
        return draft.finish(PostingKind::RefundFailed);
    };
    let cost_back_minor = not_negative("cost given back", late.cost_back_minor)?;
    let accrued =
        Account::ChannelFeeAccrued { channel_account: late.channel_account, bill_date: late.learnt_on };
    draft.debit(Account::ChannelCost { kind: Label::TRANSACTION }, cost_back_minor, Category::Cost)?;
    draft.credit(accrued, cost_back_minor, Category::Cost)?;
    draft.finish(PostingKind::RefundFailedLate)
}

fn turn(failure: &Failure<'_>, line: &Line, draft: &mut Draft<'_>) -> Result<(), LedgerError> {
    match line.account {
        Account::RefundInTransit { .. } => {
            let account = failure.late.map_or(line.account, |late| Account::ChannelReceivable {
                channel_account: late.channel_account,
                bill_date: late.learnt_on,
            });
            draft.push(Line { account, ..line.turned() })
        }
        Account::FeeIncome { .. } | Account::TaxPayable { .. } => draft.push(line.turned()),
        Account::MerchantPending { .. }
        | Account::MerchantAvailable { .. }
        | Account::MerchantReserve { .. }
        | Account::Escrow { .. }
        | Account::SplitHold { .. }
        | Account::MerchantReceivable { .. } => turn_merchant(failure, line, draft),
        Account::ChannelReceivable { .. }
        | Account::SuspenseLong { .. }
        | Account::Bank { .. }
        | Account::OwnFunds { .. }
        | Account::SettlementClearing { .. }
        | Account::DisputeReceivable { .. }
        | Account::FxPosition { .. }
        | Account::SuspenseShort { .. }
        | Account::BetweenShards { .. }
        | Account::MerchantBlocked { .. }
        | Account::PayoutInTransit { .. }
        | Account::ChannelFeeAccrued { .. }
        | Account::DisputeHeld { .. }
        | Account::Unclaimed { .. }
        | Account::OwnCapital
        | Account::OtherFees { .. }
        | Account::FxSpread
        | Account::ChannelCost { .. }
        | Account::Loss { .. }
        | Account::FxResult
        | Account::MemoAuthorized { .. }
        | Account::MemoAuthorizedContra { .. } => {
            Err(LedgerError::AccountUnexpected { code: line.account.code() })
        }
    }
}

/// A line on a merchant's account: what was drawn is credited, what was given back is drawn again.
fn turn_merchant(failure: &Failure<'_>, line: &Line, draft: &mut Draft<'_>) -> Result<(), LedgerError> {
    let code = line.account.code();
    let merchant = line.merchant.ok_or(LedgerError::LineMerchant { code })?;
    let to = Purpose { merchant, category: line.category };
    let amount_minor = not_negative("acceptance line", line.amount_minor.saturating_abs())?;
    let owed = matches!(line.account, Account::MerchantReceivable { .. });
    match (line.amount_minor > 0, owed) {
        (true, true) => {
            let debt_minor = draft.balance_minor(&line.account)?.max(0);
            let unpaid_minor = amount_minor.min(debt_minor);
            draft.credit_merchant(line.account, unpaid_minor, to)?;
            draft.credit_merchant(repaid_account(failure, merchant), amount_minor - unpaid_minor, to)
        }
        (true, false) => {
            draft.credit_merchant(destination(failure, line.account, merchant), amount_minor, to)
        }
        (false, false) => {
            let sources = [destination(failure, line.account, merchant), repaid_account(failure, merchant)];
            draft.draw(&sources, amount_minor, to).map(|_| ())
        }
        (false, true) => Err(LedgerError::AccountUnexpected { code }),
    }
}

/// Where money goes that can't return to where it came from.
fn repaid_account(failure: &Failure<'_>, merchant: Ref) -> Account {
    if failure.merchant_closed {
        Account::Unclaimed { merchant }
    } else {
        Account::MerchantAvailable { merchant }
    }
}

fn destination(failure: &Failure<'_>, account: Account, merchant: Ref) -> Account {
    if failure.merchant_closed || (failure.has_moved_on)(&account) {
        repaid_account(failure, merchant)
    } else {
        account
    }
}
