//! Every outcome of a payment, at the till and with a payer who acts.

use std::sync::Arc;
use std::time::Duration;

use channels::sandbox::{PayAnswer, PayRefusal};
use channels::{Channel, PrepareRequest};
use domain::channel::{Action, AttemptFact, SandboxOutcome};
use money::{Amount, Currency};
use tokio::time::Instant;

use crate::support::{HOUR_US, NOON_US, at, cny, now, number, order, order_with, taken, world};

#[tokio::test(start_paused = true)]
async fn at_the_till_the_answer_is_the_end() {
    let world = world("till");
    for (n, scene) in (1..).zip(["bar_code", "card", "pos"]) {
        let taken = taken(world.channel.prepare(order(n, scene, 1250)).await);
        assert_eq!((taken.amount, taken.paid_at_us), (cny(1250), NOON_US));
        assert_eq!(taken.bill_date.to_string(), "2026-11-24");
        assert_eq!(taken.channel_trade_no, format!("SBX202611241{:010}", n - 1));
    }
    for (n, scene, code) in [(10, "bar_code", "payer_declined"), (11, "card", "card_declined")] {
        let fact = world.channel.prepare(order_with(n, scene, SandboxOutcome::Decline)).await;
        let AttemptFact::Declined(failure) = fact.clone() else { panic!("{fact:?}") };
        assert_eq!(failure.code, code);
        assert!(failure.channel_code.is_some() && failure.channel_message.is_some());
        assert_eq!(world.channel.query(&now(n)).await, fact);
    }
    assert_eq!(world.platform.count(), 0);
}

