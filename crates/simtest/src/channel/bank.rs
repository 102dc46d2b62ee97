//! The bank's book and the notices that it sends. It survives every death of the platform: it is another company's.

use super::trade::{Part, PartState, State, Trade, failure};
use crate::clock::SimClock;
use crate::faults::Faults;
use crate::random::Dice;
use channels::{CaptureRequest, NoticeFact, PrepareRequest, RefundRequest};
use domain::channel::AttemptFact;
use domain::id::ChannelAccountId;
use ledger::Day;
use money::{Amount, Currency};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// A notice that was or will be sent.
#[derive(Debug, Clone)]
pub struct Notice {
    /// At which account.
    pub account: ChannelAccountId,
    /// The trade.
    pub request_no: String,
    /// What it tells, as it was when it was written.
    pub fact: NoticeFact,
    /// When it is sent next, time that passed; `None` once it is acknowledged or given up.
    pub due_us: Option<i64>,
    /// Times it is sent again although it was acknowledged.
    pub repeats: u32,
    /// How often it was sent.
    pub tries: u32,
    /// Sent until it is acknowledged, for nobody would ask.
    pub for_sure: bool,
}

/// How a payer acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// Pays what is asked.
    Pay,
    /// Pays another sum.
    PayOther,
    /// Pays in another currency.
    PayForeign,
    /// Declines.
    Decline,
}

pub(super) struct Book {
    pub(super) dice: Dice,
    pub(super) trades: BTreeMap<String, Trade>,
    pub(super) notices: Vec<Notice>,
}

/// See the module.
pub struct Bank {
    book: Mutex<Book>,
    clock: Arc<SimClock>,
    pub(super) faults: Arc<Faults>,
    /// Something is to be sent.
    pub(super) posted: Notify,
}

const SECOND_US: i64 = 1_000_000;

fn day_of(at_us: i64) -> Day {
    // Bills are dated in UTC+8.
    Day(i32::try_from((at_us + 8 * 3_600 * SECOND_US).div_euclid(86_400 * SECOND_US)).unwrap_or(0))
}

impl Bank {
    /// An empty book.
    pub fn new(seed: u64, clock: Arc<SimClock>, faults: Arc<Faults>) -> Bank {
        let book = Book { dice: Dice::of(seed, "bank"), trades: BTreeMap::new(), notices: Vec::new() };
        Bank { book: Mutex::new(book), clock, faults, posted: Notify::new() }
    }

    pub(super) fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Time that passed.
    pub(super) fn now_us(&self) -> i64 {
        self.clock.passed_us()
    }

    /// Every trade.
    pub fn trades(&self) -> Vec<Trade> {
        self.book().trades.values().cloned().collect()
    }

    /// Trades that a payer may act on, in the order of their numbers.
    pub fn payable(&self) -> Vec<String> {
        let book = self.book();
        book.trades.values().filter(|t| t.state == State::Open).map(|t| t.request_no.clone()).collect()
    }

    /// Those of the numbers whose trade a payer can pay, or the bank works on.
    pub fn open_of(&self, mut numbers: Vec<String>) -> Vec<String> {
        let book = self.book();
        let is_open = |t: &Trade| matches!(t.state, State::Open | State::Working);
        numbers.retain(|number| book.trades.get(number).is_some_and(is_open));
        numbers
    }

    /// Whether anything is still to be sent.
    pub fn has_post(&self) -> bool {
        self.book().notices.iter().any(|notice| notice.due_us.is_some())
    }

    pub(super) fn part(amount: Amount, at_us: i64, state: PartState) -> Part {
        Part { amount, state, day: day_of(at_us), at_us }
    }

