//! `feiqian channel unmatched`: what channels told or did that the books do not know.

use crate::assemble::{Installation, real_now_us};
use crate::cli::ConfigFile;
use crate::output;
use anyhow::{Result, ensure};
use app::unmatched::{Unmatched, unmatched};
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use std::process::ExitCode;

/// What can be asked about channels.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List what channels told or did and the books do not know: callbacks about unknown numbers, and what was done after the
    /// backup from which the books were restored.
    Unmatched(Options),
    /// Say that what a channel did or told under a number was dealt with: it leaves the list. A request that comes again still
    /// finds it.
    Handled(HandledOptions),
}

/// What `channel handled` takes.
#[derive(Debug, Args)]
pub struct HandledOptions {
    #[command(flatten)]
    file: ConfigFile,
    /// The number as the list shows it.
    #[arg(value_name = "NUMBER")]
    number: String,
    /// One line of JSON on standard output.
    #[arg(long)]
    json: bool,
}

/// What `channel unmatched` takes.
#[derive(Debug, Args)]
pub struct Options {
    #[command(flatten)]
    file: ConfigFile,
    /// Show the callbacks' bodies as received. They may hold data of payers.
    #[arg(long)]
    bodies: bool,
    /// One line of JSON on standard output.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(command: Command) -> Result<ExitCode> {
    match command {
        Command::Unmatched(options) => list(&options),
        Command::Handled(options) => handled(&options),
    }
}

fn handled(options: &HandledOptions) -> Result<ExitCode> {
    super::short(&options.file, async |config| {
        let store = Installation::find(&config)?.open_control().await?;
        let at_us = real_now_us();
        let mut known = false;
        for stored in store.snapshot().await?.channel_accounts {
            known |= store.mark_handled(stored.account.id, &options.number, at_us).await?;
        }
        ensure!(known, "{}: nothing that a channel did or told is noted under that number", options.number);
        let json =
            json!({"object": "unmatched", "number": options.number, "handled_at": output::instant(at_us)?});
        output::answer(options.json, &json, &format!("{} is dealt with 已处理", options.number))?;
        Ok(ExitCode::SUCCESS)
    })
}

fn list(options: &Options) -> Result<ExitCode> {
    super::short(&options.file, async |config| {
        let store = Installation::find(&config)?.open_read_only().await?;
        let found = unmatched(store.as_ref()).await.map_err(super::merchant::refused)?;
        output::answer(options.json, &as_json(&found, options.bodies)?, &text(&found, options.bodies)?)?;
        Ok(ExitCode::SUCCESS)
    })
}

fn as_json(found: &Unmatched, bodies: bool) -> Result<Value> {
    let mut effects = Vec::with_capacity(found.effects.len());
    for lost in &found.effects {
        effects.push(json!({
            "channel_account": lost.account.to_string(),
            "kind": lost.effect.kind.as_str(),
            "state": lost.effect.state.as_str(),
            "number": lost.effect.number.to_text(),
            "request_no": lost.effect.trade.to_text(),
            "channel_no": lost.effect.channel_no,
            "amount": {"value": lost.effect.amount.minor(), "currency": lost.effect.amount.currency().code()},
            "at": output::instant(lost.effect.at_us)?,
            "found_at": output::instant(lost.found_at_us)?,
        }));
    }
    let mut notices = Vec::with_capacity(found.notices.len());
    for notice in &found.notices {
        let (account, number, digest) = &notice.key;
        let body = bodies.then(|| String::from_utf8_lossy(&notice.body).into_owned());
        notices.push(json!({
            "channel_account": account.to_string(),
            "number": number,
            "sha256": crypto::hex(digest),
            "received_at": output::instant(notice.at_us)?,
            "body": body,
        }));
    }
    Ok(json!({"object": "unmatched", "effects": effects, "callbacks": notices}))
}

fn text(found: &Unmatched, bodies: bool) -> Result<String> {
    if found.effects.is_empty() && found.notices.is_empty() {
        return Ok("Nothing: the books know all that channels told. 没有未匹配的渠道记录".to_owned());
    }
    let mut text = format!(
        "{} effects and {} callbacks that the books do not know 未匹配的渠道记录",
        found.effects.len(),
        found.notices.len()
    );
    for lost in &found.effects {
        text += &format!(
            "\n  {} {} {} {} of {} at {}",
            lost.effect.kind.as_str(),
            lost.effect.state.as_str(),
            lost.effect.channel_no,
            lost.effect.amount,
            lost.effect.number.to_text(),
            output::instant(lost.effect.at_us)?,
        );
    }
    for notice in &found.notices {
        let (account, number, _) = &notice.key;
        text += &format!("\n  callback about {number} from {account}, {}", output::instant(notice.at_us)?);
        if bodies {
            text += &format!("\n    {}", String::from_utf8_lossy(&notice.body));
        }
    }
    Ok(text)
}
