//! Captures and refunds: parts of a trade, idempotent by their numbers.

use domain::Uid;
use domain::channel::{CaptureFact, RefundFact, SandboxOutcome, Taken};
use money::{Amount, fee_given_back};

use super::desk::Desk;
use super::outcome::{CAPTURE_LOSES_ANSWER_MINOR, CAPTURE_REFUSED_MINOR};
use super::reason::Reason;
use super::record::{News, Parcel, Record};
use super::trade::{Capture, NumberOf, Refund, RefundState, Trade, TradeState, channel_no};

/// A capture asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CaptureOrder {
    /// The trade.
    pub of: Uid,
    /// The capture's number.
    pub key: Uid,
    /// How much.
    pub amount: Amount,
    /// Whether the rest is released.
    pub is_final: bool,
    /// Now.
    pub now_us: i64,
}

/// A refund asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RefundOrder {
    /// The trade.
    pub of: Uid,
    /// The refund's number.
    pub key: Uid,
    /// How much.
    pub amount: Amount,
    /// How it shall behave; `None`: the outcome asked for is not a refund's.
    pub outcome: Option<SandboxOutcome>,
    /// Now.
    pub now_us: i64,
}

/// A refund's answer, and whether it will fail later.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Refunded {
    /// What the caller is told.
    pub fact: RefundFact,
    /// The refund that was accepted by this very call and will fail.
    pub fails_later: Option<(u32, Uid)>,
}

impl Desk {
    /// Takes a part of what is authorized.
    pub(crate) fn capture(&mut self, order: &CaptureOrder) -> CaptureFact {
        let Some(slot) = self.trades.find(order.of) else {
            return CaptureFact::Failed(Reason::TradeUnknown.failure());
        };
        if let Some(known) = self.find_capture(slot, order.key) {
            let same = known.amount == order.amount;
            return if same {
                self.capture_fact(known)
            } else {
                CaptureFact::Failed(Reason::NumberReused.failure())
            };
        }
        let Some(trade) = self.trades.get(slot).cloned() else { return CaptureFact::Unknown };
        let captured_minor = self.captured_minor(slot, &trade);
        let refused = capture_refused(&trade, captured_minor, order);
        let sum_minor = captured_minor.saturating_add(order.amount.minor());
        let fee_minor =
            if refused.is_none() { self.fee_of(sum_minor).saturating_sub(trade.fee_minor) } else { 0 };
        let capture = Capture {
            key: order.key,
            serial: self.captures_made,
            amount: order.amount,
            at_us: order.now_us,
            fee_minor,
            refused,
        };
        let fact = self.capture_fact(&capture);
        self.write(Record::Capture { slot, of: order.of, capture });
        let ends = order.is_final || sum_minor == trade.taken().minor();
        if refused.is_none() && ends {
            let fee_minor = trade.fee_minor.saturating_add(fee_minor);
            self.write_trade(slot, Trade { state: TradeState::Settled, fee_minor, ..trade });
        }
        if refused.is_none() && order.amount.minor() == CAPTURE_LOSES_ANSWER_MINOR {
            return CaptureFact::Unknown;
        }
        fact
    }

    /// How a capture stands.
    pub(crate) fn query_capture(&self, of: Uid, key: Uid) -> CaptureFact {
        let found = self.trades.find(of).and_then(|slot| self.find_capture(slot, key));
        found.map_or(CaptureFact::NotFound, |capture| self.capture_fact(capture))
    }

    fn find_capture(&self, slot: u32, key: Uid) -> Option<&Capture> {
        self.trades.extra(slot)?.captures.iter().find(|capture| capture.key == key)
    }

    fn capture_fact(&self, capture: &Capture) -> CaptureFact {
        match capture.refused {
            Some(reason) => CaptureFact::Failed(reason.failure()),
            None => CaptureFact::Succeeded(Taken {
                channel_trade_no: channel_no(NumberOf::Capture, capture.key, capture.serial, self.rules.zone),
                amount: capture.amount,
                paid_at_us: capture.at_us,
                bill_date: self.rules.zone.day(capture.at_us),
            }),
        }
    }

