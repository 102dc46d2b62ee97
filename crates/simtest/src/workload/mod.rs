//! What merchants, payers, the bank and the operator do in a history, step by step. Everything that must survive a death of the
//! platform lives in [`World`], outside the future that dies.

mod cases;
mod desk;
mod disaster;
mod drain;
mod keys;
mod master_key;
mod operator;
mod requests;
mod weather;

use crate::channel::Act;
use crate::client::{Ask, By, Reply, Signing, Stamp, send};
use crate::faults::Rates;
use crate::history::History;
use crate::house::{Credential, House, Image, Life, Shop};
use crate::random::Dice;
use app::clock::RealTime;
use auditor::{Auditor, Exchange, Finding, Foreseen, Request};
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

/// A payment as its merchant knows it.
#[derive(Debug, Clone)]
pub(crate) struct Order {
    pub(crate) shop: usize,
    pub(crate) id: String,
    pub(crate) shown: Value,
}

/// A request under way.
struct Flight {
    ask: Ask,
    request: Request,
    foreseen: Foreseen,
    /// The merchant's key at that time.
    signed_with: Option<Credential>,
}

/// Where a history is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Steps left to be done.
    Working(u64),
    /// Nothing fails any more; rounds left until all must be done.
    Draining(u64),
    Done,
}

