//! The crate as its users see it.

#![allow(clippy::unwrap_used, reason = "helpers of tests, which the lint's own exemption does not reach")]

mod certificate;
mod explain;
mod keys;
mod presented;
mod profile;
mod providers;
mod rfc9421;
mod seal;
