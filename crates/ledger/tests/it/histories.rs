//! Any sequence of sales, refunds, failures, maturities and payouts keeps the books right. What a merchant must have is
//! counted beside the books by plain sums.

use ledger::posting::payment::{Sale, succeeded};
use ledger::posting::refund::{Acceptance, GrossAccount, Taken, accepted, taken};
use ledger::posting::refund_failed::{Failure, LateFailure, failed};
use ledger::{Account, Charge, Day, Line, Ref};
use money::fee_given_back;
use proptest::prelude::*;

use crate::books::{BILL, Books, CHANNEL, CNY, DUE, available, label, refund, sale, taxed};

#[derive(Debug, Clone)]
enum Step {
    Sell { gross: i64, fee: i64, tax_percent: i64, cost: i64, days: i32 },
    Refund { sale: usize, percent: i64, refund_fee: i64, gives_back: bool },
    Take { refund: usize },
    Fail { refund: usize },
    NextDay,
    PayOut { percent: i64 },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (1i64..5_000, 0i64..300, 0i64..=100, 0i64..50, 0i32..4).prop_map(|(gross, fee, tax_percent, cost, days)|
            Step::Sell { gross, fee, tax_percent, cost, days }),
        4 => (any::<usize>(), 1i64..=100, 0i64..40, any::<bool>()).prop_map(|(sale, percent, refund_fee, gives_back)|
            Step::Refund { sale, percent, refund_fee, gives_back }),
        2 => any::<usize>().prop_map(|refund| Step::Take { refund }),
        3 => any::<usize>().prop_map(|refund| Step::Fail { refund }),
        2 => Just(Step::NextDay),
        1 => (1i64..=100).prop_map(|percent| Step::PayOut { percent }),
    ]
}

struct Sold {
    gross: i64,
    fee: Charge,
    due: Day,
    live: i64,
    back: i64,
}

#[derive(PartialEq)]
enum State {
    Pending,
    Taken,
    Failed,
}

struct Refunded {
    id: Ref,
    sale: usize,
    amount: i64,
    fee_back: i64,
    refund_fee: i64,
    lines: Vec<Line>,
    state: State,
}

/// The books and what is known beside them.
struct World {
    books: Books,
    today: Day,
    sales: Vec<Sold>,
    refunds: Vec<Refunded>,
    paid_out: i64,
}

impl World {
    fn matured(&self, day: Day) -> bool {
        day <= self.today
    }

    fn play(&mut self, step: &Step) {
        match *step {
            Step::Sell { gross, fee, tax_percent, cost, days } => {
                self.sell(gross, fee, tax_percent, cost, days)
            }
            Step::Refund { sale, percent, refund_fee, gives_back } if !self.sales.is_empty() => {
                self.refund(sale % self.sales.len(), percent, refund_fee, gives_back);
            }
            Step::Take { refund } if !self.refunds.is_empty() => self.take(refund % self.refunds.len()),
            Step::Fail { refund } if !self.refunds.is_empty() => self.fail(refund % self.refunds.len()),
            Step::Refund { .. } | Step::Take { .. } | Step::Fail { .. } => {}
            Step::NextDay => {
                self.today = self.today.plus(1);
                self.books.mature(self.today);
            }
            Step::PayOut { percent } => {
                let minor = self.books.natural(available()).max(0) * percent / 100;
                if minor > 0 {
                    self.books.pay_out(minor);
                    self.paid_out += minor;
                }
            }
        }
    }

    fn sell(&mut self, gross: i64, fee: i64, tax_percent: i64, cost: i64, days: i32) {
        let due = self.today.plus(1 + days);
        let fee = taxed(fee, fee * tax_percent / 100);
        let sale = Sale { fee, available_on: due, bill_date: self.today, ..sale(gross, 0, cost) };
        self.books.post(&succeeded(&sale, &self.books).unwrap());
        self.sales.push(Sold { gross, fee, due, live: 0, back: 0 });
    }

    fn refund(&mut self, index: usize, percent: i64, refund_fee: i64, gives_back: bool) {
        let sold = &self.sales[index];
        let amount = (sold.gross - sold.live) * percent / 100;
        if amount == 0 {
            return;
        }
        let due_back = fee_given_back(sold.fee.amount_minor, sold.gross, sold.live + amount, sold.back);
        let fee_back = if gives_back { due_back } else { 0 };
        let gross_account =
            if self.matured(sold.due) { GrossAccount::Available } else { GrossAccount::Pending(sold.due) };
        let mut id = [0; 16];
        id[..8].copy_from_slice(&(self.refunds.len() as u64 + 1).to_be_bytes());
        let tax_back = sold.fee.tax.unwrap().amount_minor.min(fee_back);
        let acceptance = Acceptance {
            refund: id,
            gross_account,
            payment_days: vec![sold.due],
            fee_back: taxed(fee_back, tax_back),
            refund_fee: Charge::untaxed(refund_fee),
            ..refund(amount, 0)
        };
        let owed_before = self.books.of_code(1210);
        let answer = accepted(&acceptance, &self.books).unwrap();
        self.books.post(&answer.posting);
        assert_eq!(self.books.of_code(1210) - owed_before, answer.owed_increase_minor);
        assert!((0..=answer.owed_increase_minor).contains(&answer.owed_by_fee_minor));
        self.sales[index].live += amount;
        self.sales[index].back += fee_back;
        let lines = answer.posting.lines;
        self.refunds.push(Refunded {
            id,
            sale: index,
            amount,
            fee_back,
            refund_fee,
            lines,
            state: State::Pending,
        });
    }

