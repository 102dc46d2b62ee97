//! Random histories: whatever channels say in whatever order, the books balance, floors hold, ends are never left.

use crate::books::Books;
use domain::attempt;
use domain::capture;
use domain::channel::{Action, AttemptFact, CaptureFact, Failure, RefundFact, Taken};
use domain::decide::{Number, business_day};
use domain::id::{AttemptId, CaptureId, PaymentId, RefundId};
use domain::maturity::Mature;
use domain::payment::resolve::{Resolution, ResolveMismatch};
use domain::payment::retry::Tries;
use domain::payment::{self, CaptureMode, Details, Scene};
use domain::price::RefundFee;
use domain::refund;
use jiff::tz::TimeZone;
use ledger::Account;
use money::{Amount, Currency};
use proptest::prelude::*;
use std::sync::Arc;

#[derive(Debug, Clone)]
enum Op {
    Create { minor: i64, one_shot: bool, manual: bool },
    Retry { payment: usize },
    Fact { attempt: usize, what: u8 },
    End { payment: usize, wish: u8 },
    Capture { payment: usize, minor: i64, is_final: Option<bool> },
    CaptureFact { capture: usize, succeeds: bool },
    Refund { payment: usize, minor: Option<i64> },
    RefundFact { refund: usize, what: u8 },
    Resolve { payment: usize, keep: bool },
    Sleep { hours: i64 },
}

fn op() -> impl Strategy<Value = Op> {
    let index = 0usize..4;
    prop_oneof![
        2 => (1i64..20_000, any::<bool>(), any::<bool>()).prop_map(|(minor, one_shot, manual)| Op::Create { minor, one_shot, manual }),
        1 => index.clone().prop_map(|payment| Op::Retry { payment }),
        8 => (0usize..6, 0u8..10).prop_map(|(attempt, what)| Op::Fact { attempt, what }),
        2 => (index.clone(), 0u8..3).prop_map(|(payment, wish)| Op::End { payment, wish }),
        2 => (index.clone(), 1i64..12_000, any::<Option<bool>>()).prop_map(|(payment, minor, is_final)| Op::Capture { payment, minor, is_final }),
        3 => (0usize..4, any::<bool>()).prop_map(|(capture, succeeds)| Op::CaptureFact { capture, succeeds }),
        4 => (index.clone(), prop::option::of(1i64..12_000)).prop_map(|(payment, minor)| Op::Refund { payment, minor }),
        5 => (0usize..6, 0u8..4).prop_map(|(refund, what)| Op::RefundFact { refund, what }),
        1 => (index, any::<bool>()).prop_map(|(payment, keep)| Op::Resolve { payment, keep }),
        2 => (1i64..60).prop_map(|hours| Op::Sleep { hours }),
    ]
}

struct History {
    books: Books,
    payments: Vec<PaymentId>,
    attempts: Vec<AttemptId>,
    captures: Vec<CaptureId>,
    refunds: Vec<RefundId>,
    numbers: u64,
    tries: Tries,
}

fn failure() -> Failure {
    Failure {
        code: "declined".into(),
        message: "no".into(),
        channel_code: None,
        channel_message: None,
        retryable: true,
    }
}

impl History {
    fn new(books: Books) -> History {
        History {
            books,
            payments: vec![],
            attempts: vec![],
            captures: vec![],
            refunds: vec![],
            numbers: 0,
            tries: Tries::default(),
        }
    }

    fn taken(&self, amount: Amount) -> Taken {
        let zone = TimeZone::get("Asia/Shanghai").unwrap();
        Taken {
            channel_trade_no: "T1".into(),
            amount,
            paid_at_us: self.books.now_us,
            bill_date: business_day(self.books.now_us, &zone),
        }
    }

    fn collect(&mut self) {
        let mut add = |new: Vec<RefundId>| {
            new.into_iter().for_each(|id| {
                if !self.refunds.contains(&id) {
                    self.refunds.push(id)
                }
            })
        };
        let mut refunds: Vec<RefundId> = self.books.rows.refunds.keys().copied().collect();
        refunds.sort();
        add(refunds);
    }

    fn number(&mut self) -> String {
        self.numbers += 1;
        format!("N{}", self.numbers)
    }

