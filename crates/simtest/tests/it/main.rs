//! The simulator in the suite.

mod regressions;
mod seeds;
