//! Files as downloaded: headers, languages, hash, and text that would be a formula.

use super::rows::{advance_past_midnight, day, file, statement};
use crate::harness::merchant::text;
use crate::harness::{Merchant, on_shared};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

#[test]
fn files_are_typed_named_and_hashed() {
    on_shared(async |server| {
        let merchant = Merchant::new(server).await;
        merchant.paid(1_000).await;
        advance_past_midnight(&merchant, 60).await;
        let date = day(&merchant, -1).await;
        let made = statement(&merchant, &date, "trade").await;
        for (format, media_type, ending) in [
            ("csv", "text/csv; charset=utf-8", "csv"),
            ("excel", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx"),
            ("jsonl", "application/jsonl", "jsonl"),
        ] {
            let answer = file(&merchant, &made, &format!("format={format}")).await;
            assert_eq!(answer.header("content-type"), media_type);
            let name = format!("attachment; filename=\"trade_{date}_{}.{ending}\"", merchant.id);
            assert_eq!(answer.header("content-disposition"), name);
            assert_eq!(answer.header("feiqian-world"), "sandbox");
            assert!(!answer.header("request-id").is_empty());
        }
        let jsonl = file(&merchant, &made, "format=jsonl").await;
        let hash = crypto::sha256(jsonl.text.as_bytes());
        assert_eq!(text(&made, "sha256"), crypto::hex(&hash));
        assert_eq!(jsonl.header("repr-digest"), format!("sha-256=:{}:", STANDARD.encode(hash)));
        // Without a wish the request's own language decides.
        let path = format!("/v1/statements/{}/file", text(&made, "id"));
        let chinese = merchant.client.call("GET", &path).header("accept-language", "zh-CN").send().await;
        assert_eq!(chinese.text, file(&merchant, &made, "format=csv&lang=zh").await.text);
        assert!(chinese.text.starts_with("\u{feff}类型,入账时间,"), "{}", chinese.text);
        assert!(file(&merchant, &made, "lang=en").await.text.starts_with("\u{feff}type,posted_at,"));
    });
}

/// Whatever a merchant's customer can write into an order must not run in the accountant's spreadsheet.
#[test]
fn text_that_would_be_a_formula_is_text() {
    on_shared(async |server| {
        let merchant = Merchant::new(server).await;
        let subjects =
            ["=HYPERLINK(\"http://evil.example\",\"x\")", "+1+1", "-2+3", "@SUM(A1)", "\t=1", "a,b\"c\nd"];
        for subject in subjects {
            let mut order = merchant.order("bar_code", 100, Some("succeed"));
            order["subject"] = json!(subject);
            order["merchant_order_no"] = json!(format!("-{}", merchant.next_no("x")));
            order["store"] = json!("=1");
            merchant.create(&order).send().await.expect(201);
        }
        advance_past_midnight(&merchant, 60).await;
        let made = statement(&merchant, &day(&merchant, -1).await, "trade").await;
        let csv = file(&merchant, &made, "format=csv&lang=en").await.text;
        let mut reader = csv_rows(&csv);
        let head = reader.remove(0);
        let column = |name: &str| head.iter().position(|cell| cell == name).expect("a column");
        let mut shown: Vec<String> = Vec::new();
        for row in &reader {
            for cell in row {
                let is_number = cell.parse::<f64>().is_ok();
                assert!(is_number || !cell.starts_with(['=', '+', '-', '@', '\t', '\r']), "{cell}");
            }
            assert!(
                row[column("merchant_order_no")].starts_with("'-"),
                "a number of a merchant's is text too"
            );
            shown.push(
                row[column("subject")].strip_prefix('\'').unwrap_or(&row[column("subject")]).to_owned(),
            );
        }
        assert_eq!(shown, subjects, "one apostrophe taken away gives the text back");
    });
}

/// RFC 4180, read as it says.
fn csv_rows(text: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut cell, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut characters = text.trim_start_matches('\u{feff}').chars().peekable();
    while let Some(character) = characters.next() {
        match (character, quoted) {
            ('"', true) if characters.peek() == Some(&'"') => {
                characters.next();
                cell.push('"');
            }
            ('"', _) => quoted = !quoted,
            (',', false) => row.push(std::mem::take(&mut cell)),
            ('\r', false) => {}
            ('\n', false) => {
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
            }
            (other, _) => cell.push(other),
        }
    }
    rows
}
