//! `feiqian key list | rotate | revoke`

use super::key::{public_key, show_made, shown};
use super::partner;
use crate::assemble::{Installation, real_now_us};
use crate::cli::ConfigFile;
use crate::operator::{self, Revoked};
use crate::output;
use anyhow::{Context, Result};
use app::KeyRotation;
use clap::{ArgGroup, Args};
use domain::api_key::{ApiKey, Life, Owner};
use domain::id::{Id, KeyId, MerchantId};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::ExitCode;

/// What `key list` takes.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("owner").required(true).args(["merchant", "partner"])))]
pub struct List {
    #[command(flatten)]
    file: ConfigFile,
    /// Whose keys, `mch_…`.
    #[arg(long)]
    merchant: Option<String>,
    /// Whose keys, `ptn_…`.
    #[arg(long)]
    partner: Option<String>,
    /// One line of JSON on standard output.
    #[arg(long)]
    json: bool,
}

/// What `key rotate` takes.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("kind").args(["public_key", "generate"])))]
pub struct Rotate {
    #[command(flatten)]
    file: ConfigFile,
    /// The key, `key_…`.
    #[arg(value_name = "KEY")]
    key_id: String,
    /// The public key or certificate (PEM) that replaces the old one; without it and without --generate a bearer key gets a new token.
    #[arg(long, value_name = "F")]
    public_key: Option<PathBuf>,
    /// Make an Ed25519 key and write its private half (PKCS#8) to this new file, mode 0600.
    #[arg(long, value_name = "F")]
    generate: Option<PathBuf>,
    /// One line of JSON on standard output.
    #[arg(long)]
    json: bool,
}

/// What `key revoke` takes.
#[derive(Debug, Args)]
pub struct Revoke {
    #[command(flatten)]
    file: ConfigFile,
    /// The key, `key_…`.
    #[arg(value_name = "KEY")]
    key_id: String,
    /// One line of JSON on standard output.
    #[arg(long)]
    json: bool,
}

fn parse(text: &str) -> Result<KeyId> {
    KeyId::parse(text).with_context(|| format!("{text}: not a key's id (key_…)"))
}

pub(super) fn list(list: List) -> Result<ExitCode> {
    super::short(&list.file, async |config| {
        let owner = match (&list.merchant, &list.partner) {
            (Some(text), _) => {
                Owner::Merchant(MerchantId::parse(text).context("--merchant: not a merchant's id (mch_…)")?)
            }
            (None, text) => {
                let text = text.as_deref().context("--merchant or --partner")?;
                Owner::Partner(partner::parse("partner", text)?)
            }
        };
        let store = Installation::find(&config)?.open_read_only().await?;
        let mut keys = store.snapshot().await?.keys;
        keys.retain(|key| key.owner == owner);
        keys.sort_by_key(|key| std::cmp::Reverse((key.created_at_us, key.id)));
        let rows: Vec<Value> = keys.iter().map(|key| shown(key, None, None)).collect();
        let lines: Vec<String> = keys.iter().map(line).collect();
        output::answer(list.json, &json!({ "object": "list", "data": rows }), &lines.join("\n"))?;
        Ok(ExitCode::SUCCESS)
    })
}

fn line(key: &ApiKey) -> String {
    let life = match key.life(real_now_us()) {
        Life::NotYet => "not valid yet",
        Life::Alive => "alive",
        Life::Expired => "expired",
        Life::Revoked => "revoked",
    };
    let ends = key.ends_at_us().and_then(|at_us| output::instant(at_us).ok());
    let ends = ends.map_or(String::new(), |at| format!("  ends {at}"));
    format!("{}  {:<8} {life}{ends}  {}", key.id, key.world().as_str(), key.name)
}

pub(super) fn rotate(rotate: Rotate) -> Result<ExitCode> {
    super::short(&rotate.file, async |config| {
        let id = parse(&rotate.key_id)?;
        let store = Installation::find(&config)?.open_control().await?;
        let public_key_pem = public_key(rotate.public_key.as_deref(), rotate.generate.as_deref())?;
        let rotation = KeyRotation { public_key_pem, expires_at_us: None };
        let made = app::rotate_key(store.as_ref(), id, rotation, real_now_us()).await;
        show_made(made, rotate.generate.as_deref(), rotate.json)
    })
}

pub(super) fn revoke(revoke: Revoke) -> Result<ExitCode> {
    super::short(&revoke.file, async |config| {
        let id = parse(&revoke.key_id)?;
        let path = format!("/ops/v1/api_keys/{id}/revoke");
        let revoked: Revoked = super::by_platform(&config, &path, &json!({}), async |running| {
            operator::revoke(&running.app, id).await
        })
        .await?;
        let at = revoked.revoked_at_us.map(output::instant).transpose()?;
        let json = json!({ "object": "api_key", "id": revoked.id, "revoked_at": at });
        output::answer(
            revoke.json,
            &json,
            &format!("{} is revoked: nothing that it signed is committed any more", revoked.id),
        )?;
        Ok(ExitCode::SUCCESS)
    })
}
