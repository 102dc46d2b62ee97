//! [`Adjustments`] for every engine.

use super::Engine;
use crate::adjustments::Adjustments;
use crate::{StoreError, adjustment};
use async_trait::async_trait;
use domain::adjustment::{Adjustment, Arrival};
use domain::id::{AdjustmentId, Shard, Uid};

#[async_trait]
impl<E: Engine> Adjustments for E {
    async fn adjustment(&self, id: AdjustmentId) -> Result<Option<Adjustment>, StoreError> {
        self.read(move |db| {
            Box::pin(async move { Ok(adjustment::by_ids(db, id.0.shard(), [id]).await?.pop()) })
        })
        .await
    }

    async fn arrival(&self, shard: Shard, id: AdjustmentId) -> Result<Option<Arrival>, StoreError> {
        self.read(move |db| Box::pin(async move { Ok(adjustment::arrived(db, shard, [id]).await?.pop()) }))
            .await
    }

    async fn adjustments_correcting(&self, shard: Shard, object: Uid) -> Result<Vec<Adjustment>, StoreError> {
        self.read(move |db| Box::pin(adjustment::correcting(db, shard, [object]))).await
    }

    async fn adjustments_open(
        &self,
        shard: Shard,
        after: Option<AdjustmentId>,
        limit: u32,
    ) -> Result<Vec<Adjustment>, StoreError> {
        self.read(move |db| Box::pin(adjustment::open(db, shard, after, limit))).await
    }

    async fn adjustments_due(
        &self,
        shard: Shard,
        real_now_us: i64,
        limit: u32,
    ) -> Result<Vec<Adjustment>, StoreError> {
        self.read(move |db| Box::pin(adjustment::due(db, shard, real_now_us, limit))).await
    }

    async fn adjustments_after(
        &self,
        shard: Shard,
        after: Option<AdjustmentId>,
        limit: u32,
    ) -> Result<Vec<Adjustment>, StoreError> {
        self.read(move |db| Box::pin(adjustment::after(db, shard, after, limit))).await
    }

    async fn arrivals_after(
        &self,
        shard: Shard,
        after: Option<AdjustmentId>,
        limit: u32,
    ) -> Result<Vec<Arrival>, StoreError> {
        self.read(move |db| Box::pin(adjustment::arrived_after(db, shard, after, limit))).await
    }
}
