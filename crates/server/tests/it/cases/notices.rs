//! Callbacks, at the wrong time and too often: R06 to R10.

use crate::harness::books::{Books, bare, uid};
use crate::harness::callback::{Channel, paid};
use crate::harness::client::now_s;
use crate::harness::merchant::text;
use crate::harness::{Answer, Merchant, cny, on_shared, until};
use channels::sandbox::{CallbackBody, CallbackState};
use futures::future::join_all;
use serde_json::json;

fn count(types: &[String], kind: &str) -> usize {
    types.iter().filter(|each| *each == kind).count()
}

/// The callback is there before the channel's answer: applied once.
#[test]
fn r06_callback_before_the_answer() {
    on_shared(async |server| {
        let merchant = Merchant::new(server).await;
        for outcome in ["callback_first", "callback_twice", "answer_late"] {
            let id = merchant
                .create(&merchant.order("bar_code", 3_000, Some(outcome)))
                .send()
                .await
                .expect(201)
                .id();
            merchant.payment_in(&id, "succeeded").await;
            assert_eq!(Books::open(server).postings_of(&id), 1, "{outcome}");
            assert_eq!(merchant.event_types(&id).await, ["payment.succeeded"], "{outcome}");
        }
    });
}

/// A callback about a number that nobody knows is kept and not acknowledged; a forged one is neither.
#[test]
fn r06_unknown_reference_is_kept_and_not_acknowledged() {
    on_shared(async |server| {
        let (merchant, channel) = (Merchant::new(server).await, Channel::of(server));
        // An id of this installation's shard that no row has: a payment's, taken for an attempt's.
        let stranger = merchant.waiting(100, None).await.id();
        let kept = |books: &Books| {
            books.number("SELECT count(*) FROM channel_notice WHERE reference = ?1", [bare(&stranger)])
        };
        let body = paid(&stranger, 100);
        let refused = channel.post(&body).send().await;
        assert!(refused.status >= 400, "{} {}", refused.status, refused.text);
        assert_eq!(kept(&Books::open(server)), 1);
        channel.post(&body).send().await;
        assert_eq!(kept(&Books::open(server)), 1, "the same one is kept once");
        let bytes = CallbackBody { trade_no: "SBXFORGED".to_owned(), ..body }.to_bytes();
        let forged = channel.post_with(&now_s().to_string(), &"0".repeat(64), bytes).send().await;
        assert_eq!(forged.status, 401, "{}", forged.text);
        assert_eq!(kept(&Books::open(server)), 1);
    });
}

/// The same callback fifty times at once: one posting, one event, fifty acknowledgements.
#[test]
fn r07_the_same_callback_fifty_times_at_once() {
    on_shared(async |server| {
        let (merchant, channel) = (Merchant::new(server).await, Channel::of(server));
        let made = merchant.waiting(4_200, None).await;
        let id = made.id();
        let body = paid(&text(&made["latest_attempt"], "id"), 4_200);
        let answers = join_all((0..50).map(|_| channel.post(&body).send())).await;
        assert!(answers.iter().all(|answer| answer.status == 200), "{:?}", statuses(&answers));
        let payment = merchant.payment(&id).await;
        assert_eq!(payment["status"], "succeeded");
        assert_eq!(Books::open(server).postings_of(&id), 1);
        assert_eq!(count(&merchant.event_types(&id).await, "payment.succeeded"), 1);
        assert_eq!(merchant.worth().await, 4_200 - 25);
    });
}

fn statuses(answers: &[Answer]) -> Vec<u16> {
    answers.iter().map(|answer| answer.status).collect()
}

