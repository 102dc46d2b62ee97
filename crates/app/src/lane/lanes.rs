//! The lanes of a node: for each shard one, or several where the engine's writers do not stand in one line. A merchant has its own
//! lane, so that nobody waits for its root twice. A lane that breaks is begun again.

use super::queue::Queue;
use super::run::{Lane, Setup, pause};
use domain::id::{MerchantId, Shard};
use futures::FutureExt;
use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use store::{LaneSession, StoreError};

/// Pause before a lane that broke, or that gets no session, is begun again.
const AGAIN_AFTER: Duration = Duration::from_millis(200);

/// Their queues, and what they run on.
pub(crate) struct Lanes {
    queues: BTreeMap<Shard, Vec<Arc<Queue>>>,
    running: Mutex<Vec<Running>>,
}

enum Running {
    Thread(std::thread::JoinHandle<()>),
    Task(tokio::task::JoinHandle<()>),
}

impl Lanes {
    /// Queues for `per_shard` lanes of each shard. None of them is served before [`Lanes::start`].
    pub(crate) fn new(shards: Vec<Shard>, per_shard: usize, queue_max: usize) -> Lanes {
        let queues = |_| (0..per_shard.max(1)).map(|_| Arc::new(Queue::new(queue_max))).collect();
        let queues = shards.into_iter().map(|shard| (shard, queues(shard))).collect();
        Lanes { queues, running: Mutex::default() }
    }

    /// Where a merchant's commands go; `None` for a shard that is not there.
    pub(crate) fn queue_of(&self, merchant: MerchantId) -> Option<&Queue> {
        let queues = self.queues.get(&merchant.0.shard())?;
        // The last bits of an id are random.
        let random = merchant.0.0.last_chunk::<8>().map_or(0, |bytes| u64::from_be_bytes(*bytes));
        let at = random.checked_rem(u64::try_from(queues.len()).ok()?)?;
        queues.get(usize::try_from(at).ok()?).map(Arc::as_ref)
    }

    /// How full the fullest queue of a shard is, from 0 to 1.
    pub(crate) fn fill(&self, shard: Shard) -> f64 {
        self.queues.get(&shard).into_iter().flatten().map(|queue| queue.fill()).fold(0.0, f64::max)
    }

    /// Serves every queue, on a thread where the engine blocks, else as a task.
    ///
    /// # Errors
    /// [`StoreError`] when a lane gets no session or no thread.
    pub(crate) fn start(&self, make: impl Fn(Shard, &Arc<Queue>) -> Setup) -> Result<(), StoreError> {
        for (shard, queues) in &self.queues {
            for (at, queue) in queues.iter().enumerate() {
                let setup = make(*shard, queue);
                let session = setup.store.lane_session(*shard)?;
                let running = start_one(format!("lane-{}-{at}", shard.0), setup, session)?;
                self.running.lock().unwrap_or_else(PoisonError::into_inner).push(running);
            }
        }
        Ok(())
    }

    /// Takes no more work; what is in the queues is still done.
    pub(crate) fn close(&self) {
        self.queues.values().flatten().for_each(|queue| queue.close());
    }

    /// Waits until every lane has ended, each at most so long.
    pub(crate) async fn ended(&self, within: Duration) {
        let running = std::mem::take(&mut *self.running.lock().unwrap_or_else(PoisonError::into_inner));
        for one in running {
            let ended = match one {
                Running::Thread(thread) => {
                    let joined = tokio::task::spawn_blocking(move || drop(thread.join()));
                    tokio::time::timeout(within, joined).await.is_ok()
                }
                Running::Task(mut task) => {
                    let ended = tokio::time::timeout(within, &mut task).await.is_ok();
                    task.abort();
                    ended
                }
            };
            if !ended {
                tracing::error!("a lane did not end in time");
            }
        }
    }
}

#[allow(clippy::disallowed_methods)] // joined in `ended`
fn start_one(name: String, setup: Setup, session: Box<dyn LaneSession>) -> Result<Running, StoreError> {
    if !setup.store.lanes_block() {
        return Ok(Running::Task(setup.runtime.clone().spawn(Box::pin(serve(setup, session)))));
    }
    let thread = std::thread::Builder::new().name(name);
    let work = move || futures::executor::block_on(serve(setup, session));
    thread.spawn(work).map(Running::Thread).map_err(|error| StoreError::Unavailable(error.to_string()))
}

