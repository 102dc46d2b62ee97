//! One cent changed in a copy of the database, past all rules, and what `verify` says of it.

use crate::assemble::Installation;
use crate::commands::verify::prove;
use crate::output::line;
use crate::service::Service;
use anyhow::{Result, bail};
use app::verify::Options;
use domain::World;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use store::sqlite::{Copying, SqliteConfig, SqliteStore, tamper_for_demo};
use tokio::time::Instant;

/// 2010: what a merchant has earned and not yet available.
const MERCHANT_PENDING: u16 = 2010;
/// The sealer comes by every few seconds.
const SEALED_MAX: Duration = Duration::from_secs(10);

/// Copies the data, changes one cent in the copy, and lets `verify` find it.
pub(super) async fn show(installation: &Installation, directory: &Path, service: &Service) -> Result<()> {
    line("5 Somebody changes one cent in a copy of the database, with SQL 有人用 SQL 改了一分钱");
    wait_for_seal(service).await?;
    let copies = directory.join("tampered");
    crate::files::private_directory(&copies)?;
    let copy = SqliteConfig {
        path: copies.join("feiqian.db"),
        sealer: Arc::clone(&installation.sealer),
        ..installation.engine.file()?.clone()
    };
    let source = installation.engine.file()?.clone();
    let changed = {
        let copy = copy.clone();
        let work = move || {
            store::sqlite::copy(&source, &copy.path, Copying::default())?;
            tamper_for_demo(&copy, World::Sandbox.first_shard(), MERCHANT_PENDING)
        };
        tokio::task::spawn_blocking(work).await??
    };
    line(&format!(
        "  journal line {}/{}: {} → {} minor units",
        changed.seq, changed.line, changed.before_minor, changed.after_minor
    ));
    let store = SqliteStore::open_read_only(&copy)?;
    let options = Options { remember: false, ..Options::full() };
    match prove(installation, &store, options, &mut ()).await?.difference {
        Some(difference) => {
            // The sentence goes on with every line of the transaction; the row is named first.
            let sentence = difference.to_string();
            line(&format!("  verify: {}", sentence.split("; also:").next().unwrap_or(&sentence)));
        }
        None => bail!("verify did not find the changed cent"),
    }
    drop(store);
    std::fs::remove_dir_all(&copies)?;
    Ok(())
}

/// Proves the demo's own books; says so.
pub(super) async fn prove_ours(installation: &Installation) -> Result<bool> {
    let store = installation.open_read_only().await?;
    let report =
        prove(installation, store.as_ref(), Options { remember: false, ..Options::full() }, &mut ()).await?;
    match &report.difference {
        None => line(&format!(
            "  ours: {} transactions, {} lines: the books hold 账目一致",
            report.transactions, report.lines
        )),
        Some(difference) => line(&format!("  ours: {difference}")),
    }
    Ok(report.difference.is_none())
}

/// A line that is sealed is named by the seal too; one that is not yet is named by the books alone, so this need not succeed.
async fn wait_for_seal(service: &Service) -> Result<()> {
    let (began, shard) = (Instant::now(), World::Sandbox.first_shard());
    while service.running.store.last_block(shard).await?.is_none() && began.elapsed() < SEALED_MAX {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}
