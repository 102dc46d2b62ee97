//! Webhook signatures: Standard Webhooks 1.0.0, symmetric scheme `v1`.

use std::fmt;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::secret::{constant_time_eq, random_bytes};

/// How far a delivery's timestamp may be from the receiver's clock, in seconds.
pub const TOLERANCE_S: u64 = 300;

const PREFIX: &str = "whsec_";
const SECRET_BYTES_MIN: usize = 24;
const SECRET_BYTES_MAX: usize = 64;
/// Signatures looked at in one header; rotation needs two.
const SIGNATURES_MAX: usize = 16;

/// An endpoint's signing secret: `whsec_` and 24 to 64 bytes in base64.
#[derive(Clone)]
pub struct WebhookSecret(Zeroizing<Vec<u8>>);

/// Text that is no webhook secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a webhook secret is whsec_ followed by 24 to 64 bytes in base64")]
pub struct WebhookSecretFault;

impl WebhookSecret {
    /// A new secret of 32 random bytes.
    #[must_use]
    pub fn generate() -> Self {
        Self(Zeroizing::new(random_bytes::<32>().to_vec()))
    }

    /// Reads the text form.
    ///
    /// # Errors
    /// [`WebhookSecretFault`] for another prefix, bad base64 or a length outside 24 to 64 bytes.
    pub fn parse(text: &str) -> Result<Self, WebhookSecretFault> {
        let encoded = text.strip_prefix(PREFIX).ok_or(WebhookSecretFault)?;
        let bytes = Zeroizing::new(STANDARD.decode(encoded).map_err(|_| WebhookSecretFault)?);
        let fits = (SECRET_BYTES_MIN..=SECRET_BYTES_MAX).contains(&bytes.len());
        fits.then_some(Self(bytes)).ok_or(WebhookSecretFault)
    }

    /// The text to hand to the endpoint's owner.
    #[must_use]
    pub fn expose(&self) -> Zeroizing<String> {
        Zeroizing::new(format!("{PREFIX}{}", STANDARD.encode(self.0.as_slice())))
    }

    fn tag(&self, id: &str, timestamp_s: i64, body: &[u8]) -> hmac::Tag {
        let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, &self.0));
        context.update(format!("{id}.{timestamp_s}.").as_bytes());
        context.update(body);
        context.sign()
    }
}

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}***")
    }
}

/// The `webhook-signature` header for one attempt: one `v1,…` for each secret in the order given (during rotation
/// the new one, then the old one), separated by a space. `id` must be without a dot, as all of ours are.
#[must_use]
pub fn sign(secrets: &[WebhookSecret], id: &str, timestamp_s: i64, body: &[u8]) -> String {
    let one = |secret: &WebhookSecret| format!("v1,{}", STANDARD.encode(secret.tag(id, timestamp_s, body)));
    secrets.iter().map(one).collect::<Vec<_>>().join(" ")
}

/// Why a receiver must not trust a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum WebhookFault {
    /// The `webhook-timestamp` header is no integer.
    #[error("webhook-timestamp is not in unix seconds")]
    TimestampMalformed,
    /// The timestamp is more than [`TOLERANCE_S`] away from now.
    #[error("webhook-timestamp is more than 300 s away from this clock")]
    TimestampOutside,
    /// The `webhook-signature` header holds no `v1,` signature.
    #[error("webhook-signature holds no v1 signature")]
    NoSignature,
    /// No signature matches.
    #[error("no signature matches: check the secret, and sign the bytes received, not re-serialised JSON")]
    Mismatch,
}

/// Checks a delivery as a receiver does, from its three headers and the body's bytes.
///
/// # Errors
/// [`WebhookFault`].
pub fn verify(
    secrets: &[WebhookSecret],
    id: &str,
    timestamp: &str,
    signatures: &str,
    body: &[u8],
    now_s: i64,
) -> Result<(), WebhookFault> {
    let timestamp_s: i64 = timestamp.parse().map_err(|_| WebhookFault::TimestampMalformed)?;
    if timestamp_s.abs_diff(now_s) > TOLERANCE_S {
        return Err(WebhookFault::TimestampOutside);
    }
    let tags: Vec<hmac::Tag> = secrets.iter().map(|secret| secret.tag(id, timestamp_s, body)).collect();
    let mut found = false;
    for encoded in signatures.split(' ').take(SIGNATURES_MAX).filter_map(|one| one.strip_prefix("v1,")) {
        found = true;
        let Ok(given) = STANDARD.decode(encoded) else { continue };
        if tags.iter().any(|tag| constant_time_eq(tag.as_ref(), &given)) {
            return Ok(());
        }
    }
    Err(if found { WebhookFault::Mismatch } else { WebhookFault::NoSignature })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const AT_S: i64 = 1_614_265_330;
    const BODY: &[u8] = b"{\"test\": 2432232314}";
    const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

    #[test]
    fn the_vector_of_standard_webhooks() {
        let secret = WebhookSecret::parse(SECRET).unwrap();
        assert_eq!(secret.expose().as_str(), SECRET);
        assert_eq!(sign(&[secret], ID, AT_S, BODY), SIGNATURE);
    }

    #[test]
    fn rotation_signs_with_both_and_either_verifies() {
        let (new, old) = (WebhookSecret::generate(), WebhookSecret::parse(SECRET).unwrap());
        let header = sign(&[new.clone(), old.clone()], ID, AT_S, BODY);
        assert!(header.ends_with(&format!(" {SIGNATURE}")));
        for secret in [new, old] {
            assert_eq!(verify(&[secret], ID, &AT_S.to_string(), &header, BODY, AT_S), Ok(()));
        }
    }

    #[test]
    fn each_mistake_of_a_receiver() {
        let secrets = [WebhookSecret::parse(SECRET).unwrap()];
        let at = AT_S.to_string();
        let check = |id, at: &str, header, body, now_s| verify(&secrets, id, at, header, body, now_s);
        assert_eq!(check(ID, &at, SIGNATURE, BODY, AT_S + 300), Ok(()));
        assert_eq!(check(ID, &at, SIGNATURE, BODY, AT_S - 300), Ok(()));
        assert_eq!(check(ID, &at, SIGNATURE, BODY, AT_S + 301), Err(WebhookFault::TimestampOutside));
        assert_eq!(check(ID, &at, SIGNATURE, BODY, AT_S - 301), Err(WebhookFault::TimestampOutside));
        assert_eq!(check(ID, "soon", SIGNATURE, BODY, AT_S), Err(WebhookFault::TimestampMalformed));
        assert_eq!(check(ID, &at, "v1a,AAAA", BODY, AT_S), Err(WebhookFault::NoSignature));
        assert_eq!(check(ID, &at, "v1,AAAA", BODY, AT_S), Err(WebhookFault::Mismatch));
        assert_eq!(check("msg_other", &at, SIGNATURE, BODY, AT_S), Err(WebhookFault::Mismatch));
        assert_eq!(check(ID, &at, SIGNATURE, b"{\"test\":2432232314}", AT_S), Err(WebhookFault::Mismatch));
    }

    #[test]
    fn secrets_are_checked_and_masked() {
        let secret = WebhookSecret::generate();
        assert_eq!(format!("{secret:?}"), "whsec_***");
        assert_eq!(WebhookSecret::parse(&secret.expose()).unwrap().0, secret.0);
        let long = format!("whsec_{}", STANDARD.encode([0; 65]));
        for bad in ["", "whsec_", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_c2hvcnQ=", "whsec_%%", &long] {
            assert!(WebhookSecret::parse(bad).is_err(), "{bad}");
        }
    }
}
