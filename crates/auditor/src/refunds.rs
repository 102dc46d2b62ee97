//! Refunds: each as the channel says, together never more than was captured, and the fee that comes back with them.

use crate::fee::{RefundFee, due_back};
use crate::json::{bare, list, minor, text};
use crate::{Auditor, Evidence, MerchantEvidence};
use serde_json::Value;
use std::collections::BTreeMap;

impl Auditor {
    pub(crate) fn refunds(&mut self, merchant: &MerchantEvidence, evidence: &Evidence) {
        let mut at_channel: BTreeMap<&str, (i64, bool)> = BTreeMap::new();
        for (number, _, sum, done) in evidence.trades.iter().flat_map(|trade| &trade.refunds) {
            at_channel.insert(number, (*sum, *done));
        }
        for payment in &merchant.payments {
            for refund in list(payment, "refunds") {
                self.refund_at_the_channel(refund, at_channel.get(bare(text(refund, "id"))).copied());
            }
            self.refund_sums(payment);
        }
        self.fees_given_back(merchant);
    }

    fn refund_at_the_channel(&mut self, refund: &Value, channel: Option<(i64, bool)>) {
        let (id, status) = (text(refund, "id"), text(refund, "status"));
        let (agrees, ended) = match status {
            "succeeded" => (channel == Some((minor(refund, "amount"), true)), true),
            "failed" => (channel.is_none_or(|(_, done)| !done), true),
            _ => (true, false),
        };
        if !ended {
            self.find("everything ends", format!("{id} is still {status}"));
        }
        if !agrees {
            self.find(
                "refunds as the channel says",
                format!("{id} of {} is {status}, the channel says {channel:?}", minor(refund, "amount")),
            );
        }
    }

    fn refund_sums(&mut self, payment: &Value) {
        let id = text(payment, "id");
        let own = list(payment, "refunds")
            .iter()
            .filter(|refund| refund.get("merchant_refund_no").is_some_and(Value::is_string));
        let (mut live, mut succeeded) = (0, 0);
        for refund in own {
            let amount = minor(refund, "amount");
            live += if text(refund, "status") == "failed" { 0 } else { amount };
            succeeded += if text(refund, "status") == "succeeded" { amount } else { 0 };
        }
        let (captured, refunded) = (minor(payment, "amount_captured"), minor(payment, "amount_refunded"));
        if live > captured {
            self.find("refunds within captured", format!("{id}: {live} of {captured}"));
        }
        if refunded != succeeded {
            self.find("amount refunded", format!("{id} says {refunded}, its refunds {succeeded}"));
        }
        let status = match refunded {
            0 => "none",
            all if all == captured => "full",
            _ => "partial",
        };
        if text(payment, "refund_status") != status {
            self.find(
                "refund status",
                format!("{id} says {} at {refunded} of {captured}", text(payment, "refund_status")),
            );
        }
    }

    /// Follows each payment's refunds in the order in which they were told.
    fn fees_given_back(&mut self, merchant: &MerchantEvidence) {
        let payments: BTreeMap<&str, &Value> =
            merchant.payments.iter().map(|payment| (text(payment, "id"), payment)).collect();
        let mut live: BTreeMap<&str, (i64, i64)> = BTreeMap::new();
        // What each refund got back when it was made.
        let mut returned_with: BTreeMap<&str, i64> = BTreeMap::new();
        for event in &merchant.events {
            let Some(refund) = event.get("data").and_then(|data| data.get("object")) else { continue };
            let kind = text(event, "type");
            if !refund.get("merchant_refund_no").is_some_and(Value::is_string) {
                continue;
            }
            let Some(payment) = payments.get(text(refund, "payment")) else { continue };
            let Some(terms) = self.price_of(payment) else { continue };
            let (sum, back) = live.entry(text(payment, "id")).or_insert((0, 0));
            let (amount, fee) = (minor(refund, "amount"), minor(payment, "fee"));
            if kind == "refund.created" {
                let due = due_back(fee, minor(payment, "amount_captured"), *sum + amount);
                let (returned, charged) = match terms.refund_fee {
                    RefundFee::Returned => ((due - *back).clamp(0, (fee - *back).max(0)), 0),
                    RefundFee::Kept => (0, 0),
                    RefundFee::Charged(each) => (0, each),
                };
                *sum += amount;
                *back += returned;
                returned_with.insert(text(refund, "id"), returned);
                let shown = (minor(refund, "fee_returned"), minor(refund, "fee_charged"));
                if shown != (returned, charged) {
                    self.find(
                        "fee given back",
                        format!("{}: {shown:?} instead of {:?}", text(refund, "id"), (returned, charged)),
                    );
                }
            } else if kind == "refund.failed" {
                *sum -= amount;
                *back -= returned_with.get(text(refund, "id")).copied().unwrap_or(0);
                if minor(refund, "fee_returned") != 0 || minor(refund, "fee_charged") != 0 {
                    self.find("fee given back", format!("{} failed and keeps fees", text(refund, "id")));
                }
            }
        }
    }
}
