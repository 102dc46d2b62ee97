//! The operator's desk, where adjustments between merchants are proposed by one person and decided by another. What was said there is
//! remembered outside the platform, so that it is said again when no answer came.

mod draw;

use super::World;
use crate::house::Life;
use crate::random::Dice;
use crate::store::now;
use app::{App, NewAdjustment, Refusal};
use auditor::{Foreseen, Instruction, Proposal};
use domain::adjustment::{Adjustment, Person, Status, Verdict};
use domain::id::{AdjustmentId, World as Realm};
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use store::Adjustments as _;

/// Rows in one read.
const PAGE: u32 = 100;

/// What a person says.
#[derive(Debug, Clone)]
enum Wish {
    Propose(Box<NewAdjustment>),
    Approve,
    Reject,
}

/// What a person says of one adjustment.
#[derive(Debug, Clone)]
pub(super) struct Said {
    id: AdjustmentId,
    by: &'static str,
    wish: Wish,
}

impl Said {
    /// As the auditor hears it.
    fn told(&self) -> Instruction {
        let wish = match &self.wish {
            Wish::Approve => auditor::Wish::Approve,
            Wish::Reject => auditor::Wish::Reject,
            Wish::Propose(new) => auditor::Wish::Propose(Proposal {
                from: new.from.to_string(),
                to: new.to.to_string(),
                corrects: new.corrects.to_string(),
                amount_minor: new.amount_minor,
                reason: new.reason.as_str().to_owned(),
            }),
        };
        Instruction { id: self.id.to_string(), by: self.by.to_owned(), wish }
    }

    async fn to(self, app: App) -> Result<Adjustment, Refusal> {
        let verdict = match self.wish {
            Wish::Propose(new) => return app.propose_adjustment(*new).await,
            Wish::Approve => Verdict::Approve,
            Wish::Reject => Verdict::Reject,
        };
        let by = Person::parse(self.by).ok_or(Refusal::NotFound("person"))?;
        // The bound by what is corrected is not part of this workload: amounts go by what givers have.
        app.decide_adjustment(self.id, verdict, by, true).await
    }
}

/// An adjustment as the desk knows it.
#[derive(Debug, Clone)]
pub(super) struct Correction {
    proposal: Said,
    /// As it was answered last; `None`: never.
    status: Option<Status>,
    /// People have seen that the giver has not as much.
    is_hopeless: bool,
}

/// What the desk remembered when a backup was made, and what was said since.
#[derive(Default)]
pub(super) struct Copy {
    corrections: Vec<Correction>,
    said: Vec<Said>,
}

/// See the module.
pub(super) struct Desk {
    dice: Dice,
    corrections: Vec<Correction>,
    /// What waits for its answer.
    under_way: BTreeMap<u64, (Said, Foreseen)>,
    /// What got none.
    unsettled: Vec<Said>,
    /// Seen in transit when a process began: its giver's half was booked by one that is dead.
    stranded: BTreeSet<AdjustmentId>,
}

impl Desk {
    pub(super) fn new(seed: u64) -> Desk {
        Desk {
            dice: Dice::of(seed, "desk"),
            corrections: Vec::new(),
            under_way: BTreeMap::new(),
            unsettled: Vec::new(),
            stranded: BTreeSet::new(),
        }
    }

    pub(super) fn copied(&self) -> Copy {
        Copy { corrections: self.corrections.clone(), said: self.unsettled.clone() }
    }

    /// The books are those of a backup: what was said since is said again.
    pub(super) fn restored(&mut self, copy: Copy) {
        (self.corrections, self.unsettled) = (copy.corrections, copy.said);
        self.stranded.clear();
    }
}

impl Copy {
    fn remember(&mut self, said: &Said) {
        self.said.push(said.clone());
    }
}

impl World {
    /// Says all at once and takes the answers as they come.
    async fn instruct(&mut self, life: &Life, all: Vec<Said>) {
        let mut under_way = FuturesUnordered::new();
        for said in all {
            let number = self.next_number;
            self.next_number += 1;
            let told = said.told();
            self.say(|| format!("desk {number}: {told:?}"));
            self.house.faults.count("instructions about adjustments");
            let foreseen = self.auditor.foresee_instruction(&told);
            self.desk.under_way.insert(number, (said.clone(), foreseen));
            let app = life.app.clone();
            under_way.push(async move { (number, said.to(app).await) });
        }
        while let Some((number, heard)) = under_way.next().await {
            let Some((said, foreseen)) = self.desk.under_way.remove(&number) else { continue };
            let (status, answer) = answered(&heard);
            self.say(|| format!("desk {number}: {status} {answer}"));
            self.heard(said, &foreseen, Some(status), &answer, heard.ok());
        }
    }

    /// The platform died: what was said has no answer.
    pub(super) fn nothing_was_heard(&mut self) {
        for (_, (said, foreseen)) in std::mem::take(&mut self.desk.under_way) {
            self.heard(said, &foreseen, None, &Value::Null, None);
        }
    }

