//! A merchant's program: it signs, sends, waits a while, and reads what comes back.

use crate::house::{Credential, PUBLIC_URL};
use axum::Router;
use axum::body::Body;
use crypto::signature::{RequestParts, sign_request};
use domain::id::MerchantId;
use http::{HeaderMap, HeaderValue, Request};
use http_body_util::BodyExt;
use serde_json::Value;
use std::time::Duration;
use tower::ServiceExt;

/// How long a program waits.
const WAITS: Duration = Duration::from_secs(40);

/// Whose key a request is signed with.
#[derive(Debug, Clone)]
pub enum By {
    /// The merchant's present one.
    Own,
    /// A partner's, which names the merchant that it acts for.
    Partner(usize),
    /// One that the merchant had before; whether it was revoked, as far as was answered.
    Former(Credential, bool),
}

/// A request.
#[derive(Debug, Clone)]
pub struct Ask {
    /// Which of the history.
    pub number: u64,
    /// Which merchant.
    pub shop: usize,
    /// The method.
    pub method: &'static str,
    /// Path and query.
    pub target: String,
    /// The idempotency key.
    pub key: Option<String>,
    /// The body; null for none.
    pub body: Value,
    /// Who signs.
    pub by: By,
    /// What was signed into a request that was captured on its way, to be sent once more as it was: who captured it can't sign.
    pub captured: Option<Stamp>,
    /// How often it was sent.
    pub tries: u32,
}

/// What makes a signed request good for once.
#[derive(Debug, Clone)]
pub struct Stamp {
    /// Its nonce.
    pub nonce: String,
    /// When it was signed.
    pub created_s: i64,
}

impl Ask {
    /// What it is sent with at this time.
    pub fn stamp(&self, now_us: i64) -> Stamp {
        let fresh = || Stamp {
            nonce: format!("nonce-{:08}-{:08}", self.number, self.tries),
            created_s: now_us.div_euclid(1_000_000),
        };
        self.captured.clone().unwrap_or_else(fresh)
    }
}

/// A key, and the merchant that is named beside it.
#[derive(Debug, Clone)]
pub struct Signing {
    /// The key.
    pub credential: Credential,
    /// `Feiqian-Merchant`
    pub acting_for: Option<MerchantId>,
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// Whether it says that it is a repetition.
    pub replayed: bool,
    /// The body as text.
    pub text: String,
}

impl Reply {
    /// The body; null when it is no JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or(Value::Null)
    }
}

/// Sends; `None` when no answer came in time.
pub async fn send(router: Router, signing: Signing, ask: Ask, now_us: i64) -> Option<Reply> {
    let body = if ask.body.is_null() { String::new() } else { ask.body.to_string() };
    let mut headers = HeaderMap::new();
    if !body.is_empty() {
        headers.insert("content-type", HeaderValue::from_static("application/json"));
    }
    if let Some(key) = &ask.key {
        headers.insert("idempotency-key", HeaderValue::from_str(key).ok()?);
    }
    authenticate(&mut headers, &signing, &ask, &body, now_us)?;
    let mut request = Request::builder().method(ask.method).uri(&ask.target).body(Body::from(body)).ok()?;
    *request.headers_mut() = headers;
    let answer = async {
        let Ok(response) = router.oneshot(request).await;
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.ok()?.to_bytes();
        let replayed = parts.headers.get("idempotency-status").is_some_and(|value| value == "replayed");
        Some(Reply {
            status: parts.status.as_u16(),
            replayed,
            text: String::from_utf8_lossy(&bytes).into_owned(),
        })
    };
    tokio::time::timeout(WAITS, answer).await.ok()?
}

fn authenticate(
    headers: &mut HeaderMap,
    signing: &Signing,
    ask: &Ask,
    body: &str,
    now_us: i64,
) -> Option<()> {
    if let Some(merchant) = signing.acting_for {
        headers.insert("feiqian-merchant", HeaderValue::from_str(&merchant.to_string()).ok()?);
    }
    match &signing.credential {
        Credential::Bearer(_, token) => {
            headers.insert("authorization", HeaderValue::from_str(&format!("Bearer {token}")).ok()?);
        }
        Credential::Signer(id, key) => {
            let url = format!("{PUBLIC_URL}{}", ask.target);
            let parts = RequestParts { method: ask.method, target_uri: &url, headers };
            let Stamp { nonce, created_s } = ask.stamp(now_us);
            let nonce = (ask.method != "GET").then_some(nonce.as_str());
            let signed =
                sign_request(key, &id.to_string(), &parts, body.as_bytes(), created_s, nonce).ok()?;
            signed.apply(headers).ok()?;
        }
    }
    Some(())
}
