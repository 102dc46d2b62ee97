//! `kill -9` at the worst moments: R11, R18, R27, R29, R52. Each has a server of its own.

use crate::harness::bill::all_bill_rows;
use crate::harness::books::{Books, bare};
use crate::harness::merchant::text;
use crate::harness::{Answer, Merchant, Receiver, cny, on_own, spawn, until, until_within};
use futures::future::join_all;
use serde_json::{Value, json};
use std::time::Duration;

/// Sends orders until the server is killed; answers what was acknowledged.
async fn storm(merchant: &Merchant<'_>, kill_after: Duration) -> Vec<(Value, Option<Answer>)> {
    let orders: Vec<Value> = (0..60)
        .map(|index| merchant.order(if index % 3 == 0 { "qr_code" } else { "bar_code" }, 1_000 + index, None))
        .collect();
    let calls: Vec<_> = orders
        .iter()
        .map(|order| {
            spawn(merchant.create(order).key(&format!("k-{}", text(order, "merchant_order_no"))).try_send())
        })
        .collect();
    tokio::time::sleep(kill_after).await;
    merchant.server.kill();
    let answers = join_all(calls).await;
    orders.into_iter().zip(answers.into_iter().map(|answer| answer.expect("no panic").ok())).collect()
}

/// A till's payment whose call never left can't be called again, as the payer's code is never stored: it is closed at the
/// channel and ends failed. A QR code is asked for anew.
fn has_ended(payment: &Value) -> bool {
    match payment["scene"].as_str() {
        Some("qr_code") => payment["status"] == "requires_action",
        _ => {
            payment["status"] == "succeeded"
                || (payment["status"] == "failed" && payment["failure"]["code"] == "attempt_closed")
        }
    }
}

/// Killed at many moments between payment and attempt, commit and answer: both rows or none, nothing acknowledged is lost,
/// nothing is there twice, and every payment comes to an end.
#[test]
fn r11_killed_while_payments_are_made() {
    on_own(&[], async |server| {
        let merchant = Merchant::new(server).await;
        let mut all = Vec::new();
        for kill_after_ms in [5, 40, 90, 160, 250] {
            all.extend(storm(&merchant, Duration::from_millis(kill_after_ms)).await);
            server.serve();
            let books = Books::open(server);
            let alone = "SELECT count(*) FROM payment p WHERE NOT EXISTS (SELECT 1 FROM attempt a WHERE a.shard = p.shard AND a.payment = p.id)";
            let orphans = "SELECT count(*) FROM attempt a WHERE NOT EXISTS (SELECT 1 FROM payment p WHERE p.shard = a.shard AND p.id = a.payment)";
            assert_eq!(
                (books.number(alone, []), books.number(orphans, [])),
                (0, 0),
                "after {kill_after_ms} ms"
            );
        }
        for (order, answer) in &all {
            let number = text(order, "merchant_order_no");
            let rows = merchant.all(&format!("/v1/payments?merchant_order_no={number}")).await;
            if let Some(answer) = answer.as_ref().filter(|answer| answer.status == 201) {
                assert_eq!(
                    (rows.len(), &rows[0]["id"]),
                    (1, &answer["id"]),
                    "acknowledged and lost: {}",
                    answer.text
                );
            }
            assert!(rows.len() <= 1, "{rows:?}");
            // The retry with the same key: the same payment, or the first one.
            let again = merchant.create(order).key(&format!("k-{number}")).send().await;
            assert!([200, 201].contains(&again.status), "{}", again.text);
            if let Some(row) = rows.first() {
                assert_eq!(&again["id"], &row["id"]);
            }
        }
        until_within(Duration::from_secs(40), "end of every payment", || async {
            let rows = merchant.all("/v1/payments").await;
            (rows.len() == all.len() && rows.iter().all(has_ended)).then_some(())
        })
        .await;
        let taken = all_bill_rows(server);
        let paid = merchant.all("/v1/payments?status=succeeded").await;
        assert_eq!(taken.len(), paid.len(), "the channel took each payment's money once");
        let gross: i64 = taken.iter().map(|row| row["amount"]["value"].as_i64().unwrap()).sum();
        assert_eq!(Books::open(server).sum(1110), gross);
        assert_eq!(Books::open(server).total(), 0);
    });
}

/// Killed after the channel took the refund and before that is recorded: asked again under the same number, one refund.
#[test]
fn r18_killed_after_the_channel_took_a_refund() {
    on_own(&[], async |server| {
        let merchant = Merchant::new(server).await;
        let payments = join_all((0..6).map(|_| merchant.paid(10_000))).await;
        let calls: Vec<_> = payments
            .iter()
            .map(|payment| spawn(merchant.refund(&payment.id(), Some(4_000), Some("lose_answer")).try_send()))
            .collect();
        let at_channel = || all_bill_rows(server).iter().filter(|row| row["kind"] == "refund").count();
        until("refund at the channel", || async { (at_channel() > 0).then_some(()) }).await;
        server.kill();
        join_all(calls).await;
        // The answers are lost. On a slow machine some were asked for again by now; whichever were, each ends once.
        server.serve();
        until_within(Duration::from_secs(40), "end of every refund", || async {
            let rows = merchant.all("/v1/refunds").await;
            rows.iter().all(|row| row["status"] == "succeeded").then_some(())
        })
        .await;
        let refunds = merchant.all("/v1/refunds").await;
        let mut ours: Vec<String> = refunds.iter().map(|row| bare(&text(row, "id"))).collect();
        let rows = all_bill_rows(server);
        let refunded = rows.iter().filter(|row| row["kind"] == "refund");
        let mut theirs: Vec<String> = refunded.map(|row| text(row, "part_no")).collect();
        ours.sort_unstable();
        theirs.sort_unstable();
        assert!(!ours.is_empty());
        assert_eq!(ours, theirs);
        for row in &refunds {
            let kinds = Books::open(server).posting_kinds_of(&text(row, "id"));
            assert_eq!(kinds, ["refund_accepted", "refund_taken"]);
        }
    });
}

