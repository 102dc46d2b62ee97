//! What may be noted as archived, and that nothing else of the journal is ever deleted.

use crate::books::sell;
use crate::fixtures::*;
use store::StoreError;
use store::archive::{ArchiveEnd, ArchiveFile, Dropped};
use store::reads::Block;

on_both_engines! {
    a_file_is_noted_behind_the_one_before_with_whole_proven_blocks,
    what_rests_in_a_file_is_deleted_and_no_line_more,
}

fn block(number: i64, first_seq: i64, last_seq: i64) -> Block {
    Block {
        number,
        first_seq,
        last_seq,
        line_count: 9,
        root: [1; 32],
        chained: [2; 32],
        leaf_marks: vec![3; 72],
        sealed_at_us: NOW_US,
    }
}

fn file(seqs: (i64, i64), blocks: (i64, i64)) -> ArchiveFile {
    ArchiveFile {
        shard: LIVE,
        first_seq: seqs.0,
        last_seq: seqs.1,
        first_block: blocks.0,
        last_block: blocks.1,
        name: format!("journal-{}", seqs.0),
        lines: 9,
        size_bytes: 1_000,
        sha256: [4; 32],
        archived_at_us: NOW_US,
    }
}

/// Ten transactions in blocks of 3, 3 and 4, of which two are proven.
fn sealed(engine: Engine) -> Installation {
    let here = Installation::new(engine);
    sell(&here, 10);
    for block in [block(1, 1, 3), block(2, 4, 6), block(3, 7, 10)] {
        block_on(here.store.append_block(LIVE, &block)).unwrap();
    }
    block_on(here.store.set_verified_block(LIVE, 2)).unwrap();
    here
}

fn a_file_is_noted_behind_the_one_before_with_whole_proven_blocks(engine: Engine) {
    let here = sealed(engine);
    let store = &here.store;
    let refused = |wrong: ArchiveFile| {
        let error = block_on(store.keep_archive_file(&wrong)).unwrap_err();
        assert!(matches!(error, StoreError::Conflict(_)), "{wrong:?}: {error:?}");
    };
    for (seqs, blocks) in [
        // Not from the first on, half a block, more than a block, not proven, none of these blocks.
        ((4, 6), (2, 2)),
        ((1, 2), (1, 1)),
        ((1, 4), (1, 1)),
        ((1, 10), (1, 3)),
        ((1, 12), (1, 4)),
        ((1, 3), (2, 1)),
    ] {
        refused(file(seqs, blocks));
    }
    assert_eq!(block_on(store.archive_end(LIVE)).unwrap(), ArchiveEnd::default());
    let first = file((1, 3), (1, 1));
    block_on(store.keep_archive_file(&first)).unwrap();
    refused(first.clone());
    refused(file((7, 10), (3, 3)));
    let second = file((4, 6), (2, 2));
    block_on(store.keep_archive_file(&second)).unwrap();
    assert_eq!(block_on(store.archive_end(LIVE)).unwrap(), ArchiveEnd { seq: 6, block: 2 });
    assert_eq!(block_on(store.archive_files(LIVE, 0, 10)).unwrap(), [first, second.clone()]);
    assert_eq!(block_on(store.archive_files(LIVE, 1, 10)).unwrap(), [second]);
    assert_eq!(block_on(store.archive_end(SANDBOX)).unwrap(), ArchiveEnd::default());
}

fn what_rests_in_a_file_is_deleted_and_no_line_more(engine: Engine) {
    let here = sealed(engine);
    let store = &here.store;
    let all = block_on(store.journal(LIVE, 1, 100)).unwrap();
    let drop = |from_seq, limit| block_on(store.drop_archived(LIVE, from_seq, limit)).unwrap();
    assert_eq!(drop(0, 100), Dropped { transactions: 0, next_seq: 1 }, "nothing is noted");
    assert!(block_on(store.journal(LIVE, 1, 100)).unwrap() == all);
    block_on(store.keep_archive_file(&file((1, 6), (1, 2)))).unwrap();
    assert_eq!(drop(0, 4), Dropped { transactions: 4, next_seq: 5 });
    assert!(block_on(store.journal(LIVE, 1, 100)).unwrap() == all[4..]);
    assert_eq!(drop(5, 100), Dropped { transactions: 2, next_seq: 7 });
    assert_eq!(drop(7, 100), Dropped { transactions: 0, next_seq: 7 });
    // Asked anew from the beginning, as by a process that was started since.
    assert_eq!(drop(0, 100), Dropped { transactions: 0, next_seq: 7 });
    let left = block_on(store.journal(LIVE, 1, 100)).unwrap();
    assert!(left == all[6..] && left.iter().all(|stored| !stored.transaction.entries.is_empty()));
}
