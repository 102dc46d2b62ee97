//! The engines that the suite runs on, and installations on either.
#![allow(dead_code)] // each user takes a part

use crate::fixtures::*;
use crypto::seal::{SealFault, Sealer};
use domain::id::{MerchantId, Shard};
use domain::rows::{ReadSet, Rows};
use futures::{Future, TryStreamExt};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use store::postgres::{self, PostgresConfig, PostgresStore, Shards};
use store::sqlite::{self, SqliteConfig, SqliteStore};
use store::{Committed, LaneSession, Store, StoreError, WriteSet};
use testdb::Database;
use tokio::runtime::Runtime;

/// What a test of the whole suite is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    Sqlite,
    Postgres,
}

/// Lists tests that take an [`Engine`]: each becomes one for each of them.
#[allow(unused_macros)]
macro_rules! on_both_engines {
    ($($test:ident),* $(,)?) => {
        mod sqlite {
            $(#[test] fn $test() { super::$test($crate::fixtures::Engine::Sqlite); })*
        }
        mod postgres {
            $(#[test] fn $test() { super::$test($crate::fixtures::Engine::Postgres); })*
        }
    };
}
#[allow(unused_imports)]
pub(crate) use on_both_engines;

fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| Runtime::new().unwrap())
}

/// Waits for an answer; PostgreSQL's connections live in the runtime behind it.
pub fn block_on<F: Future>(future: F) -> F::Output {
    runtime().block_on(future)
}

/// A directory that goes away with its owner.
pub struct Scratch {
    directory: PathBuf,
}

