//! The sandbox's state and every change of it. No waiting here: what comes later is said by [`Step`]s.

use std::collections::BTreeSet;

use domain::Uid;
use domain::channel::{AttemptFact, SandboxOutcome};
use domain::payment::Scene;
use money::{Amount, Currency, FeeRule};

use super::reason::Reason;
use super::record::{News, Parcel, Record, encode};
use super::trade::{BillZone, Trade, TradeState};
use super::trades::Trades;

/// What never changes while a book is open.
#[derive(Debug, Clone)]
pub(crate) struct Rules {
    /// The zone of the bills.
    pub zone: BillZone,
    /// What the channel charges.
    pub cost: FeeRule,
    /// Where payers pay, without a slash at the end.
    pub pay_base_url: String,
}

/// How long after a close the payer of `pay_after_close` pays, business and real time alike.
pub(crate) const PAYS_AFTER_CLOSE_MS: u64 = 500;

/// The state.
#[derive(Debug)]
pub(crate) struct Desk {
    pub(super) rules: Rules,
    pub(super) trades: Trades,
    pub(super) captures_made: u32,
    pub(super) refunds_made: u32,
    /// Told to nobody yet.
    pub(super) owed: BTreeSet<Parcel>,
    /// Frames not yet in the file.
    pub(super) pending: Vec<u8>,
    /// Where the file ends with them.
    pub(super) appended: u64,
}

/// A request for a new trade, checked for its form only.
#[derive(Debug, Clone)]
pub(crate) struct Order {
    /// The request number.
    pub key: Uid,
    /// What is asked.
    pub amount: Amount,
    /// Where the payer pays.
    pub scene: Scene,
    /// Held first, captured later.
    pub manual: bool,
    /// When the unpaid order ends.
    pub expires_at_us: i64,
    /// Now.
    pub now_us: i64,
    /// How it shall behave.
    pub outcome: SandboxOutcome,
    /// Why it is refused whatever it asks.
    pub refused: Option<Reason>,
}

/// A trade that exists now.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Ordered {
    /// Seen before: how it stands.
    Known { fact: AttemptFact, asked: Amount },
    /// Made by this request.
    New { slot: u32, fact: AttemptFact },
    /// The book can hold no more.
    Full,
}

/// What comes of a payer's paying.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Paying {
    /// The trade ended, or holds money, this way.
    Done { slot: u32, outcome: SandboxOutcome },
    /// He waits until the order is closed.
    Waits,
    /// Nothing to pay.
    NotPayable,
    /// No such trade.
    NotFound,
}

impl Desk {
    pub(crate) fn new(rules: Rules) -> Desk {
        Desk {
            rules,
            trades: Trades::new(),
            captures_made: 0,
            refunds_made: 0,
            owed: BTreeSet::new(),
            pending: Vec::new(),
            appended: 0,
        }
    }

    /// Applies a change that is in the file. False: it does not fit what came before.
    pub(crate) fn apply(&mut self, record: Record) -> bool {
        match record {
            Record::Trade { slot, trade, expires_at_us } => {
                let waits = trade.state == TradeState::Waiting;
                let fits = self.trades.put(slot, trade);
                if fits && waits {
                    self.trades.extra_mut(slot).expires_at_us = expires_at_us;
                }
                fits && (waits || self.forget_what_is_over(slot))
            }
            Record::Capture { slot, of, capture } => {
                let Some(trade) = self.trades.get(slot).filter(|trade| trade.key == of) else { return false };
                let fee_minor = trade.fee_minor.saturating_add(capture.fee_minor);
                let trade = Trade { fee_minor, ..trade.clone() };
                self.captures_made = self.captures_made.max(capture.serial.saturating_add(1));
                self.trades.extra_mut(slot).captures.push(capture);
                self.trades.put(slot, trade)
            }
            Record::Refund { slot, of, refund } => {
                if self.trades.get(slot).is_none_or(|trade| trade.key != of) {
                    return false;
                }
                self.refunds_made = self.refunds_made.max(refund.serial.saturating_add(1));
                let refunds = &mut self.trades.extra_mut(slot).refunds;
                match refunds.iter_mut().find(|known| known.key == refund.key) {
                    Some(known) => *known = refund,
                    None => refunds.push(refund),
                }
                true
            }
            Record::Owed(parcel) => {
                self.owed.insert(parcel);
                self.trades.get(parcel.slot).is_some()
            }
            Record::Done(parcel) => {
                self.owed.remove(&parcel);
                true
            }
        }
    }

    /// A finished trade without captures and refunds needs nothing besides.
    pub(super) fn forget_what_is_over(&mut self, slot: u32) -> bool {
        let over = self.trades.extra(slot).is_some_and(|extra| {
            extra.captures.is_empty() && extra.refunds.is_empty() && extra.hazy_until.is_none()
        });
        if over {
            self.trades.forget_extra(slot);
        }
        true
    }

