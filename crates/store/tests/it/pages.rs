//! Lists by keyset: nothing that stood when the first page was taken is skipped or shown twice, whatever is inserted
//! between pages.

use crate::fixtures::*;
use domain::event::Type;
use domain::id::{IdMaker, MerchantId, Uid};
use domain::payment::{Payment, Scene, Status};
use domain::refund;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use std::cell::Cell;
use std::collections::HashSet;
use store::reads::{EventFilter, Page, PaymentFilter, RefundFilter, SeqPage};

on_both_engines! {
    pages_neither_skip_nor_double, filters_of_payments, refunds_are_listed_and_filtered, events_are_listed_and_filtered,
}

fn insert(
    here: &Installation,
    owner: MerchantId,
    ids: &mut IdMaker,
    batch: u128,
    created: &[i64],
) -> Vec<Payment> {
    let mut set = writes(batch);
    for (number, offset) in created.iter().enumerate() {
        let mut row = payment(ids, owner, &format!("{batch}-{number}"));
        row.created_at_us = NOW_US + offset;
        set.new_payments.push(row);
    }
    here.commit(LIVE, &set).unwrap();
    set.new_payments
}

fn pages_neither_skip_nor_double(engine: Engine) {
    let config = ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() };
    let later = prop::collection::vec(prop::collection::vec(0i64..8, 0..4), 12);
    let cases = (prop::collection::vec(0i64..5, 1..30), later, 1u32..7);
    let (here, case) = (Installation::new(engine), Cell::new(0));
    let run = TestRunner::new(config).run(&cases, |(created, later, limit)| {
        case.set(case.get() + 1);
        page_through(&here, case.get(), &created, &later, limit)
    });
    run.unwrap();
}

/// Each case has a merchant of its own.
fn page_through(
    here: &Installation,
    case: u128,
    created: &[i64],
    later: &[Vec<i64>],
    limit: u32,
) -> Result<(), TestCaseError> {
    let owner = merchant(LIVE, 5_000 + case);
    block_on(here.store.create_merchant(&owner, &head(owner.id), b"s"))?;
    let (owner, first, mut ids) = (owner.id, case * 1_000, maker(LIVE, 6_000 + case));
    let stood: HashSet<Uid> =
        insert(here, owner, &mut ids, first, created).iter().map(|row| row.id.0).collect();
    let mut seen = Vec::new();
    let (mut after, mut batch) = (None, 0);
    loop {
        let page = block_on(here.store.payments(owner, &PaymentFilter::default(), Page { limit, after }))?;
        prop_assert!(page.len() <= limit as usize);
        let Some(last) = page.last() else { break };
        after = Some((last.created_at_us, last.id.0));
        seen.extend(page.iter().map(|row| (row.created_at_us, row.id.0)));
        // Ids made later may sort lower: the maker's tail is random.
        if let Some(more) = later.get(batch) {
            insert(here, owner, &mut ids, first + 1 + batch as u128, more);
        }
        batch += 1;
    }
    prop_assert!(seen.windows(2).all(|pair| pair[0] > pair[1]), "newest first, each once");
    let seen: HashSet<Uid> = seen.into_iter().map(|(_, id)| id).collect();
    prop_assert!(stood.is_subset(&seen));
    Ok(())
}

fn filters_of_payments(engine: Engine) {
    let here = Installation::new(engine);
    let mut ids = maker(LIVE, 51);
    let mut set = writes(1);
    for number in 0..12 {
        let mut row = payment(&mut ids, here.live, &format!("{number}"));
        row.created_at_us = NOW_US + number;
        row.status = Status::ALL[usize::try_from(number % 3).unwrap()];
        row.scene = if number % 2 == 0 { Scene::QrCode } else { Scene::BarCode };
        row.method = if number < 6 { "alipay".to_owned() } else { "sandbox".to_owned() };
        set.new_payments.push(row);
    }
    here.commit(LIVE, &set).unwrap();
    let numbers = |filter: PaymentFilter, after: Option<(i64, Uid)>| -> Vec<String> {
        block_on(here.store.payments(here.live, &filter, Page { limit: 100, after }))
            .unwrap()
            .into_iter()
            .map(|row| row.merchant_order_no)
            .collect()
    };
    let none = PaymentFilter::default;
    assert_eq!(numbers(PaymentFilter { status: Some(Status::ALL[0]), ..none() }, None), ["9", "6", "3", "0"]);
    assert_eq!(
        numbers(
            PaymentFilter { scene: Some(Scene::QrCode), method: Some("alipay".to_owned()), ..none() },
            None
        ),
        ["4", "2", "0"]
    );
    let between =
        PaymentFilter { created_at_gte_us: Some(NOW_US + 3), created_at_lt_us: Some(NOW_US + 6), ..none() };
    assert_eq!(numbers(between.clone(), None), ["5", "4", "3"]);
    let after = set.new_payments.get(5).map(|row| (row.created_at_us, row.id.0));
    assert_eq!(numbers(between, after), ["4", "3"]);
    assert_eq!(numbers(PaymentFilter { merchant_order_no: Some("7".to_owned()), ..none() }, None), ["7"]);
    let other =
        PaymentFilter { merchant_order_no: Some("7".to_owned()), status: Some(Status::Closed), ..none() };
    assert!(numbers(other, None).is_empty());
    let foreign =
        block_on(here.store.payments(here.sandbox, &none(), Page { limit: 5, after: None })).unwrap();
    assert!(foreign.is_empty());
    let by_no = block_on(here.store.payment_by_order_no(here.live, "7")).unwrap();
    assert_eq!(by_no.as_ref(), set.new_payments.get(7));
}

