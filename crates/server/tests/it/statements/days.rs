//! When a day's statements are there, and what they say.

use super::rows::{DAY_S, advance_past_midnight, day, file, lines, money, statement};
use crate::cases_b::endpoints::{listen_at, until_accepted};
use crate::harness::merchant::text;
use crate::harness::{Merchant, Receiver, Server, on_own, on_shared, until};
use serde_json::{Value, json};

#[test]
fn a_day_is_there_once_it_is_over_and_never_changes() {
    on_shared(async |server| {
        let merchant = Merchant::new(server).await;
        let today = day(&merchant, 0).await;
        let path = format!("/v1/statements?date={today}&kind=trade");
        let early = merchant.client.get(&path).await.expect_problem(409, "statement_not_ready");
        let wait_s: i64 = early.header("retry-after").parse().expect("seconds");
        assert!((5..=DAY_S + 60).contains(&wait_s), "{wait_s}");
        assert_eq!(early["retryable"], true);

        let paid = merchant.paid(10_000).await.id();
        let refund = merchant.refund(&paid, Some(4_000), None).send().await.expect(201).id();
        merchant.refund_in(&refund, "succeeded").await;
        advance_past_midnight(&merchant, 60).await;
        // The move of the clock waits for what it makes due.
        let trade = merchant.client.get(&path).await.expect(200)["data"][0].clone();
        let flow = statement(&merchant, &today, "fund_flow").await;
        assert_eq!(
            (&trade["object"], &trade["status"], &trade["date"], &trade["business_zone"], &trade["schema"]),
            (&json!("statement"), &json!("ready"), &json!(today), &json!("Asia/Shanghai"), &json!(1))
        );
        assert_eq!((&trade["line_count"], &flow["line_count"]), (&json!(2), &json!(6)));
        assert_eq!(trade["root"], flow["root"]);
        let totals = &trade["totals"][0];
        assert_eq!((&totals["gross"], &totals["fee"]), (&money(10_000), &money(-60)));
        assert_eq!((&totals["refund_amount"], &totals["fee_refund"]), (&money(-4_000), &money(24)));
        assert_eq!((&totals["net"], &totals["refund_fee"]), (&money(5_964), &money(0)));
        let totals = &flow["totals"][0];
        assert_eq!((&totals["opening"], &totals["closing"]), (&money(0), &money(5_964)));

        // What happens later, to the same payment too, stands on a later day; what was formed stays to the byte.
        let before = (file(&merchant, &trade, "format=jsonl").await.text, lines(&merchant, &flow).await);
        let second = merchant.refund(&paid, None, Some("fail")).send().await.expect(201).id();
        merchant.refund_in(&second, "failed").await;
        advance_past_midnight(&merchant, 60).await;
        let again = merchant.client.get(&format!("/v1/statements/{}", text(&trade, "id"))).await.expect(200);
        assert_eq!(again.json, trade);
        assert_eq!(
            before,
            (file(&merchant, &trade, "format=jsonl").await.text, lines(&merchant, &flow).await)
        );
        let tomorrow = day(&merchant, -1).await;
        let later = statement(&merchant, &tomorrow, "trade").await;
        let types: Vec<Value> =
            lines(&merchant, &later).await.iter().map(|line| line["type"].clone()).collect();
        assert_eq!(types, [json!("refund"), json!("refund_failed")]);
        let later_flow = statement(&merchant, &tomorrow, "fund_flow").await;
        assert_eq!(later_flow["totals"][0]["opening"], flow["totals"][0]["closing"]);
    });
}

