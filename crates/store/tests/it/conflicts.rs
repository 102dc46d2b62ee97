//! Every guard refuses the whole batch: nothing of it stays.

use crate::fixtures::*;
use domain::rows::{Balance, ReadSet};
use ledger::Account;
use money::Currency;
use store::{BalanceWrite, StoreError, WriteSet};

on_both_engines! {
    guards_of_sequence, natural_keys, refunds_without_a_number_do_not_collide, balances_and_floors,
    a_floor_below_zero_lets_a_balance_fall_to_it, the_business_day, what_is_no_conflict_but_a_defect,
    an_aborted_or_forgotten_batch_lets_the_next_one_in, load_more_adds_to_the_same_batch,
    a_balance_that_was_closed_is_found_after_the_conflict,
}

/// An installation with one payment, its balance and its idempotency row, and what stands in it.
struct Start {
    here: Installation,
    ids: domain::id::IdMaker,
    sale: Sale,
    balance: Balance,
}

fn start(engine: Engine) -> Start {
    let here = Installation::new(engine);
    let mut ids = maker(LIVE, 30);
    let endpoint = ids.next();
    let sale = Sale::new(&mut ids, here.live, "taken", endpoint);
    let mut first = writes(1);
    sale.begin(&mut first);
    first.new_refunds = vec![full_refund(&mut ids, &sale.payment, Some("taken"))];
    let (transaction, balance) = movement(available_key(here.live), here.live, None, 500);
    let after = balance.after;
    first.transactions = vec![transaction];
    first.balances = vec![balance];
    here.commit(LIVE, &first).unwrap();
    Start { here, ids, sale, balance: after }
}

/// Adds a row of every kind to the batch, then expects it to be refused and to have left nothing.
fn refused(start: &mut Start, name: &str, spoil: impl FnOnce(&mut Start, &mut WriteSet)) -> StoreError {
    let endpoint = start.ids.next();
    let innocent = Sale::new(&mut start.ids, start.here.live, "innocent", endpoint);
    let mut batch = writes(2);
    innocent.begin(&mut batch);
    batch.events = vec![event(&mut start.ids, start.here.live, start.here.live.0, &[None, None])];
    let (transaction, balance) = movement(pending_key(start.here.live), start.here.live, None, 70);
    batch.deltas = vec![(Account::OwnCapital.key(Currency::CNY), 70)];
    batch.transactions = vec![transaction];
    batch.balances = vec![balance];
    spoil(start, &mut batch);

    let counted = start.here.store.rows_written();
    let error = start.here.commit(LIVE, &batch).unwrap_err();
    let store = &start.here.store;
    assert_eq!(block_on(store.payment(innocent.payment.id)).unwrap(), None, "{name}");
    assert_eq!(block_on(store.attempt(innocent.attempt.id)).unwrap(), None, "{name}");
    assert_eq!(block_on(store.last_journal_seq(LIVE)).unwrap(), 1, "{name}");
    assert_eq!(block_on(store.last_event_seq(LIVE)).unwrap(), 0, "{name}");
    assert_eq!(block_on(store.balances(start.here.live)).unwrap().len(), 1, "{name}");
    assert_eq!(block_on(store.platform_balances(LIVE)).unwrap(), [], "{name}");
    assert_eq!(block_on(store.open_day(LIVE)).unwrap(), TODAY, "{name}");
    assert_eq!(store.rows_written(), counted, "{name}");
    let mut session = start.here.session(LIVE);
    assert_eq!(block_on(session.was_committed(2)).unwrap(), None, "{name}");
    error
}

fn conflict(engine: Engine, name: &str, spoil: impl FnOnce(&mut Start, &mut WriteSet)) {
    let error = refused(&mut start(engine), name, spoil);
    assert!(matches!(error, StoreError::Conflict(_)), "{name}: {error:?}");
}

fn guards_of_sequence(engine: Engine) {
    conflict(engine, "payment", |start, batch| batch.payments.push((7, start.sale.payment.clone())));
    conflict(engine, "attempt", |start, batch| batch.attempts.push((0, start.sale.attempt.clone())));
    conflict(engine, "refund", |start, batch| {
        let unknown = full_refund(&mut start.ids, &start.sale.payment, None);
        batch.refunds.push((4, unknown));
    });
    conflict(engine, "capture", |start, batch| {
        let unknown = full_capture(&mut start.ids, &start.sale.payment);
        batch.captures.push((2, unknown));
    });
    conflict(engine, "head", |start, batch| batch.heads.push((2, head(start.here.live))));
}

