//! A lane's session: holds the turn at the write connection from `load` to `commit` or `abort`.

use super::db::{BEGIN_IMMEDIATE, COMMIT, SqliteDb, done};
use super::fault::commit_fault;
use super::turnstile::{Turn, Turnstile};
use crate::counts::Counters;
use crate::db::{corrupt, in_order};
use crate::write::Clocks;
use crate::{Committed, LaneSession, StoreError, WriteSet, balance, head, load, write};
use domain::id::Shard;
use domain::rows::{ReadSet, Rows};
use futures::future::BoxFuture;
use std::sync::Arc;

/// The session of one shard's lane. Its futures do their work, blocking, when first polled.
pub(super) struct Session {
    turnstile: Arc<Turnstile<SqliteDb>>,
    shard: Shard,
    counters: Arc<Counters>,
    batch: Option<Batch>,
}

/// A batch between `load` and its end.
struct Batch {
    turn: Turn<SqliteDb>,
    clocks: Clocks,
}

impl Drop for Batch {
    fn drop(&mut self) {
        // The next one must find no transaction open, however this batch ended.
        self.turn.roll_back();
    }
}

impl Session {
    pub(super) fn new(turnstile: Arc<Turnstile<SqliteDb>>, shard: Shard, counters: Arc<Counters>) -> Session {
        Session { turnstile, shard, counters, batch: None }
    }

    fn begin(&mut self, reads: &ReadSet) -> Result<Rows, StoreError> {
        // A batch that was forgotten is given up.
        self.batch = None;
        let turn = self.turnstile.enter(self.shard.world());
        let mut batch = Batch { turn, clocks: Clocks::default() };
        batch.turn.run(BEGIN_IMMEDIATE)?;
        let (db, shard): (&SqliteDb, _) = (&batch.turn, self.shard);
        let rows = done(Box::pin(async move {
            let head = head::shard_head(db, shard).await?;
            head::follow_key(db, head.key_version).await?;
            let mut rows = Rows { open_day: head.open_day, ..Rows::default() };
            load::load(db, shard, reads, &mut rows).await?;
            Ok(rows)
        }))?;
        batch.clocks.note(&rows);
        self.batch = Some(batch);
        Ok(rows)
    }

    fn read_more(&mut self, reads: &ReadSet, into: &mut Rows) -> Result<(), StoreError> {
        let batch = self.batch.as_mut().ok_or_else(|| corrupt("no batch is open"))?;
        let db: &SqliteDb = &batch.turn;
        done(Box::pin(load::load(db, self.shard, reads, into)))?;
        batch.clocks.note(into);
        Ok(())
    }

    fn finish(&mut self, writes: &WriteSet) -> Result<Committed, StoreError> {
        let batch = self.batch.take().ok_or_else(|| corrupt("no batch is open"))?;
        let (db, shard): (&SqliteDb, _) = (&batch.turn, self.shard);
        let ready = write::ready(db, shard, writes, &batch.clocks)?;
        let counts = ready.counts;
        let mut committed = None;
        if let Err(error) = done(Box::pin(in_order(ready.steps(db, shard, writes, &mut committed)))) {
            db.roll_back();
            if let StoreError::Conflict(_) = error {
                done(Box::pin(balance::reopen(db, shard, &writes.balances)))?;
            }
            return Err(error);
        }
        db.run(COMMIT).map_err(commit_fault)?;
        self.counters.add(&counts);
        committed.ok_or_else(|| corrupt("the shard head was not taken"))
    }

    fn look_up(&mut self, batch: u128) -> Result<Option<Committed>, StoreError> {
        self.batch = None;
        let turn = self.turnstile.enter(self.shard.world());
        let db: &SqliteDb = &turn;
        done(Box::pin(head::batch(db, self.shard, batch)))
    }
}

impl LaneSession for Session {
    fn load<'a>(&'a mut self, reads: &'a ReadSet) -> BoxFuture<'a, Result<Rows, StoreError>> {
        Box::pin(async move { self.begin(reads) })
    }

    fn load_more<'a>(
        &'a mut self,
        reads: &'a ReadSet,
        into: &'a mut Rows,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move { self.read_more(reads, into) })
    }

    fn commit<'a>(&'a mut self, writes: &'a WriteSet) -> BoxFuture<'a, Result<Committed, StoreError>> {
        Box::pin(async move { self.finish(writes) })
    }

    fn abort<'a>(&'a mut self) -> BoxFuture<'a, ()> {
        Box::pin(async move { self.batch = None })
    }

    fn was_committed<'a>(&'a mut self, batch: u128) -> BoxFuture<'a, Result<Option<Committed>, StoreError>> {
        Box::pin(async move { self.look_up(batch) })
    }
}
