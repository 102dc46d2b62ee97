//! The nodes that serve one database, and which of them does a shard's background work. A lease guards the *work* (who calls next),
//! never a *fact* that somebody brings back; it is counted by the database's clock, so that nodes' clocks need not agree.

use crate::StoreError;
use async_trait::async_trait;
use domain::id::Shard;

/// The background work of a shard, held by a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeldWork {
    /// The shard.
    pub shard: Shard,
    /// Rises when the work changes hands.
    pub fence: i64,
}

/// See the module.
#[async_trait]
pub trait Nodes {
    /// Says that a node lives; answers how many were heard of within `within_us`, this one among them.
    async fn beat(&self, node: i64, within_us: i64) -> Result<u32, StoreError>;
    /// Takes the work of these shards for `lease_us` from now, as far as no other node holds it; answers what is held now.
    async fn claim_work(
        &self,
        node: i64,
        shards: &[Shard],
        lease_us: i64,
    ) -> Result<Vec<HeldWork>, StoreError>;
    /// Shards whose work another node holds.
    async fn work_of_others(&self, node: i64) -> Result<Vec<Shard>, StoreError>;
    /// Gives work up before its lease ends.
    async fn release_work(&self, node: i64, shards: &[Shard]) -> Result<(), StoreError>;
    /// The node serves no more: it gives up everything.
    async fn leave(&self, node: i64) -> Result<(), StoreError>;
}
