//! Bodies that nobody should send: each its own 4xx, none of them an effect, never a 500. R64 is among them.

use super::untouched::Picture;
use crate::harness::{Merchant, on_own};

/// The usual payment with one member replaced by a text of JSON.
fn with(member: &str, text: &str) -> Vec<u8> {
    let mut members = vec![
        ("merchant_order_no", "\"BAD-1\""),
        ("amount", "{\"value\":100,\"currency\":\"CNY\"}"),
        ("method", "\"sandbox\""),
        ("scene", "\"qr_code\""),
        ("subject", "\"tea\""),
    ];
    match members.iter_mut().find(|(name, _)| *name == member) {
        Some((_, value)) => *value = text,
        None => members.push((member, text)),
    }
    let members: Vec<String> = members.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
    format!("{{{}}}", members.join(",")).into_bytes()
}

fn amount(value: &str) -> Vec<u8> {
    with("amount", &format!("{{\"value\":{value},\"currency\":\"CNY\"}}"))
}

fn nested(depth: usize) -> String {
    format!("{}{}", "[".repeat(depth), "]".repeat(depth))
}

/// Not JSON as this wire takes it.
fn malformed() -> Vec<(&'static str, Vec<u8>)> {
    let text = |text: &str| text.as_bytes().to_vec();
    let join = |parts: &[&[u8]]| parts.concat();
    vec![
        ("not closed", text("{\"merchant_order_no\":\"A\"")),
        ("a comma at the end", text("{\"subject\":\"tea\",}")),
        ("single quotes", text("{'subject':'tea'}")),
        ("a comment", text("{/* tea */}")),
        ("NaN", amount("NaN")),
        ("a leading zero", amount("0100")),
        ("a plus sign", amount("+100")),
        ("hexadecimal", amount("0x64")),
        ("a name twice", text("{\"subject\":\"a\",\"subject\":\"b\"}")),
        ("a name twice below", with("amount", "{\"value\":1,\"value\":2,\"currency\":\"CNY\"}")),
        ("a name twice, once escaped", text("{\"subject\":\"a\",\"s\\u0075bject\":\"b\"}")),
        ("text after the value", text("{} {}")),
        ("an array", text("[]")),
        ("a string", text("\"tea\"")),
        ("null", text("null")),
        ("bad UTF-8", join(&[b"{\"subject\":\"", &[0xff, 0xfe], b"\"}"])),
        ("cut UTF-8", join(&[b"{\"subject\":\"", &[0xe8, 0x8c], b"\"}"])),
        ("a surrogate in UTF-8", join(&[b"{\"subject\":\"", &[0xed, 0xa0, 0x80], b"\"}"])),
        ("UTF-16", join(&[&[0xff, 0xfe], b"{\0}\0"])),
        ("a lone surrogate", with("subject", "\"\\ud83c\"")),
        ("a low surrogate first", with("subject", "\"\\udf75\\ud83c\"")),
        ("a control character", with("subject", "\"te\na\"")),
        ("a bad escape", with("subject", "\"\\x41\"")),
        ("17 levels", with("metadata", &nested(17))),
        ("R64: 100,000 levels of arrays", with("metadata", &nested(100_000))),
        ("R64: 40,000 levels of objects", with("metadata", &"{\"a\":".repeat(40_000))),
    ]
}

