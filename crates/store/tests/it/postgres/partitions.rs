//! Room is made ahead, by any number of nodes, and nothing is refused where there is none.

use crate::fixtures::*;
use store::postgres::PostgresStore;

const TABLES: [&str; 9] = [
    "payment",
    "attempt",
    "capture",
    "refund",
    "delivery_attempt",
    "journal_tx",
    "journal_entry",
    "event",
    "delivery",
];
const SPAN_US: i64 = (1 << 33) * 1_000;

fn partitions(place: &Place, table: &str) -> i64 {
    place.number(&format!("SELECT COUNT(*) FROM pg_inherits WHERE inhparent = '{table}'::regclass"))
}

#[test]
fn room_is_made_once_by_whoever_comes_first() {
    let here = Installation::new(Engine::Postgres);
    let store = block_on(PostgresStore::open(&postgres_config(here.place.url()))).unwrap();
    assert_eq!(block_on(store.make_room(NOW_US)).unwrap(), 0, "init made it");
    let before: Vec<i64> = TABLES.iter().map(|table| partitions(&here.place, table)).collect();
    assert!(before.iter().all(|count| *count == 3), "the one in use, the next, the default: {before:?}");
    let made: usize = block_on(async {
        let (a, b, c) = tokio::join!(
            store.make_room(NOW_US + SPAN_US),
            store.make_room(NOW_US + SPAN_US),
            store.make_room(NOW_US + SPAN_US)
        );
        a.unwrap() + b.unwrap() + c.unwrap()
    });
    assert_eq!(made, 5, "one more of each table that goes by time");
    assert_eq!(partitions(&here.place, "payment"), 4);
    here.place.say("UPDATE shard_head SET journal_seq = 70000000, event_seq = 140000000 WHERE shard = 0");
    assert_eq!(block_on(store.make_room(NOW_US)).unwrap(), 2 + 4, "ahead of the numbers of every shard");
}

#[test]
fn rows_lie_in_the_partition_of_their_time_and_are_taken_where_there_is_none() {
    let here = Installation::new(Engine::Postgres);
    let mut set = writes(1);
    let mut ids = maker(LIVE, 700);
    set.new_payments = vec![payment(&mut ids, here.live, "now")];
    let mut late = domain::id::IdMaker::new(NOW_US + 40 * SPAN_US, LIVE, 701);
    set.new_payments.push(payment(&mut late, here.live, "in ten years"));
    here.commit(LIVE, &set).unwrap();
    assert_eq!(here.place.number("SELECT COUNT(*) FROM payment_p205"), 1);
    assert_eq!(here.place.number("SELECT COUNT(*) FROM payment_default"), 1);
    for row in &set.new_payments {
        assert_eq!(block_on(here.store.payment(row.id)).unwrap().as_ref(), Some(row));
        let found = block_on(here.store.payment_by_order_no(here.live, &row.merchant_order_no)).unwrap();
        assert_eq!(found.map(|found| found.id), Some(row.id));
    }
    // An order number is taken whatever partition its payment lies in.
    let mut again = writes(2);
    again.new_payments = vec![payment(&mut late, here.live, "now")];
    assert!(matches!(here.commit(LIVE, &again), Err(store::StoreError::Conflict(_))));
}

/// A long transaction writes into the parent: room is made beside it, and it is kept waiting by nothing.
#[test]
fn room_is_made_beside_whoever_writes() {
    let here = Installation::new(Engine::Postgres);
    let store = block_on(PostgresStore::open(&postgres_config(here.place.url()))).unwrap();
    let writer = block_on(client(here.place.url()));
    let locks = TABLES.map(|table| format!("LOCK TABLE ONLY {table} IN ROW EXCLUSIVE MODE")).join("; ");
    block_on(writer.batch_execute(&format!("BEGIN; {locks}"))).unwrap();
    assert_eq!(block_on(store.make_room(NOW_US + SPAN_US)).unwrap(), 5);
    block_on(writer.batch_execute("COMMIT")).unwrap();
    // They are partitions like any other: with the parent's indexes, and without the check that joined them.
    let odd = "SELECT COUNT(*) FROM pg_class p JOIN pg_inherits i ON i.inhrelid = p.oid \
        WHERE p.relname = 'payment_p207' AND p.reloptions = ARRAY['fillfactor=85'] \
        AND NOT EXISTS (SELECT 1 FROM pg_constraint c WHERE c.conrelid = p.oid AND c.conname = 'room') \
        AND (SELECT COUNT(*) FROM pg_index x WHERE x.indrelid = p.oid) = \
            (SELECT COUNT(*) FROM pg_index x WHERE x.indrelid = 'payment'::regclass) \
        AND NOT EXISTS (SELECT 1 FROM pg_index x WHERE x.indrelid = p.oid \
            AND NOT EXISTS (SELECT 1 FROM pg_inherits j WHERE j.inhrelid = x.indexrelid))";
    assert_eq!(here.place.number(odd), 1);
}

#[test]
fn one_partition_that_can_not_be_made_keeps_no_other_back() {
    let here = Installation::new(Engine::Postgres);
    let store = block_on(PostgresStore::open(&postgres_config(here.place.url()))).unwrap();
    here.place.say("CREATE TABLE payment_p207 (its_name_is_taken integer)");
    assert!(block_on(store.make_room(NOW_US + SPAN_US)).is_err(), "it is told");
    let later: Vec<i64> = TABLES[1..5].iter().map(|table| partitions(&here.place, table)).collect();
    assert_eq!(later, [4; 4], "attempt, capture, refund, delivery_attempt");
    here.place.say("DROP TABLE payment_p207");
    assert_eq!(block_on(store.make_room(NOW_US + SPAN_US)).unwrap(), 1);
}
