//! Requests that merchants' programs make, good ones, late ones, wrong ones.

use super::{Order, World};
use crate::client::{Ask, By};
use crate::house::{Life, METHOD};
use serde_json::{Value, json};

const SCENES: [&str; 8] = ["qr_code", "bar_code", "mini_program", "app", "h5", "web", "card", "pos"];

pub(super) fn text<'v>(object: &'v Value, name: &str) -> &'v str {
    object.get(name).and_then(Value::as_str).unwrap_or("")
}

pub(super) fn minor(object: &Value, name: &str) -> i64 {
    object.get(name).and_then(|money| money.get("value")).and_then(Value::as_i64).unwrap_or(0)
}

impl World {
    pub(crate) fn ask(&mut self, shop: usize, method: &'static str, target: String, body: Value) -> Ask {
        let number = self.next_number;
        self.next_number += 1;
        let key = (method != "GET").then(|| format!("k-{number}"));
        Ask { number, shop, method, target, key, body, by: By::Own, captured: None, tries: 0 }
    }

    /// Something that a merchant would ask for now.
    pub(super) fn draw_request(&mut self) -> Option<Ask> {
        let ask = self.draw_own_request()?;
        Some(self.perhaps_by_a_partner(ask))
    }

    /// Partners act for their merchants, and try to for others'.
    fn perhaps_by_a_partner(&mut self, ask: Ask) -> Ask {
        let agents: Vec<usize> = (0..self.house.agents.len()).collect();
        let (Some(at), Some(shop)) = (self.dice.pick(&agents).copied(), self.house.shops.get(ask.shop))
        else {
            return ask;
        };
        let serves = self.house.serves(at, shop);
        let may = if serves { 400 } else { 25 };
        if !self.dice.chance(may) {
            return ask;
        }
        let what = if serves { "partner acts" } else { "partner acts for another's merchant" };
        self.house.faults.count(what);
        Ask { by: By::Partner(at), ..ask }
    }

    fn draw_own_request(&mut self) -> Option<Ask> {
        match self.dice.weighted(&[45, 40, 10, 5]) {
            0 => self.new_payment(),
            1 => {
                let order = self.dice.pick(&self.orders).cloned();
                match order {
                    Some(order) => self.draw_about(&order),
                    None => self.new_payment(),
                }
            }
            2 => self.repeat(),
            _ => self.repeat_changed(),
        }
    }

    pub(super) fn new_payment(&mut self) -> Option<Ask> {
        let (at, _) = self.any_shop()?;
        self.new_payment_of(at)
    }

    pub(super) fn new_payment_of(&mut self, at: usize) -> Option<Ask> {
        let shop = self.house.shops.get(at)?.clone();
        let currency = self.dice.pick(&shop.currencies)?.code();
        let value = match self.dice.weighted(&[2, 6, 2]) {
            0 => self.dice.range(1, 30),
            1 => self.dice.range(100, 40_000),
            _ => self.dice.range(40_000, 3_000_000),
        };
        let scene = self.dice.pick(&SCENES).copied()?;
        let number = self.next_number;
        let mut body = json!({
            "merchant_order_no": format!("ORDER-{number}"),
            "amount": {"value": value, "currency": currency},
            "method": METHOD,
            "scene": scene,
            "subject": "tea",
        });
        let members = body.as_object_mut()?;
        if scene == "bar_code" {
            members.insert("auth_code".into(), json!("134500000000000000"));
        }
        if self.dice.chance(250) {
            members.insert("capture_mode".into(), json!("manual"));
        }
        if self.dice.chance(150) {
            members.insert("metadata".into(), json!({"cart": number}));
        }
        if self.dice.chance(200) {
            let url = format!("https://shop{at}.example.com/notify/{number}");
            members.insert("notify_url".into(), json!(url));
            self.house.faults.count("payments with a notify_url");
        }
        let mut ask = self.ask(at, "POST", "/v1/payments".into(), body);
        if self.dice.chance(300) {
            ask.key = None;
        }
        Some(ask)
    }

    /// Something about one payment.
    pub(super) fn draw_about(&mut self, order: &Order) -> Option<Ask> {
        let mut ask = self.draw_about_own(order)?;
        if self.dice.chance(30) {
            // Somebody else asks.
            ask.shop = self.other_shop(ask.shop);
        }
        Some(ask)
    }

    /// Another merchant, of the same world if there is one.
    pub(super) fn other_shop(&mut self, shop: usize) -> usize {
        let count = self.house.shops.len().max(1);
        let near = (shop + 2) % count;
        if near == shop { (shop + 1) % count } else { near }
    }

