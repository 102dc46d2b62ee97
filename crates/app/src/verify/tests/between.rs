//! Adjustments: each half falsified in turn, within one shard and towards another.

use super::book::State;
use super::{Book, SHARD, difference, seal, verify};
use crate::verify::Options;
use domain::adjustment::{Adjustment, Arrival, Corrected, Person, Reason, Status};
use domain::id::{AdjustmentId, Id, IdMaker, MerchantId, Shard};
use ledger::posting::adjustment::{given, received};
use money::{Amount, Currency};

const OTHER: Shard = Shard(3);
const MINOR: i64 = 700;

fn sum() -> Amount {
    Amount::new(MINOR, Currency::CNY)
}

/// Who receives, in a shard.
fn receiver(shard: Shard) -> MerchantId {
    IdMaker::new(1_795_491_000_000_000, shard, 99).next()
}

/// The giver's half is booked.
fn give(state: &mut State, shard: Shard) -> AdjustmentId {
    let payment = state.sale();
    let adjustment = Adjustment {
        id: state.new_id(),
        merchant: state.merchant,
        receiver: receiver(shard),
        amount: sum(),
        corrects: Corrected::Payment(payment),
        reason: Reason::parse("收错商户").unwrap(),
        proposed_by: Person::parse("li").unwrap(),
        decided_by: Person::parse("wei"),
        status: Status::InTransit,
        due_at_us: Some(1),
        created_at_us: 1,
        updated_at_us: 1,
        sequence: 2,
    };
    let posting = given(state.merchant.uid().0, shard.0, sum(), payment.uid().0).unwrap();
    state.book(&posting, adjustment.id.0);
    let id = adjustment.id;
    state.adjustments.insert(id, adjustment);
    id
}

/// The receiver's half is booked, in its shard.
fn arrive(state: &mut State, id: AdjustmentId) {
    let adjustment = state.adjustments.get(&id).unwrap().clone();
    let (merchant, corrects) = (adjustment.receiver, adjustment.corrects.uid().0);
    let shard = merchant.0.shard();
    if shard == SHARD {
        let posting = received(merchant.uid().0, SHARD.0, sum(), corrects, &*state).unwrap();
        state.book_of(merchant, &posting, id.0);
    }
    let arrival = Arrival { adjustment: id, merchant, amount: sum(), arrived_at_us: 2 };
    state.arrivals.insert((shard, id), arrival);
}

fn settle(state: &mut State, id: AdjustmentId) {
    state.adjustments.get_mut(&id).unwrap().status = Status::Succeeded;
}

/// One that has succeeded, within the shard or towards another.
fn lived(shard: Shard) -> Book {
    let book = Book::lived();
    {
        let mut state = book.state();
        state.sale();
        state.mature(MINOR);
        let id = give(&mut state, shard);
        arrive(&mut state, id);
        settle(&mut state, id);
    }
    book
}

fn row(state: &mut State) -> &mut Adjustment {
    state.adjustments.values_mut().next().unwrap()
}

#[test]
fn every_stage_is_clean_and_what_is_between_is_counted() {
    for shard in [SHARD, OTHER] {
        let book = Book::lived();
        let full = || verify(&book, Options::full());
        book.state().mature(MINOR);
        let id = give(&mut book.state(), shard);
        seal(&book, 5);
        assert_eq!((full().difference, full().adjustments_in_transit), (None, 1), "{shard:?}");
        arrive(&mut book.state(), id);
        assert_eq!((full().difference, full().adjustments_in_transit), (None, 1), "{shard:?}");
        settle(&mut book.state(), id);
        assert_eq!((full().difference, full().adjustments_in_transit), (None, 0), "{shard:?}");
        row(&mut book.state()).status = Status::InTransit;
        assert_eq!(full().difference, None, "the end of an arrival is noted later");
    }
}

type Change = fn(&mut State);

#[test]
fn halves_are_held_against_each_other_and_their_lines() {
    let cases: [(Change, &str); 8] = [
        (|s| s.adjustments.clear(), "and no row"),
        (|s| s.arrivals.clear(), "has succeeded and nothing has arrived"),
        (|s| row(s).status = Status::Rejected, "is rejected and has arrived"),
        (|s| row(s).amount = Amount::new(MINOR + 1, Currency::CNY), "as something else than was given"),
        (|s| row(s).amount = Amount::new(MINOR, Currency::USD), "as something else than was given"),
        (|s| row(s).receiver = receiver(Shard(5)), "has succeeded and nothing has arrived"),
        (
            |s| s.arrivals.values_mut().for_each(|arrival| arrival.amount = Amount::new(1, Currency::CNY)),
            "as something else than was given",
        ),
        (
            |s| s.arrivals.values_mut().for_each(|arrival| arrival.merchant = s.merchant),
            "as something else than was given",
        ),
    ];
    for shard in [SHARD, OTHER] {
        for (change, sentence) in cases {
            let book = lived(shard);
            change(&mut book.state());
            let found = difference(&book, Options::full());
            assert!(found.contains("adjustment adj_") && found.contains(sentence), "{sentence}: {found}");
        }
    }
}

