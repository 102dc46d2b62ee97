//! One adjustment, as far as was answered, and what is certain of its merchants' funds.

use super::{About, Proposal};
use crate::foreseen::{Foreseen, Stands};
use crate::funds::Funds;
use crate::json::{minor, text};
use serde_json::Value;

/// One thing that can be decided.
#[derive(Default)]
pub(super) struct Side {
    /// Decisions of which it is not known what came.
    pub(super) open: u32,
    /// It is decided so.
    pub(super) done: bool,
}

impl Side {
    pub(super) fn may_be(&self) -> bool {
        self.open > 0 || self.done
    }
}

/// An adjustment, as far as was answered.
#[derive(Default)]
pub(super) struct Known {
    pub(super) stands: Stands,
    /// Proposals of which it is not known what came.
    pub(super) open: u32,
    /// All that were ever made under its id.
    pub(super) made: Vec<Proposal>,
    pub(super) currency: String,
    pub(super) approval: Side,
    pub(super) rejection: Side,
}

impl Known {
    /// A member of the proposal that was accepted.
    pub(super) fn accepted(&self, name: &str) -> Option<&Value> {
        self.stands.accepted.as_ref().and_then(|(_, body)| body.get(name))
    }

    pub(super) fn is_by(&self, login: &str) -> Option<bool> {
        Some(self.accepted("proposed_by")?.as_str() == Some(login))
    }

    pub(super) fn amount_minor(&self) -> i64 {
        self.accepted("amount_minor").and_then(Value::as_i64).unwrap_or(0)
    }

    pub(super) fn who(&self, name: &str) -> &str {
        self.accepted(name).and_then(Value::as_str).unwrap_or("")
    }

    /// The side that is taken, and the other one.
    pub(super) fn sides(&mut self, approves: bool) -> (&mut Side, &mut Side) {
        match approves {
            true => (&mut self.approval, &mut self.rejection),
            false => (&mut self.rejection, &mut self.approval),
        }
    }

    /// Whether the giver has enough for an approval, as far as that is certain.
    pub(super) fn look_at_funds(&self, about: &About<'_>, foreseen: &mut Foreseen) {
        let (from, of, minor) = (self.who("from"), self.currency.as_str(), self.amount_minor());
        if about.funds.has(from, of, minor, about.prices.values()) {
            foreseen.untrue.push("insufficient_funds");
        }
        if !self.approval.may_be() && about.funds.never_has(from, of, minor) {
            foreseen.refused = Some("more than the giver ever had");
        }
    }

    /// What an approval may change: by the proposal that was accepted, or by any where that is not known.
    pub(super) fn may_move(&self, funds: &mut Funds) {
        let is_it =
            |made: &&Proposal| self.stands.accepted.is_none() || made.amount_minor == self.amount_minor();
        for made in self.made.iter().filter(is_it) {
            funds.takes_from(&made.from);
            funds.may_receive(&made.to, made.amount_minor);
        }
    }

    /// It is what was accepted under its id.
    pub(super) fn must_be(&self, id: &str, shown: &Value, find: &mut impl FnMut(&'static str, String)) {
        if self.stands.accepted.is_none() {
            return;
        }
        let is_so = ["from", "to", "corrects", "reason", "proposed_by"]
            .iter()
            .all(|name| self.who(name) == text(shown, name));
        if !is_so || self.amount_minor() != minor(shown, "amount") || id != text(shown, "id") {
            find("what was asked", format!("{id} is {shown} and was {:?}", self.stands.accepted));
        }
    }
}
