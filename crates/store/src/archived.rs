//! Rows about archive files, and the one way in which lines of the journal are ever deleted.

use crate::archive::{ArchiveEnd, ArchiveFile, Dropped};
use crate::db::{Columns, Db, Many, params, statements, writes};
use crate::{StoreError, block};
use domain::id::Shard;

writes! {
    INSERT = insert "archive_file" row {
        first_seq: Big, last_seq: Big, first_block: Big, last_block: Big, name: Text, lines: Big, size_bytes: Big, sha256: Bytes,
        archived_at_us: Big,
    };
}

statements! {
    FILES = "SELECT first_seq, last_seq, first_block, last_block, name, lines, size_bytes, sha256, archived_at_us \
        FROM archive_file WHERE shard = ?1 AND first_seq > ?2 ORDER BY first_seq LIMIT ?3";
    LAST = "SELECT last_seq, last_block FROM archive_file WHERE shard = ?1 ORDER BY first_seq DESC LIMIT 1";
    OLDEST = "SELECT seq FROM journal_tx WHERE shard = ?1 AND seq >= ?2 ORDER BY seq LIMIT 1";
    DROP_ENTRIES = "DELETE FROM journal_entry WHERE shard = ?1 AND seq >= ?2 AND seq <= ?3";
    DROP_TX = "DELETE FROM journal_tx WHERE shard = ?1 AND seq >= ?2 AND seq <= ?3";
}

pub(crate) async fn files(
    db: &Db,
    shard: Shard,
    after_seq: i64,
    limit: u32,
) -> Result<Vec<ArchiveFile>, StoreError> {
    let read = |c: &mut Columns<'_>| {
        Ok(ArchiveFile {
            shard,
            first_seq: c.int()?,
            last_seq: c.int()?,
            first_block: c.int()?,
            last_block: c.int()?,
            name: c.string()?,
            lines: c.int()?,
            size_bytes: c.int()?,
            sha256: c.bytes()?,
            archived_at_us: c.int()?,
        })
    };
    db.all(FILES, &params![shard.0, after_seq, limit], read).await
}

pub(crate) async fn end(db: &Db, shard: Shard) -> Result<ArchiveEnd, StoreError> {
    let read = |c: &mut Columns<'_>| Ok(ArchiveEnd { seq: c.int()?, block: c.int()? });
    Ok(db.one(LAST, &params![shard.0], read).await?.unwrap_or_default())
}

pub(crate) async fn keep(db: &Db, file: &ArchiveFile) -> Result<(), StoreError> {
    let shard = file.shard;
    let end = end(db, shard).await?;
    let conflict = |what: String| Err(StoreError::Conflict(what));
    if (file.first_seq, file.first_block) != (end.seq + 1, end.block + 1) {
        return conflict(format!("the next file is from transaction {} on", end.seq + 1));
    }
    if block::verified(db, shard).await? < file.last_block {
        return conflict(format!("block {} was not proven yet", file.last_block));
    }
    let ends = block::by_number(db, shard, file.last_block).await?.map(|block| block.last_seq);
    if ends != Some(file.last_seq) {
        return conflict(format!(
            "block {} does not end with transaction {}",
            file.last_block, file.last_seq
        ));
    }
    let row = params![
        file.first_seq,
        file.last_seq,
        file.first_block,
        file.last_block,
        &file.name,
        file.lines,
        file.size_bytes,
        &file.sha256,
        file.archived_at_us,
    ];
    db.write(&INSERT, shard, Many::of([row])).await
}

/// Call it in a transaction.
pub(crate) async fn delete(db: &Db, shard: Shard, from_seq: i64, limit: u32) -> Result<Dropped, StoreError> {
    let archived_seq = end(db, shard).await?.seq;
    let oldest = match from_seq <= archived_seq {
        true => db.one(OLDEST, &params![shard.0, from_seq], |c| c.int()).await?,
        false => None,
    };
    let Some(first) = oldest.filter(|oldest: &i64| *oldest <= archived_seq) else {
        return Ok(Dropped { transactions: 0, next_seq: from_seq.max(archived_seq + 1) });
    };
    let last = archived_seq.min(first.saturating_add(i64::from(limit)).saturating_sub(1));
    db.execute(DROP_ENTRIES, &params![shard.0, first, last]).await?;
    let transactions = db.execute(DROP_TX, &params![shard.0, first, last]).await?;
    Ok(Dropped { transactions: u64::try_from(transactions).unwrap_or(u64::MAX), next_seq: last + 1 })
}
