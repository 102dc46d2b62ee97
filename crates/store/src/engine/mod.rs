//! What an engine is to the rest of the store: it runs work on one of its connections. Everything that is asked of a store
//! outside lanes is written once, here and in the files of the nouns.

mod adjustments;
mod archive;
mod control;
mod nodes;
mod reads;
mod retention;
mod safekeeping;
mod statements;

use crate::StoreError;
use crate::db::Db;
use domain::World;
use futures::future::BoxFuture;
use std::future::Future;

/// The answer of a piece of work on the connection that it is given.
pub(crate) type Answer<'d, T> = BoxFuture<'d, Result<T, StoreError>>;

/// An engine.
pub(crate) trait Engine: Send + Sync {
    /// Reads on a connection that can't write. Each statement sees what is committed when it begins.
    fn read<T, W>(&self, work: W) -> impl Future<Output = Result<T, StoreError>> + Send
    where
        T: Send + 'static,
        W: for<'d> FnOnce(&'d Db) -> Answer<'d, T> + Send + 'static;

    /// As [`Engine::read`]; all statements see the same state.
    fn view<T, W>(&self, work: W) -> impl Future<Output = Result<T, StoreError>> + Send
    where
        T: Send + 'static,
        W: for<'d> FnOnce(&'d Db) -> Answer<'d, T> + Send + 'static;

    /// One write transaction, in its world's turn where worlds take turns; nothing of it stays when the work fails.
    fn write<T, W>(&self, world: World, work: W) -> impl Future<Output = Result<T, StoreError>> + Send
    where
        T: Send + 'static,
        W: for<'d> FnOnce(&'d Db) -> Answer<'d, T> + Send + 'static;
}