#[tokio::test(start_paused = true)]
async fn another_amount_or_currency_is_taken() {
    let world = world("other");
    let usd = |minor| Amount::new(minor, Currency::USD);
    let cases = [
        (1, SandboxOutcome::OtherAmount, cny(1250), cny(1249)),
        (2, SandboxOutcome::OtherAmount, cny(1), cny(2)),
        (3, SandboxOutcome::OtherCurrency, cny(1250), usd(1250)),
        (4, SandboxOutcome::OtherCurrency, usd(1250), cny(1250)),
    ];
    for (n, outcome, amount, expected) in cases {
        let request = PrepareRequest { amount, ..order_with(n, "bar_code", outcome) };
        assert_eq!(taken(world.channel.prepare(request).await).amount, expected);
        assert_eq!(taken(world.channel.query(&now(n)).await).amount, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn an_exact_amount_chooses_when_nothing_is_asked() {
    let world = world("amounts");
    assert!(matches!(world.channel.prepare(order(1, "card", 400_002)).await, AttemptFact::Declined(_)));
    assert_eq!(taken(world.channel.prepare(order(2, "card", 400_010)).await).amount, cny(400_009));
    let request = PrepareRequest { amount: cny(400_002), ..order_with(3, "card", SandboxOutcome::Succeed) };
    assert_eq!(taken(world.channel.prepare(request).await).amount, cny(400_002));
}

#[tokio::test(start_paused = true)]
async fn a_password_is_confirmed_by_paying() {
    let world = world("password");
    let fact = world.channel.prepare(order_with(1, "bar_code", SandboxOutcome::NeedsPassword)).await;
    assert_eq!(fact, AttemptFact::ActionRequired(Action::PayerConfirm { poll_after_ms: 2_000 }));
    assert_eq!(world.channel.query(&now(1)).await, fact);
    let paid = world.channel.pay(&number(1), None, NOON_US + 5).await;
    assert_eq!(paid, Ok(PayAnswer::Paid));
    let told = taken(world.platform.facts(&world.channel).remove(0));
    assert_eq!((told.amount, told.paid_at_us), (cny(1250), NOON_US + 5));
    assert_eq!(taken(world.channel.query(&now(1)).await), told);
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_is_unknown_until_a_query_tells() {
    let world = world("timeout");
    let began = Instant::now();
    let fact = world.channel.prepare(order_with(1, "bar_code", SandboxOutcome::Timeout)).await;
    assert_eq!((fact, began.elapsed().as_millis()), (AttemptFact::Unknown, 3_000));
    assert_eq!(world.channel.query(&now(1)).await, AttemptFact::Unknown);
    tokio::time::advance(Duration::from_millis(1_001)).await;
    taken(world.channel.query(&now(1)).await);
    assert_eq!(world.platform.count(), 0);
    // A close asked for meanwhile would have told as well.
    taken(world.channel.close(&now(1)).await);
}

#[tokio::test(start_paused = true)]
async fn a_late_answer_comes_late() {
    let world = world("late");
    let began = Instant::now();
    taken(world.channel.prepare(order_with(1, "bar_code", SandboxOutcome::AnswerLate)).await);
    assert_eq!(began.elapsed().as_millis(), 2_000);
}

#[tokio::test(start_paused = true)]
async fn a_callback_comes_twice() {
    let world = world("twice");
    let fact = world.channel.prepare(order_with(1, "bar_code", SandboxOutcome::CallbackTwice)).await;
    world.platform.received(2).await;
    assert_eq!(world.platform.facts(&world.channel), [fact.clone(), fact]);
    let bodies = world.platform.bodies();
    assert_eq!(bodies[0], bodies[1]);
}

#[tokio::test(start_paused = true)]
async fn a_callback_comes_before_the_answer() {
    let world = world("first");
    let fact = world.channel.prepare(order_with(1, "bar_code", SandboxOutcome::CallbackFirst)).await;
    assert_eq!(world.platform.facts(&world.channel), [fact]);
}

#[tokio::test(start_paused = true)]
async fn a_callback_contradicts() {
    let world = world("contradict");
    let fact = world.channel.prepare(order_with(1, "bar_code", SandboxOutcome::Contradict)).await;
    assert_eq!(fact, AttemptFact::Processing);
    world.platform.received(2).await;
    let facts = world.platform.facts(&world.channel);
    assert!(matches!(facts.as_slice(), [AttemptFact::Paid(_), AttemptFact::Declined(_)]), "{facts:?}");
    taken(world.channel.query(&now(1)).await);
}

#[tokio::test(start_paused = true)]
async fn a_payer_pays_after_the_close() {
    for (n, scene) in (1..).zip(["bar_code", "qr_code"]) {
        let world = world(&format!("after-close-{scene}"));
        let fact = world.channel.prepare(order_with(n, scene, SandboxOutcome::PayAfterClose)).await;
        assert_eq!(matches!(fact, AttemptFact::Processing), scene == "bar_code");
        assert_eq!(world.channel.pay(&number(n), None, NOON_US).await, Ok(PayAnswer::WaitsForClose));
        assert_eq!(world.channel.query(&now(n)).await, fact);
        assert_eq!(world.channel.close(&now(n)).await, AttemptFact::Closed);
        assert_eq!(world.channel.query(&now(n)).await, AttemptFact::Closed);
        world.platform.received(1).await;
        let told = taken(world.platform.facts(&world.channel).remove(0));
        assert_eq!(told.paid_at_us, NOON_US + 500_000);
        assert_eq!(taken(world.channel.query(&now(n)).await), told);
        assert_eq!(taken(world.channel.close(&now(n)).await), told, "a second close tells what happened");
    }
}

#[tokio::test(start_paused = true)]
async fn each_scene_sends_its_payer_somewhere() {
    let world = world("scenes");
    let url = |n| format!("https://pay.example/pay/{}", number(n));
    let action = async |n, scene| match world.channel.prepare(order(n, scene, 1250)).await {
        AttemptFact::ActionRequired(action) => action,
        other => panic!("{scene}: {other:?}"),
    };
    assert_eq!(action(1, "qr_code").await, Action::QrCode { text: url(1) });
    assert_eq!(action(2, "web").await, Action::Redirect { url: url(2) });
    assert_eq!(action(3, "h5").await, Action::Redirect { url: url(3) });
    for (n, scene) in [(4, "app"), (5, "mini_program")] {
        let Action::Invoke { target, parameters } = action(n, scene).await else { panic!("{scene}") };
        let parameters: serde_json::Value = serde_json::from_str(&parameters).unwrap();
        assert_eq!((target.as_str(), parameters["pay_url"].as_str()), (scene, Some(url(n).as_str())));
    }
    assert!(matches!(world.channel.prepare(order(6, "fax", 1250)).await, AttemptFact::Declined(_)));
}

#[tokio::test(start_paused = true)]
async fn a_payer_who_acts_gets_each_outcome() {
    let world = world("acts");
    for (n, outcome) in (1..).zip(SandboxOutcome::PAYMENT) {
        let before = world.platform.count();
        let shown = world.channel.prepare(order_with(n, "qr_code", outcome)).await;
        assert!(matches!(shown, AttemptFact::ActionRequired(_)), "{outcome:?}: {shown:?}");
        assert_eq!(world.channel.query(&now(n)).await, shown, "nobody pays by himself");
        let answer = world.channel.pay(&number(n), None, NOON_US).await.unwrap();
        let callbacks = match outcome {
            SandboxOutcome::Timeout | SandboxOutcome::PayAfterClose => 0,
            SandboxOutcome::CallbackTwice | SandboxOutcome::Contradict => 2,
            _ => 1,
        };
        world.platform.received(before + callbacks).await;
        let told = world.platform.facts(&world.channel).split_off(before);
        assert_eq!(told.len(), callbacks, "{outcome:?}");
        let expected = match outcome {
            SandboxOutcome::Decline => PayAnswer::Declined,
            SandboxOutcome::PayAfterClose => PayAnswer::WaitsForClose,
            _ => PayAnswer::Paid,
        };
        assert_eq!(answer, expected, "{outcome:?}");
        if outcome == SandboxOutcome::Timeout {
            assert_eq!(world.channel.query(&now(n)).await, AttemptFact::Unknown);
            tokio::time::advance(Duration::from_millis(1_001)).await;
        }
        let stands = world.channel.query(&now(n)).await;
        assert_eq!(matches!(stands, AttemptFact::Paid(_)), expected == PayAnswer::Paid, "{outcome:?}");
        if let Some(first) = told.first() {
            assert_eq!(*first, stands, "{outcome:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn paying_takes_an_outcome_and_only_once() {
    let world = world("pay-once");
    world.channel.prepare(order(1, "qr_code", 1250)).await;
    let pay = async |n, outcome| world.channel.pay(&number(n), outcome, NOON_US).await;
    assert_eq!(pay(1, Some(SandboxOutcome::LoseAnswer)).await, Err(PayRefusal::OutcomeInvalid));
    assert_eq!(pay(1, Some(SandboxOutcome::Decline)).await, Ok(PayAnswer::Declined));
    assert_eq!(pay(1, None).await, Err(PayRefusal::NotPayable), "a declined trade has ended");
    assert!(matches!(world.channel.close(&now(1)).await, AttemptFact::Declined(_)));
    assert_eq!(pay(2, None).await, Err(PayRefusal::NotFound));
    assert_eq!(world.channel.pay("no number", None, NOON_US).await, Err(PayRefusal::NotFound));
}

#[tokio::test(start_paused = true)]
async fn one_number_is_one_charge() {
    let world = world("one-number");
    let first = world.channel.prepare(order(1, "bar_code", 1250)).await;
    assert_eq!(world.channel.prepare(order(1, "bar_code", 1250)).await, first);
    assert_eq!(world.channel.prepare(order(1, "bar_code", 9999)).await, first, "the truth, not a new charge");
    let upper = PrepareRequest { request_no: number(1).to_uppercase(), ..order(1, "bar_code", 1250) };
    assert_eq!(world.channel.prepare(upper).await, first);
    let bill = world.channel.bill(taken(first).bill_date).unwrap();
    assert_eq!(bill.rows.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_number_at_once_is_one_charge() {
    let world = world("at-once");
    let calls: Vec<_> = (0..200)
        .map(|call| {
            let channel = Arc::clone(&world.channel);
            tokio::spawn(async move { channel.prepare(order(call % 4, "bar_code", 1250)).await })
        })
        .collect();
    let mut numbers = std::collections::BTreeSet::new();
    for call in calls {
        numbers.insert(taken(call.await.unwrap()).channel_trade_no);
    }
    assert_eq!(numbers.len(), 4);
    let bill = world.channel.bill(ledger::Day::from_ymd(2026, 11, 24).unwrap()).unwrap();
    assert_eq!((bill.rows.len(), bill.totals[0].gross_minor), (4, 4 * 1250));
}

#[tokio::test(start_paused = true)]
async fn a_closed_number_takes_nothing() {
    let world = world("closed");
    assert_eq!(world.channel.query(&now(1)).await, AttemptFact::NotFound);
    assert_eq!(world.channel.close(&now(1)).await, AttemptFact::Closed);
    assert_eq!(world.channel.prepare(order(1, "bar_code", 1250)).await, AttemptFact::Closed);
    assert_eq!(world.channel.query(&now(1)).await, AttemptFact::Closed);

    world.channel.prepare(order(2, "qr_code", 1250)).await;
    assert_eq!(world.channel.close(&now(2)).await, AttemptFact::Closed);
    assert_eq!(world.channel.pay(&number(2), None, NOON_US).await, Err(PayRefusal::NotPayable));
    assert_eq!(world.channel.close(&now(2)).await, AttemptFact::Closed);

    let paid = world.channel.prepare(order(3, "bar_code", 1250)).await;
    assert_eq!(world.channel.close(&now(3)).await, paid);
}

#[tokio::test(start_paused = true)]
async fn an_order_ends_by_the_merchants_time() {
    let world = world("expiry");
    world.channel.prepare(order(1, "qr_code", 1250)).await;
    let end_us = NOON_US + HOUR_US;
    assert!(matches!(world.channel.query(&at(1, end_us - 1)).await, AttemptFact::ActionRequired(_)));
    assert_eq!(world.channel.query(&at(1, end_us)).await, AttemptFact::Closed);
    assert!(!world.channel.view(&number(1), end_us).unwrap().payable);
    assert_eq!(world.channel.pay(&number(1), None, end_us).await, Err(PayRefusal::NotPayable));
    let late = PrepareRequest { now_us: end_us, ..order(2, "bar_code", 1250) };
    assert_eq!(world.channel.prepare(late).await, AttemptFact::Closed);
    assert_eq!(world.channel.query(&at(2, end_us)).await, AttemptFact::Closed);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_read_is_declined() {
    let world = world("unreadable");
    let requests = [
        PrepareRequest { request_no: "order-1".to_owned(), ..order(1, "bar_code", 1250) },
        PrepareRequest { auth_code: None, ..order(2, "bar_code", 1250) },
        order(3, "bar_code", 0),
        order(4, "bar_code", -5),
        order_with(5, "bar_code", SandboxOutcome::Fail),
    ];
    for request in requests {
        let fact = world.channel.prepare(request.clone()).await;
        assert!(matches!(fact, AttemptFact::Declined(_)), "{request:?}: {fact:?}");
    }
    assert_eq!(format!("{:?}", order(1, "bar_code", 1).auth_code), "Some([auth code])");
}

#[tokio::test(start_paused = true)]
async fn callbacks_come_again_until_acknowledged() {
    let world = world("again");
    world.platform.refuse(3);
    world.channel.prepare(order(1, "qr_code", 1250)).await;
    let began = Instant::now();
    assert_eq!(world.channel.pay(&number(1), None, NOON_US).await, Ok(PayAnswer::Paid));
    assert_eq!(began.elapsed().as_millis(), 5_000, "pay waits no longer");
    world.platform.received(4).await;
    assert_eq!(began.elapsed().as_secs(), 1 + 2 + 5);
    tokio::time::sleep(Duration::from_secs(3600)).await;
    assert_eq!(world.platform.count(), 4);
}

#[tokio::test(start_paused = true)]
async fn callbacks_are_given_up_after_twelve_tries() {
    let world = world("given-up");
    world.platform.refuse(1000);
    world.channel.prepare(order(1, "qr_code", 1250)).await;
    world.channel.pay(&number(1), None, NOON_US).await.unwrap();
    tokio::time::sleep(Duration::from_secs(3600)).await;
    assert_eq!(world.platform.count(), 12);
    taken(world.channel.query(&now(1)).await);
}
