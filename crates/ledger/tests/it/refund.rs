//! Refunds accepted and taken.

use ledger::posting::payment::{Sale, succeeded};
use ledger::posting::refund::{Acceptance, GrossAccount, Taken, accepted, taken};
use ledger::{Account, Charge, LedgerError};
use money::{FeeRule, Rate, fee_given_back};

use crate::books::{
    BILL, Books, CHANNEL, CNY, DUE, REFUND, available, debt, pending, refund, sale, shape, taxed,
};

fn taken_of(refund: [u8; 16], amount_minor: i64, cost_back_minor: i64) -> Taken {
    let bill_date = BILL.plus(2);
    Taken { refund, channel_account: CHANNEL, bill_date, currency: CNY, amount_minor, cost_back_minor }
}

#[test]
fn fee_back_first_then_the_amount_then_the_refund_fee() {
    let mut books = Books::default();
    books.post(&succeeded(&Sale { fee: taxed(60, 3), ..sale(10_000, 0, 38) }, &books).unwrap());
    let acceptance = Acceptance { fee_back: taxed(30, 2), refund_fee: taxed(10, 1), ..refund(5_000, 0) };
    let answer = accepted(&acceptance, &books).unwrap();
    assert_eq!(
        shape(&answer.posting),
        [
            (4010, 28, "fee_refund"),
            (2210, 2, "fee_refund"),
            (2010, -30, "fee_refund"),
            (2010, 5_000, "refund"),
            (2130, -5_000, "refund"),
            (2010, 10, "refund_fee"),
            (4010, -9, "refund_fee"),
            (2210, -1, "refund_fee"),
        ]
    );
    assert_eq!((answer.owed_increase_minor, answer.owed_by_fee_minor), (0, 0));
    books.post(&answer.posting);
    books.post(&taken(&taken_of(REFUND, 5_000, 19)).unwrap());
    assert_eq!(books.of_code(2130), 0);
    let refund_bill = BILL.plus(2);
    let receivable = |bill_date| Account::ChannelReceivable { channel_account: CHANNEL, bill_date };
    let accrued = |bill_date| Account::ChannelFeeAccrued { channel_account: CHANNEL, bill_date };
    assert_eq!((books.natural(receivable(BILL)), books.natural(receivable(refund_bill))), (10_000, -5_000));
    assert_eq!((books.natural(accrued(BILL)), books.natural(accrued(refund_bill))), (38, -19));
}

#[test]
fn draws_in_the_order_of_the_books() {
    let mut books = Books { credit_line_minor: 5, ..Books::default() };
    for (day, gross) in [(0, 20), (1, 100), (2, 10), (4, 30), (3, 40)] {
        books.post(&succeeded(&Sale { available_on: DUE.plus(day), ..sale(gross, 0, 0) }, &books).unwrap());
    }
    books.mature(DUE);
    let reserve = Account::MerchantReserve { hold: [0x55; 16] };
    let escrow = Account::Escrow { payment: [0x66; 16] };
    books.adjust(&[(pending(DUE.plus(1)), 100), (reserve, -60), (escrow, -40)]);
    // 2010: day 2 10, day 4 30, day 3 40; 2020 20 and a line of 5; escrow 40; reserve 60.
    let acceptance = Acceptance {
        gross_account: GrossAccount::Pending(DUE.plus(2)),
        payment_days: vec![DUE, DUE.plus(2), DUE.plus(3)],
        holds: vec![escrow],
        reserves: vec![reserve],
        refund_fee: Charge::untaxed(7),
        ..refund(215, 0)
    };
    let answer = accepted(&acceptance, &books).unwrap();
    let drawn: Vec<(Account, i64)> =
        answer.posting.lines.iter().map(|line| (line.account, line.amount_minor)).collect();
    let refund = Account::RefundInTransit { refund: REFUND };
    let income = Account::FeeIncome { method: crate::books::label("sandbox") };
    assert_eq!(
        drawn,
        [
            (escrow, 40),
            (pending(DUE.plus(3)), 40),
            (pending(DUE.plus(2)), 10),
            (available(), 25),
            (pending(DUE.plus(4)), 30),
            (reserve, 60),
            (debt(), 10),
            (refund, -215),
            (debt(), 7),
            (income, -7),
        ]
    );
    assert_eq!((answer.owed_increase_minor, answer.owed_by_fee_minor), (17, 7));
    books.post(&answer.posting);
}

