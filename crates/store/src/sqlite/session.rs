//! A lane's session: holds the turn at the write connection from `load` to `commit` or `abort`.

use super::counts::Counters;
use super::db::Db;
use super::fault::{commit_fault, corrupt};
use super::turnstile::{Turn, Turnstile};
use super::{balance, head, load, write};
use crate::{Committed, LaneSession, StoreError, WriteSet};
use domain::id::{MerchantId, Shard};
use domain::rows::{ReadSet, Rows};
use futures::future::BoxFuture;
use std::collections::HashMap;
use std::sync::Arc;

/// The session of one shard's lane. Its futures do their work, blocking, when first polled.
pub(super) struct Session {
    turnstile: Arc<Turnstile<Db>>,
    shard: Shard,
    counters: Arc<Counters>,
    batch: Option<Batch>,
}

/// A batch between `load` and its end.
struct Batch {
    turn: Turn<Db>,
    /// Clocks that are not the system's, as read with the heads.
    clock_offsets_us: HashMap<MerchantId, i64>,
}

impl Batch {
    fn note_clocks(&mut self, rows: &Rows) {
        for head in rows.heads.values().filter(|head| head.clock_offset_us != 0) {
            self.clock_offsets_us.insert(head.merchant, head.clock_offset_us);
        }
    }
}

impl Drop for Batch {
    fn drop(&mut self) {
        // The next one must find no transaction open, however this batch ended.
        self.turn.roll_back();
    }
}

impl Session {
    pub(super) fn new(turnstile: Arc<Turnstile<Db>>, shard: Shard, counters: Arc<Counters>) -> Session {
        Session { turnstile, shard, counters, batch: None }
    }

    fn begin(&mut self, reads: &ReadSet) -> Result<Rows, StoreError> {
        // A batch that was forgotten is given up.
        self.batch = None;
        let turn = self.turnstile.enter(self.shard.world());
        let mut batch = Batch { turn, clock_offsets_us: HashMap::new() };
        batch.turn.execute(super::db::BEGIN_IMMEDIATE, [])?;
        let open_day = head::shard_head(&batch.turn, self.shard)?.open_day;
        let mut rows = Rows { open_day, ..Rows::default() };
        load::load(&batch.turn, self.shard, reads, &mut rows)?;
        batch.note_clocks(&rows);
        self.batch = Some(batch);
        Ok(rows)
    }

    fn read_more(&mut self, reads: &ReadSet, into: &mut Rows) -> Result<(), StoreError> {
        let batch = self.batch.as_mut().ok_or_else(|| corrupt("no batch is open"))?;
        load::load(&batch.turn, self.shard, reads, into)?;
        batch.note_clocks(into);
        Ok(())
    }

    fn finish(&mut self, writes: &WriteSet) -> Result<Committed, StoreError> {
        let batch = self.batch.take().ok_or_else(|| corrupt("no batch is open"))?;
        let db: &Db = &batch.turn;
        let clock_offset_us = |merchant| {
            let changed = writes.heads.iter().find(|(_, head)| head.merchant == merchant);
            let known = batch.clock_offsets_us.get(&merchant).copied().unwrap_or(0);
            changed.map_or(known, |(_, head)| head.clock_offset_us)
        };
        let mut unknown_row = None;
        let written = match write::write(db, self.shard, writes, clock_offset_us, &mut unknown_row) {
            Ok(written) => written,
            Err(error) => {
                db.roll_back();
                if let Some(key) = unknown_row {
                    balance::reopen(db, self.shard, key)?;
                }
                return Err(error);
            }
        };
        db.statement(super::db::COMMIT)?.execute([]).map_err(commit_fault)?;
        self.counters.add(&written.counts);
        Ok(written.committed)
    }

    fn look_up(&mut self, batch: u128) -> Result<Option<Committed>, StoreError> {
        self.batch = None;
        let turn = self.turnstile.enter(self.shard.world());
        head::batch(&turn, self.shard, batch)
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