    /// Applies a change and appends it to what is to be written.
    pub(super) fn write(&mut self, record: Record) {
        let before = self.pending.len();
        encode(&record, &mut self.pending);
        let added = self.pending.len() - before;
        self.appended = self.appended.saturating_add(u64::try_from(added).unwrap_or(0));
        // A change is made from the state itself, so it fits; were it not so, replay would refuse the book.
        debug_assert!(self.trades_fit(&record));
        self.apply(record);
    }

    fn trades_fit(&self, record: &Record) -> bool {
        match record {
            Record::Trade { slot, trade, .. } => self
                .trades
                .get(*slot)
                .map_or(self.trades.next_slot() == Some(*slot), |known| known.key == trade.key),
            Record::Capture { slot, .. } | Record::Refund { slot, .. } => self.trades.get(*slot).is_some(),
            Record::Owed(parcel) | Record::Done(parcel) => self.trades.get(parcel.slot).is_some(),
        }
    }

    pub(super) fn write_trade(&mut self, slot: u32, trade: Trade) {
        let expires_at_us = self.trades.extra(slot).map_or(0, |extra| extra.expires_at_us);
        self.write(Record::Trade { slot, trade, expires_at_us });
    }

    /// Notes that the platform is to be told.
    pub(super) fn owe(&mut self, slot: u32, news: News) {
        let parcel = Parcel { slot, news };
        if !self.owed.contains(&parcel) {
            self.write(Record::Owed(parcel));
        }
    }

    /// Notes that it was told.
    pub(crate) fn told(&mut self, parcel: Parcel) {
        if self.owed.contains(&parcel) {
            self.write(Record::Done(parcel));
        }
    }

    /// Takes or finds an order. A new one at the till pays (or not) within this call.
    pub(crate) fn order(&mut self, order: &Order) -> Ordered {
        if let Some(slot) = self.trades.find(order.key) {
            let asked =
                self.trades.get(slot).map_or(order.amount, |t| Amount::new(t.asked_minor, t.currency));
            return Ordered::Known { fact: self.query(slot, order.now_us), asked };
        }
        let Some(slot) = self.trades.next_slot() else { return Ordered::Full };
        let mut trade = Trade {
            key: order.key,
            asked_minor: order.amount.minor(),
            at_us: order.now_us,
            fee_minor: 0,
            currency: order.amount.currency(),
            state: TradeState::Waiting,
            outcome: order.outcome,
            scene: order.scene,
            manual: order.manual,
            reason: None,
        };
        if let Some(reason) = order.refused {
            trade.state =
                if reason == Reason::OrderExpired { TradeState::Closed } else { TradeState::Declined };
            trade.reason = Some(reason);
        } else if order.scene.synchronous() {
            self.play_at_once(&mut trade);
        }
        self.write(Record::Trade { slot, trade, expires_at_us: order.expires_at_us });
        self.owe_at_once(slot, order);
        Ordered::New { slot, fact: self.fact(slot, order.now_us) }
    }

    /// What a scene without a waiting payer does.
    fn play_at_once(&self, trade: &mut Trade) {
        match trade.outcome {
            SandboxOutcome::NeedsPassword | SandboxOutcome::PayAfterClose => {}
            SandboxOutcome::Decline => decline(trade),
            SandboxOutcome::Succeed
            | SandboxOutcome::Timeout
            | SandboxOutcome::AnswerLate
            | SandboxOutcome::CallbackTwice
            | SandboxOutcome::CallbackFirst
            | SandboxOutcome::Contradict
            | SandboxOutcome::OtherAmount
            | SandboxOutcome::OtherCurrency
            | SandboxOutcome::LoseAnswer
            | SandboxOutcome::Fail => self.take(trade),
        }
    }

    fn owe_at_once(&mut self, slot: u32, order: &Order) {
        if order.refused.is_some() || !order.scene.synchronous() {
            return;
        }
        match order.outcome {
            SandboxOutcome::CallbackTwice | SandboxOutcome::CallbackFirst => self.owe(slot, News::Trade),
            SandboxOutcome::Contradict => {
                self.owe(slot, News::Trade);
                self.owe(slot, News::Contradiction);
            }
            SandboxOutcome::Succeed
            | SandboxOutcome::Decline
            | SandboxOutcome::NeedsPassword
            | SandboxOutcome::Timeout
            | SandboxOutcome::AnswerLate
            | SandboxOutcome::PayAfterClose
            | SandboxOutcome::OtherAmount
            | SandboxOutcome::OtherCurrency
            | SandboxOutcome::LoseAnswer
            | SandboxOutcome::Fail => {}
        }
    }

