//! The readers of bytes from outside, over committed seeds, past findings and mutations of both: what the fuzzer does without end,
//! here for a moment and without its tools. Beside them, what secrets' comparisons tell by the time they take.

// Helpers of tests fail by panicking, as tests do.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod mutate;
mod seeds;
mod timing;