/// JSON, but not this: (what, body, code, pointer).
fn refused() -> Vec<(&'static str, Vec<u8>, &'static str, &'static str)> {
    let long = |length: usize| format!("\"{}\"", "x".repeat(length));
    let goods = format!("[{{\"name\":{}}}]", long(5_000));
    let many: String = (0..51).map(|n| format!("\"k{n}\":\"v\",")).collect();
    let many = format!("{{{}}}", many.trim_end_matches(','));
    vec![
        ("no body", Vec::new(), "field_missing", "/merchant_order_no"),
        ("an unknown field", with("colour", "1"), "unknown_field", "/colour"),
        ("an unknown field below", amount("1,\"unit\":\"fen\""), "unknown_field", "/amount/unit"),
        ("a field of the output", with("status", "\"succeeded\""), "unknown_field", "/status"),
        ("a reserved field", with("splits", "[]"), "unknown_field", "/splits"),
        ("null for a required field", with("subject", "null"), "field_missing", "/subject"),
        ("null for a value", amount("null"), "field_missing", "/amount/value"),
        ("no currency", with("amount", "{\"value\":1}"), "field_missing", "/amount/currency"),
        ("bar_code without its code", with("scene", "\"bar_code\""), "field_missing", "/auth_code"),
        ("zero", amount("0"), "amount_invalid", "/amount/value"),
        ("minus zero", amount("-0"), "amount_invalid", "/amount/value"),
        ("negative", amount("-1"), "amount_invalid", "/amount/value"),
        ("the least i64", amount("-9223372036854775808"), "amount_invalid", "/amount/value"),
        ("a fraction", amount("12.5"), "amount_invalid", "/amount/value"),
        ("a whole fraction", amount("100.0"), "amount_invalid", "/amount/value"),
        ("an exponent", amount("1e2"), "amount_invalid", "/amount/value"),
        ("a huge exponent", amount("1e999999999"), "amount_invalid", "/amount/value"),
        ("a string", amount("\"100\""), "amount_invalid", "/amount/value"),
        ("true", amount("true"), "amount_invalid", "/amount/value"),
        ("a list", amount("[100]"), "amount_invalid", "/amount/value"),
        ("2^53", amount("9007199254740992"), "amount_invalid", "/amount/value"),
        ("2^63", amount("9223372036854775808"), "amount_invalid", "/amount/value"),
        ("2^64 and more", amount("18446744073709551616000"), "amount_invalid", "/amount/value"),
        ("a bare number", with("amount", "100"), "field_invalid", "/amount"),
        (
            "lower case",
            with("amount", "{\"value\":1,\"currency\":\"cny\"}"),
            "currency_unknown",
            "/amount/currency",
        ),
        (
            "no such currency",
            with("amount", "{\"value\":1,\"currency\":\"XXQ\"}"),
            "currency_unknown",
            "/amount/currency",
        ),
        (
            "a currency's number",
            with("amount", "{\"value\":1,\"currency\":156}"),
            "field_invalid",
            "/amount/currency",
        ),
        ("a number for a text", with("subject", "7"), "field_invalid", "/subject"),
        ("a list for a text", with("merchant_order_no", "[]"), "field_invalid", "/merchant_order_no"),
        ("U+0000", with("subject", "\"te\\u0000a\""), "field_invalid", "/subject"),
        ("U+0000 below", with("metadata", "{\"k\":\"\\u0000\"}"), "field_invalid", "/metadata"),
        ("an empty text", with("subject", "\"\""), "field_invalid", "/subject"),
        ("128 characters", with("subject", &long(128)), "field_invalid", "/subject"),
        ("a number of 65", with("merchant_order_no", &long(65)), "field_invalid", "/merchant_order_no"),
        (
            "a number with a slash",
            with("merchant_order_no", "\"a/b\""),
            "field_invalid",
            "/merchant_order_no",
        ),
        ("a Chinese number", with("merchant_order_no", "\"订单\""), "field_invalid", "/merchant_order_no"),
        ("no such scene", with("scene", "\"smoke\""), "field_invalid", "/scene"),
        ("a scene in capitals", with("scene", "\"QR_CODE\""), "field_invalid", "/scene"),
        ("a method with a space", with("method", "\"sand box\""), "field_invalid", "/method"),
        ("no such mode", with("capture_mode", "\"later\""), "field_invalid", "/capture_mode"),
        ("no such outcome", with("sandbox_outcome", "\"maybe\""), "field_invalid", "/sandbox_outcome"),
        (
            "a refund's outcome",
            with("sandbox_outcome", "\"lose_answer\""),
            "field_invalid",
            "/sandbox_outcome",
        ),
        ("no time", with("expires_at", "\"tomorrow\""), "field_invalid", "/expires_at"),
        (
            "a time without zone",
            with("expires_at", "\"2036-01-01T00:00:00\""),
            "field_invalid",
            "/expires_at",
        ),
        ("the past", with("expires_at", "\"2001-01-01T00:00:00Z\""), "field_invalid", "/expires_at"),
        ("too far ahead", with("expires_at", "\"9999-12-31T23:59:59Z\""), "field_invalid", "/expires_at"),
        ("no address", with("client_ip", "\"256.1.1.1\""), "field_invalid", "/client_ip"),
        ("metadata with a number", with("metadata", "{\"k\":1}"), "field_invalid", "/metadata/k"),
        ("metadata of 51", with("metadata", &many), "field_invalid", "/metadata"),
        ("goods too large", with("goods", &goods), "field_invalid", "/goods"),
        ("goods of texts", with("goods", "[\"tea\"]"), "field_invalid", "/goods/0"),
        ("another scheme", with("notify_url", "\"file:///etc/passwd\""), "url_not_allowed", "/notify_url"),
        ("no url", with("notify_url", "\"shop.example\""), "url_not_allowed", "/notify_url"),
        ("no channel for it", with("method", "\"carrier_pigeon\""), "channel_not_configured", ""),
        ("no price for it", with("amount", "{\"value\":1,\"currency\":\"JPY\"}"), "price_not_configured", ""),
    ]
}

