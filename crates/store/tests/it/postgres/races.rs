//! Several writers of one shard, as on several nodes: roots, numbers and guards hold whoever comes first.

use crate::fixtures::*;
use domain::id::{MerchantId, PaymentId};
use domain::rows::ReadSet;
use store::{Store, StoreError};

/// Adds 60 to what is refunded of a payment of 100, if that much is left; what the lane of a node would do.
fn refund_60(
    store: &dyn Store,
    merchant: MerchantId,
    id: PaymentId,
    batch: u128,
) -> Result<bool, StoreError> {
    let mut session = store.lane_session(LIVE)?;
    let reads = ReadSet { merchants: vec![merchant], payments: vec![id], ..ReadSet::default() };
    let rows = block_on(session.load(&reads))?;
    let mut row = rows.payments[&id].clone();
    if row.refunded_minor + 60 > row.captured_minor {
        block_on(session.abort());
        return Ok(false);
    }
    let expected = row.sequence;
    (row.refunded_minor, row.sequence) = (row.refunded_minor + 60, expected + 1);
    let set = store::WriteSet { payments: vec![(expected, row)], ..writes(batch) };
    block_on(session.commit(&set))?;
    Ok(true)
}

#[test]
fn of_two_refunds_of_60_on_100_one_wins() {
    let here = Installation::new(Engine::Postgres);
    let mut ids = maker(LIVE, 800);
    let rows: Vec<_> = (0..25)
        .map(|number| {
            let mut row = payment(&mut ids, here.live, &format!("order {number}"));
            row.captured_minor = 100;
            row
        })
        .collect();
    here.commit(LIVE, &store::WriteSet { new_payments: rows.clone(), ..writes(1) }).unwrap();
    for (number, row) in (100u128..).zip(&rows) {
        let won: Vec<bool> = std::thread::scope(|scope| {
            let runs = (0..2u128).map(|side| {
                let (store, merchant, id) = (here.store.as_ref(), here.live, row.id);
                scope.spawn(move || refund_60(store, merchant, id, number * 2 + side).unwrap())
            });
            runs.collect::<Vec<_>>().into_iter().map(|run| run.join().unwrap()).collect()
        });
        assert_eq!(won.iter().filter(|won| **won).count(), 1);
        let stands = block_on(here.store.payment(row.id)).unwrap().unwrap();
        assert_eq!(stands.refunded_minor, 60);
    }
}

/// One names A then B, the other B then A: locks are taken in one order whatever order they are named in.
#[test]
fn roots_named_in_opposite_orders_do_not_deadlock() {
    let here = Installation::new(Engine::Postgres);
    let other = merchant(LIVE, 801);
    block_on(here.store.create_merchant(&other, &head(other.id), b"s")).unwrap();
    let pairs = [vec![here.live, other.id], vec![other.id, here.live]];
    std::thread::scope(|scope| {
        for (side, merchants) in (0u128..).zip(pairs) {
            let store = here.store.as_ref();
            scope.spawn(move || {
                let mut session = store.lane_session(LIVE).unwrap();
                for number in 0..150 {
                    let reads = ReadSet { merchants: merchants.clone(), ..ReadSet::default() };
                    assert_eq!(block_on(session.load(&reads)).unwrap().heads.len(), 2);
                    block_on(session.commit(&writes(1_000 + number * 2 + side))).unwrap();
                }
            });
        }
    });
}

/// Lanes of one shard with merchants of their own: every number is handed out once and none is left out.
#[test]
fn numbers_are_gapless_whoever_commits() {
    let here = Installation::new(Engine::Postgres);
    let merchants: Vec<_> = (0..4).map(|seed| merchant(LIVE, 810 + seed)).collect();
    for merchant in &merchants {
        block_on(here.store.create_merchant(merchant, &head(merchant.id), b"s")).unwrap();
    }
    std::thread::scope(|scope| {
        for (side, owner) in (0u128..).zip(&merchants) {
            let store = here.store.as_ref();
            scope.spawn(move || {
                let (mut session, mut before) = (store.lane_session(LIVE).unwrap(), None);
                let mut ids = maker(LIVE, 820 + side);
                for number in 0..40u128 {
                    let reads = ReadSet { merchants: vec![owner.id], ..ReadSet::default() };
                    block_on(session.load(&reads)).unwrap();
                    let mut set = writes(10_000 + number * 4 + side);
                    let (transaction, balance) = movement(available_key(owner.id), owner.id, before, 5);
                    before = Some(balance.after);
                    set.events = vec![event(&mut ids, owner.id, owner.id.0, &[None])];
                    set.deltas = vec![(ledger::Account::OwnCapital.key(money::Currency::CNY), 5)];
                    (set.transactions, set.balances) = (vec![transaction], vec![balance]);
                    if number % 8 == 7 {
                        // A batch that is given up leaves no gap.
                        block_on(session.abort());
                        block_on(session.load(&reads)).unwrap();
                    }
                    block_on(session.commit(&set)).unwrap();
                }
            });
        }
    });
    let journal = block_on(here.store.journal(LIVE, 1, 1_000)).unwrap();
    let numbers: Vec<i64> = journal.iter().map(|stored| stored.seq).collect();
    assert_eq!(numbers, (1..=160).collect::<Vec<i64>>());
    assert!(journal.iter().all(|stored| stored.transaction.entries.len() == 2));
    assert_eq!(block_on(here.store.last_event_seq(LIVE)).unwrap(), 160);
    let platform = block_on(here.store.platform_balances(LIVE)).unwrap();
    assert_eq!(platform.iter().map(|(_, amount)| amount).sum::<i64>(), 160 * 5);
}
