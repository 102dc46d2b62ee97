//! `feiqian resume`: asks channels about everything that is open, then lifts the hold of a restored installation.

use crate::assemble::{Installation, Reached, Running};
use crate::cli::ConfigFile;
use crate::config::Config;
use crate::operator::{Client, Resume, ResumeAnswer, ResumeProgress};
use crate::output;
use anyhow::Result;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use std::process::ExitCode;
use std::time::Duration;

/// Asking about a hundred thousand open payments takes a while.
const ANSWER_MAX: Duration = Duration::from_secs(6 * 3_600);
/// How often the bar moves.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Ids named in the text.
const NAMED_MAX: usize = 20;

/// What `resume` takes.
#[derive(Debug, Args)]
pub struct Options {
    #[command(flatten)]
    file: ConfigFile,
    /// Lift the hold although a channel did not answer about something. Nothing is sent twice for it: what is open is asked about
    /// again before anything is sent.
    #[arg(long)]
    without_answers: bool,
    /// One line of JSON on standard output.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    super::short(&options.file, async |config| {
        let answer = resume(&config, Resume { without_answers: options.without_answers }).await?;
        let json = json!({
            "object": "resume",
            "held": !answer.lifted,
            "attempts": answer.attempts,
            "captures": answer.captures,
            "refunds": answer.refunds,
            "unanswered": answer.unanswered,
            "lost": answer.lost,
            "channels_without_list": answer.without_list,
        });
        output::answer(options.json, &json, &text(&answer))?;
        Ok(if answer.lifted { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    })
}

async fn resume(config: &Config, wish: Resume) -> Result<ResumeAnswer> {
    let installation = Installation::find(config)?;
    match installation.reach(config, ANSWER_MAX).await? {
        Reached::Here(store) => {
            let public_url = config.public_url_at(config.listen);
            let running =
                Running::start(config, &installation, store, &public_url, !installation.engine.is_shared())
                    .await?;
            let resumed = running.app.resume(wish.without_answers).await;
            running.stop(config).await;
            Ok(resumed.map_err(super::merchant::refused)?.into())
        }
        Reached::Server(server) => {
            let bar = ProgressBar::new(0);
            if let Ok(style) = ProgressStyle::with_template("ask    {wide_bar} {pos}/{len}") {
                bar.set_style(style);
            }
            let asked = server.post("/ops/v1/resume", &wish);
            let answer = tokio::select! {
                answer = asked => answer,
                never = show(&server, &bar) => match never {},
            };
            bar.finish_and_clear();
            answer
        }
    }
}

/// Moves the bar as long as somebody waits.
async fn show(server: &Client, bar: &ProgressBar) -> std::convert::Infallible {
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        if let Ok(ResumeProgress { asked, to_ask }) = server.get("/ops/v1/resume").await {
            bar.set_length(to_ask);
            bar.set_position(asked);
        }
    }
}

fn text(answer: &ResumeAnswer) -> String {
    let verdict = match answer.lifted {
        true => "The hold is lifted: calls leave again. 已恢复外发",
        false => "Still HELD: a channel did not answer. 仍暂停外发",
    };
    let mut text = format!(
        "{verdict}\n  asked about {} attempts, {} captures, {} refunds",
        answer.attempts, answer.captures, answer.refunds
    );
    if !answer.unanswered.is_empty() {
        let named: Vec<&str> = answer.unanswered.iter().take(NAMED_MAX).map(String::as_str).collect();
        text += &format!("\n  not answered: {} ({})", answer.unanswered.len(), named.join(" "));
    }
    if answer.lost > 0 {
        text += &format!(
            "\n  {} payments, captures and refunds at the channel that these books do not know: feiqian channel unmatched",
            answer.lost
        );
    }
    for account in &answer.without_list {
        text += &format!("\n  {account} has no list of what it did: compare its bills since the backup");
    }
    text
}
