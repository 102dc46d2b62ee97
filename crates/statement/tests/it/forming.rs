//! What a day comes to.

use crate::day::{MERCHANT, entry, formed, orders, payment, pending, statement, transaction, transactions};
use domain::id::Id;
use domain::statement::{Kind, Orders, SCHEMA, Totals};
use ledger::{Category, PostingKind};
use money::Currency;
use statement::{Cell, Fault, Former, Line, Scope, columns, json_line};

#[test]
fn a_line_has_a_cell_for_each_column() {
    for kind in Kind::ALL {
        let (lines, formed) = formed(*kind, "tea");
        assert_eq!(formed.line_count, i64::try_from(lines.len()).unwrap());
        assert!(lines.iter().all(|line| line.len() == columns(*kind, SCHEMA).count()), "{kind}");
    }
}

/// What the page says that a type of line leaves empty is empty in it.
#[test]
fn cells_are_empty_where_the_page_says_so() {
    for kind in Kind::ALL {
        let (lines, _) = formed(*kind, "tea");
        for line in lines {
            let Cell::Word(line_type) = &line[0] else { panic!("the first cell is the type") };
            for (column, cell) in columns(*kind, SCHEMA).zip(&line) {
                let means = column
                    .meanings
                    .iter()
                    .any(|meaning| meaning.types.iter().any(|of| of.word() == *line_type));
                assert!(means || *cell == Cell::Empty, "{} in {}", column.name, line_type.code);
            }
        }
    }
}

#[test]
fn trade_sums_payments_and_refunds() {
    let (lines, formed) = formed(Kind::Trade, "tea");
    assert_eq!(lines.len(), 3, "a maturity is no trade");
    let Totals::Trade(rows) = &formed.totals else { panic!("trade") };
    let [row] = rows.as_slice() else { panic!("one currency") };
    assert_eq!((row.payments, row.refunds, row.failed_refunds), (1, 1, 1));
    assert_eq!((row.gross_minor, row.fee_minor, row.net_minor), (10_000, -60, 9_940));
    assert_eq!((row.refund_minor, row.fee_refund_minor, row.refund_fee_minor), (0, 0, 0));
}

#[test]
fn a_correction_names_what_it_corrects_and_no_order() {
    let scope = Scope { merchant: MERCHANT, kind: Kind::Trade, schema: SCHEMA };
    let entries =
        vec![entry(pending(), Category::Fee, 60, 60), entry(pending(), Category::Adjustment, 5, 65)];
    let reversed = transaction(PostingKind::Reversed, payment().uid(), entries);
    let mut former = Former::new(scope, &[]);
    let lines = former.take(1, &reversed, &orders("tea")).unwrap();
    let [line] = lines.as_slice() else { panic!("{lines:?}") };
    let shown: Vec<&str> = columns(Kind::Trade, SCHEMA)
        .zip(line)
        .filter(|(_, cell)| **cell != Cell::Empty)
        .map(|(column, _)| column.name)
        .collect();
    assert_eq!(shown, ["type", "posted_at", "currency", "fee", "net", "transaction"]);
    let Totals::Trade(rows) = former.finish().1.totals else { panic!("trade") };
    assert_eq!((rows[0].payments, rows[0].fee_minor, rows[0].net_minor), (0, 60, 60));
    // An adjustment alone is no trade; the fund flow has it.
    let entries = vec![entry(pending(), Category::Adjustment, 5, 5)];
    let adjusted = transaction(PostingKind::Adjusted, payment().uid(), entries);
    assert_eq!(Former::new(scope, &[]).take(1, &adjusted, &orders("tea")).unwrap(), Vec::<Line>::new());
    let flow = Scope { kind: Kind::FundFlow, ..scope };
    assert_eq!(Former::new(flow, &[]).take(1, &adjusted, &orders("tea")).unwrap().len(), 2);
}

#[test]
fn a_fund_flow_opens_moves_and_closes_every_account() {
    let (lines, formed) = formed(Kind::FundFlow, "tea");
    let types: Vec<&str> = lines
        .iter()
        .map(|line| match &line[0] {
            Cell::Word(word) => word.code,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(types.iter().filter(|t| **t == "movement").count(), 8);
    assert_eq!((types[0], types[types.len() - 1]), ("opening", "closing"));
    let balance = |line: &[Cell]| match &line[7] {
        Cell::Money(amount) => amount.minor(),
        other => panic!("{other:?}"),
    };
    let (opened, closed): (Vec<_>, Vec<_>) = (
        lines.iter().filter(|l| l[0] == lines[0][0]).map(|l| balance(l)).collect(),
        lines.iter().filter(|l| l[0] == lines[lines.len() - 1][0]).map(|l| balance(l)).collect(),
    );
    assert_eq!((opened, closed), (vec![500, 1], vec![0, 10_441]));
    let Totals::FundFlow(rows) = &formed.totals else { panic!("fund flow") };
    assert_eq!((rows[0].opening_minor, rows[0].closing_minor, rows[0].movements), (501, 10_441, 8));
    assert_eq!(rows[0].by_category["maturity"], 0);
    assert_eq!(rows[0].opening_minor + rows[0].by_category.values().sum::<i64>(), rows[0].closing_minor);
}

#[test]
fn the_same_day_has_the_same_hash_and_another_has_not() {
    for kind in Kind::ALL {
        let (lines, formed) = formed(*kind, "tea");
        let bytes: Vec<u8> = lines.iter().flat_map(|line| json_line(*kind, SCHEMA, line)).collect();
        assert_eq!(formed.sha256, crypto::sha256(&bytes), "the hash is that of the JSON Lines file");
        let statement = statement(*kind, &formed);
        let mut again = Former::again(&statement);
        for (seq, transaction) in (40..).zip(transactions()) {
            again.take(seq, &transaction, &orders("tea")).unwrap();
        }
        assert!(again.finish().1.is(&statement));
    }
    let other = formed(Kind::Trade, "coffee").1;
    assert!(!other.is(&statement(Kind::Trade, &formed(Kind::Trade, "tea").1)));
}

#[test]
fn a_day_without_lines_is_empty_and_keeps_what_accounts_hold() {
    let scope = |kind| Scope { merchant: MERCHANT, kind, schema: SCHEMA };
    let (lines, formed) = Former::new(scope(Kind::FundFlow), &[(Currency::CNY, 7)]).finish();
    assert!(lines.is_empty());
    assert_eq!((formed.line_count, formed.sha256), (0, crypto::sha256(b"")));
    assert_eq!(formed.totals.closings(), [(Currency::CNY, 7)]);
    assert_eq!(Former::new(scope(Kind::Trade), &[]).finish().1.totals, Totals::Trade(Vec::new()));
}

#[test]
fn a_line_whose_payment_is_gone_is_a_fault() {
    let scope = Scope { merchant: MERCHANT, kind: Kind::Trade, schema: SCHEMA };
    for transaction in &transactions()[..2] {
        let answer = Former::new(scope, &[]).take(1, transaction, &Orders::default());
        assert_eq!(answer, Err(Fault::OrderMissing));
    }
}
