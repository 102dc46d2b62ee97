//! `feiqian verify`: proves the books, beside a serving process or on a copy of the data. Exit code 0: no difference; 1: the
//! first difference is on standard error.

use crate::archive::Shelf;
use crate::assemble::{Installation, real_now_us};
use crate::cli::ConfigFile;
use crate::output;
use crate::secrets::Secret;
use crate::verify_note::VerifyNote;
use anyhow::{Result, bail};
use app::verify::{self, Archived, ChainEnd, Progress, Report};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::ExitCode;
use store::Store;
use store::archive::ArchiveEnd;

/// What `verify` takes.
#[derive(Debug, Args)]
pub struct Options {
    #[command(flatten)]
    file: ConfigFile,
    /// Derive every balance and every object's sums again from the first line. Without it, what earlier runs proved is not read
    /// again, but for a share of the old blocks.
    #[arg(long)]
    full: bool,
    /// Look at a copy of the data instead.
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// One line of JSON on standard output.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    super::short(&options.file, async |mut config| {
        // A copy of the data has no archive of its own.
        let archive_dir = config.archive_place();
        if let Some(copy) = &options.data_dir {
            config.data_dir.clone_from(copy);
        }
        let mut installation = Installation::find_to_read(&config)?;
        installation.archive_dir = archive_dir;
        // On the installation itself the proven blocks are noted, so that the next run begins there; a copy is only read.
        let remember = options.data_dir.is_none();
        let store = match remember {
            true => installation.open_control().await?,
            false => installation.open_read_only().await?,
        };
        let seed = u64::from_be_bytes(crypto::secret::random_bytes());
        let what = verify::Options { full: options.full, remember, ..verify::Options::incremental(seed) };
        let report = prove(&installation, store.as_ref(), what, &mut Bar::new()).await?;
        if remember {
            let clean = report.difference.is_none();
            let note = VerifyNote { ended_at_us: real_now_us(), clean, full: options.full };
            if let Err(error) = note.write(&config.data_dir) {
                output::note(&format!("feiqian: the metrics will not show this run: {error:#}"));
            }
        }
        output::answer(options.json, &as_json(&report), &text(&report))?;
        match &report.difference {
            None => Ok(ExitCode::SUCCESS),
            Some(difference) => {
                output::note(&format!("feiqian: difference: {difference}"));
                Ok(ExitCode::FAILURE)
            }
        }
    })
}

/// One run over an opened store.
pub(crate) async fn prove(
    installation: &Installation,
    store: &dyn Store,
    options: verify::Options,
    progress: &mut dyn Progress,
) -> Result<Report> {
    let salt_key = installation.secret(store, Secret::JournalSalt).await?;
    let ends = archive_ends(store).await?;
    let shelf = match options.full {
        true => Shelf::whole(store, &installation.archive_dir).await?,
        false => None,
    };
    let archived = shelf.as_ref().map(|shelf| shelf as &dyn Archived);
    let report = verify::run(store, archived, &salt_key, options, progress).await?;
    if report.difference.is_some() && archive_ends(store).await? != ends {
        bail!("lines were archived meanwhile, so that nothing is proven: run it again");
    }
    Ok(report)
}

/// How far each shard is archived.
async fn archive_ends(store: &dyn Store) -> Result<Vec<ArchiveEnd>> {
    let mut ends = Vec::new();
    for shard in store.shards() {
        ends.push(store.archive_end(shard).await?);
    }
    Ok(ends)
}

/// A bar on standard error, if that is a terminal.
pub(crate) struct Bar(ProgressBar);

impl Bar {
    pub(crate) fn new() -> Bar {
        let bar = ProgressBar::new(0);
        if let Ok(style) =
            ProgressStyle::with_template("verify {wide_bar} {pos}/{len} transactions, {eta} left")
        {
            bar.set_style(style);
        }
        Bar(bar)
    }
}

impl Progress for Bar {
    fn total(&mut self, transactions: u64) {
        self.0.inc_length(transactions);
    }

    fn step(&mut self, transactions: u64) {
        self.0.inc(transactions);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// The report, for a machine.
pub(super) fn as_json(report: &Report) -> Value {
    let chain_ends: Vec<Value> = report
        .chain_ends
        .iter()
        .map(|end| json!({"shard": end.shard.0, "block": end.block, "last_seq": end.last_seq, "root": crypto::hex(&end.chained)}))
        .collect();
    json!({
        "object": "verification",
        "clean": report.difference.is_none(),
        "difference": report.difference.as_ref().map(ToString::to_string),
        "transactions": report.transactions,
        "lines": report.lines,
        "blocks": report.blocks,
        "old_blocks": report.old_blocks,
        "accounts": report.accounts,
        "objects": report.objects,
        "adjustments_in_transit": report.adjustments_in_transit,
        "statements": report.statements,
        "unsealed": report.unsealed,
        "unlinked": report.unlinked,
        "chain_ends": chain_ends,
    })
}

fn text(report: &Report) -> String {
    let verdict = match report.difference {
        None => "The books hold. 账目一致",
        Some(_) => "The books do NOT hold. 账目不一致",
    };
    let mut text = format!(
        "{verdict}\n  {} transactions, {} lines, {} accounts, {} objects, {} statements; {} blocks and {} old ones, {} transactions not sealed yet",
        report.transactions,
        report.lines,
        report.accounts,
        report.objects,
        report.statements,
        report.blocks,
        report.old_blocks,
        report.unsealed,
    );
    if report.adjustments_in_transit > 0 {
        text +=
            &format!("\n  {} adjustments are between two merchants 在途调账", report.adjustments_in_transit);
    }
    for ChainEnd { shard, block, last_seq, chained } in &report.chain_ends {
        let root = crypto::hex(chained);
        text += &format!(
            "\n  {} shard {}: block {block} to transaction {last_seq}, root {root}",
            shard.world().as_str(),
            shard.0
        );
    }
    text
}