#[test]
fn r64_and_all_other_bad_bodies_are_refused_by_name() {
    on_own(&[], async |server| {
        let merchant = Merchant::new(server).await;
        merchant.paid(10_000).await;
        let before = Picture::of(server);
        let post =
            |body: Vec<u8>| merchant.client.call("POST", "/v1/payments").bytes("application/json", body);
        for (what, body) in malformed() {
            let answer = post(body).send().await;
            assert_eq!(answer.code(), "malformed_json", "{what}: {} {}", answer.status, answer.text);
            answer.expect_problem(400, "malformed_json");
            before.assert_same(server, what);
        }
        for (what, body, code, pointer) in refused() {
            let answer = post(body).send().await;
            let status =
                if matches!(code, "url_not_allowed" | "channel_not_configured" | "price_not_configured") {
                    422
                } else {
                    400
                };
            assert_eq!((answer.status, answer.code()), (status, code), "{what}: {}", answer.text);
            let answer = answer.expect_problem(status, code);
            assert_eq!(answer.pointer(), pointer, "{what}: {}", answer.text);
            before.assert_same(server, what);
        }
        let hint = post(amount("12.5")).send().await.expect_problem(400, "amount_invalid");
        assert!(hint.text.contains("CNY 12.50 is 1250"), "the hint names the unit: {}", hint.text);
        merchant.paid(1).await;
    });
}

/// Nothing of a body larger than its bound is read into memory or acted on; at the bound it is.
#[test]
fn bodies_too_large_and_declared_as_something_else() {
    on_own(&[], async |server| {
        let merchant = Merchant::new(server).await;
        let before = Picture::of(server);
        let padded = |bytes: usize| {
            let mut body = with("subject", "\"tea\"");
            body.resize(bytes, b' ');
            merchant.client.call("POST", "/v1/payments").bytes("application/json", body)
        };
        for bytes in [256 * 1_024 + 1, 1_000_000] {
            padded(bytes).send().await.expect_problem(413, "body_too_large");
        }
        // Of one that is larger still the server stops reading; its sender may see no more than the end of the connection.
        if let Ok(answer) = padded(20_000_000).try_send().await {
            answer.expect_problem(413, "body_too_large");
        }
        let order = with("subject", "\"tea\"");
        for kind in [
            "text/plain",
            "application/x-www-form-urlencoded",
            "application/json; charset=gbk",
            "application/xml",
        ] {
            let call = merchant.client.call("POST", "/v1/payments").bytes(kind, order.clone());
            call.send().await.expect_problem(415, "media_type");
        }
        let packed = merchant.client.call("POST", "/v1/payments").bytes("application/json", order.clone());
        packed.header("content-encoding", "gzip").send().await.expect_problem(415, "media_type");
        let on_get = merchant.client.call("GET", "/v1/payments").bytes("application/json", b"{}".to_vec());
        on_get.send().await.expect_problem(400, "field_invalid");
        before.assert_same(server, "bodies too large or of another kind");
        padded(256 * 1_024).send().await.expect(201);
    });
}
