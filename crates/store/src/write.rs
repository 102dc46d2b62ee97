//! Writes a write-set: one statement per table and verb, the shard head late, and after it only what carries its numbers.
//! The caller commits.

use crate::counts::RowCounts;
use crate::db::{Db, KeyVersion, Many, RowWrite, Step};
use crate::{Committed, StoreError, WriteSet};
use crate::{
    adjustment, attempt, balance, capture, delivery, event, head, idempotency, journal, natural_key, payment,
    refund,
};
use domain::Uid;
use domain::id::{MerchantId, Shard};
use domain::rows::Rows;
use std::collections::HashMap;

/// A write-set made ready: everything that can be refused without the database was looked at.
pub(crate) struct Ready<'a> {
    /// What hangs under the roots, in the order of the lock protocol.
    under_roots: Vec<(&'static RowWrite, Many<'a>)>,
    /// What carries numbers of the shard head or is changed under it.
    under_shard_head: Vec<(&'static RowWrite, Many<'a>)>,
    /// The version of the master key that everything here is sealed with; the commit asserts it.
    key_version: KeyVersion,
    pub(crate) counts: RowCounts,
}

/// Merchants' clocks that are not the system's, as a batch read them with the heads.
#[derive(Debug, Default)]
pub(crate) struct Clocks(HashMap<MerchantId, i64>);

impl Clocks {
    pub(crate) fn note(&mut self, rows: &Rows) {
        for head in rows.heads.values().filter(|head| head.clock_offset_us != 0) {
            self.0.insert(head.merchant, head.clock_offset_us);
        }
    }

    /// A merchant's business time in the commit of `writes`.
    fn business_now_us(&self, writes: &WriteSet, merchant: MerchantId) -> i64 {
        let changed = writes.heads.iter().find(|(_, head)| head.merchant == merchant);
        let known = self.0.get(&merchant).copied().unwrap_or(0);
        writes.at_us.saturating_add(changed.map_or(known, |(_, head)| head.clock_offset_us))
    }
}

/// Makes a write-set ready.
pub(crate) fn ready<'a>(
    db: &Db,
    shard: Shard,
    writes: &'a WriteSet,
    clocks: &Clocks,
) -> Result<Ready<'a>, StoreError> {
    must_be_of_shard(shard, writes)?;
    let key_version = KeyVersion(db.sealer().version());
    let business_now_us = |merchant| clocks.business_now_us(writes, merchant);
    let journal = journal::inserts(&writes.transactions)?;
    let balances = balance::writes(&writes.balances, &journal.chained, business_now_us)?;
    let additions = balance::additions(&writes.deltas);
    let events = event::inserts(db, key_version, &writes.events)?;
    let natural_keys = if db.keeps_natural_keys() { natural_key::inserts(writes) } else { Many::default() };

    let mut counts = counts(writes);
    counts.balance = rows(&[balances.inserts.len(), balances.updates.len(), balances.open_updates.len()]);
    counts.platform_balance = rows(&[additions.len()]);
    counts.delivery = rows(&[events.deliveries.len()]);
    counts.natural_key = rows(&[natural_keys.len()]);

    let under_roots = vec![
        (&idempotency::INSERT, idempotency::inserts(&writes.idempotency)),
        (&natural_key::INSERT, natural_keys),
        (&head::UPDATE, head::updates(&writes.heads)),
        (&payment::INSERT, payment::inserts(db, key_version, &writes.new_payments)?),
        (&payment::UPDATE, payment::updates(&writes.payments)),
        (&attempt::INSERT, attempt::inserts(&writes.new_attempts)),
        (&attempt::UPDATE, attempt::updates(&writes.attempts)),
        (&capture::INSERT, capture::inserts(&writes.new_captures)),
        (&capture::UPDATE, capture::updates(&writes.captures)),
        (&refund::INSERT, refund::inserts(&writes.new_refunds)),
        (&refund::UPDATE, refund::updates(&writes.refunds)),
        (&adjustment::INSERT, adjustment::inserts(&writes.new_adjustments)),
        (&adjustment::UPDATE, adjustment::updates(&writes.adjustments)),
        (&adjustment::INSERT_ARRIVAL, adjustment::arrivals(&writes.arrivals)),
    ];
    let under_shard_head = vec![
        (&head::DAY_CLOSE, head::day_closes(writes)?),
        (&journal::INSERT_TX, journal.transactions),
        (&journal::INSERT_ENTRY, journal.entries),
        (&balance::INSERT, balances.inserts),
        (&balance::UPDATE, balances.updates),
        (&balance::UPDATE_OPEN, balances.open_updates),
        (&balance::PLATFORM_ADD, additions),
        (&event::INSERT, events.events),
        (&delivery::INSERT, events.deliveries),
        (&head::BATCH_INSERT, head::batch_inserts(writes)),
    ];
    Ok(Ready { under_roots, under_shard_head, key_version, counts })
}

