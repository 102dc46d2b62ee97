//! How often a key may call, and how often an address may fail to say who it is. Several nodes share a limit: with so many nodes alive,
//! each counts a call so many times, as if the others had let through as much. What was used stays used when their number changes, and
//! a node that is new or gone is known after some seconds. A caller who uses one node only has that node's part.

use crate::config::{Rate, RateLimits};
use domain::id::{KeyId, World};
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use std::hash::Hash;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Calls between two sweeps of keys that have long been quiet.
const SWEEP_EVERY: u64 = 4_096;
/// Addresses that are remembered. With more, whoever fails waits until a sweep has made room.
const ADDRESSES_MAX: usize = 100_000;

/// Whether a route reads or writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// GET.
    Read,
    /// POST, PATCH, DELETE.
    Write,
}

struct Limiter<K: Hash + Eq + Clone> {
    inner: DefaultKeyedRateLimiter<K>,
    calls: AtomicU64,
    /// Entries from which nobody is let through until a sweep makes room.
    entries_max: usize,
    full: AtomicBool,
    /// The most that one call may count: who has used nothing is let through, however many nodes there are.
    burst: NonZeroU32,
}

impl<K: Hash + Eq + Clone> Limiter<K> {
    fn new(rate: Rate, entries_max: usize) -> Limiter<K> {
        let at_least_one = |number: u32| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
        let quota = Quota::per_second(at_least_one(rate.per_second)).allow_burst(at_least_one(rate.burst));
        let (calls, full) = (AtomicU64::new(0), AtomicBool::new(false));
        let burst = at_least_one(rate.burst);
        Limiter { inner: RateLimiter::keyed(quota), calls, entries_max, full, burst }
    }

    /// `Err`: whole seconds to wait, from 1.
    fn check(&self, key: &K, nodes: u32) -> Result<(), u64> {
        let calls = self.calls.fetch_add(1, Ordering::Relaxed);
        if calls % SWEEP_EVERY == SWEEP_EVERY - 1 {
            self.inner.retain_recent();
            self.inner.shrink_to_fit();
            let full = self.inner.len() > self.entries_max;
            if full {
                tracing::warn!(entries = self.inner.len(), "too many addresses fail to authenticate");
            }
            self.full.store(full, Ordering::Relaxed);
        }
        if self.full.load(Ordering::Relaxed) {
            return Err(1);
        }
        let counts = NonZeroU32::new(nodes).unwrap_or(NonZeroU32::MIN).min(self.burst);
        match self.inner.check_key_n(key, counts) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(until)) => {
                let wait = until.wait_time_from(DefaultClock::default().now());
                Err(wait.as_secs() + u64::from(wait.subsec_nanos() > 0).max(u64::from(wait.is_zero())))
            }
            // It never counts more than what may come at once.
            Err(_) => Err(1),
        }
    }
}

/// All limits of a listener.
pub struct Limiters {
    live_read: Limiter<KeyId>,
    live_write: Limiter<KeyId>,
    sandbox_read: Limiter<KeyId>,
    sandbox_write: Limiter<KeyId>,
    failed_access: Limiter<IpAddr>,
}

impl Limiters {
    /// As configured. Keys that call are keys that are known: their number is bounded already.
    pub fn new(limits: &RateLimits) -> Limiters {
        Limiters {
            live_read: Limiter::new(limits.live_read, usize::MAX),
            live_write: Limiter::new(limits.live_write, usize::MAX),
            sandbox_read: Limiter::new(limits.sandbox_read, usize::MAX),
            sandbox_write: Limiter::new(limits.sandbox_write, usize::MAX),
            failed_access: Limiter::new(limits.failed_access, ADDRESSES_MAX),
        }
    }

    /// Counts a call of a key, while so many nodes live.
    ///
    /// # Errors
    /// Seconds to wait.
    pub fn call(&self, key: KeyId, world: World, class: Class, nodes: u32) -> Result<(), u64> {
        match (world, class) {
            (World::Live, Class::Read) => self.live_read.check(&key, nodes),
            (World::Live, Class::Write) => self.live_write.check(&key, nodes),
            (World::Sandbox, Class::Read) => self.sandbox_read.check(&key, nodes),
            (World::Sandbox, Class::Write) => self.sandbox_write.check(&key, nodes),
        }
    }

    /// Counts a failed authentication from an address, while so many nodes live.
    ///
    /// # Errors
    /// Seconds to wait.
    pub fn failed_access(&self, address: Option<IpAddr>, nodes: u32) -> Result<(), u64> {
        let Some(address) = address else { return Ok(()) };
        self.failed_access.check(&network(address), nodes)
    }
}

/// One host may hold a whole /64 of IPv6.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => IpAddr::V6((u128::from(v6) & (u128::MAX << 64)).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_let_through_and_the_next_call_waits() {
        let limiter = Limiter::new(Rate { per_second: 1, burst: 3 }, 10);
        assert!((0..3).all(|_| limiter.check(&"a", 1).is_ok()));
        assert_eq!(limiter.check(&"a", 1), Err(1));
        assert!(limiter.check(&"b", 1).is_ok(), "others are not held");
    }

    #[test]
    fn no_more_addresses_are_remembered_than_there_is_room_for() {
        let (room, sweep) = (1_000, usize::try_from(SWEEP_EVERY).unwrap());
        let limiter = Limiter::new(Rate { per_second: 1, burst: 1 }, room);
        let held = (0..20 * sweep).filter(|address| limiter.check(address, 1).is_err()).count();
        assert!(limiter.inner.len() <= room + 2 * sweep, "{} are remembered", limiter.inner.len());
        assert!(held > 10 * sweep, "{held} had to wait");
    }

    #[test]
    fn nodes_share_a_limit_and_each_gives_at_least_one() {
        let mut ids = domain::id::IdMaker::new(1, domain::id::Shard(0), 1);
        for (nodes, expected) in [(0, 4), (1, 4), (2, 2), (3, 1), (4, 1), (9, 1)] {
            let limiters = slow(4);
            assert_eq!(taken(&limiters, ids.next(), nodes), expected, "{nodes} nodes");
        }
    }

    /// A node comes and another goes: nobody gets his burst anew for it.
    #[test]
    fn what_was_used_stays_used_when_the_number_of_nodes_changes() {
        let limiters = slow(6);
        let key: KeyId = domain::id::IdMaker::new(1, domain::id::Shard(0), 1).next();
        assert!(limiters.call(key, World::Live, Class::Write, 2).is_ok(), "two of six are used");
        assert_eq!(taken(&limiters, key, 1), 4);
        assert_eq!((taken(&limiters, key, 2), taken(&limiters, key, 3), taken(&limiters, key, 1)), (0, 0, 0));
    }

    fn slow(burst: u32) -> Limiters {
        let live_write = Rate { per_second: 1, burst };
        Limiters::new(&RateLimits { live_write, ..RateLimits::default() })
    }

    fn taken(limiters: &Limiters, key: KeyId, nodes: u32) -> usize {
        (0..10).filter(|_| limiters.call(key, World::Live, Class::Write, nodes).is_ok()).count()
    }

    #[test]
    fn neighbours_in_a_network_count_as_one() {
        let parse = |text: &str| text.parse::<IpAddr>().unwrap();
        assert_eq!(network(parse("2001:db8::1")), network(parse("2001:db8::ffff:1")));
        assert_ne!(network(parse("2001:db8:0:1::1")), network(parse("2001:db8:0:2::1")));
    }
}
