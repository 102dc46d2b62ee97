//! Work that came due: jobs by real time, expiry and maturity by each merchant's own clock.

use crate::fixtures::*;
use domain::id::Id;
use domain::payment::{Status, StatusReason};
use domain::rows::Balance;
use domain::{attempt, refund};
use store::WriteSet;
use store::reads::{Waiting, WaitingRows};

on_both_engines! {
    jobs_are_due_by_real_time_soonest_first, payments_expire_by_status_and_only_once,
    a_sandbox_clock_moves_its_own_merchant_only, money_matures_once,
    emptied_before_it_matures_it_stays_with_its_merchant,
    what_waits_for_a_person_or_a_channel_is_counted_with_its_oldest,
}

fn jobs_are_due_by_real_time_soonest_first(engine: Engine) {
    let here = Installation::new(engine);
    let mut ids = maker(LIVE, 60);
    let owner = payment(&mut ids, here.live, "one");
    let mut set = writes(1);
    for due in [30, 10, 20, 40] {
        let due_at_us = Some(NOW_US + due);
        let mut attempt = attempt(&mut ids, &owner);
        attempt.job.due_at_us = due_at_us;
        let mut capture = full_capture(&mut ids, &owner);
        capture.job.due_at_us = due_at_us;
        let mut refund = full_refund(&mut ids, &owner, None);
        refund.job.due_at_us = due_at_us;
        set.new_attempts.push(attempt);
        set.new_captures.push(capture);
        set.new_refunds.push(refund);
    }
    let mut done = attempt(&mut ids, &owner);
    done.job = done.job.done();
    set.new_attempts.push(done);
    here.commit(LIVE, &set).unwrap();

    let store = &here.store;
    for (now, limit, expected) in
        [(9, 9, &[][..]), (30, 9, &[10, 20, 30]), (99, 9, &[10, 20, 30, 40]), (99, 2, &[10, 20])]
    {
        let expected: Vec<Option<i64>> = expected.iter().map(|due| Some(NOW_US + due)).collect();
        let now_us = NOW_US + now;
        let attempts = block_on(store.attempts_due(LIVE, now_us, limit)).unwrap();
        assert_eq!(attempts.iter().map(|row| row.job.due_at_us).collect::<Vec<_>>(), expected);
        let captures = block_on(store.captures_due(LIVE, now_us, limit)).unwrap();
        assert_eq!(captures.iter().map(|row| row.job.due_at_us).collect::<Vec<_>>(), expected);
        let refunds = block_on(store.refunds_due(LIVE, now_us, limit)).unwrap();
        assert_eq!(refunds.iter().map(|row| row.job.due_at_us).collect::<Vec<_>>(), expected);
    }
    assert!(block_on(store.attempts_due(SANDBOX, NOW_US + 99, 9)).unwrap().is_empty());
}

fn payments_expire_by_status_and_only_once(engine: Engine) {
    let here = Installation::new(engine);
    let mut ids = maker(LIVE, 61);
    let mut set = writes(1);
    for status in Status::ALL {
        let mut row = payment(&mut ids, here.live, status.as_str());
        row.status = *status;
        row.expires_at_us = NOW_US + 10;
        row.authorization_expires_at_us = Some(NOW_US + 20);
        set.new_payments.push(row);
    }
    let mut ending = payment(&mut ids, here.live, "ending");
    ending.ending = Some(StatusReason::Expired);
    let mut held = payment(&mut ids, here.live, "held");
    held.status_reason = Some(StatusReason::AmountMismatch);
    set.new_payments.extend([ending, held]);
    here.commit(LIVE, &set).unwrap();
    let expired = |now_us| -> Vec<String> {
        let mut found: Vec<String> = block_on(here.store.payments_expired(LIVE, now_us, 100))
            .unwrap()
            .into_iter()
            .map(|row| row.merchant_order_no)
            .collect();
        found.sort();
        found
    };
    assert!(expired(NOW_US + 10).is_empty());
    assert_eq!(expired(NOW_US + 11), ["created", "processing", "requires_action"]);
    assert_eq!(expired(NOW_US + 21), ["authorized", "created", "processing", "requires_action"]);

    let mut closed = set.new_payments[0].clone();
    (closed.status, closed.sequence) = (Status::Closed, 2);
    let mut again = writes(2);
    again.payments = vec![(1, closed)];
    here.commit(LIVE, &again).unwrap();
    assert_eq!(expired(NOW_US + 11), ["processing", "requires_action"]);
}

