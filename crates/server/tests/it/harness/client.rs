//! An HTTP client: bearer or Ed25519 signatures, and answers that can be asked about.

use crypto::key::PrivateKey;
use crypto::signature::{RequestParts, sign_request};
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;
use std::ops::Index;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

static HTTP: LazyLock<reqwest::Client> = LazyLock::new(|| {
    reqwest::Client::builder().timeout(Duration::from_secs(60)).build().expect("an HTTP client")
});
static NONCES: AtomicU64 = AtomicU64::new(0);

/// How a caller says who it is.
#[derive(Clone)]
pub enum Credentials {
    /// Not at all.
    None,
    /// `Authorization: Bearer`.
    Bearer(String),
    /// RFC 9421 with an Ed25519 key.
    Signed {
        /// `key_…`
        keyid: String,
        /// The private half.
        key: Arc<PrivateKey>,
    },
}

/// A caller of one server.
#[derive(Clone)]
pub struct Client {
    base: String,
    /// Who calls.
    pub credentials: Credentials,
}

/// A request to be sent.
pub struct Call {
    base: String,
    credentials: Credentials,
    method: &'static str,
    path: String,
    headers: HeaderMap,
    body: Vec<u8>,
}

/// What came back.
#[derive(Debug, Clone)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Header fields.
    pub headers: HeaderMap,
    /// The body as it came.
    pub text: String,
    /// The body as JSON; null when it is none.
    pub json: Value,
}

/// Seconds since 1970.
pub fn now_s() -> i64 {
    now_ms() / 1_000
}

/// Milliseconds since 1970.
#[allow(clippy::disallowed_methods)] // a client has a clock of its own
pub fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970");
    i64::try_from(since.as_millis()).expect("a clock before the end of time")
}

/// A nonce that no other call of this process had.
pub fn fresh_nonce() -> String {
    format!("{:08}-{}-nonce-of-test", NONCES.fetch_add(1, Ordering::Relaxed), std::process::id())
}

impl Client {
    /// A caller without credentials.
    pub fn new(base: &str) -> Client {
        Client { base: base.to_owned(), credentials: Credentials::None }
    }

    /// Where it calls.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// The same, saying who it is.
    pub fn with(&self, credentials: Credentials) -> Client {
        Client { base: self.base.clone(), credentials }
    }

    /// A request of any method; `path` with its query.
    pub fn call(&self, method: &'static str, path: &str) -> Call {
        Call {
            base: self.base.clone(),
            credentials: self.credentials.clone(),
            method,
            path: path.to_owned(),
            headers: HeaderMap::new(),
            body: Vec::new(),
        }
    }

    /// Sends a GET.
    pub async fn get(&self, path: &str) -> Answer {
        self.call("GET", path).send().await
    }

    /// A POST of a JSON value.
    pub fn post(&self, path: &str, body: &Value) -> Call {
        self.call("POST", path).json(body)
    }
}

impl Call {
    /// Sets the body and its type.
    pub fn json(self, body: &Value) -> Call {
        self.bytes("application/json", body.to_string().into_bytes())
    }

    /// Sets the body as these bytes.
    pub fn bytes(self, content_type: &str, body: Vec<u8>) -> Call {
        self.body(body).header("content-type", content_type)
    }

    /// Sets the body and says nothing of its type.
    pub fn body(mut self, body: Vec<u8>) -> Call {
        self.body = body;
        self
    }

    /// Adds a header line, also a second one of a name.
    pub fn header(mut self, name: &str, value: &str) -> Call {
        let name: HeaderName = name.parse().expect("a header name");
        self.headers.append(name, HeaderValue::from_bytes(value.as_bytes()).expect("a header value"));
        self
    }

    /// Sends it as another caller.
    pub fn by(mut self, client: &Client) -> Call {
        self.credentials = client.credentials.clone();
        self
    }

    /// Sends it with another method.
    pub fn set_method(&mut self, method: &'static str) {
        self.method = method;
    }

