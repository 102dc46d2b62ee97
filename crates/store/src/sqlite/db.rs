//! A connection to SQLite. It does its work in the first poll of each future: whoever uses it is on a thread that may block.

use super::fault::commit_fault;
use crate::StoreError;
use crate::db::{Cell, Columns, Connection, EachRow, Keyed, Many, Row, RowWrite, Sql, Value, statements};
use crate::engine::Answer;
use crypto::seal::Sealer;
use domain::id::Shard;
use futures::FutureExt;
use futures::future::BoxFuture;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{CachedStatement, ToSql};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

statements! {
    BEGIN = "BEGIN DEFERRED";
    BEGIN_IMMEDIATE = "BEGIN IMMEDIATE";
    COMMIT = "COMMIT";
    ROLLBACK = "ROLLBACK";
}

/// One connection. Only one thread uses it at a time: the lock is for the compiler, nobody ever waits for it.
pub(super) struct SqliteDb {
    connection: Mutex<rusqlite::Connection>,
    sealer: Arc<Sealer>,
    /// The last numbers handed out: journal, events.
    numbers: Mutex<(i64, i64)>,
}

impl SqliteDb {
    pub(super) fn new(connection: rusqlite::Connection, sealer: Arc<Sealer>) -> SqliteDb {
        SqliteDb { connection: Mutex::new(connection), sealer, numbers: Mutex::new((0, 0)) }
    }

    pub(super) fn connection(&self) -> MutexGuard<'_, rusqlite::Connection> {
        // A panic in between leaves at most a transaction open, which the next user rolls back.
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn run(&self, sql: Sql) -> Result<usize, rusqlite::Error> {
        self.connection().prepare_cached(sql.sqlite)?.execute([])
    }

    /// Runs `work` in one read transaction, so that several statements see the same state.
    pub(super) fn view<T>(
        &self,
        work: impl for<'d> FnOnce(&'d crate::db::Db) -> Answer<'d, T>,
    ) -> Result<T, StoreError> {
        self.run(BEGIN)?;
        let result = done(work(self));
        self.roll_back();
        result
    }

    /// Runs `work` in one write transaction; nothing of it stays when it fails.
    pub(super) fn write<T>(
        &self,
        work: impl for<'d> FnOnce(&'d crate::db::Db) -> Answer<'d, T>,
    ) -> Result<T, StoreError> {
        self.run(BEGIN_IMMEDIATE)?;
        let result = done(work(self)).and_then(|value| match self.run(COMMIT) {
            Ok(_) => Ok(value),
            Err(error) => Err(commit_fault(error)),
        });
        if result.is_err() {
            self.roll_back();
        }
        result
    }

    /// Ends whatever transaction is open. Some errors end it by themselves.
    pub(super) fn roll_back(&self) {
        if !self.connection().is_autocommit()
            && let Err(error) = self.run(ROLLBACK)
        {
            tracing::error!(%error, "a transaction could not be rolled back");
        }
    }

    fn each(&self, sql: Sql, values: &[Value<'_>], each: &mut EachRow<'_>) -> Result<(), StoreError> {
        let connection = self.connection();
        let mut statement = connection.prepare_cached(sql.sqlite)?;
        self.bind(&mut statement, 1, values)?;
        rows(&mut statement, each)
    }

    fn execute_now(&self, sql: Sql, values: &[Value<'_>]) -> Result<usize, StoreError> {
        let connection = self.connection();
        let mut statement = connection.prepare_cached(sql.sqlite)?;
        self.bind(&mut statement, 1, values)?;
        Ok(statement.raw_execute()?)
    }

    fn each_key(
        &self,
        keyed: &Keyed,
        shard: Shard,
        keys: &Many<'_>,
        each: &mut EachRow<'_>,
    ) -> Result<(), StoreError> {
        let connection = self.connection();
        let mut statement = connection.prepare_cached(keyed.sqlite())?;
        for key in keys.rows() {
            self.bind(&mut statement, 1, &[shard.0.into()])?;
            self.bind(&mut statement, 2, key)?;
            rows(&mut statement, each)?;
        }
        Ok(())
    }

    fn write_rows(&self, write: &RowWrite, shard: Shard, many: &Many<'_>) -> Result<(), StoreError> {
        let connection = self.connection();
        let mut statement = connection.prepare_cached(write.sqlite())?;
        for row in many.rows() {
            self.bind(&mut statement, 1, &[shard.0.into()])?;
            self.bind(&mut statement, 2, row)?;
            let count = statement.raw_execute()?;
            if count != 1 {
                return Err(write.not_as_expected());
            }
        }
        Ok(())
    }

    /// Binds from parameter `first` on as many values as the statement has parameters.
    fn bind(
        &self,
        statement: &mut CachedStatement<'_>,
        first: usize,
        values: &[Value<'_>],
    ) -> Result<(), StoreError> {
        let numbers = *self.numbers.lock().unwrap_or_else(PoisonError::into_inner);
        let wanted = (statement.parameter_count() + 1).saturating_sub(first);
        for (at, value) in (first..).zip(values.iter().take(wanted)) {
            statement.raw_bind_parameter(at, Bound { value, numbers })?;
        }
        Ok(())
    }
}

/// The answer of work that is done in its first poll, as all work on SQLite is.
pub(super) fn done<T>(answer: Answer<'_, T>) -> Result<T, StoreError> {
    let waits = || StoreError::Corrupt("work on SQLite waited for something else".to_owned());
    answer.now_or_never().unwrap_or_else(|| Err(waits()))
}

fn rows(statement: &mut CachedStatement<'_>, each: &mut EachRow<'_>) -> Result<(), StoreError> {
    let mut rows = statement.raw_query();
    while let Some(row) = rows.next()? {
        each(&mut Columns::new(row))?;
    }
    Ok(())
}

/// A value with what its number is counted from.
struct Bound<'v, 'a> {
    value: &'v Value<'a>,
    numbers: (i64, i64),
}

impl ToSql for Bound<'_, '_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let (journal_seq, event_seq) = self.numbers;
        Ok(ToSqlOutput::Borrowed(match self.value {
            Value::Null => ValueRef::Null,
            Value::Int(value) => ValueRef::Integer(*value),
            Value::Text(text) => ValueRef::Text(text.as_bytes()),
            Value::Uid(bytes) => ValueRef::Blob(bytes),
            Value::Bytes(bytes) => ValueRef::Blob(bytes),
            Value::JournalSeq(distance) => ValueRef::Integer(journal_seq + distance),
            Value::EventSeq(distance) => ValueRef::Integer(event_seq + distance),
        }))
    }
}

