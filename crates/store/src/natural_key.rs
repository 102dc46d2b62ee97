//! Numbers that merchants give, and ids, that may never be used twice. SQLite keeps them by unique indexes; PostgreSQL, whose tables
//! of objects are partitioned by time, in a table of its own that is never partitioned and never archived (DESIGN section 4,
//! tables), so that an old order number can't charge again.

use crate::WriteSet;
use crate::db::{Many, Value, params, writes};
use domain::event::Event;
use domain::id::{MerchantId, Uid};

/// What a number is of. The statements of `payment` and `refund` name these.
const ORDER_NO: i16 = 1;
const REFUND_NO: i16 = 2;
const EVENT_ID: i16 = 3;

writes! {
    INSERT = insert "natural_key" row { noun: Small, owner: Uid, hash: Uid, object: Uid };
}

/// A number as the key holds it: 128 bits of its SHA-256.
pub(crate) fn hash(number: &str) -> [u8; 16] {
    let mut half = [0; 16];
    for (to, from) in half.iter_mut().zip(crypto::sha256(number.as_bytes())) {
        *to = from;
    }
    half
}

fn row(noun: i16, owner: MerchantId, number: &str, object: Uid) -> [Value<'static>; 4] {
    params![noun, owner.0.0, hash(number), object.0]
}

/// The key of an event that no money command caused: its id may be made from what it tells of, so that it is told once. Ids of
/// other events are random, and their table is partitioned by number.
pub(crate) fn of_event(event: &Event) -> Many<'static> {
    Many::of([params![EVENT_ID, event.merchant.0.0, event.id.0.0, event.id.0.0]])
}

/// The keys of a write-set's new objects.
pub(crate) fn inserts(writes: &WriteSet) -> Many<'static> {
    let payments = writes.new_payments.iter();
    let refunds = writes.new_refunds.iter();
    let orders = payments.map(|p| row(ORDER_NO, p.merchant, &p.merchant_order_no, p.id.0));
    let refunds = refunds
        .filter_map(|r| r.merchant_refund_no.as_ref().map(|no| row(REFUND_NO, r.merchant, no, r.id.0)));
    Many::of(orders.chain(refunds))
}
