//! Adjustments: money that one merchant gives to another, because something was booked for the wrong one. One person proposes it and
//! another decides; what is approved is given once and arrives once.

mod known;
mod moved;
#[cfg(test)]
mod tests;

pub(crate) use moved::Moved;

use crate::fee::FeeTerms;
use crate::foreseen::{Content, Foreseen, Prospects, Use, is_decided};
use crate::funds::Funds;
use crate::json::{currency, text};
use crate::{Finding, Terms};
use known::Known;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What a person says of an adjustment at the operator's desk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instruction {
    /// The adjustment's id, made by whoever proposes it.
    pub id: String,
    /// The person's login; two spellings of one are one person.
    pub by: String,
    /// What is said.
    pub wish: Wish,
}

/// See [`Instruction`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    /// It is asked for.
    Propose(Proposal),
    /// It is to be done.
    Approve,
    /// It is not to be done.
    Reject,
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// Who gives.
    pub from: String,
    /// Who receives.
    pub to: String,
    /// The payment that was booked wrongly.
    pub corrects: String,
    /// How much, minor units of that payment's currency.
    pub amount_minor: i64,
    /// Why.
    pub reason: String,
}

impl Instruction {
    fn login(&self) -> String {
        self.by.to_ascii_lowercase()
    }

    /// What the id stands for once this is accepted.
    fn content(&self, proposal: &Proposal) -> Content {
        let Proposal { from, to, corrects, amount_minor, reason } = proposal;
        let body = json!({"from": from, "to": to, "corrects": corrects, "amount_minor": amount_minor,
            "reason": reason, "proposed_by": self.login()});
        (self.id.clone(), body)
    }
}

const OWN: &str = "whoever proposed it can't decide it";
const NO_PROPOSAL: &str = "every proposal of it was refused";

/// What is known beside the adjustments.
pub(crate) struct About<'a> {
    pub(crate) prospects: &'a Prospects,
    pub(crate) funds: &'a mut Funds,
    pub(crate) terms: &'a BTreeMap<String, Terms>,
    pub(crate) prices: &'a BTreeMap<String, FeeTerms>,
}

/// See the module.
#[derive(Default)]
pub(crate) struct Desk {
    known: BTreeMap<String, Known>,
}

impl Desk {
    /// What must come of what is about to be said.
    pub(crate) fn foresee(&mut self, instruction: &Instruction, about: &mut About<'_>) -> Foreseen {
        match &instruction.wish {
            Wish::Propose(proposal) => self.foresee_proposal(instruction, proposal, about),
            Wish::Approve => self.foresee_decision(instruction, true, about),
            Wish::Reject => self.foresee_decision(instruction, false, about),
        }
    }

    fn foresee_proposal(
        &mut self,
        instruction: &Instruction,
        proposal: &Proposal,
        about: &About<'_>,
    ) -> Foreseen {
        let mut foreseen = Foreseen::default();
        let world = |id: &str| about.terms.get(id).map(|terms| terms.world.as_str());
        let is_theirs = |owner: &str| [&proposal.from, &proposal.to].iter().any(|id| *id == owner);
        let owner = about.prospects.owner_of(&proposal.corrects).map(|(owner, _)| owner);
        foreseen.refused = if proposal.from == proposal.to {
            Some("nobody gives to itself")
        } else if world(&proposal.from) != world(&proposal.to) {
            Some("the two are of different worlds")
        } else if proposal.amount_minor <= 0 {
            Some("no amount")
        } else if owner.is_some_and(|owner| !is_theirs(owner)) {
            Some("what it corrects is somebody else's")
        } else {
            None
        };
        if owner.is_some_and(is_theirs) {
            foreseen.untrue.push("not_found");
        }
        let known = self.known.entry(instruction.id.clone()).or_default();
        match known.stands.use_for(&instruction.content(proposal), |one, other| Some(one == other)) {
            Use::Same => foreseen.untrue.push("adjustment_exists_differs"),
            Use::Other => foreseen.refused = Some("its id stands for another adjustment"),
            Use::Unclear => {}
        }
        known.open += 1;
        known.made.push(proposal.clone());
        foreseen
    }

    fn foresee_decision(
        &mut self,
        instruction: &Instruction,
        approves: bool,
        about: &mut About<'_>,
    ) -> Foreseen {
        let mut foreseen = Foreseen::default();
        let Some(known) = self.known.get_mut(&instruction.id) else {
            foreseen.refused = Some("nobody proposed it");
            return foreseen;
        };
        // Whoever proposed it may take it back, and not approve it.
        let is_own = known.is_by(&instruction.login()).map(|is_own| is_own && approves);
        if is_own.is_none() && known.open == 0 {
            foreseen.refused = Some(NO_PROPOSAL);
        }
        let (said, opposite) = known.sides(approves);
        if is_own == Some(true) && !said.may_be() {
            foreseen.refused = Some(OWN);
        } else if is_own.is_some() && opposite.done {
            foreseen.refused = Some("the opposite was decided");
        }
        if is_own.is_some() {
            foreseen.untrue.extend(["not_found", "adjustment_not_found"]);
            if !opposite.may_be() {
                foreseen.untrue.push("adjustment_decided");
            }
            if said.done {
                foreseen.untrue.extend(["same_person", "insufficient_funds"]);
            }
        }
        if is_own == Some(false) {
            foreseen.untrue.push("same_person");
        }
        if approves && is_own.is_some() {
            known.look_at_funds(about, &mut foreseen);
        }
        if approves && foreseen.refused.is_none() {
            known.may_move(about.funds);
        }
        if is_own != Some(true) {
            known.sides(approves).0.open += 1;
        }
        foreseen.changes = about.funds.changes();
        foreseen
    }