impl Row for rusqlite::Row<'_> {
    fn cell(&self, at: usize) -> Result<Cell<'_>, StoreError> {
        match self.get_ref(at)? {
            ValueRef::Null => Ok(Cell::Null),
            ValueRef::Integer(value) => Ok(Cell::Int(value)),
            ValueRef::Text(bytes) => Ok(Cell::Text(bytes)),
            ValueRef::Blob(bytes) => Ok(Cell::Bytes(bytes)),
            ValueRef::Real(_) => Err(StoreError::Corrupt(format!("column {} is a float", self.name(at)))),
        }
    }

    fn name(&self, at: usize) -> String {
        self.as_ref().column_name(at).unwrap_or("?").to_owned()
    }

    fn width(&self) -> usize {
        self.as_ref().column_count()
    }
}

impl Connection for SqliteDb {
    fn sealer(&self) -> &Sealer {
        &self.sealer
    }

    fn query<'a>(
        &'a self,
        sql: Sql,
        values: &'a [Value<'a>],
        each: &'a mut EachRow<'_>,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move { self.each(sql, values, each) })
    }

    fn execute<'a>(&'a self, sql: Sql, values: &'a [Value<'a>]) -> BoxFuture<'a, Result<usize, StoreError>> {
        Box::pin(async move { self.execute_now(sql, values) })
    }

    fn keyed<'a>(
        &'a self,
        keyed: &'static Keyed,
        shard: Shard,
        keys: &'a Many<'a>,
        each: &'a mut EachRow<'_>,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move { self.each_key(keyed, shard, keys, each) })
    }

    fn write<'a>(
        &'a self,
        write: &'static RowWrite,
        shard: Shard,
        rows: Many<'a>,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move { self.write_rows(write, shard, &rows) })
    }

    fn keeps_natural_keys(&self) -> bool {
        false
    }

    fn note_numbers(&self, journal_seq: i64, event_seq: i64) {
        *self.numbers.lock().unwrap_or_else(PoisonError::into_inner) = (journal_seq, event_seq);
    }
}
