//! What is sent next. Pure: order per object, bounds per destination, and what is known to wait in the database. The database
//! stays the truth; whatever this plan forgets or refuses is found there again.

use domain::event::Event;
use domain::id::{DeliveryId, EndpointId, MerchantId, Uid};
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use store::reads::{Delivery, delivery_id};

/// Events of one object that wait in memory behind one that is under way.
const BEHIND_MAX: usize = 8;
/// Objects of which it is remembered that they wait in the database.
const PARKED_MAX: usize = 20_000;
/// Destinations remembered.
const DESTINATIONS_MAX: usize = 20_000;
/// A destination that answers slower than this gets few slots.
const SLOW_MS: i64 = 3_000;

/// Where deliveries queue up together. All `notify_url`s of a merchant are one destination, so that a name per payment can't
/// take every slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Destination {
    Endpoint(EndpointId),
    NotifyUrls(MerchantId),
}

/// One delivery, ready to be sent.
#[derive(Debug, Clone)]
pub(super) struct Job {
    pub(super) id: DeliveryId,
    pub(super) event: Arc<Event>,
    pub(super) endpoint: Option<EndpointId>,
    pub(super) url: String,
    /// Tries made before.
    pub(super) tries: i64,
    /// The delivery's fence, under which the outcome of the next try counts.
    pub(super) fence: i64,
    /// Read from the database, where more of its object may wait than this node knows.
    pub(super) found: bool,
}

impl Job {
    /// The deliveries of an event that was just committed.
    pub(super) fn of_event(event: &Arc<Event>) -> impl Iterator<Item = Job> {
        (0u8..).zip(&event.deliveries).map(|(slot, new)| Job {
            id: delivery_id(event.id, slot),
            event: Arc::clone(event),
            endpoint: new.endpoint,
            url: new.url.clone(),
            tries: 0,
            fence: 0,
            found: false,
        })
    }

    /// A delivery as the database holds it.
    pub(super) fn of_delivery(delivery: Delivery) -> Job {
        let Delivery { id, event, endpoint, url, tries, fence, .. } = delivery;
        Job { id, event: Arc::new(event), endpoint, url, tries, fence, found: true }
    }

    pub(super) fn destination(&self) -> Destination {
        self.endpoint.map_or(Destination::NotifyUrls(self.event.merchant), Destination::Endpoint)
    }

    fn key(&self) -> Key {
        (self.destination(), self.event.object)
    }
}

/// One object's events at one destination go in order.
type Key = (Destination, Uid);

/// The bounds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Tries under way.
    pub(super) concurrency: usize,
    /// Of them to one destination.
    pub(super) per_destination: usize,
    /// Deliveries in memory that were not started.
    pub(super) ready_max: usize,
    /// Of them for one destination.
    pub(super) ready_per_destination: usize,
    /// Outcomes that are not in the database yet: above it nothing is started.
    pub(super) unwritten_max: usize,
}

impl Limits {
    /// Slots that destinations which fail or are slow share among them.
    fn suspects_max(self) -> usize {
        (self.concurrency / 4).max(1)
    }

    fn per_suspect(self) -> usize {
        self.per_destination.div_ceil(4)
    }

    fn per_merchant(self) -> usize {
        (self.concurrency / 2).max(1)
    }
}

#[derive(Default)]
struct Line {
    running: usize,
    /// Of those running, how many were started while it was a suspect.
    running_as_suspect: usize,
    ready: VecDeque<Job>,
    failures: i64,
    slow: bool,
    in_turn: bool,
}

impl Line {
    fn is_suspect(&self) -> bool {
        self.failures >= 2 || self.slow
    }

    fn ready_max(&self, limits: Limits) -> usize {
        if self.is_suspect() { limits.per_destination } else { limits.ready_per_destination }
    }
}

