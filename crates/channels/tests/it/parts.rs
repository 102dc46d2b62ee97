//! Authorizations, captures and refunds.

use channels::{CaptureRequest, Channel, NoticeFact, PrepareRequest, RefundRequest};
use domain::channel::{AttemptFact, CaptureFact, RefundFact, SandboxOutcome};
use money::{Amount, Currency};

use crate::support::{
    HOUR_US, NOON_US, at, capture, capture_ref, cny, held, now, number, order, order_with, refund,
    refund_ref, taken, world,
};

const WEEK_US: i64 = 7 * 24 * HOUR_US;

fn capture_code(fact: CaptureFact) -> String {
    let CaptureFact::Failed(failure) = fact else { panic!("not failed: {fact:?}") };
    failure.code
}

fn refund_code(fact: RefundFact) -> String {
    let RefundFact::Failed { failure, .. } = fact else { panic!("not failed: {fact:?}") };
    failure.code
}

#[tokio::test(start_paused = true)]
async fn money_is_held_and_captured_in_parts() {
    let world = world("captures");
    let fact = world.channel.prepare(held(1, 1000)).await;
    let AttemptFact::Authorized { amount, expires_at_us, .. } = fact.clone() else { panic!("{fact:?}") };
    assert_eq!((amount, expires_at_us), (cny(1000), NOON_US + WEEK_US));

    let first = world.channel.capture(capture(1, 101, 300, false)).await;
    let CaptureFact::Succeeded(part) = first.clone() else { panic!("{first:?}") };
    assert_eq!((part.amount, part.bill_date.to_string().as_str()), (cny(300), "2026-11-24"));
    assert_eq!(world.channel.capture(capture(1, 101, 300, false)).await, first, "one number, one capture");
    assert_eq!(
        capture_code(world.channel.capture(capture(1, 101, 301, false)).await),
        "channel_number_reused"
    );
    let too_much = world.channel.capture(capture(1, 102, 701, false)).await;
    assert_eq!(capture_code(too_much.clone()), "capture_exceeds_authorized");
    assert_eq!(world.channel.query_capture(&capture_ref(1, 102)).await, too_much);
    assert_eq!(world.channel.query(&now(1)).await, fact);

    assert!(matches!(world.channel.capture(capture(1, 103, 600, true)).await, CaptureFact::Succeeded(_)));
    assert_eq!(capture_code(world.channel.capture(capture(1, 104, 1, false)).await), "not_capturable");
    assert_eq!(world.channel.query_capture(&capture_ref(1, 101)).await, first);
    assert_eq!(world.channel.query_capture(&capture_ref(1, 999)).await, CaptureFact::NotFound);
    assert_eq!(world.channel.void(&now(1)).await, AttemptFact::Closed, "nothing is held any more");
}

#[tokio::test(start_paused = true)]
async fn a_captures_answer_is_lost() {
    let world = world("lost-capture");
    world.channel.prepare(held(1, 500_000)).await;
    assert_eq!(world.channel.capture(capture(1, 101, 400_203, false)).await, CaptureFact::Unknown);
    let found = world.channel.query_capture(&capture_ref(1, 101)).await;
    assert!(matches!(found, CaptureFact::Succeeded(_)));
    assert_eq!(world.channel.capture(capture(1, 101, 400_203, false)).await, found);
    let rest = world.channel.capture(capture(1, 102, 99_798, false)).await;
    assert_eq!(capture_code(rest), "capture_exceeds_authorized", "the lost one was taken once");
}

#[tokio::test(start_paused = true)]
async fn an_authorization_is_given_up() {
    let world = world("void");
    world.channel.prepare(held(1, 1000)).await;
    assert!(
        matches!(world.channel.close(&now(1)).await, AttemptFact::Authorized { .. }),
        "a close takes no hold away"
    );
    assert_eq!(world.channel.void(&now(1)).await, AttemptFact::Closed);
    assert_eq!(world.channel.query(&now(1)).await, AttemptFact::Closed);
    assert_eq!(capture_code(world.channel.capture(capture(1, 101, 1, false)).await), "not_capturable");

    world.channel.prepare(held(2, 1000)).await;
    world.channel.capture(capture(2, 102, 400, false)).await;
    assert_eq!(world.channel.void(&now(2)).await, AttemptFact::Closed);
    assert!(matches!(world.channel.refund(refund(2, 201, 400)).await, RefundFact::Succeeded { .. }));

    let paid = world.channel.prepare(order(3, "card", 1000)).await;
    assert_eq!(world.channel.void(&now(3)).await, paid);
    assert_eq!(world.channel.void(&now(4)).await, AttemptFact::Closed);
    assert_eq!(world.channel.prepare(held(4, 1000)).await, AttemptFact::Closed);
}

