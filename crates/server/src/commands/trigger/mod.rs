//! `feiqian trigger`: produces an event by really doing what causes it, with objects that go on living like any other.

mod endpoints;
mod recipes;
mod stage;

use crate::client::events::{Event, Place, WAIT_MAX};
use crate::client::fields::text;
use crate::client::{Client, Connection};
use crate::commands::block_on;
use crate::output::line;
use crate::{output, telemetry};
use anyhow::{Result, bail};
use channels::sandbox::CAPTURE_REFUSED_MINOR;
use clap::Args;
use endpoints::{Fate, Reach};
use jiff::{SignedDuration, Timestamp};
use money::Currency;
use recipes::{RECIPES, Recipe, WITHOUT, Way};
use serde_json::{Map, Value, json};
use stage::{Stage, Wishes};
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;
use tokio::time::Instant;

/// The event is there by then: every outcome of the sandbox ends within 30 s.
const EVENT_MAX: Duration = Duration::from_secs(40);
/// The first notice of a key's end comes so long before it.
const NOTICE_BEFORE_END: SignedDuration = SignedDuration::from_hours(30 * 24);
/// A key that is made for the notice is that much older than it.
const NOTICE_COMES_IN: SignedDuration = SignedDuration::from_secs(2);
/// After so long by its clock, a merchant's business day is over.
const DAY_S: i64 = 24 * 3_600;
/// How long the payment that expires has to be paid.
const EXPIRES_WITHIN: Duration = Duration::from_secs(2);

/// What `trigger` takes.
#[derive(Debug, Args)]
pub struct Options {
    #[command(flatten)]
    connection: Connection,
    /// The type of event, such as payment.succeeded.
    #[arg(value_name = "TYPE", required_unless_present = "list")]
    kind: Option<String>,
    /// List every type and the ways to cause it.
    #[arg(long)]
    list: bool,
    /// One of the ways to cause it that --list names.
    #[arg(long, value_name = "WAY")]
    how: Option<String>,
    /// What is paid, minor units.
    #[arg(long, default_value_t = 1_250, value_parser = clap::value_parser!(i64).range(1..=money::MAX_WIRE))]
    amount: i64,
    /// In which currency.
    #[arg(long, default_value = "CNY", value_parser = stage::currency)]
    currency: Currency,
    /// Fields of the payment, over those of the recipe: '{"metadata":{"order":"42"}}'.
    #[arg(long, value_name = "JSON", value_parser = stage::fields)]
    payment: Option<Map<String, Value>>,
    /// Fields of the refund, over those of the recipe.
    #[arg(long, value_name = "JSON", value_parser = stage::fields)]
    refund: Option<Map<String, Value>>,
    /// For events of endpoints: where to wait for the server's calls. Without it any free port of 127.0.0.1.
    #[arg(long, value_name = "ADDRESS")]
    receiver_listen: Option<SocketAddr>,
    /// For events of endpoints: the URL under which the server reaches that address.
    #[arg(long, value_name = "URL", requires = "receiver_listen")]
    receiver_url: Option<String>,
    /// One line of JSON on standard output.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    telemetry::warnings_only();
    let Some(kind) = options.kind.as_deref().filter(|_| !options.list) else {
        list(options.json);
        return Ok(ExitCode::SUCCESS);
    };
    let Some(recipe) = choose(kind, options.how.as_deref()) else { return Ok(ExitCode::from(2)) };
    let wishes = Wishes {
        amount_minor: options.amount,
        currency: options.currency,
        payment: options.payment.clone().unwrap_or_default(),
        refund: options.refund.clone().unwrap_or_default(),
    };
    let reach = Reach { listen: options.receiver_listen, url: options.receiver_url.clone() };
    let client = options.connection.open()?;
    block_on(2, async {
        let from = client.place_now(None).await?;
        let mut stage = Stage::new(&client, wishes);
        let caused = match perform(recipe.way, &mut stage, &reach).await {
            Ok(()) => wait_for(&client, from, recipe.kind, &stage.made).await,
            Err(error) => Err(error),
        };
        let cleaned = stage.clean_up().await;
        let event = caused?;
        cleaned?;
        let (object, made) = (&event.object_id, &stage.made);
        let json = json!({
            "object": "trigger", "type": recipe.kind, "how": recipe.how, "event": event.id, "object_id": object,
            "made": made,
        });
        output::answer(options.json, &json, &format!("{}  {object}  {}", recipe.kind, event.id))?;
        Ok(ExitCode::SUCCESS)
    })
}

