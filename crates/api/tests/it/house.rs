//! An installation in a scratch directory with a sandbox and a live merchant, and requests to its router.

use api::{ApiConfig, public_router};
use app::{App, Channels, Clock, NewMerchant, Outside, Settings, Start};
use axum::Router;
use axum::body::Body;
use crypto::key::PrivateKey;
use crypto::seal::{FileKeyProvider, MasterKey, Sealer};
use crypto::secret::BearerToken;
use crypto::signature::{RequestParts, sign_request};
use domain::api_key::{ApiKey, Owner};
use domain::id::{IdMaker, KeyId, MerchantId, World};
use http::{HeaderMap, HeaderValue, Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::Value;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use store::Control;
use store::sqlite::{SqliteConfig, SqliteStore, init};
use tower::ServiceExt;

pub const PUBLIC_URL: &str = "https://pay.example.com";

pub struct House {
    pub app: App,
    pub router: Router,
    pub store: Arc<SqliteStore>,
    pub sandbox: MerchantId,
    pub live: MerchantId,
    pub token: String,
    seeds: AtomicU64,
    _dir: tempfile::TempDir,
}

/// A key pair with its id.
pub struct Signer {
    pub id: KeyId,
    pub key: PrivateKey,
}

/// An answer, read.
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("{} is no JSON", self.text))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Status and code of a refusal.
    pub fn refusal(&self) -> (u16, String) {
        assert_eq!(self.header("content-type"), "application/problem+json", "{}", self.text);
        let json = self.json();
        assert_eq!(json["status"], self.status.as_u16());
        (self.status.as_u16(), json["code"].as_str().unwrap().to_owned())
    }
}

pub fn real_now_us() -> i64 {
    Clock::system().real_now_us()
}

impl House {
    pub async fn new() -> House {
        House::with(|_| {}).await
    }

    pub async fn with(change: impl FnOnce(&mut ApiConfig)) -> House {
        let dir = tempfile::tempdir().unwrap();
        let sealer = Arc::new(Sealer::new(Arc::new(FileKeyProvider::in_memory(MasterKey::generate()))));
        let config = SqliteConfig::new(dir.path().join("feiqian.db"), sealer, real_now_us());
        init(&config, ledger::Day(20_000)).unwrap();
        let store = Arc::new(SqliteStore::open(&config).unwrap());
        let sandbox = merchant(store.as_ref(), World::Sandbox).await;
        let live = merchant(store.as_ref(), World::Live).await;
        let settings = Settings { allow_private_webhooks: true, ..Settings::default() };
        let start = Start {
            outside: Outside::default(),
            store: store.clone(),
            clock: Clock::system(),
            settings,
            channels: Channels::default(),
            salt_key: [9; 32],
        };
        let app = App::start(start, None).await.unwrap();
        let mut api_config = ApiConfig::new(PUBLIC_URL, "0.1.0");
        change(&mut api_config);
        let router = public_router(app.clone(), api_config);
        let seeds = AtomicU64::new(1);
        let mut house = House { app, router, store, sandbox, live, token: String::new(), seeds, _dir: dir };
        house.token = house.bearer(|_| {}).await;
        house
    }

    fn blank_key(&self, merchant: MerchantId) -> ApiKey {
        let seed = u128::from(self.seeds.fetch_add(1, Ordering::Relaxed));
        ApiKey {
            id: IdMaker::new(real_now_us(), merchant.0.shard(), seed).next(),
            owner: Owner::Merchant(merchant),
            name: "test".to_owned(),
            bearer_hash: None,
            public_key_pem: None,
            certificate: None,
            permissions: Vec::new(),
            ip_allow: Vec::new(),
            expires_at_us: None,
            revoked_at_us: None,
            noticed: None,
            created_by: None,
            changed_by: None,
            created_at_us: real_now_us(),
            sequence: 1,
        }
    }

    /// A bearer token of the sandbox merchant.
    pub async fn bearer(&self, change: impl FnOnce(&mut ApiKey)) -> String {
        let token = BearerToken::generate();
        let mut key = ApiKey { bearer_hash: Some(token.hash()), ..self.blank_key(self.sandbox) };
        change(&mut key);
        self.store.create_key(&key, None).await.unwrap();
        self.app.reload_config().await.unwrap();
        token.expose().to_owned()
    }

    /// A bearer token and the row that makes it one, which nobody has stored.
    pub fn unread_bearer(&self) -> (String, ApiKey) {
        let token = BearerToken::generate();
        let row = ApiKey { bearer_hash: Some(token.hash()), ..self.blank_key(self.sandbox) };
        (token.expose().to_owned(), row)
    }

    /// A key pair of a merchant.
    pub async fn signer(&self, merchant: MerchantId) -> Signer {
        let key = PrivateKey::generate_ed25519();
        let row = ApiKey { public_key_pem: Some(key.public_key_pem()), ..self.blank_key(merchant) };
        self.store.create_key(&row, None).await.unwrap();
        self.app.reload_config().await.unwrap();
        Signer { id: row.id, key }
    }

    pub async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        Answer {
            status: parts.status,
            headers: parts.headers,
            text: String::from_utf8(bytes.to_vec()).unwrap(),
        }
    }

    /// A request with the sandbox merchant's token.
    pub async fn ask(&self, method: &str, target: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let authorization = format!("Bearer {}", self.token);
        let mut all = vec![("authorization", authorization.as_str())];
        all.extend_from_slice(headers);
        self.send(request(method, target, &all, body)).await
    }

    pub async fn get(&self, target: &str) -> Answer {
        self.ask("GET", target, &[], "").await
    }

    pub async fn post(&self, target: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let mut all = vec![("content-type", "application/json")];
        all.extend_from_slice(headers);
        self.ask("POST", target, &all, body).await
    }
}

async fn merchant(store: &SqliteStore, world: World) -> MerchantId {
    let new = NewMerchant {
        world,
        name: "Tea House".to_owned(),
        zone: "Asia/Shanghai".to_owned(),
        maturity_days: 1,
        debt_limit_minor: 0,
        partner: None,
    };
    app::create_merchant(store, &new, real_now_us()).await.unwrap().id
}

pub fn request(method: &str, target: &str, headers: &[(&str, &str)], body: &str) -> Request<Body> {
    let mut builder = Request::builder().method(method).uri(target);
    for (name, value) in headers {
        builder = builder.header(*name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
    }
    builder.body(Body::from(body.to_owned())).unwrap()
}

impl Signer {
    /// A signed request. `signed_url` is what the signer believes it calls.
    pub fn request(
        &self,
        method: &str,
        target: &str,
        signed_url: &str,
        nonce: &str,
        body: &str,
    ) -> Request<Body> {
        let mut headers = HeaderMap::new();
        if method != "GET" {
            headers.insert("content-type", HeaderValue::from_static("application/json"));
            headers.insert("idempotency-key", HeaderValue::from_str(&format!("key-{nonce}")).unwrap());
        }
        let parts = RequestParts { method, target_uri: signed_url, headers: &headers };
        let nonce = (method != "GET").then_some(nonce);
        let keyid = self.id.to_string();
        let created_s = real_now_us() / 1_000_000;
        let signed = sign_request(&self.key, &keyid, &parts, body.as_bytes(), created_s, nonce).unwrap();
        signed.apply(&mut headers).unwrap();
        let mut request = request(method, target, &[], body);
        *request.headers_mut() = headers;
        request
    }
}
