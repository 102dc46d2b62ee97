//! `feiqian migrate`: brings the schema of the database to this program's, before nodes of it are started.

use crate::assemble::Installation;
use crate::cli::ConfigFile;
use crate::output;
use anyhow::Result;
use clap::Args;
use serde_json::json;
use std::process::ExitCode;

/// What `migrate` takes.
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
        let applied = Installation::find(&config)?.engine.migrate().await?;
        let json = json!({"object": "migration", "applied": applied});
        let text = match applied {
            0 => "The schema is this program's already. 数据库结构已是最新".to_owned(),
            applied => format!("Applied {applied} steps. 已升级数据库结构"),
        };
        output::answer(options.json, &json, &text)?;
        Ok(ExitCode::SUCCESS)
    })
}
