//! What the sandbox answers of a trade: its state as a fact, at the merchant's time.

use domain::Uid;
use domain::channel::{Action, AttemptFact, SandboxOutcome, Taken};
use domain::payment::Scene;
use money::Amount;
use tokio::time::Instant;

use super::TradeView;
use super::desk::Desk;
use super::reason::Reason;
use super::trade::{NumberOf, Trade, TradeState, channel_no};

/// How often the platform shall ask while a payer confirms.
const POLL_AFTER_MS: i64 = 2_000;

impl Desk {
    /// Queries of this trade do not know until then.
    pub(crate) fn make_hazy(&mut self, slot: u32, until: Instant) {
        self.trades.extra_mut(slot).hazy_until = Some(until);
    }

    /// What a query is answered.
    pub(crate) fn query(&mut self, slot: u32, now_us: i64) -> AttemptFact {
        if let Some(until) = self.trades.extra(slot).and_then(|extra| extra.hazy_until) {
            if Instant::now() < until {
                return AttemptFact::Unknown;
            }
            self.trades.extra_mut(slot).hazy_until = None;
            if self.trades.get(slot).is_some_and(|trade| trade.state != TradeState::Authorized) {
                self.forget_what_is_over(slot);
            }
        }
        self.fact(slot, now_us)
    }

    /// How a trade stands.
    pub(crate) fn fact(&self, slot: u32, now_us: i64) -> AttemptFact {
        let Some(trade) = self.trades.get(slot) else { return AttemptFact::NotFound };
        match trade.state {
            TradeState::Waiting if self.order_is_over(slot, now_us) => AttemptFact::Closed,
            TradeState::Waiting => self.waiting_fact(slot, trade),
            TradeState::Paid => AttemptFact::Paid(Taken {
                channel_trade_no: self.trade_no(slot, trade.key),
                amount: trade.taken(),
                paid_at_us: trade.at_us,
                bill_date: self.rules.zone.day(trade.at_us),
            }),
            TradeState::Authorized if now_us >= trade.capture_until_us() => AttemptFact::Closed,
            TradeState::Authorized | TradeState::Settled => AttemptFact::Authorized {
                channel_trade_no: self.trade_no(slot, trade.key),
                amount: trade.taken(),
                expires_at_us: trade.capture_until_us(),
            },
            TradeState::Closed => AttemptFact::Closed,
            TradeState::Declined => {
                AttemptFact::Declined(trade.reason.unwrap_or(Reason::PayerDeclined).failure())
            }
        }
    }

    fn waiting_fact(&self, slot: u32, trade: &Trade) -> AttemptFact {
        if trade.scene.synchronous() && trade.outcome == SandboxOutcome::PayAfterClose {
            return AttemptFact::Processing;
        }
        AttemptFact::ActionRequired(self.action(slot, trade))
    }

    fn action(&self, slot: u32, trade: &Trade) -> Action {
        let url = || format!("{}/{}", self.rules.pay_base_url, trade.key.to_text());
        let invoke = |target: &str| Action::Invoke {
            target: target.to_owned(),
            parameters: serde_json::json!({ "prepay_no": self.trade_no(slot, trade.key), "pay_url": url() })
                .to_string(),
        };
        match trade.scene {
            Scene::QrCode => Action::QrCode { text: url() },
            Scene::Web | Scene::H5 => Action::Redirect { url: url() },
            Scene::App => invoke("app"),
            Scene::MiniProgram => invoke("mini_program"),
            Scene::BarCode | Scene::Card | Scene::Pos => {
                Action::PayerConfirm { poll_after_ms: POLL_AFTER_MS }
            }
        }
    }

    /// The channel's number of a trade.
    pub(crate) fn trade_no(&self, slot: u32, key: Uid) -> String {
        channel_no(NumberOf::Trade, key, slot, self.rules.zone)
    }

    /// What a payer is shown of a trade.
    pub(super) fn view(&self, key: Uid, now_us: i64) -> Option<TradeView> {
        let slot = self.trades.find(key)?;
        let trade = self.trades.get(slot)?;
        let fact = self.fact(slot, now_us);
        let waiting = trade.state == TradeState::Waiting && fact != AttemptFact::Closed;
        Some(TradeView {
            amount: Amount::new(trade.asked_minor, trade.currency),
            trade_no: self.trade_no(slot, trade.key),
            payable: waiting,
            fact,
        })
    }
}
