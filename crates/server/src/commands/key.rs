//! `feiqian key create`; what becomes of keys later is in `key_life.rs`.

use super::key_life::{self, List, Revoke, Rotate};
use super::merchant::{WorldName, refused};
use super::partner;
use crate::assemble::{Installation, real_now_us};
use crate::cli::ConfigFile;
use crate::{files, output};
use anyhow::{Context, Result, bail};
use app::{NewKey, Refusal, ShownKey};
use clap::{ArgGroup, Args, Subcommand};
use crypto::key::PrivateKey;
use domain::World;
use domain::api_key::{ApiKey, Owner};
use domain::id::{Id, MerchantId};
use ipnet::IpNet;
use serde_json::{Value, json};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// A public key or a certificate with its chain is no longer.
const PEM_BYTES_MAX: u64 = 16 * 1_024;

/// What can be done with API keys.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make an API key of a merchant's or a partner's.
    Create(Create),
    /// List a merchant's or a partner's keys, newest first.
    List(List),
    /// Make a key in place of another, with the same rights; the old one works for another day.
    Rotate(Rotate),
    /// End a key: nothing that it signed is committed after the answer.
    Revoke(Revoke),
}

/// What `key create` takes.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("kind").required(true).args(["bearer", "public_key", "generate"])))]
#[command(group(ArgGroup::new("owner").required(true).args(["merchant", "partner"])))]
pub struct Create {
    #[command(flatten)]
    file: ConfigFile,
    /// Whose key, `mch_…`.
    #[arg(long)]
    merchant: Option<String>,
    /// Whose key, `ptn_…`: it acts for the merchant that each request names in Feiqian-Merchant.
    #[arg(long, requires = "world")]
    partner: Option<String>,
    /// The world of a partner's key. A merchant's key is of its merchant's.
    #[arg(long, value_enum, conflicts_with = "merchant")]
    world: Option<WorldName>,
    /// For people.
    #[arg(long, default_value = "command line")]
    name: String,
    /// A bearer token, sandbox only. It is shown once, here.
    #[arg(long)]
    bearer: bool,
    /// Requests are signed with the private half of this key (PEM: Ed25519, ECDSA P-256 or RSA; a public key or an X.509 certificate).
    #[arg(long, value_name = "F")]
    public_key: Option<PathBuf>,
    /// Make an Ed25519 key and write its private half (PKCS#8) to this new file, mode 0600.
    #[arg(long, value_name = "F")]
    generate: Option<PathBuf>,
    /// An address or network that the key may be used from; may be given several times. Without it: from anywhere.
    #[arg(long, value_name = "CIDR")]
    ip_allow: Vec<String>,
    /// Something that the key may do, such as payments.read; may be given several times. Without it: everything.
    #[arg(long, value_name = "NAME")]
    permission: Vec<String>,
    /// One line of JSON on standard output.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(command: Command) -> Result<ExitCode> {
    match command {
        Command::Create(create) => run_create(create),
        Command::List(list) => key_life::list(list),
        Command::Rotate(rotate) => key_life::rotate(rotate),
        Command::Revoke(revoke) => key_life::revoke(revoke),
    }
}

fn run_create(create: Create) -> Result<ExitCode> {
    super::short(&create.file, async |config| {
        let store = Installation::find(&config)?.open_control().await?;
        let (owner, world) = owner(&create)?;
        let new = new_key(&create)?;
        let made = app::create_key(store.as_ref(), owner, world, new, real_now_us()).await;
        show_made(made, create.generate.as_deref(), create.json)
    })
}

/// The answer to a command that makes a key. When none was made, no private key is left either.
pub(super) fn show_made(
    made: Result<ShownKey, Refusal>,
    private: Option<&Path>,
    as_json: bool,
) -> Result<ExitCode> {
    let (key, bearer) = match made {
        Ok(made) => made,
        Err(refusal) => {
            if let Some(path) = private {
                std::fs::remove_file(path).with_context(|| path.display().to_string())?;
            }
            return Err(refused(refusal));
        }
    };
    let bearer = bearer.as_deref();
    output::answer(as_json, &shown(&key, bearer, private), &text(&key, bearer, private))?;
    Ok(ExitCode::SUCCESS)
}

