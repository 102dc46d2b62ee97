//! Every route of the served document with a request that its merchant may make. A route without a row fails: whoever adds one says
//! here what it takes, and the cases try it for every partner.

use super::cast::Stock;
use crate::harness::{Merchant, Server, cny};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// A request that a route takes.
pub struct Row {
    pub method: &'static str,
    /// As in the document.
    pub path: &'static str,
    /// What `{id}` stands for, in [`Stock`].
    object: &'static str,
    body: Body,
    /// What its merchant is answered.
    pub status: u16,
}

#[derive(Clone, Copy)]
enum Body {
    None,
    Empty,
    Of(fn(&Merchant<'_>, &Stock) -> Value),
}

const fn get(path: &'static str, object: &'static str) -> Row {
    Row { method: "GET", path, object, body: Body::None, status: 200 }
}

const fn post(path: &'static str, object: &'static str, status: u16, body: Body) -> Row {
    Row { method: "POST", path, object, body, status }
}

/// The one question that a partner may ask without a merchant.
pub const WHOAMI: &str = "/v1/whoami";

static ROWS: &[Row] = &[
    get(WHOAMI, ""),
    post("/v1/payments", "", 201, Body::Of(|merchant, _| merchant.order("bar_code", 100, Some("succeed")))),
    get("/v1/payments", ""),
    get("/v1/payments/{id}", "paid"),
    get("/v1/payments/{id}/attempts", "paid"),
    get("/v1/payments/{id}/captures", "held"),
    get("/v1/payments/{id}/ledger", "paid"),
    get("/v1/payments/{id}/explain", "paid"),
    post("/v1/payments/{id}/attempts", "declined", 201, Body::Empty),
    post(
        "/v1/payments/{id}/captures",
        "held",
        201,
        Body::Of(|_, _| json!({ "amount": cny(10), "final": false })),
    ),
    post("/v1/payments/{id}/void", "given up", 200, Body::Empty),
    post("/v1/payments/{id}/close", "closing", 200, Body::Empty),
    post(
        "/v1/refunds",
        "",
        201,
        Body::Of(
            |merchant, stock| json!({ "payment": stock.id("paid"), "merchant_refund_no": merchant.next_no("R"), "amount": cny(7) }),
        ),
    ),
    get("/v1/refunds", ""),
    get("/v1/refunds/{id}", "refund"),
    get("/v1/refunds/{id}/ledger", "refund"),
    get("/v1/refunds/{id}/explain", "refund"),
    get("/v1/balances", ""),
    get("/v1/balance_transactions", ""),
    get("/v1/balance_transactions/{id}/proof", "sealed line"),
    get("/v1/statements", ""),
    get("/v1/statements/{id}", "statement"),
    get("/v1/statements/{id}/file", "statement"),
    get("/v1/events", ""),
    get("/v1/events/{id}", "event"),
    post(
        "/v1/webhook_endpoints",
        "",
        201,
        Body::Of(
            |merchant, _| json!({ "url": format!("http://127.0.0.1:9/{}", merchant.next_no("hook")), "events": ["refund.failed"] }),
        ),
    ),
    get("/v1/webhook_endpoints", ""),
    get("/v1/webhook_endpoints/{id}", "endpoint"),
    Row {
        method: "PATCH",
        path: "/v1/webhook_endpoints/{id}",
        object: "endpoint",
        body: Body::Of(|_, _| json!({ "description": "till" })),
        status: 200,
    },
    Row {
        method: "DELETE",
        path: "/v1/webhook_endpoints/{id}",
        object: "needless endpoint",
        body: Body::None,
        status: 200,
    },
    post("/v1/webhook_endpoints/{id}/rotate_secret", "endpoint", 200, Body::Empty),
    post("/v1/webhook_endpoints/{id}/test", "endpoint", 200, Body::Empty),
    get("/v1/webhook_deliveries", ""),
    get("/v1/webhook_deliveries/{id}", "delivery"),
    post("/v1/webhook_deliveries/{id}/replay", "delivery", 200, Body::Empty),
    post("/v1/api_keys", "", 201, Body::Of(|_, _| json!({ "name": "till", "generate_bearer": true }))),
    get("/v1/api_keys", ""),
    post("/v1/api_keys/{id}/rotate", "spare key", 200, Body::Empty),
    post("/v1/api_keys/{id}/revoke", "needless key", 200, Body::Empty),
    get("/v1/platform_keys", ""),
    post("/v1/sandbox/payments/{id}/pay", "paying", 200, Body::Empty),
    get("/v1/sandbox/clock", ""),
    post("/v1/sandbox/clock", "", 200, Body::Of(|_, _| json!({ "advance_seconds": 1 }))),
];

/// The rows, once for each route that the server names.
pub async fn rows(server: &Server) -> &'static [Row] {
    let document = server.client().get("/openapi.json").await.expect(200);
    let mut served = BTreeSet::new();
    for (path, operations) in document["paths"].as_object().expect("paths") {
        for method in operations.as_object().expect("operations").keys() {
            served.insert(format!("{} {path}", method.to_uppercase()));
        }
    }
    let known: BTreeSet<String> = ROWS.iter().map(|row| format!("{} {}", row.method, row.path)).collect();
    assert_eq!(known.len(), ROWS.len(), "a route stands twice in partners/routes.rs");
    let missing: Vec<_> = served.difference(&known).collect();
    let gone: Vec<_> = known.difference(&served).collect();
    assert!(missing.is_empty(), "partners/routes.rs lacks a row for {missing:?}: say what the route takes");
    assert!(gone.is_empty(), "partners/routes.rs has rows for routes that are gone: {gone:?}");
    ROWS
}

impl Row {
    /// The path with the object of a stock.
    pub fn path_of(&self, stock: &Stock) -> String {
        match self.object {
            "" => self.path.to_owned(),
            object => self.path.replace("{id}", stock.id(object)),
        }
    }

    /// Whether it is about one object.
    pub fn has_object(&self) -> bool {
        !self.object.is_empty()
    }

    /// The body that it takes, if it takes one.
    pub fn body_of(&self, merchant: &Merchant<'_>, stock: &Stock) -> Option<Value> {
        match self.body {
            Body::None => None,
            Body::Empty => Some(json!({})),
            Body::Of(make) => Some(make(merchant, stock)),
        }
    }
}
