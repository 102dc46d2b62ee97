//! The registry: every statement is a constant with a name, and a test prepares each of them.

/// Declares statements as constants and lists them in `STATEMENTS` for the tests.
macro_rules! statements {
    ($($(#[$doc:meta])* $name:ident = $sql:expr;)*) => {
        $($(#[$doc])* pub(super) const $name: &str = $sql;)*
        /// The statements of this file by name.
        #[cfg(test)]
        pub(super) const STATEMENTS: &[(&str, &str)] = &[$((stringify!($name), $name),)*];
    };
}
pub(super) use statements;

/// Every statement of the engine: file, name, SQL.
#[cfg(test)]
fn all() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    let files: [(&str, &[(&str, &str)]); 18] = [
        ("db", super::db::STATEMENTS),
        ("payment", super::payment::STATEMENTS),
        ("attempt", super::attempt::STATEMENTS),
        ("capture", super::capture::STATEMENTS),
        ("refund", super::refund::STATEMENTS),
        ("head", super::head::STATEMENTS),
        ("idempotency", super::idempotency::STATEMENTS),
        ("journal", super::journal::STATEMENTS),
        ("balance", super::balance::STATEMENTS),
        ("event", super::event::STATEMENTS),
        ("delivery", super::delivery::STATEMENTS),
        ("block", super::block::STATEMENTS),
        ("merchant", super::merchant::STATEMENTS),
        ("api_key", super::api_key::STATEMENTS),
        ("pricing", super::pricing::STATEMENTS),
        ("endpoint", super::endpoint::STATEMENTS),
        ("notice", super::notice::STATEMENTS),
        ("demo", super::demo::STATEMENTS),
    ];
    files.into_iter().flat_map(|(file, list)| list.iter().map(move |(name, sql)| (file, *name, *sql)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sqlite::migrate::{MIGRATIONS, migrate};
    use rusqlite::Connection;

    fn schema() -> Connection {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate(&mut connection, MIGRATIONS, 1).unwrap();
        connection
    }

    #[test]
    fn every_statement_can_be_prepared() {
        let connection = schema();
        for (file, name, sql) in all() {
            if let Err(error) = connection.prepare(sql) {
                panic!("{file}::{name}: {error}\n{sql}");
            }
        }
    }

    #[test]
    fn none_scans_a_table_or_sorts_without_a_bound() {
        // Small control tables are read whole, and so are a shard's platform accounts. `SORT`s are of bounded sets.
        let whole = ["SNAPSHOT", "PLATFORM_ALL", "VERSION"];
        let connection = schema();
        for (file, name, sql) in all().filter(|(_, name, _)| !whole.iter().any(|word| name.contains(word))) {
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
                assert!(!step.starts_with("SCAN") || step.contains("CONSTANT"), "{file}::{name}: {plan:?}");
                // Sorting the lines of one transaction after the other is bounded too.
                let sorts = step.contains("TEMP B-TREE") && !step.contains("LAST TERM");
                assert!(!sorts || name.contains("SORT"), "{file}::{name}: {plan:?}");
            }
        }
    }

    #[test]
    fn the_cache_holds_them_all() {
        assert!(all().count() < 256 - 8, "raise STATEMENTS_CACHED");
    }
}
