//! A merchant's debt taken from one of its accounts.

use money::Currency;

use super::draw::{Draft, Funds};
use super::{Posting, PostingKind};
use crate::{Account, LedgerError, Ref};

/// After a credit that is not a sale (a sale recovers by itself), takes the merchant's debt from the account that was
/// credited, at most `at_most_minor` and at most what it holds: 2010 or 2020 / 1210. `None` if there is nothing to take.
///
/// # Errors
/// [`LedgerError::AccountUnexpected`] for another account than a 2010 or 2020 of this merchant,
/// [`LedgerError::Overflow`].
pub fn recovered(
    merchant: Ref,
    currency: Currency,
    from: Account,
    at_most_minor: i64,
    funds: &dyn Funds,
) -> Result<Option<Posting>, LedgerError> {
    if ![2010, 2020].contains(&from.code()) || from.merchant() != Some(merchant) {
        return Err(LedgerError::AccountUnexpected { code: from.code() });
    }
    let mut draft = Draft::new(currency, funds);
    draft.recover_debt(merchant, from, at_most_minor)?;
    if draft.is_empty() { Ok(None) } else { draft.finish(PostingKind::DebtRecovered).map(Some) }
}
