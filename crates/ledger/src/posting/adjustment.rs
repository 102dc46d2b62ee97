//! Corrections: new postings that name what they correct. Nothing posted is ever changed.

use money::Currency;

use super::{Line, Posting, PostingKind};
use crate::{Category, LedgerError, Ref};

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
