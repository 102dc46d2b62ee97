//! Corrections: new postings that name what they correct. Nothing posted is ever changed.
//!
//! Between two merchants a correction has two halves, each a transaction of its own that balances against 1920: each merchant
//! has its own business time, and may have its own shard.

use money::{Amount, Currency};

use super::draw::{Draft, Funds, NoFunds, Purpose};
use super::{Line, Posting, PostingKind, positive};
use crate::{Account, Category, LedgerError, Ref};

/// The caller's lines, under the category `adjustment`, naming the journal transaction they correct. That another person
/// approved them is the decision's business.
///
/// # Errors
/// As [`crate::invariants::check_posting`].
pub fn adjusted(currency: Currency, lines: &[Line], corrects: Ref) -> Result<Posting, LedgerError> {
    let lines = lines.iter().map(|line| Line { category: Category::Adjustment, ..*line }).collect();
    Ok(Posting::new(PostingKind::Adjusted, currency, lines)?.correcting(corrects))
}

/// Every line with its sign turned, in reverse order, under its own category, naming the journal transaction that is
/// turned round. It looks at no balance: what has moved on since is the caller's to know, as
/// [`super::refund_failed::failed`] does.
///
/// # Errors
/// As [`crate::invariants::check_posting`].
pub fn reversed(currency: Currency, lines: &[Line], corrects: Ref) -> Result<Posting, LedgerError> {
    let lines = lines.iter().rev().map(|line| line.turned()).collect();
    Ok(Posting::new(PostingKind::Reversed, currency, lines)?.correcting(corrects))
}

/// The giver's half: 2020 / 1920 of the receiver's shard. Whether 2020 holds as much is the decision's business.
///
/// # Errors
/// [`LedgerError::AmountOutOfRange`] unless the amount is above zero.
pub fn given(
    merchant: Ref,
    receiver_shard: u16,
    amount: Amount,
    corrects: Ref,
) -> Result<Posting, LedgerError> {
    let minor = positive("adjusted amount", amount.minor())?;
    let mut draft = Draft::new(amount.currency(), &NoFunds);
    let purpose = Purpose { merchant, category: Category::Adjustment };
    draft.debit_merchant(Account::MerchantAvailable { merchant }, minor, purpose)?;
    draft.credit(Account::BetweenShards { other_shard: receiver_shard }, minor, Category::Adjustment)?;
    Ok(draft.finish(PostingKind::Adjusted)?.correcting(corrects))
}

/// The receiver's half: 1920 of the giver's shard / 2020; then what the receiver owes is taken from it, 2020 / 1210.
///
/// # Errors
/// [`LedgerError::AmountOutOfRange`] unless the amount is above zero, [`LedgerError::Overflow`].
pub fn received(
    merchant: Ref,
    giver_shard: u16,
    amount: Amount,
    corrects: Ref,
    funds: &dyn Funds,
) -> Result<Posting, LedgerError> {
    let minor = positive("adjusted amount", amount.minor())?;
    let mut draft = Draft::new(amount.currency(), funds);
    let available = Account::MerchantAvailable { merchant };
    draft.debit(Account::BetweenShards { other_shard: giver_shard }, minor, Category::Adjustment)?;
    draft.credit_merchant(available, minor, Purpose { merchant, category: Category::Adjustment })?;
    draft.recover_debt(merchant, available, minor)?;
    Ok(draft.finish(PostingKind::Adjusted)?.correcting(corrects))
}
