//! `feiqian statement`: what a merchant's days came to, and their files, read from the books beside a serving process or without one.

use crate::assemble::Installation;
use crate::cli::ConfigFile;
use crate::output;
use anyhow::{Context, Result, anyhow, bail};
use app::statement::file::{Format, chunks};
use clap::{Args, Subcommand, ValueEnum};
use domain::id::{Id, MerchantId};
use domain::statement::{Kind, Statement};
use futures::StreamExt;
use ledger::Day;
use serde_json::json;
use statement::Lang;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use store::Store;
use store::reads::Page;
use store::statements::StatementFilter;
use wire::StatementObject;

/// What can be done with statements.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show the statements of a merchant's business day.
    Show(Show),
    /// Write a statement's file, as its merchant downloads it.
    Export(Export),
}

/// What `statement show` takes.
#[derive(Debug, Args)]
pub struct Show {
    #[command(flatten)]
    file: ConfigFile,
    #[command(flatten)]
    which: Which,
    /// One line of JSON on standard output.
    #[arg(long)]
    json: bool,
}

/// Which statements.
#[derive(Debug, Args)]
pub struct Which {
    /// The merchant, `mch_…`.
    #[arg(long)]
    merchant: String,
    /// The business day, YYYY-MM-DD.
    #[arg(long)]
    date: String,
    /// Of this kind; without it both.
    #[arg(long, value_enum)]
    kind: Option<KindName>,
}

/// What `statement export` takes.
#[derive(Debug, Args)]
pub struct Export {
    #[command(flatten)]
    file: ConfigFile,
    #[command(flatten)]
    which: Which,
    /// How it is written.
    #[arg(long, value_enum, default_value = "csv")]
    format: FormatName,
    /// The language of headers and words in csv and excel.
    #[arg(long, value_enum, default_value = "en")]
    lang: LangName,
    /// Where it goes; an existing file is not touched.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// One line of JSON on standard output.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
#[allow(missing_docs)] // the names of WIRE
pub enum KindName {
    Trade,
    FundFlow,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs)] // the names of WIRE
pub enum FormatName {
    Csv,
    Excel,
    Jsonl,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs)] // the names of WIRE
pub enum LangName {
    Zh,
    En,
}

pub(crate) fn run(command: Command) -> Result<ExitCode> {
    match command {
        Command::Show(options) => super::short(&options.file, async |config| {
            let store = Installation::find(&config)?.open_read_only().await?;
            show(&find(store.as_ref(), &options.which).await?, options.json)
        }),
        Command::Export(options) => super::short(&options.file, async |config| {
            let store = Installation::find(&config)?.open_read_only().await?;
            let mut found = find(store.as_ref(), &options.which).await?;
            let made = match (found.pop(), found.is_empty()) {
                (Some(made), true) => made,
                (Some(_), false) => bail!("there are statements of two kinds: say which with --kind"),
                (None, _) => bail!("there is no statement"),
            };
            export(store, made, &options).await
        }),
    }
}

async fn find(store: &dyn Store, which: &Which) -> Result<Vec<Statement>> {
    let merchant = MerchantId::parse(&which.merchant).context("--merchant: not a merchant's id (mch_…)")?;
    let day = Day::parse(&which.date).context("--date: expected YYYY-MM-DD")?;
    let kind = which.kind.map(|kind| match kind {
        KindName::Trade => Kind::Trade,
        KindName::FundFlow => Kind::FundFlow,
    });
    let page = Page { limit: Kind::ALL.len() as u32, after: None };
    let found = store.statements(merchant, StatementFilter { day: Some(day), kind }, page).await?;
    if found.is_empty() {
        bail!(
            "there is no statement of {merchant} for {day}: the day is not over and formed, or was before its first"
        );
    }
    Ok(found)
}

fn show(found: &[Statement], as_json: bool) -> Result<ExitCode> {
    let objects: Vec<StatementObject<'_>> =
        found.iter().map(|made| StatementObject::of(made, made.merchant.uid().shard().world())).collect();
    let mut text = String::new();
    for object in &objects {
        let totals = serde_json::to_string(&object.totals)?;
        let root = object.root.as_deref().unwrap_or("none, nothing was booked");
        text += &format!(
            "{} {} {} ({}): {} lines\n  totals {totals}\n  sha256 {}\n  root   {root}\n",
            object.id, object.kind, object.date, object.business_zone, object.line_count, object.sha256,
        );
    }
    output::answer(as_json, &json!({"object": "list", "data": objects}), text.trim_end())?;
    Ok(ExitCode::SUCCESS)
}

async fn export(store: Arc<dyn Store>, made: Statement, options: &Export) -> Result<ExitCode> {
    let lang = match options.lang {
        LangName::Zh => Lang::Zh,
        LangName::En => Lang::En,
    };
    let format = match options.format {
        FormatName::Csv => Format::Csv(lang),
        FormatName::Excel => Format::Excel(lang),
        FormatName::Jsonl => Format::JsonLines,
    };
    let beside = options.out.parent().filter(|parent| !parent.as_os_str().is_empty());
    let beside = beside.unwrap_or(Path::new("."));
    let id = made.id.to_string();
    let differs =
        |refusal| anyhow!("the file of {id} could not be made whole ({refusal:?}): run verify --full");
    // Under its name there is a whole file or none.
    let mut out = tempfile::NamedTempFile::new_in(beside)?;
    let mut pieces = chunks(store, made, format, beside).await.map_err(differs)?;
    let mut bytes = 0_u64;
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(differs)?;
        bytes += piece.len() as u64;
        out.write_all(&piece)?;
    }
    out.as_file().sync_all()?;
    out.persist_noclobber(&options.out).with_context(|| options.out.display().to_string())?;
    let json = json!({"object": "statement_file", "statement": id, "file": options.out, "bytes": bytes});
    output::answer(options.json, &json, &format!("{id}: {bytes} bytes in {}", options.out.display()))?;
    Ok(ExitCode::SUCCESS)
}
