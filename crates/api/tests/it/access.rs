//! Who is calling, and what they may do.

use crate::house::{House, PUBLIC_URL, real_now_us, request};
use api::{Rate, RateLimits};

#[tokio::test]
async fn a_bearer_token_says_who_is_asking() {
    let house = House::new().await;
    let answer = house.get("/v1/whoami").await;
    assert_eq!(answer.status, 200);
    let json = answer.json();
    assert_eq!(json["merchant"], house.sandbox.to_string());
    assert_eq!(
        (json["world"].as_str(), json["business_zone"].as_str()),
        (Some("sandbox"), Some("Asia/Shanghai"))
    );
    assert_eq!(answer.header("feiqian-world"), "sandbox");
    assert_eq!(answer.header("feiqian-version"), "0.1.0");
    assert!(answer.header("request-id").starts_with("req_"));
    assert_eq!(answer.header("request-id").len(), 30);
}

#[tokio::test]
async fn credentials_are_refused_by_name() {
    let house = House::new().await;
    let expired = house.bearer(|key| key.expires_at_us = Some(real_now_us() - 1)).await;
    let revoked = house.bearer(|key| key.revoked_at_us = Some(real_now_us() - 1)).await;
    let elsewhere = house.bearer(|key| key.ip_allow = vec!["203.0.113.0/24".to_owned()]).await;
    let unknown = crypto::secret::BearerToken::generate();
    let bearer = |token: &str| format!("Bearer {token}");
    for (authorization, expected) in [
        (String::new(), (401, "credentials_missing")),
        ("Basic eDp5".to_owned(), (401, "credentials_missing")),
        (bearer("x"), (401, "key_unknown")),
        (bearer(unknown.expose()), (401, "key_unknown")),
        (bearer("fqsk_live_x"), (403, "bearer_not_in_live")),
        (bearer(&expired), (401, "key_expired")),
        (bearer(&revoked), (401, "key_revoked")),
        (bearer(&elsewhere), (403, "ip_not_allowed")),
    ] {
        let headers = [("authorization", authorization.as_str())];
        let headers = if authorization.is_empty() { &[][..] } else { &headers[..] };
        let answer = house.send(request("GET", "/v1/whoami", headers, "")).await;
        assert_eq!(answer.refusal(), (expected.0, expected.1.to_owned()), "{authorization}");
    }
    for (merchant, expected) in [
        (house.live.to_string(), (401, "key_wrong_world".to_owned())),
        ("mch_x".to_owned(), (403, "merchant_not_permitted".to_owned())),
    ] {
        let answer = house.ask("GET", "/v1/whoami", &[("feiqian-merchant", &merchant)], "").await;
        assert_eq!(answer.refusal(), expected, "{merchant}");
    }
}

#[tokio::test]
async fn a_signature_is_checked_over_the_public_url_whatever_host_was_called() {
    let house = House::new().await;
    let live = house.signer(house.live).await;
    let target = "/v1/payments?limit=5&status=succeeded";
    let mut good = live.request("GET", target, &format!("{PUBLIC_URL}{target}"), "", "");
    good.headers_mut().insert("host", "10.0.0.7:8080".parse().unwrap());
    let answer = house.send(good).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.header("feiqian-world"), "live");

    let other = live.request("GET", target, &format!("http://10.0.0.7{target}"), "", "");
    let answer = house.send(other).await;
    assert_eq!(answer.refusal(), (401, "signature_invalid".to_owned()));
    assert!(answer.json().get("signature_base").is_none(), "never in live");
    assert_eq!(answer.json()["signature_components"][1], "@target-uri");

    let sandbox = house.signer(house.sandbox).await;
    let answer =
        house.send(sandbox.request("GET", target, &format!("http://10.0.0.7{target}"), "", "")).await;
    let base = answer.json()["signature_base"].as_str().unwrap().to_owned();
    assert!(base.contains(&format!("\"@target-uri\": {PUBLIC_URL}{target}")), "{base}");
}

