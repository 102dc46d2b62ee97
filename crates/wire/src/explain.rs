//! Why an object is as it is.

use crate::text::{IdText, Instant, Money};
use serde::Serialize;
use utoipa::ToSchema;

/// One step of an object's history.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct HistoryEntry {
    /// Business time.
    pub at: Instant,
    /// What happened: an event's type, or a step of an attempt such as `attempt.succeeded`.
    pub what: String,
    /// The object that it happened to.
    pub subject: IdText,
    /// The status before, where one is known.
    pub previous_status: Option<String>,
    /// The status after.
    pub status: Option<String>,
}

/// The arithmetic of a fee, each step as it was taken.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PriceExplanation {
    /// The price version.
    pub version: IdText,
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
    /// What is charged.
    pub rounded: Money,
    /// Rounded less exact, minor units as a decimal string.
    pub difference: String,
}

/// Which channel was taken.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RouteExplanation {
    /// The method.
    pub method: String,
    /// The operator's account at the channel.
    pub channel_account: IdText,
    /// Why this one.
    pub reason: String,
}

/// Why an object is as it is: what happened, what it cost, which way it went.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Explanation {
    /// Oldest first.
    pub history: Vec<HistoryEntry>,
    /// Null while nothing is charged.
    pub price: Option<PriceExplanation>,
    /// Null while no channel was asked.
    pub route: Option<RouteExplanation>,
    /// Null where no rule of risk was asked.
    #[schema(value_type = Option<Object>)]
    pub risk: Option<serde_json::Value>,
}
