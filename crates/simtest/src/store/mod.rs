//! The real SQLite store behind the plan of faults. Lanes run as tasks of the one runtime: the engine does its work in the first
//! poll, so a batch never gives the turn away but where the plan says that the process dies.

mod forward;
mod session;

use crate::faults::{Faults, Verdict};
use crate::house::Power;
use async_trait::async_trait;
use domain::id::Shard;
use std::future::{Future, pending};
use std::sync::Arc;
use store::nodes::{HeldWork, Nodes};
use store::sqlite::SqliteStore;
use store::{LaneSession, RowCounts, Store, StoreError};

/// See the module.
pub struct SimStore {
    inner: Arc<SqliteStore>,
    faults: Arc<Faults>,
    power: Arc<Power>,
}

impl SimStore {
    /// Puts the plan before a store.
    pub fn new(inner: Arc<SqliteStore>, faults: Arc<Faults>, power: Arc<Power>) -> SimStore {
        SimStore { inner, faults, power }
    }

    async fn read<T>(
        &self,
        name: &'static str,
        run: impl FnOnce() -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        match self.faults.read(name) {
            Verdict::Go => run(),
            Verdict::Fail => Err(away()),
            _ => pending().await,
        }
    }

    async fn write<T>(
        &self,
        name: &'static str,
        run: impl FnOnce() -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        match self.faults.write(name) {
            Verdict::Go => run(),
            Verdict::LostAfter => run().and(Err(lost())),
            Verdict::Fail | Verdict::Conflict | Verdict::LostBefore => Err(away()),
            Verdict::DieAfter => {
                self.power.nobody_hears();
                drop(run());
                pending().await
            }
            Verdict::DieBefore | Verdict::Dead => pending().await,
        }
    }
}

/// Waits for the database's own threads without giving the turn away: were the runtime idle meanwhile, its time would move.
/// Outside the runtime's budget: a task that has used it up would wait for ever here.
pub(crate) fn now<T>(work: impl Future<Output = T>) -> T {
    futures::executor::block_on(tokio::task::unconstrained(work))
}

fn away() -> StoreError {
    StoreError::Unavailable("database or disk is full (injected)".to_owned())
}

fn lost() -> StoreError {
    StoreError::CommitUnknown("disk I/O error (injected)".to_owned())
}

#[async_trait]
impl Nodes for SimStore {
    async fn beat(&self, node: i64, within_us: i64) -> Result<u32, StoreError> {
        self.write("beat", || now(self.inner.beat(node, within_us))).await
    }

    async fn claim_work(
        &self,
        node: i64,
        shards: &[Shard],
        lease_us: i64,
    ) -> Result<Vec<HeldWork>, StoreError> {
        self.write("claim_work", || now(self.inner.claim_work(node, shards, lease_us))).await
    }

    async fn work_of_others(&self, node: i64) -> Result<Vec<Shard>, StoreError> {
        self.read("work_of_others", || now(self.inner.work_of_others(node))).await
    }

    async fn release_work(&self, node: i64, shards: &[Shard]) -> Result<(), StoreError> {
        self.write("release_work", || now(self.inner.release_work(node, shards))).await
    }

    async fn leave(&self, node: i64) -> Result<(), StoreError> {
        self.write("leave", || now(self.inner.leave(node))).await
    }
}

impl Store for SimStore {
    fn lane_session(&self, shard: Shard) -> Result<Box<dyn LaneSession>, StoreError> {
        let inner = self.inner.lane_session(shard)?;
        Ok(Box::new(session::SimSession {
            inner,
            faults: Arc::clone(&self.faults),
            power: Arc::clone(&self.power),
        }))
    }

    fn lanes_block(&self) -> bool {
        false
    }

    fn is_shared(&self) -> bool {
        self.inner.is_shared()
    }

    fn shards(&self) -> Vec<Shard> {
        self.inner.shards()
    }

    fn rows_written(&self) -> RowCounts {
        self.inner.rows_written()
    }
}
