//! Routes, bodies, queries and languages.

use crate::house::{House, request};

#[tokio::test]
async fn what_no_route_takes_is_a_problem_too() {
    let house = House::new().await;
    for target in ["/v1/nothing", "/v2/payments", "/v1/payments/", "/", "/v1/payments/x/y/z"] {
        let answer = house.get(target).await;
        assert_eq!(answer.refusal(), (404, "route_not_found".to_owned()), "{target}");
    }
    let answer = house.ask("PUT", "/v1/payments", &[], "").await;
    assert_eq!(answer.refusal(), (405, "method_not_allowed".to_owned()));
    let allow = answer.header("allow");
    assert!(allow.contains("GET") && allow.contains("POST"), "{allow}");
    for id in ["pay_x", "rfd_01arz3ndektsv4rrffq69g5fav", "pay_01ARZ3NDEKTSV4RRFFQ69G5FAV", "%ff", "%00"] {
        let answer = house.get(&format!("/v1/payments/{id}")).await;
        assert_eq!(answer.refusal(), (404, "payment_not_found".to_owned()), "{id}");
    }
}

#[tokio::test]
async fn bodies_are_refused_by_name() {
    let house = House::new().await;
    let large = format!("{{\"subject\":\"{}\"}}", "x".repeat(300 * 1024));
    let none: &[(&str, &str)] = &[];
    let cases = [
        (none, "{}", (400, "field_missing"), "/amount"),
        (none, "", (400, "field_missing"), "/amount"),
        (none, "[]", (400, "malformed_json"), ""),
        (none, "{\"a\":1,\"a\":1}", (400, "malformed_json"), ""),
        (none, &large, (413, "body_too_large"), ""),
        (&[("content-encoding", "gzip")][..], "{}", (415, "media_type"), ""),
    ];
    for (headers, body, (status, code), pointer) in cases {
        let answer = house.post("/v1/payments", headers, body).await;
        assert_eq!(answer.refusal(), (status, code.to_owned()), "{body:.40}");
        if !pointer.is_empty() {
            let errors = answer.json()["errors"].clone();
            assert!(errors.as_array().unwrap().iter().any(|e| e["pointer"] == pointer), "{errors}");
        }
    }
    let form = house.ask("POST", "/v1/payments", &[("content-type", "text/plain")], "{}").await;
    assert_eq!(form.refusal(), (415, "media_type".to_owned()));
    let bodied = house.ask("GET", "/v1/payments", &[("content-type", "application/json")], "{}").await;
    assert_eq!(bodied.refusal(), (400, "field_invalid".to_owned()));
}

