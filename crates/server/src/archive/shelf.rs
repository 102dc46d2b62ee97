//! All files of an installation's archive, to be read beside the database. Each is compared with what was noted of it first, and
//! opened again when its turn comes.

use super::{noted, open, place};
use anyhow::{Context, Result};
use app::verify::Archived;
use archive::Reader;
use async_trait::async_trait;
use domain::id::Shard;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use store::archive::ArchiveFile;
use store::reads::StoredTransaction;
use store::{Store, StoreError};

/// The files of every shard, in order.
pub(crate) struct Shelf {
    files: BTreeMap<Shard, Vec<(PathBuf, ArchiveFile)>>,
    /// The one that is read.
    opened: Mutex<Option<Arc<Reader>>>,
}

impl Shelf {
    /// Everything that was archived, each file compared with its digest; `None` when nothing was.
    pub(crate) async fn whole(store: &dyn Store, directory: &Path) -> Result<Option<Shelf>> {
        let mut files = BTreeMap::new();
        for shard in store.shards() {
            let mut of_shard = Vec::new();
            for file in noted(store, shard).await? {
                let path = place(directory, &file.name)?;
                drop(open(path.clone(), &file).await.with_context(|| file.name.clone())?);
                of_shard.push((path, file));
            }
            if !of_shard.is_empty() {
                files.insert(shard, of_shard);
            }
        }
        Ok((!files.is_empty()).then_some(Shelf { files, opened: Mutex::new(None) }))
    }

    /// One file alone.
    pub(super) fn of_one(path: PathBuf, file: ArchiveFile) -> Shelf {
        Shelf { files: BTreeMap::from([(file.shard, vec![(path, file)])]), opened: Mutex::new(None) }
    }

    fn file_of(&self, shard: Shard, seq: i64) -> Option<&(PathBuf, ArchiveFile)> {
        let files = self.files.get(&shard)?;
        let index = files.partition_point(|(_, file)| file.last_seq < seq);
        files.get(index).filter(|(_, file)| file.first_seq <= seq)
    }

    /// The reader of a transaction, opened if the last one was of another file.
    fn reader(&self, shard: Shard, seq: i64) -> Result<(Option<Arc<Reader>>, &Path), StoreError> {
        let (path, file) = self
            .file_of(shard, seq)
            .ok_or_else(|| StoreError::Corrupt(format!("no file of the archive holds transaction {seq}")))?;
        let opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        let is_it = |reader: &&Arc<Reader>| {
            (reader.shard(), reader.range()) == (shard, (file.first_seq, file.last_seq))
        };
        Ok((opened.as_ref().filter(is_it).map(Arc::clone), path))
    }
}

#[async_trait]
impl Archived for Shelf {
    fn last_seq(&self, shard: Shard) -> i64 {
        self.files.get(&shard).and_then(|files| files.last()).map_or(0, |(_, file)| file.last_seq)
    }

    async fn page(
        &self,
        shard: Shard,
        from_seq: i64,
        limit: u32,
    ) -> Result<Vec<StoredTransaction>, StoreError> {
        let (opened, path) = self.reader(shard, from_seq)?;
        let path = path.to_owned();
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let read = tokio::task::spawn_blocking(move || {
            let reader = match opened {
                Some(reader) => reader,
                None => Arc::new(Reader::open(&path)?),
            };
            let page = reader.page(from_seq, limit)?;
            Ok((reader, page))
        });
        let gone = |error: &dyn std::fmt::Display| StoreError::Unavailable(error.to_string());
        let read: Result<_, archive::Fault> = read.await.map_err(|error| gone(&error))?;
        let (reader, page) = read.map_err(|fault| match fault {
            archive::Fault::File { path, source } => gone(&format!("{}: {source}", path.display())),
            other => StoreError::Corrupt(other.to_string()),
        })?;
        *self.opened.lock().unwrap_or_else(PoisonError::into_inner) = Some(reader);
        Ok(page)
    }
}
