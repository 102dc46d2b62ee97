//! What the files of the nouns speak to: one connection of either engine. They hold statements and the shapes of rows
//! once; an engine only knows how to run them.
//!
//! Futures of one connection that are polled together reach PostgreSQL in one flight, in the order of their first poll, and
//! are carried out in that order. SQLite does its work in the first poll.

mod columns;
mod keyed;
mod pipeline;
mod row_write;
mod statements;
mod value;

pub(crate) use columns::{Cell, Columns, Row};
pub(crate) use keyed::{Keyed, keyed};
pub(crate) use pipeline::{Step, in_order};
pub(crate) use row_write::{Column, Kind, RowWrite, Verb, writes};
pub(crate) use statements::{Sql, statements};
pub(crate) use value::{Many, Value, params, storable};

use crate::StoreError;
use crate::place::Place;
use crypto::seal::{Aad, SealFault, Sealer};
use domain::Uid;
use domain::id::{Id, Shard};
use futures::future::BoxFuture;

/// A connection of either engine.
pub(crate) type Db = dyn Connection;

/// A version of the master key that values of one transaction are sealed with. Whoever makes one says how the transaction keeps it
/// until its commit: a row is locked, or the commit asserts it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct KeyVersion(pub(crate) u32);

/// What reads a row and keeps it.
pub(crate) type EachRow<'a> = dyn FnMut(&mut Columns<'_>) -> Result<(), StoreError> + Send + 'a;

/// What an engine can do on one connection.
pub(crate) trait Connection: Send + Sync {
    /// Seals and opens columns.
    fn sealer(&self) -> &Sealer;
    /// Hands every row to `each`. The statement bounds their number.
    fn query<'a>(
        &'a self,
        sql: Sql,
        values: &'a [Value<'a>],
        each: &'a mut EachRow<'_>,
    ) -> BoxFuture<'a, Result<(), StoreError>>;
    /// Runs a writing statement once; answers how many rows it touched.
    fn execute<'a>(&'a self, sql: Sql, values: &'a [Value<'a>]) -> BoxFuture<'a, Result<usize, StoreError>>;
    /// Hands every row that one of the keys finds to `each`.
    fn keyed<'a>(
        &'a self,
        keyed: &'static Keyed,
        shard: Shard,
        keys: &'a Many<'a>,
        each: &'a mut EachRow<'_>,
    ) -> BoxFuture<'a, Result<(), StoreError>>;
    /// Writes rows, each of which must be there as expected; else a conflict.
    fn write<'a>(
        &'a self,
        write: &'static RowWrite,
        shard: Shard,
        rows: Many<'a>,
    ) -> BoxFuture<'a, Result<(), StoreError>>;
    /// Whether numbers that may never be used twice are kept in `natural_key` instead of by unique indexes.
    fn keeps_natural_keys(&self) -> bool;
    /// Tells the engine the last numbers that the shard head handed out, by which [`Value::JournalSeq`] and
    /// [`Value::EventSeq`] count.
    fn note_numbers(&self, journal_seq: i64, event_seq: i64);
}

