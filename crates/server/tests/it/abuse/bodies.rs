//! Bodies that never end, are held, are too large, are compressed, or are made to be slow to read.

use super::raw::{Raw, connections};
use super::scene::{Scene, order};
use crate::harness::{Server, Setting, on_own, spawn};
use serde_json::json;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

const SETTINGS: &[Setting] = &[("limits", "body_timeout_ms", "1500"), ("limits", "idle_max_ms", "3000")];

fn post(more: &str) -> String {
    format!("POST /v1/payments HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n{more}\r\n")
}

#[test]
fn slow_bodies_are_answered_and_closed() {
    on_own(SETTINGS, async |server| {
        let scene = Scene::new(server).await;
        scene
            .attack("slow_bodies", async {
                let mut dripping = Vec::new();
                for number in 0..connections(300) {
                    let mut raw = Raw::connect(server).await;
                    let (head, piece): (_, &[u8]) = match number % 2 {
                        0 => (post("Content-Length: 200000\r\n"), b" "),
                        _ => (post("Transfer-Encoding: chunked\r\n"), b"1\r\n \r\n"),
                    };
                    raw.send(head.as_bytes()).await;
                    dripping.push(spawn(raw.drip(piece, Duration::from_millis(200))));
                }
                for task in dripping {
                    let (_, answered) = task.await.expect("a slow client");
                    assert!(
                        answered.starts_with("HTTP/1.1 408 ") && answered.contains("body_timeout"),
                        "{answered}"
                    );
                }
            })
            .await;
    });
}

#[test]
fn bodies_that_are_held_share_a_bound() {
    on_own(&[("limits", "body_timeout_ms", "8000")], async |server| {
        let scene = Scene::new(server).await;
        let refused = scene
            .attack("held_bodies", async {
                let mut held = Vec::new();
                for _ in 0..connections(1_000) {
                    let mut raw = Raw::connect(server).await;
                    held.push(spawn(async move {
                        raw.send(post("Content-Length: 250000\r\n").as_bytes()).await;
                        raw.send(&vec![b' '; 240_000]).await;
                        raw
                    }));
                }
                let mut all = Vec::new();
                for task in held {
                    all.push(task.await.expect("a client"));
                }
                // A large body that comes whole is told that there is no room; small ones, the honest merchant's, go on.
                let mut refused = 0;
                for _ in 0..20 {
                    let mut raw = Raw::connect(server).await;
                    raw.send(post("Content-Length: 250000\r\nConnection: close\r\n").as_bytes()).await;
                    raw.send(&vec![b' '; 250_000]).await;
                    let answer = raw.answer().await.expect("an answer");
                    refused += usize::from(answer.status == 503 && answer.body.contains("overloaded"));
                }
                for raw in all {
                    let answered = raw.rest().await;
                    assert!(
                        answered.starts_with("HTTP/1.1 408 ") || answered.starts_with("HTTP/1.1 503 "),
                        "{answered:.200}"
                    );
                }
                refused
            })
            .await;
        // With few connections at hand the bound is not reached.
        assert!(refused > 0 || connections(1_000) < 1_000, "none of the large bodies was refused");
        let whole = json!({ "description": "x".repeat(200_000) }).to_string();
        let answer = scene
            .honest
            .client
            .call("POST", "/v1/payments")
            .bytes("application/json", whole.into_bytes())
            .send()
            .await;
        answer.expect(400);
    });
}

async fn refused_early(server: &Server, head: String, piece: &[u8]) {
    let mut raw = Raw::connect(server).await;
    raw.send(head.as_bytes()).await;
    let bytes = raw.flood(piece, 256 * 1_024 * 1_024).await;
    assert!(bytes < 32 * 1_024 * 1_024, "{bytes} bytes were taken after {head}");
    let answered = raw.rest().await;
    // Who floods may lose the answer to a reset; whoever gets one gets the right one.
    assert!(
        answered.is_empty() || answered.starts_with("HTTP/1.1 413 ") || answered.starts_with("HTTP/1.1 400 "),
        "{answered:.200}"
    );
}

#[test]
fn oversized_bodies_are_refused_early() {
    on_own(SETTINGS, async |server| {
        let scene = Scene::new(server).await;
        scene
            .attack("oversized_bodies", async {
                let mut asking = Raw::connect(server).await;
                asking.send(post("Content-Length: 10000000000\r\nExpect: 100-continue\r\n").as_bytes()).await;
                let answered = asking.rest().await;
                assert!(
                    answered.starts_with("HTTP/1.1 413 ") && !answered.contains("100 Continue"),
                    "{answered:.200}"
                );
                let chunk = [b"10000\r\n".as_slice(), &b" ".repeat(65_536), b"\r\n"].concat();
                let extended = [b"1;".as_slice(), &b"x".repeat(65_536)].concat();
                let (spaces, trailer) = (vec![b' '; 65_536], vec![b'y'; 65_536]);
                tokio::join!(
                    refused_early(server, post("Content-Length: 10000000000\r\n"), &spaces),
                    refused_early(server, post("Transfer-Encoding: chunked\r\n"), &chunk),
                    refused_early(server, post("Transfer-Encoding: chunked\r\n"), &extended),
                    refused_early(
                        server,
                        format!("{}0\r\n", post("Transfer-Encoding: chunked\r\n")),
                        &trailer
                    ),
                );
            })
            .await;
    });
}

