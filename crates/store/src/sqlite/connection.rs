//! Opens connections with their settings, and reads each setting back: most hold for one connection only, and SQLite
//! ignores what it can't do without a word.

use super::{OpenFault, SqliteConfig};
use rusqlite::{Connection, OpenFlags};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Marks our files among SQLite databases ("FQ" and a format number).
pub(super) const APPLICATION_ID: i64 = 0x4651_0001;
/// Above the size of the statement registry.
const STATEMENTS_CACHED: usize = 256;
/// How long a connection waits for another's lock; only checkpoints and start-up ever hold one.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// How long one read may hold its snapshot (DESIGN section 4, reads).
const READ_MAX: Duration = Duration::from_secs(2);
/// Virtual machine steps between two looks at the clock: some tens of microseconds.
const STEPS_PER_LOOK: i32 = 4_000;
/// The WAL file is cut back to this after it was restarted.
const WAL_FILE_MAX_BYTES: i64 = 256 * 1024 * 1024;

/// The writer's connection. It does not create the file.
pub(super) fn open_writer(config: &SqliteConfig) -> Result<Connection, OpenFault> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = open(&config.path, flags)?;
    check_is_ours(&connection, &config.path)?;
    settings(&connection, config.cache_kib)?;
    set(&connection, "wal_autocheckpoint", i64::from(config.wal_autocheckpoint_pages))?;
    set(&connection, "journal_size_limit", WAL_FILE_MAX_BYTES)?;
    Ok(connection)
}

/// A connection that can't write.
pub(super) fn open_reader(config: &SqliteConfig) -> Result<Connection, OpenFault> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = open(&config.path, flags)?;
    check_is_ours(&connection, &config.path)?;
    settings(&connection, config.reader_cache_kib)?;
    set(&connection, "query_only", 1)?;
    Ok(connection)
}

/// Makes the file. It must not exist.
pub(super) fn create(config: &SqliteConfig) -> Result<Connection, OpenFault> {
    if config.path.exists() {
        return Err(OpenFault::Exists { path: config.path.clone() });
    }
    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = open(&config.path, flags)?;
    set(&connection, "page_size", i64::from(config.page_size))?;
    set(&connection, "application_id", APPLICATION_ID)?;
    settings(&connection, config.cache_kib)?;
    Ok(connection)
}

fn open(path: &Path, flags: OpenFlags) -> Result<Connection, OpenFault> {
    if !path.exists() && !flags.contains(OpenFlags::SQLITE_OPEN_CREATE) {
        return Err(OpenFault::Missing { path: path.to_owned() });
    }
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_CACHED);
    Ok(connection)
}

/// Refuses files that another program made.
fn check_is_ours(connection: &Connection, path: &Path) -> Result<(), OpenFault> {
    let found: i64 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    if found == APPLICATION_ID { Ok(()) } else { Err(OpenFault::Foreign { path: path.to_owned() }) }
}

fn settings(connection: &Connection, cache_kib: u32) -> Result<(), OpenFault> {
    let mode: String = connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
    if mode != "wal" {
        return Err(OpenFault::Setting { name: "journal_mode", wanted: "wal".to_owned(), found: mode });
    }
    // FULL: a commit is on the disk before it is answered.
    set(connection, "synchronous", 2)?;
    set(connection, "foreign_keys", 0)?;
    set(connection, "temp_store", 2)?;
    set(connection, "trusted_schema", 0)?;
    // Negative: KiB instead of pages.
    set(connection, "cache_size", -i64::from(cache_kib))?;
    // An I/O error in mapped memory would kill the process instead of failing a statement.
    set(connection, "mmap_size", 0)
}

/// Sets and reads back.
fn set(connection: &Connection, name: &'static str, wanted: i64) -> Result<(), OpenFault> {
    connection.pragma_update(None, name, wanted)?;
    let found: i64 = connection.pragma_query_value(None, name, |row| row.get(0))?;
    if found == wanted {
        Ok(())
    } else {
        Err(OpenFault::Setting { name, wanted: wanted.to_string(), found: found.to_string() })
    }
}

/// Stops a read that takes too long, from inside the statement.
pub(super) struct Deadline {
    origin: Instant,
    /// Milliseconds after `origin`; 0 when nothing runs.
    until_ms: Arc<AtomicU64>,
}

impl Deadline {
    /// Hangs the check into a connection.
    pub(super) fn install(connection: &mut Connection) -> Result<Deadline, OpenFault> {
        let deadline = Deadline { origin: Instant::now(), until_ms: Arc::new(AtomicU64::new(0)) };
        let (origin, until_ms) = (deadline.origin, Arc::clone(&deadline.until_ms));
        let is_late = move || {
            let until_ms = until_ms.load(Ordering::Relaxed);
            until_ms != 0 && elapsed_ms(origin) > until_ms
        };
        connection.progress_handler(STEPS_PER_LOOK, Some(is_late))?;
        Ok(deadline)
    }

    pub(super) fn start(&self) {
        let max_ms = u64::try_from(READ_MAX.as_millis()).unwrap_or(u64::MAX);
        self.until_ms.store(elapsed_ms(self.origin).saturating_add(max_ms).max(1), Ordering::Relaxed);
    }

    pub(super) fn stop(&self) {
        self.until_ms.store(0, Ordering::Relaxed);
    }
}

fn elapsed_ms(origin: Instant) -> u64 {
    u64::try_from(origin.elapsed().as_millis()).unwrap_or(u64::MAX)
}
