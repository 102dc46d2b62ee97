//! What people at the desk say: mostly what they should, now and then what must be refused.

use super::super::requests::{minor, text};
use super::super::{Order, World};
use super::{Correction, Said, Wish};
use crate::house::{Life, Shop};
use app::NewAdjustment;
use domain::adjustment::{Corrected, Person, Reason, Status};
use domain::id::World as Realm;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// Of 1,000 steps of the workload, so many are followed by somebody at the desk.
const OFTEN: u64 = 170;
/// Logins of three people, each in two spellings.
const PEOPLE: [[&str; 2]; 3] = [["chen", "Chen"], ["li.wei", "LI.WEI"], ["ops-3@bank", "Ops-3@bank"]];
const REASONS: [&str; 3] = ["booked for the wrong shop", "错收", "asked for by both"];
/// More than any merchant has.
const FAR_TOO_MUCH: i64 = 900_000_000_000;
/// Of 1,000 proposals for a merchant that has nothing available, so many wait until something matures.
const WAITS: u64 = 800;
/// Of 1,000 proposals, before so many it is looked whether anybody owes something.
const LOOKS_FOR_DEBT: u64 = 500;
/// Of 1,000 approvals, in so many the process dies soon.
const DOOMED: u64 = 400;
/// A little more than the platform's pause between two looks at what is due.
const LOOK_AT_WHAT_IS_DUE: Duration = Duration::from_secs(4);
/// Steps of an approval, as [`crate::faults::Faults::die_in`] counts them.
const STEPS_OF_ONE: i64 = 34;

/// What a merchant has, minor units.
#[derive(Default)]
struct Has {
    available: i64,
    owed: i64,
}

impl World {
    /// Perhaps somebody comes to the desk.
    pub(in crate::workload) async fn desk_acts(&mut self, life: &Life) {
        if !self.desk.dice.chance(OFTEN) {
            return;
        }
        let open = self.desk.corrections.iter().filter(|known| !is_over(known)).count();
        match self.desk.dice.weighted(&[4, if open > 0 { 8 } else { 1 }, 2]) {
            0 => self.propose(life).await,
            1 => self.decide(life).await,
            _ => self.say_again(life).await,
        }
    }

    async fn propose(&mut self, life: &Life) {
        let owes = self.who_owes(life).await;
        let fits = |order: &&Order| captured(order) > 0 && owes.is_none_or(|shop| order.shop == shop);
        let orders: Vec<&Order> = self.orders.iter().filter(fits).collect();
        let Some(order) = self.desk.dice.pick(&orders).map(|order| (*order).clone()) else { return };
        let Some((mut from, mut to)) = self.two_of(&order) else { return };
        let of = order.shown.get("amount").map_or("CNY", |amount| text(amount, "currency")).to_owned();
        let mut has = self.look_at(life, from, &of).await;
        if has.owed > 0 {
            // It is rather given to.
            (from, to) = (to, from);
            has = self.look_at(life, from, &of).await;
        }
        if has.available == 0 && self.desk.dice.chance(WAITS) {
            self.days_pass(life, from).await;
            has = self.look_at(life, from, &of).await;
        }
        let available = has.available;
        let dice = &mut self.desk.dice;
        let amount_minor = match dice.weighted(&[if available > 0 { 20 } else { 0 }, 2, 2, 1, 1]) {
            0 => dice.range(1, available),
            1 => captured(&order),
            2 => available + dice.range(1, 100),
            3 => FAR_TOO_MUCH,
            _ => 0,
        };
        let (giver, receiver) = (self.shop(from), self.shop(to));
        let (Some(giver), Some(receiver), Some(corrects)) = (giver, receiver, Corrected::parse(&order.id))
        else {
            return;
        };
        let by = self.somebody();
        let reason = self.desk.dice.pick(&REASONS).and_then(|words| Reason::parse(words));
        let (Some(person), Some(reason)) = (Person::parse(by), reason) else { return };
        let id = self.house.id(giver.world);
        let new =
            NewAdjustment { id, from: giver.id, to: receiver.id, corrects, amount_minor, reason, by: person };
        let said = Said { id, by, wish: Wish::Propose(Box::new(new)) };
        self.desk.corrections.push(Correction { proposal: said.clone(), status: None, is_hopeless: false });
        self.instruct(life, vec![said]).await;
    }

    /// Now and then people look for a merchant that owes something.
    async fn who_owes(&mut self, life: &Life) -> Option<usize> {
        if !self.desk.dice.chance(LOOKS_FOR_DEBT) {
            return None;
        }
        let may_owe: Vec<usize> = (0..self.house.shops.len())
            .filter(|at| self.shop(*at).is_some_and(|shop| shop.debt_limit_minor > 0))
            .collect();
        for at in may_owe {
            for of in self.shop(at)?.currencies.clone() {
                if self.look_at(life, at, of.code()).await.owed > 0 {
                    return Some(at);
                }
            }
        }
        None
    }

    fn shop(&self, at: usize) -> Option<Arc<Shop>> {
        self.house.shops.get(at).map(Arc::clone)
    }

