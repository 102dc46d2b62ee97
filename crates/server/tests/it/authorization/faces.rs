//! What is reached without an API key: payers' pages, channels' callbacks and documents on the public listener, and the whole
//! internal listener.

use crate::adjustments::desk::Wish;
use crate::harness::books::Books;
use crate::harness::callback::{Channel, paid};
use crate::harness::client::{Credentials, now_s};
use crate::harness::merchant::text;
use crate::harness::{Answer, Call, Client, Merchant, Server};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::Path;

/// A route with the statuses that its callers were answered.
pub struct Face {
    /// Method and path.
    pub route: String,
    /// In the order of the table's columns.
    pub told: Vec<u16>,
}

/// Who asks on the public listener, besides those with a key for `/v1`.
pub const PUBLIC: [&str; 4] = [
    "anybody, with a link or signature made up",
    "a merchant's bearer key, with a link or signature made up",
    "the operator's token, with a link or signature made up",
    "whoever has the payment's link, or signs as the channel",
];

/// Who asks on the internal listener.
pub const INTERNAL: [&str; 5] = [
    "nobody: no credentials",
    "a merchant's bearer key",
    "a token of another installation",
    "the operator's token",
    "the operator's token, on the public listener",
];

/// What shows which installation: any number that fits.
const STRANGE_TOKEN: &str = "5fd924625f6ab16a19cc9807c7c506ae1813490e4ba675f843d5a10e0baacdb8";

/// The documents: shown to anybody. Redirects are followed.
const DOCUMENTS: [(&str, &str); 14] = [
    ("/docs/{lang}/", "/docs/en/"),
    ("/docs/{lang}", "/docs/en"),
    ("/docs/{lang}/{*slug}", "/docs/en/quick-start"),
    ("/docs/{lang}/search", "/docs/en/search?q=refund"),
    ("/docs/{lang}/search.json", "/docs/en/search.json?q=refund"),
    ("/docs/feiqian.http", "/docs/feiqian.http"),
    ("/llms.txt", "/llms.txt"),
    ("/docs", "/docs"),
    ("/docs/", "/docs/"),
    ("/docs/errors", "/docs/errors"),
    ("/docs/errors/{code}", "/docs/errors/key_unknown"),
    ("/docs/assets/{name}", "/docs/assets/site.css"),
    ("/docs/files/{*path}", "/docs/files/deploy/nginx/feiqian.conf"),
    ("/openapi.json", "/openapi.json"),
];

/// The routes that a source file registers, by their paths.
fn registered(file: &str) -> BTreeSet<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(file);
    let source = std::fs::read_to_string(&path).unwrap_or_else(|fault| panic!("{file}: {fault}"));
    let parts = source.split(".route(").skip(1).map(str::trim_start);
    parts
        .map(|rest| {
            let literal = |text: &str| text.split('"').next().expect("an end").to_owned();
            match rest.split_once('"') {
                Some(("", rest)) => literal(rest),
                Some(("&format!(", rest)) => literal(rest)
                    .replace("{{", "<")
                    .replace("}}", ">")
                    .replace("{prefix}", "/docs/{lang}")
                    .replace('<', "{")
                    .replace('>', "}"),
                _ if rest.starts_with("&prefix,") => "/docs/{lang}".to_owned(),
                _ => panic!(
                    "{file} registers a route that this test can't read: {}",
                    &rest[..rest.len().min(60)]
                ),
            }
        })
        .collect()
}

#[track_caller]
fn assert_all_named(files: &[&str], faces: &[Face]) {
    let served: BTreeSet<String> = files.iter().flat_map(|file| registered(file)).collect();
    let path = |face: &Face| face.route.split_once(' ').expect("method and path").1.to_owned();
    let named: BTreeSet<String> = faces.iter().map(path).collect();
    assert_eq!(served, named, "routes of {files:?}, and rows in authorization/faces.rs");
}

/// One request of each caller.
async fn asked(route: &str, calls: Vec<Call>) -> Face {
    let mut told = Vec::new();
    for call in calls {
        let answer: Answer = call.send().await;
        assert!(answer.status < 500, "{route}: {} {}", answer.status, answer.text);
        told.push(answer.status);
    }
    Face { route: route.to_owned(), told }
}

fn callers(server: &Server, merchant: &Merchant<'_>) -> [Client; 3] {
    let token = Books::open(server).operator_token();
    [server.client(), merchant.client.clone(), server.client().with(Credentials::Bearer(token))]
}

/// The public listener beside `/v1`.
pub async fn public(server: &Server, merchant: &Merchant<'_>) -> Vec<Face> {
    let callers = callers(server, merchant);
    let waiting = merchant.waiting(700, None).await;
    let link = text(&waiting["next_action"], "text");
    let link = link.strip_prefix(server.public_url()).expect("a link of this server").to_owned();
    let made_up = format!("/pay/{}", "0".repeat(26));
    let mut faces = Vec::new();
    for method in ["GET", "POST"] {
        let with = |client: &Client, path: &str| match method {
            "GET" => client.call("GET", path),
            _ => client
                .call("POST", path)
                .bytes("application/x-www-form-urlencoded", b"outcome=succeed".to_vec()),
        };
        let calls = callers.iter().map(|client| with(client, &made_up));
        let calls = calls.chain([with(&server.client(), &link)]).collect();
        faces.push(asked(&format!("{method} /pay/{{request_no}}"), calls).await);
    }
    merchant.payment_in(&waiting.id(), "succeeded").await;
    faces.push(callback(server, merchant, &callers).await);
    for (route, path) in DOCUMENTS {
        let calls = callers.iter().chain([&callers[0]]).map(|client| client.call("GET", path)).collect();
        let face = asked(&format!("GET {route}"), calls).await;
        assert!(face.told.iter().all(|told| *told == 200), "{route}: {:?}", face.told);
        faces.push(face);
    }
    let files = ["crates/api/src/payer.rs", "crates/api/src/callback.rs", "crates/api/src/docs/mod.rs"];
    assert_all_named(&files, &faces);
    faces
}