    fn heard(
        &mut self,
        said: Said,
        foreseen: &Foreseen,
        status: Option<u16>,
        answer: &Value,
        shown: Option<Adjustment>,
    ) {
        let excused = self.is_excused();
        self.auditor.instructed(&said.told(), foreseen, (status, answer), excused);
        let is_refused = status.is_some_and(|status| (400..500).contains(&status));
        let code = answer.get("code").and_then(Value::as_str);
        if is_refused {
            self.house.faults.count(match code {
                Some("same_person") => "adjustment decided by its proposer",
                Some("insufficient_funds") => "adjustment of more than there is",
                Some("adjustment_decided") => "adjustment decided otherwise before",
                _ => "adjustments refused for other reasons",
            });
        } else {
            self.keep_said(&said);
        }
        match shown {
            Some(shown) => self.shown(said, shown.status),
            None if is_refused => self.give_up(&said, code == Some("insufficient_funds")),
            None => self.desk.unsettled.push(said),
        }
    }

    /// A proposal that was refused is forgotten, mostly; so are those for which there is not enough.
    fn give_up(&mut self, said: &Said, is_short: bool) {
        let gives_up = self.desk.dice.chance(850);
        let proposes = matches!(said.wish, Wish::Propose(_));
        self.desk.corrections.retain_mut(|known| {
            let is_it = known.proposal.id == said.id && gives_up;
            known.is_hopeless |= is_it && is_short;
            !is_it || !proposes || known.status.is_some()
        });
    }

    fn shown(&mut self, said: Said, status: Status) {
        let known = self.desk.corrections.iter_mut().find(|known| known.proposal.id == said.id);
        if let Some(known) = known {
            let before = known.status.replace(status);
            match status {
                Status::Succeeded if before != Some(status) => self.house.faults.count("adjustments moved"),
                Status::Rejected if before != Some(status) => self.house.faults.count("adjustments rejected"),
                Status::Succeeded if matches!(said.wish, Wish::Approve) => {
                    self.house.faults.count("adjustments approved again");
                }
                _ => {}
            }
        }
    }

    fn keep_said(&mut self, said: &Said) {
        if let super::disaster::Disaster::Waiting(_, backup) = &mut self.disaster {
            backup.desk.remember(said);
        }
    }

    /// What got no answer is said again.
    pub(super) async fn say_again(&mut self, life: &Life) {
        for said in std::mem::take(&mut self.desk.unsettled) {
            self.instruct(life, vec![said]).await;
        }
    }

    /// A process begins: which adjustments has one before it left in transit?
    pub(super) fn note_stranded(&mut self, life: &Life) -> anyhow::Result<()> {
        for row in rows(life)?.into_iter().filter(|row| row.status == Status::InTransit) {
            self.say(|| format!("{} is in transit at the start", row.id));
            if self.desk.stranded.insert(row.id) {
                self.house.faults.count("crash while an adjustment is in transit");
            }
        }
        Ok(())
    }

    /// All adjustments, as the operator is shown them at the end.
    pub(crate) fn adjustments(&mut self, life: &Life) -> anyhow::Result<Vec<Value>> {
        let rows = rows(life)?;
        for row in &rows {
            if row.status == Status::Succeeded && self.desk.stranded.contains(&row.id) {
                self.house.faults.count("adjustment finished by another's lease");
            }
            if let Some(due_at_us) = row.due_at_us.filter(|_| row.status != Status::InTransit) {
                let what = format!("{} is {} and its second half is due at {due_at_us}", row.id, row.status);
                self.accuse("everything ends", what);
            }
        }
        Ok(rows.iter().map(as_json).collect())
    }
}

fn rows(life: &Life) -> anyhow::Result<Vec<Adjustment>> {
    let mut all: Vec<Adjustment> = Vec::new();
    for world in [Realm::Live, Realm::Sandbox] {
        let mut after = None;
        loop {
            let page = now(life.store.adjustments_after(world.first_shard(), after, PAGE))?;
            let Some(last) = page.last() else { break };
            after = Some(last.id);
            all.extend(page);
        }
    }
    Ok(all)
}

/// As `feiqian adjustment show --json` shows it.
fn as_json(row: &Adjustment) -> Value {
    json!({
        "object": "adjustment",
        "id": row.id.to_string(),
        "status": row.status.to_string(),
        "from": row.merchant.to_string(),
        "to": row.receiver.to_string(),
        "amount": {"value": row.amount.minor(), "currency": row.amount.currency().code()},
        "corrects": row.corrects.to_string(),
        "reason": row.reason.as_str(),
        "proposed_by": row.proposed_by.as_str(),
        "decided_by": row.decided_by.as_ref().map(Person::as_str),
    })
}

/// Status and body, in the words of HTTP.
fn answered(heard: &Result<Adjustment, Refusal>) -> (u16, Value) {
    let refusal = match heard {
        Ok(shown) => return (200, as_json(shown)),
        Err(refusal) => refusal,
    };
    let (status, code) = match refusal {
        Refusal::Rejected { rejection: domain::rejection::Rejection::Defect { .. }, .. } => (500, "defect"),
        Refusal::Rejected { rejection, .. } => {
            return (409, serde_json::to_value(rejection).unwrap_or(Value::Null));
        }
        Refusal::NotFound(_) => (404, "not_found"),
        Refusal::FieldInvalid { .. } => (400, "field_invalid"),
        Refusal::Overloaded | Refusal::StoreUnavailable | Refusal::Held => (503, "try_again"),
        _ => (500, "internal"),
    };
    (status, json!({"code": code, "detail": format!("{refusal:?}")}))
}
