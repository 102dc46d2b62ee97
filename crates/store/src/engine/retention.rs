//! [`Retention`] for every engine: candidates are read on a reader, and only what is to go is a write.

use super::Engine;
use crate::retention::{Aging, Forgotten, Place, Retention};
use crate::{StoreError, forget};
use async_trait::async_trait;
use domain::id::Shard;

#[async_trait]
impl<E: Engine> Retention for E {
    async fn forget(
        &self,
        shard: Shard,
        aging: Aging,
        before_us: i64,
        from: Place,
        limit: u32,
    ) -> Result<Forgotten, StoreError> {
        let candidates = self
            .read(move |db| Box::pin(forget::candidates(db, shard, aging, before_us, from, limit)))
            .await?;
        if let Some(nothing) = candidates.nothing() {
            return Ok(nothing);
        }
        self.write(shard.world(), move |db| Box::pin(forget::delete(db, shard, candidates))).await
    }
}
