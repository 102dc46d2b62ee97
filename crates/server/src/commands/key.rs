//! `feiqian key create`

use crate::assemble::{Installation, real_now_us};
use crate::cli::ConfigFile;
use crate::{files, output};
use anyhow::{Context, Result, bail};
use clap::{ArgGroup, Args, Subcommand};
use crypto::key::{PrivateKey, PublicKey};
use crypto::secret::BearerToken;
use domain::World;
use domain::id::{Id, IdMaker, MerchantId};
use domain::merchant::ApiKey;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use store::Control;
use store::control::Made;

/// A public key is no longer.
const PEM_BYTES_MAX: u64 = 16 * 1_024;

/// What can be done with API keys.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make an API key that may do everything its merchant may.
    Create(Create),
}

/// What `key create` takes.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("kind").required(true).args(["bearer", "public_key", "generate"])))]
pub struct Create {
    #[command(flatten)]
    file: ConfigFile,
    /// Whose key, `mch_…`.
    #[arg(long)]
    merchant: String,
    /// For people.
    #[arg(long, default_value = "command line")]
    name: String,
    /// A bearer token, sandbox only. It is shown once, here.
    #[arg(long)]
    bearer: bool,
    /// Requests are signed with the private half of this key (PEM: Ed25519, ECDSA P-256 or RSA).
    #[arg(long, value_name = "F")]
    public_key: Option<PathBuf>,
    /// Make an Ed25519 key and write its private half to this new file, mode 0600.
    #[arg(long, value_name = "F")]
    generate: Option<PathBuf>,
    /// One line of JSON on standard output.
    #[arg(long)]
    json: bool,
}

/// How the holder of a key proves itself.
pub(crate) enum Proof {
    Bearer(BearerToken),
    Signature(PublicKey),
}

pub(crate) fn run(command: Command) -> Result<ExitCode> {
    let Command::Create(create) = command;
    super::short(&create.file, async |config| {
        let merchant =
            MerchantId::parse(&create.merchant).context("--merchant: not a merchant's id (mch_…)")?;
        let store = Installation::find(&config)?.open_control()?;
        let proof = proof(&create)?;
        let key = make(&store, merchant, &create.name, &proof).await?;
        let bearer = match &proof {
            Proof::Bearer(token) => Some(token.expose()),
            Proof::Signature(_) => None,
        };
        let json = json!({
            "object": "api_key",
            "id": key.id.to_string(),
            "merchant": merchant.to_string(),
            "world": merchant.uid().shard().world().as_str(),
            "name": key.name,
            "bearer": bearer,
            "public_key": key.public_key_pem,
            "private_key_file": create.generate,
        });
        output::answer(create.json, &json, &text(&key, bearer, create.generate.as_deref()))?;
        Ok(ExitCode::SUCCESS)
    })
}

fn text(key: &ApiKey, bearer: Option<&str>, private: Option<&Path>) -> String {
    match (bearer, private) {
        (Some(token), _) => format!(
            "API key {}\n  Authorization: Bearer {token}\n  It is not shown again. 仅显示一次",
            key.id
        ),
        (None, Some(file)) => {
            format!("API key {} (keyid in signatures)\n  private key in {}", key.id, file.display())
        }
        (None, None) => format!("API key {} (keyid in signatures)", key.id),
    }
}

fn proof(create: &Create) -> Result<Proof> {
    if create.bearer {
        return Ok(Proof::Bearer(BearerToken::generate()));
    }
    if let Some(path) = &create.generate {
        let private = PrivateKey::generate_ed25519();
        files::write_private(path, private.to_pkcs8_pem().as_bytes())?;
        return Ok(Proof::Signature(private.public_key().clone()));
    }
    let path = create.public_key.as_deref().context("--bearer, --public-key F or --generate F")?;
    let bytes = std::fs::metadata(path).with_context(|| path.display().to_string())?.len();
    if bytes > PEM_BYTES_MAX {
        bail!("{}: {bytes} bytes are too many for a public key", path.display());
    }
    let pem = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
    Ok(Proof::Signature(PublicKey::from_pem(&pem).with_context(|| path.display().to_string())?))
}

/// Makes a key.
pub(crate) async fn make(
    store: &impl Control,
    merchant: MerchantId,
    name: &str,
    proof: &Proof,
) -> Result<ApiKey> {
    if !store.snapshot().await?.merchants.iter().any(|known| known.id == merchant) {
        bail!("there is no merchant {merchant}");
    }
    let shard = merchant.uid().shard();
    let (bearer_hash, public_key_pem) = match proof {
        Proof::Bearer(_) if shard.world() == World::Live => {
            bail!(
                "bearer tokens are for the sandbox: a live key signs its requests (--public-key F or --generate F)"
            )
        }
        Proof::Bearer(token) => (Some(token.hash()), None),
        Proof::Signature(key) => (None, Some(key.to_pem())),
    };
    let now_us = real_now_us();
    let seed = u128::from_be_bytes(crypto::secret::random_bytes());
    let key = ApiKey {
        id: IdMaker::new(now_us, shard, seed).next(),
        merchant,
        name: name.to_owned(),
        bearer_hash,
        public_key_pem,
        permissions: Vec::new(),
        ip_allow: Vec::new(),
        expires_at_us: None,
        revoked_at_us: None,
        created_at_us: now_us,
        sequence: 1,
    };
    match store.create_key(&key, None).await? {
        Made::Now => Ok(key),
        Made::Before(_) | Made::KeyReused | Made::UrlExists => bail!("the key was not made"),
    }
}