/// The recipe asked for; `None`: there is none, which was told.
fn choose(kind: &str, how: Option<&str>) -> Option<&'static Recipe> {
    let mut ways = recipes::of(kind);
    let found = match how {
        Some(how) => ways.find(|recipe| recipe.how == how),
        None => ways.next(),
    };
    if found.is_none() {
        let reason = WITHOUT.iter().find(|(known, _)| *known == kind).map(|(_, why)| *why);
        output::note(&match (reason, recipes::of(kind).next()) {
            (Some(why), _) => format!("feiqian: {kind} is not caused by trigger: {why}"),
            (None, Some(_)) => {
                format!("feiqian: {kind} is caused in these ways:\n{}", table(Some(kind)).trim_end())
            }
            (None, None) => {
                format!("feiqian: there is no type of event {kind}. There are:\n{}", table(None).trim_end())
            }
        });
    }
    found
}

fn list(as_json: bool) {
    if !as_json {
        return line(table(None).trim_end());
    }
    for Recipe { kind, how, what, .. } in RECIPES {
        line(&json!({ "object": "trigger_recipe", "type": kind, "how": how, "what": what }).to_string());
    }
    for (kind, why) in WITHOUT {
        line(&json!({ "object": "trigger_recipe", "type": kind, "how": null, "what": why }).to_string());
    }
}

/// The recipes of a type, or of all.
fn table(of: Option<&str>) -> String {
    let mut text = String::new();
    let mut before = "";
    for Recipe { kind, how, what, .. } in RECIPES.iter().filter(|r| of.is_none_or(|kind| r.kind == kind)) {
        // The first way of a type needs no name, unless the names are asked for.
        let named = *kind == before || of.is_some();
        let name = if named { format!("{kind} --how {how}") } else { (*kind).to_owned() };
        let _ = writeln!(text, "  {name:<42} {what}");
        before = kind;
    }
    for (kind, why) in WITHOUT.iter().filter(|_| of.is_none()) {
        let _ = writeln!(text, "  {kind:<42} not by trigger: {why}");
    }
    text
}

