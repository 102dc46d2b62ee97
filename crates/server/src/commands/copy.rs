//! `feiqian copy`: an installation goes from its file to PostgreSQL. The file is held first, so that at no moment two databases could be
//! served that call channels; both are proven, and only then is the new one let go.

use super::verify::{Bar, as_json, prove};
use crate::assemble::{Installation, real_now_us};
use crate::cli::ConfigFile;
use crate::config::{Config, StoreUrl};
use crate::engine::{Engine, explain_open};
use crate::output;
use anyhow::{Context, Result, bail};
use app::verify;
use clap::Args;
use serde_json::{Value, json};
use std::process::ExitCode;
use store::transfer::{Source, Transferred, transfer};

/// What `copy` takes.
#[derive(Debug, Args)]
pub struct Options {
    #[command(flatten)]
    file: ConfigFile,
    /// Where the installation is: sqlite:NAME. Without it, where store.url says.
    #[arg(long, value_name = "URL")]
    from: Option<StoreUrl>,
    /// Where it goes: the url of a PostgreSQL database without an installation. A password stands in the file that
    /// store.password_file names.
    #[arg(long, value_name = "URL")]
    to: StoreUrl,
    /// One line of JSON on standard output.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    super::short(&options.file, async |config| {
        let at = |url: StoreUrl| {
            let mut config = config.clone();
            config.store.url = url;
            config
        };
        let from = at(options.from.clone().unwrap_or_else(|| config.store.url.clone()));
        let copied = copy(&from, &at(options.to.clone())).await?;
        let rows: u64 = copied.tables.iter().map(|table| table.rows).sum();
        let json = json!({
            "object": "copied_installation",
            "from": from.store.url.to_string(),
            "to": options.to.to_string(),
            "rows": rows,
            "verification": copied.verification,
            "held": copied.is_held,
        });
        let next = match copied.is_held {
            true => {
                "It is HELD, as the file was before. 新库与原库一样保持暂停外发\nNext: put the url into store.url   ·   feiqian serve   ·   feiqian resume"
            }
            false => "Next: put the url into store.url   ·   feiqian serve",
        };
        let text = format!(
            "Copied {rows} rows to {} 已复制\n  The books hold on both sides. 两边账目一致\n  The file is HELD from now on: nothing leaves it. 原库文件从此暂停外发\n{next}",
            options.to
        );
        output::answer(options.json, &json, &text)?;
        Ok(ExitCode::SUCCESS)
    })
}

struct Copied {
    tables: Vec<Transferred>,
    verification: Value,
    is_held: bool,
}

async fn copy(from: &Config, to: &Config) -> Result<Copied> {
    let source = Installation::find(from)?;
    let target = Installation::find_to_read(to)?;
    // Before anything is held: the settings may name the new database already.
    let (Engine::Sqlite(file), Engine::Postgres { config, .. }) = (&source.engine, &target.engine) else {
        bail!(
            "an installation is copied from sqlite:NAME to a PostgreSQL database: name them with --from sqlite:NAME --to postgres://…"
        );
    };
    let was_held = hold(&source).await?;
    let copied = async {
        // Nobody serves the file until both sides are proven.
        let from = Source::open(file).map_err(explain_open)?;
        let (_from, tables) = transfer(from, config, |table: &Transferred| {
            tracing::info!(table = table.table, rows = table.rows, "copied");
        })
        .await?;
        let proof = same_books(&source, &target).await?;
        anyhow::Ok((tables, proof))
    };
    let copied = copied.await;
    let done = match copied {
        Ok(done) => done,
        // Whatever the new one holds by now is held, as it came.
        Err(error) if was_held => return Err(error),
        Err(error) => {
            let released = async { anyhow::Ok(source.open_control().await?.release().await?) };
            return match released.await {
                Ok(()) => Err(error),
                Err(_) => Err(error.context("the file stays held: `feiqian resume` lets it go")),
            };
        }
    };
    if !was_held {
        let letting_go =
            "the copy is whole and held: put its url into store.url, and `feiqian resume` lets it go";
        target.open_control().await.context(letting_go)?.release().await.context(letting_go)?;
    }
    let (tables, verification) = done;
    Ok(Copied { tables, verification, is_held: was_held })
}

/// Nothing leaves the file any more; answers whether that was so before. Only who has it to itself may say so here.
async fn hold(source: &Installation) -> Result<bool> {
    let store = source.open().await?;
    let was_held = store.snapshot().await?.held_since_us.is_some();
    if !was_held {
        store.hold(real_now_us(), None).await?;
    }
    Ok(was_held)
}

/// What both sides prove, which must be the same, and the same configuration: keys are revoked by commands beside this one too.
async fn same_books(source: &Installation, target: &Installation) -> Result<Value> {
    let before = proven(source).await.context("the file")?;
    let after = proven(target).await.context("the copy")?;
    if before != after {
        bail!("the copy is not what the file is: {before} became {after}");
    }
    let version = async |of: &Installation| anyhow::Ok(of.open_control().await?.snapshot().await?.version);
    if version(source).await? != version(target).await? {
        bail!("the configuration was changed meanwhile: empty the database, and copy again");
    }
    Ok(after)
}

async fn proven(installation: &Installation) -> Result<Value> {
    // What was proven is noted, so that the next run begins there.
    let store = installation.open_control().await?;
    let report = prove(installation, store.as_ref(), verify::Options::full(), &mut Bar::new()).await?;
    if let Some(difference) = &report.difference {
        bail!("difference: {difference}");
    }
    Ok(as_json(&report))
}
