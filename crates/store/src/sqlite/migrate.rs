//! Brings a file's schema to this binary's version: ordered files, each applied once in a transaction of its own, told
//! apart by checksum. A file that a newer binary migrated is refused.

use super::OpenFault;
use crate::migrations::{Migration, checksum, newest};
use rusqlite::{Connection, TransactionBehavior, params};

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
        let checksum = checksum(migration.sqlite);
        match checksum_of(&transaction, migration.number)? {
            Some(found) if found == checksum => {}
            Some(_) => return Err(OpenFault::Diverged { number: migration.number }),
            None => {
                transaction.execute_batch(migration.sqlite)?;
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
    let known = newest(migrations);
    let newest: Option<i64> =
        connection.query_row("SELECT MAX(number) FROM schema_migration", [], |row| row.get(0))?;
    match newest.unwrap_or(0) {
        found if found > known => return Err(OpenFault::Newer { found, known }),
        found if found < known => return Err(OpenFault::Older { found, known }),
        _ => {}
    }
    for migration in migrations {
        let checksum = checksum(migration.sqlite);
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

    const fn step(number: i64, name: &'static str, sqlite: &'static str) -> Migration {
        Migration { number, name, sqlite, postgres: "" }
    }

    const FIRST: Migration = step(1, "one", "CREATE TABLE a (x INTEGER) STRICT");
    const SECOND: Migration = step(2, "two", "CREATE TABLE b (x INTEGER) STRICT; INSERT INTO b VALUES (7)");

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
        let edited = Migration { sqlite: "CREATE TABLE a (y INTEGER) STRICT", ..FIRST };
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
        let third = step(3, "three", "");
        let fault = check(&connection, &[FIRST, SECOND, third]).unwrap_err();
        assert!(matches!(fault, OpenFault::Older { found: 2, known: 3 }), "{fault}");
    }

    #[test]
    fn a_step_that_fails_leaves_nothing() {
        let mut connection = Connection::open_in_memory().unwrap();
        let broken = step(1, "x", "CREATE TABLE c (x INTEGER) STRICT; NONSENSE");
        assert!(migrate(&mut connection, &[broken], 1).is_err());
        assert!(connection.prepare("SELECT x FROM c").is_err());
        assert_eq!(migrate(&mut connection, &[FIRST], 1).unwrap(), 1);
    }
}
