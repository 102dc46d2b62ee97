//! Pending money becomes available.

use money::Amount;

use super::draw::{Draft, NoFunds, Purpose};
use super::{Posting, PostingKind, positive};
use crate::{Account, Category, Day, LedgerError, Ref};

/// What a merchant's 2010 of one date holds matured: 2010 / 2020.
///
/// # Errors
/// [`LedgerError::AmountOutOfRange`] unless the amount is above zero.
pub fn matured(merchant: Ref, available_on: Day, amount: Amount) -> Result<Posting, LedgerError> {
    let minor = positive("matured amount", amount.minor())?;
    let purpose = Purpose { merchant, category: Category::Maturity };
    let mut draft = Draft::new(amount.currency(), &NoFunds);
    draft.debit_merchant(Account::MerchantPending { merchant, available_on }, minor, purpose)?;
    draft.credit_merchant(Account::MerchantAvailable { merchant }, minor, purpose)?;
    draft.finish(PostingKind::Matured)
}
