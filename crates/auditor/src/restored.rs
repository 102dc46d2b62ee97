//! After books were restored from a backup: merchants repeat what they had asked for since, and whatever these books have forgotten,
//! the channel does nothing twice, and what it did that they still do not know is listed for a person.

use crate::json::{bare, currency, list, minor, text};
use crate::{Auditor, Evidence, TradeEvidence};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Everything that was ever shown, before and after.
#[derive(Default)]
pub(crate) struct Ever {
    orders: BTreeMap<(String, String), Order>,
    /// Numbers at the channel by the merchant's refund number.
    refunds: BTreeMap<(String, String), BTreeSet<String>>,
}

#[derive(Default)]
struct Order {
    currency: String,
    amount_minor: i64,
    /// Numbers at the channel.
    attempts: BTreeSet<String>,
}

impl Ever {
    pub(crate) fn show(&mut self, object: &Value) {
        let merchant = text(object, "merchant").to_owned();
        match text(object, "object") {
            "payment" => {
                let at = (merchant, text(object, "merchant_order_no").to_owned());
                let order = self.orders.entry(at).or_default();
                order.currency = currency(object, "amount").to_owned();
                order.amount_minor = minor(object, "amount");
                let latest = object.get("latest_attempt").into_iter();
                let ids = latest.chain(list(object, "attempts")).map(|attempt| text(attempt, "id"));
                order.attempts.extend(ids.filter(|id| !id.is_empty()).map(|id| bare(id).to_owned()));
            }
            "refund" if object.get("merchant_refund_no").is_some_and(Value::is_string) => {
                let at = (merchant, text(object, "merchant_refund_no").to_owned());
                self.refunds.entry(at).or_default().insert(bare(text(object, "id")).to_owned());
            }
            _ => {}
        }
    }
}

impl Auditor {
    /// See the module.
    pub(crate) fn after_a_restore(&mut self, evidence: &Evidence) {
        let mut ever = std::mem::take(&mut self.ever);
        let mut known: BTreeSet<String> = BTreeSet::new();
        for payment in evidence.merchants.iter().flat_map(|merchant| &merchant.payments) {
            ever.show(payment);
            list(payment, "refunds").iter().for_each(|refund| ever.show(refund));
            for part in ["attempts", "captures", "refunds"] {
                known.extend(list(payment, part).iter().map(|object| bare(text(object, "id")).to_owned()));
            }
        }
        let trades: BTreeMap<&str, &TradeEvidence> =
            evidence.trades.iter().map(|trade| (trade.number.as_str(), trade)).collect();
        for ((merchant, number), order) in &ever.orders {
            let (mut kept, mut largest, mut taken_since) = (0, order.amount_minor, false);
            for trade in order.attempts.iter().filter_map(|attempt| trades.get(attempt.as_str())) {
                let own = trade.taken.iter().filter(|(_, of, _)| *of == order.currency);
                largest = largest.max(own.clone().map(|(_, _, taken)| *taken).max().unwrap_or(0));
                taken_since |= own.clone().any(|(number, ..)| !evidence.taken_before.contains(number));
                kept += own.map(|(_, _, taken)| taken).sum::<i64>();
                let back = trade.refunds.iter().filter(|(_, of, _, done)| *done && *of == order.currency);
                kept -= back.map(|(_, _, back, _)| back).sum::<i64>();
            }
            // What a channel took twice before, by its own mistake, is listed for a person.
            if kept > largest && taken_since {
                self.find("nothing is done twice", format!("{merchant} {number}: the channel keeps {kept}"));
            }
        }
        let done: BTreeSet<&str> = evidence
            .trades
            .iter()
            .flat_map(|trade| &trade.refunds)
            .filter(|(_, _, _, done)| *done)
            .map(|(number, ..)| number.as_str())
            .collect();
        for ((merchant, number), refunds) in &ever.refunds {
            let twice: Vec<_> = refunds.iter().filter(|refund| done.contains(refund.as_str())).collect();
            if twice.len() > 1 {
                self.find("nothing is done twice", format!("{merchant} {number}: refunded as {twice:?}"));
            }
        }
        let taken = evidence.trades.iter().flat_map(|trade| &trade.taken).map(|(number, ..)| number.as_str());
        for number in taken.chain(done.iter().copied()) {
            if !known.contains(number) && !evidence.listed.contains(number) {
                self.find(
                    "what is lost is listed",
                    format!("{number} was done, is not known and not listed"),
                );
            }
        }
    }
}