    fn captured_minor(&self, slot: u32, trade: &Trade) -> i64 {
        match trade.state {
            TradeState::Paid => trade.taken().minor(),
            TradeState::Waiting
            | TradeState::Authorized
            | TradeState::Settled
            | TradeState::Closed
            | TradeState::Declined => self.trades.extra(slot).map_or(0, |extra| extra.captured_minor()),
        }
    }

    /// Sends a part of what was taken back.
    pub(crate) fn refund(&mut self, order: &RefundOrder) -> Refunded {
        let Some(slot) = self.trades.find(order.of) else {
            let bill_date = self.rules.zone.day(order.now_us);
            let fact = RefundFact::Failed { failure: Reason::TradeUnknown.failure(), bill_date };
            return Refunded { fact, fails_later: None };
        };
        if let Some(known) = self.find_refund(slot, order.key) {
            let fact = if known.amount == order.amount {
                self.refund_fact(known)
            } else {
                let bill_date = self.rules.zone.day(order.now_us);
                RefundFact::Failed { failure: Reason::NumberReused.failure(), bill_date }
            };
            return Refunded { fact, fails_later: None };
        }
        let Some(refund) = self.decide_refund(slot, order) else {
            return Refunded { fact: RefundFact::Unknown, fails_later: None };
        };
        let mut fact = self.refund_fact(&refund);
        if order.outcome == Some(SandboxOutcome::LoseAnswer) && refund.state == RefundState::Succeeded {
            fact = RefundFact::Unknown;
        }
        let fails_later = (refund.state == RefundState::Accepted).then_some((slot, refund.key));
        self.write(Record::Refund { slot, of: order.of, refund });
        Refunded { fact, fails_later }
    }

    fn decide_refund(&self, slot: u32, order: &RefundOrder) -> Option<Refund> {
        let trade = self.trades.get(slot)?;
        let captured_minor = self.captured_minor(slot, trade);
        let extra = self.trades.extra(slot);
        let sum = |states: &[RefundState]| extra.map_or(0, |extra| extra.refunded_minor(states));
        let live_minor = sum(&[RefundState::Succeeded, RefundState::Accepted]);
        let refused = refund_refused(trade, captured_minor.saturating_sub(live_minor), captured_minor, order);
        let state = match (refused, order.outcome) {
            (Some(_), _) => RefundState::Failed,
            (None, Some(SandboxOutcome::Fail)) => RefundState::Accepted,
            (None, _) => RefundState::Succeeded,
        };
        // The cost comes back with money that went back: refunds that succeeded, this one included.
        let fee_back_minor = match state {
            RefundState::Succeeded => fee_given_back(
                trade.fee_minor,
                captured_minor,
                sum(&[RefundState::Succeeded]).saturating_add(order.amount.minor()),
                extra.map_or(0, |extra| extra.fee_back_minor()),
            ),
            RefundState::Accepted | RefundState::Failed => 0,
        };
        Some(Refund {
            key: order.key,
            serial: self.refunds_made,
            amount: order.amount,
            at_us: order.now_us,
            fee_back_minor,
            state,
            reason: refused,
        })
    }

    /// How a refund stands. One that was accepted fails at the latest when it is asked for.
    pub(crate) fn query_refund(&mut self, of: Uid, key: Uid, now_us: i64) -> RefundFact {
        let Some(slot) = self.trades.find(of) else { return RefundFact::NotFound };
        self.fail_refund(slot, key, now_us);
        self.find_refund(slot, key).map_or(RefundFact::NotFound, |refund| self.refund_fact(refund))
    }

