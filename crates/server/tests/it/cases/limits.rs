//! R24: each documented header, limit and error of a request has its case.

use crate::harness::client::now_s;
use crate::harness::{Answer, Merchant, cny, on_own, on_shared};
use serde_json::{Map, Value, json};

/// A row: what is changed in a good order, and what is answered.
type Row = (&'static str, Value, u16, &'static str, &'static str);

async fn check(merchant: &Merchant<'_>, rows: Vec<Row>) {
    for (name, value, status, code, pointer) in rows {
        let mut order = merchant.order("qr_code", 100, None);
        order[name] = value;
        let answer = merchant.create(&order).send().await;
        let shown = order[name].to_string();
        let about = format!("{name} = {:.60}: {}", shown, answer.text);
        if status == 201 {
            assert_eq!(answer.status, 201, "{about}");
            continue;
        }
        assert_eq!((answer.status, answer.code(), answer.pointer()), (status, code, pointer), "{about}");
        let gone = format!(
            "/v1/payments?merchant_order_no={}",
            order["merchant_order_no"].as_str().unwrap_or("R24")
        );
        let stored = merchant.client.get(&gone).await;
        if stored.status == 200 {
            assert_eq!(stored["data"], json!([]), "{about}");
        }
    }
}

/// `{"k0": value, …}` with so many members.
fn members(count: usize, value: &str) -> Value {
    Value::Object((0..count).map(|index| (format!("k{index}"), json!(value))).collect::<Map<_, _>>())
}

fn text(chars: usize) -> Value {
    json!("茶".repeat(chars))
}

#[test]
fn r24_fields_of_a_payment() {
    on_shared(async |server| {
        let merchant = Merchant::new(server).await;
        let ok = |name, value| (name, value, 201, "", "");
        let invalid = |name, value, pointer| (name, value, 400, "field_invalid", pointer);
        check(
            &merchant,
            vec![
                ok("subject", text(127)),
                invalid("subject", text(128), "/subject"),
                invalid("subject", json!(""), "/subject"),
                invalid("subject", json!(7), "/subject"),
                invalid("subject", json!("a\u{0}b"), "/subject"),
                ("subject", Value::Null, 400, "field_missing", "/subject"),
                ok("merchant_order_no", json!("A_z-9".repeat(12) + "abcd")),
                invalid("merchant_order_no", json!("a".repeat(65)), "/merchant_order_no"),
                invalid("merchant_order_no", json!(""), "/merchant_order_no"),
                invalid("merchant_order_no", json!("a b"), "/merchant_order_no"),
                invalid("merchant_order_no", json!("订单"), "/merchant_order_no"),
                ("merchant_order_no", Value::Null, 400, "field_missing", "/merchant_order_no"),
                ok("metadata", members(50, "v")),
                invalid("metadata", members(51, "v"), "/metadata"),
                ok("metadata", json!({ "k".repeat(40): "v".repeat(500) })),
                invalid("metadata", members(20, &"v".repeat(500)), "/metadata"),
                ok("goods", json!([{ "name": "tea", "quantity": 2 }])),
                invalid("goods", json!([{ "name": "t".repeat(4_096) }]), "/goods"),
                invalid("goods", json!({ "name": "tea" }), "/goods"),
                invalid("scene", json!("carrier_pigeon"), "/scene"),
                invalid("capture_mode", json!("later"), "/capture_mode"),
                ok("sandbox_outcome", json!("decline")),
                invalid("sandbox_outcome", json!("explode"), "/sandbox_outcome"),
                invalid("sandbox_outcome", json!("lose_answer"), "/sandbox_outcome"),
                ("scene", json!("bar_code"), 400, "field_missing", "/auth_code"),
                ("method", json!("cowrie"), 422, "channel_not_configured", ""),
                ("colour", json!("red"), 400, "unknown_field", "/colour"),
                ("colour", Value::Null, 400, "unknown_field", "/colour"),
                (
                    "amount",
                    json!({ "value": 1, "currency": "CNY", "unit": "fen" }),
                    400,
                    "unknown_field",
                    "/amount/unit",
                ),
                ("amount", json!({ "value": 1 }), 400, "field_missing", "/amount/currency"),
                ("amount", json!({ "value": 1, "currency": "USD" }), 422, "price_not_configured", ""),
                ok("amount", cny(9_007_199_254_740_991)),
                ("notify_url", json!("ftp://shop.example/hook"), 422, "url_not_allowed", "/notify_url"),
                ok("notify_url", json!("https://shop.example/hook")),
                ok("description", Value::Null),
            ],
        )
        .await;
        let long_name = merchant.create(&{
            let mut order = merchant.order("qr_code", 100, None);
            order["metadata"] = json!({ "k".repeat(41): "v" });
            order
        });
        assert!(
            long_name.send().await.expect_problem(400, "field_invalid").pointer().starts_with("/metadata")
        );
        let long_value = merchant.create(&{
            let mut order = merchant.order("qr_code", 100, None);
            order["metadata"] = json!({ "k": "v".repeat(501) });
            order
        });
        assert!(
            long_value.send().await.expect_problem(400, "field_invalid").pointer().starts_with("/metadata")
        );
    });
}

/// A time of the merchant's own clock: seconds from now.
fn in_s(seconds: i64) -> Value {
    json!(jiff::Timestamp::from_second(now_s() + seconds).expect("a time").to_string())
}

/// `expires_at` is business time: the past is refused, also the past of a clock that was moved.
#[test]
fn r24_expiry() {
    on_shared(async |server| {
        let merchant = Merchant::new(server).await;
        let invalid = |value| ("expires_at", value, 400, "field_invalid", "/expires_at");
        let ok = |value| ("expires_at", value, 201, "", "");
        let week = 7 * 86_400;
        check(
            &merchant,
            vec![
                invalid(in_s(-1)),
                ok(in_s(90)),
                ok(in_s(week - 60)),
                invalid(in_s(400 * 86_400)),
                invalid(json!("tomorrow")),
                invalid(json!("2026-11-25T08:30:00")),
                invalid(json!(1_795_595_400)),
            ],
        )
        .await;
        let mut soon = merchant.order("qr_code", 100, None);
        soon["expires_at"] = in_s(120);
        let id = merchant.create(&soon).send().await.expect(201).id();
        merchant.advance(3_600).await;
        let expired = merchant.payment_in(&id, "closed").await;
        assert_eq!(
            (&expired["status_reason"], &expired["failure"]["code"]),
            (&json!("expired"), &Value::Null)
        );
        merchant.pay(&id, None).send().await.expect_problem(409, "payment_not_payable");
        check(&merchant, vec![invalid(in_s(1_800)), ok(in_s(3_600 + 90))]).await;
        // The number of an order that ended stays taken; its repeat is the order as it is.
        assert_eq!(merchant.create(&soon).send().await.expect(200)["status"], "closed");
    });
}

/// Bodies: their size, depth, form and type.
#[test]
fn r24_bodies() {
    on_shared(async |server| {
        let merchant = Merchant::new(server).await;
        let post = |bytes: Vec<u8>| {
            merchant.client.call("POST", "/v1/payments").bytes("application/json", bytes).send()
        };
        let order = |extra: &str| {
            let mut text = merchant.order("qr_code", 100, None).to_string();
            text.insert_str(text.len() - 1, extra);
            text.into_bytes()
        };
        let padded = |bytes: usize| {
            let mut body = order("");
            body.resize(bytes, b' ');
            body
        };
        post(padded(256 * 1024)).await.expect(201);
        // The refusal is seen although the body was still under way.
        for bytes in [256 * 1024 + 1, 300_000, 1_000_000].repeat(5) {
            post(padded(bytes)).await.expect_problem(413, "body_too_large");
        }
        let nested =
            |depth: usize| format!(",\"device\":{}1{}", "{\"d\":".repeat(depth - 1), "}".repeat(depth - 1));
        post(order(&nested(16))).await.expect(201);
        post(order(&nested(17))).await.expect_problem(400, "malformed_json");
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        post(order(&format!(",\"device\":{deep}"))).await.expect_problem(400, "malformed_json");
        let malformed: [&[u8]; 9] = [
            b"",
            b"[]",
            b"{",
            b"{} x",
            b"null",
            b"{\"a\":1,\"a\":2}",
            b"{\"subject\":\"\xff\"}",
            b"{\"subject\":\"\\ud800\"}",
            b"{'a':1}",
        ];
        for body in malformed {
            let refused = post(body.to_vec()).await;
            let empty = body.is_empty() && refused.code() == "field_missing";
            assert!(
                empty || (refused.status, refused.code()) == (400, "malformed_json"),
                "{body:?}: {}",
                refused.text
            );
        }
        for content_type in
            ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=gbk"]
        {
            let call = merchant.client.call("POST", "/v1/payments").bytes(content_type, order(""));
            call.send().await.expect_problem(415, "media_type");
        }
        let packed = merchant.client.call("POST", "/v1/payments").bytes("application/json", order(""));
        packed.header("content-encoding", "gzip").send().await.expect_problem(415, "media_type");
        // A POST without inputs takes no body, {} and nothing else.
        let id = merchant.waiting(100, None).await.id();
        let close = format!("/v1/payments/{id}/close");
        merchant
            .client
            .post(&close, &json!({ "now": true }))
            .send()
            .await
            .expect_problem(400, "unknown_field");
        merchant.client.post(&close, &json!({})).send().await.expect(200);
    });
}

/// Headers in: `Idempotency-Key`, `Feiqian-Merchant`, `Accept-Language`; headers out.
#[test]
fn r24_headers() {
    on_shared(async |server| {
        let merchant = Merchant::new(server).await;
        let long = "k".repeat(255);
        for good in ["a", "\"quoted\"", long.as_str(), "!#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"] {
            merchant.create(&merchant.order("qr_code", 100, None)).key(good).send().await.expect(201);
        }
        let too_long = "k".repeat(256);
        for bad in ["", "\"\"", "a b", "\"open", "\"a b\"", "ключ", too_long.as_str()] {
            let refused = merchant.create(&merchant.order("qr_code", 100, None)).key(bad).send().await;
            let refused = refused.expect_problem(400, "field_invalid");
            assert_eq!(refused.pointer(), "/headers/idempotency-key", "{bad}");
        }
        let twice = merchant.create(&merchant.order("qr_code", 100, None)).key("one").key("two").send().await;
        twice.expect_problem(400, "field_invalid");
        let authorized = merchant.authorized(100).await.id();
        let path = format!("/v1/payments/{authorized}/captures");
        merchant.client.post(&path, &json!({})).send().await.expect_problem(400, "idempotency_key_missing");
        let endpoint = json!({ "url": "https://shop.example/r24", "events": ["*"] });
        let without = merchant.client.post("/v1/webhook_endpoints", &endpoint).send().await;
        without.expect_problem(400, "idempotency_key_missing");

        let get = || merchant.client.call("GET", "/v1/whoami");
        let answer = get().header("feiqian-merchant", &merchant.id).send().await.expect(200);
        assert!(answer.header("request-id").starts_with("req_"), "{:?}", answer.headers);
        assert_eq!((answer.header("feiqian-world"), answer["world"].as_str()), ("sandbox", Some("sandbox")));
        assert!(!answer.header("feiqian-version").is_empty() && !answer.header("date").is_empty());
        assert_eq!(
            (&answer["merchant"], &answer["business_zone"]),
            (&json!(merchant.id), &json!("Asia/Shanghai"))
        );
        let neighbour = Merchant::new(server).await;
        let foreign = get().header("feiqian-merchant", &neighbour.id).send().await;
        foreign.expect_problem(403, "merchant_not_permitted");
        for (language, tag, part) in
            [("zh-CN", "zh-CN", "接口"), ("en", "en", "route"), ("de, zh;q=0.8, en;q=0.2", "zh-CN", "接口")]
        {
            let nowhere =
                merchant.client.call("GET", "/v1/nowhere").header("accept-language", language).send().await;
            let nowhere = nowhere.expect_problem(404, "route_not_found");
            assert_eq!(nowhere.header("content-language"), tag, "{language}");
            let detail = nowhere["detail"].as_str().unwrap().to_lowercase();
            assert!(detail.contains(part) || tag == "zh-CN" && !detail.is_ascii(), "{language}: {detail}");
        }
        let method = merchant.client.call("PUT", "/v1/payments").send().await;
        method.expect_problem(405, "method_not_allowed");
    });
}

/// Lists: limit 1 to 100, opaque cursors, known parameters only and once.
#[test]
fn r24_lists() {
    on_shared(async |server| {
        let merchant = Merchant::new(server).await;
        for _ in 0..3 {
            merchant.waiting(100, None).await;
        }
        for limit in ["1", "2", "100"] {
            let page = merchant.client.get(&format!("/v1/payments?limit={limit}")).await.expect(200);
            let rows = page["data"].as_array().unwrap().len();
            assert_eq!(rows, limit.parse::<usize>().unwrap().min(3));
            assert_eq!(page["next_cursor"].is_null(), rows == 3);
        }
        let page = merchant.client.get("/v1/payments?limit=1").await.expect(200);
        let cursor = page["next_cursor"].as_str().unwrap();
        let by_limit = |limit| format!("/v1/payments?limit={limit}");
        let cases: Vec<(String, &str, &str)> = vec![
            (by_limit("0"), "field_invalid", "/query/limit"),
            (by_limit("101"), "field_invalid", "/query/limit"),
            (by_limit("-1"), "field_invalid", "/query/limit"),
            (by_limit("ten"), "field_invalid", "/query/limit"),
            (by_limit(""), "field_invalid", "/query/limit"),
            ("/v1/payments?limit=1&limit=2".into(), "field_invalid", "/query/limit"),
            ("/v1/payments?page=2".into(), "unknown_field", "/query/page"),
            ("/v1/payments?status=lost".into(), "field_invalid", "/query/status"),
            ("/v1/payments?created_at_gte=yesterday".into(), "field_invalid", "/query/created_at_gte"),
            ("/v1/payments?cursor=nonsense".into(), "cursor_invalid", "/query/cursor"),
            (format!("/v1/refunds?cursor={cursor}"), "cursor_invalid", "/query/cursor"),
            (format!("/v1/payments?status=succeeded&cursor={cursor}"), "cursor_invalid", "/query/cursor"),
            (
                format!("/v1/payments/{}?expand=everything", page["data"][0]["id"].as_str().unwrap()),
                "unknown_expansion",
                "/query/expand",
            ),
        ];
        for (path, code, pointer) in cases {
            let refused = merchant.client.get(&path).await.expect_problem(400, code);
            assert_eq!(refused.pointer(), pointer, "{path}: {}", refused.text);
        }
        let neighbour = Merchant::new(server).await;
        let foreign = neighbour.client.get(&format!("/v1/payments?limit=1&cursor={cursor}")).await;
        foreign.expect_problem(400, "cursor_invalid");
    });
}

/// A malformed id, a foreign one and another noun's look the same.
#[test]
fn r24_ids() {
    on_shared(async |server| {
        let (merchant, neighbour) = (Merchant::new(server).await, Merchant::new(server).await);
        let id = merchant.waiting(100, None).await.id();
        let refund = id.replace("pay_", "rfd_");
        merchant.client.get(&format!("/v1/payments/{}", id.to_uppercase())).await.expect(200);
        let strip = |answer: Answer| (answer.status, answer["code"].clone(), answer["detail"].clone());
        let foreign = strip(neighbour.client.get(&format!("/v1/payments/{id}")).await);
        assert_eq!((foreign.0, &foreign.1), (404, &json!("payment_not_found")));
        for other in
            ["pay_00000000000000000000000000", "pay_x", refund.as_str(), "1", "%00", &"p".repeat(200)]
        {
            let answer = strip(merchant.client.get(&format!("/v1/payments/{other}")).await);
            assert_eq!(answer, foreign, "{other}");
        }
        for (path, code) in [
            (format!("/v1/refunds/{refund}"), "refund_not_found"),
            ("/v1/events/evt_00000000000000000000000000".into(), "event_not_found"),
            ("/v1/webhook_endpoints/whe_00000000000000000000000000".into(), "webhook_endpoint_not_found"),
            ("/v1/webhook_deliveries/whd_00000000000000000000000000".into(), "delivery_not_found"),
        ] {
            merchant.client.get(&path).await.expect_problem(404, code);
        }
    });
}

/// One key beyond its rate: 429 with Retry-After, nothing stored; other keys are not held.
#[test]
fn r24_rate_limit() {
    let limits = [
        ("rate_limits", "sandbox_write", "{ per_second = 1, burst = 5 }"),
        ("rate_limits", "failed_access", "{ per_second = 1, burst = 3 }"),
    ];
    on_own(&limits, async |server| {
        let (merchant, neighbour) = (Merchant::new(server).await, Merchant::new(server).await);
        let order = merchant.order("qr_code", 100, None);
        let mut limited = None;
        for _ in 0..12 {
            let answer = merchant.create(&order).key("r24").send().await;
            if answer.status == 429 {
                limited = Some(answer);
                break;
            }
            assert!([200, 201].contains(&answer.status), "{}", answer.text);
        }
        let limited = limited.expect("no limit was met").expect_problem(429, "rate_limited");
        let wait_s: u64 = limited.header("retry-after").parse().unwrap();
        assert!((1..=5).contains(&wait_s) && limited["retryable"] == true, "{}", limited.text);
        merchant.client.get("/v1/whoami").await.expect(200);
        neighbour.create(&neighbour.order("qr_code", 100, None)).send().await.expect(201);
        tokio::time::sleep(std::time::Duration::from_secs(wait_s)).await;
        merchant.create(&order).key("r24").send().await.expect(200);
        let stranger = server.client();
        let mut statuses = Vec::new();
        for _ in 0..6 {
            statuses.push(stranger.get("/v1/whoami").await.status);
        }
        assert_eq!((statuses[0], *statuses.last().unwrap()), (401, 429), "{statuses:?}");
        merchant.client.get("/v1/whoami").await.expect(200);
    });
}
