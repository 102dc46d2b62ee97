//! The hold by itself: by hand, beside a running server; what was signed before a restore.

use super::{backed_up, refused, text};
use crate::harness::client::{Credentials, fresh_nonce, now_s};
use crate::harness::{Merchant, Receiver, on_own, until};
use crypto::signature::{RequestParts, sign_request};
use http::HeaderMap;
use serde_json::json;

/// Held by hand in the middle of life: what is due stays due, callbacks are taken, and all goes on afterwards.
#[test]
fn a_running_server_is_held_and_let_go_within_seconds() {
    on_own(&[], async |server| {
        let merchant = Merchant::new(server).await;
        let receiver = Receiver::start().await;
        let hook = json!({ "url": receiver.url, "events": ["*"] });
        merchant.client.post("/v1/webhook_endpoints", &hook).key("hook").send().await.expect(201);
        let paid = merchant.paid(1_000).await.id();
        until("the first webhook", || async { (!receiver.accepted_of(&paid).is_empty()).then_some(()) })
            .await;
        // Late: its answer comes when nothing may leave any more.
        let late = merchant.create(&merchant.order("bar_code", 700, Some("answer_late"))).send().await;
        let late = late.expect(201).id();
        server.cli(&["hold"]);
        until("refusal of a payment", || async {
            let answer = merchant.create(&merchant.order("bar_code", 1_000, None)).send().await;
            (answer.code() == "installation_held").then_some(())
        })
        .await;
        assert_eq!(server.internal().get("/readyz").await.status, 503);
        assert!(!server.try_cli(&["health"]).status.success());
        let done = merchant.payment_in(&late, "succeeded").await.id();
        let test = format!("/v1/webhook_endpoints/{}/test", endpoint(&merchant).await);
        merchant.client.post(&test, &json!({})).key("test").send().await.expect(200);
        until("two deliveries that wait", || async {
            let rows = merchant.all("/v1/webhook_deliveries?status=pending").await;
            (rows.len() >= 2).then_some(())
        })
        .await;
        assert!(receiver.accepted_of(&done).is_empty(), "a webhook left while it was held");
        let resumed = server.cli(&["resume"]);
        assert_eq!(resumed["held"], false, "{resumed}");
        until("the webhook that waited", || async {
            (!receiver.accepted_of(&done).is_empty()).then_some(())
        })
        .await;
        merchant.paid(2_000).await;
        assert_eq!(server.internal().get("/readyz").await.status, 200);
    });
}

async fn endpoint(merchant: &Merchant<'_>) -> String {
    let rows = merchant.all("/v1/webhook_endpoints").await;
    rows[0]["id"].as_str().unwrap().to_owned()
}

#[test]
fn a_hold_survives_a_restart_and_bad_times_are_refused() {
    on_own(&[], async |server| {
        let merchant = Merchant::new(server).await;
        for time in ["yesterday", "2999-01-01T00:00:00Z"] {
            let said = refused(&server.try_cli(&["hold", "--books-of", time]));
            assert!(said.contains("--books-of"), "{said}");
        }
        server.cli(&["hold", "--books-of", "2026-01-01T00:00:00Z"]);
        server.kill();
        server.serve_held();
        merchant
            .create(&merchant.order("bar_code", 1, None))
            .send()
            .await
            .expect_problem(503, "installation_held");
        server.cli(&["resume"]);
        server.stop();
        server.serve();
        merchant.paid(1_000).await;
    });
}

/// The nonces used since the backup are forgotten, so a captured request could be sent once more: what was signed before the
/// restore is not taken.
#[test]
fn what_was_signed_before_the_restore_is_not_taken() {
    on_own(&[], async |server| {
        let merchant = Merchant::new(server).await.signing().await;
        let Credentials::Signed { keyid, key } = merchant.client.credentials.clone() else { unreachable!() };
        let backup = backed_up(server);
        let order = merchant.order("bar_code", 1_000, None).to_string().into_bytes();
        let signed = |created_s: i64| {
            let mut headers = HeaderMap::new();
            headers.insert("idempotency-key", "captured".parse().unwrap());
            let url = format!("{}/v1/payments", server.public_url());
            let parts = RequestParts { method: "POST", target_uri: &url, headers: &headers };
            let nonce = fresh_nonce();
            let made = sign_request(&key, &keyid, &parts, &order, created_s, Some(&nonce)).unwrap();
            made.apply(&mut headers).unwrap();
            let anonymous =
                server.client().call("POST", "/v1/payments").bytes("application/json", order.clone());
            headers
                .iter()
                .fold(anonymous, |call, (name, value)| call.header(name.as_str(), value.to_str().unwrap()))
        };
        let captured = signed(now_s() - 5);
        server.kill();
        let lost = server.lose_data();
        server.cli(&["restore", text(&backup), "--sandbox-books", text(&lost)]);
        server.cli(&["resume"]);
        server.serve();
        let answer = captured.send().await.expect_problem(401, "signature_time");
        assert!(answer["detail"].as_str().unwrap().contains("restored from a backup"), "{}", answer.text);
        signed(now_s()).send().await.expect(201);
        // Reads need no nonce and are not in question.
        merchant.client.get("/v1/whoami").await.expect(200);
    });
}
