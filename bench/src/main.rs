//! The benchmark of the platform as merchants meet it: the release binary over loopback HTTP, requests signed while the clock
//! runs, every payment durable, the load generator on the same cores. See [`options::Options`].

mod clock;
mod database;
mod drive;
mod histogram;
mod http;
mod measure;
mod options;
mod platform;
mod postgres;
mod process;
mod raw;
mod receiver;
mod report;
mod scene;
mod signer;
mod sqlite;

use anyhow::Result;
use clap::Parser as _;
use options::{Engine, Options};
use report::{Report, print};
use std::process::ExitCode;

fn main() -> ExitCode {
    let options = Options::parse();
    match run(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = print(&format!("bench: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    std::fs::create_dir_all(&options.out)?;
    let out = std::path::absolute(&options.out)?;
    let data = tempfile::Builder::new().prefix("data-").tempdir_in(&out)?;
    let mut report = Report::default();
    if let Some(url) = &options.citus {
        postgres::on_citus(options, &runtime, data.path(), url, &mut report)?;
        return report.write(&out.join("report.json"));
    }
    for engine in &options.engines {
        match engine {
            Engine::Sqlite => sqlite::run(options, &runtime, data.path(), &mut report)?,
            Engine::Postgres => postgres::run(options, &runtime, data.path(), &mut report)?,
        }
        // What one engine found is kept though the next one fails.
        report.write(&out.join("report.json"))?;
    }
    Ok(())
}
