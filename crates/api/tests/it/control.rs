//! Endpoints, the clock, and what is the same for every list and every re-entrant request.

use crate::house::House;

const HOOK: &str = r#"{"url":"http://127.0.0.1:1/hook","events":["payment.*"]}"#;

#[tokio::test]
async fn a_secret_is_shown_once_and_a_repeat_shows_the_object() {
    let house = House::new().await;
    let missing = house.post("/v1/webhook_endpoints", &[], HOOK).await;
    assert_eq!(missing.refusal(), (400, "idempotency_key_missing".to_owned()));
    let bad = house.post("/v1/webhook_endpoints", &[("idempotency-key", "a b")], HOOK).await;
    assert_eq!(bad.json()["errors"][0]["pointer"], "/headers/idempotency-key");

    let first = house.post("/v1/webhook_endpoints", &[("idempotency-key", "k")], HOOK).await;
    assert_eq!((first.status.as_u16(), first.header("idempotency-status")), (201, "fresh"), "{}", first.text);
    assert!(first.json()["secret"].as_str().unwrap().starts_with("whsec_"));
    let again = house.post("/v1/webhook_endpoints", &[("idempotency-key", "\"k\"")], HOOK).await;
    assert_eq!((again.status.as_u16(), again.header("idempotency-status")), (200, "replayed"));
    assert!(again.json()["secret"].is_null());
    assert_eq!(again.json()["id"], first.json()["id"]);
    let other = house
        .post("/v1/webhook_endpoints", &[("idempotency-key", "k")], r#"{"url":"http://127.0.0.1:1/other"}"#)
        .await;
    assert_eq!(other.refusal(), (422, "idempotency_key_reused".to_owned()));
    let twin = house.post("/v1/webhook_endpoints", &[("idempotency-key", "k2")], HOOK).await;
    assert_eq!(twin.refusal(), (409, "webhook_endpoint_exists".to_owned()));

    let path = format!("/v1/webhook_endpoints/{}", first.json()["id"].as_str().unwrap());
    let headers = [("content-type", "application/json")];
    let off = house.ask("PATCH", &path, &headers, r#"{"status":"disabled","description":"till"}"#).await;
    assert_eq!(
        (off.json()["status"].as_str(), off.json()["description"].as_str()),
        (Some("disabled"), Some("till"))
    );
    let plain = house.ask("PATCH", &path, &headers, r#"{"description":""}"#).await;
    assert!(plain.json()["description"].is_null());
    let failing = house.ask("PATCH", &path, &headers, r#"{"status":"failing"}"#).await;
    assert_eq!(failing.refusal(), (400, "field_invalid".to_owned()));
    let rotated = house.post(&format!("{path}/rotate_secret"), &[], "").await;
    assert_ne!(rotated.json()["secret"], first.json()["secret"]);
    assert_eq!(house.ask("DELETE", &path, &[], "").await.status, 200);
    assert_eq!(house.get(&path).await.refusal(), (404, "webhook_endpoint_not_found".to_owned()));
}

#[tokio::test]
async fn pages_meet_every_row_once_and_cursors_belong_to_their_list() {
    let house = House::new().await;
    for number in 0..5 {
        let body = format!(r#"{{"url":"http://127.0.0.1:1/hook{number}"}}"#);
        let key = format!("k{number}");
        assert_eq!(
            house.post("/v1/webhook_endpoints", &[("idempotency-key", &key)], &body).await.status,
            201
        );
    }
    let (mut seen, mut target) = (Vec::new(), "/v1/webhook_endpoints?limit=2".to_owned());
    loop {
        let page = house.get(&target).await.json();
        for row in page["data"].as_array().unwrap() {
            seen.push(row["url"].as_str().unwrap().to_owned());
        }
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        let elsewhere = house.get(&format!("/v1/payments?cursor={cursor}")).await;
        assert_eq!(elsewhere.refusal(), (400, "cursor_invalid".to_owned()));
        target = format!("/v1/webhook_endpoints?limit=2&cursor={cursor}");
    }
    let newest_first: Vec<_> =
        (0..5).rev().map(|number| format!("http://127.0.0.1:1/hook{number}")).collect();
    assert_eq!(seen, newest_first);
}

#[tokio::test]
async fn the_clock_goes_forward_only() {
    let house = House::new().await;
    for (body, pointer) in [
        ("{}", "/advance_seconds"),
        (r#"{"advance_seconds":0}"#, "/advance_seconds"),
        (r#"{"advance_seconds":-5}"#, "/advance_seconds"),
        (r#"{"advance_seconds":1,"now":"2099-01-01T00:00:00Z"}"#, "/now"),
        (r#"{"now":"2001-01-01T00:00:00Z"}"#, "/now"),
    ] {
        let answer = house.post("/v1/sandbox/clock", &[], body).await;
        assert_eq!(answer.refusal().0, 400, "{body}");
        assert_eq!(answer.json()["errors"][0]["pointer"], pointer, "{body}");
    }
    let moved = house.post("/v1/sandbox/clock", &[], r#"{"advance_seconds":86400}"#).await;
    assert_eq!(moved.status, 200, "{}", moved.text);
    assert_eq!(moved.json()["offset_seconds"], 86_400);
    assert_eq!(house.get("/v1/sandbox/clock").await.json()["offset_seconds"], 86_400);
}
