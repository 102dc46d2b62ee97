//! `feiqian verify`: walks the books of every shard by number and names the first difference.
//!
//! A run begins after the last block that was proven, and goes to the end of the journal, sealed or not: numbers are
//! gapless, each transaction obeys the books, each account's lines follow from each other, sealed blocks are as they were
//! sealed, every balance that was touched equals its last line. A share of the blocks proven before is hashed again. With
//! [`Options::full`] it begins at the first line and derives every balance, every sum of an object and every statement again.
//!
//! It reads in short transactions and holds no snapshot, so the platform may work on meanwhile: a row that is ahead of
//! the journal as walked is settled by walking on. It can't see that rows *and* all blocks after them were replaced by
//! somebody who knows the key of the salts; for that the chained root is printed, to be kept elsewhere.
//!
//! What was archived is read from its files by a full run; another run has proven it before, and looks whether its blocks still
//! follow on each other. Statements over archived lines are compared with each other and with the blocks, not made again: that takes
//! the rows of their payments in the day's order.

mod between;
mod block;
mod books;
mod chain;
mod difference;
mod journal;
mod objects;
mod old_blocks;
mod rows;
mod statements;
#[cfg(test)]
mod tests;
mod totals;
mod walk;

pub use difference::{Broken, Difference};
pub use journal::{Archived, Journal};

use difference::Stop;
use domain::id::Shard;
use journal::OfStore;
use std::ops::RangeInclusive;
use store::{Store, StoreError};
use walk::Walk;

/// What a run shall do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Derive everything again from the first line.
    pub full: bool,
    /// How many of 1,000 blocks proven before are hashed again; a full run hashes all.
    pub old_blocks_per_mille: u32,
    /// A random number: where the share of old blocks begins.
    pub seed: u64,
    /// Note what was proven, so that the next run begins there. Not for a store opened read-only.
    pub remember: bool,
}

impl Options {
    /// The usual run: what is new, and 5 % of the old blocks.
    #[must_use]
    pub fn incremental(seed: u64) -> Options {
        Options { full: false, old_blocks_per_mille: 50, seed, remember: true }
    }

    /// Everything from the first line.
    #[must_use]
    pub fn full() -> Options {
        Options { full: true, ..Options::incremental(0) }
    }
}

/// Told how far a run is, in transactions of the journal.
pub trait Progress: Send {
    /// So many more are before the run. Called once a shard; the journal may grow meanwhile.
    fn total(&mut self, transactions: u64);
    /// So many more are done.
    fn step(&mut self, transactions: u64);
}

/// Nobody watches.
impl Progress for () {
    fn total(&mut self, _: u64) {}
    fn step(&mut self, _: u64) {}
}

/// The end of a shard's chain of blocks, proven. Kept elsewhere, it proves later that no block was replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChainEnd {
    /// The shard.
    pub shard: Shard,
    /// The last block.
    pub block: i64,
    /// Its last transaction.
    pub last_seq: i64,
    /// Its chained root.
    pub chained: [u8; 32],
}

/// What a run saw.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// The first difference; the run ended there. `None`: all that was looked at holds.
    pub difference: Option<Difference>,
    /// Transactions walked, those of old blocks not counted.
    pub transactions: u64,
    /// Their lines.
    pub lines: u64,
    /// Blocks walked and proven.
    pub blocks: u64,
    /// Blocks proven before and hashed again.
    pub old_blocks: u64,
    /// Balance rows compared.
    pub accounts: u64,
    /// Payments, attempts, refunds and adjustments compared.
    pub objects: u64,
    /// Adjustments of which the second half is not noted yet: what 1920 holds over all shards. Only counted by a full run.
    pub adjustments_in_transit: u64,
    /// Statements made again and compared; only by a full run.
    pub statements: u64,
    /// Transactions after the last block.
    pub unsealed: u64,
    /// Accounts whose line before the range was not found within reach, so that only a full run proves the step.
    pub unlinked: u64,
    /// Where the chain of each clean shard ends.
    pub chain_ends: Vec<ChainEnd>,
}