fn owner(create: &Create) -> Result<(Owner, World)> {
    if let Some(text) = &create.merchant {
        let merchant = MerchantId::parse(text).context("--merchant: not a merchant's id (mch_…)")?;
        return Ok((Owner::Merchant(merchant), merchant.uid().shard().world()));
    }
    let text = create.partner.as_deref().context("--merchant or --partner")?;
    let world = create.world.context("--world")?;
    Ok((Owner::Partner(partner::parse("partner", text)?), world.into()))
}

/// A private key is made last, after all that can be wrong here.
fn new_key(create: &Create) -> Result<NewKey> {
    for entry in &create.ip_allow {
        if entry.parse::<IpNet>().is_err() && entry.parse::<IpAddr>().is_err() {
            bail!("--ip-allow: {entry} is no address or network, such as 203.0.113.7 or 203.0.113.0/24");
        }
    }
    for name in &create.permission {
        if !api::permissions().any(|known| known == name) {
            let known: Vec<&str> = api::permissions().collect();
            bail!("--permission: {name} is none of {}", known.join(", "));
        }
    }
    Ok(NewKey {
        name: create.name.clone(),
        generate_bearer: create.bearer,
        permissions: create.permission.clone(),
        ip_allow: create.ip_allow.clone(),
        expires_at_us: None,
        public_key_pem: public_key(create.public_key.as_deref(), create.generate.as_deref())?,
    })
}

/// The public half: as read, or of a private key that is made and written now.
pub(super) fn public_key(given: Option<&Path>, generate: Option<&Path>) -> Result<Option<String>> {
    if let Some(path) = generate {
        let private = PrivateKey::generate_ed25519();
        files::write_private(path, private.to_pkcs8_pem().as_bytes())?;
        return Ok(Some(private.public_key_pem()));
    }
    let Some(path) = given else { return Ok(None) };
    let pem = String::from_utf8(files::read_at_most(path, PEM_BYTES_MAX)?);
    Ok(Some(pem.with_context(|| path.display().to_string())?))
}

pub(super) fn shown(key: &ApiKey, bearer: Option<&str>, private: Option<&Path>) -> Value {
    let instant = |at_us: Option<i64>| at_us.and_then(|at_us| output::instant(at_us).ok());
    json!({
        "object": "api_key",
        "id": key.id.to_string(),
        "merchant": key.owner.merchant().map(|id| id.to_string()),
        "partner": key.owner.partner().map(|id| id.to_string()),
        "world": key.world().as_str(),
        "name": key.name,
        "bearer": bearer,
        "public_key": key.public_key_pem,
        "private_key_file": private,
        "permissions": key.permissions,
        "ip_allow": key.ip_allow,
        "expires_at": instant(key.ends_at_us()),
        "revoked_at": instant(key.revoked_at_us),
    })
}

fn text(key: &ApiKey, bearer: Option<&str>, private: Option<&Path>) -> String {
    let mut text = match bearer {
        Some(token) => format!(
            "API key {}\n  Authorization: Bearer {token}\n  It is not shown again. 仅显示一次",
            key.id
        ),
        None => format!("API key {} (keyid in signatures)", key.id),
    };
    if let Some(file) = private {
        text += &format!("\n  private key in {}", file.display());
    }
    if let Some(at) = key.ends_at_us().and_then(|at_us| output::instant(at_us).ok()) {
        text += &format!("\n  ends {at}");
    }
    text
}

/// Makes a bearer key of a sandbox merchant's; answers it with its token.
pub(crate) async fn make_bearer(
    store: &dyn store::Store,
    merchant: MerchantId,
    name: &str,
) -> Result<ShownKey> {
    let new = NewKey { name: name.to_owned(), generate_bearer: true, ..NewKey::default() };
    let made = app::create_key(store, Owner::Merchant(merchant), World::Sandbox, new, real_now_us()).await;
    made.map_err(refused)
}
