//! A payment, or one capture of it, succeeded.

use money::Currency;

use super::draw::{Draft, Funds, Purpose};
use super::{Charge, Posting, PostingKind, not_negative, positive};
use crate::{Account, Category, Day, Label, LedgerError, Ref};

/// Where a sale's gross comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SaleSource {
    /// The channel has just taken it: 1110.
    Channel,
    /// It was held for a person, who decides that the payment may keep it: 2910.
    Held {
        /// The case under which it was held.
        case: Ref,
    },
}

/// What succeeded. Amounts are minor units of `currency`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sale {
    /// Whose sale.
    pub merchant: Ref,
    /// At which channel account.
    pub channel_account: Ref,
    /// On which of its bills.
    pub bill_date: Day,
    /// When it matures.
    pub available_on: Day,
    /// Method of the payment, for the income's report.
    pub method: Label,
    /// Currency of all amounts.
    pub currency: Currency,
    /// What the channel will settle, above zero.
    pub gross_minor: i64,
    /// The merchant's fee for this capture, tax included; may exceed the gross.
    pub fee: Charge,
    /// The channel's cost, accrued; zero for held money, whose cost was accrued when it came in.
    pub cost_minor: i64,
    /// Where the gross comes from.
    pub source: SaleSource,
}

/// 1110 (or 2910) / 2010 gross; the fee from that 2010, then 2020, else 1210 / 4010, 2210; 5010 / 2120 the cost; and
/// last, from what is left of this gross, the merchant's debt: 2010 / 1210.
///
/// # Errors
/// [`LedgerError::AmountOutOfRange`], [`LedgerError::TaxExceedsCharge`], [`LedgerError::Overflow`].
pub fn succeeded(sale: &Sale, funds: &dyn Funds) -> Result<Posting, LedgerError> {
    let merchant = sale.merchant;
    let gross_minor = positive("gross", sale.gross_minor)?;
    let cost_minor = not_negative("cost", sale.cost_minor)?;
    let fee_minor = not_negative("fee", sale.fee.amount_minor)?;
    let pending = Account::MerchantPending { merchant, available_on: sale.available_on };
    let mut draft = Draft::new(sale.currency, funds);

    draft.debit(origin(sale), gross_minor, Category::Payment)?;
    draft.credit_merchant(pending, gross_minor, Purpose { merchant, category: Category::Payment })?;

    let sources = [pending, Account::MerchantAvailable { merchant }];
    draft.draw(&sources, fee_minor, Purpose { merchant, category: Category::Fee })?;
    draft.earn(&sale.fee, Account::FeeIncome { method: sale.method }, Category::Fee)?;

    draft.debit(Account::ChannelCost { kind: Label::TRANSACTION }, cost_minor, Category::Cost)?;
    let accrued =
        Account::ChannelFeeAccrued { channel_account: sale.channel_account, bill_date: sale.bill_date };
    draft.credit(accrued, cost_minor, Category::Cost)?;

    draft.recover_debt(merchant, pending, (gross_minor - fee_minor).max(0))?;
    draft.finish(PostingKind::PaymentSucceeded)
}

fn origin(sale: &Sale) -> Account {
    match sale.source {
        SaleSource::Channel => {
            Account::ChannelReceivable { channel_account: sale.channel_account, bill_date: sale.bill_date }
        }
        SaleSource::Held { case } => Account::SuspenseLong { case },
    }
}
