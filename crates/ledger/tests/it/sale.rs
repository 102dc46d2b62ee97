//! Authorizations, sales, held money, maturity and debt.

use ledger::posting::payment::{Sale, SaleSource, succeeded};
use ledger::posting::refund::{Taken, taken};
use ledger::posting::refund_failed::LateFailure;
use ledger::posting::{authorization, debt as debts, held, maturity};
use ledger::{Account, Day, LedgerError, PostingKind};
use money::{Amount, MAX_WIRE};

use crate::books::{
    BILL, Books, CHANNEL, CNY, DUE, MERCHANT, REFUND, available, debt, pending, refund, sale, shape, taxed,
    took,
};

#[test]
fn a_sale_with_fee_and_cost_is_six_lines() {
    let posting = succeeded(&sale(10_000, 60, 38), &Books::default()).unwrap();
    assert_eq!(
        shape(&posting),
        [
            (1110, 10_000, "payment"),
            (2010, -10_000, "payment"),
            (2010, 60, "fee"),
            (4010, -60, "fee"),
            (5010, 38, "cost"),
            (2120, -38, "cost"),
        ]
    );
    let merchants: Vec<bool> = posting.lines.iter().map(|line| line.merchant == Some(MERCHANT)).collect();
    assert_eq!(merchants, [false, true, true, false, false, false]);
    assert_eq!(posting.kind, PostingKind::PaymentSucceeded);
    assert_eq!(posting.lines[1].merchant_minor(), 10_000);
}

#[test]
fn what_is_zero_has_no_line() {
    let posting = succeeded(&sale(100, 0, 0), &Books::default()).unwrap();
    assert_eq!(shape(&posting), [(1110, 100, "payment"), (2010, -100, "payment")]);
}

#[test]
fn tax_is_taken_out_of_the_fee() {
    let sale = Sale { fee: taxed(60, 3), ..sale(10_000, 0, 0) };
    let posting = succeeded(&sale, &Books::default()).unwrap();
    assert_eq!(shape(&posting)[2..], [(2010, 60, "fee"), (4010, -57, "fee"), (2210, -3, "fee")]);
}

#[test]
fn a_fee_above_the_amount_takes_all_then_2020_then_becomes_debt() {
    let mut books = Books::default();
    let posting = succeeded(&sale(100, 201, 0), &books).unwrap();
    assert_eq!(shape(&posting)[2..], [(2010, 100, "fee"), (1210, 101, "fee"), (4010, -201, "fee")]);

    books.post(&succeeded(&sale(50, 0, 0), &books).unwrap());
    books.mature(DUE);
    books.credit_line_minor = 20;
    let later = Sale { available_on: DUE.plus(1), ..sale(100, 201, 0) };
    let posting = succeeded(&later, &books).unwrap();
    let drawn = [(2010, 100, "fee"), (2020, 70, "fee"), (1210, 31, "fee"), (4010, -201, "fee")];
    assert_eq!(shape(&posting)[2..], drawn);
    books.post(&posting);
    assert_eq!(books.natural(available()), -20);
}

#[test]
fn debt_is_recovered_from_what_the_fee_leaves_of_the_gross() {
    let mut books = Books::default();
    books.post(&succeeded(&sale(100, 1_100, 0), &books).unwrap());
    assert_eq!(books.natural(debt()), 1_000);

    let posting = succeeded(&sale(600, 6, 0), &books).unwrap();
    assert_eq!(
        shape(&posting)[2..],
        [(2010, 6, "fee"), (4010, -6, "fee"), (2010, 594, "debt_recovery"), (1210, -594, "debt_recovery"),]
    );
    books.post(&posting);
    assert_eq!((books.natural(debt()), books.natural(pending(DUE))), (406, 0));

    books.post(&succeeded(&sale(600, 6, 0), &books).unwrap());
    assert_eq!((books.natural(debt()), books.natural(pending(DUE))), (0, 188));
}

