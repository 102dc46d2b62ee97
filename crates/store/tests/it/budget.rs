//! The row budget of DESIGN section 4.

use crate::fixtures::*;
use domain::id::EndpointId;
use store::RowCounts;

on_both_engines! {
    a_synchronous_payment_writes_three_and_eleven_rows_and_six_a_batch, the_counter_agrees_with_the_tables,
}

fn a_synchronous_payment_writes_three_and_eleven_rows_and_six_a_batch(engine: Engine) {
    let here = Installation::new(engine);
    let mut ids = maker(LIVE, 10);
    let endpoint: EndpointId = ids.next();
    let sales: Vec<Sale> =
        (0..5).map(|number| Sale::new(&mut ids, here.live, &format!("no {number}"), endpoint)).collect();

    let start = here.store.rows_written();
    let mut first = writes(1);
    sales.iter().for_each(|sale| sale.begin(&mut first));
    here.commit(LIVE, &first).unwrap();
    let begun = here.store.rows_written();
    let expected = RowCounts {
        idempotency: 5,
        payment: 5,
        attempt: 5,
        // Where unique indexes can't keep order numbers for ever.
        natural_key: if engine == Engine::Postgres { 5 } else { 0 },
        journal_batch: 1,
        shard_head: 1,
        ..RowCounts::default()
    };
    assert_eq!(begun.since(&start), expected);

    let mut second = writes(2);
    let mut books = Books::new(here.live, None);
    sales.iter().for_each(|sale| sale.succeed(&mut ids, &mut books, &mut second));
    books.close(&mut second);
    here.commit(LIVE, &second).unwrap();
    let expected = RowCounts {
        payment: 5,
        attempt: 5,
        journal_tx: 5,
        journal_entry: 30,
        event: 5,
        // One merchant's balance however many payments; 11 rows each with a merchant of its own.
        balance: 1,
        platform_balance: 4,
        journal_batch: 1,
        shard_head: 1,
        ..RowCounts::default()
    };
    assert_eq!(here.store.rows_written().since(&begun), expected);
}

fn the_counter_agrees_with_the_tables(engine: Engine) {
    let here = Installation::new(engine);
    let mut ids = maker(LIVE, 11);
    let endpoint: EndpointId = ids.next();
    let sale = Sale::new(&mut ids, here.live, "one", endpoint);
    let mut first = writes(1);
    sale.begin(&mut first);
    here.commit(LIVE, &first).unwrap();
    let mut second = writes(2);
    let mut books = Books::new(here.live, None);
    sale.succeed(&mut ids, &mut books, &mut second);
    books.close(&mut second);
    here.commit(LIVE, &second).unwrap();

    let rows = |table: &str| here.place.number(&format!("SELECT COUNT(*) FROM {table}"));
    let inserted = [
        ("idempotency", 1),
        ("payment", 1),
        ("attempt", 1),
        ("journal_tx", 1),
        ("journal_entry", 6),
        ("balance", 1),
        ("event", 1),
        ("delivery", 0),
        ("platform_balance", 4),
        ("journal_batch", 2),
    ];
    for (table, count) in inserted {
        assert_eq!(rows(table), count, "{table}");
    }
}
