//! Many who fail to say who they are, each from an address of its own.

use super::raw::Raw;
use super::scene::Scene;
use crate::harness::{Setting, on_own, spawn};

const SETTINGS: &[Setting] = &[("", "trusted_proxies", "[\"127.0.0.0/8\"]")];
/// More than a limiter holds between two sweeps.
const CLIENTS: usize = 4;
const TRIES: usize = 2_500;

#[test]
fn strangers_are_counted_within_a_bound() {
    on_own(SETTINGS, async |server| {
        let scene = Scene::new(server).await;
        scene
            .attack("many_strangers", async {
                let mut clients = Vec::new();
                for client in 0..CLIENTS {
                    let mut raw = Raw::connect(server).await;
                    clients.push(spawn(async move {
                        for number in 0..TRIES {
                            let address = format!("198.{}.{}.{}", 20 + client, number / 250, number % 250);
                            let token = format!("fqsk_sandbox_{:043}", number);
                            let request = format!(
                                "GET /v1/whoami HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: {address}\r\nAuthorization: Bearer {token}\r\n\r\n"
                            );
                            assert!(raw.send(request.as_bytes()).await, "the connection ended");
                            let answer = raw.answer().await.expect("an answer");
                            assert!([401, 429].contains(&answer.status), "{}", answer.body);
                        }
                    }));
                }
                for client in clients {
                    client.await.expect("a stranger");
                }
            })
            .await;
    });
}

#[test]
fn one_stranger_is_slowed_down_and_nobody_else() {
    on_own(&[], async |server| {
        let scene = Scene::new(server).await;
        scene
            .attack("guessing_keys", async {
                let mut raw = Raw::connect(server).await;
                let mut limited = 0;
                for number in 0..600 {
                    let token = format!("fqsk_sandbox_{number:043}");
                    let request = format!(
                        "GET /v1/whoami HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n"
                    );
                    assert!(raw.send(request.as_bytes()).await, "the connection ended");
                    let answer = raw.answer().await.expect("an answer");
                    limited += usize::from(
                        answer.status == 429 && answer.head.to_ascii_lowercase().contains("retry-after: "),
                    );
                }
                assert!(limited > 0, "600 guesses in a row were all judged");
            })
            .await;
    });
}