    /// Who gives and who receives: the payment's merchant and another one of its world; seldom two that must be refused.
    fn two_of(&mut self, order: &Order) -> Option<(usize, usize)> {
        let world = self.shop(order.shop)?.world;
        let wrong = self.desk.dice.chance(60);
        let is_right = |at: usize| at != order.shop && self.shop(at).is_some_and(|shop| shop.world == world);
        let others: Vec<usize> = (0..self.house.shops.len()).filter(|at| wrong || is_right(*at)).collect();
        let other = *self.desk.dice.pick(&others)?;
        Some(if self.desk.dice.chance(700) { (order.shop, other) } else { (other, order.shop) })
    }

    /// Long enough for what a merchant has taken to mature.
    async fn days_pass(&mut self, life: &Life, shop: usize) {
        let Some(of) = self.shop(shop) else { return };
        let seconds = (i64::from(of.maturity_days) + 1) * 86_400;
        match of.world {
            Realm::Sandbox => {
                let body = json!({"advance_seconds": seconds});
                let ask = self.ask(shop, "POST", "/v1/sandbox/clock".into(), body);
                self.send_all(life, vec![ask]).await;
            }
            Realm::Live => self.house.clock.jump(seconds * 1_000_000),
        }
        self.house.faults.count("days pass at the desk");
        self.say(|| format!("{seconds} s pass for shop {shop}"));
        tokio::time::sleep(LOOK_AT_WHAT_IS_DUE).await;
    }

    /// What a merchant has in a currency, as it is shown.
    async fn look_at(&mut self, life: &Life, shop: usize, of: &str) -> Has {
        let ask = self.ask(shop, "GET", "/v1/balances".into(), Value::Null);
        let Some((_, Some(reply))) = self.send_all(life, vec![ask]).await.pop() else {
            return Has::default();
        };
        let shown = reply.json();
        let rows = shown.get("data").and_then(Value::as_array);
        let row = rows.into_iter().flatten().find(|row| text(row, "currency") == of);
        row.map_or(Has::default(), |row| Has { available: minor(row, "available"), owed: minor(row, "owed") })
    }

    fn somebody(&mut self) -> &'static str {
        let spellings = self.desk.dice.pick(&PEOPLE).copied().unwrap_or(["chen", "Chen"]);
        self.desk.dice.pick(&spellings).copied().unwrap_or("chen")
    }

    async fn decide(&mut self, life: &Life) {
        let any = self.desk.dice.chance(250);
        let fitting: Vec<&Correction> =
            self.desk.corrections.iter().filter(|known| any || !is_over(known)).collect();
        let Some(known) = self.desk.dice.pick(&fitting).map(|known| (*known).clone()) else { return };
        let again = if known.status.is_none() { 700 } else { 80 };
        if self.desk.dice.chance(again) {
            let said = self.once_more(&known);
            return self.instruct(life, vec![said]).await;
        }
        let mut all = Vec::new();
        for _ in 0..[1, 1, 1, 2, 3].get(self.desk.dice.weighted(&[1; 5])).copied().unwrap_or(1) {
            all.push(self.decision(&known));
        }
        if self.desk.dice.chance(500)
            && let Wish::Propose(new) = &known.proposal.wish
        {
            let giver = self.house.shops.iter().position(|shop| shop.id == new.from).unwrap_or(0);
            self.look_at(life, giver, "").await;
        }
        let approves = all.iter().any(|said| matches!(said.wish, Wish::Approve));
        if approves && !self.house.faults.is_doomed() && self.desk.dice.chance(DOOMED) {
            let steps = u64::try_from(self.desk.dice.range(1, STEPS_OF_ONE)).unwrap_or(1);
            self.house.faults.die_in(steps);
        }
        self.instruct(life, all).await;
    }

    /// The same proposal, or another one under its id.
    fn once_more(&mut self, known: &Correction) -> Said {
        let mut said = known.proposal.clone();
        if let Wish::Propose(new) = &mut said.wish
            && self.desk.dice.chance(400)
        {
            new.amount_minor = new.amount_minor.saturating_add(1);
        }
        said
    }

    fn decision(&mut self, known: &Correction) -> Said {
        let proposer = known.proposal.by.to_ascii_lowercase();
        let wish = if self.desk.dice.chance(880) { Wish::Approve } else { Wish::Reject };
        let own = self.desk.dice.chance(180);
        let by = PEOPLE.iter().filter(|[login, _]| (*login == proposer) == own).copied().collect::<Vec<_>>();
        let spellings = self.desk.dice.pick(&by).copied().unwrap_or(["chen", "Chen"]);
        let by = self.desk.dice.pick(&spellings).copied().unwrap_or("chen");
        Said { id: known.proposal.id, by, wish }
    }
}

fn captured(order: &Order) -> i64 {
    minor(&order.shown, "amount_captured")
}

fn is_over(known: &Correction) -> bool {
    known.is_hopeless || matches!(known.status, Some(Status::Succeeded | Status::Rejected))
}
