//! What can go wrong with money.

use thiserror::Error;

use crate::Currency;

/// A refusal of the arithmetic. None of these is a defect of the caller's data store; each is an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum MoneyError {
    /// Not the upper-case code or the number of an active national currency.
    #[error("unknown currency")]
    CurrencyUnknown,
    /// Two amounts of different currencies met in one operation.
    #[error("currency differs: {left} and {right}")]
    CurrencyDiffers {
        /// Currency of the left operand.
        left: Currency,
        /// Currency of the right operand.
        right: Currency,
    },
    /// The result does not fit the integer that holds it.
    #[error("amount overflow")]
    Overflow,
    /// A text is not a rate: a decimal in percent, 0 to 100, at most six decimals.
    #[error("rate is not a decimal percentage from 0 to 100 with at most 6 decimals")]
    RateInvalid,
    /// A captured amount or a part of a fee rule is negative.
    #[error("negative input to a fee")]
    FeeInputNegative,
    /// Division by zero, or by a negative number.
    #[error("denominator must be positive")]
    DenominatorInvalid,
    /// An allocation without any positive weight.
    #[error("nothing to allocate to: every weight is zero")]
    WeightsZero,
}
