//! Heads that never end, are too many or too large, and what is no HTTP at all.

use super::raw::{Raw, connections};
use super::scene::Scene;
use crate::harness::{Setting, on_own, spawn};
use std::time::Duration;

const SETTINGS: &[Setting] = &[("limits", "head_timeout_ms", "1500"), ("limits", "idle_max_ms", "3000")];
const REQUEST: &str = "GET /v1/whoami HTTP/1.1\r\nHost: x\r\n";

#[test]
fn slow_heads_are_closed() {
    on_own(SETTINGS, async |server| {
        let scene = Scene::new(server).await;
        scene
            .attack("slow_heads", async {
                let mut dripping = Vec::new();
                for number in 0..connections(400) {
                    let mut raw = Raw::connect(server).await;
                    // In the request line, in a field, between fields, before the first byte.
                    let slow = format!("{REQUEST}X-Slow: ");
                    let beginning = ["GET /v1/who", &slow, REQUEST, ""][number % 4];
                    raw.send(beginning.as_bytes()).await;
                    dripping.push(spawn(raw.drip(b"a", Duration::from_millis(200))));
                }
                for task in dripping {
                    let (_, answered) = task.await.expect("a slow client");
                    assert!(!answered.contains(" 200 "), "{answered}");
                }
            })
            .await;
    });
}

#[test]
fn floods_of_fields_and_long_lines_are_refused() {
    on_own(SETTINGS, async |server| {
        let scene = Scene::new(server).await;
        scene
            .attack("head_floods", async {
                let many: String = (0..100).map(|n| format!("x-{n}: 1\r\n")).collect();
                let long = "x".repeat(40 * 1_024);
                for head in [
                    format!("{REQUEST}{many}\r\n"),
                    format!("{REQUEST}x-long: {long}\r\n\r\n"),
                    format!("{REQUEST}{long}: 1\r\n\r\n"),
                    format!("GET /v1/{long} HTTP/1.1\r\nHost: x\r\n\r\n"),
                    format!("{long} / HTTP/1.1\r\nHost: x\r\n\r\n"),
                ] {
                    let mut raw = Raw::connect(server).await;
                    raw.send(head.as_bytes()).await;
                    let answer = raw.rest().await;
                    let refused = ["400", "414", "431"]
                        .iter()
                        .any(|status| answer.starts_with(&format!("HTTP/1.1 {status} ")));
                    assert!(refused, "{:.80} was answered {answer:.200}", head);
                }
                // Fields without end, from many at once: the server takes no more than it may hold.
                let mut flooding = Vec::new();
                for _ in 0..connections(100) {
                    let mut raw = Raw::connect(server).await;
                    raw.send(REQUEST.as_bytes()).await;
                    flooding.push(spawn(async move { raw.flood(&[b'a'; 8_192], 64 * 1_024 * 1_024).await }));
                }
                for task in flooding {
                    let bytes = task.await.expect("a flooding client");
                    assert!(bytes < 32 * 1_024 * 1_024, "{bytes} bytes of one field were taken");
                }
            })
            .await;
    });
}

#[test]
fn what_is_no_http_is_closed() {
    on_own(SETTINGS, async |server| {
        let scene = Scene::new(server).await;
        scene
            .attack("not_http", async {
                let noise: Vec<u8> =
                    (0..60_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24).to_le_bytes()[0]).collect();
                let cases: [&[u8]; 12] = [
                    b"GET /\r\n",
                    b"GET / HTTP/0.9\r\n\r\n",
                    b"GET / HTTP/9.9\r\nHost: x\r\n\r\n",
                    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0",
                    b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03",
                    b"CONNECT inside.example:443 HTTP/1.1\r\nHost: x\r\n\r\n",
                    b"GET http://inside.example/v1/whoami HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
                    b"OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
                    b"GE\x1bT / HTTP/1.1\r\nHost: x\r\n\r\n",
                    b"GET /\xff\xfe HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
                    &[0; 5_000],
                    &noise,
                ];
                for case in cases {
                    let mut raw = Raw::connect(server).await;
                    raw.send(case).await;
                    let answer = raw.rest().await;
                    let fine = answer.is_empty()
                        || answer.starts_with("HTTP/1.1 4")
                        || answer.starts_with("HTTP/1.0 4");
                    assert!(
                        fine,
                        "{:?} was answered {answer:.300}",
                        String::from_utf8_lossy(&case[..case.len().min(40)])
                    );
                }
            })
            .await;
    });
}
