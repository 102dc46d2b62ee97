//! One caller of each kind.

use crate::harness::books::Books;
use crate::harness::client::{Credentials, now_s};
use crate::harness::merchant::text;
use crate::harness::{Answer, Client, Merchant, Server, until};
use crate::partners::cast::{Partner, Stock};
use crate::partners::keys::certificate;
use crate::partners::routes::Row;
use crypto::key::PrivateKey;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Whose key is used.
pub enum Key {
    /// The same one on every route.
    Always(Client),
    /// One for each permission.
    For(BTreeMap<String, Client>),
}

/// Who calls.
pub struct Caller {
    key: Key,
    /// What it writes into `Feiqian-Merchant`.
    pub named: Option<String>,
}

impl Caller {
    fn of(client: &Client) -> Caller {
        Caller { key: Key::Always(client.clone()), named: None }
    }

    fn naming(client: &Client, merchant: &str) -> Caller {
        Caller { named: Some(merchant.to_owned()), ..Caller::of(client) }
    }

    /// With which key it calls a route of a permission.
    pub fn client(&self, permission: &str) -> &Client {
        match &self.key {
            Key::Always(client) => client,
            // whoami asks for no permission: any of the keys is told.
            Key::For(keys) => keys.get(permission).or_else(|| keys.values().next()).expect("a key"),
        }
    }
}

/// The merchant whose objects the requests are about, the others, and a caller for each of [`super::kinds::KINDS`].
pub struct Callers<'s> {
    /// Has a partner.
    pub merchant: Merchant<'s>,
    /// Has nothing to do with it.
    pub other: Merchant<'s>,
    /// Of the live world.
    pub live: Merchant<'s>,
    /// In the order of the kinds.
    pub all: Vec<Caller>,
}

/// A key of a merchant's with these members, through the API.
async fn key(merchant: &Merchant<'_>, members: Value) -> Answer {
    let mut body = json!({ "name": "matrix" });
    body.as_object_mut().expect("an object").extend(members.as_object().expect("members").clone());
    merchant.client.post("/v1/api_keys", &body).key(&merchant.next_no("key")).send().await.expect(201)
}

async fn bearer(merchant: &Merchant<'_>, mut members: Value) -> (String, Client) {
    members["generate_bearer"] = json!(true);
    let made = key(merchant, members).await;
    (made.id(), merchant.client.with(Credentials::Bearer(text(&made.json, "bearer"))))
}

async fn refused(client: &Client, what: &str, code: &str) {
    until(what, || async { (client.get("/v1/whoami").await.code() == code).then_some(()) }).await;
}

async fn revoke(merchant: &Merchant<'_>, key: &str) {
    let path = format!("/v1/api_keys/{key}/revoke");
    merchant.client.post(&path, &json!({})).key(&merchant.next_no("revoke")).send().await.expect(200);
}

async fn revoked(merchant: &Merchant<'_>) -> Client {
    let (id, client) = bearer(merchant, json!({})).await;
    revoke(merchant, &id).await;
    client
}

async fn revoked_live(live: &Merchant<'_>) -> Client {
    let gone = live.signing().await;
    let Credentials::Signed { keyid, .. } = &gone.client.credentials else { panic!("it signs") };
    revoke(live, keyid).await;
    gone.client
}

async fn expired(merchant: &Merchant<'_>) -> Client {
    let (pem, private) = certificate(now_s() - 60, now_s() + 2);
    let made = key(merchant, json!({ "public_key": pem })).await;
    let client = merchant.client.with(Credentials::Signed { keyid: made.id(), key: Arc::new(private) });
    refused(&client, "end of a key", "key_expired").await;
    client
}

async fn not_yet_valid(merchant: &Merchant<'_>) -> Client {
    let (pem, private) = certificate(now_s() + 86_400, now_s() + 2 * 86_400);
    let made = key(merchant, json!({ "public_key": pem })).await;
    merchant.client.with(Credentials::Signed { keyid: made.id(), key: Arc::new(private) })
}

/// Signs with a key of its own under the name of a registered one.
fn forger(signing: &Merchant<'_>) -> Client {
    let Credentials::Signed { keyid, .. } = &signing.client.credentials else { panic!("it signs") };
    let key = Arc::new(PrivateKey::generate_ed25519());
    signing.client.with(Credentials::Signed { keyid: keyid.clone(), key })
}

/// For each permission a key that has `held(it)`.
async fn by_permission(
    merchant: &Merchant<'_>,
    all: &BTreeSet<String>,
    held: impl Fn(&str) -> Vec<String>,
) -> Caller {
    let mut keys = BTreeMap::new();
    for permission in all {
        let (_, client) = bearer(merchant, json!({ "permissions": held(permission) })).await;
        keys.insert(permission.clone(), client);
    }
    Caller { key: Key::For(keys), named: None }
}

