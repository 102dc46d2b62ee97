//! `explain` finds the mistake that was made on purpose, by the signature alone and from the text that the client shows.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crypto::digest::content_digest;
use crypto::key::{Alg, KeyKind, PrivateKey};
use crypto::signature::explain::{Evidence, Explanation, Mistake, explain};
use crypto::signature::{ParsedSignature, RequestParts, sign_request, signature_base};
use http::{HeaderMap, HeaderName, HeaderValue};

const NOW_S: i64 = 1_760_000_000;
const URI: &str = "https://pay.example.com/v1/payments?b=%e8%8c%b6&a=1";
const BODY: &[u8] = b"{\"amount\":1250}";
const SPACED: &[u8] = b"{\"amount\": 1250}";

fn set(headers: &mut HeaderMap, name: &'static str, value: &str) {
    headers.insert(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
}

/// A right request, and the text that its signature is over.
fn right(key: &PrivateKey) -> (HeaderMap, String) {
    let mut headers = HeaderMap::new();
    set(&mut headers, "host", "10.0.0.5:8080");
    set(&mut headers, "idempotency-key", "order-1");
    let parts = RequestParts { method: "POST", target_uri: URI, headers: &headers };
    let signed = sign_request(key, "key_1", &parts, BODY, NOW_S, Some("0123456789abcdef")).unwrap();
    signed.apply(&mut headers).unwrap();
    (headers, signed.base)
}

/// What else is known.
#[derive(Default, Clone, Copy)]
struct Known<'a> {
    key: Option<&'a PrivateKey>,
    server_base: Option<&'a str>,
    client_base: Option<&'a [u8]>,
}

fn explained(headers: &HeaderMap, known: Known<'_>) -> Explanation {
    explain(&Evidence {
        request: RequestParts { method: "POST", target_uri: URI, headers },
        body: Some(BODY),
        other_bodies: &[SPACED.to_vec()],
        key: known.key.map(PrivateKey::public_key),
        now_s: Some(NOW_S + 5),
        called_uri: None,
        server_base: known.server_base,
        client_base: known.client_base,
    })
}

fn causes(explanation: &Explanation) -> Vec<&'static str> {
    explanation.findings.iter().map(|finding| finding.cause()).collect()
}

fn sign(headers: &mut HeaderMap, key: &PrivateKey, alg: Alg, text: &[u8]) {
    let signature = STANDARD.encode(key.sign(alg, text).unwrap());
    set(headers, "signature", &format!("sig1=:{signature}:"));
}

#[test]
fn a_right_request_has_no_finding() {
    for kind in [KeyKind::Ed25519, KeyKind::EcdsaP256, KeyKind::Rsa] {
        let key = PrivateKey::generate(kind);
        let (headers, base) = right(&key);
        let found = explained(&headers, Known { key: Some(&key), ..Known::default() });
        assert_eq!((causes(&found), found.verified), (Vec::new(), Some(true)), "{kind}");
        assert_eq!(found.server_base.as_deref(), Some(base.as_str()));
        let unknown = explained(&headers, Known::default());
        assert_eq!((causes(&unknown), unknown.verified), (Vec::new(), None));
    }
}

type Spoil = fn(&str) -> String;