impl Scratch {
    pub fn new(parent: &Path) -> Scratch {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let directory = parent.join(format!("store-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        Scratch { directory }
    }

    pub fn config(&self) -> SqliteConfig {
        SqliteConfig { readers: 2, ..SqliteConfig::new(self.directory.join("books.db"), sealer(7), NOW_US) }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

/// Where an installation rests.
pub enum Place {
    Sqlite(Scratch),
    Postgres(Database),
    /// One that somebody else made and keeps.
    Named(String),
}

/// Why an installation can't be opened.
#[derive(Debug)]
pub enum OpenFault {
    Sqlite(sqlite::OpenFault),
    Postgres(postgres::OpenFault),
}

impl OpenFault {
    /// The key file lacks a version that the database names.
    pub fn is_key_unavailable(&self) -> bool {
        matches!(
            self,
            OpenFault::Sqlite(sqlite::OpenFault::MasterKey(SealFault::KeyUnavailable { .. }))
                | OpenFault::Postgres(postgres::OpenFault::MasterKey(SealFault::KeyUnavailable { .. }))
        )
    }
}

/// How the suite reaches a database.
pub fn postgres_config(url: &str) -> PostgresConfig {
    let mut config = PostgresConfig::new(url, sealer(7), NOW_US).unwrap();
    (config.readers, config.writers, config.accept_fsync_off) = (2, 2, true);
    config
}

impl Place {
    /// A new installation without merchants.
    pub fn new(engine: Engine) -> Place {
        match engine {
            Engine::Sqlite => Place::sqlite_under(&std::env::temp_dir()),
            Engine::Postgres => Place::Postgres(testdb::copy_of("store", |url| {
                block_on(postgres::init(&postgres_config(url), TODAY, Shards::default())).unwrap();
            })),
        }
    }

    pub fn sqlite_under(parent: &Path) -> Place {
        let scratch = Scratch::new(parent);
        sqlite::init(&scratch.config(), TODAY).unwrap();
        Place::Sqlite(scratch)
    }

    /// In a database that somebody else made and keeps.
    pub fn postgres_at(url: &str) -> Place {
        block_on(postgres::init(&postgres_config(url), TODAY, Shards::default())).unwrap();
        Place::Named(url.to_owned())
    }

    /// SQLite's directory.
    pub fn scratch(&self) -> &Scratch {
        match self {
            Place::Sqlite(scratch) => scratch,
            Place::Postgres(_) | Place::Named(_) => panic!("a subject of SQLite's own"),
        }
    }

    /// PostgreSQL's database.
    pub fn url(&self) -> &str {
        match self {
            Place::Sqlite(_) => panic!("a subject of PostgreSQL's own"),
            Place::Postgres(database) => database.url(),
            Place::Named(url) => url,
        }
    }

    pub fn open(&self, sealer: Arc<Sealer>) -> Result<Arc<dyn Store>, OpenFault> {
        match self {
            Place::Sqlite(scratch) => {
                let store = SqliteStore::open(&SqliteConfig { sealer, ..scratch.config() });
                Ok(Arc::new(store.map_err(OpenFault::Sqlite)?))
            }
            Place::Postgres(_) | Place::Named(_) => self.open_postgres(sealer),
        }
    }

    /// As a command beside a server opens it: for control rows only where that matters.
    pub fn open_beside(&self, sealer: Arc<Sealer>) -> Result<Arc<dyn Store>, OpenFault> {
        match self {
            Place::Sqlite(scratch) => {
                let store = SqliteStore::open_control(&SqliteConfig { sealer, ..scratch.config() });
                Ok(Arc::new(store.map_err(OpenFault::Sqlite)?))
            }
            Place::Postgres(_) | Place::Named(_) => self.open_postgres(sealer),
        }
    }

    fn open_postgres(&self, sealer: Arc<Sealer>) -> Result<Arc<dyn Store>, OpenFault> {
        let mut config = postgres_config(self.url());
        config.sealer = sealer;
        Ok(Arc::new(block_on(PostgresStore::open(&config)).map_err(OpenFault::Postgres)?))
    }

    /// The number that a statement answers, behind the store's back.
    pub fn number(&self, sql: &str) -> i64 {
        match self {
            Place::Sqlite(scratch) => {
                let file = rusqlite::Connection::open(scratch.config().path).unwrap();
                file.query_row(sql, [], |row| row.get(0)).unwrap()
            }
            Place::Postgres(_) | Place::Named(_) => {
                block_on(async { client(self.url()).await.query_one(sql, &[]).await.unwrap().get(0) })
            }
        }
    }

    /// Runs statements behind the store's back.
    pub fn say(&self, sql: &str) {
        match self {
            Place::Sqlite(scratch) => {
                rusqlite::Connection::open(scratch.config().path).unwrap().execute_batch(sql).unwrap();
            }
            Place::Postgres(_) | Place::Named(_) => testdb::say(self.url(), sql),
        }
    }

    /// Everything that rests: every byte of every file of SQLite's, every row of PostgreSQL's tables in its own form.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        match self {
            Place::Sqlite(scratch) => {
                for entry in std::fs::read_dir(&scratch.directory).unwrap() {
                    bytes.extend(std::fs::read(entry.unwrap().path()).unwrap());
                }
            }
            Place::Postgres(_) | Place::Named(_) => block_on(async {
                let client = client(self.url()).await;
                for (table, _) in columns(&client, "%").await {
                    let rows = client
                        .copy_out(&format!("COPY (SELECT * FROM {table}) TO STDOUT (FORMAT binary)"))
                        .await;
                    let parts: Vec<_> = rows.unwrap().try_collect().await.unwrap();
                    parts.iter().for_each(|part| bytes.extend_from_slice(part));
                }
            }),
        }
        bytes
    }

    /// The values of every column that may hold bytes, by `table.column`.
    pub fn byte_columns(&self) -> BTreeMap<String, Vec<Vec<u8>>> {
        match self {
            Place::Sqlite(scratch) => byte_columns_of_file(&scratch.config().path),
            Place::Postgres(_) | Place::Named(_) => block_on(async {
                let (client, mut found) = (client(self.url()).await, BTreeMap::new());
                for (table, columns) in columns(&client, "bytea").await {
                    for column in columns {
                        let sql = format!("SELECT {column} FROM {table} WHERE {column} IS NOT NULL");
                        let rows = client.query(&sql, &[]).await.unwrap();
                        let values = rows.iter().map(|row| row.get(0)).collect();
                        found.insert(format!("{table}.{column}"), values);
                    }
                }
                found
            }),
        }
    }
}

fn byte_columns_of_file(path: &Path) -> BTreeMap<String, Vec<Vec<u8>>> {
    let file = rusqlite::Connection::open(path).unwrap();
    let list = |sql: &str| -> Vec<String> {
        let mut statement = file.prepare(sql).unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    };
    let mut found = BTreeMap::new();
    for table in list("SELECT name FROM sqlite_schema WHERE type = 'table'") {
        for column in list(&format!("SELECT name FROM pragma_table_info('{table}') WHERE type = 'BLOB'")) {
            let mut statement = file.prepare(&format!("SELECT {column} FROM {table}")).unwrap();
            let values = statement.query_map([], |row| row.get::<_, Option<Vec<u8>>>(0)).unwrap();
            found.insert(format!("{table}.{column}"), values.filter_map(Result::unwrap).collect());
        }
    }
    found
}

/// The tables of a database with their columns of a type; a partitioned table stands for its partitions.
pub async fn columns(client: &tokio_postgres::Client, kind: &str) -> BTreeMap<String, Vec<String>> {
    let sql = "SELECT c.table_name::text, c.column_name::text FROM information_schema.columns c \
        JOIN pg_class k ON k.relname = c.table_name AND k.relnamespace = 'public'::regnamespace \
        WHERE c.table_schema = 'public' AND NOT k.relispartition AND c.data_type LIKE $1 \
        ORDER BY c.table_name, c.ordinal_position";
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for row in client.query(sql, &[&kind]).await.unwrap() {
        found.entry(row.get(0)).or_default().push(row.get(1));
    }
    found
}

/// A connection of the test's own.
pub async fn client(url: &str) -> tokio_postgres::Client {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// A new installation with one merchant in each world.
pub struct Installation {
    pub store: Arc<dyn Store>,
    pub live: MerchantId,
    pub sandbox: MerchantId,
    // Dropped after the store.
    pub place: Place,
}

impl Installation {
    pub fn new(engine: Engine) -> Installation {
        Installation::at(Place::new(engine))
    }

    pub fn at(place: Place) -> Installation {
        let store = place.open(sealer(7)).unwrap();
        Installation::with_store(store, place)
    }

    /// With a store that was opened otherwise.
    pub fn with_store(store: Arc<dyn Store>, place: Place) -> Installation {
        let live = merchant(LIVE, 1);
        let sandbox = merchant(SANDBOX, 2);
        for merchant in [&live, &sandbox] {
            block_on(store.create_merchant(merchant, &head(merchant.id), b"default secret")).unwrap();
        }
        Installation { store, live: live.id, sandbox: sandbox.id, place }
    }

    /// Opened again, with this sealer.
    pub fn reopened(self, sealer: Arc<Sealer>) -> Installation {
        let Installation { store, live, sandbox, place } = self;
        drop(store);
        Installation { store: place.open(sealer).unwrap(), live, sandbox, place }
    }

    pub fn session(&self, shard: Shard) -> Box<dyn LaneSession> {
        self.store.lane_session(shard).unwrap()
    }

    /// Loads nothing and commits.
    pub fn commit(&self, shard: Shard, writes: &WriteSet) -> Result<Committed, StoreError> {
        let mut session = self.session(shard);
        block_on(session.load(&ReadSet::default()))?;
        block_on(session.commit(writes))
    }

    pub fn load(&self, shard: Shard, reads: &ReadSet) -> Rows {
        let mut session = self.session(shard);
        let rows = block_on(session.load(reads)).unwrap();
        block_on(session.abort());
        rows
    }
}
