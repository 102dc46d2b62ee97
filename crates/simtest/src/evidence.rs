//! What the auditor is shown at the end, read as anybody outside reads it.

use crate::channel::State;
use crate::client::{Signing, send};
use crate::house::Life;
use crate::store::now;
use crate::workload::World;
use anyhow::{Context, Result, bail};
use app::clock::RealTime;
use auditor::{
    Delivered, EndpointEvidence, Evidence, MerchantEvidence, StatementEvidence, TradeEvidence, TrialRow,
};
use domain::Id as _;
use domain::id::{AttemptId, World as Realm};
use serde_json::Value;
use store::Reads;

/// Pages of one list; more is a defect.
const PAGES_MAX: usize = 1_000;

fn text<'v>(object: &'v Value, name: &str) -> &'v str {
    object.get(name).and_then(Value::as_str).unwrap_or("")
}

impl World {
    async fn get(&mut self, life: &Life, shop: usize, target: &str) -> Result<String> {
        let ask = self.ask(shop, "GET", target.to_owned(), Value::Null);
        let credential = self.house.shops.get(shop).context("shop")?.credential.clone();
        let signing = Signing { credential, acting_for: None };
        let reply = send(life.router.clone(), signing, ask, self.house.clock.now_us()).await;
        self.house.faults.count("requests");
        let reply = reply.with_context(|| format!("{target} was not answered"))?;
        if reply.status != 200 {
            bail!("{target}: {} {}", reply.status, reply.text);
        }
        Ok(reply.text)
    }

    /// All pages of a list, in its order.
    async fn pages(&mut self, life: &Life, shop: usize, target: &str) -> Result<Vec<Value>> {
        let mut rows = Vec::new();
        let mut cursor = String::new();
        for _ in 0..PAGES_MAX {
            let page: Value =
                serde_json::from_str(&self.get(life, shop, &format!("{target}{cursor}")).await?)?;
            let found = page.get("data").and_then(Value::as_array).context("a list without data")?;
            rows.extend(found.iter().cloned());
            // The order that rises always has a next place; an empty page is its end.
            match page.get("next_cursor").and_then(Value::as_str) {
                Some(next) if !found.is_empty() => cursor = format!("&cursor={next}"),
                _ => return Ok(rows),
            }
        }
        bail!("{target} never ends")
    }

    /// See the module.
    pub(crate) async fn evidence(&mut self, life: &Life) -> Result<Evidence> {
        let mut evidence = Evidence::default();
        for shop in 0..self.house.shops.len() {
            evidence.merchants.push(self.merchant_evidence(life, shop).await?);
        }
        evidence.adjustments = self.adjustments(life)?;
        let live = self.house.accounts().first().copied();
        for trade in self.house.bank.trades() {
            let parts = |amount: money::Amount| (amount.currency().code().to_owned(), amount.minor());
            let refunds = trade.refunds.iter().map(|(number, part)| {
                let (of, minor) = parts(part.amount);
                (number.clone(), of, minor, part.state == crate::channel::PartState::Done)
            });
            evidence.trades.push(TradeEvidence {
                world: if Some(trade.account) == live { "live" } else { "sandbox" }.to_owned(),
                number: trade.request_no.clone(),
                open: match trade.state {
                    State::Open | State::Working => true,
                    State::Held(_) => trade.capturable_minor() > 0,
                    State::Paid | State::Declined | State::Closed => false,
                },
                taken: trade
                    .takings()
                    .into_iter()
                    .map(|(number, amount)| (number, parts(amount).0, parts(amount).1))
                    .collect(),
                refunds: refunds.collect(),
            });
        }
        for world in [Realm::Live, Realm::Sandbox] {
            for (key, debit_minor) in now(life.store.platform_balances(world.first_shard()))? {
                evidence.trial.push(TrialRow {
                    world: world.as_str().to_owned(),
                    code: key.code,
                    currency: key.currency.code().to_owned(),
                    debit_minor,
                });
            }
        }
        evidence.taken_before.clone_from(&self.taken_before);
        evidence.gone = self.house.receivers.gone();
        let unmatched = app::unmatched::unmatched(life.store.as_ref());
        let unmatched = now(unmatched).map_err(|refusal| anyhow::anyhow!("{refusal:?}"))?;
        evidence
            .listed
            .extend(unmatched.effects.iter().map(|lost| AttemptId::from_uid(lost.effect.number).bare()));
        evidence.listed.extend(unmatched.notices.iter().map(|notice| notice.key.1.clone()));
        let received = self.house.receivers.received();
        evidence.delivered = received
            .into_iter()
            .map(|it| Delivered { url: it.url, id: it.id, body: it.body, accepted: it.accepted })
            .collect();
        Ok(evidence)
    }

    async fn merchant_evidence(&mut self, life: &Life, shop: usize) -> Result<MerchantEvidence> {
        let id = self.house.shops.get(shop).context("shop")?.id.to_string();
        let whoami: Value = serde_json::from_str(&self.get(life, shop, "/v1/whoami").await?)?;
        let mut found = MerchantEvidence {
            id,
            now: self.business_now(life, shop, &whoami).await?,
            ..MerchantEvidence::default()
        };
        for payment in self.pages(life, shop, "/v1/payments?limit=100").await? {
            let target = format!("/v1/payments/{}?expand=refunds,attempts,captures", text(&payment, "id"));
            let shown = self.get(life, shop, &target).await?;
            self.say(|| format!("in the end: {shown}"));
            found.payments.push(serde_json::from_str(&shown)?);
        }
        found.events = self.pages(life, shop, "/v1/events?order=oldest_first&limit=100").await?;
        for event in &found.events {
            self.say(|| format!("in the end: {event}"));
        }
        found.lines = self.pages(life, shop, "/v1/balance_transactions?limit=100").await?;
        found.lines.reverse();
        found.balances = self.pages(life, shop, "/v1/balances?").await?;
        for head in self.pages(life, shop, "/v1/statements?limit=100").await? {
            let target = format!("/v1/statements/{}/file?format=jsonl", text(&head, "id"));
            let file = self.get(life, shop, &target).await?;
            let rows: Result<Vec<Value>, _> = file.lines().map(serde_json::from_str).collect();
            found.statements.push(StatementEvidence { head, rows: rows? });
        }
        let gone = self.house.receivers.gone();
        for endpoint in self.pages(life, shop, "/v1/webhook_endpoints?").await? {
            let url = text(&endpoint, "url").to_owned();
            let is_first = self.house.shops.get(shop).is_some_and(|shop| shop.urls.contains(&url));
            found.endpoints.push(EndpointEvidence {
                id: text(&endpoint, "id").to_owned(),
                failures: self.house.receivers.failures(&url),
                disabled: text(&endpoint, "status") == "disabled",
                gone: gone.contains(&url),
                // Those that came later have missed something.
                from_the_start: is_first,
                url,
            });
        }
        Ok(found)
    }

    /// The merchant's business time.
    async fn business_now(&mut self, life: &Life, shop: usize, whoami: &Value) -> Result<String> {
        if text(whoami, "world") != "sandbox" {
            return Ok(text(whoami, "server_time").to_owned());
        }
        let clock: Value = serde_json::from_str(&self.get(life, shop, "/v1/sandbox/clock").await?)?;
        Ok(text(&clock, "now").to_owned())
    }
}
