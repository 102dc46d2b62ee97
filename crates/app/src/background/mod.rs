//! Work that nobody waits for: what came due, the sealer, statements, the live day's close, what grew old or was archived, the configuration's freshness. Each loop is
//! tracked and ends with the node.

mod adjustments;
mod archived;
mod retention;
mod watch;

pub use retention::Retention;

use crate::calls::Asker;
use crate::duty::RENEW_EVERY;
use crate::lane::Command;
use crate::seal;
use crate::unmatched::unmatched;
use crate::{App, Refusal};
use domain::decide::business_day;
use domain::id::{Shard, World};
use domain::maturity::Mature;
use futures::StreamExt;
use futures::stream;
use jiff::tz::TimeZone;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

/// The most rows of one kind taken up in one look.
pub(crate) const DUE_MAX: u32 = 200;
/// How often it is looked whether an owner of a key is to be told of its end: the notices count days.
const KEY_NOTICES_PAUSE: Duration = Duration::from_secs(10);
/// The most rows worked on at once.
const AT_ONCE: usize = 16;

/// How often what channels told and the books do not know is counted.
const UNMATCHED_EVERY: Duration = Duration::from_secs(60);
/// Pause between two looks for business days that are over.
const STATEMENTS_EVERY: Duration = Duration::from_secs(1);

/// Starts every loop.
pub(crate) fn start(app: &App) {
    if app.0.settings.takes_duty && app.0.duty.is_shared() {
        every(app, RENEW_EVERY, |app| async move { app.renew_duty().await });
    }
    for shard in app.0.store.shards() {
        start_shard(app, shard);
    }
    every(app, KEY_NOTICES_PAUSE, |app| async move { app.tell_keys().await });
    every(app, watch::LOOK_EVERY, |app| async move { app.watch().await });
    every(app, UNMATCHED_EVERY, |app| async move { app.count_unmatched().await });
    every(app, Duration::from_millis(500), |app| async move {
        app.refresh_config().await;
    });
}

/// Starts the loops that go through one shard.
fn start_shard(app: &App, shard: Shard) {
    let pause = Duration::from_millis(app.0.settings.due_poll_ms);
    every(app, pause, move |app| async move { app.run_due(shard).await });
    every(app, pause, move |app| async move { app.deliver_due(shard).await });
    every(app, Duration::from_secs(2), move |app| async move { app.seal_due(shard).await });
    every(app, STATEMENTS_EVERY, move |app| async move { app.form_statements(shard).await });
    if app.0.settings.retention.is_some() {
        let walks = Arc::new(retention::Walks::default());
        every(app, retention::LOOK_EVERY, move |app| {
            let walks = Arc::clone(&walks);
            async move { app.forget_old(shard, &walks).await }
        });
    }
    let cleared = Arc::new(archived::Cleared::default());
    every(app, archived::LOOK_EVERY, move |app| {
        let cleared = Arc::clone(&cleared);
        async move { app.drop_archived(shard, &cleared).await }
    });
    if shard.world() == World::Live {
        every(app, Duration::from_secs(5), move |app| async move { app.close_day(shard).await });
    }
}

/// Runs a piece of work again and again until the node stops.
fn every<F, W>(app: &App, pause: Duration, work: F)
where
    F: Fn(App) -> W + Send + 'static,
    W: Future<Output = ()> + Send,
{
    let (of, stopping) = (app.clone(), app.0.stopping.clone());
    app.spawn(async move {
        while !stopping.is_cancelled() {
            work(of.clone()).await;
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = stopping.cancelled() => {}
            }
        }
    });
}

impl App {
    /// Takes up everything that is due in a shard, once.
    pub(crate) async fn run_due(&self, shard: Shard) {
        if let Err(refusal) = self.try_due(shard).await {
            tracing::warn!(?refusal, shard = shard.0, "looking for due work came to nothing");
        }
    }

