//! The command line's client of the HTTP API: what a merchant's program does, with a bearer key of the sandbox. `demo`, `listen`,
//! `trigger`, `events` and `clock` speak to a server through it and through nothing else.

pub(crate) mod connection;
pub(crate) mod events;
pub(crate) mod fault;
pub(crate) mod fields;
pub(crate) mod follow;

pub(crate) use connection::Connection;
pub(crate) use fault::{Fault, Problem, exit_code};

use anyhow::Result;
use api::Lang;
use crypto::secret::BearerToken;
use reqwest::header::{ACCEPT_LANGUAGE, CONTENT_TYPE, RETRY_AFTER};
use serde_json::Value;
use std::time::Duration;
use url::Url;

/// An answer is here by then. Longer than a request may wait for events.
const ANSWER_MAX: Duration = Duration::from_secs(25);
/// A connection stands by then.
const CONNECT_MAX: Duration = Duration::from_secs(5);
/// An answer is no larger: a page of 100 events of 20 kB.
const ANSWER_BYTES_MAX: usize = 4 * 1_024 * 1_024;

/// A caller of one server with one key.
#[derive(Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    base: String,
    token: BearerToken,
}

/// A status with its object.
pub(crate) struct Answered {
    pub status: u16,
    pub body: Value,
}

impl Client {
    /// A caller of the server at a base URL. A server on this machine is called directly, any other one through the proxy that
    /// the environment names, as other programs do.
    pub(crate) fn new(base: &Url, token: &BearerToken) -> Result<Client> {
        let mut http = reqwest::Client::builder()
            .user_agent(concat!("Feiqian-CLI/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_MAX)
            .timeout(ANSWER_MAX);
        if connection::is_this_machine(base) {
            http = http.no_proxy();
        }
        let base = base.as_str().trim_end_matches('/').to_owned();
        Ok(Client { http: http.build()?, base, token: token.clone() })
    }

    /// A caller of a server in this process.
    pub(crate) fn local(port: u16, token: &BearerToken) -> Result<Client> {
        Client::new(&Url::parse(&format!("http://127.0.0.1:{port}"))?, token)
    }

    /// The server's base URL, without a slash at its end.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// The key.
    pub(crate) fn token(&self) -> &BearerToken {
        &self.token
    }

    pub(crate) async fn get(&self, path: &str) -> Result<Answered, Fault> {
        self.get_with(path, &[]).await
    }

    /// A GET with query parameters.
    pub(crate) async fn get_with(&self, path: &str, query: &[(&str, &str)]) -> Result<Answered, Fault> {
        let (status, bytes) = self.fetch(path, query).await?;
        Ok(Answered { status, body: self.parse(status, &bytes)? })
    }

    /// A GET that keeps the bytes of the answer.
    pub(crate) async fn fetch(&self, path: &str, query: &[(&str, &str)]) -> Result<(u16, Vec<u8>), Fault> {
        let mut url = format!("{}{path}", self.base);
        if !query.is_empty() {
            let pairs = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
            url = format!("{url}?{pairs}");
        }
        self.send(self.http.get(url)).await
    }

    /// `key`: an idempotency key, where the route wants one.
    pub(crate) async fn post(&self, path: &str, body: &Value, key: Option<&str>) -> Result<Answered, Fault> {
        self.write(self.http.post(format!("{}{path}", self.base)), Some(body), key).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Result<Answered, Fault> {
        self.write(self.http.delete(format!("{}{path}", self.base)), None, None).await
    }

    async fn write(
        &self,
        mut request: reqwest::RequestBuilder,
        body: Option<&Value>,
        key: Option<&str>,
    ) -> Result<Answered, Fault> {
        if let Some(key) = key {
            request = request.header("Idempotency-Key", key);
        }
        if let Some(body) = body {
            request = request.header(CONTENT_TYPE, "application/json").body(body.to_string());
        }
        let (status, bytes) = self.send(request).await?;
        Ok(Answered { status, body: self.parse(status, &bytes)? })
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Result<(u16, Vec<u8>), Fault> {
        let request = request.bearer_auth(self.token.expose()).header(ACCEPT_LANGUAGE, language().tag());
        let mut answer = request.send().await.map_err(|error| self.unreachable(&error))?;
        let status = answer.status().as_u16();
        let retry_after = answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        let retry_after_s = retry_after.and_then(|text| text.parse().ok());
        let mut bytes = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|error| self.unreachable(&error))? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() > ANSWER_BYTES_MAX {
                return Err(self.not_ours(status));
            }
        }
        if (200..300).contains(&status) {
            return Ok((status, bytes));
        }
        let body = self.parse(status, &bytes)?;
        match Problem::read(status, &body, retry_after_s) {
            Some(problem) => Err(Fault::Refused(Box::new(problem))),
            None => Err(self.not_ours(status)),
        }
    }

    fn parse(&self, status: u16, bytes: &[u8]) -> Result<Value, Fault> {
        serde_json::from_slice(bytes).map_err(|_| self.not_ours(status))
    }

    fn unreachable(&self, error: &reqwest::Error) -> Fault {
        Fault::Unreachable { base: self.base.clone(), why: fault::why(error) }
    }

    fn not_ours(&self, status: u16) -> Fault {
        Fault::NotFeiqian { base: self.base.clone(), status }
    }
}

/// The language of refusals: that of the terminal.
pub(crate) fn language() -> Lang {
    let set = ["LC_ALL", "LC_MESSAGES", "LANG"].iter().find_map(|name| {
        let value = std::env::var(name).ok()?;
        (!value.is_empty()).then_some(value)
    });
    if set.is_some_and(|value| value.starts_with("zh")) { Lang::Zh } else { Lang::En }
}
