//! Webhooks: every committed event goes to the endpoints that want it, at least once, signed per Standard Webhooks, in order
//! per object and never to an address inside somebody's network.
//!
//! The outbox is the events' own rows. A first try starts from memory right after the commit; everything else, and whatever
//! memory lost, is found in the database by a poll. Outcomes are written in batches; a lost one means one more try.

mod client;
pub mod guard;
pub mod health;
mod look;
pub(crate) mod notice;
#[cfg(test)]
mod page;
mod plan;
mod pump;
pub mod schedule;
mod worker;
mod writer;

pub use client::{Answer, ClientFault, Clients, Post, Request, Times};
pub use worker::{CONNECT_TIMEOUT_MS, Deliverer, DelivererConfig, DelivererHandle, REQUEST_TIMEOUT_MS};

#[cfg(test)]
mod tests;
