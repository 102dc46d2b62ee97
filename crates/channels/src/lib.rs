//! Channels: the [`Channel`] trait, which every payment method implements, and the sandbox channel, a wallet with a
//! book of its own.
//!
//! A channel answers with *facts* (`domain::channel`), never with an error: a lost answer is the fact "unknown". It
//! sees no store, no clock of business and no decision; what it needs to know is handed in with the request.

mod channel;
pub mod sandbox;

pub use channel::{
    AuthCode, CallbackAnswer, CallbackFault, CaptureRef, CaptureRequest, Channel, Effects, Notice,
    NoticeFact, PrepareRequest, RefundRef, RefundRequest, TradeRef,
};
