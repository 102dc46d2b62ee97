//! Which shards' background work this node does: what came due, sealing, statements, webhooks. One node does it at a time, by a
//! lease that is renewed long before it ends; a node that dies is followed by another within the lease. A node that slept past its
//! lease finds out here before it calls anybody: by its own clocks, without asking. What it learns from calls already made still counts.
//!
//! An engine that one process serves needs none of it: there this node does everything.

use crate::App;
use crate::clock::Clock;
use domain::id::{Shard, World};
use domain::job::Job;
use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Pause between two renewals.
pub(crate) const RENEW_EVERY: Duration = Duration::from_secs(1);
/// A lease ends for its holder so much earlier than for the others.
const MARGIN_US: i64 = 1_000_000;
/// The longest lease; the node's own setting for jobs may be shorter.
const LEASE_MAX_US: i64 = 10_000_000;

/// See the module.
pub struct Duty {
    node: i64,
    /// `None`: nobody else serves this database.
    shared: Option<Shared>,
    /// Nodes that live, this one among them.
    nodes: AtomicU32,
    /// What is under way for each shard: calls, tries, and what becomes of them.
    under_way: Mutex<HashMap<Shard, usize>>,
}

struct Shared {
    clock: Clock,
    lease_us: i64,
    held: Mutex<HashMap<Shard, Moment>>,
    /// Shards that go to another node once nothing is under way for them here: nothing new begins, and the lease is kept until then.
    leaving: Mutex<BTreeSet<Shard>>,
}

/// Something that is under way for a shard, as long as it lives.
pub(crate) struct UnderWay {
    duty: Arc<Duty>,
    shard: Shard,
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let mut under_way = self.duty.under_way();
        if let Some(count) = under_way.get_mut(&self.shard) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                under_way.remove(&self.shard);
            }
        }
    }
}

/// Until when, by both clocks: a machine that sleeps stops one of them, and whoever sets the other stops nothing.
#[derive(Debug, Clone, Copy)]
struct Moment {
    real_us: i64,
    timer: Instant,
}

impl Duty {
    /// A node that serves alone.
    pub fn alone(node: i64) -> Duty {
        Duty { node, shared: None, nodes: AtomicU32::new(1), under_way: Mutex::default() }
    }

    /// One of several; it has no work before its first [`App::renew_duty`].
    pub(crate) fn shared(node: i64, clock: Clock, lease_us: i64) -> Duty {
        let lease_us = lease_us.min(LEASE_MAX_US);
        Duty {
            node,
            shared: Some(Shared { clock, lease_us, held: Mutex::default(), leaving: Mutex::default() }),
            nodes: AtomicU32::new(1),
            under_way: Mutex::default(),
        }
    }

    /// Says that something begins for a shard, before it is asked whether the shard is this node's: whoever hands it over first says
    /// that it is not, then counts.
    pub(crate) fn begin(self: &Arc<Self>, shard: Shard) -> UnderWay {
        *self.under_way().entry(shard).or_default() += 1;
        UnderWay { duty: Arc::clone(self), shard }
    }

    fn under_way(&self) -> MutexGuard<'_, HashMap<Shard, usize>> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_idle(&self, shard: Shard) -> bool {
        !self.under_way().contains_key(&shard)
    }

    /// Whether this node does the background work of a shard at this moment.
    pub fn is_ours(&self, shard: Shard) -> bool {
        let Some(shared) = &self.shared else { return true };
        let until = shared.held().get(&shard).copied();
        until.is_some_and(|until| shared.clock.real_now_us() < until.real_us && Instant::now() < until.timer)
    }

    /// Whether a job is leased to this node and the lease runs. Who serves alone is its jobs' only owner.
    pub(crate) fn is_leased(&self, job: &Job, real_now_us: i64) -> bool {
        self.shared.is_none()
            || (job.owner == self.node && job.due_at_us.is_some_and(|until_us| real_now_us < until_us))
    }

    /// Whether other nodes may serve the database too: then what this node did is not all that was done.
    pub(crate) fn is_shared(&self) -> bool {
        self.shared.is_some()
    }

    /// Nodes that live.
    pub fn nodes(&self) -> u32 {
        self.nodes.load(Ordering::Relaxed).max(1)
    }
}

