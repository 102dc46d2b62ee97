//! What comes from others: notices again and untrue, bodies that are none, lists read while rows are added, endpoints that are gone.

use super::super::World;
use super::super::requests::text;
use crate::client::Ask;
use crate::house::Life;
use futures::future::join_all;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use tower::ServiceExt;

/// How often one notice is sent at once.
const AT_ONCE: usize = 20;

impl World {
    /// One notice many times at once; all say the same of it.
    pub(super) async fn notice_at_once(&mut self, life: &Life) {
        let Some((at, account)) = self.house.bank.old_notice() else { return };
        self.case("one notice many times at once");
        let requests = (0..AT_ONCE).filter_map(|_| {
            let request = http::Request::post(format!("/callback/{account}"))
                .header(crate::channel::SEAL.0, crate::channel::SEAL.1);
            request.body(axum::body::Body::from(at.to_string())).ok()
        });
        let answers = join_all(requests.map(|request| life.router.clone().oneshot(request))).await;
        self.say(|| format!("notice {at}, {} times at once", answers.len()));
    }

    pub(super) fn contradicting_notice(&mut self) {
        if let Some(number) = self.house.bank.contradict() {
            self.case("failed after succeeded");
            self.say(|| format!("the bank says declined of att_{number}, which is paid"));
        }
    }

    /// None of them may do anything, and none may break anything.
    pub(super) async fn bodies_that_are_none(&mut self, life: &Life) {
        let Some(ask) = self.new_payment() else { return };
        self.case("bodies that are none");
        let nested = (0..120).fold(json!(1), |inner, _| json!([inner]));
        let odd: [(&str, Value); 5] = [
            ("metadata", nested),
            ("surprise", json!(true)),
            ("scene", json!("telepathy")),
            ("amount", json!({"value": 1, "currency": "xyz"})),
            ("merchant_order_no", json!("x".repeat(500))),
        ];
        let asks: Vec<Ask> = odd
            .into_iter()
            .map(|(name, value)| {
                let mut ask = Ask { key: None, ..ask.clone() };
                if let Some(members) = ask.body.as_object_mut() {
                    members.insert(name.to_owned(), value);
                }
                ask
            })
            .collect();
        for (ask, reply) in self.send_all(life, asks).await {
            if let Some(reply) = reply.filter(|reply| reply.status < 300) {
                self.accuse(
                    "bad bodies",
                    format!("{} was answered {} {}", ask.body, reply.status, reply.text),
                );
            }
        }
    }

    /// Pages of a list while payments are made: what was there before is read once each.
    pub(super) async fn list_while_rows_come(&mut self, life: &Life) {
        let Some((shop, _)) = self.any_shop() else { return };
        self.case("a list while rows come");
        let before: BTreeSet<String> =
            self.orders.iter().filter(|order| order.shop == shop).map(|order| order.id.clone()).collect();
        let mut read: Vec<String> = Vec::new();
        let mut cursor = String::new();
        loop {
            let ask = self.ask(shop, "GET", format!("/v1/payments?limit=20{cursor}"), Value::Null);
            let new = self.new_payment_of(shop);
            let replies = self.send_all(life, [Some(ask), new].into_iter().flatten().collect()).await;
            let page = replies.into_iter().find(|(ask, _)| ask.method == "GET").and_then(|(_, reply)| reply);
            let Some(page) = page.filter(|page| page.status == 200).map(|page| page.json()) else { return };
            let rows = page.get("data").and_then(Value::as_array).cloned().unwrap_or_default();
            read.extend(rows.iter().map(|row| text(row, "id").to_owned()));
            match page.get("next_cursor").and_then(Value::as_str) {
                Some(next) if !rows.is_empty() => cursor = format!("&cursor={next}"),
                _ => break,
            }
        }
        let once: BTreeSet<String> = read.iter().cloned().collect();
        let missing: Vec<&String> = before.difference(&once).collect();
        if once.len() != read.len() || !missing.is_empty() {
            let what = format!("{} rows, {} of them different, without {missing:?}", read.len(), once.len());
            self.accuse("a list has each row once", what);
        }
    }

    /// An endpoint comes, gets something and goes; what was sent to it is not sent again.
    pub(super) async fn replay_for_a_deleted_endpoint(&mut self, life: &Life) {
        let Some((at, _)) = self.any_shop() else { return };
        let number = self.next_number;
        let body = json!({"url": format!("https://shop{at}.example.com/spare{number}"), "events": ["*"]});
        let create = self.ask(at, "POST", "/v1/webhook_endpoints".into(), body);
        let Some(made) = self.answer_of(life, create).await else { return };
        let id = text(&made, "id").to_owned();
        let mut row = None;
        // A payment may come to nothing, and so to no event.
        for _ in 0..4 {
            if let Some(new) = self.new_payment_of(at) {
                self.send_all(life, vec![new]).await;
            }
            let list = self.ask(at, "GET", "/v1/webhook_deliveries?limit=50".into(), Value::Null);
            let rows = self.answer_of(life, list).await.unwrap_or_default();
            let own = rows.get("data").and_then(Value::as_array).into_iter().flatten();
            row = own.filter(|row| text(row, "endpoint") == id).map(|row| text(row, "id").to_owned()).next();
            if row.is_some() {
                break;
            }
        }
        let delete = self.ask(at, "DELETE", format!("/v1/webhook_endpoints/{id}"), Value::Null);
        let gone = self.send_all(life, vec![delete]).await.pop().and_then(|(_, reply)| reply);
        let Some(row) = row else { return };
        if !gone.is_some_and(|gone| (200..300).contains(&gone.status)) {
            return;
        }
        self.case("replay for a deleted endpoint");
        let replay = self.ask(at, "POST", format!("/v1/webhook_deliveries/{row}/replay"), Value::Null);
        if let Some(answer) = self.answer_of(life, replay).await {
            self.accuse("replay for a deleted endpoint", format!("{row} was sent again: {answer}"));
        }
    }

    /// The body of a 2xx answer.
    async fn answer_of(&mut self, life: &Life, ask: Ask) -> Option<Value> {
        let reply = self.send_all(life, vec![ask]).await.pop()?.1?;
        (200..300).contains(&reply.status).then(|| reply.json())
    }
}
