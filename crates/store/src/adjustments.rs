//! Reading what merchants give each other.

use crate::StoreError;
use async_trait::async_trait;
use domain::adjustment::{Adjustment, Arrival};
use domain::id::{AdjustmentId, Shard, Uid};

/// See the module.
#[async_trait]
pub trait Adjustments {
    /// One adjustment, of its giver's shard.
    async fn adjustment(&self, id: AdjustmentId) -> Result<Option<Adjustment>, StoreError>;
    /// What has arrived of it in a receiver's shard.
    async fn arrival(&self, shard: Shard, id: AdjustmentId) -> Result<Option<Arrival>, StoreError>;
    /// All that a shard's merchants gave, or shall give, to correct an object.
    async fn adjustments_correcting(&self, shard: Shard, object: Uid) -> Result<Vec<Adjustment>, StoreError>;
    /// Those that are proposed or in transit, by id.
    async fn adjustments_open(
        &self,
        shard: Shard,
        after: Option<AdjustmentId>,
        limit: u32,
    ) -> Result<Vec<Adjustment>, StoreError>;
    /// Those whose receiver's half is to be booked by `real_now_us`, soonest first.
    async fn adjustments_due(
        &self,
        shard: Shard,
        real_now_us: i64,
        limit: u32,
    ) -> Result<Vec<Adjustment>, StoreError>;
    /// All by id, for `verify --full`.
    async fn adjustments_after(
        &self,
        shard: Shard,
        after: Option<AdjustmentId>,
        limit: u32,
    ) -> Result<Vec<Adjustment>, StoreError>;
    /// All that has arrived in a shard, by adjustment, for `verify --full`.
    async fn arrivals_after(
        &self,
        shard: Shard,
        after: Option<AdjustmentId>,
        limit: u32,
    ) -> Result<Vec<Arrival>, StoreError>;
}