#[test]
fn debt_takes_nothing_of_other_sales_of_the_day() {
    let mut books = Books::default();
    books.post(&succeeded(&sale(500, 0, 0), &books).unwrap());
    books.adjust(&[(debt(), 80), (Account::OtherFees { kind: crate::books::label("monthly") }, -80)]);
    // The fee takes more than this gross, so nothing of it is left for the debt although the 2010 holds 450.
    let posting = succeeded(&sale(50, 100, 0), &books).unwrap();
    assert!(shape(&posting).iter().all(|(_, _, category)| *category != "debt_recovery"));
    books.post(&posting);
    assert_eq!((books.natural(debt()), books.natural(pending(DUE))), (80, 450));

    let recovered = debts::recovered(MERCHANT, CNY, pending(DUE), 30, &books).unwrap().unwrap();
    books.post(&recovered);
    assert_eq!((books.natural(debt()), books.natural(pending(DUE))), (50, 420));
    assert_eq!(debts::recovered(MERCHANT, CNY, available(), 30, &books), Ok(None));
    let elsewhere = debts::recovered(MERCHANT, CNY, debt(), 30, &books);
    assert_eq!(elsewhere, Err(LedgerError::AccountUnexpected { code: 1210 }));
}

#[test]
fn captures_of_one_payment_pay_the_rest_of_their_fee_each() {
    let rule =
        money::FeeRule { rate: money::Rate::parse("0.60").unwrap(), fixed_minor: 30, ..money::FeeRule::FREE };
    let (mut books, mut captured, mut charged) = (Books::default(), 0, 0);
    for part in [3_333, 3_333, 3_334] {
        captured += part;
        let fee = rule.fee(captured).unwrap().rounded_minor - charged;
        charged += fee;
        books.post(&succeeded(&sale(part, fee, 0), &books).unwrap());
    }
    assert_eq!(books.codes().into_iter().collect::<Vec<_>>(), [(1110, 10_000), (2010, 9_910), (4010, 90)]);
}

#[test]
fn refuses_what_is_out_of_range() {
    let books = Books::default();
    let refused = |name, minor| Err(LedgerError::AmountOutOfRange { name, minor });
    assert_eq!(succeeded(&sale(0, 0, 0), &books), refused("gross", 0));
    assert_eq!(succeeded(&sale(-1, 0, 0), &books), refused("gross", -1));
    assert_eq!(succeeded(&sale(MAX_WIRE + 1, 0, 0), &books), refused("gross", MAX_WIRE + 1));
    assert_eq!(succeeded(&sale(1, -1, 0), &books), refused("fee", -1));
    assert_eq!(succeeded(&sale(1, 0, -1), &books), refused("cost", -1));
    let tax_above = Sale { fee: taxed(1, 2), ..sale(10, 0, 0) };
    let refused = Err(LedgerError::TaxExceedsCharge { tax_minor: 2, charge_minor: 1 });
    assert_eq!(succeeded(&tax_above, &books), refused);
}

#[test]
fn authorizations_stay_outside_the_general_ledger() {
    let mut books = Books::default();
    let payment = [7; 16];
    books.post(&authorization::authorized(payment, Amount::new(900, CNY)).unwrap());
    assert_eq!(books.codes().into_iter().collect::<Vec<_>>(), [(9010, 900), (9020, 900)]);
    books.post(&authorization::released(payment, Amount::new(400, CNY)).unwrap());
    books.post(&authorization::released(payment, Amount::new(500, CNY)).unwrap());
    assert_eq!(books, Books::default());
    assert!(authorization::authorized(payment, Amount::new(0, CNY)).is_err());
}