/// The same key before and after a kill, at many moments: one effect each.
#[test]
fn r27_one_key_killed_before_and_after_the_commit() {
    on_own(&[], async |server| {
        let merchant = Merchant::new(server).await;
        for round in 0_i64..8 {
            let order = merchant.order("bar_code", 100 + round, None);
            let key = format!("r27-{round}");
            let call = spawn(merchant.create(&order).key(&key).try_send());
            // From before the request's arrival to after its answer.
            tokio::time::sleep(Duration::from_millis(
                [0, 1, 2, 4, 8, 16, 40, 200][usize::try_from(round).unwrap()],
            ))
            .await;
            server.crash();
            let first = call.await.expect("no panic").ok();
            let again = merchant.create(&order).key(&key).send().await;
            match &first {
                Some(first) => {
                    assert_eq!(
                        (first.status, again.status, again.id()),
                        (201, 200, first.id()),
                        "{}",
                        again.text
                    );
                }
                None => assert!([200, 201].contains(&again.status), "{}", again.text),
            }
            let third = merchant.create(&order).key(&key).send().await.expect(200);
            assert!(third.is_replayed() && third.id() == again.id());
            let mut other = order.clone();
            other["subject"] = json!("coffee");
            merchant.create(&other).key(&key).send().await.expect_problem(422, "idempotency_key_reused");
        }
        assert_eq!(Books::open(server).rows_of("payment", &merchant.id), 8);
        until_within(Duration::from_secs(40), "end of every payment", || async {
            merchant.all("/v1/payments").await.iter().all(has_ended).then_some(())
        })
        .await;
        let paid = merchant.all("/v1/payments?status=succeeded").await;
        // 0.60 % of a little more than 100 is 1.
        let net: i64 = paid.iter().map(|payment| payment["amount"]["value"].as_i64().unwrap() - 1).sum();
        assert_eq!(merchant.worth().await, net);
        assert_eq!(all_bill_rows(server).len(), paid.len());
    });
}

/// A call whose answer is lost is repeated after a restart with another configuration: the channel sees the same number.
#[test]
fn r29_the_same_request_number_after_restart_and_configuration_change() {
    on_own(&[], async |server| {
        let merchant = Merchant::new(server).await;
        let order = merchant.order("bar_code", 4_321, Some("timeout"));
        let made = merchant.create(&order).send().await.expect(201);
        let (id, attempt) = (made.id(), text(&made["latest_attempt"], "id"));
        let waiting = merchant.waiting(5_432, None).await;
        let authorized = merchant.authorized(900_000).await;
        let capture =
            merchant.capture(&authorized.id(), &json!({ "amount": cny(400_203) })).send().await.expect(201);
        server.kill();
        server.configure("lease_ms = 5700", "lease_ms = 6100");
        server.configure("sync_wait_ms = 700", "sync_wait_ms = 600");
        server.serve();
        until_within(Duration::from_secs(40), "the payment's end", || async {
            (merchant.payment(&id).await["status"] == "succeeded").then_some(())
        })
        .await;
        merchant.pay(&waiting.id(), None).send().await.expect(200);
        merchant.payment_in(&waiting.id(), "succeeded").await;
        merchant
            .payment_when(&authorized.id(), "captured", |p| p["amount_captured"]["value"] == 400_203)
            .await;
        let rows = all_bill_rows(server);
        let numbers = |request: &str| rows.iter().filter(|row| row["request_no"] == bare(request)).count();
        assert_eq!(numbers(&attempt), 1);
        assert_eq!(numbers(&text(&waiting["latest_attempt"], "id")), 1);
        let captures: Vec<&Value> = rows.iter().filter(|row| row["part_no"] == bare(&capture.id())).collect();
        assert_eq!((captures.len(), rows.len()), (1, 3), "{rows:?}");
        assert_eq!(captures[0]["request_no"], bare(&text(&authorized["latest_attempt"], "id")));
        assert_eq!(Books::open(server).postings_of(&id), 1);
    });
}

/// Killed with events not delivered: they are delivered after the restart, each at least once, signed.
#[test]
fn r52_events_are_delivered_after_a_kill() {
    on_own(&[], async |server| {
        let merchant = Merchant::new(server).await;
        let receiver = Receiver::start().await;
        let endpoint = json!({ "url": receiver.url, "events": ["payment.*"] });
        let made =
            merchant.client.post("/v1/webhook_endpoints", &endpoint).key("hook").send().await.expect(201);
        let secret = text(&made.json, "secret");
        receiver.behave(crate::harness::Behaviour::Hang);
        let payments = join_all((0..10).map(|_| merchant.paid(1_000))).await;
        server.kill();
        receiver.behave(crate::harness::Behaviour::Accept);
        server.serve();
        until_within(Duration::from_secs(60), "delivery of every event", || async {
            let told =
                payments.iter().filter(|payment| !receiver.accepted_of(&payment.id()).is_empty()).count();
            (told == payments.len()).then_some(())
        })
        .await;
        for delivered in receiver.deliveries().iter().filter(|delivered| delivered.accepted) {
            assert!(delivered.is_signed_by(&secret), "{}", delivered.kind());
            assert_eq!(
                (delivered.kind(), &delivered.json["data"]["id"]),
                ("payment.succeeded", &json!(delivered.id))
            );
        }
    });
}
