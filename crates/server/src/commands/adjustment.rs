//! `feiqian adjustment`: money that was booked for the wrong merchant goes to the right one, when two people say so.

use crate::assemble::{Installation, real_now_us};
use crate::cli::ConfigFile;
use crate::operator::adjustment::{self, Decide, Propose, Said, Shown, read_person};
use crate::output;
use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use domain::adjustment::{Corrected, Status};
use domain::id::{AdjustmentId, Id, IdMaker, MerchantId};
use serde_json::{Value, json};
use std::process::ExitCode;
use store::Store;

/// Rows in one read.
const PAGE: u32 = 500;

/// What can be done with adjustments.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Ask for one; nothing moves before another person approves it.
    Propose(ProposeOptions),
    /// Approve one that another person proposed: the money moves now.
    Approve(ApproveOptions),
    /// Reject one; whoever proposed it may do so too.
    Reject(DecideOptions),
    /// Show one.
    Show(ShowOptions),
    /// List those that are proposed or in transit, or all that correct an object.
    List(ListOptions),
}

/// What `adjustment propose` takes.
#[derive(Debug, Args)]
pub struct ProposeOptions {
    #[command(flatten)]
    file: ConfigFile,
    /// The merchant that gives, `mch_…`, from what it has available.
    #[arg(long)]
    from: String,
    /// The merchant that receives, `mch_…`, of the same world.
    #[arg(long)]
    to: String,
    /// The payment or refund of one of the two that was booked wrongly, `pay_…` or `rfd_…`.
    #[arg(long)]
    corrects: String,
    /// Minor units of that payment's currency: 1250 is CNY 12.50.
    #[arg(long, allow_negative_numbers = true)]
    amount: i64,
    /// Why, 1 to 127 characters; no personal data.
    #[arg(long)]
    reason: String,
    /// The login of whoever asks.
    #[arg(long)]
    by: String,
    /// The id of an earlier try that was not answered, `adj_…`: asking for it again makes no second one.
    #[arg(long)]
    adjustment: Option<String>,
    /// One line of JSON on standard output.
    #[arg(long)]
    json: bool,
}

/// What `adjustment approve` takes.
#[derive(Debug, Args)]
pub struct ApproveOptions {
    #[command(flatten)]
    decide: DecideOptions,
    /// More may be given for what it corrects than that object is about.
    #[arg(long)]
    beyond: bool,
}

/// What `adjustment approve` and `reject` take.
#[derive(Debug, Args)]
pub struct DecideOptions {
    #[command(flatten)]
    file: ConfigFile,
    /// The adjustment, `adj_…`.
    #[arg(long)]
    adjustment: String,
    /// The login of whoever decides: to approve, not of whoever proposed it.
    #[arg(long)]
    by: String,
    /// One line of JSON on standard output.
    #[arg(long)]
    json: bool,
}

/// What `adjustment show` takes.
#[derive(Debug, Args)]
pub struct ShowOptions {
    #[command(flatten)]
    file: ConfigFile,
    /// The adjustment, `adj_…`.
    #[arg(long)]
    adjustment: String,
    /// One line of JSON on standard output.
    #[arg(long)]
    json: bool,
}

/// What `adjustment list` takes.
#[derive(Debug, Args)]
pub struct ListOptions {
    #[command(flatten)]
    file: ConfigFile,
    /// All that correct this payment or refund, `pay_…` or `rfd_…`, whatever became of them.
    #[arg(long)]
    corrects: Option<String>,
    /// One line of JSON on standard output.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(command: Command) -> Result<ExitCode> {
    match command {
        Command::Propose(options) => propose(&options),
        Command::Approve(options) => decide(&options.decide, Said::Approve, options.beyond),
        Command::Reject(options) => decide(&options, Said::Reject, false),
        Command::Show(options) => show(&options),
        Command::List(options) => list(&options),
    }
}

fn propose(options: &ProposeOptions) -> Result<ExitCode> {
    super::short(&options.file, async |config| {
        let from = MerchantId::parse(&options.from).context("--from: not a merchant's id (mch_…)")?;
        let seed = u128::from_be_bytes(crypto::secret::random_bytes::<16>());
        let id = match &options.adjustment {
            Some(text) => read_id(text)?,
            None => IdMaker::new(real_now_us(), from.0.shard(), seed).next(),
        };
        let wish = Propose {
            id: id.to_string(),
            from: options.from.clone(),
            to: options.to.clone(),
            corrects: options.corrects.clone(),
            amount_minor: options.amount,
            reason: options.reason.clone(),
            by: options.by.clone(),
        };
        let new = wish.read().map_err(anyhow::Error::msg)?;
        let asked = super::by_platform(&config, "/ops/v1/adjustments", &wish, async |running| {
            adjustment::propose(&running.app, new).await
        });
        let shown: Shown = asked.await.with_context(|| {
            format!(
                "adjustment {id} was not acknowledged; to ask for the same once more add --adjustment {id}"
            )
        })?;
        let next = format!(
            "\nNext, another person: feiqian adjustment approve --adjustment {} --by LOGIN",
            shown.id
        );
        output::answer(options.json, &as_json(&shown)?, &(text(&shown)? + &next))?;
        Ok(ExitCode::SUCCESS)
    })
}

