//! The store from outside: scratch files, real commits.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // helpers are tests too

mod adjustments;
mod archived;
mod beside;
mod books;
mod budget;
mod conflicts;
mod control;
mod copies;
mod deliveries;
mod due;
mod engines;
mod fixtures;
mod nodes;
mod opening;
mod pages;
mod postgres;
mod power_loss;
mod retention;
mod rotation;
mod round_trip;
mod sealed;
mod statements;
