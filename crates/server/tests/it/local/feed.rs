//! `GET /v1/events?order=oldest_first`: what a program that follows events is promised.

use crate::harness::books::{Books, uid};
use crate::harness::merchant::text;
use crate::harness::{Answer, Merchant, on_own, on_shared, spawn};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const FEED: &str = "/v1/events?order=oldest_first";

fn ids(page: &Answer) -> Vec<String> {
    page["data"].as_array().expect("rows").iter().map(|row| text(row, "id")).collect()
}

/// Ids of all events, oldest first, by the list that begins with the newest.
async fn all(merchant: &Merchant<'_>) -> Vec<String> {
    let mut rows = merchant.all("/v1/events").await;
    rows.reverse();
    rows.iter().map(|row| text(row, "id")).collect()
}

#[test]
fn pages_go_on_behind_the_last_one_by_cursor_and_by_event() {
    on_shared(async |server| {
        let merchant = Merchant::new(server).await;
        let empty = merchant.client.get(FEED).await.expect(200);
        let start = text(&empty.json, "next_cursor");
        for _ in 0..3 {
            merchant.waiting(100, None).await;
        }
        let first = merchant.client.get(&format!("{FEED}&limit=4&cursor={start}")).await.expect(200);
        let next = text(&first.json, "next_cursor");
        let rest = merchant.client.get(&format!("{FEED}&limit=4&cursor={next}")).await.expect(200);
        let wanted = all(&merchant).await;
        assert_eq!([ids(&first), ids(&rest)].concat(), wanted);
        assert_eq!((ids(&first).len(), ids(&rest).len()), (4, 2));
        let end = text(&rest.json, "next_cursor");
        let nothing = merchant.client.get(&format!("{FEED}&cursor={end}")).await.expect(200);
        assert_eq!(
            (ids(&nothing).len(), text(&nothing.json, "next_cursor")),
            (0, end.clone()),
            "the same place"
        );
        let behind = merchant.client.get(&format!("{FEED}&after={}", wanted[1])).await.expect(200);
        assert_eq!(ids(&behind), wanted[2..]);
        merchant.paid(100).await;
        let later = merchant.client.get(&format!("{FEED}&cursor={end}")).await.expect(200);
        assert_eq!(ids(&later), all(&merchant).await[6..]);
        let shown = &merchant.client.get(&format!("/v1/events/{}", ids(&later)[0])).await.expect(200);
        assert_eq!(later["data"][0], shown.json, "the same row as elsewhere");
    });
}

#[test]
fn filters_hold_in_this_order_too() {
    on_shared(async |server| {
        let merchant = Merchant::new(server).await;
        let payment = merchant.waiting(100, None).await.id();
        merchant.waiting(100, None).await;
        merchant.pay(&payment, None).send().await.expect(200);
        merchant.payment_in(&payment, "succeeded").await;
        let of_object = merchant.client.get(&format!("{FEED}&object_id={payment}")).await.expect(200);
        let kinds: Vec<String> =
            of_object["data"].as_array().expect("rows").iter().map(|row| text(row, "type")).collect();
        assert_eq!(kinds, ["payment.created", "payment.requires_action", "payment.succeeded"]);
        let of_kind = merchant.client.get(&format!("{FEED}&type=payment.created")).await.expect(200);
        assert_eq!(ids(&of_kind).len(), 2);
    });
}

