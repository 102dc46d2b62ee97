//! `feiqian hold`: nothing leaves the installation any more, until `feiqian resume`.

use crate::assemble::{Installation, real_now_us};
use crate::cli::ConfigFile;
use crate::output;
use anyhow::{Context, Result, ensure};
use clap::Args;
use serde_json::json;
use std::process::ExitCode;
use store::safekeeping::Restored;

/// What `hold` takes.
#[derive(Debug, Args)]
pub struct Options {
    #[command(flatten)]
    file: ConfigFile,
    /// The database was restored by other means, and its books are of this moment (RFC 3339).
    #[arg(long, value_name = "TIME")]
    books_of: Option<String>,
    /// One line of JSON on standard output.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    super::short(&options.file, async |config| {
        let at_us = real_now_us();
        let restored = options.books_of.as_deref().map(|text| restored(text, at_us)).transpose()?;
        Installation::find(&config)?.open_control().await?.hold(at_us, restored).await?;
        let since = output::instant(at_us)?;
        let json = json!({"object": "hold", "held": true, "held_since": since});
        let text = format!(
            "Held since {since} 已暂停外发\n  Nothing leaves this installation until: feiqian resume. A server that runs notices within a second."
        );
        output::answer(options.json, &json, &text)?;
        Ok(ExitCode::SUCCESS)
    })
}

fn restored(text: &str, at_us: i64) -> Result<Restored> {
    let moment: jiff::Timestamp =
        text.parse().context("--books-of: no time of RFC 3339, such as 2026-11-25T03:00:00Z")?;
    let books_of_us = moment.as_microsecond();
    ensure!(books_of_us <= at_us, "--books-of: {text} lies in the future");
    Ok(Restored { at_us, books_of_us })
}