fn natural_keys(engine: Engine) {
    conflict(engine, "order no", |start, batch| {
        batch.new_payments.push(payment(&mut start.ids, start.here.live, "taken"))
    });
    conflict(engine, "payment id", |start, batch| {
        let mut other = payment(&mut start.ids, start.here.live, "other");
        other.id = start.sale.payment.id;
        batch.new_payments.push(other);
    });
    conflict(engine, "refund no", |start, batch| {
        batch.new_refunds.push(full_refund(&mut start.ids, &start.sale.payment, Some("taken")));
    });
    conflict(engine, "idempotency key", |start, batch| {
        let mut row = idempotency(&mut start.ids, start.here.live, None);
        row.key_hash = start.sale.idempotency.key_hash;
        batch.idempotency.push(row);
    });
    conflict(engine, "nonce", |start, batch| {
        let mut row = idempotency(&mut start.ids, start.here.live, None);
        row.nonce = start.sale.idempotency.nonce;
        batch.idempotency.push(row);
    });
    conflict(engine, "event id", |_, batch| {
        let again = batch.events[0].clone();
        batch.events.push(again);
    });
}

fn refunds_without_a_number_do_not_collide(engine: Engine) {
    let mut start = start(engine);
    let mut batch = writes(2);
    batch.new_refunds = (0..3).map(|_| full_refund(&mut start.ids, &start.sale.payment, None)).collect();
    start.here.commit(LIVE, &batch).unwrap();
}

fn available(start: &Start, before: Option<Balance>, change: i64, batch: &mut WriteSet) {
    let (transaction, balance) = movement(available_key(start.here.live), start.here.live, before, change);
    batch.transactions.push(transaction);
    batch.balances.push(balance);
}

fn balances_and_floors(engine: Engine) {
    conflict(engine, "floor", |start, batch| available(start, Some(start.balance), -501, batch));
    conflict(engine, "amount seen", |start, batch| {
        let before = Balance { amount_minor: start.balance.amount_minor + 1, ..start.balance };
        available(start, Some(before), 5, batch);
    });
    conflict(engine, "number seen", |start, batch| {
        let before = Balance { account_seq: start.balance.account_seq + 1, ..start.balance };
        available(start, Some(before), 5, batch);
    });
    conflict(engine, "row not seen", |start, batch| available(start, None, 5, batch));
    conflict(engine, "row that is not there", |start, batch| {
        let key = Account::MerchantReceivable { merchant: start.here.live.0.0 }.key(Currency::CNY);
        let before = Balance { amount_minor: 5, account_seq: 1 };
        let (transaction, balance) = movement(key, start.here.live, Some(before), 5);
        batch.transactions.push(transaction);
        batch.balances.push(balance);
    });
    conflict(engine, "more refunded than captured", |start, batch| {
        let mut payment = start.sale.payment.clone();
        (payment.captured_minor, payment.refunded_minor, payment.refunding_minor) = (100, 60, 41);
        batch.payments.push((1, payment));
    });
}

fn a_floor_below_zero_lets_a_balance_fall_to_it(engine: Engine) {
    let start = start(engine);
    let mut batch = writes(2);
    let (transaction, mut balance) =
        movement(available_key(start.here.live), start.here.live, Some(start.balance), -700);
    balance.floor_minor = -200;
    batch.transactions = vec![transaction];
    batch.balances = vec![balance];
    start.here.commit(LIVE, &batch).unwrap();
    let left = block_on(start.here.store.balances(start.here.live)).unwrap();
    assert_eq!(left[0].balance, Balance { amount_minor: -200, account_seq: 2 });
}

fn the_business_day(engine: Engine) {
    conflict(engine, "closed day", |_, batch| batch.open_day = TODAY.plus(-1));
    conflict(engine, "day that is not open yet", |_, batch| batch.open_day = TODAY.plus(1));
    conflict(engine, "backwards", |_, batch| batch.new_open_day = Some(TODAY.plus(-1)));
    let start = start(engine);
    let close = WriteSet { new_open_day: Some(TODAY.plus(1)), ..writes(2) };
    start.here.commit(LIVE, &close).unwrap();
    assert_eq!(block_on(start.here.store.open_day(LIVE)).unwrap(), TODAY.plus(1));
    assert_eq!(block_on(start.here.store.open_day(SANDBOX)).unwrap(), TODAY);
    let late = start.here.commit(LIVE, &writes(3)).unwrap_err();
    assert!(matches!(late, StoreError::Conflict(_)), "{late:?}");
}

