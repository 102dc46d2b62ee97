//! What a recipe does, step by step, through the API and nothing else. Every step is told.

use crate::assemble::real_now_us;
use crate::client::Client;
use crate::client::fields::text;
use crate::output::{instant, note};
use anyhow::{Context, Result, bail};
use jiff::Timestamp;
use money::Currency;
use serde_json::{Map, Value, json};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// The code that a payer's phone shows at the till.
const AUTH_CODE: &str = "134567890123456789";
/// Every step's end is there by then (WIRE: 30 s).
const STATUS_MAX: Duration = Duration::from_secs(40);
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// What the caller wishes of the objects.
#[derive(Debug, Clone)]
pub(super) struct Wishes {
    /// Minor units.
    pub amount_minor: i64,
    /// ISO 4217.
    pub currency: Currency,
    /// Fields of the payment, over those of the recipe.
    pub payment: Map<String, Value>,
    /// Fields of the refund, over those of the recipe.
    pub refund: Map<String, Value>,
}

/// Something that was only there for the event, by its path.
enum Leftover {
    Removed(String),
    Revoked(String),
}

/// A recipe under way.
pub(super) struct Stage<'c> {
    pub client: &'c Client,
    pub wishes: Wishes,
    /// Ids of what was made, in order.
    pub made: Vec<String>,
    /// What is taken away when the event has come.
    leftovers: Vec<Leftover>,
    /// Tells runs apart in the merchant's numbers.
    run: String,
    numbers: u32,
}

