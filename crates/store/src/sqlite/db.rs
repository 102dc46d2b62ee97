//! A connection with the means to open sealed columns, and small helpers over prepared statements.

use super::columns::Columns;
use super::fault::corrupt;
use super::statements::statements;
use crate::StoreError;
use crypto::seal::{Aad, Sealer};
use domain::Uid;
use rusqlite::{CachedStatement, Connection, Params};
use std::sync::Arc;

/// Where a sealed column lives.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) table: &'static str,
    pub(super) column: &'static str,
}

/// One connection.
pub(super) struct Db {
    pub(super) connection: Connection,
    pub(super) sealer: Arc<Sealer>,
}

impl Db {
    pub(super) fn statement(&self, sql: &str) -> Result<CachedStatement<'_>, StoreError> {
        Ok(self.connection.prepare_cached(sql)?)
    }

    /// Runs a writing statement once; answers how many rows it touched.
    pub(super) fn execute(&self, sql: &str, params: impl Params) -> Result<usize, StoreError> {
        Ok(self.statement(sql)?.execute(params)?)
    }

    /// As [`Db::execute`], for statements that must touch exactly one row; else a conflict.
    pub(super) fn execute_one(&self, sql: &str, params: impl Params, what: &str) -> Result<(), StoreError> {
        match self.execute(sql, params)? {
            1 => Ok(()),
            count => Err(StoreError::Conflict(format!("{what}: {count} rows instead of one"))),
        }
    }

    /// The first row, if any.
    pub(super) fn one<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl FnOnce(&mut Columns<'_, '_>) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        one(&mut self.statement(sql)?, params, read)
    }

    /// All rows. The statement bounds their number.
    pub(super) fn all<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl FnMut(&mut Columns<'_, '_>) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        all(&mut self.statement(sql)?, params, read)
    }

    /// Runs `work` in one read transaction, so that several statements see the same state.
    pub(super) fn snapshot<T>(
        &self,
        work: impl FnOnce(&Db) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.execute(BEGIN, [])?;
        let result = work(self);
        self.roll_back();
        result
    }

    /// Runs `work` in one write transaction; nothing of it stays when it fails.
    pub(super) fn write<T>(&self, work: impl FnOnce(&Db) -> Result<T, StoreError>) -> Result<T, StoreError> {
        self.execute(BEGIN_IMMEDIATE, [])?;
        match work(self) {
            Ok(value) => match self.statement(COMMIT)?.execute([]) {
                Ok(_) => Ok(value),
                Err(error) => {
                    self.roll_back();
                    Err(super::fault::commit_fault(error))
                }
            },
            Err(error) => {
                self.roll_back();
                Err(error)
            }
        }
    }

    /// Ends whatever transaction is open. Some errors end it by themselves.
    pub(super) fn roll_back(&self) {
        if !self.connection.is_autocommit()
            && let Err(error) = self.execute(ROLLBACK, [])
        {
            tracing::error!(%error, "a transaction could not be rolled back");
        }
    }

    pub(super) fn seal(&self, place: Place, row_id: &[u8], plain: &[u8]) -> Result<Vec<u8>, StoreError> {
        let aad = Aad { table: place.table, column: place.column, row_id };
        self.sealer.seal(aad, plain).map_err(|fault| StoreError::Unavailable(fault.to_string()))
    }

    pub(super) fn open(&self, place: Place, row_id: &[u8], sealed: &[u8]) -> Result<Vec<u8>, StoreError> {
        let aad = Aad { table: place.table, column: place.column, row_id };
        match self.sealer.open(aad, sealed) {
            Ok(plain) => Ok(plain.to_vec()),
            Err(fault) => Err(corrupt(&format!("{}.{}: {fault}", place.table, place.column))),
        }
    }
}

statements! {
    BEGIN = "BEGIN DEFERRED";
    BEGIN_IMMEDIATE = "BEGIN IMMEDIATE";
    COMMIT = "COMMIT";
    ROLLBACK = "ROLLBACK";
}

/// The first row of a statement that is used in a loop.
pub(super) fn one<T>(
    statement: &mut CachedStatement<'_>,
    params: impl Params,
    read: impl FnOnce(&mut Columns<'_, '_>) -> Result<T, StoreError>,
) -> Result<Option<T>, StoreError> {
    let mut rows = statement.query(params)?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let mut columns = Columns::new(row);
    let value = read(&mut columns)?;
    columns.end()?;
    Ok(Some(value))
}

/// All rows of a statement that is used in a loop.
pub(super) fn all<T>(
    statement: &mut CachedStatement<'_>,
    params: impl Params,
    mut read: impl FnMut(&mut Columns<'_, '_>) -> Result<T, StoreError>,
) -> Result<Vec<T>, StoreError> {
    let mut rows = statement.query(params)?;
    let mut values = Vec::new();
    while let Some(row) = rows.next()? {
        let mut columns = Columns::new(row);
        values.push(read(&mut columns)?);
        columns.end()?;
    }
    Ok(values)
}

/// All rows of a statement whose parameters are bound already.
pub(super) fn all_bound<T>(
    statement: &mut CachedStatement<'_>,
    mut read: impl FnMut(&mut Columns<'_, '_>) -> Result<T, StoreError>,
) -> Result<Vec<T>, StoreError> {
    let mut rows = statement.raw_query();
    let mut values = Vec::new();
    while let Some(row) = rows.next()? {
        let mut columns = Columns::new(row);
        values.push(read(&mut columns)?);
        columns.end()?;
    }
    Ok(values)
}

/// A guarded write must have touched its one row.
pub(super) fn guard(count: usize, what: impl FnOnce() -> String) -> Result<(), StoreError> {
    if count == 1 { Ok(()) } else { Err(StoreError::Conflict(what())) }
}

/// Where a page by (time, id) starts, exclusive: after the last row seen, and before an upper bound of time.
pub(super) fn page_end(after: Option<(i64, Uid)>, before_us: Option<i64>) -> (i64, [u8; 16]) {
    let after = after.map(|(at_us, id)| (at_us, id.0));
    // No id is below sixteen zero bytes, so this means "earlier than that time".
    let before = before_us.map(|at_us| (at_us, [0; 16]));
    match (after, before) {
        (Some(after), Some(before)) => after.min(before),
        (Some(end), None) | (None, Some(end)) => end,
        (None, None) => (i64::MAX, [0xff; 16]),
    }
}
