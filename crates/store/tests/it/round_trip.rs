//! What is written comes back equal, with every optional member and with none.

use crate::fixtures::*;
use domain::channel::Action;
use domain::id::{Id, KeyId};
use domain::payment::{CaptureMode, Scene, Status, StatusReason};
use domain::rows::{IdempotencyRow, ReadSet};
use domain::{attempt, capture, refund};
use std::sync::Arc;

on_both_engines! {
    objects_come_back_as_they_were_inserted, updates_write_everything_that_may_change,
    every_word_and_action_comes_back, idempotency_rows_nonces_and_heads_come_back,
    events_come_back_in_order_and_numbered,
}

fn objects_come_back_as_they_were_inserted(engine: Engine) {
    let here = Installation::new(engine);
    let mut ids = maker(LIVE, 20);
    let payments = vec![full_payment(&mut ids, here.live, "full"), payment(&mut ids, here.live, "bare")];
    let [full, _] = &payments[..] else { unreachable!() };
    let mut writes = writes(1);
    writes.new_attempts = vec![full_attempt(&mut ids, full), attempt(&mut ids, full)];
    let mut bare_capture = full_capture(&mut ids, full);
    (bare_capture.available_on, bare_capture.bill_date, bare_capture.failure) = (None, None, None);
    bare_capture.job = bare_capture.job.done();
    bare_capture.is_final = false;
    writes.new_captures = vec![full_capture(&mut ids, full), bare_capture];
    let mut bare_refund = full_refund(&mut ids, full, None);
    bare_refund.kind = refund::Kind::Automatic;
    (bare_refund.reason, bare_refund.channel_refund_no, bare_refund.bill_date) = (None, None, None);
    (bare_refund.failure, bare_refund.sandbox_outcome, bare_refund.contradiction) = (None, None, None);
    bare_refund.accepted_lines = Vec::new();
    bare_refund.succeeded_at_us = None;
    writes.new_refunds = vec![full_refund(&mut ids, full, Some("R1")), bare_refund];
    writes.new_payments = payments.clone();
    here.commit(LIVE, &writes).unwrap();

    let reads = ReadSet {
        payments: payments.iter().map(|row| row.id).collect(),
        attempts: writes.new_attempts.iter().map(|row| row.id).collect(),
        captures: vec![writes.new_captures[0].id],
        captures_of: vec![full.id],
        refunds: vec![writes.new_refunds[1].id],
        order_nos: vec![(here.live, "bare".to_owned()), (here.live, "none".to_owned())],
        refund_nos: vec![(here.live, "R1".to_owned()), (here.sandbox, "R1".to_owned())],
        ..ReadSet::default()
    };
    let rows = here.load(LIVE, &reads);
    for payment in &payments {
        assert_eq!(rows.payments.get(&payment.id), Some(payment));
        assert_eq!(block_on(here.store.payment(payment.id)).unwrap().as_ref(), Some(payment));
    }
    for attempt in &writes.new_attempts {
        assert_eq!(rows.attempts.get(&attempt.id), Some(attempt));
        assert_eq!(block_on(here.store.attempt(attempt.id)).unwrap().as_ref(), Some(attempt));
    }
    assert_eq!(rows.captures.len(), 2);
    for capture in &writes.new_captures {
        assert_eq!(rows.captures.get(&capture.id), Some(capture));
        assert_eq!(block_on(here.store.capture(capture.id)).unwrap().as_ref(), Some(capture));
    }
    assert_eq!(rows.refunds.len(), 2);
    for refund in &writes.new_refunds {
        assert_eq!(rows.refunds.get(&refund.id), Some(refund));
        assert_eq!(block_on(here.store.refund(refund.id)).unwrap().as_ref(), Some(refund));
    }
    assert_eq!(rows.order_nos.len(), 1);
    assert_eq!(rows.order_nos.get(&(here.live, "bare".to_owned())), Some(&payments[1].id));
    assert_eq!(rows.refund_nos.len(), 1);
    assert_eq!(rows.refund_nos.get(&(here.live, "R1".to_owned())), Some(&writes.new_refunds[0].id));
    assert_eq!(block_on(here.store.attempts_of(full.id)).unwrap().len(), 2);
    assert_eq!(block_on(here.store.captures_of(full.id)).unwrap().len(), 2);
}

