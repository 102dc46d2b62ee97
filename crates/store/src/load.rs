//! Reads what a batch names, each row once: the roots first, locked, then everything else, so that what is read stays as it is
//! until the commit.

use crate::db::{Db, Step, in_order};
use crate::{StoreError, adjustment, attempt, balance, capture, head, idempotency, payment, refund};
use domain::id::Shard;
use domain::rows::{ReadSet, Rows};

/// Everything in `reads` that `rows` lack, into `rows`. On PostgreSQL all statements are on their way at once; each sees
/// what was committed when the roots' locks were had.
pub(crate) async fn load(db: &Db, shard: Shard, reads: &ReadSet, rows: &mut Rows) -> Result<(), StoreError> {
    let wanted = wanted(reads, rows);
    let mut found = Found::default();
    in_order(steps(db, shard, &wanted, &mut found)).await?;
    found.into_rows(rows);
    Ok(())
}

/// The keys in their order, without repetition and without what is read already.
fn wanted(reads: &ReadSet, rows: &Rows) -> ReadSet {
    ReadSet {
        merchants: distinct(&reads.merchants, |id| rows.heads.contains_key(id)),
        idempotency: distinct(&reads.idempotency, |key| rows.idempotency.contains_key(key)),
        nonces: distinct(&reads.nonces, |nonce| rows.nonces.contains(nonce)),
        order_nos: distinct(&reads.order_nos, |_| false),
        refund_nos: distinct(&reads.refund_nos, |_| false),
        payments: distinct(&reads.payments, |id| rows.payments.contains_key(id)),
        attempts: distinct(&reads.attempts, |id| rows.attempts.contains_key(id)),
        captures: distinct(&reads.captures, |id| rows.captures.contains_key(id)),
        captures_of: distinct(&reads.captures_of, |_| false),
        refunds: distinct(&reads.refunds, |id| rows.refunds.contains_key(id)),
        adjustments: distinct(&reads.adjustments, |id| rows.adjustments.contains_key(id)),
        correcting: distinct(&reads.correcting, |_| false),
        arrivals: distinct(&reads.arrivals, |id| rows.arrivals.contains_key(id)),
        balances_of: distinct(&reads.balances_of, |_| false),
    }
}

/// Whoever locks or waits does it in the same order everywhere.
fn distinct<K: Clone + Ord>(keys: &[K], is_known: impl Fn(&K) -> bool) -> Vec<K> {
    let mut keys: Vec<K> = keys.iter().filter(|key| !is_known(key)).cloned().collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}

/// What the statements found.
#[derive(Default)]
struct Found {
    heads: Vec<domain::merchant::Head>,
    idempotency: Vec<domain::rows::IdempotencyRow>,
    nonces: Vec<(domain::id::KeyId, [u8; 16])>,
    by_order_no: Vec<domain::payment::Payment>,
    by_refund_no: Vec<domain::refund::Refund>,
    payments: Vec<domain::payment::Payment>,
    attempts: Vec<domain::attempt::Attempt>,
    captures: Vec<domain::capture::Capture>,
    captures_of: Vec<domain::capture::Capture>,
    refunds: Vec<domain::refund::Refund>,
    adjustments: Vec<domain::adjustment::Adjustment>,
    correcting: Vec<domain::adjustment::Adjustment>,
    arrivals: Vec<domain::adjustment::Arrival>,
    balances: Vec<(ledger::AccountKey, domain::rows::Balance)>,
}

/// One statement per kind of row, the roots' lock before all others. Nothing is asked for where there is no key.
fn steps<'a>(db: &'a Db, shard: Shard, wanted: &'a ReadSet, found: &'a mut Found) -> Vec<Step<'a>> {
    macro_rules! step {
        ($slot:ident, $rows:expr) => {{
            let slot = &mut found.$slot;
            Box::pin(async move {
                *slot = $rows.await?;
                Ok(())
            })
        }};
    }
    vec![
        step!(heads, head::lock(db, shard, wanted.merchants.iter().copied())),
        step!(idempotency, idempotency::by_keys(db, shard, &wanted.idempotency)),
        step!(nonces, idempotency::used_nonces(db, shard, &wanted.nonces)),
        step!(by_order_no, payment::by_order_nos(db, shard, &wanted.order_nos)),
        step!(by_refund_no, refund::by_refund_nos(db, shard, &wanted.refund_nos)),
        step!(payments, payment::by_ids(db, shard, wanted.payments.iter().copied())),
        step!(attempts, attempt::by_ids(db, shard, wanted.attempts.iter().copied())),
        step!(captures, capture::by_ids(db, shard, wanted.captures.iter().copied())),
        step!(captures_of, capture::of_payments(db, shard, &wanted.captures_of)),
        step!(refunds, refund::by_ids(db, shard, wanted.refunds.iter().copied())),
        step!(adjustments, adjustment::by_ids(db, shard, wanted.adjustments.iter().copied())),
        step!(correcting, adjustment::correcting(db, shard, wanted.correcting.iter().copied())),
        step!(arrivals, adjustment::arrived(db, shard, wanted.arrivals.iter().copied())),
        step!(balances, balance::open_of(db, shard, wanted.balances_of.iter().copied())),
    ]
}

impl Found {
    fn into_rows(self, rows: &mut Rows) {
        rows.heads.extend(self.heads.into_iter().map(|head| (head.merchant, head)));
        let keyed = self.idempotency.into_iter().map(|row| ((row.merchant, row.key_hash), row));
        rows.idempotency.extend(keyed);
        rows.nonces.extend(self.nonces);
        for payment in self.by_order_no {
            rows.order_nos.insert((payment.merchant, payment.merchant_order_no.clone()), payment.id);
            rows.payments.entry(payment.id).or_insert(payment);
        }
        for refund in self.by_refund_no {
            if let Some(no) = &refund.merchant_refund_no {
                rows.refund_nos.insert((refund.merchant, no.clone()), refund.id);
            }
            rows.refunds.entry(refund.id).or_insert(refund);
        }
        rows.payments.extend(self.payments.into_iter().map(|payment| (payment.id, payment)));
        rows.attempts.extend(self.attempts.into_iter().map(|attempt| (attempt.id, attempt)));
        for capture in self.captures.into_iter().chain(self.captures_of) {
            rows.captures.entry(capture.id).or_insert(capture);
        }
        rows.refunds.extend(self.refunds.into_iter().map(|refund| (refund.id, refund)));
        for adjustment in self.adjustments.into_iter().chain(self.correcting) {
            rows.adjustments.entry(adjustment.id).or_insert(adjustment);
        }
        rows.arrivals.extend(self.arrivals.into_iter().map(|arrival| (arrival.adjustment, arrival)));
        rows.balances.extend(self.balances);
    }
}
