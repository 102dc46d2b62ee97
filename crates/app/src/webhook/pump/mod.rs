//! One shard's loop: hints and due rows in, tries out, outcomes to the writer. It alone holds the plan, so nothing is locked.

mod outcome;

use super::client::{Answer, Post, Request};
use super::guard;
use super::look::{Look, gone, look};
use super::plan::{Admission, Destination, Job, Limits, Plan};
use super::worker::DelivererConfig;
use super::writer::{Outcome, Written};
use crate::clock::Clock;
use crate::config::Config;
use crate::duty::{Duty, UnderWay};
use crate::outside::Random;
use arc_swap::ArcSwap;
use domain::event::Event;
use domain::id::{DeliveryId, EndpointId, Shard, World};
use futures::FutureExt;
use std::collections::{HashMap, HashSet};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use store::control::EndpointStatus;
use store::{Store, StoreError};
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// The least number of rows that one look asks for beyond those in memory.
const LOOK_MAX: usize = 256;
/// Deliveries that wait when the node starts, of which one is looked at for each object.
const WAITED_MAX: u32 = 1_000;
/// The least time between two looks.
const LOOK_PAUSE: Duration = Duration::from_millis(20);
/// Hints taken up in one turn.
const HINTS_AT_ONCE: usize = 256;
/// How long a delivery to a destination that is busy but well is put off.
const BUSY_PAUSE_US: i64 = 30_000_000;

/// What the pump hears.
pub(super) struct Signals {
    pub(super) hints: mpsc::Receiver<Arc<Event>>,
    pub(super) written: mpsc::UnboundedReceiver<Written>,
    pub(super) wake: Arc<Notify>,
    pub(super) overflowed: Arc<AtomicBool>,
    pub(super) stopping: CancellationToken,
}

pub(super) struct Pump {
    shard: Shard,
    store: Arc<dyn Store>,
    config: Arc<ArcSwap<Config>>,
    clock: Clock,
    random: Random,
    duty: Arc<Duty>,
    was_ours: bool,
    /// Rises when the shard's work is lost: what was looked up before is another node's to send by then.
    term: u64,
    /// As long as anything is in the plan.
    under_way: Option<UnderWay>,
    clients: Arc<dyn Post>,
    plan: Plan,
    outcomes: mpsc::Sender<Outcome>,
    signals: Signals,
    tries: JoinSet<Tried>,
    /// With the term in which each began.
    look: JoinSet<(u64, Result<Look, StoreError>)>,
    /// Written while a look is under way, which may have read them before.
    late: Vec<DeliveryId>,
    /// Ended ones that others in the database wait for.
    awaited: HashSet<DeliveryId>,
    /// Endpoints that the configuration will show as disabled from this sequence on.
    disabled: HashMap<EndpointId, i64>,
    next_look: Instant,
    pause: Duration,
    busy_pause: Duration,
    idle_pause: Duration,
    stop_pause: Duration,
}

/// What a try needs.
enum Prepared {
    Send {
        url: String,
        secrets: Vec<Vec<u8>>,
    },
    /// Nothing is sent any more, says the configuration of this version.
    GiveUp {
        error: &'static str,
        version: i64,
    },
}

/// What came of a delivery that was taken up, with the real time at which that began.
enum Tried {
    Sent(Job, i64, Answer),
    /// Not to be sent. It is certain when the configuration that says so is still in force.
    Judged {
        job: Job,
        at_us: i64,
        error: &'static str,
        version: i64,
        is_certain: bool,
    },
}

impl Pump {
    pub(super) fn new(
        shard: Shard,
        config: &DelivererConfig,
        limits: Limits,
        clients: Arc<dyn Post>,
        outcomes: mpsc::Sender<Outcome>,
        signals: Signals,
    ) -> Pump {
        Pump {
            shard,
            store: Arc::clone(&config.store),
            config: Arc::clone(&config.config),
            clock: config.clock.clone(),
            random: config.random.clone(),
            was_ours: config.duty.is_ours(shard),
            term: 0,
            under_way: None,
            duty: Arc::clone(&config.duty),
            clients,
            plan: Plan::new(limits, config.clock.real_now_us()),
            outcomes,
            signals,
            tries: JoinSet::new(),
            look: JoinSet::new(),
            late: Vec::new(),
            awaited: HashSet::new(),
            disabled: HashMap::new(),
            next_look: Instant::now(),
            pause: Duration::from_millis(config.poll_ms),
            busy_pause: Duration::from_millis(config.poll_ms),
            // Of what other nodes commit no hint tells.
            idle_pause: Duration::from_millis(match config.duty.is_shared() {
                true => config.poll_ms,
                false => config.idle_poll_ms.max(config.poll_ms),
            }),
            stop_pause: Duration::from_millis(config.stop_ms),
        }
    }