impl Report {
    fn add(&mut self, other: &Report) {
        self.transactions += other.transactions;
        self.lines += other.lines;
        self.blocks += other.blocks;
        self.old_blocks += other.old_blocks;
        self.accounts += other.accounts;
        self.objects += other.objects;
        self.adjustments_in_transit += other.adjustments_in_transit;
        self.statements += other.statements;
        self.unsealed += other.unsealed;
        self.unlinked += other.unlinked;
    }
}

/// Verifies every shard in turn; ends at the first difference.
///
/// `archived` is what the database holds no more; a full run finds its absence.
///
/// # Errors
/// Those of the store, except that a row which can't be read is a difference.
pub async fn run(
    store: &dyn Store,
    archived: Option<&dyn Archived>,
    salt_key: &[u8; 32],
    options: Options,
    progress: &mut dyn Progress,
) -> Result<Report, StoreError> {
    let mut report = run_on(&OfStore { store, archived }, salt_key, options, progress).await?;
    if options.full && report.difference.is_none() {
        for shard in store.shards() {
            match statements::check(store, shard).await {
                Ok(checked) => report.statements += checked,
                Err(stop) => {
                    report.difference = Some(stop.settle(shard)?);
                    break;
                }
            }
        }
    }
    Ok(report)
}

/// Whether what was taken out of the journal, or is about to be, is what was sealed in these blocks of a shard.
///
/// # Errors
/// As [`run`].
pub async fn prove_archived(
    store: &dyn Store,
    archived: &dyn Archived,
    salt_key: &[u8; 32],
    shard: Shard,
    blocks: RangeInclusive<i64>,
) -> Result<Option<Difference>, StoreError> {
    let journal = OfStore { store, archived: Some(archived) };
    let mut counted = Report::default();
    for number in blocks {
        let looked = old_blocks::check(&journal, salt_key, shard, number, &mut (), &mut counted).await;
        if let Err(stop) = looked {
            return Ok(Some(stop.settle(shard)?));
        }
    }
    Ok(None)
}

/// [`run`] over anything that reads like a store.
///
/// # Errors
/// As [`run`].
pub async fn run_on(
    journal: &dyn Journal,
    salt_key: &[u8; 32],
    options: Options,
    progress: &mut dyn Progress,
) -> Result<Report, StoreError> {
    let mut report = Report::default();
    for shard in journal.shards() {
        let mut counted = Report::default();
        let ended = one_shard(journal, salt_key, shard, options, progress, &mut counted).await;
        report.add(&counted);
        match ended {
            Ok(chain_end) => report.chain_ends.extend(chain_end),
            Err(stop) => {
                report.difference = Some(stop.settle(shard)?);
                break;
            }
        }
    }
    Ok(report)
}

async fn one_shard(
    journal: &dyn Journal,
    salt_key: &[u8; 32],
    shard: Shard,
    options: Options,
    progress: &mut dyn Progress,
    counted: &mut Report,
) -> Result<Option<ChainEnd>, Stop> {
    let mut walk = Walk::begin(journal, salt_key, shard, options.full).await?;
    let (proven_before, last_old_seq, _) = walk.proven;
    let again = old_blocks::chosen(proven_before, options.old_blocks_per_mille, options.seed);
    let old_transactions = last_old_seq.saturating_mul(again.len() as i64) / proven_before.max(1);
    progress.total(walk.remaining().await? + u64::try_from(old_transactions).unwrap_or(0));
    // Older rows first: the first difference is the one with the lowest number.
    for number in again {
        old_blocks::check(journal, salt_key, shard, number, progress, counted).await?;
    }
    let ended = all_of(&mut walk, progress).await;
    walk.counted.unsealed = walk.unsealed();
    counted.add(&walk.counted);
    ended?;
    let (block, last_seq, chained) = walk.proven;
    if options.remember && block > proven_before {
        journal.set_verified_block(shard, block).await?;
    }
    Ok((block > 0).then_some(ChainEnd { shard, block, last_seq, chained }))
}

async fn all_of(walk: &mut Walk<'_>, progress: &mut dyn Progress) -> Result<(), Stop> {
    walk.follow(progress).await?;
    rows::check(walk, progress).await?;
    if walk.totals.is_some() {
        objects::check(walk, progress).await?;
        between::check(walk, progress).await?;
    }
    Ok(())
}
