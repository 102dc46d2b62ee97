//! Every statement as this engine reads it is prepared and explained.

use super::migrate::migrate;
use super::{db, demo};
use crate::migrations::MIGRATIONS;
use crate::registry;
use rusqlite::Connection;

/// Every statement: where it stands, SQL.
fn all() -> impl Iterator<Item = (String, String)> {
    let own = [("db", db::STATEMENTS), ("demo", demo::STATEMENTS)];
    let own =
        own.into_iter().flat_map(|(file, list)| list.iter().map(move |(name, sql)| ((file, *name), *sql)));
    let plain = registry::statements().chain(own).map(|(name, sql)| (name, sql.sqlite.to_owned()));
    let keyed = registry::keyed().map(|(name, keyed)| (name, keyed.sqlite().to_owned()));
    // Those of tables that only the other engine has.
    let writes = registry::writes().filter(|(_, write)| write.table != "natural_key");
    let writes = writes.map(|(name, write)| (name, write.sqlite().to_owned()));
    plain.chain(keyed).chain(writes).map(|((file, name), sql)| (format!("{file}::{name}"), sql))
}

fn schema() -> Connection {
    let mut connection = Connection::open_in_memory().unwrap();
    migrate(&mut connection, MIGRATIONS, 1).unwrap();
    connection
}

#[test]
fn every_statement_can_be_prepared() {
    let connection = schema();
    for (name, sql) in all() {
        if let Err(error) = connection.prepare(&sql) {
            panic!("{name}: {error}\n{sql}");
        }
    }
}

#[test]
fn none_scans_a_table_or_sorts_without_a_bound() {
    // Small control tables are read whole, and so are a shard's platform accounts. `SORT`s are of bounded sets.
    let whole = ["SNAPSHOT", "PLATFORM_ALL", "VERSION", "node::"];
    let connection = schema();
    for (name, sql) in all().filter(|(name, _)| !whole.iter().any(|word| name.contains(word))) {
        if ["BEGIN", "COMMIT", "ROLLBACK"].iter().any(|word| sql.starts_with(word)) {
            continue;
        }
        let mut explain = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let parameters = explain.parameter_count();
        let nulls = vec![None::<i64>; parameters];
        let plan: Vec<String> = explain
            .query_map(rusqlite::params_from_iter(nulls), |row| row.get(3))
            .unwrap()
            .map(Result::unwrap)
            .collect();
        for step in &plan {
            assert!(!step.starts_with("SCAN") || step.contains("CONSTANT"), "{name}: {plan:?}");
            // Sorting the lines of one transaction after the other is bounded too.
            let sorts = step.contains("TEMP B-TREE") && !step.contains("LAST TERM");
            assert!(!sorts || name.contains("SORT"), "{name}: {plan:?}");
        }
    }
}

#[test]
fn the_cache_holds_them_all() {
    assert!(all().count() < 256 - 8, "raise STATEMENTS_CACHED");
}
