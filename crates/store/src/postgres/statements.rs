//! Every statement as this engine reads it is prepared and explained, on empty tables and on full ones.

use super::connect::{Link, Role};
use super::{PostgresConfig, migrate, partition};
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
    PostgresConfig::new(url, Arc::new(Sealer::new(Arc::new(OneKey))), 1_764_000_000_000_000).unwrap()
}

/// Every statement: where it stands, SQL.
fn all() -> Vec<(String, String)> {
    let own = [("migrate", migrate::STATEMENTS), ("partition", partition::STATEMENTS)];
    let own =
        own.into_iter().flat_map(|(file, list)| list.iter().map(move |(name, sql)| ((file, *name), *sql)));
    let plain = registry::statements().chain(own).map(|(name, sql)| (name, sql.for_postgres()));
    let keyed = registry::keyed().map(|(name, keyed)| (name, keyed.postgres().to_owned()));
    let writes = registry::writes().map(|(name, write)| (name, write.postgres().to_owned()));
    plain.chain(keyed).chain(writes).map(|((file, name), sql)| (format!("{file}::{name}"), sql)).collect()
}

/// Statements that read a small table whole, or all of a shard's platform accounts, or the catalogue.
const WHOLE: &[&str] = &["SNAPSHOT", "PLATFORM_ALL", "VERSION", "migrate::", "partition::"];

/// What of a statement's generic plan is not by key: empty when all is well.
async fn faults(db: &super::db::PgDb, name: &str, sql: &str) -> Vec<String> {
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
    let bad = |line: &&str| {
        let sorts = line.contains("Sort  (cost") && !line.contains("Incremental");
        line.contains("Seq Scan")
            || line.contains("Hash Join")
            || line.contains("Merge Join")
            || (sorts && !name.contains("SORT") && !registry_sorts(name))
    };
    match lines.iter().any(bad) {
        true => vec![format!("{name}: {}\n{sql}", lines.join("\n"))],
        false => Vec::new(),
    }
}

/// Statements for many keys whose few answers are put in order.
fn registry_sorts(name: &str) -> bool {
    registry::keyed().any(|((file, keyed), _)| format!("{file}::{keyed}") == name)
}

async fn look_at_all(url: &str) {
    let db = Link::new(&config(url)).unwrap().connect(Role::Lane).await.unwrap();
    let mut wrong = Vec::new();
    for (name, sql) in all() {
        wrong.extend(faults(&db, &name, &sql).await);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn every_statement_goes_by_key_on_empty_tables() {
    let database = testdb::database();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        super::migrate(&config(database.url())).await.unwrap();
        look_at_all(database.url()).await;
    });
}
