//! Every statement as this engine reads it is prepared and explained, on empty tables and on full ones.

use super::connect::{Link, Role};
use super::{PostgresConfig, fill, migrate, partition};
use crate::registry;
use crypto::seal::{KeyProvider, MasterKey, SealFault, Sealer};
use std::sync::Arc;
use tokio_postgres::SimpleQueryMessage;

struct OneKey;

impl KeyProvider for OneKey {
    fn current_version(&self) -> u32 {
        1
    }

    fn key(&self, _: u32) -> Result<MasterKey, SealFault> {
        Ok(MasterKey::from_bytes([7; 32]))
    }
}

fn config(url: &str) -> PostgresConfig {
    let sealer = Arc::new(Sealer::new(Arc::new(OneKey)));
    let config = PostgresConfig::new(url, sealer, 1_764_000_000_000_000).unwrap();
    PostgresConfig { accept_fsync_off: true, ..config }
}

/// Every statement: where it stands, SQL.
fn all() -> Vec<(String, String)> {
    let own =
        [("fill", fill::STATEMENTS), ("migrate", migrate::STATEMENTS), ("partition", partition::STATEMENTS)];
    let own =
        own.into_iter().flat_map(|(file, list)| list.iter().map(move |(name, sql)| ((file, *name), *sql)));
    let plain = registry::statements().chain(own).map(|(name, sql)| (name, sql.for_postgres()));
    let keyed = registry::keyed().map(|(name, keyed)| (name, keyed.postgres().to_owned()));
    let writes = registry::writes().map(|(name, write)| (name, write.postgres().to_owned()));
    plain.chain(keyed).chain(writes).map(|((file, name), sql)| (format!("{file}::{name}"), sql)).collect()
}

/// Statements that read a small table whole, or all of a shard's platform accounts, or the catalogue.
const WHOLE: &[&str] =
    &["SNAPSHOT", "PLATFORM_ALL", "VERSION", "node::", "fill::", "migrate::", "partition::"];

/// Statements that walk an index of a shard from one end, or read one that holds what waits only.
const WALKS: &[&str] = &["waiting::", "FURTHEST_CLOCK", "block::LAST", "archived::LAST", "SHARD"];

/// What of a statement's generic plan is not by key: empty when all is well.
async fn faults(db: &super::db::PgDb, name: &str, sql: &str, are_full: bool) -> Vec<String> {
    let statement = match db.client().prepare(sql).await {
        Ok(statement) => statement,
        Err(error) => return vec![format!("{name}: {:?}\n{sql}", error.as_db_error())],
    };
    if WHOLE.iter().any(|word| name.contains(word)) {
        return Vec::new();
    }
    let nulls = vec!["NULL"; statement.params().len()].join(", ");
    let arguments = if nulls.is_empty() { String::new() } else { format!("({nulls})") };
    let words = format!("PREPARE x AS {sql}; EXPLAIN EXECUTE x{arguments}; DEALLOCATE x");
    let answers = db.client().simple_query(&words).await.unwrap_or_else(|error| panic!("{name}: {error:?}"));
    let lines = answers.iter().filter_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0),
        _ => None,
    });
    let lines: Vec<&str> = lines.collect();
    let bad = |line: &str| {
        let sorts = line.contains("Sort  (cost") && !line.contains("Incremental");
        let joins = line.contains("Hash Join") || line.contains("Merge Join");
        line.contains("Seq Scan")
            || joins
            || (are_full && sorts && !SORTS.iter().any(|few| name.contains(few)) && !registry_sorts(name))
    };
    let walks = WALKS.iter().any(|walk| name.contains(walk));
    let is_joined = sql.contains("UNNEST(") && sql.contains("LIMIT $");
    let begins_elsewhere = is_joined && !begins_with_the_keys(&lines);
    let is_bad = begins_elsewhere
        || lines.iter().any(|line| bad(line))
        || (are_full && !walks && walks_a_shard(&lines));
    match is_bad {
        true => vec![format!("{name}: {}\n{sql}", lines.join("\n"))],
        false => Vec::new(),
    }
}

