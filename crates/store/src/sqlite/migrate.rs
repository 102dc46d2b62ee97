//! Brings a file's schema to this binary's version: ordered files, each applied once in a transaction of its own, told
//! apart by checksum. A file that a newer binary migrated is refused.

use super::OpenFault;
use rusqlite::{Connection, TransactionBehavior, params};

/// One step of the schema.
#[derive(Debug, Clone, Copy)]
pub(super) struct Migration {
    pub(super) number: i64,
    pub(super) name: &'static str,
    pub(super) sql: &'static str,
}

/// All steps in order. A released one is never edited: add another.
pub(super) const MIGRATIONS: &[Migration] = &[
    Migration {
        number: 1,
        name: "0001_initial",
        sql: include_str!("../../migrations/sqlite/0001_initial.sql"),
    },
    Migration {
        number: 2,
        name: "0002_partners",
        sql: include_str!("../../migrations/sqlite/0002_partners.sql"),
    },
    Migration {
        number: 3,
        name: "0003_waiting",
        sql: include_str!("../../migrations/sqlite/0003_waiting.sql"),
    },
    Migration {
        number: 4,
        name: "0004_safekeeping",
        sql: include_str!("../../migrations/sqlite/0004_safekeeping.sql"),
    },
    Migration {
        number: 5,
        name: "0005_statements",
        sql: include_str!("../../migrations/sqlite/0005_statements.sql"),
    },
    Migration {
        number: 6,
        name: "0006_handled",
        sql: include_str!("../../migrations/sqlite/0006_handled.sql"),
    },
];

const CREATE_TABLE: &str = "CREATE TABLE IF NOT EXISTS schema_migration (number INTEGER NOT NULL PRIMARY KEY, \
     name TEXT NOT NULL, checksum TEXT NOT NULL, applied_at_us INTEGER NOT NULL) STRICT";

/// Applies what is missing; answers how many steps that were.
pub(super) fn migrate(
    connection: &mut Connection,
    migrations: &[Migration],
    at_us: i64,
) -> Result<usize, OpenFault> {
    connection.execute_batch(CREATE_TABLE)?;
    let mut applied = 0;
    for migration in migrations {
        // The lock comes before the look, so that a second runner finds the step done instead of doing it again.
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let checksum = crypto::hex(&crypto::sha256(migration.sql.as_bytes()));
        match checksum_of(&transaction, migration.number)? {
            Some(found) if found == checksum => {}
            Some(_) => return Err(OpenFault::Diverged { number: migration.number }),
            None => {
                transaction.execute_batch(migration.sql)?;
                transaction.execute(
                    "INSERT INTO schema_migration (number, name, checksum, applied_at_us) VALUES (?1, ?2, ?3, ?4)",
                    params![migration.number, migration.name, checksum, at_us],
                )?;
                applied += 1;
            }
        }
        transaction.commit()?;
    }
    check(connection, migrations)?;
    Ok(applied)
}

/// Refuses a schema that is not exactly this binary's.
pub(super) fn check(connection: &Connection, migrations: &[Migration]) -> Result<(), OpenFault> {
    let known = migrations.last().map_or(0, |migration| migration.number);
    let newest: Option<i64> =
        connection.query_row("SELECT MAX(number) FROM schema_migration", [], |row| row.get(0))?;
    match newest.unwrap_or(0) {
        found if found > known => return Err(OpenFault::Newer { found, known }),
        found if found < known => return Err(OpenFault::Older { found, known }),
        _ => {}
    }
    for migration in migrations {
        let checksum = crypto::hex(&crypto::sha256(migration.sql.as_bytes()));
        if checksum_of(connection, migration.number)?.as_deref() != Some(checksum.as_str()) {
            return Err(OpenFault::Diverged { number: migration.number });
        }
    }
    Ok(())
}

fn checksum_of(connection: &Connection, number: i64) -> Result<Option<String>, OpenFault> {
    let mut statement = connection.prepare("SELECT checksum FROM schema_migration WHERE number = ?1")?;
    let mut rows = statement.query([number])?;
    match rows.next()? {
        Some(row) => Ok(Some(row.get(0)?)),
        None => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: Migration = Migration { number: 1, name: "one", sql: "CREATE TABLE a (x INTEGER) STRICT" };
    const SECOND: Migration = Migration {
        number: 2,
        name: "two",
        sql: "CREATE TABLE b (x INTEGER) STRICT; INSERT INTO b VALUES (7)",
    };

    #[test]
    fn each_step_is_applied_once_and_in_order() {
        let mut connection = Connection::open_in_memory().unwrap();
        assert_eq!(migrate(&mut connection, &[FIRST], 5).unwrap(), 1);
        assert_eq!(migrate(&mut connection, &[FIRST], 6).unwrap(), 0);
        assert_eq!(migrate(&mut connection, &[FIRST, SECOND], 7).unwrap(), 1);
        let rows: i64 = connection.query_row("SELECT COUNT(*) FROM b", [], |row| row.get(0)).unwrap();
        assert_eq!(rows, 1);
        let at: Vec<i64> = connection
            .prepare("SELECT applied_at_us FROM schema_migration ORDER BY number")
            .unwrap()
            .query_map([], |row| row.get(0))
            .unwrap()
            .map(Result::unwrap)
            .collect();
        assert_eq!(at, [5, 7]);
    }

    #[test]
    fn an_edited_step_is_refused_and_changes_nothing() {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate(&mut connection, &[FIRST], 1).unwrap();
        let edited = Migration { sql: "CREATE TABLE a (y INTEGER) STRICT", ..FIRST };
        let fault = migrate(&mut connection, &[edited, SECOND], 2).unwrap_err();
        assert!(matches!(fault, OpenFault::Diverged { number: 1 }), "{fault}");
        assert!(connection.prepare("SELECT x FROM b").is_err());
    }

    #[test]
    fn a_newer_and_an_older_schema_are_told() {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate(&mut connection, &[FIRST, SECOND], 1).unwrap();
        let fault = migrate(&mut connection, &[FIRST], 2).unwrap_err();
        assert!(matches!(fault, OpenFault::Newer { found: 2, known: 1 }), "{fault}");
        let third = Migration { number: 3, name: "three", sql: "" };
        let fault = check(&connection, &[FIRST, SECOND, third]).unwrap_err();
        assert!(matches!(fault, OpenFault::Older { found: 2, known: 3 }), "{fault}");
    }

    #[test]
    fn a_step_that_fails_leaves_nothing() {
        let mut connection = Connection::open_in_memory().unwrap();
        let broken = Migration { number: 1, name: "x", sql: "CREATE TABLE c (x INTEGER) STRICT; NONSENSE" };
        assert!(migrate(&mut connection, &[broken], 1).is_err());
        assert!(connection.prepare("SELECT x FROM c").is_err());
        assert_eq!(migrate(&mut connection, &[FIRST], 1).unwrap(), 1);
    }

    #[test]
    fn the_files_are_numbered_without_a_gap() {
        for (index, migration) in (1..).zip(MIGRATIONS) {
            assert_eq!(migration.number, index);
            assert!(migration.name.starts_with(&format!("{index:04}_")));
        }
    }
}
