//! Reads what a batch names, each row once. The write transaction is open, so what is read stays as it is until the commit.

use super::db::Db;
use super::{attempt, balance, capture, head, idempotency, payment, refund};
use crate::StoreError;
use domain::id::Shard;
use domain::rows::{ReadSet, Rows};

/// Captures that a payment may have; more are refused by the rules long before.
const CAPTURES_MAX: u32 = 1_000;

/// Everything in `reads`, into `rows`. Heads come first: they are the roots.
pub(super) fn load(db: &Db, shard: Shard, reads: &ReadSet, rows: &mut Rows) -> Result<(), StoreError> {
    for merchant in &reads.merchants {
        if !rows.heads.contains_key(merchant)
            && let Some(head) = head::of_merchant(db, shard, *merchant)?
        {
            rows.heads.insert(*merchant, head);
        }
    }
    keys(db, shard, reads, rows)?;
    objects(db, shard, reads, rows)?;
    for (index, merchant) in reads.balances_of.iter().enumerate() {
        let seen = reads.balances_of.iter().take(index).any(|earlier| earlier == merchant);
        if !seen {
            balance::open_of(db, shard, *merchant, |key, balance| {
                rows.balances.insert(key, balance);
            })?;
        }
    }
    Ok(())
}

/// Idempotency rows, nonces and natural keys.
fn keys(db: &Db, shard: Shard, reads: &ReadSet, rows: &mut Rows) -> Result<(), StoreError> {
    for (merchant, key_hash) in &reads.idempotency {
        if !rows.idempotency.contains_key(&(*merchant, *key_hash))
            && let Some(row) = idempotency::by_key(db, shard, *merchant, *key_hash)?
        {
            rows.idempotency.insert((*merchant, *key_hash), row);
        }
    }
    for (key, hash) in &reads.nonces {
        if idempotency::is_nonce_used(db, shard, *key, *hash)? {
            rows.nonces.insert((*key, *hash));
        }
    }
    for (merchant, no) in &reads.refund_nos {
        if let Some(refund) = refund::by_refund_no(db, shard, *merchant, no)? {
            rows.refund_nos.insert((*merchant, no.clone()), refund.id);
            rows.refunds.entry(refund.id).or_insert(refund);
        }
    }
    Ok(())
}

fn objects(db: &Db, shard: Shard, reads: &ReadSet, rows: &mut Rows) -> Result<(), StoreError> {
    if !reads.order_nos.is_empty() || !reads.payments.is_empty() {
        let mut finder = payment::Finder::new(db, shard)?;
        for (merchant, no) in &reads.order_nos {
            if let Some(payment) = finder.by_order_no(*merchant, no)? {
                rows.order_nos.insert((*merchant, no.clone()), payment.id);
                rows.payments.entry(payment.id).or_insert(payment);
            }
        }
        for id in &reads.payments {
            if !rows.payments.contains_key(id)
                && let Some(payment) = finder.by_id(*id)?
            {
                rows.payments.insert(*id, payment);
            }
        }
    }
    if !reads.attempts.is_empty() {
        let mut finder = attempt::Finder::new(db, shard)?;
        for id in &reads.attempts {
            if !rows.attempts.contains_key(id)
                && let Some(attempt) = finder.by_id(*id)?
            {
                rows.attempts.insert(*id, attempt);
            }
        }
    }
    for id in &reads.captures {
        if !rows.captures.contains_key(id)
            && let Some(capture) = capture::by_id(db, shard, *id)?
        {
            rows.captures.insert(*id, capture);
        }
    }
    for payment in &reads.captures_of {
        for capture in capture::of_payment(db, shard, *payment, CAPTURES_MAX)? {
            rows.captures.entry(capture.id).or_insert(capture);
        }
    }
    for id in &reads.refunds {
        if !rows.refunds.contains_key(id)
            && let Some(refund) = refund::by_id(db, shard, *id)?
        {
            rows.refunds.insert(*id, refund);
        }
    }
    Ok(())
}
