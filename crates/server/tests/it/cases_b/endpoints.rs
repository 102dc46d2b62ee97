//! Webhook endpoints: made, changed, shown, rotated, filtered, disabled, removed.

use crate::harness::merchant::text;
use crate::harness::{Answer, Behaviour, Merchant, Receiver, on_shared, until};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Registers an endpoint.
pub async fn listen_at(merchant: &Merchant<'_>, url: &str, events: &[&str]) -> Answer {
    let body = json!({ "url": url, "events": events });
    merchant
        .client
        .post("/v1/webhook_endpoints", &body)
        .key(&merchant.next_no("endpoint"))
        .send()
        .await
        .expect(201)
}

/// Waits until nothing is to be told any more.
pub async fn all_told(merchant: &Merchant<'_>) {
    until("end of all deliveries", || async {
        merchant.all("/v1/webhook_deliveries?status=pending").await.is_empty().then_some(())
    })
    .await;
}

/// Every recoverable outcome ends within 30 s (WIRE, SANDBOX), and its delivery follows at once.
const ACCEPTED_BOUND: Duration = Duration::from_secs(30);

/// Waits until a receiver accepted so many about an object.
pub async fn until_accepted(merchant: &Merchant<'_>, receiver: &Receiver, object: &str, count: usize) {
    let begun = Instant::now();
    while receiver.accepted_of(object).len() < count {
        if begun.elapsed() > ACCEPTED_BOUND {
            let rows = merchant.all("/v1/webhook_deliveries").await;
            let events = merchant.events_of(object).await;
            panic!("not {count} deliveries about {object}; deliveries: {rows:#?}; events: {events:#?}");
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The types of what was accepted about an object, as they came.
pub fn kinds_of(receiver: &Receiver, object: &str) -> Vec<String> {
    receiver.accepted_of(object).iter().map(|delivered| delivered.kind().to_owned()).collect()
}

/// A repeat under its key answers the endpoint as it is now; one that was deleted is not there, and is not made again.
#[test]
fn a_repeat_does_not_bring_a_deleted_endpoint_back() {
    on_shared(async |server| {
        let merchant = Merchant::new(server).await;
        let body = json!({ "url": "http://127.0.0.1:9/gone", "events": ["refund.failed"] });
        let post = || merchant.client.post("/v1/webhook_endpoints", &body).key("once").send();
        let made = post().await.expect(201).id();
        let path = format!("/v1/webhook_endpoints/{made}");
        merchant.client.call("DELETE", &path).send().await.expect(200);
        post().await.expect_problem(404, "webhook_endpoint_not_found");
        assert!(merchant.all("/v1/webhook_endpoints").await.is_empty());
        let document = server.client().get("/openapi.json").await.expect(200).json;
        let refusals = &document["paths"]["/v1/webhook_endpoints"]["post"]["responses"]["404"]["description"];
        assert_eq!(*refusals, "`webhook_endpoint_not_found`");
    });
}

#[test]
fn endpoints_are_made_shown_changed_and_removed() {
    on_shared(async |server| {
        let (merchant, receiver) = (Merchant::new(server).await, Receiver::start().await);
        let body = json!({ "url": receiver.url, "events": ["payment.*"], "description": "shop" });
        let post = |key: &str| merchant.client.post("/v1/webhook_endpoints", &body).key(key);
        let made = post("first").send().await.expect(201);
        assert!(text(&made.json, "secret").starts_with("whsec_"), "{}", made.text);
        assert_eq!((&made["status"], &made["object"]), (&json!("enabled"), &json!("webhook_endpoint")));
        let again = post("first").send().await.expect(200);
        assert!(again.is_replayed() && again["secret"].is_null(), "a replay shows no secret: {}", again.text);
        post("second").send().await.expect_problem(409, "webhook_endpoint_exists");
        let path = format!("/v1/webhook_endpoints/{}", made.id());
        let shown = merchant.client.get(&path).await.expect(200);
        assert!(shown["secret"].is_null() && shown["description"] == "shop", "{}", shown.text);
        let listed = merchant.all("/v1/webhook_endpoints").await;
        assert_eq!((listed.len(), &listed[0]["id"], &listed[0]["secret"]), (1, &made["id"], &Value::Null));

        let patch = |body: Value| merchant.client.call("PATCH", &path).json(&body);
        let patched = patch(json!({ "description": "", "events": ["*"], "status": "disabled" }))
            .send()
            .await
            .expect(200);
        assert_eq!((&patched["description"], &patched["status"]), (&Value::Null, &json!("disabled")));
        let silent = merchant.paid(100).await.id();
        patch(json!({ "status": "enabled" })).send().await.expect(200);
        let told = merchant.paid(100).await.id();
        until_accepted(&merchant, &receiver, &told, 1).await;
        assert_eq!(kinds_of(&receiver, &silent), Vec::<String>::new(), "nothing goes to a disabled endpoint");
        patch(json!({ "status": "failing" })).send().await.expect_problem(400, "field_invalid");

        let other = listen_at(&merchant, &format!("{}/2", receiver.url), &["*"]).await;
        let taken = merchant
            .client
            .call("PATCH", &format!("/v1/webhook_endpoints/{}", other.id()))
            .json(&json!({ "url": receiver.url }));
        taken.send().await.expect_problem(409, "webhook_endpoint_exists");
        merchant.client.call("DELETE", &path).send().await.expect(200);
        merchant.client.get(&path).await.expect_problem(404, "webhook_endpoint_not_found");
        merchant.client.call("DELETE", &path).send().await.expect_problem(404, "webhook_endpoint_not_found");
        assert_eq!(merchant.all("/v1/webhook_endpoints").await.len(), 1);
    });
}

#[test]
fn bodies_are_what_get_shows_and_are_signed() {
    on_shared(async |server| {
        let (merchant, receiver) = (Merchant::new(server).await, Receiver::start().await);
        let secret = text(&listen_at(&merchant, &receiver.url, &["*"]).await.json, "secret");
        let id = merchant.paid(4_321).await.id();
        until_accepted(&merchant, &receiver, &id, 1).await;
        let told = receiver.accepted_of(&id).remove(0);
        assert!(told.is_signed_by(&secret), "{}", told.signature);
        assert!(!told.is_signed_by(&merchant.webhook_secret), "each endpoint has its own secret");
        let event = &merchant.events_of(&id).await[0].1;
        assert_eq!(event["id"], json!(told.id), "webhook-id is the event's id");
        assert_eq!(told.json["data"]["id"], json!(told.id));
        assert_eq!((&told.json["type"], &told.json["data"]), (&event["type"], &event["data"]));
        assert_eq!(told.json.as_object().expect("an object").len(), 3, "type, timestamp, data");
        assert_eq!(told.json["data"]["object"], merchant.payment(&id).await.json, "as GET shows it");
        assert_eq!(told.json["data"]["sequence"], told.json["data"]["object"]["sequence"]);
        assert_eq!(told.json["data"]["previous_status"], "created");
        assert!(told.body.len() <= 20_000);
    });
}

#[test]
fn a_rotated_secret_signs_beside_the_old_one() {
    on_shared(async |server| {
        let (merchant, receiver) = (Merchant::new(server).await, Receiver::start().await);
        let made = listen_at(&merchant, &receiver.url, &["*"]).await;
        let old = text(&made.json, "secret");
        let path = format!("/v1/webhook_endpoints/{}/rotate_secret", made.id());
        let rotated = merchant.client.post(&path, &json!({})).send().await.expect(200);
        let new = text(&rotated.json, "secret");
        assert_ne!(old, new);
        let id = merchant.paid(100).await.id();
        until_accepted(&merchant, &receiver, &id, 1).await;
        let told = receiver.accepted_of(&id).remove(0);
        assert!(told.is_signed_by(&new) && told.is_signed_by(&old), "{}", told.signature);
        assert_eq!(told.signature.split(' ').count(), 2);
    });
}

#[test]
fn a_rotation_under_one_key_happens_once() {
    on_shared(async |server| {
        let (merchant, receiver) = (Merchant::new(server).await, Receiver::start().await);
        let made = listen_at(&merchant, &receiver.url, &["*"]).await;
        let path = format!("/v1/webhook_endpoints/{}/rotate_secret", made.id());
        let rotate = || merchant.client.post(&path, &json!({})).key("rotate-1").send();
        let first = rotate().await.expect(200);
        let again = rotate().await.expect(200);
        assert_eq!(again.json["secret"], serde_json::Value::Null, "a secret is shown once");
        assert_eq!(again.json["sequence"], first.json["sequence"]);
        let id = merchant.paid(100).await.id();
        until_accepted(&merchant, &receiver, &id, 1).await;
        let told = receiver.accepted_of(&id).remove(0);
        assert!(told.is_signed_by(&text(&made.json, "secret")), "the secret before it still signs");
    });
}

#[test]
fn endpoints_hear_what_they_subscribed_to() {
    on_shared(async |server| {
        let merchant = Merchant::new(server).await;
        let (all, payments, refunded) =
            (Receiver::start().await, Receiver::start().await, Receiver::start().await);
        listen_at(&merchant, &all.url, &["*"]).await;
        listen_at(&merchant, &payments.url, &["payment.*"]).await;
        listen_at(&merchant, &refunded.url, &["refund.succeeded", "payment.failed"]).await;
        let id = merchant.paid(900).await.id();
        let refund = merchant.refund(&id, None, None).send().await.expect(201).id();
        merchant.refund_in(&refund, "succeeded").await;
        all_told(&merchant).await;
        let kinds = |receiver: &Receiver| {
            let mut kinds: Vec<String> =
                receiver.deliveries().iter().map(|told| told.kind().to_owned()).collect();
            kinds.sort();
            kinds
        };
        assert_eq!(kinds(&payments), ["payment.succeeded"]);
        assert_eq!(kinds(&refunded), ["refund.succeeded"]);
        let wanted: Vec<String> = merchant
            .events_of(&id)
            .await
            .into_iter()
            .chain(merchant.events_of(&refund).await)
            .map(|(kind, _)| kind)
            .collect();
        assert_eq!(kinds(&all), {
            let mut wanted = wanted;
            wanted.sort();
            wanted
        });
    });
}

#[test]
fn a_test_send_is_a_delivery_like_any_other() {
    on_shared(async |server| {
        let (merchant, receiver) = (Merchant::new(server).await, Receiver::start().await);
        let quiet = Receiver::start().await;
        let made = listen_at(&merchant, &receiver.url, &["refund.failed"]).await;
        listen_at(&merchant, &quiet.url, &["*"]).await;
        let id = made.id();
        merchant
            .client
            .post(&format!("/v1/webhook_endpoints/{id}/test"), &json!({}))
            .send()
            .await
            .expect(200);
        until_accepted(&merchant, &receiver, &id, 1).await;
        assert_eq!(
            kinds_of(&receiver, &id),
            ["webhook_endpoint.test"],
            "also to one that did not subscribe to it"
        );
        assert!(receiver.deliveries()[0].is_signed_by(&text(&made.json, "secret")));
        all_told(&merchant).await;
        let rows = merchant.all(&format!("/v1/webhook_deliveries?endpoint={id}")).await;
        assert_eq!(
            (rows.len(), &rows[0]["status"], &rows[0]["attempts"][0]["status"]),
            (1, &json!("succeeded"), &json!(204))
        );
        assert!(quiet.deliveries().is_empty(), "to this endpoint alone");
    });
}

/// `notify_url` is signed with the merchant's own secret; where it is an endpoint's URL too, one delivery goes there.
#[test]
fn notify_url_and_an_endpoint_of_the_same_url() {
    on_shared(async |server| {
        let merchant = Merchant::new(server).await;
        let (alone, both) = (Receiver::start().await, Receiver::start().await);
        let secret = text(&listen_at(&merchant, &both.url, &["payment.*"]).await.json, "secret");
        let pay = async |url: &str| {
            let mut order = merchant.order("bar_code", 300, Some("succeed"));
            order["notify_url"] = json!(url);
            merchant.create(&order).send().await.expect(201).id()
        };
        let (first, second) = (pay(&alone.url).await, pay(&both.url).await);
        until_accepted(&merchant, &alone, &first, 1).await;
        until_accepted(&merchant, &both, &first, 1).await;
        until_accepted(&merchant, &both, &second, 1).await;
        all_told(&merchant).await;
        assert!(alone.accepted_of(&first)[0].is_signed_by(&merchant.webhook_secret));
        assert_eq!(both.accepted_of(&second).len(), 1, "the same URL hears it once");
        assert!(both.accepted_of(&second)[0].is_signed_by(&secret));
        let rows = merchant.all("/v1/webhook_deliveries").await;
        assert_eq!(rows.len(), 3);
        let without = rows.iter().filter(|row| row["endpoint"].is_null()).count();
        assert_eq!(without, 1, "{rows:?}");
    });
}

#[test]
fn gone_disables_an_endpoint() {
    on_shared(async |server| {
        let (merchant, receiver) = (Merchant::new(server).await, Receiver::start().await);
        let endpoint = listen_at(&merchant, &receiver.url, &["*"]).await.id();
        let path = format!("/v1/webhook_endpoints/{endpoint}");
        receiver.behave(Behaviour::Fail(410));
        let id = merchant.paid(100).await.id();
        until("disabled endpoint", || async {
            (merchant.client.get(&path).await.expect(200)["status"] == "disabled").then_some(())
        })
        .await;
        let rows = merchant.all(&format!("/v1/webhook_deliveries?endpoint={endpoint}")).await;
        assert_eq!(
            (&rows[0]["status"], &rows[0]["next_attempt_at"]),
            (&json!("failed"), &Value::Null),
            "{rows:?}"
        );
        assert_eq!(merchant.event_types(&endpoint).await, ["webhook_endpoint.disabled"]);
        receiver.behave(Behaviour::Accept);
        let silent = merchant.paid(100).await.id();
        merchant.client.call("PATCH", &path).json(&json!({ "status": "enabled" })).send().await.expect(200);
        let heard = merchant.paid(100).await.id();
        until_accepted(&merchant, &receiver, &heard, 1).await;
        assert!(receiver.accepted_of(&silent).is_empty() && receiver.accepted_of(&id).is_empty());
    });
}
