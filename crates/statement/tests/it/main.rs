//! Statements of small days, as lines and as files.

// Helpers of tests fail by panicking, as tests do.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod day;
mod document;
mod files;
mod forming;
