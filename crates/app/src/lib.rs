//! Use cases by noun, the lanes that carry their commands, and the work in the background. The only builder of write-sets.
//!
//! Channel calls never happen inside a lane: an attempt, capture or refund row is the job; the call starts from memory after
//! the commit that made it, and its fact comes back as a command of its own.

pub mod archive;
pub mod background;
mod calls;
pub mod clock;
pub mod config;
mod duty;
mod fresh;
mod gate;
pub mod lane;
mod numbers;
mod outside;
mod refusal;
mod resume;
pub mod seal;
pub mod statement;
pub mod unmatched;
mod usecase;
pub mod verify;
pub mod webhook;

pub use background::Retention;
pub use clock::Clock;
pub use config::{Config, KeyConfig, MerchantConfig};
pub use duty::Duty;
pub use gate::Channels;
pub use lane::{Asked, IdempotencyKey, ReEntry};
pub use outside::{Outside, Random, Randomness};
pub use refusal::Refusal;
pub use resume::Resumed;
pub use usecase::*;

use arc_swap::ArcSwap;
use async_trait::async_trait;
use channels::CallbackAnswer;
use channels::sandbox::NoticeSink;
use domain::decide::Number;
use domain::id::{AttemptId, ChannelAccountId, KeyId, MerchantId, World};
use fresh::Fresh;
use gate::Gate;
use lane::lanes::Lanes;
use lane::{Class, Command, Reply, Work};
use std::collections::{HashMap, HashSet};
use std::future::Future;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::time::Duration;
use store::{Store, StoreError};
use tokio::sync::{Semaphore, oneshot};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The node's settings.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The longest that a request waits for a channel's answer, milliseconds.
    pub sync_wait_ms: u64,
    /// How long work born here is leased to this node, milliseconds. Longer than any channel call.
    pub lease_ms: u64,
    /// The most commands in one batch.
    pub batch_max: usize,
    /// Lanes of one shard, where the engine lets several write at once.
    pub lanes_per_shard: usize,
    /// The most new commands that wait in one lane.
    pub lane_queue_max: usize,
    /// Pause between two looks for work that came due, milliseconds.
    pub due_poll_ms: u64,
    /// Whether webhooks of the sandbox may go to private and loopback addresses.
    pub allow_private_webhooks: bool,
    /// Whether the node takes its share of the background work; a command line that helps itself beside nodes does not.
    pub takes_duty: bool,
    /// How long what may go is kept; `None`: for ever.
    pub retention: Option<Retention>,
    /// Where Excel files are made before they are sent; they have no names there and go away by themselves.
    pub scratch_dir: PathBuf,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            sync_wait_ms: 5_000,
            lease_ms: 30_000,
            batch_max: 64,
            lanes_per_shard: 2,
            lane_queue_max: 4_096,
            due_poll_ms: 500,
            allow_private_webhooks: false,
            takes_duty: true,
            retention: None,
            scratch_dir: std::env::temp_dir(),
        }
    }
}

/// Excel files that are made at once.
const EXCEL_AT_ONCE: usize = 2;
/// Blocks that are hashed for proofs at once.
const PROOFS_AT_ONCE: usize = 2;

/// The platform as its faces see it. Cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Inner>);

struct Inner {
    store: Arc<dyn Store>,
    config: Arc<ArcSwap<Config>>,
    confirmed: fresh::Confirmed,
    clock: Clock,
    random: Random,
    settings: Settings,
    /// The only way to a channel.
    gate: Gate,
    resume: resume::Progress,
    lanes: Lanes,
    /// What background work is this node's.
    duty: Arc<Duty>,
    tasks: TaskTracker,
    stopping: CancellationToken,
    /// Attempts whose call or query is under way on this node.
    asking: Mutex<HashSet<AttemptId>>,
    /// When an attempt was last asked about because somebody read it.
    asked_on_read: Mutex<HashMap<AttemptId, i64>>,
    /// Merchants whose statements this node forms at the moment.
    forming: Mutex<HashSet<MerchantId>>,
    /// Excel files being made, a bound on disk and processor.
    excel_turns: Semaphore,
    /// Blocks being hashed for proofs, a bound on the processor.
    proof_turns: Semaphore,
    leaves: seal::leaves::LeafCache,
    deliverer: OnceLock<webhook::DelivererHandle>,
    salt_key: [u8; 32],
}

