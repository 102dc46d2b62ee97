//! `feiqian init`: the one command that creates an installation.

use crate::assemble::{self, SANDBOX_KIND};
use crate::cli::ConfigFile;
use crate::config::Config;
use crate::engine::Engine;
use crate::{files, output};
use anyhow::{Context, Result};
use clap::Args;
use crypto::seal::{KeyPlace, Sealer};
use domain::World;
use domain::channel::ChannelAccount;
use domain::decide::business_day;
use domain::id::{ChannelAccountId, IdMaker};
use jiff::tz::TimeZone;
use money::{FeeRule, Rate};
use serde_json::json;
use std::process::ExitCode;
use std::sync::Arc;
use store::control::StoredChannelAccount;

/// The zone of the operator's business day.
const OPERATOR_ZONE: &str = "Asia/Shanghai";
/// What the sandbox channel charges, percent.
const SANDBOX_COST: &str = "0.38";

/// What `init` takes.
#[derive(Debug, Args)]
pub struct Options {
    #[command(flatten)]
    file: ConfigFile,
    /// Shards for each world, on PostgreSQL: merchants are spread over them. None is ever split.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=2_048))]
    shards: u16,
    /// store.url names the coordinator of a Citus cluster: tables are spread over its workers, as many shards on each.
    #[arg(long)]
    citus: bool,
    /// One line of JSON on standard output.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    super::short(&options.file, async |config| {
        let account = create(&config, options.shards, options.citus).await?;
        let text = format!(
            "Created. 已初始化\n  database    {}\n  data        {}\n  master key  {}\n  sandbox channel account  {account}\nNext: feiqian serve   ·   feiqian merchant create --world sandbox --name \"My shop\"",
            config.store.url,
            config.data_dir.display(),
            master_key_line(&config.key_place()?),
        );
        let json = json!({
            "object": "installation",
            "data_dir": config.data_dir,
            "database": config.database_file(),
            "store_url": config.store.url,
            "master_key_file": config.master_key_file,
            "sandbox_channel_account": account.to_string(),
        });
        output::answer(options.json, &json, &text)?;
        Ok(ExitCode::SUCCESS)
    })
}

/// Where the key is, and what to do with that.
fn master_key_line(place: &KeyPlace) -> String {
    match place {
        KeyPlace::File(path) => {
            format!("{}   (mode 0600: back it up apart from the data 请单独备份)", path.display())
        }
        KeyPlace::Command(_) => format!("from {place}"),
        KeyPlace::Token(_) => {
            format!("in the {place}   (its loss is the data's: see to a second one 请备份令牌)")
        }
    }
}

/// Creates everything; answers the sandbox channel's account.
pub(crate) async fn create(config: &Config, shards: u16, citus: bool) -> Result<ChannelAccountId> {
    Engine::refuse_existing(config).await?;
    files::private_directory(&config.data_dir)?;
    let place = config.key_place()?;
    if let KeyPlace::File(path) = &place
        && let Some(parent) =
            path.parent().filter(|parent| !parent.as_os_str().is_empty() && !parent.exists())
    {
        files::private_directory(parent)?;
    }
    let provider = place.create().context(match place {
        KeyPlace::File(_) => {
            "master key; if it is left over from an init that did not finish, remove it and start again"
        }
        KeyPlace::Command(_) | KeyPlace::Token(_) => "master key",
    })?;
    let engine = Engine::of(config, Arc::new(Sealer::new(provider)))?;
    let (zone, now_us) = (TimeZone::get(OPERATOR_ZONE)?, assemble::real_now_us());
    engine.init(business_day(now_us, &zone), shards, citus).await?;
    let store = engine.open().await?;
    let account = sandbox_account(now_us)?;
    assemble::refuse_sandbox_in_live(&account)?;
    store.create_channel_account(&account).await?;
    Ok(account.account.id)
}

fn sandbox_account(now_us: i64) -> Result<StoredChannelAccount> {
    let seed = u128::from_be_bytes(crypto::secret::random_bytes());
    let cost = FeeRule { rate: Rate::parse(SANDBOX_COST)?, ..FeeRule::FREE };
    Ok(StoredChannelAccount {
        account: ChannelAccount {
            id: IdMaker::new(now_us, World::Sandbox.first_shard(), seed).next(),
            method: "sandbox".to_owned(),
            cost,
            enabled: true,
        },
        world: World::Sandbox,
        kind: SANDBOX_KIND.to_owned(),
        callback_secret: crypto::secret::random_bytes::<32>().to_vec(),
    })
}
