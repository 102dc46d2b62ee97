//! A connection to PostgreSQL. Every statement is prepared once on it. A request is on its way with the first poll of its future, so
//! that futures which are polled together travel in one flight and are carried out in the order of their first polls.

use super::bind::Bound;
use crate::StoreError;
use crate::db::{Columns, Connection, EachRow, Keyed, Many, RowWrite, Sql, Value, Verb, corrupt};
use crate::{head, installation, registry};
use crypto::seal::Sealer;
use domain::id::Shard;
use futures::TryStreamExt;
use futures::future::{BoxFuture, try_join_all};
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio_postgres::{Client, Statement};

/// What names a statement on a connection. Statics are told apart by their place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Name {
    Sql(Sql),
    Keyed(usize),
    Write(usize),
}

impl Name {
    fn of_keyed(keyed: &'static Keyed) -> Name {
        Name::Keyed(std::ptr::from_ref(keyed).addr())
    }

    fn of_write(write: &'static RowWrite) -> Name {
        Name::Write(std::ptr::from_ref(write).addr())
    }
}

/// One connection.
pub(super) struct PgDb {
    client: Client,
    sealer: Arc<Sealer>,
    statements: Mutex<HashMap<Name, Statement>>,
    /// Nothing is prepared on the way: that would take a round trip, and later statements would overtake this one.
    is_complete: bool,
    plans: Mutex<Plans>,
}

/// When plans are to be made anew. On a table of a few rows every index looks alike, and a plan that took the wrong one would be
/// kept while the table grows. Statistics come late and by chance; the size of its file the planner always sees.
#[derive(Debug)]
struct Plans {
    made_at: Instant,
    uses: u64,
    next_at: u64,
}

/// The longest that a plan is kept: new partitions fill from nothing, and until then any of their indexes seems as good as the key.
const PLANS_KEPT: Duration = Duration::from_secs(10);

impl Plans {
    fn new() -> Plans {
        Plans { made_at: Instant::now(), uses: 0, next_at: 2 }
    }

    /// Counts a use; true after twice as many as last time, and when the plans are old.
    fn are_old(&mut self, now: Instant) -> bool {
        self.uses += 1;
        let are_old = self.uses >= self.next_at || now.duration_since(self.made_at) > PLANS_KEPT;
        if are_old {
            self.next_at = self.next_at.saturating_mul(2).max(self.uses);
            self.made_at = now;
        }
        are_old
    }
}

impl PgDb {
    pub(super) fn new(client: Client, sealer: Arc<Sealer>, is_complete: bool) -> PgDb {
        let plans = Mutex::new(Plans::new());
        PgDb { client, sealer, statements: Mutex::new(HashMap::new()), is_complete, plans }
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    /// Whether the way to the server is gone.
    pub(super) fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    /// The words that begin a piece of work, behind them those that have plans made anew when it is time: what is said first may have
    /// to end a failed transaction.
    pub(super) fn beginning(&self, words: &'static str) -> Cow<'static, str> {
        let now = Instant::now();
        match self.plans.lock().unwrap_or_else(PoisonError::into_inner).are_old(now) {
            true if words.is_empty() => Cow::Borrowed("DISCARD PLANS"),
            true => Cow::Owned(format!("{words}; DISCARD PLANS")),
            false => Cow::Borrowed(words),
        }
    }

    /// As [`PgDb::beginning`], for work without words of its own.
    pub(super) async fn have_fresh_plans(&self) -> Result<(), StoreError> {
        let words = self.beginning("");
        if words.is_empty() { Ok(()) } else { self.say(&words).await }
    }

    /// Runs words without values or answers: BEGIN, COMMIT.
    pub(super) async fn say(&self, words: &str) -> Result<(), StoreError> {
        Ok(self.client.batch_execute(words).await?)
    }

    /// Prepares everything that a batch may run, in one flight.
    pub(super) async fn prepare_ahead(&self) -> Result<(), StoreError> {
        let fixed = [head::SHARD_READ, head::SHARD_TAKE, head::BATCH_SETTLE, installation::READ];
        let fixed = fixed.into_iter().map(|sql| (Name::Sql(sql), sql.for_postgres()));
        let keyed = registry::keyed().map(|(_, keyed)| (Name::of_keyed(keyed), keyed.postgres().to_owned()));
        let writes =
            registry::writes().map(|(_, write)| (Name::of_write(write), write.postgres().to_owned()));
        let all = fixed.chain(keyed).chain(writes).map(|(name, text)| async move {
            let statement = self.client.prepare(&text).await?;
            self.keep(name, &statement);
            Ok::<(), StoreError>(())
        });
        try_join_all(all).await.map(|_| ())
    }

    fn known(&self, name: Name) -> Option<Statement> {
        self.statements.lock().unwrap_or_else(PoisonError::into_inner).get(&name).cloned()
    }

    fn keep(&self, name: Name, statement: &Statement) {
        self.statements.lock().unwrap_or_else(PoisonError::into_inner).insert(name, statement.clone());
    }

    async fn prepared(
        &self,
        name: Name,
        text: impl FnOnce() -> String + Send,
    ) -> Result<Statement, StoreError> {
        if let Some(known) = self.known(name) {
            return Ok(known);
        }
        if self.is_complete {
            return Err(StoreError::Corrupt(format!("a lane would prepare on the way: {}", text())));
        }
        let statement = self.client.prepare(&text()).await?;
        self.keep(name, &statement);
        Ok(statement)
    }

    /// As many values as the statement has parameters.
    fn bound<'v, 'a>(
        statement: &Statement,
        values: &'v [Value<'a>],
    ) -> Result<Vec<Bound<'v, 'a>>, StoreError> {
        let wanted = statement.params().len();
        match values.get(..wanted) {
            Some(values) => Ok(values.iter().map(Bound::One).collect()),
            None => Err(corrupt("a statement has more parameters than values")),
        }
    }

    async fn rows(
        &self,
        statement: &Statement,
        bound: Vec<Bound<'_, '_>>,
        each: &mut EachRow<'_>,
    ) -> Result<usize, StoreError> {
        let rows = self.client.query_raw(statement, bound).await?;
        let mut rows = std::pin::pin!(rows);
        while let Some(row) = rows.try_next().await? {
            each(&mut Columns::new(&row))?;
        }
        Ok(rows.rows_affected().and_then(|count| usize::try_from(count).ok()).unwrap_or(0))
    }

    /// The shard, then an array per column, then how many rows there are where the statement asks for it.
    fn bound_rows<'v, 'a>(statement: &Statement, shard: Shard, rows: &'v Many<'a>) -> Vec<Bound<'v, 'a>> {
        let wanted = statement.params().len();
        let columns = (0..rows.width()).map(|at| Bound::Column(rows, at));
        let count = Bound::Number(i64::try_from(rows.len()).unwrap_or(i64::MAX));
        std::iter::once(Bound::Number(shard.0.into())).chain(columns).chain([count]).take(wanted).collect()
    }
}

impl Connection for PgDb {
    fn sealer(&self) -> &Sealer {
        &self.sealer
    }

