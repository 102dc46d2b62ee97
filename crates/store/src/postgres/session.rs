//! A lane's session on a connection of its own: one flight locks the roots and reads, one writes and commits.

use super::connect::{Link, Role};
use super::db::PgDb;
use super::engine::{BEGIN, COMMIT};
use crate::counts::Counters;
use crate::db::{Step, corrupt, in_order};
use crate::write::Clocks;
use crate::{Committed, LaneSession, StoreError, WriteSet, balance, head, load, write};
use domain::id::{MerchantId, Shard};
use domain::rows::{ReadSet, Rows};
use futures::future::BoxFuture;
use std::collections::BTreeSet;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::time::Instant;

/// Beyond the server's own limit on a statement: after this nobody answers any more.
const ANSWER_MAX: Duration = Duration::from_secs(15);
/// Gives up what may stand open before it begins.
const BEGIN_AGAIN: &str = "ROLLBACK; BEGIN ISOLATION LEVEL READ COMMITTED";
/// Tries to settle a commit, each as long as a lock may be waited for: together longer than an idle transaction lives.
const SETTLE_TRIES: u32 = 5;
/// Pauses between tries to connect, doubling.
const PAUSE_FIRST: Duration = Duration::from_millis(50);
const PAUSE_MAX: Duration = Duration::from_secs(2);

/// The session of one lane. Several of a shard may be open at once: whoever takes the same roots takes turns.
pub(super) struct Session {
    link: Arc<Link>,
    shard: Shard,
    counters: Arc<Counters>,
    /// Taken out while it is used: a future that is dropped on the way closes the connection, and with it the transaction.
    db: Option<PgDb>,
    batch: Option<Batch>,
    /// Whether a transaction may stand open on it, perhaps failed.
    is_open: bool,
    pause: Duration,
    not_before: Option<Instant>,
}

/// A batch between `load` and its end.
#[derive(Default)]
struct Batch {
    clocks: Clocks,
}

impl Session {
    pub(super) fn new(link: Arc<Link>, shard: Shard, counters: Arc<Counters>) -> Session {
        Session {
            link,
            shard,
            counters,
            db: None,
            batch: None,
            is_open: false,
            pause: PAUSE_FIRST,
            not_before: None,
        }
    }

    /// The session's connection, made anew where it is gone. While the database is away this fails at once between tries.
    async fn connected(&mut self) -> Result<PgDb, StoreError> {
        if let Some(db) = self.db.take().filter(|db| !db.is_closed()) {
            return Ok(db);
        }
        self.is_open = false;
        if self.not_before.is_some_and(|at| Instant::now() < at) {
            return Err(StoreError::Unavailable("the database is away".to_owned()));
        }
        match self.link.connect(Role::Lane).await {
            Ok(db) => {
                (self.pause, self.not_before) = (PAUSE_FIRST, None);
                Ok(db)
            }
            Err(fault) => {
                self.not_before = Some(Instant::now() + self.pause);
                self.pause = (self.pause * 2).min(PAUSE_MAX);
                Err(fault.into_store())
            }
        }
    }

