//! Moves the write-ahead log into the database while nothing else is to be done. Under load SQLite does it inside a commit
//! once the log has `wal_autocheckpoint_pages`; that is rarer and larger, which costs less altogether.

use super::db::SqliteDb;
use super::turnstile::Turnstile;
use rusqlite::Connection;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

/// How often the log is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Looks without a commit between them after which the log is copied, and after which its file is emptied.
const QUIET_LOOKS_TO_COPY: u32 = 2;
const QUIET_LOOKS_TO_TRUNCATE: u32 = 20;

/// The thread; it ends when this is dropped.
pub(super) struct Checkpointer {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// How far the checkpointer came with a quiet database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Nothing,
    Copy,
    Truncate,
}

/// What to do after `quiet` looks without a commit.
fn step(quiet: u32) -> Step {
    match quiet {
        QUIET_LOOKS_TO_COPY => Step::Copy,
        QUIET_LOOKS_TO_TRUNCATE => Step::Truncate,
        _ => Step::Nothing,
    }
}

impl Checkpointer {
    pub(super) fn start(turnstile: Arc<Turnstile<SqliteDb>>) -> std::io::Result<Checkpointer> {
        let (stop, stopped) = channel();
        let thread = std::thread::Builder::new().name("checkpoint".to_owned());
        let thread = thread.spawn(move || run(&turnstile, &stopped))?;
        Ok(Checkpointer { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Checkpointer {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the checkpoint thread panicked");
        }
    }
}

fn run(turnstile: &Arc<Turnstile<SqliteDb>>, stopped: &Receiver<()>) {
    let (mut seen, mut quiet) = (0, 0u32);
    while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(LOOK_EVERY) {
        let turns = turnstile.turns();
        if turns != seen {
            (seen, quiet) = (turns, 0);
            continue;
        }
        quiet = quiet.saturating_add(1);
        let sql = match step(quiet) {
            Step::Nothing => continue,
            Step::Copy => "PRAGMA wal_checkpoint(PASSIVE)",
            Step::Truncate => "PRAGMA wal_checkpoint(TRUNCATE)",
        };
        // Somebody has the turn: the database is not quiet after all.
        let Some(turn) = turnstile.try_enter() else { continue };
        if let Err(error) = checkpoint(&turn.connection(), sql) {
            tracing::warn!(%error, "the log was not checkpointed");
        }
        drop(turn);
        seen = turnstile.turns();
    }
}

/// Runs a checkpoint; a reader in the way only means that the rest comes later.
pub(super) fn checkpoint(connection: &Connection, sql: &str) -> Result<(), rusqlite::Error> {
    let (busy, log_pages, copied_pages) = connection.query_row(sql, [], |row| {
        Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?))
    })?;
    tracing::debug!(busy, log_pages, copied_pages, "checkpoint");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_once_then_truncates_once() {
        let steps: Vec<Step> = (1..40).map(step).filter(|step| *step != Step::Nothing).collect();
        assert_eq!(steps, [Step::Copy, Step::Truncate]);
    }
}
