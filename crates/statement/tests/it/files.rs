//! The bytes of files.

use crate::day::{formed, payment, refund, statement};
use domain::statement::{Kind, SCHEMA, Statement};
use statement::{CsvFile, ExcelFile, Lang, Line, json_line};
use wire::IdText;

fn day(kind: Kind, subject: &str) -> (Vec<Line>, Statement) {
    let (lines, formed) = formed(kind, subject);
    let statement = statement(kind, &formed);
    (lines, statement)
}

fn csv(kind: Kind, subject: &str, lang: Lang) -> String {
    let (lines, statement) = day(kind, subject);
    let file = CsvFile::new(kind, SCHEMA, statement.span, lang);
    String::from_utf8([file.head(), file.lines(&lines)].concat()).unwrap()
}

/// The transaction's number is the last member; it is compared with the fund flow's elsewhere.
fn without_last_cell(line: &str) -> &str {
    line.rsplit_once(',').unwrap().0
}

#[test]
fn json_lines_are_for_programs() {
    let (lines, _) = day(Kind::Trade, "=1+1");
    let text = String::from_utf8(json_line(Kind::Trade, SCHEMA, &lines[1])).unwrap();
    assert!(text.ends_with("\"}\n"), "one object, one line end");
    let expected = format!(
        "{{\"type\":\"refund\",\"posted_at\":\"2026-11-25T08:30:00.123Z\",\"merchant_order_no\":\"-1-2\",\
         \"merchant_refund_no\":\"R-1\",\"payment\":\"{}\",\"refund\":\"{}\",\"currency\":\"CNY\",\"gross\":null,\
         \"fee\":null,\"refund_amount\":{{\"value\":-4000,\"currency\":\"CNY\"}},\
         \"fee_refund\":{{\"value\":24,\"currency\":\"CNY\"}},\"refund_fee\":{{\"value\":0,\"currency\":\"CNY\"}},\
         \"net\":{{\"value\":-3976,\"currency\":\"CNY\"}},\"order_amount\":{{\"value\":10000,\"currency\":\"CNY\"}},\
         \"method\":\"sandbox\",\"scene\":\"bar_code\",\"subject\":\"=1+1\",\"reason\":\"@returned\",\"store\":null,\
         \"terminal\":\"till 7\",\"created_at\":\"2026-11-25T08:30:00.123Z\"",
        IdText::of(payment()),
        IdText::of(refund()),
    );
    assert_eq!(without_last_cell(&text), expected);
}

#[test]
fn csv_is_for_people() {
    let text = csv(Kind::Trade, "a,\"b\"\n=1", Lang::Zh);
    let text = text.strip_prefix('\u{feff}').expect("a byte order mark");
    let head = text.split("\r\n").next().unwrap();
    assert!(head.starts_with("类型,入账时间,商户订单号,商户退款单号,"), "{head}");
    let expected = format!(
        "支付,2026-11-25T16:30:00.123+08:00,'-1-2,,{},,CNY,100.00,-0.60,,,,99.40,100.00,sandbox,付款码,\
         \"a,\"\"b\"\"\n=1\",,,till 7,2026-11-25T16:29:59.123+08:00",
        IdText::of(payment()),
    );
    let line = text.split("\r\n").nth(1).unwrap();
    assert_eq!(without_last_cell(line), expected);
    assert!(text.ends_with("\r\n"));
}

#[test]
fn what_begins_like_a_formula_is_text_in_csv() {
    for (subject, written) in [("=1+1", "'=1+1"), ("+x", "'+x"), ("'q", "''q"), ("\ttab", "'\ttab")] {
        let text = csv(Kind::Trade, subject, Lang::En);
        assert!(text.contains(&format!(",bar_code,{written},")), "{text}");
        assert!(text.contains(",-40.00,"), "amounts are numbers, also below zero");
        assert!(text.contains(",'@returned,"), "{text}");
    }
}

#[test]
fn a_fund_flow_in_csv() {
    let text = csv(Kind::FundFlow, "tea", Lang::En);
    let lines: Vec<&str> = text.split("\r\n").collect();
    assert_eq!(lines[1], "opening,,pending,2026-11-26,CNY,,,5.00,,,,,");
    let expected = format!(
        "movement,2026-11-25T16:30:00.123+08:00,pending,2026-11-26,CNY,payment,100.00,105.00,'-1-2,,{},txn_",
        IdText::of(payment())
    );
    assert!(lines[2].starts_with(&expected), "{}", lines[2]);
    assert_eq!(lines[lines.len() - 2], "closing,,available,,CNY,,,104.41,,,,,");
}

#[test]
fn the_same_statement_gives_the_same_excel_file() {
    let scratch = std::env::temp_dir();
    let make = |lang| {
        let (lines, statement) = day(Kind::FundFlow, "tea");
        let mut file = ExcelFile::new(&statement, lang, &scratch).unwrap();
        file.lines(&lines).unwrap();
        let mut bytes = Vec::new();
        file.finish(&mut bytes).unwrap();
        bytes
    };
    let bytes = make(Lang::Zh);
    assert!(bytes.starts_with(b"PK"));
    assert_eq!(crypto::sha256(&bytes), crypto::sha256(&make(Lang::Zh)));
    assert_ne!(crypto::sha256(&bytes), crypto::sha256(&make(Lang::En)));
}
