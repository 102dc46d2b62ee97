//! Signatures of requests and of webhooks.

use crate::message::Message;
use crypto::key::{KeyKind, PrivateKey, PublicKey};
use crypto::signature::{ParsedSignature, RequestParts, check as judge, explain as explain_request};
use crypto::webhook::{WebhookSecret, verify};
use std::sync::LazyLock;

/// Keys of each kind, the same for the whole run. A signature that an input happens to hold is by none of them.
static KEYS: LazyLock<Vec<PublicKey>> = LazyLock::new(|| {
    let kinds = [KeyKind::Ed25519, KeyKind::EcdsaP256];
    kinds.into_iter().map(|kind| PrivateKey::generate(kind).public_key().clone()).collect()
});

/// The key that signed the seeds (RFC 9421, appendix B.1.4).
static OF_SEEDS: LazyLock<Option<PublicKey>> =
    LazyLock::new(|| PublicKey::from_pem(include_str!("../../../fuzz/seeds/keys/ed25519.pem")).ok());

const PUBLIC_URL: &str = "https://pay.example";

/// A key that did not sign accepts nothing; the one that did, nothing that was changed.
pub fn check(data: &[u8]) {
    let message = Message::of(data);
    let uri = format!("{PUBLIC_URL}{}", message.target);
    let request = RequestParts { method: &message.method, target_uri: &uri, headers: &message.headers };
    let Ok(parsed) = ParsedSignature::parse(&message.headers, &message.method) else { return };
    let now_s = parsed.created_s.unwrap_or_default();
    for key in KEYS.iter() {
        assert!(
            judge(&parsed, key, &request, &message.body, now_s).is_err(),
            "accepted for a key that never signed"
        );
    }
    let Some(key) = OF_SEEDS.as_ref() else { panic!("the seeds' key can't be read") };
    if judge(&parsed, key, &request, &message.body, now_s).is_ok() {
        let other = format!("{uri}&x");
        let moved = RequestParts { target_uri: &other, ..request };
        assert!(judge(&parsed, key, &moved, &message.body, now_s).is_err(), "good for another address");
        let longer = [message.body.as_slice(), b" "].concat();
        assert!(judge(&parsed, key, &request, &longer, now_s).is_err(), "good for another body");
        assert!(
            judge(&parsed, key, &request, &message.body, now_s.saturating_add(301)).is_err(),
            "good for ever"
        );
    }
}

/// What is explained of a request that is refused is bounded, whatever it holds.
pub fn explain(data: &[u8]) {
    let message = Message::of(data);
    let uri = format!("{PUBLIC_URL}{}", message.target);
    let request = RequestParts { method: &message.method, target_uri: &uri, headers: &message.headers };
    let explained = explain_request::explain(&explain_request::Evidence {
        request,
        body: Some(&message.body),
        other_bodies: &[],
        key: OF_SEEDS.as_ref(),
        now_s: Some(1_618_884_473),
        called_uri: Some(&message.target),
        server_base: None,
        client_base: Some(&message.body),
    });
    assert!(explained.findings.len() < 64, "{} findings", explained.findings.len());
}

/// What somebody pasted; a body is no longer than the paste.
pub fn pasted(data: &[u8]) {
    if let Ok(Some(body_bytes)) = server::outside::pasted_request(data) {
        assert!(body_bytes <= data.len());
    }
}

/// Nobody signs without the secret.
pub fn webhook(data: &[u8]) {
    let message = Message::of(data);
    let header = |name: &str| message.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("");
    let (id, timestamp) = (header("webhook-id"), header("webhook-timestamp"));
    let now_s = timestamp.parse().unwrap_or_default();
    let secrets = [WebhookSecret::generate(), WebhookSecret::generate()];
    let judged = verify(&secrets, id, timestamp, header("webhook-signature"), &message.body, now_s);
    assert!(judged.is_err(), "accepted without the secret");
    if let Ok(secret) = WebhookSecret::parse(header("secret")) {
        let signed = crypto::webhook::sign(std::slice::from_ref(&secret), id, now_s, &message.body);
        let again = verify(&[secret], id, &now_s.to_string(), &signed, &message.body, now_s);
        assert!(again.is_ok(), "its own signature is refused");
    }
}
