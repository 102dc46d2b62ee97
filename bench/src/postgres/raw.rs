//! The floor under the platform on PostgreSQL: the row budget of DESIGN section 4 (3 rows and the natural key, then 11, and six
//! a batch) in two stages and two flights each, batched, with the platform's schema and nothing of the platform around it. Two
//! connections write to one shard, each for a merchant of its own, as two lanes would. The books hold afterwards, so the same
//! writer makes the history of the cost curve.

use super::rows::Sample;
use super::statements::Statements;
use super::{Driver, connect};
use crate::clock;
use crate::drive::Times;
use crate::histogram::as_f64;
use anyhow::Result;
use crypto::secret::random_bytes;
use domain::id::{AttemptId, EventId, Id as _, IdMaker, PaymentId, Shard};
use std::time::Instant;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Statement};
use uuid::Uuid;

/// Connections that write at a time.
const LANES: i64 = 2;
/// As the platform's lanes have it.
const SETTINGS: &str = "SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; SET enable_hashjoin = off; \
                        SET enable_mergejoin = off; SET enable_material = off; SET enable_memoize = off; \
                        SET enable_bitmapscan = off; SET jit = off; SET cpu_tuple_cost = 10; SET random_page_cost = 1";

type Params<'a> = [&'a (dyn ToSql + Sync)];

/// When a run ends.
#[derive(Debug, Clone, Copy)]
enum End {
    /// After a time.
    Times(Times),
    /// After so many payments of each lane.
    After(u64),
}

/// Payments a second, written durably in batches of `batch` to a database that the platform wrote to and does not serve now.
pub async fn payments_per_s(url: &str, batch: usize, times: Times) -> Result<f64> {
    let count = run(url, batch, "on", End::Times(times)).await?;
    Ok(as_f64(count) / times.measured.as_secs_f64())
}

/// Adds a history of so many payments. A power cut would lose its end: it is made again then.
pub async fn load(url: &str, payments: u64) -> Result<()> {
    /// Large, so that statements and not flights decide.
    const BATCH: usize = 1_000;
    run(url, BATCH, "off", End::After(payments / LANES.unsigned_abs())).await.map(|_| ())
}

async fn run(url: &str, batch: usize, synchronous_commit: &str, end: End) -> Result<u64> {
    let mut lanes = Vec::new();
    for number in 0..LANES {
        lanes.push(Lane::open(url, number, synchronous_commit).await?);
    }
    // Only now: until here the lanes were made ready.
    let started = Instant::now();
    let runs = lanes.iter_mut().map(|lane| lane.run(batch, started, end));
    let counts = futures::future::try_join_all(runs).await?;
    Ok(counts.into_iter().sum())
}

/// One connection with its merchant.
struct Lane {
    client: Client,
    _driver: Driver,
    statements: Statements,
    sample: Sample,
    numbers: u64,
    /// Of the merchant's account: number of its last line, and its balance.
    account_seq: i64,
    amount_minor: i64,
    /// What a payment adds to it.
    net_minor: i64,
}

/// A batch between its stages.
#[derive(Default)]
struct Begun {
    payments: Vec<Uuid>,
    attempts: Vec<Uuid>,
    events: Vec<Uuid>,
    keys: Vec<Uuid>,
    nonces: Vec<Uuid>,
    hashes: Vec<Uuid>,
    orders: Vec<String>,
}

impl Lane {
    async fn open(url: &str, number: i64, synchronous_commit: &str) -> Result<Lane> {
        let (client, driver) = connect(url).await?;
        client.batch_execute(&format!("{SETTINGS}; SET synchronous_commit = {synchronous_commit}")).await?;
        let sample = Sample::take(&client, number).await?;
        let account = format!(
            "SELECT b.account_seq, b.amount_minor, -(SELECT SUM(amount_minor)::bigint FROM {0}.journal_entry \
             WHERE account_seq IS NOT NULL) FROM balance b JOIN {0}.journal_entry e USING (shard, code, dim, currency, day) \
             WHERE e.account_seq IS NOT NULL LIMIT 1",
            sample.schema
        );
        let row = client.query_one(&account, &[]).await?;
        Ok(Lane {
            statements: Statements::prepare(&client, &sample).await?,
            client,
            _driver: driver,
            sample,
            numbers: u64::from_be_bytes(random_bytes()) >> 8,
            account_seq: row.try_get(0)?,
            amount_minor: row.try_get(1)?,
            net_minor: row.try_get(2)?,
        })
    }

    async fn run(&mut self, batch: usize, started: Instant, end: End) -> Result<u64> {
        let mut payments = 0;
        loop {
            let begun = self.first_stage(batch).await?;
            self.second_stage(&begun).await?;
            let count = u64::try_from(batch)?;
            match end {
                End::After(wanted) => {
                    payments += count;
                    if payments >= wanted {
                        return Ok(payments);
                    }
                }
                End::Times(times) => {
                    let elapsed = started.elapsed();
                    if elapsed >= times.warm_up + times.measured {
                        return Ok(payments);
                    }
                    if elapsed >= times.warm_up {
                        payments += count;
                    }
                }
            }
        }
    }

