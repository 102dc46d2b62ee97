//! Refunds that fail: at once, after maturity, after the debt was repaid, after the channel took the money.

use crate::books::{
    BILL, Books, CHANNEL, CNY, DUE, MERCHANT, REFUND, available, debt, pending, refund, sale, shape, taxed,
    took,
};
use ledger::posting::payment::{Sale, succeeded};
use ledger::posting::refund::{Acceptance, Taken, accepted, taken};
use ledger::posting::refund_failed::{Failure, LateFailure, failed};
use ledger::posting::{adjustment, held};
use ledger::{Account, Charge, LedgerError, Line, Posting, PostingKind};

fn failure(acceptance: &[Line]) -> Failure<'_> {
    Failure { currency: CNY, acceptance, has_moved_on: &|_| false, merchant_closed: false, late: None }
}

fn due_has_matured(account: &Account) -> bool {
    account.day() == Some(DUE)
}

/// A sale of 100.00 with a fee of 0.60 and tax, and a refund of 50.00 that gives half of it back and costs 0.10.
fn sold_and_refunded() -> (Books, Books, Posting) {
    let mut books = Books::default();
    books.post(&succeeded(&Sale { fee: taxed(60, 3), ..sale(10_000, 0, 38) }, &books).unwrap());
    let before = books.clone();
    let acceptance =
        Acceptance { fee_back: taxed(30, 2), refund_fee: Charge::untaxed(10), ..refund(5_000, 0) };
    let posting = accepted(&acceptance, &books).unwrap().posting;
    books.post(&posting);
    (before, books, posting)
}

#[test]
fn a_failure_restores_every_account_line_by_line() {
    let (before, mut books, acceptance) = sold_and_refunded();
    let posting = failed(&failure(&acceptance.lines), &books).unwrap();
    let mirrored: Vec<Line> = acceptance.lines.iter().rev().map(|line| line.turned()).collect();
    assert_eq!(posting.lines, mirrored);
    assert_eq!(posting.kind, PostingKind::RefundFailed);
    books.post(&posting);
    assert_eq!(books, before);
}

#[test]
fn after_maturity_the_money_goes_to_2020() {
    let (_, mut books, acceptance) = sold_and_refunded();
    books.mature(DUE);
    let failure = Failure { has_moved_on: &due_has_matured, ..failure(&acceptance.lines) };
    let posting = failed(&failure, &books).unwrap();
    assert_eq!(
        shape(&posting),
        [
            (4010, 10, "refund_fee"),
            (2020, -10, "refund_fee"),
            (2130, 5_000, "refund"),
            (2020, -5_000, "refund"),
            (2020, 30, "fee_refund"),
            (2210, -2, "fee_refund"),
            (4010, -28, "fee_refund"),
        ]
    );
    books.post(&posting);
    assert_eq!((books.natural(available()), books.natural(pending(DUE)), books.of_code(2130)), (9_940, 0, 0));
}

#[test]
fn what_1210_took_returns_to_it_as_far_as_it_is_still_owed() {
    for (next_sale, debt_left, to_debt, to_available) in [(0, 60, 60, 0), (25, 35, 35, 25), (500, 0, 0, 60)] {
        let mut books = Books::default();
        books.post(&succeeded(&sale(10_000, 60, 0), &books).unwrap());
        let acceptance = accepted(&refund(10_000, 0), &books).unwrap().posting;
        books.post(&acceptance);
        if next_sale > 0 {
            let later = Sale { available_on: DUE.plus(1), ..sale(next_sale, 0, 0) };
            books.post(&succeeded(&later, &books).unwrap());
        }
        assert_eq!(books.natural(debt()), debt_left);
        let posting = failed(&failure(&acceptance.lines), &books).unwrap();
        let credited = |account: Account| -> i64 {
            let lines = posting.lines.iter().filter(|line| line.account == account);
            lines.map(|line| -line.amount_minor).sum()
        };
        assert_eq!((credited(debt()), credited(available())), (to_debt, to_available), "{next_sale}");
        books.post(&posting);
        assert_eq!((books.natural(debt()), books.of_code(2130)), (0, 0));
        assert_eq!(books.of_code(2010) + books.of_code(2020), 9_940 + next_sale);
    }
}

