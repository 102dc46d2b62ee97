//! The house rules (see the crate's own page). Every test collects all that it finds wrong before it fails.
#![allow(clippy::expect_used)] // helpers are tests too

mod arrows;
mod claims;
mod files;
mod functions;
mod links;
mod operations;
mod pages;
mod pure;
mod secrets;
mod source;
mod sql;
mod tree;

/// Fails with every complaint on a line of its own.
#[track_caller]
fn none(complaints: Vec<String>) {
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}
