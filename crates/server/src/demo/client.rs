//! The demo's own client of the HTTP API: what a merchant's program does.

use anyhow::{Context, Result, bail};
use crypto::secret::BearerToken;
use money::{Amount, Currency};
use reqwest::header::CONTENT_TYPE;
use serde_json::Value;
use std::time::Duration;

const ANSWER_MAX: Duration = Duration::from_secs(15);

pub(super) struct Client {
    http: reqwest::Client,
    base: String,
    token: BearerToken,
}

/// A status with its object.
pub(super) struct Answered {
    pub status: u16,
    pub body: Value,
}

impl Client {
    pub(super) fn new(port: u16, token: &BearerToken) -> Result<Client> {
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(ANSWER_MAX)
            .build()?;
        Ok(Client { http, base: format!("http://127.0.0.1:{port}"), token: token.clone() })
    }

    pub(super) fn base(&self) -> &str {
        &self.base
    }

    pub(super) async fn get(&self, path: &str) -> Result<Answered> {
        let request = self.http.get(format!("{}{path}", self.base)).bearer_auth(self.token.expose());
        read(path, request).await
    }

    /// `key`: an idempotency key, where the route wants one.
    pub(super) async fn post(&self, path: &str, body: &Value, key: Option<&str>) -> Result<Answered> {
        let mut request = self.http.post(format!("{}{path}", self.base)).bearer_auth(self.token.expose());
        if let Some(key) = key {
            request = request.header("Idempotency-Key", key);
        }
        read(path, request.header(CONTENT_TYPE, "application/json").body(body.to_string())).await
    }
}

async fn read(path: &str, request: reqwest::RequestBuilder) -> Result<Answered> {
    let answer = request.send().await.with_context(|| path.to_owned())?;
    let status = answer.status().as_u16();
    let bytes = answer.bytes().await?;
    let body: Value =
        serde_json::from_slice(&bytes).with_context(|| format!("{path}: {status}, not JSON"))?;
    if status >= 400 {
        bail!("{path}: {status} {}: {}", text(&body, "/code"), text(&body, "/detail"));
    }
    Ok(Answered { status, body })
}

/// A text member, or nothing.
pub(super) fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or("")
}

/// A Money member in major units.
pub(super) fn money(value: &Value, pointer: &str) -> String {
    let at = value.pointer(pointer);
    let minor = at.and_then(|money| money.get("value")).and_then(Value::as_i64);
    let currency = at.and_then(|money| money.get("currency")).and_then(Value::as_str).map(Currency::parse);
    match (minor, currency) {
        (Some(minor), Some(Ok(currency))) => Amount::new(minor, currency).to_string(),
        _ => "–".to_owned(),
    }
}
