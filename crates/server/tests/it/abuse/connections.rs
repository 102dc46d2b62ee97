//! Thousands of connections that do nothing.

use super::raw::{Raw, connections};
use super::scene::Scene;
use crate::harness::{Setting, on_own};

const SETTINGS: &[Setting] = &[("limits", "head_timeout_ms", "4000"), ("limits", "idle_max_ms", "6000")];

#[test]
fn idle_connections_cost_little_and_end() {
    on_own(SETTINGS, async |server| {
        let scene = Scene::new(server).await;
        let held = connections(4_000);
        scene
            .attack("idle_connections", async {
                let mut idle = Vec::new();
                for number in 0..held {
                    let mut raw = Raw::connect(server).await;
                    // Every second one was a client once.
                    if number % 2 == 0 {
                        raw.send(b"GET /v1/whoami HTTP/1.1\r\nHost: x\r\n\r\n").await;
                    }
                    idle.push(raw);
                }
                for raw in idle {
                    raw.rest().await;
                }
            })
            .await;
    });
}
