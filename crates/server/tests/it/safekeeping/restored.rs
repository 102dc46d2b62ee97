//! The day after the disk died: books of a backup, a channel that knows more.

use super::{backed_up, refused, text};
use crate::harness::bill::all_bill_rows;
use crate::harness::books::{Books, bare};
use crate::harness::callback::{Channel, paid};
use crate::harness::merchant::{AUTH_CODE, text as field};
use crate::harness::{Answer, Merchant, Receiver, Server, cny, on_own, until};
use futures::future::join_all;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Money that the channel moved, by kind and number: each must stay alone.
fn movements(server: &Server) -> BTreeMap<(String, String), i64> {
    let mut found = BTreeMap::new();
    for row in all_bill_rows(server) {
        let number =
            row["part_no"].as_str().unwrap_or_else(|| row["request_no"].as_str().unwrap()).to_owned();
        let before = found.insert((field(&row, "kind"), number), row["amount"]["value"].as_i64().unwrap());
        assert_eq!(before, None, "{row}");
    }
    found
}

/// A request that its merchant can send again.
struct Sent {
    path: String,
    body: Value,
    key: String,
    answer: Answer,
}

async fn send(merchant: &Merchant<'_>, path: &str, body: Value) -> Sent {
    let key = merchant.next_no("key");
    let answer = merchant.client.post(path, &body).key(&key).send().await.expect(201);
    Sent { path: path.to_owned(), body, key, answer }
}

impl Sent {
    /// The same bytes under the same key.
    async fn again(&self, merchant: &Merchant<'_>) -> Answer {
        merchant.client.post(&self.path, &self.body).key(&self.key).send().await
    }
}

fn refund_body(merchant: &Merchant<'_>, payment: &str, minor: i64) -> Value {
    json!({ "payment": payment, "merchant_refund_no": merchant.next_no("REFUND"), "amount": cny(minor) })
}