    /// Sets `Idempotency-Key`.
    pub fn key(self, key: &str) -> Call {
        self.header("idempotency-key", key)
    }

    /// The request as it goes over the wire, as a file for whoever looks into it.
    pub fn as_sent(&self) -> Vec<u8> {
        let host = self.base.split_once("://").map_or("", |(_, host)| host);
        let mut sent = format!("{} {} HTTP/1.1\r\nHost: {host}\r\n", self.method, self.path).into_bytes();
        for (name, value) in &self.headers {
            sent.extend([name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
        }
        sent.extend(format!("Content-Length: {}\r\n\r\n", self.body.len()).bytes());
        sent.extend(&self.body);
        sent
    }

    /// Sends it; whatever the answer is, there must be one.
    ///
    /// # Panics
    /// When the connection fails.
    pub async fn send(self) -> Answer {
        let what = format!("{} {}", self.method, self.path);
        self.try_send().await.unwrap_or_else(|error| panic!("{what}: {error:?}"))
    }

    /// Sends it to a server that may die meanwhile.
    pub async fn try_send(mut self) -> Result<Answer, reqwest::Error> {
        let url = format!("{}{}", self.base, self.path);
        self.add_credentials(&url);
        let method = self.method.parse::<reqwest::Method>().expect("a method");
        let answer = HTTP.request(method, &url).headers(self.headers).body(self.body).send().await?;
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let text = String::from_utf8_lossy(&answer.bytes().await?).into_owned();
        let json = serde_json::from_str(&text).unwrap_or(Value::Null);
        Ok(Answer { status, headers, text, json })
    }

    fn add_credentials(&mut self, url: &str) {
        match &self.credentials {
            Credentials::None => {}
            Credentials::Bearer(token) => {
                let value = HeaderValue::from_str(&format!("Bearer {token}")).expect("a token");
                self.headers.append("authorization", value);
            }
            Credentials::Signed { keyid, key } => {
                let parts = RequestParts { method: self.method, target_uri: url, headers: &self.headers };
                let nonce = fresh_nonce();
                let nonce = (self.method != "GET").then_some(nonce.as_str());
                let created_s = now_s();
                let signed =
                    sign_request(key, keyid, &parts, &self.body, created_s, nonce).expect("it signs");
                signed.apply(&mut self.headers).expect("its headers fit");
            }
        }
    }
}

impl Answer {
    /// A problem's code, or nothing.
    pub fn code(&self) -> &str {
        self.json["code"].as_str().unwrap_or("")
    }

    /// A header's value, or nothing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("")
    }

    /// Asserts a status.
    #[track_caller]
    pub fn expect(self, status: u16) -> Answer {
        assert_eq!(self.status, status, "{}", self.text);
        self
    }

    /// Asserts a problem of this status and code, in the form that WIRE gives to every problem.
    #[track_caller]
    pub fn expect_problem(self, status: u16, code: &str) -> Answer {
        assert_eq!((self.status, self.code()), (status, code), "{}", self.text);
        assert_eq!(self.header("content-type"), "application/problem+json", "{}", self.text);
        assert_eq!(self.json["status"], status, "{}", self.text);
        assert_eq!(
            self.json["request_id"].as_str().unwrap_or(""),
            self.header("request-id"),
            "{}",
            self.text
        );
        self
    }

    /// An object's id.
    #[track_caller]
    pub fn id(&self) -> String {
        self.json["id"].as_str().unwrap_or_else(|| panic!("no id: {}", self.text)).to_owned()
    }

    /// True when `Idempotency-Status` is `replayed`.
    pub fn is_replayed(&self) -> bool {
        self.header("idempotency-status") == "replayed"
    }

    /// `errors[0].pointer`
    pub fn pointer(&self) -> &str {
        self.json["errors"][0]["pointer"].as_str().unwrap_or("")
    }
}

impl Index<&str> for Answer {
    type Output = Value;

    fn index(&self, name: &str) -> &Value {
        &self.json[name]
    }
}
