//! The worked example of `docs/signing.md`: every byte of it is computed here again, in both languages of the page.

use crate::cases_b::python::root;
use crate::harness::Server;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crypto::digest::content_digest;
use crypto::key::{Alg, PrivateKey};
use crypto::signature::{Parameters, RequestParts, check, prepare_request};
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;

/// A page of the documentation.
pub fn page(name: &str) -> String {
    std::fs::read_to_string(root().join("docs").join(name)).expect("the page")
}

const PAGES: [&str; 2] = ["signing.md", "signing.zh-CN.md"];

/// The text of the block that begins with this line.
fn block<'p>(page: &'p str, opening: &str) -> &'p str {
    let (_, rest) =
        page.split_once(&format!("```{opening}\n")).unwrap_or_else(|| panic!("no block {opening}"));
    rest.split_once("\n```").expect("its end").0
}

/// What stands between two marks.
fn between<'p>(page: &'p str, before: &str, after: &str) -> &'p str {
    page.split_once(before).expect(before).1.split_once(after).expect(after).0
}

/// A request as the page shows it: first line, headers, body.
fn request(page: &str) -> (&str, HeaderMap, &str) {
    let (head, body) = block(page, "text request").split_once("\n\n").expect("an empty line");
    let (first, lines) = head.split_once('\n').expect("headers");
    let mut headers = HeaderMap::new();
    for line in lines.lines() {
        let (name, value) = line.split_once(": ").expect("a header");
        headers.insert(
            name.parse::<HeaderName>().expect("a name"),
            HeaderValue::from_str(value).expect("a value"),
        );
    }
    (first, headers, body)
}

#[test]
fn every_byte_of_the_example_is_as_computed() {
    for name in PAGES {
        let page = page(name);
        let pem = format!("{}\n", between(&page, "<<'END'\n", "\nEND\n"));
        let key = PrivateKey::from_pkcs8_pem(&pem).expect("the key");
        let body = between(&page, "printf '%s' '", "' > order.json");
        assert!(page.contains(&format!("{}", body.len())), "{name}: the length of the body");
        assert_eq!(block(&page, "text digest"), content_digest(body.as_bytes()), "{name}");
        let (first, headers, sent) = request(&page);
        assert_eq!((first, sent), ("POST /v1/payments HTTP/1.1", body), "{name}");

        let base = block(&page, "text base");
        let of = |start: &str, end: &str| between(base, start, end);
        let created_s: i64 = of(";created=", ";").parse().expect("seconds");
        let (keyid, nonce) = (of("keyid=\"", "\""), of("nonce=\"", "\""));
        let target_uri = of("\"@target-uri\": ", "\n");
        assert_eq!(target_uri, format!("https://{}/v1/payments", headers["host"].to_str().expect("text")));
        let mut plain = HeaderMap::new();
        plain.insert("idempotency-key", headers["idempotency-key"].clone());
        let parts = RequestParts { method: "POST", target_uri, headers: &plain };
        let parameters = Parameters { keyid, alg: Alg::Ed25519, created_s, nonce: Some(nonce) };
        let prepared = prepare_request(&parts, body.as_bytes(), &parameters).expect("it can be signed");
        assert_eq!(base, prepared.base, "{name}");
        assert!(
            page.contains(&format!(" {} ", base.len())),
            "{name}: the length of the base, {}",
            base.len()
        );
        let signed = prepared.sign(&key, Alg::Ed25519).expect("it signs");
        let signature = block(&page, "text signature");
        assert_eq!(signed.signature, format!("sig1=:{signature}:"), "{name}");
        for (field, value) in [
            ("signature-input", &signed.signature_input),
            ("signature", &signed.signature),
            ("content-digest", signed.content_digest.as_ref().expect("a body has one")),
        ] {
            assert_eq!(headers[field], value.as_str(), "{name}: {field}");
        }
        // The server's own check takes it.
        let parsed = crypto::signature::ParsedSignature::parse(&headers, "POST").expect("it is read");
        let parts = RequestParts { method: "POST", target_uri, headers: &headers };
        check(&parsed, key.public_key(), &parts, body.as_bytes(), created_s).expect("it is right");
    }
}

/// The command that the page gives comes to the same, byte by byte, and finds nothing wrong with it.
#[test]
fn the_command_line_comes_to_the_same() {
    let page = page("signing.md");
    let dir = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).expect("a file");
    write("test-key.pem", &format!("{}\n", between(&page, "<<'END'\n", "\nEND\n")));
    write("order.json", between(&page, "printf '%s' '", "' > order.json"));
    write("request.txt", block(&page, "text request"));
    let run = |words: &[&str]| -> Value {
        let output = Server::binary().args(words).current_dir(dir.path()).output().expect("it runs");
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"))
    };
    let command = between(&page, "feiqian sign POST ", " > signed.txt").replace("\\\n", " ");
    let words: Vec<&str> =
        ["sign", "POST"].into_iter().chain(command.split_whitespace()).chain(["--json"]).collect();
    let made = run(&words);
    assert_eq!(made["signature_base"], block(&page, "text base"));
    assert_eq!(made["headers"]["signature"], format!("sig1=:{}:", block(&page, "text signature")));
    let explain = ["sign", "explain", "request.txt", "--json", "--key", "test-key.pem"];
    let explained = run(&[&explain[..], &["--public-url", "https://pay.example.com"]].concat());
    assert_eq!(explained["right"], true, "{explained}");
    // As the page shows it: signed as http, with another signature.
    let base = block(&page, "text base").replace("https:", "http:");
    let key = PrivateKey::from_pkcs8_pem(&format!("{}\n", between(&page, "<<'END'\n", "\nEND\n")))
        .expect("the key");
    let signature = STANDARD.encode(key.sign(Alg::Ed25519, base.as_bytes()).expect("it signs"));
    write("refused.txt", &block(&page, "text request").replace(block(&page, "text signature"), &signature));
    let words = [
        "sign",
        "explain",
        "refused.txt",
        "--key",
        "test-key.pem",
        "--public-url",
        "https://pay.example.com",
    ];
    let output = Server::binary().args(words).current_dir(dir.path()).output().expect("it runs");
    let out = String::from_utf8_lossy(&output.stdout);
    assert!(out.starts_with(block(&page, "text explained")), "{out}");
}

/// Every cause that `sign explain` can give has its row, in both languages.
#[test]
fn every_cause_has_its_row() {
    let sources = ["crates/crypto/src/signature/explain/mistake.rs", "crates/crypto/src/signature/fault.rs"];
    let mut names: Vec<String> = Vec::new();
    for source in sources {
        let text = std::fs::read_to_string(root().join(source)).expect("the source");
        let body = between(&text, "pub fn name(&self) -> &'static str {", "\n    }\n");
        names.extend(body.split('"').skip(1).step_by(2).map(str::to_owned));
    }
    assert!(names.len() > 60, "{names:?}");
    for name in PAGES {
        let page = page(name);
        // The server's own word for what the second half of the table takes apart.
        let missing: Vec<&String> = names
            .iter()
            .filter(|cause| *cause != "invalid" && !page.contains(&format!("`{cause}`")))
            .collect();
        assert!(missing.is_empty(), "{name} has no row for {missing:?}");
    }
}
