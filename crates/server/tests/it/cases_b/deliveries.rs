//! Deliveries: order per object, pauses, every try visible, health, replay. R54, R55.

use super::endpoints::{all_told, kinds_of, listen_at, until_accepted};
use crate::harness::merchant::text;
use crate::harness::{Behaviour, Merchant, Receiver, on_shared, until};
use serde_json::{Value, json};

/// Seconds between two times as WIRE writes them.
fn seconds_between(from: &str, to: &str) -> f64 {
    let at = |text: &str| text.parse::<jiff::Timestamp>().unwrap_or_else(|fault| panic!("{text}: {fault}"));
    at(to).duration_since(at(from)).as_secs_f64()
}

/// The only delivery of an event.
async fn delivery_of(merchant: &Merchant<'_>, event: &str) -> Value {
    let rows = merchant.all("/v1/webhook_deliveries").await;
    let found: Vec<&Value> = rows.iter().filter(|row| row["event"] == event).collect();
    assert_eq!(found.len(), 1, "{rows:?}");
    found[0].clone()
}

async fn delivery_when(
    merchant: &Merchant<'_>,
    event: &str,
    what: &str,
    is: impl Fn(&Value) -> bool,
) -> Value {
    until(&format!("delivery of {event} {what}"), || async {
        let row = delivery_of(merchant, event).await;
        is(&row).then_some(row)
    })
    .await
}

fn tries(delivery: &Value) -> usize {
    delivery["attempts"].as_array().expect("a list").len()
}

/// While an older event of an object waits for a retry, its later ones wait at that endpoint, and no other object does.
#[test]
fn events_of_one_object_stay_in_order() {
    on_shared(async |server| {
        let (merchant, receiver) = (Merchant::new(server).await, Receiver::start().await);
        listen_at(&merchant, &receiver.url, &["*"]).await;
        receiver.behave(Behaviour::Fail(500));
        let held = merchant.waiting(700, None).await.id();
        let first = text(&merchant.events_of(&held).await[0].1, "id");
        let failed = delivery_when(&merchant, &first, "tried once", |row| tries(row) == 1).await;
        assert_eq!((&failed["status"], &failed["attempts"][0]["status"]), (&json!("pending"), &json!(500)));
        receiver.behave(Behaviour::Accept);
        merchant.pay(&held, None).send().await.expect(200);
        merchant.payment_in(&held, "succeeded").await;
        let other = merchant.paid(100).await.id();
        until_accepted(&merchant, &receiver, &other, 1).await;
        assert_eq!(
            kinds_of(&receiver, &held),
            Vec::<String>::new(),
            "the first one has not come through yet"
        );
        until_accepted(&merchant, &receiver, &held, 3).await;
        assert_eq!(
            kinds_of(&receiver, &held),
            ["payment.created", "payment.requires_action", "payment.succeeded"]
        );
        let sequences: Vec<i64> = receiver
            .accepted_of(&held)
            .iter()
            .map(|told| told.json["data"]["sequence"].as_i64().expect("it"))
            .collect();
        assert!(sequences.is_sorted(), "{sequences:?}");
    });
}

/// Pauses grow (5 s, then 5 min, each ±20 %), every try stands in the delivery, and the same id and body come again.
#[test]
fn failed_deliveries_are_retried_with_growing_pauses() {
    on_shared(async |server| {
        let (merchant, receiver) = (Merchant::new(server).await, Receiver::start().await);
        listen_at(&merchant, &receiver.url, &["*"]).await;
        receiver.behave(Behaviour::Fail(503));
        let id = merchant.paid(500).await.id();
        let event = text(&merchant.events_of(&id).await[0].1, "id");
        for (count, pause_s) in [(1, 5.0), (2, 300.0)] {
            let row = delivery_when(&merchant, &event, "tried", |row| tries(row) == count).await;
            assert_eq!(
                (&row["status"], &row["attempts"][count - 1]["status"]),
                (&json!("pending"), &json!(503))
            );
            let ended = text(&row["attempts"][count - 1], "at");
            let pause = seconds_between(&ended, &text(&row, "next_attempt_at"));
            assert!(
                (0.8 * pause_s - 0.1..=1.2 * pause_s + 2.0).contains(&pause),
                "pause {count} is {pause} s"
            );
        }
        let came = receiver.deliveries();
        assert_eq!(came.len(), 2);
        assert_eq!((&came[0].id, &came[0].body), (&came[1].id, &came[1].body));
        let path = format!("/v1/webhook_deliveries/{}", text(&delivery_of(&merchant, &event).await, "id"));
        receiver.behave(Behaviour::Accept);
        merchant.client.post(&format!("{path}/replay"), &json!({})).send().await.expect(200);
        let row = delivery_when(&merchant, &event, "through", |row| row["status"] == "succeeded").await;
        let statuses: Vec<&Value> =
            row["attempts"].as_array().expect("a list").iter().map(|a| &a["status"]).collect();
        assert_eq!(statuses, [&json!(503), &json!(503), &json!(204)], "every try is there");
        assert!(row["next_attempt_at"].is_null() && row["attempts"][0]["latency_ms"].is_i64(), "{row}");
    });
}

