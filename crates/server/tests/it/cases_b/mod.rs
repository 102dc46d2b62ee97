//! The second half of the regression cases: who may say what, what is refused, who is told, what a crash leaves.

mod addresses;
mod bad_bodies;
mod bad_commands;
mod bad_requests;
mod books;
mod crash;
mod credentials;
mod deliveries;
pub mod endpoints;
mod errors;
mod foreign;
mod interop;
mod lists;
pub mod live;
pub mod mistakes;
mod nonces;
mod offline;
pub mod python;
pub mod signing;
mod tamper;
mod told;
pub mod untouched;
