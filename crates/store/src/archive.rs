//! What of the journal rests in files instead of the database.

use crate::StoreError;
use async_trait::async_trait;
use domain::id::Shard;

/// A file that holds a part of a shard's journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchiveFile {
    /// The shard.
    pub shard: Shard,
    /// Its first transaction: the one after the last of the file before, or 1.
    pub first_seq: i64,
    /// Its last transaction, which is the last one of `last_block`.
    pub last_seq: i64,
    /// Its first block.
    pub first_block: i64,
    /// Its last block.
    pub last_block: i64,
    /// The file's name, without a directory.
    pub name: String,
    /// How many lines it holds.
    pub lines: i64,
    /// Its size.
    pub size_bytes: i64,
    /// The SHA-256 of its bytes.
    pub sha256: [u8; 32],
    /// When it was noted, real time in microseconds.
    pub archived_at_us: i64,
}

/// The last transaction of a shard that rests in a file, and its block; zeros when none does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ArchiveEnd {
    /// The transaction.
    pub seq: i64,
    /// The block, whose last transaction it is.
    pub block: i64,
}

/// What one deletion did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dropped {
    /// Transactions that were deleted; 0 when none is left.
    pub transactions: u64,
    /// No transaction before it is there.
    pub next_seq: i64,
}

/// See the module.
#[async_trait]
pub trait Archive {
    /// The files of a shard in order, those behind transaction `after_seq`.
    async fn archive_files(
        &self,
        shard: Shard,
        after_seq: i64,
        limit: u32,
    ) -> Result<Vec<ArchiveFile>, StoreError>;
    /// Where the part of a shard that rests in files ends.
    async fn archive_end(&self, shard: Shard) -> Result<ArchiveEnd, StoreError>;
    /// Notes that a file holds its range: from now on these transactions may be deleted here, and nobody reads them. The file must be
    /// proven and safe on a disk by then. A conflict when the range does not follow on the files before, does not end with a block, or
    /// goes beyond what `verify` has proven.
    async fn keep_archive_file(&self, file: &ArchiveFile) -> Result<(), StoreError>;
    /// Deletes at most `limit` transactions with their lines, the oldest from `from_seq` on, of those that rest in files; answers how
    /// many there were, and where to go on.
    async fn drop_archived(&self, shard: Shard, from_seq: i64, limit: u32) -> Result<Dropped, StoreError>;
}
