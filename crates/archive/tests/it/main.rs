//! Files of the journal: what is read is what was written, and nothing else is taken for such a file.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // helpers are tests too

use archive::{Fault, Reader, Writer};
use domain::id::{Id, MerchantId, Shard, Uid};
use domain::rows::{Entry, Transaction};
use ledger::{AccountKey, Category, Day, PostingKind};
use money::Currency;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use std::path::{Path, PathBuf};
use store::reads::StoredTransaction;

const SHARD: Shard = Shard(2);

fn uid() -> impl Strategy<Value = Uid> {
    any::<[u8; 16]>().prop_map(Uid)
}

fn entry() -> impl Strategy<Value = Entry> {
    let account =
        (any::<u16>(), any::<[u8; 16]>(), any::<i32>(), 0..2).prop_map(|(code, dim, day, which)| {
            AccountKey { code, dim, day, currency: [Currency::CNY, Currency::USD][which as usize] }
        });
    let category = prop_oneof![Just(Category::Payment), Just(Category::Fee), Just(Category::Refund)];
    let numbers = (any::<i64>(), any::<Option<i64>>(), any::<Option<i64>>());
    (account, category, proptest::option::of(uid()), numbers).prop_map(
        |(account, category, owner, (amount_minor, account_seq, balance_after_minor))| Entry {
            account,
            amount_minor,
            category,
            merchant: owner.map(MerchantId::from_uid),
            account_seq,
            balance_after_minor,
        },
    )
}

fn transaction() -> impl Strategy<Value = Transaction> {
    let kind = prop_oneof![
        Just(PostingKind::PaymentSucceeded),
        Just(PostingKind::RefundTaken),
        Just(PostingKind::Matured)
    ];
    let times = (any::<i64>(), any::<i32>());
    (kind, uid(), uid(), times, proptest::option::of(uid()), proptest::collection::vec(entry(), 1..7))
        .prop_map(|(kind, source, merchant, (posted_at_us, booked_on), corrects, entries)| Transaction {
            kind,
            source,
            merchant: MerchantId::from_uid(merchant),
            posted_at_us,
            booked_on: Day(booked_on),
            corrects,
            entries,
        })
}

fn numbered(first: i64, transactions: Vec<Transaction>) -> Vec<StoredTransaction> {
    (first..).zip(transactions).map(|(seq, transaction)| StoredTransaction { seq, transaction }).collect()
}

fn written(path: &Path, all: &[StoredTransaction]) -> archive::Written {
    let mut writer = Writer::create(path, SHARD).unwrap();
    for page in all.chunks(7) {
        writer.push(page).unwrap();
    }
    writer.finish().unwrap()
}

fn place(name: &str) -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(name);
    (directory, path)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn what_is_read_is_what_was_written(
        first in 1i64..1_000_000_000_000,
        transactions in proptest::collection::vec(transaction(), 1..40),
        from in 0usize..40,
        limit in 1usize..50,
    ) {
        let (_directory, path) = place("a.parquet");
        let all = numbered(first, transactions);
        let about = written(&path, &all);
        let lines: usize = all.iter().map(|stored| stored.transaction.entries.len()).sum();
        let last = first + i64::try_from(all.len()).unwrap() - 1;
        prop_assert_eq!((about.first_seq, about.last_seq, about.lines), (first, last, lines as u64));
        let reader = Reader::open(&path).unwrap();
        prop_assert_eq!((reader.shard(), reader.range()), (SHARD, (first, last)));
        let from_seq = first + i64::try_from(from).unwrap();
        let page = reader.page(from_seq, limit).unwrap();
        let expected: Vec<_> = all.iter().skip(from).take(limit).cloned().collect();
        prop_assert_eq!(page, expected);
        // The same lines are the same bytes, whenever they are written.
        let bytes = std::fs::read(&path).unwrap();
        written(&path, &all);
        prop_assert!(bytes == std::fs::read(&path).unwrap());
    }
}

/// Some row groups, read in pages from their beginnings, their ends and across.
#[test]
fn pages_go_on_over_the_groups_of_a_file() {
    let (_directory, path) = place("b.parquet");
    let entry = |line: i64| Entry {
        account: AccountKey { code: 2010, dim: [3; 16], day: 20_000, currency: Currency::CNY },
        amount_minor: line,
        category: Category::Payment,
        merchant: None,
        account_seq: Some(line),
        balance_after_minor: None,
    };
    let one = |seq: i64| Transaction {
        kind: PostingKind::Matured,
        source: Uid([1; 16]),
        merchant: MerchantId(Uid([2; 16])),
        posted_at_us: seq,
        booked_on: Day(20_000),
        corrects: None,
        entries: (0..3).map(entry).collect(),
    };
    let all = numbered(5, (5..60_005).map(one).collect());
    let about = written(&path, &all);
    assert_eq!((about.first_seq, about.last_seq, about.lines), (5, 60_004, 180_000));
    let reader = Reader::open(&path).unwrap();
    let (mut read, mut next_seq) = (Vec::new(), 1);
    loop {
        let page = reader.page(next_seq, 512).unwrap();
        let Some(last) = page.last() else { break };
        next_seq = last.seq + 1;
        read.extend(page);
    }
    assert!(read == all, "every transaction, once, in order");
    assert_eq!(reader.page(60_005, 1).unwrap(), []);
    // Twelve bytes a line and less, where columns repeat themselves.
    let size_bytes = std::fs::metadata(&path).unwrap().len();
    assert!(size_bytes < 180_000 * 12, "{size_bytes} bytes");
}

#[test]
fn a_gap_or_a_transaction_without_lines_is_not_written() {
    let (_directory, path) = place("c.parquet");
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let one = transaction().new_tree(&mut runner).unwrap().current();
    let at =
        |seq: i64, transaction: &Transaction| StoredTransaction { seq, transaction: transaction.clone() };
    let empty = Transaction { entries: Vec::new(), ..one.clone() };
    for page in [vec![at(1, &one), at(3, &one)], vec![at(2, &one), at(2, &one)], vec![at(1, &empty)]] {
        let mut writer = Writer::create(&path, SHARD).unwrap();
        assert!(matches!(writer.push(&page), Err(Fault::Wrong(_))), "{page:?}");
    }
    assert!(matches!(Writer::create(&path, SHARD).unwrap().finish(), Err(Fault::Wrong(_))));
}

#[test]
fn what_is_no_such_file_is_refused() {
    let (directory, path) = place("d.parquet");
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let all = numbered(1, vec![transaction().new_tree(&mut runner).unwrap().current()]);
    written(&path, &all);
    let whole = std::fs::read(&path).unwrap();
    assert!(matches!(Reader::open(&directory.path().join("none")), Err(Fault::File { .. })));
    let version = b"feiqian.journal.version";
    let at = whole.windows(version.len()).position(|part| part == version).unwrap();
    let mut renamed = whole.clone();
    renamed[at] = b'x';
    for (what, bytes) in [
        ("nothing", Vec::new()),
        ("text", b"PAR1 and no more".to_vec()),
        ("a file cut short", whole[..whole.len() - 9].to_vec()),
        ("a file of another kind", renamed),
    ] {
        std::fs::write(&path, bytes).unwrap();
        assert!(Reader::open(&path).is_err(), "{what}");
    }
}