    async fn begin(&mut self, reads: &ReadSet) -> Result<Rows, StoreError> {
        self.batch = None;
        let db = self.connected().await?;
        let words = db.beginning(self.begin_words());
        let (shard, mut rows, mut found) = (self.shard, Rows::default(), None);
        let flight: Vec<Step<'_>> = vec![
            Box::pin(db.say(&words)),
            Box::pin(load::load(&db, shard, reads, &mut rows)),
            // After the locks: it may have moved while they were waited for.
            Box::pin(async {
                found = Some(head::shard_head(&db, shard).await?);
                Ok(())
            }),
        ];
        let result = answered(ANSWER_MAX, in_order(flight)).await;
        let result = match (result, &found) {
            (Ok(()), Some(head)) => head::follow_key(&db, head.key_version).await,
            (result, _) => result,
        };
        self.ended(db, &result);
        result?;
        rows.open_day = found.ok_or_else(|| corrupt("the shard head was not read"))?.open_day;
        let mut batch = Batch::default();
        batch.clocks.note(&rows);
        self.batch = Some(batch);
        Ok(rows)
    }

    /// Begins a transaction; one that was forgotten or refused is given up.
    fn begin_words(&mut self) -> &'static str {
        if std::mem::replace(&mut self.is_open, true) { BEGIN_AGAIN } else { BEGIN }
    }

    /// Keeps a connection on which the server answered for itself; any other is closed.
    fn ended<T>(&mut self, db: PgDb, result: &Result<T, StoreError>) {
        match result {
            Ok(_) | Err(StoreError::Conflict(_)) => self.db = Some(db),
            Err(_) => drop(db),
        }
    }

    async fn read_more(&mut self, reads: &ReadSet, into: &mut Rows) -> Result<(), StoreError> {
        let mut batch = self.batch.take().ok_or_else(|| corrupt("no batch is open"))?;
        let db = self.db.take().ok_or_else(|| corrupt("no batch is open"))?;
        let result = answered(ANSWER_MAX, load::load(&db, self.shard, reads, into)).await;
        self.ended(db, &result);
        result?;
        batch.clocks.note(into);
        self.batch = Some(batch);
        Ok(())
    }

    async fn finish(&mut self, writes: &WriteSet) -> Result<Committed, StoreError> {
        let batch = self.batch.take().ok_or_else(|| corrupt("no batch is open"))?;
        let db = self.db.take().ok_or_else(|| corrupt("no batch is open"))?;
        let ready = match write::ready(&db, self.shard, writes, &batch.clocks) {
            Ok(ready) => ready,
            Err(error) => {
                self.db = Some(db);
                return Err(error);
            }
        };
        let (counts, mut committed, is_sent) = (ready.counts, None, AtomicBool::new(false));
        let mut steps = ready.steps(&db, self.shard, writes, &mut committed);
        steps.push(Box::pin(async {
            is_sent.store(true, Ordering::Relaxed);
            db.say(COMMIT).await
        }));
        let result = answered(self.link.config.commit_max, in_order(steps)).await;
        let is_sent = is_sent.load(Ordering::Relaxed);
        match result {
            Ok(()) => {
                (self.db, self.is_open) = (Some(db), false);
                self.counters.add(&counts);
                committed.ok_or_else(|| corrupt("the shard head was not taken"))
            }
            // Said by the server: a transaction in which a statement failed is not committed, whatever is asked for after it.
            Err(StoreError::Conflict(why)) => {
                self.reopen(db, &writes.balances).await?;
                Err(StoreError::Conflict(why))
            }
            Err(error) if is_sent => Err(StoreError::CommitUnknown(error.to_string())),
            Err(error) => {
                self.ended(db, &Err::<(), _>(error.clone()));
                Err(error)
            }
        }
    }

    /// Rows that the refused write-set took for new are read by the next load. Their roots are held for it, as for every write.
    async fn reopen(&mut self, db: PgDb, balances: &[crate::BalanceWrite]) -> Result<(), StoreError> {
        let new = balances.iter().filter(|write| write.before.is_none());
        let owners: BTreeSet<MerchantId> = new.map(|write| write.merchant).collect();
        if owners.is_empty() {
            self.db = Some(db);
            return Ok(());
        }
        let words = self.begin_words();
        let steps: Vec<Step<'_>> = vec![
            Box::pin(db.say(words)),
            Box::pin(async { head::lock(&db, self.shard, owners).await.map(|_| ()) }),
            Box::pin(balance::reopen(&db, self.shard, balances)),
            Box::pin(db.say(COMMIT)),
        ];
        let result = answered(ANSWER_MAX, in_order(steps)).await;
        self.ended(db, &result);
        self.is_open = result.is_err();
        result
    }

    async fn give_up(&mut self) {
        self.batch = None;
        if !self.is_open {
            return;
        }
        let Some(db) = self.db.take() else { return };
        let result = answered(ANSWER_MAX, db.say("ROLLBACK")).await;
        self.ended(db, &result);
        self.is_open = result.is_err();
    }

    async fn look_up(&mut self, batch: u128) -> Result<Option<Committed>, StoreError> {
        self.give_up().await;
        let mut tries = 0;
        loop {
            tries += 1;
            let db = self.connected().await?;
            let result = answered(self.link.config.commit_max, head::settle(&db, self.shard, batch)).await;
            self.ended(db, &result);
            match result {
                // The lost transaction still has the row. The server ends it soon, for nobody speaks to it any more.
                Err(StoreError::Conflict(_)) if tries < SETTLE_TRIES => {}
                Err(StoreError::Conflict(why)) => return Err(StoreError::Unavailable(why)),
                result => return result,
            }
        }
    }
}

async fn answered<T>(
    max: Duration,
    work: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, StoreError> {
    match tokio::time::timeout(max, work).await {
        Ok(result) => result,
        Err(_) => Err(StoreError::Unavailable("the database does not answer".to_owned())),
    }
}

impl LaneSession for Session {
    fn load<'a>(&'a mut self, reads: &'a ReadSet) -> BoxFuture<'a, Result<Rows, StoreError>> {
        Box::pin(self.begin(reads))
    }

    fn load_more<'a>(
        &'a mut self,
        reads: &'a ReadSet,
        into: &'a mut Rows,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(self.read_more(reads, into))
    }

    fn commit<'a>(&'a mut self, writes: &'a WriteSet) -> BoxFuture<'a, Result<Committed, StoreError>> {
        Box::pin(self.finish(writes))
    }

    fn abort<'a>(&'a mut self) -> BoxFuture<'a, ()> {
        Box::pin(self.give_up())
    }

    fn was_committed<'a>(&'a mut self, batch: u128) -> BoxFuture<'a, Result<Option<Committed>, StoreError>> {
        Box::pin(self.look_up(batch))
    }
}