fn updates_write_everything_that_may_change(engine: Engine) {
    let here = Installation::new(engine);
    let mut ids = maker(LIVE, 21);
    let bare = payment(&mut ids, here.live, "one");
    let bare_attempt = attempt(&mut ids, &bare);
    let old_capture = full_capture(&mut ids, &bare);
    let old_refund = full_refund(&mut ids, &bare, Some("R"));
    let mut first = writes(1);
    first.new_payments = vec![bare.clone()];
    first.new_attempts = vec![bare_attempt.clone()];
    first.new_captures = vec![old_capture.clone()];
    first.new_refunds = vec![old_refund.clone()];
    here.commit(LIVE, &first).unwrap();

    let mut payment = full_payment(&mut ids, here.live, "one");
    // The fixed part of the row stays what it was.
    payment.id = bare.id;
    payment.details = Arc::clone(&bare.details);
    (payment.scene, payment.capture_mode) = (Scene::BarCode, CaptureMode::Automatic);
    payment.price = bare.price;
    let mut attempt = full_attempt(&mut ids, &bare);
    attempt.id = bare_attempt.id;
    attempt.channel_account = bare_attempt.channel_account;
    (attempt.sandbox_outcome, attempt.acting_key) = (None, None);
    let mut capture = old_capture;
    (capture.status, capture.failure, capture.available_on) = (capture::Status::Succeeded, None, None);
    (capture.fee_minor, capture.cost_minor, capture.bill_date, capture.sequence) = (5, 6, None, 3);
    capture.job = capture.job.done();
    let mut refund = old_refund;
    (refund.status, refund.in_transit_minor, refund.sequence) = (refund::Status::Succeeded, 0, 5);
    (refund.failure, refund.contradiction, refund.channel_refund_no) = (None, None, None);
    (refund.fee_returned_minor, refund.cost_returned_minor, refund.succeeded_at_us) =
        (0, 0, Some(NOW_US + 8));
    let mut head = head(here.live);
    (head.business_day, head.credit_line_minor, head.key_epoch, head.sequence) = (TODAY.plus(1), 9, 4, 2);
    let mut second = writes(2);
    second.payments = vec![(1, payment.clone())];
    second.attempts = vec![(1, attempt.clone())];
    second.captures = vec![(2, capture.clone())];
    second.refunds = vec![(4, refund.clone())];
    second.heads = vec![(1, head.clone())];
    here.commit(LIVE, &second).unwrap();

    assert_eq!(block_on(here.store.payment(payment.id)).unwrap(), Some(payment));
    assert_eq!(block_on(here.store.attempt(attempt.id)).unwrap(), Some(attempt));
    assert_eq!(block_on(here.store.capture(capture.id)).unwrap(), Some(capture));
    assert_eq!(block_on(here.store.refund(refund.id)).unwrap(), Some(refund));
    assert_eq!(block_on(here.store.head(here.live)).unwrap(), Some(head));
}