#[test]
fn a_fee_given_back_that_was_paid_out_since_is_drawn_again() {
    // The fee is larger than the sale: giving it back leaves money that matures and is paid out.
    let mut books = Books::default();
    books.post(&succeeded(&sale(500, 0, 0), &books).unwrap());
    books.post(&succeeded(&sale(100, 201, 0), &books).unwrap());
    let acceptance = accepted(&refund(100, 201), &books).unwrap().posting;
    books.post(&acceptance);
    books.mature(DUE);
    books.pay_out(500);
    let failure = Failure { has_moved_on: &due_has_matured, ..failure(&acceptance.lines) };
    let posting = failed(&failure, &books).unwrap();
    assert_eq!(
        shape(&posting),
        [
            (2130, 100, "refund"),
            (2020, -100, "refund"),
            (2020, 100, "fee_refund"),
            (1210, 101, "fee_refund"),
            (4010, -201, "fee_refund"),
        ]
    );
    books.post(&posting);
    assert_eq!(books.natural(debt()), 101);
}

#[test]
fn after_the_channel_took_it_the_receivable_is_of_the_day_it_was_learnt() {
    let (before, mut books, acceptance) = sold_and_refunded();
    let (bill_date, learnt_on) = (BILL.plus(1), BILL.plus(4));
    let by_channel = Taken {
        refund: REFUND,
        channel_account: CHANNEL,
        bill_date,
        currency: CNY,
        amount_minor: 5_000,
        cost_back_minor: 19,
    };
    books.post(&taken(&by_channel).unwrap());
    let late = LateFailure { channel_account: CHANNEL, learnt_on, cost_back_minor: 19 };
    let failure = Failure { late: Some(late), ..failure(&acceptance.lines) };
    let posting = failed(&failure, &books).unwrap();
    assert_eq!(posting.kind, PostingKind::RefundFailedLate);
    books.post(&posting);

    assert_eq!(books.codes(), before.codes().into_iter().collect());
    let receivable = |bill_date| Account::ChannelReceivable { channel_account: CHANNEL, bill_date };
    let accrued = |bill_date| Account::ChannelFeeAccrued { channel_account: CHANNEL, bill_date };
    for (day, owed, cost) in [(BILL, 10_000, 38), (bill_date, -5_000, -19), (learnt_on, 5_000, 19)] {
        assert_eq!((books.natural(receivable(day)), books.natural(accrued(day))), (owed, cost), "{day}");
    }
}

#[test]
fn a_closed_merchants_money_is_unclaimed() {
    let (_, mut books, acceptance) = sold_and_refunded();
    books.mature(DUE);
    books.pay_out(4_950);
    books.adjust(&[(available(), 10), (Account::Unclaimed { merchant: MERCHANT }, -10)]);
    let failure = Failure { merchant_closed: true, ..failure(&acceptance.lines) };
    books.post(&failed(&failure, &books).unwrap());
    assert_eq!((books.of_code(2990), books.of_code(2020), books.of_code(1210)), (4_990, 0, 0));
}

#[test]
fn lines_that_are_no_acceptance_are_refused() {
    let (_, books, acceptance) = sold_and_refunded();
    let refused = |lines: &[Line]| failed(&failure(lines), &books).unwrap_err();
    assert_eq!(refused(&[]), LedgerError::NotAnAcceptance);
    let sale = succeeded(&sale(1, 0, 0), &books).unwrap();
    assert_eq!(refused(&sale.lines), LedgerError::NotAnAcceptance);
    let twice: Vec<Line> = acceptance.lines.iter().chain(&acceptance.lines).copied().collect();
    assert_eq!(refused(&twice), LedgerError::NotAnAcceptance);
    let not_kept = held::not_kept(&took(5, 0), REFUND).unwrap();
    assert_eq!(refused(&not_kept.lines), LedgerError::AccountUnexpected { code: 1110 });
    let unsigned = |line: &Line| Line { merchant: None, ..*line };
    let nobodys: Vec<Line> = acceptance.lines.iter().map(unsigned).collect();
    assert_eq!(refused(&nobodys), LedgerError::LineMerchant { code: 2010 });
    // Without its fee's income the acceptance is off balance, and so is what would turn it round.
    let torn: Vec<Line> = acceptance.lines.iter().skip(1).copied().collect();
    assert!(matches!(refused(&torn), LedgerError::Unbalanced { .. }));
}

#[test]
fn a_reversal_names_what_it_turns_round() {
    let mut books = Books::default();
    let posting = succeeded(&sale(10_000, 60, 38), &books).unwrap();
    books.post(&posting);
    let reversal = adjustment::reversed(CNY, &posting.lines, [9; 16]).unwrap();
    assert_eq!((reversal.kind, reversal.corrects), (PostingKind::Reversed, Some([9; 16])));
    books.post(&reversal);
    assert_eq!(books, Books::default());
    let adjusted = adjustment::adjusted(CNY, &posting.lines, [9; 16]).unwrap();
    assert_eq!(adjusted.corrects, Some([9; 16]));
    assert!(adjusted.lines.iter().all(|line| line.category.as_str() == "adjustment"));
    assert!(adjustment::adjusted(CNY, &posting.lines[..1], [9; 16]).is_err());
}
