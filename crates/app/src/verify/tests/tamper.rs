//! One column is changed at a time; the run must name it.

use super::book::{FEE_MINOR, GROSS_MINOR, State};
use super::{Book, difference, seal, verify};
use crate::verify::{Broken, Options};
use domain::id::{Id, IdMaker, MerchantId, Shard};
use ledger::{Account, Category, Day};
use money::Currency;

type Change = fn(&mut State);

/// Falsifies one line of transaction 2, a sale: 1110, 2010 gross, 2010 fee, 4010, 5010, 2120.
const LINE_CHANGES: [(&str, Change); 12] = [
    ("amount", |s| s.journal[1].transaction.entries[1].amount_minor -= 1),
    ("two amounts", |s| {
        s.journal[1].transaction.entries[4].amount_minor += 1;
        s.journal[1].transaction.entries[5].amount_minor -= 1;
    }),
    ("account", |s| s.journal[1].transaction.entries[5].account.day += 1),
    ("category", |s| s.journal[1].transaction.entries[2].category = Category::RefundFee),
    ("merchant of a line", |s| s.journal[1].transaction.entries[1].merchant = None),
    ("account line number", |s| s.journal[1].transaction.entries[1].account_seq = Some(9)),
    ("balance after", |s| s.journal[1].transaction.entries[2].balance_after_minor = Some(0)),
    ("posted at", |s| s.journal[1].transaction.posted_at_us += 1),
    ("booked on", |s| s.journal[1].transaction.booked_on = Day(1)),
    ("kind", |s| s.journal[1].transaction.kind = ledger::PostingKind::Adjusted),
    ("source", |s| s.journal[1].transaction.source = s.merchant.uid()),
    ("corrects", |s| s.journal[1].transaction.corrects = Some(s.merchant.uid())),
];

#[test]
fn every_column_of_a_sealed_line_is_named() {
    for (what, change) in LINE_CHANGES {
        for options in [Options::full(), Options::incremental(0)] {
            let book = Book::lived();
            seal(&book, 5);
            change(&mut book.state());
            let found = difference(&book, options);
            assert!(found.contains("journal line 2/"), "{what}: {found}");
            assert!(
                found.contains("of shard 1 was changed after it was sealed in block 1"),
                "{what}: {found}"
            );
            assert_eq!(book.state().verified, 0, "{what}");
        }
        // Proven once, changed later: the share of old blocks finds it.
        let book = Book::lived();
        seal(&book, 5);
        assert_eq!(verify(&book, Options::incremental(0)).difference, None);
        change(&mut book.state());
        let found = difference(&book, Options { old_blocks_per_mille: 1_000, ..Options::incremental(0) });
        assert!(found.contains("journal line 2/"), "{what}: {found}");
    }
}

/// Not sealed yet: what breaks a rule of the books or a sum of a row is still found, and by which row.
#[test]
fn lines_that_are_not_sealed_are_held_against_rules_and_rows() {
    let cases: [(&str, Change, &str); 12] = [
        (
            "amount",
            LINE_CHANGES[0].1,
            "journal transaction 2 of shard 1 does not sum to zero (CNY -1): line 0: 1110",
        ),
        ("two amounts", LINE_CHANGES[1].1, "platform balance 2120"),
        ("account", LINE_CHANGES[2].1, "platform balance 2120"),
        (
            "account moved",
            |s| s.journal[1].transaction.entries[1].account.day += 1,
            "account line numbers of 2010",
        ),
        ("category", LINE_CHANGES[3].1, "says fee 60, its lines say 0"),
        ("merchant of a line", LINE_CHANGES[4].1, "is a merchant's, the line names none"),
        ("account line number", LINE_CHANGES[5].1, "jump from 2 to 9 at journal line 2/1 of shard 1"),
        ("balance after", LINE_CHANGES[6].1, "the line before left 19940, with -60 that makes 19880"),
        ("kind", LINE_CHANGES[9].1, "says captured 10000, its lines say 0"),
        (
            "memo",
            |s| s.journal[1].transaction.entries[5].account = memo(s),
            "mixes the general ledger with memos",
        ),
        (
            "no lines",
            |s| s.journal[1].transaction.entries.clear(),
            "journal transaction 2 of shard 1 has no lines",
        ),
        ("foreign", |s| s.journal[1].transaction.merchant = foreign(), "has a merchant of shard 0"),
    ];
    for (what, change, sentence) in cases {
        let book = Book::lived();
        change(&mut book.state());
        let found = difference(&book, Options::full());
        assert!(found.contains(sentence), "{what}: {found}");
    }
}

fn memo(state: &State) -> ledger::AccountKey {
    let payment = state.journal[1].transaction.source.0;
    Account::MemoAuthorized { payment }.key(Currency::CNY)
}

fn foreign() -> MerchantId {
    IdMaker::new(1, Shard(0), 1).next()
}

