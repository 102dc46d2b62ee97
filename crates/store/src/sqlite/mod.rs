//! The embedded engine: one SQLite file in WAL mode, one write connection whose users take turns, a pool of readers.
//!
//! A commit is durable before it is answered (`synchronous=FULL`, read back at opening). Only one process writes a file: an
//! exclusive lock stands beside it. There are two shards, the live one and the sandbox.

mod checkpoint;
mod connection;
mod copy;
mod db;
mod demo;
pub(crate) mod dump;
mod engine;
mod fault;
mod lock;
mod migrate;
mod session;
#[cfg(test)]
mod statements;
mod turnstile;
mod workers;

pub use copy::{Copied, Copying, LOG_MAX_BYTES, copy, damage, schema, settle};
pub use demo::{TamperedLine, tamper_for_demo};

use crate::counts::{Counters, RowCounts};
use crate::db::corrupt;
use crate::migrations::MIGRATIONS;
use crate::{LaneSession, Store, StoreError, head, installation};
use checkpoint::Checkpointer;
use crypto::seal::{SealFault, Sealer};
use db::{SqliteDb, done};
use domain::World;
use domain::id::Shard;
use engine::ControlDb;
use ledger::Day;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use turnstile::Turnstile;
use workers::{ReadDb, Workers};

/// How the engine is opened. `new` gives the measured defaults.
#[derive(Clone)]
pub struct SqliteConfig {
    /// The database file; its log and lock stand beside it.
    pub path: PathBuf,
    /// Seals and opens personal data and secrets.
    pub sealer: Arc<Sealer>,
    /// Real time in microseconds; noted with migrations that are applied now.
    pub now_us: i64,
    /// Threads that read.
    pub readers: usize,
    /// Reads that may wait for a thread; one more is refused.
    pub read_queue_max: usize,
    /// Bytes of a page; matters to `init` only.
    pub page_size: u32,
    /// Page cache of the writer.
    pub cache_kib: u32,
    /// Page cache of each reader.
    pub reader_cache_kib: u32,
    /// Pages in the log from which a commit moves them into the database.
    pub wal_autocheckpoint_pages: u32,
}

impl SqliteConfig {
    /// The defaults: 4 readers, pages of 8 KiB, 32 MiB for the writer, 4 MiB for each reader, a checkpoint every 20,000
    /// pages.
    pub fn new(path: impl Into<PathBuf>, sealer: Arc<Sealer>, now_us: i64) -> SqliteConfig {
        SqliteConfig {
            path: path.into(),
            sealer,
            now_us,
            readers: 4,
            read_queue_max: 1_024,
            page_size: 8_192,
            cache_kib: 32 * 1_024,
            reader_cache_kib: 4 * 1_024,
            wal_autocheckpoint_pages: 20_000,
        }
    }
}

impl fmt::Debug for SqliteConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteConfig")
            .field("path", &self.path)
            .field("readers", &self.readers)
            .finish_non_exhaustive()
    }
}

/// Why a file can't be made or opened.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)] // the messages say what the fields are
pub enum OpenFault {
    /// `init` found a file.
    #[error("{path} exists already: init makes new installations only", path = .path.display())]
    Exists { path: PathBuf },
    /// `open` found none.
    #[error("{path} does not exist: run init first", path = .path.display())]
    Missing { path: PathBuf },
    /// Another process has it open for writing.
    #[error("{path} is in use by another process", path = .path.display())]
    InUse { path: PathBuf },
    /// A SQLite file of another program, or an empty one.
    #[error("{path} is not a database of this program", path = .path.display())]
    Foreign { path: PathBuf },
    /// A newer binary migrated it.
    #[error("the database has schema {found}, this program knows {known}: run the newer program")]
    Newer { found: i64, known: i64 },
    /// Opened read-only, where nothing can be migrated.
    #[error("the database has schema {found}, this program needs {known}: start the server once")]
    Older { found: i64, known: i64 },
    /// A migration is not the one that was applied.
    #[error("migration {number} of the database is not the one of this program")]
    Diverged { number: i64 },
    /// SQLite did not take a setting that correctness or speed rests on.
    #[error("SQLite keeps {name} at {found} instead of {wanted}")]
    Setting { name: &'static str, wanted: String, found: String },
    /// The master key is not that of this installation.
    #[error(transparent)]
    MasterKey(#[from] SealFault),
    /// The database changes faster than it can be copied.
    #[error(
        "the log grew past {log_max_bytes} bytes while the database was copied: try when less is written, or allow more"
    )]
    CopyTooSlow { log_max_bytes: u64 },
    /// Another process holds the file for too long.
    #[error("the database is locked by another process again and again")]
    CopyBusy,
    /// The file system refused.
    #[error("{path}: {source}", path = .path.display())]
    Io { path: PathBuf, source: std::io::Error },
    /// SQLite refused.
    #[error("SQLite: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// A row is missing or not as expected.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Makes a new installation: the file with its schema and two shards whose business day is `open_day`. It must not exist.
pub fn init(config: &SqliteConfig, open_day: Day) -> Result<(), OpenFault> {
    let _lock = lock::take(&config.path)?;
    let mut connection = connection::create(config)?;
    migrate::migrate(&mut connection, MIGRATIONS, config.now_us)?;
    let check = config.sealer.check_value()?;
    let db = SqliteDb::new(connection, Arc::clone(&config.sealer));
    db.write(|db| {
        Box::pin(async move {
            installation::note_master_key(db, &check).await?;
            for world in [World::Live, World::Sandbox] {
                head::insert_shard(db, world.first_shard(), open_day).await?;
            }
            Ok(())
        })
    })?;
    checkpoint::checkpoint(&db.connection(), "PRAGMA wal_checkpoint(TRUNCATE)")?;
    Ok(())
}

/// The engine. Dropping it waits for what is running and gives the file free.
pub struct SqliteStore {
    readers: Workers<ReadDb>,
    shards: Vec<Shard>,
    counters: Arc<Counters>,
    /// Absent when opened read-only. Fields are dropped in their order: the lock goes last.
    writer: Option<Writer>,
}

struct Writer {
    control: Workers<ControlDb>,
    _checkpointer: Option<Checkpointer>,
    turnstile: Arc<Turnstile<SqliteDb>>,
    /// Absent when opened for control rows only, beside a serving process: then there are no lanes.
    lock: Option<lock::Lock>,
}

/// Control writes that may wait; one more is refused.
const CONTROL_QUEUE_MAX: usize = 256;

impl SqliteStore {
    /// Opens for serving: takes the lock, applies missing migrations, never creates. A schema that is newer than this
    /// program is refused.
    pub fn open(config: &SqliteConfig) -> Result<SqliteStore, OpenFault> {
        let lock = lock::take(&config.path)?;
        let mut connection = connection::open_writer(config)?;
        let applied = migrate::migrate(&mut connection, MIGRATIONS, config.now_us)?;
        if applied > 0 {
            tracing::info!(applied, "the database was migrated");
        }
        SqliteStore::with_writer(config, connection, Some(lock))
    }

