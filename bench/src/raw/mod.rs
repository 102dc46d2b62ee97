//! The floor under everything: the row budget of DESIGN section 4 (3 rows, then 11, and six a batch) written straight to SQLite
//! in two stages and batches, with the platform's schema, indexes and settings and nothing of the platform around it.

mod statements;
mod template;

pub use statements::{ATTEMPT_CHANGES, PAYMENT_CHANGES};
pub use template::Template;

use crate::clock;
use crate::drive::Times;
use crate::histogram::as_f64;
use anyhow::{Context as _, Result, ensure};
use crypto::seal::{FileKeyProvider, MasterKey, Sealer};
use crypto::secret::random_bytes;
use domain::id::{AttemptId, EventId, Id as _, IdMaker, PaymentId, World};
use rusqlite::types::Value;
use rusqlite::{Connection, OpenFlags};
use statements::Statements;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;
use store::sqlite::SqliteConfig;
use template::Row;

/// Payments a second, written in batches of `batch` commands on one thread, durably.
pub fn payments_per_s(template: &Template, directory: &Path, batch: usize, times: Times) -> Result<f64> {
    let db = open(directory)?;
    db.execute(
        &template.balance.insert_sql("balance"),
        rusqlite::params_from_iter(template.balance.values()),
    )?;
    let mut writer = Writer::new(&db, template)?;
    let from = Instant::now() + times.warm_up;
    let until = from + times.measured;
    let mut payments = 0;
    loop {
        let begun = writer.first_stage(batch)?;
        writer.second_stage(&begun)?;
        let now = Instant::now();
        if now >= until {
            return Ok(as_f64(payments) / times.measured.as_secs_f64());
        }
        if now >= from {
            payments += u64::try_from(begun.len())?;
        }
    }
}

/// A new database with the platform's schema and its writer's settings.
fn open(directory: &Path) -> Result<Connection> {
    let sealer = Sealer::new(Arc::new(FileKeyProvider::in_memory(MasterKey::generate())));
    let config = SqliteConfig::new(directory.join("raw.db"), Arc::new(sealer), clock::real_now_us());
    store::sqlite::init(&config, ledger::Day(20_000)).context("making the raw database")?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(&config.path, flags)?;
    let mode: String = db.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
    ensure!(mode == "wal", "the raw database is not in WAL mode");
    db.pragma_update(None, "synchronous", 2)?;
    let synchronous: i64 = db.pragma_query_value(None, "synchronous", |row| row.get(0))?;
    ensure!(synchronous == 2, "the raw database would not be durable");
    db.pragma_update(None, "foreign_keys", 0)?;
    db.pragma_update(None, "temp_store", 2)?;
    db.pragma_update(None, "cache_size", -i64::from(config.cache_kib))?;
    db.pragma_update(None, "wal_autocheckpoint", config.wal_autocheckpoint_pages)?;
    Ok(db)
}

/// A payment between its stages.
struct Begun {
    payment: [u8; 16],
    attempt: [u8; 16],
    event: [u8; 16],
}

/// Places of the columns that differ from payment to payment.
struct Places {
    idempotency: [usize; 3],
    payment: [usize; 4],
    attempt: [usize; 2],
    journal_tx: [usize; 2],
    entry: [usize; 3],
    event: [usize; 3],
}

struct Writer<'c> {
    statements: Statements<'c>,
    places: Places,
    shard: Value,
    balance_key: [Value; 4],
    platform: Vec<[Value; 5]>,
    /// Of the merchant's account: number of its last line, and its balance.
    account_seq: i64,
    amount_minor: i64,
    seq: i64,
    numbers: u64,
}

