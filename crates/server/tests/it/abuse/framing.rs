//! Messages whose end two programs may see in different places (request smuggling): what stands behind one is never answered.

use super::raw::Raw;
use super::scene::Scene;
use crate::harness::{Setting, on_own};

const SETTINGS: &[Setting] = &[
    ("limits", "head_timeout_ms", "1500"),
    ("limits", "body_timeout_ms", "1500"),
    ("limits", "idle_max_ms", "2000"),
];

/// What the attacker wants answered.
const HIDDEN: &str = "GET /v1/hidden HTTP/1.1\r\nHost: x\r\n\r\n";

/// The fields of a message, and what follows its head.
const AMBIGUOUS: &[(&str, &str, &str)] = &[
    ("both, length first", "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
    ("both, length last", "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n", "0\r\n\r\n"),
    ("both, length zero", "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
    ("two lengths", "Content-Length: 0\r\nContent-Length: 40\r\n", ""),
    ("two lengths in one field", "Content-Length: 0, 40\r\n", ""),
    ("a length with a sign", "Content-Length: +0\r\n", ""),
    ("a negative length", "Content-Length: -1\r\n", ""),
    ("a length in hexadecimal", "Content-Length: 0x0\r\n", ""),
    ("a length with a space inside", "Content-Length: 0 0\r\n", ""),
    ("a length beyond 64 bits", "Content-Length: 18446744073709551616\r\n", ""),
    ("an empty length", "Content-Length:\r\n", ""),
    ("a coding twice", "Transfer-Encoding: chunked, chunked\r\n", "0\r\n\r\n"),
    ("a coding that is none", "Transfer-Encoding: xchunked\r\n", "0\r\n\r\n"),
    ("a coding that is not last", "Transfer-Encoding: chunked, identity\r\n", "0\r\n\r\n"),
    ("a coding behind a vertical tab", "Transfer-Encoding: \x0bchunked\r\n", "0\r\n\r\n"),
    ("a coding in quotes", "Transfer-Encoding: \"chunked\"\r\n", "0\r\n\r\n"),
    ("a space before the colon", "Transfer-Encoding : chunked\r\n", "0\r\n\r\n"),
    ("a tab before the colon", "Content-Length\t: 0\r\n", ""),
    ("a folded field", "Transfer-Encoding:\r\n chunked\r\n", "0\r\n\r\n"),
    ("a name with a control character", "Content\x01Length: 0\r\n", ""),
    ("a value with a null", "X: a\0b\r\n", ""),
    ("a value with a lone carriage return", "X: a\rTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
    ("a chunk size with a prefix", "Transfer-Encoding: chunked\r\n", "0x0\r\n\r\n"),
    ("a chunk size with a sign", "Transfer-Encoding: chunked\r\n", "-1\r\n\r\n"),
    ("a chunk size beyond 64 bits", "Transfer-Encoding: chunked\r\n", "10000000000000000\r\n\r\n"),
    ("a chunk that is longer than its size", "Transfer-Encoding: chunked\r\n", "1\r\nabc\r\n0\r\n\r\n"),
    ("a chunk ended by a lone line feed", "Transfer-Encoding: chunked\r\n", "1\r\na\n0\r\n\r\n"),
    ("a chunk size ended by a lone carriage return", "Transfer-Encoding: chunked\r\n", "0\r\r\n"),
    ("an extension with a line feed", "Transfer-Encoding: chunked\r\n", "0;a\nb\r\n\r\n"),
    ("HTTP/1.0 with a coding", "Transfer-Encoding: chunked\r\nConnection: keep-alive\r\n", "0\r\n\r\n"),
];

#[test]
fn what_follows_an_ambiguous_message_is_not_answered() {
    on_own(SETTINGS, async |server| {
        let scene = Scene::new(server).await;
        scene
            .attack("ambiguous_framing", async {
                for (name, fields, follows) in AMBIGUOUS {
                    let version = if name.starts_with("HTTP/1.0") { "1.0" } else { "1.1" };
                    let mut raw = Raw::connect(server).await;
                    let head = format!("POST /v1/first HTTP/{version}\r\nHost: x\r\n{fields}\r\n");
                    raw.send(format!("{head}{follows}{HIDDEN}").as_bytes()).await;
                    let answered = raw.rest().await;
                    assert!(!answered.contains("/v1/hidden"), "{name}: {answered}");
                    let answers = answered.matches("HTTP/1.").count();
                    assert!(answers <= 1, "{name}: {answers} answers: {answered}");
                    assert!(!answered.contains(" 500 "), "{name}: {answered}");
                }
                // A message with one clear end is followed by the next.
                let mut raw = Raw::connect(server).await;
                raw.send(
                    format!("POST /v1/first HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nab{HIDDEN}")
                        .as_bytes(),
                )
                .await;
                assert!(raw.rest().await.contains("/v1/hidden"), "an honest pipeline is not served");
            })
            .await;
    });
}