    fn take(&mut self, index: usize) {
        let refund = &mut self.refunds[index];
        if refund.state == State::Pending {
            refund.state = State::Taken;
            let (id, amount_minor) = (refund.id, refund.amount);
            let took = Taken {
                refund: id,
                channel_account: CHANNEL,
                bill_date: self.today,
                currency: CNY,
                amount_minor,
                cost_back_minor: 1,
            };
            self.books.post(&taken(&took).unwrap());
        }
    }

    fn fail(&mut self, index: usize) {
        let refund = &self.refunds[index];
        let late = match refund.state {
            State::Failed => return,
            State::Pending => None,
            State::Taken => {
                Some(LateFailure { channel_account: CHANNEL, learnt_on: self.today, cost_back_minor: 1 })
            }
        };
        let has_moved_on = |account: &Account| account.day().is_some_and(|day| self.matured(day));
        let failure = Failure {
            currency: CNY,
            acceptance: &refund.lines,
            has_moved_on: &has_moved_on,
            merchant_closed: false,
            late,
        };
        let posting = failed(&failure, &self.books).unwrap();
        self.books.post(&posting);
        let refund = &mut self.refunds[index];
        refund.state = State::Failed;
        self.sales[refund.sale].live -= refund.amount;
        self.sales[refund.sale].back -= refund.fee_back;
    }

    /// What must hold between any two steps. Floors were checked at every line.
    fn check(&self) {
        let books = &self.books;
        let live = || self.refunds.iter().filter(|refund| refund.state != State::Failed);
        let sold: i64 = self.sales.iter().map(|sold| sold.gross - sold.fee.amount_minor).sum();
        let gone: i64 = live().map(|refund| refund.amount - refund.fee_back + refund.refund_fee).sum();
        let purse = books.of_code(2010) + books.of_code(2020) - books.of_code(1210);
        assert_eq!(purse, sold - gone - self.paid_out, "the merchant's balance");

        let under_way = live().filter(|refund| refund.state == State::Pending);
        for refund in &self.refunds {
            let in_transit = if refund.state == State::Pending { refund.amount } else { 0 };
            assert_eq!(books.natural(Account::RefundInTransit { refund: refund.id }), in_transit);
        }
        assert_eq!(books.of_code(2130), under_way.map(|refund| refund.amount).sum::<i64>());

        let fees: i64 = self.sales.iter().map(|sold| sold.fee.amount_minor).sum();
        let back: i64 = live().map(|refund| refund.fee_back - refund.refund_fee).sum();
        assert_eq!(books.of_code(4010) + books.of_code(2210), fees - back, "income and tax");

        let taken: i64 =
            live().filter(|refund| refund.state == State::Taken).map(|refund| refund.amount).sum();
        let gross: i64 = self.sales.iter().map(|sold| sold.gross).sum();
        assert_eq!(books.of_code(1110), gross - taken, "what the channel holds");
        assert_eq!(books.of_code(5010), books.of_code(2120));
    }

    fn settle(&mut self) {
        for index in 0..self.refunds.len() {
            self.take(index);
        }
        for _ in 0..5 {
            self.play(&Step::NextDay);
        }
        self.check();
        assert_eq!(self.books.of_code(2130), 0);
        assert_eq!(self.books.of_code(2010), 0);
        assert!(
            self.books.codes().keys().all(|code| ![2010, 2130].contains(code)),
            "no residue on any account"
        );
    }
}

proptest! {
    #[test]
    fn any_history_keeps_the_books(steps in prop::collection::vec(step(), 1..60), credit_line_minor in 0i64..200) {
        let books = Books { credit_line_minor, ..Books::default() };
        let mut world = World { books, today: BILL, sales: vec![], refunds: vec![], paid_out: 0 };
        for step in &steps {
            world.play(step);
            world.check();
        }
        world.settle();
    }

    #[test]
    fn a_failure_right_after_the_acceptance_restores_the_books(
        sales in prop::collection::vec((1i64..500, 0i64..200, 0i32..3), 1..5),
        amount in 1i64..600, fee_back in 0i64..300, refund_fee in 0i64..50, credit_line_minor in 0i64..50
    ) {
        let mut books = Books { credit_line_minor, ..Books::default() };
        for (gross, fee, days) in sales {
            let sale = Sale { available_on: DUE.plus(days), ..sale(gross, fee, 0) };
            books.post(&succeeded(&sale, &books).unwrap());
        }
        let before = books.clone();
        let acceptance = Acceptance {
            refund_fee: Charge::untaxed(refund_fee), method: label("sandbox"), ..refund(amount, fee_back)
        };
        let lines = accepted(&acceptance, &books).unwrap().posting;
        books.post(&lines);
        let failure = Failure {
            currency: CNY, acceptance: &lines.lines, has_moved_on: &|_| false, merchant_closed: false, late: None,
        };
        let turned = failed(&failure, &books).unwrap();
        books.post(&turned);
        prop_assert_eq!(books, before);
    }
}
