//! Why a command is refused. Within a command the checks run in the order of this list; the first that applies is the
//! answer. Texts are made at the edge only.

use serde::{Deserialize, Serialize};

/// A field that differs from what is stored under the same number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Differing {
    /// JSON pointer of the field.
    pub pointer: String,
    /// What is stored.
    pub stored: String,
    /// What was given.
    pub given: String,
}

/// A refusal decided at the commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
#[allow(missing_docs)] // the names are WIRE's codes; the fields are those of the problem document
pub enum Rejection {
    /// No such payment for this merchant; a foreign one looks the same.
    PaymentNotFound,
    /// No such refund for this merchant.
    RefundNotFound,
    /// No such capture.
    CaptureNotFound,
    /// No such adjustment of this giver.
    AdjustmentNotFound,
    /// Another adjustment stands under this id.
    AdjustmentExistsDiffers,
    /// The opposite was decided, or nothing was yet.
    AdjustmentDecided { found_status: String },
    /// Whoever proposed an adjustment can't approve it.
    SamePerson,
    /// With what its giver gave for the same object before, it is more than that object.
    AdjustmentExceedsCorrected { remaining_minor: i64 },
    /// The merchant's number exists with other content.
    PaymentExistsDiffers { differing: Vec<Differing> },
    /// The merchant's refund number exists with other content.
    RefundExistsDiffers { differing: Vec<Differing> },
    /// Nothing can be paid in the state found.
    PaymentNotPayable { found_status: String },
    /// Nothing can be refunded in the state found.
    PaymentNotRefundable { found_status: String },
    /// Nothing can be captured in the state found.
    PaymentNotCapturable { found_status: String },
    /// There is no authorization to give up in the state found.
    PaymentNotVoidable { found_status: String },
    /// Can't be closed in the state found.
    PaymentNotClosable { found_status: String },
    /// An attempt may still take money.
    AttemptUnresolved { found_status: String },
    /// The currency is not the payment's.
    CurrencyDiffers { payment_currency: String },
    /// More than what remains; pending refunds count.
    RefundExceedsRemaining { remaining_minor: i64 },
    /// More than what is authorized and not captured; pending captures count.
    CaptureExceedsAuthorized { remaining_minor: i64 },
    /// The merchant would owe more than its debt limit.
    InsufficientFunds { short_minor: i64 },
    /// No channel account serves the method in this world.
    ChannelNotConfigured { method: String },
    /// The merchant has no price for method and currency.
    PriceNotConfigured { method: String, currency: String },
    /// The sandbox's clock only goes forward.
    ClockBackwards,
    /// The payment holds nothing that a person must resolve.
    NothingToResolve { found_status: String },
    /// The arithmetic leaves the range of the ledger.
    AmountTooLarge,
    /// A defect: the books refuse what was decided. Nothing was written.
    Defect { what: String },
}

impl From<ledger::LedgerError> for Rejection {
    fn from(error: ledger::LedgerError) -> Rejection {
        Rejection::Defect { what: error.to_string() }
    }
}

impl From<money::MoneyError> for Rejection {
    fn from(_: money::MoneyError) -> Rejection {
        Rejection::AmountTooLarge
    }
}