#[test]
fn a_day_without_trade_has_a_statement_without_lines() {
    on_shared(async |server| {
        let merchant = Merchant::new(server).await;
        merchant.paid(1_000).await;
        advance_past_midnight(&merchant, 60).await;
        let quiet = day(&merchant, 1).await;
        // The money matures on the day of the move, two days later: the day between is quiet.
        merchant.advance(3 * DAY_S).await;
        for kind in ["trade", "fund_flow"] {
            let made = statement(&merchant, &quiet, kind).await;
            assert_eq!(
                (&made["line_count"], &made["root"], &made["blocks"]),
                (&json!(0), &Value::Null, &Value::Null)
            );
            let csv = file(&merchant, &made, "format=csv&lang=en").await.text;
            assert_eq!(csv.matches("\r\n").count(), 1, "a header and nothing else: {csv}");
            assert_eq!(file(&merchant, &made, "format=jsonl").await.text, "");
        }
        let flow = statement(&merchant, &quiet, "fund_flow").await;
        assert_eq!(flow["totals"][0]["opening"], flow["totals"][0]["closing"], "money that did not move");
    });
}

#[test]
fn days_that_are_not_there_say_why() {
    on_shared(async |server| {
        let merchant = Merchant::new(server).await;
        let client = &merchant.client;
        let before = day(&merchant, -1).await;
        client.get(&format!("/v1/statements?date={before}")).await.expect_problem(404, "statement_not_found");
        client.get("/v1/statements?date=9999-12-31").await.expect_problem(409, "statement_not_ready");
        for query in
            ["date=2026-13-01", "date=20261125", "date=", "kind=other", "kind=", "limit=0", "limit=101"]
        {
            client.get(&format!("/v1/statements?{query}")).await.expect_problem(400, "field_invalid");
        }
        client.get("/v1/statements?day=2026-11-25").await.expect_problem(400, "unknown_field");
        client.get("/v1/statements?cursor=x").await.expect_problem(400, "cursor_invalid");
        assert_eq!(client.get("/v1/statements").await.expect(200)["data"], json!([]));
        advance_past_midnight(&merchant, 60).await;
        let made = statement(&merchant, &day(&merchant, -1).await, "trade").await;
        let file = format!("/v1/statements/{}/file", text(&made, "id"));
        for query in ["format=pdf", "format=CSV", "lang=fr", "format=csv&format=csv"] {
            client.get(&format!("{file}?{query}")).await.expect_problem(400, "field_invalid");
        }
        client.get(&format!("{file}?kind=trade")).await.expect_problem(400, "unknown_field");
        let other = Merchant::new(server).await;
        for path in [file, format!("/v1/statements/{}", text(&made, "id"))] {
            other.client.get(&path).await.expect_problem(404, "statement_not_found");
        }
    });
}

/// Sixty days at once, paged through: two a day, newest first, each once.
#[test]
fn a_leap_of_the_clock_forms_every_day_between() {
    on_shared(async |server| {
        let merchant = Merchant::new(server).await;
        let first = day(&merchant, 0).await;
        merchant.advance(60 * DAY_S).await;
        let expected: Vec<String> = {
            let begin = ledger::Day::parse(&first).expect("a day");
            (0..60).map(|n| begin.plus(n).to_string()).collect()
        };
        for kind in ["trade", "fund_flow"] {
            let rows = merchant.all(&format!("/v1/statements?kind={kind}")).await;
            let mut dates: Vec<String> = rows.iter().map(|row| text(row, "date")).collect();
            let created: Vec<String> = rows.iter().map(|row| text(row, "created_at")).collect();
            assert!(created.windows(2).all(|pair| pair[0] >= pair[1]), "newest first");
            dates.sort();
            assert_eq!(dates, expected);
        }
        assert_eq!(merchant.all("/v1/statements").await.len(), 120);
    });
}

#[test]
fn a_merchant_is_told_once_of_each_statement() {
    on_shared(async |server| {
        let merchant = Merchant::new(server).await;
        let receiver = Receiver::start().await;
        listen_at(&merchant, &receiver.url, &["statement.ready"]).await;
        merchant.paid(500).await;
        advance_past_midnight(&merchant, 60).await;
        for kind in ["trade", "fund_flow"] {
            let made = statement(&merchant, &day(&merchant, -1).await, kind).await;
            let id = text(&made, "id");
            until_accepted(&merchant, &receiver, &id, 1).await;
            let told = receiver.accepted_of(&id);
            assert_eq!(told.len(), 1);
            assert_eq!(told[0].kind(), "statement.ready");
            assert_eq!(told[0].json["data"]["object"], made, "as GET shows it");
            assert_eq!(merchant.event_types(&id).await, ["statement.ready"]);
        }
    });
}

