//! R57: a signed request that somebody captured is worth nothing the second time.

use super::endpoints::{all_told, listen_at};
use super::signing::{Draft, Pair};
use super::untouched::Picture;
use crate::harness::merchant::text;
use crate::harness::{Merchant, Receiver, cny, on_own, until};
use crypto::key::Alg;
use serde_json::{Value, json};

/// Every command by which something comes to be, signed.
async fn captured(merchant: &Merchant<'_>, receiver: &Receiver, pair: &Pair) -> Vec<Draft> {
    let server = merchant.server;
    let endpoint = listen_at(merchant, &receiver.url, &["*"]).await.id();
    let paid = merchant.paid(9_000).await.id();
    let (held, given_up) = (merchant.authorized(9_000).await.id(), merchant.authorized(9_000).await.id());
    let declined = merchant.waiting(500, Some("decline")).await.id();
    merchant.pay(&declined, Some("decline")).send().await.expect(200);
    until("a declined try", || async {
        let payment = merchant.payment(&declined).await;
        (payment["latest_attempt"]["status"] == "failed").then_some(())
    })
    .await;
    let (closing, paying) = (merchant.waiting(500, None).await.id(), merchant.waiting(500, None).await.id());
    all_told(merchant).await;
    let told = text(&merchant.all("/v1/webhook_deliveries").await[0], "id");
    let spare = merchant.client.post("/v1/api_keys", &json!({ "name": "spare", "generate_bearer": true }));
    let spare = spare.key("spare").send().await.expect(201).id();
    let draft = |path: &str, body: &Value, keyed: bool| {
        let bytes = if *body == json!({}) { Vec::new() } else { body.to_string().into_bytes() };
        let mut draft = Draft::new(server, "POST", path, &bytes, pair);
        if keyed {
            draft.header("idempotency-key", &merchant.next_no("captured"));
        }
        draft
    };
    let none = json!({});
    let mut patch = Draft::new(
        server,
        "PATCH",
        &format!("/v1/webhook_endpoints/{endpoint}"),
        br#"{"description":"x"}"#,
        pair,
    );
    patch.method = "PATCH";
    vec![
        draft("/v1/payments", &merchant.order("bar_code", 100, Some("succeed")), false),
        draft("/v1/payments", &merchant.order("bar_code", 100, Some("succeed")), true),
        draft(
            "/v1/refunds",
            &json!({ "payment": paid, "merchant_refund_no": "R-1", "amount": cny(10) }),
            false,
        ),
        draft(
            "/v1/refunds",
            &json!({ "payment": paid, "merchant_refund_no": "R-2", "amount": cny(10) }),
            true,
        ),
        draft(&format!("/v1/payments/{held}/captures"), &json!({ "amount": cny(10), "final": false }), true),
        draft(&format!("/v1/payments/{given_up}/void"), &none, false),
        draft(&format!("/v1/payments/{closing}/close"), &none, false),
        draft(&format!("/v1/payments/{declined}/attempts"), &none, true),
        draft(&format!("/v1/sandbox/payments/{paying}/pay"), &none, false),
        draft("/v1/sandbox/clock", &json!({ "advance_seconds": 5 }), false),
        draft("/v1/webhook_endpoints", &json!({ "url": format!("{}/2", receiver.url) }), true),
        patch,
        draft(&format!("/v1/webhook_endpoints/{endpoint}/rotate_secret"), &none, false),
        draft(&format!("/v1/webhook_endpoints/{endpoint}/test"), &none, false),
        draft(&format!("/v1/webhook_deliveries/{told}/replay"), &none, false),
        draft("/v1/api_keys", &json!({ "name": "new", "generate_bearer": true }), true),
        draft(&format!("/v1/api_keys/{spare}/rotate"), &none, false),
        draft(&format!("/v1/api_keys/{spare}/revoke"), &none, false),
    ]
}

async fn quiet(merchant: &Merchant<'_>) {
    until("end of what is under way", || async {
        let open = ["created", "processing"];
        let payments = merchant.all("/v1/payments").await;
        let refunds = merchant.all("/v1/refunds?status=pending").await;
        let rest = payments.iter().all(|payment| !open.contains(&payment["status"].as_str().unwrap_or("")));
        (rest && refunds.is_empty()).then_some(())
    })
    .await;
    all_told(merchant).await;
}

#[test]
fn r57_a_captured_request_is_refused_also_after_a_restart() {
    on_own(&[], async |server| {
        let (merchant, receiver) = (Merchant::new(server).await, Receiver::start().await);
        let pair = Pair::new(&merchant, Alg::Ed25519).await;
        let drafts = captured(&merchant, &receiver, &pair).await;
        for draft in &drafts {
            let first = draft.call(server, &pair).send().await;
            assert!(matches!(first.status, 200..=202), "{} {}: {}", draft.method, draft.path, first.text);
        }
        quiet(&merchant).await;
        let before = Picture::of(server);
        for restarted in [false, true] {
            if restarted {
                server.crash();
            }
            for draft in &drafts {
                let again = draft.call(server, &pair).send().await;
                let what = format!("{} {} restarted: {restarted}", draft.method, draft.path);
                assert_eq!((again.status, again.code()), (401, "nonce_reused"), "{what}: {}", again.text);
                assert_eq!(again["retryable"], true, "{what}");
                before.assert_same(server, &what);
            }
        }
        // Signed again, with the same Idempotency-Key: answered as before.
        let mut draft = drafts[1].clone();
        draft.set("nonce", &format!("\"{}\"", crate::harness::client::fresh_nonce()));
        let again = draft.call(server, &pair).send().await.expect(200);
        assert!(again.is_replayed(), "{}", again.text);
        before.assert_same(server, "a replay");
    });
}

/// A nonce is stored only with an effect: what was refused before the commit may be mended and sent with it.
#[test]
fn r57_a_refused_request_does_not_use_its_nonce() {
    on_own(&[], async |server| {
        let merchant = Merchant::new(server).await;
        let pair = Pair::new(&merchant, Alg::Ed25519).await;
        let nonce = format!("\"{}\"", crate::harness::client::fresh_nonce());
        let mut bad = merchant.order("bar_code", 100, Some("succeed"));
        bad["amount"]["value"] = json!("100");
        let mut draft = Draft::new(server, "POST", "/v1/payments", bad.to_string().as_bytes(), &pair);
        draft.set("nonce", &nonce);
        for _ in 0..2 {
            draft.call(server, &pair).send().await.expect_problem(400, "amount_invalid");
        }
        let good = merchant.order("bar_code", 100, Some("succeed")).to_string();
        let mut draft = Draft::new(server, "POST", "/v1/payments", good.as_bytes(), &pair);
        draft.set("nonce", &nonce);
        draft.call(server, &pair).send().await.expect(201);
        // Another key's nonce is another nonce.
        let other = Pair::new(&merchant, Alg::EcdsaP256Sha256).await;
        let good = merchant.order("bar_code", 100, Some("succeed")).to_string();
        let mut draft = Draft::new(server, "POST", "/v1/payments", good.as_bytes(), &other);
        draft.set("nonce", &nonce);
        draft.call(server, &other).send().await.expect(201);
    });
}