impl<'c> Stage<'c> {
    pub(super) fn new(client: &'c Client, wishes: Wishes) -> Stage<'c> {
        let run = crypto::hex(&crypto::secret::random_bytes::<6>());
        Stage { client, wishes, made: Vec::new(), leftovers: Vec::new(), numbers: 0, run }
    }

    /// A number or key that nothing else has.
    pub(super) fn fresh(&mut self, noun: &str) -> String {
        self.numbers += 1;
        format!("trigger-{noun}-{}-{}", self.run, self.numbers)
    }

    /// Removes something when the event has come.
    pub(super) fn remove_at_the_end(&mut self, path: &str) {
        self.leftovers.push(Leftover::Removed(path.to_owned()));
    }

    /// Revokes a key when the event has come.
    pub(super) fn revoke_at_the_end(&mut self, path: &str) {
        self.leftovers.push(Leftover::Revoked(path.to_owned()));
    }

    /// The server's own clock.
    pub(super) async fn server_time(&self) -> Result<Timestamp> {
        let me = self.client.get("/v1/whoami").await?.body;
        text(&me, "/server_time").parse().context("the server's clock can't be read")
    }

    /// Removes what was only there for the event.
    pub(super) async fn clean_up(&mut self) -> Result<()> {
        for leftover in std::mem::take(&mut self.leftovers) {
            match leftover {
                Leftover::Removed(path) => {
                    let removed = self.client.delete(&path).await?.body;
                    self.told(&format!("DELETE {path}"), &removed);
                }
                Leftover::Revoked(path) => {
                    self.act(&format!("{path}/revoke"), &json!({})).await?;
                }
            }
        }
        Ok(())
    }

    /// Tells a step; on standard error, where it is in nobody's way.
    pub(super) fn told(&mut self, step: &str, object: &Value) {
        let (id, status) = (text(object, "/id"), text(object, "/status"));
        if !id.is_empty() && !id.starts_with("whd_") && !self.made.iter().any(|made| made == id) {
            self.made.push(id.to_owned());
        }
        note(&format!("  {step} → {id} {status}"));
    }

    fn money(&self, minor: i64) -> Value {
        json!({ "value": minor, "currency": self.wishes.currency.code() })
    }

    /// A payment at the till.
    pub(super) async fn at_the_till(&mut self, outcome: &str, manual: bool) -> Result<Value> {
        let mut order = json!({ "scene": "bar_code", "auth_code": AUTH_CODE, "sandbox_outcome": outcome });
        if manual && let Some(fields) = order.as_object_mut() {
            fields.insert("capture_mode".to_owned(), json!("manual"));
        }
        self.pay(order).await
    }

    /// A payment by QR code.
    pub(super) async fn by_qr_code(&mut self, outcome: &str) -> Result<Value> {
        self.pay(json!({ "scene": "qr_code", "sandbox_outcome": outcome })).await
    }

    /// A payment by QR code that has so long to be paid.
    pub(super) async fn by_qr_code_within(&mut self, within: Duration) -> Result<Value> {
        let clock = self.client.get("/v1/sandbox/clock").await?.body;
        let offset_s = clock.get("offset_seconds").and_then(Value::as_i64).unwrap_or(0);
        let within_us = i64::try_from(within.as_micros())?;
        let until_us =
            real_now_us().saturating_add(offset_s.saturating_mul(1_000_000)).saturating_add(within_us);
        self.pay(json!({ "scene": "qr_code", "expires_at": instant(until_us)? })).await
    }

    async fn pay(&mut self, fields: Value) -> Result<Value> {
        let amount = self.money(self.wishes.amount_minor);
        let mut order = json!({
            "merchant_order_no": self.fresh("order"), "amount": amount, "method": "sandbox", "subject": "feiqian trigger",
        });
        merge(&mut order, fields.as_object());
        merge(&mut order, Some(&self.wishes.payment));
        let made = self.client.post("/v1/payments", &order, None).await?.body;
        self.told("POST /v1/payments", &made);
        Ok(made)
    }

    /// `POST` to a payment, refund or endpoint.
    pub(super) async fn act(&mut self, path: &str, body: &Value) -> Result<Value> {
        let key = self.fresh("act");
        let object = self.client.post(path, body, Some(&key)).await?.body;
        self.told(&format!("POST {path}"), &object);
        Ok(object)
    }

    /// A capture of so much, or of all.
    pub(super) async fn capture(&mut self, payment: &str, minor: Option<i64>) -> Result<()> {
        let body =
            minor.map_or_else(|| json!({}), |minor| json!({ "amount": self.money(minor), "final": true }));
        self.act(&format!("/v1/payments/{payment}/captures"), &body).await.map(drop)
    }

    /// A refund of half of a payment, or of all of the smallest.
    pub(super) async fn refund(&mut self, payment: &Value, outcome: &str) -> Result<()> {
        let minor =
            payment.pointer("/amount/value").and_then(Value::as_i64).context("the payment has no amount")?;
        let mut body = json!({
            "payment": text(payment, "/id"), "merchant_refund_no": self.fresh("refund"),
            "amount": self.money((minor / 2).max(1)), "sandbox_outcome": outcome,
        });
        merge(&mut body, Some(&self.wishes.refund));
        let made = self.client.post("/v1/refunds", &body, None).await?.body;
        self.told("POST /v1/refunds", &made);
        Ok(())
    }

    /// Reads an object until it is as wished.
    pub(super) async fn until(&self, path: &str, what: &str, is: impl Fn(&Value) -> bool) -> Result<Value> {
        let began = Instant::now();
        loop {
            let object = self.client.get(path).await?.body;
            if is(&object) {
                return Ok(object);
            }
            if began.elapsed() > STATUS_MAX {
                bail!(
                    "{path} is not {what} after {} s, but {}",
                    STATUS_MAX.as_secs(),
                    text(&object, "/status")
                );
            }
            sleep(LOOK_EVERY).await;
        }
    }

    /// Reads a payment until it has a status.
    pub(super) async fn payment_in(&self, payment: &Value, status: &str) -> Result<Value> {
        let path = format!("/v1/payments/{}", text(payment, "/id"));
        self.until(&path, status, |object| text(object, "/status") == status).await
    }
}

/// Fields over fields; a null takes one away.
fn merge(into: &mut Value, fields: Option<&Map<String, Value>>) {
    let (Some(into), Some(fields)) = (into.as_object_mut(), fields) else { return };
    for (name, value) in fields {
        match value {
            Value::Null => into.remove(name),
            value => into.insert(name.clone(), value.clone()),
        };
    }
}

/// Reads a JSON object of the command line.
pub(super) fn fields(text: &str) -> Result<Map<String, Value>, String> {
    let expected = "a JSON object is expected, such as {\"metadata\":{\"order\":\"42\"}}";
    match serde_json::from_str(text) {
        Ok(Value::Object(fields)) => Ok(fields),
        Ok(_) => Err(expected.to_owned()),
        Err(fault) => Err(format!("{fault}; {expected}")),
    }
}

/// Reads a currency of the command line.
pub(super) fn currency(text: &str) -> Result<Currency, String> {
    Currency::parse(text)
        .map_err(|_| "no currency in force; three capital letters such as CNY are expected".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wishes_win_over_the_recipe() {
        let mut order = json!({ "a": 1, "b": 2, "c": 3 });
        merge(&mut order, fields(r#"{"b":"x","c":null,"d":{"e":1}}"#).as_ref().ok());
        assert_eq!(order, json!({ "a": 1, "b": "x", "d": { "e": 1 } }));
        assert!(["", "[]", "1", "{", "{\"a\":1} x"].iter().all(|bad| fields(bad).is_err()));
        assert!(currency("cny").is_err() && currency("CNY").is_ok());
    }
}
