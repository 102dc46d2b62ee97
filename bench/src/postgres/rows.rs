//! Copies of the platform's own rows by SQL. The rows of one payment lie in tables of a schema of their own; a statement inserts
//! as many copies of such a row as its arrays are long, with some columns changed. So what is written straight to the database
//! has the same columns and sizes as what the platform writes, and the books hold with it.

use anyhow::{Context as _, Result, ensure};
use tokio_postgres::Client;
use uuid::Uuid;

/// The tables of one payment's rows: name, and how its rows are found by shard (`$1`) and payment (`$2`).
const TABLES: [(&str, &str); 7] = [
    ("idempotency", "object = $2"),
    ("natural_key", "object = $2"),
    ("payment", "id = $2"),
    ("attempt", "payment = $2"),
    ("journal_tx", "source = $2"),
    ("journal_entry", "seq = (SELECT seq FROM journal_tx WHERE shard = $1 AND source = $2)"),
    ("event", "object = $2"),
];

/// A column of a copy that differs from the sample's: its name and an expression.
pub type Change<'a> = (&'a str, String);

/// The rows of one payment, in a schema.
#[derive(Debug, Clone)]
pub struct Sample {
    /// Where they lie.
    pub schema: String,
    /// The shard.
    pub shard: i16,
    /// Whose payment it is.
    pub merchant: Uuid,
}

impl Sample {
    /// Takes the newest succeeded payment of the `number`th merchant that has any.
    pub async fn take(client: &Client, number: i64) -> Result<Sample> {
        let newest = "SELECT shard, merchant, id FROM payment p WHERE status = 'succeeded' AND merchant = \
                      (SELECT merchant FROM merchant_head h WHERE EXISTS (SELECT FROM payment q WHERE q.shard = h.shard \
                      AND q.merchant = h.merchant AND q.status = 'succeeded') ORDER BY merchant OFFSET $1 LIMIT 1) \
                      ORDER BY id DESC LIMIT 1";
        let row = client.query_opt(newest, &[&number]).await?.context("too few merchants took payments")?;
        let (shard, merchant, id): (i16, Uuid, Uuid) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
        let sample = Sample { schema: format!("sample_{number}"), shard, merchant };
        let schema = &sample.schema;
        client
            .batch_execute(&format!("DROP SCHEMA IF EXISTS {schema} CASCADE; CREATE SCHEMA {schema}"))
            .await?;
        for (table, found_by) in TABLES {
            let copy = format!("CREATE TABLE {schema}.{table} AS TABLE public.{table} WITH NO DATA");
            client.batch_execute(&copy).await?;
            let fill = format!(
                "INSERT INTO {schema}.{table} SELECT * FROM public.{table} WHERE shard = $1 AND {found_by}"
            );
            client.execute(&fill, &[&shard, &id]).await.with_context(|| format!("the sample of {table}"))?;
        }
        for (table, wanted) in [("journal_entry", 6), ("payment", 1), ("attempt", 1), ("natural_key", 1)] {
            let count = format!("SELECT COUNT(*) FROM {schema}.{table}");
            let count: i64 = client.query_one(&count, &[]).await?.try_get(0)?;
            ensure!(count == wanted, "a payment with {count} rows of {table} is not that of the row budget");
        }
        Ok(sample)
    }

    /// `INSERT` of copies of the rows of `table`; `from` names the arrays as a table `u`.
    pub async fn insert(
        &self,
        client: &Client,
        table: &str,
        from: &str,
        changes: &[Change<'_>],
    ) -> Result<String> {
        let columns = columns(client, table).await?;
        for (name, _) in changes {
            ensure!(columns.iter().any(|column| column == name), "{table} has no column {name}");
        }
        let values: Vec<String> = columns.iter().map(|column| value(column, changes)).collect();
        Ok(format!(
            "INSERT INTO {table} ({}) SELECT {} FROM {}.{table} s, {from}",
            columns.join(", "),
            values.join(", "),
            self.schema
        ))
    }

    /// `UPDATE` of rows by id to what the row of `table` is, with some columns changed.
    pub fn update(&self, table: &str, from: &str, columns: &[&str], changes: &[Change<'_>]) -> String {
        let sets: Vec<String> =
            columns.iter().map(|column| format!("{column} = {}", value(column, changes))).collect();
        format!(
            "UPDATE {table} t SET {} FROM {}.{table} s, {from} WHERE t.shard = $1 AND t.id = u.id AND t.sequence = 1",
            sets.join(", "),
            self.schema
        )
    }
}

fn value(column: &str, changes: &[Change<'_>]) -> String {
    let changed = changes.iter().find(|(name, _)| *name == column);
    changed.map_or_else(|| format!("s.{column}"), |(_, expression)| expression.clone())
}

async fn columns(client: &Client, table: &str) -> Result<Vec<String>> {
    let sql = "SELECT column_name::text FROM information_schema.columns WHERE table_schema = 'public' \
               AND table_name = $1 ORDER BY ordinal_position";
    let rows = client.query(sql, &[&table]).await?;
    ensure!(!rows.is_empty(), "there is no table {table}");
    rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
}
