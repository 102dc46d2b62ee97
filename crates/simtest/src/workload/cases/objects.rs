//! What is asked of one payment: too much at once, in parts, in the wrong moment, by the wrong merchant.

use super::super::World;
use super::super::requests::minor;
use super::{is, left};
use crate::client::Ask;
use crate::house::Life;
use serde_json::{Value, json};

impl World {
    /// Each fits alone, both do not.
    pub(super) async fn two_refunds_cross(&mut self, life: &Life) {
        let Some(order) = self.order_with_rest(5) else { return };
        self.case("two refunds cross the rest");
        let part = left(&order) * 6 / 10;
        let asks = vec![self.refund_of(&order, part), self.refund_of(&order, part)];
        self.send_all(life, asks).await;
    }

    pub(super) async fn two_captures_cross(&mut self, life: &Life) {
        let Some(order) = self.order_that(|order| is(order, "authorized") && uncaptured(&order.shown) >= 5)
        else {
            return;
        };
        self.case("two captures cross the rest");
        let part = uncaptured(&order.shown) * 6 / 10;
        let asks = vec![self.capture_of(&order, part, None), self.capture_of(&order, part, Some(false))];
        self.send_all(life, asks).await;
    }

    /// What one refund of the whole would give back, three give back too.
    pub(super) async fn refund_in_thirds(&mut self, life: &Life) {
        let whole =
            |order: &super::Order| is(order, "succeeded") && minor(&order.shown, "amount_refunded") == 0;
        let Some(order) = self.order_that(|order| whole(order) && left(order) >= 3) else { return };
        self.case("refund in thirds");
        let (all, third) = (left(&order), left(&order) / 3);
        let asks =
            [third, third, all - 2 * third].into_iter().map(|part| self.refund_of(&order, part)).collect();
        self.one_by_one(life, asks).await;
    }

    pub(super) async fn refund_the_rest(&mut self, life: &Life) {
        let Some(order) = self.order_with_rest(1) else { return };
        self.case("refund of exactly the rest");
        let asks = vec![self.refund_of(&order, left(&order)), self.refund_of(&order, 1)];
        self.one_by_one(life, asks).await;
    }

    pub(super) async fn amounts_that_are_none(&mut self, life: &Life) {
        let picked = [0, -1, i64::MIN];
        let Some(value) = self.dice.pick(&picked).copied() else { return };
        let Some(order) = self.dice.pick(&self.orders).cloned() else { return };
        self.case("amounts that are none");
        let mut asks = vec![self.refund_of(&order, value), self.capture_of(&order, value, None)];
        if let Some(mut payment) = self.new_payment()
            && let Some(amount) = payment.body.get_mut("amount").and_then(|amount| amount.get_mut("value"))
        {
            *amount = json!(value);
            asks.push(payment);
        }
        self.send_all(life, asks).await;
    }

    /// Everything at once of a payment that has ended.
    pub(super) async fn steps_not_allowed(&mut self, life: &Life) {
        let over = ["succeeded", "failed", "closed"];
        let Some(order) = self.order_that(|order| over.iter().any(|status| is(order, status))) else {
            return;
        };
        self.case("steps that the state does not allow");
        let mut asks = vec![self.capture_of(&order, 1, None), self.act_on(&order, "void")];
        asks.push(self.act_on(&order, "attempts"));
        asks.push(self.act_on(&order, "close"));
        if !is(&order, "succeeded") {
            asks.push(self.refund_of(&order, 1));
        }
        self.send_all(life, asks).await;
    }

    pub(super) async fn captures_in_parts(&mut self, life: &Life) {
        let Some(order) = self.order_that(|order| is(order, "authorized") && uncaptured(&order.shown) >= 3)
        else {
            return;
        };
        self.case("captures in parts");
        let (all, third) = (uncaptured(&order.shown), uncaptured(&order.shown) / 3);
        let asks =
            [third, third, all - 2 * third].into_iter().map(|part| self.capture_of(&order, part, None));
        let mut asks: Vec<Ask> = asks.collect();
        // Something is captured, and nothing can be refunded until it is all over.
        asks.insert(1, self.refund_of(&order, 1));
        self.one_by_one(life, asks).await;
    }

    /// The payer tries again, twice at once, while the first try may still be open.
    pub(super) async fn another_try(&mut self, life: &Life) {
        let open = ["created", "requires_action", "processing"];
        let Some(order) = self.order_that(|order| open.iter().any(|status| is(order, status))) else {
            return;
        };
        self.case("another try while one may be open");
        let body = json!({"auth_code": "134500000000000000"});
        let asks = (0..2)
            .map(|_| {
                let ask = self.act_on(&order, "attempts");
                let body =
                    if super::text(&order.shown, "scene") == "bar_code" { body.clone() } else { json!({}) };
                Ask { body, ..ask }
            })
            .collect();
        self.send_all(life, asks).await;
    }

    /// Another merchant asks for it, in every way.
    pub(super) async fn foreign_objects(&mut self, life: &Life) {
        let Some(order) = self.dice.pick(&self.orders).cloned() else { return };
        self.case("another merchant's payment");
        let path = format!("/v1/payments/{}", order.id);
        let mut asks: Vec<Ask> = ["", "/explain", "/ledger", "?expand=attempts,refunds,captures"]
            .into_iter()
            .map(|view| self.ask(order.shop, "GET", format!("{path}{view}"), Value::Null))
            .collect();
        asks.push(self.refund_of(&order, 1));
        asks.push(self.capture_of(&order, 1, None));
        asks.extend(["close", "void", "attempts"].map(|action| self.act_on(&order, action)));
        let other = self.other_shop(order.shop);
        for ask in &mut asks {
            ask.shop = other;
        }
        self.send_all(life, asks).await;
    }

    /// A sale that costs more than it brings.
    pub(super) async fn below_the_fee(&mut self, life: &Life) {
        let dear: Vec<(usize, &'static str)> =
            self.fixed_fees.iter().filter(|(_, fee)| **fee > 1).map(|(of, _)| *of).collect();
        let Some((shop, of)) = self.dice.pick(&dear).copied() else { return };
        let Some(mut ask) = self.new_payment_of(shop) else { return };
        self.case("a sum below its fee");
        if let Some(members) = ask.body.as_object_mut() {
            members.insert("amount".into(), json!({"value": 1, "currency": of}));
            members.insert("scene".into(), json!("bar_code"));
            members.insert("auth_code".into(), json!("134500000000000000"));
        }
        self.send_all(life, vec![ask]).await;
    }
}

fn uncaptured(payment: &Value) -> i64 {
    minor(payment, "amount") - minor(payment, "amount_captured")
}
