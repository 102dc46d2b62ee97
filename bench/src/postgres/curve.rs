//! What a payment costs when many were made before: the rate on an empty database and again after each history, beside `verify`,
//! how long a killed server takes to come back, and what it is once old lines have left.

use super::server::Server;
use super::{archive, raw};
use crate::database::Database;
use crate::drive::{self, Point};
use crate::measure::HEADLINE_CONNECTIONS;
use crate::options::Options;
use crate::platform::{Installation, Serving};
use crate::report::{Report, print, target};
use crate::scene::Scene;
use anyhow::{Context as _, Result, ensure};
use std::path::Path;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How long the sealer may take for a history that was loaded, per million payments.
const SEALING_MAX: Duration = Duration::from_secs(300);

/// The curve.
pub async fn run(
    options: &Options,
    server: &Server,
    data: &Path,
    report: &mut Report,
    merchants: usize,
) -> Result<()> {
    let directory = data.join("postgres-curve");
    let url = server.database("curve")?;
    let installation =
        Installation::create(&options.binary()?, &directory, &Database::Postgres(url.clone()))?;
    let merchants = installation.merchants(merchants).await?;
    let mut serving = installation.serve(merchants.clone()).await?;
    print("\npostgres: payments/s after a history, signed synchronous bar_code, 64 connections")?;
    let empty = point(options, &serving).await?.payments_per_s();
    print(&format!("  empty                 {empty:>8.0}"))?;
    report.put("postgres.curve_0m.payments_per_s", empty);
    let mut loaded = 0;
    for millions in &options.history_millions {
        let installation = serving.stop().await?;
        let started = Instant::now();
        raw::load(&url, millions.saturating_sub(loaded) * 1_000_000).await.context("loading the history")?;
        loaded = *millions;
        testdb::say(&url, "ANALYZE");
        server.checkpoint();
        print(&format!(
            "  ({loaded} million payments are there after {:.0} s)",
            started.elapsed().as_secs_f64()
        ))?;
        serving = installation.serve(merchants.clone()).await?;
        await_sealing(&url, loaded).await?;
        let per_s = point(options, &serving).await?.payments_per_s();
        print(&format!("  {loaded:>3} million           {per_s:>8.0}"))?;
        report.put(&format!("postgres.curve_{loaded}m.payments_per_s"), per_s);
        let ratio = per_s / empty;
        report.put(&format!("postgres.curve_{loaded}m_ratio"), ratio);
        target(
            &format!("{loaded} million of empty, postgres.curve_{loaded}m_ratio"),
            ratio,
            "",
            ratio >= 0.8,
            "at least 0.80",
        )?;
    }
    beside_verify(options, &serving, report).await?;
    let (serving, recovered) = recovery(options, serving).await?;
    print(&format!(
        "  after kill -9 under load, until payments are taken again: {:.2} s",
        recovered.as_secs_f64()
    ))?;
    report.put("postgres.recovery_s", recovered.as_secs_f64());
    archive::run(&serving, &url, options.times()?, report).await?;
    let per_s = point(options, &serving).await?.payments_per_s();
    print(&format!("  after the archive     {per_s:>8.0}"))?;
    report.put("postgres.after_archive.payments_per_s", per_s);
    let installation = serving.stop().await?;
    let started = Instant::now();
    installation.verify()?;
    print(&format!("  verify --full of everything: {:.0} s", started.elapsed().as_secs_f64()))?;
    report.put("postgres.verify_full_s", started.elapsed().as_secs_f64());
    std::fs::remove_dir_all(&directory)?;
    server.drop_database("curve");
    Ok(())
}

async fn point(options: &Options, serving: &Serving) -> Result<Point> {
    let times = options.times()?;
    drive::point(&serving.target, &serving.merchants, Scene::BarCode, HEADLINE_CONNECTIONS, times).await
}

/// Waits until the journal is sealed up to its end, so that the sealer's work on the history is not measured.
async fn await_sealing(url: &str, millions: u64) -> Result<()> {
    let (client, _driver) = super::connect(url).await?;
    let open = "SELECT COALESCE(SUM(h.journal_seq - COALESCE((SELECT MAX(last_seq) FROM journal_block b \
                WHERE b.shard = h.shard), 0)), 0)::bigint FROM shard_head h";
    let deadline = Instant::now() + SEALING_MAX * u32::try_from(millions.max(1))?;
    loop {
        let lines: i64 = client.query_one(open, &[]).await?.try_get(0)?;
        if lines < 1_000 {
            return Ok(());
        }
        ensure!(Instant::now() < deadline, "{lines} transactions are not sealed after {:?}", SEALING_MAX);
        sleep(Duration::from_millis(500)).await;
    }
}

/// The rate while `verify` reads everything.
async fn beside_verify(options: &Options, serving: &Serving, report: &mut Report) -> Result<()> {
    let installation = serving.installation();
    let verify = std::thread::spawn(move || installation.verify());
    let per_s = point(options, serving).await?.payments_per_s();
    let is_beside = !verify.is_finished();
    verify.join().map_err(|_| anyhow::anyhow!("verify panicked"))??;
    let note = if is_beside { "" } else { " (verify ended before the load did)" };
    print(&format!("  beside verify --full  {per_s:>8.0}{note}"))?;
    report.put("postgres.beside_verify.payments_per_s", per_s);
    Ok(())
}

/// Kills the server while it is under load.
async fn recovery(options: &Options, serving: Serving) -> Result<(Serving, Duration)> {
    let target = serving.target.clone();
    let (merchants, times) = (serving.merchants.clone(), options.times()?);
    let load = tokio::task::spawn_local(async move {
        // It fails when the server is gone; what it had acknowledged is judged by verify.
        let _ = drive::point(&target, &merchants, Scene::BarCode, HEADLINE_CONNECTIONS, times).await;
    });
    sleep(times.warm_up.max(Duration::from_secs(1))).await;
    let back = serving.kill_and_serve().await?;
    load.await?;
    Ok(back)
}
