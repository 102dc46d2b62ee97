//! The statements of the row budget, prepared once, each with the row it copies.

use super::template::{Row, Template};
use anyhow::{Context as _, Result};
use rusqlite::types::Value;
use rusqlite::{Connection, Statement};

/// What a payment's second stage writes of its row; the platform writes the same columns.
pub const PAYMENT_CHANGES: [&str; 26] = [
    "status",
    "status_reason",
    "authorized_minor",
    "capturing_minor",
    "captured_minor",
    "refunded_minor",
    "refunding_minor",
    "fee_minor",
    "fee_returned_minor",
    "cost_minor",
    "cost_returned_minor",
    "authorization_expires_at_us",
    "ending",
    "next_action",
    "failure",
    "latest_attempt",
    "open_attempt",
    "paid_attempt",
    "available_on",
    "updated_at_us",
    "authorized_at_us",
    "paid_at_us",
    "closed_at_us",
    "sequence",
    "deadline_us",
    "expires_at_us",
];

/// The same of its attempt.
pub const ATTEMPT_CHANGES: [&str; 15] = [
    "status",
    "channel_trade_no",
    "failure",
    "taken_minor",
    "taken_currency",
    "bill_date",
    "held_minor",
    "sent_back_minor",
    "contradiction",
    "job_due_at_us",
    "job_owner",
    "job_fence",
    "job_tries",
    "updated_at_us",
    "sequence",
];

/// A statement with the row whose values it binds.
pub struct Copier<'c> {
    statement: Statement<'c>,
    row: Row,
}

impl<'c> Copier<'c> {
    /// An `INSERT` of a copy of `row`.
    pub fn insert(db: &'c Connection, table: &str, row: &Row) -> Result<Copier<'c>> {
        Ok(Copier { statement: db.prepare(&row.insert_sql(table))?, row: row.clone() })
    }

    /// Whether the copied row has nothing in a column.
    pub fn is_null(&self, at: usize) -> bool {
        matches!(self.row.values().get(at), None | Some(Value::Null))
    }

    /// Inserts the copy with some columns (by place) changed.
    pub fn write(&mut self, changed: &[(usize, Value)]) -> Result<()> {
        for (place, value) in (0..).zip(self.row.values()) {
            let value = changed.iter().find(|(at, _)| *at == place).map_or(value, |(_, changed)| changed);
            self.statement.raw_bind_parameter(place + 1, value)?;
        }
        self.statement.raw_execute().context("an insert")?;
        Ok(())
    }
}

/// An `UPDATE` of a row found by shard, id and the sequence it must still have.
pub struct Updater<'c> {
    statement: Statement<'c>,
    shard: Value,
    values: Vec<(&'static str, Value)>,
}

impl<'c> Updater<'c> {
    fn new(db: &'c Connection, table: &str, changes: &[&'static str], end: &Row) -> Result<Updater<'c>> {
        let sets: Vec<String> =
            (4..).zip(changes).map(|(place, name)| format!("{name} = ?{place}")).collect();
        let sql =
            format!("UPDATE {table} SET {} WHERE shard = ?1 AND id = ?2 AND sequence = ?3", sets.join(", "));
        let values: Result<Vec<_>> = changes.iter().map(|name| Ok((*name, end.get(name)?.clone()))).collect();
        Ok(Updater { statement: db.prepare(&sql)?, shard: end.get("shard")?.clone(), values: values? })
    }

    /// Gives the row its end; columns that name the attempt get `attempt`.
    pub fn write(&mut self, id: &[u8; 16], attempt: &[u8; 16], now_us: i64) -> Result<()> {
        self.statement.raw_bind_parameter(1, &self.shard)?;
        self.statement.raw_bind_parameter(2, id)?;
        self.statement.raw_bind_parameter(3, 1)?;
        for (place, (name, value)) in (4..).zip(&self.values) {
            match *name {
                "latest_attempt" | "paid_attempt" => self.statement.raw_bind_parameter(place, attempt)?,
                "updated_at_us" | "paid_at_us" => self.statement.raw_bind_parameter(place, now_us)?,
                _ => self.statement.raw_bind_parameter(place, value)?,
            }
        }
        anyhow::ensure!(self.statement.raw_execute()? == 1, "a row is not there to be changed");
        Ok(())
    }
}