#[tokio::test(start_paused = true)]
async fn an_authorization_ends_after_seven_days() {
    let world = world("window");
    world.channel.prepare(held(1, 1000)).await;
    let end_us = NOON_US + WEEK_US;
    let late = |part, now_us| CaptureRequest { now_us, ..capture(1, part, 100, false) };
    assert!(matches!(world.channel.capture(late(101, end_us - 1)).await, CaptureFact::Succeeded(_)));
    assert_eq!(capture_code(world.channel.capture(late(102, end_us)).await), "authorization_expired");
    assert_eq!(world.channel.query(&at(1, end_us)).await, AttemptFact::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_payer_who_acts_authorizes() {
    let world = world("acts-manual");
    world.channel.prepare(PrepareRequest { manual_capture: true, ..order(1, "qr_code", 1000) }).await;
    let paid = world.channel.pay(&number(1), Some(SandboxOutcome::OtherAmount), NOON_US).await;
    assert_eq!(paid, Ok(channels::sandbox::PayAnswer::Authorized));
    let stands = world.channel.query(&now(1)).await;
    assert!(matches!(&stands, AttemptFact::Authorized { amount, .. } if *amount == cny(999)));
    assert_eq!(world.platform.facts(&world.channel), [stands]);
}

#[tokio::test(start_paused = true)]
async fn refunds_go_up_to_what_was_taken() {
    let world = world("refunds");
    world.channel.prepare(order(1, "card", 1000)).await;
    let first = world.channel.refund(refund(1, 101, 600)).await;
    let RefundFact::Succeeded { refunded_at_us, bill_date, .. } = first.clone() else { panic!("{first:?}") };
    assert_eq!((refunded_at_us, bill_date.to_string().as_str()), (NOON_US, "2026-11-24"));
    assert_eq!(world.channel.refund(refund(1, 101, 600)).await, first, "one number, one refund");
    assert_eq!(refund_code(world.channel.refund(refund(1, 101, 599)).await), "channel_number_reused");
    let too_much = world.channel.refund(refund(1, 102, 401)).await;
    assert_eq!(refund_code(too_much.clone()), "refund_exceeds_captured");
    assert!(matches!(world.channel.refund(refund(1, 103, 400)).await, RefundFact::Succeeded { .. }));
    assert_eq!(world.channel.query_refund(&refund_ref(1, 101)).await, first);
    assert_eq!(world.channel.query_refund(&refund_ref(1, 102)).await, too_much);
    assert_eq!(world.channel.query_refund(&refund_ref(1, 999)).await, RefundFact::NotFound);
    assert_eq!(refund_code(world.channel.refund(refund(9, 104, 1)).await), "channel_trade_unknown");

    world.channel.prepare(order_with(2, "card", SandboxOutcome::Decline)).await;
    assert_eq!(refund_code(world.channel.refund(refund(2, 105, 1)).await), "not_refundable");
    world.channel.prepare(order_with(3, "card", SandboxOutcome::OtherCurrency)).await;
    assert_eq!(refund_code(world.channel.refund(refund(3, 106, 1250)).await), "currency_differs");
    let usd = RefundRequest { amount: Amount::new(1250, Currency::USD), ..refund(3, 107, 1) };
    assert!(matches!(world.channel.refund(usd).await, RefundFact::Succeeded { .. }));
}

#[tokio::test(start_paused = true)]
async fn a_refunds_answer_is_lost() {
    let world = world("lost-refund");
    world.channel.prepare(order(1, "card", 1000)).await;
    let lost = RefundRequest { sandbox_outcome: Some(SandboxOutcome::LoseAnswer), ..refund(1, 101, 700) };
    assert_eq!(world.channel.refund(lost.clone()).await, RefundFact::Unknown);
    let found = world.channel.query_refund(&refund_ref(1, 101)).await;
    assert!(matches!(found, RefundFact::Succeeded { .. }));
    assert_eq!(world.channel.refund(lost).await, found, "the same number again is no second refund");
    assert_eq!(refund_code(world.channel.refund(refund(1, 102, 301)).await), "refund_exceeds_captured");
}

#[tokio::test(start_paused = true)]
async fn a_refund_fails_by_callback_or_query() {
    let world = world("failing-refund");
    world.channel.prepare(order(1, "card", 1000)).await;
    let failing =
        |part| RefundRequest { sandbox_outcome: Some(SandboxOutcome::Fail), ..refund(1, part, 600) };
    assert!(matches!(world.channel.refund(failing(101)).await, RefundFact::Accepted { .. }));
    assert_eq!(refund_code(world.channel.refund(refund(1, 102, 401)).await), "refund_exceeds_captured");
    world.platform.received(1).await;
    let notice = world.platform.notices(&world.channel).remove(0);
    let NoticeFact::Refund { refund_no, fact } = notice.what else { panic!("{notice:?}") };
    assert_eq!((notice.request_no, refund_no), (number(1), number(101)));
    let RefundFact::Failed { failure, .. } = &fact else { panic!("{fact:?}") };
    assert_eq!(failure.channel_code.as_deref(), Some("ACCOUNT_ABNORMAL"));
    assert_eq!(world.channel.query_refund(&refund_ref(1, 101)).await, fact);
    assert_eq!(
        refund_code(world.channel.refund(refund(1, 102, 401)).await),
        "refund_exceeds_captured",
        "as it was answered"
    );

    assert!(matches!(world.channel.refund(failing(103)).await, RefundFact::Accepted { .. }));
    assert_eq!(refund_code(world.channel.query_refund(&refund_ref(1, 103)).await), "payer_account_abnormal");
    assert!(matches!(world.channel.refund(refund(1, 104, 1000)).await, RefundFact::Succeeded { .. }));
    let bill = world.channel.bill(taken(world.channel.query(&now(1)).await).bill_date).unwrap();
    assert_eq!(bill.rows.len(), 2, "what failed moved no money");
}