impl<'c> Writer<'c> {
    fn new(db: &'c Connection, template: &Template) -> Result<Writer<'c>> {
        Ok(Writer {
            statements: Statements::prepare(db, template)?,
            places: places(template)?,
            shard: template.payment.get("shard")?.clone(),
            balance_key: account_of(&template.balance)?,
            platform: template.platform_balances.iter().map(with_delta).collect::<Result<_>>()?,
            account_seq: integer(template.balance.get("account_seq")?)?,
            amount_minor: integer(template.balance.get("amount_minor")?)?,
            seq: 0,
            numbers: 0,
        })
    }

    /// Three rows each: idempotency, payment, attempt.
    fn first_stage(&mut self, batch: usize) -> Result<Vec<Begun>> {
        let now_us = clock::real_now_us();
        let seed = u128::from_be_bytes(random_bytes::<16>());
        let mut ids = IdMaker::new(now_us, World::Sandbox.first_shard(), seed);
        let mut begun = Vec::with_capacity(batch);
        self.statements.begin.raw_execute()?;
        for _ in 0..batch {
            let (payment, attempt) = (ids.next::<PaymentId>().uid().0, ids.next::<AttemptId>().uid().0);
            let event = ids.next::<EventId>().uid().0;
            self.begin_payment(&payment, &attempt)?;
            begun.push(Begun { payment, attempt, event });
        }
        self.end_batch(0, now_us)?;
        Ok(begun)
    }

    fn begin_payment(&mut self, payment: &[u8; 16], attempt: &[u8; 16]) -> Result<()> {
        self.numbers += 1;
        let blob = |bytes: &[u8; 16]| Value::Blob(bytes.to_vec());
        let [key_hash, nonce, object] = self.places.idempotency;
        self.statements.idempotency.write(&[
            (key_hash, blob(&random_bytes())),
            (nonce, blob(&random_bytes())),
            (object, blob(payment)),
        ])?;
        let [id, order_no, latest, open] = self.places.payment;
        self.statements.payment.write(&[
            (id, blob(payment)),
            (order_no, Value::Text(format!("R-{:012}", self.numbers))),
            (latest, blob(attempt)),
            (open, blob(attempt)),
        ])?;
        let [id, of] = self.places.attempt;
        self.statements.attempt.write(&[(id, blob(attempt)), (of, blob(payment))])
    }

    /// Eleven rows each: payment, attempt, transaction, six entries, balance, event; and the platform's four balances.
    fn second_stage(&mut self, begun: &[Begun]) -> Result<()> {
        let now_us = clock::real_now_us();
        self.statements.begin.raw_execute()?;
        for one in begun {
            self.end_payment(one, now_us)?;
        }
        for [shard_code_dim @ .., delta] in &self.platform {
            self.statements.platform.raw_bind_parameter(1, &self.shard)?;
            for (place, value) in (2..).zip(shard_code_dim) {
                self.statements.platform.raw_bind_parameter(place, value)?;
            }
            self.statements.platform.raw_bind_parameter(6, delta)?;
            self.statements.platform.raw_execute()?;
        }
        self.end_batch(i64::try_from(begun.len())?, now_us)
    }

    fn end_payment(&mut self, one: &Begun, now_us: i64) -> Result<()> {
        let blob = |bytes: &[u8; 16]| Value::Blob(bytes.to_vec());
        self.seq += 1;
        let seq = Value::Integer(self.seq);
        self.statements.payment_end.write(&one.payment, &one.attempt, now_us)?;
        self.statements.attempt_end.write(&one.attempt, &one.attempt, now_us)?;
        let [place, source] = self.places.journal_tx;
        self.statements.journal_tx.write(&[(place, seq.clone()), (source, blob(&one.payment))])?;
        let [place, account_seq, balance_after] = self.places.entry;
        for entry in &mut self.statements.entries {
            if entry.is_null(account_seq) {
                entry.write(&[(place, seq.clone())])?;
                continue;
            }
            self.account_seq += 1;
            self.amount_minor += 1;
            entry.write(&[
                (place, seq.clone()),
                (account_seq, Value::Integer(self.account_seq)),
                (balance_after, Value::Integer(self.amount_minor)),
            ])?;
        }
        self.change_balance()?;
        let [place, id, object] = self.places.event;
        self.statements.event.write(&[(place, seq), (id, blob(&one.event)), (object, blob(&one.payment))])
    }

    /// Each payment has two lines on the merchant's account, and one row for what it comes to.
    fn change_balance(&mut self) -> Result<()> {
        let balance = &mut self.statements.balance;
        balance.raw_bind_parameter(1, &self.shard)?;
        for (place, value) in (2..).zip(&self.balance_key) {
            balance.raw_bind_parameter(place, value)?;
        }
        balance.raw_bind_parameter(6, self.account_seq - 2)?;
        balance.raw_bind_parameter(7, self.amount_minor)?;
        balance.raw_bind_parameter(8, self.account_seq)?;
        balance.raw_bind_parameter(9, self.seq)?;
        balance.raw_bind_parameter(10, 2)?;
        ensure!(balance.raw_execute()? == 1, "the merchant's balance is not where it was left");
        Ok(())
    }

    /// Shard head, the batch's own row, COMMIT.
    fn end_batch(&mut self, transactions: i64, now_us: i64) -> Result<()> {
        let head = &mut self.statements.head;
        head.raw_bind_parameter(1, &self.shard)?;
        head.raw_bind_parameter(2, transactions)?;
        ensure!(head.raw_execute()? == 1, "there is no shard head");
        let batch = &mut self.statements.batch;
        batch.raw_bind_parameter(1, &self.shard)?;
        batch.raw_bind_parameter(2, random_bytes::<16>())?;
        batch.raw_bind_parameter(3, self.seq)?;
        batch.raw_bind_parameter(4, now_us)?;
        batch.raw_execute()?;
        self.statements.commit.raw_execute()?;
        Ok(())
    }
}

fn places(template: &Template) -> Result<Places> {
    fn all<const N: usize>(row: &Row, columns: [&str; N]) -> Result<[usize; N]> {
        let mut found = [0; N];
        for (slot, column) in found.iter_mut().zip(columns) {
            *slot = row.at(column)?;
        }
        Ok(found)
    }
    let entry = template.entries.first().context("a payment without entries")?;
    Ok(Places {
        idempotency: all(&template.idempotency, ["key_hash", "nonce", "object"])?,
        payment: all(&template.payment, ["id", "merchant_order_no", "latest_attempt", "open_attempt"])?,
        attempt: all(&template.attempt, ["id", "payment"])?,
        journal_tx: all(&template.journal_tx, ["seq", "source"])?,
        entry: all(entry, ["seq", "account_seq", "balance_after_minor"])?,
        event: all(&template.event, ["seq", "id", "object"])?,
    })
}

fn account_of(row: &Row) -> Result<[Value; 4]> {
    let get = |column| row.get(column).cloned();
    Ok([get("code")?, get("dim")?, get("currency")?, get("day")?])
}

fn with_delta(row: &Row) -> Result<[Value; 5]> {
    let [code, dim, currency, day] = account_of(row)?;
    Ok([code, dim, currency, day, Value::Integer(1)])
}

fn integer(value: &Value) -> Result<i64> {
    match value {
        Value::Integer(value) => Ok(*value),
        Value::Null | Value::Real(_) | Value::Text(_) | Value::Blob(_) => {
            anyhow::bail!("a column that is no integer")
        }
    }
}
