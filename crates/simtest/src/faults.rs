//! The plan of faults: what fails, how often, and at which step the process dies. Drawn from the seed, counted by kind.

use crate::random::Dice;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// How often, of 1,000 steps, each thing goes wrong.
#[derive(Debug, Clone, Copy, Default)]
pub struct Rates {
    /// A read of the store fails.
    pub read_fails: u64,
    /// A write beside the lanes fails.
    pub write_fails: u64,
    /// A commit is refused: somebody else was faster.
    pub commit_conflicts: u64,
    /// A commit fails and nothing is written: disk full, database away.
    pub commit_fails: u64,
    /// A commit succeeds and its answer is lost.
    pub commit_lost_after: u64,
    /// A commit fails and its answer is lost.
    pub commit_lost_before: u64,
    /// A request never reaches the channel.
    pub call_lost: u64,
    /// The channel's answer never comes back.
    pub answer_lost: u64,
    /// The channel's answer takes its time, up to a minute.
    pub answer_late: u64,
    /// The channel's answer is not what its book says; only where it leads to no money lost.
    pub answer_lies: u64,
    /// A notice is never sent.
    pub notice_lost: u64,
    /// A notice is sent more than once.
    pub notice_twice: u64,
    /// A receiver of webhooks answers badly or not at all.
    pub webhook_fails: u64,
}

impl Rates {
    /// Bad weather of a strength from 0 to 10.
    pub fn of_strength(strength: u64) -> Rates {
        Rates {
            read_fails: strength,
            write_fails: 3 * strength,
            commit_conflicts: 4 * strength,
            commit_fails: 2 * strength,
            commit_lost_after: 4 * strength,
            commit_lost_before: 2 * strength,
            call_lost: 10 * strength,
            answer_lost: 15 * strength,
            answer_late: 12 * strength,
            answer_lies: 5 * strength,
            notice_lost: 20 * strength,
            notice_twice: 25 * strength,
            webhook_fails: 20 * strength,
        }
    }
}

/// What happens at one step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is done.
    Go,
    /// It fails, nothing is done.
    Fail,
    /// Refused as a conflict.
    Conflict,
    /// Done, and the answer is lost.
    LostAfter,
    /// Not done, and the answer is lost.
    LostBefore,
    /// The process dies before it is done.
    DieBefore,
    /// The process dies when it is done and before anybody is answered.
    DieAfter,
    /// The process is dead.
    Dead,
}

struct State {
    dice: Dice,
    rates: Rates,
    /// Steps until the process dies.
    dies_in: Option<u64>,
    dead: bool,
    /// The step at which it died last.
    died_in: &'static str,
    counts: BTreeMap<&'static str, u64>,
    /// The end has begun: nobody errs any more.
    calm: bool,
    /// What happened out of the workload's sight, for the history; `None` when none is kept.
    notes: Option<Vec<String>>,
}

/// The plan of a history; shared by everything that can fail.
pub struct Faults {
    state: Mutex<State>,
    died: Notify,
}

/// How many steps one counts for when a process is to die: most are reads, which a crash leaves nothing of.
fn weight(step: &str) -> u64 {
    match step {
        "commit" | "channel call" | "webhook" | "notice" => 8,
        _ => 1,
    }
}

