//! Brings a database's schema to this binary's version. Several nodes may do it at once: each step is one transaction under a lock of
//! the table of steps, taken before the look.

use super::OpenFault;
use super::db::PgDb;
use crate::StoreError;
use crate::db::{params, statements};
use crate::migrations::{Migration, checksum, newest};

statements! {
    APPLIED = "SELECT number, checksum FROM schema_migration ORDER BY number";
    NOTE = "INSERT INTO schema_migration (number, name, checksum, applied_at_us) VALUES (?1, ?2, ?3, ?4)";
    /// One row where the database holds a schema of ours.
    TABLE_EXISTS = "SELECT CAST(COUNT(*) AS BIGINT) FROM information_schema.tables \
        WHERE table_schema = current_schema() AND table_name = 'schema_migration'";
}

const CREATE_TABLE: &str = "CREATE TABLE IF NOT EXISTS schema_migration (number bigint NOT NULL PRIMARY KEY, \
     name text NOT NULL, checksum text NOT NULL, applied_at_us bigint NOT NULL)";
/// Two that make the table at the same moment: one of them is told that a name is taken.
const CREATE_TRIES: u32 = 5;
/// Held to the end of a step. Reads of the table go on.
const LOCK: &str =
    "BEGIN ISOLATION LEVEL READ COMMITTED; LOCK TABLE schema_migration IN SHARE ROW EXCLUSIVE MODE";

/// Whether `init` or `migrate` was here.
pub(super) async fn is_there(db: &PgDb) -> Result<bool, StoreError> {
    let db: &crate::db::Db = db;
    Ok(db.one(TABLE_EXISTS, &[], |c| c.int()).await?.unwrap_or(0) > 0)
}

/// Applies what is missing; answers how many steps that were.
pub(super) async fn migrate(db: &PgDb, migrations: &[Migration], at_us: i64) -> Result<usize, OpenFault> {
    create_table(db).await?;
    let mut applied = 0;
    for migration in migrations {
        db.say(LOCK).await?;
        match step(db, migration, at_us).await {
            Ok(is_new) => {
                db.say("COMMIT").await?;
                applied += usize::from(is_new);
            }
            Err(fault) => {
                db.say("ROLLBACK").await?;
                return Err(fault);
            }
        }
    }
    check(db, migrations).await?;
    Ok(applied)
}

async fn create_table(db: &PgDb) -> Result<(), StoreError> {
    let mut tries = 0;
    loop {
        tries += 1;
        match db.say(CREATE_TABLE).await {
            // The name is taken in a word of its own by each of the catalogue's tables.
            Err(StoreError::Conflict(_) | StoreError::Corrupt(_)) if tries < CREATE_TRIES => {}
            result => return result,
        }
    }
}

async fn step(db: &PgDb, migration: &Migration, at_us: i64) -> Result<bool, OpenFault> {
    let sum = checksum(migration.postgres);
    let applied = applied(db).await?;
    if let Some((_, found)) = applied.iter().find(|(number, _)| *number == migration.number) {
        let is_same = *found == sum;
        return if is_same { Ok(false) } else { Err(OpenFault::Diverged { number: migration.number }) };
    }
    db.say(migration.postgres).await?;
    let db: &crate::db::Db = db;
    db.execute(NOTE, &params![migration.number, migration.name, &sum, at_us]).await?;
    Ok(true)
}

async fn applied(db: &PgDb) -> Result<Vec<(i64, String)>, StoreError> {
    let db: &crate::db::Db = db;
    db.all(APPLIED, &[], |c| Ok((c.int()?, c.string()?))).await
}

/// Refuses a schema that is not exactly this binary's.
pub(super) async fn check(db: &PgDb, migrations: &[Migration]) -> Result<(), OpenFault> {
    let (known, applied) = (newest(migrations), applied(db).await?);
    match applied.last().map_or(0, |(number, _)| *number) {
        found if found > known => return Err(OpenFault::Newer { found, known }),
        found if found < known => return Err(OpenFault::Older { found, known }),
        _ => {}
    }
    for migration in migrations {
        let sum = checksum(migration.postgres);
        if !applied.iter().any(|(number, found)| *number == migration.number && *found == sum) {
            return Err(OpenFault::Diverged { number: migration.number });
        }
    }
    Ok(())
}
