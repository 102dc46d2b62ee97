//! Memo of authorized amounts, outside the general ledger.

use money::Amount;

use super::draw::{Draft, NoFunds};
use super::{Posting, PostingKind, positive};
use crate::{Account, Category, LedgerError, Ref};

/// An amount was authorized: 9010 / 9020.
///
/// # Errors
/// [`LedgerError::AmountOutOfRange`] unless the amount is above zero.
pub fn authorized(payment: Ref, amount: Amount) -> Result<Posting, LedgerError> {
    let (debit, credit) = (Account::MemoAuthorized { payment }, Account::MemoAuthorizedContra { payment });
    memo(debit, credit, amount, PostingKind::Authorized)
}

/// An authorized amount, or the part of it that was captured, voided or expired, is no longer held: 9020 / 9010.
///
/// # Errors
/// [`LedgerError::AmountOutOfRange`] unless the amount is above zero.
pub fn released(payment: Ref, amount: Amount) -> Result<Posting, LedgerError> {
    let (debit, credit) = (Account::MemoAuthorizedContra { payment }, Account::MemoAuthorized { payment });
    memo(debit, credit, amount, PostingKind::AuthorizationReleased)
}

fn memo(debit: Account, credit: Account, amount: Amount, kind: PostingKind) -> Result<Posting, LedgerError> {
    let minor = positive("authorized amount", amount.minor())?;
    let mut draft = Draft::new(amount.currency(), &NoFunds);
    draft.debit(debit, minor, Category::Authorization)?;
    draft.credit(credit, minor, Category::Authorization)?;
    draft.finish(kind)
}
