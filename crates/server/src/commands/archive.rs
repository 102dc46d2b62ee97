//! `feiqian archive`: puts the oldest part of the journal into Parquet files and proves them; what was proven the serving processes
//! delete. Payments, refunds, balances, statements and the sealed blocks stay.

use super::merchant::WorldName;
use super::verify::{Bar, prove};
use crate::archive::{archive_shard, tidy_up};
use crate::assemble::{Installation, real_now_us};
use crate::cli::ConfigFile;
use crate::secrets::Secret;
use crate::{files, output};
use anyhow::{Result, bail, ensure};
use app::verify;
use clap::Args;
use domain::World;
use serde_json::{Value, json};
use std::process::ExitCode;
use store::archive::ArchiveFile;

/// Microseconds of a day.
const DAY_US: i64 = 86_400_000_000;
/// Live lines stay at least so long: merchants fetch statements and proofs for three months.
const LIVE_DAYS_LEAST: u16 = 92;

/// What `archive` takes.
#[derive(Debug, Args)]
pub struct Options {
    #[command(flatten)]
    file: ConfigFile,
    /// What was sealed longer ago than so many days goes. At least 92, but for the sandbox alone.
    #[arg(long, value_name = "DAYS", default_value_t = 400)]
    older_than_days: u16,
    /// Of this world alone.
    #[arg(long, value_enum)]
    world: Option<WorldName>,
    /// One line of JSON on standard output.
    #[arg(long)]
    json: bool,
}

impl Options {
    fn takes(&self, world: World) -> bool {
        self.world.is_none_or(|only| World::from(only) == world)
    }
}

pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    ensure!(
        options.older_than_days >= LIVE_DAYS_LEAST || options.world == Some(WorldName::Sandbox),
        "live lines stay {LIVE_DAYS_LEAST} days at least, so that merchants can fetch them: give more days, or --world sandbox"
    );
    super::short(&options.file, async |config| {
        let installation = Installation::find(&config)?;
        let directory = &installation.archive_dir;
        files::private_directory(directory)?;
        let _alone = files::lock(directory)?;
        // A directory that was made just now is on the disk too before anything is deleted.
        files::sync(std::path::absolute(directory)?.parent().unwrap_or(directory))?;
        let store = installation.open_control().await?;
        let seed = u64::from_be_bytes(crypto::secret::random_bytes());
        let proof =
            prove(&installation, store.as_ref(), verify::Options::incremental(seed), &mut Bar::new()).await?;
        if let Some(difference) = &proof.difference {
            bail!("nothing was archived, because the books do not hold: {difference}");
        }
        let salt_key = installation.secret(store.as_ref(), Secret::JournalSalt).await?;
        let sealed_before_us = real_now_us() - i64::from(options.older_than_days) * DAY_US;
        let mut all = Vec::new();
        let made = async {
            for shard in store.shards().into_iter().filter(|shard| options.takes(shard.world())) {
                for path in tidy_up(store.as_ref(), directory, shard).await? {
                    let path = path.display();
                    output::note(&format!("feiqian: {path} is of no archive of this database: move it away"));
                }
                let made = |file| all.push(file);
                archive_shard(store.as_ref(), &salt_key, directory, shard, sealed_before_us, made).await?;
            }
            anyhow::Ok(())
        };
        // What was noted by then is archived, whatever came after it.
        let ended = made.await;
        let json = json!({
            "object": "archive",
            "directory": directory,
            "files": all.iter().map(as_json).collect::<Vec<_>>(),
        });
        output::answer(options.json, &json, &text(&all, &directory.display().to_string()))?;
        ended.map(|()| ExitCode::SUCCESS)
    })
}

fn as_json(file: &ArchiveFile) -> Value {
    json!({
        "name": file.name,
        "shard": file.shard.0,
        "first_seq": file.first_seq,
        "last_seq": file.last_seq,
        "lines": file.lines,
        "size_bytes": file.size_bytes,
        "sha256": crypto::hex(&file.sha256),
    })
}

fn text(files: &[ArchiveFile], directory: &str) -> String {
    if files.is_empty() {
        return "Nothing is old enough, sealed and stated. 没有可归档的流水".to_owned();
    }
    let mut text = format!("Archived into {directory}, proven against the sealed blocks. 已归档并校验");
    for file in files {
        text += &format!("\n  {}  {} lines, {} bytes", file.name, file.lines, file.size_bytes);
    }
    text + "\nThe serving process deletes these lines from the database by and by. 服务进程随后逐步删除数据库中的这些流水\n\
            Keep these files as you keep backups: `verify --full` reads them. 请像备份一样保管这些文件"
}
