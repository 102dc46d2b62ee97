//! How often a key may call, and how often an address may fail to say who it is. Several nodes share a limit by each giving its part
//! of it, counted by the nodes that live. So over all nodes nobody passes the limit for long: when their number changes, every node
//! counts afresh, and a node that is new or gone is known after some seconds. A caller who uses one node only has that node's part.

use crate::config::{Rate, RateLimits};
use arc_swap::ArcSwap;
use domain::id::{KeyId, World};
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use std::hash::Hash;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
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
}

impl<K: Hash + Eq + Clone> Limiter<K> {
    fn new(rate: Rate, entries_max: usize) -> Limiter<K> {
        let at_least_one = |number: u32| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
        let quota = Quota::per_second(at_least_one(rate.per_second)).allow_burst(at_least_one(rate.burst));
        let (calls, full) = (AtomicU64::new(0), AtomicBool::new(false));
        Limiter { inner: RateLimiter::keyed(quota), calls, entries_max, full }
    }

    /// `Err`: whole seconds to wait, from 1.
    fn check(&self, key: &K) -> Result<(), u64> {
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
        self.inner.check_key(key).map_err(|until| {
            let wait = until.wait_time_from(DefaultClock::default().now());
            wait.as_secs() + u64::from(wait.subsec_nanos() > 0).max(u64::from(wait.is_zero()))
        })
    }
}

/// All limits of a listener.
pub struct Limiters {
    limits: RateLimits,
    now: ArcSwap<Parts>,
}

/// This node's parts, as long as so many nodes live.
struct Parts {
    nodes: u32,
    live_read: Limiter<KeyId>,
    live_write: Limiter<KeyId>,
    sandbox_read: Limiter<KeyId>,
    sandbox_write: Limiter<KeyId>,
    failed_access: Limiter<IpAddr>,
}

/// One node's part of a rate.
fn part(rate: Rate, nodes: u32) -> Rate {
    let part = |number: u32| number.div_ceil(nodes.max(1));
    Rate { per_second: part(rate.per_second), burst: part(rate.burst) }
}

impl Parts {
    fn new(limits: &RateLimits, nodes: u32) -> Parts {
        Parts {
            nodes,
            live_read: Limiter::new(part(limits.live_read, nodes), usize::MAX),
            live_write: Limiter::new(part(limits.live_write, nodes), usize::MAX),
            sandbox_read: Limiter::new(part(limits.sandbox_read, nodes), usize::MAX),
            sandbox_write: Limiter::new(part(limits.sandbox_write, nodes), usize::MAX),
            failed_access: Limiter::new(part(limits.failed_access, nodes), ADDRESSES_MAX),
        }
    }
}

impl Limiters {
    /// As configured. Keys that call are keys that are known: their number is bounded already.
    pub fn new(limits: &RateLimits) -> Limiters {
        Limiters { limits: *limits, now: ArcSwap::from_pointee(Parts::new(limits, 1)) }
    }

    fn parts(&self, nodes: u32) -> Arc<Parts> {
        let parts = self.now.load_full();
        if parts.nodes == nodes {
            return parts;
        }
        let parts = Arc::new(Parts::new(&self.limits, nodes));
        self.now.store(Arc::clone(&parts));
        parts
    }

    /// Counts a call of a key, while so many nodes live.
    ///
    /// # Errors
    /// Seconds to wait.
    pub fn call(&self, key: KeyId, world: World, class: Class, nodes: u32) -> Result<(), u64> {
        let parts = self.parts(nodes);
        match (world, class) {
            (World::Live, Class::Read) => parts.live_read.check(&key),
            (World::Live, Class::Write) => parts.live_write.check(&key),
            (World::Sandbox, Class::Read) => parts.sandbox_read.check(&key),
            (World::Sandbox, Class::Write) => parts.sandbox_write.check(&key),
        }
    }

    /// Counts a failed authentication from an address, while so many nodes live.
    ///
    /// # Errors
    /// Seconds to wait.
    pub fn failed_access(&self, address: Option<IpAddr>, nodes: u32) -> Result<(), u64> {
        let Some(address) = address else { return Ok(()) };
        self.parts(nodes).failed_access.check(&network(address))
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
        assert!((0..3).all(|_| limiter.check(&"a").is_ok()));
        assert_eq!(limiter.check(&"a"), Err(1));
        assert!(limiter.check(&"b").is_ok(), "others are not held");
    }

    #[test]
    fn no_more_addresses_are_remembered_than_there_is_room_for() {
        let (room, sweep) = (1_000, usize::try_from(SWEEP_EVERY).unwrap());
        let limiter = Limiter::new(Rate { per_second: 1, burst: 1 }, room);
        let held = (0..20 * sweep).filter(|address| limiter.check(address).is_err()).count();
        assert!(limiter.inner.len() <= room + 2 * sweep, "{} are remembered", limiter.inner.len());
        assert!(held > 10 * sweep, "{held} had to wait");
    }

    #[test]
    fn nodes_share_a_limit_and_each_gives_at_least_one() {
        let limiters = Limiters::new(&RateLimits {
            live_write: Rate { per_second: 1, burst: 4 },
            ..RateLimits::default()
        });
        let key: KeyId = domain::id::IdMaker::new(1, domain::id::Shard(0), 1).next();
        let taken =
            |nodes| (0..10).filter(|_| limiters.call(key, World::Live, Class::Write, nodes).is_ok()).count();
        assert_eq!((taken(1), taken(2), taken(2), taken(9)), (4, 2, 0, 1));
    }

    #[test]
    fn neighbours_in_a_network_count_as_one() {
        let parse = |text: &str| text.parse::<IpAddr>().unwrap();
        assert_eq!(network(parse("2001:db8::1")), network(parse("2001:db8::ffff:1")));
        assert_ne!(network(parse("2001:db8:0:1::1")), network(parse("2001:db8:0:2::1")));
    }
}
