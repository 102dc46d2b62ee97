//! Whether this machine's clock can be believed. Signatures, expiry, business days and leases hang on it, and nothing is asked
//! over the network. Looked at are: the kernel's own word, at start and while serving; the newest real times in the database,
//! which an earlier process or another node wrote; and the machine's monotonic timer, against which the clock may not jump.

use crate::assemble::real_now_us;
use domain::World;
use std::time::{Duration, Instant};
use store::{Store, StoreError};
use tokio_util::sync::CancellationToken;

/// More than this is a drift worth a warning.
const DRIFT_MAX_US: i64 = 1_000_000;
/// The bound that the kernel states may be this large: it grows by half a millisecond per second, and the slowest usual time
/// service looks every 34 minutes.
const KERNEL_BOUND_MAX_US: i64 = 2_000_000;
/// How often the clock is compared while serving.
const COMPARE_EVERY: Duration = Duration::from_secs(5);

/// What speaks against the clock, in sentences.
fn doubts(
    kernel: &std::io::Result<kernel_clock::KernelClock>,
    newest_known_us: i64,
    now_us: i64,
) -> Vec<String> {
    let mut doubts = Vec::new();
    match kernel {
        Ok(clock) if !clock.is_synchronized => {
            doubts.push("the kernel says that no time service keeps this machine's clock: run chrony or systemd-timesyncd".to_owned());
        }
        Ok(clock) if clock.error_bound_us > KERNEL_BOUND_MAX_US => doubts.push(format!(
            "the kernel says that this machine's clock may be {} s off: look at its time service",
            seconds(clock.error_bound_us)
        )),
        // A sandbox that forbids the question says nothing about the clock.
        Ok(_) | Err(_) => {}
    }
    let behind_us = newest_known_us.saturating_sub(now_us);
    if behind_us > DRIFT_MAX_US {
        doubts.push(format!(
            "this machine's clock is at least {} s behind: the database holds a later time, written by an earlier process or another node",
            seconds(behind_us)
        ));
    }
    doubts
}

fn seconds(us: i64) -> String {
    format!("{}.{:03}", us / 1_000_000, us % 1_000_000 / 1_000)
}

/// The newest real time in the database: when a block was sealed, and, in live, when something was booked.
async fn newest_known_us(store: &dyn Store) -> Result<i64, StoreError> {
    let mut newest_us = 0;
    for shard in store.shards() {
        if let Some(block) = store.last_block(shard).await? {
            newest_us = newest_us.max(block.sealed_at_us);
        }
        // The sandbox's booking times are its merchants' own.
        if shard.world() == World::Live {
            let last = store.last_journal_seq(shard).await?;
            let booked = store.journal(shard, last.max(1), 1).await?;
            newest_us = booked.iter().map(|stored| stored.transaction.posted_at_us).fold(newest_us, i64::max);
        }
    }
    Ok(newest_us)
}

/// Warns at start of what speaks against the clock.
pub(crate) async fn warn_of_drift(store: &dyn Store) -> Result<(), StoreError> {
    let kernel = kernel_clock::read();
    for doubt in doubts(&kernel, newest_known_us(store).await?, real_now_us()) {
        tracing::warn!("clock: {doubt}");
    }
    Ok(())
}

/// How far the clock moved against the monotonic timer between two looks, microseconds.
fn jump_us(clock_before_us: i64, clock_now_us: i64, passed: Duration) -> i64 {
    let passed_us = i64::try_from(passed.as_micros()).unwrap_or(i64::MAX);
    clock_now_us.saturating_sub(clock_before_us).saturating_sub(passed_us)
}

/// Looks at the clock while the process serves: tells of jumps, keeps the metrics.
pub(crate) async fn watch(stop: CancellationToken) {
    let (mut timer, mut clock_us) = (Instant::now(), real_now_us());
    loop {
        kernel_metrics();
        tokio::select! {
            () = tokio::time::sleep(COMPARE_EVERY) => {}
            () = stop.cancelled() => return,
        }
        let (timer_now, clock_now_us) = (Instant::now(), real_now_us());
        let moved_us = jump_us(clock_us, clock_now_us, timer_now - timer);
        if moved_us.saturating_abs() > DRIFT_MAX_US {
            metrics::counter!("feiqian_clock_jumps_total").increment(1);
            tracing::warn!(
                moved_ms = moved_us / 1_000,
                "clock: it was set, or the machine slept: it moved against the machine's own timer"
            );
        }
        (timer, clock_us) = (timer_now, clock_now_us);
    }
}

/// Where the kernel does not answer, neither metric appears.
fn kernel_metrics() {
    let Ok(clock) = kernel_clock::read() else { return };
    metrics::gauge!("feiqian_clock_synchronized").set(f64::from(u8::from(clock.is_synchronized)));
    let bound_us = u32::try_from(clock.error_bound_us.max(0)).unwrap_or(u32::MAX);
    metrics::gauge!("feiqian_clock_error_bound_seconds").set(f64::from(bound_us) / 1e6);
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel_clock::KernelClock;

    #[test]
    fn each_doubt_has_its_cause() {
        let kernel = |is_synchronized, error_bound_us| Ok(KernelClock { is_synchronized, error_bound_us });
        let now_us = 1_000_000_000;
        for (kernel, newest_us, told) in [
            (kernel(true, 0), now_us, ""),
            (kernel(true, 1_900_000), now_us + 1_000_000, ""),
            (kernel(false, 16_000_000), now_us, "no time service"),
            (kernel(true, 2_500_000), now_us, "may be 2.500 s off"),
            (kernel(true, 0), now_us + 1_000_001, "at least 1.000 s behind"),
            (Err(std::io::ErrorKind::PermissionDenied.into()), now_us, ""),
            (
                Err(std::io::ErrorKind::PermissionDenied.into()),
                now_us + 90_000_000,
                "at least 90.000 s behind",
            ),
        ] {
            let doubts = doubts(&kernel, newest_us, now_us).join("; ");
            assert_eq!(doubts.is_empty(), told.is_empty(), "{doubts}");
            assert!(doubts.contains(told), "{doubts}");
        }
        assert_eq!(doubts(&kernel(false, 0), now_us * 2, now_us).len(), 2);
    }

    #[test]
    fn a_jump_is_what_the_timer_does_not_explain() {
        let five = Duration::from_secs(5);
        assert_eq!(jump_us(0, 5_000_000, five), 0);
        assert_eq!(jump_us(0, 8_600_000_000, five), 8_595_000_000);
        assert_eq!(jump_us(10_000_000, 0, five), -15_000_000);
        assert_eq!(jump_us(i64::MAX, i64::MIN, five), i64::MIN);
    }
}
