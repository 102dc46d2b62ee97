//! Everything that the sandbox took, holds, sent back or may still take: what books that were restored from a backup are
//! compared with.

use domain::channel::{Effect, EffectKind, EffectState};

use super::desk::Desk;
use super::trade::{Extra, NumberOf, RefundState, Trade, TradeState, channel_no};

impl Desk {
    /// All of it, trades in the order in which they came, each followed by its captures and refunds.
    pub(crate) fn effects(&self) -> Vec<Effect> {
        let mut effects = Vec::new();
        for (slot, trade) in self.trades.all() {
            effects.extend(self.of_trade(slot, trade));
            if let Some(extra) = self.trades.extra(slot) {
                self.of_parts(trade, extra, &mut effects);
            }
        }
        effects
    }

    fn of_trade(&self, slot: u32, trade: &Trade) -> Option<Effect> {
        let state = match trade.state {
            TradeState::Waiting => EffectState::Open,
            TradeState::Authorized => EffectState::Held,
            TradeState::Paid | TradeState::Settled => EffectState::Done,
            TradeState::Closed if trade.is_paid_later() => EffectState::Open,
            TradeState::Closed | TradeState::Declined => return None,
        };
        Some(Effect {
            kind: EffectKind::Payment,
            number: trade.key,
            trade: trade.key,
            state,
            channel_no: self.trade_no(slot, trade.key),
            amount: trade.taken(),
            at_us: trade.at_us,
        })
    }

    fn of_parts(&self, trade: &Trade, extra: &Extra, effects: &mut Vec<Effect>) {
        for capture in extra.captures.iter().filter(|capture| capture.refused.is_none()) {
            effects.push(Effect {
                kind: EffectKind::Capture,
                number: capture.key,
                trade: trade.key,
                state: EffectState::Done,
                channel_no: channel_no(NumberOf::Capture, capture.key, capture.serial, self.rules.zone),
                amount: capture.amount,
                at_us: capture.at_us,
            });
        }
        for refund in &extra.refunds {
            let state = match refund.state {
                RefundState::Succeeded => EffectState::Done,
                RefundState::Accepted => EffectState::Open,
                RefundState::Failed => continue,
            };
            effects.push(Effect {
                kind: EffectKind::Refund,
                number: refund.key,
                trade: trade.key,
                state,
                channel_no: self.refund_no(refund),
                amount: refund.amount,
                at_us: refund.at_us,
            });
        }
    }
}
