//! Making and opening installations in a database.

use crate::fixtures::*;
use std::collections::BTreeSet;
use store::StoreError;
use store::postgres::{OpenFault, PostgresConfig, PostgresStore, Shards, init, migrate};

fn empty() -> (testdb::Database, PostgresConfig) {
    let database = testdb::database();
    let config = postgres_config(database.url());
    (database, config)
}

fn open(config: &PostgresConfig) -> Result<PostgresStore, OpenFault> {
    block_on(PostgresStore::open(config))
}

#[test]
fn init_creates_and_open_never_does() {
    let (_database, config) = empty();
    assert!(matches!(open(&config), Err(OpenFault::Missing { .. })));
    block_on(migrate(&config)).unwrap();
    assert!(matches!(open(&config), Err(OpenFault::Missing { .. })), "a schema is no installation");
    let shards = Shards { live: 3, sandbox: 2, citus: false };
    block_on(init(&config, TODAY, shards)).unwrap();
    assert!(matches!(block_on(init(&config, TODAY, shards)), Err(OpenFault::Exists { .. })));
    let store = open(&config).unwrap();
    let numbers: Vec<u16> = store::Store::shards(&store).iter().map(|shard| shard.0).collect();
    assert_eq!(numbers, [0, 1, 2, 3, 4]);
    assert!(store::Store::lane_session(&store, domain::Shard(6)).is_err());
    for (live, sandbox) in [(0, 1), (1, 0), (2_049, 1)] {
        let fault = block_on(init(&config, TODAY, Shards { live, sandbox, citus: false })).unwrap_err();
        assert!(matches!(fault, OpenFault::Shards { .. }), "{fault}");
    }
}

#[test]
fn migrations_and_init_may_be_raced() {
    let (database, config) = empty();
    let applied: Vec<usize> = block_on(async {
        let runs = (0..4).map(|_| {
            tokio::spawn({
                let config = config.clone();
                async move { migrate(&config).await }
            })
        });
        let mut applied = Vec::new();
        for run in runs.collect::<Vec<_>>() {
            applied.push(run.await.unwrap().unwrap());
        }
        applied
    });
    let place = Place::Named(database.url().to_owned());
    let steps = place.number("SELECT COUNT(*) FROM schema_migration");
    assert_eq!(i64::try_from(applied.iter().sum::<usize>()).unwrap(), steps, "each step once: {applied:?}");
    let made = block_on(async {
        let runs = (0..4).map(|_| {
            let config = config.clone();
            tokio::spawn(async move { init(&config, TODAY, Shards::default()).await })
        });
        let (mut made, mut refused) = (0, 0);
        for run in runs.collect::<Vec<_>>() {
            match run.await.unwrap() {
                Ok(()) => made += 1,
                Err(OpenFault::Exists { .. }) => refused += 1,
                Err(other) => panic!("{other}"),
            }
        }
        (made, refused)
    });
    assert_eq!(made, (1, 3));
    open(&config).unwrap();
}

/// What each commit of a money table and of a control table was made under.
const WITNESS: &str = "CREATE TABLE witness (said text NOT NULL); \
    CREATE FUNCTION witness() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
        INSERT INTO witness VALUES (concat_ws(' ', TG_TABLE_NAME, current_setting('synchronous_commit'), \
            current_setting('transaction_isolation'))); RETURN NEW; END $$; \
    CREATE TRIGGER witness BEFORE INSERT ON journal_batch FOR EACH ROW EXECUTE FUNCTION witness(); \
    CREATE TRIGGER witness BEFORE INSERT OR UPDATE ON statement_due FOR EACH ROW EXECUTE FUNCTION witness()";

fn witnessed(here: &Installation) -> BTreeSet<String> {
    let said = testdb::rows(here.place.url(), "SELECT DISTINCT said FROM witness");
    said.into_iter().flatten().flatten().collect()
}

/// Sets a default of the database, which new connections begin with.
fn set_default(place: &Place, name: &str, value: &str) {
    let Place::Postgres(database) = place else { panic!("the suite's own database") };
    database.say(&format!("ALTER DATABASE {} SET {name} = '{value}'", database.name()));
}

