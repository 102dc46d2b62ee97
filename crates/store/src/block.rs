//! Sealed blocks of the journal, and how far `verify` has proven them.

use crate::StoreError;
use crate::db::{Columns, Db, Many, corrupt, params, statements, writes};
use crate::reads::Block;
use domain::id::Shard;

macro_rules! columns {
    () => {
        "number, first_seq, last_seq, line_count, root, chained, leaf_marks, sealed_at_us"
    };
}

writes! {
    INSERT = insert "journal_block" row {
        number: Big, first_seq: Big, last_seq: Big, line_count: Big, root: Bytes, chained: Bytes, leaf_marks: Bytes,
        sealed_at_us: Big,
    };
}

statements! {
    BY_NUMBER = concat!("SELECT ", columns!(), " FROM journal_block WHERE shard = ?1 AND number = ?2");
    LAST = concat!("SELECT ", columns!(), " FROM journal_block WHERE shard = ?1 ORDER BY number DESC LIMIT 1");
    OF_SEQ = concat!("SELECT ", columns!(), " FROM journal_block INDEXED BY journal_block_last_seq \
        WHERE shard = ?1 AND last_seq >= ?2 ORDER BY last_seq LIMIT 1");
    CHAINED = "SELECT number, chained FROM journal_block WHERE shard = ?1 AND number >= ?2 AND number <= ?3 \
        ORDER BY number LIMIT ?4";
    VERIFIED = "SELECT verified_block FROM verify_progress WHERE shard = ?1";
    SET_VERIFIED = "INSERT INTO verify_progress (shard, verified_block) VALUES (?1, ?2) \
        ON CONFLICT (shard) DO UPDATE SET verified_block = excluded.verified_block";
}

fn read(c: &mut Columns<'_>) -> Result<Block, StoreError> {
    Ok(Block {
        number: c.int()?,
        first_seq: c.int()?,
        last_seq: c.int()?,
        line_count: c.int()?,
        root: c.bytes()?,
        chained: c.bytes()?,
        leaf_marks: c.blob()?.to_vec(),
        sealed_at_us: c.int()?,
    })
}

/// Adds the block after the last one; a gap or an overlap is a conflict.
pub(crate) async fn append(db: &Db, shard: Shard, block: &Block) -> Result<(), StoreError> {
    let (number, first_seq) = match last(db, shard).await? {
        Some(last) => (last.number + 1, last.last_seq + 1),
        None => (1, 1),
    };
    if (block.number, block.first_seq) != (number, first_seq) {
        return Err(StoreError::Conflict(format!("the next block is {number} from {first_seq} on")));
    }
    let row = params![
        block.number,
        block.first_seq,
        block.last_seq,
        block.line_count,
        &block.root,
        &block.chained,
        &block.leaf_marks,
        block.sealed_at_us,
    ];
    db.write(&INSERT, shard, Many::of([row])).await
}

pub(crate) async fn by_number(db: &Db, shard: Shard, number: i64) -> Result<Option<Block>, StoreError> {
    db.one(BY_NUMBER, &params![shard.0, number], read).await
}

pub(crate) async fn last(db: &Db, shard: Shard) -> Result<Option<Block>, StoreError> {
    db.one(LAST, &params![shard.0], read).await
}

/// The block over a transaction.
pub(crate) async fn of_seq(db: &Db, shard: Shard, seq: i64) -> Result<Option<Block>, StoreError> {
    let found = db.one(OF_SEQ, &params![shard.0, seq], read).await?;
    Ok(found.filter(|block| block.first_seq <= seq))
}

/// Chained roots of blocks in order; a gap among them is a fault of the rows.
pub(crate) async fn chained_roots(
    db: &Db,
    shard: Shard,
    first: i64,
    last: i64,
    limit: u32,
) -> Result<Vec<[u8; 32]>, StoreError> {
    let values = params![shard.0, first, last, limit];
    let rows: Vec<(i64, [u8; 32])> = db.all(CHAINED, &values, |c| Ok((c.int()?, c.bytes()?))).await?;
    if (first..).zip(&rows).any(|(expected, (number, _))| expected != *number) {
        return Err(corrupt("the blocks of a shard are not gapless"));
    }
    Ok(rows.into_iter().map(|(_, chained)| chained).collect())
}

pub(crate) async fn verified(db: &Db, shard: Shard) -> Result<i64, StoreError> {
    Ok(db.one(VERIFIED, &params![shard.0], |c| c.int()).await?.unwrap_or(0))
}

pub(crate) async fn set_verified(db: &Db, shard: Shard, number: i64) -> Result<(), StoreError> {
    db.execute(SET_VERIFIED, &params![shard.0, number]).await?;
    Ok(())
}
