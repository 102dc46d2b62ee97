//! The JSON objects of the public API (WIRE, OBJECTS and EVENTS): their shape, and how each is made from the domain's
//! entities.
//!
//! Output only. Every documented field is always there, null when empty. Objects borrow from the entities they show
//! and format ids and times on the stack, since they are made several times per payment. Parsing of inputs, HTTP,
//! languages and errors are not here.

mod attempt;
mod balance;
mod capture;
mod common;
mod control;
mod event;
mod explain;
mod payment;
mod refund;
pub mod render;
mod statement;
#[cfg(test)]
mod tests;
mod text;

pub use attempt::{AttemptObject, FailureObject, LatestAttempt};
pub use balance::{
    BalanceObject, BalanceTransactionObject, LedgerLine, LineFacts, LinePosition, line_id, line_position,
};
pub use capture::CaptureObject;
pub use common::{List, Plain};
pub use control::{ApiKeyObject, CertificateObject, DeliveryObject, DeliveryTry, EndpointObject, WhoAmI};
pub use event::{EVENT_BODY_MAX_BYTES, EventHead, EventObject, event_body};
pub use explain::{Explanation, HistoryEntry, PriceExplanation};
pub use payment::{NextAction, PaymentObject};
pub use refund::RefundObject;
pub use statement::{
    BlockRange, ProofBlock, ProofLeaf, ProofObject, ProofStatement, StatementObject, StatementTotal,
};
pub use text::{IdText, Instant, Money};
