//! What this engine is to the rest of the store. Reads go to the readers' threads; a thread of its own waits for turns at the
//! write connection, so that no caller's thread blocks.

use super::SqliteStore;
use super::db::SqliteDb;
use super::turnstile::Turnstile;
use crate::StoreError;
use crate::db::Db;
use crate::engine::{Answer, Engine};
use domain::World;
use std::sync::Arc;

/// What the thread of control writes works with.
pub(super) struct ControlDb {
    pub(super) turnstile: Arc<Turnstile<SqliteDb>>,
}

impl Engine for SqliteStore {
    async fn read<T, W>(&self, work: W) -> Result<T, StoreError>
    where
        T: Send + 'static,
        W: for<'d> FnOnce(&'d Db) -> Answer<'d, T> + Send + 'static,
    {
        self.readers.run(move |reader| reader.read(work)).await
    }

    async fn view<T, W>(&self, work: W) -> Result<T, StoreError>
    where
        T: Send + 'static,
        W: for<'d> FnOnce(&'d Db) -> Answer<'d, T> + Send + 'static,
    {
        self.read(work).await
    }

    async fn write<T, W>(&self, world: World, work: W) -> Result<T, StoreError>
    where
        T: Send + 'static,
        W: for<'d> FnOnce(&'d Db) -> Answer<'d, T> + Send + 'static,
    {
        let control = self.control()?;
        control.run(move |context| context.turnstile.enter(world).write(work)).await
    }
}
