//! A lane's session behind the plan of faults.

use super::{away, lost};
use crate::faults::{Faults, Verdict};
use crate::house::Power;
use domain::rows::{ReadSet, Rows};
use futures::future::BoxFuture;
use std::future::pending;
use std::sync::Arc;
use store::{Committed, LaneSession, StoreError, WriteSet};

pub(super) struct SimSession {
    pub(super) inner: Box<dyn LaneSession>,
    pub(super) faults: Arc<Faults>,
    pub(super) power: Arc<Power>,
}

impl SimSession {
    /// A statement before the commit: it may fail, which ends the batch, or the process dies.
    async fn look(&mut self, name: &'static str) -> Result<(), StoreError> {
        match self.faults.read(name) {
            Verdict::Go => Ok(()),
            Verdict::Fail | Verdict::Conflict | Verdict::LostAfter | Verdict::LostBefore => {
                self.inner.abort().await;
                Err(away())
            }
            Verdict::DieBefore | Verdict::DieAfter | Verdict::Dead => pending().await,
        }
    }
}

impl LaneSession for SimSession {
    fn load<'a>(&'a mut self, reads: &'a ReadSet) -> BoxFuture<'a, Result<Rows, StoreError>> {
        Box::pin(async move {
            self.look("load").await?;
            self.inner.load(reads).await
        })
    }

    fn load_more<'a>(
        &'a mut self,
        reads: &'a ReadSet,
        into: &'a mut Rows,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            self.look("load_more").await?;
            self.inner.load_more(reads, into).await
        })
    }

    fn commit<'a>(&'a mut self, writes: &'a WriteSet) -> BoxFuture<'a, Result<Committed, StoreError>> {
        Box::pin(async move {
            self.faults.count("commits");
            match self.faults.commit() {
                Verdict::Go => self.inner.commit(writes).await,
                Verdict::LostAfter => self.inner.commit(writes).await.and(Err(lost())),
                Verdict::Conflict => {
                    self.inner.abort().await;
                    Err(StoreError::Conflict("somebody else was faster (injected)".to_owned()))
                }
                Verdict::Fail => {
                    self.inner.abort().await;
                    Err(away())
                }
                Verdict::LostBefore => {
                    self.inner.abort().await;
                    Err(lost())
                }
                Verdict::DieAfter => {
                    self.power.nobody_hears();
                    drop(self.inner.commit(writes).await);
                    pending().await
                }
                Verdict::DieBefore | Verdict::Dead => pending().await,
            }
        })
    }

    fn abort<'a>(&'a mut self) -> BoxFuture<'a, ()> {
        self.inner.abort()
    }

    fn was_committed<'a>(&'a mut self, batch: u128) -> BoxFuture<'a, Result<Option<Committed>, StoreError>> {
        Box::pin(async move {
            match self.faults.step("was_committed") {
                None => self.inner.was_committed(batch).await,
                Some(_) => pending().await,
            }
        })
    }
}
