//! What is asked of two nodes at the same moment: one winner, and no client sees a deadlock, a time-out or a defect.

use super::{at, on_two, rounds};
use crate::harness::books::Books;
use crate::harness::callback::{Channel, paid};
use crate::harness::merchant::text;
use crate::harness::{Answer, Merchant, Receiver, until};
use futures::future::{join, join_all};
use serde_json::json;
use std::collections::{BTreeMap, HashSet};

fn statuses(answers: &[Answer]) -> Vec<u16> {
    let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    statuses
}

#[test]
fn r14_two_refunds_of_sixty_on_a_hundred() {
    on_two(&[], async |first, second| {
        let here = Merchant::new(first).await;
        let there = at(&here, second);
        for round in 0..rounds() {
            let id = here.paid(10_000).await.id();
            let (one, other) =
                join(here.refund(&id, Some(6_000), None).send(), there.refund(&id, Some(6_000), None).send())
                    .await;
            let answers = [one, other];
            assert_eq!(statuses(&answers), [201, 422], "round {round}: {answers:?}");
            let refused = answers.iter().find(|answer| answer.status == 422).unwrap();
            assert_eq!(refused.code(), "refund_exceeds_remaining", "{}", refused.text);
        }
    });
}

#[test]
fn r27_one_idempotency_key_on_both() {
    on_two(&[], async |first, second| {
        let here = Merchant::new(first).await;
        let there = at(&here, second);
        for round in 0..rounds() {
            let (order, key) = (here.order("bar_code", 1_500, None), format!("key-{round}"));
            let calls = (0..4).flat_map(|_| [here.create(&order), there.create(&order)]);
            let answers = join_all(calls.map(|call| call.key(&key).send())).await;
            let mut ids = HashSet::new();
            let mut made = 0;
            for answer in &answers {
                match answer.status {
                    201 => made += 1,
                    200 => assert!(answer.is_replayed(), "{answer:?}"),
                    409 => assert_eq!(answer.code(), "request_in_progress"),
                    _ => panic!("round {round}: {} {}", answer.status, answer.text),
                }
                ids.extend((answer.status < 300).then(|| answer.id()));
            }
            assert_eq!((made, ids.len()), (1, 1), "round {round}: {:?}", statuses(&answers));
        }
        assert_eq!(Books::open(first).rows_of("payment", &here.id), rounds() as i64);
    });
}

#[test]
fn one_order_number_on_both_is_one_payment() {
    on_two(&[], async |first, second| {
        let here = Merchant::new(first).await;
        let there = at(&here, second);
        for round in 0..rounds() {
            let order = here.order("bar_code", 1_500, None);
            let (one, other) = join(here.create(&order).send(), there.create(&order).send()).await;
            assert_eq!(one.id(), other.id(), "round {round}: {} {}", one.text, other.text);
            assert_eq!(statuses(&[one, other]), [200, 201], "round {round}");
        }
        assert_eq!(Books::open(first).rows_of("payment", &here.id), rounds() as i64);
    });
}

#[test]
fn r07_one_callback_at_both() {
    on_two(&[], async |first, second| {
        let here = Merchant::new(first).await;
        let (channel, other_door) = (Channel::of(first), Channel::of(second));
        for round in 0..rounds() {
            let made = here.waiting(4_200, None).await;
            let body = paid(&text(&made["latest_attempt"], "id"), 4_200);
            let calls = (0..5).flat_map(|_| [channel.post(&body), other_door.post(&body)]);
            let answers = join_all(calls.map(|call| call.send())).await;
            assert_eq!(statuses(&answers), [200; 10], "round {round}: every one is acknowledged");
            assert_eq!(Books::open(first).postings_of(&made.id()), 1, "round {round}");
            let told = here.event_types(&made.id()).await;
            assert_eq!(told.iter().filter(|kind| *kind == "payment.succeeded").count(), 1, "round {round}");
        }
    });
}

/// Two merchants, each asked of at both nodes, so that batches hold the same roots in every order that callers can make.
#[test]
fn r36_nobody_sees_a_deadlock() {
    on_two(&[("lanes", "per_shard", "4")], async |first, second| {
        let (a, b) = (Merchant::new(first).await, Merchant::new(second).await);
        let (a2, b2) = (at(&a, second), at(&b, first));
        let paid = join_all([&a, &b].map(|merchant| merchant.paid(1_000_000))).await;
        let (of_a, of_b) = (paid[0].id(), paid[1].id());
        for round in 0..rounds() {
            let calls = [
                a.refund(&of_a, Some(1), None),
                b2.refund(&of_b, Some(1), None),
                b.refund(&of_b, Some(1), None),
                a2.refund(&of_a, Some(1), None),
                a.create(&a.order("bar_code", 100, None)),
                b2.create(&b2.order("bar_code", 100, None)),
                b.create(&b.order("bar_code", 100, None)),
                a2.create(&a2.order("bar_code", 100, None)),
            ];
            let answers = join_all(calls.map(|call| call.send())).await;
            assert_eq!(statuses(&answers), [201; 8], "round {round}: {answers:?}");
        }
    });
}

/// The nodes share the work of sending: what both commit is sent by one of them.
#[test]
fn one_webhook_job_is_done_once() {
    on_two(&[], async |first, second| {
        let here = Merchant::new(first).await;
        let there = at(&here, second);
        let receiver = Receiver::start().await;
        let endpoint = json!({ "url": receiver.url, "events": ["payment.succeeded"] });
        here.client.post("/v1/webhook_endpoints", &endpoint).key("endpoint").send().await.expect(201);
        // Both nodes must know of it before either commits an event.
        tokio::time::sleep(std::time::Duration::from_secs(2)).await;
        let mut ids = Vec::new();
        for _ in 0..rounds() {
            let (one, other) = join(here.paid(500), there.paid(500)).await;
            ids.extend([one.id(), other.id()]);
        }
        until("delivery of every event", || async {
            let told: HashSet<String> = receiver.deliveries().iter().map(|one| one.id.clone()).collect();
            (told.len() == ids.len()).then_some(())
        })
        .await;
        let mut times = BTreeMap::<String, usize>::new();
        for delivered in receiver.deliveries() {
            *times.entry(delivered.id).or_default() += 1;
        }
        assert!(times.values().all(|times| *times == 1), "{times:?}");
    });
}