/// Live has no clock to move: the days of a merchant that was made days ago are formed by themselves, by real time.
#[test]
fn a_live_merchants_past_days_are_formed_by_themselves() {
    on_own(&[("", "public_url", "\"https://pay.example.com\"")], async |server| {
        let live = crate::cases_b::live::LiveMerchant::new(server).await;
        server.stop();
        let id = crate::harness::books::uid(&live.id);
        let file = rusqlite::Connection::open(server.data_dir().join("feiqian.db")).expect("the database");
        let three_days_us = 3 * DAY_S * 1_000_000;
        let sql = "UPDATE merchant SET created_at_us = created_at_us - ?2 WHERE id = ?1";
        assert_eq!(file.execute(sql, rusqlite::params![id.0, three_days_us]).expect("it runs"), 1);
        let sql = "UPDATE statement_due SET due_at_us = due_at_us - ?2 WHERE merchant = ?1";
        assert_eq!(file.execute(sql, rusqlite::params![id.0, three_days_us]).expect("it runs"), 1);
        drop(file);
        server.serve();
        let rows = until("statements of three days", || async {
            let answer = live.draft("GET", "/v1/statements", None).call(server, &live.pair).send().await;
            let rows = answer.expect(200)["data"].as_array().expect("rows").clone();
            (rows.len() >= 6).then_some(rows)
        })
        .await;
        assert_eq!(rows.len(), 6);
        assert!(rows.iter().all(|row| row["world"] == "live" && row["line_count"] == 0));
    });
}

/// The operator's command line shows and writes what the merchant sees.
#[test]
fn the_operator_exports_what_the_merchant_downloads() {
    on_shared(async |server| {
        let merchant = Merchant::new(server).await;
        merchant.paid(12_300).await;
        advance_past_midnight(&merchant, 60).await;
        let date = day(&merchant, -1).await;
        let made = statement(&merchant, &date, "trade").await;
        let which = ["--merchant", &merchant.id, "--date", &date, "--kind", "trade"];
        let shown = server.cli(&[&["statement", "show"][..], &which].concat());
        assert_eq!(shown["data"], json!([made]));
        let out = server.dir().join(server.next_no("trade.csv")).display().to_string();
        let export = [&["statement", "export"][..], &which, &["--lang", "zh", "--out", &out]].concat();
        server.cli(&export);
        let written = std::fs::read_to_string(&out).expect("the file");
        assert_eq!(written, file(&merchant, &made, "format=csv&lang=zh").await.text);
        let again = server.try_cli(&export);
        assert!(!again.status.success(), "an existing file is not touched");
        assert_eq!(std::fs::read_to_string(&out).expect("the file"), written);
        for wrong in [
            ["statement", "show", "--merchant", &merchant.id, "--date", "2020-01-01"],
            ["statement", "show", "--merchant", "mch_x", "--date", &date],
            ["statement", "show", "--merchant", &merchant.id, "--date", "today"],
        ] {
            assert!(!server.try_cli(&wrong).status.success(), "{wrong:?}");
        }
        refuses_two_kinds(server, &merchant, &date);
    });
}

fn refuses_two_kinds(server: &Server, merchant: &Merchant<'_>, date: &str) {
    let out = server.dir().join("both.csv").display().to_string();
    let both = ["statement", "export", "--merchant", &merchant.id, "--date", date, "--out", &out];
    assert!(!server.try_cli(&both).status.success());
    assert!(!std::path::Path::new(&out).exists());
}