    fn query<'a>(
        &'a self,
        sql: Sql,
        values: &'a [Value<'a>],
        each: &'a mut EachRow<'_>,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let statement = self.prepared(Name::Sql(sql), || sql.for_postgres()).await?;
            self.rows(&statement, PgDb::bound(&statement, values)?, each).await.map(|_| ())
        })
    }

    fn execute<'a>(&'a self, sql: Sql, values: &'a [Value<'a>]) -> BoxFuture<'a, Result<usize, StoreError>> {
        Box::pin(async move {
            let statement = self.prepared(Name::Sql(sql), || sql.for_postgres()).await?;
            self.rows(&statement, PgDb::bound(&statement, values)?, &mut |_| Ok(())).await
        })
    }

    fn keyed<'a>(
        &'a self,
        keyed: &'static Keyed,
        shard: Shard,
        keys: &'a Many<'a>,
        each: &'a mut EachRow<'_>,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let name = Name::of_keyed(keyed);
            let statement = self.prepared(name, || keyed.postgres().to_owned()).await?;
            let bound = PgDb::bound_rows(&statement, shard, keys);
            self.rows(&statement, bound, each).await.map(|_| ())
        })
    }

    fn write<'a>(
        &'a self,
        write: &'static RowWrite,
        shard: Shard,
        rows: Many<'a>,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            if rows.is_empty() {
                return Ok(());
            }
            let name = Name::of_write(write);
            let statement = self.prepared(name, || write.postgres().to_owned()).await?;
            let bound = PgDb::bound_rows(&statement, shard, &rows);
            let written = self.rows(&statement, bound, &mut |_| Ok(())).await;
            match (written, write.verb) {
                // The count that differs.
                (Err(StoreError::Conflict(why)), Verb::Update { .. }) if why.contains("22012") => {
                    Err(write.not_as_expected())
                }
                (written, _) => written.map(|_| ()),
            }
        })
    }

    fn keeps_natural_keys(&self) -> bool {
        true
    }

    /// The statements look up the numbers themselves.
    fn note_numbers(&self, _journal_seq: i64, _event_seq: i64) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plans_are_made_anew_as_tables_grow_and_with_time() {
        let mut plans = Plans::new();
        let start = plans.made_at;
        let anew: Vec<u64> = (1..=100).filter(|_| plans.are_old(start)).collect();
        assert_eq!(anew, [2, 4, 8, 16, 32, 64]);
        assert!(plans.are_old(start + PLANS_KEPT * 2));
        assert!(!plans.are_old(start + PLANS_KEPT * 2));
    }
}