    fn step(&mut self, op: &Op) {
        match op {
            Op::Create { minor, one_shot, manual } => self.create(*minor, *one_shot, *manual),
            Op::Retry { payment } => self.retry(*payment),
            Op::Fact { attempt, what } => self.fact(*attempt, *what),
            Op::End { payment, wish } => self.end(*payment, *wish),
            Op::Capture { payment, minor, is_final } => self.capture(*payment, *minor, *is_final),
            Op::CaptureFact { capture, succeeds } => self.capture_fact(*capture, *succeeds),
            Op::Refund { payment, minor } => self.refund(*payment, *minor),
            Op::RefundFact { refund, what } => self.refund_fact(*refund, *what),
            Op::Resolve { payment, keep } => self.resolve(*payment, *keep),
            Op::Sleep { hours } => self.sleep(*hours),
        }
        self.collect();
        self.books.check();
    }

    fn create(&mut self, minor: i64, one_shot: bool, manual: bool) {
        let command = payment::create::CreatePayment {
            merchant: self.books.merchant.id,
            merchant_order_no: self.number(),
            amount: Amount::new(minor, Currency::CNY),
            method: "sandbox".into(),
            scene: if one_shot { Scene::BarCode } else { Scene::QrCode },
            capture_mode: if manual { CaptureMode::Manual } else { CaptureMode::Automatic },
            expires_in_us: 3_600_000_000,
            details: Arc::new(Details::default()),
            price: Some(self.books.price.clone()),
            account: Some(self.books.account.clone()),
        };
        let created = self.books.run(|rows, facts| payment::create::decide(&command, rows, facts)).unwrap();
        let payment::create::Created::New(id) = created else { panic!("a new number makes a new payment") };
        self.attempts.extend(self.books.rows.payments[&id].latest_attempt);
        self.payments.push(id);
    }

    fn retry(&mut self, payment: usize) {
        let Some(payment) = self.payments.get(payment).copied() else { return };
        let command = payment::retry::AddAttempt {
            merchant: self.books.merchant.id,
            payment,
            method: None,
            scene: None,
            sandbox_outcome: None,
            account: Some(self.books.account.clone()),
            tries: self.tries.clone(),
        };
        let open = self.books.rows.payments[&payment].open_attempt;
        if let Ok(id) = self.books.run(|rows, facts| payment::retry::decide(&command, rows, facts)) {
            assert_eq!(open, None, "no second attempt while one may still take money");
            self.attempts.push(id);
        }
    }

    fn fact(&mut self, attempt: usize, what: u8) {
        let Some(id) = self.attempts.get(attempt).copied() else { return };
        let row = self.books.rows.attempts[&id].clone();
        let manual = self.books.rows.payments[&row.payment].capture_mode == CaptureMode::Manual;
        let asked = row.amount;
        let fact = match what {
            0 | 1 if manual => AttemptFact::Authorized {
                channel_trade_no: "T1".into(),
                amount: asked,
                expires_at_us: self.books.now_us + 7 * 86_400_000_000,
            },
            2 if manual => AttemptFact::Authorized {
                channel_trade_no: "T1".into(),
                amount: Amount::new(asked.minor() + 1, Currency::CNY),
                expires_at_us: self.books.now_us + 7 * 86_400_000_000,
            },
            0 | 1 => AttemptFact::Paid(self.taken(asked)),
            2 => AttemptFact::Paid(self.taken(Amount::new(asked.minor() + 1, Currency::CNY))),
            3 => AttemptFact::Paid(self.taken(Amount::new(asked.minor(), Currency::USD))),
            4 => AttemptFact::Declined(failure()),
            5 => AttemptFact::Closed,
            6 => AttemptFact::Unknown,
            7 => AttemptFact::Processing,
            8 => AttemptFact::NotFound,
            _ => AttemptFact::ActionRequired(Action::QrCode { text: "t".into() }),
        };
        let command = payment::apply::ApplyAttempt {
            attempt: id,
            fact,
            price: self.books.price.clone(),
            account: self.books.account.clone(),
        };
        let apply = |books: &mut Books| {
            books
                .run(|rows, facts| payment::apply::decide(&command, rows, facts).map(|changes| (changes, ())))
        };
        apply(&mut self.books).unwrap();
        let sums = self.books.sums.clone();
        apply(&mut self.books).unwrap();
        assert_eq!(sums, self.books.sums, "the same fact again books nothing");
        let due = self.books.rows.attempts[&id].job.due_at_us;
        assert!(due.is_none_or(|due| due > self.books.now_us), "a due job is moved or cleared by every fact");
        let ends_attempt =
            matches!(command.fact, AttemptFact::Unknown | AttemptFact::NotFound | AttemptFact::Processing);
        if ends_attempt && row.status.is_open() {
            assert!(self.books.rows.attempts[&id].status.is_open(), "not knowing never ends an attempt");
        }
        let _ = attempt::Status::ALL;
    }

