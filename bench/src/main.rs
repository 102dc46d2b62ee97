//! The benchmark of the platform as merchants meet it: the release binary over loopback HTTP, requests signed while the clock
//! runs, every payment durable, the load generator on the same cores. See [`options::Options`].

mod clock;
mod drive;
mod histogram;
mod http;
mod options;
mod platform;
mod process;
mod raw;
mod receiver;
mod report;
mod scene;
mod signer;

use anyhow::{Context as _, Result, ensure};
use clap::Parser as _;
use options::Options;
use platform::{Installation, Serving};
use receiver::Receiver;
use report::{Report, print, target};
use scene::Scene;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;
use tokio::task::LocalSet;
use tokio::time::{Instant, sleep};

/// The point that the targets speak of.
const HEADLINE_CONNECTIONS: usize = 64;
const IDLE_PAYMENTS: u32 = 200;
/// How long the last webhooks may take after the load has ended.
const WEBHOOKS_MAX: Duration = Duration::from_secs(60);

fn main() -> ExitCode {
    let options = Options::parse();
    match measure(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = print(&format!("bench: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// What the scenes leave for the end.
#[derive(Default)]
struct Findings {
    headline_per_s: Option<f64>,
    headline_p99_ms: Option<f64>,
    headline_batch: Option<f64>,
    idle_p50_ms: Option<f64>,
    resident_mib: f64,
}

fn measure(options: &Options) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    std::fs::create_dir_all(&options.out)?;
    let out = std::path::absolute(&options.out)?;
    let data = tempfile::Builder::new().prefix("data-").tempdir_in(&out)?;
    let mut report = Report::default();
    let mut findings = Findings::default();
    let mut template = None;
    for scene in &options.scenes {
        let directory = data.path().join(scene.name());
        let local = LocalSet::new();
        let installation =
            local.block_on(&runtime, run_scene(options, *scene, &directory, &mut report, &mut findings))?;
        installation.verify()?;
        if *scene == Scene::BarCode {
            template = Some(raw::Template::read(&installation.database())?);
        }
        std::fs::remove_dir_all(&directory)?;
    }
    if let Some(template) = template {
        run_raw(options, &template, data.path(), &mut report, &findings)?;
    }
    report.put("server.rss_mib", findings.resident_mib);
    targets(&findings)?;
    report.write(&out.join("report.json"))
}

/// All points of a scene on an installation of its own.
async fn run_scene(
    options: &Options,
    scene: Scene,
    directory: &Path,
    report: &mut Report,
    findings: &mut Findings,
) -> Result<Installation> {
    let serving = Installation::create(&options.binary()?, directory)?.serve().await?;
    report::scene_head(scene)?;
    let receiver = match scene {
        Scene::BarCodeWebhook => {
            let receiver = Receiver::start().await?;
            serving.add_endpoint(receiver.address).await?;
            Some(receiver)
        }
        Scene::BarCode | Scene::Callback => None,
    };
    let before = serving.merchant.numbers.get();
    if scene == Scene::BarCode {
        let idle = drive::idle(&serving.target, &serving.merchant, scene, IDLE_PAYMENTS).await?;
        let (p50_ms, p99_ms) = (idle.quantile_ms(0.5), idle.quantile_ms(0.99));
        report.put("sqlite.idle.p50_ms", p50_ms);
        report.put("sqlite.idle.p99_ms", p99_ms);
        findings.idle_p50_ms = Some(p50_ms);
        print(&format!("         idle              {p50_ms:>8.2}  {p99_ms:>8.2}"))?;
    }
    let merchant = &serving.merchant;
    for connections in &options.connections {
        run_point(options, scene, *connections, &serving, report, findings).await?;
    }
    let mut connection = http::Connection::open(serving.target.address).await?;
    let newest = merchant.newest_status(&mut connection).await?;
    ensure!(newest == "succeeded", "the newest payment is {newest} although its callback was acknowledged");
    if let Some(receiver) = receiver {
        await_webhooks(&receiver, merchant.numbers.get() - before).await?;
    }
    findings.resident_mib = findings.resident_mib.max(serving.peak_resident_mib()?);
    serving.stop().await
}

async fn run_point(
    options: &Options,
    scene: Scene,
    connections: usize,
    serving: &Serving,
    report: &mut Report,
    findings: &mut Findings,
) -> Result<()> {
    let batches = serving.batches().await?;
    let point =
        drive::point(&serving.target, &serving.merchant, scene, connections, options.times()?).await?;
    let batch = serving.batches().await?.mean_since(batches);
    report.point(scene, connections, &point)?;
    report.put(&format!("sqlite.{}.c{connections}.batch_commands", scene.name()), batch);
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

fn run_raw(
    options: &Options,
    template: &raw::Template,
    data: &Path,
    report: &mut Report,
    findings: &Findings,
) -> Result<()> {
    /// Of no platform run at 64 connections.
    const BATCH_COMMANDS: f64 = 32.0;
    let mean = findings.headline_batch.unwrap_or(BATCH_COMMANDS).round().clamp(1.0, 1_024.0);
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a whole number from 1 to 1,024
    let batch = mean as usize;
    let directory = data.join("raw");
    std::fs::create_dir_all(&directory)?;
    let per_s = raw::payments_per_s(template, &directory, batch, options.times()?).context("the raw run")?;
    print(&format!(
        "\n(c)  the row budget straight to SQLite, {batch} commands a batch, one thread: {per_s:.0} payments/s"
    ))?;
    report.put("sqlite.raw.payments_per_s", per_s);
    report.put("sqlite.raw.batch_commands", mean);
    if let Some(platform_per_s) = findings.headline_per_s {
        report.put("sqlite.raw_ratio", platform_per_s / per_s);
        print("\ntargets")?;
        let ratio = platform_per_s / per_s;
        target("(b) at 64 connections of (c), sqlite.raw_ratio", ratio, "", ratio >= 0.5, "at least 0.50")?;
    }
    Ok(())
}

fn targets(findings: &Findings) -> Result<()> {
    if let Some(per_s) = findings.headline_per_s {
        target("(b) at 64 connections, durable", per_s, "/s", per_s >= 5_000.0, "at least 5000")?;
    }
    if let Some(p99_ms) = findings.headline_p99_ms {
        target("(b) at 64 connections, p99", p99_ms, "ms", p99_ms < 50.0, "under 50")?;
    }
    if let Some(p50_ms) = findings.idle_p50_ms {
        target("a single payment at an idle server, median", p50_ms, "ms", p50_ms < 3.0, "under 3")?;
    }
    let mib = findings.resident_mib;
    target("resident memory of the server, peak", mib, "MiB", mib < 150.0, "under 150")
}
