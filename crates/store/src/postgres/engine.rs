//! What this engine is to the rest of the store: work on a connection of the read pool or of the pool of control writes. Each piece of
//! work has one connection and never waits for a second.

use super::PostgresStore;
use super::db::PgDb;
use super::pool::{Loan, Pool};
use crate::StoreError;
use crate::db::Db;
use crate::engine::{Answer, Engine};
use domain::World;
use futures::future::join;
use std::future::Future;
use std::time::Duration;

/// A piece of work is given up after this: a server that stands still answers nothing, not even that it is late.
const READ_MAX: Duration = Duration::from_secs(8);
const WRITE_MAX: Duration = Duration::from_secs(60);

const BEGIN_VIEW: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

impl Engine for PostgresStore {
    async fn read<T, W>(&self, work: W) -> Result<T, StoreError>
    where
        T: Send + 'static,
        W: for<'d> FnOnce(&'d Db) -> Answer<'d, T> + Send + 'static,
    {
        let loan = self.readers.borrow().await?;
        loan.db().have_fresh_plans().await?;
        let result = within(READ_MAX, work(loan.db())).await;
        end(loan, &result);
        result
    }

    async fn view<T, W>(&self, work: W) -> Result<T, StoreError>
    where
        T: Send + 'static,
        W: for<'d> FnOnce(&'d Db) -> Answer<'d, T> + Send + 'static,
    {
        let loan = self.readers.borrow().await?;
        let result =
            within(READ_MAX, in_transaction(loan.db(), BEGIN_VIEW, work(loan.db()), "ROLLBACK")).await;
        end(loan, &result);
        result
    }

    async fn write<T, W>(&self, _world: World, work: W) -> Result<T, StoreError>
    where
        T: Send + 'static,
        W: for<'d> FnOnce(&'d Db) -> Answer<'d, T> + Send + 'static,
    {
        let loan = self.writers()?.borrow().await?;
        let result = within(WRITE_MAX, in_transaction(loan.db(), "BEGIN", work(loan.db()), COMMIT)).await;
        end(loan, &result);
        result
    }
}

/// Waits for the disk, and for a standby if there is one, however long that takes: a COMMIT whose wait is cut short is answered as
/// if it had not been.
pub(super) const COMMIT: &str = "SET LOCAL statement_timeout = 0; COMMIT";

impl PostgresStore {
    fn writers(&self) -> Result<&Pool, StoreError> {
        let read_only = || StoreError::Unavailable("the database was opened read-only".to_owned());
        self.writers.as_ref().ok_or_else(read_only)
    }
}

/// Work between words that begin a transaction, which travel with its first statement, and words that end it.
async fn in_transaction<T>(
    db: &PgDb,
    begin: &'static str,
    work: Answer<'_, T>,
    finish: &str,
) -> Result<T, StoreError> {
    let begin = db.beginning(begin);
    let (begun, done) = join(db.say(&begin), work).await;
    begun?;
    match done {
        Ok(value) => {
            let said = db.say(finish).await;
            match said {
                Ok(()) => Ok(value),
                // Whether it is committed, nobody knows.
                Err(StoreError::Unavailable(why)) if finish == COMMIT => Err(StoreError::CommitUnknown(why)),
                Err(error) => Err(error),
            }
        }
        Err(error) => {
            db.say("ROLLBACK").await?;
            Err(error)
        }
    }
}

async fn within<T>(
    max: Duration,
    work: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, StoreError> {
    match tokio::time::timeout(max, work).await {
        Ok(result) => result,
        Err(_) => Err(StoreError::Unavailable("the database does not answer".to_owned())),
    }
}

/// After the server's own word the connection is as good as before; after anything else it is closed.
fn end<T>(loan: Loan, result: &Result<T, StoreError>) {
    match result {
        Ok(_) | Err(StoreError::Conflict(_) | StoreError::Stale | StoreError::NonceUsed) => loan.give_back(),
        Err(StoreError::Unavailable(_) | StoreError::CommitUnknown(_) | StoreError::Corrupt(_)) => drop(loan),
    }
}
