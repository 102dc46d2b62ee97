//! Connections that are lent for one piece of work. Their number is bounded, and so is who may wait for one and how long.

use super::OpenFault;
use super::connect::{Link, Role};
use super::db::PgDb;
use crate::StoreError;
use deadpool::Runtime;
use deadpool::managed::{Manager, Metrics, Object, Pool as Lent, PoolError, RecycleError, RecycleResult};
use std::sync::Arc;

/// Makes the pool's connections.
pub(super) struct Maker {
    link: Arc<Link>,
    role: Role,
}

impl Manager for Maker {
    type Type = PgDb;
    type Error = OpenFault;

    async fn create(&self) -> Result<PgDb, OpenFault> {
        self.link.connect(self.role).await
    }

    async fn recycle(&self, db: &mut PgDb, _: &Metrics) -> RecycleResult<OpenFault> {
        if db.is_closed() { Err(RecycleError::message("the connection was closed")) } else { Ok(()) }
    }
}

/// A pool of connections of one role.
pub(super) struct Pool {
    lent: Lent<Maker>,
    waiting_max: usize,
}

impl Pool {
    pub(super) fn new(link: &Arc<Link>, role: Role, size: usize) -> Result<Pool, StoreError> {
        let maker = Maker { link: Arc::clone(link), role };
        let config = &link.config;
        let lent = Lent::builder(maker)
            .max_size(size.max(1))
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(config.wait_max))
            .build()
            .map_err(|fault| StoreError::Corrupt(fault.to_string()))?;
        Ok(Pool { lent, waiting_max: config.waiting_max })
    }

    /// A connection for one piece of work.
    pub(super) async fn borrow(&self) -> Result<Loan, StoreError> {
        if self.lent.status().waiting >= self.waiting_max {
            return Err(StoreError::Unavailable("too many callers wait for the database".to_owned()));
        }
        match self.lent.get().await {
            Ok(object) => Ok(Loan { object: Some(object) }),
            Err(PoolError::Backend(fault)) => Err(fault.into_store()),
            Err(other) => Err(StoreError::Unavailable(format!("no connection to the database: {other}"))),
        }
    }
}

/// A connection on loan. It goes back to its pool only when it is [given back](Loan::give_back): work that failed on the way or
/// was dropped may have left a transaction open, and then the connection is closed instead.
pub(super) struct Loan {
    object: Option<Object<Maker>>,
}

impl Loan {
    pub(super) fn db(&self) -> &PgDb {
        match &self.object {
            Some(object) => object,
            None => unreachable!("a loan holds its connection until it ends"),
        }
    }

    pub(super) fn give_back(mut self) {
        self.object = None;
    }
}

impl Drop for Loan {
    fn drop(&mut self) {
        if let Some(object) = self.object.take() {
            drop(Object::take(object));
        }
    }
}
