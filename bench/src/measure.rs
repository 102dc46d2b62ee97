//! A scene from its first connection to the last webhook, on an installation of its own.

use crate::database::Database;
use crate::drive;
use crate::http;
use crate::options::Options;
use crate::platform::{Installation, Serving};
use crate::receiver::Receiver;
use crate::report::{self, Report, print};
use crate::scene::Scene;
use anyhow::{Result, ensure};
use std::path::Path;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// The point that the targets speak of.
pub const HEADLINE_CONNECTIONS: usize = 64;
const IDLE_PAYMENTS: u32 = 200;
/// How long the last webhooks may take after the load has ended.
const WEBHOOKS_MAX: Duration = Duration::from_secs(60);

/// What the scenes leave for the end.
#[derive(Default)]
pub struct Findings {
    /// Synchronous payments a second at [`HEADLINE_CONNECTIONS`].
    pub headline_per_s: Option<f64>,
    /// Their 99th percentile.
    pub headline_p99_ms: Option<f64>,
    /// Commands in a batch there, on average.
    pub headline_batch: Option<f64>,
    /// Median of a payment that finds the server idle.
    pub idle_p50_ms: Option<f64>,
    /// The most memory that a server had resident.
    pub resident_mib: f64,
}

impl Findings {
    /// The batch in which rows are written straight to the database, so that both write alike.
    pub fn batch(&self) -> usize {
        /// Of no platform run at 64 connections.
        const COMMANDS: f64 = 32.0;
        let mean = self.headline_batch.unwrap_or(COMMANDS).round().clamp(1.0, 1_024.0);
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a whole number from 1 to 1,024
        let batch = mean as usize;
        batch
    }
}

/// Where a scene runs.
pub struct Stage<'a> {
    /// What the run was asked to do.
    pub options: &'a Options,
    /// Under which the numbers are reported.
    pub engine: &'static str,
    /// The installation's directory.
    pub directory: &'a Path,
    /// Its database.
    pub database: &'a Database,
    /// Merchants over which connections are spread.
    pub merchants: usize,
    /// Connections of the points.
    pub connections: &'a [usize],
}

/// All points of a scene on an installation of its own.
pub async fn scene(
    stage: &Stage<'_>,
    scene: Scene,
    report: &mut Report,
    findings: &mut Findings,
) -> Result<Installation> {
    let installation = Installation::create(&stage.options.binary()?, stage.directory, stage.database)?;
    let merchants = installation.merchants(stage.merchants).await?;
    let serving = installation.serve(merchants).await?;
    report::scene_head(stage.engine, scene)?;
    let receiver = match scene {
        Scene::BarCodeWebhook => {
            let receiver = Receiver::start().await?;
            serving.add_endpoints(receiver.address).await?;
            Some(receiver)
        }
        Scene::BarCode | Scene::Callback => None,
    };
    let before = serving.payments();
    if scene == Scene::BarCode {
        idle(stage, &serving, report, findings).await?;
    }
    for connections in stage.connections {
        point(stage, scene, *connections, &serving, report, findings).await?;
    }
    let mut connection = http::Connection::open(serving.target.address).await?;
    for merchant in &serving.merchants {
        let newest = merchant.newest_status(&mut connection).await?;
        ensure!(
            newest == "succeeded",
            "the newest payment is {newest} although its callback was acknowledged"
        );
    }
    if let Some(receiver) = receiver {
        await_webhooks(&receiver, serving.payments() - before).await?;
    }
    findings.resident_mib = findings.resident_mib.max(serving.peak_resident_mib()?);
    serving.stop().await
}

async fn idle(
    stage: &Stage<'_>,
    serving: &Serving,
    report: &mut Report,
    findings: &mut Findings,
) -> Result<()> {
    let merchant = serving.first_merchant()?;
    let idle = drive::idle(&serving.target, merchant, Scene::BarCode, IDLE_PAYMENTS).await?;
    let (p50_ms, p99_ms) = (idle.quantile_ms(0.5), idle.quantile_ms(0.99));
    report.put(&format!("{}.idle.p50_ms", stage.engine), p50_ms);
    report.put(&format!("{}.idle.p99_ms", stage.engine), p99_ms);
    findings.idle_p50_ms = Some(p50_ms);
    print(&format!("         idle              {p50_ms:>8.2}  {p99_ms:>8.2}"))
}

async fn point(
    stage: &Stage<'_>,
    scene: Scene,
    connections: usize,
    serving: &Serving,
    report: &mut Report,
    findings: &mut Findings,
) -> Result<()> {
    let batches = serving.batches().await?;
    let times = stage.options.times()?;
    let point = drive::point(&serving.target, &serving.merchants, scene, connections, times).await?;
    let batch = serving.batches().await?.mean_since(batches);
    report.point(stage.engine, scene, connections, &point)?;
    report.put(&format!("{}.{}.c{connections}.batch_commands", stage.engine, scene.name()), batch);
    if scene == Scene::BarCode && connections == HEADLINE_CONNECTIONS {
        findings.headline_per_s = Some(point.payments_per_s());
        findings.headline_p99_ms = Some(point.latency.quantile_ms(0.99));
        findings.headline_batch = Some(batch);
    }
    Ok(())
}

/// At least once each: every payment's one event must have come before the server may end.
async fn await_webhooks(receiver: &Receiver, payments: u64) -> Result<()> {
    let deadline = Instant::now() + WEBHOOKS_MAX;
    while receiver.received() < payments {
        ensure!(
            Instant::now() < deadline,
            "{} of {payments} webhooks came within {} s after the load",
            receiver.received(),
            WEBHOOKS_MAX.as_secs()
        );
        sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}