impl<'s> Callers<'s> {
    /// All of them; `permissions` are those that routes ask for, without whoami's.
    pub async fn new(server: &'s Server, permissions: &BTreeSet<String>) -> Callers<'s> {
        let (partner, stranger) = (Partner::new(server, &[]).await, Partner::new(server, &[]).await);
        let merchant = partner.merchant(server).await;
        let other = Merchant::new(server).await;
        let live = live(server).await;
        let signing = merchant.signing().await;
        let anyone = server.client();
        let with = |token: &str| anyone.with(Credentials::Bearer(token.to_owned()));
        let (_, elsewhere) = bearer(&merchant, json!({ "ip_allow": ["203.0.113.0/24"] })).await;
        let all_but = |lacking: &str| {
            permissions.iter().filter(|permission| *permission != lacking).cloned().collect::<Vec<_>>()
        };
        let id = &merchant.id;
        let all = vec![
            Caller::of(&anyone),
            Caller::of(&with("fqsk_sandbox_NZ1vmWfzZYrQH0why-M-xphG-jQ48K9arHpm4GKEzpU")),
            Caller::of(&with(&Books::open(server).operator_token())),
            Caller::of(&with("fqsk_live_NZ1vmWfzZYrQH0why-M-xphG-jQ48K9arHpm4GKEzpU")),
            Caller::of(&forger(&signing)),
            Caller::of(&revoked(&merchant).await),
            Caller::of(&revoked_live(&live).await),
            Caller::of(&expired(&merchant).await),
            Caller::of(&not_yet_valid(&merchant).await),
            Caller::of(&elsewhere),
            by_permission(&merchant, permissions, all_but).await,
            Caller::naming(&other.client, id),
            Caller::of(&partner.client),
            Caller::naming(&stranger.client, id),
            Caller::naming(&live.client, id),
            Caller::naming(&merchant.client, &live.id),
            Caller::of(&other.client),
            Caller::of(&live.client),
            Caller::of(&live.client),
            Caller::of(&merchant.client),
            Caller::of(&signing.client),
            by_permission(&merchant, permissions, |only| vec![only.to_owned()]).await,
            Caller::naming(&partner.client, id),
        ];
        Callers { merchant, other, live, all }
    }
}

/// A live merchant with a signing key.
async fn live(server: &Server) -> Merchant<'_> {
    let name = server.next_no("Live House");
    let made = server.cli(&["merchant", "create", "--world", "live", "--name", &name]);
    let price =
        ["price", "set", "--merchant", &text(&made, "id"), "--method", "sandbox", "--currency", "CNY"];
    server.cli(
        &[&price[..], &["--rate", "0.60", "--fixed", "0", "--minimum", "0", "--refund-fee", "kept"]].concat(),
    );
    let unsigned = Merchant {
        server,
        id: text(&made, "id"),
        webhook_secret: text(&made, "webhook_secret"),
        client: server.client(),
    };
    unsigned.signing().await
}

/// What a live merchant can have without a channel: endpoints and keys. Everything else is an id that could be there and is not.
pub async fn live_stock(live: &Merchant<'_>) -> Stock {
    let endpoint = async || {
        let body = json!({ "url": format!("https://shop.example/{}", live.next_no("hook")), "events": ["refund.failed"] });
        live.client
            .post("/v1/webhook_endpoints", &body)
            .key(&live.next_no("hook"))
            .send()
            .await
            .expect(201)
            .id()
    };
    let public = || PrivateKey::generate_ed25519().public_key_pem();
    let mut objects = BTreeMap::from([
        ("endpoint", endpoint().await),
        ("needless endpoint", endpoint().await),
        ("spare key", key(live, json!({ "public_key": public() })).await.id()),
        ("needless key", key(live, json!({ "public_key": public() })).await.id()),
    ]);
    let bare = live.id.trim_start_matches("mch_");
    for (noun, prefix) in [
        ("paid", "pay"),
        ("held", "pay"),
        ("given up", "pay"),
        ("declined", "pay"),
        ("closing", "pay"),
        ("paying", "pay"),
        ("refund", "rfd"),
        ("event", "evt"),
        ("delivery", "whd"),
        ("statement", "stm"),
        ("sealed line", "btx"),
    ] {
        objects.insert(noun, format!("{prefix}_{bare}"));
    }
    Stock::holding(objects)
}

/// A row's body as a live merchant can send it: no outcome of the sandbox, no bearer key, a receiver in the open.
pub fn live_body(live: &Merchant<'_>, stock: &Stock, row: &Row) -> Option<Value> {
    let public = || PrivateKey::generate_ed25519().public_key_pem();
    match (row.method, row.path) {
        ("POST", "/v1/payments") => Some(live.order("qr_code", 100, None)),
        ("POST", "/v1/webhook_endpoints") => {
            let url = format!("https://shop.example/{}", live.next_no("hook"));
            Some(json!({ "url": url, "events": ["refund.failed"] }))
        }
        ("POST", "/v1/api_keys") => Some(json!({ "name": "till", "public_key": public() })),
        ("POST", "/v1/api_keys/{id}/rotate") => Some(json!({ "public_key": public() })),
        _ => row.body_of(live, stock),
    }
}
