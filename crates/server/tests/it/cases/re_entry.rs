//! Repeats of one request: R25 to R28.

use crate::harness::books::Books;
use crate::harness::{Answer, Merchant, cny, on_own, on_shared};
use futures::future::join_all;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;

fn ids(answers: &[Answer]) -> BTreeSet<String> {
    answers.iter().map(Answer::id).collect()
}

/// Created, the answer lost, created again: the same payment. With another amount: refused, and told what differs.
#[test]
fn r25_the_answer_is_lost_and_the_order_comes_again() {
    on_shared(async |server| {
        let merchant = Merchant::new(server).await;
        let order = merchant.order("qr_code", 1_000, None);
        // The client goes away before the answer is there; whether the order arrived it does not know.
        let gone = tokio::time::timeout(Duration::from_millis(3), merchant.create(&order).try_send()).await;
        drop(gone);
        let again = merchant.create(&order).send().await;
        assert!([200, 201].contains(&again.status), "{}", again.text);
        let third = merchant.create(&order).send().await.expect(200);
        assert!(third.is_replayed());
        assert_eq!(third.id(), again.id());
        let mut other = order.clone();
        other["amount"] = cny(1_001);
        other["subject"] = json!("coffee");
        // Not compared: the first one stands.
        other["description"] = json!("with milk");
        let refused = merchant.create(&other).send().await.expect_problem(409, "payment_exists_differs");
        let differing = refused["differing"].as_array().unwrap();
        let named =
            |name: &str| differing.iter().find(|one| one["pointer"].as_str().unwrap().starts_with(name));
        assert_eq!(differing.len(), 2, "{}", refused.text);
        let amount = named("/amount").unwrap();
        let text = format!("{} {}", amount["stored"], amount["given"]);
        assert!(text.contains("1000") && text.contains("1001"), "{}", refused.text);
        assert_eq!(
            (&named("/subject").unwrap()["stored"], &named("/subject").unwrap()["given"]),
            (&json!("tea"), &json!("coffee"))
        );
        let mut same = order.clone();
        same["description"] = json!("with milk");
        assert_eq!(merchant.create(&same).send().await.expect(200)["description"], Value::Null);
        assert_eq!(merchant.all("/v1/payments").await.len(), 1);
        // A foreign merchant may use the same number.
        let neighbour = Merchant::new(server).await;
        assert_ne!(neighbour.create(&order).send().await.expect(201).id(), again.id());
    });
}

/// The same order number sixteen times at once: one is made, all are told of it.
#[test]
fn r25_the_same_order_sixteen_times_at_once() {
    on_shared(async |server| {
        let merchant = Merchant::new(server).await;
        let order = merchant.order("bar_code", 2_000, None);
        let answers = join_all((0..16).map(|_| merchant.create(&order).send())).await;
        let made = answers.iter().filter(|answer| answer.status == 201).count();
        assert!(answers.iter().all(|answer| [200, 201].contains(&answer.status)), "{answers:?}");
        assert_eq!((made, ids(&answers).len()), (1, 1));
        assert!(answers.iter().all(|answer| answer.is_replayed() == (answer.status == 200)));
        assert_eq!(merchant.worth().await, 2_000 - 12);
        let refund = json!({ "payment": answers[0].id(), "merchant_refund_no": "ONE", "amount": cny(500) });
        let refunds = join_all((0..16).map(|_| merchant.client.post("/v1/refunds", &refund).send())).await;
        assert!(refunds.iter().all(|answer| [200, 201].contains(&answer.status)), "{refunds:?}");
        assert_eq!(ids(&refunds).len(), 1);
        let mut other = refund.clone();
        other["amount"] = cny(501);
        let refused = merchant.client.post("/v1/refunds", &other).send().await;
        let refused = refused.expect_problem(409, "refund_exists_differs");
        assert_eq!(refused["differing"].as_array().unwrap().len(), 1, "{}", refused.text);
    });
}

/// One key, two bodies, at once: one effect, and the other one is refused without a trace.
#[test]
fn r26_one_key_two_bodies_at_once() {
    on_shared(async |server| {
        let merchant = Merchant::new(server).await;
        for round in 0..5 {
            let (key, before) = (format!("r26-{round}"), merchant.all("/v1/payments").await.len());
            let orders = [merchant.order("qr_code", 100, None), merchant.order("qr_code", 200, None)];
            let answers = join_all(orders.iter().map(|order| merchant.create(order).key(&key).send())).await;
            let made: Vec<&Answer> = answers.iter().filter(|answer| answer.status == 201).collect();
            assert_eq!(made.len(), 1, "{answers:?}");
            let refused = answers.iter().find(|answer| answer.status != 201).unwrap().clone();
            refused.expect_problem(422, "idempotency_key_reused");
            let rows = merchant.all("/v1/payments").await;
            assert_eq!((rows.len(), &rows[0]["id"]), (before + 1, &made[0]["id"]));
            // The other order's number is still free, under a key of its own.
            let other = orders
                .iter()
                .find(|order| order["merchant_order_no"] != made[0]["merchant_order_no"])
                .unwrap();
            merchant.create(other).key(&format!("r26-{round}-b")).send().await.expect(201);
        }
    });
}