#[test]
fn a_refund_fee_leaves_other_days_alone() {
    let mut books = Books::default();
    books.post(&succeeded(&sale(100, 0, 0), &books).unwrap());
    books.post(&succeeded(&Sale { available_on: DUE.plus(1), ..sale(100, 0, 0) }, &books).unwrap());
    let acceptance = Acceptance { refund_fee: Charge::untaxed(7), ..refund(100, 0) };
    let answer = accepted(&acceptance, &books).unwrap();
    assert_eq!((answer.owed_increase_minor, answer.owed_by_fee_minor), (7, 7));
    books.post(&answer.posting);
    assert_eq!(books.natural(pending(DUE.plus(1))), 100);
}

#[test]
fn the_fee_given_back_serves_the_refund() {
    let mut books = Books::default();
    books.post(&succeeded(&sale(10_000, 60, 0), &books).unwrap());
    books.mature(DUE);
    let acceptance = Acceptance { gross_account: GrossAccount::Available, ..refund(10_000, 60) };
    let answer = accepted(&acceptance, &books).unwrap();
    assert_eq!(answer.owed_increase_minor, 0);
    books.post(&answer.posting);
    assert_eq!(books.codes().into_iter().collect::<Vec<_>>(), [(1110, 10_000), (2130, 10_000)]);
}

#[test]
fn a_kept_fee_becomes_debt_on_a_full_refund() {
    let mut books = Books::default();
    books.post(&succeeded(&sale(10_000, 60, 0), &books).unwrap());
    let answer = accepted(&refund(10_000, 0), &books).unwrap();
    assert_eq!(answer.owed_increase_minor, 60);
    books.post(&answer.posting);
    assert_eq!(books.natural(debt()), 60);
}

/// R66: three partial refunds end where one full refund does, on every account.
#[test]
fn thirds_leave_the_books_of_the_whole() {
    for rate in ["0", "0.01", "0.38", "0.60", "0.61", "1.005", "2.999999", "33.333333", "100"] {
        let fee =
            FeeRule { rate: Rate::parse(rate).unwrap(), ..FeeRule::FREE }.fee(10_000).unwrap().rounded_minor;
        let end = |parts: &[i64]| {
            let mut books = Books::default();
            books.post(&succeeded(&sale(10_000, fee, 0), &books).unwrap());
            let (mut live, mut back) = (0, 0);
            for (number, part) in (1u8..).zip(parts) {
                live += part;
                let fee_back = fee_given_back(fee, 10_000, live, back);
                back += fee_back;
                let refund = Acceptance { refund: [number; 16], ..refund(*part, fee_back) };
                books.post(&accepted(&refund, &books).unwrap().posting);
                books.post(&taken(&taken_of(refund.refund, *part, 0)).unwrap());
            }
            books
        };
        let (thirds, whole) = (end(&[3_333, 3_333, 3_334]), end(&[10_000]));
        assert_eq!(thirds, whole, "{rate}");
        for code in [1210, 2010, 2020, 2130, 4010] {
            assert_eq!(whole.of_code(code), 0, "{code} at {rate}");
        }
    }
}

#[test]
fn refuses_accounts_that_have_no_place() {
    let books = Books::default();
    let hold = Acceptance { holds: vec![available()], ..refund(1, 0) };
    assert_eq!(accepted(&hold, &books), Err(LedgerError::AccountUnexpected { code: 2020 }));
    let reserve = Acceptance { reserves: vec![debt()], ..refund(1, 0) };
    assert_eq!(accepted(&reserve, &books), Err(LedgerError::AccountUnexpected { code: 1210 }));
    assert!(accepted(&refund(0, 0), &books).is_err());
    assert!(accepted(&refund(1, -1), &books).is_err());
    assert!(taken(&taken_of(REFUND, 0, 0)).is_err());
    assert!(taken(&taken_of(REFUND, 1, -1)).is_err());
}
