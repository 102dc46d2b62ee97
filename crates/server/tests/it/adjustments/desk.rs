//! The operator's desk: proposing and deciding, by the command line and by the route behind it.

use crate::harness::books::Books;
use crate::harness::client::Credentials;
use crate::harness::merchant::text;
use crate::harness::{Call, Client, Merchant, Server};
use domain::id::{AdjustmentId, IdMaker, Shard};
use serde_json::{Value, json};

const REASON: &str = "booked for the wrong shop";

/// What an adjustment shall do.
#[derive(Debug, Clone)]
pub struct Wish {
    pub from: String,
    pub to: String,
    pub corrects: String,
    pub minor: i64,
}

impl Wish {
    pub fn between(from: &Merchant<'_>, to: &Merchant<'_>, corrects: &str, minor: i64) -> Wish {
        Wish { from: from.id.clone(), to: to.id.clone(), corrects: corrects.to_owned(), minor }
    }

    /// Proposes it by the command line; answers it.
    pub fn propose(&self, server: &Server, by: &str) -> Value {
        let minor = self.minor.to_string();
        server.cli(&self.arguments(&minor, REASON, by))
    }

    pub fn arguments<'a>(&'a self, minor: &'a str, reason: &'a str, by: &'a str) -> [&'a str; 14] {
        [
            "adjustment",
            "propose",
            "--from",
            &self.from,
            "--to",
            &self.to,
            "--corrects",
            &self.corrects,
            "--amount",
            minor,
            "--reason",
            reason,
            "--by",
            by,
        ]
    }

    /// As the command line sends it.
    pub fn body(&self, id: &str, by: &str) -> Value {
        json!({
            "id": id,
            "from": self.from,
            "to": self.to,
            "corrects": self.corrects,
            "amount_minor": self.minor,
            "reason": REASON,
            "by": by,
        })
    }
}

/// Decides one by the command line; it must be taken.
pub fn decide(server: &Server, verdict: &str, id: &str, by: &str) -> Value {
    server.cli(&["adjustment", verdict, "--adjustment", id, "--by", by])
}

/// An adjustment as it stands.
pub fn shown(server: &Server, id: &str) -> Value {
    server.cli(&["adjustment", "show", "--adjustment", id])
}

/// The route behind the command line, at any node.
#[derive(Clone)]
pub struct Desk {
    client: Client,
}

impl Desk {
    pub fn of(server: &Server) -> Desk {
        let token = Books::open(server).operator_token();
        Desk { client: server.internal().with(Credentials::Bearer(token)) }
    }

    pub fn propose(&self, wish: &Wish, id: &str, by: &str) -> Call {
        self.send("/ops/v1/adjustments", &wish.body(id, by))
    }

    pub fn decide(&self, id: &str, verdict: &str, by: &str) -> Call {
        let path = format!("/ops/v1/adjustments/{id}/decide");
        self.send(&path, &json!({ "verdict": verdict, "by": by }))
    }

    pub fn send(&self, path: &str, body: &Value) -> Call {
        self.client.post(path, body)
    }
}

/// A new id in the shard of a merchant.
pub fn new_id(giver: &str) -> String {
    new_id_of(crate::harness::books::uid(giver).shard())
}

/// A new id of a shard.
pub fn new_id_of(shard: Shard) -> String {
    let seed = u128::from_be_bytes(crypto::secret::random_bytes::<16>());
    let now_us = crate::harness::client::now_ms() * 1_000;
    IdMaker::new(now_us, shard, seed).next::<AdjustmentId>().to_string()
}

/// The merchant's lines that an adjustment caused, oldest first: category, bucket, amount.
pub async fn lines(merchant: &Merchant<'_>, id: &str) -> Vec<(String, String, i64)> {
    let mut rows = merchant.all(&format!("/v1/balance_transactions?source={id}")).await;
    rows.reverse();
    let line = |row: &Value| {
        assert_eq!(text(row, "source"), id);
        (text(row, "category"), text(row, "bucket"), row["amount"]["value"].as_i64().expect("minor units"))
    };
    rows.iter().map(line).collect()
}

/// A merchant that has so much available, and the payment that brought it.
pub async fn with_available<'s>(server: &'s Server, minor: i64) -> (Merchant<'s>, String) {
    let merchant =
        Merchant::with(server, crate::harness::Price { rate: "0", ..Default::default() }, &[]).await;
    let paid = merchant.paid(minor).await.id();
    merchant.advance(2 * 86_400).await;
    assert_eq!(merchant.bucket("available").await, minor);
    (merchant, paid)
}
