//! `feiqian clock`: the business clock of a sandbox merchant, which payments expire and money matures by.

use super::since::duration_s;
use crate::client::fields::text;
use crate::client::{Client, Connection};
use crate::commands::block_on;
use crate::{output, telemetry};
use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use std::process::ExitCode;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// What came due is done by then, or the command says that it is not.
const DONE_MAX: Duration = Duration::from_secs(120);
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// What can be done with the clock.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Say what time it is for the merchant.
    Show(Show),
    /// Move it forward and do what comes due: expiry, maturity, statements. It never goes back.
    Advance(Advance),
}

/// What `clock show` takes.
#[derive(Debug, Args)]
pub struct Show {
    #[command(flatten)]
    connection: Connection,
    /// One line of JSON on standard output.
    #[arg(long)]
    json: bool,
}

/// What `clock advance` takes.
#[derive(Debug, Args)]
pub struct Advance {
    #[command(flatten)]
    connection: Connection,
    /// How far: 30m, 2h, 1d, 1d12h; at most ten years.
    #[arg(value_name = "DURATION", value_parser = duration_s)]
    by: i64,
    /// One line of JSON on standard output.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(command: &Command) -> Result<ExitCode> {
    telemetry::warnings_only();
    match command {
        Command::Show(show) => {
            let client = show.connection.open()?;
            let clock = block_on(1, async { Ok(client.get("/v1/sandbox/clock").await?.body) })?;
            answer(show.json, &clock)
        }
        Command::Advance(advance) => {
            let client = advance.connection.open()?;
            let clock = block_on(1, self::advance(&client, advance.by))?;
            answer(advance.json, &clock)
        }
    }
}

fn answer(as_json: bool, clock: &Value) -> Result<ExitCode> {
    let offset_s = clock.get("offset_seconds").and_then(Value::as_i64).unwrap_or(0);
    let ahead = match offset_s {
        0 => "as real time 与真实时间一致".to_owned(),
        _ => format!("{} ahead of real time 快于真实时间", duration(offset_s)),
    };
    let text = format!("{} business time 业务时间, {ahead}", text(clock, "/now"));
    output::answer(as_json, clock, &text)?;
    Ok(ExitCode::SUCCESS)
}

/// Moves the clock and comes back when what came due is done.
pub(crate) async fn advance(client: &Client, by_s: i64) -> Result<Value> {
    let mut clock = client.post("/v1/sandbox/clock", &json!({ "advance_seconds": by_s }), None).await?.body;
    let began = Instant::now();
    while pending(&clock)? > 0 {
        if began.elapsed() > DONE_MAX {
            bail!(
                "the clock was moved; after {} s {} things that came due are still not done: feiqian clock show",
                DONE_MAX.as_secs(),
                pending(&clock)?
            );
        }
        sleep(LOOK_EVERY).await;
        clock = client.get("/v1/sandbox/clock").await?.body;
    }
    Ok(clock)
}

fn pending(clock: &Value) -> Result<u64> {
    clock.get("pending").and_then(Value::as_u64).context("the server's answer about its clock can't be read")
}

/// `1 d 2 h 3 min 4 s`, parts of zero left out.
fn duration(seconds: i64) -> String {
    let parts = [
        (seconds / 86_400, "d"),
        (seconds / 3_600 % 24, "h"),
        (seconds / 60 % 60, "min"),
        (seconds % 60, "s"),
    ];
    let shown =
        parts.iter().filter(|(number, _)| *number != 0).map(|(number, unit)| format!("{number} {unit}"));
    shown.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_are_told_in_units() {
        assert_eq!(duration(93_784), "1 d 2 h 3 min 4 s");
        assert_eq!(duration(86_400), "1 d");
    }
}