/// Issue 4, must show 4.
#[test]
fn a_hundred_payments_after_the_backup_are_neither_paid_nor_refunded_twice() {
    on_own(&[], async |server| {
        let merchant = Merchant::new(server).await;
        let receiver = Receiver::start().await;
        let hook = json!({ "url": receiver.url, "events": ["*"] });
        merchant.client.post("/v1/webhook_endpoints", &hook).key("hook").send().await.expect(201);
        // Before the backup: paid, waiting, held, refunds under way.
        let before = join_all((0..8).map(|n| merchant.paid(10_000 + n))).await;
        let waiting = join_all((0..4).map(|n| merchant.waiting(500 + n, None))).await;
        let held = merchant.authorized(900_000).await.id();
        let lost_answer = merchant.refund(&before[0].id(), Some(4_000), Some("lose_answer")).send();
        let lost_answer = lost_answer.await.expect(201).id();
        // The payer's first try was declined; another one is made after the backup.
        let retried = merchant.waiting(640, None).await.id();
        merchant.pay(&retried, Some("decline")).send().await.expect(200);
        merchant.payment_when(&retried, "declined", |p| p["next_action"].is_null()).await;
        let open =
            merchant.create(&merchant.order("bar_code", 777, Some("timeout"))).send().await.expect(201);
        let backup = backed_up(server);

        // After it: a hundred payments, refunds of old and new ones, a capture, payers who pay.
        let orders: Vec<Value> =
            (0..100).map(|n| merchant.order("bar_code", 1_000 + n, Some("succeed"))).collect();
        let mut sent = join_all(orders.into_iter().map(|order| send(&merchant, "/v1/payments", order))).await;
        assert!(sent.iter().all(|one| one.answer["status"] == "succeeded"));
        let old_refunds = before.iter().skip(1).map(|payment| payment.id());
        let new_refunds = sent.iter().take(20).map(|one| one.answer.id());
        let refunds: Vec<Value> =
            old_refunds.chain(new_refunds).map(|id| refund_body(&merchant, &id, 300)).collect();
        sent.extend(join_all(refunds.into_iter().map(|body| send(&merchant, "/v1/refunds", body))).await);
        let capture = json!({ "amount": cny(200_000), "final": false });
        sent.push(send(&merchant, &format!("/v1/payments/{held}/captures"), capture).await);
        let another = json!({ "scene": "bar_code", "auth_code": AUTH_CODE });
        sent.push(send(&merchant, &format!("/v1/payments/{retried}/attempts"), another).await);
        merchant.payment_in(&retried, "succeeded").await;
        for payment in waiting.iter().take(2) {
            merchant.pay(&payment.id(), None).send().await.expect(200);
            merchant.payment_in(&payment.id(), "succeeded").await;
        }
        merchant.refund_in(&lost_answer, "succeeded").await;
        merchant.payment_in(&open.id(), "succeeded").await;
        server.kill();
        let known = movements(server);
        let lost = server.lose_data();

        let restored = server.cli(&["restore", text(&backup), "--sandbox-books", text(&lost)]);
        assert_eq!(restored["held"], true, "{restored}");
        server.serve_held();
        held_says_no(&merchant, &before[0].id()).await;
        let heard = receiver.deliveries().len();
        assert_eq!(movements(server), known, "nothing was sent while it was held");

        let resumed = server.cli(&["resume"]);
        assert_eq!(
            (resumed["held"].as_bool(), &resumed["unanswered"]),
            (Some(false), &json!([])),
            "{resumed}"
        );
        assert_eq!(resumed["lost"], sent.len(), "{resumed}");
        let unmatched = server.cli(&["channel", "unmatched"]);
        assert_eq!(unmatched["effects"].as_array().unwrap().len(), sent.len());
        // What was open in the backup is as the channel says.
        for payment in waiting.iter().take(2) {
            merchant.payment_in(&payment.id(), "succeeded").await;
        }
        merchant.payment_in(&waiting[2].id(), "requires_action").await;
        merchant.refund_in(&lost_answer, "succeeded").await;
        merchant.payment_in(&open.id(), "succeeded").await;
        until("webhooks after the hold", || async { (receiver.deliveries().len() > heard).then_some(()) })
            .await;
        assert_eq!(movements(server), known, "resuming moved nothing");

        // The merchant's program sends again what it is not sure of: the same objects, nothing moves.
        for one in &sent {
            let again = one.again(&merchant).await;
            assert_eq!(again.status, 201, "{}: {}", one.path, again.text);
            if one.path != "/v1/payments" {
                assert_eq!(again["amount"], one.answer["amount"]);
            } else {
                assert_eq!(again["status"], "succeeded", "{}", again.text);
            }
            assert_eq!(again.id(), one.answer.id(), "even its number is the same");
        }
        until("end of what was sent again", || async {
            let refunds = merchant.all("/v1/refunds").await;
            (refunds.len() == 28 && refunds.iter().all(|row| row["status"] == "succeeded")).then_some(())
        })
        .await;
        merchant.payment_in(&retried, "succeeded").await;
        merchant.payment_when(&held, "captured", |p| p["amount_captured"]["value"] == 200_000).await;
        assert_eq!(movements(server), known, "nothing was paid or refunded twice");
        let unmatched = server.cli(&["channel", "unmatched"]);
        assert_eq!((&unmatched["effects"], &unmatched["callbacks"]), (&json!([]), &json!([])));
        // The books are the channel's bill again.
        assert_eq!(Books::open(server).sum(1110), known.values().sum::<i64>());
        assert_eq!(Books::open(server).total(), 0);
        // And life goes on.
        merchant.paid(4_200).await;
        assert_eq!(movements(server).len(), known.len() + 1);
    });
}

