//! Clients that share no line with ours: requests signed by PyPI's http-message-signatures over requests, deliveries verified
//! by PyPI's standardwebhooks.

use super::endpoints::{listen_at, until_accepted};
use super::python;
use super::signing::Pair;
use crate::harness::merchant::text;
use crate::harness::receiver::Delivered;
use crate::harness::{Merchant, Receiver, on_shared};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crypto::key::Alg;
use serde_json::{Value, json};

#[test]
fn http_message_signatures_signs_what_the_server_takes() {
    on_shared(async |server| {
        let merchant = Merchant::new(server).await;
        for alg in [Alg::Ed25519, Alg::EcdsaP256Sha256, Alg::RsaV15Sha256, Alg::RsaPssSha512] {
            let pair = Pair::new(&merchant, alg).await;
            let order = || merchant.order("bar_code", 1_250, Some("succeed"));
            let input = json!({
                "base_url": server.public_url(), "keyid": pair.id, "private_key": &*pair.key.to_pkcs8_pem(), "alg": alg.name(),
                "order": order(), "changed": { "body": order(), "path": order(), "digest": order(), "key": order() },
                "idempotency_key": merchant.next_no("py"),
            });
            let results = tokio::task::spawn_blocking(move || python::run("sign_request.py", &input))
                .await
                .expect("it ran");
            let expected = [
                ("whoami", 200, ""),
                ("list with a query", 200, ""),
                ("create", 201, ""),
                ("create again, signed again", 200, ""),
                ("the same signed request again", 401, "nonce_reused"),
                ("a changed byte of the body", 401, "digest_mismatch"),
                ("a changed byte of body and digest", 401, "signature_invalid"),
                ("a changed path", 401, "signature_invalid"),
                ("a changed idempotency key", 401, "signature_invalid"),
            ];
            let got: Vec<(&str, i64, &str)> = results
                .as_array()
                .expect("a list")
                .iter()
                .map(|result| {
                    let field = |name: &str| result[name].as_str().unwrap_or("");
                    (field("case"), result["status"].as_i64().unwrap_or(0), field("code"))
                })
                .collect();
            assert_eq!(got, expected, "{alg}: {results}");
        }
        assert_eq!(
            merchant.all("/v1/payments").await.len(),
            4,
            "one of each algorithm, none of a changed request"
        );
    });
}

fn as_input(delivered: &Delivered, secret: &str) -> Value {
    json!({
        "secret": secret, "id": delivered.id, "timestamp": delivered.timestamp, "signature": delivered.signature,
        "body": STANDARD.encode(&delivered.body),
    })
}

#[test]
fn standardwebhooks_verifies_what_is_delivered() {
    on_shared(async |server| {
        let (merchant, receiver) = (Merchant::new(server).await, Receiver::start().await);
        let made = listen_at(&merchant, &receiver.url, &["*"]).await;
        let old = text(&made.json, "secret");
        let first = merchant.paid(100).await.id();
        until_accepted(&merchant, &receiver, &first, 1).await;
        let rotate = format!("/v1/webhook_endpoints/{}/rotate_secret", made.id());
        let new = text(&merchant.client.post(&rotate, &json!({})).send().await.expect(200).json, "secret");
        let mut order = merchant.order("bar_code", 200, Some("succeed"));
        order["subject"] = json!("龙井茶 🍵 \u{2028}");
        let second = merchant.create(&order).send().await.expect(201).id();
        until_accepted(&merchant, &receiver, &second, 1).await;
        let (before, after) = (&receiver.accepted_of(&first)[0], &receiver.accepted_of(&second)[0]);
        let mut changed = as_input(after, &new);
        let mut body = after.body.clone();
        let at = body.len() / 2;
        body[at] ^= 1;
        changed["body"] = json!(STANDARD.encode(&body));
        let mut renamed = as_input(after, &new);
        renamed["id"] = json!(before.id);
        let mut later = as_input(after, &new);
        later["timestamp"] = json!((after.timestamp.parse::<i64>().expect("seconds") + 1).to_string());
        let cases = [
            ("before the rotation, its secret", as_input(before, &old), true),
            ("before the rotation, the next secret", as_input(before, &new), false),
            ("after the rotation, the new secret", as_input(after, &new), true),
            ("after the rotation, the old secret", as_input(after, &old), true),
            ("the merchant's default secret", as_input(after, &merchant.webhook_secret), false),
            ("a changed byte", changed, false),
            ("another id", renamed, false),
            ("another time", later, false),
        ];
        let input = Value::from(cases.iter().map(|(_, input, _)| input.clone()).collect::<Vec<_>>());
        let results = tokio::task::spawn_blocking(move || python::run("webhook_verify.py", &input))
            .await
            .expect("it ran");
        for ((what, _, holds), result) in cases.iter().zip(results.as_array().expect("a list")) {
            assert_eq!(result["verified"], *holds, "{what}: {result}");
        }
        assert_eq!(results[2]["event"]["data"]["object"]["subject"], "龙井茶 🍵 \u{2028}");
    });
}