impl<'a> Ready<'a> {
    /// The steps in their order; the numbers handed out are left in `committed`.
    pub(crate) fn steps(
        self,
        db: &'a Db,
        shard: Shard,
        writes: &'a WriteSet,
        committed: &'a mut Option<Committed>,
    ) -> Vec<Step<'a>> {
        let step = move |(write, rows): (&'static RowWrite, Many<'a>)| db.write(write, shard, rows);
        let is_some = |(_, rows): &(&'static RowWrite, Many<'a>)| !rows.is_empty();
        let key_version = self.key_version;
        let take: Step<'a> = Box::pin(async move {
            *committed = Some(head::take(db, shard, writes, key_version).await?);
            Ok(())
        });
        let before = self.under_roots.into_iter().filter(is_some).map(step);
        let after = self.under_shard_head.into_iter().filter(is_some).map(step);
        before.chain([take]).chain(after).collect()
    }
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
        adjustment: rows(&[writes.new_adjustments.len(), writes.adjustments.len()]),
        arrival: rows(&[writes.arrivals.len()]),
        merchant_head: rows(&[writes.heads.len()]),
        journal_tx: rows(&[writes.transactions.len()]),
        journal_entry: rows(&[entries]),
        event: rows(&[writes.events.len()]),
        journal_batch: 1,
        shard_head: 1,
        ..RowCounts::default()
    }
}

/// An object is found by the shard in its id, so it may not be written to another; and no write-set has two worlds. What arrives has
/// the id of an adjustment that may be another shard's, and the same world.
fn must_be_of_shard(shard: Shard, writes: &WriteSet) -> Result<(), StoreError> {
    let payments = writes.new_payments.iter().flat_map(|row| [row.id.0, row.merchant.0]);
    let attempts = writes.new_attempts.iter().flat_map(|row| [row.id.0, row.merchant.0]);
    let captures = writes.new_captures.iter().flat_map(|row| [row.id.0, row.merchant.0]);
    let refunds = writes.new_refunds.iter().flat_map(|row| [row.id.0, row.merchant.0]);
    let adjustments = writes.new_adjustments.iter().flat_map(|row| [row.id.0, row.merchant.0]);
    let arrivals = writes.arrivals.iter().map(|row| row.merchant.0);
    let transactions = writes.transactions.iter().map(|tx| tx.merchant.0);
    let balances = writes.balances.iter().map(|write| write.merchant.0);
    let events = writes.events.iter().flat_map(|event| [event.id.0, event.merchant.0]);
    let mut ids = payments
        .chain(attempts)
        .chain(captures)
        .chain(refunds)
        .chain(adjustments)
        .chain(arrivals)
        .chain(transactions)
        .chain(balances)
        .chain(events);
    let worlds = writes.arrivals.iter().map(|row| row.adjustment.0);
    let worlds = worlds.chain(writes.new_adjustments.iter().map(|row| row.receiver.0));
    if let Some(id) = worlds.into_iter().find(|id: &Uid| id.shard().world() != shard.world()) {
        return Err(StoreError::Corrupt(format!("{id:?} is not of the world of shard {}", shard.0)));
    }
    match ids.find(|id: &Uid| id.shard() != shard) {
        None => Ok(()),
        Some(id) => Err(StoreError::Corrupt(format!("{id:?} does not belong to shard {}", shard.0))),
    }
}
