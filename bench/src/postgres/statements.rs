//! The statements of the row budget on PostgreSQL, prepared once on each connection.

use super::rows::{Change, Sample};
use crate::raw::{ATTEMPT_CHANGES, PAYMENT_CHANGES};
use anyhow::{Context as _, Result};
use tokio_postgres::{Client, Statement};

/// All of them.
pub struct Statements {
    pub begin: Statement,
    pub commit: Statement,
    pub lock: Statement,
    pub find_idempotency: Statement,
    pub find_order: Statement,
    pub find_payments: Statement,
    pub find_attempts: Statement,
    pub find_balance: Statement,
    pub head: Statement,
    pub batch: Statement,
    pub platform: Statement,
    pub balance: Statement,
    pub idempotency: Statement,
    pub natural_key: Statement,
    pub payment: Statement,
    pub payment_end: Statement,
    pub attempt: Statement,
    pub attempt_end: Statement,
    pub journal_tx: Statement,
    pub journal_entry: Statement,
    pub event: Statement,
}

impl Statements {
    /// Prepares them for copies of a sample.
    pub async fn prepare(client: &Client, sample: &Sample) -> Result<Statements> {
        let prepare =
            async |sql: String| client.prepare(&sql).await.with_context(|| format!("preparing {sql}"));
        let fixed = async |sql: &str| prepare(sql.to_owned()).await;
        let copies = async |table: &str, from: &str, changes: &[Change<'_>]| {
            prepare(sample.insert(client, table, from, changes).await?).await
        };
        Ok(Statements {
            begin: fixed("BEGIN").await?,
            commit: fixed("COMMIT").await?,
            lock: fixed("SELECT * FROM merchant_head WHERE shard = $1 AND merchant = $2 FOR UPDATE").await?,
            find_idempotency: fixed(FIND_IDEMPOTENCY).await?,
            find_order: fixed(FIND_ORDER).await?,
            find_payments: fixed(FIND_PAYMENTS).await?,
            find_attempts: fixed(FIND_ATTEMPTS).await?,
            find_balance: fixed("SELECT * FROM balance WHERE shard = $1 AND merchant = $2").await?,
            head: fixed(HEAD).await?,
            batch: fixed(BATCH).await?,
            platform: prepare(PLATFORM.replace("{sample}", &sample.schema)).await?,
            balance: fixed(BALANCE).await?,
            idempotency: copies("idempotency", KEYS, &same(&["key_hash", "nonce", "object"])).await?,
            natural_key: copies("natural_key", HASHES, &same(&["hash", "object"])).await?,
            payment: copies("payment", PAYMENTS, &begun_payment()).await?,
            payment_end: prepare(sample.update("payment", ENDS, &PAYMENT_CHANGES, &ended_payment())).await?,
            attempt: copies("attempt", ATTEMPTS, &begun_attempt()).await?,
            attempt_end: prepare(sample.update(
                "attempt",
                "UNNEST($2::uuid[]) AS u(id)",
                &ATTEMPT_CHANGES,
                &[("updated_at_us", "$3::bigint".into())],
            ))
            .await?,
            journal_tx: copies("journal_tx", TRANSACTIONS, &numbered("journal_seq", &["source"])).await?,
            journal_entry: copies("journal_entry", ENTRIES, &entries(sample)).await?,
            event: copies("event", EVENTS, &numbered("event_seq", &["id", "object"])).await?,
        })
    }
}

const FIND_IDEMPOTENCY: &str = "SELECT i.* FROM UNNEST($3::uuid[]) AS k(key_hash) JOIN idempotency i ON i.shard = $1 \
                                AND i.merchant = $2 AND i.key_hash = k.key_hash";
const FIND_ORDER: &str = "SELECT n.* FROM UNNEST($3::uuid[]) AS k(hash) JOIN natural_key n ON n.shard = $1 AND n.noun = 1 \
                          AND n.owner = $2 AND n.hash = k.hash";
const FIND_PAYMENTS: &str =
    "SELECT p.* FROM UNNEST($2::uuid[]) AS k(id) JOIN payment p ON p.shard = $1 AND p.id = k.id";
const FIND_ATTEMPTS: &str =
    "SELECT a.* FROM UNNEST($2::uuid[]) AS k(id) JOIN attempt a ON a.shard = $1 AND a.id = k.id";
const HEAD: &str =
    "UPDATE shard_head SET journal_seq = journal_seq + $2, event_seq = event_seq + $2 WHERE shard = $1";
const BATCH: &str = "INSERT INTO journal_batch (shard, batch, first_journal_seq, first_event_seq, committed_at_us) \
                     SELECT $1, $2, journal_seq - $4 + 1, event_seq - $4 + 1, $3 FROM shard_head WHERE shard = $1";
