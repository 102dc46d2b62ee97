//! Cryptography at the platform's edges: request signatures (RFC 9421), body digests (RFC 9530), webhook
//! signatures, sealed columns, statement trees and the secrets all of them need.
//!
//! The primitives are AWS-LC's; this crate holds formats and rules only. It reads no clock: times come in as
//! facts. Randomness is drawn in one place, [`secret::random_bytes`].

#![forbid(unsafe_code)]

pub mod certificate;
pub mod digest;
mod hash;
pub mod key;
pub mod merkle;
pub mod seal;
pub mod secret;
pub mod signature;
pub mod webhook;

pub use hash::{Sha256, hex, hmac_sha256, sha256, unhex};
