//! The faces over a real platform without channels: what happens around handlers. Payments themselves are tested through the
//! binary.

mod access;
mod bodies;
mod control;
mod house;
mod serving;
