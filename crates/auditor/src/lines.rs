//! Balances and the lines behind them: by sums of payments and refunds, by the running balance of every account, by maturity.

use crate::adjustments::Moved;
use crate::json::{currency, day_in, later, list, minor, number, text};
use crate::{Auditor, MerchantEvidence, Terms};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

const BUCKETS: [&str; 8] =
    ["pending", "available", "reserved", "escrow", "split_hold", "blocked", "in_transit", "owed"];

impl Auditor {
    /// What a merchant has is what was captured for it, less fees, less refunds that stand, and what others gave it or it gave.
    pub(crate) fn balances(&mut self, merchant: &MerchantEvidence, moved: &[Moved<'_>]) {
        let mut earned: BTreeMap<&str, i64> = BTreeMap::new();
        for payment in &merchant.payments {
            let sum = earned.entry(currency(payment, "amount")).or_insert(0);
            *sum += minor(payment, "amount_captured") - minor(payment, "fee");
            for refund in list(payment, "refunds") {
                let own = refund.get("merchant_refund_no").is_some_and(Value::is_string);
                if own && text(refund, "status") != "failed" {
                    *sum -= minor(refund, "amount") - minor(refund, "fee_returned")
                        + minor(refund, "fee_charged");
                }
            }
        }
        for moved in moved {
            *earned.entry(moved.currency).or_insert(0) += moved.minor;
        }
        let mut shown: BTreeMap<&str, i64> = BTreeMap::new();
        for balance in &merchant.balances {
            let parts = BUCKETS.iter().map(|bucket| match *bucket {
                "owed" => -minor(balance, bucket),
                _ => minor(balance, bucket),
            });
            shown.insert(text(balance, "currency"), parts.sum());
        }
        earned.retain(|_, sum| *sum != 0);
        shown.retain(|_, sum| *sum != 0);
        if earned != shown {
            self.find("balance", format!("{} has {shown:?} and earned {earned:?}", merchant.id));
        }
    }

    pub(crate) fn lines(&mut self, merchant: &MerchantEvidence, terms: &Terms, moved: &[Moved<'_>]) {
        self.running_balances(merchant, terms);
        self.lines_of_objects(merchant, moved);
        self.transactions(merchant);
        self.debt_recovered(merchant);
        for line in &merchant.lines {
            self.maturity(line, terms);
        }
        let today = day_in(&merchant.now, &terms.zone).map(|day| day.to_string()).unwrap_or_default();
        let mut waiting: BTreeMap<(&str, &str), i64> = BTreeMap::new();
        for line in merchant.lines.iter().filter(|line| text(line, "bucket") == "pending") {
            *waiting.entry((currency(line, "amount"), text(line, "available_on"))).or_insert(0) +=
                minor(line, "amount");
        }
        for ((of, day), sum) in waiting {
            if sum != 0 && day <= today.as_str() {
                self.find(
                    "matured in time",
                    format!("{}: {sum} {of} of {day} pend still on {today}", merchant.id),
                );
            }
        }
    }

    /// Every account's lines add up to the balance after each, never below its floor, and to what the balances show.
    fn running_balances(&mut self, merchant: &MerchantEvidence, terms: &Terms) {
        let mut after: BTreeMap<(&str, &str, &str), i64> = BTreeMap::new();
        for line in &merchant.lines {
            let bucket = text(line, "bucket");
            let account = (currency(line, "amount"), bucket, text(line, "available_on"));
            let sum = after.entry(account).or_insert(0);
            *sum += minor(line, "amount");
            let shown = line.get("balance_after").filter(|shown| !shown.is_null());
            let sum = *sum;
            if bucket == "pending" && text(line, "category") == "maturity" && sum != 0 {
                self.find("matured whole", format!("{account:?}: {sum} stay behind {line}"));
            }
            if shown.is_some() && minor(line, "balance_after") != sum {
                self.find("running balance", format!("{account:?}: {line} where the lines make {sum}"));
            }
            let by_refund = ["refund", "refund_fee"].contains(&text(line, "category"));
            let floor = match bucket {
                "owed" if by_refund && minor(line, "amount") < 0 => -terms.debt_limit_minor,
                "owed" => i64::MIN,
                _ => 0,
            };
            if sum < floor {
                self.find("floors", format!("{account:?} falls to {sum} with {line}"));
            }
        }
        for balance in &merchant.balances {
            let of = text(balance, "currency");
            for bucket in BUCKETS {
                let sum: i64 =
                    after.iter().filter(|((c, b, _), _)| *c == of && *b == bucket).map(|(_, sum)| sum).sum();
                let shown = if bucket == "owed" { -minor(balance, bucket) } else { minor(balance, bucket) };
                if sum != shown {
                    self.find(
                        "lines make the balance",
                        format!("{} {of} {bucket}: {shown}, its lines {sum}", merchant.id),
                    );
                }
            }
        }
    }

    /// What payments, refunds and adjustments say of themselves is what their lines say.
    fn lines_of_objects(&mut self, merchant: &MerchantEvidence, moved: &[Moved<'_>]) {
        let mut sums: BTreeMap<(&str, &str), i64> = BTreeMap::new();
        for line in &merchant.lines {
            *sums.entry((text(line, "source"), text(line, "category"))).or_insert(0) += minor(line, "amount");
        }
        let mut expected: BTreeMap<(&str, &str), i64> =
            moved.iter().map(|moved| ((moved.id, "adjustment"), moved.minor)).collect();
        for payment in &merchant.payments {
            let id = text(payment, "id");
            expected.insert((id, "payment"), minor(payment, "amount_captured"));
            expected.insert((id, "fee"), -minor(payment, "fee"));
            for refund in list(payment, "refunds") {
                let own = refund.get("merchant_refund_no").is_some_and(Value::is_string);
                let live = own && text(refund, "status") != "failed";
                let id = text(refund, "id");
                expected.insert((id, "refund"), if live { -minor(refund, "amount") } else { 0 });
                expected.insert((id, "fee_refund"), minor(refund, "fee_returned"));
                expected.insert((id, "refund_fee"), -minor(refund, "fee_charged"));
            }
        }
        let moves = ["maturity", "debt_recovery"];
        sums.retain(|(_, category), sum| *sum != 0 && !moves.contains(category));
        expected.retain(|_, sum| *sum != 0);
        for (of, sum) in &sums {
            if expected.get(of) != Some(sum) {
                self.find(
                    "lines of objects",
                    format!("{of:?}: lines of {sum}, expected {:?}", expected.get(of)),
                );
            }
        }
        for (of, sum) in &expected {
            if !sums.contains_key(of) {
                self.find("lines of objects", format!("{of:?}: no lines, expected {sum}"));
            }
        }
    }

    /// A move between a merchant's own accounts is two lines that sum to zero; ids are unique.
    fn transactions(&mut self, merchant: &MerchantEvidence) {
        let mut moves: BTreeMap<(&str, &str), i64> = BTreeMap::new();
        let mut ids = BTreeSet::new();
        for line in &merchant.lines {
            if !ids.insert(text(line, "id")) {
                self.find("lines once", format!("{} is listed twice", text(line, "id")));
            }
            if ["maturity", "debt_recovery"].contains(&text(line, "category")) {
                *moves.entry((text(line, "transaction"), text(line, "category"))).or_insert(0) +=
                    minor(line, "amount");
            }
        }
        for (of, sum) in moves {
            if sum != 0 {
                self.find("moves sum to zero", format!("{of:?}: {sum}"));
            }
        }
    }

    /// A sale, or what another merchant gives, pays debt off before the merchant can have it.
    fn debt_recovered(&mut self, merchant: &MerchantEvidence) {
        let mut owed: BTreeMap<&str, i64> = BTreeMap::new();
        let mut at = 0;
        while let Some(first) = merchant.lines.get(at) {
            let of_one = |line: &&Value| text(line, "transaction") == text(first, "transaction");
            let lines: Vec<&Value> = merchant.lines.iter().skip(at).take_while(of_one).collect();
            at += lines.len();
            let before = owed.get(currency(first, "amount")).copied().unwrap_or(0);
            let sum = |category: &str, bucket: Option<&str>| -> i64 {
                let of = lines.iter().filter(|line| text(line, "category") == category);
                of.filter(|line| bucket.is_none_or(|bucket| text(line, "bucket") == bucket))
                    .map(|line| minor(line, "amount"))
                    .sum()
            };
            let (gross, fee) = (sum("payment", None), sum("fee", None));
            let paid_off = sum("debt_recovery", Some("owed"));
            let came = gross.max(sum("adjustment", None));
            let due = (came + fee).clamp(0, before);
            if came > 0 && paid_off != due {
                self.find(
                    "debt is recovered",
                    format!("{first}: {paid_off} of {before} paid off by {came}, due {due}"),
                );
            }
            for line in lines.iter().filter(|line| text(line, "bucket") == "owed") {
                *owed.entry(currency(line, "amount")).or_insert(0) -= minor(line, "amount");
            }
        }
    }

    fn maturity(&mut self, line: &Value, terms: &Terms) {
        if text(line, "bucket") != "pending" {
            return;
        }
        let Some(day) = day_in(text(line, "posted_at"), &terms.zone) else { return };
        let (category, amount) = (text(line, "category"), minor(line, "amount"));
        let on = text(line, "available_on");
        if category == "payment" && amount > 0 {
            let due = later(day, terms.maturity_days).map(|due| due.to_string()).unwrap_or_default();
            if on != due {
                self.find("available on", format!("{line} instead of {due}"));
            }
        }
        if category == "maturity" && day.to_string().as_str() < on {
            self.find("matured too early", format!("{line}"));
        }
        if number(line, "sequence") != 1 {
            self.find("lines once", format!("{line} changed"));
        }
    }
}