#[test]
fn money_a_payment_may_not_keep_never_touches_the_merchant() {
    let (case, amount) = ([8; 16], Amount::new(500, CNY));
    let late = LateFailure { channel_account: CHANNEL, learnt_on: BILL.plus(3), cost_back_minor: 2 };
    let with_cost =
        |into| vec![(1110, 500, "held"), (into, -500, "held"), (5010, 2, "cost"), (2120, -2, "cost")];
    for (posting, lines) in [
        (held::not_kept(&took(500, 2), REFUND), with_cost(2130)),
        (held::held(&took(500, 2), case), with_cost(2910)),
        (held::held(&took(500, 0), case), vec![(1110, 500, "held"), (2910, -500, "held")]),
        (held::returned(case, REFUND, amount), vec![(2910, 500, "held"), (2130, -500, "held")]),
        (held::return_failed(REFUND, None, case, amount), vec![(2130, 500, "held"), (2910, -500, "held")]),
        (held::return_failed(REFUND, Some(late), case, amount), with_cost(2910)),
    ] {
        let posting = posting.unwrap();
        assert_eq!(shape(&posting), lines);
        assert!(posting.lines.iter().all(|line| line.merchant.is_none()));
    }
    assert!(held::held(&took(0, 0), case).is_err());
    assert!(held::held(&took(1, -1), case).is_err());
}

/// Held, sent back, taken, brought back late, sent back again: nothing is left but what the channel holds and its cost.
#[test]
fn sending_held_money_back_can_fail_and_be_tried_again() {
    let (mut books, case, amount) = (Books::default(), [8; 16], Amount::new(500, CNY));
    let again = [0x34; 16];
    let take = |refund| Taken {
        refund,
        channel_account: CHANNEL,
        bill_date: BILL.plus(1),
        currency: CNY,
        amount_minor: 500,
        cost_back_minor: 2,
    };
    books.post(&held::held(&took(500, 2), case).unwrap());
    books.post(&held::returned(case, REFUND, amount).unwrap());
    books.post(&taken(&take(REFUND)).unwrap());
    let late = LateFailure { channel_account: CHANNEL, learnt_on: BILL.plus(3), cost_back_minor: 2 };
    books.post(&held::return_failed(REFUND, Some(late), case, amount).unwrap());
    assert_eq!(books.natural(Account::SuspenseLong { case }), 500);
    books.post(&held::returned(case, again, amount).unwrap());
    books.post(&held::return_failed(again, None, case, amount).unwrap());
    books.post(&held::returned(case, again, amount).unwrap());
    books.post(&taken(&take(again)).unwrap());
    assert!(books.codes().values().all(|sum| *sum == 0), "{:?}", books.codes());
    assert!(!books.codes().contains_key(&2130) && !books.codes().contains_key(&2910));
}

#[test]
fn a_held_payment_that_may_keep_its_money_takes_it_from_the_case() {
    let mut books = Books::default();
    let case = [8; 16];
    books.post(&held::held(&took(500, 2), case).unwrap());
    let kept = Sale { source: SaleSource::Held { case }, ..sale(500, 3, 0) };
    books.post(&succeeded(&kept, &books).unwrap());
    let end = [(1110, 500), (2010, 497), (2120, 2), (4010, 3), (5010, 2)];
    assert_eq!(books.codes().into_iter().collect::<Vec<_>>(), end);
}

#[test]
fn maturity_moves_between_the_merchants_own_accounts() {
    let posting = maturity::matured(MERCHANT, Day(20_782), Amount::new(9_940, CNY)).unwrap();
    assert_eq!(shape(&posting), [(2010, 9_940, "maturity"), (2020, -9_940, "maturity")]);
    assert!(posting.lines.iter().all(|line| line.merchant == Some(MERCHANT)));
    assert_eq!(posting.lines.iter().map(|line| line.merchant_minor()).sum::<i64>(), 0);
    assert!(maturity::matured(MERCHANT, DUE, Amount::new(0, CNY)).is_err());
    // A refund that still names the matured date finds its money in 2020.
    let mut books = Books::default();
    books.post(&succeeded(&sale(10_000, 60, 0), &books).unwrap());
    books.mature(DUE);
    let accepted = ledger::posting::refund::accepted(&refund(100, 0), &books).unwrap();
    assert_eq!(shape(&accepted.posting), [(2020, 100, "refund"), (2130, -100, "refund")]);
}
