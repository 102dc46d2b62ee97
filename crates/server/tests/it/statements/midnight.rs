//! Midnight under load: every line stands on exactly one day, the one of its own time, and none slips into a day that was formed.

use super::rows::{DAY_S, advance_past_midnight, day, lines, now_us, statement};
use crate::harness::merchant::text;
use crate::harness::{Merchant, on_own, until};
use domain::id::{BalanceTransactionId, Id};
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};

/// Payers at once.
const PAYERS: usize = 4;
/// The clock is set to so long before midnight.
const BEFORE_S: i64 = 2;

#[test]
fn midnight_under_load_splits_the_lines_by_their_time() {
    on_own(&[], async |server| {
        let merchant = Merchant::new(server).await;
        advance_past_midnight(&merchant, -BEFORE_S).await;
        let first = day(&merchant, 0).await;
        let second = day(&merchant, 1).await;
        let midnight_us = (now_us(&merchant).await / 1_000_000 + BEFORE_S) * 1_000_000;
        let stop = AtomicBool::new(false);
        let pay = async |payer: usize| {
            let mut amount_minor = 1_000 + i64::try_from(payer).expect("few");
            while !stop.load(Ordering::Relaxed) {
                let paid = merchant.paid(amount_minor).await.id();
                merchant.refund(&paid, Some(100), None).send().await.expect(201);
                amount_minor += 10;
            }
        };
        // Nobody moves the clock: the day is formed by itself while payments go on.
        let formed = async {
            let early = merchant.client.get(&format!("/v1/statements?date={first}")).await;
            assert_eq!(early.code(), "statement_not_ready", "{}", early.text);
            let made = statement(&merchant, &first, "fund_flow").await;
            let told = lines(&merchant, &made).await;
            until("a payment after the day was formed", || async {
                let newest = merchant.client.get("/v1/balance_transactions?limit=1").await.expect(200);
                (seq(&newest["data"][0]) > told.iter().map(seq).max().unwrap_or(0)).then_some(())
            })
            .await;
            stop.store(true, Ordering::Relaxed);
            (made, told)
        };
        let payers = futures::future::join_all((0..PAYERS).map(pay));
        let (_, (made, told)) = tokio::join!(payers, formed);
        assert!(now_us(&merchant).await > midnight_us);
        merchant.advance(DAY_S).await;
        let (again, next) = (
            lines(&merchant, &made).await,
            lines(&merchant, &statement(&merchant, &second, "fund_flow").await).await,
        );
        assert_eq!(told, again, "what was formed under load is as it was");
        let (yesterday, today) = (movements(&again), movements(&next));
        assert!(yesterday.len() > 4 && today.len() > 4, "{} and {} lines", yesterday.len(), today.len());
        assert!(yesterday.is_disjoint(&today));
        let mut all: BTreeSet<String> =
            merchant.all("/v1/balance_transactions").await.iter().map(|line| text(line, "id")).collect();
        // What matured by the last move of the clock is the third day's.
        all.retain(|id| seq_of(id) <= next.iter().map(seq).max().unwrap_or(0));
        assert_eq!(&yesterday | &today, all, "the two days have every line, each once");
        for (lines, is_of_the_day) in [(&again, true), (&next, false)] {
            for line in lines.iter().filter(|line| line["type"] == "movement") {
                let posted: jiff::Timestamp = text(line, "posted_at").parse().expect("a time");
                assert_eq!(posted.as_microsecond() < midnight_us, is_of_the_day, "{line}");
            }
        }
        assert!(again.iter().map(seq).max() < next.iter().filter(|l| l["type"] == "movement").map(seq).min());
    });
}

fn movements(lines: &[Value]) -> BTreeSet<String> {
    lines.iter().filter(|line| line["type"] == "movement").map(|line| text(line, "id")).collect()
}

/// A line's number in the journal, out of its id.
fn seq(line: &Value) -> i64 {
    line["id"].as_str().map_or(0, seq_of)
}

fn seq_of(id: &str) -> i64 {
    wire::line_position(BalanceTransactionId::parse(id).expect("an id")).seq
}