/// Statements whose few rows, those of one payment or one source, may be sorted after they are found.
const SORTS: &[&str] = &["SORT", "OF_PAYMENT", "LINES_OF_SOURCE", "LINES_BY_SOURCE", "NONCES_FORGET"];

/// Whether a plan reads all of a shard from a table that has many rows: not an empty partition, not a head.
fn walks_a_shard(lines: &[&str]) -> bool {
    let is_full = |scan: &str| {
        scan.contains("Scan")
            && !["_p206", "_p1 ", "_default", "shard_head", "verify_progress"]
                .iter()
                .any(|of| scan.contains(of))
    };
    lines.windows(2).any(|pair| match pair {
        [scan, condition] => is_full(scan) && condition.trim() == "Index Cond: (shard = $1)",
        _ => false,
    })
}

/// Whether a plan takes the keys first and looks up the rows of each. The shard's head is read before, once.
fn begins_with_the_keys(lines: &[&str]) -> bool {
    let first = lines.iter().find(|line| line.contains("Scan") && !line.contains("on shard_head"));
    first.is_none_or(|line| line.contains("Function Scan") || line.contains("Subquery Scan"))
}

/// Statements for many keys whose few answers are put in order.
fn registry_sorts(name: &str) -> bool {
    registry::keyed().any(|((file, keyed), _)| format!("{file}::{keyed}") == name)
}

async fn look_at_all(url: &str, are_full: bool) {
    let db = Link::new(&config(url)).unwrap().connect(Role::Lane).await.unwrap();
    let mut wrong = Vec::new();
    for (name, sql) in all() {
        wrong.extend(faults(&db, &name, &sql, are_full).await);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn every_statement_goes_by_key_on_empty_tables() {
    let database = testdb::database();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        super::migrate(&config(database.url())).await.unwrap();
        look_at_all(database.url(), false).await;
    });
}

/// Some thousand rows in every table with a shard, made up by the kinds of its columns.
const FILL: &str = "DO $$ DECLARE t text; c text; v text; BEGIN FOR t, c, v IN \
    SELECT k.relname, string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum), string_agg(CASE \
        WHEN a.attname IN ('shard', 'refunded_minor', 'refunding_minor') THEN '0' \
        WHEN a.attname = 'root' AND k.relname = 'statement' THEN 'NULL' \
        WHEN a.atttypid = 'smallint'::regtype THEN '1' \
        WHEN a.atttypid IN ('integer'::regtype, 'bigint'::regtype) THEN 'i' \
        WHEN a.attname = 'status' AND k.relname = 'adjustment' THEN quote_literal('in_transit') \
        WHEN a.attname = 'receiver' THEN '(''019b'' || substr(md5(i::text), 5))::uuid' \
        WHEN a.attname = 'proposed_by' THEN quote_literal('p') || ' || i' \
        WHEN a.atttypid = 'uuid'::regtype THEN '(''019a'' || substr(md5(i::text), 5))::uuid' \
        WHEN a.atttypid = 'text'::regtype THEN 'i::text' ELSE quote_literal('x') || '::bytea' END, ', ' ORDER BY a.attnum) \
    FROM pg_class k JOIN pg_attribute a ON a.attrelid = k.oid AND a.attnum > 0 AND NOT a.attisdropped \
    WHERE k.relnamespace = 'public'::regnamespace AND k.relkind IN ('r', 'p') AND NOT k.relispartition \
        AND EXISTS (SELECT 1 FROM pg_attribute s WHERE s.attrelid = k.oid AND s.attname = 'shard') \
    GROUP BY k.relname LOOP \
    EXECUTE format('INSERT INTO %I (%s) SELECT %s FROM generate_series(1, 4000) AS i ON CONFLICT DO NOTHING', t, c, v); \
    END LOOP; END $$";

#[test]
fn every_statement_goes_by_key_on_full_tables_with_and_without_statistics() {
    let database = testdb::database();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async { super::migrate(&config(database.url())).await.unwrap() });
    database.say(FILL);
    runtime.block_on(look_at_all(database.url(), true));
    database.say("ANALYZE");
    runtime.block_on(look_at_all(database.url(), true));
}
