//! HTTP message signatures (RFC 9421) in the profile of WIRE.
//!
//! A server works in three steps, in the order WIRE fixes for errors: [`ParsedSignature::parse`] (encoding), its own
//! look-up of [`ParsedSignature::keyid`] (key), [`check`] (algorithm, time, components, digest, signature; the nonce
//! comes back for the commit to store). A client calls [`sign_request`].

mod base;
mod check;
pub mod explain;
mod fault;
mod parse;
mod sign;

pub use base::{RequestParts, signature_base, signature_base_of_response};
pub use check::{Checked, TIME_TOLERANCE_S, check};
pub use fault::{FaultCode, Problem, SignatureFault};
pub use parse::{AlgParameter, Component, NONCE_CHARS, ParsedSignature, needs_nonce};
pub use sign::{Parameters, Prepared, SignFault, SignedHeaders, prepare_request, sign_request};

/// Names of the request fields that must be signed where present (WIRE, headers).
pub const SIGNED_WHERE_PRESENT: [&str; 3] =
    [crate::digest::CONTENT_DIGEST, "idempotency-key", "feiqian-merchant"];
