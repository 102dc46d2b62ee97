//! A hostile client on loopback: each attack is bounded, honest clients are served meanwhile, and memory grows by no more than its
//! row of `table.rs` says. The rows are the page `docs/abuse.md`.

mod bodies;
mod connections;
mod framing;
mod heads;
mod logs;
mod memory;
mod page;
mod raw;
mod scene;
mod strangers;
mod table;
mod tls;
mod waiting;
