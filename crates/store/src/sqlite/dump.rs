//! All rows of a file that nobody serves, table by table, for another engine to take over.

use super::lock::{self, Lock};
use super::{OpenFault, SqliteConfig, connection, migrate};
use crate::db::{Value, storable};
use crate::migrations::MIGRATIONS;
use rusqlite::Connection;
use rusqlite::types::ValueRef;
use std::borrow::Cow;
use std::ops::ControlFlow;

/// A file that is read whole.
pub(crate) struct Dump {
    connection: Connection,
    /// As long as this is held nobody serves the file.
    _lock: Lock,
}

/// Values of a row, in the order in which they were asked for.
pub(crate) type Row = Vec<Value<'static>>;

impl Dump {
    /// Takes the file from whoever would serve it. Its schema must be this program's.
    pub(crate) fn open(config: &SqliteConfig) -> Result<Dump, OpenFault> {
        if !config.path.exists() {
            return Err(OpenFault::Missing { path: config.path.clone() });
        }
        let lock = lock::take(&config.path)?;
        let connection = connection::open_reader(config)?;
        // Control rows are written beside whoever has the lock: all tables are read as of one moment.
        connection.execute_batch("BEGIN")?;
        migrate::check(&connection, MIGRATIONS)?;
        Ok(Dump { connection, _lock: lock })
    }

    /// Names of the tables.
    pub(crate) fn tables(&self) -> Result<Vec<String>, OpenFault> {
        let mut statement = self.connection.prepare(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite!_%' ESCAPE '!' ORDER BY name",
        )?;
        let names = statement.query_map([], |row| row.get(0))?;
        Ok(names.collect::<Result<_, _>>()?)
    }

    /// The smallest value of a column of ids, which begin with their times.
    pub(crate) fn first_id(&self, table: &str) -> Result<Option<[u8; 16]>, OpenFault> {
        let sql = format!("SELECT MIN(id) FROM {}", quoted(table));
        Ok(self.connection.query_row(&sql, [], |row| row.get(0))?)
    }

    /// The largest numbers that were given to the journal and to events.
    pub(crate) fn last_numbers(&self) -> Result<(i64, i64), OpenFault> {
        let sql = "SELECT COALESCE(MAX(journal_seq), 0), COALESCE(MAX(event_seq), 0) FROM shard_head";
        Ok(self.connection.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?)))?)
    }

    /// Hands all rows of a table to `each`, some at a time, until it has enough.
    pub(crate) fn rows(
        &self,
        table: &str,
        columns: &[String],
        at_once: usize,
        mut each: impl FnMut(Vec<Row>) -> ControlFlow<()>,
    ) -> Result<(), OpenFault> {
        let named: Vec<String> = columns.iter().map(|column| quoted(column)).collect();
        let mut statement =
            self.connection.prepare(&format!("SELECT {} FROM {}", named.join(", "), quoted(table)))?;
        let mut found = statement.query([])?;
        let mut rows = Vec::with_capacity(at_once);
        while let Some(row) = found.next()? {
            let values = (0..columns.len()).map(|at| row.get_ref(at).map(value));
            rows.push(values.collect::<Result<Row, _>>()?);
            if rows.len() >= at_once && each(std::mem::take(&mut rows)).is_break() {
                return Ok(());
            }
        }
        if !rows.is_empty() {
            let _ = each(rows);
        }
        Ok(())
    }
}

/// Names come from the schema's own catalogue, never from outside.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn value(found: ValueRef<'_>) -> Value<'static> {
    match found {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => Value::Int(number),
        // The schema has no such column.
        ValueRef::Real(number) => Value::Text(Cow::Owned(number.to_string())),
        ValueRef::Text(bytes) => {
            Value::Text(Cow::Owned(storable(&String::from_utf8_lossy(bytes)).into_owned()))
        }
        // An id, a hash, or bytes that happen to be as many: all fit what holds either.
        ValueRef::Blob(bytes) => match <[u8; 16]>::try_from(bytes) {
            Ok(sixteen) => Value::Uid(sixteen),
            Err(_) => Value::Bytes(Cow::Owned(bytes.to_vec())),
        },
    }
}
