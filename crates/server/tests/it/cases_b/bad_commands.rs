//! Bad inputs of the commands that act on what stands: refunds, captures, attempts, the clock, endpoints, keys.

use super::untouched::Picture;
use crate::harness::{Merchant, on_own};
use serde_json::{Value, json};

/// The other commands read with the same care.
#[test]
fn bad_bodies_of_the_other_commands() {
    on_own(&[], async |server| {
        let merchant = Merchant::new(server).await;
        let paid = merchant.paid(10_000).await.id();
        let held = merchant.authorized(10_000).await.id();
        let waiting = merchant.waiting(10_000, None).await.id();
        let refund = |member: &str, value: Value| {
            let mut body = json!({ "payment": paid, "merchant_refund_no": "R-BAD" });
            body[member] = value;
            ("/v1/refunds".to_owned(), body)
        };
        let captures = |body: Value| (format!("/v1/payments/{held}/captures"), body);
        let attempts = |body: Value| (format!("/v1/payments/{waiting}/attempts"), body);
        let clock = |body: Value| ("/v1/sandbox/clock".to_owned(), body);
        let endpoints = |body: Value| ("/v1/webhook_endpoints".to_owned(), body);
        let keys = |body: Value| ("/v1/api_keys".to_owned(), body);
        let money = |value: Value, currency: &str| json!({ "value": value, "currency": currency });
        let pay = format!("/v1/sandbox/payments/{waiting}/pay");
        let before = Picture::of(server);
        for ((path, body), status, code) in [
            (refund("amount", money(json!(0), "CNY")), 400, "amount_invalid"),
            (refund("amount", money(json!(-1), "CNY")), 400, "amount_invalid"),
            (refund("amount", money(json!(i64::MIN), "CNY")), 400, "amount_invalid"),
            (refund("amount", money(json!("1"), "CNY")), 400, "amount_invalid"),
            (refund("amount", money(json!(10_001), "CNY")), 422, "refund_exceeds_remaining"),
            (
                refund("amount", money(json!(9_007_199_254_740_991_i64), "CNY")),
                422,
                "refund_exceeds_remaining",
            ),
            (refund("amount", money(json!(1), "USD")), 422, "currency_differs"),
            (refund("merchant_order_no", json!("O-1")), 400, "field_invalid"),
            (refund("payment", json!(null)), 400, "field_missing"),
            (refund("payment", json!(7)), 400, "field_invalid"),
            (refund("payment", json!("pay_x")), 404, "payment_not_found"),
            (refund("merchant_refund_no", json!("")), 400, "field_invalid"),
            (refund("reason", json!("x".repeat(256))), 400, "field_invalid"),
            (refund("speed", json!("fast")), 400, "unknown_field"),
            (captures(json!({ "amount": money(json!(0), "CNY") })), 400, "amount_invalid"),
            (captures(json!({ "amount": money(json!(10_001), "CNY") })), 422, "capture_exceeds_authorized"),
            (captures(json!({ "amount": money(json!(1), "EUR") })), 422, "currency_differs"),
            (captures(json!({ "final": "yes" })), 400, "field_invalid"),
            (captures(json!({ "last": true })), 400, "unknown_field"),
            (attempts(json!({ "scene": "bar_code", "auth_code": "a b" })), 400, "field_invalid"),
            (attempts(json!({ "scene": 1 })), 400, "field_invalid"),
            (attempts(json!({ "sandbox_outcome": "fail" })), 400, "field_invalid"),
            ((pay.clone(), json!({ "outcome": "win" })), 400, "field_invalid"),
            ((pay, json!({ "result": "succeed" })), 400, "unknown_field"),
            ((format!("/v1/payments/{waiting}/close"), json!({ "why": "tea" })), 400, "unknown_field"),
            ((format!("/v1/payments/{held}/void"), json!({ "why": "tea" })), 400, "unknown_field"),
            (clock(json!({})), 400, "field_missing"),
            (clock(json!({ "advance_seconds": 0 })), 400, "field_invalid"),
            (clock(json!({ "advance_seconds": -5 })), 400, "field_invalid"),
            (clock(json!({ "advance_seconds": 1.5 })), 400, "field_invalid"),
            (clock(json!({ "advance_seconds": i64::MAX })), 400, "field_invalid"),
            (clock(json!({ "advance_seconds": 1, "now": "2036-01-01T00:00:00Z" })), 400, "field_invalid"),
            (clock(json!({ "now": "2001-01-01T00:00:00Z" })), 400, "field_invalid"),
            (endpoints(json!({})), 400, "field_missing"),
            (endpoints(json!({ "url": "gopher://shop.example/" })), 422, "url_not_allowed"),
            (endpoints(json!({ "url": "http://user:word@shop.example/" })), 422, "url_not_allowed"),
            (endpoints(json!({ "url": "https://shop.example/", "events": [] })), 400, "field_invalid"),
            (
                endpoints(json!({ "url": "https://shop.example/", "events": ["tea.drunk"] })),
                400,
                "field_invalid",
            ),
            (endpoints(json!({ "url": "https://shop.example/", "events": "*" })), 400, "field_invalid"),
            (keys(json!({ "name": "k" })), 400, "field_missing"),
            (keys(json!({ "name": "k", "public_key": "no key" })), 400, "field_invalid"),
            (keys(json!({ "name": "k", "generate_bearer": true, "public_key": "x" })), 400, "field_invalid"),
            (
                keys(json!({ "name": "k", "generate_bearer": true, "permissions": ["all"] })),
                400,
                "field_invalid",
            ),
            (
                keys(json!({ "name": "k", "generate_bearer": true, "ip_allow": ["tea"] })),
                400,
                "field_invalid",
            ),
            (
                keys(json!({ "name": "k", "generate_bearer": true, "expires_at": "2001-01-01T00:00:00Z" })),
                400,
                "field_invalid",
            ),
        ] {
            let what = format!("{path} {body:.120}");
            let answer = merchant.client.post(&path, &body).key(&merchant.next_no("k")).send().await;
            assert_eq!((answer.status, answer.code()), (status, code), "{what}: {}", answer.text);
            answer.expect_problem(status, code);
            before.assert_same(server, &what);
        }
    });
}