#[test]
fn missing_transactions_are_gaps() {
    for (blocks, remove, sentence) in [
        (0, 0, "the journal of shard 1 begins with transaction 2, not with 1"),
        (0, 6, "has transactions 6 and 8 but not 7 (gap)"),
        (0, 11, "has handed out journal numbers up to 12, the journal ends at 11"),
        (5, 6, "has transactions 6 and 8 but not 7 (gap)"),
        (5, 11, "block 3 of shard 1 is over transactions 11 to 12, the journal ends at 11"),
    ] {
        let book = Book::lived();
        if blocks > 0 {
            seal(&book, blocks);
        }
        book.state().journal.remove(remove);
        assert!(
            difference(&book, Options::full()).contains(sentence),
            "{remove}: {}",
            difference(&book, Options::full())
        );
    }
    let book = Book::lived();
    book.state().last_seq = 11;
    let found = difference(&book, Options::full());
    assert_eq!(found, "the journal of shard 1 goes to 12, its numbers were handed out up to 11");
}

#[test]
fn a_gap_in_an_old_block_is_found_when_its_turn_comes() {
    let book = Book::lived();
    seal(&book, 5);
    verify(&book, Options::incremental(0));
    book.state().journal.remove(6);
    assert_eq!(
        verify(&book, Options { old_blocks_per_mille: 0, ..Options::incremental(0) }).difference,
        None
    );
    let found = difference(&book, Options { old_blocks_per_mille: 1_000, ..Options::incremental(0) });
    assert_eq!(found, "journal transaction 7 of shard 1, sealed in block 2, is gone");
}

#[test]
fn every_column_of_a_block_is_proven() {
    let cases: [(Change, &str); 9] = [
        (|s| s.blocks[1].root[0] ^= 1, "the root of block 2 of shard 1 is not that of its lines"),
        (
            |s| s.blocks[1].chained[0] ^= 1,
            "the chained root of block 2 of shard 1 does not follow from block 1",
        ),
        (
            |s| s.blocks[1].leaf_marks[9] ^= 1,
            "the mark of journal line 6/1 in block 2 of shard 1 was changed",
        ),
        (|s| s.blocks[1].leaf_marks.push(0), "block 2 of shard 1 has marks of lines that it is not over"),
        (|s| s.blocks[1].line_count += 1, "block 2 of shard 1 was sealed over"),
        (
            |s| s.blocks[1].first_seq = 7,
            "block 2 of shard 1 is over transactions 7 to 10; the blocks before end at 5",
        ),
        (|s| s.blocks[1].last_seq = 4, "block 2 of shard 1 is over transactions 6 to 4"),
        (
            |s| s.blocks[2].last_seq = 99,
            "block 3 of shard 1 is over transactions 11 to 99, the journal ends at 12",
        ),
        (|s| drop(s.blocks.remove(1)), "block 2 of shard 1 is missing, the newest is 3"),
    ];
    for (change, sentence) in cases {
        for is_old in [false, true] {
            let book = Book::lived();
            seal(&book, 5);
            if is_old {
                verify(&book, Options::incremental(0));
            }
            change(&mut book.state());
            let found = difference(&book, Options::full());
            assert!(found.contains(sentence), "{sentence}: {found}");
        }
    }
    let book = Book::lived();
    seal(&book, 5);
    verify(&book, Options::incremental(0));
    book.state().blocks.pop();
    assert_eq!(
        difference(&book, Options::incremental(0)),
        "block 3 of shard 1 was proven before and is gone"
    );
}

#[test]
fn balance_rows_are_held_against_their_last_lines() {
    let rows: [(&str, Change, &str); 5] = [
        ("amount", |s| pending(s).balance.amount_minor += 1, "CNY says 22"),
        ("behind", |s| pending(s).balance.account_seq -= 1, "says that its last line is number"),
        ("ahead", |s| pending(s).balance.account_seq += 1, "says that its last line is number"),
        ("owner", |s| pending(s).merchant = foreign(), "says that it is of mch_"),
        (
            "gone",
            |s| {
                let key = s.pending();
                s.balances.retain(|row| row.key != key)
            },
            "lines and no balance row",
        ),
    ];
    for (what, change, sentence) in rows {
        for options in [Options::full(), Options::incremental(0)] {
            let book = Book::lived();
            change(&mut book.state());
            let found = difference(&book, options);
            assert!(found.contains(sentence), "{what}: {found}");
            assert!(found.contains("2010 {mch_"), "{what}: {found}");
        }
    }
    let book = Book::lived();
    {
        let mut state = book.state();
        let mut row = pending(&mut state).clone();
        row.key.day += 5;
        state.balances.push(row);
    }
    assert!(difference(&book, Options::full()).ends_with("and has no line"));
    let book = Book::lived();
    for sum in book.state().platform.values_mut() {
        *sum += 1;
    }
    let found = difference(&book, Options::full());
    assert!(
        found.starts_with("platform balance 1110 {cha_") && found.contains("its lines sum to"),
        "{found}"
    );
}