    /// What of it holds still when the answer comes: of what was said meanwhile, nobody knows which was heard first.
    pub(crate) fn still(&self, instruction: &Instruction, foreseen: &Foreseen, funds: &Funds) -> Foreseen {
        let mut still = foreseen.clone();
        let Some(known) = self.known.get(&instruction.id) else { return still };
        let (said, opposite) = match instruction.wish {
            Wish::Approve => (&known.approval, &known.rejection),
            Wish::Reject => (&known.rejection, &known.approval),
            Wish::Propose(_) => {
                still.untrue.retain(|code| *code != "adjustment_exists_differs" || !known.stands.differs);
                return still;
            }
        };
        still.refused = still.refused.filter(|why| match *why {
            OWN => !said.may_be(),
            NO_PROPOSAL => known.open == 0,
            _ => true,
        });
        still.untrue.retain(|code| match *code {
            "adjustment_decided" => !opposite.may_be(),
            "insufficient_funds" => said.done || foreseen.changes == funds.changes(),
            _ => true,
        });
        still
    }

    /// Learns from an answer, and says what is wrong with it.
    pub(crate) fn learn(
        &mut self,
        instruction: &Instruction,
        status: Option<u16>,
        answer: &Value,
        find: &mut impl FnMut(&'static str, String),
    ) {
        let done = status.is_some_and(|status| (200..300).contains(&status));
        let refused = is_decided(status, answer);
        let Some(known) = self.known.get_mut(&instruction.id) else { return };
        match &instruction.wish {
            Wish::Propose(proposal) => {
                known.open = known.open.saturating_sub(u32::from(done || refused));
                if done {
                    let content = instruction.content(proposal);
                    known.stands.accepted.get_or_insert(content);
                    known.currency = currency(answer, "amount").to_owned();
                }
            }
            Wish::Approve | Wish::Reject => {
                let approves = instruction.wish == Wish::Approve;
                let is_own = approves && known.is_by(&instruction.login()) == Some(true);
                let (said, _) = known.sides(approves);
                if !is_own {
                    said.open = said.open.saturating_sub(u32::from(done || refused));
                }
                said.done |= done;
                let ends: &[&str] = if approves { &["in_transit", "succeeded"] } else { &["rejected"] };
                if done && !ends.contains(&text(answer, "status")) {
                    find("what was asked", format!("{instruction:?} was answered with {answer}"));
                }
            }
        }
        if done {
            known.must_be(&instruction.id, answer, find);
        }
    }

    /// At the end what was accepted is there, as it was decided, and nothing is under way.
    pub(crate) fn all_there(&self, rows: &[Value], find: &mut impl FnMut(&'static str, String)) {
        let by_id: BTreeMap<&str, &Value> = rows.iter().map(|row| (text(row, "id"), row)).collect();
        for (id, row) in &by_id {
            let Some(known) = self.known.get(*id) else {
                find("refused means not done", format!("nobody proposed {row}"));
                continue;
            };
            let nobody_did = known.stands.accepted.is_none() && known.open == 0;
            let has_no_cause = match text(row, "status") {
                "succeeded" => !known.approval.may_be(),
                "rejected" => !known.rejection.may_be(),
                _ => false,
            };
            if nobody_did || has_no_cause {
                find("refused means not done", format!("what made it so was refused: {row}"));
            }
        }
        for (id, known) in &self.known {
            let Some(row) = by_id.get(id.as_str()) else {
                if known.stands.accepted.is_some() {
                    find("acknowledged means durable", format!("{id} was acknowledged and is gone"));
                }
                continue;
            };
            known.must_be(id, row, find);
            let status = text(row, "status");
            if (known.approval.done && status != "succeeded")
                || (known.rejection.done && status != "rejected")
            {
                find("acknowledged means durable", format!("its decision was acknowledged: {row}"));
            }
        }
    }
}

/// What is wrong with an answer by itself.
pub(crate) fn fault(status: Option<u16>, excused: bool, about: &str, answer: &Value) -> Option<Finding> {
    let check = match status {
        Some(500) => "no defect",
        Some(503) if !excused => "no excuse",
        _ => return None,
    };
    Some(Finding { check, what: format!("{about}: {answer}") })
}