/// See the module.
pub(crate) struct World {
    pub(crate) house: House,
    pub(crate) auditor: Auditor,
    pub(crate) history: History,
    pub(crate) dice: Dice,
    power_dice: Dice,
    rotation: master_key::Rotation,
    desk: desk::Desk,
    disaster: disaster::Disaster,
    /// What the bank had taken when the books were restored.
    pub(crate) taken_before: BTreeSet<String>,
    /// The machine is lost at the next death.
    is_lost: bool,
    pub(crate) phase: Phase,
    pub(crate) orders: Vec<Order>,
    /// Requests under way.
    flying: BTreeMap<u64, Flight>,
    /// Requests whose outcome is not known: sent again as they were.
    pub(crate) unsettled: Vec<Ask>,
    /// Requests that were answered, to be repeated or misused.
    pub(crate) answered: Vec<Ask>,
    pub(crate) next_number: u64,
    pub(crate) held: bool,
    pub(crate) price_versions: BTreeMap<(usize, &'static str), i64>,
    /// What is added to a fee whatever the sum, by shop and currency.
    pub(crate) fixed_fees: BTreeMap<(usize, &'static str), i64>,
    /// Keys that were revoked.
    former: Vec<(usize, Credential)>,
    /// Requests that did something, with the key and the nonce that they were sent with.
    used: Vec<(Ask, Credential, Stamp)>,
    /// Merchants of which it is not known which partner serves them.
    between_partners: BTreeSet<usize>,
    /// How many events each merchant's endpoints may have missed before they existed.
    pub(crate) endpoints_made: bool,
    /// Whether the next refused answer of 503 has an excuse.
    trouble_until_us: i64,
    pub(crate) accusations: Vec<Finding>,
    /// The next process dies so many steps after its start.
    pub(crate) doomed_start: Option<u64>,
}

impl World {
    pub(crate) fn new(house: House, auditor: Auditor, seed: u64, steps: u64, kept: bool) -> World {
        if kept {
            house.faults.keep_notes();
        }
        World {
            house,
            auditor,
            history: History::new(kept),
            dice: Dice::of(seed, "workload"),
            power_dice: Dice::of(seed, "power"),
            rotation: master_key::Rotation::default(),
            desk: desk::Desk::new(seed),
            disaster: disaster::Disaster::planned(seed, steps),
            taken_before: BTreeSet::new(),
            is_lost: false,
            phase: Phase::Working(steps),
            orders: Vec::new(),
            flying: BTreeMap::new(),
            unsettled: Vec::new(),
            answered: Vec::new(),
            next_number: 0,
            held: false,
            price_versions: BTreeMap::new(),
            fixed_fees: BTreeMap::new(),
            former: Vec::new(),
            used: Vec::new(),
            between_partners: BTreeSet::new(),
            endpoints_made: false,
            trouble_until_us: 0,
            accusations: Vec::new(),
            doomed_start: None,
        }
    }

    pub(crate) fn now_us(&self) -> i64 {
        self.house.clock.now_us()
    }

    /// Says what happens, with the time that passed.
    pub(crate) fn say(&mut self, line: impl FnOnce() -> String) {
        let passed_us = self.house.clock.passed_us();
        for note in self.house.faults.notes() {
            self.history.say(|| format!("               {note}"));
        }
        self.history.say(|| format!("{:>6}.{:06} {}", passed_us / 1_000_000, passed_us % 1_000_000, line()));
    }

    /// The process died: what was under way has no answer.
    ///
    /// # Errors
    /// When the database's files can't be put back.
    pub(crate) fn died(&mut self, image: Image) -> anyhow::Result<()> {
        let step = self.house.faults.died_in();
        let dice = self.power_dice.chance(600).then_some(&mut self.power_dice);
        let cut = self.house.power.put_back(image, dice)?;
        if let Some(cut) = cut {
            self.house.faults.count(cut);
        }
        self.say(|| format!("the platform dies at {step}; {}", cut.unwrap_or("killed")));
        self.note_trouble();
        self.doomed_start = self.dice.chance(150).then(|| self.dice.below(25) + 1);
        for (_, flight) in std::mem::take(&mut self.flying) {
            self.settle(flight, None);
        }
        self.nothing_was_heard();
        if std::mem::take(&mut self.is_lost) {
            self.restore()?;
        }
        Ok(())
    }

    /// Lives until everything is done. The future may be dropped at any await: the platform died.
    pub(crate) async fn live(&mut self, life: &Life) -> anyhow::Result<()> {
        if !self.endpoints_made {
            self.open_shops(life).await?;
            self.endpoints_made = true;
            self.weather_changes();
        }
        self.note_stranded(life)?;
        loop {
            match self.phase {
                Phase::Working(0) => self.begin_drain(),
                Phase::Working(left) => {
                    self.phase = Phase::Working(left - 1);
                    if self.disaster_due(left)? {
                        self.is_lost = true;
                        self.house.faults.die_in(1);
                    }
                    self.step(life).await;
                    self.desk_acts(life).await;
                }
                Phase::Draining(0) => {
                    self.phase = Phase::Done;
                    return Ok(());
                }
                Phase::Draining(left) => {
                    self.phase = Phase::Draining(left - 1);
                    self.drain(life).await?;
                }
                Phase::Done => return Ok(()),
            }
        }
    }

    async fn step(&mut self, life: &Life) {
        match self.dice.weighted(&[30, 22, 8, 7, 6, 4, 3, 2, 3, 1, 13, 3]) {
            0 => self.one_request(life).await,
            1 => self.burst(life).await,
            2 => self.payer_acts(),
            3 => self.read_something(life).await,
            4 => self.time_passes().await,
            5 => self.repeat_unsettled(life).await,
            6 => self.weather_changes(),
            7 => self.bank_errs(),
            8 => self.operator_acts(life).await,
            9 => self.doom(),
            10 => self.a_case(life).await,
            _ => self.keys_change(life).await,
        }
    }

    async fn one_request(&mut self, life: &Life) {
        if let Some(ask) = self.draw_request() {
            self.send_all(life, vec![ask]).await;
        }
    }

    /// Several at once; often about one payment.
    async fn burst(&mut self, life: &Life) {
        let count = self.dice.range(2, 6);
        let mut asks = Vec::new();
        let together = self.dice.chance(500);
        let target = self.dice.pick(&self.orders).cloned();
        for _ in 0..count {
            asks.extend(match (&target, together) {
                (Some(order), true) => self.draw_about(order),
                _ => self.draw_request(),
            });
        }
        if let Some(first) = asks.first().cloned().filter(|_| self.dice.chance(200)) {
            asks.push(Ask { tries: first.tries + 100, ..first });
        }
        self.send_all(life, asks).await;
    }

    async fn repeat_unsettled(&mut self, life: &Life) {
        let mut again = std::mem::take(&mut self.unsettled);
        if !again.is_empty() {
            self.house.faults.count("requests without an answer repeated");
        }
        again.truncate(8);
        self.send_all(life, again).await;
    }

    /// Payers look at what they were shown and act, or think better of it.
    fn payer_acts(&mut self) {
        for _ in 0..self.dice.range(1, 4) {
            let open = self.house.bank.payable();
            let Some(number) = self.dice.pick(&open).cloned() else { return };
            let act = match self.dice.weighted(&[80, 12, 5, 2]) {
                0 => Act::Pay,
                1 => Act::Decline,
                2 => Act::PayOther,
                _ => Act::PayForeign,
            };
            let now_us = self.now_us();
            if self.house.bank.act(&number, act, now_us) {
                self.house.faults.count("payers act");
                if matches!(act, Act::PayOther | Act::PayForeign) {
                    self.house.faults.count("payer pays another sum or currency");
                }
                self.say(|| format!("payer: {act:?} of att_{number}"));
            }
        }
    }

    async fn time_passes(&mut self) {
        let pause_ms = match self.dice.weighted(&[6, 3, 1]) {
            0 => self.dice.range(10, 2_000),
            1 => self.dice.range(2_000, 12_000),
            _ => self.dice.range(12_000, 70_000),
        };
        tokio::time::sleep(Duration::from_millis(u64::try_from(pause_ms).unwrap_or(10))).await;
    }

    /// Sends all at once and takes the answers as they come, in their order.
    pub(crate) async fn send_all(&mut self, life: &Life, asks: Vec<Ask>) -> Vec<(Ask, Option<Reply>)> {
        let mut under_way = FuturesUnordered::new();
        for mut ask in asks {
            let Some(shop) = self.house.shops.get(ask.shop).map(Arc::clone) else { continue };
            ask.tries += 1;
            // Two at once about one thing are two requests.
            let flight = self.next_number;
            self.next_number += 1;
            self.say(|| {
                format!("ask {flight}: {} {} {:?} {:?} {}", ask.method, ask.target, ask.by, ask.key, ask.body)
            });
            self.house.faults.count("requests");
            let signing = self.signing(&shop, &ask.by);
            let request = self.request(&shop, &ask);
            let foreseen = self.auditor.foresee(&request);
            let (router, now_us) = (life.router.clone(), self.now_us());
            let signed = Ask { number: flight, ..ask.clone() };
            ask.captured.get_or_insert_with(|| signed.stamp(now_us));
            let signed_with = Some(shop.credential.clone());
            self.flying.insert(flight, Flight { ask, request, foreseen, signed_with });
            under_way.push(async move { (flight, send(router, signing, signed, now_us).await) });
        }
        let mut replies = Vec::new();
        while let Some((flight, reply)) = under_way.next().await {
            if let Some(under_way) = self.flying.remove(&flight) {
                self.say(|| match &reply {
                    Some(reply) => {
                        format!("answer {flight}: {} {} {}", reply.status, reply.replayed, reply.text)
                    }
                    None => format!("answer {flight}: none"),
                });
                replies.push((under_way.ask.clone(), reply.clone()));
                self.settle(under_way, reply);
            }
        }
        replies
    }

    /// The key of a request, and the merchant beside it.
    fn signing(&self, shop: &Shop, by: &By) -> Signing {
        match by {
            By::Own => Signing { credential: shop.credential.clone(), acting_for: None },
            By::Former(credential, _) => Signing { credential: credential.clone(), acting_for: None },
            By::Partner(at) => {
                let of_world = self.house.agents.get(*at).map(|agent| match shop.world {
                    domain::id::World::Live => agent.live.clone(),
                    domain::id::World::Sandbox => agent.sandbox.clone(),
                });
                let credential = of_world.unwrap_or_else(|| shop.credential.clone());
                Signing { credential, acting_for: Some(shop.id) }
            }
        }
    }

    /// The request as the auditor sees it.
    fn request(&self, shop: &Shop, ask: &Ask) -> Request {
        let (key_is_good, void) = match &ask.by {
            _ if ask.captured.is_some() => (false, Some("it was captured on its way and sent before")),
            By::Own => (true, None),
            By::Former(_, revoked) => (false, revoked.then_some("its key is revoked")),
            By::Partner(_) if self.between_partners.contains(&ask.shop) => (false, None),
            By::Partner(at) if self.house.serves(*at, shop) => (true, None),
            By::Partner(_) => (false, Some("the partner does not serve the merchant")),
        };
        Request {
            merchant: shop.id.to_string(),
            method: ask.method,
            target: ask.target.clone(),
            key: ask.key.clone(),
            body: ask.body.clone(),
            key_is_good,
            void,
        }
    }

    /// Something that the simulator itself saw and that may not be.
    pub(crate) fn accuse(&mut self, check: &'static str, what: String) {
        self.accusations.push(Finding { check, what });
    }

    /// Faults excuse a 503 for a while.
    pub(crate) fn note_trouble(&mut self) {
        self.trouble_until_us = self.house.clock.passed_us() + 60_000_000;
    }

    fn is_excused(&self) -> bool {
        let rates: Rates = self.house.faults.rates();
        let calm = rates.read_fails + rates.write_fails + rates.commit_fails == 0;
        self.held
            || !calm
            || self.house.faults.is_doomed()
            || self.house.clock.passed_us() < self.trouble_until_us
    }

    /// Tells the auditor, learns from the answer, keeps what is not settled.
    fn settle(&mut self, flight: Flight, reply: Option<Reply>) {
        let Flight { mut ask, request, foreseen, signed_with } = flight;
        let answer = reply.as_ref().map_or(Value::Null, Reply::json);
        let status = reply.as_ref().map(|reply| reply.status);
        let nothing_comes_of_it = request.void.is_some();
        self.auditor.exchange(&Exchange {
            request,
            foreseen,
            status,
            answer: answer.clone(),
            open_at_channel: self.open_at_channel(&answer),
            excused: self.is_excused(),
        });
        self.learn(ask.shop, &answer);
        let stamp = ask.captured.take();
        let credential = match &ask.by {
            By::Own => signed_with,
            By::Former(credential, _) => Some(credential.clone()),
            By::Partner(_) => None,
        };
        if nothing_comes_of_it || ask.method != "POST" {
            return;
        }
        if status.is_none_or(|status| !(400..500).contains(&status) || status == 401) {
            self.remember(&ask);
        }
        match status {
            Some(200..500) if status != Some(401) && status != Some(429) => {
                let did = ask.tries == 1 && status == Some(201) && reply.is_some_and(|reply| !reply.replayed);
                if let (true, Some(stamp), Some(credential)) = (did, stamp, credential) {
                    self.used.push((ask.clone(), credential, stamp));
                }
                if self.answered.len() < 400 {
                    self.answered.push(Ask { by: By::Own, ..ask });
                }
            }
            Some(_) | None => self.unsettled.push(Ask { by: By::Own, ..ask }),
        }
    }

    /// Trades of attempts in an answer that a payer can pay now.
    fn open_at_channel(&self, answer: &Value) -> Vec<String> {
        let mut ids = Vec::new();
        let mut open = vec![answer];
        while let Some(value) = open.pop() {
            let is_attempt = value.get("object").and_then(Value::as_str) == Some("attempt");
            let id = value.get("id").and_then(Value::as_str).unwrap_or("");
            if let (true, Some((_, number))) = (is_attempt || id.starts_with("att_"), id.split_once('_')) {
                ids.push(number.to_owned());
            }
            open.extend(value.get("latest_attempt"));
            for list in ["data", "attempts"] {
                open.extend(value.get(list).and_then(Value::as_array).into_iter().flatten());
            }
        }
        self.house.bank.open_of(ids)
    }

    /// Remembers payments as they were shown last.
    fn learn(&mut self, shop: usize, answer: &Value) {
        let shown: Vec<&Value> = match answer.get("data").and_then(Value::as_array) {
            Some(rows) => rows.iter().collect(),
            None => vec![answer],
        };
        for object in shown {
            if object.get("object").and_then(Value::as_str) != Some("payment") {
                continue;
            }
            let id = object.get("id").and_then(Value::as_str).unwrap_or("").to_owned();
            match self.orders.iter_mut().find(|order| order.id == id) {
                Some(order) => order.shown = object.clone(),
                None => self.orders.push(Order { shop, id, shown: object.clone() }),
            }
        }
    }
}
