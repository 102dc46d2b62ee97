//! Refunds: R14, R16, R17, R66.

use crate::harness::books::{Books, bare};
use crate::harness::callback::{Channel, paid};
use crate::harness::merchant::text;
use crate::harness::{Merchant, Price, cny, on_shared};
use channels::sandbox::{CallbackBody, CallbackKind, CallbackState};
use futures::future::join_all;
use serde_json::{Value, json};

/// Two refunds of 60 on 100, at once and one after the other: exactly one is accepted, and only one reaches the channel.
#[test]
fn r14_two_refunds_of_sixty_on_one_hundred() {
    on_shared(async |server| {
        let merchant = Merchant::new(server).await;
        for at_once in [true, true, true, false] {
            let id = merchant.paid(10_000).await.id();
            let call = || merchant.refund(&id, Some(6_000), None).send();
            let answers =
                if at_once { join_all([call(), call()]).await } else { vec![call().await, call().await] };
            let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
            statuses.sort_unstable();
            assert_eq!(statuses, [201, 422], "{answers:?}");
            let refused = answers.into_iter().find(|answer| answer.status == 422).unwrap();
            refused.expect_problem(422, "refund_exceeds_remaining");
            let rows = merchant.all(&format!("/v1/refunds?payment={id}")).await;
            assert_eq!(rows.len(), 1, "{rows:?}");
            let payment =
                merchant.payment_when(&id, "refunded", |p| p["amount_refunded"]["value"] == 6_000).await;
            assert_eq!(payment["refund_status"], "partial");
        }
        // 0.60 % of 100.00 is 60; of what went back, 36 come back.
        assert_eq!(merchant.worth().await, 4 * (10_000 - 60 - 6_000 + 36));
    });
}

/// Refund exactly the rest; then nothing is left.
#[test]
fn r16_the_rest_exactly() {
    on_shared(async |server| {
        let merchant = Merchant::new(server).await;
        let id = merchant.paid(10_001).await.id();
        merchant.refund(&id, Some(3_333), None).send().await.expect(201);
        let rest = merchant.refund(&id, None, None).send().await.expect(201);
        assert_eq!(rest["amount"]["value"], 6_668);
        merchant.refund_in(&rest.id(), "succeeded").await;
        let full = merchant.payment(&id).await;
        assert_eq!(
            (&full["refund_status"], &full["amount_refunded"]["value"]),
            (&json!("full"), &json!(10_001))
        );
        for minor in [Some(1), None] {
            let none_left = merchant.refund(&id, minor, None).send().await;
            none_left.expect_problem(422, "refund_exceeds_remaining");
        }
        assert_eq!(merchant.worth().await, 0);
    });
}

/// A refund that failed frees its amount and gives everything back.
#[test]
fn r16_after_a_failed_refund() {
    on_shared(async |server| {
        let merchant = Merchant::new(server).await;
        let id = merchant.paid(10_000).await.id();
        let failing = merchant.refund(&id, None, Some("fail")).send().await.expect(201);
        let failed = merchant.refund_in(&failing.id(), "failed").await;
        assert_eq!(failed["fee_returned"]["value"], 0);
        assert_eq!(failed["failure"]["channel_code"], "ACCOUNT_ABNORMAL");
        let payment = merchant.payment(&id).await;
        assert_eq!((&payment["refund_status"], &payment["status"]), (&json!("none"), &json!("succeeded")));
        assert_eq!(merchant.worth().await, 10_000 - 60);
        let lines = merchant.all(&format!("/v1/balance_transactions?source={}", failing.id())).await;
        let sum: i64 = lines.iter().map(|line| line["amount"]["value"].as_i64().unwrap()).sum();
        assert!(lines.len() >= 4 && sum == 0, "its lines are repeated with the sign turned: {lines:?}");
        let again = merchant.refund(&id, None, None).send().await.expect(201);
        assert_eq!(again["amount"]["value"], 10_000);
        merchant.refund_in(&again.id(), "succeeded").await;
        assert_eq!(merchant.worth().await, 0);
        let types = merchant.event_types(&failing.id()).await;
        assert_eq!(types, ["refund.created", "refund.failed"]);
    });
}

