//! More requests that wait for events than there are places.

use super::scene::Scene;
use crate::harness::{Merchant, on_own, spawn};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::timeout;

/// Places (`WAITING_MAX` in crates/api).
const PLACES: usize = 256;
/// Requests beyond them.
const MORE: usize = 40;
/// As long as a request may wait.
const WAIT_MS: u64 = 20_000;

/// Whoever finds no place is answered at once, while those who have one wait until there is an event. What is counted is who answers
/// before the event: no clock is read, so a slow machine changes nothing.
#[test]
fn one_waits_in_each_place_and_the_rest_are_answered_at_once() {
    on_own(&[], async |server| {
        let scene = Scene::new(server).await;
        let merchant = Merchant::new(server).await;
        scene
            .attack("waiting_room", async {
                let path = format!("/v1/events?order=oldest_first&wait_ms={WAIT_MS}");
                let (tell, mut told) = mpsc::unbounded_channel();
                for _ in 0..PLACES + MORE {
                    let (client, path, tell) = (merchant.client.clone(), path.clone(), tell.clone());
                    spawn(async move {
                        let answer = client.get(&path).await.expect(200);
                        drop(tell.send(answer["data"].clone()));
                    });
                }
                let mut next = async || -> Value {
                    timeout(Duration::from_millis(WAIT_MS), told.recv())
                        .await
                        .expect("an answer in time")
                        .expect("a client")
                };
                for number in 0..MORE {
                    assert_eq!(next().await, json!([]), "request {number} without a place");
                }
                let payment = merchant.paid(100).await.id();
                for number in 0..PLACES {
                    let data = next().await;
                    assert_eq!(
                        data[0]["data"]["object"]["id"],
                        json!(payment),
                        "request {number} with a place: {data}"
                    );
                }
            })
            .await;
        // The places are free again.
        let last = merchant.client.get("/v1/events?order=oldest_first").await["next_cursor"].clone();
        let path = format!(
            "/v1/events?order=oldest_first&wait_ms={WAIT_MS}&cursor={}",
            last.as_str().expect("a cursor")
        );
        let (waiting, _) = tokio::join!(merchant.client.get(&path), merchant.paid(100));
        assert!(waiting["data"].as_array().is_some_and(|rows| !rows.is_empty()), "{}", waiting.text);
    });
}