/// Whatever the database's defaults are.
#[test]
fn every_commit_waits_for_the_disk_and_is_made_under_read_committed() {
    let mut here = Installation::new(Engine::Postgres);
    here.place.say(WITNESS);
    for (batch, commit, isolation, expected) in [
        (1, "off", "serializable", "on"),
        (2, "local", "repeatable read", "on"),
        (3, "remote_write", "read committed", "on"),
        (4, "on", "read committed", "on"),
        (5, "remote_apply", "read committed", "remote_apply"),
    ] {
        set_default(&here.place, "synchronous_commit", commit);
        set_default(&here.place, "default_transaction_isolation", isolation);
        here.place.say("TRUNCATE witness");
        here.store = here.place.open(sealer(7)).unwrap();
        here.commit(LIVE, &writes(batch)).unwrap();
        block_on(here.store.set_statements_due(&[(here.live, NOW_US)])).unwrap();
        let under = |table: &str| format!("{table} {expected} read committed");
        let wanted = BTreeSet::from([under("journal_batch"), under("statement_due")]);
        assert_eq!(witnessed(&here), wanted, "{commit}, {isolation}");
    }
}

/// A throw-away cluster does not wait for its disk.
#[test]
fn a_server_that_does_not_wait_for_its_disk_is_refused_unless_that_is_accepted() {
    let cluster = testdb::Cluster::start(&[]);
    let config = postgres_config(cluster.url());
    block_on(init(&config, TODAY, Shards::default())).unwrap();
    open(&config).unwrap();
    let mut strict = config;
    strict.accept_fsync_off = false;
    let refused = open(&strict).unwrap_err();
    assert!(matches!(refused, OpenFault::NoFsync), "{refused}");
    assert!(refused.to_string().contains("accept_fsync_off"), "{refused}");
    assert!(matches!(block_on(migrate(&strict)), Err(OpenFault::NoFsync)));
    assert!(block_on(PostgresStore::open_read_only(&strict)).is_ok(), "what only reads loses nothing");
}

#[test]
fn other_schemas_and_another_master_key_are_refused() {
    let here = Place::new(Engine::Postgres);
    let mut wrong = postgres_config(here.url());
    wrong.sealer = sealer(8);
    assert!(matches!(open(&wrong), Err(OpenFault::MasterKey(_))));
    let config = postgres_config(here.url());
    here.say("INSERT INTO schema_migration VALUES (99, '0099_future', 'x', 1)");
    assert!(matches!(open(&config), Err(OpenFault::Newer { found: 99, .. })));
    assert!(matches!(block_on(migrate(&config)), Err(OpenFault::Newer { .. })));
    here.say("DELETE FROM schema_migration WHERE number = 99 OR number = (SELECT MAX(number) FROM schema_migration)");
    here.say("DELETE FROM schema_migration WHERE number = (SELECT MAX(number) FROM schema_migration)");
    assert!(matches!(open(&config), Err(OpenFault::Older { .. })));
    here.say("UPDATE schema_migration SET checksum = 'edited' WHERE number = 1");
    assert!(matches!(block_on(migrate(&config)), Err(OpenFault::Diverged { number: 1 })));
}

#[test]
fn a_read_only_store_writes_nothing() {
    let here = Installation::new(Engine::Postgres);
    let reader = block_on(PostgresStore::open_read_only(&postgres_config(here.place.url()))).unwrap();
    let reader: &dyn store::Store = &reader;
    assert!(block_on(reader.head(here.live)).unwrap().is_some());
    assert!(matches!(reader.lane_session(LIVE), Err(StoreError::Unavailable(_))));
    let write = block_on(reader.set_verified_block(LIVE, 1)).unwrap_err();
    assert!(matches!(write, StoreError::Unavailable(_)), "{write:?}");
}

#[test]
fn a_database_that_is_not_there_is_told() {
    let (_database, config) = empty();
    let url = testdb::database().url().to_owned();
    let fault = open(&postgres_config(&url)).unwrap_err();
    assert!(matches!(fault, OpenFault::Store(StoreError::Unavailable(_))), "{fault}");
    assert!(fault.to_string().contains("does not exist"), "{fault}");
    // Whoever prints it with its causes says it once.
    let causes = std::iter::successors(Some(&fault as &dyn std::error::Error), |cause| cause.source());
    assert_eq!(causes.filter(|cause| cause.to_string().contains("does not exist")).count(), 1);
    drop(config);
    let nobody = postgres_config("postgres://u@127.0.0.1:1/d?sslmode=disable");
    let fault = open(&nobody).unwrap_err();
    assert!(matches!(fault, OpenFault::Store(StoreError::Unavailable(_))), "{fault}");
}