    async fn try_due(&self, shard: Shard) -> Result<(), Refusal> {
        if self.0.gate.is_held() || !self.0.duty.is_ours(shard) {
            // All of it stays due: most of it ends in a call, and the rest can wait as well.
            return Ok(());
        }
        let real_now_us = self.0.clock.real_now_us();
        let store = self.store();
        let attempts = store.attempts_due(shard, real_now_us, DUE_MAX).await?;
        let captures = store.captures_due(shard, real_now_us, DUE_MAX).await?;
        let refunds = store.refunds_due(shard, real_now_us, DUE_MAX).await?;
        let expired = store.payments_expired(shard, real_now_us, DUE_MAX).await?;
        let maturities = store.maturities_due(shard, real_now_us, DUE_MAX).await?;
        at_once(attempts, |attempt| async move { self.resolve_attempt(attempt.id, Asker::Owner).await })
            .await;
        at_once(captures, |capture| async move {
            let Some(payment) = self.store().payment(capture.payment).await? else { return Ok(()) };
            let now_us = self.business_now_us(capture.merchant).await?;
            self.ask_capture(&payment, &capture, false, now_us).await.map(|_| ())
        })
        .await;
        at_once(refunds, |refund| async move {
            let now_us = self.business_now_us(refund.merchant).await?;
            self.ask_refund(&refund, false, now_us).await.map(|_| ())
        })
        .await;
        at_once(expired, |payment| async move { self.expire(&payment).await }).await;
        at_once(maturities, |due| async move {
            let mature =
                Mature { merchant: due.merchant, currency: due.currency, available_on: due.available_on };
            self.apply(due.merchant, Command::Mature(mature)).await.map(|_| ())
        })
        .await;
        Ok(())
    }

    async fn seal_due(&self, shard: Shard) {
        if !self.0.duty.is_ours(shard) {
            return;
        }
        let now_us = self.0.clock.real_now_us();
        let sealed =
            seal::seal_due(self.store(), &self.0.salt_key, shard, seal::SealPolicy::default(), now_us).await;
        if let Err(error) = sealed {
            tracing::warn!(%error, shard = shard.0, "sealing came to nothing");
        }
    }

    /// Seals what is not sealed yet, when the node stops.
    pub(crate) async fn seal_rest(&self) {
        let policy = seal::SealPolicy { idle_us: 0, ..seal::SealPolicy::default() };
        for shard in self.0.store.shards() {
            let now_us = self.0.clock.real_now_us();
            if let Err(error) = seal::seal_due(self.store(), &self.0.salt_key, shard, policy, now_us).await {
                tracing::warn!(%error, shard = shard.0, "the journal's tail stays unsealed until the next start");
            }
        }
    }

    /// The live day closes when the operator's day (Asia/Shanghai) is over.
    async fn close_day(&self, shard: Shard) {
        if !self.0.duty.is_ours(shard) {
            return;
        }
        let zone = TimeZone::get("Asia/Shanghai").unwrap_or(TimeZone::UTC);
        let today = business_day(self.0.clock.real_now_us(), &zone);
        let Ok(open) = self.store().open_day(shard).await else { return };
        let config = self.config();
        let lender = config.merchants.keys().filter(|id| id.0.shard() == shard).min().copied();
        if let (true, Some(merchant)) = (open < today, lender)
            && let Err(refusal) = self.apply(merchant, Command::CloseDay(today)).await
        {
            tracing::warn!(?refusal, "the day was not closed; it is tried again");
        }
    }

    async fn count_unmatched(&self) {
        match unmatched(self.store()).await {
            Ok(found) => metrics::gauge!("feiqian_channel_unmatched").set(found.count()),
            Err(refusal) => tracing::warn!(?refusal, "what channels told was not compared with the books"),
        }
    }
}

/// Works on rows side by side, within a bound; what fails stays due.
async fn at_once<T, W>(rows: Vec<T>, work: impl Fn(T) -> W)
where
    W: Future<Output = Result<(), Refusal>>,
{
    stream::iter(rows)
        .map(work)
        .buffer_unordered(AT_ONCE)
        .for_each(|done| async move {
            if let Err(refusal) = done
                && refusal != Refusal::InProgress
            {
                tracing::warn!(?refusal, "a due row stays due");
            }
        })
        .await;
}
