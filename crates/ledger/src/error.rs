//! Refusals of the ledger.

use money::Currency;
use thiserror::Error;

/// Why a posting was not made. All but [`LedgerError::Overflow`] name a caller that broke a template's terms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum LedgerError {
    /// Debits and credits differ.
    #[error("posting in {currency} is off balance by {sum_minor}")]
    Unbalanced {
        /// Currency of the posting.
        currency: Currency,
        /// Debits minus credits in minor units.
        sum_minor: i128,
    },
    /// A posting without lines.
    #[error("posting has no lines")]
    Empty,
    /// A line of zero, or beyond what the wire can carry.
    #[error("line amount {0} is zero or out of range")]
    LineAmount(i64),
    /// Authorization memos (9xxx) and the general ledger met in one posting.
    #[error("memo and general ledger lines in one posting")]
    MemoMixed,
    /// A line on a merchant's account does not carry that merchant, or a platform line carries one.
    #[error("line on account {code} carries the wrong merchant")]
    LineMerchant {
        /// Code of the account.
        code: u16,
    },
    /// An input amount is negative, zero where it must not be, or above [`money::MAX_WIRE`].
    #[error("{name} out of range: {minor}")]
    AmountOutOfRange {
        /// Which input.
        name: &'static str,
        /// Its value in minor units.
        minor: i64,
    },
    /// The tax in a charge is negative or larger than the charge.
    #[error("tax {tax_minor} does not fit into charge {charge_minor}")]
    TaxExceedsCharge {
        /// Tax in minor units.
        tax_minor: i64,
        /// Charge with its tax in minor units.
        charge_minor: i64,
    },
    /// An account stands where its kind has no place in the template.
    #[error("account {code} has no place in this posting")]
    AccountUnexpected {
        /// Code of the account.
        code: u16,
    },
    /// The lines given as a refund's acceptance do not hold the refund's 2130.
    #[error("lines are not the acceptance of one refund")]
    NotAnAcceptance,
    /// A sum does not fit its integer.
    #[error("amount overflow")]
    Overflow,
    /// A label is empty, longer than 16 bytes or has other characters than `0-9 A-Z a-z _ . -`.
    #[error("label must be 1 to 16 characters of 0-9 A-Z a-z _ . -")]
    LabelInvalid,
    /// Not a calendar date `YYYY-MM-DD`.
    #[error("day must be a calendar date YYYY-MM-DD")]
    DayInvalid,
}
