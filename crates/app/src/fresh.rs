//! How old the node's configuration may be. Every node asks twice a second whether another one is in force; what was decided by an
//! older one could take a price that others see as over (prices take effect five seconds after their commit).

use crate::{App, Config, Refusal, read_config};
use futures::future::BoxFuture;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use tokio::sync::oneshot;

/// New work is decided by a configuration that was the newest so recently, microseconds; less than the lead of a price.
const AGE_MAX_US: i64 = 4_000_000;

/// When the configuration in force was last known to be the newest, real time in microseconds.
#[derive(Debug)]
pub(crate) struct Confirmed(AtomicI64);

impl Confirmed {
    pub(crate) fn at(at_us: i64) -> Confirmed {
        Confirmed(AtomicI64::new(at_us))
    }

    fn note(&self, at_us: i64) {
        // Not the largest: after a clock was set back nothing would be fresh for as long.
        self.0.store(at_us, Ordering::Relaxed);
    }

    fn fresh(&self, now_us: i64) -> Option<Fresh> {
        Some(Fresh(self.0.load(Ordering::Relaxed))).filter(|fresh| fresh.holds(now_us))
    }
}

/// The configuration was the newest at that moment, real time in microseconds. A command carries it: what was taken from the
/// configuration when the command was made must hold still when it is decided, however long it waited in between.
#[derive(Debug, Clone, Copy)]
pub struct Fresh(i64);

impl Fresh {
    /// A clock that was set back makes it older, not younger.
    pub(crate) fn holds(self, now_us: i64) -> bool {
        now_us.abs_diff(self.0) <= AGE_MAX_US.unsigned_abs()
    }
}

/// What a lane decides by was the newest so recently, microseconds: with the time of the look, an endpoint that was made through another
/// node hears of everything that is committed two seconds later.
const LANE_AGE_MAX_US: u64 = 1_500_000;
/// A lane waits so long for the look; without an answer it goes on, for a fact is never thrown away.
const LANE_WAIT: Duration = Duration::from_millis(400);

impl App {
    /// What a lane waits for before it takes up a batch: nothing, nearly always.
    pub(crate) fn freshen(&self) -> Option<BoxFuture<'static, ()>> {
        let age_us = self.0.clock.real_now_us().abs_diff(self.0.confirmed.0.load(Ordering::Relaxed));
        if age_us <= LANE_AGE_MAX_US {
            return None;
        }
        let (app, (done, wait)) = (self.clone(), oneshot::channel());
        // In the runtime: a lane may have a thread of its own.
        self.spawn(async move {
            let _ = tokio::time::timeout(LANE_WAIT, app.refresh_config()).await;
            let _ = done.send(());
        });
        Some(Box::pin(async move {
            let _ = wait.await;
        }))
    }

    /// Reads the configuration again.
    ///
    /// # Errors
    /// [`Refusal::StoreUnavailable`].
    pub async fn reload_config(&self) -> Result<(), Refusal> {
        let asked_at_us = self.0.clock.real_now_us();
        let config = Arc::new(read_config(self.0.store.as_ref()).await?);
        // Of two readers the one with the older rows does not win.
        self.0.config.rcu(|known: &Arc<Config>| {
            if known.version > config.version { Arc::clone(known) } else { Arc::clone(&config) }
        });
        self.0.confirmed.note(asked_at_us);
        Ok(())
    }

    /// Reads the configuration again if somebody changed it; answers whether it is another one now.
    pub async fn refresh_config(&self) -> bool {
        metrics::gauge!("feiqian_held").set(f64::from(u8::from(self.0.gate.is_held())));
        let asked_at_us = self.0.clock.real_now_us();
        let Ok(version) = self.store().snapshot_version().await else { return false };
        if version == self.config().version {
            self.0.confirmed.note(asked_at_us);
            return false;
        }
        match self.reload_config().await {
            Ok(()) => true,
            Err(refusal) => {
                tracing::warn!(?refusal, "configuration not read; the one in force stays");
                false
            }
        }
    }

    /// New work waits until the configuration is known to be the newest: a node that slept, or was cut off, decides nothing by an old
    /// one.
    ///
    /// # Errors
    /// [`Refusal::StoreUnavailable`] when that can't be learnt.
    pub(crate) async fn fresh_config(&self) -> Result<Fresh, Refusal> {
        if let Some(fresh) = self.0.confirmed.fresh(self.0.clock.real_now_us()) {
            return Ok(fresh);
        }
        self.refresh_config().await;
        self.0.confirmed.fresh(self.0.clock.real_now_us()).ok_or(Refusal::StoreUnavailable)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_confirmed_long_ago_is_not_fresh() {
        let confirmed = Confirmed::at(10_000_000);
        let is_fresh = |now_us: i64| confirmed.fresh(now_us).is_some();
        assert!(is_fresh(10_000_000) && is_fresh(14_000_000));
        assert!(!is_fresh(14_000_001));
        assert!(!is_fresh(5_000_000), "a clock that was set back");
        let made = confirmed.fresh(13_000_000).unwrap();
        confirmed.note(5_000_000);
        assert!(is_fresh(6_000_000), "and it is asked again by the new one");
        // What a command was made by does not become younger when the configuration is asked for again.
        confirmed.note(15_000_000);
        assert!(is_fresh(16_000_000) && !made.holds(16_000_000));
    }
}
