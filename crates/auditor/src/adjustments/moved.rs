//! What adjustments moved, by the lines of both merchants.

use crate::json::{currency, minor, text};
use crate::{Auditor, Evidence, MerchantEvidence};
use serde_json::Value;

/// What one adjustment did to one merchant.
pub(crate) struct Moved<'e> {
    /// The adjustment.
    pub(crate) id: &'e str,
    /// In which currency.
    pub(crate) currency: &'e str,
    /// How much came; below zero: went.
    pub(crate) minor: i64,
}

impl<'e> Moved<'e> {
    /// All that moved from and to a merchant.
    pub(crate) fn of(merchant: &str, evidence: &'e Evidence) -> Vec<Moved<'e>> {
        let succeeded = evidence.adjustments.iter().filter(|row| text(row, "status") == "succeeded");
        succeeded
            .filter_map(|row| {
                let sign = match merchant {
                    of if of == text(row, "from") => -1,
                    of if of == text(row, "to") => 1,
                    _ => return None,
                };
                let minor = sign * minor(row, "amount");
                Some(Moved { id: text(row, "id"), currency: currency(row, "amount"), minor })
            })
            .collect()
    }
}

impl Auditor {
    /// Two people, two halves, each once; nothing stays between the two.
    pub(crate) fn adjustments(&mut self, evidence: &Evidence) {
        for row in &evidence.adjustments {
            if text(row, "status") == "in_transit" {
                self.find("everything ends", format!("still in transit: {row}"));
            }
            let decided = text(row, "decided_by");
            let is_open = text(row, "status") == "proposed";
            let is_own = decided == text(row, "proposed_by") && text(row, "status") != "rejected";
            if is_open != decided.is_empty() || is_own {
                self.find("two people decide", row.to_string());
            }
            self.corrects_one_of_the_two(row, evidence);
            for (who, sign) in [("from", -1), ("to", 1)] {
                let merchant = evidence.merchants.iter().find(|merchant| merchant.id == text(row, who));
                self.half(row, merchant, sign);
            }
        }
        let between = evidence.trial.iter().filter(|row| row.code == 1920 && row.debit_minor != 0);
        for row in between {
            self.find("nothing in transit", format!("1920 is not empty: {row:?}"));
        }
    }

    /// What is corrected is a payment of one of the two, in the currency that moves.
    fn corrects_one_of_the_two(&mut self, row: &Value, evidence: &Evidence) {
        let is_one =
            |merchant: &&MerchantEvidence| ["from", "to"].iter().any(|who| merchant.id == text(row, who));
        let of = evidence.merchants.iter().filter(is_one).flat_map(|merchant| &merchant.payments);
        let corrected = of.clone().find(|payment| text(payment, "id") == text(row, "corrects"));
        if corrected.is_none_or(|payment| currency(payment, "amount") != currency(row, "amount")) {
            self.find("what is corrected", format!("{row} corrects {corrected:?}"));
        }
    }

    /// One half is one line, of the whole sum; or none.
    fn half(&mut self, row: &Value, merchant: Option<&MerchantEvidence>, sign: i64) {
        let lines = merchant
            .map_or(&[][..], |merchant| &merchant.lines)
            .iter()
            .filter(|line| text(line, "source") == text(row, "id") && text(line, "category") == "adjustment");
        let moved: Vec<(&str, &str, i64)> = lines
            .map(|line| (text(line, "bucket"), currency(line, "amount"), minor(line, "amount")))
            .collect();
        let whole = ("available", currency(row, "amount"), sign * minor(row, "amount"));
        let expected = if text(row, "status") == "succeeded" { vec![whole] } else { Vec::new() };
        if moved != expected {
            self.find("an adjustment moves once", format!("{row}: lines {moved:?}, must be {expected:?}"));
        }
    }
}