    /// Takes a request in; one with a known number changes nothing.
    pub(super) fn prepare(&self, account: ChannelAccountId, request: &PrepareRequest) {
        let now_us = self.now_us();
        let mut book = self.book();
        if book.trades.contains_key(&request.request_no) {
            return;
        }
        let by_payer = !matches!(request.scene.as_str(), "bar_code" | "card" | "pos");
        let mut trade = Trade {
            account,
            request_no: request.request_no.clone(),
            asked: request.amount,
            manual: request.manual_capture,
            by_payer,
            state: State::Open,
            ends: None,
            paid: None,
            captures: BTreeMap::new(),
            refunds: BTreeMap::new(),
        };
        if !by_payer {
            match book.dice.weighted(&[62, 12, 8, 8, 4, 4, 2]) {
                0 => take(&mut trade, Act::Pay, request.now_us),
                1 => take(&mut trade, Act::Decline, request.now_us),
                2 => {}
                3 => trade.ends = Some((now_us + book.dice.range(1, 120) * SECOND_US, true)),
                4 => trade.ends = Some((now_us + book.dice.range(1, 120) * SECOND_US, false)),
                5 => take(&mut trade, Act::PayOther, request.now_us),
                _ => take(&mut trade, Act::PayForeign, request.now_us),
            }
            if trade.ends.is_some() {
                trade.state = State::Working;
            }
        }
        let tells = !matches!(trade.state, State::Open | State::Working);
        let fact = NoticeFact::Attempt(trade.fact());
        book.trades.insert(request.request_no.clone(), trade);
        if tells {
            self.tell(&mut book, account, &request.request_no, fact, false);
        }
    }

    /// Ends what the bank worked on and what was on its way, as far as its time has come.
    pub(super) fn settle(&self, request_no: &str, business_us: i64) {
        let now_us = self.now_us();
        let mut book = self.book();
        let Some(trade) = book.trades.get_mut(request_no) else { return };
        let account = trade.account;
        let mut facts = Vec::new();
        if let Some((_, well)) = trade.ends.filter(|(at_us, _)| *at_us <= now_us)
            && trade.state == State::Working
        {
            trade.ends = None;
            take(trade, if well { Act::Pay } else { Act::Decline }, business_us);
            facts.push((NoticeFact::Attempt(trade.fact()), false));
        }
        let ripe: Vec<(String, bool)> = trade
            .refunds
            .iter()
            .filter_map(|(no, part)| match part.state {
                PartState::Accepted { ends_at_us, well } if ends_at_us <= now_us => Some((no.clone(), well)),
                PartState::Accepted { .. } | PartState::Done | PartState::Failed => None,
            })
            .collect();
        for (no, well) in ripe {
            if let Some(part) = trade.refunds.get_mut(&no) {
                let state = if well { PartState::Done } else { PartState::Failed };
                *part = Bank::part(part.amount, business_us, state);
            }
            facts.push((NoticeFact::Refund { fact: trade.refund_fact(&no), refund_no: no }, false));
        }
        for (fact, for_sure) in facts {
            self.tell(&mut book, account, request_no, fact, for_sure);
        }
    }

    /// A payer acts. False when there is nothing to act on.
    pub fn act(&self, request_no: &str, act: Act, business_us: i64) -> bool {
        let mut book = self.book();
        let Some(trade) = book.trades.get_mut(request_no).filter(|t| t.state == State::Open) else {
            return false;
        };
        take(trade, act, business_us);
        let (account, fact) = (trade.account, NoticeFact::Attempt(trade.fact()));
        self.tell(&mut book, account, request_no, fact, false);
        true
    }

    /// The bank's mistake: it took the money after it had said declined or closed, and tells so.
    pub fn take_after_all(&self, business_us: i64) -> Option<String> {
        let mut book = self.book();
        let over: Vec<String> = book
            .trades
            .values()
            .filter(|t| {
                matches!(t.state, State::Declined | State::Closed) && !t.manual && t.asked.minor() > 0
            })
            .map(|t| t.request_no.clone())
            .collect();
        let request_no = book.dice.pick(&over).cloned()?;
        let trade = book.trades.get_mut(&request_no)?;
        take(trade, Act::Pay, business_us);
        let (account, fact) = (trade.account, NoticeFact::Attempt(trade.fact()));
        self.tell(&mut book, account, &request_no, fact, true);
        Some(request_no)
    }

