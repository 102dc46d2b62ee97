//! The root of a day: one hash over the sealed blocks that the day's lines lie in. Its leaves are the blocks' chained roots, so it
//! stands for everything that was sealed before as well.

use crypto::merkle::{self, Hash, leaf_hash};
use domain::id::Shard;
use domain::statement::Root;
use store::{Statements, StoreError};

/// Blocks in one read.
const PAGE: u32 = 4_096;

/// The leaves of a day's tree, in order of the blocks.
///
/// # Errors
/// Those of the store; [`StoreError::Corrupt`] when a block of the range is gone.
pub async fn leaves<S: Statements + ?Sized>(
    store: &S,
    shard: Shard,
    first_block: i64,
    last_block: i64,
) -> Result<Vec<Hash>, StoreError> {
    let mut leaves = Vec::new();
    let mut next = first_block;
    while next <= last_block {
        let chained = store.chained_roots(shard, next, last_block, PAGE).await?;
        if chained.is_empty() {
            return Err(StoreError::Corrupt(format!("block {next} of shard {} is gone", shard.0)));
        }
        next += i64::try_from(chained.len()).unwrap_or(i64::MAX);
        leaves.extend(chained.iter().map(|root| leaf_hash(root)));
    }
    Ok(leaves)
}

/// The root over the blocks from the one of `first_seq` to the one of `last_seq`; `None` while the last is not sealed.
///
/// # Errors
/// As [`leaves`].
pub async fn of_range<S: Statements + ?Sized>(
    store: &S,
    shard: Shard,
    first_seq: i64,
    last_seq: i64,
) -> Result<Option<Root>, StoreError> {
    let Some(last) = store.block_of(shard, last_seq).await? else { return Ok(None) };
    let first_block = if last.first_seq <= first_seq {
        last.number
    } else {
        let gone = || StoreError::Corrupt(format!("transaction {first_seq} is in no block"));
        store.block_of(shard, first_seq).await?.ok_or_else(gone)?.number
    };
    let leaves = leaves(store, shard, first_block, last.number).await?;
    Ok(Some(Root { root: merkle::root(leaves), first_block, last_block: last.number }))
}
