//! Why an object is as it is.

use crate::text::{IdText, Instant, Money};
use serde::Serialize;
use utoipa::ToSchema;

/// One step of an object's history.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct HistoryEntry {
    /// Business time.
    pub at: Instant,
    /// What happened: an event's type, or a step of an attempt.
    pub what: String,
    /// More about it, such as the event's id or a failure's code.
    pub detail: Option<String>,
    /// The key whose request it was: one of the merchant's, or the partner's own where a partner reads. Null for what the
    /// platform did itself.
    pub acting_key: Option<IdText>,
    /// The partner whose key it was.
    pub acting_partner: Option<IdText>,
}

/// The arithmetic of a fee, each step as it was taken.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PriceExplanation {
    /// The price version.
    pub version: IdText,
    /// Its number among the prices of this method and currency.
    pub version_number: i64,
    /// Percent, as a decimal string.
    pub rate: String,
    /// Added once per payment.
    pub fixed: Money,
    /// At least this.
    pub minimum: Money,
    /// At most this.
    pub cap: Option<Money>,
    /// What the rule gives before rounding, minor units as a decimal string.
    pub exact: String,
    /// Derived again, rounded half up.
    pub rounded: Money,
    /// Rounded less exact, minor units as a decimal string.
    pub difference: String,
    /// What was booked; equal to `rounded`.
    pub booked: Money,
}

/// Why an object is as it is: what happened, what it cost, which way it went.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Explanation {
    /// Oldest first.
    pub history: Vec<HistoryEntry>,
    /// Null while nothing is charged.
    pub price: Option<PriceExplanation>,
    /// Which channel account was chosen, per attempt, and why.
    pub route: Vec<String>,
    /// Null where no rule of risk was asked.
    #[schema(value_type = Option<Object>)]
    pub risk: Option<serde_json::Value>,
}
