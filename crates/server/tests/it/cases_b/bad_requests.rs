//! Requests that are wrong around their body: routes, methods, headers, queries, cursors, keys.

use super::untouched::Picture;
use crate::harness::{Call, Merchant, on_own};
use serde_json::{Value, json};

#[test]
fn bad_routes_methods_queries_and_cursors() {
    on_own(&[], async |server| {
        let (merchant, other) = (Merchant::new(server).await, Merchant::new(server).await);
        for _ in 0..3 {
            merchant.paid(1_000).await;
            other.paid(1_000).await;
        }
        let cursor_of = async |path: &str| {
            let page = merchant.client.get(path).await.expect(200);
            page["next_cursor"].as_str().expect("more than one page").to_owned()
        };
        let payments = cursor_of("/v1/payments?limit=1").await;
        let events = cursor_of("/v1/events?limit=1").await;
        let foreign = other.client.get("/v1/payments?limit=1").await.expect(200);
        let foreign = foreign["next_cursor"].as_str().expect("more than one page").to_owned();
        let flipped: String = payments.chars().rev().collect();
        let before = Picture::of(server);
        for (path, status, code, pointer) in [
            ("/v1/nothing".to_owned(), 404, "route_not_found", ""),
            ("/v2/payments".to_owned(), 404, "route_not_found", ""),
            ("/v1/payments/".to_owned(), 404, "route_not_found", ""),
            ("/v1//payments".to_owned(), 404, "route_not_found", ""),
            ("/v1/payments/a/b/c".to_owned(), 404, "route_not_found", ""),
            ("/v1/payments/%2e%2e%2fwhoami".to_owned(), 404, "payment_not_found", ""),
            ("/v1/payments/%00".to_owned(), 404, "payment_not_found", ""),
            ("/v1/payments/%ff".to_owned(), 404, "payment_not_found", ""),
            (format!("/v1/payments/{}", "p".repeat(2_000)), 404, "payment_not_found", ""),
            ("/v1/payments?limit=0".to_owned(), 400, "field_invalid", "/query/limit"),
            ("/v1/payments?limit=101".to_owned(), 400, "field_invalid", "/query/limit"),
            ("/v1/payments?limit=x".to_owned(), 400, "field_invalid", "/query/limit"),
            ("/v1/payments?limit=".to_owned(), 400, "field_invalid", "/query/limit"),
            ("/v1/payments?limit=-1".to_owned(), 400, "field_invalid", "/query/limit"),
            ("/v1/payments?limit=1.0".to_owned(), 400, "field_invalid", "/query/limit"),
            ("/v1/payments?limit=%31%30%31".to_owned(), 400, "field_invalid", "/query/limit"),
            ("/v1/payments?limit=99999999999999999999".to_owned(), 400, "field_invalid", "/query/limit"),
            ("/v1/payments?limit=5&limit=5".to_owned(), 400, "field_invalid", "/query/limit"),
            ("/v1/payments?status=succeeded&status=failed".to_owned(), 400, "field_invalid", "/query/status"),
            ("/v1/payments?status=happy".to_owned(), 400, "field_invalid", "/query/status"),
            ("/v1/payments?status=%00".to_owned(), 400, "field_invalid", "/query/status"),
            ("/v1/payments?scene=smoke".to_owned(), 400, "field_invalid", "/query/scene"),
            (
                "/v1/payments?merchant_order_no=%E8%8C%B6".to_owned(),
                400,
                "field_invalid",
                "/query/merchant_order_no",
            ),
            (
                "/v1/payments?created_at_gte=yesterday".to_owned(),
                400,
                "field_invalid",
                "/query/created_at_gte",
            ),
            ("/v1/payments?color=red".to_owned(), 400, "unknown_field", "/query/color"),
            ("/v1/payments?%ff=1".to_owned(), 400, "field_invalid", "/query"),
            ("/v1/whoami?verbose=1".to_owned(), 400, "unknown_field", "/query/verbose"),
            ("/v1/payments?cursor=x".to_owned(), 400, "cursor_invalid", "/query/cursor"),
            ("/v1/payments?cursor=".to_owned(), 400, "cursor_invalid", "/query/cursor"),
            (format!("/v1/payments?cursor={flipped}"), 400, "cursor_invalid", "/query/cursor"),
            (format!("/v1/payments?cursor={events}"), 400, "cursor_invalid", "/query/cursor"),
            (format!("/v1/events?cursor={payments}"), 400, "cursor_invalid", "/query/cursor"),
            (format!("/v1/refunds?cursor={payments}"), 400, "cursor_invalid", "/query/cursor"),
            (format!("/v1/payments?status=failed&cursor={payments}"), 400, "cursor_invalid", "/query/cursor"),
            (format!("/v1/payments?cursor={foreign}"), 400, "cursor_invalid", "/query/cursor"),
            ("/v1/events?type=tea.drunk".to_owned(), 400, "field_invalid", "/query/type"),
            ("/v1/events?object_id=7".to_owned(), 400, "field_invalid", "/query/object_id"),
            ("/v1/refunds?payment=7".to_owned(), 400, "field_invalid", "/query/payment"),
            ("/v1/webhook_deliveries?endpoint=7".to_owned(), 400, "field_invalid", "/query/endpoint"),
            ("/v1/balance_transactions?category=tea".to_owned(), 400, "field_invalid", "/query/category"),
        ] {
            let answer = merchant.client.get(&path).await;
            assert_eq!((answer.status, answer.code()), (status, code), "{path:.90}: {}", answer.text);
            let answer = answer.expect_problem(status, code);
            assert_eq!(answer.pointer(), pointer, "{path:.90}: {}", answer.text);
        }
        for expand in ["lines", "refunds,lines", "Refunds", ""] {
            let id = merchant.all("/v1/payments").await[0]["id"].as_str().expect("an id").to_owned();
            let answer = merchant.client.get(&format!("/v1/payments/{id}?expand={expand}")).await;
            assert!(
                answer.status == 200 && expand.is_empty() || answer.code() == "unknown_expansion",
                "{expand}: {}",
                answer.text
            );
        }
        for (method, path) in [
            ("DELETE", "/v1/payments"),
            ("PUT", "/v1/payments"),
            ("PATCH", "/v1/refunds"),
            ("POST", "/v1/whoami"),
            ("GET", "/v1/payments/pay_00000000000000000000000000/close"),
            ("OPTIONS", "/v1/balances"),
            ("BREW", "/v1/payments"),
        ] {
            let answer = merchant.client.call(method, path).send().await;
            assert_eq!(
                (answer.status, answer.code()),
                (405, "method_not_allowed"),
                "{method} {path}: {}",
                answer.text
            );
            let answer = answer.expect_problem(405, "method_not_allowed");
            assert!(!answer.header("allow").is_empty(), "{method} {path} has no Allow");
        }
        before.assert_same(server, "bad routes, methods, queries and cursors");
    });
}

