//! Where everything rests: schema, migrations, statements. The only place that holds SQL. It knows the shapes of rows, not
//! the rules about them.
//!
//! [`Store`] is written for two engines. A file per noun holds its statements and the shape of its rows once; an engine runs
//! them on its connections (`db`, `engine`). A lane owns a [`LaneSession`] and goes through `load` (lock the roots, then read)
//! and `commit` (write-set, shard head, COMMIT) once per batch; everything else reads through [`Reads`] and never writes a
//! money row. Control rows (merchants, keys, prices, …) are written through [`Control`], never together with money rows;
//! [`Safekeeping`] is for backups, restores and the master key.

pub mod adjustments;
pub mod archive;
pub mod control;
pub mod lane;
pub mod nodes;
pub mod postgres;
pub mod reads;
pub mod retention;
pub mod safekeeping;
pub mod sqlite;
pub mod statements;
pub mod transfer;

mod adjustment;
mod api_key;
mod archived;
mod asked;
mod attempt;
mod balance;
mod block;
mod capture;
mod code;
mod counts;
mod db;
mod delivery;
mod endpoint;
mod engine;
mod event;
mod event_body;
mod forget;
mod head;
mod idempotency;
mod installation;
mod journal;
mod load;
mod lost;
mod members;
mod merchant;
mod migrations;
mod natural_key;
mod node;
mod notice;
mod partner;
mod payment;
mod place;
mod pricing;
mod refund;
mod registry;
mod reseal;
mod statement;
mod waiting;
mod write;

pub use adjustments::Adjustments;
pub use archive::Archive;
pub use control::Control;
pub use counts::RowCounts;
pub use lane::{BalanceWrite, Committed, LaneSession, WriteSet};
pub use nodes::Nodes;
pub use reads::Reads;
pub use retention::Retention;
pub use safekeeping::Safekeeping;
pub use statements::Statements;

use domain::id::Shard;

/// One engine.
pub trait Store:
    Reads + Control + Safekeeping + Statements + Nodes + Retention + Archive + Adjustments + Send + Sync
{
    /// A session for the lane of one shard. The SQLite engine blocks in it: run it on a thread of its own
    /// ([`Store::lanes_block`]).
    fn lane_session(&self, shard: Shard) -> Result<Box<dyn LaneSession>, StoreError>;
    /// True when lane sessions block the thread they are polled on.
    fn lanes_block(&self) -> bool;
    /// Whether several processes may serve the database at once.
    fn is_shared(&self) -> bool {
        !self.lanes_block()
    }
    /// The shards that this installation has.
    fn shards(&self) -> Vec<Shard>;
    /// Rows that lanes wrote since the store was opened.
    fn rows_written(&self) -> RowCounts;
}

/// Why the store refused or failed. Nothing was written, except after [`StoreError::CommitUnknown`].
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// A unique key or a guard refused the batch: it is read and decided again, halved on repeat.
    #[error("the batch conflicts with what is committed: {0}")]
    Conflict(String),
    /// The database can't be used now.
    #[error("the database is not available: {0}")]
    Unavailable(String),
    /// The COMMIT was sent and its answer lost: settle it by the batch's id.
    #[error("the outcome of the commit is not known: {0}")]
    CommitUnknown(String),
    /// The keys of the merchant changed since the request that asks was authenticated: nothing was written.
    #[error("the merchant's keys changed since the request was authenticated")]
    Stale,
    /// The nonce of the request that asks was used: nothing was written.
    #[error("the nonce was used before")]
    NonceUsed,
    /// A row or a statement is not as this binary expects.
    #[error("the database holds something unexpected: {0}")]
    Corrupt(String),
}
