//! The same thing again and again: one key, one order number, one captured request, many at once.

use super::super::World;
use crate::client::{Ask, By};
use crate::house::Life;
use domain::id::World as Realm;
use serde_json::json;

impl World {
    /// One key many times at once, now and then with another sum in between.
    pub(super) async fn one_key_at_once(&mut self, life: &Life) {
        let Some(ask) = self.new_payment() else { return };
        let key = format!("k-{}-again", ask.number);
        let ask = Ask { key: Some(key), ..ask };
        let mut asks = vec![ask.clone(); 6];
        if self.dice.chance(500) {
            self.case("one key, two bodies at once");
            for other in asks.iter_mut().skip(3) {
                add_one(other);
                number_again(other);
            }
        } else {
            self.case("one key many times at once");
        }
        self.send_all(life, asks).await;
    }

    /// One order number without a key, many times at once.
    pub(super) async fn one_order_at_once(&mut self, life: &Life) {
        let Some(ask) = self.new_payment() else { return };
        self.case("one order number many times at once");
        let ask = Ask { key: None, ..ask };
        let mut asks = vec![ask; 6];
        if self.dice.chance(300)
            && let Some(last) = asks.last_mut()
        {
            add_one(last);
        }
        self.send_all(life, asks).await;
    }

    pub(super) async fn many_orders_at_once(&mut self, life: &Life) {
        self.case("many orders at once");
        let count = self.dice.range(20, 40);
        let asks = (0..count).filter_map(|_| self.new_payment()).collect();
        self.send_all(life, asks).await;
    }

    /// Somebody heard a signed request and sends it once more.
    pub(super) async fn captured_request_again(&mut self, life: &Life) {
        let signs = |shop: usize| self.house.shops.get(shop).is_some_and(|shop| shop.world == Realm::Live);
        let heard: Vec<_> = self.used.iter().filter(|(ask, ..)| signs(ask.shop)).cloned().collect();
        let Some((ask, credential, stamp)) = self.dice.pick(&heard).cloned() else { return };
        self.case("a captured request again");
        self.send_all(life, vec![Ask { by: By::Former(credential, false), captured: Some(stamp), ..ask }])
            .await;
    }
}

fn add_one(ask: &mut Ask) {
    let value = ask.body.get_mut("amount").and_then(|amount| amount.get_mut("value"));
    if let Some(value) = value
        && let Some(minor) = value.as_i64()
    {
        *value = json!(minor + 1);
    }
}

/// Under a number of its own, so that the key alone decides.
fn number_again(ask: &mut Ask) {
    if let Some(number) = ask.body.get_mut("merchant_order_no")
        && let Some(text) = number.as_str()
    {
        *number = json!(format!("{text}-B"));
    }
}