/// Booked twice, or not at all, with rows that agree with each other.
#[test]
fn rows_are_held_against_what_was_booked() {
    let book = lived(OTHER);
    {
        let mut state = book.state();
        state.mature(MINOR);
        let (merchant, source) = (state.merchant.uid().0, row(&mut state).id.0);
        let twice = given(merchant, OTHER.0, sum(), [1; 16]).unwrap();
        state.book(&twice, source);
    }
    let found = difference(&book, Options::full());
    let [has, say] =
        found.split_once(" in shard 1, its rows say ").map(<[&str; 2]>::from).unwrap_or_default();
    assert_eq!(
        (has.matches("-700 CNY on 1920 {3} of mch_").count(), say.matches("1920").count()),
        (2, 1),
        "{found}"
    );

    let book = Book::lived();
    {
        let mut state = book.state();
        state.mature(MINOR);
        let id = give(&mut state, OTHER);
        row(&mut state).status = Status::Proposed;
        row(&mut state).decided_by = None;
        assert!(state.adjustments.contains_key(&id));
    }
    let found = difference(&book, Options::full());
    assert!(found.contains("in shard 1, its rows say no line on 1920"), "{found}");

    let book = Book::lived();
    {
        let mut state = book.state();
        state.mature(MINOR);
        give(&mut state, Shard(5));
        row(&mut state).receiver = receiver(OTHER);
    }
    let found = difference(&book, Options::full());
    assert!(
        found.contains("has -700 CNY on 1920 {5} of")
            && found.contains("its rows say -700 CNY on 1920 {3} of"),
        "{found}"
    );
}

/// By another merchant's root, or under another kind of posting, with rows that look right.
#[test]
fn a_half_is_its_own_merchants_and_an_adjustment() {
    let changes: [(Change, &str); 2] = [
        (
            |s| {
                let other = receiver(SHARD);
                let last = &mut s.journal.last_mut().unwrap().transaction;
                last.merchant = other;
            },
            "its rows say -700 CNY on 1920 {3} of",
        ),
        (
            |s| {
                s.adjustments.clear();
                s.arrivals.clear();
                s.journal.last_mut().unwrap().transaction.kind = ledger::PostingKind::Reversed;
            },
            "has lines or an arrival in shard 1 and no row",
        ),
    ];
    for (change, sentence) in changes {
        let book = Book::lived();
        {
            let mut state = book.state();
            state.mature(MINOR);
            give(&mut state, OTHER);
            change(&mut state);
        }
        let found = difference(&book, Options::full());
        assert!(found.contains(sentence), "{sentence}: {found}");
    }
}

/// What arrives names the shard that it comes from, of the same world.
#[test]
fn a_source_of_another_shard_arrives_from_there() {
    let from = |other: Shard, source: AdjustmentId| {
        let book = Book::new();
        {
            let mut state = book.state();
            let merchant = state.merchant;
            let posting = received(merchant.uid().0, other.0, sum(), [1; 16], &*state).unwrap();
            state.book_of(merchant, &posting, source.0);
        }
        difference(&book, Options::incremental(0))
    };
    let of = |shard: Shard| AdjustmentId(IdMaker::new(1, shard, 5).next::<AdjustmentId>().0);
    assert!(from(OTHER, of(Shard(5))).contains("has a source of shard 5"));
    assert!(from(OTHER, of(SHARD)).contains("has a source of shard 1"));
    assert!(from(Shard(2), of(Shard(2))).contains("1920 {2} CNY is of the other world"));
}

/// The second half is booked and noted between any two reads.
#[test]
fn what_arrives_meanwhile_is_no_difference() {
    for begins_with in 0..12 {
        let book = Book::lived();
        book.state().mature(MINOR);
        let id = give(&mut book.state(), SHARD);
        for _ in 0..begins_with {
            book.meanwhile(|_| {});
        }
        book.meanwhile(move |state| arrive(state, id));
        book.meanwhile(move |state| settle(state, id));
        book.meanwhile(|state| {
            state.mature(MINOR);
            let id = give(state, OTHER);
            arrive(state, id);
            settle(state, id);
        });
        assert_eq!(verify(&book, Options::full()).difference, None, "after {begins_with}");
    }
}
