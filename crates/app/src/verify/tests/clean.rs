//! What is honest is found honest: sealed or not, in one run or several, also while the platform works on.

use super::{Book, SALT_KEY, SHARD, seal, verify};
use crate::seal::{SealPolicy, seal_on};
use crate::verify::{Options, run_on};
use futures::executor::block_on;

#[test]
fn an_honest_book_is_clean_in_every_way() {
    for transactions_max in [1, 5, 12, 4_096] {
        let book = Book::lived();
        assert_eq!(verify(&book, Options::full()).difference, None, "unsealed");
        let blocks = seal(&book, transactions_max) as u64;
        assert_eq!(blocks, 12_u64.div_ceil(u64::from(transactions_max)));
        let first = verify(&book, Options::incremental(3));
        assert_eq!(first.difference, None);
        assert_eq!((first.transactions, first.blocks, first.old_blocks, first.unsealed), (12, blocks, 0, 0));
        let again = verify(&book, Options::incremental(3));
        assert_eq!(again.difference, None);
        assert_eq!((again.transactions, again.blocks, again.old_blocks), (0, 0, 1));
        let full = verify(&book, Options::full());
        assert_eq!(full.difference, None);
        assert_eq!((full.transactions, full.blocks, full.objects), (12, blocks, 6 + 4 + 1));
        assert_eq!(full.chain_ends, again.chain_ends);
        assert_eq!(full.chain_ends[0].last_seq, 12);
    }
}

#[test]
fn money_that_was_sent_back_and_came_back_is_no_difference() {
    let book = Book::lived();
    let refund = book.state().send_back();
    book.state().come_back(refund);
    assert_eq!(verify(&book, Options::full()).difference, None);
}

#[test]
fn an_incremental_run_goes_on_where_the_last_one_ended() {
    let book = Book::lived();
    seal(&book, 5);
    assert_eq!(verify(&book, Options { remember: false, ..Options::incremental(0) }).blocks, 3);
    assert_eq!(book.state().verified, 0);
    assert_eq!(verify(&book, Options::incremental(0)).blocks, 3);
    assert_eq!(book.state().verified, 3);
    book.state().sale();
    book.state().mature(100);
    let report = verify(&book, Options::incremental(0));
    assert_eq!(report.difference, None);
    assert_eq!((report.transactions, report.unsealed, report.accounts, report.unlinked), (2, 2, 2, 0));
}

/// An account that rested while its merchant sold much: the step is believed, and counted as such.
#[test]
fn a_line_out_of_reach_is_counted() {
    let book = Book::lived();
    seal(&book, 4_096);
    verify(&book, Options::incremental(0));
    for _ in 0..1_100 {
        book.state().sale();
    }
    seal(&book, 4_096);
    assert_eq!(verify(&book, Options { remember: false, ..Options::incremental(0) }).unlinked, 0);
    book.state().mature(100);
    let report = verify(&book, Options::incremental(0));
    assert_eq!((report.difference, report.unlinked), (None, 1));
    assert_eq!(verify(&book, Options::full()).difference, None);
}

/// A sale, a refund and more are committed between any two reads of rows.
#[test]
fn what_is_committed_meanwhile_is_no_difference() {
    for options in [Options::incremental(1), Options::full()] {
        for begins_with in 0..8 {
            let book = Book::lived();
            seal(&book, 5);
            for _ in 0..begins_with {
                book.meanwhile(|_| {});
            }
            for _ in 0..4 {
                book.meanwhile(|state| {
                    let payment = state.sale();
                    let refund = state.accept_refund(payment, 100);
                    state.take_refund(refund);
                    state.authorize();
                    state.hold();
                    state.mature(10);
                });
            }
            let report = verify(&book, options);
            assert_eq!(report.difference, None, "{options:?} after {begins_with}");
        }
    }
}

#[test]
fn a_block_waits_until_it_is_full_or_the_last_is_old() {
    let book = Book::new();
    let policy = SealPolicy { transactions_max: 3, idle_us: 60 };
    let seal_at = |now_us| block_on(seal_on(&book, &SALT_KEY, SHARD, policy, now_us)).unwrap();
    assert_eq!(seal_at(0), 0);
    book.state().sale();
    assert_eq!(seal_at(1_000), 1, "nothing was sealed yet");
    book.state().sale();
    assert_eq!(seal_at(1_059), 0, "the newest block is younger than a minute");
    assert_eq!(seal_at(1_060), 1);
    for _ in 0..7 {
        book.state().sale();
    }
    assert_eq!(seal_at(1_061), 2, "two full ones, the rest waits");
    assert_eq!(book.state().blocks.last().map(|block| block.last_seq), Some(8));
    assert_eq!(verify(&book, Options::full()).difference, None);
}

#[test]
fn a_gap_is_never_sealed() {
    let book = Book::lived();
    book.state().journal.remove(3);
    let sealed = block_on(seal_on(&book, &SALT_KEY, SHARD, SealPolicy::default(), 1));
    assert!(sealed.is_err_and(|error| error.to_string().contains("4 is missing before 5")));
    assert!(book.state().blocks.is_empty());
}

#[test]
fn progress_adds_up() {
    #[derive(Default)]
    struct Seen(u64, u64);
    impl crate::verify::Progress for Seen {
        fn total(&mut self, transactions: u64) {
            self.0 += transactions;
        }
        fn step(&mut self, transactions: u64) {
            self.1 += transactions;
        }
    }
    let book = Book::lived();
    seal(&book, 4);
    for options in
        [Options::incremental(0), Options { old_blocks_per_mille: 1_000, ..Options::incremental(0) }]
    {
        let mut seen = Seen::default();
        block_on(run_on(&book, &SALT_KEY, options, &mut seen)).unwrap();
        assert_eq!((seen.0, seen.1), (12, 12));
    }
}

/// Another key gives other leaves: an intruder without it can't seal what it changed.
#[test]
fn the_seal_hangs_on_the_key() {
    let book = Book::lived();
    seal(&book, 5);
    let report = block_on(run_on(&book, &[8; 32], Options::full(), &mut ())).unwrap();
    assert!(
        report.difference.is_some_and(|found| found.to_string().contains("line 1/0 of shard 1 was changed"))
    );
}
