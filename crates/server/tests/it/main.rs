//! Black-box tests: the real binary, started by `init` and `serve`, spoken to over HTTP and its command line only. Every case
//! ends with `verify --full`.

// Helpers of tests fail by panicking, as tests do.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod abuse;
mod adjustments;
mod authorization;
mod cases;
mod cases_b;
mod contract;
mod deploy;
mod documents;
mod examples;
mod harness;
mod local;
mod marks;
mod nodes;
mod partners;
mod safekeeping;
mod sign;
mod statements;