/// What a client does to the text, by the name of the mistake.
const SPOILED: [(&str, Spoil); 40] = [
    ("trailing_line_end", |base| format!("{base}\n")),
    ("trailing_line_end", |base| format!("{base}\r\n")),
    ("carriage_returns", |base| base.replace('\n', "\r\n")),
    ("carriage_returns", |base| base.replace('\n', "\r\n") + "\r\n"),
    ("escaped_line_ends", |base| base.replace('\n', "\\n")),
    ("lines_joined", |base| base.replace('\n', "")),
    ("lines_joined", |base| base.replace('\n', "&")),
    ("names_unquoted", |base| {
        let lines = base.split('\n').map(|line| {
            let (label, value) = line.split_once(": ").unwrap();
            format!("{}: {value}", label.trim_matches('"'))
        });
        lines.collect::<Vec<_>>().join("\n")
    }),
    ("names_case", |base| {
        base.replace("\"content-digest\": ", "\"Content-Digest\": ")
            .replace("\"idempotency-key\": ", "\"Idempotency-Key\": ")
    }),
    ("colon", |base| base.replace("\": ", "\":")),
    ("method_case", |base| base.replace("POST", "post")),
    ("uri_scheme", |base| base.replace("https:", "http:")),
    ("uri_host", |base| base.replace("pay.example.com", "10.0.0.5:8080")),
    ("uri_host", |base| base.replace("https://pay.example.com", "http://10.0.0.5:8080")),
    ("uri_port", |base| base.replace("pay.example.com", "pay.example.com:443")),
    ("uri_without_host", |base| base.replace("https://pay.example.com", "")),
    ("uri_query_missing", |base| base.replace("?b=%e8%8c%b6&a=1", "")),
    ("uri_query_order", |base| base.replace("b=%e8%8c%b6&a=1", "a=1&b=%e8%8c%b6")),
    ("uri_encoding", |base| base.replace("%e8%8c%b6", "茶")),
    ("uri_encoding", |base| base.replace("%e8%8c%b6", "%E8%8C%B6")),
    ("uri_slash", |base| base.replace("com/v1", "com//v1")),
    ("uri_slash", |base| base.replace("/payments?", "/payments/?")),
    ("digest_bare", |base| base.replace("sha-256=:", "").replace("=:\n", "=\n")),
    ("digest_hex", |base| base.replace(&content_digest(BODY), &crypto::hex(&crypto::sha256(BODY)))),
    ("digest_of_other_body", |base| base.replace(&content_digest(BODY), &content_digest(SPACED))),
    ("key_quotes", |base| base.replace("order-1", "\"order-1\"")),
    ("line_order", |base| {
        let mut lines: Vec<&str> = base.split('\n').collect();
        lines.swap(0, 2);
        lines.join("\n")
    }),
    ("line_missing", |base| {
        base.split('\n').filter(|line| !line.contains("-key\": ")).collect::<Vec<_>>().join("\n")
    }),
    ("params_missing", |base| base.rsplit_once('\n').unwrap().0.to_owned()),
    ("params_label", |base| base.replace("params\": ", "params\": sig1=")),
    ("params_spaces", |base| base.replace(';', "; ")),
    ("params_spaces", |base| base.replace("\" \"", "\", \"")),
    ("params_order", |base| {
        base.replace(";created=1760000000;keyid=\"key_1\"", ";keyid=\"key_1\";created=1760000000")
    }),
    ("params_without", |base| base.replace(";alg=\"ed25519\"", "")),
    ("params_without", |base| base.replace(";nonce=\"0123456789abcdef\"", "")),
    ("params_unquoted", |base| {
        base.replace("\"key_1\"", "key_1")
            .replace("\"0123456789abcdef\"", "0123456789abcdef")
            .replace("\"ed25519\"", "ed25519")
    }),
    ("created_twice", |base| base.replace("created=1760000000", "created=1760000001")),
    ("wrapped", |base| crypto::hex(&crypto::sha256(base.as_bytes()))),
    ("wrapped", |base| STANDARD.encode(base)),
    ("method_case", |base| base.replace("POST", "post").replace('\n', "\r\n")),
];

