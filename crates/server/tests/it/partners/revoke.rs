//! Revocation is exact: whatever a key signed, nothing of it is committed after the revocation was answered. Asked of the rows, for
//! money commands and control writes, for a merchant's key and for a partner's at all its merchants.

use super::cast::Partner;
use crate::harness::books::{Books, uid};
use crate::harness::client::Credentials;
use crate::harness::merchant::text;
use crate::harness::{Client, Merchant, Server, cny, on_own, spawn, until};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::task::JoinHandle;

/// The most requests of one caller: far more than any revocation lets through.
const TURNS_MAX: u32 = 50_000;

/// Callers that write as fast as they are answered, each until it is refused for who it is.
struct Storm {
    done: Arc<AtomicU64>,
    callers: Vec<JoinHandle<String>>,
}

impl Storm {
    /// Requests of each kind for each merchant, again and again, with numbers of their own.
    fn of(client: &Client, merchants: &[&str]) -> Storm {
        let done = Arc::new(AtomicU64::new(0));
        let mut callers = Vec::new();
        for (at, merchant) in merchants.iter().enumerate() {
            for kind in ["payment", "endpoint", "key"] {
                let (client, merchant, done) = (client.clone(), (*merchant).to_owned(), Arc::clone(&done));
                callers.push(spawn(async move {
                    for turn in 0..TURNS_MAX {
                        let number = format!("{kind}-{at}-{turn}");
                        let (path, body) = request(kind, &number);
                        let call = client.post(path, &body).key(&number);
                        let answer = call.header("feiqian-merchant", &merchant).send().await;
                        match answer.status {
                            201 => drop(done.fetch_add(1, Ordering::Relaxed)),
                            401 | 403 => return answer.code().to_owned(),
                            _ => assert_eq!(answer.code(), "webhook_endpoint_exists", "{}", answer.text),
                        }
                    }
                    "never refused".to_owned()
                }));
            }
        }
        Storm { done, callers }
    }

    async fn until_done(&self, at_least: u64) {
        until("a storm", || async { (self.done.load(Ordering::Relaxed) >= at_least).then_some(()) }).await;
    }

    /// Waits until every caller was refused, with this code.
    async fn refused(self, code: &str) {
        for caller in self.callers {
            assert_eq!(caller.await.expect("a caller does not panic"), code);
        }
    }
}

fn request(kind: &str, number: &str) -> (&'static str, Value) {
    match kind {
        "payment" => (
            "/v1/payments",
            json!({
                "merchant_order_no": number, "amount": cny(100), "method": "sandbox", "scene": "qr_code",
                "subject": "tea",
            }),
        ),
        // One endpoint, made again and again: a merchant may have a few only.
        "endpoint" => (
            "/v1/webhook_endpoints",
            json!({ "url": "http://127.0.0.1:9/storm", "events": ["refund.failed"] }),
        ),
        _ => ("/v1/api_keys", json!({ "name": number, "generate_bearer": true })),
    }
}

/// Everything in the database that the key's requests made or changed.
fn rows_by(server: &Server, key: &str) -> [i64; 6] {
    let (books, key) = (Books::open(server), uid(key).0);
    let count = |sql: &str| books.number(sql, [key]);
    [
        count("SELECT count(*) FROM attempt WHERE acting_key = ?1"),
        count("SELECT count(*) FROM refund WHERE acting_key = ?1"),
        count("SELECT count(*) FROM api_key WHERE created_by = ?1 OR changed_by = ?1"),
        count("SELECT count(*) FROM endpoint WHERE created_by = ?1 OR changed_by = ?1"),
        count("SELECT count(*) FROM idempotency WHERE nonce_key = ?1"),
        count("SELECT count(*) FROM control_nonce WHERE key = ?1"),
    ]
}

/// Rows of merchants at a moment: what the storm makes grows by these too.
fn rows_of(server: &Server, merchants: &[&str]) -> Vec<i64> {
    let books = Books::open(server);
    let tables = ["payment", "attempt", "idempotency", "control_idempotency", "endpoint", "api_key"];
    merchants.iter().flat_map(|merchant| tables.map(|table| books.rows_of(table, merchant))).collect()
}