#[test]
fn what_does_not_go_together_is_refused_by_name() {
    on_shared(async |server| {
        let merchant = Merchant::new(server).await;
        let event = text(&merchant.events_of(&merchant.paid(100).await.id()).await[0].1, "id");
        let cursor = text(&merchant.client.get(FEED).await.expect(200).json, "next_cursor");
        let foreign = Merchant::new(server).await;
        let theirs = text(&foreign.events_of(&foreign.paid(100).await.id()).await[0].1, "id");
        for (query, pointer) in [
            ("order=sideways".to_owned(), "/query/order"),
            ("wait_ms=5".to_owned(), "/query/wait_ms"),
            (format!("after={event}"), "/query/after"),
            (format!("order=newest_first&after={event}"), "/query/after"),
            (format!("order=oldest_first&after={event}&cursor={cursor}"), "/query/after"),
            ("order=oldest_first&after=pay_1".to_owned(), "/query/after"),
            ("order=oldest_first&after=".to_owned(), "/query/after"),
            ("order=oldest_first&wait_ms=20001".to_owned(), "/query/wait_ms"),
            ("order=oldest_first&wait_ms=-1".to_owned(), "/query/wait_ms"),
            ("order=oldest_first&wait_ms=1e3".to_owned(), "/query/wait_ms"),
            ("order=oldest_first&wait_ms=".to_owned(), "/query/wait_ms"),
            ("order=oldest_first&wait_ms=1&type=payment.created".to_owned(), "/query/wait_ms"),
            ("order=oldest_first&wait_ms=1&created_at_gte=2026-01-01T00:00:00Z".to_owned(), "/query/wait_ms"),
        ] {
            let refused = merchant.client.get(&format!("/v1/events?{query}")).await;
            let refused = refused.expect_problem(400, "field_invalid");
            assert_eq!(refused["errors"][0]["pointer"], pointer, "{query}: {}", refused.text);
        }
        for (query, code) in [
            (format!("cursor={cursor}"), "cursor_invalid"),
            (
                format!("order=oldest_first&object_id={}&cursor={cursor}", event.replace("evt_", "pay_")),
                "cursor_invalid",
            ),
        ] {
            merchant.client.get(&format!("/v1/events?{query}")).await.expect_problem(400, code);
        }
        for gone in [theirs.as_str(), "evt_00000000000000000000000000"] {
            merchant.client.get(&format!("{FEED}&after={gone}")).await.expect_problem(404, "event_not_found");
        }
    });
}

#[test]
fn a_waiting_request_is_answered_when_something_happens_and_empty_when_nothing_does() {
    on_shared(async |server| {
        let merchant = Merchant::new(server).await;
        let begun = Instant::now();
        let nothing = merchant.client.get(&format!("{FEED}&wait_ms=600")).await.expect(200);
        assert_eq!(nothing["data"], json!([]));
        assert!(begun.elapsed() >= Duration::from_millis(600), "it waited");
        let waiting = {
            let client = merchant.client.clone();
            spawn(async move { client.get(&format!("{FEED}&wait_ms=20000")).await })
        };
        let id = merchant.paid(100).await.id();
        let begun = Instant::now();
        let page = waiting.await.expect("no panic").expect(200);
        println!("answered {} ms after the payment was", begun.elapsed().as_millis());
        assert_eq!(page["data"][0]["data"]["object"]["id"], json!(id));
        assert!(begun.elapsed() < Duration::from_secs(15), "not by the end of its wait");
    });
}

#[test]
fn a_wait_ends_with_its_key() {
    on_shared(async |server| {
        let merchant = Merchant::new(server).await;
        let body = json!({ "name": "short", "generate_bearer": true });
        let key = merchant.client.post("/v1/api_keys", &body).key("short").send().await.expect(201);
        let holder =
            merchant.client.with(crate::harness::client::Credentials::Bearer(text(&key.json, "bearer")));
        holder.get("/v1/whoami").await.expect(200);
        let waiting = spawn(async move { holder.get(&format!("{FEED}&wait_ms=20000")).await });
        let revoke = format!("/v1/api_keys/{}/revoke", key.id());
        merchant.client.post(&revoke, &json!({})).send().await.expect(200);
        waiting.await.expect("no panic").expect_problem(401, "key_revoked");
    });
}