/// Who asks, as authenticated.
#[derive(Debug, Clone, Copy)]
pub struct Caller {
    /// The merchant acted for.
    pub merchant: MerchantId,
    /// Its world.
    pub world: World,
    /// The key.
    pub key: Option<KeyId>,
    /// The merchant's key epoch under which the key was found good.
    pub key_epoch: i64,
}

/// What an answer carries besides the object.
#[derive(Debug, Clone)]
pub struct Answer<T> {
    /// The object.
    pub object: T,
    /// Made by this request; otherwise it stood already.
    pub fresh: bool,
}

/// Everything that a node is started with.
pub struct Start {
    /// The database.
    pub store: Arc<dyn Store>,
    /// Real time.
    pub clock: Clock,
    /// Randomness and the way to receivers of webhooks.
    pub outside: Outside,
    /// Settings.
    pub settings: Settings,
    /// Channels.
    pub channels: Channels,
    /// Salts the leaves of sealed blocks; derived from the master key.
    pub salt_key: [u8; 32],
}

/// The door through which a channel in this process reaches the platform. Made before the channel, opened when the platform
/// runs.
#[derive(Default)]
pub struct NoticeDoor(OnceLock<Weak<Inner>>);

#[async_trait]
impl NoticeSink for NoticeDoor {
    async fn deliver(
        &self,
        account: ChannelAccountId,
        headers: Vec<(String, String)>,
        body: Vec<u8>,
    ) -> bool {
        let Some(inner) = self.0.get().and_then(Weak::upgrade) else { return false };
        let answer = App(inner).channel_notice(account, headers, body.into()).await;
        answer.status == 200
    }
}

impl App {
    /// Reads the configuration, starts lanes and background work.
    ///
    /// # Errors
    /// [`StoreError`] when the database can't be read.
    pub async fn start(start: Start, door: Option<&NoticeDoor>) -> Result<App, StoreError> {
        let confirmed = fresh::Confirmed::at(start.clock.real_now_us());
        let config = Arc::new(ArcSwap::from_pointee(read_config(start.store.as_ref()).await?));
        let Outside { random, webhooks } = start.outside;
        let node = i64::from_be_bytes(random.bytes()) & i64::MAX;
        let lease_us = i64::try_from(start.settings.lease_ms).unwrap_or(30_000).saturating_mul(1_000);
        let duty = Arc::new(match start.store.is_shared() {
            true => Duty::shared(node, start.clock.clone(), lease_us),
            false => Duty::alone(node),
        });
        let lanes = Lanes::new(
            start.store.shards(),
            lanes_of(start.store.as_ref(), &start.settings),
            start.settings.lane_queue_max,
        );
        let gate = Gate::new(start.channels, Arc::clone(&config));
        let inner = Arc::new(Inner {
            store: start.store,
            config,
            confirmed,
            clock: start.clock,
            random,
            settings: start.settings,
            gate,
            resume: resume::Progress::default(),
            lanes,
            duty,
            tasks: TaskTracker::new(),
            stopping: CancellationToken::new(),
            asking: Mutex::default(),
            asked_on_read: Mutex::default(),
            forming: Mutex::default(),
            excel_turns: Semaphore::new(EXCEL_AT_ONCE),
            proof_turns: Semaphore::new(PROOFS_AT_ONCE),
            leaves: seal::leaves::LeafCache::default(),
            deliverer: OnceLock::new(),
            salt_key: start.salt_key,
        });
        let app = App(inner);
        if app.0.settings.takes_duty {
            app.renew_duty().await;
        }
        app.start_deliverer(webhooks);
        app.start_lanes(node)?;
        if let Some(door) = door {
            let _ = door.0.set(Arc::downgrade(&app.0));
        }
        background::start(&app);
        Ok(app)
    }