/// An order's second try took the money after the backup, and a payer came after its order was closed. Whoever asks again,
/// under whatever key, finds what was done.
#[test]
fn later_tries_and_late_payers_after_the_backup_are_found() {
    on_own(&[], async |server| {
        let merchant = Merchant::new(server).await;
        let known = declined_order(&merchant, 640).await;
        let late = merchant.waiting(1_250, Some("pay_after_close")).await.id();
        merchant.client.call("POST", &format!("/v1/payments/{late}/close")).send().await.expect(200);
        // Down before that payer pays, half a second later: the backup holds it as closed.
        server.kill();
        let backup = backed_up(server);
        server.serve();

        let forgotten = declined_order(&merchant, 770).await;
        let tries = [&known, &forgotten].map(|order| format!("/v1/payments/{}/attempts", order.answer.id()));
        let another = json!({ "scene": "bar_code", "auth_code": AUTH_CODE });
        let paid = join_all(tries.iter().map(|path| send(&merchant, path, another.clone()))).await;
        for order in [&known, &forgotten] {
            merchant.payment_in(&order.answer.id(), "succeeded").await;
        }
        // A later try that waits for its payer.
        let open = declined_order(&merchant, 880).await;
        let waits = send(&merchant, &format!("/v1/payments/{}/attempts", open.answer.id()), json!({})).await;
        merchant.payment_in(&open.answer.id(), "requires_action").await;
        let refund = refund_body(&merchant, &forgotten.answer.id(), 70);
        let refund = send(&merchant, "/v1/refunds", refund).await;
        merchant.refund_in(&refund.answer.id(), "succeeded").await;
        sent_back(&merchant, &late).await;
        server.kill();
        let moved = movements(server);
        assert_eq!(moved.len(), 5, "two payments, a refund, late money and its way back: {moved:?}");
        let lost = server.lose_data();

        server.cli(&["restore", text(&backup), "--sandbox-books", text(&lost)]);
        server.serve_held();
        let resumed = server.cli(&["resume"]);
        assert_eq!(resumed["unanswered"], json!([]), "{resumed}");
        sent_back(&merchant, &late).await;
        let again = forgotten.again(&merchant).await.expect(201);
        assert_eq!(
            (again.id(), &again["status"]),
            (forgotten.answer.id(), &json!("succeeded")),
            "{}",
            again.text
        );
        assert_eq!(again["latest_attempt"]["id"], paid[1].answer["id"], "the try that took the money");
        let other_key = merchant.client.post(&tries[0], &another).key("another").send().await.expect(201);
        assert_eq!((other_key.id(), &other_key["status"]), (paid[0].answer.id(), &json!("succeeded")));
        merchant.payment_in(&known.answer.id(), "succeeded").await;
        assert_eq!(refund.again(&merchant).await.expect(201).id(), refund.answer.id());
        merchant.refund_in(&refund.answer.id(), "succeeded").await;
        let again = open.again(&merchant).await.expect(201);
        assert_eq!(again["latest_attempt"]["id"], waits.answer["id"]);
        assert_eq!(movements(server), moved, "nothing was paid or sent back twice");
        let unmatched = server.cli(&["channel", "unmatched"]);
        assert_eq!((&unmatched["effects"], &unmatched["callbacks"]), (&json!([]), &json!([])));
        assert_eq!(Books::open(server).sum(1110), moved.values().sum::<i64>());
        // The payer declines what was taken up again: one more try is another one.
        merchant.pay(&again.id(), Some("decline")).send().await.expect(200);
        merchant.payment_when(&again.id(), "declined", |payment| payment["next_action"].is_null()).await;
        let attempts = format!("/v1/payments/{}/attempts", again.id());
        let third = merchant.client.post(&attempts, &another).key("third").send().await.expect(201);
        merchant.payment_in(&again.id(), "succeeded").await;
        let tried: Vec<_> = merchant.all(&attempts).await.iter().map(|row| field(row, "id")).collect();
        assert_eq!(tried, [third.id(), waits.answer.id()], "newest first");
        assert_eq!(movements(server).len(), moved.len() + 1);
        assert_eq!(Books::open(server).total(), 0);
    });
}

/// An order whose first try was declined.
async fn declined_order(merchant: &Merchant<'_>, minor: i64) -> Sent {
    let order = send(merchant, "/v1/payments", merchant.order("qr_code", minor, None)).await;
    let id = order.answer.id();
    merchant.payment_in(&id, "requires_action").await;
    merchant.pay(&id, Some("decline")).send().await.expect(200);
    merchant.payment_when(&id, "declined", |payment| payment["next_action"].is_null()).await;
    order
}

/// Money that came after its payment was closed is given back.
async fn sent_back(merchant: &Merchant<'_>, payment: &str) {
    let reason = |payment: &Answer| payment["status_reason"] == "paid_after_close";
    merchant.payment_when(payment, "paid after close", reason).await;
    until("the late money's refund", || async {
        let refunds = merchant.all(&format!("/v1/refunds?payment={payment}")).await;
        (refunds.len() == 1 && refunds[0]["status"] == "succeeded").then_some(())
    })
    .await;
}

/// Reads answer, keys can be revoked, and whatever would need a channel is refused without an effect.
async fn held_says_no(merchant: &Merchant<'_>, payment: &str) {
    let order = merchant.order("bar_code", 1_000, None);
    let refused = merchant.create(&order).key("while-held").send().await;
    let refused = refused.expect_problem(503, "installation_held");
    assert_eq!((refused["retryable"].as_bool(), refused.header("retry-after")), (Some(true), "30"));
    let number = field(&order, "merchant_order_no");
    let rows = merchant.all(&format!("/v1/payments?merchant_order_no={number}")).await;
    assert!(rows.is_empty(), "{rows:?}");
    let no = |call: crate::harness::Call| async move {
        call.send().await.expect_problem(503, "installation_held");
    };
    no(merchant.refund(payment, Some(100), None)).await;
    no(merchant.client.call("POST", &format!("/v1/payments/{payment}/close"))).await;
    no(merchant.client.call("POST", &format!("/v1/payments/{payment}/void"))).await;
    no(merchant.capture(payment, &json!({}))).await;
    no(merchant.client.post(&format!("/v1/payments/{payment}/attempts"), &json!({})).key("another")).await;
    no(merchant.client.post("/v1/sandbox/clock", &json!({ "advance_seconds": 60 }))).await;
    merchant.payment(payment).await;
    merchant.client.get("/v1/balances").await.expect(200);
    merchant.client.get("/v1/events").await.expect(200);
    let dry = json!({ "payment": payment, "merchant_refund_no": "dry", "amount": cny(1) });
    merchant.client.post("/v1/refunds?dry_run=true", &dry).send().await.expect(200);
    let made = merchant.client.post(
        "/v1/api_keys",
        &json!({ "name": "k", "generate_bearer": true, "permissions": ["payments.read"] }),
    );
    made.key("key-while-held").send().await.expect(201);
    let ready = merchant.server.internal().get("/readyz").await;
    assert!(ready.status == 503 && ready.text.contains("feiqian resume"), "{}", ready.text);
    let metrics = merchant.server.internal().get("/metrics").await.text;
    assert!(metrics.contains("feiqian_held 1"), "{metrics}");
}