#[test]
fn a_server_that_stops_does_not_wait_for_who_waits() {
    on_own(&[], async |server| {
        let merchant = Merchant::new(server).await;
        let waiting = {
            let client = merchant.client.clone();
            spawn(async move { client.call("GET", &format!("{FEED}&wait_ms=20000")).try_send().await })
        };
        // It is in the server when a later request of the same client is answered: not necessarily, but nothing depends on it.
        merchant.client.get("/v1/whoami").await.expect(200);
        let begun = Instant::now();
        server.stop();
        assert!(begun.elapsed() < Duration::from_secs(10), "stopping took {:?}", begun.elapsed());
        if let Ok(page) = waiting.await.expect("no panic") {
            assert_eq!(page.expect(200)["data"], Value::Array(Vec::new()));
        }
    });
}

#[test]
fn the_deliveries_of_one_event() {
    on_shared(async |server| {
        let merchant = Merchant::new(server).await;
        let receiver = crate::harness::Receiver::start().await;
        let here = crate::cases_b::endpoints::listen_at(&merchant, &receiver.url, &["*"]).await.id();
        let there = crate::cases_b::endpoints::listen_at(&merchant, &format!("{}/2", receiver.url), &["*"])
            .await
            .id();
        let (one, two) = (merchant.paid(100).await.id(), merchant.paid(100).await.id());
        crate::cases_b::endpoints::all_told(&merchant).await;
        let event = text(&merchant.events_of(&one).await[0].1, "id");
        let rows = merchant.all(&format!("/v1/webhook_deliveries?event={event}")).await;
        let mut endpoints: Vec<String> = rows.iter().map(|row| text(row, "endpoint")).collect();
        endpoints.sort();
        let mut wanted = vec![here.clone(), there];
        wanted.sort();
        assert_eq!(endpoints, wanted);
        assert!(
            rows.iter().all(|row| row["event"] == json!(event) && row["status"] == "succeeded"),
            "{rows:?}"
        );
        let page = |query: String| {
            let client = merchant.client.clone();
            async move { client.get(&format!("/v1/webhook_deliveries?event={query}")).await }
        };
        let mine = page(format!("{event}&endpoint={here}")).await.expect(200);
        assert_eq!(mine["data"].as_array().expect("rows").len(), 1);
        assert_eq!(page(format!("{event}&status=failed")).await.expect(200)["data"], json!([]));
        let first = page(format!("{event}&limit=1")).await.expect(200);
        let cursor = text(&first.json, "next_cursor");
        let second = page(format!("{event}&limit=1&cursor={cursor}")).await.expect(200);
        assert_ne!(first["data"][0]["id"], second["data"][0]["id"]);
        assert!(second["next_cursor"].is_null());
        let other = text(&merchant.events_of(&two).await[0].1, "id");
        page(format!("{other}&limit=1&cursor={cursor}")).await.expect_problem(400, "cursor_invalid");
        page("evt_00000000000000000000000000".to_owned()).await.expect_problem(404, "event_not_found");
        page("x".to_owned()).await.expect_problem(400, "field_invalid");
    });
}

/// As when it grew old: see `[retention]`.
#[test]
fn a_cursor_at_an_event_that_is_gone_is_refused() {
    on_own(&[], async |server| {
        let merchant = Merchant::new(server).await;
        for _ in 0..3 {
            merchant.paid(100).await;
        }
        let start =
            text(&merchant.client.get(&format!("{FEED}&limit=1")).await.expect(200).json, "next_cursor");
        let wanted = all(&merchant).await;
        Books::set_at(server, "DELETE FROM event WHERE id = ?1", uid(&wanted[0]).0);
        let refused = merchant.client.get(&format!("{FEED}&cursor={start}")).await;
        refused.expect_problem(400, "cursor_expired");
        let behind = merchant.client.get(&format!("{FEED}&after={}", wanted[0])).await;
        behind.expect_problem(404, "event_not_found");
        let anew = merchant.client.get(&format!("{FEED}&limit=1")).await.expect(200);
        assert_eq!(ids(&anew), wanted[1..2], "from the oldest that is kept");
        let next = text(&anew.json, "next_cursor");
        let rest = merchant.client.get(&format!("{FEED}&cursor={next}")).await.expect(200);
        assert_eq!(ids(&rest), wanted[2..]);
    });
}