#[test]
fn each_mistake_is_found_by_the_signature_and_in_the_clients_text() {
    let key = PrivateKey::generate_ed25519();
    for (name, spoil) in SPOILED {
        let (mut headers, base) = right(&key);
        let signed = spoil(&base);
        assert_ne!(signed, base, "{name}");
        sign(&mut headers, &key, Alg::Ed25519, signed.as_bytes());
        let by_key = explained(&headers, Known { key: Some(&key), ..Known::default() });
        assert!(causes(&by_key).contains(&name), "{name} by the key: {:?}\n{signed}", causes(&by_key));
        assert_eq!(by_key.verified, Some(false), "{name}");
        let offset = base.bytes().zip(signed.bytes()).take_while(|(a, b)| a == b).count();
        let difference = by_key.findings[0].difference.as_ref();
        assert_eq!(difference.map(|found| found.offset), Some(offset), "{name}");
        // Whoever wraps the text still shows the text itself.
        if name != "wrapped" {
            let shown = Known { client_base: Some(signed.as_bytes()), ..Known::default() };
            let in_text = explained(&headers, shown);
            assert!(causes(&in_text).contains(&name), "{name} in the text: {:?}\n{signed}", causes(&in_text));
            assert_eq!(
                in_text.findings[0].difference.as_ref().map(|found| found.offset),
                Some(offset),
                "{name}"
            );
        }
        for finding in &by_key.findings {
            assert_eq!(finding.code.as_str(), "signature_invalid");
            assert!(!finding.detail().is_empty() && !finding.detail_zh().is_empty(), "{name}");
        }
    }
}

#[test]
fn two_mistakes_at_once_are_both_named() {
    let key = PrivateKey::generate_ed25519();
    let (mut headers, base) = right(&key);
    let signed = base.replace("https:", "http:") + "\n";
    sign(&mut headers, &key, Alg::Ed25519, signed.as_bytes());
    for client_base in [None, Some(signed.as_bytes())] {
        let mut found =
            causes(&explained(&headers, Known { key: Some(&key), client_base, ..Known::default() }));
        found.sort_unstable();
        assert_eq!(found, ["trailing_line_end", "uri_scheme"]);
    }
}

#[test]
fn what_has_no_name_is_still_located() {
    let key = PrivateKey::generate_ed25519();
    let (mut headers, base) = right(&key);
    let odd = base.replace("/v1/payments", "/v1/refunds");
    sign(&mut headers, &key, Alg::Ed25519, odd.as_bytes());
    let found = explained(&headers, Known { client_base: Some(odd.as_bytes()), ..Known::default() });
    assert_eq!(found.findings[0].mistake, Some(Mistake::Value("@target-uri".to_owned())));
    let difference = found.findings[0].difference.as_ref().unwrap();
    assert_eq!(
        (difference.line, difference.server_byte, difference.client_byte),
        (2, Some(b'p'), Some(b'r'))
    );
    let nonsense = explained(&headers, Known { client_base: Some(b"nonsense"), ..Known::default() });
    assert_eq!(
        (causes(&nonsense), nonsense.findings[0].difference.as_ref().unwrap().offset),
        (vec!["text_differs"], 0)
    );
    assert_eq!(causes(&explained(&headers, Known { key: Some(&key), ..Known::default() })), ["other_key"]);
    // The text is right, but something else was signed.
    let shown = Known { key: Some(&key), client_base: Some(base.as_bytes()), ..Known::default() };
    assert_eq!(causes(&explained(&headers, shown)), ["not_this_base"]);
}

#[test]
fn the_servers_base_is_compared_with_what_was_sent() {
    let key = PrivateKey::generate_ed25519();
    let (headers, base) = right(&key);
    for (change, cause) in [
        (base.replace("order-1", "order-2"), "value_differs"),
        (base.replace("https:", "http:"), "uri_scheme"),
        (base.replace("&a=1", ""), "value_differs"),
        (base.clone(), "not_this_base"),
    ] {
        let known = Known { server_base: Some(&change), ..Known::default() };
        assert_eq!(causes(&explained(&headers, known)), [cause], "{change}");
    }
}