/// The disk of the channel's book is gone too: the copy in the backup is as old as the books, or newer.
#[test]
fn with_the_books_of_the_backup_nothing_in_them_is_unknown_to_the_channel() {
    on_own(&[], async |server| {
        let merchant = Merchant::new(server).await;
        let before = join_all((0..5).map(|n| merchant.paid(2_000 + n))).await;
        let backup = backed_up(server);
        merchant.paid(9_999).await;
        server.kill();
        server.lose_data();
        server.cli(&["restore", text(&backup)]);
        // Without a server: the command runs the platform for as long as it takes.
        let resumed = server.cli(&["resume"]);
        assert_eq!(
            (resumed["held"].as_bool(), resumed["lost"].as_i64()),
            (Some(false), Some(0)),
            "{resumed}"
        );
        server.serve();
        let bill = movements(server);
        assert_eq!(bill.len(), 5);
        for payment in &before {
            let attempt = bare(&field(&payment["latest_attempt"], "id"));
            assert!(bill.contains_key(&("payment".to_owned(), attempt)));
            merchant.refund(&payment.id(), None, None).send().await.expect(201);
        }
        assert_eq!(movements(server).values().sum::<i64>(), 0);
        let again = server.cli(&["resume"]);
        assert_eq!((again["held"].as_bool(), again["attempts"].as_i64()), (Some(false), Some(0)), "{again}");
    });
}

/// Callbacks about payments that only the lost books knew are kept and listed, and leave the list once they are known.
#[test]
fn callbacks_about_lost_payments_are_kept() {
    on_own(&[], async |server| {
        let merchant = Merchant::new(server).await;
        let backup = backed_up(server);
        let order = merchant.order("qr_code", 1_500, None);
        let made = merchant.create(&order).key("lost").send().await.expect(201);
        let attempt = field(&made["latest_attempt"], "id");
        server.kill();
        let lost = server.lose_data();
        server.cli(&["restore", text(&backup), "--sandbox-books", text(&lost)]);
        server.serve_held();
        let channel = Channel::of(server);
        for _ in 0..2 {
            let answer = channel.post(&paid(&attempt, 1_500)).send().await;
            assert_eq!(answer.status, 503, "not acknowledged, so that it comes again: {}", answer.text);
        }
        let listed = server.cli(&["channel", "unmatched", "--bodies"]);
        let callbacks = listed["callbacks"].as_array().unwrap();
        assert_eq!(callbacks[0]["number"], bare(&attempt), "{listed}");
        assert!(callbacks[0]["body"].as_str().unwrap().contains("1500"), "{listed}");
        let hidden = server.cli(&["channel", "unmatched"]);
        assert_eq!(hidden["callbacks"][0]["body"], Value::Null);
        let said = refused(&server.try_cli(&["channel", "handled", "nothing"]));
        assert!(said.contains("nothing that a channel did"), "{said}");
        server.cli(&["channel", "handled", &bare(&attempt)]);
        assert_eq!(server.cli(&["channel", "unmatched"])["callbacks"], json!([]));
        let resumed = server.cli(&["resume"]);
        assert_eq!(resumed["lost"], 1, "the order that waits for its payer: {resumed}");
        // Sent again, the order is the one that the payer can still pay.
        let again = merchant.create(&order).key("lost").send().await.expect(201);
        assert_eq!((again.id(), &again["latest_attempt"]["id"]), (made.id(), &json!(attempt)));
        merchant.pay(&again.id(), None).send().await.expect(200);
        merchant.payment_in(&again.id(), "succeeded").await;
        let listed = server.cli(&["channel", "unmatched"]);
        assert_eq!((&listed["effects"], &listed["callbacks"]), (&json!([]), &json!([])));
        assert_eq!(movements(server).len(), 1);
    });
}
