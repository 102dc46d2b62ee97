//! What grew old goes by itself, and what merchants are promised for longer still holds.

use crate::world::{World, cny};
use app::clock::RealTime;
use app::{Clock, IdempotencyKey, NewRefund, ReEntry, RefundTarget, Refusal, Retention};
use domain::payment::{Scene, Status};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use store::reads::{LineFilter, SeqPage};
use wire::LinePosition;

const DAY_US: i64 = 86_400_000_000;
const KEPT: Retention =
    Retention { idempotency_days: 30, events_days: 30, deliveries_days: 7, journal_batch_days: 1 };

/// The system's clock, set forward by somebody.
struct SetClock(AtomicI64);

impl RealTime for SetClock {
    fn now_us(&self) -> i64 {
        Clock::system().real_now_us() + self.0.load(Ordering::Relaxed)
    }
}

async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    for _ in 0..600 {
        if is_so().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("never: {what}");
}

#[tokio::test(flavor = "multi_thread")]
async fn books_proofs_and_numbers_hold_after_what_is_old_is_gone() {
    let clock = Arc::new(SetClock(AtomicI64::new(0)));
    let mut world = World::at(Clock::of(clock.clone())).await;
    let key = IdempotencyKey { hash: [3; 16], fingerprint: [4; 16] };
    let re = ReEntry { key: Some(key), nonce: Some([5; 16]) };
    let order = world.order(Scene::BarCode, 10_000, None);
    let first = world.app.create_payment(&world.caller, order.clone(), re).await.unwrap().object;
    assert_eq!(first.payment.status, Status::Succeeded);
    let second = world.paid(20_000).await;
    world.paid(30_000).await;
    let refund = NewRefund {
        target: RefundTarget::Payment(second.payment.id),
        merchant_refund_no: "R1".into(),
        amount: Some(cny(500)),
        reason: None,
        sandbox_outcome: None,
    };
    world.app.create_refund(&world.caller, refund.clone(), ReEntry::default()).await.unwrap();
    let line = {
        let page = SeqPage { limit: 100, before: None };
        let filter = LineFilter { source: Some(first.payment.id.0), ..LineFilter::default() };
        let lines = world.app.lines(&world.caller, &filter, page).await.unwrap();
        let line = lines.first().unwrap();
        let shard = world.caller.merchant.0.shard();
        (LinePosition { shard, seq: line.seq, line: line.line }, line.posted_at_us)
    };

    // A hundred days later, after a restart that keeps the days below.
    clock.0.store(100 * DAY_US, Ordering::Relaxed);
    world.restart_keeping(KEPT).await;
    until("the first payment's events are removed", async || {
        world.store_events(first.payment.id).await.is_empty()
    })
    .await;
    // Of a key that is kept another request is refused; the old one is as good as new.
    let other = ReEntry { key: Some(IdempotencyKey { fingerprint: [6; 16], ..key }), nonce: None };
    until("its key is removed", async || {
        let asked = world.app.create_payment(&world.caller, order.clone(), other).await;
        !matches!(asked, Err(Refusal::KeyReused))
    })
    .await;

    // The order number stands for the payment for ever.
    let again = world.app.create_payment(&world.caller, order, other).await.unwrap();
    assert_eq!((again.fresh, again.object.payment.id), (false, first.payment.id));
    let refunded = world.app.create_refund(&world.caller, refund, ReEntry::default()).await.unwrap();
    assert!(!refunded.fresh, "nothing is given back twice");
    let proof = world.app.proof(&world.caller, wire::line_id(line.0, line.1)).await.unwrap();
    assert_eq!(proof.object, "proof");
    world.verify().await;
}