    fn start_deliverer(&self, post: Option<Arc<dyn webhook::Post>>) {
        let handle = webhook::Deliverer::start(webhook::DelivererConfig {
            store: Arc::clone(&self.0.store),
            config: Arc::clone(&self.0.config),
            clock: self.0.clock.clone(),
            random: self.0.random.clone(),
            duty: Arc::clone(&self.0.duty),
            post,
            rules: webhook::guard::UrlRules { allow_private: self.0.settings.allow_private_webhooks },
            ..webhook::DelivererConfig::defaults(
                Arc::clone(&self.0.store),
                Arc::clone(&self.0.config),
                self.0.clock.clone(),
            )
        });
        let _ = self.0.deliverer.set(handle);
    }

    fn start_lanes(&self, node: i64) -> Result<(), StoreError> {
        let weak = Arc::downgrade(&self.0);
        let committed = Arc::new(move |events: &[domain::event::Event]| {
            if let Some(deliverer) = weak.upgrade().as_ref().and_then(|inner| inner.deliverer.get()) {
                deliverer.hint(events);
            }
        });
        let weak = Arc::downgrade(&self.0);
        let freshen = Arc::new(move || weak.upgrade().map(App).and_then(|app| app.freshen()));
        let settings = &self.0.settings;
        self.0.lanes.start(|shard, queue| lane::Setup {
            store: Arc::clone(&self.0.store),
            shard,
            queue: Arc::clone(queue),
            config: Arc::clone(&self.0.config),
            clock: self.0.clock.clone(),
            random: self.0.random.clone(),
            node,
            lease_us: i64::try_from(settings.lease_ms).unwrap_or(30_000).saturating_mul(1_000),
            batch_max: settings.batch_max,
            committed: committed.clone(),
            freshen: freshen.clone(),
            runtime: tokio::runtime::Handle::current(),
        })
    }

    /// Takes no new work, finishes what was accepted, within the given time.
    pub async fn stop(&self, within: Duration) {
        self.0.stopping.cancel();
        self.0.tasks.close();
        if tokio::time::timeout(within, self.0.tasks.wait()).await.is_err() {
            tracing::warn!(
                "stopping although work is still under way; it is leased and will be taken up again"
            );
        }
        if let Some(deliverer) = self.0.deliverer.get() {
            deliverer.stop().await;
        }
        self.give_up_duty().await;
        self.0.lanes.close();
        self.seal_rest().await;
        self.0.lanes.ended(within).await;
    }

    /// Real time.
    pub fn clock(&self) -> Clock {
        self.0.clock.clone()
    }

    /// The node's configuration as cached.
    pub fn config(&self) -> Arc<Config> {
        self.0.config.load_full()
    }

    /// Whether commands are taken.
    ///
    /// # Errors
    /// A sentence for `/readyz`.
    pub async fn ready(&self) -> Result<(), String> {
        if self.0.stopping.is_cancelled() {
            return Err("stopping".to_owned());
        }
        if self.0.gate.is_held() {
            return Err(Refusal::held_sentence().to_owned());
        }
        self.0.store.ping().await.map_err(|error| error.to_string())
    }

    /// Nodes that serve the database at this moment, as far as is known: this one among them.
    pub fn nodes(&self) -> u32 {
        self.0.duty.nodes()
    }

    fn store(&self) -> &dyn Store {
        self.0.store.as_ref()
    }

