//! The command line's side.

use crate::config::Config;
use crate::inside::Inside;
use anyhow::{Context, Result, bail};
use axum::http::header;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::time::Duration;
use zeroize::Zeroizing;

/// Reaches the process that serves this data.
pub(crate) struct Client {
    inside: Inside,
    token: Zeroizing<String>,
}

impl Client {
    /// `timeout` is for one answer.
    pub(crate) fn of(config: &Config, token: Zeroizing<String>, timeout: Duration) -> Result<Client> {
        Ok(Client { inside: Inside::of(config, timeout)?, token })
    }

    /// Asks for something to be done.
    pub(crate) async fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T> {
        let request = self
            .inside
            .post(path)
            .header(header::CONTENT_TYPE, "application/json")
            .body(serde_json::to_vec(body)?);
        self.send(request).await
    }

    /// Asks how something stands.
    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        self.send(self.inside.get(path)).await
    }

    async fn send<T: DeserializeOwned>(&self, request: reqwest::RequestBuilder) -> Result<T> {
        let answer = request.bearer_auth(self.token.as_str()).send().await.with_context(|| {
            format!("the server's internal listener at {} did not answer", self.inside.at)
        })?;
        let status = answer.status();
        let body = answer.bytes().await?;
        if status.is_success() {
            return Ok(serde_json::from_slice(&body)?);
        }
        let said: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
        bail!(
            "refused ({status}): {}",
            said.get("detail").and_then(|detail| detail.as_str()).unwrap_or("no reason given")
        )
    }
}
