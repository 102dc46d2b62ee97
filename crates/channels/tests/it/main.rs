//! The sandbox channel through its public face: every outcome, idempotency by numbers, the book, the bill.

// Helpers of tests fail by panicking, as tests do.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod bills;
mod books;
mod copies;
mod killed;
mod page;
mod parts;
mod payments;
mod support;
