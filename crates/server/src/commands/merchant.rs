//! `feiqian merchant create | assign`

use super::partner;
use crate::assemble::{Installation, real_now_us};
use crate::cli::ConfigFile;
use crate::{live, operator, output};
use anyhow::{Context, Result, anyhow};
use app::{NewMerchant, Refusal};
use clap::{ArgGroup, Args, Subcommand, ValueEnum};
use crypto::webhook::WebhookSecret;
use domain::World;
use domain::id::{Id, MerchantId};
use domain::merchant::Merchant;
use serde_json::json;
use std::process::ExitCode;
use store::Store;
use zeroize::Zeroizing;

/// What can be done with merchants.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a merchant in one world.
    Create(Create),
    /// Give a merchant to a partner, or to none: the partner before is out at once.
    Assign(Assign),
}

/// What `merchant assign` takes.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("to").required(true).args(["partner", "no_partner"])))]
pub struct Assign {
    #[command(flatten)]
    file: ConfigFile,
    /// The merchant, `mch_…`.
    #[arg(long)]
    merchant: String,
    /// The partner that serves it from now on, `ptn_…`.
    #[arg(long)]
    partner: Option<String>,
    /// Nobody serves it from now on.
    #[arg(long)]
    no_partner: bool,
    /// One line of JSON on standard output.
    #[arg(long)]
    json: bool,
}

/// What `merchant create` takes.
#[derive(Debug, Args)]
pub struct Create {
    #[command(flatten)]
    file: ConfigFile,
    /// Where it trades.
    #[arg(long, value_enum)]
    world: WorldName,
    /// Its name, 1 to 127 characters.
    #[arg(long)]
    name: String,
    /// Natural days from capture until money is available.
    #[arg(long, default_value_t = 1)]
    maturity_days: u16,
    /// IANA zone of its business day.
    #[arg(long, default_value = "Asia/Shanghai")]
    zone: String,
    /// How far its own refunds may raise what it owes, minor units.
    #[arg(long, default_value_t = 0, value_name = "V")]
    debt_limit: i64,
    /// The partner that serves it, `ptn_…`: the partner's keys act for it.
    #[arg(long)]
    partner: Option<String>,
    /// One line of JSON on standard output.
    #[arg(long)]
    json: bool,
}

/// A world on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs)]
pub enum WorldName {
    Live,
    Sandbox,
}

impl From<WorldName> for World {
    fn from(name: WorldName) -> World {
        match name {
            WorldName::Live => World::Live,
            WorldName::Sandbox => World::Sandbox,
        }
    }
}

pub(crate) fn run(command: Command) -> Result<ExitCode> {
    match command {
        Command::Create(create) => run_create(create),
        Command::Assign(assign) => run_assign(assign),
    }
}

fn run_assign(assign: Assign) -> Result<ExitCode> {
    super::short(&assign.file, async |config| {
        let merchant =
            MerchantId::parse(&assign.merchant).context("--merchant: not a merchant's id (mch_…)")?;
        let partner = assign.partner.as_deref().map(|text| partner::parse("partner", text)).transpose()?;
        let path = format!("/ops/v1/merchants/{merchant}/partner");
        let wish = operator::Assign { partner: partner.map(|id| id.to_string()) };
        let assigned: operator::Assigned = super::by_platform(&config, &path, &wish, async |running| {
            operator::assign(&running.app, merchant, partner).await
        })
        .await?;
        let json = json!({ "object": "merchant", "id": assigned.merchant, "partner": assigned.partner });
        let whose = assigned.partner.map_or("nobody".to_owned(), |id| format!("partner {id}"));
        output::answer(assign.json, &json, &format!("{} is served by {whose}", assigned.merchant))?;
        Ok(ExitCode::SUCCESS)
    })
}

fn run_create(create: Create) -> Result<ExitCode> {
    super::short(&create.file, async |config| {
        let store = Installation::find(&config)?.open_control().await?;
        let partner = create.partner.as_deref().map(|text| partner::parse("partner", text)).transpose()?;
        let new = NewMerchant {
            partner,
            world: create.world.into(),
            name: create.name.clone(),
            zone: create.zone.clone(),
            maturity_days: create.maturity_days,
            debt_limit_minor: create.debt_limit,
        };
        let (merchant, secret) = make(store.as_ref(), &new).await?;
        let json = json!({
            "object": "merchant",
            "id": merchant.id.to_string(),
            "world": merchant.world.as_str(),
            "name": merchant.name,
            "business_zone": merchant.zone,
            "maturity_days": merchant.maturity_days,
            "debt_limit_minor": new.debt_limit_minor,
            "partner": merchant.partner.map(|id| id.to_string()),
            "webhook_secret": secret.as_str(),
        });
        let (id, world) = (merchant.id, merchant.world.as_str());
        let (method, kind) = match merchant.world {
            World::Live => ("METHOD", "--generate KEY.pem"),
            World::Sandbox => ("sandbox", "--bearer"),
        };
        let text = format!(
            "Merchant {id} ({}, {world})\n  webhook secret for notify_url  {}\nNext: feiqian price set --merchant {id} --method {method} --currency CNY --rate 0.60\n      feiqian key create --merchant {id} {kind}",
            merchant.name,
            secret.as_str(),
        );
        output::answer(create.json, &json, &text)?;
        let public_url = config.public_url_at(config.listen);
        if merchant.world == World::Live && live::is_loopback(&public_url) {
            output::note(&format!(
                "feiqian: public_url is {public_url}, which only this machine can reach: now that there is a live merchant, serve will refuse to start until it is set"
            ));
        }
        Ok(ExitCode::SUCCESS)
    })
}

/// Makes a merchant; answers it with the secret that signs deliveries to a payment's own `notify_url`.
pub(crate) async fn make(store: &dyn Store, new: &NewMerchant) -> Result<(Merchant, Zeroizing<String>)> {
    let merchant = app::create_merchant(store, new, real_now_us()).await.map_err(refused)?;
    let secrets = store.snapshot().await?.default_secrets;
    let secret = secrets
        .into_iter()
        .find(|(id, _)| *id == merchant.id)
        .context("the merchant's secret was not stored")?
        .1;
    Ok((merchant, secret_text(&secret)?))
}

/// The form in which a webhook secret is handed out.
pub(crate) fn secret_text(secret: &[u8]) -> Result<Zeroizing<String>> {
    let text = Zeroizing::new(format!(
        "whsec_{}",
        base64::Engine::encode(&base64::engine::general_purpose::STANDARD, secret)
    ));
    Ok(WebhookSecret::parse(&text)?.expose())
}

/// A use case's refusal as a sentence for the command line.
pub(crate) fn refused(refusal: Refusal) -> anyhow::Error {
    match refusal {
        Refusal::FieldInvalid { pointer, detail } => {
            anyhow!("--{}: {detail}", pointer.trim_start_matches('/').replace('_', "-"))
        }
        Refusal::SandboxOnly => {
            anyhow!(
                "bearer tokens are for the sandbox: a live key signs its requests (--public-key F or --generate F)"
            )
        }
        Refusal::NotFound(noun) => anyhow!("there is no such {noun}"),
        Refusal::Rejected { rejection, .. } => anyhow!("{}", crate::operator::sentence(&rejection)),
        Refusal::StoreUnavailable => anyhow!("the database is busy or can't be written now: try again"),
        other => anyhow!("refused: {other:?}"),
    }
}
