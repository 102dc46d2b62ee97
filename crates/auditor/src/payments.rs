//! Each payment against the channel's book: what it says was captured is what the channel took and did not give back.

use crate::json::{bare, currency, list, minor, text};
use crate::{Auditor, Evidence, MerchantEvidence, TradeEvidence};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

const FINAL: [&str; 3] = ["succeeded", "failed", "closed"];

impl Auditor {
    pub(crate) fn payments(&mut self, merchant: &MerchantEvidence, evidence: &Evidence) {
        let trades: BTreeMap<&str, &TradeEvidence> =
            evidence.trades.iter().map(|trade| (trade.number.as_str(), trade)).collect();
        // What it says later may be of money that came after that and went back.
        let kept_less: BTreeSet<&str> = merchant
            .events
            .iter()
            .filter(|event| text(event, "type") == "payment.succeeded")
            .filter_map(|event| event.get("data").and_then(|data| data.get("object")))
            .filter(|payment| text(payment, "status_reason") == "amount_mismatch")
            .map(|payment| text(payment, "id"))
            .collect();
        for payment in &merchant.payments {
            self.payment_alone(payment, kept_less.contains(text(payment, "id")));
            self.payment_at_the_channel(payment, &trades);
        }
    }

    /// What a payment says of itself; `kept_less`: a person let it keep another sum than was asked.
    fn payment_alone(&mut self, payment: &Value, kept_less: bool) {
        let id = text(payment, "id");
        let (amount, captured) = (minor(payment, "amount"), minor(payment, "amount_captured"));
        let status = text(payment, "status");
        if captured > amount || captured < 0 {
            self.find("captured within asked", format!("{id}: {captured} of {amount}"));
        }
        if !FINAL.contains(&status) && status != "authorized" && status != "requires_action" {
            self.find(
                "everything ends",
                format!("{id} is still {status}: {}", text(payment, "status_reason")),
            );
        }
        if (status == "succeeded") != (captured > 0) && status != "authorized" {
            self.find("paid is succeeded", format!("{id} is {status} with {captured} captured"));
        }
        if status == "succeeded"
            && text(payment, "capture_mode") == "automatic"
            && captured != amount
            && !kept_less
        {
            self.find("captured whole", format!("{id}: {captured} of {amount}"));
        }
        let Some(terms) = self.price_of(payment) else {
            self.find(
                "price",
                format!("{id} names a price that nobody agreed: {}", text(payment, "price_version")),
            );
            return;
        };
        let (fee, by) = (terms.on(captured), format!("{terms:?}"));
        if captured > 0 && minor(payment, "fee") != fee {
            self.find(
                "fee",
                format!("{id}: {} instead of {fee} on {captured} by {by}", minor(payment, "fee")),
            );
        }
        if captured > 0 && minor(payment, "net") != captured - minor(payment, "fee") {
            self.find("net", format!("{id}: {} of {captured}", minor(payment, "net")));
        }
        if captured == 0 && !payment.get("fee").is_some_and(Value::is_null) {
            self.find("fee", format!("{id} has a fee and nothing captured"));
        }
    }

    /// Taken less given back is captured less refunded, currency by currency.
    fn payment_at_the_channel(&mut self, payment: &Value, trades: &BTreeMap<&str, &TradeEvidence>) {
        let id = text(payment, "id");
        let mut kept: BTreeMap<&str, i64> = BTreeMap::new();
        for attempt in list(payment, "attempts") {
            let Some(trade) = trades.get(bare(text(attempt, "id"))) else { continue };
            if trade.open && FINAL.contains(&text(payment, "status")) {
                self.find(
                    "an end at the channel too",
                    format!("{id} is {}, its trade {} is open", text(payment, "status"), trade.number),
                );
            }
            for (_, of, taken) in &trade.taken {
                *kept.entry(of).or_insert(0) += taken;
            }
            for (number, of, back, done) in &trade.refunds {
                if *done {
                    *kept.entry(of).or_insert(0) -= back;
                }
                let known = list(payment, "refunds").iter().any(|refund| bare(text(refund, "id")) == number);
                if !known && *done {
                    self.find("every refund has its object", format!("{id}: the channel refunded {number}"));
                }
            }
        }
        let own = currency(payment, "amount");
        let books = minor(payment, "amount_captured") - minor(payment, "amount_refunded");
        for (of, at_channel) in &kept {
            let expected = if *of == own { books } else { 0 };
            if *at_channel != expected {
                self.find(
                    "kept as the channel says",
                    format!(
                        "{id} ({}): the channel keeps {at_channel} {of}, the payment says {expected}",
                        text(payment, "status")
                    ),
                );
            }
        }
        if books != 0 && !kept.contains_key(own) {
            self.find("kept as the channel says", format!("{id}: the channel never took the {books} {own}"));
        }
        self.captures(payment, trades);
    }

    fn captures(&mut self, payment: &Value, trades: &BTreeMap<&str, &TradeEvidence>) {
        let taken_as = |number: &str| {
            let attempts = list(payment, "attempts").iter().filter_map(|a| trades.get(bare(text(a, "id"))));
            attempts
                .flat_map(|trade| &trade.taken)
                .find(|(part, _, _)| part == number)
                .map(|(_, _, minor)| *minor)
        };
        let mut wrong = Vec::new();
        let mut sum = 0;
        for capture in list(payment, "captures") {
            let (status, amount) = (text(capture, "status"), minor(capture, "amount"));
            let taken = taken_as(bare(text(capture, "id")));
            let agrees = match status {
                "succeeded" => taken == Some(amount),
                "failed" => taken.is_none(),
                _ => false,
            };
            if status == "succeeded" {
                sum += amount;
            }
            if !agrees {
                wrong.push(format!("{} is {status}, the channel took {taken:?}", text(capture, "id")));
            }
        }
        if text(payment, "capture_mode") == "manual" && sum != minor(payment, "amount_captured") {
            wrong.push(format!("{}: captures of {sum}", text(payment, "id")));
        }
        for what in wrong {
            self.find("captures as the channel says", what);
        }
    }
}
