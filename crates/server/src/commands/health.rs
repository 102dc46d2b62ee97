//! `feiqian health`: asks the process that serves this data whether it takes commands. For container health checks and scripts:
//! no other program is needed in the image. Exit code 0: it does; 1: it does not, or nobody serves.

use crate::cli::ConfigFile;
use crate::inside::Inside;
use crate::output;
use anyhow::{Context, Result};
use clap::Args;
use serde_json::json;
use std::process::ExitCode;
use std::time::Duration;

/// It answers sooner or is not well.
const ANSWER_MAX: Duration = Duration::from_secs(5);
/// Characters of the answer that are told.
const REASON_CHARS_MAX: usize = 200;

/// What `health` takes.
#[derive(Debug, Args)]
pub struct Options {
    #[command(flatten)]
    file: ConfigFile,
    /// One line of JSON on standard output.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    super::short(&options.file, async |config| {
        let inside = Inside::of(&config, ANSWER_MAX)?;
        let answer = inside.get("/readyz").send().await;
        let answer = answer.with_context(|| format!("nobody answers on internal_listen {}", inside.at))?;
        let is_ready = answer.status().is_success();
        let said: String =
            answer.text().await.unwrap_or_default().trim().chars().take(REASON_CHARS_MAX).collect();
        output::answer(options.json, &json!({"object": "health", "ready": is_ready, "said": said}), &said)?;
        Ok(if is_ready { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    })
}
