//! Lines that others would like to write into the log.

use super::raw::Raw;
use super::scene::Scene;
use crate::harness::{Receiver, Setting, on_own, until};
use serde_json::{Value, json};

/// What every planted text holds; the log may hold it, but never at the beginning of a line.
const MARK: &str = "planted-by-a-stranger";

fn settings(format: &'static str) -> [Setting; 2] {
    [("log", "format", format), ("log", "level", "\"trace\"")]
}

/// Every way for text into the program, with ends of lines, a false entry and a terminal's commands in it.
async fn plant(scene: &Scene<'_>) {
    let forged = format!(
        "\r\n{{\"level\":\"ERROR\",\"message\":\"{MARK}\"}}\r\n\x1b[2J\x1b]0;{MARK}\x07\u{202e}\u{9b}31m"
    );
    let honest = &scene.honest;
    let encoded: String = forged.bytes().map(|byte| format!("%{byte:02x}")).collect();
    for path in [
        format!("/v1/payments/{encoded}"),
        format!("/v1/{encoded}"),
        format!("/v1/payments?status={encoded}"),
        format!("/v1/events?cursor={encoded}"),
        format!("/pay/{encoded}"),
        format!("/docs/{encoded}"),
    ] {
        honest.client.get(&path).await;
    }
    honest
        .client
        .call("POST", &format!("/callback/{encoded}"))
        .body(forged.clone().into_bytes())
        .send()
        .await;
    for field in [
        "merchant_order_no",
        "subject",
        "description",
        "auth_code",
        "method",
        "notify_url",
        "return_url",
        "client_ip",
        "sandbox_outcome",
    ] {
        let mut order = honest.order("bar_code", 100, None);
        order[field] = json!(forged);
        honest.create(&order).send().await;
    }
    let mut order = honest.order("bar_code", 100, None);
    order["metadata"] = json!({ &forged[..40]: forged });
    order["goods"] = json!([{ "name": forged }]);
    order["description"] = json!(forged.replace(['\x1b', '\x07'], ""));
    honest.create(&order).send().await.expect(201);
    // Raw bytes that HTTP libraries would not send.
    let bytes = "\x1b[31m\tplanted-by-a-stranger\u{85}";
    for (name, value) in [
        ("User-Agent", bytes),
        ("Host", bytes),
        ("Idempotency-Key", bytes),
        ("Authorization", bytes),
        ("X-Forwarded-For", bytes),
        ("Signature-Input", bytes),
        ("Signature", bytes),
        ("Content-Type", bytes),
        ("Accept-Language", bytes),
        ("Feiqian-Merchant", bytes),
    ] {
        let mut raw = Raw::connect(scene.server).await;
        raw.send(format!("POST /v1/payments HTTP/1.1\r\nHost: x\r\n{name}: {value}\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{{}}").as_bytes()).await;
        raw.rest().await;
    }
    let mut raw = Raw::connect(scene.server).await;
    raw.send(format!("GET /{bytes} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes()).await;
    raw.rest().await;
    // A name that the operator was talked into, and a receiver that answers with more of it.
    scene.server.try_cli(&["merchant", "create", "--world", "sandbox", "--name", &forged]);
    let receiver = Receiver::start().await;
    let hook = json!({ "url": format!("{}/{encoded}", receiver.url), "description": forged.replace(['\x1b', '\x07'], "") });
    honest.client.post("/v1/webhook_endpoints", &hook).key(&honest.next_no("k")).send().await.expect(201);
    honest.paid(100).await;
    until("a delivery", || async { (!receiver.deliveries().is_empty()).then_some(()) }).await;
}

fn no_command_of_a_terminal(log: &str) {
    let bad = log
        .chars()
        .find(|c| c.is_control() && !matches!(c, '\n' | '\t') || matches!(c, '\u{202a}'..='\u{202e}'));
    assert!(bad.is_none(), "the log holds {bad:?}");
}

#[test]
fn nobody_writes_a_line_into_the_json_log() {
    on_own(&settings("\"json\""), async |server| {
        let scene = Scene::new(server).await;
        scene.attack("log_injection", plant(&scene)).await;
        let log = server.log();
        assert!(log.lines().count() > 20, "nothing was logged: {log}");
        for line in log.lines() {
            let entry: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("no entry: {line}"));
            assert!(entry["timestamp"].is_string() && entry["level"].is_string(), "{line}");
            assert!(entry["message"] != MARK, "a forged entry: {line}");
        }
        no_command_of_a_terminal(&log);
    });
}

#[test]
fn nobody_writes_a_line_into_the_log_for_people() {
    on_own(&settings("\"pretty\""), async |server| {
        let scene = Scene::new(server).await;
        scene.attack("log_injection", plant(&scene)).await;
        let log = server.log();
        for line in log.lines().filter(|line| !line.is_empty()) {
            assert!(line.starts_with("20"), "a line that begins with no time: {line}");
        }
        no_command_of_a_terminal(&log);
    });
}
