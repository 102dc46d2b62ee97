//! The platform on SQLite, and the same rows written straight to it.

use crate::database::Database;
use crate::measure::{self, Findings, Stage};
use crate::options::Options;
use crate::raw;
use crate::report::{Report, print, target};
use crate::scene::Scene;
use anyhow::{Context as _, Result};
use std::path::Path;
use tokio::runtime::Runtime;
use tokio::task::LocalSet;

/// All scenes, then the floor.
pub fn run(options: &Options, runtime: &Runtime, data: &Path, report: &mut Report) -> Result<()> {
    let mut findings = Findings::default();
    let mut template = None;
    for scene in &options.scenes {
        let directory = data.join(scene.name());
        let stage = Stage {
            options,
            engine: "sqlite",
            directory: &directory,
            database: &Database::File,
            merchants: 1,
            connections: &options.connections,
        };
        let measured = measure::scene(&stage, *scene, report, &mut findings);
        let installation = LocalSet::new().block_on(runtime, measured)?;
        installation.verify()?;
        if *scene == Scene::BarCode {
            template = Some(raw::Template::read(&installation.database())?);
        }
        std::fs::remove_dir_all(&directory)?;
    }
    if let Some(template) = template {
        floor(options, &template, data, report, &findings)?;
    }
    report.put("server.rss_mib", findings.resident_mib);
    targets(&findings)
}

fn floor(
    options: &Options,
    template: &raw::Template,
    data: &Path,
    report: &mut Report,
    findings: &Findings,
) -> Result<()> {
    let batch = findings.batch();
    let directory = data.join("raw");
    std::fs::create_dir_all(&directory)?;
    let per_s = raw::payments_per_s(template, &directory, batch, options.times()?).context("the raw run")?;
    print(&format!(
        "\n(c)  the row budget straight to SQLite, {batch} commands a batch, one thread: {per_s:.0} payments/s"
    ))?;
    report.put("sqlite.raw.payments_per_s", per_s);
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