/// All of them.
pub struct Statements<'c> {
    pub begin: Statement<'c>,
    pub commit: Statement<'c>,
    pub head: Statement<'c>,
    pub batch: Statement<'c>,
    pub platform: Statement<'c>,
    pub balance: Statement<'c>,
    pub idempotency: Copier<'c>,
    pub payment: Copier<'c>,
    pub payment_end: Updater<'c>,
    pub attempt: Copier<'c>,
    pub attempt_end: Updater<'c>,
    pub journal_tx: Copier<'c>,
    pub entries: Vec<Copier<'c>>,
    pub event: Copier<'c>,
}

impl<'c> Statements<'c> {
    /// Prepares them for copies of a payment.
    pub fn prepare(db: &'c Connection, template: &Template) -> Result<Statements<'c>> {
        let entries: Result<Vec<_>> =
            template.entries.iter().map(|row| Copier::insert(db, "journal_entry", row)).collect();
        Ok(Statements {
            begin: db.prepare("BEGIN IMMEDIATE")?,
            commit: db.prepare("COMMIT")?,
            head: db.prepare(
                "UPDATE shard_head SET journal_seq = journal_seq + ?2, event_seq = event_seq + ?2 WHERE shard = ?1",
            )?,
            batch: db.prepare(
                "INSERT INTO journal_batch (shard, batch, first_journal_seq, first_event_seq, committed_at_us) \
                 VALUES (?1, ?2, ?3, ?3, ?4)",
            )?,
            platform: db.prepare(
                "INSERT INTO platform_balance (shard, code, dim, currency, day, amount_minor) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (shard, code, dim, currency, day) \
                 DO UPDATE SET amount_minor = amount_minor + excluded.amount_minor",
            )?,
            balance: db.prepare(
                "UPDATE balance SET amount_minor = ?7, account_seq = ?8, last_seq = ?9, last_line = ?10 \
                 WHERE shard = ?1 AND code = ?2 AND dim = ?3 AND currency = ?4 AND day = ?5 AND account_seq = ?6",
            )?,
            idempotency: Copier::insert(db, "idempotency", &template.idempotency)?,
            payment: Copier::insert(db, "payment", &begun_payment(&template.payment)?)?,
            payment_end: Updater::new(db, "payment", &PAYMENT_CHANGES, &template.payment)?,
            attempt: Copier::insert(db, "attempt", &begun_attempt(&template.attempt)?)?,
            attempt_end: Updater::new(db, "attempt", &ATTEMPT_CHANGES, &template.attempt)?,
            journal_tx: Copier::insert(db, "journal_tx", &template.journal_tx)?,
            entries: entries?,
            event: Copier::insert(db, "event", &template.event)?,
        })
    }
}

/// The payment as its first stage writes it.
fn begun_payment(end: &Row) -> Result<Row> {
    let mut row = end.clone();
    row.set("status", "created".to_owned())?;
    for name in ["captured_minor", "cost_minor"] {
        row.set(name, 0)?;
    }
    for name in ["fee_minor", "paid_attempt", "available_on", "paid_at_us"] {
        row.set(name, Value::Null)?;
    }
    row.set("open_attempt", end.get("latest_attempt")?.clone())?;
    row.set("deadline_us", end.get("expires_at_us")?.clone())?;
    row.set("sequence", 1)?;
    Ok(row)
}

/// The attempt as its first stage writes it.
fn begun_attempt(end: &Row) -> Result<Row> {
    let mut row = end.clone();
    row.set("status", "created".to_owned())?;
    for name in ["channel_trade_no", "taken_minor", "taken_currency", "bill_date"] {
        row.set(name, Value::Null)?;
    }
    row.set("job_due_at_us", end.get("created_at_us")?.clone())?;
    row.set("sequence", 1)?;
    Ok(row)
}
