//! `feiqian restore`: makes a new installation from a backup. It starts held.

use crate::backup::{self, Restoring};
use crate::cli::ConfigFile;
use crate::output;
use anyhow::Result;
use clap::Args;
use serde_json::json;
use std::path::PathBuf;
use std::process::ExitCode;

/// What `restore` takes.
#[derive(Debug, Args)]
pub struct Options {
    #[command(flatten)]
    file: ConfigFile,
    /// The backup. It goes into the settings' data_dir, which must not be there or be empty; their master_key_file must hold the
    /// key that the backup was made under.
    #[arg(value_name = "DIR")]
    directory: PathBuf,
    /// The data directory of the installation that was lost, where its sandbox channel's books are still whole: they are taken
    /// instead of those in the backup, as a channel does not go back in time.
    #[arg(long, value_name = "DATA_DIR")]
    sandbox_books: Option<PathBuf>,
    /// One line of JSON on standard output.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    super::short(&options.file, async |config| {
        let restoring =
            Restoring { from: &options.directory, channel_books: options.sandbox_books.as_deref() };
        let manifest = backup::restore(&config, restoring).await?;
        let json = json!({
            "object": "restored_installation",
            "data_dir": std::path::absolute(&config.data_dir)?,
            "books_of": manifest.books_of,
            "schema": store::sqlite::schema(),
            "held": true,
        });
        let text = format!(
            "Restored into {} 已恢复\n  books of {}\nIt is HELD: it answers reads, and nothing leaves it. 系统暂停外发，只供查询\nNext: feiqian verify --full   ·   feiqian serve   ·   feiqian resume",
            config.data_dir.display(),
            manifest.books_of,
        );
        output::answer(options.json, &json, &text)?;
        Ok(ExitCode::SUCCESS)
    })
}
