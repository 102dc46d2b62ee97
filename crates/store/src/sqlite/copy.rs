//! A copy of a database that is served: one moment's state, page by page, out of one snapshot.
//!
//! The snapshot does not halt a writer. While it is held the log can't begin anew, so it grows by what is written meanwhile;
//! a bound on its length ends a copy that would take too long, and what gathered in it is moved into the database by the
//! copying process, so that no commit has to do it.

use super::db::{BEGIN, ROLLBACK};
use super::{OpenFault, SqliteConfig, checkpoint, connection, migrate};
use crate::migrations::{MIGRATIONS, newest};
use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Pages in one step: with pages of 8 KiB a MiB or so.
const STEP_PAGES: i32 = 128;
/// How long a step that found the source locked waits for the next.
const BUSY_PAUSE: Duration = Duration::from_millis(5);
/// Steps in a row that may find it locked.
const BUSY_MAX: u32 = 1_000;
/// A damaged file is told by its first faults.
const FAULTS_SHOWN: usize = 5;

/// The log's length at which a copy is given up, unless told otherwise.
pub const LOG_MAX_BYTES: u64 = 4 << 30;

/// What a copy may cost, and who watches it. The default is [`LOG_MAX_BYTES`] and nobody.
pub struct Copying<'a> {
    /// The log may grow to this length, bytes.
    pub log_max_bytes: u64,
    /// Called once the moment that is copied stands fixed.
    pub fixed: Box<dyn FnMut() -> std::io::Result<()> + 'a>,
    /// Called with pages done and all pages.
    pub progress: Box<dyn FnMut(u64, u64) + 'a>,
}

impl Default for Copying<'_> {
    fn default() -> Self {
        Copying { log_max_bytes: LOG_MAX_BYTES, fixed: Box::new(|| Ok(())), progress: Box::new(|_, _| {}) }
    }
}

/// What was copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Copied {
    /// Number of the schema's last step.
    pub schema: i64,
    /// Pages.
    pub pages: u64,
}

/// The number of the schema that this program brings databases to.
pub fn schema() -> i64 {
    newest(MIGRATIONS)
}

/// Copies the database at `config.path` to `to`, which must not exist, also while it is served, and brings it to disk. The
/// copy is in no log mode's debt: it is one file.
///
/// # Errors
/// [`OpenFault`]; then `to` is not to be used.
pub fn copy(config: &SqliteConfig, to: &Path, mut copying: Copying<'_>) -> Result<Copied, OpenFault> {
    if to.exists() {
        return Err(OpenFault::Exists { path: to.to_owned() });
    }
    let source = connection::open_reader(config)?;
    let copied = copy_snapshot(&source, config, to, &mut copying)?;
    drop(source);
    move_log(config)?;
    let io = |source| OpenFault::Io { path: to.to_owned(), source };
    File::open(to).and_then(|file| file.sync_all()).map_err(io)?;
    Ok(copied)
}

fn copy_snapshot(
    source: &Connection,
    config: &SqliteConfig,
    to: &Path,
    copying: &mut Copying<'_>,
) -> Result<Copied, OpenFault> {
    source.execute_batch(BEGIN.sqlite)?;
    // The first read fixes the moment.
    migrate::check(source, MIGRATIONS)?;
    let io = |source| OpenFault::Io { path: to.to_owned(), source };
    (copying.fixed)().map_err(io)?;
    let mut target = Connection::open(to)?;
    // Nobody reads it before it is whole: no journal, and one sync at the end.
    target.pragma_update_and_check(None, "journal_mode", "OFF", |_| Ok(()))?;
    target.pragma_update(None, "synchronous", 0)?;
    let pages = copy_pages(source, &mut target, config, copying)?;
    source.execute_batch(ROLLBACK.sqlite)?;
    Ok(Copied { schema: schema(), pages })
}

fn copy_pages(
    source: &Connection,
    target: &mut Connection,
    config: &SqliteConfig,
    copying: &mut Copying<'_>,
) -> Result<u64, OpenFault> {
    let backup = Backup::new(source, target)?;
    let log = log_path(&config.path);
    let mut busy = 0;
    loop {
        let step = backup.step(STEP_PAGES)?;
        let progress = backup.progress();
        let count = |pages| u64::try_from(pages).unwrap_or(0);
        let (all, left) = (count(progress.pagecount), count(progress.remaining));
        (copying.progress)(all.saturating_sub(left), all);
        match step {
            StepResult::Done => return Ok(all),
            StepResult::More => busy = 0,
            _ if busy < BUSY_MAX => {
                busy += 1;
                std::thread::sleep(BUSY_PAUSE);
            }
            _ => return Err(OpenFault::CopyBusy),
        }
        let grown = fs::metadata(&log).map_or(0, |found| found.len());
        if grown > copying.log_max_bytes {
            return Err(OpenFault::CopyTooSlow { log_max_bytes: copying.log_max_bytes });
        }
    }
}

/// The log beside a database.
fn log_path(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push("-wal");
    PathBuf::from(name)
}

/// Moves the log into the database as far as nobody reads from it. Writers go on meanwhile.
fn move_log(config: &SqliteConfig) -> Result<(), OpenFault> {
    let writer = connection::open_writer(&SqliteConfig { wal_autocheckpoint_pages: 0, ..config.clone() })?;
    Ok(checkpoint::checkpoint(&writer, "PRAGMA wal_checkpoint(PASSIVE)")?)
}

/// Brings a database that nobody has open into its one file: its log is emptied and removed.
///
/// # Errors
/// [`OpenFault`], also when somebody has it open.
pub fn settle(path: &Path) -> Result<(), OpenFault> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    checkpoint::checkpoint(&connection, "PRAGMA wal_checkpoint(TRUNCATE)")?;
    connection.close().map_err(|(_, error)| error)?;
    let io = |source| OpenFault::Io { path: path.to_owned(), source };
    File::open(path).and_then(|file| file.sync_all()).map_err(io)?;
    if log_path(path).exists() { Err(OpenFault::InUse { path: path.to_owned() }) } else { Ok(()) }
}

/// Reads a whole database file and says what of its pages, records and indexes is damaged; nothing when all is well.
///
/// # Errors
/// [`OpenFault`].
pub fn damage(config: &SqliteConfig) -> Result<Vec<String>, OpenFault> {
    let connection = connection::open_reader(config)?;
    let mut statement = connection.prepare("PRAGMA integrity_check")?;
    let found = statement.query_map([], |row| row.get::<_, String>(0))?;
    let faults = found.filter(|line| !matches!(line, Ok(line) if line == "ok"));
    Ok(faults.take(FAULTS_SHOWN).collect::<Result<_, _>>()?)
}
