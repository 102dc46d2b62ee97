//! Use cases over the real store and the real sandbox channel, without HTTP.

// Helpers of tests fail by panicking, as tests do.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod budget;
mod clocks;
mod keys;
mod life;
mod retention;
mod statements;
mod world;