    pub(super) async fn run(mut self) {
        let stopping = self.signals.stopping.clone();
        let wake = Arc::clone(&self.signals.wake);
        tokio::select! {
            biased;
            () = stopping.cancelled() => return,
            () = self.learn_what_waited() => {}
        }
        loop {
            self.start_tries();
            tokio::select! {
                biased;
                () = stopping.cancelled() => break,
                Some(hint) = self.signals.hints.recv() => self.hear(hint),
                Some(written) = self.signals.written.recv() => self.written(written),
                Some(ended) = self.tries.join_next() => if let Ok(ended) = ended { self.ended(ended) },
                Some(look) = self.look.join_next() => {
                    let (term, look) = look.unwrap_or_else(|_| (self.term, Err(gone())));
                    self.looked(term, look);
                }
                () = wake.notified() => self.look_soon(),
                () = tokio::time::sleep_until(self.next_look), if self.look.is_empty() => self.start_look(),
            }
        }
        self.finish().await;
    }

    /// Nothing is sent before it is known: a hint of an object would go ahead of older events that wait, which a look finds only when
    /// they come due.
    async fn learn_what_waited(&mut self) {
        loop {
            match self.store.deliveries_due(self.shard, i64::MAX, WAITED_MAX).await {
                Ok(rows) => return self.plan.waited(rows.iter().map(|row| row.event.object)),
                Err(error) => tracing::warn!(%error, "what waits to be delivered is not known yet"),
            }
            tokio::time::sleep(self.busy_pause).await;
        }
    }

    /// Tries under way may end; the writer ends when this is dropped.
    async fn finish(mut self) {
        let within = self.stop_pause;
        let ending = async {
            while let Some(ended) = self.tries.join_next().await {
                if let Ok(ended) = ended {
                    self.ended(ended);
                }
            }
        };
        let _ = tokio::time::timeout(within, ending).await;
        self.tries.shutdown().await;
    }

    fn measure(&self) {
        let world = self.shard.world().as_str();
        let count = |n: usize| u32::try_from(n).map_or(f64::from(u32::MAX), f64::from);
        metrics::gauge!("feiqian_webhook_queue", "world" => world).set(count(self.plan.active()));
        metrics::gauge!("feiqian_webhook_tries_running", "world" => world).set(count(self.plan.running()));
    }

    fn hear(&mut self, first: Arc<Event>) {
        if self.duty.is_shared() {
            // An earlier event of the object may be another node's, which no hint tells of: the database knows the order.
            return self.look_soon();
        }
        self.mind_overflow();
        let mut left = HINTS_AT_ONCE;
        let mut next = Some(first);
        while let Some(event) = next {
            for job in Job::of_event(&event) {
                self.mind_failures(&job);
                if !self.plan.hint(job) {
                    self.look_soon();
                }
            }
            left -= 1;
            next = if left > 0 { self.signals.hints.try_recv().ok() } else { None };
        }
    }

    fn mind_overflow(&mut self) {
        if self.signals.overflowed.swap(false, Ordering::SeqCst) {
            metrics::counter!("feiqian_webhook_hints_lost_total").increment(1);
            self.plan.distrust(self.clock.real_now_us());
        }
    }

    /// What the endpoint's row says of the time before this node started.
    fn mind_failures(&mut self, job: &Job) {
        if let Some(id) = job.endpoint {
            let config = self.config.load();
            let endpoint = config.merchant(job.event.merchant).and_then(|m| m.endpoint(id));
            let failures = endpoint.map_or(0, |endpoint| endpoint.failures);
            self.plan.known_failures(Destination::Endpoint(id), failures);
        }
    }

    fn look_soon(&mut self) {
        self.mind_overflow();
        self.next_look = self.next_look.min(Instant::now() + LOOK_PAUSE);
    }

    #[allow(clippy::disallowed_methods)] // joined in the loop, one at a time
    fn start_look(&mut self) {
        self.measure();
        if !self.may_send() {
            // What is due stays due.
            self.next_look = Instant::now() + self.busy_pause;
            return;
        }
        // Set again by whatever asks for another look while this one is under way.
        self.next_look = Instant::now() + self.idle_pause;
        let (store, config) = (Arc::clone(&self.store), Arc::clone(&self.config));
        let (shard, real_now_us) = (self.shard, self.clock.real_now_us());
        let limit = u32::try_from(self.plan.active() + LOOK_MAX).unwrap_or(u32::MAX);
        let term = self.term;
        self.look
            .spawn(async move { (term, look(store.as_ref(), &config, shard, real_now_us, limit).await) });
    }

    fn looked(&mut self, term: u64, look: Result<Look, StoreError>) {
        let mut found = false;
        let is_ours = self.may_send() && term == self.term;
        match look {
            // It took longer than the lease: another node sends what it found.
            Ok(_) if !is_ours => {}
            Ok(Look { rows, full }) => {
                for row in rows {
                    let job = Job::of_delivery(row);
                    self.mind_failures(&job);
                    match self.plan.due(job) {
                        Admission::Taken => found = true,
                        Admission::Later => {}
                        Admission::PutOff { job, failing } => {
                            found = true;
                            self.put_off(*job, failing);
                        }
                    }
                }
                if full && found {
                    self.next_look = self.next_look.min(Instant::now() + LOOK_PAUSE);
                }
            }
            Err(error) => {
                tracing::warn!(%error, shard = self.shard.0, "looking for due deliveries came to nothing")
            }
        }
        let late = std::mem::take(&mut self.late);
        self.plan.written(&late);
        let works = found || self.plan.knows_work() || self.plan.active() > 0;
        self.pause = if works { self.busy_pause } else { (self.pause * 2).min(self.idle_pause) };
        self.next_look = self.next_look.min(Instant::now() + self.pause);
    }