/// What becomes of a delivery that the database says is due.
#[derive(Debug)]
pub(super) enum Admission {
    /// It waits for a slot in memory.
    Taken,
    /// It is under way already, or has to wait: the next look finds it again.
    Later,
    /// Its destination has more waiting than it can take. It is put off, so that it does not hide others that are due; it
    /// counts as a try when the destination is failing.
    PutOff { job: Box<Job>, failing: bool },
}

/// The end of a try, as the plan needs to know it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ended {
    /// Succeeded or given up: the object's next event may go.
    pub(super) done: bool,
    /// The receiver's failing; `None` when it was not asked.
    pub(super) failed: Option<bool>,
    pub(super) latency_ms: i64,
}

pub(super) struct Plan {
    limits: Limits,
    /// Objects made after this are known whole from hints; about older ones the database is asked.
    trusted_since_ms: u64,
    /// The newest event or object seen.
    newest_ms: u64,
    lines: HashMap<Destination, Line>,
    /// Destinations that may have something to start, each once.
    turn: VecDeque<Destination>,
    /// Objects of which one delivery is ready or running; with what waits behind it.
    busy: HashMap<Key, VecDeque<Job>>,
    /// Objects with deliveries that are pending in the database and not in memory.
    parked: HashMap<Key, Vec<DeliveryId>>,
    /// Deliveries in memory, until their outcome is in the database.
    active: HashSet<DeliveryId>,
    ready: usize,
    running: usize,
    running_suspects: usize,
    running_of: HashMap<MerchantId, usize>,
    unwritten: usize,
}

impl Plan {
    pub(super) fn new(limits: Limits, real_now_us: i64) -> Plan {
        Plan {
            limits,
            trusted_since_ms: ms(real_now_us),
            newest_ms: ms(real_now_us),
            lines: HashMap::new(),
            turn: VecDeque::new(),
            busy: HashMap::new(),
            parked: HashMap::new(),
            active: HashSet::new(),
            ready: 0,
            running: 0,
            running_suspects: 0,
            running_of: HashMap::new(),
            unwritten: 0,
        }
    }

    /// Hints were lost: of every object made until now something may be pending that this plan does not know.
    pub(super) fn distrust(&mut self, real_now_us: i64) {
        // A clock that was set back makes objects that are older than they look.
        self.trusted_since_ms = self.trusted_since_ms.max(self.newest_ms).max(ms(real_now_us));
        self.parked.clear();
    }

    /// Deliveries of these objects waited before anything was told of. Their times say how far the clock had come by then, even if
    /// it was set back since.
    pub(super) fn waited(&mut self, objects: impl Iterator<Item = Uid>) {
        let newest_ms = objects.map(made_at_ms).max().unwrap_or(0);
        self.trusted_since_ms = self.trusted_since_ms.max(newest_ms);
    }

    /// Another node sends from now on: what was not started is left to it. What is under way ends here.
    pub(super) fn forget(&mut self, real_now_us: i64) {
        for line in self.lines.values_mut() {
            for job in line.ready.drain(..) {
                self.active.remove(&job.id);
                for behind in self.busy.remove(&job.key()).unwrap_or_default() {
                    self.active.remove(&behind.id);
                }
            }
            line.in_turn = false;
        }
        for job in self.busy.values_mut().flat_map(|behind| behind.drain(..)) {
            self.active.remove(&job.id);
        }
        self.turn.clear();
        self.ready = 0;
        self.distrust(real_now_us);
    }

    /// A delivery of an event just committed. False: the database must be asked soon.
    pub(super) fn hint(&mut self, job: Job) -> bool {
        let made_ms = made_at_ms(job.event.id.0).max(made_at_ms(job.event.object));
        self.newest_ms = self.newest_ms.max(made_ms);
        if self.active.contains(&job.id) {
            return true;
        }
        if made_at_ms(job.event.object) <= self.trusted_since_ms {
            return false;
        }
        let key = job.key();
        if self.parked.contains_key(&key) {
            self.park(key, job.id);
            return true;
        }
        if let Some(behind) = self.busy.get_mut(&key) {
            if behind.len() < BEHIND_MAX {
                self.active.insert(job.id);
                behind.push_back(job);
            } else {
                self.park(key, job.id);
            }
            return true;
        }
        if self.ready >= self.limits.ready_max || self.is_full(key.0) {
            self.park(key, job.id);
            return true;
        }
        self.enqueue(key, job);
        true
    }

