//! The live world: signatures only, no channel yet, nothing of the sandbox, no signature base.

use super::signing::{Draft, Pair};
use super::untouched::Picture;
use crate::harness::client::Credentials;
use crate::harness::merchant::text;
use crate::harness::{Merchant, Server, on_own};
use crypto::key::{Alg, PrivateKey};
use serde_json::{Value, json};

/// A merchant with live money's rules and a key pair.
pub struct LiveMerchant<'s> {
    /// Its server.
    pub server: &'s Server,
    /// `mch_…`
    pub id: String,
    /// Its key.
    pub pair: Pair,
}

impl<'s> LiveMerchant<'s> {
    /// Makes one through the command line, with a price.
    pub async fn new(server: &'s Server) -> LiveMerchant<'s> {
        let name = server.next_no("Live House");
        let id = text(&server.cli(&["merchant", "create", "--world", "live", "--name", &name]), "id");
        let price = ["price", "set", "--merchant", &id, "--method", "sandbox", "--currency", "CNY"];
        server.cli(
            &[&price[..], &["--rate", "0.60", "--fixed", "0", "--minimum", "0", "--refund-fee", "kept"]]
                .concat(),
        );
        let pair = Pair::register(server, &id, PrivateKey::generate_ed25519(), Alg::Ed25519);
        pair.until_known(server).await;
        LiveMerchant { server, id, pair }
    }

    /// A signed request.
    pub fn draft(&self, method: &'static str, path: &str, body: Option<&Value>) -> Draft {
        let body = body.map(|body| body.to_string().into_bytes()).unwrap_or_default();
        Draft::new(self.server, method, path, &body, &self.pair)
    }

    /// Asserts a refusal of a signed request; POSTs carry `{}` and a key, PATCHes a description.
    pub async fn refused(&self, method: &'static str, path: &str, status: u16, code: &str) {
        let body = match method {
            "POST" => Some(json!({})),
            "PATCH" => Some(json!({ "description": "mine" })),
            _ => None,
        };
        let mut draft = self.draft(method, path, body.as_ref());
        if method == "POST" {
            draft.header("idempotency-key", &self.server.next_no("k"));
        }
        let answer = draft.call(self.server, &self.pair).send().await;
        assert_eq!((answer.status, answer.code()), (status, code), "{method} {path}: {}", answer.text);
        let answer = answer.expect_problem(status, code);
        assert_eq!(answer.header("feiqian-world"), "live");
    }
}

fn order(number: &str) -> Value {
    json!({
        "merchant_order_no": number, "amount": { "value": 100, "currency": "CNY" }, "method": "sandbox",
        "scene": "qr_code", "subject": "tea",
    })
}

#[test]
fn live_is_signed_and_has_no_channel_yet() {
    on_own(&[], async |server| {
        let live = LiveMerchant::new(server).await;
        let whoami = live.draft("GET", "/v1/whoami", None).call(server, &live.pair).send().await.expect(200);
        assert_eq!((&whoami["world"], &whoami["merchant"]), (&json!("live"), &json!(live.id)));
        assert_eq!(whoami.header("feiqian-world"), "live");
        let before = Picture::of(server);
        for (path, body, status, code) in [
            ("/v1/payments", order("L-1"), 422, "channel_not_configured"),
            (
                "/v1/payments",
                {
                    let mut order = order("L-2");
                    order["sandbox_outcome"] = json!("succeed");
                    order
                },
                403,
                "sandbox_only",
            ),
            ("/v1/sandbox/clock", json!({ "advance_seconds": 60 }), 403, "sandbox_only"),
            (
                "/v1/payments",
                {
                    let mut order = order("L-3");
                    order["notify_url"] = json!("https://shop.example/n");
                    order
                },
                422,
                "url_not_allowed",
            ),
        ] {
            let answer = live.draft("POST", path, Some(&body)).call(server, &live.pair).send().await;
            assert_eq!((answer.status, answer.code()), (status, code), "{body}: {}", answer.text);
            answer.expect_problem(status, code);
        }
        live.draft("GET", "/v1/sandbox/clock", None)
            .call(server, &live.pair)
            .send()
            .await
            .expect_problem(403, "sandbox_only");
        live.refused("POST", "/v1/sandbox/payments/pay_00000000000000000000000000/pay", 403, "sandbox_only")
            .await;
        before.assert_same(server, "live requests that are refused");
    });
}

/// Private receivers may be open to the sandbox; to live they never are.
#[test]
fn live_webhooks_go_to_public_https_only() {
    on_own(&[], async |server| {
        let live = LiveMerchant::new(server).await;
        for url in [
            "http://shop.example/hook",
            "https://127.0.0.1/hook",
            "https://localhost/hook",
            "https://[::1]/hook",
            "https://192.168.1.5/",
        ] {
            let mut draft = live.draft("POST", "/v1/webhook_endpoints", Some(&json!({ "url": url })));
            draft.header("idempotency-key", &server.next_no("k"));
            let answer = draft.call(server, &live.pair).send().await;
            assert_eq!(answer.code(), "url_not_allowed", "{url}: {}", answer.text);
            answer.expect_problem(422, "url_not_allowed");
        }
        let mut draft =
            live.draft("POST", "/v1/webhook_endpoints", Some(&json!({ "url": "https://shop.example/hook" })));
        draft.header("idempotency-key", &server.next_no("k"));
        draft.call(server, &live.pair).send().await.expect(201);
    });
}

/// A key says for which world it is by its merchant's id beside it.
#[test]
fn a_key_of_the_other_world_is_named() {
    on_own(&[], async |server| {
        let (live, merchant) = (LiveMerchant::new(server).await, Merchant::new(server).await);
        let order = merchant.order("qr_code", 100, None);
        let before = Picture::of(server);
        let bearer = merchant.create(&order).header("feiqian-merchant", &live.id);
        bearer.send().await.expect_problem(401, "key_wrong_world");
        let mut signed = live.draft("POST", "/v1/payments", Some(&order));
        signed.header("feiqian-merchant", &merchant.id);
        signed.call(server, &live.pair).send().await.expect_problem(401, "key_wrong_world");
        before.assert_same(server, "keys of the other world");
    });
}

#[test]
fn live_takes_no_bearer_and_hands_out_none() {
    on_own(&[], async |server| {
        let live = LiveMerchant::new(server).await;
        let refused = server.try_cli(&["key", "create", "--merchant", &live.id, "--bearer", "--json"]);
        assert!(!refused.status.success(), "{}", String::from_utf8_lossy(&refused.stdout));
        let before = Picture::of(server);
        for token in ["fqsk_live_NZ1vmWfzZYrQH0why-M-xphG-jQ48K9arHpm4GKEzpU", "fqsk_live_x"] {
            let caller = server.client().with(Credentials::Bearer(token.to_owned()));
            caller.get("/v1/whoami").await.expect_problem(403, "bearer_not_in_live");
            caller.post("/v1/payments", &order("L-9")).send().await.expect_problem(403, "bearer_not_in_live");
        }
        let body = json!({ "name": "bearer", "generate_bearer": true });
        let mut draft = live.draft("POST", "/v1/api_keys", Some(&body));
        draft.header("idempotency-key", "live-bearer");
        let answer = draft.call(server, &live.pair).send().await;
        answer.expect_problem(403, "sandbox_only");
        before.assert_same(server, "bearer tokens in live");
    });
}

/// The sandbox shows the base that it computed; live names the components and no more.
#[test]
fn live_never_answers_the_signature_base() {
    on_own(&[], async |server| {
        let live = LiveMerchant::new(server).await;
        let mut wrong = live.draft("GET", "/v1/balances", None);
        wrong.target_uri = "http://internal.example/v1/balances".to_owned();
        let answer = wrong.call(server, &live.pair).send().await.expect_problem(401, "signature_invalid");
        assert!(answer.json.get("signature_base").is_none_or(Value::is_null), "{}", answer.text);
        assert_eq!(answer["signature_components"], json!(["@method", "@target-uri"]));
        let mut digest = live.draft("POST", "/v1/payments", Some(&order("L-1")));
        digest.spoil = |signed| signed.body.push(b' ');
        let answer = digest.call(server, &live.pair).send().await.expect_problem(401, "digest_mismatch");
        assert!(!answer.text.contains("@signature-params"), "{}", answer.text);
    });
}
