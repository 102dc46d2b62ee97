//! Making and opening installations.

use crate::fixtures::*;
use rusqlite::Connection;
use store::sqlite::{OpenFault, SqliteConfig, SqliteStore, init};
use store::{Control, Reads, Store, StoreError};

fn scratch() -> Scratch {
    Scratch::new(&std::env::temp_dir())
}

#[test]
fn init_creates_and_open_never_does() {
    let scratch = scratch();
    let config = scratch.config();
    assert!(matches!(SqliteStore::open(&config), Err(OpenFault::Missing { .. })));
    assert!(matches!(SqliteStore::open_read_only(&config), Err(OpenFault::Missing { .. })));
    assert!(!config.path.exists());
    init(&config, TODAY).unwrap();
    assert!(matches!(init(&config, TODAY), Err(OpenFault::Exists { .. })));
    let store = SqliteStore::open(&config).unwrap();
    assert_eq!(store.shards(), [LIVE, SANDBOX]);
    block_on(store.ping()).unwrap();
    assert!(store.lane_session(domain::Shard(2)).is_err());
    let file = Connection::open(&config.path).unwrap();
    let page_size: i64 = file.pragma_query_value(None, "page_size", |row| row.get(0)).unwrap();
    assert_eq!(page_size, 8_192);
}

#[test]
fn a_second_server_is_refused_and_a_reader_is_not() {
    let here = Installation::new(Engine::Sqlite);
    let config = here.place.scratch().config();
    assert!(matches!(SqliteStore::open(&config), Err(OpenFault::InUse { .. })));
    let reader = SqliteStore::open_read_only(&config).unwrap();
    here.commit(LIVE, &writes(1)).unwrap();
    assert!(block_on(reader.head(here.live)).unwrap().is_some());
    assert!(matches!(reader.lane_session(LIVE), Err(StoreError::Unavailable(_))));
    let write = block_on(reader.set_verified_block(LIVE, 1)).unwrap_err();
    assert!(matches!(write, StoreError::Unavailable(_)));
    let Installation { store, place, live, .. } = here;
    drop(store);
    drop(reader);
    let again = SqliteStore::open(&place.scratch().config()).unwrap();
    assert!(block_on(again.head(live)).unwrap().is_some(), "what was committed is there again");
}

#[test]
fn the_read_only_store_needs_no_server() {
    let here = Installation::new(Engine::Sqlite);
    let Installation { store, place, live, .. } = here;
    drop(store);
    let reader = SqliteStore::open_read_only(&place.scratch().config()).unwrap();
    assert!(block_on(reader.head(live)).unwrap().is_some());
}

#[test]
fn another_master_key_is_refused() {
    let scratch = scratch();
    init(&scratch.config(), TODAY).unwrap();
    let wrong = SqliteConfig { sealer: sealer(8), ..scratch.config() };
    assert!(matches!(SqliteStore::open(&wrong), Err(OpenFault::MasterKey(_))));
    assert!(matches!(SqliteStore::open_read_only(&wrong), Err(OpenFault::MasterKey(_))));
}

#[test]
fn files_that_are_not_ours_are_refused() {
    let scratch = scratch();
    let config = scratch.config();
    let file = Connection::open(&config.path).unwrap();
    file.execute_batch("CREATE TABLE t (x)").unwrap();
    drop(file);
    assert!(matches!(SqliteStore::open(&config), Err(OpenFault::Foreign { .. })));
}

#[test]
fn other_schemas_are_refused() {
    for (sql, newer) in [
        ("INSERT INTO schema_migration VALUES (99, '0099_future', 'x', 1)", true),
        ("UPDATE schema_migration SET checksum = 'edited' WHERE number = 1", false),
    ] {
        let scratch = scratch();
        let config = scratch.config();
        init(&config, TODAY).unwrap();
        Connection::open(&config.path).unwrap().execute_batch(sql).unwrap();
        for result in [SqliteStore::open(&config), SqliteStore::open_read_only(&config)] {
            let fault = result.unwrap_err();
            let told = match fault {
                OpenFault::Newer { found: 99, .. } => newer,
                OpenFault::Diverged { number: 1 } => !newer,
                other => panic!("{other}"),
            };
            assert!(told);
        }
    }
}

#[test]
fn opening_again_applies_nothing() {
    let scratch = scratch();
    let config = scratch.config();
    init(&config, TODAY).unwrap();
    let migrations = || -> i64 {
        let file = Connection::open(&config.path).unwrap();
        file.query_row("SELECT COUNT(*) FROM schema_migration", [], |row| row.get(0)).unwrap()
    };
    let before = migrations();
    for _ in 0..2 {
        drop(SqliteStore::open(&config).unwrap());
    }
    assert_eq!(migrations(), before);
}

#[test]
fn lanes_of_both_worlds_and_control_writes_share_the_connection() {
    let here = Installation::new(Engine::Sqlite);
    std::thread::scope(|scope| {
        for shard in [LIVE, SANDBOX] {
            let here = &here;
            scope.spawn(move || {
                let mut session = here.session(shard);
                for batch in 0..40 {
                    block_on(session.load(&domain::rows::ReadSet::default())).unwrap();
                    block_on(session.commit(&writes(1 + batch))).unwrap();
                }
            });
        }
        for number in 0..20 {
            block_on(here.store.set_verified_block(LIVE, number)).unwrap();
        }
    });
    assert_eq!(here.store.rows_written().shard_head, 80);
    assert_eq!(block_on(here.store.verified_block(LIVE)).unwrap(), 19);
}