/// Serves a queue to its end. A panic ends the batch that it happened in, whose callers are answered as by a defect: the queue goes
/// on with a session of its own.
async fn serve(setup: Setup, session: Box<dyn LaneSession>) {
    let mut session = Some(session);
    while !setup.queue.is_over() {
        let opened = match session.take() {
            Some(session) => Ok(session),
            None => setup.store.lane_session(setup.shard),
        };
        let broke = match opened {
            Ok(session) => {
                let lane = Lane { setup: setup.clone(), session };
                AssertUnwindSafe(lane.run()).catch_unwind().await.is_err()
            }
            Err(error) => {
                tracing::warn!(%error, shard = setup.shard.0, "a lane gets no session");
                true
            }
        };
        if broke {
            metrics::counter!("feiqian_lane_restarts_total").increment(1);
            tracing::error!(shard = setup.shard.0, "a lane broke and is begun again");
            pause(&setup.runtime, AGAIN_AFTER).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lane::{Class, Command, ReEntry, Reply, Work};
    use crate::{Clock, NewMerchant, Refusal, create_merchant};
    use arc_swap::ArcSwap;
    use crypto::seal::{FileKeyProvider, MasterKey, Sealer};
    use domain::World;
    use domain::clock::RaiseKeyEpoch;
    use domain::decide::Number;
    use domain::id::IdMaker;
    use std::sync::atomic::{AtomicU32, Ordering};
    use store::Store;
    use store::sqlite::{SqliteConfig, SqliteStore, init};
    use tokio::sync::oneshot;

    #[test]
    fn merchants_are_spread_and_each_keeps_its_lane() {
        let lanes = Lanes::new(vec![Shard(0), Shard(1)], 4, 1);
        let mut ids = IdMaker::new(1_000_000, Shard(0), 7);
        let merchants: Vec<MerchantId> = (0..200).map(|_| ids.next()).collect();
        let lane_of = |merchant| std::ptr::from_ref(lanes.queue_of(merchant).unwrap());
        let used: std::collections::HashSet<_> = merchants.iter().map(|id| lane_of(*id)).collect();
        assert_eq!(used.len(), 4);
        assert!(merchants.iter().all(|id| lane_of(*id) == lane_of(*id)));
        let elsewhere: MerchantId = IdMaker::new(1_000_000, Shard(5), 7).next();
        assert!(lanes.queue_of(elsewhere).is_none());
    }

    /// Raises the key epoch of a merchant through a lane; answers what the caller hears.
    async fn raise(queue: &Queue, merchant: MerchantId) -> Result<Reply, Refusal> {
        let (reply, answer) = oneshot::channel();
        let command = Command::RaiseKeyEpoch(RaiseKeyEpoch { merchant });
        let work =
            Work { merchant, command, asked: None, re: ReEntry::default(), number: Number::Fresh, reply };
        assert!(queue.push(work, Class::Reserved).is_ok());
        answer.await.unwrap_or(Err(Refusal::Internal))
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_lane_that_breaks_answers_its_callers_and_is_begun_again() {
        let scratch = tempfile::tempdir().unwrap();
        let sealer = Arc::new(Sealer::new(Arc::new(FileKeyProvider::in_memory(MasterKey::generate()))));
        let clock = Clock::system();
        let config = SqliteConfig::new(scratch.path().join("feiqian.db"), sealer, clock.real_now_us());
        init(&config, ledger::Day(20_000)).unwrap();
        let store: Arc<dyn Store> = Arc::new(SqliteStore::open(&config).unwrap());
        let new = NewMerchant {
            world: World::Sandbox,
            name: "A".to_owned(),
            zone: "Asia/Shanghai".to_owned(),
            maturity_days: 1,
            debt_limit_minor: 0,
            partner: None,
        };
        let merchant = create_merchant(store.as_ref(), &new, clock.real_now_us()).await.unwrap().id;
        let known = crate::Config::new(store.snapshot().await.unwrap());
        let lanes = Lanes::new(store.shards(), 1, 8);
        let commits = Arc::new(AtomicU32::new(0));
        let told = Arc::clone(&commits);
        let config = Arc::new(ArcSwap::from_pointee(known));
        let make = |shard, queue: &Arc<Queue>| Setup {
            store: Arc::clone(&store),
            shard,
            queue: Arc::clone(queue),
            config: Arc::clone(&config),
            clock: clock.clone(),
            random: crate::outside::Random::system(),
            node: 1,
            lease_us: 1_000_000,
            batch_max: 8,
            committed: {
                let told = Arc::clone(&told);
                Arc::new(move |_: &[_]| {
                    assert!(told.fetch_add(1, Ordering::Relaxed) > 0, "a defect, made here")
                })
            },
            freshen: Arc::new(|| None),
            runtime: tokio::runtime::Handle::current(),
        };
        lanes.start(make).unwrap();
        let queue = lanes.queue_of(merchant).unwrap();
        assert_eq!(raise(queue, merchant).await.unwrap_err(), Refusal::Internal);
        assert!(raise(queue, merchant).await.is_ok());
        assert_eq!(commits.load(Ordering::Relaxed), 2);
        let head = store.head(merchant).await.unwrap().unwrap();
        assert_eq!(head.key_epoch, 3, "what was committed before the lane broke stays");
        lanes.close();
        lanes.ended(Duration::from_secs(5)).await;
    }
}