    fn begin(&mut self, batch: usize) -> Result<Begun> {
        let seed = u128::from_be_bytes(random_bytes::<16>());
        let shard = Shard(u16::try_from(self.sample.shard)?);
        let mut ids = IdMaker::new(clock::real_now_us(), shard, seed);
        let mut begun = Begun::default();
        for _ in 0..batch {
            self.numbers += 1;
            begun.payments.push(Uuid::from_bytes(ids.next::<PaymentId>().uid().0));
            begun.attempts.push(Uuid::from_bytes(ids.next::<AttemptId>().uid().0));
            begun.events.push(Uuid::from_bytes(ids.next::<EventId>().uid().0));
            begun.keys.push(Uuid::from_bytes(random_bytes()));
            begun.nonces.push(Uuid::from_bytes(random_bytes()));
            let order = format!("R-{:016x}", self.numbers);
            begun.hashes.push(Uuid::from_bytes(first_half(crypto::sha256(order.as_bytes()))));
            begun.orders.push(order);
        }
        Ok(begun)
    }

    /// Four rows each: idempotency, natural key, payment, attempt.
    async fn first_stage(&mut self, batch: usize) -> Result<Begun> {
        let begun = self.begin(batch)?;
        let Lane { client, statements, sample: Sample { shard, merchant, .. }, .. } = self;
        let read: [(&Statement, &Params<'_>); 4] = [
            (&statements.begin, &[]),
            (&statements.lock, &[shard, merchant]),
            (&statements.find_idempotency, &[shard, merchant, &begun.keys]),
            (&statements.find_order, &[shard, merchant, &begun.hashes]),
        ];
        flight(client, &read).await?;
        let (now_us, id) = (clock::real_now_us(), Uuid::from_bytes(random_bytes()));
        let write: [(&Statement, &Params<'_>); 7] = [
            (&statements.idempotency, &[&begun.keys, &begun.nonces, &begun.payments]),
            (&statements.natural_key, &[&begun.hashes, &begun.payments]),
            (&statements.payment, &[&begun.payments, &begun.orders, &begun.attempts, &now_us]),
            (&statements.attempt, &[&begun.attempts, &begun.payments, &now_us]),
            (&statements.head, &[shard, &0_i64]),
            (&statements.batch, &[shard, &id, &now_us, &0_i64]),
            (&statements.commit, &[]),
        ];
        flight(client, &write).await?;
        Ok(begun)
    }

    /// Eleven rows each, of which the balance is one row for all of a batch.
    async fn second_stage(&mut self, begun: &Begun) -> Result<()> {
        let count = i64::try_from(begun.payments.len())?;
        // Counted back from the number that the shard head hands out last.
        let places: Vec<i64> = (1 - count..=0).collect();
        let bases: Vec<i64> = (0..count).collect();
        // Each payment has two lines on the merchant's account.
        let (seq, amount) = (self.account_seq + 2 * count, self.amount_minor + self.net_minor * count);
        let Lane { client, statements, sample: Sample { shard, merchant, .. }, .. } = self;
        let read: [(&Statement, &Params<'_>); 5] = [
            (&statements.begin, &[]),
            (&statements.lock, &[shard, merchant]),
            (&statements.find_payments, &[shard, &begun.payments]),
            (&statements.find_attempts, &[shard, &begun.attempts]),
            (&statements.find_balance, &[shard, merchant]),
        ];
        flight(client, &read).await?;
        let (now_us, id) = (clock::real_now_us(), Uuid::from_bytes(random_bytes()));
        let (old_seq, old_amount, net) = (&self.account_seq, &self.amount_minor, &self.net_minor);
        let write: [(&Statement, &Params<'_>); 10] = [
            (&statements.payment_end, &[shard, &begun.payments, &begun.attempts, &now_us]),
            (&statements.attempt_end, &[shard, &begun.attempts, &now_us]),
            (&statements.head, &[shard, &count]),
            (&statements.journal_tx, &[shard, &places, &begun.payments]),
            (&statements.journal_entry, &[shard, &places, &bases, old_seq, old_amount, net]),
            (&statements.balance, &[shard, merchant, old_seq, &seq, &amount]),
            (&statements.platform, &[&count]),
            (&statements.event, &[shard, &places, &begun.events, &begun.payments]),
            (&statements.batch, &[shard, &id, &now_us, &count]),
            (&statements.commit, &[]),
        ];
        flight(client, &write).await?;
        self.account_seq = seq;
        self.amount_minor = amount;
        Ok(())
    }
}

/// As a natural key holds a number.
fn first_half(hash: [u8; 32]) -> [u8; 16] {
    let mut half = [0; 16];
    for (to, from) in half.iter_mut().zip(hash) {
        *to = from;
    }
    half
}

/// All statements on their way at once, carried out in their order.
async fn flight(client: &Client, statements: &[(&Statement, &Params<'_>)]) -> Result<()> {
    let steps = statements.iter().map(|(statement, params)| client.execute(*statement, params));
    futures::future::try_join_all(steps).await?;
    Ok(())
}
