//! What other processes do beside a server: control rows, and the demo's copy.

use crate::fixtures::*;
use domain::channel::ChannelAccount;
use domain::{Shard, World};
use money::FeeRule;
use rusqlite::Connection;
use store::control::StoredChannelAccount;
use store::sqlite::{Copying, OpenFault, SqliteConfig, SqliteStore, tamper_for_demo};
use store::{Control, Reads, Store, StoreError};

#[test]
fn control_rows_are_written_beside_a_server_and_seen_by_it() {
    let here = Installation::new(Engine::Sqlite);
    let beside = SqliteStore::open_control(&here.place.scratch().config()).unwrap();
    assert!(matches!(beside.lane_session(SANDBOX), Err(StoreError::Unavailable(_))));
    let before = block_on(here.store.snapshot_version()).unwrap();
    let made = merchant(SANDBOX, 77);
    block_on(beside.create_merchant(&made, &head(made.id), &[7; 32])).unwrap();
    assert!(block_on(here.store.snapshot_version()).unwrap() > before);
    let snapshot = block_on(here.store.snapshot()).unwrap();
    assert!(snapshot.merchants.contains(&made));
    // The server goes on: its commit waits for the other's, and finds the merchant's root.
    here.commit(LIVE, &writes(1)).unwrap();
    assert!(block_on(here.store.head(made.id)).unwrap().is_some());
}

#[test]
fn control_rows_need_no_server_and_no_lock() {
    let Installation { store, place, .. } = Installation::new(Engine::Sqlite);
    drop(store);
    let beside = SqliteStore::open_control(&place.scratch().config()).unwrap();
    let made = merchant(SANDBOX, 78);
    block_on(beside.create_merchant(&made, &head(made.id), &[7; 32])).unwrap();
    let server = SqliteStore::open(&place.scratch().config()).unwrap();
    assert!(block_on(server.head(made.id)).unwrap().is_some());
}

#[test]
fn the_sandbox_channel_is_no_channel_of_the_live_world() {
    let here = Installation::new(Engine::Sqlite);
    let account = |shard: Shard| StoredChannelAccount {
        account: ChannelAccount {
            id: maker(shard, 5).next(),
            method: "sandbox".to_owned(),
            cost: FeeRule::FREE,
            enabled: true,
        },
        world: shard.world(),
        kind: "sandbox".to_owned(),
        callback_secret: vec![1; 32],
    };
    let refused = block_on(here.store.create_channel_account(&account(LIVE)));
    assert!(matches!(refused, Err(StoreError::Conflict(_))), "{refused:?}");
    let half = StoredChannelAccount { world: World::Sandbox, ..account(LIVE) };
    assert!(block_on(here.store.create_channel_account(&half)).is_err(), "the id names the live world");
    block_on(here.store.create_channel_account(&account(SANDBOX))).unwrap();
}

#[test]
fn one_cent_is_changed_in_the_copy_and_only_there() {
    let here = Installation::new(Engine::Sqlite);
    let mut ids = maker(LIVE, 9);
    let hook = endpoint(&mut ids, here.live, "https://shop.example/hook");
    let sale = Sale::new(&mut ids, here.live, "order-1", hook.id);
    let (mut first, mut second) = (writes(1), writes(2));
    sale.begin(&mut first);
    here.commit(LIVE, &first).unwrap();
    let mut books = Books::new(here.live, None);
    sale.succeed(&mut ids, &mut books, &mut second);
    books.close(&mut second);
    here.commit(LIVE, &second).unwrap();

    let original = here.place.scratch().config();
    let copy = SqliteConfig { path: original.path.with_extension("copy"), ..original.clone() };
    let copied = || store::sqlite::copy(&original, &copy.path, Copying::default());
    copied().unwrap();
    assert!(matches!(copied(), Err(OpenFault::Exists { .. })));
    let changed = tamper_for_demo(&copy, LIVE, 2010).unwrap();
    assert_eq!(changed.after_minor, changed.before_minor + 1);
    let amount = |path: &std::path::Path| -> i64 {
        let sql = "SELECT amount_minor FROM journal_entry WHERE shard = 0 AND seq = ?1 AND line = ?2";
        Connection::open(path).unwrap().query_row(sql, [changed.seq, changed.line], |row| row.get(0)).unwrap()
    };
    assert_eq!((amount(&original.path), amount(&copy.path)), (changed.before_minor, changed.after_minor));
    assert!(tamper_for_demo(&copy, SANDBOX, 2010).is_err(), "there is no line to change");
    SqliteStore::open_read_only(&copy).unwrap();
}
