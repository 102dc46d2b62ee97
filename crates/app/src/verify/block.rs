//! One sealed block against the lines of its range.

use super::difference::{Broken, Difference};
use crate::seal::{MARK_BYTES, chained, leaf};
use crypto::merkle::{Hash, TreeHasher};
use domain::id::Shard;
use store::reads::{Block, StoredTransaction};

/// Hashes the lines of a block as they are walked.
pub(super) struct BlockCheck {
    pub(super) block: Block,
    shard: Shard,
    previous: Hash,
    tree: TreeHasher,
    /// The first line whose hash does not begin as it was marked: (seq, place in the transaction).
    unmarked: Option<(i64, usize)>,
}

impl BlockCheck {
    /// Begins a block that must follow on `previous`: (number, last seq, chained root).
    pub(super) fn begin(
        shard: Shard,
        block: Block,
        previous: (i64, i64, Hash),
    ) -> Result<BlockCheck, Difference> {
        let (number, last_seq, chained) = previous;
        let at = format!("block {} of shard {}", block.number, shard.0);
        let broken = |sentence: String| Err(Difference { broken: Broken::Seal, shard, sentence });
        if block.number != number + 1 {
            return broken(format!("block {} of shard {} is followed by {}", number, shard.0, block.number));
        }
        if block.first_seq != last_seq + 1 || block.last_seq < block.first_seq {
            return broken(format!(
                "{at} is over transactions {} to {}; the blocks before end at {last_seq}",
                block.first_seq, block.last_seq,
            ));
        }
        Ok(BlockCheck { block, shard, previous: chained, tree: TreeHasher::new(), unmarked: None })
    }

    /// Takes the next transaction of the block's range.
    pub(super) fn take(&mut self, salt_key: &[u8; 32], stored: &StoredTransaction) {
        for (line, leaf) in leaf::leaves(salt_key, self.shard, stored).enumerate() {
            let place = usize::try_from(self.tree.len()).unwrap_or(usize::MAX).saturating_mul(MARK_BYTES);
            let mark = self.block.leaf_marks.get(place..place.saturating_add(MARK_BYTES));
            if self.unmarked.is_none() && mark != leaf.get(..MARK_BYTES) {
                self.unmarked = Some((stored.seq, line));
            }
            self.tree.push(leaf);
        }
    }

    /// Whether the transaction is the block's last.
    pub(super) fn ends_at(&self, seq: i64) -> bool {
        self.block.last_seq == seq
    }

    /// Judges what can be told of a block without its lines.
    pub(super) fn finish_unread(self) -> Result<(), Difference> {
        let Block { number, root, chained: stored, line_count, leaf_marks, .. } = self.block;
        let marks = usize::try_from(line_count).ok().and_then(|lines| lines.checked_mul(MARK_BYTES));
        if chained(&self.previous, &root) == stored && marks == Some(leaf_marks.len()) {
            return Ok(());
        }
        let sentence = format!(
            "block {number} of shard {}, whose lines are archived, does not follow on the block before, or was changed",
            self.shard.0
        );
        Err(Difference { broken: Broken::Seal, shard: self.shard, sentence })
    }

    /// Judges the whole block; answers what the next one must follow on. `wrong` is what else was found in its range.
    pub(super) fn finish(self, wrong: Option<&Difference>) -> Result<(i64, i64, Hash), Difference> {
        let Block { number, last_seq, .. } = self.block;
        let shard = self.shard;
        let at = format!("block {number} of shard {}", shard.0);
        let broken = |sentence: String| Err(Difference { broken: Broken::Seal, shard, sentence });
        let root = self.tree.root();
        let lines = i64::try_from(self.tree.len()).unwrap_or(i64::MAX);
        let is_whole = root == self.block.root;
        if !is_whole && let Some((seq, line)) = self.unmarked {
            let as_well = wrong.map_or(String::new(), |wrong| format!("; also: {wrong}"));
            return broken(format!(
                "journal line {seq}/{line} of shard {} was changed after it was sealed in block {number} (amount, \
                 account or another column){as_well}",
                shard.0,
            ));
        }
        if lines != self.block.line_count {
            return broken(format!(
                "{at} was sealed over {} lines, the journal has {lines} there",
                self.block.line_count
            ));
        }
        if !is_whole {
            return broken(format!(
                "the root of {at} is not that of its lines, though each line fits its mark"
            ));
        }
        if let Some((seq, line)) = self.unmarked {
            return broken(format!(
                "the mark of journal line {seq}/{line} in {at} was changed; its root proves the line"
            ));
        }
        if self.block.leaf_marks.len() as u64 != self.tree.len() * MARK_BYTES as u64 {
            return broken(format!("{at} has marks of lines that it is not over"));
        }
        if chained(&self.previous, &root) != self.block.chained {
            return broken(format!(
                "the chained root of {at} does not follow from block {} and its own root",
                number - 1
            ));
        }
        Ok((number, last_seq, self.block.chained))
    }
}
