//! Renders the books' documentation, so that it can't say anything else than the code.

mod chinese;

use std::fmt::Write;

use crate::{Bucket, CHART, Facts, Floor, Keeping, Owner, PostingKind, Side};

/// One row of the table of postings.
struct Row {
    event: &'static str,
    debit: &'static str,
    credit: &'static str,
    function: &'static str,
}

/// Names a function and makes the compiler look for it.
macro_rules! function {
    ($module:ident::$name:ident) => {{
        let _ = crate::posting::$module::$name;
        concat!("posting::", stringify!($module), "::", stringify!($name))
    }};
}

/// The language of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// `docs/books.md`
    English,
    /// `docs/books.zh-CN.md`
    Chinese,
}

impl Language {
    /// A cell in this language. Numbers of accounts are the same in both; what else has no Chinese stays English, which a test
    /// looks for.
    fn cell(self, english: &'static str) -> &'static str {
        match self {
            Language::English => english,
            Language::Chinese => chinese::of(english).unwrap_or(english),
        }
    }
}

/// The whole page.
pub fn render(language: Language) -> String {
    let (head, middle, tail) = match language {
        Language::English => (HEAD, MIDDLE, TAIL),
        Language::Chinese => (chinese::HEAD, chinese::MIDDLE, chinese::TAIL),
    };
    let mut text = String::from(head);
    for facts in &CHART {
        chart_row(&mut text, facts, language);
    }
    text.push_str(middle);
    for kind in PostingKind::ALL {
        for row in rows(kind) {
            let Row { event, debit, credit, function } = row;
            let [event, debit, credit] = [event, debit, credit].map(|cell| language.cell(cell));
            line(
                &mut text,
                format_args!("| {event} | {debit} | {credit} | `{}` | `{function}` |", kind.as_str()),
            );
        }
    }
    text.push_str(tail);
    text
}

const HEAD: &str = "# Accounts and postings

The chart of accounts, and every posting with the accounts that it moves: what is booked when money comes, matures and goes back.

Rendered from the crate `ledger` by a test; do not edit it here. `UPDATE_DOCS=1 cargo test -p ledger` writes it anew.

## Accounts

An account is its code, its dimension, its day where it has one, and its currency. Amounts of lines are minor units,
debit above zero, credit below. *Side* is where an account grows, *floor* how far it may fall, *keeping* where its
balance lives: `chained` accounts are loaded and number their lines with the balance after each; `delta` accounts take
changes and are never loaded; `object` accounts are a column of the object that the dimension names. *Bucket* is the
part of a merchant's balance, seen by the merchant.

| code | account | 科目 | dimension | side | floor | keeping | bucket | owner | meaning |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
";

const MIDDLE: &str = "
## Postings

Each row is one balanced posting of one currency. \"Drawn\" means taken from the named accounts in the named order, each
down to its floor, the rest from the last. \"A / B\" are alternatives, in the same order in each column. Accounts in
brackets have a line only where there is something to book.

| event | debit | credit | kind | function |
| --- | --- | --- | --- | --- |
";

const TAIL: &str = "
## Rules

* Lines stand in the order in which running balances are taken: no line of a template takes an account below its floor,
  not even for the length of the posting.
* A sale's fee may exceed its gross: it is drawn from the 2010 that took the gross, then from 2020, and what is missing
  becomes debt (1210). Debt is recovered from what a later sale's gross leaves after its fee.
* The channel's cost of money that a payment may not keep is accrued when the money comes in, so that 2120 equals the
  bill; a held payment that may keep its money is then booked without cost.
* A refund's part that 1210 took is reported, so that the decision can hold it against the merchant's debt limit.
* A failed refund turns its acceptance round line by line in reverse order, under the same categories. What came from a
  2010 that has matured since goes to 2020. What 1210 took returns to 1210 up to the present debt; the rest was repaid
  meanwhile and goes to 2020.
* The fee that refunds give back is cumulative, `round(fee × Σ live refunds ÷ captured) − Σ given back`, so any sequence
  of partial refunds ends where one full refund would.
* 1120 is identified by its batch, 2030 by its hold (a merchant under a reserve plan), 2050 by its case; batch, hold and
  case each belong to one channel account or merchant.
";

fn line(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    // Writing to a String can't fail.
    let _ = writeln!(text, "{arguments}");
}

fn chart_row(text: &mut String, facts: &Facts, language: Language) {
    let side = match facts.side {
        Side::Debit => "debit",
        Side::Credit => "credit",
    };
    let floor = match facts.floor {
        Floor::None => "none",
        Floor::Zero => "zero",
        Floor::CreditLine => "minus the credit line",
        Floor::Alarm => "none, alarm below zero",
    };
    let keeping = match facts.keeping {
        Keeping::Chained => "chained",
        Keeping::Delta => "delta",
        Keeping::Object => "object",
    };
    let owner = match facts.owner {
        Owner::Merchant => "merchant",
        Owner::Platform => "platform",
    };
    let bucket = facts.bucket.map_or("", Bucket::as_str);
    let Facts { code, name, gloss, .. } = facts;
    // Each page names the account in its own language first.
    let (name, gloss) = if language == Language::English { (name, gloss) } else { (gloss, name) };
    let [dimensions, side, floor, owner, meaning] =
        [facts.dimensions, side, floor, owner, facts.meaning].map(|cell| language.cell(cell));
    line(
        text,
        format_args!(
            "| {code} | {name} | {gloss} | {dimensions} | {side} | {floor} | {keeping} | {bucket} | {owner} | {meaning} |"
        ),
    );
}

fn rows(kind: PostingKind) -> Vec<Row> {
    let row = |event, debit, credit, function| Row { event, debit, credit, function };
    match kind {
        PostingKind::Authorized => {
            vec![row("an amount was authorized (memo)", "9010", "9020", function!(authorization::authorized))]
        }
        PostingKind::AuthorizationReleased => {
            let event = "it was captured, voided or expired (memo)";
            vec![row(event, "9020", "9010", function!(authorization::released))]
        }
        PostingKind::PaymentSucceeded => vec![row(
            "a payment or capture succeeded: gross; [fee with its tax]; [channel cost]; [debt recovered]",
            "1110, or 2910 if it was held; [fee drawn from that 2010, 2020, 1210]; [5010]; [that 2010]",
            "2010; [4010, 2210]; [2120]; [1210]",
            function!(payment::succeeded),
        )],
        PostingKind::PaymentNotKept => {
            let event = "money that a payment may not keep (paid after close, paid twice), sent back by a refund; [channel cost]";
            vec![row(event, "1110; [5010]", "2130; [2120]", function!(held::not_kept))]
        }
        PostingKind::PaymentHeld => vec![
            row(
                "another amount or currency, held for a person; [channel cost]",
                "1110; [5010]",
                "2910; [2120]",
                function!(held::held),
            ),
            row(
                "sending such money back failed / after the channel had taken it; [cost given back turned round]",
                "2130 / 1110 of the day it was learnt; [5010]",
                "2910 / 2910; [2120]",
                function!(held::return_failed),
            ),
        ],
        PostingKind::HeldReturned => {
            vec![row("held money is sent back by a refund", "2910", "2130", function!(held::returned))]
        }
        PostingKind::Matured => {
            vec![row("a date of availability came", "2010", "2020", function!(maturity::matured))]
        }
        PostingKind::RefundAccepted => vec![row(
            "a refund was accepted: [fee given back]; amount; [refund fee]",
            "[4010, 2210]; drawn from [2040, 2070,] 2010 of the payment, 2020, other 2010 (latest date first), [2030,] 1210; \
             [drawn from 2010 of the payment, 2020, 1210]",
            "[the account that took the gross]; 2130; [4010, 2210]",
            function!(refund::accepted),
        )],
        PostingKind::RefundTaken => vec![row(
            "the channel took the refund's money; [cost given back]",
            "2130; [2120]",
            "1110 of the refund's bill date; [5010]",
            function!(refund::taken),
        )],
        PostingKind::RefundFailed => vec![row(
            "a refund failed before the channel took it",
            "[4010, 2210]; 2130; [the account that took the gross, 2020, 1210]",
            "the accounts it came from, or 2020, or 2990 for a closed merchant; [4010, 2210]",
            function!(refund_failed::failed),
        )],
        PostingKind::RefundFailedLate => vec![row(
            "a refund failed after the channel took it; [cost given back turned round]",
            "as above, with 1110 of the day it was learnt in place of 2130; [5010]",
            "as above; [2120]",
            function!(refund_failed::failed),
        )],
        PostingKind::DebtRecovered => {
            let event = "debt recovered from a credit that is not a sale";
            vec![row(event, "2010 or 2020", "1210", function!(debt::recovered))]
        }
        PostingKind::Adjusted => vec![
            row(
                "an adjustment, which names what it corrects",
                "its debits",
                "its credits",
                function!(adjustment::adjusted),
            ),
            row(
                "an adjustment between two merchants, the giver's half",
                "2020",
                "1920 of the receiver's shard",
                function!(adjustment::given),
            ),
            row(
                "the receiver's half; [debt recovered]",
                "1920 of the giver's shard; [2020]",
                "2020; [1210]",
                function!(adjustment::received),
            ),
        ],
        PostingKind::Reversed => vec![row(
            "another posting turned round",
            "its credits",
            "its debits",
            function!(adjustment::reversed),
        )],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Nothing in a Chinese table is English but names of accounts, buckets, kinds and functions, which are code.
    #[test]
    fn the_chinese_page_is_whole() {
        let page = render(Language::Chinese);
        let rows = page.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| -"));
        let mut counted = 0;
        for row in rows {
            let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
            let is_account = cells.first().is_some_and(|code| code.parse::<u16>().is_ok());
            let prose: &[usize] = if is_account { &[1, 3, 4, 5, 8, 9] } else { &[0, 1, 2] };
            for cell in prose.iter().filter_map(|at| cells.get(*at)) {
                assert!(
                    !cell.chars().any(|c| c.is_ascii_lowercase()) || row.contains("编号"),
                    "{cell} is English"
                );
            }
            counted += 1;
        }
        assert!(counted > 40);
    }
}