    /// A delivery that the database says is due.
    pub(super) fn due(&mut self, job: Job) -> Admission {
        self.newest_ms = self.newest_ms.max(made_at_ms(job.event.id.0));
        let key = job.key();
        if self.active.contains(&job.id) || self.busy.contains_key(&key) {
            return Admission::Later;
        }
        if self.is_full(key.0) {
            if self.unwritten >= self.limits.unwritten_max {
                return Admission::Later;
            }
            let failing = self.lines.get(&key.0).is_some_and(|line| line.failures >= 2);
            self.active.insert(job.id);
            self.unwritten += 1;
            return Admission::PutOff { job: Box::new(job), failing };
        }
        if self.ready >= self.limits.ready_max {
            return Admission::Later;
        }
        self.enqueue(key, job);
        Admission::Taken
    }

    fn is_full(&self, destination: Destination) -> bool {
        self.lines.get(&destination).is_some_and(|line| line.ready.len() >= line.ready_max(self.limits))
    }

    fn enqueue(&mut self, key: Key, job: Job) {
        self.active.insert(job.id);
        self.busy.entry(key).or_default();
        self.ready += 1;
        if self.lines.len() >= DESTINATIONS_MAX && !self.lines.contains_key(&key.0) {
            self.lines.retain(|_, line| line.running > 0 || !line.ready.is_empty() || line.in_turn);
        }
        let line = self.lines.entry(key.0).or_default();
        line.ready.push_back(job);
        if !line.in_turn {
            line.in_turn = true;
            self.turn.push_back(key.0);
        }
    }

    /// What is known from elsewhere about a destination, such as failures before a restart.
    pub(super) fn known_failures(&mut self, destination: Destination, failures: i64) {
        if failures >= 2 && !self.lines.contains_key(&destination) && self.lines.len() < DESTINATIONS_MAX {
            self.lines.insert(destination, Line { failures, ..Line::default() });
        }
    }

    /// The next delivery to start, if a slot is free: destinations in turn, one each.
    pub(super) fn take(&mut self) -> Option<Job> {
        if self.running >= self.limits.concurrency || self.unwritten >= self.limits.unwritten_max {
            return None;
        }
        for _ in 0..self.turn.len() {
            let destination = self.turn.pop_front()?;
            let Some(line) = self.lines.get_mut(&destination) else { continue };
            let suspect = line.is_suspect();
            let bound = if suspect { self.limits.per_suspect() } else { self.limits.per_destination };
            if line.ready.is_empty() || line.running >= bound {
                // Back in turn when one of its tries ends, or one is added.
                line.in_turn = false;
                continue;
            }
            let merchant = line.ready.front().map(|job| job.event.merchant);
            let of_merchant = merchant.and_then(|m| self.running_of.get(&m)).copied().unwrap_or(0);
            let no_slot = suspect && self.running_suspects >= self.limits.suspects_max();
            if no_slot || of_merchant >= self.limits.per_merchant() {
                self.turn.push_back(destination);
                continue;
            }
            let Some(job) = line.ready.pop_front() else { continue };
            line.running += 1;
            if suspect {
                line.running_as_suspect += 1;
                self.running_suspects += 1;
            }
            self.turn.push_back(destination);
            self.ready -= 1;
            self.running += 1;
            *self.running_of.entry(job.event.merchant).or_default() += 1;
            return Some(job);
        }
        None
    }

