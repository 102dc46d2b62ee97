//! `feiqian copy`: who outgrew one file goes on elsewhere, with the same keys, numbers and money.

use super::at;
use crate::harness::merchant::text;
use crate::harness::{Engine, Merchant, Receiver, Server, cny, run};
use serde_json::json;
use std::sync::Arc;

/// What the two sides are asked for and must answer alike.
async fn shown(merchant: &Merchant<'_>) -> Vec<serde_json::Value> {
    let mut all = Vec::new();
    for list in
        ["/v1/payments", "/v1/refunds", "/v1/events", "/v1/balance_transactions", "/v1/webhook_endpoints"]
    {
        all.extend(merchant.all(list).await);
    }
    for bucket in ["pending", "available", "reserved"] {
        all.push(json!({ bucket: merchant.bucket(bucket).await }));
    }
    all
}

#[test]
fn an_installation_goes_from_its_file_to_postgresql() {
    run(async {
        // The suite's clusters do not wait for the disk.
        let file = Server::make_on(Engine::Sqlite, &[("store", "accept_fsync_off", "true")]);
        file.serve();
        let merchant = Merchant::new(&file).await;
        let receiver = Receiver::start().await;
        let hook = json!({ "url": receiver.url, "events": ["*"] });
        merchant.client.post("/v1/webhook_endpoints", &hook).key("hook").send().await.expect(201);
        let order = merchant.order("bar_code", 5_000, Some("succeed"));
        let paid = merchant.create(&order).key("first").send().await.expect(201);
        let refund = json!({ "payment": paid.id(), "merchant_refund_no": "BACK-1", "amount": cny(1_200) });
        let refunded = merchant.client.post("/v1/refunds", &refund).key("back").send().await.expect(201);
        merchant.refund_in(&refunded.id(), "succeeded").await;
        let (waiting, held) = (merchant.waiting(640, None).await, merchant.authorized(9_000).await);

        let database = Arc::new(testdb::database());
        let copy = ["copy", "--to", database.url(), "--json"];
        let refused = |what: &str| {
            let output = file.try_cli(&copy);
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(!output.status.success() && said.contains(what), "{said}");
        };
        refused("served already");
        let before = shown(&merchant).await;
        file.stop();
        let copied = file.cli(&copy[..3]);
        assert_eq!(
            (&copied["held"], &copied["verification"]["clean"]),
            (&json!(false), &json!(true)),
            "{copied}"
        );
        assert!(copied["rows"].as_u64().is_some_and(|rows| rows > 50), "{copied}");
        refused("holds an installation already");
        // Only one of the two calls channels.
        file.serve_held();
        let other = merchant.order("bar_code", 1, None);
        merchant.create(&other).key("held").send().await.expect_problem(503, "installation_held");
        file.stop();

        let moved = file.moved_to(Arc::clone(&database));
        moved.serve();
        let there = at(&merchant, &moved);
        let after = shown(&there).await;
        assert_eq!(after.len(), before.len());
        for (after, before) in after.iter().zip(&before) {
            assert_eq!(after, before, "all that a merchant sees");
        }
        // Numbers are not free again, under any key.
        let again = there.create(&order).key("another").send().await.expect(200);
        assert_eq!(again.id(), paid.id());
        let again = there.client.post("/v1/refunds", &refund).key("another-back").send().await.expect(200);
        assert_eq!(again.id(), refunded.id());
        let replayed = there.create(&order).key("first").send().await.expect(200);
        assert_eq!(replayed.header("idempotency-status"), "replayed");
        // What was under way goes on.
        there.pay(&waiting.id(), None).send().await.expect(200);
        there.payment_in(&waiting.id(), "succeeded").await;
        there.capture(&held.id(), &json!({})).send().await.expect(201);
        there.payment_in(&held.id(), "succeeded").await;
        // Said again with the new settings it is refused before anything is held.
        let again = moved.try_cli(&copy);
        let said = String::from_utf8_lossy(&again.stderr).into_owned();
        assert!(!again.status.success() && said.contains("--from sqlite:NAME"), "{said}");
        assert_eq!(moved.internal().get("/readyz").await.status, 200);
        let in_defaults =
            "SELECT (SELECT count(*) FROM payment_default) + (SELECT count(*) FROM journal_tx_default)";
        assert_eq!(testdb::rows(database.url(), in_defaults), [[Some("0".to_owned())]]);
        let fresh = there.paid(770).await;
        assert_eq!(text(&fresh.json, "status"), "succeeded");
        moved.verify();
    });
}