impl Faults {
    /// No fault yet.
    pub fn new(seed: u64) -> Faults {
        let state = State {
            dice: Dice::of(seed, "faults"),
            rates: Rates::default(),
            dies_in: None,
            dead: false,
            died_in: "",
            counts: BTreeMap::new(),
            calm: false,
            notes: None,
        };
        Faults { state: Mutex::new(state), died: Notify::new() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Other weather.
    pub fn set_rates(&self, rates: Rates) {
        self.lock().rates = rates;
    }

    /// From now on nothing fails and nobody errs.
    pub fn calm_down(&self) {
        let mut state = self.lock();
        (state.rates, state.calm) = (Rates::default(), true);
    }

    /// Whether the end has begun.
    pub fn is_calm(&self) -> bool {
        self.lock().calm
    }

    /// The present weather.
    pub fn rates(&self) -> Rates {
        self.lock().rates
    }

    /// The process dies at the `steps`-th step from now; steps are those of the store and of the channel, and those count for more at
    /// which something is under way.
    pub fn die_in(&self, steps: u64) {
        self.lock().dies_in = Some(steps.max(1));
    }

    /// Whether it is dead, or about to die.
    pub fn is_doomed(&self) -> bool {
        let state = self.lock();
        state.dead || state.dies_in.is_some()
    }

    /// The step at which it died last.
    pub fn died_in(&self) -> &'static str {
        self.lock().died_in
    }

    /// A new process lives.
    pub fn revive(&self) {
        let mut state = self.lock();
        (state.dead, state.dies_in) = (false, None);
    }

    /// Comes back when the process has died.
    pub async fn death(&self) {
        loop {
            let died = self.died.notified();
            if self.lock().dead {
                return;
            }
            died.await;
        }
    }

    /// Counts something that was injected or done.
    pub fn count(&self, what: &'static str) {
        *self.lock().counts.entry(what).or_insert(0) += 1;
    }

    /// Notes are kept from now on.
    pub fn keep_notes(&self) {
        self.lock().notes = Some(Vec::new());
    }

    /// Adds a line to the history.
    pub fn note(&self, line: impl FnOnce() -> String) {
        if let Some(notes) = &mut self.lock().notes {
            notes.push(line());
        }
    }

    /// Hands over what was noted.
    pub fn notes(&self) -> Vec<String> {
        self.lock().notes.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// What was counted.
    pub fn counts(&self) -> BTreeMap<&'static str, u64> {
        self.lock().counts.clone()
    }

    /// True in so many of 1,000 cases as the rates say; counted under `what`.
    pub fn strikes(&self, rate: impl Fn(&Rates) -> u64, what: &'static str) -> bool {
        let mut state = self.lock();
        let rate = rate(&state.rates);
        let strikes = rate > 0 && state.dice.chance(rate);
        if strikes {
            *state.counts.entry(what).or_insert(0) += 1;
        }
        strikes
    }

    /// A draw for whoever shapes a fault.
    pub fn draw(&self, below: u64) -> u64 {
        self.lock().dice.below(below)
    }

    /// One step that may be the last. `None`: go on.
    pub fn step(&self, name: &'static str) -> Option<Verdict> {
        let mut state = self.lock();
        if state.dead {
            return Some(Verdict::Dead);
        }
        *state.counts.entry("steps").or_insert(0) += 1;
        let left = state.dies_in.as_mut()?;
        *left = left.saturating_sub(weight(name));
        if *left > 0 {
            return None;
        }
        state.dies_in = None;
        state.dead = true;
        state.died_in = name;
        let at = match name {
            "commit" => "crash in a commit",
            "channel call" => "crash in a call to the channel",
            "webhook" => "crash while a webhook is sent",
            "notice" => "crash while a notice comes",
            _ => "crash elsewhere",
        };
        *state.counts.entry("crash").or_insert(0) += 1;
        *state.counts.entry(at).or_insert(0) += 1;
        let after = state.dice.chance(500);
        drop(state);
        self.died.notify_waiters();
        self.died.notify_one();
        Some(if after { Verdict::DieAfter } else { Verdict::DieBefore })
    }

    /// A read of the store.
    pub fn read(&self, name: &'static str) -> Verdict {
        self.step(name).unwrap_or_else(|| match self.strikes(|r| r.read_fails, "store read failed") {
            true => Verdict::Fail,
            false => Verdict::Go,
        })
    }

    /// A write of the store beside the lanes.
    pub fn write(&self, name: &'static str) -> Verdict {
        if let Some(verdict) = self.step(name) {
            return verdict;
        }
        if self.strikes(|r| r.write_fails, "store write failed") {
            Verdict::Fail
        } else if self.strikes(|r| r.write_fails, "store write done, answer lost") {
            Verdict::LostAfter
        } else {
            Verdict::Go
        }
    }

    /// A commit of a lane.
    pub fn commit(&self) -> Verdict {
        if let Some(verdict) = self.step("commit") {
            return verdict;
        }
        if self.strikes(|r| r.commit_conflicts, "commit refused") {
            Verdict::Conflict
        } else if self.strikes(|r| r.commit_fails, "commit failed, disk full") {
            Verdict::Fail
        } else if self.strikes(|r| r.commit_lost_after, "commit done, answer lost") {
            Verdict::LostAfter
        } else if self.strikes(|r| r.commit_lost_before, "commit not done, answer lost") {
            Verdict::LostBefore
        } else {
            Verdict::Go
        }
    }
}
