//! The row budget of DESIGN section 4, counted by the store.

use crate::world::World;
use domain::payment::Scene;
use store::{RowCounts, Store};

/// A synchronous bar-code payment writes 3 + 11 rows, and six more per batch.
#[tokio::test(flavor = "multi_thread")]
async fn a_bar_code_payment_writes_fourteen_rows() {
    let world = World::new().await;
    // The first payment of a day also rolls the merchant's day and makes the day's accounts.
    world.paid(10_000).await;
    let before = world.store.rows_written();
    let mut order = world.order(Scene::BarCode, 10_000, None);
    order.merchant_order_no = "BUDGET-1".into();
    let re =
        app::ReEntry { key: Some(app::IdempotencyKey { hash: [1; 16], fingerprint: [2; 16] }), nonce: None };
    world.app.create_payment(&world.caller, order, re).await.unwrap();
    let written = world.store.rows_written().since(&before);
    let expected = RowCounts {
        idempotency: 1,
        payment: 2,
        attempt: 2,
        journal_tx: 1,
        journal_entry: 6,
        balance: 1,
        event: 1,
        shard_head: 2,
        journal_batch: 2,
        platform_balance: 4,
        ..RowCounts::default()
    };
    assert_eq!(
        written, expected,
        "14 rows of the payment; shard head and journal batch for each of two batches; four platform balances"
    );
}
