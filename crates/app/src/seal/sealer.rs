//! Closes blocks of a shard's journal. Several nodes may try: the store lets one block of a number in.

use super::source::{BlockStore, OfStore};
use super::{MARK_BYTES, chain_start, chained, leaf};
use crypto::merkle::{Hash, TreeHasher};
use domain::id::Shard;
use store::reads::{Block, StoredTransaction};
use store::{Store, StoreError};

/// When a block is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SealPolicy {
    /// A block of this many transactions is full and closed at once. At least 1.
    pub transactions_max: u32,
    /// A block that is not full is closed when the one before was closed this long ago, real microseconds; 0 closes what
    /// there is, for a node that stops.
    pub idle_us: i64,
}

impl Default for SealPolicy {
    fn default() -> Self {
        SealPolicy { transactions_max: 4_096, idle_us: 60_000_000 }
    }
}

/// Transactions in one read.
const PAGE: u32 = 512;

/// Seals every block that is due; answers how many. The age of a line is not asked for, because journals carry business
/// time: what is not sealed waits at most `idle_us` after the newest block.
///
/// # Errors
/// Those of the store; [`StoreError::Corrupt`] when the journal has a gap, which no seal may cover. That another node
/// sealed meanwhile is no error.
pub async fn seal_due(
    store: &dyn Store,
    salt_key: &[u8; 32],
    shard: Shard,
    policy: SealPolicy,
    real_now_us: i64,
) -> Result<usize, StoreError> {
    seal_on(&OfStore(store), salt_key, shard, policy, real_now_us).await
}

/// [`seal_due`] over anything that reads and appends like a store.
///
/// # Errors
/// As [`seal_due`].
pub async fn seal_on(
    store: &dyn BlockStore,
    salt_key: &[u8; 32],
    shard: Shard,
    policy: SealPolicy,
    real_now_us: i64,
) -> Result<usize, StoreError> {
    let transactions_max = i64::from(policy.transactions_max.max(1));
    let mut newest = store.newest_block(shard).await?;
    let mut sealed = 0;
    loop {
        let mut open = OpenBlock::after(newest.as_ref());
        let waited_us = newest.as_ref().map(|block| real_now_us.saturating_sub(block.sealed_at_us));
        let may_be_partial = waited_us.is_none_or(|waited_us| waited_us >= policy.idle_us);
        let last_of_full = open.first_seq.saturating_add(transactions_max - 1);
        if !may_be_partial && store.page(shard, last_of_full, 1).await?.is_empty() {
            return Ok(sealed);
        }
        open.fill(store, salt_key, shard, transactions_max).await?;
        if open.transactions() == 0 {
            return Ok(sealed);
        }
        let is_full = open.transactions() == transactions_max;
        let block = open.close(real_now_us);
        match store.append(shard, &block).await {
            Ok(()) => sealed += 1,
            Err(StoreError::Conflict(_)) => return Ok(sealed),
            Err(error) => return Err(error),
        }
        if !is_full {
            return Ok(sealed);
        }
        newest = Some(block);
    }
}

/// A block in the making: its tree and its marks, not its lines.
struct OpenBlock {
    number: i64,
    first_seq: i64,
    next_seq: i64,
    previous: Hash,
    tree: TreeHasher,
    leaf_marks: Vec<u8>,
    line_count: i64,
}

impl OpenBlock {
    fn after(newest: Option<&Block>) -> OpenBlock {
        let (number, first_seq, previous) = match newest {
            Some(block) => (block.number + 1, block.last_seq + 1, block.chained),
            None => (1, 1, chain_start()),
        };
        OpenBlock {
            number,
            first_seq,
            next_seq: first_seq,
            previous,
            tree: TreeHasher::new(),
            leaf_marks: Vec::new(),
            line_count: 0,
        }
    }

    fn transactions(&self) -> i64 {
        self.next_seq - self.first_seq
    }

    /// Takes transactions until the block is full or the journal ends.
    async fn fill(
        &mut self,
        store: &dyn BlockStore,
        salt_key: &[u8; 32],
        shard: Shard,
        transactions_max: i64,
    ) -> Result<(), StoreError> {
        while self.transactions() < transactions_max {
            let room = u32::try_from(transactions_max - self.transactions()).unwrap_or(PAGE);
            let page = store.page(shard, self.next_seq, room.min(PAGE)).await?;
            if page.is_empty() {
                break;
            }
            for stored in &page {
                self.push(salt_key, shard, stored)?;
            }
        }
        Ok(())
    }

    fn push(
        &mut self,
        salt_key: &[u8; 32],
        shard: Shard,
        stored: &StoredTransaction,
    ) -> Result<(), StoreError> {
        if stored.seq != self.next_seq {
            let what =
                format!("journal of shard {}: {} is missing before {}", shard.0, self.next_seq, stored.seq);
            return Err(StoreError::Corrupt(what));
        }
        for leaf in leaf::leaves(salt_key, shard, stored) {
            self.leaf_marks.extend(leaf.iter().take(MARK_BYTES));
            self.tree.push(leaf);
            self.line_count += 1;
        }
        self.next_seq += 1;
        Ok(())
    }

    fn close(self, sealed_at_us: i64) -> Block {
        let root = self.tree.root();
        Block {
            number: self.number,
            first_seq: self.first_seq,
            last_seq: self.next_seq - 1,
            line_count: self.line_count,
            root,
            chained: chained(&self.previous, &root),
            leaf_marks: self.leaf_marks,
            sealed_at_us,
        }
    }
}