    pub(super) fn draw_about_own(&mut self, order: &Order) -> Option<Ask> {
        let status = text(&order.shown, "status");
        let weights: [u64; 5] = match status {
            // refund, capture, void, close, another attempt
            "succeeded" => [30, 1, 1, 1, 1],
            "authorized" => [1, 24, 3, 1, 1],
            "requires_action" | "processing" | "created" => [1, 1, 1, 4, 6],
            _ => [1, 1, 1, 1, 1],
        };
        match self.dice.weighted(&weights) {
            0 => Some(self.refund(order)),
            1 => Some(self.capture(order)),
            2 => Some(self.ask(order.shop, "POST", format!("/v1/payments/{}/void", order.id), Value::Null)),
            3 => Some(self.ask(order.shop, "POST", format!("/v1/payments/{}/close", order.id), Value::Null)),
            _ => {
                let body = match text(&order.shown, "scene") {
                    "bar_code" => json!({"auth_code": "134500000000000000"}),
                    _ => json!({}),
                };
                Some(self.ask(order.shop, "POST", format!("/v1/payments/{}/attempts", order.id), body))
            }
        }
    }

    fn amount_of(&mut self, order: &Order, most: i64) -> Value {
        let currency = order.shown.get("amount").map_or("CNY", |amount| text(amount, "currency"));
        let value = match self.dice.weighted(&[5, 3, 1]) {
            0 => self.dice.range(1, most.max(1)),
            1 => most.max(1),
            _ => most.max(1) + self.dice.range(1, 100),
        };
        json!({"value": value, "currency": currency})
    }

    fn refund(&mut self, order: &Order) -> Ask {
        let number = self.next_number;
        let mut body = json!({"merchant_refund_no": format!("REFUND-{number}")});
        let most = minor(&order.shown, "amount_captured").max(minor(&order.shown, "amount") / 2);
        let amount = self.amount_of(order, most);
        let by_number = self.dice.chance(300);
        if let Some(members) = body.as_object_mut() {
            if by_number {
                members.insert("merchant_order_no".into(), json!(text(&order.shown, "merchant_order_no")));
            } else {
                members.insert("payment".into(), json!(order.id));
            }
            if self.dice.chance(750) {
                members.insert("amount".into(), amount);
            }
        }
        let dry = self.dice.chance(60);
        let target = if dry { "/v1/refunds?dry_run=true" } else { "/v1/refunds" };
        let mut ask = self.ask(order.shop, "POST", target.into(), body);
        if dry || self.dice.chance(300) {
            ask.key = None;
        }
        ask
    }

    fn capture(&mut self, order: &Order) -> Ask {
        let left = minor(&order.shown, "amount") - minor(&order.shown, "amount_captured");
        let amount = self.amount_of(order, left);
        let mut body = json!({});
        if let Some(members) = body.as_object_mut() {
            if self.dice.chance(800) {
                members.insert("amount".into(), amount);
            }
            if self.dice.chance(300) {
                members.insert("final".into(), json!(self.dice.chance(500)));
            }
        }
        self.ask(order.shop, "POST", format!("/v1/payments/{}/captures", order.id), body)
    }

    /// A request that was answered already, once more.
    fn repeat(&mut self) -> Option<Ask> {
        let ask = self.dice.pick(&self.answered).cloned()?;
        self.house.faults.count("requests repeated");
        // Without its key it must be known by the merchant's number.
        let named = ["/v1/payments", "/v1/refunds"].contains(&ask.target.as_str());
        let key = if named && self.dice.chance(300) { None } else { ask.key };
        Some(Ask { key, tries: ask.tries + 1_000, ..ask })
    }

    /// The same key or number with another sum.
    fn repeat_changed(&mut self) -> Option<Ask> {
        let mut ask = self.dice.pick(&self.answered).cloned()?;
        let value = ask.body.get_mut("amount")?.get_mut("value")?;
        *value = json!(value.as_i64()?.saturating_add(1));
        self.house.faults.count("requests repeated with another sum");
        ask.tries += 10_000;
        if self.dice.chance(500) && ["/v1/payments", "/v1/refunds"].contains(&ask.target.as_str()) {
            ask.key = None;
        }
        Some(ask)
    }

    pub(super) async fn read_something(&mut self, life: &Life) {
        let mut asks = Vec::new();
        for _ in 0..self.dice.range(1, 5) {
            let order = self.dice.pick(&self.orders).cloned();
            let mut shop = order.as_ref().map_or(0, |order| order.shop);
            if self.dice.chance(60) {
                shop = self.other_shop(shop);
                self.house.faults.count("reads of another's payment");
            }
            let target = match (self.dice.weighted(&[8, 1, 1, 1, 1, 1, 1, 1]), order) {
                (0, Some(order)) => format!("/v1/payments/{}?expand=refunds,attempts,captures", order.id),
                (1, _) => "/v1/payments?limit=50".to_owned(),
                (2, _) => "/v1/refunds?limit=50".to_owned(),
                (3, _) => "/v1/balances".to_owned(),
                (4, _) => "/v1/balance_transactions?limit=20".to_owned(),
                (5, _) => "/v1/events?limit=20".to_owned(),
                (6, Some(order)) => format!("/v1/payments/{}/explain", order.id),
                (_, Some(order)) => format!("/v1/payments/{}/ledger", order.id),
                (_, None) => "/v1/whoami".to_owned(),
            };
            asks.push(self.ask(shop, "GET", target, Value::Null));
        }
        self.send_all(life, asks).await;
    }
}