    /// Takes or holds the trade's money at its `at_us`.
    fn take(&self, trade: &mut Trade) {
        if trade.manual {
            trade.state = TradeState::Authorized;
        } else {
            trade.state = TradeState::Paid;
            trade.fee_minor = self.fee_of(trade.taken().minor());
        }
    }

    /// The cost of what was captured. The rule was tried when the book was opened; only a sum beyond every range fails.
    pub(super) fn fee_of(&self, captured_minor: i64) -> i64 {
        self.rules.cost.fee(captured_minor).map_or(0, |fee| fee.rounded_minor)
    }

    /// The payer pays, or tries to.
    pub(crate) fn pay(&mut self, key: Uid, asked: Option<SandboxOutcome>, now_us: i64) -> Paying {
        let Some(slot) = self.trades.find(key) else { return Paying::NotFound };
        let Some(trade) = self.trades.get(slot).filter(|trade| trade.state == TradeState::Waiting) else {
            return Paying::NotPayable;
        };
        if self.order_is_over(slot, now_us) {
            return Paying::NotPayable;
        }
        let outcome = asked.unwrap_or(trade.outcome);
        let mut trade = Trade { outcome, ..trade.clone() };
        if outcome == SandboxOutcome::PayAfterClose {
            if asked.is_some() {
                self.write_trade(slot, trade);
            }
            return Paying::Waits;
        }
        trade.at_us = now_us;
        if outcome == SandboxOutcome::Decline {
            decline(&mut trade);
        } else {
            self.take(&mut trade);
        }
        self.write_trade(slot, trade);
        if outcome != SandboxOutcome::Timeout {
            self.owe(slot, News::Trade);
        }
        if outcome == SandboxOutcome::Contradict {
            self.owe(slot, News::Contradiction);
        }
        Paying::Done { slot, outcome }
    }

    pub(super) fn order_is_over(&self, slot: u32, now_us: i64) -> bool {
        self.trades.extra(slot).is_some_and(|extra| now_us >= extra.expires_at_us)
    }

    /// Closes an order, also one that never came. Also answers whether its payer pays now that it is closed.
    pub(crate) fn close(&mut self, key: Uid, now_us: i64) -> (AttemptFact, Option<u32>) {
        let Some(slot) = self.trades.find(key) else {
            return (self.close_unseen(key, now_us), None);
        };
        let waiting = self.trades.get(slot).filter(|trade| trade.state == TradeState::Waiting).cloned();
        if let Some(trade) = waiting {
            self.write_trade(slot, Trade { state: TradeState::Closed, at_us: now_us, ..trade });
        }
        let pays_now = self.trades.get(slot).is_some_and(Trade::is_paid_later);
        (self.fact(slot, now_us), pays_now.then_some(slot))
    }

    fn close_unseen(&mut self, key: Uid, now_us: i64) -> AttemptFact {
        let Some(slot) = self.trades.next_slot() else { return AttemptFact::Unknown };
        let trade = Trade {
            key,
            asked_minor: 0,
            at_us: now_us,
            fee_minor: 0,
            currency: Currency::CNY,
            state: TradeState::Closed,
            outcome: SandboxOutcome::Succeed,
            scene: Scene::QrCode,
            manual: false,
            reason: Some(Reason::ClosedUnseen),
        };
        self.write(Record::Trade { slot, trade, expires_at_us: now_us });
        AttemptFact::Closed
    }

    /// Gives up what is authorized and not captured; anything else is closed.
    pub(crate) fn void(&mut self, key: Uid, now_us: i64) -> (AttemptFact, Option<u32>) {
        let held = self.trades.find(key).and_then(|slot| {
            let trade = self.trades.get(slot)?;
            matches!(trade.state, TradeState::Authorized | TradeState::Settled).then(|| (slot, trade.clone()))
        });
        let Some((slot, trade)) = held else { return self.close(key, now_us) };
        if trade.state == TradeState::Authorized {
            let reason = Some(Reason::Released);
            self.write_trade(slot, Trade { state: TradeState::Closed, at_us: now_us, reason, ..trade });
        }
        (AttemptFact::Closed, None)
    }

    /// The payer who waited for the close pays. False if he has already, or never would.
    pub(crate) fn pay_after_close(&mut self, slot: u32) -> bool {
        let Some(mut trade) = self.trades.get(slot).filter(|trade| trade.is_paid_later()).cloned() else {
            return false;
        };
        let later_us = i64::try_from(PAYS_AFTER_CLOSE_MS).unwrap_or(0) * 1000;
        trade.at_us = trade.at_us.saturating_add(later_us);
        self.take(&mut trade);
        self.write_trade(slot, trade);
        self.owe(slot, News::Trade);
        true
    }
}

fn decline(trade: &mut Trade) {
    trade.state = TradeState::Declined;
    trade.reason =
        Some(if trade.scene == Scene::Card { Reason::CardDeclined } else { Reason::PayerDeclined });
}