    /// A refund that was done comes back, and the bank tells so.
    pub fn return_refund(&self, business_us: i64) -> Option<String> {
        let mut book = self.book();
        let done = |t: &Trade| {
            let ended = t.refunds.iter().filter(|(_, part)| part.state == PartState::Done);
            ended.map(|(no, _)| (t.request_no.clone(), no.clone())).collect::<Vec<_>>()
        };
        let all: Vec<_> = book.trades.values().flat_map(done).collect();
        let (request_no, no) = book.dice.pick(&all).cloned()?;
        let trade = book.trades.get_mut(&request_no)?;
        let part = trade.refunds.get_mut(&no)?;
        *part = Bank::part(part.amount, business_us, PartState::Failed);
        let account = trade.account;
        let fact = NoticeFact::Refund { fact: trade.refund_fact(&no), refund_no: no.clone() };
        self.tell(&mut book, account, &request_no, fact, true);
        Some(no)
    }

    /// The bank says declined of a trade that it has told as paid.
    pub fn contradict(&self) -> Option<String> {
        let mut book = self.book();
        let told = |no: &String, t: &Trade| {
            let paid = |notice: &Notice| {
                notice.request_no == *no
                    && notice.tries > 0
                    && matches!(notice.fact, NoticeFact::Attempt(AttemptFact::Paid(_)))
            };
            t.state == State::Paid && book.notices.iter().any(paid)
        };
        let paid: Vec<String> =
            book.trades.iter().filter(|(no, t)| told(no, t)).map(|(no, _)| no.clone()).collect();
        let request_no = book.dice.pick(&paid).cloned()?;
        let account = book.trades.get(&request_no)?.account;
        let fact = NoticeFact::Attempt(AttemptFact::Declined(failure("insufficient_balance")));
        self.tell(&mut book, account, &request_no, fact, false);
        Some(request_no)
    }

    /// A notice that was sent before, to be sent again by somebody.
    pub fn old_notice(&self) -> Option<(usize, ChannelAccountId)> {
        let mut book = self.book();
        let sent: Vec<(usize, ChannelAccountId)> = book
            .notices
            .iter()
            .enumerate()
            .filter(|(_, notice)| notice.tries > 0)
            .map(|(at, notice)| (at, notice.account))
            .collect();
        book.dice.pick(&sent).copied()
    }

    pub(super) fn close(&self, account: ChannelAccountId, request_no: &str) {
        let mut book = self.book();
        match book.trades.get_mut(request_no) {
            Some(trade) if matches!(trade.state, State::Open | State::Working) => {
                (trade.state, trade.ends) = (State::Closed, None);
            }
            Some(_) => {}
            None => {
                // A request that arrives after this is refused.
                let trade = Trade {
                    account,
                    request_no: request_no.to_owned(),
                    asked: Amount::new(0, Currency::CNY),
                    manual: false,
                    by_payer: false,
                    state: State::Closed,
                    ends: None,
                    paid: None,
                    captures: BTreeMap::new(),
                    refunds: BTreeMap::new(),
                };
                book.trades.insert(request_no.to_owned(), trade);
            }
        }
    }

    pub(super) fn void(&self, request_no: &str) {
        if let Some(trade) = self.book().trades.get_mut(request_no)
            && matches!(trade.state, State::Held(_))
        {
            trade.state = State::Closed;
        }
    }

