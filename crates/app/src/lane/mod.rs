//! Lanes: one or several per shard and node. A command travels queue → load → decide → merge → commit → answer (DESIGN section 4).
//! Lanes and batching are for speed; the lock protocol, unique keys and guards of the store are the referee.

pub mod command;
pub(crate) mod lanes;
pub mod queue;
mod run;
pub(crate) mod told;
mod working;

pub use command::{Asked, Command, IdempotencyKey, Outcome, ReEntry, Reply};
pub use queue::{Class, Queue, Work};
pub(crate) use run::Setup;
