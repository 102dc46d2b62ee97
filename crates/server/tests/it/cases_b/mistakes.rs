//! Signing mistakes are named (WIRE): each mistake of a merchant's first afternoon has its code.

use super::signing::{Draft, Pair, der};
use super::untouched::Picture;
use crate::harness::client::{fresh_nonce, now_s};
use crate::harness::{Merchant, on_own};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crypto::key::{Alg, PrivateKey};
use serde_json::json;

const ALGS: [Alg; 4] = [Alg::Ed25519, Alg::EcdsaP256Sha256, Alg::RsaV15Sha256, Alg::RsaPssSha512];

#[test]
fn all_four_algorithms_sign_reads_and_commands() {
    on_own(&[], async |server| {
        let merchant = Merchant::new(server).await;
        for alg in ALGS {
            let pair = Pair::new(&merchant, alg).await;
            let body = merchant.order("bar_code", 700, Some("succeed")).to_string();
            let mut draft = Draft::new(server, "POST", "/v1/payments", body.as_bytes(), &pair);
            draft.header("idempotency-key", &merchant.next_no("k"));
            draft.header("feiqian-merchant", &merchant.id);
            let made = draft.call(server, &pair).send().await.expect(201);
            assert_eq!(made["status"], "succeeded", "{alg}");
            let path = format!(
                "/v1/payments?limit=5&merchant_order_no={}",
                made["merchant_order_no"].as_str().expect("it")
            );
            let mut list = Draft::get(server, &path, &pair);
            list.unset("alg");
            let list = list.call(server, &pair).send().await.expect(200);
            assert_eq!(list["data"][0]["id"], made["id"], "{alg} without alg, with a query");
        }
    });
}

/// Makes a mistake in a request that is otherwise right.
pub type Change = fn(&mut Draft);
type Mend = Box<dyn FnMut(&mut Draft) + Send>;

/// What one can do wrong with a request that is otherwise right, and how it is named.
pub const MISTAKES: [(&str, &str, Change); 35] = [
    ("created in milliseconds", "signature_time", |d| d.set("created", &(now_s() * 1_000).to_string())),
    ("created long ago", "signature_time", |d| d.set("created", &(now_s() - 310).to_string())),
    ("created in the future", "signature_time", |d| d.set("created", &(now_s() + 310).to_string())),
    ("created in 1970", "signature_time", |d| d.set("created", "0")),
    ("expired", "signature_time", |d| d.set("expires", &(now_s() - 1).to_string())),
    ("created as text", "signature_encoding", |d| d.set("created", &format!("\"{}\"", now_s()))),
    ("created as a fraction", "signature_encoding", |d| d.set("created", "1700000000.5")),
    ("no created", "signature_encoding", |d| d.unset("created")),
    ("keyid without quotes", "signature_encoding", |d| {
        let bare =
            d.params.iter().find(|(name, _)| *name == "keyid").expect("it").1.trim_matches('"').to_owned();
        d.set("keyid", &bare);
    }),
    ("no keyid", "signature_encoding", |d| d.unset("keyid")),
    ("an unknown key", "key_unknown", |d| d.set("keyid", "\"key_00000000000000000000000000\"")),
    ("a keyid that is no id", "key_unknown", |d| d.set("keyid", "\"my-key\"")),
    ("no nonce", "signature_encoding", |d| d.unset("nonce")),
    ("a short nonce", "signature_encoding", |d| d.set("nonce", "\"fifteen-letters\"")),
    ("a long nonce", "signature_encoding", |d| d.set("nonce", &format!("\"{}\"", "n".repeat(65)))),
    ("nonce without quotes", "signature_encoding", |d| d.set("nonce", "nonce-of-sixteen")),
    ("another alg", "algorithm_mismatch", |d| d.set("alg", "\"ecdsa-p256-sha256\"")),
    ("an alg of none", "algorithm_mismatch", |d| d.set("alg", "\"none\"")),
    ("a shared secret's alg", "algorithm_mismatch", |d| d.set("alg", "\"hmac-sha256\"")),
    ("the method not signed", "signature_component_missing", |d| d.uncover("@method")),
    ("the URL not signed", "signature_component_missing", |d| d.uncover("@target-uri")),
    ("the digest not signed", "signature_component_missing", |d| d.uncover("content-digest")),
    ("the key not signed", "signature_component_missing", |d| d.uncover("idempotency-key")),
    ("the merchant not signed", "signature_component_missing", |d| {
        d.spoil =
            |signed| signed.more.push(("feiqian-merchant", "mch_00000000000000000000000000".to_owned()));
    }),
    ("no digest", "signature_component_missing", |d| {
        d.uncover("content-digest");
        d.headers.retain(|(name, _)| *name != "content-digest");
    }),
    ("a component of responses", "signature_encoding", |d| d.components.push("@status")),
    ("a component twice", "signature_encoding", |d| d.components.push("@method")),
    ("a component in capitals", "signature_encoding", |d| d.components.push("Content-Type")),
    ("digest of re-serialised JSON", "digest_mismatch", |d| d.spoil = |signed| signed.body.push(b' ')),
    ("another method's name", "signature_invalid", |d| d.method = "PATCH"),
    ("another host", "signature_invalid", |d| {
        d.target_uri = "https://internal.example/v1/payments".to_owned()
    }),
    ("another path", "signature_invalid", |d| d.target_uri.push_str("?dry_run=true")),
    ("a changed signature", "signature_invalid", |d| d.spoil = |signed| signed.bytes[7] ^= 1),
    ("a changed parameter", "signature_invalid", |d| {
        d.spoil = |signed| signed.input = signed.input.take().map(|input| format!("{input};tag=\"x\""));
    }),
    ("an empty signature", "signature_invalid", |d| d.spoil = |signed| signed.bytes.clear()),
];

