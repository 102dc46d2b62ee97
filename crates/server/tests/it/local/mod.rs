//! A developer's laptop: `listen`, `trigger`, `events` and `clock` against a server, and the list of events that they follow.

mod commands;
mod feed;
mod listen;
mod outcomes;
mod receiver;
mod trigger;
