//! The operator's trial balance against the channel's book and the merchants' objects.

use crate::fee::due_back;
use crate::json::{currency, list, minor, text};
use crate::{Auditor, Evidence};
use serde_json::Value;
use std::collections::BTreeMap;

type Sums = BTreeMap<(String, u16, String), i64>;

fn add(sums: &mut Sums, world: &str, code: u16, of: &str, minor: i64) {
    *sums.entry((world.to_owned(), code, of.to_owned())).or_insert(0) += minor;
}

impl Auditor {
    pub(crate) fn books(&mut self, evidence: &Evidence) {
        let mut expected = Sums::new();
        for trade in &evidence.trades {
            for (_, of, taken) in &trade.taken {
                add(&mut expected, &trade.world, 1110, of, *taken);
            }
            for (_, of, back, done) in &trade.refunds {
                add(&mut expected, &trade.world, 1110, of, if *done { -back } else { 0 });
            }
        }
        for merchant in &evidence.merchants {
            let cost_back = self.cost_given_back(&merchant.events, &merchant.payments);
            for payment in &merchant.payments {
                let (world, of) = (text(payment, "world"), currency(payment, "amount"));
                let mut earned = minor(payment, "fee");
                for refund in list(payment, "refunds").iter().filter(|refund| is_own(refund)) {
                    earned += minor(refund, "fee_charged") - minor(refund, "fee_returned");
                }
                add(&mut expected, world, 4010, of, -earned);
                let kept = self.cost.on(minor(payment, "amount_captured"));
                let cost = kept - cost_back.get(text(payment, "id")).copied().unwrap_or(0);
                add(&mut expected, world, 5010, of, cost);
                add(&mut expected, world, 2120, of, -cost);
            }
        }
        let mut shown = Sums::new();
        for row in &evidence.trial {
            add(&mut shown, &row.world, row.code, &row.currency, row.debit_minor);
        }
        expected.retain(|_, sum| *sum != 0);
        shown.retain(|_, sum| *sum != 0);
        for (account, sum) in &expected {
            if shown.get(account) != Some(sum) {
                self.find("trial balance", format!("{account:?}: {:?}, must be {sum}", shown.get(account)));
            }
        }
        for (account, sum) in shown {
            if !expected.contains_key(&account) {
                self.find("trial balance", format!("{account:?}: {sum}, must be nothing"));
            }
        }
    }

    /// The channel's cost that came back with refunds, by payment: as they succeeded, in that order.
    fn cost_given_back<'e>(&self, events: &'e [Value], payments: &[Value]) -> BTreeMap<&'e str, i64> {
        let captured: BTreeMap<&str, i64> =
            payments.iter().map(|payment| (text(payment, "id"), minor(payment, "amount_captured"))).collect();
        let mut back: BTreeMap<&str, i64> = BTreeMap::new();
        let mut refunded: BTreeMap<&str, i64> = BTreeMap::new();
        let mut of_refund: BTreeMap<&str, i64> = BTreeMap::new();
        for event in events {
            let Some(refund) = event.get("data").and_then(|data| data.get("object")) else { continue };
            if text(refund, "object") != "refund" || !is_own(refund) {
                continue;
            }
            let payment = text(refund, "payment");
            let taken = captured.get(payment).copied().unwrap_or(0);
            let cost = self.cost.on(taken);
            let (sum, given) = (refunded.entry(payment).or_insert(0), back.entry(payment).or_insert(0));
            match text(event, "type") {
                "refund.succeeded" => {
                    *sum += minor(refund, "amount");
                    let due = (due_back(cost, taken, *sum) - *given).clamp(0, (cost - *given).max(0));
                    *given += due;
                    of_refund.insert(text(refund, "id"), due);
                }
                "refund.failed" => {
                    if let Some(due) = of_refund.remove(text(refund, "id")) {
                        *sum -= minor(refund, "amount");
                        *given -= due;
                    }
                }
                _ => {}
            }
        }
        back
    }
}

/// A refund that a merchant asked for.
fn is_own(refund: &Value) -> bool {
    refund.get("merchant_refund_no").is_some_and(Value::is_string)
}