/// Mistakes of the lines themselves.
pub const LINES: [(&str, Change); 9] = [
    ("Authorization too", |d| {
        d.spoil = |signed| signed.more.push(("authorization", "Bearer fqsk_sandbox_x".to_owned()))
    }),
    ("no Signature-Input", |d| d.spoil = |signed| signed.input = None),
    ("two labels", |d| {
        d.spoil = |signed| {
            let input = signed.input.take().unwrap_or_default();
            signed.input = Some(format!("{input}, {}", input.replacen("sig=", "two=", 1)));
            let bytes = STANDARD.encode(&signed.bytes);
            signed.line = Some(format!("sig=:{bytes}:, two=:{bytes}:"));
        };
    }),
    ("labels that differ", |d| {
        d.spoil = |signed| signed.line = Some(format!("other=:{}:", STANDARD.encode(&signed.bytes)));
    }),
    ("base64 without colons", |d| {
        d.spoil = |signed| signed.line = Some(format!("sig={}", STANDARD.encode(&signed.bytes)))
    }),
    ("the text of the signature", |d| d.spoil = |signed| signed.line = Some("sig=\"abc\"".to_owned())),
    ("components without quotes", |d| {
        d.spoil =
            |signed| signed.input = signed.input.take().map(|input| input.replace("\"@method\"", "@method"));
    }),
    ("no parentheses", |d| d.spoil = |signed| signed.input = Some("sig=\"@method\";created=1".to_owned())),
    ("nonsense", |d| d.spoil = |signed| signed.input = Some("(((".to_owned())),
];

#[test]
fn each_named_mistake_has_its_code() {
    on_own(&[("rate_limits", "failed_access", "{ per_second = 1000, burst = 1000 }")], async |server| {
        let merchant = Merchant::new(server).await;
        let pair = Pair::new(&merchant, Alg::Ed25519).await;
        let lines = LINES.iter().map(|(what, change)| (*what, "signature_encoding", *change));
        let before = Picture::of(server);
        for (what, code, change) in MISTAKES.iter().copied().chain(lines) {
            let body = merchant.order("qr_code", 900, None).to_string();
            let mut draft = Draft::new(server, "POST", "/v1/payments", body.as_bytes(), &pair);
            draft.header("idempotency-key", &merchant.next_no("k"));
            let right = draft.method;
            change(&mut draft);
            // Signed is the changed method, sent the right one.
            let call = if draft.method == right {
                draft.call(server, &pair)
            } else {
                swapped(&draft, right, server, &pair)
            };
            let answer = call.send().await;
            assert_eq!((answer.status, answer.code()), (401, code), "{what}: {}", answer.text);
            let answer = answer.expect_problem(401, code);
            assert_ne!(answer.header("www-authenticate"), "", "{what}");
            // Whoever has the wrong time learns the right one.
            let server_time =
                answer["server_time"].as_str().and_then(|time| time.parse::<jiff::Timestamp>().ok());
            let server_time =
                server_time.unwrap_or_else(|| panic!("{what}: no server_time: {}", answer.text));
            assert!(server_time.as_second().abs_diff(now_s()) < 60, "{what}: {server_time}");
            let has_base = answer["signature_base"]
                .as_str()
                .is_some_and(|base| base.contains("\"@signature-params\": ("));
            assert_eq!(
                has_base,
                ["digest_mismatch", "signature_invalid"].contains(&code),
                "{what}: {}",
                answer.text
            );
            before.assert_same(server, what);
        }
    });
}

/// Signed as one method, sent as another.
fn swapped(
    draft: &Draft,
    sent: &'static str,
    server: &crate::harness::Server,
    pair: &Pair,
) -> crate::harness::Call {
    let mut call = draft.call(server, pair);
    call.set_method(sent);
    call
}

