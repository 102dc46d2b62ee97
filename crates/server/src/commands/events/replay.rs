//! `feiqian events replay`: the same events with the same ids once more, so that a program that handles each id once stays as it is.

use super::tail::until_now;
use crate::client::events::{Event, Wanted};
use crate::client::fields::{rows, text};
use crate::client::{Client, Connection};
use crate::commands::block_on;
use crate::commands::listen::forward::{Forwarder, Secret, parse_target};
use crate::commands::listen::show::outcome;
use crate::commands::since::{self, Point};
use crate::output::{line, note};
use anyhow::{Result, bail};
use clap::{ArgGroup, Args};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::process::ExitCode;
use std::time::Duration;
use tokio::time::sleep;

/// Tries of one event at a program on this machine, and the pause between them.
const TRIES: usize = 3;
const PAUSE: Duration = Duration::from_secs(1);
/// The most deliveries that one command starts again.
const DELIVERIES_MAX: usize = 10_000;

/// What `events replay` takes.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("which").required(true).args(["event", "since"])))]
pub struct Options {
    #[command(flatten)]
    connection: Connection,
    /// One event, `evt_…`.
    #[arg(value_name = "EVT")]
    event: Option<String>,
    /// Everything since then: `beginning`, so long ago (30m, 2h, 1d) or a time (RFC 3339), business time. To endpoints: what failed,
    /// unless --all.
    #[arg(long, value_name = "WHEN", value_parser = since::point)]
    since: Option<Point>,
    /// With --since: only these types of events; may be given again.
    #[arg(long = "type", value_name = "TYPE", requires = "since")]
    types: Vec<String>,
    /// With --since: also what arrived.
    #[arg(long, requires = "since", conflicts_with = "forward_to")]
    all: bool,
    /// Only to this endpoint, `whe_…`; to all that the event was for without it.
    #[arg(long, value_name = "WHE", conflicts_with = "forward_to")]
    endpoint: Option<String>,
    /// Post it from here to a program, signed with the secret that `feiqian listen` prints.
    #[arg(long, value_name = "URL")]
    forward_to: Option<String>,
    /// One line of JSON for each event or delivery.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(options: &Options) -> Result<ExitCode> {
    let client = options.connection.open()?;
    block_on(2, async {
        let failed = match &options.forward_to {
            Some(target) => forward(&client, options, target).await?,
            None => to_endpoints(&client, options).await?,
        };
        Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    })
}

/// Posts events from here, oldest first; answers whether one did not arrive.
async fn forward(client: &Client, options: &Options, target: &str) -> Result<bool> {
    let forwarder = Forwarder::new(&parse_target(target)?, Secret::of(client.token()))?;
    let mut events = Vec::new();
    match (&options.event, options.since) {
        (Some(id), _) => events.push(client.event(id).await?),
        (None, Some(point)) => {
            let wanted = Wanted::new(&options.types);
            let from = since::place(client, point).await?;
            let mut keep = |event: &Event| {
                if wanted.has(&event.kind) {
                    events.push(event.clone());
                }
            };
            until_now(client, from, &mut keep).await?;
        }
        (None, None) => {}
    }
    let mut failed = false;
    for event in events {
        failed |= !forward_one(&forwarder, event, options.json).await;
    }
    Ok(failed)
}

async fn forward_one(forwarder: &Forwarder, event: Event, json: bool) -> bool {
    for attempt in 1..=TRIES {
        if attempt > 1 {
            sleep(PAUSE).await;
        }
        let (_, answer) = forwarder.post(&event).await;
        let arrived = matches!(answer.status, Some(200..=299));
        if json {
            let value = json!({
                "object": "forward", "event": event.id, "type": event.kind, "object_id": event.object_id,
                "try": attempt, "status": answer.status, "error": answer.error, "latency_ms": answer.latency_ms,
                "result": if arrived { "delivered" } else { "failed" },
            });
            line(&value.to_string());
        } else {
            line(&format!(
                "{:<26} {:<30} → {} in {} ms   {}",
                event.kind,
                event.object_id,
                outcome(&answer),
                answer.latency_ms,
                event.id
            ));
        }
        if arrived {
            return true;
        }
    }
    false
}