/// What the server's own checks say comes first, and all of it.
#[test]
fn the_servers_checks_are_all_told() {
    let key = PrivateKey::generate_ed25519();
    let (mut headers, _) = right(&key);
    set(&mut headers, "content-digest", &content_digest(SPACED));
    set(
        &mut headers,
        "signature-input",
        "sig1=(\"@method\" \"content-digest\");created=1760000000000;keyid=\"key_1\";nonce=\"short\"",
    );
    let parsed = ParsedSignature::parse_fields(&headers).unwrap();
    let parts = RequestParts { method: "POST", target_uri: URI, headers: &headers };
    let base = signature_base(&parsed, &parts).unwrap();
    sign(&mut headers, &key, Alg::Ed25519, base.as_bytes());
    let found = explained(&headers, Known { key: Some(&key), ..Known::default() });
    assert_eq!(
        causes(&found),
        ["nonce_length", "created_milliseconds", "not_signed", "digest_of_other_body"]
    );
    let codes: Vec<_> = found.findings.iter().map(|finding| finding.code.as_str()).collect();
    assert_eq!(
        codes,
        ["signature_encoding", "signature_time", "signature_component_missing", "digest_mismatch"]
    );
    let difference = found.findings[3].difference.as_ref().unwrap();
    assert_eq!(
        (difference.offset, difference.server_byte, difference.client_byte),
        (10, Some(b'1'), Some(b' '))
    );
    assert_eq!(found.verified, Some(true), "the signature itself is right");
}

#[test]
fn a_digest_in_hexadecimal_is_named() {
    let key = PrivateKey::generate_ed25519();
    let text = crypto::hex(&crypto::sha256(BODY));
    for value in [format!("sha-256=:{text}:"), format!("sha-256=:{}:", STANDARD.encode(&text))] {
        let (mut headers, _) = right(&key);
        set(&mut headers, "content-digest", &value);
        assert_eq!(causes(&explained(&headers, Known::default())), ["digest_hex"]);
    }
}

#[test]
fn shapes_of_signatures_are_named() {
    let ecdsa = PrivateKey::generate(KeyKind::EcdsaP256);
    let (mut headers, base) = right(&ecdsa);
    // 0x30, then 70 bytes: as DER begins.
    let der = [vec![0x30, 68], vec![2, 32], vec![1; 32], vec![2, 32], vec![1; 32]].concat();
    set(&mut headers, "signature", &format!("sig1=:{}:", STANDARD.encode(&der)));
    assert_eq!(causes(&explained(&headers, Known { key: Some(&ecdsa), ..Known::default() })), ["ecdsa_der"]);
    assert_eq!(causes(&explained(&headers, Known::default())), ["ecdsa_der"]);
    // Neither alg nor a key says what it is, and still it is seen.
    let input = headers["signature-input"].to_str().unwrap().replace(";alg=\"ecdsa-p256-sha256\"", "");
    set(&mut headers, "signature-input", &input);
    assert_eq!(causes(&explained(&headers, Known::default())), ["ecdsa_der"]);

    let key = PrivateKey::generate_ed25519();
    let (mut headers, ed_base) = right(&key);
    let raw = key.sign(Alg::Ed25519, ed_base.as_bytes()).unwrap();
    for text in [crypto::hex(&raw), STANDARD.encode(&raw)] {
        set(&mut headers, "signature", &format!("sig1=:{}:", STANDARD.encode(text)));
        let found = explained(&headers, Known { key: Some(&key), ..Known::default() });
        assert_eq!(causes(&found), ["signature_encoded_twice"]);
    }
    drop(base);

    let rsa = PrivateKey::generate(KeyKind::Rsa);
    let (mut headers, base) = right(&rsa);
    sign(&mut headers, &rsa, Alg::RsaV15Sha256, base.as_bytes());
    let found = explained(&headers, Known { key: Some(&rsa), ..Known::default() });
    assert_eq!(found.findings[0].mistake, Some(Mistake::Algorithm(Alg::RsaV15Sha256)));
}

#[test]
fn what_can_not_be_read_ends_there() {
    let key = PrivateKey::generate_ed25519();
    let (mut headers, _) = right(&key);
    set(&mut headers, "signature-input", "sig1=(@method);created=1");
    let found = explained(&headers, Known { key: Some(&key), ..Known::default() });
    assert_eq!((causes(&found), found.server_base), (vec!["field_malformed"], None));
    headers.remove("signature-input");
    assert_eq!(causes(&explained(&headers, Known::default())), ["field_absent"]);
    let (mut headers, _) = right(&key);
    set(&mut headers, "authorization", "Bearer x");
    assert_eq!(
        causes(&explained(&headers, Known { key: Some(&key), ..Known::default() })),
        ["authorization_too"]
    );
}
