//! Random histories of commands and channel facts against the pure decisions, with the books kept beside them.

// Helpers of tests fail by panicking, as tests do.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod adjustments;
mod books;
mod histories;