    /// The one way to start a task: tracked, so that stopping waits for it, and its panics are counted.
    #[allow(clippy::disallowed_methods)] // the named helper
    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        // Boxed: a task's future is moved several times on its way into the runtime, and these are kilobytes.
        self.0.tasks.spawn(Box::pin(task));
    }

    /// Runs a use case to its end, whatever becomes of the request that asked for it: a caller who goes away between two
    /// steps leaves nothing half done.
    async fn detached<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, Refusal>> + Send + 'static,
    ) -> Result<T, Refusal> {
        let (done, wait) = oneshot::channel();
        self.spawn(async move {
            let _ = done.send(work.await);
        });
        wait.await.unwrap_or(Err(Refusal::Internal))
    }

    /// Sends a command to its merchant's lane and waits for the commit.
    async fn submit(&self, work: Submit, class: Class) -> Result<Reply, Refusal> {
        let queue = self.0.lanes.queue_of(work.merchant).ok_or(Refusal::NotFound("merchant"))?;
        let (reply, answer) = oneshot::channel();
        let number = match work.asked {
            Some(_) => self.number(work.merchant, &work.command, &work.re),
            None => Number::Fresh,
        };
        let Submit { merchant, command, asked, re } = work;
        queue
            .push(Work { merchant, command, asked, re, number, reply }, class)
            .map_err(|_| Refusal::Overloaded)?;
        answer.await.unwrap_or(Err(Refusal::Internal))
    }

    /// A command of a caller. One that a channel would have to be called for is refused while nothing may leave.
    async fn ask(&self, caller: &Caller, command: Command, re: ReEntry) -> Result<Reply, Refusal> {
        let fresh = self.fresh_config().await?;
        self.ask_by(caller, command, re, fresh).await
    }

    /// As [`App::ask`], of a command that was made by an earlier look at the configuration.
    async fn ask_by(
        &self,
        caller: &Caller,
        command: Command,
        re: ReEntry,
        fresh: Fresh,
    ) -> Result<Reply, Refusal> {
        if command.leads_to_calls() {
            self.0.gate.open()?;
        }
        let asked = Some(Asked { key_epoch: caller.key_epoch, key: caller.key, fresh });
        self.submit(Submit { merchant: caller.merchant, command, asked, re }, Class::New).await
    }

    /// What a caller's request brings to a control write.
    pub(crate) fn asked(&self, caller: &Caller, re: ReEntry) -> store::control::Asked {
        store::control::Asked {
            merchant: caller.merchant,
            key_epoch: caller.key_epoch,
            key: caller.key,
            nonce: re.nonce,
            idempotency: re.key.map(|key| (key.hash, key.fingerprint)),
            at_us: self.0.clock.real_now_us(),
        }
    }

    /// A command of the platform's own, tried once.
    async fn submit_own(&self, merchant: MerchantId, command: Command) -> Result<Reply, Refusal> {
        let work = Submit { merchant, command, asked: None, re: ReEntry::default() };
        self.submit(work, Class::Reserved).await
    }

    /// A command of the platform's own: results, notices, deadlines. A full queue or an absent database is waited for, because
    /// a fact is never thrown away; what is not through after half a minute is found again by its lease.
    async fn apply(&self, merchant: MerchantId, command: Command) -> Result<Reply, Refusal> {
        let mut pause_ms = 20;
        loop {
            match self.submit_own(merchant, command.clone()).await {
                Err(Refusal::Overloaded | Refusal::StoreUnavailable) if pause_ms < 10_000 => {
                    tokio::time::sleep(Duration::from_millis(pause_ms)).await;
                    pause_ms *= 2;
                }
                answer => return answer,
            }
        }
    }

    /// A merchant's business time.
    ///
    /// # Errors
    /// [`Refusal::NotFound`], [`Refusal::StoreUnavailable`].
    pub async fn business_now_us(&self, merchant: MerchantId) -> Result<i64, Refusal> {
        let head = self.store().head(merchant).await?.ok_or(Refusal::NotFound("merchant"))?;
        Ok(self.0.clock.real_now_us().saturating_add(head.clock_offset_us))
    }
}

/// An engine with one writer has one lane a shard.
fn lanes_of(store: &dyn Store, settings: &Settings) -> usize {
    if store.lanes_block() { 1 } else { settings.lanes_per_shard }
}

struct Submit {
    merchant: MerchantId,
    command: Command,
    asked: Option<Asked>,
    re: ReEntry,
}

async fn read_config(store: &dyn Store) -> Result<Config, StoreError> {
    Ok(Config::new(store.snapshot().await?))
}

/// What a channel's HTTP callback is answered.
pub type NoticeAnswer = CallbackAnswer;