/// Does what causes the event.
async fn perform(way: Way, stage: &mut Stage<'_>, reach: &Reach) -> Result<()> {
    match way {
        Way::Waiting => stage.by_qr_code("succeed").await.map(drop),
        Way::Expired => stage.by_qr_code_within(EXPIRES_WITHIN).await.map(drop),
        Way::PaidByPayer => {
            let id = waiting(stage, "succeed").await?;
            stage.act(&format!("/v1/sandbox/payments/{id}/pay"), &json!({})).await.map(drop)
        }
        Way::Closed => close(stage, "succeed").await,
        Way::PaidAfterClose => close(stage, "pay_after_close").await,
        Way::Processing => stage.at_the_till("contradict", false).await.map(drop),
        Way::Authorized => stage.at_the_till("succeed", true).await.map(drop),
        Way::Paid => stage.at_the_till("succeed", false).await.map(drop),
        Way::Declined => stage.at_the_till("decline", false).await.map(drop),
        Way::OtherAmount => stage.at_the_till("other_amount", false).await.map(drop),
        Way::Voided => {
            let id = authorized(stage).await?;
            stage.act(&format!("/v1/payments/{id}/void"), &json!({})).await.map(drop)
        }
        Way::Captured => {
            let id = authorized(stage).await?;
            stage.capture(&id, None).await
        }
        Way::CaptureRefused => {
            stage.wishes.amount_minor = stage.wishes.amount_minor.max(CAPTURE_REFUSED_MINOR);
            let id = authorized(stage).await?;
            stage.capture(&id, Some(CAPTURE_REFUSED_MINOR)).await
        }
        Way::Refunded => refund(stage, "succeed").await,
        Way::RefundFailed => refund(stage, "fail").await,
        Way::EndpointTested => endpoints::play(stage, Fate::Tested, reach).await,
        Way::EndpointFailing => endpoints::play(stage, Fate::Failing, reach).await,
        Way::EndpointRecovered => endpoints::play(stage, Fate::Recovered, reach).await,
        Way::EndpointDisabled => endpoints::play(stage, Fate::Disabled, reach).await,
        Way::KeyRevoked => {
            let path = new_key(stage, None).await?;
            stage.act(&format!("{path}/revoke"), &json!({})).await.map(drop)
        }
        Way::KeyExpiring => {
            let now: Timestamp = stage.server_time().await?;
            let ends_at = now.checked_add(NOTICE_BEFORE_END)?.checked_add(NOTICE_COMES_IN)?;
            let path = new_key(stage, Some(ends_at)).await?;
            stage.revoke_at_the_end(&path);
            Ok(())
        }
        Way::DayOver => stage.act("/v1/sandbox/clock", &json!({ "advance_seconds": DAY_S })).await.map(drop),
    }
}

/// A key that may say who it is and nothing else, its token known to nobody; answers its path.
async fn new_key(stage: &mut Stage<'_>, ends_at: Option<Timestamp>) -> Result<String> {
    let ends_at = ends_at.map(|at| format!("{at:.3}"));
    let input = json!({
        "name": "feiqian trigger", "generate_bearer": true, "permissions": ["whoami"], "expires_at": ends_at,
    });
    let key = stage.act("/v1/api_keys", &input).await?;
    Ok(format!("/v1/api_keys/{}", text(&key, "/id")))
}

/// A payment that waits for its payer.
async fn waiting(stage: &mut Stage<'_>, outcome: &str) -> Result<String> {
    let made = stage.by_qr_code(outcome).await?;
    let waiting = stage.payment_in(&made, "requires_action").await?;
    Ok(text(&waiting, "/id").to_owned())
}

async fn close(stage: &mut Stage<'_>, outcome: &str) -> Result<()> {
    let id = waiting(stage, outcome).await?;
    stage.act(&format!("/v1/payments/{id}/close"), &json!({})).await.map(drop)
}

/// A payment that is held for captures.
async fn authorized(stage: &mut Stage<'_>) -> Result<String> {
    let made = stage.at_the_till("succeed", true).await?;
    let held = stage.payment_in(&made, "authorized").await?;
    Ok(text(&held, "/id").to_owned())
}

async fn refund(stage: &mut Stage<'_>, outcome: &str) -> Result<()> {
    let paid = stage.at_the_till("succeed", false).await?;
    let paid = stage.payment_in(&paid, "succeeded").await?;
    stage.refund(&paid, outcome).await
}

/// Waits for the event in the list, which shows what was committed: of this type, about something that was made. Where nothing was
/// made by hand, as when a day is over, the first of its type.
async fn wait_for(client: &Client, mut from: Option<Place>, kind: &str, made: &[String]) -> Result<Event> {
    let began = Instant::now();
    while began.elapsed() < EVENT_MAX {
        let page = client.events_after(from.as_ref(), None, WAIT_MAX).await?;
        if let Some(last) = page.last() {
            from = Some(last.place());
        }
        if let Some(event) = page
            .into_iter()
            .find(|event| event.kind == kind && (made.is_empty() || made.contains(&event.object_id)))
        {
            return Ok(event);
        }
    }
    bail!("{kind} did not come within {} s", EVENT_MAX.as_secs())
}
