//! Histories played through the posting templates on books kept in memory.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod between;
mod books;
mod document;
mod failure;
mod golden;
mod histories;
mod refund;
mod sale;