async fn exactly(server: &Server, key: &str, storm: Storm, merchants: &[&str], revoke: impl AsyncFnOnce()) {
    storm.until_done(60).await;
    revoke().await;
    // The revocation was answered: from here on nothing of the key's is committed.
    let (by_key, all) = (rows_by(server, key), rows_of(server, merchants));
    let [attempts, _, keys, endpoints, ..] = by_key;
    assert!(attempts > 0 && keys > 0 && endpoints > 0, "the storm wrote of every kind: {by_key:?}");
    storm.refused("key_revoked").await;
    assert_eq!(rows_by(server, key), by_key, "committed after the revocation was answered");
    assert_eq!(rows_of(server, merchants), all, "committed after the revocation was answered");
}

#[test]
fn nothing_that_a_revoked_key_of_a_merchants_signed_is_committed_afterwards() {
    on_own(&[], async |server| {
        let merchant = Merchant::new(server).await;
        let body = json!({ "name": "storm", "generate_bearer": true });
        let made = merchant.client.post("/v1/api_keys", &body).key("storm").send().await.expect(201);
        let key = made.id();
        let client = server.client().with(Credentials::Bearer(text(&made.json, "bearer")));
        let storm = Storm::of(&client, &[&merchant.id]);
        let path = format!("/v1/api_keys/{key}/revoke");
        exactly(server, &key, storm, &[&merchant.id], async || {
            merchant.client.post(&path, &json!({})).send().await.expect(200);
        })
        .await;
        // Again, also by the command line: the same end, told once.
        merchant.client.post(&path, &json!({})).send().await.expect(200);
        server.cli(&["key", "revoke", &key]);
        let told = merchant.event_types(&key).await;
        assert_eq!(told, ["api_key.revoked"]);
        let event = &merchant.events_of(&key).await[0].1;
        assert_eq!(event["data"]["object"]["id"], key.as_str());
        assert!(
            event["data"]["object"]["bearer"].is_null() && event["data"]["object"]["revoked_at"].is_string()
        );
    });
}

#[test]
fn nothing_that_a_revoked_key_of_a_partners_signed_is_committed_for_any_merchant() {
    on_own(&[], async |server| {
        let above = Partner::new(server, &[]).await;
        let below = Partner::new(server, &["--parent", &above.id]).await;
        let (own, other) = (above.merchant(server).await, above.merchant(server).await);
        let nested = below.merchant(server).await;
        let merchants = [own.id.as_str(), &other.id, &nested.id];
        let storm = Storm::of(&above.client, &merchants);
        exactly(server, &above.key, storm, &merchants, async || {
            let revoked = server.cli(&["key", "revoke", &above.key]);
            assert!(revoked["revoked_at"].is_string(), "{revoked}");
        })
        .await;
        above.client.get("/v1/whoami").await.expect_problem(401, "key_revoked");
        // The one below goes on, and so do the merchants themselves.
        below.acting(&nested.id, "GET", "/v1/balances").send().await.expect(200);
        own.paid(100).await;
        let keys = server.cli(&["key", "list", "--partner", &above.id]);
        assert!(keys["data"][0]["revoked_at"].is_string(), "{keys}");
        let unknown = server.try_cli(&["key", "revoke", "key_00000000000000000000000000"]);
        assert!(!unknown.status.success());
    });
}

/// A merchant that leaves its partner is out of the partner's reach at its next commit.
#[test]
fn a_merchant_that_leaves_its_partner_is_left_alone() {
    on_own(&[], async |server| {
        let (p, q) = (Partner::new(server, &[]).await, Partner::new(server, &[]).await);
        let merchant = p.merchant(server).await;
        let storm = Storm::of(&p.client, &[&merchant.id]);
        storm.until_done(30).await;
        let assigned = server.cli(&["merchant", "assign", "--merchant", &merchant.id, "--partner", &q.id]);
        assert_eq!(assigned["partner"], q.id.as_str());
        let (by_key, all) = (rows_by(server, &p.key), rows_of(server, &[&merchant.id]));
        storm.refused("merchant_not_permitted").await;
        assert_eq!(rows_by(server, &p.key), by_key, "committed after the merchant had left");
        assert_eq!(rows_of(server, &[&merchant.id]), all, "committed after the merchant had left");
        q.acting(&merchant.id, "GET", "/v1/balances").send().await.expect(200);
        server.cli(&["merchant", "assign", "--merchant", &merchant.id, "--no-partner"]);
        let refused = q.acting(&merchant.id, "GET", "/v1/balances").send().await;
        refused.expect_problem(403, "merchant_not_permitted");
        merchant.client.get("/v1/balances").await.expect(200);
    });
}
