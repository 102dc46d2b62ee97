//! Writes a write-set: numbers from the shard head, then one statement per table and verb, looped. The caller commits.

use super::counts::RowCounts;
use super::db::Db;
use super::{attempt, balance, capture, event, head, idempotency, journal, payment, refund};
use crate::{Committed, StoreError, WriteSet};
use domain::Uid;
use domain::id::{MerchantId, Shard};
use ledger::AccountKey;

/// What a write-set came to.
pub(super) struct Written {
    pub(super) committed: Committed,
    pub(super) counts: RowCounts,
}

/// Writes everything. `clock_offset_us` tells a merchant's clock as the batch read it. When a balance conflicts because the
/// decision did not know of its row, the account is left in `unknown_row`.
pub(super) fn write(
    db: &Db,
    shard: Shard,
    writes: &WriteSet,
    clock_offset_us: impl Fn(MerchantId) -> i64,
    unknown_row: &mut Option<AccountKey>,
) -> Result<Written, StoreError> {
    must_be_of_shard(shard, writes)?;
    let wanted = head::Wanted {
        transactions: count(writes.transactions.len()),
        events: count(writes.events.len()),
        open_day: writes.open_day,
        new_open_day: writes.new_open_day,
        at_us: writes.at_us,
    };
    // SQLite has one writer: taking the head first costs nobody anything, and the numbers are needed below.
    let committed = head::take(db, shard, wanted)?;
    idempotency::insert_all(db, shard, &writes.idempotency)?;
    head::update_all(db, shard, &writes.heads)?;
    payment::insert_all(db, shard, &writes.new_payments)?;
    payment::update_all(db, shard, &writes.payments)?;
    attempt::insert_all(db, shard, &writes.new_attempts)?;
    attempt::update_all(db, shard, &writes.attempts)?;
    capture::insert_all(db, shard, &writes.new_captures)?;
    capture::update_all(db, shard, &writes.captures)?;
    refund::insert_all(db, shard, &writes.new_refunds)?;
    refund::update_all(db, shard, &writes.refunds)?;
    let last_lines = journal::insert_all(db, shard, committed.first_journal_seq, &writes.transactions)?;
    let business_now_us = |merchant| writes.at_us.saturating_add(clock_offset_us(merchant));
    let balances =
        balance::write_all(db, shard, &writes.balances, &last_lines, business_now_us, unknown_row)?;
    let platform_balances = balance::add_all(db, shard, &writes.deltas)?;
    let deliveries = event::insert_all(db, shard, committed.first_event_seq, &writes.events)?;
    head::insert_batch(db, shard, writes.batch, committed, writes.at_us)?;
    let mut counts = counts(writes);
    counts.balance = balances;
    counts.platform_balance = platform_balances;
    counts.delivery = deliveries;
    Ok(Written { committed, counts })
}

fn count(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}

fn rows(lengths: &[usize]) -> u64 {
    lengths.iter().map(|length| u64::try_from(*length).unwrap_or(u64::MAX)).sum()
}

fn counts(writes: &WriteSet) -> RowCounts {
    let entries: usize = writes.transactions.iter().map(|tx| tx.entries.len()).sum();
    RowCounts {
        idempotency: rows(&[writes.idempotency.len()]),
        payment: rows(&[writes.new_payments.len(), writes.payments.len()]),
        attempt: rows(&[writes.new_attempts.len(), writes.attempts.len()]),
        capture: rows(&[writes.new_captures.len(), writes.captures.len()]),
        refund: rows(&[writes.new_refunds.len(), writes.refunds.len()]),
        merchant_head: rows(&[writes.heads.len()]),
        journal_tx: rows(&[writes.transactions.len()]),
        journal_entry: rows(&[entries]),
        event: rows(&[writes.events.len()]),
        journal_batch: 1,
        shard_head: 1,
        ..RowCounts::default()
    }
}

/// An object is found by the shard in its id, so it may not be written to another; and no write-set has two worlds.
fn must_be_of_shard(shard: Shard, writes: &WriteSet) -> Result<(), StoreError> {
    let payments = writes.new_payments.iter().flat_map(|row| [row.id.0, row.merchant.0]);
    let attempts = writes.new_attempts.iter().flat_map(|row| [row.id.0, row.merchant.0]);
    let captures = writes.new_captures.iter().flat_map(|row| [row.id.0, row.merchant.0]);
    let refunds = writes.new_refunds.iter().flat_map(|row| [row.id.0, row.merchant.0]);
    let transactions = writes.transactions.iter().map(|tx| tx.merchant.0);
    let balances = writes.balances.iter().map(|write| write.merchant.0);
    let events = writes.events.iter().flat_map(|event| [event.id.0, event.merchant.0]);
    let mut ids = payments
        .chain(attempts)
        .chain(captures)
        .chain(refunds)
        .chain(transactions)
        .chain(balances)
        .chain(events);
    match ids.find(|id: &Uid| id.shard() != shard) {
        None => Ok(()),
        Some(id) => Err(StoreError::Corrupt(format!("{id:?} does not belong to shard {}", shard.0))),
    }
}
