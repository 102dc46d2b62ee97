//! Statements of business days, their files, and proofs that their lines are sealed.

mod days;
mod files;
mod midnight;
mod month;
mod proofs;
pub mod rows;
mod tampered;
