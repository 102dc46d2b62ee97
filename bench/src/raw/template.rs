//! The rows of one payment as the platform itself wrote them: what is written straight to SQLite is a copy with other keys, so
//! the two runs write the same columns with the same sizes.

use anyhow::{Context as _, Result, ensure};
use rusqlite::types::Value;
use rusqlite::{Connection, OpenFlags, Params};
use std::path::Path;

/// A row with the names of its columns.
#[derive(Debug, Clone)]
pub struct Row {
    columns: Vec<String>,
    values: Vec<Value>,
}

impl Row {
    /// The place of a column.
    pub fn at(&self, column: &str) -> Result<usize> {
        self.columns
            .iter()
            .position(|name| name == column)
            .with_context(|| format!("there is no column {column}"))
    }

    /// A column's value.
    pub fn get(&self, column: &str) -> Result<&Value> {
        self.values.get(self.at(column)?).context("a row without its values")
    }

    /// Puts another value into a column.
    pub fn set(&mut self, column: &str, value: impl Into<Value>) -> Result<()> {
        let at = self.at(column)?;
        *self.values.get_mut(at).context("a row without its values")? = value.into();
        Ok(())
    }

    /// The values in order of the columns.
    pub fn values(&self) -> &[Value] {
        &self.values
    }

    /// `INSERT` of all columns.
    pub fn insert_sql(&self, table: &str) -> String {
        let places: Vec<String> = (1..=self.columns.len()).map(|number| format!("?{number}")).collect();
        format!("INSERT INTO {table} ({}) VALUES ({})", self.columns.join(", "), places.join(", "))
    }
}

/// One payment, whole.
#[derive(Debug, Clone)]
pub struct Template {
    pub idempotency: Row,
    pub payment: Row,
    pub attempt: Row,
    pub journal_tx: Row,
    pub entries: Vec<Row>,
    pub event: Row,
    /// The merchant's pending account.
    pub balance: Row,
    /// The accounts without a floor that the entries touch.
    pub platform_balances: Vec<Row>,
}

impl Template {
    /// Takes the newest succeeded payment of a database that no server has open for writing any more.
    pub fn read(database: &Path) -> Result<Template> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let db = Connection::open_with_flags(database, flags).context("opening the platform's database")?;
        let payment =
            one(&db, "SELECT * FROM payment WHERE status = 'succeeded' ORDER BY id DESC LIMIT 1", [])?;
        let (shard, id) = (payment.get("shard")?, payment.get("id")?);
        let of_payment = |sql: &str| one(&db, sql, (shard, id));
        let journal_tx = of_payment("SELECT * FROM journal_tx WHERE shard = ?1 AND source = ?2")?;
        let seq = journal_tx.get("seq")?;
        let entries = all(
            &db,
            "SELECT * FROM journal_entry WHERE shard = ?1 AND seq = ?2 ORDER BY line",
            (shard, seq),
        )?;
        let template = Template {
            idempotency: of_payment("SELECT * FROM idempotency WHERE shard = ?1 AND object = ?2")?,
            attempt: of_payment("SELECT * FROM attempt WHERE shard = ?1 AND payment = ?2")?,
            event: of_payment("SELECT * FROM event WHERE shard = ?1 AND object = ?2")?,
            balance: one(
                &db,
                "SELECT b.* FROM balance b JOIN journal_entry e ON e.shard = b.shard AND e.code = b.code \
                 AND e.dim = b.dim AND e.currency = b.currency AND e.day = b.day \
                 WHERE e.shard = ?1 AND e.seq = ?2 LIMIT 1",
                (shard, seq),
            )?,
            platform_balances: all(
                &db,
                "SELECT DISTINCT p.* FROM platform_balance p JOIN journal_entry e ON e.shard = p.shard \
                 AND e.code = p.code AND e.dim = p.dim AND e.currency = p.currency AND e.day = p.day \
                 WHERE e.shard = ?1 AND e.seq = ?2",
                (shard, seq),
            )?,
            payment,
            journal_tx,
            entries,
        };
        ensure!(
            template.entries.len() == 6 && template.platform_balances.len() == 4,
            "a payment of {} entries on {} platform accounts is not that of the row budget",
            template.entries.len(),
            template.platform_balances.len()
        );
        Ok(template)
    }
}

fn one(db: &Connection, sql: &str, params: impl Params) -> Result<Row> {
    let mut found = all(db, sql, params)?;
    ensure!(found.len() == 1, "{} rows instead of one: {sql}", found.len());
    found.pop().context("no row")
}

fn all(db: &Connection, sql: &str, params: impl Params) -> Result<Vec<Row>> {
    let mut statement = db.prepare(sql)?;
    let columns: Vec<String> = statement.column_names().map(str::to_owned).collect();
    let mut rows = statement.query(params)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let values: Result<Vec<Value>, rusqlite::Error> = (0..columns.len()).map(|at| row.get(at)).collect();
        found.push(Row { columns: columns.clone(), values: values? });
    }
    Ok(found)
}