/// On a partly captured payment the base is what was captured.
#[test]
fn r16_on_partly_captured() {
    on_shared(async |server| {
        let merchant = Merchant::new(server).await;
        let id = merchant.authorized(10_000).await.id();
        let sixty = json!({ "amount": cny(6_000), "final": true });
        merchant.capture(&id, &sixty).send().await.expect(201);
        merchant.payment_in(&id, "succeeded").await;
        let above = merchant.refund(&id, Some(6_001), None).send().await;
        above.expect_problem(422, "refund_exceeds_remaining");
        let all = merchant.refund(&id, None, None).send().await.expect(201);
        assert_eq!(all["amount"]["value"], 6_000);
        merchant.refund_in(&all.id(), "succeeded").await;
        let payment = merchant.payment(&id).await;
        assert_eq!(payment["refund_status"], "full");
        assert_eq!(merchant.worth().await, 0);
    });
}

/// The refund's answer is lost: it is asked for; the callback afterwards changes nothing.
#[test]
fn r17_a_refunds_answer_is_lost() {
    on_shared(async |server| {
        let (merchant, channel) = (Merchant::new(server).await, Channel::of(server));
        let made = merchant.paid(5_000).await;
        let attempt = text(&made["latest_attempt"], "id");
        let refund = merchant.refund(&made.id(), Some(2_000), Some("lose_answer")).send().await.expect(201);
        let done = merchant.refund_in(&refund.id(), "succeeded").await;
        let number = text(&done.json, "channel_refund_no");
        let worth = merchant.worth().await;
        let postings = Books::open(server).posting_kinds_of(&refund.id());
        assert_eq!(postings, ["refund_accepted", "refund_taken"]);
        let notice = CallbackBody {
            kind: CallbackKind::Refund,
            refund_no: Some(bare(&refund.id())),
            trade_no: number.clone(),
            state: CallbackState::Succeeded,
            ..paid(&attempt, 2_000)
        };
        channel.post(&notice).send().await.expect(200);
        assert_eq!(Books::open(server).posting_kinds_of(&refund.id()), postings);
        let after = merchant.client.get(&format!("/v1/refunds/{}", refund.id())).await.expect(200);
        assert_eq!((&after["channel_refund_no"], &after["sequence"]), (&json!(number), &done["sequence"]));
        assert_eq!((merchant.worth().await, worth), (worth, 5_000 - 30 - 2_000 + 12));
    });
}

/// A preview writes nothing and says what would happen.
#[test]
fn r14_a_preview_of_a_refund_writes_nothing() {
    on_shared(async |server| {
        let merchant = Merchant::new(server).await;
        let id = merchant.paid(10_000).await.id();
        let body = json!({ "payment": id, "merchant_refund_no": "PREVIEW", "amount": cny(4_000) });
        let dry = "/v1/refunds?dry_run=true";
        let preview = merchant.client.post(dry, &body).send().await.expect(200);
        assert_eq!(
            (&preview["amount"]["value"], &preview["fee_returned"]["value"]),
            (&json!(4_000), &json!(24))
        );
        assert!(merchant.all("/v1/refunds").await.is_empty());
        assert_eq!(merchant.worth().await, 10_000 - 60);
        merchant.client.post(dry, &body).key("preview").send().await.expect_problem(400, "field_invalid");
        let above = json!({ "payment": id, "merchant_refund_no": "PREVIEW", "amount": cny(10_001) });
        merchant.client.post(dry, &above).send().await.expect_problem(422, "refund_exceeds_remaining");
    });
}

/// Thirds and the whole give back the same fee, whatever the rate; nothing is left anywhere.
#[test]
fn r66_thirds_give_back_what_the_whole_does() {
    on_shared(async |server| {
        for (rate, fixed) in [("0.60", "0"), ("0.38", "10"), ("2.99", "30"), ("0.01", "1"), ("0", "0")] {
            let price = Price { rate, fixed, ..Price::default() };
            let merchant = Merchant::with(server, price, &[]).await;
            let (thirds, whole) = (merchant.paid(10_000).await, merchant.paid(10_000).await);
            assert_eq!(thirds["fee"], whole["fee"]);
            let mut returned = 0;
            for minor in [3_333, 3_333, 3_334] {
                let part = merchant.refund(&thirds.id(), Some(minor), None).send().await.expect(201);
                returned += part["fee_returned"]["value"].as_i64().unwrap();
                merchant.refund_in(&part.id(), "succeeded").await;
            }
            let all = merchant.refund(&whole.id(), None, None).send().await.expect(201);
            merchant.refund_in(&all.id(), "succeeded").await;
            assert_eq!(Value::from(returned), thirds["fee"]["value"], "{rate}");
            assert_eq!(all["fee_returned"], whole["fee"], "{rate}");
            assert_eq!(merchant.worth().await, 0, "{rate}");
        }
    });
}