fn decide(options: &DecideOptions, said: Said, beyond: bool) -> Result<ExitCode> {
    super::short(&options.file, async |config| {
        let id = read_id(&options.adjustment)?;
        let by = read_person(&options.by).map_err(anyhow::Error::msg)?;
        let path = format!("/ops/v1/adjustments/{id}/decide");
        let wish = Decide { verdict: said, by: options.by.clone(), beyond };
        let shown: Shown = super::by_platform(&config, &path, &wish, async |running| {
            adjustment::decide(&running.app, id, said, by, beyond).await
        })
        .await?;
        output::answer(options.json, &as_json(&shown)?, &text(&shown)?)?;
        Ok(ExitCode::SUCCESS)
    })
}

fn show(options: &ShowOptions) -> Result<ExitCode> {
    super::short(&options.file, async |config| {
        let id = read_id(&options.adjustment)?;
        let store = Installation::find(&config)?.open_read_only().await?;
        let found = match store.shards().contains(&id.0.shard()) {
            true => store.adjustment(id).await?,
            false => None,
        };
        let Some(found) = found else { bail!("there is no such adjustment") };
        let shown = Shown::from(&found);
        output::answer(options.json, &as_json(&shown)?, &text(&shown)?)?;
        Ok(ExitCode::SUCCESS)
    })
}

fn list(options: &ListOptions) -> Result<ExitCode> {
    super::short(&options.file, async |config| {
        let store = Installation::find(&config)?.open_read_only().await?;
        let (found, what) = match &options.corrects {
            Some(text) => {
                let object = Corrected::parse(text)
                    .context("--corrects: not a payment's or refund's id (pay_…, rfd_…)")?;
                (correcting(store.as_ref(), object).await?, "correct it 更正它的调账")
            }
            None => (open(store.as_ref()).await?, "are proposed or in transit 待审批或在途的调账"),
        };
        let mut lines = format!("{} adjustments {what}", found.len());
        let mut data = Vec::with_capacity(found.len());
        for shown in &found {
            lines += &format!("\n{}", text(shown)?);
            data.push(as_json(shown)?);
        }
        output::answer(options.json, &json!({"object": "list", "data": data}), &lines)?;
        Ok(ExitCode::SUCCESS)
    })
}

/// Those in transit, then those proposed; all of them.
async fn open(store: &dyn Store) -> Result<Vec<Shown>> {
    let mut found = Vec::new();
    for shard in store.shards() {
        let mut after = None;
        loop {
            let rows = store.adjustments_open(shard, after, PAGE).await?;
            let Some(last) = rows.last() else { break };
            after = Some(last.id);
            found.extend(rows);
        }
    }
    found.sort_by_key(|adjustment| (adjustment.status != Status::InTransit, adjustment.id));
    Ok(found.iter().map(Shown::from).collect())
}

/// What either of the two gave for an object: their shards are in no id.
async fn correcting(store: &dyn Store, object: Corrected) -> Result<Vec<Shown>> {
    let world = object.uid().shard().world();
    let mut found = Vec::new();
    for shard in store.shards().into_iter().filter(|shard| shard.world() == world) {
        found.extend(store.adjustments_correcting(shard, object.uid()).await?);
    }
    found.sort_by_key(|adjustment| adjustment.id);
    Ok(found.iter().map(Shown::from).collect())
}

fn read_id(text: &str) -> Result<AdjustmentId> {
    AdjustmentId::parse(text).context("--adjustment: not an adjustment's id (adj_…)")
}

fn as_json(shown: &Shown) -> Result<Value> {
    Ok(json!({
        "object": "adjustment",
        "id": shown.id,
        "world": shown.world,
        "status": shown.status,
        "from": shown.from,
        "to": shown.to,
        "amount": {"value": shown.amount_minor, "currency": shown.currency},
        "corrects": shown.corrects,
        "reason": shown.reason,
        "proposed_by": shown.proposed_by,
        "decided_by": shown.decided_by,
        "created_at": output::instant(shown.created_at_us)?,
        "updated_at": output::instant(shown.updated_at_us)?,
    }))
}

fn text(shown: &Shown) -> Result<String> {
    let decided = shown.decided_by.as_ref().map_or(String::new(), |by| format!(", decided by {by}"));
    Ok(format!(
        "{} {} ({}): {} {} (minor units) from {} to {}\n  corrects {}: {}\n  proposed by {} at {}{decided}",
        shown.id,
        shown.status,
        shown.world,
        shown.currency,
        shown.amount_minor,
        shown.from,
        shown.to,
        shown.corrects,
        shown.reason,
        shown.proposed_by,
        output::instant(shown.created_at_us)?,
    ))
}