    /// An accepted refund comes back from the payer's account.
    pub(crate) fn fail_refund(&mut self, slot: u32, key: Uid, now_us: i64) {
        let accepted =
            self.find_refund(slot, key).filter(|refund| refund.state == RefundState::Accepted).cloned();
        let (Some(accepted), Some(of)) = (accepted, self.trades.get(slot).map(|trade| trade.key)) else {
            return;
        };
        let refund = Refund {
            state: RefundState::Failed,
            reason: Some(Reason::AccountAbnormal),
            at_us: now_us.max(accepted.at_us),
            ..accepted
        };
        self.write(Record::Refund { slot, of, refund });
        self.owe(slot, News::Refund(key));
    }

    pub(super) fn find_refund(&self, slot: u32, key: Uid) -> Option<&Refund> {
        self.trades.extra(slot)?.refunds.iter().find(|refund| refund.key == key)
    }

    fn refund_fact(&self, refund: &Refund) -> RefundFact {
        let channel_refund_no = self.refund_no(refund);
        let bill_date = self.rules.zone.day(refund.at_us);
        match refund.state {
            RefundState::Succeeded => {
                RefundFact::Succeeded { channel_refund_no, bill_date, refunded_at_us: refund.at_us }
            }
            RefundState::Accepted => RefundFact::Accepted { channel_refund_no },
            RefundState::Failed => {
                let failure = refund.reason.unwrap_or(Reason::AccountAbnormal).failure();
                RefundFact::Failed { failure, bill_date }
            }
        }
    }

    pub(super) fn refund_no(&self, refund: &Refund) -> String {
        channel_no(NumberOf::Refund, refund.key, refund.serial, self.rules.zone)
    }

    /// What a restart finds to be done: parcels to deliver, closed trades whose payer pays, refunds that fail.
    pub(crate) fn unfinished(&self) -> Unfinished {
        let accepted = self.trades.extras().flat_map(|(slot, extra)| {
            let accepted = extra.refunds.iter().filter(|refund| refund.state == RefundState::Accepted);
            accepted.map(move |refund| (slot, refund.key, refund.at_us))
        });
        Unfinished {
            owed: self.owed.iter().copied().collect(),
            pay_after_close: self
                .trades
                .all()
                .filter(|(_, t)| t.is_paid_later())
                .map(|(slot, _)| slot)
                .collect(),
            failing_refunds: accepted.collect(),
        }
    }
}

/// What a process that ended left to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unfinished {
    /// Callbacks not acknowledged.
    pub owed: Vec<Parcel>,
    /// Slots of closed trades whose payers pay.
    pub pay_after_close: Vec<u32>,
    /// Slot, refund, and when it was accepted.
    pub failing_refunds: Vec<(u32, Uid, i64)>,
}

fn capture_refused(trade: &Trade, captured_minor: i64, order: &CaptureOrder) -> Option<Reason> {
    let held = trade.taken();
    if order.amount.minor() <= 0 {
        Some(Reason::RequestInvalid)
    } else if trade.state != TradeState::Authorized {
        Some(Reason::NotCapturable)
    } else if order.now_us >= trade.capture_until_us() {
        Some(Reason::AuthorizationExpired)
    } else if order.amount.currency() != held.currency() {
        Some(Reason::CurrencyDiffers)
    } else if order.amount.minor() > held.minor().saturating_sub(captured_minor) {
        Some(Reason::ExceedsAuthorized)
    } else if order.amount.minor() == CAPTURE_REFUSED_MINOR {
        Some(Reason::CaptureRefused)
    } else {
        None
    }
}

fn refund_refused(
    trade: &Trade,
    remaining_minor: i64,
    captured_minor: i64,
    order: &RefundOrder,
) -> Option<Reason> {
    if order.amount.minor() <= 0 || order.outcome.is_none() {
        Some(Reason::RequestInvalid)
    } else if captured_minor == 0 {
        Some(Reason::NotRefundable)
    } else if order.amount.currency() != trade.taken().currency() {
        Some(Reason::CurrencyDiffers)
    } else if order.amount.minor() > remaining_minor {
        Some(Reason::ExceedsCaptured)
    } else {
        None
    }
}