fn refunds_are_listed_and_filtered(engine: Engine) {
    let here = Installation::new(engine);
    let mut ids = maker(LIVE, 52);
    let payments = [payment(&mut ids, here.live, "a"), payment(&mut ids, here.live, "b")];
    let mut set = writes(1);
    for number in 0..9 {
        let no = format!("R{number}");
        let mut row = full_refund(&mut ids, &payments[number % 2], (number != 8).then_some(no.as_str()));
        row.created_at_us = NOW_US + i64::try_from(number / 2).unwrap();
        row.status = if number < 5 { refund::Status::Pending } else { refund::Status::Failed };
        set.new_refunds.push(row);
    }
    here.commit(LIVE, &set).unwrap();
    let count = |filter: RefundFilter| {
        block_on(here.store.refunds(here.live, &filter, Page { limit: 100, after: None })).unwrap().len()
    };
    let none = RefundFilter::default;
    assert_eq!(count(none()), 9);
    assert_eq!(count(RefundFilter { payment: Some(payments[0].id), ..none() }), 5);
    assert_eq!(count(RefundFilter { status: Some(refund::Status::Failed), ..none() }), 4);
    let both = RefundFilter { payment: Some(payments[0].id), status: Some(refund::Status::Failed), ..none() };
    assert_eq!(count(both), 2);
    assert_eq!(count(RefundFilter { merchant_refund_no: Some("R3".to_owned()), ..none() }), 1);
    let elsewhere =
        RefundFilter { merchant_refund_no: Some("R3".to_owned()), payment: Some(payments[0].id), ..none() };
    assert_eq!(count(elsewhere), 0);

    for filter in [none(), RefundFilter { payment: Some(payments[1].id), ..none() }] {
        let (mut paged, mut after) = (Vec::new(), None);
        loop {
            let page = block_on(here.store.refunds(here.live, &filter, Page { limit: 2, after })).unwrap();
            let Some(last) = page.last() else { break };
            after = Some((last.created_at_us, last.id.0));
            paged.extend(page);
        }
        let whole =
            block_on(here.store.refunds(here.live, &filter, Page { limit: 100, after: None })).unwrap();
        assert_eq!(paged, whole);
        assert!(
            whole
                .windows(2)
                .all(|pair| { (pair[0].created_at_us, pair[0].id) > (pair[1].created_at_us, pair[1].id) })
        );
    }
    let mut by_id: Vec<_> = set.new_refunds.iter().map(|row| row.id).collect();
    by_id.sort();
    let after = block_on(here.store.refunds_after(LIVE, Some(by_id[3]), 100)).unwrap();
    assert_eq!(after.iter().map(|row| row.id).collect::<Vec<_>>(), by_id[4..]);
}

fn events_are_listed_and_filtered(engine: Engine) {
    let here = Installation::new(engine);
    let mut ids = maker(LIVE, 53);
    let objects: [Uid; 2] = [here.live.0, ids.next::<domain::id::PaymentId>().0];
    let mut set = writes(1);
    for number in 0..10 {
        let mut row = event(&mut ids, here.live, objects[number % 2], &[]);
        row.kind = if number < 5 { Type::PaymentCreated } else { Type::PaymentClosed };
        row.created_at_us = NOW_US + i64::try_from(number).unwrap();
        set.events.push(row);
    }
    here.commit(LIVE, &set).unwrap();
    let numbers = |filter: EventFilter, limit, before| -> Vec<i64> {
        block_on(here.store.events(here.live, &filter, SeqPage { limit, before }))
            .unwrap()
            .iter()
            .map(|row| row.seq)
            .collect()
    };
    let none = EventFilter::default;
    assert_eq!(numbers(none(), 3, None), [10, 9, 8]);
    assert_eq!(numbers(none(), 3, Some((8, 0))), [7, 6, 5]);
    let created = EventFilter { kind: Some("payment.created".to_owned()), ..none() };
    assert_eq!(numbers(created, 9, None), [5, 4, 3, 2, 1]);
    assert_eq!(numbers(EventFilter { object: Some(objects[1]), ..none() }, 9, Some((8, 0))), [6, 4, 2]);
    let window =
        EventFilter { created_at_gte_us: Some(NOW_US + 2), created_at_lt_us: Some(NOW_US + 4), ..none() };
    assert_eq!(numbers(window, 9, None), [4, 3]);
    let behind = |filter: EventFilter, after_seq, limit| -> Vec<i64> {
        let found = block_on(here.store.events_after(here.live, &filter, after_seq, limit)).unwrap();
        found.iter().map(|row| row.seq).collect()
    };
    assert_eq!(behind(none(), 0, 3), [1, 2, 3]);
    assert_eq!(behind(none(), 8, 3), [9, 10]);
    assert_eq!(behind(none(), 10, 3), Vec::<i64>::new());
    assert_eq!(behind(EventFilter { object: Some(objects[1]), ..none() }, 4, 2), [6, 8]);
    assert_eq!(behind(EventFilter { kind: Some("payment.closed".to_owned()), ..none() }, 3, 2), [6, 7]);
    let foreign = block_on(here.store.events_after(here.sandbox, &none(), 0, 9)).unwrap();
    assert!(foreign.is_empty());
}
