//! `feiqian serve`

use crate::assemble::Installation;
use crate::cli::ConfigFile;
use crate::config::Config;
use crate::service::{Listeners, Service, asked_to_stop};
use crate::{output, telemetry};
use anyhow::Result;
use clap::Args;
use serde_json::json;
use std::process::ExitCode;

/// What `serve` takes.
#[derive(Debug, Args)]
pub struct Options {
    #[command(flatten)]
    file: ConfigFile,
    /// One line of JSON on standard output once commands are taken: the addresses.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    let config = Config::load(options.file.config.as_deref())?;
    telemetry::start(&config.log);
    super::block_on(config.worker_threads, async {
        let installation = Installation::find(&config)?;
        let listeners = Listeners::bind(&config).await?;
        let service = Service::start(&config, &installation, listeners).await?;
        if options.json {
            let at = &service.serving;
            let json = json!({
                "object": "serving",
                "listen": at.listen,
                "internal_listen": at.internal_listen,
                "public_url": at.public_url,
                "pid": at.pid,
            });
            output::answer(true, &json, "")?;
        }
        asked_to_stop().await?;
        service.stop(&config).await?;
        Ok(ExitCode::SUCCESS)
    })
}
