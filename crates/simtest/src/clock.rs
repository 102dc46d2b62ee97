//! Real time as the platform sees it: the runtime's paused time, which moves only when nothing is left to do, and on top of it
//! the jumps that a bad time service or a suspended machine makes. Timers follow the runtime alone, as monotonic timers do.

use app::clock::RealTime;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, PoisonError};
use tokio::time::Instant;

/// See the module. It outlives processes: each carries it on.
pub struct SimClock {
    /// Time that passed in earlier lives, no jumps.
    passed_us: AtomicI64,
    /// What must be added to the time that passed.
    offset_us: AtomicI64,
    /// The runtime's time when the present life began.
    born: Mutex<Option<Instant>>,
}

impl SimClock {
    /// A clock that stands at a time until [`SimClock::begin`].
    pub fn new(at_us: i64) -> SimClock {
        SimClock { passed_us: AtomicI64::new(0), offset_us: AtomicI64::new(at_us), born: Mutex::new(None) }
    }

    /// Time that passed since the history began, as a monotonic timer counts it.
    pub fn passed_us(&self) -> i64 {
        let born = *self.born.lock().unwrap_or_else(PoisonError::into_inner);
        let alive_us = born.map_or(0, |born| {
            i64::try_from(Instant::now().duration_since(born).as_micros()).unwrap_or(i64::MAX)
        });
        self.passed_us.load(Ordering::SeqCst).saturating_add(alive_us)
    }

    /// A new runtime carries the clock from now on. Call it inside that runtime.
    pub fn begin(&self) {
        *self.born.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    /// The runtime is about to end: the time reached is kept. Call it inside that runtime.
    pub fn end(&self) {
        self.passed_us.store(self.passed_us(), Ordering::SeqCst);
        *self.born.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Real time jumps, forward or back; timers do not notice.
    pub fn jump(&self, by_us: i64) {
        self.offset_us.fetch_add(by_us, Ordering::SeqCst);
    }
}

impl RealTime for SimClock {
    fn now_us(&self) -> i64 {
        self.offset_us.load(Ordering::SeqCst).saturating_add(self.passed_us())
    }
}
