//! The platform on PostgreSQL beside that server's own benchmark: one server with one set of settings, started for this run,
//! durable as operators run it; pgbench, the row budget written straight to it, and the platform, one after the other.

mod archive;
mod curve;
mod raw;
mod rows;
mod server;
mod statements;
mod tpcb;

use crate::database::Database;
use crate::measure::{self, Findings, HEADLINE_CONNECTIONS, Stage};
use crate::options::Options;
use crate::report::{Report, print, target};
use crate::scene::Scene;
use anyhow::{Context as _, Result};
use server::Server;
use std::path::Path;
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::task::LocalSet;
use tokio_postgres::{Client, NoTls};

/// Merchants over which the load is spread; each is a root of its own.
const MERCHANTS: usize = 16;

/// The task that speaks for a client; it ends with this value.
struct Driver(tokio::task::JoinHandle<()>);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn connect(url: &str) -> Result<(Client, Driver)> {
    let (client, connection) =
        tokio_postgres::connect(url, NoTls).await.context("connecting to PostgreSQL")?;
    let driver = tokio::spawn(async move {
        if let Err(error) = connection.await {
            let _ = print(&format!("bench: the connection to PostgreSQL ended: {error}"));
        }
    });
    Ok((client, Driver(driver)))
}

/// pgbench, the platform, the floor, pgbench again; then the ratios.
pub fn run(options: &Options, runtime: &Runtime, data: &Path, report: &mut Report) -> Result<()> {
    let server = Server::start()?;
    print("\nPostgreSQL, durable, on these cores")?;
    let yardstick = server.database("tpcb")?;
    tpcb::prepare(&server.programs, &yardstick)?;
    let mut transactions_per_s = yardstick_round(options, &server, &yardstick)?;
    let mut findings = Findings::default();
    let mut floor_per_s = None;
    for scene in &options.scenes {
        let directory = data.join(format!("postgres-{}", scene.name()));
        let url = server.database(scene.name())?;
        server.checkpoint();
        let database = Database::Postgres(url.clone());
        let stage = Stage {
            options,
            engine: "postgres",
            directory: &directory,
            database: &database,
            merchants: MERCHANTS,
            connections: &options.connections,
        };
        let measured = measure::scene(&stage, *scene, report, &mut findings);
        let installation = LocalSet::new().block_on(runtime, measured)?;
        installation.verify()?;
        if *scene == Scene::BarCode {
            let raw = raw::payments_per_s(&url, findings.batch(), options.times()?);
            floor_per_s = Some(runtime.block_on(raw).context("the raw run")?);
            // The rows that were written straight are the platform's, or the floor would be another one.
            installation.verify().context("after the raw run")?;
        }
        server.drop_database(scene.name());
        std::fs::remove_dir_all(&directory)?;
    }
    let hot_per_s = hot_account(options, runtime, data, &server, report)?;
    if !options.history_millions.is_empty() {
        let curve = curve::run(options, &server, data, report, MERCHANTS);
        LocalSet::new().block_on(runtime, curve).context("the cost curve")?;
    }
    transactions_per_s = transactions_per_s.max(yardstick_round(options, &server, &yardstick)?);
    report.put("postgres.tpcb.transactions_per_s", transactions_per_s);
    ratios(report, &findings, transactions_per_s, floor_per_s, hot_per_s)
}

/// One scene on a cluster that was set up beforehand.
pub fn on_citus(
    options: &Options,
    runtime: &Runtime,
    data: &Path,
    url: &str,
    report: &mut Report,
) -> Result<()> {
    let scene = options.scenes.first().context("no scene was asked for")?;
    let directory = data.join("citus");
    let database = Database::Citus(url.to_owned(), options.citus_shards);
    let stage = Stage {
        options,
        engine: "citus",
        directory: &directory,
        database: &database,
        merchants: MERCHANTS,
        connections: &options.connections,
    };
    let mut findings = Findings::default();
    let measured = measure::scene(&stage, *scene, report, &mut findings);
    LocalSet::new().block_on(runtime, measured)?.verify()
}

/// The better of two numbers of clients.
fn yardstick_round(options: &Options, server: &Server, url: &str) -> Result<f64> {
    let measured = Duration::try_from_secs_f64(options.pgbench_seconds)?;
    server.checkpoint();
    let mut best = 0.0_f64;
    for clients in tpcb::CLIENTS {
        let per_s = tpcb::transactions_per_s(&server.programs, url, clients, measured)?;
        print(&format!("pgbench TPC-B, prepared, {clients} clients: {per_s:.0} transactions/s"))?;
        best = best.max(per_s);
    }
    Ok(best)
}

/// The same load on one merchant, whose balance and head every payment changes.
fn hot_account(
    options: &Options,
    runtime: &Runtime,
    data: &Path,
    server: &Server,
    report: &mut Report,
) -> Result<Option<f64>> {
    if !options.scenes.contains(&Scene::BarCode) {
        return Ok(None);
    }
    let directory = data.join("postgres-hot");
    let database = Database::Postgres(server.database("hot")?);
    let stage = Stage {
        options,
        engine: "postgres.hot",
        directory: &directory,
        database: &database,
        merchants: 1,
        connections: &[HEADLINE_CONNECTIONS],
    };
    let mut findings = Findings::default();
    let measured = measure::scene(&stage, Scene::BarCode, report, &mut findings);
    LocalSet::new().block_on(runtime, measured)?.verify()?;
    std::fs::remove_dir_all(&directory)?;
    Ok(findings.headline_per_s)
}

fn ratios(
    report: &mut Report,
    findings: &Findings,
    transactions_per_s: f64,
    floor_per_s: Option<f64>,
    hot_per_s: Option<f64>,
) -> Result<()> {
    report.put("postgres.server.rss_mib", findings.resident_mib);
    if let Some(floor_per_s) = floor_per_s {
        let batch = findings.batch();
        print(&format!(
            "\n(c)  the row budget straight to PostgreSQL, {batch} commands a batch, two connections: {floor_per_s:.0} payments/s"
        ))?;
        report.put("postgres.raw.payments_per_s", floor_per_s);
    }
    let Some(per_s) = findings.headline_per_s else { return Ok(()) };
    print("\ntargets")?;
    let ratio = per_s / transactions_per_s;
    report.put("postgres.tpcb_ratio", ratio);
    target(
        "(b) at 64 connections of pgbench, postgres.tpcb_ratio",
        ratio,
        "",
        ratio >= 1.3,
        "at least 1.30",
    )?;
    if let Some(floor_per_s) = floor_per_s {
        report.put("postgres.raw_ratio", per_s / floor_per_s);
        print(&format!(
            "        of the row budget written straight, postgres.raw_ratio   {:>9.2}",
            per_s / floor_per_s
        ))?;
    }
    if let Some(hot_per_s) = hot_per_s {
        report.put("postgres.hot_ratio", hot_per_s / per_s);
        print(&format!(
            "        hot account of spread accounts, postgres.hot_ratio      {:>9.2}",
            hot_per_s / per_s
        ))?;
    }
    Ok(())
}
