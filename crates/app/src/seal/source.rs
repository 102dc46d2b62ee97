//! What sealing needs of a store.

use async_trait::async_trait;
use domain::id::Shard;
use store::reads::{Block, StoredTransaction};
use store::{Store, StoreError};

/// The journal to be sealed and the blocks that were.
#[async_trait]
pub trait BlockStore: Send + Sync {
    /// Transactions with `seq >= from_seq`, ascending, at most `limit`, in one short read transaction.
    async fn page(
        &self,
        shard: Shard,
        from_seq: i64,
        limit: u32,
    ) -> Result<Vec<StoredTransaction>, StoreError>;
    /// The newest block.
    async fn newest_block(&self, shard: Shard) -> Result<Option<Block>, StoreError>;
    /// Adds the block after the newest; [`StoreError::Conflict`] when somebody else did.
    async fn append(&self, shard: Shard, block: &Block) -> Result<(), StoreError>;
}

/// The real store.
pub(super) struct OfStore<'a>(pub &'a dyn Store);

#[async_trait]
impl BlockStore for OfStore<'_> {
    async fn page(
        &self,
        shard: Shard,
        from_seq: i64,
        limit: u32,
    ) -> Result<Vec<StoredTransaction>, StoreError> {
        self.0.journal(shard, from_seq, limit).await
    }

    async fn newest_block(&self, shard: Shard) -> Result<Option<Block>, StoreError> {
        self.0.last_block(shard).await
    }

    async fn append(&self, shard: Shard, block: &Block) -> Result<(), StoreError> {
        self.0.append_block(shard, block).await
    }
}