/// One key, its forms, its reach: "k" is k; another path is another fingerprint; a refusal is replayed as it was stored.
#[test]
fn r26_forms_and_reach_of_a_key() {
    on_shared(async |server| {
        let merchant = Merchant::new(server).await;
        let order = merchant.order("qr_code", 100, None);
        let first = merchant.create(&order).key("shop-1").send().await.expect(201);
        assert_eq!(first.header("idempotency-status"), "fresh");
        let quoted = merchant.create(&order).key("\"shop-1\"").send().await.expect(200);
        assert!(quoted.is_replayed() && quoted.id() == first.id());
        let signing = merchant.signing().await;
        let other_key = signing.create(&order).key("shop-1").send().await.expect(200);
        assert_eq!(
            other_key.id(),
            first.id(),
            "a key belongs to merchant and world, whichever API key sent it"
        );
        let path = format!("/v1/payments/{}/close", first.id());
        let elsewhere = merchant.client.call("POST", &path).key("shop-1").send().await;
        elsewhere.expect_problem(422, "idempotency_key_reused");
        let neighbour = Merchant::new(server).await;
        neighbour.create(&order).key("shop-1").send().await.expect(201);
        // A refusal decided at the commit is stored; what changed meanwhile does not matter.
        let id = merchant.waiting(300, None).await.id();
        let refund = json!({ "payment": id, "merchant_refund_no": "STORED" });
        let call = || merchant.client.post("/v1/refunds", &refund).key("stored").send();
        call().await.expect_problem(409, "payment_not_refundable");
        merchant.pay(&id, None).send().await.expect(200);
        merchant.payment_in(&id, "succeeded").await;
        let replayed = call().await.expect_problem(409, "payment_not_refundable");
        assert!(replayed.is_replayed(), "{:?}", replayed.headers);
        merchant.client.post("/v1/refunds", &refund).key("anew").send().await.expect(201);
        // A 400 stores nothing.
        let mut wrong = merchant.order("qr_code", 100, None);
        wrong["amount"]["value"] = json!(0);
        merchant.create(&wrong).key("four-hundred").send().await.expect_problem(400, "amount_invalid");
        wrong["amount"]["value"] = json!(1);
        let right = merchant.create(&wrong).key("four-hundred").send().await.expect(201);
        assert_eq!(right.header("idempotency-status"), "fresh");
    });
}

/// A thousand times the same request with the same key: one effect, the rest replays (or is told that the first runs).
#[test]
fn r27_one_key_a_thousand_times() {
    on_shared(async |server| {
        let merchant = Merchant::new(server).await;
        let order = merchant.order("bar_code", 1_500, None);
        let answers = join_all((0..1_000).map(|_| merchant.create(&order).key("thousand").send())).await;
        let mut by_status = std::collections::BTreeMap::<u16, usize>::new();
        for answer in &answers {
            *by_status.entry(answer.status).or_default() += 1;
            match answer.status {
                201 => assert!(!answer.is_replayed()),
                200 => assert!(answer.is_replayed()),
                409 => assert_eq!(answer.code(), "request_in_progress"),
                _ => panic!("{} {}", answer.status, answer.text),
            }
        }
        assert_eq!(by_status[&201], 1, "{by_status:?}");
        let done: Vec<Answer> = answers.into_iter().filter(|answer| answer.status < 300).collect();
        assert_eq!(ids(&done).len(), 1);
        assert_eq!(Books::open(server).rows_of("payment", &merchant.id), 1);
        assert_eq!(Books::open(server).postings_of(&done[0].id()), 1);
        assert_eq!(merchant.worth().await, 1_500 - 9);
    });
}

/// The queue is full: 503 at once with Retry-After, nothing stored; the retry with the same key is executed afresh.
#[test]
fn r28_a_503_is_executed_afresh() {
    let tiny = [("lanes", "queue_max", "1"), ("lanes", "batch_max", "1")];
    on_own(&tiny, async |server| {
        let merchant = Merchant::new(server).await;
        let orders: Vec<Value> = (0..120).map(|_| merchant.order("qr_code", 700, None)).collect();
        let send = |index: usize| {
            let call = merchant.create(&orders[index]).key(&format!("r28-{index}"));
            async move { (index, call.send().await) }
        };
        let mut left: Vec<usize> = (0..orders.len()).collect();
        let mut refused = 0;
        for round in 0.. {
            assert!(round < 200, "{} are refused again and again", left.len());
            let answers = join_all(left.iter().map(|index| send(*index))).await;
            left.clear();
            for (index, answer) in answers {
                if answer.status == 503 {
                    let answer = answer.expect_problem(503, "overloaded");
                    assert!(answer.header("retry-after").parse::<u64>().unwrap() >= 1);
                    assert_eq!(
                        (answer["retryable"].as_bool(), answer.header("idempotency-status")),
                        (Some(true), "")
                    );
                    refused += 1;
                    left.push(index);
                } else {
                    assert_eq!(
                        answer.clone().expect(201).header("idempotency-status"),
                        "fresh",
                        "{}",
                        answer.text
                    );
                }
            }
            if left.is_empty() {
                break;
            }
        }
        assert!(refused > 0, "the queue was never full");
        assert_eq!(Books::open(server).rows_of("payment", &merchant.id), 120);
        assert_eq!(Books::open(server).rows_of("idempotency", &merchant.id), 120);
    });
}
