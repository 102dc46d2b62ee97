//! What every channel offers to the platform.

use std::fmt;

use async_trait::async_trait;
use domain::channel::{AttemptFact, CaptureFact, Effect, RefundFact, SandboxOutcome};
use money::Amount;
use thiserror::Error;

/// A payment method's protocol. Every call carries the platform's own number, the same on every retry, and a channel
/// treats a number it has seen as the same request: never a second charge, capture or refund.
#[async_trait]
pub trait Channel: Send + Sync {
    /// Asks the channel to charge, or to open an order that the payer will pay. A lost answer or a time-out is
    /// [`AttemptFact::Unknown`]; a number seen before is answered with how that trade stands.
    async fn prepare(&self, request: PrepareRequest) -> AttemptFact;
    /// Asks how a trade stands.
    async fn query(&self, request: &TradeRef) -> AttemptFact;
    /// Asks that nothing can be paid any more. [`AttemptFact::Closed`] confirms it, also for a request the channel
    /// never saw: one that arrives late is then refused. If it was paid, held or declined, that fact is the answer.
    async fn close(&self, request: &TradeRef) -> AttemptFact;
    /// Takes a part of what is authorized.
    async fn capture(&self, request: CaptureRequest) -> CaptureFact;
    /// Asks how a capture stands.
    async fn query_capture(&self, request: &CaptureRef) -> CaptureFact;
    /// Gives up what is authorized and not captured: [`AttemptFact::Closed`], also if a part was captured before.
    /// A trade that took its money without an authorization answers that instead.
    async fn void(&self, request: &TradeRef) -> AttemptFact;
    /// Sends back a part of what a trade took.
    async fn refund(&self, request: RefundRequest) -> RefundFact;
    /// Asks how a refund stands.
    async fn query_refund(&self, request: &RefundRef) -> RefundFact;
    /// Everything that the channel took, holds, sent back or may still take, by its own record: what books that were restored
    /// from a backup are compared with. A channel without such a list says so; its bills tell.
    async fn effects(&self) -> Effects {
        Effects::NoList
    }
    /// Authenticates and reads a callback's bytes as they came in.
    ///
    /// # Errors
    /// [`CallbackFault`]; neither says anything about money.
    fn parse_callback(&self, headers: &[(String, String)], body: &[u8]) -> Result<Notice, CallbackFault>;
    /// What the channel expects to be answered. `accepted` only after the fact was committed.
    fn callback_answer(&self, accepted: bool) -> CallbackAnswer;
}

/// What a channel says of all that it did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effects {
    /// All of it.
    Listed(Vec<Effect>),
    /// The channel has no such list.
    NoList,
    /// It can't be read now.
    Unavailable,
}

/// Names one trade.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TradeRef {
    /// The attempt's id without prefix, 26 characters.
    pub request_no: String,
    /// Business time of the caller, microseconds.
    pub now_us: i64,
}

/// Asks for a charge.
#[derive(Debug, Clone, PartialEq)]
pub struct PrepareRequest {
    /// The attempt's id without prefix, 26 characters.
    pub request_no: String,
    /// How much.
    pub amount: Amount,
    /// What the payer is shown.
    pub subject: String,
    /// The scene's wire name.
    pub scene: String,
    /// What was read from the payer's phone or card.
    pub auth_code: Option<AuthCode>,
    /// True when the money is only held, to be captured later.
    pub manual_capture: bool,
    /// When an unpaid order ends, business time in microseconds.
    pub expires_at_us: i64,
    /// Business time of the caller, microseconds.
    pub now_us: i64,
    /// What the sandbox shall do; other channels ignore it.
    pub sandbox_outcome: Option<SandboxOutcome>,
}

/// A payer's one-time code or card token. Never shown by `Debug`, never stored.
#[derive(Clone, PartialEq, Eq)]
pub struct AuthCode(String);

impl AuthCode {
    /// Wraps a code as received.
    pub fn new(code: String) -> AuthCode {
        AuthCode(code)
    }

    /// The code itself, for the channel's request only.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for AuthCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[auth code]")
    }
}

/// Asks to take a part of what is authorized.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaptureRequest {
    /// The attempt's id without prefix.
    pub request_no: String,
    /// The capture's id without prefix.
    pub capture_no: String,
    /// How much.
    pub amount: Amount,
    /// Whether the rest is given up with it.
    pub is_final: bool,
    /// Business time of the caller, microseconds.
    pub now_us: i64,
}

/// Names one capture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaptureRef {
    /// The attempt's id without prefix.
    pub request_no: String,
    /// The capture's id without prefix.
    pub capture_no: String,
    /// Business time of the caller, microseconds.
    pub now_us: i64,
}

/// Asks to send money back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefundRequest {
    /// The id, without prefix, of the attempt that took the money.
    pub request_no: String,
    /// The refund's id without prefix.
    pub refund_no: String,
    /// How much, in the currency that was taken.
    pub amount: Amount,
    /// Business time of the caller, microseconds.
    pub now_us: i64,
    /// What the sandbox shall do; other channels ignore it.
    pub sandbox_outcome: Option<SandboxOutcome>,
}

/// Names one refund.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefundRef {
    /// The id, without prefix, of the attempt that took the money.
    pub request_no: String,
    /// The refund's id without prefix.
    pub refund_no: String,
    /// Business time of the caller, microseconds.
    pub now_us: i64,
}

/// An authenticated callback.
#[derive(Debug, Clone, PartialEq)]
pub struct Notice {
    /// The attempt's id without prefix.
    pub request_no: String,
    /// What it tells.
    pub what: NoticeFact,
}

/// What a callback tells.
#[derive(Debug, Clone, PartialEq)]
pub enum NoticeFact {
    /// Of the attempt itself.
    Attempt(AttemptFact),
    /// Of one capture.
    Capture {
        /// The capture's id without prefix.
        capture_no: String,
        /// What happened to it.
        fact: CaptureFact,
    },
    /// Of one refund.
    Refund {
        /// The refund's id without prefix.
        refund_no: String,
        /// What happened to it.
        fact: RefundFact,
    },
}

/// Why a callback is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum CallbackFault {
    /// A header is missing, or the signature is not the channel's.
    #[error("the callback's signature is missing or wrong")]
    SignatureInvalid,
    /// Signed by the channel, but not a message we know.
    #[error("the callback's body cannot be read")]
    Malformed,
}

/// The HTTP answer to a callback.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallbackAnswer {
    /// HTTP status.
    pub status: u16,
    /// `Content-Type`.
    pub content_type: &'static str,
    /// The body.
    pub body: String,
}
