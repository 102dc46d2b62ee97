//! `feiqian listen`: a sandbox merchant's events at a program on this machine, signed as webhooks are. It makes outbound requests
//! only, so it works on a laptop behind any router. At least once, in order per object, none missed: it remembers how far it came.

pub(crate) mod forward;
mod place;
mod queue;
pub(crate) mod show;
mod work;

use crate::client::events::Wanted;
use crate::client::fields::text;
use crate::client::follow::Follower;
use crate::client::{Client, Connection};
use crate::commands::block_on;
use crate::commands::since::{self, Point};
use crate::output::{self, note};
use crate::telemetry;
use anyhow::{Result, bail};
use clap::Args;
use forward::{Forwarder, Secret, parse_target};
use place::Memory;
use queue::Queue;
use serde_json::json;
use show::{Show, Started};
use std::process::ExitCode;
use work::{Tally, Work};

/// What `listen` takes.
#[derive(Debug, Args)]
pub struct Options {
    #[command(flatten)]
    connection: Connection,
    /// Where the merchant's program takes webhooks, such as http://localhost:3000/hook.
    #[arg(long, value_name = "URL", required_unless_present = "print_secret")]
    forward_to: Option<String>,
    /// Print the secret that signs what is forwarded, and end. It follows from the key, so it is the same at every start.
    #[arg(long, conflicts_with = "forward_to")]
    print_secret: bool,
    /// Only these types of events: payment.succeeded, payment.*; may be given again. All without it.
    #[arg(long = "type", value_name = "TYPE")]
    types: Vec<String>,
    /// Where to begin: `now`, `beginning`, so long ago (30m, 2h, 1d) or a time (RFC 3339), both in the merchant's business time.
    /// Without it: where the last run with this key and address ended, and the first one now.
    #[arg(long, value_name = "WHEN", value_parser = since::point)]
    since: Option<Point>,
    /// One line of JSON for each try.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    telemetry::warnings_only();
    let Some(forward_to) = &options.forward_to else {
        let secret = Secret::of(options.connection.open()?.token());
        let json = json!({ "object": "webhook_secret", "secret": secret.text().as_str() });
        output::answer(options.json, &json, &secret.text())?;
        return Ok(ExitCode::SUCCESS);
    };
    let forward_to = parse_target(forward_to)?;
    let client = options.connection.open()?;
    let wanted = Wanted::new(&options.types);
    for pattern in wanted.unknown() {
        note(&format!("feiqian: this program knows no type of event {pattern} (feiqian trigger --list)"));
    }
    block_on(2, async {
        let merchant = sandbox_merchant(&client).await?;
        let directory = place::directory()?;
        let about = place::About { server: client.base(), merchant: &merchant, forward_to: &forward_to };
        let (mut memory, goes_on) = Memory::open(&directory, about, options.since.is_some())?;
        let after = match (options.since, goes_on) {
            (None, true) => memory.what().after.clone(),
            (since, _) => since::place(&client, since.unwrap_or(Point::Now)).await?,
        };
        let done = if goes_on { memory.what().done.clone() } else { Vec::new() };
        memory.keep(after.as_ref(), done.clone())?;
        let secret = Secret::of(client.token());
        let show = Show::new(options.json);
        show.started(&Started {
            server: client.base(),
            merchant: &merchant,
            forward_to: &forward_to,
            secret: &secret.text(),
            after: after.as_ref(),
            goes_on,
        });
        let work = Work {
            forwarder: Forwarder::new(&forward_to, secret)?,
            queue: Queue::new(after.clone(), done),
            memory,
            wanted,
            show,
            tally: Tally::default(),
        };
        work.run(Follower::new(client.clone(), after)).await?;
        Ok(ExitCode::SUCCESS)
    })
}

/// Whose key it is. A key of the live world is refused: what it says belongs to webhooks that are delivered.
async fn sandbox_merchant(client: &Client) -> Result<String> {
    let me = client.get("/v1/whoami").await?.body;
    if text(&me, "/world") != "sandbox" {
        bail!("this key belongs to the live world: `listen` is for the sandbox");
    }
    Ok(text(&me, "/merchant").to_owned())
}
