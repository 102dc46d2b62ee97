//! Who calls: bearer tokens, keys that are revoked, expired, limited or of other addresses.

use super::signing::{Draft, Pair};
use super::untouched::Picture;
use crate::harness::client::Credentials;
use crate::harness::merchant::text;
use crate::harness::{Client, Merchant, on_own, until};
use crypto::key::Alg;
use serde_json::{Value, json};

#[test]
fn bad_credentials_are_named() {
    on_own(&[], async |server| {
        let merchant = Merchant::new(server).await;
        let Credentials::Bearer(token) = merchant.client.credentials.clone() else { panic!("a bearer key") };
        let before = Picture::of(server);
        let shorter = &token[..token.len() - 1];
        for (line, code) in [
            (None, "credentials_missing"),
            (Some("Basic dXNlcjp3b3Jk".to_owned()), "credentials_missing"),
            (Some("Bearer".to_owned()), "credentials_missing"),
            (Some(token.clone()), "credentials_missing"),
            (Some("Bearer ".to_owned()), "credentials_missing"),
            (Some("Bearer fqsk_sandbox_AAAA".to_owned()), "key_unknown"),
            (Some(format!("Bearer {shorter}")), "key_unknown"),
            (Some(format!("Bearer {token}x")), "key_unknown"),
            (Some(format!("Bearer {}", token.to_uppercase())), "key_unknown"),
            (
                Some("Bearer fqsk_sandbox_NZ1vmWfzZYrQH0why-M-xphG-jQ48K9arHpm4GKEzpU".to_owned()),
                "key_unknown",
            ),
        ] {
            for method in ["GET", "POST"] {
                let mut call = server.client().call(method, "/v1/payments");
                if method == "POST" {
                    call = call.json(&merchant.order("qr_code", 100, None));
                }
                if let Some(line) = &line {
                    call = call.header("authorization", line);
                }
                let answer = call.send().await;
                assert_eq!((answer.status, answer.code()), (401, code), "{method} {line:?}: {}", answer.text);
                let answer = answer.expect_problem(401, code);
                assert!(!answer.text.contains(shorter), "the answer repeats the token: {}", answer.text);
            }
        }
        let twice =
            merchant.client.call("GET", "/v1/whoami").header("authorization", "Bearer fqsk_sandbox_x");
        twice.send().await.expect_problem(401, "credentials_missing");
        before.assert_same(server, "bad credentials");
        let lower = format!("bearer {token}");
        server.client().call("GET", "/v1/whoami").header("authorization", &lower).send().await.expect(200);
    });
}

async fn key(merchant: &Merchant<'_>, members: &[(&str, Value)]) -> (String, Client) {
    let mut body = json!({ "name": "k", "generate_bearer": true });
    for (name, value) in members {
        body[*name] = value.clone();
    }
    let made =
        merchant.client.post("/v1/api_keys", &body).key(&merchant.next_no("k")).send().await.expect(201);
    let bearer = text(&made.json, "bearer");
    (made.id(), merchant.client.with(Credentials::Bearer(bearer)))
}

#[test]
fn revoked_expired_and_limited_keys() {
    on_own(&[], async |server| {
        let merchant = Merchant::new(server).await;
        let paid = merchant.paid(1_000).await.id();
        let (id, caller) = key(&merchant, &[]).await;
        caller.get("/v1/whoami").await.expect(200);
        let revoked =
            merchant.client.post(&format!("/v1/api_keys/{id}/revoke"), &json!({})).send().await.expect(200);
        assert!(revoked["revoked_at"].is_string(), "{}", revoked.text);
        caller.get("/v1/whoami").await.expect_problem(401, "key_revoked");
        caller
            .post("/v1/payments", &merchant.order("qr_code", 1, None))
            .send()
            .await
            .expect_problem(401, "key_revoked");

        let now = merchant.client.get("/v1/whoami").await.expect(200);
        let now = text(&now.json, "server_time");
        let soon = format!("{}.999Z", &now[..19]);
        let body = json!({ "name": "k", "generate_bearer": true, "expires_at": soon });
        let made = merchant.client.post("/v1/api_keys", &body).key("soon").send().await;
        if made.status == 201 {
            let caller = merchant.client.with(Credentials::Bearer(text(&made.json, "bearer")));
            let refused = until("end of a key", || async {
                let answer = caller.get("/v1/whoami").await;
                (answer.status != 200).then_some(answer)
            });
            refused.await.expect_problem(401, "key_expired");
        } else {
            made.expect_problem(400, "field_invalid");
        }

        let (_, elsewhere) = key(&merchant, &[("ip_allow", json!(["203.0.113.0/24"]))]).await;
        elsewhere.get("/v1/whoami").await.expect_problem(403, "ip_not_allowed");
        let spoofed = elsewhere.call("GET", "/v1/whoami").header("x-forwarded-for", "203.0.113.7");
        spoofed.send().await.expect_problem(403, "ip_not_allowed");
        let (_, here) = key(&merchant, &[("ip_allow", json!(["127.0.0.0/8"]))]).await;
        here.get("/v1/whoami").await.expect(200);

        let (_, reader) = key(&merchant, &[("permissions", json!(["payments.read"]))]).await;
        reader.get(&format!("/v1/payments/{paid}")).await.expect(200);
        let before = Picture::of(server);
        for path in ["/v1/refunds", "/v1/balances", "/v1/events", "/v1/api_keys", "/v1/webhook_endpoints"] {
            reader.get(path).await.expect_problem(403, "permission_missing");
        }
        reader
            .post("/v1/payments", &merchant.order("qr_code", 1, None))
            .send()
            .await
            .expect_problem(403, "permission_missing");
        let refund = json!({ "payment": paid, "merchant_refund_no": "R" });
        reader.post("/v1/refunds", &refund).send().await.expect_problem(403, "permission_missing");
        before.assert_same(server, "a key without permission");
    });
}

