//! R58: everything that is secret or personal is marked, everything is logged, and no mark is found in what comes out or lies
//! on the disk.

use super::endpoints::{all_told, listen_at};
use super::signing::{Draft, Pair};
use crate::harness::client::Credentials;
use crate::harness::merchant::text;
use crate::harness::{Behaviour, Merchant, Receiver, Server, on_own};
use crypto::key::Alg;
use serde_json::json;
use std::path::{Path, PathBuf};

/// Personal data of the test's payer; made up, so that nothing else can hold them.
const PAYER_NAME: &str = "MARKED-PAYER-ZHANG-SAN";
const PAYER_PHONE: &str = "MARKED-PHONE-13900001111";
const DEVICE: &str = "MARKED-DEVICE-356938035643809";
const AUTH_CODE: &str = "MARKED-AUTH-CODE-628812345678901234";
const CLIENT_IP: &str = "203.0.113.199";

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

fn holds(bytes: &[u8], mark: &str) -> bool {
    bytes.windows(mark.len()).any(|window| window == mark.as_bytes())
}

async fn traffic(merchant: &Merchant<'_>, receiver: &Receiver, pair: &Pair) -> Vec<String> {
    let server = merchant.server;
    let endpoint = listen_at(merchant, &receiver.url, &["*"]).await;
    let rotate = format!("/v1/webhook_endpoints/{}/rotate_secret", endpoint.id());
    let rotated = merchant.client.post(&rotate, &json!({})).send().await.expect(200);
    let key = merchant.client.post("/v1/api_keys", &json!({ "name": "k", "generate_bearer": true }));
    let key = key.key("marked-idempotency-key").send().await.expect(201);
    let mut ids = Vec::new();
    for outcome in ["succeed", "decline", "timeout", "callback_twice"] {
        let mut order = merchant.order("bar_code", 1_234, Some(outcome));
        order["auth_code"] = json!(AUTH_CODE);
        order["payer"] = json!({ "name": PAYER_NAME, "phone": PAYER_PHONE });
        order["device"] = json!({ "imei": DEVICE });
        order["client_ip"] = json!(CLIENT_IP);
        let mut signed = Draft::new(server, "POST", "/v1/payments", order.to_string().as_bytes(), pair);
        signed.header("idempotency-key", &merchant.next_no("k"));
        let made = signed.call(server, pair).send().await.expect(201);
        assert_eq!(made["payer"]["name"], PAYER_NAME, "its own merchant sees it");
        // And one that is refused, after it was read.
        order["merchant_order_no"] = json!(merchant.next_no("ORDER"));
        order["amount"]["value"] = json!(-1);
        merchant.create(&order).send().await.expect_problem(400, "amount_invalid");
        ids.push(made.id());
    }
    merchant.payment_in(&ids[0], "succeeded").await;
    merchant.refund(&ids[0], Some(100), None).send().await.expect(201);
    for wrong in ["fqsk_sandbox_MARKED-WRONG-TOKEN", "MARKED-WRONG-TOKEN"] {
        let caller = server.client().with(Credentials::Bearer(wrong.to_owned()));
        caller.get("/v1/whoami").await.expect_problem(401, "key_unknown");
    }
    for id in &ids[2..] {
        merchant.payment_in(id, "succeeded").await;
    }
    receiver.behave(Behaviour::Accept);
    all_told(merchant).await;
    vec![
        text(&endpoint.json, "secret"),
        text(&rotated.json, "secret"),
        text(&key.json, "bearer"),
        "MARKED-WRONG-TOKEN".to_owned(),
    ]
}

fn without_prefix(secret: &str) -> String {
    secret.trim_start_matches("whsec_").trim_start_matches("fqsk_sandbox_").to_owned()
}

/// What the installation itself keeps secret.
fn own_secrets(server: &Server) -> Vec<String> {
    let master = std::fs::read_to_string(server.master_key_file()).expect("the master key");
    let words = master.split_whitespace().filter(|word| word.len() >= 32).map(str::to_owned);
    let words: Vec<String> = words.collect();
    assert!(!words.is_empty(), "the master key's file has no key in it");
    words
}

#[test]
fn r58_no_mark_in_any_output_and_none_on_the_disk() {
    on_own(&[("log", "level", "\"trace\"")], async |server| {
        let (merchant, receiver) = (Merchant::new(server).await, Receiver::start().await);
        let Credentials::Bearer(token) = merchant.client.credentials.clone() else { panic!("a bearer key") };
        let pair = Pair::new(&merchant, Alg::Ed25519).await;
        let mut secrets = traffic(&merchant, &receiver, &pair).await;
        secrets.extend([token, merchant.webhook_secret.clone()]);
        let mut marks: Vec<String> = secrets.iter().map(|secret| without_prefix(secret)).collect();
        let pem = pair.key.to_pkcs8_pem();
        marks.extend(pem.lines().filter(|line| !line.starts_with('-')).map(str::to_owned));
        marks.extend(own_secrets(server));
        let personal = [PAYER_NAME, PAYER_PHONE, DEVICE, AUTH_CODE, CLIENT_IP];
        marks.extend(personal.map(str::to_owned));
        let metrics = server.internal().get("/metrics").await.expect(200);
        assert!(metrics.text.contains("feiqian_http_requests_total"), "no metrics: {}", metrics.text);
        let explain = server.cli(&["verify", "--full"]).to_string();
        server.stop();
        let log = server.log();
        assert!(
            log.contains("/v1/payments") && log.lines().count() > 50,
            "the log is quiet at level trace:\n{log}"
        );
        for (place, text) in [("log", log.as_str()), ("metrics", &metrics.text), ("verify", &explain)] {
            for mark in &marks {
                assert!(!text.contains(mark.as_str()), "{place} holds {mark}");
            }
        }
        for path in files(&server.data_dir()) {
            let bytes = std::fs::read(&path).expect("a file of the data");
            for mark in &marks {
                assert!(!holds(&bytes, mark), "{} holds {mark}", path.display());
            }
        }
        server.serve();
        let payments = merchant.all("/v1/payments").await;
        assert!(
            payments.iter().all(|payment| payment["payer"]["phone"] == PAYER_PHONE),
            "sealed is not lost"
        );
    });
}