impl dyn Connection {
    /// As [`Connection::execute`], for statements that must touch exactly one row; else a conflict.
    pub(crate) async fn execute_one(
        &self,
        sql: Sql,
        values: &[Value<'_>],
        what: &str,
    ) -> Result<(), StoreError> {
        match self.execute(sql, values).await? {
            1 => Ok(()),
            count => Err(StoreError::Conflict(format!("{what}: {count} rows instead of one"))),
        }
    }

    /// The first row, if any.
    pub(crate) async fn one<T: Send>(
        &self,
        sql: Sql,
        values: &[Value<'_>],
        read: impl FnOnce(&mut Columns<'_>) -> Result<T, StoreError> + Send,
    ) -> Result<Option<T>, StoreError> {
        let (mut read, mut found) = (Some(read), None);
        let mut first = |columns: &mut Columns<'_>| {
            if let Some(read) = read.take() {
                found = Some(read(columns)?);
                columns.end()?;
            }
            Ok(())
        };
        self.query(sql, values, &mut first).await?;
        Ok(found)
    }

    /// All rows.
    pub(crate) async fn all<T: Send>(
        &self,
        sql: Sql,
        values: &[Value<'_>],
        mut read: impl FnMut(&mut Columns<'_>) -> Result<T, StoreError> + Send,
    ) -> Result<Vec<T>, StoreError> {
        let mut found = Vec::new();
        let mut each = |columns: &mut Columns<'_>| {
            found.push(read(columns)?);
            columns.end()
        };
        self.query(sql, values, &mut each).await?;
        Ok(found)
    }

    /// All rows that one of the keys finds.
    pub(crate) async fn find_all<T: Send>(
        &self,
        keyed: &'static Keyed,
        shard: Shard,
        keys: &Many<'_>,
        mut read: impl FnMut(&mut Columns<'_>) -> Result<T, StoreError> + Send,
    ) -> Result<Vec<T>, StoreError> {
        let mut found = Vec::new();
        if keys.is_empty() {
            return Ok(found);
        }
        let mut each = |columns: &mut Columns<'_>| {
            found.push(read(columns)?);
            columns.end()
        };
        self.keyed(keyed, shard, keys, &mut each).await?;
        Ok(found)
    }

    /// Runs a statement for every key; it answers no rows.
    pub(crate) async fn for_all(
        &self,
        keyed: &'static Keyed,
        shard: Shard,
        keys: &Many<'_>,
    ) -> Result<(), StoreError> {
        if keys.is_empty() {
            return Ok(());
        }
        self.keyed(keyed, shard, keys, &mut |_| Ok(())).await
    }

    /// With a version that this transaction holds or asserts: the process's own may change in between.
    pub(crate) fn seal(
        &self,
        version: KeyVersion,
        place: Place,
        row_id: &[u8],
        plain: &[u8],
    ) -> Result<Vec<u8>, StoreError> {
        let aad = Aad { table: place.table(), column: place.column(), row_id };
        let sealed = self.sealer().seal_at(version.0, aad, plain);
        sealed.map_err(|fault| StoreError::Unavailable(fault.to_string()))
    }

    pub(crate) fn open(&self, place: Place, row_id: &[u8], sealed: &[u8]) -> Result<Vec<u8>, StoreError> {
        let aad = Aad { table: place.table(), column: place.column(), row_id };
        let opened = match self.sealer().open(aad, sealed) {
            // Another process began a rotation: the version that came in is in the key file by now.
            Err(SealFault::KeyUnavailable { .. }) if self.sealer().reload().is_ok() => {
                self.sealer().open(aad, sealed)
            }
            opened => opened,
        };
        match opened {
            Ok(plain) => Ok(plain.to_vec()),
            Err(fault) => Err(corrupt(&format!("{}.{}: {fault}", place.table(), place.column()))),
        }
    }
}

/// A stored value that can't be read back.
pub(crate) fn corrupt(what: &str) -> StoreError {
    StoreError::Corrupt(what.to_owned())
}

/// A guarded write must have touched its one row.
pub(crate) fn guard(count: usize, what: impl FnOnce() -> String) -> Result<(), StoreError> {
    if count == 1 { Ok(()) } else { Err(StoreError::Conflict(what())) }
}

/// Where a list of jobs by (due, id) goes on, exclusive.
pub(crate) fn after_due(after: Option<(i64, impl Id)>) -> (i64, [u8; 16]) {
    after.map_or((i64::MIN, [0; 16]), |(due_at_us, id)| (due_at_us, id.uid().0))
}

/// Where a page by (time, id) starts, exclusive: after the last row seen, and before an upper bound of time.
pub(crate) fn page_end(after: Option<(i64, Uid)>, before_us: Option<i64>) -> (i64, [u8; 16]) {
    let after = after.map(|(at_us, id)| (at_us, id.0));
    // No id is below sixteen zero bytes, so this means "earlier than that time".
    let before = before_us.map(|at_us| (at_us, [0; 16]));
    match (after, before) {
        (Some(after), Some(before)) => after.min(before),
        (Some(end), None) | (None, Some(end)) => end,
        (None, None) => (i64::MAX, [0xff; 16]),
    }
}