#[test]
fn a_receiver_that_is_not_there_has_its_error_shown() {
    on_shared(async |server| {
        let merchant = Merchant::new(server).await;
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}/gone", listener.local_addr().expect("its number"));
        drop(listener);
        listen_at(&merchant, &url, &["*"]).await;
        let id = merchant.paid(500).await.id();
        let event = text(&merchant.events_of(&id).await[0].1, "id");
        let row = delivery_when(&merchant, &event, "tried", |row| tries(row) == 1).await;
        assert!(row["attempts"][0]["status"].is_null(), "{row}");
        assert!(!text(&row["attempts"][0], "error").is_empty(), "{row}");
    });
}

#[test]
fn a_replay_sends_the_same_event_again() {
    on_shared(async |server| {
        let (merchant, receiver) = (Merchant::new(server).await, Receiver::start().await);
        let secret = text(&listen_at(&merchant, &receiver.url, &["*"]).await.json, "secret");
        let id = merchant.paid(500).await.id();
        until_accepted(&merchant, &receiver, &id, 1).await;
        all_told(&merchant).await;
        let event = text(&merchant.events_of(&id).await[0].1, "id");
        let delivery = text(&delivery_of(&merchant, &event).await, "id");
        merchant
            .client
            .post(&format!("/v1/webhook_deliveries/{delivery}/replay"), &json!({}))
            .send()
            .await
            .expect(200);
        until_accepted(&merchant, &receiver, &id, 2).await;
        let came = receiver.accepted_of(&id);
        assert_eq!((&came[0].id, &came[0].body), (&came[1].id, &came[1].body));
        assert!(came[1].is_signed_by(&secret));
        let row = delivery_when(&merchant, &event, "through again", |row| {
            tries(row) == 2 && row["status"] == "succeeded"
        })
        .await;
        assert_eq!(merchant.event_types(&id).await.len(), 1, "no new event: {row}");
    });
}

/// R54: one failure disables nothing and is forgotten by a success; four in a row are told, and so is the recovery.
/// That five silent days after one failure disable nothing is decided by real time, which no black box can pass: the
/// table of that rule is `app::webhook::health`'s own.
#[test]
fn r54_one_failure_leaves_an_endpoint_enabled() {
    on_shared(async |server| {
        let (merchant, receiver) = (Merchant::new(server).await, Receiver::start().await);
        let endpoint = listen_at(&merchant, &receiver.url, &["*"]).await.id();
        let status = async || {
            text(&merchant.client.get(&format!("/v1/webhook_endpoints/{endpoint}")).await.json, "status")
        };
        receiver.behave(Behaviour::Fail(500));
        let once = merchant.paid(100).await.id();
        let event = text(&merchant.events_of(&once).await[0].1, "id");
        delivery_when(&merchant, &event, "tried once", |row| tries(row) == 1).await;
        assert_eq!(status().await, "enabled");
        receiver.behave(Behaviour::Accept);
        until_accepted(&merchant, &receiver, &once, 1).await;
        assert_eq!(
            (status().await, merchant.event_types(&endpoint).await),
            ("enabled".to_owned(), Vec::new())
        );

        receiver.behave(Behaviour::Fail(500));
        for _ in 0..4 {
            merchant.paid(100).await;
        }
        until("failing endpoint", || async { (status().await == "failing").then_some(()) }).await;
        assert_eq!(merchant.event_types(&endpoint).await, ["webhook_endpoint.failing"]);
        receiver.behave(Behaviour::Accept);
        merchant.paid(100).await;
        until("enabled endpoint", || async { (status().await == "enabled").then_some(()) }).await;
        let types = merchant.event_types(&endpoint).await;
        assert_eq!(types, ["webhook_endpoint.failing", "webhook_endpoint.recovered"]);
    });
}

/// R55: a replay for an endpoint that is gone or disabled is refused by name and starts nothing.
#[test]
fn r55_replay_for_a_deleted_endpoint() {
    on_shared(async |server| {
        let (merchant, receiver) = (Merchant::new(server).await, Receiver::start().await);
        let endpoint = listen_at(&merchant, &receiver.url, &["*"]).await.id();
        let id = merchant.paid(500).await.id();
        until_accepted(&merchant, &receiver, &id, 1).await;
        all_told(&merchant).await;
        let event = text(&merchant.events_of(&id).await[0].1, "id");
        let delivery = delivery_of(&merchant, &event).await;
        let path = format!("/v1/webhook_deliveries/{}", text(&delivery, "id"));
        let replay = || merchant.client.post(&format!("{path}/replay"), &json!({}));
        let at = format!("/v1/webhook_endpoints/{endpoint}");
        merchant.client.call("PATCH", &at).json(&json!({ "status": "disabled" })).send().await.expect(200);
        replay().send().await.expect_problem(404, "webhook_endpoint_not_found");
        merchant.client.call("DELETE", &at).send().await.expect(200);
        replay().send().await.expect_problem(404, "webhook_endpoint_not_found");
        let after = merchant.client.get(&path).await.expect(200);
        assert_eq!(after.json, delivery, "no job and no try came of it");
        let nothing = "/v1/webhook_deliveries/whd_00000000000000000000000000/replay";
        merchant.client.post(nothing, &json!({})).send().await.expect_problem(404, "delivery_not_found");
    });
}