#[test]
fn compressed_bodies_are_not_unpacked() {
    on_own(SETTINGS, async |server| {
        let scene = Scene::new(server).await;
        scene
            .attack("compressed_bodies", async {
                let bomb = [b"\x1f\x8b\x08\0\0\0\0\0\0\x03".as_slice(), &vec![0xff; 200_000]].concat();
                for coding in [
                    "gzip",
                    "deflate",
                    "br",
                    "zstd",
                    "identity, gzip",
                    "GZIP",
                    "x-gzip",
                    "identity\r\nContent-Encoding: gzip",
                ] {
                    let mut raw = Raw::connect(server).await;
                    raw.send(
                        post(&format!(
                            "Content-Encoding: {coding}\r\nContent-Length: {}\r\nConnection: close\r\n",
                            bomb.len()
                        ))
                        .as_bytes(),
                    )
                    .await;
                    raw.send(&bomb).await;
                    let answer = raw.answer().await.expect("an answer");
                    assert_eq!(
                        (answer.status, answer.body.contains("media_type")),
                        (415, true),
                        "{coding}: {}",
                        answer.body
                    );
                }
                for coding in ["gzip, chunked", "gzip", "chunked, gzip"] {
                    let mut raw = Raw::connect(server).await;
                    raw.send(post(&format!("Transfer-Encoding: {coding}\r\n")).as_bytes()).await;
                    raw.send(b"5\r\nabcde\r\n0\r\n\r\n").await;
                    let answered = raw.rest().await;
                    assert!(
                        answered.is_empty()
                            || answered.starts_with("HTTP/1.1 4")
                            || answered.starts_with("HTTP/1.1 501"),
                        "{coding}: {answered:.200}"
                    );
                }
            })
            .await;
    });
}

/// Bodies just below the bound that are made to be slow: each as whole JSON.
fn dense() -> Vec<(&'static str, String)> {
    let fill = |head: &str, piece: &dyn Fn(usize) -> String, tail: &str| {
        let mut text = head.to_owned();
        let mut number = 0;
        while text.len() < 250_000 {
            text.push_str(&piece(number));
            number += 1;
        }
        text.pop();
        text.push_str(tail);
        text
    };
    let nested = format!("{}{}", "[".repeat(14), "]".repeat(14));
    vec![
        ("names", fill("{", &|n| format!("\"k{n}\":0,"), "}")),
        ("names that hash alike in weak maps", fill("{", &|n| format!("\"{:017x}\":0,", n << 32), "}")),
        ("lists", fill("{\"goods\":[", &|_| format!("{nested},"), "]}")),
        ("escapes", fill("{\"subject\":\"", &|_| "\\u8336 ".to_owned(), "\"}")),
        ("digits", fill("{\"amount\":{\"value\":1", &|_| "0".repeat(100), "0}}")),
        ("metadata", fill("{\"metadata\":{", &|n| format!("\"{n}\":\"v\","), "}}")),
        ("slashes", fill("{\"~/", &|_| "~/~/".to_owned(), "\":1}")),
        ("permissions", fill("{\"events\":[", &|_| "\"*\",".to_owned(), "]}")),
    ]
}

#[test]
fn dense_bodies_cost_little() {
    on_own(SETTINGS, async |server| {
        let scene = Scene::new(server).await;
        scene
            .attack("dense_bodies", async {
                for (name, body) in dense() {
                    assert!(body.len() < 256 * 1_024);
                    for path in ["/v1/payments", "/v1/webhook_endpoints"] {
                        let begun = Instant::now();
                        let call = scene
                            .honest
                            .client
                            .call("POST", path)
                            .bytes("application/json", body.clone().into_bytes());
                        let answer = call.key(&scene.honest.next_no("k")).send().await;
                        assert!(
                            (400..500).contains(&answer.status),
                            "{name}: {} {:.200}",
                            answer.status,
                            answer.text
                        );
                        assert!(
                            answer.text.len() < 64 * 1_024,
                            "{name}: an answer of {} bytes",
                            answer.text.len()
                        );
                        // A debug build on a busy machine; quadratic work on 250 kB would take minutes.
                        assert!(
                            begun.elapsed() < Duration::from_secs(5),
                            "{name} took {:?}",
                            begun.elapsed()
                        );
                    }
                }
            })
            .await;
    });
}

/// As many requests as fit into one write, answered one by one and in order.
#[test]
fn pipelined_requests_wait_their_turn() {
    on_own(SETTINGS, async |server| {
        let scene = Scene::new(server).await;
        scene
            .attack("pipelining", async {
                let body = order(&scene.honest);
                let mut requests = String::new();
                for number in 0..1_000 {
                    let path = format!("/v1/nothing/{number}");
                    let _ = write!(requests, "GET {path} HTTP/1.1\r\nHost: x\r\n\r\n");
                }
                let _ = write!(
                    requests,
                    "{}{body}",
                    post(&format!("Connection: close\r\nContent-Length: {}\r\n", body.len()))
                );
                let mut raw = Raw::connect(server).await;
                raw.send(requests.as_bytes()).await;
                for number in 0..1_000 {
                    let answer = raw.answer().await.expect("an answer for each");
                    assert!(
                        answer.body.contains(&format!("\"/v1/nothing/{number}\"")),
                        "out of order: {}",
                        answer.body
                    );
                }
                assert_eq!(raw.answer().await.expect("the last answer").status, 401);
                // Who asks and never reads gets no more than the sockets hold, and is closed.
                let mut deaf = Vec::new();
                for _ in 0..connections(50) {
                    let mut raw = Raw::connect(server).await;
                    deaf.push(spawn(async move {
                        let ask = "GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n".repeat(200);
                        raw.flood(ask.as_bytes(), 64 * 1_024 * 1_024).await
                    }));
                }
                for task in deaf {
                    let bytes = task.await.expect("a deaf client");
                    assert!(
                        bytes < 32 * 1_024 * 1_024,
                        "{bytes} bytes of requests were taken without an answer read"
                    );
                }
            })
            .await;
    });
}
