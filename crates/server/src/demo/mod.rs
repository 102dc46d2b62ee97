//! placeholder
use anyhow::Result;
/// x
#[derive(Debug, clap::Args)]
pub struct Options {}
pub(crate) fn run(_options: Options) -> Result<std::process::ExitCode> { anyhow::bail!("no") }
