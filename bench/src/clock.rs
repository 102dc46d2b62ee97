//! The one place that reads the system's clock.

use std::time::{SystemTime, UNIX_EPOCH};

/// Real time, microseconds since 1970.
#[allow(clippy::disallowed_methods)] // the named place; the bench has no business time
pub fn real_now_us() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

/// The same in whole seconds.
pub fn real_now_s() -> i64 {
    real_now_us() / 1_000_000
}
