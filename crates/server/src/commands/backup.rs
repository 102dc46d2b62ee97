//! `feiqian backup`: copies the installation while it serves.

use crate::backup::{self, Making, Manifest, Proof};
use crate::cli::ConfigFile;
use crate::output;
use anyhow::Result;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use std::path::PathBuf;
use std::process::ExitCode;

/// What `backup` takes.
#[derive(Debug, Args)]
pub struct Options {
    #[command(flatten)]
    file: ConfigFile,
    /// Where the backup is put: a new or an empty directory. Beside it there must be room for one more, written first.
    #[arg(value_name = "DIR")]
    directory: PathBuf,
    /// Prove only what no earlier `verify` has proven; without it everything is derived again from the first line.
    #[arg(long, conflicts_with = "no_verify")]
    quick: bool,
    /// Prove nothing. For a copy of books that do not hold; a backup wants to be proven.
    #[arg(long)]
    no_verify: bool,
    /// Give up when the database's log grows past this while it is copied, MiB.
    #[arg(long, value_name = "MIB", default_value_t = store::sqlite::LOG_MAX_BYTES >> 20)]
    log_max_mib: u64,
    /// One line of JSON on standard output.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    super::short(&options.file, async |config| {
        let proof = match (options.quick, options.no_verify) {
            (_, true) => Proof::No,
            (true, false) => Proof::Quick,
            (false, false) => Proof::Full,
        };
        let pages = ProgressBar::new(0);
        if let Ok(style) = ProgressStyle::with_template("copy   {wide_bar} {pos}/{len} pages, {eta} left") {
            pages.set_style(style);
        }
        let bar = pages.clone();
        let copied = move |done, all| {
            bar.set_length(all);
            bar.set_position(done);
        };
        let making = Making {
            proof,
            log_max_bytes: options.log_max_mib.saturating_mul(1 << 20),
            copied: Box::new(copied),
            proven: &mut super::verify::Bar::new(),
        };
        let made = backup::create(&config, &options.directory, making).await;
        pages.finish_and_clear();
        let manifest = made?;
        let json = json!({
            "object": "backup",
            "directory": std::path::absolute(&options.directory)?,
            "manifest": manifest,
        });
        output::answer(options.json, &json, &text(options, &manifest))?;
        Ok(ExitCode::SUCCESS)
    })
}

fn text(options: &Options, manifest: &Manifest) -> String {
    let bytes: u64 = manifest.files.iter().map(|file| file.size_bytes).sum();
    let mut text = format!(
        "Backed up to {} 备份完成\n  books of {}, schema {}, {} files, {:.1} MiB, proven: {}",
        options.directory.display(),
        manifest.books_of,
        manifest.schema,
        manifest.files.len(),
        mib(bytes),
        manifest.proven,
    );
    for shard in &manifest.shards {
        text += &format!("\n  {} shard {}: to transaction {}", shard.world, shard.shard, shard.journal_seq);
        if let (Some(block), Some(root)) = (shard.block, &shard.root) {
            text += &format!(", block {block}, root {root}");
        }
    }
    text + "\n  The master key is not in it: keep its file elsewhere. 备份不含主密钥，请另行保管"
}

#[allow(clippy::cast_precision_loss)] // for people
fn mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}