impl Shared {
    fn held(&self) -> MutexGuard<'_, HashMap<Shard, Moment>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn leaving(&self) -> MutexGuard<'_, BTreeSet<Shard>> {
        self.leaving.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins nothing more for these; answers which of all that leave can go now.
    fn leave(&self, duty: &Duty, too_many: &[Shard]) -> Vec<Shard> {
        self.held().retain(|shard, _| !too_many.contains(shard));
        let mut leaving = self.leaving();
        leaving.extend(too_many);
        let gone: Vec<Shard> = leaving.iter().copied().filter(|shard| duty.is_idle(*shard)).collect();
        leaving.retain(|shard| !gone.contains(shard));
        gone
    }

    /// What a lease asked for at this moment is worth to its holder.
    fn until(&self) -> Moment {
        let worth_us = self.lease_us.saturating_sub(MARGIN_US).max(0);
        Moment {
            real_us: self.clock.real_now_us().saturating_add(worth_us),
            timer: Instant::now() + Duration::from_micros(worth_us.unsigned_abs()),
        }
    }
}

/// The shards that a node asks for: those that it has, and of the others as many as make its share of each world.
fn wanted(shards: &[Shard], held: &[Shard], of_others: &[Shard], nodes: u32) -> Vec<Shard> {
    let mut wanted = Vec::new();
    for world in [World::Live, World::Sandbox] {
        let of_world: Vec<Shard> = shards.iter().copied().filter(|shard| shard.world() == world).collect();
        let share = of_world.len().div_ceil(usize::try_from(nodes.max(1)).unwrap_or(1));
        let (ours, free): (Vec<Shard>, Vec<Shard>) =
            of_world.into_iter().filter(|shard| !of_others.contains(shard)).partition(|s| held.contains(s));
        wanted.extend(ours.into_iter().chain(free).take(share));
    }
    wanted
}

impl App {
    /// Says that this node lives, keeps the work that it has, takes what nobody does, gives up what is more than its share.
    pub(crate) async fn renew_duty(&self) {
        let duty = &self.0.duty;
        let Some(shared) = &duty.shared else { return };
        if let Err(error) = self.try_renew(shared).await {
            // The leases run out by themselves, here sooner than for the others.
            tracing::warn!(%error, "the node's leases were not renewed");
        }
        metrics::gauge!("feiqian_nodes").set(f64::from(duty.nodes()));
        let held = self.0.store.shards().into_iter().filter(|shard| duty.is_ours(*shard)).count();
        metrics::gauge!("feiqian_work_leases_held").set(f64::from(u32::try_from(held).unwrap_or(u32::MAX)));
    }

    async fn try_renew(&self, shared: &Shared) -> Result<(), store::StoreError> {
        let (store, duty) = (self.store(), &self.0.duty);
        let nodes = store.beat(duty.node, shared.lease_us).await?;
        duty.nodes.store(nodes, Ordering::Relaxed);
        let of_others = store.work_of_others(duty.node).await?;
        let had: Vec<Shard> = shared.held().keys().copied().collect();
        let leaving: Vec<Shard> = shared.leaving().iter().copied().collect();
        // What leaves is another's already, as far as this node's share goes.
        let wanted = wanted(&store.shards(), &had, &[of_others, leaving].concat(), nodes);
        let too_many: Vec<Shard> = had.into_iter().filter(|shard| !wanted.contains(shard)).collect();
        // First nothing is begun for them any more, then what is under way ends, then others may.
        let gone = shared.leave(duty, &too_many);
        if !gone.is_empty() {
            store.release_work(duty.node, &gone).await?;
        }
        let leaving: Vec<Shard> = shared.leaving().iter().copied().collect();
        let until = shared.until();
        let asked = [wanted, leaving.clone()].concat();
        let held = store.claim_work(duty.node, &asked, shared.lease_us).await?;
        let mut ours = shared.held();
        ours.retain(|shard, _| held.iter().any(|held| held.shard == *shard));
        for held in held.into_iter().filter(|held| !leaving.contains(&held.shard)) {
            if ours.insert(held.shard, until).is_none() {
                tracing::info!(
                    shard = held.shard.0,
                    fence = held.fence,
                    "this node does the shard's background work"
                );
            }
        }
        Ok(())
    }