/// Also the addresses that a key may come from are handed on within its own, by making and by rotating.
#[test]
fn a_limited_key_makes_none_for_more_addresses() {
    on_own(&[], async |server| {
        let merchant = Merchant::new(server).await;
        let (wide, _) = key(&merchant, &[]).await;
        let (own, maker) = key(&merchant, &[("ip_allow", json!(["127.0.0.0/8"]))]).await;
        let before = Picture::of(server);
        let refused = |answer: crate::harness::Answer| {
            let answer = answer.expect_problem(403, "permission_missing");
            assert_eq!(
                (answer.pointer(), &answer["errors"][0]["allowed"]),
                ("/ip_allow", &json!(["127.0.0.0/8"]))
            );
        };
        for addresses in [json!(null), json!([]), json!(["127.0.0.1", "203.0.113.7"]), json!(["0.0.0.0/0"])] {
            let body = json!({ "name": "wide", "generate_bearer": true, "ip_allow": addresses });
            refused(maker.post("/v1/api_keys", &body).key(&merchant.next_no("k")).send().await);
        }
        let rotate = |id: &str| {
            maker.post(&format!("/v1/api_keys/{id}/rotate"), &json!({})).key(&merchant.next_no("k"))
        };
        refused(rotate(&wide).send().await);
        before.assert_same(server, "a key for more addresses");
        let body = json!({ "name": "narrow", "generate_bearer": true, "ip_allow": ["127.0.0.1"] });
        maker.post("/v1/api_keys", &body).key(&merchant.next_no("k")).send().await.expect(201);
        let next = rotate(&own).send().await.expect(200);
        assert_eq!(next["ip_allow"], json!(["127.0.0.0/8"]), "{}", next.text);
    });
}

/// Nobody hands out more than they have; a rotated key works beside the old one.
#[test]
fn keys_make_no_wider_keys_and_rotate() {
    on_own(&[], async |server| {
        let merchant = Merchant::new(server).await;
        let (_, maker) = key(&merchant, &[("permissions", json!(["api_keys.write", "payments.read"]))]).await;
        let before = Picture::of(server);
        for permissions in [json!([]), json!(["payments.read", "refunds.create"])] {
            let body = json!({ "name": "wide", "generate_bearer": true, "permissions": permissions });
            let refused = maker.post("/v1/api_keys", &body).key(&merchant.next_no("k")).send().await;
            assert_eq!((refused.status, refused.code()), (403, "permission_missing"), "{}", refused.text);
        }
        before.assert_same(server, "a key that would be wider");
        let pair = Pair::new(&merchant, Alg::Ed25519).await;
        let (id, old) = key(&merchant, &[]).await;
        let path = format!("/v1/api_keys/{id}/rotate");
        let rotated = merchant.client.post(&path, &json!({})).key("rotate-once").send().await.expect(200);
        let new = merchant.client.with(Credentials::Bearer(text(&rotated.json, "bearer")));
        new.get("/v1/whoami").await.expect(200);
        old.get("/v1/whoami").await.expect(200);
        let again = merchant.client.post(&path, &json!({})).key("rotate-once").send().await.expect(200);
        assert!(again.is_replayed() && again["bearer"].is_null(), "a secret is shown once: {}", again.text);
        let revoke = Draft::new(server, "POST", &format!("/v1/api_keys/{}/revoke", pair.id), b"", &pair);
        revoke.call(server, &pair).send().await.expect(200);
        Draft::get(server, "/v1/whoami", &pair)
            .call(server, &pair)
            .send()
            .await
            .expect_problem(401, "key_revoked");
    });
}
