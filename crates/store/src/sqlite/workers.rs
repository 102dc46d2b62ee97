//! Threads that own a connection each and run what is sent to them, one piece of work at a time. The queue is bounded: a
//! full one refuses at once.

use super::db::SqliteDb;
use crate::StoreError;
use crate::db::Db;
use crate::engine::Answer;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use tokio::sync::oneshot;

type Work<C> = Box<dyn FnOnce(&mut C) + Send>;

/// A group of threads over one queue.
pub(super) struct Workers<C> {
    queue: Option<SyncSender<Work<C>>>,
    threads: Vec<JoinHandle<()>>,
}

impl<C: Send + 'static> Workers<C> {
    /// Starts one thread per context.
    pub(super) fn start(name: &str, contexts: Vec<C>, queue_max: usize) -> std::io::Result<Workers<C>> {
        let (sender, receiver) = sync_channel::<Work<C>>(queue_max);
        let receiver = Arc::new(Mutex::new(receiver));
        let mut threads = Vec::with_capacity(contexts.len());
        for context in contexts {
            let receiver = Arc::clone(&receiver);
            let thread = std::thread::Builder::new().name(name.to_owned());
            threads.push(thread.spawn(move || serve(&receiver, context))?);
        }
        Ok(Workers { queue: Some(sender), threads })
    }

    /// Runs `work` on one of the threads. It runs to its end also when the caller stops waiting.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut C) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (answer, answered) = oneshot::channel();
        let job: Work<C> = Box::new(move |context| {
            // Nobody listens any more: the caller went away.
            let _ = answer.send(work(context));
        });
        let queue = self.queue.as_ref().ok_or_else(|| unavailable("the store is closing"))?;
        queue.try_send(job).map_err(|error| match error {
            TrySendError::Full(_) => unavailable("too many reads are waiting"),
            TrySendError::Disconnected(_) => unavailable("the store is closing"),
        })?;
        answered.await.map_err(|_| unavailable("the work was given up"))?
    }
}

fn unavailable(why: &str) -> StoreError {
    StoreError::Unavailable(why.to_owned())
}

fn serve<C>(queue: &Mutex<Receiver<Work<C>>>, mut context: C) {
    loop {
        // One thread at a time waits in `recv`, the others for the lock.
        let next = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(work) = next else { return };
        // A panic ends its own work only: the caller's answer is dropped and reads as an error.
        if catch_unwind(AssertUnwindSafe(|| work(&mut context))).is_err() {
            tracing::error!("a piece of work on the database panicked");
        }
    }
}

impl<C> Drop for Workers<C> {
    fn drop(&mut self) {
        self.queue = None;
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("a database thread panicked");
            }
        }
    }
}

/// A reader's connection and the bound on how long one read may hold its snapshot.
pub(super) struct ReadDb {
    pub(super) db: SqliteDb,
    pub(super) deadline: super::connection::Deadline,
}

impl ReadDb {
    /// Runs one read under the deadline.
    pub(super) fn read<T>(
        &mut self,
        work: impl for<'d> FnOnce(&'d Db) -> Answer<'d, T>,
    ) -> Result<T, StoreError> {
        self.deadline.start();
        let result = self.db.view(work);
        // Also after a panic or an interruption no snapshot stays open for the next read.
        self.db.roll_back();
        self.deadline.stop();
        result
    }
}