    pub(super) fn capture(&self, request: &CaptureRequest) {
        let mut book = self.book();
        let refused = book.dice.chance(60) && !self.faults.is_calm();
        let Some(trade) = book.trades.get_mut(&request.request_no) else { return };
        if trade.captures.contains_key(&request.capture_no) {
            return;
        }
        let fits = request.amount.minor() <= trade.capturable_minor();
        let state = if fits && !refused { PartState::Done } else { PartState::Failed };
        trade.captures.insert(request.capture_no.clone(), Bank::part(request.amount, request.now_us, state));
        if state == PartState::Done && request.is_final {
            // The rest of the hold is given up.
            trade.state = State::Closed;
        }
        let account = trade.account;
        let fact = NoticeFact::Capture {
            capture_no: request.capture_no.clone(),
            fact: trade.capture_fact(&request.capture_no),
        };
        self.tell(&mut book, account, &request.request_no, fact, false);
    }

    pub(super) fn refund(&self, request: &RefundRequest) {
        let now_us = self.now_us();
        let mut book = self.book();
        let (kind, wait_us) = (book.dice.weighted(&[64, 20, 10, 6]), book.dice.range(1, 80) * SECOND_US);
        let Some(trade) = book.trades.get_mut(&request.request_no) else { return };
        if trade.refunds.contains_key(&request.refund_no) {
            return;
        }
        let fits = request.amount.minor() <= trade.refundable_minor();
        let ends_at_us = now_us + wait_us;
        let state = match kind {
            _ if !fits => PartState::Failed,
            _ if self.faults.is_calm() => PartState::Done,
            0 => PartState::Done,
            1 => PartState::Accepted { ends_at_us, well: true },
            2 => PartState::Failed,
            _ => PartState::Accepted { ends_at_us, well: false },
        };
        trade.refunds.insert(request.refund_no.clone(), Bank::part(request.amount, request.now_us, state));
        let account = trade.account;
        let fact = NoticeFact::Refund {
            refund_no: request.refund_no.clone(),
            fact: trade.refund_fact(&request.refund_no),
        };
        self.tell(&mut book, account, &request.request_no, fact, false);
    }

    /// Writes a notice, to be sent at a time of the bank's choosing, perhaps twice, perhaps never.
    pub(super) fn tell(
        &self,
        book: &mut Book,
        account: ChannelAccountId,
        request_no: &str,
        fact: NoticeFact,
        for_sure: bool,
    ) {
        if !for_sure && self.faults.strikes(|r| r.notice_lost, "notice lost") {
            return;
        }
        let repeats = u32::from(self.faults.strikes(|r| r.notice_twice, "notice duplicated"));
        // At once (before the answer), soon, or late: so they also overtake one another.
        let delay_us = match book.dice.weighted(&[3, 5, 2]) {
            0 => {
                self.faults.count("notice before the answer");
                0
            }
            1 => book.dice.range(5_000, 2 * SECOND_US),
            _ => book.dice.range(2 * SECOND_US, 60 * SECOND_US),
        };
        book.notices.push(Notice {
            account,
            request_no: request_no.to_owned(),
            fact,
            due_us: Some(self.now_us() + delay_us),
            repeats,
            tries: 0,
            for_sure,
        });
        self.posted.notify_one();
    }
}

/// The payer acts on an open trade, or the bank ends one that it worked on.
fn take(trade: &mut Trade, act: Act, business_us: i64) {
    let asked = trade.asked;
    let amount = match act {
        Act::Pay | Act::Decline => asked,
        Act::PayOther if asked.minor() > 1 => {
            Amount::new(asked.minor() - asked.minor() / 3 - 1, asked.currency())
        }
        Act::PayOther => Amount::new(asked.minor() + 1, asked.currency()),
        Act::PayForeign if asked.currency() == Currency::USD => Amount::new(asked.minor(), Currency::CNY),
        Act::PayForeign => Amount::new(asked.minor(), Currency::USD),
    };
    if act == Act::Decline {
        trade.state = State::Declined;
        return;
    }
    trade.paid = Some(Bank::part(amount, business_us, PartState::Done));
    trade.state = if trade.manual { State::Held(amount) } else { State::Paid };
}