    /// Applies missing migrations, while nobody serves; answers how many.
    pub fn migrate(config: &SqliteConfig) -> Result<usize, OpenFault> {
        let _lock = lock::take(&config.path)?;
        let mut connection = connection::open_writer(config)?;
        migrate::migrate(&mut connection, MIGRATIONS, config.now_us)
    }

    /// Opens for control rows (merchants, prices, keys) beside a serving process, or without one: no lock, no migration, no
    /// lanes. A write waits for the other process's commit, at most as long as the connection waits for any lock.
    pub fn open_control(config: &SqliteConfig) -> Result<SqliteStore, OpenFault> {
        // Checkpoints are left to the server: its commits are the ones that must not wait for them.
        let config = SqliteConfig { wal_autocheckpoint_pages: 0, ..config.clone() };
        let connection = connection::open_writer(&config)?;
        migrate::check(&connection, MIGRATIONS)?;
        SqliteStore::with_writer(&config, connection, None)
    }

    fn with_writer(
        config: &SqliteConfig,
        connection: rusqlite::Connection,
        lock: Option<lock::Lock>,
    ) -> Result<SqliteStore, OpenFault> {
        let turnstile = Turnstile::new(SqliteDb::new(connection, Arc::clone(&config.sealer)));
        let io = |source| OpenFault::Io { path: config.path.clone(), source };
        let contexts = vec![ControlDb { turnstile: Arc::clone(&turnstile) }];
        let control = Workers::start("store-control", contexts, CONTROL_QUEUE_MAX).map_err(io)?;
        let checkpointer = match lock {
            Some(_) => Some(Checkpointer::start(Arc::clone(&turnstile)).map_err(io)?),
            None => None,
        };
        let writer = Writer { control, _checkpointer: checkpointer, turnstile, lock };
        SqliteStore::with_readers(config, Some(writer))
    }

    /// Opens for reading beside a serving process, or without one. Writes are refused as not available.
    pub fn open_read_only(config: &SqliteConfig) -> Result<SqliteStore, OpenFault> {
        let connection = connection::open_reader(config)?;
        migrate::check(&connection, MIGRATIONS)?;
        drop(connection);
        SqliteStore::with_readers(config, None)
    }

    fn with_readers(config: &SqliteConfig, writer: Option<Writer>) -> Result<SqliteStore, OpenFault> {
        let mut readers = Vec::with_capacity(config.readers.max(1));
        for _ in 0..config.readers.max(1) {
            let mut connection = connection::open_reader(config)?;
            let deadline = connection::Deadline::install(&mut connection)?;
            let db = SqliteDb::new(connection, Arc::clone(&config.sealer));
            readers.push(ReadDb { db, deadline });
        }
        let mut shards = Vec::new();
        if let Some(reader) = readers.first() {
            done(Box::pin(installation::seal_as_noted(&reader.db)))??;
            shards = done(Box::pin(head::shards(&reader.db)))?;
        }
        let io = |source| OpenFault::Io { path: config.path.clone(), source };
        let readers = Workers::start("store-read", readers, config.read_queue_max).map_err(io)?;
        Ok(SqliteStore { readers, shards, counters: Arc::new(Counters::default()), writer })
    }

    fn writer(&self) -> Result<&Writer, StoreError> {
        let read_only = || StoreError::Unavailable("the database was opened read-only".to_owned());
        self.writer.as_ref().ok_or_else(read_only)
    }

    fn control(&self) -> Result<&Workers<ControlDb>, StoreError> {
        self.writer().map(|writer| &writer.control)
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore").field("shards", &self.shards).finish_non_exhaustive()
    }
}

impl Store for SqliteStore {
    fn lane_session(&self, shard: Shard) -> Result<Box<dyn LaneSession>, StoreError> {
        if !self.shards.contains(&shard) {
            return Err(corrupt("this installation does not have that shard"));
        }
        let writer = self.writer()?;
        if writer.lock.is_none() {
            return Err(StoreError::Unavailable("the database was opened for control rows only".to_owned()));
        }
        let turnstile = Arc::clone(&writer.turnstile);
        Ok(Box::new(session::Session::new(turnstile, shard, Arc::clone(&self.counters))))
    }

    fn lanes_block(&self) -> bool {
        true
    }

    fn shards(&self) -> Vec<Shard> {
        self.shards.clone()
    }

    fn rows_written(&self) -> RowCounts {
        self.counters.read()
    }
}
