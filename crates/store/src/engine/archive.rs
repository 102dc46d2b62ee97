//! [`Archive`] for every engine.

use super::Engine;
use crate::archive::{Archive, ArchiveEnd, ArchiveFile, Dropped};
use crate::{StoreError, archived};
use async_trait::async_trait;
use domain::id::Shard;

#[async_trait]
impl<E: Engine> Archive for E {
    async fn archive_files(
        &self,
        shard: Shard,
        after_seq: i64,
        limit: u32,
    ) -> Result<Vec<ArchiveFile>, StoreError> {
        self.read(move |db| Box::pin(archived::files(db, shard, after_seq, limit))).await
    }

    async fn archive_end(&self, shard: Shard) -> Result<ArchiveEnd, StoreError> {
        self.read(move |db| Box::pin(archived::end(db, shard))).await
    }

    async fn keep_archive_file(&self, file: &ArchiveFile) -> Result<(), StoreError> {
        let file = file.clone();
        self.write(file.shard.world(), move |db| Box::pin(async move { archived::keep(db, &file).await }))
            .await
    }

    async fn drop_archived(&self, shard: Shard, from_seq: i64, limit: u32) -> Result<Dropped, StoreError> {
        self.write(shard.world(), move |db| Box::pin(archived::delete(db, shard, from_seq, limit))).await
    }
}