fn every_word_and_action_comes_back(engine: Engine) {
    let here = Installation::new(engine);
    let mut ids = maker(LIVE, 22);
    let actions = [
        None,
        Some(Action::QrCode { text: "weixin://wxpay/1".to_owned() }),
        Some(Action::Redirect { url: "https://pay.example/1".to_owned() }),
        Some(Action::Invoke { target: "app".to_owned(), parameters: "{}".to_owned() }),
        Some(Action::PayerConfirm { poll_after_ms: 5_000 }),
    ];
    let mut writes = writes(1);
    for number in 0..40 {
        let pick = |count: usize| number % count;
        let mut row = payment(&mut ids, here.live, &format!("{number}"));
        row.status = Status::ALL[pick(Status::ALL.len())];
        row.status_reason = Some(StatusReason::ALL[pick(StatusReason::ALL.len())]);
        row.scene = Scene::ALL[pick(Scene::ALL.len())];
        row.next_action = actions[pick(actions.len())].clone();
        let mut one = attempt(&mut ids, &row);
        one.status = attempt::Status::ALL[pick(attempt::Status::ALL.len())];
        writes.new_payments.push(row);
        writes.new_attempts.push(one);
    }
    here.commit(LIVE, &writes).unwrap();
    let found = block_on(here.store.payments_after(LIVE, None, 100)).unwrap();
    assert_eq!(found.len(), 40);
    for row in &writes.new_payments {
        assert!(found.contains(row));
    }
    for row in &writes.new_attempts {
        assert_eq!(block_on(here.store.attempt(row.id)).unwrap().as_ref(), Some(row));
    }
}

fn idempotency_rows_nonces_and_heads_come_back(engine: Engine) {
    let here = Installation::new(engine);
    let mut ids = maker(LIVE, 23);
    let accepted = idempotency(&mut ids, here.live, Some(here.live.0));
    let refused = IdempotencyRow {
        nonce: None,
        object: None,
        refusal: Some("{\"code\":\"payment_not_found\"}".to_owned()),
        ..idempotency(&mut ids, here.live, None)
    };
    let mut writes = writes(1);
    writes.idempotency = vec![accepted.clone(), refused.clone()];
    here.commit(LIVE, &writes).unwrap();
    let (key, nonce) = accepted.nonce.unwrap();
    let other_key: KeyId = ids.next();
    let reads = ReadSet {
        merchants: vec![here.live, here.sandbox],
        idempotency: vec![
            (here.live, accepted.key_hash),
            (here.live, refused.key_hash),
            (here.live, [0; 16]),
        ],
        nonces: vec![(key, nonce), (other_key, nonce), (key, [1; 16])],
        ..ReadSet::default()
    };
    let rows = here.load(LIVE, &reads);
    assert_eq!(rows.open_day, TODAY);
    assert_eq!(rows.heads.len(), 1, "the other merchant belongs to another shard");
    assert_eq!(rows.heads.get(&here.live), Some(&head(here.live)));
    assert_eq!(rows.idempotency.len(), 2);
    assert_eq!(rows.idempotency.get(&(here.live, accepted.key_hash)), Some(&accepted));
    assert_eq!(rows.idempotency.get(&(here.live, refused.key_hash)), Some(&refused));
    assert_eq!(rows.nonces.len(), 1);
    assert!(rows.nonces.contains(&(key, nonce)));
    assert_eq!(block_on(here.store.head(here.sandbox)).unwrap(), Some(head(here.sandbox)));
    assert_eq!(key.uid(), key.0);
}

fn events_come_back_in_order_and_numbered(engine: Engine) {
    let here = Installation::new(engine);
    let mut ids = maker(LIVE, 24);
    let object = here.live.0;
    let mut first = writes(1);
    first.events = vec![event(&mut ids, here.live, object, &[]), event(&mut ids, here.live, object, &[None])];
    let committed = here.commit(LIVE, &first).unwrap();
    assert_eq!(committed.first_event_seq, 1);
    let mut second = writes(2);
    second.events = vec![event(&mut ids, here.live, object, &[None])];
    assert_eq!(here.commit(LIVE, &second).unwrap().first_event_seq, 3);

    let expected: Vec<_> = first
        .events
        .iter()
        .chain(&second.events)
        .zip(1..)
        .map(|(event, seq)| domain::event::Event { seq, deliveries: Vec::new(), ..event.clone() })
        .collect();
    assert_eq!(block_on(here.store.events_of_object(LIVE, object)).unwrap(), expected);
    assert_eq!(block_on(here.store.event(expected[1].id)).unwrap().as_ref(), Some(&expected[1]));
    assert_eq!(block_on(here.store.last_event_seq(LIVE)).unwrap(), 3);
    assert_eq!(block_on(here.store.last_event_seq(SANDBOX)).unwrap(), 0);
}
