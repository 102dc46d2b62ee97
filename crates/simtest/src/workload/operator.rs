//! What the operator does while merchants work: prices, keys, clocks of the sandbox, holds, restarts.

use super::World;
use super::requests::text;
use crate::house::{Life, Shop};
use crate::store::now;
use auditor::{FeeTerms, RefundFee, Terms};
use domain::id::World as Realm;
use domain::price::{Price, RefundFee as Plan};
use money::Currency;
use serde_json::{Value, json};
use store::{Control, Safekeeping};

fn known(shop: &Shop) -> Terms {
    Terms {
        id: shop.id.to_string(),
        world: shop.world.as_str().to_owned(),
        zone: shop.zone.to_owned(),
        maturity_days: i64::from(shop.maturity_days),
        debt_limit_minor: shop.debt_limit_minor,
    }
}

/// A price in the auditor's words. The percentage is told as it was agreed, not as the platform keeps it.
fn agreed(price: &Price, percent: &str) -> FeeTerms {
    FeeTerms {
        percent: percent.to_owned(),
        fixed_minor: price.rule.fixed_minor,
        minimum_minor: price.rule.minimum_minor,
        cap_minor: price.rule.cap_minor,
        refund_fee: match price.refund_fee {
            Plan::Returned => RefundFee::Returned,
            Plan::Kept => RefundFee::Kept,
            Plan::Charged(minor) => RefundFee::Charged(minor),
        },
    }
}

impl World {
    /// Merchants get their prices and register their receivers.
    pub(super) async fn open_shops(&mut self, life: &Life) -> anyhow::Result<()> {
        for at in 0..self.house.shops.len() {
            let Some(shop) = self.house.shops.get(at).cloned() else { continue };
            self.auditor.merchant(known(&shop));
            for currency in &shop.currencies {
                self.new_price(life, at, *currency).await?;
            }
            let mut asks = Vec::new();
            for url in &shop.urls {
                let body = json!({"url": url, "events": ["*"]});
                asks.push(self.ask(at, "POST", "/v1/webhook_endpoints".into(), body));
            }
            life.app.reload_config().await.map_err(|refusal| anyhow::anyhow!("{refusal:?}"))?;
            self.send_all(life, asks).await;
        }
        Ok(())
    }

    async fn new_price(&mut self, life: &Life, shop: usize, currency: Currency) -> anyhow::Result<()> {
        let version = self.price_versions.entry((shop, currency.code())).or_insert(0);
        *version += 1;
        let version = *version;
        let mut dice = self.dice.clone();
        self.dice.draw();
        let Some((price, percent)) = self.house.price(shop, currency, version, &mut dice) else {
            return Ok(());
        };
        now(life.store.create_price(&price))?;
        self.fixed_fees.insert((shop, currency.code()), price.rule.fixed_minor.max(price.rule.minimum_minor));
        self.auditor.price(price.id.to_string(), agreed(&price, percent));
        self.say(|| {
            format!("price {} of shop {shop}: {percent} % {:?} {:?}", price.id, price.rule, price.refund_fee)
        });
        Ok(())
    }

    pub(super) async fn operator_acts(&mut self, life: &Life) {
        match self.dice.weighted(&[3, 3, 2, 6, 2, 3, 6]) {
            0 => self.prices_change(life).await,
            1 => self.sandbox_clock(life).await,
            2 => self.hold_or_resume(life).await,
            3 => self.clock_jumps(),
            4 => self.strange_notice(life).await,
            6 => self.rotate_master_key(life).await,
            _ => self.endpoint_changes(life).await,
        }
    }

    async fn prices_change(&mut self, life: &Life) {
        let shop =
            usize::try_from(self.dice.below(u64::try_from(self.house.shops.len()).unwrap_or(1))).unwrap_or(0);
        let Some(currency) = self.house.shops.get(shop).and_then(|shop| shop.currencies.first().copied())
        else {
            return;
        };
        if let Err(error) = self.new_price(life, shop, currency).await {
            self.accuse("prices", format!("a price was refused: {error}"));
        }
        self.house.faults.count("price changes");
    }

    async fn sandbox_clock(&mut self, life: &Life) {
        let sandbox = (0..self.house.shops.len())
            .filter(|at| self.house.shops.get(*at).is_some_and(|shop| shop.world == Realm::Sandbox))
            .collect::<Vec<_>>();
        let Some(at) = self.dice.pick(&sandbox).copied() else { return };
        let seconds = self.dice.range(1, 200_000);
        let ask = self.ask(at, "POST", "/v1/sandbox/clock".into(), json!({"advance_seconds": seconds}));
        self.send_all(life, vec![ask]).await;
        self.house.faults.count("sandbox clock moves");
    }

    /// Held for a while, as after a restore; then resumed, which asks about everything that is open.
    pub(super) async fn hold_or_resume(&mut self, life: &Life) {
        if self.held {
            let resumed = life.app.resume(false).await;
            self.say(|| format!("resume: {resumed:?}"));
            if resumed.is_ok_and(|resumed| resumed.lifted) {
                self.held = false;
                self.note_trouble();
            }
        } else {
            self.held = true;
            let held = now(life.store.hold(self.now_us(), None));
            self.house.faults.count("holds");
            self.say(|| format!("hold: {}", held.is_ok()));
        }
    }

    /// A secret is rotated, or a delivery is asked for again.
    async fn endpoint_changes(&mut self, life: &Life) {
        let at =
            usize::try_from(self.dice.below(u64::try_from(self.house.shops.len()).unwrap_or(1))).unwrap_or(0);
        let ask = self.ask(at, "GET", "/v1/webhook_deliveries?limit=20".into(), Value::Null);
        let Some((_, Some(reply))) = self.send_all(life, vec![ask]).await.pop() else { return };
        let shown = reply.json();
        let rows = shown.get("data").and_then(Value::as_array).cloned().unwrap_or_default();
        let Some(row) = self.dice.pick(&rows).cloned() else { return };
        let target = match self.dice.chance(600) {
            true => format!("/v1/webhook_deliveries/{}/replay", text(&row, "id")),
            false => format!("/v1/webhook_endpoints/{}/rotate_secret", text(&row, "endpoint")),
        };
        let ask = self.ask(at, "POST", target, Value::Null);
        self.send_all(life, vec![ask]).await;
    }
}
