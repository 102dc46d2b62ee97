//! Money that a payment may not keep, or not yet: R03, R04, R05.

use crate::harness::books::Books;
use crate::harness::callback::{Channel, paid, trade_no};
use crate::harness::merchant::text;
use crate::harness::{Merchant, on_shared, until};
use channels::sandbox::{CallbackBody, CallbackState};
use serde_json::{Value, json};

/// The only refund of a payment, once it has this status.
async fn refund_of(merchant: &Merchant<'_>, payment: &str, status: &str) -> Value {
    until(&format!("refund of {payment} {status}"), || async {
        let rows = merchant.all(&format!("/v1/refunds?payment={payment}")).await;
        assert!(rows.len() <= 1, "{rows:?}");
        rows.into_iter().find(|row| row["status"] == status)
    })
    .await
}

/// Two tries of one order are both paid: the first counts, the second goes back by itself.
#[test]
fn r03_both_tries_paid() {
    on_shared(async |server| {
        let (merchant, channel) = (Merchant::new(server).await, Channel::of(server));
        let made = merchant.waiting(20_000, None).await;
        let (id, first) = (made.id(), text(&made["latest_attempt"], "id"));
        let declined = CallbackBody {
            state: CallbackState::Declined,
            code: Some("PAYER_DECLINED".to_owned()),
            message: Some("No.".to_owned()),
            ..paid(&first, 20_000)
        };
        channel.post(&declined).send().await.expect(200);
        merchant.payment_when(&id, "declined", |p| p["latest_attempt"]["status"] == "failed").await;
        let path = format!("/v1/payments/{id}/attempts");
        let body = json!({ "sandbox_outcome": "pay_after_close" });
        let second = merchant.client.post(&path, &body).key("second").send().await.expect(201).id();
        // Now the first one turns out to be paid; closing the second makes its payer pay too.
        channel.post(&paid(&first, 20_000)).send().await.expect(200);
        let payment = merchant.payment(&id).await;
        assert_eq!(payment["status"], "succeeded", "{}", payment.text);
        let refund = refund_of(&merchant, &id, "succeeded").await;
        assert_eq!(
            (&refund["merchant_refund_no"], &refund["amount"]["value"]),
            (&Value::Null, &json!(20_000))
        );
        let payment = merchant.payment(&id).await;
        assert_eq!(
            (&payment["status"], &payment["amount_captured"]["value"]),
            (&json!("succeeded"), &json!(20_000))
        );
        assert_eq!(
            (&payment["amount_refunded"]["value"], &payment["refund_status"]),
            (&json!(0), &json!("none"))
        );
        assert_eq!(merchant.worth().await, 20_000 - 120);
        // The same notices again change nothing and are acknowledged.
        let again = CallbackBody { trade_no: trade_no(&first), ..paid(&first, 20_000) };
        channel.post(&again).send().await.expect(200);
        assert_eq!(merchant.worth().await, 20_000 - 120);
        let attempts = merchant.all(&path).await;
        let statuses: Vec<&Value> = attempts.iter().map(|attempt| &attempt["status"]).collect();
        assert_eq!(statuses, [&json!("succeeded"), &json!("succeeded")]);
        assert!(attempts.iter().any(|attempt| attempt["id"] == second.as_str()));
        let types = merchant.event_types(&id).await;
        assert_eq!(types.iter().filter(|kind| *kind == "payment.succeeded").count(), 1, "{types:?}");
        assert_eq!(types.iter().filter(|kind| *kind == "payment.flagged").count(), 1, "{types:?}");
    });
}

/// Paid after the close was confirmed: stays closed, goes back, both are told.
#[test]
fn r04_paid_after_closed() {
    on_shared(async |server| {
        let merchant = Merchant::new(server).await;
        let id = merchant.waiting(7_700, Some("pay_after_close")).await.id();
        merchant.pay(&id, None).send().await.expect(200);
        let path = format!("/v1/payments/{id}/close");
        let closed = merchant.client.call("POST", &path).send().await.expect(200);
        assert_eq!(
            (&closed["status"], &closed["status_reason"]),
            (&json!("closed"), &json!("merchant_closed"))
        );
        let refund = refund_of(&merchant, &id, "succeeded").await;
        assert_eq!(
            (&refund["merchant_refund_no"], &refund["amount"]["value"]),
            (&Value::Null, &json!(7_700))
        );
        let payment = merchant.payment(&id).await;
        assert_eq!(
            (&payment["status"], &payment["status_reason"]),
            (&json!("closed"), &json!("paid_after_close"))
        );
        for name in ["amount_captured", "amount_refunded"] {
            assert_eq!(payment[name]["value"], 0, "{}", payment.text);
        }
        assert_eq!((&payment["fee"], merchant.worth().await), (&Value::Null, 0));
        let types = merchant.event_types(&id).await;
        assert_eq!(
            types,
            ["payment.created", "payment.requires_action", "payment.closed", "payment.flagged"]
        );
        assert_eq!(merchant.event_types(&text(&refund, "id")).await, ["refund.created", "refund.succeeded"]);
        // Closed once more: unchanged, 200.
        let again = merchant.client.call("POST", &path).send().await.expect(200);
        assert_eq!(again["status"], "closed");
        assert!(merchant.all("/v1/balance_transactions").await.is_empty());
    });
}

/// The channel reports another amount: held and flagged, ended by neither close nor expiry, resolved by a person.
#[test]
fn r05_another_amount_or_currency_is_held() {
    on_shared(async |server| {
        let merchant = Merchant::new(server).await;
        for (outcome, resolution, status) in [
            ("other_amount", "--keep", "succeeded"),
            ("other_amount", "--send-back", "closed"),
            ("other_currency", "--send-back", "closed"),
        ] {
            let made =
                merchant.create(&merchant.order("bar_code", 10_000, Some(outcome))).send().await.expect(201);
            let id = made.id();
            let held = merchant.payment_when(&id, "held", |p| p["status_reason"] == "amount_mismatch").await;
            assert_eq!(
                (&held["status"], &held["amount_captured"]["value"]),
                (&json!("processing"), &json!(0))
            );
            assert_eq!(merchant.event_types(&id).await.last().map(String::as_str), Some("payment.flagged"));
            let close = merchant.client.call("POST", &format!("/v1/payments/{id}/close")).send().await;
            assert_ne!(close.status, 500, "{}", close.text);
            merchant.advance(3 * 3_600).await;
            let still = merchant.payment(&id).await;
            assert_eq!(
                (&still["status"], &still["status_reason"]),
                (&json!("processing"), &json!("amount_mismatch"))
            );
            let before = merchant.worth().await;
            server.cli(&["payment", "resolve", "--payment", &id, resolution]);
            let resolved = merchant.payment_in(&id, status).await;
            assert_eq!(resolved["status_reason"], "amount_mismatch");
            if resolution == "--keep" {
                // 9,999 of 10,000 came; 0.60 % of it is 60.
                assert_eq!(resolved["amount_captured"]["value"], 9_999);
                assert_eq!(merchant.worth().await, before + 9_999 - 60);
            } else {
                let refund = refund_of(&merchant, &id, "succeeded").await;
                let currency = if outcome == "other_currency" { "USD" } else { "CNY" };
                assert_eq!(refund["amount"]["currency"], currency);
                assert_eq!(merchant.worth().await, before);
            }
        }
        assert_eq!(Books::open(server).total(), 0);
    });
}
