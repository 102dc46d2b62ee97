//! What this engine is to the rest of the store: work on a connection of the read pool or of the pool of control writes. Each piece of
//! work has one connection and never waits for a second.

use super::PostgresStore;
use super::db::PgDb;
use super::pool::{Loan, Pool};
use crate::StoreError;
use crate::db::Db;
use crate::engine::{Answer, Engine};
use domain::World;
use futures::future::try_join;
use std::future::Future;
use std::time::Duration;

/// A piece of work is given up after this: a server that stands still answers nothing, not even that it is late.
const READ_MAX: Duration = Duration::from_secs(8);
const WRITE_MAX: Duration = Duration::from_secs(60);

/// Names what the lock protocol rests on, whatever the server's default is by now.
pub(super) const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED";
const BEGIN_VIEW: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

impl Engine for PostgresStore {
    async fn read<T, W>(&self, work: W) -> Result<T, StoreError>
    where
        T: Send + 'static,
        W: for<'d> FnOnce(&'d Db) -> Answer<'d, T> + Send + 'static,
    {
        let loan = self.readers.borrow().await?;
        let result = within(READ_MAX, async {
            loan.db().have_fresh_plans().await?;
            work(loan.db()).await
        })
        .await;
        end(loan, &result);
        result
    }

    async fn view<T, W>(&self, work: W) -> Result<T, StoreError>
    where
        T: Send + 'static,
        W: for<'d> FnOnce(&'d Db) -> Answer<'d, T> + Send + 'static,
    {
        let loan = self.readers.borrow().await?;
        let result = within(READ_MAX, async {
            let seen = begun(loan.db(), BEGIN_VIEW, work(loan.db())).await;
            loan.db().say("ROLLBACK").await?;
            seen
        })
        .await;
        end(loan, &result);
        result
    }

    async fn write<T, W>(&self, _world: World, work: W) -> Result<T, StoreError>
    where
        T: Send + 'static,
        W: for<'d> FnOnce(&'d Db) -> Answer<'d, T> + Send + 'static,
    {
        let loan = self.writers()?.borrow().await?;
        let result = match within(WRITE_MAX, begun(loan.db(), BEGIN, work(loan.db()))).await {
            Ok(value) => commit(loan.db(), self.link.config.commit_max).await.map(|()| value),
            Err(error) => Err(rolled_back(loan.db(), error).await),
        };
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

/// Work behind words that begin a transaction and travel with its first statement. Without a beginning nothing more is asked.
async fn begun<T>(db: &PgDb, begin: &'static str, work: Answer<'_, T>) -> Result<T, StoreError> {
    let begin = db.beginning(begin);
    try_join(db.say(&begin), work).await.map(|((), value)| value)
}

/// Once it is asked for, whoever gets no answer does not know.
async fn commit(db: &PgDb, max: Duration) -> Result<(), StoreError> {
    match within(max, db.say(COMMIT)).await {
        Err(StoreError::Unavailable(why)) => Err(StoreError::CommitUnknown(why)),
        said => said,
    }
}

/// Why the work failed; or that the connection can't be used any more, because the transaction may stand open on it. One that is
/// closed for its error needs no words.
async fn rolled_back(db: &PgDb, error: StoreError) -> StoreError {
    if !is_kept(&error) {
        return error;
    }
    match within(READ_MAX, db.say("ROLLBACK")).await {
        Ok(()) => error,
        Err(lost) => lost,
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
        Ok(_) => loan.give_back(),
        Err(error) if is_kept(error) => loan.give_back(),
        Err(_) => drop(loan),
    }
}

fn is_kept(error: &StoreError) -> bool {
    match error {
        StoreError::Conflict(_) | StoreError::Stale | StoreError::NonceUsed => true,
        StoreError::Unavailable(_) | StoreError::CommitUnknown(_) | StoreError::Corrupt(_) => false,
    }
}