/// "Declined" and "closed" after the money was taken: acknowledged, recorded for a person, books unchanged.
#[test]
fn r08_failed_arrives_after_succeeded() {
    on_shared(async |server| {
        let (merchant, channel) = (Merchant::new(server).await, Channel::of(server));
        let made =
            merchant.create(&merchant.order("bar_code", 6_000, Some("contradict"))).send().await.expect(201);
        let (id, attempt) = (made.id(), text(&made["latest_attempt"], "id"));
        merchant.payment_in(&id, "succeeded").await;
        let recorded = || async {
            let sql = "SELECT count(*) FROM attempt WHERE id = ?1 AND contradiction IS NOT NULL";
            (Books::open(server).number(sql, [uid(&attempt).0]) == 1).then_some(())
        };
        until("recorded contradiction", recorded).await;
        for state in [CallbackState::Declined, CallbackState::Closed] {
            let code = Some("PAYER_DECLINED".to_owned());
            let body = CallbackBody { state, code, ..paid(&attempt, 6_000) };
            channel.post(&body).send().await.expect(200);
        }
        let payment = merchant.payment(&id).await;
        assert_eq!((&payment["status"], &payment["failure"]), (&json!("succeeded"), &json!(null)));
        assert_eq!(Books::open(server).postings_of(&id), 1);
        let types = merchant.event_types(&id).await;
        assert_eq!(
            (count(&types, "payment.succeeded"), count(&types, "payment.failed")),
            (1, 0),
            "{types:?}"
        );
        assert_eq!(merchant.worth().await, 6_000 - 36);
    });
}

/// Queries that say "waits for its payer" race with the callback that says "paid": whichever is written last, paid it is.
#[test]
fn r09_a_stale_query_does_not_undo_a_callback() {
    on_shared(async |server| {
        let (merchant, channel) = (Merchant::new(server).await, Channel::of(server));
        let made = join_all((0..12).map(|_| merchant.waiting(1_000, None))).await;
        join_all(made.iter().map(|payment| {
            let (merchant, channel) = (&merchant, &channel);
            async move {
                let id = payment.id();
                let notice = paid(&text(&payment["latest_attempt"], "id"), 1_000);
                let reads = join_all((0..4).map(|_| merchant.payment(&id)));
                let (_, told) = tokio::join!(reads, channel.post(&notice).send());
                assert_eq!(told.status, 200, "{}", told.text);
                let after = merchant.payment(&id).await;
                assert_eq!((&after["status"], &after["next_action"]), (&json!("succeeded"), &json!(null)));
                assert_eq!(
                    merchant.event_types(&id).await.last().map(String::as_str),
                    Some("payment.succeeded")
                );
            }
        }))
        .await;
        assert_eq!(merchant.worth().await, 12 * (1_000 - 6));
    });
}

/// Steps that a payment's state does not allow are refused, name the state, and leave no trace but the stored refusal.
#[test]
fn r10_steps_that_the_state_does_not_allow() {
    on_shared(async |server| {
        let merchant = Merchant::new(server).await;
        let waiting = merchant.waiting(9_000, None).await.id();
        let paid = merchant.paid(9_000).await.id();
        let tables = ["payment", "attempt", "capture", "refund", "journal_tx", "event"];
        let rows = || {
            let books = Books::open(server);
            tables.map(|table| books.rows_of(table, &merchant.id))
        };
        let before = (merchant.payment(&waiting).await.json, merchant.payment(&paid).await.json, rows());
        let path = |id: &str, step: &str| format!("/v1/payments/{id}/{step}");
        let post = |id: &str, step: &str| {
            merchant.client.post(&path(id, step), &json!({})).key(&merchant.next_no("k"))
        };
        for (call, code, found) in [
            (post(&waiting, "captures"), "payment_not_capturable", "requires_action"),
            (post(&waiting, "void"), "payment_not_voidable", "requires_action"),
            (merchant.refund(&waiting, Some(1), None), "payment_not_refundable", "requires_action"),
            (post(&paid, "captures"), "payment_not_capturable", "succeeded"),
            (post(&paid, "void"), "payment_not_voidable", "succeeded"),
            (post(&paid, "close"), "payment_not_closable", "succeeded"),
            (post(&paid, "attempts"), "payment_not_payable", "succeeded"),
            (merchant.pay(&paid, None), "payment_not_payable", "succeeded"),
        ] {
            let refused = call.send().await.expect_problem(409, code);
            assert_eq!(refused["found_status"], found, "{}", refused.text);
        }
        let usd = json!({ "payment": paid, "merchant_refund_no": "USD", "amount": { "value": 1, "currency": "USD" } });
        merchant.client.post("/v1/refunds", &usd).send().await.expect_problem(422, "currency_differs");
        let nobody = json!({ "payment": "pay_00000000000000000000000000", "merchant_refund_no": "N", "amount": cny(1) });
        merchant.client.post("/v1/refunds", &nobody).send().await.expect_problem(404, "payment_not_found");
        let after = (merchant.payment(&waiting).await.json, merchant.payment(&paid).await.json, rows());
        assert_eq!(before, after);
    });
}
