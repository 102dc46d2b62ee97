//! `feiqian payment resolve`: a person decides about money that came in another amount or currency than asked.

use crate::cli::ConfigFile;
use crate::operator::{self, Decision, Resolve, Resolved};
use crate::output;
use anyhow::{Context, Result};
use clap::{ArgGroup, Args, Subcommand};
use domain::id::{Id, PaymentId};
use serde_json::json;
use std::process::ExitCode;

/// What can be done with payments.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// End a payment whose channel took another amount or currency (status_reason amount_mismatch).
    Resolve(Options),
}

/// What `payment resolve` takes.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("decision").required(true).args(["keep", "send_back"])))]
pub struct Options {
    #[command(flatten)]
    file: ConfigFile,
    /// The payment, `pay_…`.
    #[arg(long)]
    payment: String,
    /// The payment keeps what came; possible in its own currency only. It ends succeeded.
    #[arg(long)]
    keep: bool,
    /// The money goes back to the payer. The payment ends closed.
    #[arg(long)]
    send_back: bool,
    /// One line of JSON on standard output.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(command: Command) -> Result<ExitCode> {
    let Command::Resolve(options) = command;
    super::short(&options.file, async |config| {
        let id = PaymentId::parse(&options.payment).context("--payment: not a payment's id (pay_…)")?;
        let decision = if options.keep { Decision::Keep } else { Decision::SendBack };
        let path = format!("/ops/v1/payments/{id}/resolve");
        let wish = Resolve { resolution: decision };
        let resolved: Resolved = super::by_platform(&config, &path, &wish, async |running| {
            operator::resolve(&running.app, running.store.as_ref(), id, decision).await
        })
        .await?;
        let reason = resolved.status_reason.as_deref();
        let json = json!({"object": "payment", "id": resolved.id, "status": resolved.status, "status_reason": reason});
        let text = format!("{} is {} ({})", resolved.id, resolved.status, reason.unwrap_or("no reason"));
        output::answer(options.json, &json, &text)?;
        Ok(ExitCode::SUCCESS)
    })
}
