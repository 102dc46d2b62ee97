//! `Feiqian-Merchant`: signed, of the key's world, and what holds for a partner's key as for any other.

use super::cast::{Cast, Partner};
use crate::cases_b::signing::{Draft, Pair};
use crate::cases_b::untouched::Picture;
use crate::harness::books::uid;
use crate::harness::merchant::text;
use crate::harness::{Merchant, Server, on_own, until};
use crypto::key::{Alg, PrivateKey};
use serde_json::{Value, json};

/// A key pair of a partner's, registered by its public half.
pub async fn signing(server: &Server, partner: &str, world: &str, options: &[&str]) -> Pair {
    let key = PrivateKey::generate_ed25519();
    let path = server.dir().join(format!("{}.pem", server.next_no("public")));
    std::fs::write(&path, key.public_key_pem()).expect("the public key is written");
    let file = path.display().to_string();
    let create = ["key", "create", "--partner", partner, "--world", world, "--public-key", &file];
    let id = text(&server.cli(&[&create[..], options].concat()), "id");
    let pair = Pair { id, key, alg: Alg::Ed25519 };
    until("a node that knows the key", || async {
        let answer = Draft::get(server, "/v1/whoami", &pair).call(server, &pair).send().await;
        (answer.code() != "key_unknown").then_some(())
    })
    .await;
    pair
}

fn order_draft(merchant: &Merchant<'_>, server: &Server, pair: &Pair) -> Draft {
    let body = merchant.order("bar_code", 700, Some("succeed")).to_string();
    Draft::new(server, "POST", "/v1/payments", body.as_bytes(), pair)
}

#[test]
fn the_header_is_signed_and_of_the_keys_world() {
    on_own(&[], async |server| {
        let cast = Cast::new(server).await;
        let pair = signing(server, &cast.p.id, "sandbox", &[]).await;
        let mut good = order_draft(&cast.a1, server, &pair);
        good.header("feiqian-merchant", &cast.a1.id);
        let made = good.call(server, &pair).send().await.expect(201);
        assert_eq!(made["merchant"], cast.a1.id.as_str());
        // In any case, as every id.
        let mut upper = Draft::get(server, "/v1/whoami", &pair);
        upper.header("feiqian-merchant", &cast.a1.id.to_uppercase());
        let whoami = upper.call(server, &pair).send().await.expect(200);
        assert_eq!(whoami["merchant"], cast.a1.id.as_str());

        let create =
            ["merchant", "create", "--world", "live", "--partner", &cast.p.id, "--name", "Live House"];
        let live = text(&server.cli(&create), "id");
        let live_pair = signing(server, &cast.p.id, "live", &[]).await;
        let before = Picture::of(server);
        let mut unsigned = order_draft(&cast.a1, server, &pair);
        unsigned.header("feiqian-merchant", &cast.a1.id);
        unsigned.uncover("feiqian-merchant");
        unsigned.call(server, &pair).send().await.expect_problem(401, "signature_component_missing");
        // Somebody on the way adds a merchant.
        let mut forged = order_draft(&cast.a1, server, &pair);
        forged.header("feiqian-merchant", &cast.a1.id);
        forged.spoil =
            |signed| signed.more.push(("feiqian-merchant", "mch_00000000000000000000000000".to_owned()));
        forged.call(server, &pair).send().await.expect_problem(401, "signature_invalid");

        let other = cast.p.acting(&live, "GET", "/v1/whoami").send().await;
        other.expect_problem(401, "key_wrong_world");
        let mut wrong = Draft::get(server, "/v1/balances", &live_pair);
        wrong.header("feiqian-merchant", &cast.a1.id);
        wrong.call(server, &live_pair).send().await.expect_problem(401, "key_wrong_world");
        before.assert_same(server, "headers that do not hold");
        let mut right = Draft::get(server, "/v1/balances", &live_pair);
        right.header("feiqian-merchant", &live);
        let answer = right.call(server, &live_pair).send().await.expect(200);
        assert_eq!(answer.header("feiqian-world"), "live");
        let refused =
            server.try_cli(&["key", "create", "--partner", &cast.p.id, "--world", "live", "--bearer"]);
        assert!(!refused.status.success(), "no bearer token in live");
    });
}

/// A partner without a merchant is told who it is.
#[test]
fn whoami_answers_for_the_partner_itself() {
    on_own(&[], async |server| {
        let cast = Cast::new(server).await;
        let whoami = cast.n.client.get("/v1/whoami").await.expect(200);
        assert_eq!(whoami["partner"], cast.n.id.as_str());
        assert_eq!(whoami["key"], cast.n.key.as_str());
        assert_eq!(whoami["world"], "sandbox");
        for name in ["merchant", "business_zone", "maturity_days", "key_expires_at"] {
            assert!(whoami.json.get(name).is_some_and(Value::is_null), "{name}: {}", whoami.text);
        }
        assert_eq!(whoami.header("feiqian-world"), "sandbox");
    });
}

