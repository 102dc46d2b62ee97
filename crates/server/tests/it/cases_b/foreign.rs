//! Ids of another merchant, of the other world, of another noun and of nothing, on every route that takes an id: all look the
//! same, and nothing happens. The routes come from the served document, so that a new one is tried too.

use super::endpoints::listen_at;
use super::live::LiveMerchant;
use super::untouched::Picture;
use crate::harness::merchant::text;
use crate::harness::{Answer, Merchant, Receiver, Server, cny, on_own};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// One object of each noun.
struct Objects(BTreeMap<&'static str, String>);

impl Objects {
    async fn of(merchant: &Merchant<'_>, receiver: &Receiver) -> Objects {
        let endpoint = listen_at(merchant, &receiver.url, &["*"]).await.id();
        let paid = merchant.paid(5_000).await.id();
        let refund = merchant.refund(&paid, Some(100), None).send().await.expect(201).id();
        merchant.refund_in(&refund, "succeeded").await;
        merchant.advance(86_400).await;
        let first = async |path: &str| text(&merchant.all(path).await[0], "id");
        let ids = [
            ("event", first("/v1/events").await),
            ("statement", first("/v1/statements").await),
            ("balance_transaction", first("/v1/balance_transactions").await),
            ("delivery", first("/v1/webhook_deliveries").await),
            ("api_key", first("/v1/api_keys").await),
            ("webhook_endpoint", endpoint),
            ("refund", refund),
            ("payment", paid),
        ];
        Objects(ids.into_iter().collect())
    }
}

fn noun_of(path: &str) -> &'static str {
    let nouns = [
        ("/v1/payments/", "payment"),
        ("/v1/sandbox/payments/", "payment"),
        ("/v1/refunds/", "refund"),
        ("/v1/events/", "event"),
        ("/v1/statements/", "statement"),
        ("/v1/balance_transactions/", "balance_transaction"),
        ("/v1/webhook_endpoints/", "webhook_endpoint"),
        ("/v1/webhook_deliveries/", "delivery"),
        ("/v1/api_keys/", "api_key"),
    ];
    let found = nouns.iter().find(|(prefix, _)| path.starts_with(prefix));
    found.map(|(_, noun)| *noun).unwrap_or_else(|| panic!("a route of a new noun: {path}"))
}

/// (method, path with `{id}`) of the served document.
async fn routes_with_an_id(server: &Server) -> Vec<(&'static str, String)> {
    let document = server.client().get("/openapi.json").await.expect(200);
    let mut routes = Vec::new();
    for (path, operations) in document["paths"].as_object().expect("paths") {
        for method in operations.as_object().expect("operations").keys().filter(|_| path.contains("{id}")) {
            let method = match method.as_str() {
                "get" => "GET",
                "post" => "POST",
                "patch" => "PATCH",
                "delete" => "DELETE",
                other => panic!("a new method: {other}"),
            };
            routes.push((method, path.clone()));
        }
    }
    assert!(routes.len() >= 18, "{routes:?}");
    routes
}

async fn ask(merchant: &Merchant<'_>, method: &'static str, path: &str) -> Answer {
    let call = merchant.client.call(method, path);
    match method {
        "POST" => call.json(&json!({})).key(&merchant.next_no("k")).send().await,
        "PATCH" => call.json(&json!({ "description": "mine" })).send().await,
        _ => call.send().await,
    }
}

#[test]
fn foreign_ids_look_like_missing_ones_on_every_route() {
    on_own(&[], async |server| {
        let receiver = Receiver::start().await;
        let (owner, stranger) = (Merchant::new(server).await, Merchant::new(server).await);
        let live = LiveMerchant::new(server).await;
        let objects = Objects::of(&owner, &receiver).await;
        super::endpoints::all_told(&owner).await;
        let before = Picture::of(server);
        for (method, path) in routes_with_an_id(server).await {
            let noun = noun_of(&path);
            let (own, code) = (&objects.0[noun], format!("{noun}_not_found"));
            let another = objects.0.iter().find(|(other, _)| **other != noun).expect("six nouns").1;
            let prefix = own.split_once('_').expect("a prefix").0;
            let nothing = format!("{prefix}_{}", "0".repeat(26));
            let mut pages = Vec::new();
            for id in [
                own,
                another,
                &nothing,
                "7",
                &format!("{prefix}_zz"),
                &"x".repeat(65),
                "pay_",
                "%F0%9F%8D%B5",
            ] {
                let asked = path.replace("{id}", id);
                let answer = ask(&stranger, method, &asked).await;
                assert_eq!(
                    (answer.status, answer.code()),
                    (404, &*code),
                    "{method} {asked}: {}",
                    answer.text
                );
                let answer = answer.expect_problem(404, &code);
                pages.push((answer["title"].clone(), answer["detail"].clone(), answer["errors"].clone()));
            }
            assert!(
                pages.iter().all(|page| *page == pages[0]),
                "{method} {path} tells them apart: {pages:?}"
            );
            if !path.starts_with("/v1/sandbox/") {
                let asked = path.replace("{id}", own);
                live.refused(method, &asked, 404, &code).await;
            }
            before.assert_same(server, &format!("{method} {path}"));
        }
        let upper = format!("/v1/payments/{}", objects.0["payment"].to_uppercase());
        owner.client.get(&upper).await.expect(200);
    });
}

#[test]
fn foreign_ids_inside_bodies_and_filters() {
    on_own(&[], async |server| {
        let receiver = Receiver::start().await;
        let (owner, stranger) = (Merchant::new(server).await, Merchant::new(server).await);
        let objects = Objects::of(&owner, &receiver).await;
        super::endpoints::all_told(&owner).await;
        let before = Picture::of(server);
        let order_no = text(&owner.payment(&objects.0["payment"]).await.json, "merchant_order_no");
        let refund = |target: &str, value: &str| {
            let mut body = json!({ "merchant_refund_no": "THEIRS", "amount": cny(1) });
            body[target] = Value::from(value);
            stranger.client.post("/v1/refunds", &body)
        };
        refund("payment", &objects.0["payment"]).send().await.expect_problem(404, "payment_not_found");
        refund("payment", &objects.0["refund"]).send().await.expect_problem(404, "payment_not_found");
        refund("merchant_order_no", &order_no).send().await.expect_problem(404, "payment_not_found");
        for path in [
            format!("/v1/refunds?payment={}", objects.0["payment"]),
            format!("/v1/payments?merchant_order_no={order_no}"),
            format!("/v1/events?object_id={}", objects.0["payment"]),
            format!("/v1/balance_transactions?source={}", objects.0["payment"]),
            format!("/v1/webhook_deliveries?endpoint={}", objects.0["webhook_endpoint"]),
        ] {
            assert_eq!(stranger.all(&path).await, Vec::<Value>::new(), "{path}");
            assert!(!owner.all(&path).await.is_empty(), "{path}");
        }
        before.assert_same(server, "foreign ids inside bodies and filters");
        let acting =
            stranger.client.call("GET", "/v1/whoami").header("feiqian-merchant", &owner.id).send().await;
        acting.expect_problem(403, "merchant_not_permitted");
    });
}