    /// Leaves the work to others at once.
    pub(crate) async fn give_up_duty(&self) {
        let Some(shared) = &self.0.duty.shared else { return };
        shared.held().clear();
        shared.leaving().clear();
        if let Err(error) = self.store().leave(self.0.duty.node).await {
            tracing::warn!(%error, "the node's leases are left to run out");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::RealTime;
    use std::sync::Arc;
    use std::sync::atomic::AtomicI64;

    struct Hand(AtomicI64);

    impl RealTime for Hand {
        fn now_us(&self) -> i64 {
            self.0.load(Ordering::Relaxed)
        }
    }

    #[test]
    fn a_node_that_slept_past_its_lease_has_no_work() {
        let hand = Arc::new(Hand(AtomicI64::new(1_000_000)));
        let duty = Duty::shared(7, Clock::of(hand.clone()), 30_000_000);
        let shared = duty.shared.as_ref().unwrap();
        assert!(!duty.is_ours(Shard(0)), "nothing is ours before it is claimed");
        shared.held().insert(Shard(0), shared.until());
        assert!(duty.is_ours(Shard(0)) && !duty.is_ours(Shard(1)));
        hand.0.store(1_000_000 + LEASE_MAX_US - MARGIN_US - 1, Ordering::Relaxed);
        assert!(duty.is_ours(Shard(0)));
        hand.0.fetch_add(1, Ordering::Relaxed);
        assert!(!duty.is_ours(Shard(0)), "for the others the lease still runs");
        assert!(Duty::alone(7).is_ours(Shard(0)));
        // Born leased to this node: to its end, and to nobody else.
        let job = Job::leased(7, 50);
        assert!(duty.is_leased(&job, 49) && !duty.is_leased(&job, 50));
        assert!(!duty.is_leased(&Job::leased(8, 50), 49) && !duty.is_leased(&job.done(), 49));
        assert!(Duty::alone(8).is_leased(&job, 60));
    }

    #[test]
    fn a_shard_is_handed_over_once_nothing_is_under_way_for_it() {
        let clock = Clock::of(Arc::new(Hand(AtomicI64::new(1_000_000))));
        let duty = Arc::new(Duty::shared(7, clock, 30_000_000));
        let shared = duty.shared.as_ref().unwrap();
        for shard in [0, 2, 4] {
            shared.held().insert(Shard(shard), shared.until());
        }
        let (call, other) = (duty.begin(Shard(2)), duty.begin(Shard(2)));
        assert_eq!(shared.leave(&duty, &[Shard(2), Shard(4)]), [Shard(4)], "nothing is under way for 4");
        assert!(!duty.is_ours(Shard(2)) && !duty.is_ours(Shard(4)), "nothing begins for either");
        assert!(duty.is_ours(Shard(0)));
        drop(call);
        assert!(shared.leave(&duty, &[]).is_empty(), "one call goes on");
        drop(other);
        assert_eq!(shared.leave(&duty, &[]), [Shard(2)]);
        assert!(shared.leave(&duty, &[]).is_empty(), "once");
    }

    #[test]
    fn work_is_shared_and_nothing_is_left_undone() {
        let shards: Vec<Shard> = (0..8).map(Shard).collect();
        // Alone: everything.
        assert_eq!(wanted(&shards, &[], &[], 1).len(), 8);
        // A second node: half of each world goes.
        let all = wanted(&shards, &shards, &[], 2);
        assert_eq!(all.len(), 4);
        assert_eq!(all.iter().filter(|shard| shard.world() == World::Live).count(), 2);
        // It takes what is free, and nothing that another holds.
        let second = wanted(&shards, &[], &all, 2);
        assert_eq!(second.len(), 4);
        assert!(second.iter().all(|shard| !all.contains(shard)));
        // One shard, two nodes: whoever has it keeps it.
        assert_eq!(wanted(&[Shard(0)], &[Shard(0)], &[], 2), [Shard(0)]);
        assert!(wanted(&[Shard(0)], &[], &[Shard(0)], 2).is_empty());
    }
}