    /// A try ended; its outcome is about to be written.
    pub(super) fn ended(&mut self, job: &Job, ended: Ended) {
        let key = job.key();
        self.running = self.running.saturating_sub(1);
        self.unwritten += 1;
        if let Some(count) = self.running_of.get_mut(&job.event.merchant) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.running_of.remove(&job.event.merchant);
            }
        }
        if let Some(line) = self.lines.get_mut(&key.0) {
            line.running = line.running.saturating_sub(1);
            if line.running_as_suspect > 0 {
                line.running_as_suspect -= 1;
                self.running_suspects = self.running_suspects.saturating_sub(1);
            }
            if let Some(failed) = ended.failed {
                line.failures = if failed { line.failures.saturating_add(1) } else { 0 };
                line.slow = ended.latency_ms >= SLOW_MS;
            }
            if !line.in_turn && !line.ready.is_empty() {
                line.in_turn = true;
                self.turn.push_back(key.0);
            }
        }
        if ended.done { self.go_on(key, job.id) } else { self.hold(key, job.id) }
    }

    /// The object's next event may go.
    fn go_on(&mut self, key: Key, done: DeliveryId) {
        self.unpark(key, done);
        let next = self.busy.get_mut(&key).and_then(VecDeque::pop_front);
        let Some(next) = next else {
            self.busy.remove(&key);
            return;
        };
        self.ready += 1;
        let line = self.lines.entry(key.0).or_default();
        line.ready.push_front(next);
        if !line.in_turn {
            line.in_turn = true;
            self.turn.push_back(key.0);
        }
    }

    /// It waits for its next try, and everything behind it too: in the database.
    fn hold(&mut self, key: Key, id: DeliveryId) {
        self.park(key, id);
        for behind in self.busy.remove(&key).unwrap_or_default() {
            self.active.remove(&behind.id);
            self.park(key, behind.id);
        }
    }

    fn park(&mut self, key: Key, id: DeliveryId) {
        if self.parked.len() >= PARKED_MAX && !self.parked.contains_key(&key) {
            // All of them were made before the newest event that was told of.
            self.trusted_since_ms = self.trusted_since_ms.max(self.newest_ms);
            self.parked.clear();
        }
        let ids = self.parked.entry(key).or_default();
        if !ids.contains(&id) {
            ids.push(id);
        }
    }

    fn unpark(&mut self, key: Key, id: DeliveryId) {
        if let Some(ids) = self.parked.get_mut(&key) {
            ids.retain(|parked| *parked != id);
            if ids.is_empty() {
                self.parked.remove(&key);
            }
        }
    }

    /// A put-off delivery waits in the database.
    pub(super) fn put_off(&mut self, job: &Job) {
        self.park(job.key(), job.id);
    }

    /// A delivery was given up without a try.
    pub(super) fn given_up(&mut self, job: &Job) {
        self.unpark(job.key(), job.id);
    }

    /// Outcomes are in the database: what a look finds of them from now on is news.
    pub(super) fn written(&mut self, ids: &[DeliveryId]) {
        for id in ids {
            self.active.remove(id);
        }
    }

    /// As many outcomes left the hands of this plan.
    pub(super) fn settled(&mut self, count: usize) {
        self.unwritten = self.unwritten.saturating_sub(count);
    }

    /// Whether an object's events wait in the database for the one that just went.
    pub(super) fn is_parked(&self, job: &Job) -> bool {
        self.parked.contains_key(&job.key())
    }

    /// Whether anything is known to wait in the database.
    pub(super) fn knows_work(&self) -> bool {
        !self.parked.is_empty()
    }

    /// Deliveries in memory, whatever their stage.
    pub(super) fn active(&self) -> usize {
        self.active.len()
    }

    /// Tries under way.
    pub(super) fn running(&self) -> usize {
        self.running
    }
}

fn ms(us: i64) -> u64 {
    u64::try_from(us / 1_000).unwrap_or(0)
}

/// The real time in an id.
fn made_at_ms(uid: Uid) -> u64 {
    let [t0, t1, t2, t3, t4, t5, ..] = uid.0;
    u64::from_be_bytes([0, 0, t0, t1, t2, t3, t4, t5])
}

#[cfg(test)]
#[path = "tests/plan.rs"]
mod tests;