fn pending(state: &mut State) -> &mut store::reads::StoredBalance {
    let key = state.pending();
    state.balances.iter_mut().find(|row| row.key == key).unwrap()
}

#[test]
fn an_account_below_its_floor_is_named() {
    let book = Book::new();
    book.state().sale();
    book.state().mature(GROSS_MINOR - FEE_MINOR + 5);
    let found = difference(&book, Options::incremental(0));
    assert!(found.contains("journal line 2/0 of shard 1 takes 2010 {mch_"), "{found}");
    assert!(found.ends_with("to -5, its floor is 0"), "{found}");
}

/// 2020 may serve a refund down to minus the credit line, and no further.
#[test]
fn a_credit_line_moves_the_floor() {
    let book = Book::new();
    {
        let mut state = book.state();
        let payment = state.sale();
        state.mature(GROSS_MINOR - FEE_MINOR);
        state.credit_line_minor = 50;
        state.accept_refund(payment, GROSS_MINOR);
    }
    assert_eq!(verify(&book, Options::full()).difference, None);
    book.state().credit_line_minor = 0;
    let found = difference(&book, Options::full());
    assert!(found.contains("takes 2020 {mch_") && found.ends_with("its floor is 0"), "{found}");
}

/// New lines that do not follow from the old ones, rows and all: seen without a full run.
#[test]
fn the_first_new_line_must_follow_from_the_last_old_one() {
    let book = Book::lived();
    seal(&book, 5);
    verify(&book, Options::incremental(0));
    pending(&mut book.state()).balance.amount_minor += 1_000_000;
    book.state().sale();
    let found = difference(&book, Options::incremental(0));
    assert!(found.contains("journal line 13/1 of shard 1 says that 2010 {mch_"), "{found}");
}

#[test]
fn objects_are_held_against_their_lines() {
    fn payment(s: &mut State) -> &mut domain::payment::Payment {
        s.payments.values_mut().find(|p| p.refunded_minor > 0).unwrap()
    }
    fn refund(s: &mut State, status: domain::refund::Status) -> &mut domain::refund::Refund {
        s.refunds.values_mut().find(|r| r.status == status).unwrap()
    }
    use domain::refund::Kind::Automatic;
    use domain::refund::Status::{Failed, Pending, Succeeded};
    let cases: [(Change, &str); 17] = [
        (|s| payment(s).captured_minor -= 1, "says captured 9999, its lines say 10000"),
        (|s| payment(s).fee_minor = Some(61), "says fee 61, its lines say 60"),
        (|s| payment(s).fee_minor = None, "says fee 0, its lines say 60"),
        (|s| payment(s).refunded_minor -= 1, "says refunded 3999, its refunds say 4000"),
        (|s| payment(s).refunding_minor += 1, "says refunding 1, its refunds say 0"),
        (|s| payment(s).fee_returned_minor = 0, "says fee returned 0, its refunds say 24"),
        (|s| payment(s).authorized_minor = 5, "says authorized (9010) 5, its lines say 0"),
        (|s| s.payments.retain(|_, p| p.authorized_minor == 0), "has journal lines and no row"),
        (|s| s.payments.retain(|_, p| p.refunded_minor == 0), "has journal lines and no row"),
        (
            |s| s.attempts.values_mut().for_each(|a| a.held_minor = 1),
            "says held (2910) 1, its lines say 10000",
        ),
        (|s| s.attempts.clear(), "has journal lines on 2910 and no row"),
        (|s| refund(s, Pending).in_transit_minor = 1, "says in transit (2130) 1, its lines say"),
        (
            |s| refund(s, Pending).status = Failed,
            "(failed) says by its status waiting (2130) 0, its lines say",
        ),
        (
            |s| refund(s, Failed).status = Succeeded,
            "says by its status taken by the channel (1110) 500, its lines say 0",
        ),
        (|s| refund(s, Succeeded).fee_returned_minor = 25, "says fee returned 25, its lines say 24"),
        (|s| s.refunds.retain(|_, r| r.status != Succeeded), "says refunded 4000, its refunds say 0"),
        (|s| s.refunds.retain(|_, r| r.kind != Automatic), "has journal lines and no row"),
    ];
    for (change, sentence) in cases {
        let book = Book::lived();
        seal(&book, 5);
        change(&mut book.state());
        let found = difference(&book, Options::full());
        assert!(found.contains(sentence), "{sentence}: {found}");
    }
}

/// A row of another shape than this program writes is a finding that names the transaction, not a failure of the run.
#[test]
fn a_row_that_can_not_be_read_is_named() {
    for blocks in [5, 0] {
        let book = Book::lived();
        if blocks > 0 {
            seal(&book, blocks);
        }
        book.state().unreadable = Some(8);
        let found = verify(&book, Options::incremental(0)).difference.unwrap();
        assert_eq!(found.broken, Broken::Unreadable);
        assert_eq!(found.sentence, "journal transaction 8 of shard 1 can't be read: category: paymemt");
    }
}