fn keyed<'a>(merchant: &'a Merchant<'a>, path: &str, body: &Value, lines: &[&str]) -> Call {
    lines.iter().fold(merchant.client.post(path, body), |call, line| call.header("idempotency-key", line))
}

#[test]
fn missing_and_bad_idempotency_keys() {
    on_own(&[], async |server| {
        let merchant = Merchant::new(server).await;
        let held = merchant.authorized(1_000).await.id();
        let waiting = merchant.waiting(1_000, None).await.id();
        let before = Picture::of(server);
        for (path, body) in [
            (format!("/v1/payments/{held}/captures"), json!({})),
            (format!("/v1/payments/{waiting}/attempts"), json!({})),
            ("/v1/webhook_endpoints".to_owned(), json!({ "url": "http://127.0.0.1:9/" })),
            ("/v1/api_keys".to_owned(), json!({ "name": "k", "generate_bearer": true })),
        ] {
            keyed(&merchant, &path, &body, &[]).send().await.expect_problem(400, "idempotency_key_missing");
        }
        let long = "k".repeat(256);
        for lines in [&[""][..], &["\"\""], &["\"k"], &["a b"], &["é"], &[&long], &["k", "k"]] {
            for path in ["/v1/payments".to_owned(), format!("/v1/payments/{held}/captures")] {
                let body =
                    if path == "/v1/payments" { merchant.order("qr_code", 100, None) } else { json!({}) };
                let answer = keyed(&merchant, &path, &body, lines).send().await;
                assert_eq!(answer.code(), "field_invalid", "{lines:?} on {path}: {}", answer.text);
                let answer = answer.expect_problem(400, "field_invalid");
                assert_eq!(answer.pointer(), "/headers/idempotency-key", "{lines:?}");
            }
        }
        let dry = json!({ "payment": held, "merchant_refund_no": "R" });
        let refused = keyed(&merchant, "/v1/refunds?dry_run=true", &dry, &["k"]).send().await;
        refused.expect_problem(400, "field_invalid");
        let refused = merchant.client.post("/v1/refunds?dry_run=maybe", &dry).send().await;
        refused.expect_problem(400, "field_invalid");
        before.assert_same(server, "bad idempotency keys");
        let order = merchant.order("qr_code", 100, None);
        let first = keyed(&merchant, "/v1/payments", &order, &["\"same\""]).send().await.expect(201);
        let again = keyed(&merchant, "/v1/payments", &order, &["same"]).send().await.expect(200);
        assert_eq!((first.id(), again.is_replayed()), (again.id(), true), "\"k\" and k are the same key");
        let before = Picture::of(server);
        let other = merchant.order("qr_code", 100, None);
        let reused = keyed(&merchant, "/v1/payments", &other, &["same"]).send().await;
        reused.expect_problem(422, "idempotency_key_reused");
        before.assert_same(server, "a key reused");
    });
}