    /// Spreads retries.
    fn spread(&self) -> u32 {
        u32::from_be_bytes(self.random.bytes())
    }

    /// Whether nothing may leave the installation.
    fn is_held(&self) -> bool {
        self.config.load().held_since_us.is_some()
    }

    /// Whether what is due is to be sent, and by this node.
    fn may_send(&mut self) -> bool {
        let is_ours = self.duty.is_ours(self.shard);
        if self.was_ours && !is_ours {
            self.plan.forget(self.clock.real_now_us());
            self.term += 1;
        }
        self.was_ours = is_ours;
        is_ours && !self.is_held()
    }

    /// Starts what may start. Whoever hands the shard over waits until nothing is left of it here.
    fn start_tries(&mut self) {
        // Before it is asked whose the shard is.
        self.under_way.get_or_insert_with(|| self.duty.begin(self.shard));
        self.try_ready();
        if self.plan.active() == 0 {
            self.under_way = None;
        }
    }

    /// The one place where tries begin.
    fn try_ready(&mut self) {
        if !self.may_send() {
            return;
        }
        // Asked again for each: a node that slept in between must not go on.
        while self.duty.is_ours(self.shard)
            && let Some(job) = self.plan.take()
        {
            let now_us = self.clock.real_now_us();
            match self.prepare(&job, now_us) {
                Prepared::Send { url, secrets } => self.start_try(job, url, secrets, now_us),
                Prepared::GiveUp { error, version } => self.start_judging(job, now_us, error, version),
            }
        }
    }

    fn prepare(&self, job: &Job, now_us: i64) -> Prepared {
        let config = self.config.load();
        let give_up = |error| Prepared::GiveUp { error, version: config.version };
        let Some(merchant) = config.merchant(job.event.merchant) else {
            return give_up("merchant_unknown");
        };
        let Some(id) = job.endpoint else {
            let known = merchant.endpoints.iter().map(|endpoint| endpoint.url.as_str());
            return match self.shard.world() {
                World::Live if !guard::host_is_registered(&job.url, known) => give_up("host_not_registered"),
                World::Live | World::Sandbox => {
                    Prepared::Send { url: job.url.clone(), secrets: vec![merchant.default_secret.clone()] }
                }
            };
        };
        let Some(endpoint) = merchant.endpoint(id) else { return give_up("endpoint_disabled") };
        let disabled_since = self.disabled.get(&id).copied().unwrap_or(i64::MIN);
        if endpoint.status == EndpointStatus::Disabled || endpoint.sequence < disabled_since {
            return give_up("endpoint_disabled");
        }
        let mut secrets = vec![endpoint.secret.clone()];
        secrets.extend(
            endpoint.old_secret.iter().filter(|(_, until_us)| now_us < *until_us).map(|(old, _)| old.clone()),
        );
        // Where the endpoint is now, not where it was when the event happened.
        Prepared::Send { url: endpoint.url.clone(), secrets }
    }

    #[allow(clippy::disallowed_methods)] // joined in the loop
    fn start_try(&mut self, job: Job, url: String, secrets: Vec<Vec<u8>>, now_us: i64) {
        let clients = Arc::clone(&self.clients);
        let world = self.shard.world();
        self.tries.spawn(async move {
            let id = job.event.id.to_string();
            let secrets: Vec<&[u8]> = secrets.iter().map(Vec::as_slice).collect();
            let request = Request {
                url: &url,
                world,
                id: &id,
                timestamp_s: now_us.div_euclid(1_000_000),
                body: &job.event.body,
                secrets: &secrets,
            };
            // A try that panics must still give its slot back.
            let answer = AssertUnwindSafe(clients.post(&request, now_us)).catch_unwind().await;
            let answer = answer.unwrap_or(Answer {
                status: None,
                latency_ms: 0,
                error: Some("internal"),
                retry_after_s: None,
            });
            Tried::Sent(job, now_us, answer)
        });
    }

    /// Asks whether the configuration that says that nothing is sent is the newest: an endpoint may have been enabled, or a host
    /// registered, through another node.
    #[allow(clippy::disallowed_methods)] // joined in the loop
    fn start_judging(&mut self, job: Job, at_us: i64, error: &'static str, version: i64) {
        let store = Arc::clone(&self.store);
        self.tries.spawn(async move {
            let newest = store.snapshot_version().await;
            let is_certain = newest.is_ok_and(|newest| newest == version);
            Tried::Judged { job, at_us, error, version, is_certain }
        });
    }
}
