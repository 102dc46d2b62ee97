//! Strict JSON input: a reader that refuses what other readers let pass (names twice, lone surrogates, text after the
//! value), and typed access to fields that reports every fault with its pointer.

mod fields;
mod parse;
pub mod read;
mod value;

pub use fields::{Fault, Fields, missing};
pub use parse::parse;
pub use value::Value;

/// How deep arrays and objects may nest (WIRE, RULES).
pub const DEPTH_MAX: usize = 16;