#[test]
fn ecdsa_in_der_is_named() {
    on_own(&[], async |server| {
        let merchant = Merchant::new(server).await;
        let pair = Pair::new(&merchant, Alg::EcdsaP256Sha256).await;
        for with_alg in [true, false] {
            let mut draft = Draft::get(server, "/v1/balances", &pair);
            if !with_alg {
                draft.unset("alg");
            }
            draft.spoil = |signed| signed.bytes = der(&signed.bytes);
            let answer = draft.call(server, &pair).send().await.expect_problem(401, "signature_encoding");
            assert!(answer.text.contains("DER"), "{}", answer.text);
        }
        Draft::get(server, "/v1/balances", &pair).call(server, &pair).send().await.expect(200);
    });
}

/// The first fault in the order of WIRE answers: encoding, key, algorithm, time, components, digest, signature, nonce.
#[test]
fn the_order_of_checks() {
    on_own(&[], async |server| {
        let merchant = Merchant::new(server).await;
        let pair = Pair::new(&merchant, Alg::Ed25519).await;
        let used = fresh_nonce();
        let body = merchant.order("qr_code", 900, None).to_string();
        let mut first = Draft::new(server, "POST", "/v1/payments", body.as_bytes(), &pair);
        first.set("nonce", &format!("\"{used}\""));
        first.call(server, &pair).send().await.expect(201);

        let body = merchant.order("qr_code", 900, None).to_string();
        let right = Draft::new(server, "POST", "/v1/payments", body.as_bytes(), &pair);
        let mut draft = right.clone();
        draft.unset("nonce");
        draft.set("keyid", "\"key_00000000000000000000000000\"");
        draft.set("alg", "\"rsa-pss-sha512\"");
        draft.set("created", "1");
        draft.uncover("content-digest");
        draft.spoil = |signed| {
            signed.body.push(b' ');
            signed.bytes[0] ^= 1;
        };
        let keyid = format!("\"{}\"", pair.id);
        let mut mend: Vec<(&str, Mend)> = vec![
            ("signature_encoding", Box::new(move |d| d.set("nonce", &format!("\"{used}\"")))),
            ("key_unknown", Box::new(move |d| d.set("keyid", &keyid))),
            ("algorithm_mismatch", Box::new(|d| d.set("alg", "\"ed25519\""))),
            ("signature_time", Box::new(|d| d.set("created", &now_s().to_string()))),
            ("signature_component_missing", Box::new(|d| d.components.push("content-digest"))),
            ("digest_mismatch", Box::new(|d| d.spoil = |signed| signed.bytes[0] ^= 1)),
            ("signature_invalid", Box::new(|d| d.spoil = |_| {})),
            ("nonce_reused", Box::new(|d| d.set("nonce", &format!("\"{}\"", fresh_nonce())))),
        ];
        for (code, mend) in &mut mend {
            let answer = draft.call(server, &pair).send().await;
            assert_eq!((answer.status, answer.code()), (401, *code), "{}", answer.text);
            mend(&mut draft);
        }
        draft.call(server, &pair).send().await.expect(201);
        // A signature comes before anything that a body says.
        let mut bad = Draft::new(server, "POST", "/v1/payments", b"{", &pair);
        bad.spoil = |signed| signed.bytes[0] ^= 1;
        bad.call(server, &pair).send().await.expect_problem(401, "signature_invalid");
        Draft::new(server, "POST", "/v1/payments", b"{", &pair)
            .call(server, &pair)
            .send()
            .await
            .expect_problem(400, "malformed_json");
    });
}

#[test]
fn the_sandbox_answers_with_the_base_that_it_computed() {
    on_own(&[], async |server| {
        let merchant = Merchant::new(server).await;
        let pair = Pair::new(&merchant, Alg::Ed25519).await;
        let mut draft = Draft::get(server, "/v1/balances", &pair);
        draft.target_uri = "http://internal.example/v1/balances".to_owned();
        let answer = draft.call(server, &pair).send().await.expect_problem(401, "signature_invalid");
        let base = answer["signature_base"].as_str().expect("the sandbox shows it").to_owned();
        let line = format!("\"@target-uri\": {}/v1/balances", server.public_url());
        assert!(
            base.contains(&line) && base.contains("\"@signature-params\": (\"@method\" \"@target-uri\")"),
            "{base}"
        );
        assert_eq!(answer["signature_components"], json!(["@method", "@target-uri"]));
        // Another key pair than the registered one, under its name.
        let other = Pair { id: pair.id.clone(), key: PrivateKey::generate_ed25519(), alg: Alg::Ed25519 };
        Draft::get(server, "/v1/balances", &other)
            .call(server, &other)
            .send()
            .await
            .expect_problem(401, "signature_invalid");
    });
}
