//! Blocks that were proven before: a share of them is hashed again in each run, so that over some runs all of them are.

use super::block::BlockCheck;
use super::difference::{Broken, Difference, Stop};
use super::journal::Journal;
use super::{Progress, Report};
use crate::seal::chain_start;
use crypto::merkle::Hash;
use domain::id::Shard;
use store::reads::Block;

/// Transactions in one read.
const PAGE: u32 = 512;

/// Which of the blocks 1 to `proven` are hashed again: `per_mille` of them, rounded up, spread evenly from a start that the
/// seed gives.
pub(super) fn chosen(proven: i64, per_mille: u32, seed: u64) -> Vec<i64> {
    let Ok(blocks) = u64::try_from(proven) else { return Vec::new() };
    let count = (u128::from(blocks) * u128::from(per_mille.min(1_000))).div_ceil(1_000);
    let Some(start) = seed.checked_rem(blocks) else { return Vec::new() };
    let mut numbers: Vec<i64> = (0..count)
        .filter_map(|place| {
            let step = place * u128::from(blocks) / count;
            i64::try_from((u128::from(start) + step) % u128::from(blocks)).ok()
        })
        .map(|index| index + 1)
        .collect();
    numbers.sort_unstable();
    numbers
}

/// Hashes one old block and checks that it follows on the block before it.
pub(super) async fn check(
    journal: &dyn Journal,
    salt_key: &[u8; 32],
    shard: Shard,
    number: i64,
    progress: &mut dyn Progress,
    counted: &mut Report,
) -> Result<(), Stop> {
    let block = existing(journal, shard, number).await?;
    let previous = before(journal, shard, number).await?;
    if block.last_seq <= journal.archived_seq(shard).await? {
        // Its lines were proven before they were deleted; it must still stand where it stood.
        BlockCheck::begin(shard, block, previous)?.finish_unread()?;
        counted.old_blocks += 1;
        return Ok(());
    }
    let (mut next_seq, last_seq) = (block.first_seq, block.last_seq);
    let mut check = BlockCheck::begin(shard, block, previous)?;
    while next_seq <= last_seq {
        let limit = u32::try_from(last_seq - next_seq + 1).unwrap_or(PAGE).min(PAGE);
        let page = journal.page(shard, next_seq, limit).await?;
        for stored in &page {
            if stored.seq != next_seq {
                return Err(missing(shard, number, next_seq));
            }
            check.take(salt_key, stored);
            next_seq += 1;
        }
        if page.is_empty() {
            return Err(missing(shard, number, next_seq));
        }
        progress.step(page.len() as u64);
    }
    check.finish(None)?;
    counted.old_blocks += 1;
    Ok(())
}

async fn existing(journal: &dyn Journal, shard: Shard, number: i64) -> Result<Block, Stop> {
    journal.block(shard, number).await?.ok_or_else(|| {
        let sentence = format!("block {number} of shard {} is missing", shard.0);
        Difference { broken: Broken::Seal, shard, sentence }.into()
    })
}

async fn before(journal: &dyn Journal, shard: Shard, number: i64) -> Result<(i64, i64, Hash), Stop> {
    if number <= 1 {
        return Ok((0, 0, chain_start()));
    }
    let block = existing(journal, shard, number - 1).await?;
    Ok((block.number, block.last_seq, block.chained))
}

fn missing(shard: Shard, number: i64, seq: i64) -> Stop {
    let sentence =
        format!("journal transaction {seq} of shard {}, sealed in block {number}, is gone", shard.0);
    Difference { broken: Broken::Gap, shard, sentence }.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn the_share_is_rounded_up_and_has_no_block_twice() {
        for (proven, per_mille, count) in [
            (0, 50, 0),
            (1, 50, 1),
            (10, 50, 1),
            (100, 50, 5),
            (101, 50, 6),
            (7, 1_000, 7),
            (7, 0, 0),
            (-1, 50, 0),
        ] {
            for seed in [0, 1, 6, u64::MAX] {
                let numbers = chosen(proven, per_mille, seed);
                assert_eq!(numbers.len(), count, "{proven} blocks, {per_mille} of 1,000");
                assert!(numbers.iter().all(|number| (1..=proven).contains(number)));
                assert_eq!(numbers.iter().collect::<HashSet<_>>().len(), count);
            }
        }
    }

    #[test]
    fn every_block_has_its_turn() {
        let seen: HashSet<i64> = (0..20).flat_map(|seed| chosen(100, 50, seed)).collect();
        assert_eq!(seen.len(), 100);
    }
}
