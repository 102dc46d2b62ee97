//! Every command about an adjustment in every state: what it answers, and what it books.

use crate::books::{Books, START_US};
use domain::adjustment::{
    Corrected, DecideAdjustment, Person, ProposeAdjustment, Reason, Receive, SettleAdjustment, Status,
    Verdict, decide, propose, receive, settle,
};
use domain::id::{AdjustmentId, Id, IdMaker, MerchantId, PaymentId, Shard};
use domain::price::RefundFee;
use domain::rejection::Rejection;
use ledger::Account;
use money::{Amount, Currency};

const MINOR: i64 = 700;

fn sum(minor: i64) -> Amount {
    Amount::new(minor, Currency::CNY)
}

fn person(name: &str) -> Person {
    Person::parse(name).unwrap()
}

/// The giver's installation with so much available, and an adjustment to a merchant of another shard.
struct Desk {
    books: Books,
    wish: ProposeAdjustment,
    /// What the payment is about.
    limit_minor: Option<i64>,
}

impl Desk {
    fn new(available_minor: i64) -> Desk {
        let mut books = Books::new("0", 0, RefundFee::Returned, 0);
        let merchant = books.merchant.id;
        let available = Account::MerchantAvailable { merchant: merchant.uid().0 }.key(Currency::CNY);
        books.rows.balances.entry(available).or_default().amount_minor = available_minor;
        let mut ids = IdMaker::new(START_US, merchant.uid().shard(), 9);
        let wish = ProposeAdjustment {
            id: ids.next(),
            merchant,
            receiver: IdMaker::new(START_US, Shard(3), 9).next::<MerchantId>(),
            amount: sum(MINOR),
            corrects: Corrected::Payment(ids.next::<PaymentId>()),
            reason: Reason::parse("wrong shop").unwrap(),
            by: person("li"),
        };
        Desk { books, wish, limit_minor: Some(MINOR) }
    }

    fn propose(&mut self, wish: &ProposeAdjustment) -> Result<(), Rejection> {
        self.books.run(|rows, facts| Ok((propose(wish, rows, facts)?, ())))
    }

    fn decide(&mut self, verdict: Verdict, by: &str) -> Result<(), Rejection> {
        let command = DecideAdjustment {
            id: self.wish.id,
            merchant: self.wish.merchant,
            verdict,
            by: person(by),
            corrects: self.wish.corrects,
            limit_minor: self.limit_minor,
        };
        self.books.run(|rows, facts| Ok((decide(&command, rows, facts)?, ())))
    }

    fn settle(&mut self) -> Result<(), Rejection> {
        let command = SettleAdjustment { id: self.wish.id, merchant: self.wish.merchant };
        self.books.run(|rows, facts| Ok((settle(&command, rows, facts)?, ())))
    }

    /// In a state.
    fn at(status: Status) -> Desk {
        let mut desk = Desk::new(MINOR);
        let wish = desk.wish.clone();
        desk.propose(&wish).unwrap();
        match status {
            Status::Proposed => {}
            Status::Rejected => desk.decide(Verdict::Reject, "wei").unwrap(),
            Status::InTransit => desk.decide(Verdict::Approve, "wei").unwrap(),
            Status::Succeeded => {
                desk.decide(Verdict::Approve, "wei").unwrap();
                desk.settle().unwrap();
            }
        }
        assert_eq!(desk.status(), status);
        desk
    }

    fn status(&self) -> Status {
        self.books.rows.adjustments[&self.wish.id].status
    }

    /// What 1920 towards the receiver's shard holds.
    fn between_minor(&self) -> i64 {
        let key = Account::BetweenShards { other_shard: 3 }.key(Currency::CNY);
        self.books.sums.get(&key).copied().unwrap_or(0)
    }
}

const STATES: [Status; 4] = [Status::Proposed, Status::InTransit, Status::Succeeded, Status::Rejected];

#[test]
fn every_command_in_every_state() {
    let decided = |found: Status| Rejection::AdjustmentDecided { found_status: found.to_string() };
    for found in STATES {
        let given_minor = if found.is_given() { -MINOR } else { 0 };
        for (verdict, by) in [
            (Verdict::Approve, "chen"),
            (Verdict::Approve, "li"),
            (Verdict::Reject, "chen"),
            (Verdict::Reject, "li"),
        ] {
            let mut desk = Desk::at(found);
            assert_eq!(desk.between_minor(), given_minor);
            let answer = desk.decide(verdict, by);
            let (expected, becomes) = match (found, verdict) {
                (Status::Proposed, Verdict::Approve) if by == "li" => (Err(Rejection::SamePerson), found),
                (Status::Proposed, Verdict::Approve) => (Ok(()), Status::InTransit),
                (Status::Proposed, Verdict::Reject) => (Ok(()), Status::Rejected),
                (Status::InTransit | Status::Succeeded, Verdict::Approve)
                | (Status::Rejected, Verdict::Reject) => (Ok(()), found),
                (_, _) => (Err(decided(found)), found),
            };
            assert_eq!((answer, desk.status()), (expected, becomes), "{found} {verdict:?} by {by}");
            let minor = if becomes.is_given() { -MINOR } else { 0 };
            assert_eq!(desk.between_minor(), minor, "{found} {verdict:?} by {by}");
        }
        let mut desk = Desk::at(found);
        let (expected, becomes) = match found {
            Status::InTransit | Status::Succeeded => (Ok(()), Status::Succeeded),
            Status::Proposed | Status::Rejected => (Err(decided(found)), found),
        };
        assert_eq!((desk.settle(), desk.status()), (expected, becomes), "{found}");
        let row = desk.books.rows.adjustments[&desk.wish.id].clone();
        assert_eq!(row.due_at_us.is_some(), row.status == Status::InTransit, "{found}");
        // The same proposal again changes nothing; another one under its id is refused.
        let wish = desk.wish.clone();
        assert_eq!(desk.propose(&wish), Ok(()));
        for other in [
            ProposeAdjustment { amount: sum(1), ..wish.clone() },
            ProposeAdjustment { by: person("chen"), ..wish.clone() },
            ProposeAdjustment { reason: Reason::parse("another").unwrap(), ..wish.clone() },
        ] {
            assert_eq!(desk.propose(&other), Err(Rejection::AdjustmentExistsDiffers));
        }
        assert_eq!(desk.books.rows.adjustments[&wish.id], row);
    }
}

