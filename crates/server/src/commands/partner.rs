//! `feiqian partner create`

use crate::assemble::{Installation, real_now_us};
use crate::cli::ConfigFile;
use crate::output;
use anyhow::{Context, Result};
use app::NewPartner;
use clap::{Args, Subcommand};
use domain::id::{Id, PartnerId};
use serde_json::json;
use std::process::ExitCode;

/// What can be done with partners.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a partner 服务商, who acts for its merchants with keys of its own.
    Create(Create),
}

/// What `partner create` takes.
#[derive(Debug, Args)]
pub struct Create {
    #[command(flatten)]
    file: ConfigFile,
    /// Its name, 1 to 127 characters.
    #[arg(long)]
    name: String,
    /// The partner above it, `ptn_…`, who then acts for its merchants too. It can't be changed.
    #[arg(long)]
    parent: Option<String>,
    /// One line of JSON on standard output.
    #[arg(long)]
    json: bool,
}

/// A partner's id as an option gives it.
pub(crate) fn parse(option: &str, text: &str) -> Result<PartnerId> {
    PartnerId::parse(text).with_context(|| format!("--{option}: not a partner's id (ptn_…)"))
}

pub(crate) fn run(command: Command) -> Result<ExitCode> {
    let Command::Create(create) = command;
    super::short(&create.file, async |config| {
        let store = Installation::find(&config)?.open_control().await?;
        let parent = create.parent.as_deref().map(|text| parse("parent", text)).transpose()?;
        let new = NewPartner { name: create.name.clone(), parent };
        let made = app::create_partner(store.as_ref(), &new, real_now_us()).await;
        let partner = made.map_err(super::merchant::refused)?;
        let json = json!({
            "object": "partner",
            "id": partner.id.to_string(),
            "name": partner.name,
            "parent": partner.parent.map(|id| id.to_string()),
        });
        let id = partner.id;
        let text = format!(
            "Partner {id} ({})\nNext: feiqian merchant create --partner {id} --world sandbox --name NAME\n      feiqian key create --partner {id} --world sandbox --generate KEY.pem",
            partner.name,
        );
        output::answer(create.json, &json, &text)?;
        Ok(ExitCode::SUCCESS)
    })
}
