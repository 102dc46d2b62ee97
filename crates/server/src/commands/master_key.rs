//! `feiqian master-key`: which versions there are, and sealing everything again under a new one.

use crate::assemble::Installation;
use crate::cli::ConfigFile;
use crate::config::Config;
use crate::output;
use crate::rotation::{self, Rotated, Watch};
use anyhow::Result;
use clap::{Args, Subcommand};
use crypto::seal::{KeyPlace, Sealer, rotation as key_file};
use indicatif::ProgressBar;
use serde_json::json;
use std::process::ExitCode;

/// What can be done with the master key.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Say which versions the key file holds and which one is in use.
    Status(Options),
    /// Add a new version to the key file and use it for nothing yet: so that the file can be copied to a safe place first.
    Prepare(Options),
    /// Seal everything again under the newest version (made now, unless it was prepared), beside a server or without one, then
    /// take the older ones out of the key file. Killed at any moment, it goes on when it is started again.
    Rotate(Options),
}

/// What each takes.
#[derive(Debug, Args)]
pub struct Options {
    #[command(flatten)]
    file: ConfigFile,
    /// One line of JSON on standard output.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(command: Command) -> Result<ExitCode> {
    match command {
        Command::Status(options) => status(&options),
        Command::Prepare(options) => prepare(&options),
        Command::Rotate(options) => rotate(&options),
    }
}

fn status(options: &Options) -> Result<ExitCode> {
    super::short(&options.file, async |config| {
        let versions = config.key_place()?.versions()?;
        let sealing = Installation::find(&config)?.open_read_only().await?.sealing().await?;
        let in_use = Sealer::version_of_check(&sealing.check);
        let next = sealing.next_check.as_deref().and_then(Sealer::version_of_check);
        let json = json!({
            "object": "master_key",
            "versions": versions,
            "version": in_use,
            "rotating_to": next,
        });
        let mut text = format!("Versions in the key file: {versions:?}; in use: {}", in_use.unwrap_or(0));
        if let Some(next) = next {
            text += &format!(
                "\nA rotation to version {next} is under way: feiqian master-key rotate goes on with it"
            );
        }
        output::answer(options.json, &json, &text)?;
        Ok(ExitCode::SUCCESS)
    })
}

/// Whether the key is in a file of this program's.
fn is_file(config: &Config) -> Result<bool> {
    Ok(matches!(config.key_place()?, KeyPlace::File(_)))
}

fn prepare(options: &Options) -> Result<ExitCode> {
    super::short(&options.file, async |config| {
        let version = rotation::prepare(&config).await?;
        let json = json!({"object": "master_key", "prepared": version});
        let text = format!(
            "Version {version} stands in {} and is not used yet.\n{}hen: feiqian master-key rotate",
            config.key_place()?,
            if is_file(&config)? { "Copy that file to where you keep the key, t" } else { "T" }
        );
        output::answer(options.json, &json, &text)?;
        Ok(ExitCode::SUCCESS)
    })
}

fn rotate(options: &Options) -> Result<ExitCode> {
    super::short(&options.file, async |config| {
        let bar = ProgressBar::new_spinner();
        let watch: Watch<'_> = &mut |place, looked, sealed| {
            bar.set_message(format!("{place}: {looked} rows seen, {sealed} sealed again"));
            bar.tick();
        };
        let rotated = rotation::rotate(&config, watch).await;
        bar.finish_and_clear();
        let Rotated { version, looked, sealed, retired } = rotated?;
        let aside = is_file(&config)?.then(|| key_file::retired_file(&config.master_key_file));
        let json = json!({
            "object": "master_key",
            "version": version,
            "rows": looked,
            "sealed_again": sealed,
            "retired": retired,
            "retired_file": aside,
        });
        let mut text = format!(
            "Everything is sealed with version {version} of the master key: {sealed} values sealed again 已全部重新加密"
        );
        match (aside, config.key_place()?) {
            (Some(aside), _) => {
                text +=
                    &format!("\n  Copy {} to where you keep the key, now.", config.master_key_file.display());
                if !retired.is_empty() {
                    text += &format!(
                        "\n  Older versions stand in {}: backups made before need them, nothing else does.",
                        aside.display()
                    );
                }
            }
            (None, place) if place.retires() => {
                text += "\n  Older versions stay in the token as feiqian-retired-master-key-v…: backups made before need them.";
            }
            (None, place) => {
                text += &format!(
                    "\n  {place} need not hand out older versions any more: backups made before need them."
                );
            }
        }
        output::answer(options.json, &json, &text)?;
        Ok(ExitCode::SUCCESS)
    })
}