/// Starts deliveries again at the server; answers whether there was one that can't be.
async fn to_endpoints(client: &Client, options: &Options) -> Result<bool> {
    let deliveries = match (&options.event, options.since) {
        (Some(id), _) => of_event(client, id, options.endpoint.as_deref()).await?,
        (None, Some(point)) => since_then(client, options, point).await?,
        (None, None) => Vec::new(),
    };
    let (mut started, mut failed) = (0_u32, false);
    // The list is newest first; an object's events go out in their order.
    for delivery in deliveries.iter().rev() {
        let path = format!("/v1/webhook_deliveries/{}/replay", text(delivery, "/id"));
        match client.post(&path, &json!({}), None).await {
            Ok(again) => {
                started += 1;
                show(options.json, &again.body);
            }
            // Its endpoint is gone or disabled: the others still go.
            Err(fault) if fault.is(api::Code::WebhookEndpointNotFound) => {
                note(&format!(
                    "{} to {}: {}",
                    text(delivery, "/event"),
                    text(delivery, "/url"),
                    fault.brief()
                ));
                failed = true;
            }
            Err(fault) => return Err(fault.into()),
        }
    }
    if !options.json {
        line(&format!(
            "{started} deliveries are sent again; feiqian events tail shows events, GET /v1/webhook_deliveries how each fared"
        ));
    }
    Ok(failed)
}

fn show(json: bool, delivery: &Value) {
    match json {
        true => line(&delivery.to_string()),
        false => line(&format!(
            "{} → {}   {}",
            text(delivery, "/event"),
            text(delivery, "/url"),
            text(delivery, "/id")
        )),
    }
}

async fn of_event(client: &Client, id: &str, endpoint: Option<&str>) -> Result<Vec<Value>> {
    let mut query = vec![("event", id), ("limit", "100")];
    query.extend(endpoint.map(|endpoint| ("endpoint", endpoint)));
    let page = client.get_with("/v1/webhook_deliveries", &query).await?.body;
    let found = rows(&page).to_vec();
    if found.is_empty() {
        bail!(
            "{id} was for no endpoint: none subscribed to it when it happened. Send it from here with --forward-to URL"
        )
    }
    Ok(found)
}

/// Deliveries of events since a point, newest first.
async fn since_then(client: &Client, options: &Options, point: Point) -> Result<Vec<Value>> {
    let from = match point {
        Point::Now => return Ok(Vec::new()),
        Point::Beginning | Point::Ago(_) | Point::At(_) => since::time(client, point).await?,
    };
    let wanted = Wanted::new(&options.types);
    let (mut found, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let mut query = vec![("limit", "100")];
        if !options.all {
            query.push(("status", "failed"));
        }
        query.extend(options.endpoint.as_deref().map(|endpoint| ("endpoint", endpoint)));
        query.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
        let page = client.get_with("/v1/webhook_deliveries", &query).await?.body;
        for row in rows(&page) {
            let at: Timestamp = text(row, "/created_at").parse()?;
            if from.is_some_and(|from| at < from) {
                return Ok(found);
            }
            if is_wanted(client, row, &wanted).await? {
                found.push(row.clone());
            }
            if found.len() > DELIVERIES_MAX {
                bail!("more than {DELIVERIES_MAX} deliveries: choose a later --since");
            }
        }
        match page.get("next_cursor").and_then(Value::as_str) {
            Some(next) => cursor = Some(next.to_owned()),
            None => return Ok(found),
        }
    }
}

/// A delivery does not say its event's type, so with --type each event is looked at.
async fn is_wanted(client: &Client, delivery: &Value, wanted: &Wanted) -> Result<bool> {
    if wanted.is_all() {
        return Ok(true);
    }
    Ok(wanted.has(&client.event(text(delivery, "/event")).await?.kind))
}
