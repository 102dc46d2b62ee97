//! What is asked of two nodes at the same moment: one winner, and no client sees a deadlock, a time-out or a defect.

use super::hold::Hold;
use super::{at, calls_of, on_two, rounds};
use crate::harness::books::Books;
use crate::harness::callback::{Channel, paid};
use crate::harness::merchant::text;
use crate::harness::{Answer, Merchant, Receiver, until, until_within};
use futures::future::{join, join_all};
use serde_json::json;
use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

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

/// Each round takes as long as a lease.
fn sleeps() -> usize {
    rounds().div_ceil(10)
}

const LEASE_OVER_WITHIN: Duration = Duration::from_secs(40);

/// R60: the owner of a job pauses past its lease in the middle of a call. The other node has the job by then.
#[test]
fn r60_an_owner_that_wakes_after_its_lease_calls_nothing_more() {
    on_two(&[], async |first, second| {
        let here = Merchant::new(first).await;
        let there = at(&here, second);
        for round in 0..sleeps() {
            let made = here.create(&here.order("bar_code", 3_000, Some("timeout"))).send().await.expect(201);
            assert_ne!(made["status"], "succeeded", "{}", made.text);
            let begun = calls_of(first).await;
            first.signal("STOP");
            until_within(LEASE_OVER_WITHIN, "end of what the other node has now", || async {
                (there.payment(&made.id()).await["status"] == "succeeded").then_some(())
            })
            .await;
            first.signal("CONT");
            // It has had its turn when a payment of its own is through.
            let more = here.paid(700).await;
            assert_eq!(calls_of(first).await, begun + 1, "round {round}: the one call of the new payment");
            let books = Books::open(second);
            assert_eq!(
                (books.postings_of(&made.id()), books.postings_of(&more.id())),
                (1, 1),
                "round {round}"
            );
        }
    });
}

/// R60: nobody else has the job yet, and nobody can: the owner's lease is over and it wakes. It asks nothing; what it asked before is
/// answered late, and that the payer paid counts whoever heard it.
#[test]
fn r60_a_late_answer_counts_after_the_lease() {
    on_two(&[], async |first, second| {
        let here = Merchant::new(first).await;
        let url = first.database_url().expect("it is PostgreSQL").to_owned();
        let leased = "SELECT 1 FROM attempt WHERE job_due_at_us > CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS bigint)";
        for round in 0..sleeps() {
            let hold = Hold::of(first, "LOCK TABLE work_lease IN EXCLUSIVE MODE").await;
            let order = here.order("bar_code", 4_000, Some("answer_late"));
            let made = here.create(&order).send().await.expect(201);
            assert_ne!(made["status"], "succeeded", "{}", made.text);
            first.signal("STOP");
            until_within(LEASE_OVER_WITHIN, "end of the lease", || async {
                testdb::rows(&url, leased).is_empty().then_some(())
            })
            .await;
            assert_eq!(Books::open(second).postings_of(&made.id()), 0, "round {round}: nobody knows");
            first.signal("CONT");
            until("late answer in the books", || async {
                (Books::open(second).postings_of(&made.id()) == 1).then_some(())
            })
            .await;
            assert_eq!((calls_of(first).await, calls_of(second).await), (calls(round), 0), "round {round}");
            hold.release();
        }
    });
}

/// One call for each payment.
fn calls(round: usize) -> u64 {
    round as u64 + 1
}