#[tokio::test]
async fn signing_mistakes_are_named() {
    let house = House::new().await;
    let signer = house.signer(house.sandbox).await;
    let url = format!("{PUBLIC_URL}/v1/webhook_endpoints");
    let body = r#"{"url":"http://127.0.0.1:1/hook"}"#;
    let made = |nonce: &str| signer.request("POST", "/v1/webhook_endpoints", &url, nonce, body);

    let mut both = made("nonce-0000000001");
    both.headers_mut().insert("authorization", format!("Bearer {}", house.token).parse().unwrap());
    let mut unsigned_key = made("nonce-0000000002");
    let input =
        unsigned_key.headers()["signature-input"].to_str().unwrap().replace(" \"idempotency-key\"", "");
    unsigned_key.headers_mut().insert("signature-input", input.parse().unwrap());
    let mut digest = made("nonce-0000000003");
    *digest.body_mut() = axum::body::Body::from(r#"{"url": "http://127.0.0.1:1/hook"}"#);
    let mut late = made("nonce-0000000004");
    let input = late.headers()["signature-input"].to_str().unwrap().replace("created=1", "created=");
    late.headers_mut().insert("signature-input", input.parse().unwrap());
    let mut stranger = made("nonce-0000000005");
    let input =
        stranger.headers()["signature-input"].to_str().unwrap().replace("keyid=\"key_", "keyid=\"key_0");
    stranger.headers_mut().insert("signature-input", input.parse().unwrap());
    for (request, code) in [
        (both, "signature_encoding"),
        (made("short"), "signature_encoding"),
        (unsigned_key, "signature_component_missing"),
        (digest, "digest_mismatch"),
        (late, "signature_time"),
        (stranger, "key_unknown"),
    ] {
        let answer = house.send(request).await;
        assert_eq!(answer.refusal(), (401, code.to_owned()));
    }
    assert_eq!(house.send(made("nonce-0000000006")).await.status, 201);
    let replayed = house.send(made("nonce-0000000006")).await;
    assert_eq!(replayed.refusal(), (401, "nonce_reused".to_owned()));
    assert_eq!(replayed.json()["retryable"], true);
}

#[tokio::test]
async fn a_key_does_what_its_list_says_and_hands_out_no_more() {
    let house = House::new().await;
    let limited = house
        .bearer(|key| key.permissions = vec!["api_keys.write".to_owned(), "payments.read".to_owned()])
        .await;
    let authorization = format!("Bearer {limited}");
    let send = async |method: &str, target: &str, body: &str| {
        let headers = [
            ("authorization", authorization.as_str()),
            ("content-type", "application/json"),
            ("idempotency-key", "k1"),
        ];
        house.send(request(method, target, &headers, body)).await
    };
    assert_eq!(send("GET", "/v1/whoami", "").await.status, 200);
    assert_eq!(send("GET", "/v1/payments", "").await.status, 200);
    let refused = send("GET", "/v1/balances", "").await;
    assert_eq!(refused.refusal(), (403, "permission_missing".to_owned()));
    assert_eq!(refused.json()["errors"][0]["allowed"][0], "balances.read");
    let all = send("POST", "/v1/api_keys", r#"{"name":"x","generate_bearer":true}"#).await;
    assert_eq!(all.refusal(), (403, "permission_missing".to_owned()));
    let some = r#"{"name":"x","generate_bearer":true,"permissions":["payments.read"]}"#;
    let made = send("POST", "/v1/api_keys", some).await;
    assert_eq!(made.status, 201, "{}", made.text);
    assert!(made.json()["bearer"].as_str().unwrap().starts_with("fqsk_sandbox_"));
    let mighty = house.get("/v1/whoami").await.json()["key"].as_str().unwrap().to_owned();
    let stolen = send("POST", &format!("/v1/api_keys/{mighty}/rotate"), "").await;
    assert_eq!(stolen.refusal(), (403, "permission_missing".to_owned()));
}

#[tokio::test]
async fn too_many_calls_are_told_when_to_come_again() {
    let rate = Rate { per_second: 1, burst: 3 };
    let house = House::with(|config| {
        config.rate_limits = RateLimits { sandbox_read: rate, ..RateLimits::default() };
    })
    .await;
    for _ in 0..3 {
        assert_eq!(house.get("/v1/whoami").await.status, 200);
    }
    let answer = house.get("/v1/whoami").await;
    assert_eq!(answer.refusal(), (429, "rate_limited".to_owned()));
    assert_eq!(answer.header("retry-after"), "1");
    let other = house.bearer(|_| {}).await;
    let authorization = format!("Bearer {other}");
    let answer = house.send(request("GET", "/v1/whoami", &[("authorization", &authorization)], "")).await;
    assert_eq!(answer.status, 200, "another key is not held");
}
