//! Statements: a day's file holds that day's lines and no other, opens where the one before closed, and closes where it says.

use crate::json::{currency, day_in, list, minor, text};
use crate::{Auditor, MerchantEvidence, StatementEvidence, Terms};
use std::collections::{BTreeMap, BTreeSet};

impl Auditor {
    pub(crate) fn statements(&mut self, merchant: &MerchantEvidence, terms: &Terms) {
        let mut by_day: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
        for line in &merchant.lines {
            let day =
                day_in(text(line, "posted_at"), &terms.zone).map(|day| day.to_string()).unwrap_or_default();
            by_day.entry(day).or_default().insert(text(line, "id"));
        }
        let mut days = BTreeSet::new();
        let mut closing: BTreeMap<(String, String), i64> = BTreeMap::new();
        let mut flows: Vec<&StatementEvidence> = merchant.statements.iter().collect();
        flows.retain(|statement| text(&statement.head, "kind") == "fund_flow");
        flows.sort_by(|a, b| text(&a.head, "date").cmp(text(&b.head, "date")));
        for statement in flows {
            let date = text(&statement.head, "date").to_owned();
            if !days.insert(date.clone()) {
                self.find("statements once", format!("{} has two of {date}", merchant.id));
            }
            let rows: BTreeSet<&str> =
                statement.rows.iter().map(|row| text(row, "id")).filter(|id| !id.is_empty()).collect();
            let expected = by_day.get(&date).cloned().unwrap_or_default();
            if rows != expected {
                let missing: Vec<_> = expected.difference(&rows).collect();
                let more: Vec<_> = rows.difference(&expected).collect();
                self.find(
                    "a statement is its day",
                    format!("{} {date}: without {missing:?}, with {more:?}", merchant.id),
                );
            }
            self.flow_totals(merchant, statement, &mut closing);
        }
        // A day that is over and had lines has its statement.
        let today = day_in(&merchant.now, &terms.zone).map(|day| day.to_string()).unwrap_or_default();
        let last = days.iter().next_back().cloned().unwrap_or_default();
        for (day, _) in by_day.iter().filter(|(day, _)| **day < today) {
            if !days.contains(day) {
                self.find(
                    "a day has its statement",
                    format!("{} has none of {day}, the last is of {last:?}", merchant.id),
                );
            }
        }
        self.trade_totals(merchant, terms);
    }

    fn flow_totals(
        &mut self,
        merchant: &MerchantEvidence,
        statement: &StatementEvidence,
        closing: &mut BTreeMap<(String, String), i64>,
    ) {
        let lines: BTreeMap<&str, i64> =
            merchant.lines.iter().map(|line| (text(line, "id"), minor(line, "amount"))).collect();
        for total in list(&statement.head, "totals") {
            let of = text(total, "currency").to_owned();
            let moved: i64 = statement
                .rows
                .iter()
                .filter(|row| text(row, "currency") == of)
                .filter_map(|row| lines.get(text(row, "id")))
                .sum();
            let (opens, closes) = (minor(total, "opening"), minor(total, "closing"));
            if opens + moved != closes {
                self.find(
                    "statements add up",
                    format!("{} {of}: {opens} and {moved} is not {closes}", text(&statement.head, "date")),
                );
            }
            if let Some(before) = closing.insert((merchant.id.clone(), of.clone()), closes)
                && before != opens
            {
                self.find(
                    "statements follow",
                    format!("{} {of} opens at {opens} after {before}", text(&statement.head, "date")),
                );
            }
        }
    }

    /// Trades of all days together are the lines of all days together. What another merchant gives or gets is no trade.
    fn trade_totals(&mut self, merchant: &MerchantEvidence, terms: &Terms) {
        let trades: Vec<&StatementEvidence> =
            merchant.statements.iter().filter(|statement| text(&statement.head, "kind") == "trade").collect();
        for statement in trades {
            let date = text(&statement.head, "date");
            let mut net: BTreeMap<&str, i64> = BTreeMap::new();
            for line in &merchant.lines {
                let day = day_in(text(line, "posted_at"), &terms.zone).map(|day| day.to_string());
                let is_none = ["maturity", "debt_recovery", "adjustment"].contains(&text(line, "category"));
                if day.as_deref() == Some(date) && !is_none {
                    *net.entry(currency(line, "amount")).or_insert(0) += minor(line, "amount");
                }
            }
            for total in list(&statement.head, "totals") {
                let of = text(total, "currency");
                let rows = statement.rows.iter().filter(|row| text(row, "currency") == of);
                let sum: i64 = rows.map(|row| minor(row, "net")).sum();
                let lines = net.remove(of).unwrap_or(0);
                if sum != lines || minor(total, "net") != lines {
                    self.find(
                        "trades add up",
                        format!("{date} {of}: rows {sum}, total {}, lines {lines}", minor(total, "net")),
                    );
                }
            }
            net.retain(|_, sum| *sum != 0);
            if !net.is_empty() {
                self.find("trades add up", format!("{date}: no total for {net:?}"));
            }
        }
    }
}