fn a_sandbox_clock_moves_its_own_merchant_only(engine: Engine) {
    let here = Installation::new(engine);
    let ahead = merchant(SANDBOX, 3);
    block_on(here.store.create_merchant(&ahead, &head(ahead.id), b"s")).unwrap();
    let mut ids = maker(SANDBOX, 62);
    let mut set = writes(1);
    for merchant in [here.sandbox, ahead.id] {
        set.new_payments.push(payment(&mut ids, merchant, "one"));
        let (transaction, balance) = movement(pending_key(merchant), merchant, None, 100);
        set.transactions.push(transaction);
        set.balances.push(balance);
    }
    here.commit(SANDBOX, &set).unwrap();
    let found = || {
        let expired = block_on(here.store.payments_expired(SANDBOX, NOW_US, 9)).unwrap();
        let mature = block_on(here.store.maturities_due(SANDBOX, NOW_US, 9)).unwrap();
        (
            expired.into_iter().map(|row| row.merchant).collect::<Vec<_>>(),
            mature.into_iter().map(|due| (due.merchant, due.available_on)).collect::<Vec<_>>(),
        )
    };
    assert_eq!(found(), (vec![], vec![]));
    let mut moved = head(ahead.id);
    (moved.clock_offset_us, moved.sequence) = (8_000_000_000, 2);
    here.commit(SANDBOX, &WriteSet { heads: vec![(1, moved)], ..writes(2) }).unwrap();
    assert_eq!(found(), (vec![ahead.id], vec![(ahead.id, TODAY.plus(1))]));
}

fn money_matures_once(engine: Engine) {
    let here = Installation::new(engine);
    let key = pending_key(here.live);
    let step = |batch, before: Option<Balance>, change: i64| {
        let (transaction, balance) = movement(key, here.live, before, change);
        let after = balance.after;
        let set = WriteSet {
            at_us: NOW_US + 2_000,
            transactions: vec![transaction],
            balances: vec![balance],
            ..writes(batch)
        };
        here.commit(LIVE, &set).unwrap();
        Some(after)
    };
    let due = |now_us| block_on(here.store.maturities_due(LIVE, now_us, 9)).unwrap().len();
    let one = step(1, None, 100);
    assert_eq!((due(NOW_US + 999), due(NOW_US + 1_000)), (0, 1));
    let two = step(2, one, 50);
    assert_eq!(due(NOW_US + 1_000), 1);
    step(3, two, -150);
    assert_eq!(due(NOW_US + 1_000), 0);
    let reads = domain::rows::ReadSet { balances_of: vec![here.live], ..Default::default() };
    assert!(here.load(LIVE, &reads).balances.is_empty());
    assert_eq!(here.live.uid(), here.live.0);
}

fn emptied_before_it_matures_it_stays_with_its_merchant(engine: Engine) {
    let here = Installation::new(engine);
    let mut before = None;
    for (batch, change) in [(1, 100), (2, -100)] {
        let (transaction, balance) = movement(pending_key(here.live), here.live, before, change);
        before = Some(balance.after);
        here.commit(
            LIVE,
            &WriteSet { transactions: vec![transaction], balances: vec![balance], ..writes(batch) },
        )
        .unwrap();
    }
    let reads = domain::rows::ReadSet { balances_of: vec![here.live], ..Default::default() };
    let rows = here.load(LIVE, &reads);
    assert_eq!(
        rows.balances.get(&pending_key(here.live)),
        Some(&Balance { amount_minor: 0, account_seq: 2 })
    );
}

fn what_waits_for_a_person_or_a_channel_is_counted_with_its_oldest(engine: Engine) {
    let here = Installation::new(engine);
    assert_eq!(block_on(here.store.waiting(LIVE)).unwrap(), Waiting::default());
    let mut ids = maker(LIVE, 62);
    let owner = payment(&mut ids, here.live, "one");
    let mut set = writes(1);
    for (at, status) in
        [(30, attempt::Status::Unknown), (10, attempt::Status::Unknown), (5, attempt::Status::Succeeded)]
    {
        let mut row = attempt(&mut ids, &owner);
        (row.status, row.created_at_us) = (status, NOW_US + at);
        set.new_attempts.push(row);
    }
    for (at, reason) in [(40, Some(StatusReason::AmountMismatch)), (7, None)] {
        let mut row = payment(&mut ids, here.live, &format!("held {at}"));
        (row.status, row.status_reason, row.updated_at_us) = (Status::Processing, reason, NOW_US + at);
        set.new_payments.push(row);
    }
    for (at, status) in [(50, refund::Status::RequiresAttention), (8, refund::Status::Pending)] {
        let mut row = full_refund(&mut ids, &owner, None);
        (row.status, row.updated_at_us) = (status, NOW_US + at);
        set.new_refunds.push(row);
    }
    here.commit(LIVE, &set).unwrap();
    let rows = |count, at: i64| WaitingRows { count, oldest_at_us: Some(NOW_US + at) };
    let waiting = block_on(here.store.waiting(LIVE)).unwrap();
    assert_eq!(waiting.attempts_unknown, rows(2, 10));
    assert_eq!(waiting.payments_held, rows(1, 40));
    assert_eq!(waiting.refunds_attention, rows(1, 50));
    assert_eq!(block_on(here.store.waiting(SANDBOX)).unwrap(), Waiting::default());
    let list = block_on(here.store.waiting_list(LIVE, 1)).unwrap();
    assert_eq!(list.attempts_unknown, [(set.new_attempts[1].id, NOW_US + 10)]);
    assert_eq!(list.payments_held, [(set.new_payments[0].id, NOW_US + 40)]);
    assert_eq!(list.refunds_attention, [(set.new_refunds[0].id, NOW_US + 50)]);
}
