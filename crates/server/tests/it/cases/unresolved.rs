//! Attempts whose outcome is not known yet: R01, R02.

use crate::harness::books::{Books, bare};
use crate::harness::{Merchant, on_shared, until};
use serde_json::json;

/// The channel took the money and every answer is lost: never failed on the way, booked once.
#[test]
fn r01_answers_time_out_and_the_money_is_booked_once() {
    on_shared(async |server| {
        let merchant = Merchant::new(server).await;
        let made =
            merchant.create(&merchant.order("bar_code", 12_345, Some("timeout"))).send().await.expect(201);
        let id = made.id();
        assert!(["created", "processing"].contains(&made["status"].as_str().unwrap()), "{}", made.text);
        let mut seen = Vec::new();
        until("the end of the attempt", || async {
            let attempt =
                &merchant.client.get(&format!("/v1/payments/{id}/attempts")).await.expect(200)["data"][0];
            Some(attempt["status"].as_str().unwrap().to_owned())
        })
        .await;
        for _ in 0..1_000 {
            let payment = merchant.payment(&id).await;
            let attempt = payment["latest_attempt"]["status"].as_str().unwrap().to_owned();
            assert!(payment["status"] != "failed" && payment["status"] != "closed", "{}", payment.text);
            if seen.last() != Some(&attempt) {
                seen.push(attempt);
            }
            if payment["status"] == "succeeded" {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(30)).await;
        }
        assert_eq!(seen.last().map(String::as_str), Some("succeeded"), "{seen:?}");
        assert!(seen.contains(&"unknown".to_owned()), "{seen:?}");
        assert_eq!(Books::open(server).posting_kinds_of(&id), ["payment_succeeded"]);
        assert_eq!(merchant.bucket("pending").await, 12_345 - 74);
    });
}

/// The payer paid, no callback came, and the expiry passes before anybody asked: the money counts.
#[test]
fn r01_expiry_does_not_end_what_was_paid_unheard() {
    on_shared(async |server| {
        let merchant = Merchant::new(server).await;
        let id = merchant.waiting(5_000, None).await.id();
        merchant.pay(&id, Some("timeout")).send().await.expect(200);
        merchant.advance(3 * 3_600).await;
        let payment = merchant.payment_in(&id, "succeeded").await;
        assert_eq!(payment["amount_captured"]["value"], 5_000);
        assert_eq!(Books::open(server).postings_of(&id), 1);
    });
}

/// While the first try is not resolved there is no second one.
#[test]
fn r02_no_second_charge_while_the_first_is_unknown() {
    on_shared(async |server| {
        let merchant = Merchant::new(server).await;
        let id = merchant
            .create(&merchant.order("bar_code", 8_000, Some("timeout")))
            .send()
            .await
            .expect(201)
            .id();
        let path = format!("/v1/payments/{id}/attempts");
        let again = json!({ "auth_code": "134500000000000002", "sandbox_outcome": "succeed" });
        let refused = merchant.client.post(&path, &again).key("again-1").send().await;
        refused.expect_problem(409, "attempt_unresolved");
        merchant.payment_in(&id, "succeeded").await;
        let late = merchant.client.post(&path, &again).key("again-2").send().await;
        late.expect_problem(409, "payment_not_payable");
        assert_eq!(merchant.all(&path).await.len(), 1);
        assert_eq!(Books::open(server).postings_of(&id), 1);
    });
}

/// A try that waits for its payer is unresolved too; a declined one makes room for the next, and the order is charged once.
#[test]
fn r02_after_a_decline_the_next_try_pays() {
    on_shared(async |server| {
        let merchant = Merchant::new(server).await;
        let id = merchant.waiting(8_100, None).await.id();
        let path = format!("/v1/payments/{id}/attempts");
        merchant
            .client
            .post(&path, &json!({}))
            .key("too-early")
            .send()
            .await
            .expect_problem(409, "attempt_unresolved");
        merchant.pay(&id, Some("decline")).send().await.expect(200);
        let declined =
            merchant.payment_when(&id, "declined", |p| p["latest_attempt"]["status"] == "failed").await;
        assert_eq!(
            (&declined["status"], &declined["next_action"]),
            (&json!("requires_action"), &json!(null))
        );
        let second = merchant.client.post(&path, &json!({})).key("second").send().await.expect(201);
        assert_eq!(second["payment"], id);
        merchant.pay(&id, None).send().await.expect(200);
        let paid = merchant.payment_in(&id, "succeeded").await;
        assert_eq!(paid["latest_attempt"]["id"], second["id"]);
        assert_ne!(bare(&second.id()), bare(&id));
        assert_eq!(Books::open(server).postings_of(&id), 1);
    });
}
