//! `feiqian serve`

use crate::assemble::Installation;
use crate::cli::ConfigFile;
use crate::config::Config;
use crate::service::{Listeners, Service, StopSignals};
use crate::{clock_watch, output, telemetry};
use anyhow::Result;
use clap::Args;
use sd_notify::NotifyState;
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
        let stop = StopSignals::listen()?;
        let installation = Installation::find(&config)?;
        let listeners = Listeners::bind(&config).await?;
        let service = Service::start(&config, &installation, listeners).await?;
        clock_watch::warn_of_drift(service.running.store.as_ref()).await?;
        if options.json {
            let at = &service.serving;
            let json = json!({
                "object": "serving",
                "listen": at.listen,
                "internal_listen": at.internal_listen,
                "public_url": at.public_url,
                "pid": at.pid,
                "held": service.running.app.held_since_us().is_some(),
            });
            output::answer(true, &json, "")?;
        }
        tell_supervisor(&[NotifyState::Ready, NotifyState::Status(&service.serving.public_url)]);
        stop.wait().await;
        tell_supervisor(&[NotifyState::Stopping]);
        service.stop(&config).await?;
        Ok(ExitCode::SUCCESS)
    })
}

/// A line to systemd, where this process is its service of type notify; else nothing.
fn tell_supervisor(state: &[NotifyState]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::warn!(%error, "NOTIFY_SOCKET is set and can't be written to");
    }
}