#[test]
fn an_approval_takes_what_is_there_and_no_credit() {
    for (available_minor, expected) in [
        (MINOR, Ok(())),
        (MINOR - 1, Err(Rejection::InsufficientFunds { short_minor: 1 })),
        (0, Err(Rejection::InsufficientFunds { short_minor: MINOR })),
        (-50, Err(Rejection::InsufficientFunds { short_minor: MINOR + 50 })),
    ] {
        let mut desk = Desk::new(available_minor);
        desk.limit_minor = None;
        let merchant = desk.wish.merchant;
        desk.books.rows.heads.get_mut(&merchant).unwrap().credit_line_minor = 1_000_000;
        let wish = desk.wish.clone();
        desk.propose(&wish).unwrap();
        let is_taken = expected.is_ok();
        assert_eq!(desk.decide(Verdict::Approve, "wei"), expected, "{available_minor}");
        assert_eq!(desk.status() == Status::InTransit, is_taken);
    }
}

#[test]
fn what_is_not_there_and_what_can_not_be() {
    let mut desk = Desk::new(MINOR);
    assert_eq!(desk.decide(Verdict::Approve, "wei"), Err(Rejection::AdjustmentNotFound));
    assert_eq!(desk.settle(), Err(Rejection::AdjustmentNotFound));
    let wish = desk.wish.clone();
    let live: MerchantId = IdMaker::new(START_US, Shard(2), 9).next();
    for receiver in [wish.merchant, live] {
        let refused = desk.propose(&ProposeAdjustment { receiver, ..wish.clone() });
        assert!(matches!(refused, Err(Rejection::Defect { .. })), "{refused:?}");
    }
    desk.propose(&wish).unwrap();
    desk.wish.merchant = wish.receiver;
    assert_eq!(
        desk.decide(Verdict::Approve, "wei"),
        Err(Rejection::AdjustmentNotFound),
        "another merchant's"
    );
}

/// In the receiver's installation, which owes something.
#[test]
fn it_arrives_once_and_pays_what_is_owed() {
    let mut books = Books::new("0", 0, RefundFee::Returned, 0);
    let merchant = books.merchant.id;
    let key = |account: Account| account.key(Currency::CNY);
    let (owed, available) = (
        key(Account::MerchantReceivable { merchant: merchant.uid().0 }),
        key(Account::MerchantAvailable { merchant: merchant.uid().0 }),
    );
    books.rows.balances.entry(owed).or_default().amount_minor = 300;
    let adjustment: AdjustmentId = IdMaker::new(START_US, Shard(3), 5).next();
    let corrects = Corrected::Payment(IdMaker::new(START_US, Shard(3), 6).next());
    let command = Receive { adjustment, merchant, amount: sum(MINOR), corrects };
    for _ in 0..3 {
        books.run(|rows, facts| Ok::<_, Rejection>((receive(&command, rows, facts)?, ()))).unwrap();
        assert_eq!(books.rows.balances[&available].amount_minor, MINOR - 300);
        assert_eq!(books.rows.balances[&owed].amount_minor, 0);
        assert_eq!(books.sums[&key(Account::BetweenShards { other_shard: 3 })], MINOR);
    }
    let other = Receive { amount: sum(1), ..command };
    let refused = books.run(|rows, facts| Ok::<_, Rejection>((receive(&other, rows, facts)?, ())));
    assert!(matches!(refused, Err(Rejection::Defect { .. })), "{refused:?}");
}

/// What was given before for the same payment counts, by this merchant alone; rejected and proposed ones do not.
#[test]
fn all_that_is_given_for_one_payment_is_no_more_than_it() {
    let mut desk = Desk::new(10 * MINOR);
    let first = desk.wish.clone();
    let mut ids = IdMaker::new(START_US, first.merchant.uid().shard(), 77);
    let mut next = |minor| ProposeAdjustment { id: ids.next(), amount: sum(minor), ..first.clone() };
    for (minor, limit_minor, expected) in [
        (MINOR - 100, Some(MINOR), Ok(())),
        (101, Some(MINOR), Err(Rejection::AdjustmentExceedsCorrected { remaining_minor: 100 })),
        (60, Some(MINOR), Ok(())),
        (41, Some(MINOR), Err(Rejection::AdjustmentExceedsCorrected { remaining_minor: 40 })),
        (41, None, Ok(())),
        (1, Some(MINOR), Err(Rejection::AdjustmentExceedsCorrected { remaining_minor: 0 })),
    ] {
        desk.wish = next(minor);
        desk.limit_minor = limit_minor;
        let wish = desk.wish.clone();
        desk.propose(&wish).unwrap();
        assert_eq!(desk.decide(Verdict::Approve, "wei"), expected, "{minor}");
    }
    desk.wish = ProposeAdjustment { corrects: Corrected::Payment(PaymentId(first.id.0)), ..next(MINOR) };
    desk.limit_minor = Some(MINOR);
    let other = desk.wish.clone();
    desk.propose(&other).unwrap();
    assert_eq!(desk.decide(Verdict::Approve, "wei"), Ok(()), "another payment");
}
