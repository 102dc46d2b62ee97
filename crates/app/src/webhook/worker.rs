//! The deliverer as the rest of the node sees it: one pump per shard, so that no sandbox traffic delays a live event.

use super::client::{ClientFault, Clients, Post, Times};
use super::guard::UrlRules;
use super::plan::Limits;
use super::pump::{Pump, Signals};
use super::writer::Writer;
use crate::clock::Clock;
use crate::config::Config;
use crate::duty::Duty;
use crate::outside::Random;
use arc_swap::ArcSwap;
use domain::event::Event;
use domain::id::Shard;
use std::collections::{BTreeMap, HashMap};
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use store::Store;
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Events that wait between a lane and its pump.
const HINTS_MAX: usize = 4_096;

/// A connection to a receiver stands by then, milliseconds.
pub const CONNECT_TIMEOUT_MS: u64 = 5_000;
/// A receiver has answered by then, milliseconds.
pub const REQUEST_TIMEOUT_MS: u64 = 15_000;

/// What the deliverer is started with.
pub struct DelivererConfig {
    /// The database.
    pub store: Arc<dyn Store>,
    /// The node's configuration.
    pub config: Arc<ArcSwap<Config>>,
    /// Real time.
    pub clock: Clock,
    /// Spreads retries, makes ids of notices.
    pub random: Random,
    /// Whether a shard's deliveries are this node's to send.
    pub duty: Arc<Duty>,
    /// Who carries; `None` is the HTTP client.
    pub post: Option<Arc<dyn Post>>,
    /// What URLs may lead to.
    pub rules: UrlRules,
    /// Tries under way in one shard.
    pub concurrency: usize,
    /// Of them to one destination.
    pub per_destination: usize,
    /// Deliveries held in memory before their try, in one shard.
    pub ready_max: usize,
    /// Pause between two looks into the database while something is known to wait there.
    pub poll_ms: u64,
    /// The longest pause between two looks.
    pub idle_poll_ms: u64,
    /// Until a connection stands.
    pub connect_timeout_ms: u64,
    /// Until an answer's head is there.
    pub request_timeout_ms: u64,
    /// How long tries under way may go on when the node stops.
    pub stop_ms: u64,
}

impl DelivererConfig {
    /// The usual bounds.
    pub fn defaults(store: Arc<dyn Store>, config: Arc<ArcSwap<Config>>, clock: Clock) -> DelivererConfig {
        DelivererConfig {
            store,
            config,
            clock,
            random: Random::system(),
            duty: Arc::new(Duty::alone(0)),
            post: None,
            rules: UrlRules::default(),
            concurrency: 256,
            per_destination: 8,
            ready_max: 4_096,
            poll_ms: 500,
            idle_poll_ms: 2_000,
            connect_timeout_ms: CONNECT_TIMEOUT_MS,
            request_timeout_ms: REQUEST_TIMEOUT_MS,
            stop_ms: 5_000,
        }
    }

    fn carrier(&self) -> Result<Arc<dyn Post>, ClientFault> {
        if let Some(post) = &self.post {
            return Ok(Arc::clone(post));
        }
        let times = Times { connect_ms: self.connect_timeout_ms, total_ms: self.request_timeout_ms };
        Ok(Arc::new(Clients::new(self.rules, times)?))
    }

    fn limits(&self) -> Limits {
        Limits {
            concurrency: self.concurrency.max(1),
            per_destination: self.per_destination.max(1),
            ready_max: self.ready_max.max(1),
            ready_per_destination: 64,
            unwritten_max: 2_048,
        }
    }
}

/// Sends what merchants are to be told.
pub struct Deliverer;

impl Deliverer {
    /// Starts the work. Call it inside a tokio runtime. When no HTTP client can be made, which is a broken installation,
    /// nothing is sent and the database keeps what is due.
    pub fn start(config: DelivererConfig) -> DelivererHandle {
        let (tasks, stopping) = (TaskTracker::new(), CancellationToken::new());
        let mut shards = BTreeMap::new();
        match config.carrier() {
            Ok(clients) => {
                for shard in config.store.shards() {
                    shards.insert(shard, start_shard(&config, shard, &clients, &tasks, &stopping));
                }
            }
            Err(error) => tracing::error!(%error, "no webhook will be sent"),
        }
        tasks.close();
        let stop_within = Duration::from_millis(config.stop_ms.saturating_mul(2));
        DelivererHandle { shards, tasks, stopping, stop_within }
    }
}

fn start_shard(
    config: &DelivererConfig,
    shard: Shard,
    clients: &Arc<dyn Post>,
    tasks: &TaskTracker,
    stopping: &CancellationToken,
) -> Door {
    let limits = config.limits();
    let (hint, hints) = mpsc::channel(HINTS_MAX);
    let (outcome, outcomes) = mpsc::channel(limits.unwritten_max + limits.concurrency + 1);
    let (written_to, written) = mpsc::unbounded_channel();
    let door = Door { hint, wake: Arc::default(), overflowed: Arc::default() };
    let writer = Writer {
        store: Arc::clone(&config.store),
        config: Arc::clone(&config.config),
        clock: config.clock.clone(),
        random: config.random.clone(),
        shard,
        stopping: stopping.clone(),
        written: written_to,
        book: HashMap::new(),
    };
    let pump = Pump::new(
        shard,
        config,
        limits,
        Arc::clone(clients),
        outcome,
        Signals {
            hints,
            written,
            wake: Arc::clone(&door.wake),
            overflowed: Arc::clone(&door.overflowed),
            stopping: stopping.clone(),
        },
    );
    spawn(tasks, writer.run(outcomes));
    spawn(tasks, pump.run());
    door
}

/// The way to start a task here: tracked, so that stopping waits for it.
#[allow(clippy::disallowed_methods)] // the named place
fn spawn(tasks: &TaskTracker, task: impl Future<Output = ()> + Send + 'static) {
    tasks.spawn(task);
}

struct Door {
    hint: mpsc::Sender<Arc<Event>>,
    wake: Arc<Notify>,
    overflowed: Arc<AtomicBool>,
}

/// A running deliverer.
pub struct DelivererHandle {
    shards: BTreeMap<Shard, Door>,
    tasks: TaskTracker,
    stopping: CancellationToken,
    stop_within: Duration,
}

impl DelivererHandle {
    /// Tells of events that were just committed, in their order. Called on a lane's thread: never waits. What finds no room
    /// is found in the database.
    pub fn hint(&self, events: &[Event]) {
        for event in events.iter().filter(|event| !event.deliveries.is_empty()) {
            let Some(door) = self.shards.get(&event.id.0.shard()) else { continue };
            if door.hint.try_send(Arc::new(event.clone())).is_err() {
                door.overflowed.store(true, Ordering::SeqCst);
                door.wake.notify_one();
            }
        }
    }

    /// Looks into the database now: something there became due that no lane tells of (a replay, a test send).
    pub fn wake(&self) {
        for door in self.shards.values() {
            door.wake.notify_one();
        }
    }

    /// Starts nothing more, lets tries under way end and their outcomes be written, within a bound.
    pub async fn stop(&self) {
        self.stopping.cancel();
        if tokio::time::timeout(self.stop_within, self.tasks.wait()).await.is_err() {
            tracing::warn!(
                "webhooks: stopped before every outcome was written; those deliveries are tried once more"
            );
        }
    }
}

impl Drop for DelivererHandle {
    fn drop(&mut self) {
        self.stopping.cancel();
    }
}
