//! The one place where real time comes from. Business time is made of it and a merchant's offset.

use std::sync::Arc;

/// Real time, injected so that tests and simulations can hold it.
pub trait RealTime: Send + Sync {
    /// Microseconds since 1970, UTC.
    fn now_us(&self) -> i64;
}

/// The operating system's clock.
pub struct SystemTime;

impl RealTime for SystemTime {
    #[allow(clippy::disallowed_methods)] // the named place
    fn now_us(&self) -> i64 {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
    }
}

/// A handle on real time.
#[derive(Clone)]
pub struct Clock(Arc<dyn RealTime>);

impl Clock {
    /// The system's clock.
    pub fn system() -> Clock {
        Clock(Arc::new(SystemTime))
    }

    /// Another source.
    pub fn of(source: Arc<dyn RealTime>) -> Clock {
        Clock(source)
    }

    /// Microseconds since 1970, UTC.
    pub fn real_now_us(&self) -> i64 {
        self.0.now_us()
    }
}