const PLATFORM: &str = "INSERT INTO platform_balance AS t (shard, code, dim, currency, day, amount_minor) \
                        SELECT shard, code, dim, currency, day, SUM(amount_minor)::bigint * $1 FROM {sample}.journal_entry \
                        WHERE account_seq IS NULL GROUP BY shard, code, dim, currency, day ORDER BY code, dim \
                        ON CONFLICT (shard, code, dim, currency, day) \
                        DO UPDATE SET amount_minor = t.amount_minor + excluded.amount_minor";
const BALANCE: &str = "UPDATE balance SET amount_minor = $5, account_seq = $4, \
                       last_seq = (SELECT journal_seq FROM shard_head WHERE shard = $1) \
                       WHERE shard = $1 AND merchant = $2 AND account_seq = $3";

const KEYS: &str = "UNNEST($1::uuid[], $2::uuid[], $3::uuid[]) AS u(key_hash, nonce, object)";
const HASHES: &str = "UNNEST($1::uuid[], $2::uuid[]) AS u(hash, object)";
const PAYMENTS: &str = "UNNEST($1::uuid[], $2::text[], $3::uuid[]) AS u(id, merchant_order_no, attempt)";
const ENDS: &str = "UNNEST($2::uuid[], $3::uuid[]) AS u(id, attempt)";
const ATTEMPTS: &str = "UNNEST($1::uuid[], $2::uuid[]) AS u(id, payment)";
const TRANSACTIONS: &str = "UNNEST($2::bigint[], $3::uuid[]) AS u(place, source)";
const ENTRIES: &str = "UNNEST($2::bigint[], $3::bigint[]) AS u(place, base)";
const EVENTS: &str = "UNNEST($2::bigint[], $3::uuid[], $4::uuid[]) AS u(place, id, object)";

/// Columns that come from the arrays.
fn same(columns: &[&'static str]) -> Vec<Change<'static>> {
    columns.iter().map(|name| (*name, format!("u.{name}"))).collect()
}

/// Those and the number, counted back from the shard head's last.
fn numbered(counter: &str, columns: &[&'static str]) -> Vec<Change<'static>> {
    let mut changes = same(columns);
    changes.push(("seq", format!("(SELECT {counter} FROM shard_head WHERE shard = $1) + u.place")));
    changes
}

/// Lines of the merchant's account go on where the account stands; it is one that grows on the credit side.
fn entries(sample: &Sample) -> Vec<Change<'static>> {
    let schema = &sample.schema;
    let up_to_here = format!("FROM {schema}.journal_entry o WHERE o.account_seq <= s.account_seq");
    let chained = |value: String| format!("CASE WHEN s.account_seq IS NULL THEN NULL ELSE {value} END");
    let mut changes = numbered("journal_seq", &[]);
    changes
        .push(("account_seq", chained(format!("$4::bigint + 2 * u.base + (SELECT COUNT(*) {up_to_here})"))));
    changes.push((
        "balance_after_minor",
        chained(format!(
            "$5::bigint + $6::bigint * u.base - (SELECT SUM(o.amount_minor)::bigint {up_to_here})"
        )),
    ));
    changes
}

/// The payment as its first stage writes it.
fn begun_payment() -> Vec<Change<'static>> {
    let mut changes = same(&["id", "merchant_order_no"]);
    changes.extend([
        ("status", "'created'".into()),
        ("captured_minor", "0".into()),
        ("cost_minor", "0".into()),
        ("latest_attempt", "u.attempt".into()),
        ("open_attempt", "u.attempt".into()),
        ("deadline_us", "s.expires_at_us".into()),
        ("created_at_us", "$4::bigint".into()),
        ("updated_at_us", "$4::bigint".into()),
        ("sequence", "1".into()),
    ]);
    let later = ["fee_minor", "paid_attempt", "available_on", "paid_at_us"];
    changes.extend(later.map(|name| (name, "NULL".into())));
    changes
}

/// What differs from the sample when it is paid.
fn ended_payment() -> Vec<Change<'static>> {
    vec![
        ("latest_attempt", "u.attempt".into()),
        ("paid_attempt", "u.attempt".into()),
        ("updated_at_us", "$4::bigint".into()),
        ("paid_at_us", "$4::bigint".into()),
    ]
}

/// The attempt as its first stage writes it.
fn begun_attempt() -> Vec<Change<'static>> {
    let mut changes = same(&["id", "payment"]);
    changes.extend([
        ("status", "'created'".into()),
        ("job_due_at_us", "$3::bigint".into()),
        ("created_at_us", "$3::bigint".into()),
        ("updated_at_us", "$3::bigint".into()),
        ("sequence", "1".into()),
    ]);
    let later = ["channel_trade_no", "taken_minor", "taken_currency", "bill_date"];
    changes.extend(later.map(|name| (name, "NULL".into())));
    changes
}