    fn end(&mut self, payment: usize, wish: u8) {
        let Some(payment) = self.payments.get(payment).copied() else { return };
        let wish = match wish {
            0 => payment::end::Wish::Close,
            1 => payment::end::Wish::Void,
            _ => payment::end::Wish::Expire,
        };
        let command = payment::end::EndPayment { merchant: self.books.merchant.id, payment, wish };
        let _ = self.books.run(|rows, facts| payment::end::decide(&command, rows, facts));
    }

    fn capture(&mut self, payment: usize, minor: i64, is_final: Option<bool>) {
        let Some(payment) = self.payments.get(payment).copied() else { return };
        let amount = Some(Amount::new(minor, Currency::CNY));
        let command =
            capture::request::RequestCapture { merchant: self.books.merchant.id, payment, amount, is_final };
        if let Ok(id) = self.books.run(|rows, facts| capture::request::decide(&command, rows, facts)) {
            self.captures.push(id);
        }
    }

    fn capture_fact(&mut self, capture: usize, succeeds: bool) {
        let Some(id) = self.captures.get(capture).copied() else { return };
        let amount = self.books.rows.captures[&id].amount;
        let fact = if succeeds {
            CaptureFact::Succeeded(self.taken(amount))
        } else {
            CaptureFact::Failed(failure())
        };
        let command = capture::apply::ApplyCapture {
            capture: id,
            fact,
            price: self.books.price.clone(),
            account: self.books.account.clone(),
        };
        self.books
            .run(|rows, facts| capture::apply::decide(&command, rows, facts).map(|changes| (changes, ())))
            .unwrap();
    }

    fn refund(&mut self, payment: usize, minor: Option<i64>) {
        let Some(payment) = self.payments.get(payment).copied() else { return };
        let command = refund::request::RequestRefund {
            merchant: self.books.merchant.id,
            payment,
            merchant_refund_no: self.number(),
            amount: minor.map(|minor| Amount::new(minor, Currency::CNY)),
            reason: None,
            sandbox_outcome: None,
            price: self.books.price.clone(),
        };
        let _ = self.books.run(|rows, facts| refund::request::decide(&command, rows, facts));
    }

    fn refund_fact(&mut self, refund: usize, what: u8) {
        let Some(id) = self.refunds.get(refund).copied() else { return };
        let zone = TimeZone::get("Asia/Shanghai").unwrap();
        let bill_date = business_day(self.books.now_us, &zone);
        let fact = match what {
            0 | 1 => RefundFact::Succeeded {
                channel_refund_no: "R".into(),
                bill_date,
                refunded_at_us: self.books.now_us,
            },
            2 => RefundFact::Failed { failure: failure(), bill_date },
            _ => RefundFact::Unknown,
        };
        let command = refund::apply::ApplyRefund { refund: id, fact };
        let apply = |books: &mut Books| {
            books.run(|rows, facts| refund::apply::decide(&command, rows, facts).map(|changes| (changes, ())))
        };
        apply(&mut self.books).unwrap();
        let sums = self.books.sums.clone();
        apply(&mut self.books).unwrap();
        assert_eq!(sums, self.books.sums, "the same fact again books nothing");
    }

    fn resolve(&mut self, payment: usize, keep: bool) {
        let Some(payment) = self.payments.get(payment).copied() else { return };
        let held = self
            .books
            .rows
            .attempts
            .values()
            .find(|a| a.payment == payment && a.held_minor > 0)
            .map(|a| a.id);
        let Some(attempt) = held else { return };
        let command = ResolveMismatch {
            merchant: self.books.merchant.id,
            payment,
            attempt,
            resolution: if keep { Resolution::Keep } else { Resolution::SendBack },
            price: self.books.price.clone(),
            account: self.books.account.clone(),
        };
        let _ = self
            .books
            .run(|rows, facts| payment::resolve::decide(&command, rows, facts).map(|changes| (changes, ())));
    }

