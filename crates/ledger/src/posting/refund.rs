//! A refund is accepted, and the channel takes its money.

use std::cmp::Reverse;

use money::Currency;

use super::draw::{Draft, Funds, NoFunds, Purpose};
use super::{Charge, Posting, PostingKind, not_negative, positive};
use crate::{Account, Category, Day, Label, LedgerError, Ref};

/// The account that took a payment's gross, as it stands when the refund is accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GrossAccount {
    /// 2010 of this date.
    Pending(Day),
    /// 2020, because the date has matured.
    Available,
}

impl GrossAccount {
    fn account(self, merchant: Ref) -> Account {
        match self {
            GrossAccount::Pending(available_on) => Account::MerchantPending { merchant, available_on },
            GrossAccount::Available => Account::MerchantAvailable { merchant },
        }
    }
}

/// A refund to be accepted. Amounts are minor units of `currency`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acceptance {
    /// Whose payment is refunded.
    pub merchant: Ref,
    /// The refund.
    pub refund: Ref,
    /// Currency of all amounts.
    pub currency: Currency,
    /// Method of the payment, as its fee was booked under.
    pub method: Label,
    /// Where the fee goes back to.
    pub gross_account: GrossAccount,
    /// `available_on` of each capture of the payment, in any order.
    pub payment_days: Vec<Day>,
    /// 2040 or 2070 of the payment, drawn first.
    pub holds: Vec<Account>,
    /// 2030 of the merchant, drawn after all else that it has.
    pub reserves: Vec<Account>,
    /// What goes back to the payer, above zero.
    pub amount_minor: i64,
    /// What the merchant gets back of its fee, tax included.
    pub fee_back: Charge,
    /// What the merchant pays for refunding, tax included.
    pub refund_fee: Charge,
}

/// The posting of an acceptance, and what it adds to the merchant's debt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// The posting; its lines are what [`super::refund_failed::failed`] turns round.
    pub posting: Posting,
    /// What the refund's amount and fee add to 1210, in minor units: to be held against the debt limit.
    pub owed_increase_minor: i64,
    /// The part of it that the refund fee adds.
    pub owed_by_fee_minor: i64,
}

/// In one posting: the fee given back, 4010, 2210 / the account that took the gross; the refund, drawn from the
/// payment's holds, its 2010 (latest date first), 2020, other 2010 (latest date first), reserves, else 1210 / 2130;
/// the refund fee, drawn last from the payment's 2010, 2020, else 1210 / 4010, 2210.
///
/// # Errors
/// [`LedgerError::AmountOutOfRange`], [`LedgerError::TaxExceedsCharge`], [`LedgerError::Overflow`];
/// [`LedgerError::AccountUnexpected`] for a hold that is not 2040 or 2070 or a reserve that is not 2030.
pub fn accepted(acceptance: &Acceptance, funds: &dyn Funds) -> Result<Accepted, LedgerError> {
    let merchant = acceptance.merchant;
    let amount_minor = positive("refund", acceptance.amount_minor)?;
    let fee_back_minor = not_negative("fee given back", acceptance.fee_back.amount_minor)?;
    let refund_fee_minor = not_negative("refund fee", acceptance.refund_fee.amount_minor)?;
    let sources = Sources::of(acceptance, funds)?;
    let income = Account::FeeIncome { method: acceptance.method };
    let to = |category| Purpose { merchant, category };
    let mut draft = Draft::new(acceptance.currency, funds);

    draft.give_up(&acceptance.fee_back, income, Category::FeeRefund)?;
    let gross_account = acceptance.gross_account.account(merchant);
    draft.credit_merchant(gross_account, fee_back_minor, to(Category::FeeRefund))?;

    let owed_by_refund = draft.draw(&sources.of_refund, amount_minor, to(Category::Refund))?;
    draft.credit(Account::RefundInTransit { refund: acceptance.refund }, amount_minor, Category::Refund)?;

    let owed_by_fee_minor = draft.draw(&sources.of_fee, refund_fee_minor, to(Category::RefundFee))?;
    draft.earn(&acceptance.refund_fee, income, Category::RefundFee)?;

    let posting = draft.finish(PostingKind::RefundAccepted)?;
    let owed_increase_minor = owed_by_refund.checked_add(owed_by_fee_minor).ok_or(LedgerError::Overflow)?;
    Ok(Accepted { posting, owed_increase_minor, owed_by_fee_minor })
}

/// The accounts to draw from, in order; 1210 stands behind both lists.
struct Sources {
    of_refund: Vec<Account>,
    of_fee: Vec<Account>,
}

impl Sources {
    fn of(acceptance: &Acceptance, funds: &dyn Funds) -> Result<Sources, LedgerError> {
        let merchant = acceptance.merchant;
        let pending = |day: &Day| Account::MerchantPending { merchant, available_on: *day };
        let mut own_days = acceptance.payment_days.clone();
        if let GrossAccount::Pending(day) = acceptance.gross_account {
            own_days.push(day);
        }
        let own_days = latest_first(own_days);
        let mut other_days = latest_first(funds.pending_days(merchant, acceptance.currency));
        other_days.retain(|day| !own_days.contains(day));

        let mut of_fee: Vec<Account> = own_days.iter().map(pending).collect();
        of_fee.push(Account::MerchantAvailable { merchant });
        let mut of_refund = only(&acceptance.holds, &[2040, 2070])?;
        of_refund.extend(&of_fee);
        of_refund.extend(other_days.iter().map(pending));
        of_refund.extend(only(&acceptance.reserves, &[2030])?);
        Ok(Sources { of_refund, of_fee })
    }
}

fn latest_first(mut days: Vec<Day>) -> Vec<Day> {
    days.sort_by_key(|day| Reverse(*day));
    days.dedup();
    days
}

fn only(accounts: &[Account], codes: &[u16]) -> Result<Vec<Account>, LedgerError> {
    match accounts.iter().find(|account| !codes.contains(&account.code())) {
        Some(account) => Err(LedgerError::AccountUnexpected { code: account.code() }),
        None => Ok(accounts.to_vec()),
    }
}

/// The channel took a refund's money.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    /// The refund.
    pub refund: Ref,
    /// The channel account that paid it.
    pub channel_account: Ref,
    /// The channel's bill for the refund, not that of the sale.
    pub bill_date: Day,
    /// Currency of all amounts.
    pub currency: Currency,
    /// The refund's amount in minor units, above zero.
    pub amount_minor: i64,
    /// What the channel gives back of its cost.
    pub cost_back_minor: i64,
}

/// 2130 / 1110 of the refund's bill date, and 2120 / 5010 for the cost given back. Booked once, whoever tells it first.
///
/// # Errors
/// [`LedgerError::AmountOutOfRange`].
pub fn taken(taken: &Taken) -> Result<Posting, LedgerError> {
    let Taken { refund, channel_account, bill_date, .. } = *taken;
    let amount_minor = positive("refund", taken.amount_minor)?;
    let cost_back_minor = not_negative("cost given back", taken.cost_back_minor)?;
    let mut draft = Draft::new(taken.currency, &NoFunds);
    draft.debit(Account::RefundInTransit { refund }, amount_minor, Category::Refund)?;
    draft.credit(
        Account::ChannelReceivable { channel_account, bill_date },
        amount_minor,
        Category::Refund,
    )?;
    draft.debit(
        Account::ChannelFeeAccrued { channel_account, bill_date },
        cost_back_minor,
        Category::Cost,
    )?;
    draft.credit(Account::ChannelCost { kind: Label::TRANSACTION }, cost_back_minor, Category::Cost)?;
    draft.finish(PostingKind::RefundTaken)
}
