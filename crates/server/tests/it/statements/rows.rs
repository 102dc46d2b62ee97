//! What the cases about statements share: days by the merchant's clock, statements of a day, their files.

use crate::harness::merchant::text;
use crate::harness::{Answer, Merchant, until};
use serde_json::{Value, json};

/// Seconds of a day in a zone without summer time.
pub const DAY_S: i64 = 86_400;

/// The merchant's business time, microseconds.
pub async fn now_us(merchant: &Merchant<'_>) -> i64 {
    let clock = merchant.client.get("/v1/sandbox/clock").await.expect(200);
    let now: jiff::Timestamp = text(&clock.json, "now").parse().expect("a time");
    now.as_microsecond()
}

/// The merchant's business day, `after` days later.
pub async fn day(merchant: &Merchant<'_>, after: i64) -> String {
    // The zone of every merchant here has had no summer time for long.
    let local_us = now_us(merchant).await + 8 * 3_600_000_000;
    ledger::Day(i32::try_from(local_us.div_euclid(86_400_000_000) + after).expect("a day")).to_string()
}

/// Moves the merchant's clock to so many seconds after (or before) its next midnight.
pub async fn advance_past_midnight(merchant: &Merchant<'_>, seconds: i64) {
    let local_s = (now_us(merchant).await + 8 * 3_600_000_000).div_euclid(1_000_000);
    merchant.advance(DAY_S - local_s.rem_euclid(DAY_S) + seconds).await;
}

/// The statement of a day, as soon as it is there.
pub async fn statement(merchant: &Merchant<'_>, date: &str, kind: &str) -> Value {
    let path = format!("/v1/statements?date={date}&kind={kind}");
    until(&format!("{kind} statement of {date}"), || async {
        let answer = merchant.client.get(&path).await;
        (answer.status == 200).then(|| answer["data"][0].clone())
    })
    .await
}

/// A statement's file.
pub async fn file(merchant: &Merchant<'_>, statement: &Value, query: &str) -> Answer {
    let path = format!("/v1/statements/{}/file?{query}", text(statement, "id"));
    merchant.client.get(&path).await.expect(200)
}

/// The lines of a statement, out of its JSON Lines file.
pub async fn lines(merchant: &Merchant<'_>, statement: &Value) -> Vec<Value> {
    let file = file(merchant, statement, "format=jsonl").await;
    file.text.lines().map(|line| serde_json::from_str(line).expect("an object a line")).collect()
}

/// An amount as JSON Lines write it.
pub fn money(minor: i64) -> Value {
    json!({ "value": minor, "currency": "CNY" })
}