    fn sleep(&mut self, hours: i64) {
        self.books.now_us += hours * 3_600_000_000;
        let days: Vec<_> = self
            .books
            .rows
            .balances
            .keys()
            .filter_map(|key| match Account::from_key(key) {
                Some(Account::MerchantPending { available_on, .. }) => Some((available_on, key.currency)),
                _ => None,
            })
            .collect();
        for (available_on, currency) in days {
            let command = Mature { merchant: self.books.merchant.id, currency, available_on };
            self.books
                .run(|rows, facts| {
                    domain::maturity::decide(&command, rows, facts).map(|changes| (changes, ()))
                })
                .unwrap();
        }
    }
}

/// Restored books have forgotten the tries at an order, which is tried again and again: what a channel did is taken up once, and no
/// number is given twice.
#[test]
fn a_forgotten_try_is_taken_up_once_and_its_number_not_given_again() {
    let mut history = History::new(Books::new("0.60", 0, RefundFee::Kept, 0));
    history.step(&Op::Create { minor: 1_000, one_shot: false, manual: false });
    history.step(&Op::Fact { attempt: 0, what: 4 });
    let payment = history.payments[0];
    let (order, sequence) = (7, history.books.rows.payments[&payment].sequence);
    let forgotten: Vec<AttemptId> =
        [sequence + 3, sequence].map(|n| AttemptId(payment.0.nth(order, n))).to_vec();
    history.books.number = Number::Try { order };
    history.tries = Tries { order, forgotten: forgotten.clone(), last: sequence + 3 };
    for tries in 2..=6 {
        history.step(&Op::Retry { payment: 0 });
        assert_eq!((history.attempts.len(), history.books.rows.attempts.len()), (tries, tries));
        history.step(&Op::Fact { attempt: tries - 1, what: 4 });
    }
    assert_eq!(history.attempts[1..3], forgotten);
}

/// A channel refuses three captures, takes them after all, and tells of each as often as it likes: what does not fit is sent back
/// once for each.
#[test]
fn captures_done_after_they_were_refused_are_each_sent_back_once() {
    let books = Books::new("0.60", 0, RefundFee::Kept, 0);
    let mut history = History::new(books);
    history.step(&Op::Create { minor: 1_000, one_shot: false, manual: true });
    history.step(&Op::Fact { attempt: 0, what: 0 });
    for capture in 0..3 {
        history.step(&Op::Capture { payment: 0, minor: 1_000, is_final: Some(false) });
        history.step(&Op::CaptureFact { capture, succeeds: false });
    }
    for (capture, sent_back) in [(0, 0), (1, 1), (2, 2), (1, 2), (2, 2), (0, 2)] {
        history.step(&Op::CaptureFact { capture, succeeds: true });
        assert_eq!(history.refunds.len(), sent_back, "after capture {capture}");
    }
    // Neither refund is carried out: both sums are held together, and a person sends them back in one.
    for refund in 0..2 {
        history.step(&Op::RefundFact { refund, what: 2 });
    }
    let held = |history: &History| history.books.rows.attempts[&history.attempts[0]].held_minor;
    assert_eq!(held(&history), 2_000);
    history.step(&Op::Resolve { payment: 0, keep: false });
    assert_eq!((held(&history), history.refunds.len()), (0, 3));
    assert_eq!(history.books.rows.refunds[&history.refunds[2]].amount.minor(), 2_000);
    history.step(&Op::RefundFact { refund: 2, what: 0 });
    let on_2910: i64 =
        history.books.sums.iter().filter(|(key, _)| key.code == 2910).map(|(_, sum)| sum).sum();
    assert_eq!(on_2910, 0);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn books_balance_and_ends_hold_in_every_history(
        ops in prop::collection::vec(op(), 1..60),
        rate in prop_oneof![Just("0.60"), Just("0"), Just("3.333333")],
        fixed_minor in prop_oneof![Just(0i64), Just(30)],
        policy in 0u8..3,
        debt_limit_minor in prop_oneof![Just(0i64), Just(1_000_000)],
    ) {
        let refund_fee = match policy {
            0 => RefundFee::Returned,
            1 => RefundFee::Kept,
            _ => RefundFee::Charged(7),
        };
        let books = Books::new(rate, fixed_minor, refund_fee, debt_limit_minor);
        let mut history = History::new(books);
        for op in &ops {
            history.step(op);
        }
    }
}