/// An idempotency key is the merchant's, whichever API key sent it; a nonce is the API key's.
#[test]
fn re_entry_is_the_merchants_whoever_asks() {
    on_own(&[], async |server| {
        let cast = Cast::new(server).await;
        let order = cast.a1.order("bar_code", 300, Some("succeed"));
        let by_partner = cast.p.acting(&cast.a1.id, "POST", "/v1/payments").json(&order).key("k-1");
        let made = by_partner.send().await.expect(201);
        let again = cast.a1.create(&order).key("k-1").send().await.expect(200);
        assert!(again.is_replayed() && again.id() == made.id(), "{}", again.text);
        let elsewhere = cast.p.acting(&cast.a2.id, "POST", "/v1/payments").json(&order).key("k-1");
        let elsewhere = elsewhere.send().await.expect(201);
        assert_ne!(elsewhere.id(), made.id(), "another merchant's key is another key");

        let body = json!({ "name": "till", "generate_bearer": true });
        let key = cast.a1.client.post("/v1/api_keys", &body).key("k-2").send().await.expect(201);
        let again = cast.p.acting(&cast.a1.id, "POST", "/v1/api_keys").json(&body).key("k-2").send().await;
        let again = again.expect(200);
        assert!(again.is_replayed() && again.id() == key.id() && again["bearer"].is_null(), "{}", again.text);
        let reused = cast.p.acting(&cast.a1.id, "POST", "/v1/api_keys");
        let reused = reused.json(&json!({ "name": "other", "generate_bearer": true })).key("k-2");
        reused.send().await.expect_problem(422, "idempotency_key_reused");

        // A captured request of the partner's is worth nothing for either merchant.
        let pair = signing(server, &cast.p.id, "sandbox", &[]).await;
        let nonce = format!("\"{}\"", crate::harness::client::fresh_nonce());
        let mut first = order_draft(&cast.a1, server, &pair);
        first.header("feiqian-merchant", &cast.a1.id);
        first.set("nonce", &nonce);
        first.call(server, &pair).send().await.expect(201);
        first.call(server, &pair).send().await.expect_problem(401, "nonce_reused");
        let mut second = order_draft(&cast.a2, server, &pair);
        second.header("feiqian-merchant", &cast.a2.id);
        second.set("nonce", &nonce);
        // A nonce is kept with what it was used for: in the merchant's shard. The merchant is signed, so nobody else can use it there.
        let answer = second.call(server, &pair).send().await;
        match uid(&cast.a1.id).shard() == uid(&cast.a2.id).shard() {
            true => answer.expect_problem(401, "nonce_reused"),
            false => answer.expect(201),
        };
    });
}

#[test]
fn lists_of_addresses_permissions_and_rates_hold_for_partners() {
    let slow = [("rate_limits", "sandbox_read", "{ per_second = 1, burst = 40 }")];
    on_own(&slow, async |server| {
        let cast = Cast::new(server).await;
        let elsewhere = Partner::with_unknown_key(server, &cast.p.id, &["--ip-allow", "203.0.113.0/24"]);
        let asked = elsewhere.acting(&cast.a1.id, "GET", "/v1/balances");
        until("a node that knows the key", || async {
            let answer = elsewhere.client.get("/v1/whoami").await;
            (answer.code() != "key_unknown").then_some(())
        })
        .await;
        asked.send().await.expect_problem(403, "ip_not_allowed");
        // The address is looked at before the merchant: a stolen key learns nothing.
        elsewhere
            .acting(&cast.b1.id, "GET", "/v1/balances")
            .send()
            .await
            .expect_problem(403, "ip_not_allowed");
        let reader = Partner::with_key(server, &cast.p.id, &["--permission", "payments.read"]).await;
        reader.acting(&cast.a1.id, "GET", "/v1/payments").send().await.expect(200);
        reader
            .acting(&cast.a1.id, "GET", "/v1/balances")
            .send()
            .await
            .expect_problem(403, "permission_missing");
        let order = cast.a1.order("bar_code", 100, None);
        let create = reader.acting(&cast.a1.id, "POST", "/v1/payments").json(&order);
        create.send().await.expect_problem(403, "permission_missing");
        // One key has one rate, however many merchants it acts for.
        let mut limited = None;
        for at in 0..60 {
            let merchant = if at % 2 == 0 { &cast.a1.id } else { &cast.a2.id };
            let answer = cast.p.acting(merchant, "GET", "/v1/balances").send().await;
            if answer.status == 429 {
                limited = Some(answer);
                break;
            }
        }
        let limited = limited.expect("a limit").expect_problem(429, "rate_limited");
        assert!(!limited.header("retry-after").is_empty());
        cast.a1.client.get("/v1/balances").await.expect(200);
    });
}
