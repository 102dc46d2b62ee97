//! The leaves of a sealed block, hashed again from the journal when a proof is asked for, and kept for the next proof of the block.

use super::leaf;
use crypto::merkle::{self, Hash};
use domain::id::Shard;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use store::reads::Block;
use store::{Store, StoreError};

/// Transactions in one read.
const PAGE: u32 = 512;
/// Blocks whose leaves are kept: a merchant proves a day's lines block after block.
const KEPT_MAX: usize = 8;

/// A block's leaves with the place of each transaction's first line.
pub struct Leaves {
    hashes: Vec<Hash>,
    /// The index of the first line of `first_seq + n`.
    begins: Vec<usize>,
    first_seq: i64,
}

impl Leaves {
    /// The leaf's index, the number of leaves, and its path to the root. `None` for a line that is not in the block.
    #[must_use]
    pub fn path(&self, seq: i64, line: i64) -> Option<(u64, u64, Vec<Hash>)> {
        let transaction = usize::try_from(seq.checked_sub(self.first_seq)?).ok()?;
        let begin = *self.begins.get(transaction)?;
        let end = self.begins.get(transaction + 1).copied().unwrap_or(self.hashes.len());
        let index = begin.checked_add(usize::try_from(line).ok()?).filter(|index| *index < end)?;
        let path = merkle::inclusion_proof(&self.hashes, index)?;
        Some((u64::try_from(index).ok()?, u64::try_from(self.hashes.len()).ok()?, path))
    }
}

/// A block's leaves as they are kept.
struct Kept {
    shard: Shard,
    block: i64,
    leaves: Arc<Leaves>,
}

/// The leaves of the last few blocks that proofs were asked for.
#[derive(Default)]
pub struct LeafCache(Mutex<VecDeque<Kept>>);

impl LeafCache {
    /// The leaves of a block.
    ///
    /// # Errors
    /// Those of the store; [`StoreError::Corrupt`] when the lines are not those that were sealed.
    pub async fn of(
        &self,
        store: &dyn Store,
        salt_key: &[u8; 32],
        shard: Shard,
        block: &Block,
    ) -> Result<Arc<Leaves>, StoreError> {
        if let Some(kept) = self.kept(shard, block.number) {
            return Ok(kept);
        }
        let leaves = Arc::new(hash_again(store, salt_key, shard, block).await?);
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.push_front(Kept { shard, block: block.number, leaves: Arc::clone(&leaves) });
        kept.truncate(KEPT_MAX);
        Ok(leaves)
    }

    fn kept(&self, shard: Shard, block: i64) -> Option<Arc<Leaves>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = kept.iter().find(|kept| kept.shard == shard && kept.block == block);
        found.map(|kept| Arc::clone(&kept.leaves))
    }
}

async fn hash_again(
    store: &dyn Store,
    salt_key: &[u8; 32],
    shard: Shard,
    block: &Block,
) -> Result<Leaves, StoreError> {
    let mut leaves = Leaves { hashes: Vec::new(), begins: Vec::new(), first_seq: block.first_seq };
    let mut next_seq = block.first_seq;
    while next_seq <= block.last_seq {
        let left = u32::try_from(block.last_seq - next_seq + 1).unwrap_or(PAGE);
        let page = store.journal(shard, next_seq, left.min(PAGE)).await?;
        let Some(last) = page.last() else { break };
        next_seq = last.seq + 1;
        let key = *salt_key;
        // Thousands of hashes: not on a thread that answers requests.
        let hashed = tokio::task::spawn_blocking(move || {
            page.iter().map(|stored| leaf::leaves(&key, shard, stored).collect()).collect::<Vec<Vec<Hash>>>()
        });
        for lines in hashed.await.map_err(|error| StoreError::Unavailable(error.to_string()))? {
            leaves.begins.push(leaves.hashes.len());
            leaves.hashes.extend(lines);
        }
    }
    if merkle::root(leaves.hashes.iter().copied()) != block.root {
        let what =
            format!("the lines of block {} of shard {} are not those sealed in it", block.number, shard.0);
        return Err(StoreError::Corrupt(what));
    }
    Ok(leaves)
}
