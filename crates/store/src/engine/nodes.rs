//! [`Nodes`] for every engine.

use super::Engine;
use crate::nodes::{HeldWork, Nodes};
use crate::{StoreError, node};
use async_trait::async_trait;
use domain::World;
use domain::id::Shard;

#[async_trait]
impl<E: Engine> Nodes for E {
    async fn beat(&self, id: i64, within_us: i64) -> Result<u32, StoreError> {
        self.write(World::Live, move |db| Box::pin(node::beat(db, id, within_us))).await
    }

    async fn claim_work(
        &self,
        id: i64,
        shards: &[Shard],
        lease_us: i64,
    ) -> Result<Vec<HeldWork>, StoreError> {
        let mut shards = shards.to_vec();
        shards.sort_unstable();
        self.write(World::Live, move |db| {
            Box::pin(async move { node::claim(db, id, &shards, lease_us).await })
        })
        .await
    }

    async fn work_of_others(&self, id: i64) -> Result<Vec<Shard>, StoreError> {
        self.read(move |db| Box::pin(node::of_others(db, id))).await
    }

    async fn release_work(&self, id: i64, shards: &[Shard]) -> Result<(), StoreError> {
        let mut shards = shards.to_vec();
        shards.sort_unstable();
        self.write(World::Live, move |db| Box::pin(async move { node::release(db, id, &shards).await })).await
    }

    async fn leave(&self, id: i64) -> Result<(), StoreError> {
        self.write(World::Live, move |db| Box::pin(node::leave(db, id))).await
    }
}
