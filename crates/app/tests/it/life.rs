//! Payments and refunds through their lives.

use crate::world::{World, cny};
use app::{ClockAnswer, NewRefund, ReEntry, RefundTarget, Refusal};
use domain::attempt;
use domain::channel::SandboxOutcome;
use domain::payment::{CaptureMode, Scene, Status, StatusReason};
use domain::refund;
use domain::rejection::Rejection;

fn refund_of(payment: domain::id::PaymentId, no: &str, minor: Option<i64>) -> NewRefund {
    NewRefund {
        target: RefundTarget::Payment(payment),
        merchant_refund_no: no.into(),
        amount: minor.map(cny),
        reason: None,
        sandbox_outcome: None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn paid_refunded_in_part_and_the_balance_adds_up() {
    let world = World::new().await;
    let view = world.paid(10_000).await;
    assert_eq!(view.payment.fee_minor, Some(60));
    let refund = world
        .app
        .create_refund(&world.caller, refund_of(view.payment.id, "R1", Some(4_000)), ReEntry::default())
        .await
        .unwrap();
    assert_eq!(refund.object.status, refund::Status::Succeeded);
    assert_eq!(refund.object.fee_returned_minor, 24);
    let balances = world.app.balances(&world.caller).await.unwrap();
    assert_eq!(balances.len(), 1);
    assert_eq!(balances[0].pending_minor, 10_000 - 60 - 4_000 + 24);
    assert_eq!(balances[0].owed_minor, 0);
    world.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_refunds_of_sixty_against_one_hundred() {
    let world = World::new().await;
    let id = world.paid(10_000).await.payment.id;
    let one = world.app.create_refund(&world.caller, refund_of(id, "A", Some(6_000)), ReEntry::default());
    let two = world.app.create_refund(&world.caller, refund_of(id, "B", Some(6_000)), ReEntry::default());
    let (one, two) = tokio::join!(one, two);
    let refused: Vec<Refusal> = [one, two].into_iter().filter_map(Result::err).collect();
    assert_eq!(
        refused,
        vec![Refusal::rejected(Rejection::RefundExceedsRemaining { remaining_minor: 4_000 })]
    );
    world.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_recoverable_outcome_ends_succeeded() {
    let world = World::new().await;
    for outcome in [
        SandboxOutcome::Succeed,
        SandboxOutcome::Timeout,
        SandboxOutcome::AnswerLate,
        SandboxOutcome::CallbackTwice,
        SandboxOutcome::CallbackFirst,
        SandboxOutcome::Contradict,
    ] {
        let view = world.pay(world.order(Scene::BarCode, 5_000, Some(outcome))).await;
        let view = world.until(view.payment.id, |v| v.payment.status.is_final()).await;
        assert_eq!(view.payment.status, Status::Succeeded, "{outcome:?}");
        assert_eq!(view.payment.captured_minor, 5_000, "{outcome:?}");
    }
    world.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decline_ends_a_one_shot_scene_only() {
    let world = World::new().await;
    let till = world.pay(world.order(Scene::BarCode, 5_000, Some(SandboxOutcome::Decline))).await;
    assert_eq!(
        (till.payment.status, till.payment.status_reason),
        (Status::Failed, Some(StatusReason::Declined))
    );
    let code = world.pay(world.order(Scene::QrCode, 5_000, Some(SandboxOutcome::Decline))).await;
    assert_eq!(code.payment.status, Status::RequiresAction);
    let declined =
        world.app.sandbox_pay(&world.caller, code.payment.id, None, ReEntry::default()).await.unwrap();
    assert_eq!(declined.payment.status, Status::RequiresAction);
    assert_eq!(declined.latest_attempt.unwrap().status, attempt::Status::Failed);
    let again =
        app::NewAttempt { sandbox_outcome: Some(SandboxOutcome::Succeed), ..app::NewAttempt::default() };
    world.app.add_attempt(&world.caller, code.payment.id, again, ReEntry::default()).await.unwrap();
    let paid = world.app.sandbox_pay(&world.caller, code.payment.id, None, ReEntry::default()).await.unwrap();
    assert_eq!(paid.payment.status, Status::Succeeded);
    world.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn paid_after_close_is_sent_back_by_itself() {
    let world = World::new().await;
    let code = world.pay(world.order(Scene::QrCode, 5_000, Some(SandboxOutcome::PayAfterClose))).await;
    let id = code.payment.id;
    let closed = world
        .app
        .end_payment(&world.caller, id, domain::payment::end::Wish::Close, ReEntry::default())
        .await
        .unwrap();
    assert_eq!(closed.object.payment.status, Status::Closed);
    world.until(id, |v| v.payment.status_reason == Some(StatusReason::PaidAfterClose)).await;
    for _ in 0..200 {
        let refunds = world
            .app
            .refunds(&world.caller, &Default::default(), store::reads::Page { limit: 10, after: None })
            .await
            .unwrap();
        if refunds.iter().any(|r| {
            r.payment == id && r.status == refund::Status::Succeeded && r.merchant_refund_no.is_none()
        }) {
            let balances = world.app.balances(&world.caller).await.unwrap();
            assert!(
                balances.iter().all(|b| b.pending_minor == 0 && b.available_minor == 0),
                "no merchant line moves"
            );
            world.verify().await;
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("the late payment was never sent back");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_amount_is_held_until_a_person_decides() {
    let world = World::new().await;
    for (resolution, end) in [
        (domain::payment::resolve::Resolution::Keep, Status::Succeeded),
        (domain::payment::resolve::Resolution::SendBack, Status::Closed),
    ] {
        let view = world.pay(world.order(Scene::BarCode, 5_000, Some(SandboxOutcome::OtherAmount))).await;
        assert_eq!(
            (view.payment.status, view.payment.status_reason),
            (Status::Processing, Some(StatusReason::AmountMismatch))
        );
        let merchant = world.caller.merchant;
        let resolved = world.app.resolve_mismatch(merchant, view.payment.id, resolution).await.unwrap();
        assert_eq!(resolved.payment.status, end);
    }
    world.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn captures_take_what_is_authorized_and_no_more() {
    let world = World::new().await;
    let mut order = world.order(Scene::BarCode, 10_000, None);
    order.capture_mode = CaptureMode::Manual;
    let id = world.pay(order).await.payment.id;
    assert_eq!(world.until(id, |_| true).await.payment.status, Status::Authorized);
    let part = |minor| app::NewCapture { amount: Some(cny(minor)), is_final: None };
    let one = world.app.capture(&world.caller, id, part(6_000), ReEntry::default());
    let two = world.app.capture(&world.caller, id, part(6_000), ReEntry::default());
    let (one, two) = tokio::join!(one, two);
    assert_eq!([one.is_ok(), two.is_ok()].iter().filter(|ok| **ok).count(), 1);
    let after = world.until(id, |v| v.payment.captured_minor == 6_000).await;
    assert_eq!(after.payment.status, Status::Authorized);
    world
        .app
        .end_payment(&world.caller, id, domain::payment::end::Wish::Void, ReEntry::default())
        .await
        .unwrap();
    let voided = world.until(id, |v| v.payment.status.is_final()).await;
    assert_eq!(
        (voided.payment.status, voided.payment.status_reason),
        (Status::Succeeded, Some(StatusReason::Voided))
    );
    assert_eq!(voided.payment.fee_minor, Some(36));
    world.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_that_fails_frees_its_amount_and_gives_the_money_back() {
    let world = World::new().await;
    let id = world.paid(10_000).await.payment.id;
    let mut new = refund_of(id, "F1", Some(10_000));
    new.sandbox_outcome = Some(SandboxOutcome::Fail);
    let refund = world.app.create_refund(&world.caller, new, ReEntry::default()).await.unwrap().object;
    for _ in 0..200 {
        let now = world.app.refund(&world.caller, refund.id).await.unwrap();
        if now.status == refund::Status::Failed {
            let balances = world.app.balances(&world.caller).await.unwrap();
            assert_eq!(balances[0].pending_minor, 9_940);
            let again = world
                .app
                .create_refund(&world.caller, refund_of(id, "F2", None), ReEntry::default())
                .await
                .unwrap();
            assert_eq!(again.object.amount, cny(10_000));
            world.verify().await;
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("the refund never failed");
}

#[tokio::test(flavor = "multi_thread")]
async fn money_matures_by_the_merchants_own_clock() {
    let world = World::new().await;
    world.paid(10_000).await;
    let other = world.second_merchant(1).await;
    let day = domain::clock::ClockMove::AdvanceUs(25 * 3_600_000_000);
    let ClockAnswer { pending, .. } =
        world.app.set_sandbox_clock(&world.caller, day, ReEntry::default()).await.unwrap();
    assert_eq!(pending, 0);
    let balances = world.app.balances(&world.caller).await.unwrap();
    assert_eq!((balances[0].pending_minor, balances[0].available_minor), (0, 9_940));
    assert_eq!(world.app.sandbox_clock(&other).await.unwrap().offset_us, 0);
    world.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_capture_whose_answer_was_lost_stands_beside_the_next_one() {
    let world = World::new().await;
    let mut order = world.order(Scene::BarCode, 400_303, None);
    order.capture_mode = CaptureMode::Manual;
    let id = world.pay(order).await.payment.id;
    let lost = app::NewCapture { amount: Some(cny(400_203)), is_final: None };
    let lost = world.app.capture(&world.caller, id, lost, ReEntry::default()).await.unwrap().object;
    assert_eq!(lost.status, domain::capture::Status::Pending);
    let rest = app::NewCapture::default();
    let rest = world.app.capture(&world.caller, id, rest, ReEntry::default()).await.unwrap().object;
    assert_eq!((rest.amount, rest.is_final), (cny(100), false));
    let paid = world.until(id, |v| v.payment.status.is_final()).await.payment;
    assert_eq!((paid.status, paid.captured_minor), (Status::Succeeded, 400_303));
    assert_eq!((paid.authorized_minor, paid.capturing_minor), (0, 0));
    world.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_of_another_amount_is_given_up_and_told() {
    let world = World::new().await;
    let mut order = world.order(Scene::BarCode, 5_000, Some(SandboxOutcome::OtherAmount));
    order.capture_mode = CaptureMode::Manual;
    let id = world.pay(order).await.payment.id;
    let ended = world.until(id, |v| v.payment.status.is_final()).await;
    assert_eq!(ended.payment.status, Status::Failed);
    let events = world.store_events(id).await;
    assert!(events.contains(&"payment.flagged".to_owned()), "{events:?}");
    world.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reading_a_payment_never_gives_its_hold_up() {
    let world = World::new().await;
    let mut order = world.order(Scene::QrCode, 5_000, None);
    order.capture_mode = CaptureMode::Manual;
    let id = world.pay(order).await.payment.id;
    let polls = async {
        for _ in 0..40 {
            world.app.payment(&world.caller, id).await.unwrap();
        }
    };
    let pays = world.app.sandbox_pay(&world.caller, id, None, ReEntry::default());
    let ((), paid) = tokio::join!(polls, pays);
    paid.unwrap();
    assert_eq!(world.until(id, |_| true).await.payment.status, Status::Authorized);
    world.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preview_of_a_refund_that_stands_shows_it() {
    let world = World::new().await;
    let id = world.paid(10_000).await.payment.id;
    let made =
        world.app.create_refund(&world.caller, refund_of(id, "P1", Some(100)), ReEntry::default()).await;
    let preview = world.app.preview_refund(&world.caller, refund_of(id, "P1", Some(100))).await.unwrap();
    assert_eq!(preview.id, made.unwrap().object.id);
    world.verify().await;
}
