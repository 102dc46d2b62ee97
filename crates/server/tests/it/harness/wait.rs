//! Waiting for a condition, within a bound; never for a time.

use std::future::Future;
use std::time::{Duration, Instant};

/// Every recoverable outcome of the sandbox ends within 30 s (WIRE, SANDBOX).
const USUAL_BOUND: Duration = Duration::from_secs(30);
const LOOK_EVERY: Duration = Duration::from_millis(40);

/// Looks again and again until there is something, at most 30 s.
///
/// # Panics
/// When there was nothing within the bound.
pub async fn until<T, F: Future<Output = Option<T>>>(what: &str, look: impl FnMut() -> F) -> T {
    until_within(USUAL_BOUND, what, look).await
}

/// As [`until`], with a bound of one's own.
///
/// # Panics
/// When there was nothing within the bound.
pub async fn until_within<T, F: Future<Output = Option<T>>>(
    bound: Duration,
    what: &str,
    mut look: impl FnMut() -> F,
) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(begun.elapsed() < bound, "within {bound:?} there was no: {what}");
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
