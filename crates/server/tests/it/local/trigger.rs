//! `feiqian trigger`: each type of event, really caused, seen as a real webhook and by `listen`.

use crate::cases_b::endpoints::listen_at;
use crate::harness::merchant::text;
use crate::harness::{Laptop, Merchant, Receiver, on_shared, until};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// A test send goes to the endpoint that it tests and to no other.
const TO_ITS_OWN_ENDPOINT: &str = "webhook_endpoint.test";

async fn until_told(receiver: &Receiver, event: &str) {
    until(&format!("{event} at the receiver"), || async {
        receiver.deliveries().iter().any(|told| told.id == event && told.accepted).then_some(())
    })
    .await;
}

#[test]
fn every_type_is_caused_and_arrives_as_a_webhook() {
    on_shared(async |server| {
        let (merchant, webhooks, program) =
            (Merchant::new(server).await, Receiver::start().await, Receiver::start().await);
        let secret = text(&listen_at(&merchant, &webhooks.url, &["*"]).await.json, "secret");
        let laptop = Laptop::of(&merchant);
        let listener = laptop.listen(&program.url, &[]).await;
        let recipes = laptop.json(&["trigger", "--list"]).await;
        let mut types = BTreeSet::new();
        for recipe in recipes.iter().filter(|recipe| recipe["how"].is_string()) {
            let (kind, how) = (text(recipe, "type"), text(recipe, "how"));
            let answers = laptop.json(&["trigger", &kind, "--how", &how]).await;
            assert_eq!(answers.len(), 1, "{answers:?}");
            let event = text(&answers[0], "event");
            assert_eq!((&answers[0]["type"], &answers[0]["how"]), (&json!(kind), &json!(how)));
            if kind != TO_ITS_OWN_ENDPOINT {
                until_told(&webhooks, &event).await;
            }
            until_told(&program, &event).await;
            let shown = merchant.client.get(&format!("/v1/events/{event}")).await.expect(200);
            assert_eq!(
                (&shown["type"], &shown["data"]["object"]["id"]),
                (&json!(kind), &answers[0]["object_id"])
            );
            types.insert(kind);
        }
        let known: BTreeSet<String> =
            domain::event::Type::ALL.iter().map(|kind| kind.as_str().to_owned()).collect();
        let without: BTreeSet<String> = recipes
            .iter()
            .filter(|recipe| recipe["how"].is_null())
            .map(|recipe| text(recipe, "type"))
            .collect();
        let missing: Vec<&String> =
            known.iter().filter(|kind| !types.contains(*kind) && !without.contains(*kind)).collect();
        assert!(missing.is_empty(), "{missing:?}");
        assert!(webhooks.deliveries().iter().all(|told| told.is_signed_by(&secret)));
        assert!(program.deliveries().iter().all(|told| told.is_signed_by(&listener.secret())));
        let left = merchant.all("/v1/webhook_endpoints").await;
        assert_eq!(left.len(), 1, "what was made for an event is removed: {left:?}");
    });
}

#[test]
fn objects_are_as_wished() {
    on_shared(async |server| {
        let merchant = Merchant::new(server).await;
        let laptop = Laptop::of(&merchant);
        let payment = r#"{"metadata":{"order":"42"},"subject":"Tea 茶","merchant_order_no":"MY-1"}"#;
        let answers = laptop
            .json(&[
                "trigger",
                "refund.succeeded",
                "--amount",
                "990",
                "--payment",
                payment,
                "--refund",
                r#"{"reason":"cold"}"#,
            ])
            .await;
        let made: Vec<&str> =
            answers[0]["made"].as_array().expect("ids").iter().filter_map(Value::as_str).collect();
        let paid = merchant.payment(made[0]).await;
        assert_eq!((&paid["amount"]["value"], &paid["metadata"]["order"]), (&json!(990), &json!("42")));
        assert_eq!((&paid["subject"], &paid["merchant_order_no"]), (&json!("Tea 茶"), &json!("MY-1")));
        let refund = merchant.client.get(&format!("/v1/refunds/{}", made[1])).await.expect(200);
        assert_eq!((&refund["reason"], &refund["amount"]["value"]), (&json!("cold"), &json!(495)));
    });
}

#[test]
fn what_it_does_not_know_is_told_with_a_list() {
    on_shared(async |server| {
        let merchant = Merchant::new(server).await;
        let laptop = Laptop::of(&merchant);
        for (arguments, code, part) in [
            (&["trigger", "payment.paid"][..], 2, "payment.succeeded --how qr_code"),
            (&["trigger", "payment.closed", "--how", "magic"], 2, "payment.closed --how expired"),
            (&["trigger", "refund.requires_attention"], 2, "nothing in this version"),
            (&["trigger"], 2, "<TYPE>"),
            (&["trigger", "payment.succeeded", "--payment", "[]"], 2, "JSON object"),
            (&["trigger", "payment.succeeded", "--currency", "cny"], 2, "three capital letters"),
            (&["trigger", "payment.succeeded", "--amount", "0"], 2, "0 is not in"),
            (&["trigger", "payment.succeeded", "--currency", "EUR"], 1, "price_not_configured"),
            (&["trigger", "payment.succeeded", "--payment", r#"{"colour":"red"}"#], 1, "/colour"),
        ] {
            let output = laptop.run(arguments).await;
            let words = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(output.status.code(), Some(code), "{arguments:?}: {words}");
            assert!(words.contains(part), "{arguments:?}: {words}");
        }
    });
}
