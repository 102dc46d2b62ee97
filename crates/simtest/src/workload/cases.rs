//! Cases that the field has met (`REGRESSIONS.md`), as small scripts between everything else that happens: each is drawn, counted by
//! its name, and judged by the auditor like all other work.

mod objects;
mod outside;
mod repeats;

use super::requests::{minor, text};
use super::{Order, World};
use crate::client::Ask;
use crate::house::Life;
use serde_json::{Value, json};

impl World {
    /// One of them.
    pub(super) async fn a_case(&mut self, life: &Life) {
        match self.dice.weighted(&[5, 4, 4, 3, 3, 3, 3, 3, 2, 1, 3, 3, 4, 4, 3, 2, 2, 2, 2]) {
            0 => self.two_refunds_cross(life).await,
            1 => self.two_captures_cross(life).await,
            2 => self.refund_in_thirds(life).await,
            3 => self.refund_the_rest(life).await,
            4 => self.amounts_that_are_none(life).await,
            5 => self.steps_not_allowed(life).await,
            6 => self.captures_in_parts(life).await,
            7 => self.another_try(life).await,
            8 => self.one_key_at_once(life).await,
            9 => self.many_orders_at_once(life).await,
            10 => self.one_order_at_once(life).await,
            11 => self.captured_request_again(life).await,
            12 => self.notice_at_once(life).await,
            13 => self.contradicting_notice(),
            14 => self.foreign_objects(life).await,
            15 => self.bodies_that_are_none(life).await,
            16 => self.list_while_rows_come(life).await,
            17 => self.below_the_fee(life).await,
            _ => self.replay_for_a_deleted_endpoint(life).await,
        }
    }

    pub(super) fn case(&mut self, name: &'static str) {
        self.house.faults.count(name);
        self.say(|| format!("case: {name}"));
    }

    /// A payment that is as it is wanted, as far as was shown last.
    fn order_that(&mut self, fits: impl Fn(&Order) -> bool) -> Option<Order> {
        let fitting: Vec<&Order> = self.orders.iter().filter(|order| fits(order)).collect();
        self.dice.pick(&fitting).map(|order| (*order).clone())
    }

    fn order_with_rest(&mut self, least: i64) -> Option<Order> {
        self.order_that(|order| is(order, "succeeded") && left(order) >= least)
    }

    fn refund_of(&mut self, order: &Order, value: i64) -> Ask {
        let number = self.next_number;
        let amount = json!({"value": value, "currency": currency(order)});
        let body =
            json!({"payment": order.id, "merchant_refund_no": format!("REFUND-{number}"), "amount": amount});
        self.ask(order.shop, "POST", "/v1/refunds".into(), body)
    }

    fn capture_of(&mut self, order: &Order, value: i64, is_final: Option<bool>) -> Ask {
        let amount = json!({"value": value, "currency": currency(order)});
        let body = match is_final {
            Some(is_final) => json!({"amount": amount, "final": is_final}),
            None => json!({ "amount": amount }),
        };
        self.ask(order.shop, "POST", format!("/v1/payments/{}/captures", order.id), body)
    }

    fn act_on(&mut self, order: &Order, action: &str) -> Ask {
        self.ask(order.shop, "POST", format!("/v1/payments/{}/{action}", order.id), Value::Null)
    }

    async fn one_by_one(&mut self, life: &Life, asks: Vec<Ask>) {
        for ask in asks {
            self.send_all(life, vec![ask]).await;
        }
    }
}

fn is(order: &Order, status: &str) -> bool {
    text(&order.shown, "status") == status
}

fn left(order: &Order) -> i64 {
    minor(&order.shown, "amount_captured") - minor(&order.shown, "amount_refunded")
}

fn currency(order: &Order) -> &str {
    order.shown.get("amount").map_or("CNY", |amount| text(amount, "currency"))
}
