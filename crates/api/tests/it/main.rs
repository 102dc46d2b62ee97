//! The faces over a real platform without channels: what happens around handlers. Payments themselves are tested through the
//! binary.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)] // helpers are tests too

mod access;
mod bodies;
mod control;
mod house;
mod key_at_first_use;
mod serving;
mod tls;
