//! Which part of a shard's journal may leave the database: whole blocks from the oldest on, sealed long enough ago, that `verify` has
//! proven and that no statement is yet to be formed from.

use domain::id::Shard;
use domain::payment::Payment;
use domain::refund::{self, Refund};
use domain::statement::Kind;
use ledger::{Category, PostingKind};
use store::reads::{Block, StoredLine};
use store::{Store, StoreError};

/// A part of a shard's journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// The shard.
    pub shard: Shard,
    /// Its first transaction.
    pub first_seq: i64,
    /// Its last transaction.
    pub last_seq: i64,
    /// Its first block.
    pub first_block: i64,
    /// Its last block.
    pub last_block: i64,
}

/// How much may be archived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// What was sealed before this moment, real time in microseconds.
    pub sealed_before_us: i64,
    /// Up to this transaction: see [`stated_to`].
    pub stated_seq: i64,
    /// So many lines in one part, but for one block at least.
    pub lines_max: u64,
}

/// What of a shard may be archived next: its oldest blocks within the bounds.
///
/// # Errors
/// Those of the store.
pub async fn next_part(store: &dyn Store, shard: Shard, bounds: Bounds) -> Result<Option<Part>, StoreError> {
    let Bounds { sealed_before_us, stated_seq, lines_max } = bounds;
    let archived_seq = store.archive_end(shard).await?.seq;
    let Some(first) = store.block_of(shard, archived_seq + 1).await? else { return Ok(None) };
    if first.first_seq != archived_seq + 1 {
        return Err(StoreError::Corrupt(format!("no block of shard {} begins behind its archive", shard.0)));
    }
    let (first_seq, first_block) = (first.first_seq, first.number);
    let last_wanted = store.verified_block(shard).await?;
    let (mut last, mut lines, mut next) = (None, 0u64, Some(first));
    while let Some(block) = next.take() {
        let grown = lines.saturating_add(u64::try_from(block.line_count).unwrap_or(0));
        let may_go = block.number <= last_wanted
            && block.sealed_at_us < sealed_before_us
            && block.last_seq <= stated_seq
            && (last.is_none() || grown <= lines_max);
        if may_go {
            next = store.block(shard, block.number + 1).await?;
            (lines, last) = (grown, Some(block));
        }
    }
    Ok(last.map(|last: Block| Part {
        shard,
        first_seq,
        last_seq: last.last_seq,
        first_block,
        last_block: last.number,
    }))
}

/// Up to which transaction each merchant's are in a statement: one that is not will be read once more. The end of numbers when
/// all are. It only ever rises.
///
/// # Errors
/// Those of the store.
pub async fn stated_to(store: &dyn Store, shard: Shard) -> Result<i64, StoreError> {
    let mut stated_seq = i64::MAX;
    for merchant in store.snapshot().await?.merchants.iter().filter(|of| of.shard == shard) {
        let last = store.last_statement(merchant.id, Kind::FundFlow).await?;
        let after_seq = last.map_or(0, |last| last.last_seq);
        if after_seq >= stated_seq {
            continue;
        }
        let page = store.merchant_journal(merchant.id, after_seq, stated_seq, 1).await?;
        stated_seq = page.transactions.first().map_or(stated_seq, |first| stated_seq.min(first.seq - 1));
    }
    Ok(stated_seq)
}

/// Whether these are all lines of a payment that its merchant sees; without those of an archive it may be some.
#[must_use]
pub fn is_whole_payment(payment: &Payment, lines: &[StoredLine]) -> bool {
    let taken =
        lines.iter().filter(|line| line.entry.category == Category::Payment && line.entry.merchant.is_some());
    // More than the payment says was captured since it was read.
    taken.map(|line| line.entry.amount_minor.saturating_neg()).sum::<i64>() >= payment.captured_minor
}

/// As [`is_whole_payment`], of a refund. Merchants see no line of one that the platform made by itself.
#[must_use]
pub fn is_whole_refund(refund: &Refund, lines: &[StoredLine]) -> bool {
    refund.kind == refund::Kind::Automatic
        || lines.iter().any(|line| line.kind == PostingKind::RefundAccepted)
}