#[tokio::test]
async fn fields_of_a_payment_are_refused_with_their_pointers() {
    let house = House::new().await;
    let good = |change: &str| {
        let base = r#""merchant_order_no":"o1","method":"sandbox","scene":"qr_code","subject":"tea""#;
        format!("{{{base},{change}}}")
    };
    let cny = r#""amount":{"value":100,"currency":"CNY"}"#;
    for (change, code, pointer) in [
        (r#""amount":{"value":"100","currency":"CNY"}"#.to_owned(), "amount_invalid", "/amount/value"),
        (r#""amount":{"value":100.0,"currency":"CNY"}"#.to_owned(), "amount_invalid", "/amount/value"),
        (r#""amount":{"value":100,"currency":"cny"}"#.to_owned(), "currency_unknown", "/amount/currency"),
        (format!(r#"{cny},"amout":1"#), "unknown_field", "/amout"),
        (format!(r#"{cny},"expires_at":"2001-01-01T00:00:00Z""#), "field_invalid", "/expires_at"),
        (format!(r#"{cny},"sandbox_outcome":"explode""#), "field_invalid", "/sandbox_outcome"),
        (format!(r#"{cny},"description":"\u0000""#), "field_invalid", "/description"),
        (format!(r#"{cny},"metadata":{{"a":1}}"#), "field_invalid", "/metadata/a"),
        (format!(r#"{cny},"notify_url":"ftp://x.example/""#), "url_not_allowed", "/notify_url"),
    ] {
        let answer = house.post("/v1/payments", &[], &good(&change)).await;
        assert_eq!(answer.refusal().1, code, "{change}");
        assert_eq!(answer.json()["errors"][0]["pointer"], pointer, "{change}");
    }
    let bar_code = r#"{"merchant_order_no":"o1","method":"sandbox","scene":"bar_code","subject":"tea",
        "amount":{"value":100,"currency":"CNY"}}"#;
    let answer = house.post("/v1/payments", &[], bar_code).await;
    assert_eq!(answer.json()["errors"][0]["pointer"], "/auth_code");
    // Nothing serves the method in this installation: decided at the commit, so it is stored and replayed.
    for status in ["fresh", "replayed"] {
        let answer = house
            .post("/v1/payments", &[("idempotency-key", "k")], &good(&format!(r#"{cny},"payer":null"#)))
            .await;
        assert_eq!(answer.refusal(), (422, "channel_not_configured".to_owned()));
        assert_eq!(answer.header("idempotency-status"), status);
    }
}

#[tokio::test]
async fn the_sandboxs_inputs_and_routes_are_refused_in_live() {
    let house = House::new().await;
    let live = house.signer(house.live).await;
    let url = |target: &str| format!("{}{target}", crate::house::PUBLIC_URL);
    let body = r#"{"merchant_order_no":"o1","method":"card","scene":"web","subject":"tea",
        "amount":{"value":100,"currency":"CNY"},"sandbox_outcome":"succeed"}"#;
    let request = live.request("POST", "/v1/payments", &url("/v1/payments"), "nonce-0000000001", body);
    let answer = house.send(request).await;
    assert_eq!(answer.refusal(), (403, "sandbox_only".to_owned()));
    let request = live.request("GET", "/v1/sandbox/clock", &url("/v1/sandbox/clock"), "", "");
    assert_eq!(house.send(request).await.refusal(), (403, "sandbox_only".to_owned()));
}

#[tokio::test]
async fn queries_are_strict() {
    let house = House::new().await;
    for (target, code) in [
        ("/v1/payments?statuss=x", "unknown_field"),
        ("/v1/payments?status=paid", "field_invalid"),
        ("/v1/payments?limit=0", "field_invalid"),
        ("/v1/payments?limit=101", "field_invalid"),
        ("/v1/payments?limit=", "field_invalid"),
        ("/v1/payments?limit=5&limit=5", "field_invalid"),
        ("/v1/payments?cursor=x", "cursor_invalid"),
        ("/v1/payments?created_at_gte=yesterday", "field_invalid"),
        ("/v1/balance_transactions?source=x", "field_invalid"),
        ("/v1/balance_transactions?category=cost", "field_invalid"),
        ("/v1/refunds?dry_run=true", "unknown_field"),
        ("/v1/events?type=payment.payed", "field_invalid"),
    ] {
        let answer = house.get(target).await;
        assert_eq!(answer.refusal(), (400, code.to_owned()), "{target}");
    }
    let offset = house.get("/v1/payments?created_at_gte=2026-01-01T00:00:00+08:00").await;
    assert_eq!(offset.status, 200, "{}", offset.text);
    let dry = house.post("/v1/refunds?dry_run=true", &[("idempotency-key", "k")], "{}").await;
    assert_eq!(dry.json()["errors"][0]["pointer"], "/headers/idempotency-key");
}

#[tokio::test]
async fn details_follow_the_readers_language() {
    let house = House::new().await;
    let answer = house.ask("GET", "/v1/payments/pay_x", &[("accept-language", "zh-CN,zh;q=0.9")], "").await;
    assert_eq!(answer.header("content-language"), "zh-CN");
    assert_eq!(answer.json()["detail"], "没有这笔支付。");
    assert_eq!(answer.json()["type"], "https://pay.example.com/docs/errors/payment_not_found");
    assert_eq!(answer.json()["request_id"], answer.header("request-id"));
}

#[tokio::test]
async fn pages_for_people_need_no_credentials_and_nothing_from_elsewhere() {
    let house = House::new().await;
    for target in ["/docs/en", "/docs/zh/api/payments", "/docs/errors", "/docs/errors/amount_invalid"] {
        let answer = house.send(request("GET", target, &[], "")).await;
        assert_eq!(answer.status, 200, "{target}");
        assert!(answer.header("content-security-policy").starts_with("default-src 'none'"));
        assert!(!answer.header("content-security-policy").contains("unsafe"));
        assert!(!answer.text.contains("src=\"http") && answer.text.matches("<script").count() == 1);
    }
    for target in ["/docs", "/docs/", "/docs/zh/", "/docs/zh/index"] {
        let home = house.send(request("GET", target, &[("accept-language", "zh")], "")).await;
        assert_eq!((home.status.as_u16(), home.header("location")), (302, "/docs/zh"), "{target}");
    }
    let document = house.send(request("GET", "/openapi.json", &[], "")).await.json();
    assert_eq!(document["openapi"], "3.1.0");
    let missing = house.send(request("GET", "/docs/errors/nothing", &[], "")).await;
    assert_eq!(missing.refusal(), (404, "route_not_found".to_owned()));
    let payer = house.send(request("GET", "/pay/01arz3ndektsv4rrffq69g5fav", &[], "")).await;
    assert_eq!(payer.status, 404);
    assert!(payer.text.contains("not known"), "{}", payer.text);
    let callback = house.send(request("POST", "/callback/nobody", &[], "x")).await;
    assert_eq!(callback.status, 404);
}
