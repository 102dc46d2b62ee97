//! The same over the embedded engine: committed by a lane's session, sealed, verified, and one line changed in the file.

use super::book::{Book, TODAY};
use super::{SALT_KEY, book::SHARD};
use crate::seal::{SealPolicy, seal_due};
use crate::verify::{Options, Report, run};
use crypto::seal::{KeyProvider, MasterKey, SealFault, Sealer};
use domain::World;
use domain::merchant::{Head, Merchant};
use domain::rows::ReadSet;
use futures::executor::block_on;
use std::sync::Arc;
use store::sqlite::{SqliteConfig, SqliteStore, init, tamper_for_demo};
use store::{BalanceWrite, Control, Store, WriteSet};

struct OneKey;

impl KeyProvider for OneKey {
    fn current_version(&self) -> u32 {
        1
    }

    fn key(&self, _: u32) -> Result<MasterKey, SealFault> {
        Ok(MasterKey::from_bytes([1; 32]))
    }
}

fn config(directory: &tempfile::TempDir) -> SqliteConfig {
    SqliteConfig::new(directory.path().join("feiqian.db"), Arc::new(Sealer::new(Arc::new(OneKey))), 1)
}

/// Everything that the book lived through, in one commit.
fn write_set(book: &Book) -> WriteSet {
    let state = book.state();
    let balances = state.balances.iter().map(|row| BalanceWrite {
        key: row.key,
        merchant: row.merchant,
        before: None,
        after: row.balance,
        floor_minor: 0,
        matures_at_us: None,
    });
    WriteSet {
        batch: 1,
        at_us: 1,
        open_day: TODAY,
        new_payments: state.payments.values().cloned().collect(),
        new_attempts: state.attempts.values().cloned().collect(),
        new_refunds: state.refunds.values().cloned().collect(),
        transactions: state.journal.iter().map(|stored| stored.transaction.clone()).collect(),
        balances: balances.collect(),
        deltas: state.platform.iter().map(|(key, sum)| (*key, *sum)).collect(),
        ..WriteSet::default()
    }
}

fn create_merchant(store: &SqliteStore, book: &Book) {
    let id = book.state().merchant;
    let merchant = Merchant {
        id,
        world: World::Sandbox,
        shard: SHARD,
        name: "A".to_owned(),
        zone: "Asia/Shanghai".to_owned(),
        maturity_days: 1,
        partner: None,
        created_at_us: 1,
    };
    let head = Head {
        merchant: id,
        clock_offset_us: 0,
        business_day: TODAY,
        debt_limit_minor: 0,
        credit_line_minor: 0,
        key_epoch: 0,
        sequence: 1,
    };
    block_on(store.create_merchant(&merchant, &head, b"secret")).unwrap();
}

fn commit(store: &SqliteStore, writes: &WriteSet, book: &Book) {
    let mut session = store.lane_session(SHARD).unwrap();
    let reads = ReadSet { merchants: vec![book.state().merchant], ..ReadSet::default() };
    block_on(session.load(&reads)).unwrap();
    block_on(session.commit(writes)).unwrap();
}

fn verify(store: &dyn Store, options: Options) -> Report {
    block_on(run(store, None, &SALT_KEY, options, &mut ())).unwrap()
}

#[test]
fn a_line_edited_in_the_file_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let config = config(&directory);
    init(&config, TODAY).unwrap();
    let book = Book::lived();
    let store = SqliteStore::open(&config).unwrap();
    create_merchant(&store, &book);
    commit(&store, &write_set(&book), &book);
    let policy = SealPolicy { transactions_max: 5, idle_us: 0 };
    assert_eq!(block_on(seal_due(&store, &SALT_KEY, SHARD, policy, 1)).unwrap(), 3);

    for options in [Options::incremental(0), Options::incremental(0), Options::full()] {
        let report = verify(&store, options);
        assert_eq!(report.difference, None);
        assert_eq!(report.chain_ends.len(), 1);
    }
    assert_eq!(block_on(store.verified_block(SHARD)).unwrap(), 3);
    drop(store);

    let line = tamper_for_demo(&config, SHARD, 2010).unwrap();
    let store = SqliteStore::open_read_only(&config).unwrap();
    let named = format!(
        "journal line {}/{} of shard 1 was changed after it was sealed in block 1",
        line.seq, line.line
    );
    for options in [Options::full(), Options { old_blocks_per_mille: 1_000, ..Options::incremental(0) }] {
        let found = verify(&store, Options { remember: false, ..options }).difference.unwrap().to_string();
        assert!(found.starts_with(&named), "{found}");
    }
}
