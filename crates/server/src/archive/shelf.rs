//! All files of an installation's archive, opened to be read beside the database.

use super::open;
use anyhow::{Context, Result};
use app::verify::Archived;
use archive::Reader;
use async_trait::async_trait;
use domain::id::Shard;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use store::reads::StoredTransaction;
use store::{Store, StoreError};

/// Rows about files in one read.
const PAGE: u32 = 500;

/// The files of every shard, in order.
pub(crate) struct Shelf(BTreeMap<Shard, Vec<Arc<Reader>>>);

impl Shelf {
    /// Opens everything that was archived; `None` when nothing was.
    pub(crate) async fn whole(store: &dyn Store, directory: &Path) -> Result<Option<Shelf>> {
        let mut shelf = Shelf(BTreeMap::new());
        for shard in store.shards() {
            shelf.add(store, directory, shard, 0).await?;
        }
        Ok((!shelf.0.is_empty()).then_some(shelf))
    }

    /// Opens those files of a shard that hold transactions from `from_seq` on.
    pub(super) async fn add(
        &mut self,
        store: &dyn Store,
        directory: &Path,
        shard: Shard,
        from_seq: i64,
    ) -> Result<()> {
        let mut after_seq = 0;
        loop {
            let files = store.archive_files(shard, after_seq, PAGE).await?;
            let Some(last) = files.last() else { return Ok(()) };
            after_seq = last.first_seq;
            for file in files.iter().filter(|file| file.last_seq >= from_seq) {
                let reader = open(directory, file).await.with_context(|| file.name.clone())?;
                self.put(reader);
            }
        }
    }

    pub(super) fn empty() -> Shelf {
        Shelf(BTreeMap::new())
    }

    pub(super) fn put(&mut self, reader: Reader) {
        self.0.entry(reader.shard()).or_default().push(Arc::new(reader));
    }

    fn file_of(&self, shard: Shard, seq: i64) -> Option<Arc<Reader>> {
        let files = self.0.get(&shard)?;
        let index = files.partition_point(|file| file.range().1 < seq);
        files.get(index).filter(|file| file.range().0 <= seq).map(Arc::clone)
    }
}

#[async_trait]
impl Archived for Shelf {
    fn last_seq(&self, shard: Shard) -> i64 {
        self.0.get(&shard).and_then(|files| files.last()).map_or(0, |file| file.range().1)
    }

    async fn page(
        &self,
        shard: Shard,
        from_seq: i64,
        limit: u32,
    ) -> Result<Vec<StoredTransaction>, StoreError> {
        let corrupt = |what: String| StoreError::Corrupt(what);
        let file = self
            .file_of(shard, from_seq)
            .ok_or_else(|| corrupt(format!("no file of the archive holds transaction {from_seq}")))?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let read = tokio::task::spawn_blocking(move || file.page(from_seq, limit)).await;
        read.map_err(|error| corrupt(error.to_string()))?.map_err(|fault| corrupt(fault.to_string()))
    }
}