async fn callback(server: &Server, merchant: &Merchant<'_>, callers: &[Client; 3]) -> Face {
    let channel = Channel::of(server);
    let waiting = merchant.waiting(800, None).await;
    let bytes = paid(&text(&waiting["latest_attempt"], "id"), 800).to_bytes();
    let forged = |client: &Client| {
        let signed = channel.post_with(&now_s().to_string(), &"0".repeat(64), bytes.clone());
        signed.by(client)
    };
    let forged: Vec<Call> = callers.iter().map(forged).collect();
    let mut face = asked("POST /callback/{channel_account}", forged).await;
    assert_eq!(
        merchant.payment(&waiting.id()).await["status"],
        "requires_action",
        "a forged callback paid it"
    );
    let signed = asked("", vec![channel.post_bytes(bytes.clone())]).await;
    face.told.extend(signed.told);
    merchant.payment_in(&waiting.id(), "succeeded").await;
    face
}

/// The internal listener. What needs a token is really done with it.
pub async fn internal(server: &Server, merchant: &Merchant<'_>) -> Vec<Face> {
    let token = Books::open(server).operator_token();
    let with = |client: &Client, token: &str| client.with(Credentials::Bearer(token.to_owned()));
    let inside = server.internal();
    let callers = [
        inside.clone(),
        with(&inside, merchant.bearer()),
        with(&inside, STRANGE_TOKEN),
        with(&inside, &token),
        with(&server.client(), &token),
    ];
    let mismatch =
        merchant.create(&merchant.order("bar_code", 900, Some("other_amount"))).send().await.expect(201).id();
    merchant
        .payment_when(&mismatch, "with another amount", |payment| {
            payment["status_reason"] == "amount_mismatch"
        })
        .await;
    let made = server.cli(&["key", "create", "--merchant", &merchant.id, "--bearer"]);
    let nothing = || Value::Null;
    let other = Merchant::new(server).await;
    let wish = Wish::between(merchant, &other, &merchant.paid(1_000).await.id(), 100);
    let adjustment = text(&wish.propose(server, "li"), "id");
    let requests: [(&str, &str, String, Value); 14] = [
        ("GET", "/healthz", "/healthz".to_owned(), nothing()),
        ("GET", "/readyz", "/readyz".to_owned(), nothing()),
        ("GET", "/metrics", "/metrics".to_owned(), nothing()),
        (
            "POST",
            "/ops/v1/payments/{id}/resolve",
            format!("/ops/v1/payments/{mismatch}/resolve"),
            json!({ "resolution": "send_back" }),
        ),
        (
            "POST",
            "/ops/v1/api_keys/{id}/revoke",
            format!("/ops/v1/api_keys/{}/revoke", text(&made, "id")),
            json!({}),
        ),
        (
            "POST",
            "/ops/v1/merchants/{id}/partner",
            format!("/ops/v1/merchants/{}/partner", merchant.id),
            json!({ "partner": null }),
        ),
        ("POST", "/ops/v1/adjustments", "/ops/v1/adjustments".to_owned(), wish.body(&adjustment, "li")),
        (
            "POST",
            "/ops/v1/adjustments/{id}/decide",
            format!("/ops/v1/adjustments/{adjustment}/decide"),
            json!({ "verdict": "reject", "by": "wei" }),
        ),
        ("GET", "/ops/v1/resume", "/ops/v1/resume".to_owned(), nothing()),
        ("POST", "/ops/v1/resume", "/ops/v1/resume".to_owned(), json!({ "without_answers": false })),
        ("POST", "/ops/v1/master-key/begin", "/ops/v1/master-key/begin".to_owned(), json!({ "version": 7 })),
        (
            "POST",
            "/ops/v1/master-key/seal-again",
            "/ops/v1/master-key/seal-again".to_owned(),
            json!({ "from": null }),
        ),
        ("POST", "/ops/v1/master-key/end", "/ops/v1/master-key/end".to_owned(), json!({})),
        ("POST", "/ops/v1/master-key/reload", "/ops/v1/master-key/reload".to_owned(), json!({})),
    ];
    let mut faces = Vec::new();
    for (method, route, path, body) in requests {
        let call = |client: &Client| match body {
            Value::Null => client.call(method, &path),
            ref body => client.call(method, &path).json(body),
        };
        let face = asked(&format!("{method} {route}"), callers.iter().map(call).collect()).await;
        if route.starts_with("/ops/") {
            assert_eq!(face.told[..3], [401; 3], "{route} without the operator's token");
        }
        assert_eq!(face.told[4], 404, "{route} on the public listener");
        faces.push(face);
    }
    assert_all_named(&["crates/api/src/internal.rs", "crates/server/src/operator/mod.rs"], &faces);
    assert_eq!(
        inside.get("/v1/whoami").await.status,
        404,
        "the internal listener has nothing of the public one"
    );
    faces
}