fn what_is_no_conflict_but_a_defect(engine: Engine) {
    let defect = |name: &str, spoil: fn(&mut Start, &mut WriteSet)| {
        let error = refused(&mut start(engine), name, spoil);
        assert!(matches!(error, StoreError::Corrupt(_)), "{name}: {error:?}");
    };
    defect("lines that do not balance", |_, batch| batch.transactions[0].entries[0].amount_minor += 1);
    defect("balance without a line", |start, batch| {
        let (_, balance) = movement(available_key(start.here.live), start.here.live, Some(start.balance), 5);
        batch.balances.push(balance);
    });
    defect("another world", |start, batch| {
        let foreign = payment(&mut maker(SANDBOX, 9), start.here.sandbox, "foreign");
        batch.new_payments.push(foreign);
    });
    defect("too many destinations", |start, batch| {
        batch.events.push(event(&mut start.ids, start.here.live, start.here.live.0, &[None; 16]));
    });
}

fn an_aborted_or_forgotten_batch_lets_the_next_one_in(engine: Engine) {
    let start = start(engine);
    let mut one = start.here.session(LIVE);
    let mut other = start.here.session(SANDBOX);
    block_on(one.load(&ReadSet::default())).unwrap();
    block_on(one.abort());
    block_on(other.load(&ReadSet::default())).unwrap();
    drop(other);
    block_on(one.load(&ReadSet::default())).unwrap();
    // A second load gives the first batch up.
    block_on(one.load(&ReadSet::default())).unwrap();
    block_on(one.commit(&writes(2))).unwrap();
    let nothing_open = block_on(one.commit(&writes(3))).unwrap_err();
    assert!(matches!(nothing_open, StoreError::Corrupt(_)));
    assert!(block_on(one.was_committed(2)).unwrap().is_some());
    assert_eq!(block_on(one.was_committed(3)).unwrap(), None);
}

fn load_more_adds_to_the_same_batch(engine: Engine) {
    let start = start(engine);
    let mut session = start.here.session(LIVE);
    let mut rows = block_on(session.load(&ReadSet::default())).unwrap();
    assert!(rows.payments.is_empty());
    let more = ReadSet {
        payments: vec![start.sale.payment.id; 2],
        merchants: vec![start.here.live],
        ..ReadSet::default()
    };
    block_on(session.load_more(&more, &mut rows)).unwrap();
    assert_eq!(rows.payments.len(), 1);
    assert_eq!(rows.heads.len(), 1);
    block_on(session.commit(&writes(2))).unwrap();
}

fn a_balance_that_was_closed_is_found_after_the_conflict(engine: Engine) {
    let here = Installation::new(engine);
    let key = pending_key(here.live);
    let mut before = None;
    for (batch, change) in [(1, 100), (2, -100)] {
        let (transaction, mut balance) = movement(key, here.live, before, change);
        // Matured: emptying it closes the row.
        balance.matures_at_us = Some(NOW_US - 1);
        before = Some(balance.after);
        let mut set = writes(batch);
        set.transactions = vec![transaction];
        set.balances = vec![balance];
        here.commit(LIVE, &set).unwrap();
    }
    let reads = ReadSet { balances_of: vec![here.live, here.live], ..ReadSet::default() };
    assert!(here.load(LIVE, &reads).balances.is_empty(), "closed rows are not read");

    let write = |before: Option<Balance>, batch| -> (Result<_, StoreError>, BalanceWrite) {
        let (transaction, balance) = movement(key, here.live, before, 5);
        let mut set = writes(batch);
        set.transactions = vec![transaction];
        set.balances = vec![balance.clone()];
        (here.commit(LIVE, &set), balance)
    };
    let (result, _) = write(None, 3);
    assert!(matches!(result, Err(StoreError::Conflict(_))));
    let found = here.load(LIVE, &reads).balances.get(&key).copied();
    assert_eq!(found, before, "the conflict opened it again");
    let (result, last) = write(found, 4);
    result.unwrap();
    assert_eq!(here.load(LIVE, &reads).balances.get(&key), Some(&last.after));
}
