//! `feiqian events tail`

use crate::client::events::{Event, Place, Wanted};
use crate::client::follow::{Follower, Seen};
use crate::client::{Client, Connection};
use crate::commands::block_on;
use crate::commands::since::{self, Point};
use crate::output::{line, note};
use crate::service::StopSignals;
use anyhow::Result;
use clap::Args;
use std::process::ExitCode;
use std::time::Duration;

/// Pages looked through for events of the wanted types.
const PAGES_MAX: usize = 100;

/// What `events tail` takes.
#[derive(Debug, Args)]
pub struct Options {
    #[command(flatten)]
    connection: Connection,
    /// Only these types of events: payment.succeeded, payment.*; may be given again. All without it.
    #[arg(long = "type", value_name = "TYPE")]
    types: Vec<String>,
    /// Go on with the events that come, until Ctrl-C.
    #[arg(long, short)]
    follow: bool,
    /// How many of the last events.
    #[arg(long, short = 'n', value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u16).range(0..=1_000))]
    lines: u16,
    /// All events since then instead: `beginning`, so long ago (30m, 2h, 1d) or a time (RFC 3339), business time.
    #[arg(long, value_name = "WHEN", conflicts_with = "lines", value_parser = since::point)]
    since: Option<Point>,
    /// One line of JSON for each event, as the API shows it.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(options: &Options) -> Result<ExitCode> {
    let client = options.connection.open()?;
    let wanted = Wanted::new(&options.types);
    for pattern in wanted.unknown() {
        note(&format!("feiqian: this program knows no type of event {pattern} (feiqian trigger --list)"));
    }
    block_on(1, async {
        let place = match options.since {
            Some(point) => {
                let from = since::place(&client, point).await?;
                until_now(&client, from, |event| print(options.json, &wanted, event)).await?
            }
            None => last(&client, usize::from(options.lines), &wanted, options.json).await?,
        };
        if options.follow {
            let stop = StopSignals::listen()?;
            tokio::select! {
                followed = follow(Follower::new(client, place), &wanted, options.json) => followed?,
                () = stop.wait() => {}
            }
        }
        Ok(ExitCode::SUCCESS)
    })
}

/// Prints the last events that are wanted; answers the place behind the newest of all.
async fn last(client: &Client, count: usize, wanted: &Wanted, json: bool) -> Result<Option<Place>> {
    let (page, mut cursor) = client.events_before(None).await?;
    let newest = page.first().map(Event::place);
    let mut found: Vec<Event> = page.into_iter().filter(|event| wanted.has(&event.kind)).collect();
    for _ in 1..PAGES_MAX {
        let Some(next) = cursor.filter(|_| found.len() < count) else { break };
        let (page, further) = client.events_before(Some(&next)).await?;
        found.extend(page.into_iter().filter(|event| wanted.has(&event.kind)));
        cursor = further;
    }
    found.truncate(count);
    for event in found.iter().rev() {
        print(json, wanted, event);
    }
    Ok(newest)
}

/// Hands over everything from a place until now; answers the place reached.
pub(super) async fn until_now(
    client: &Client,
    mut place: Option<Place>,
    mut each: impl FnMut(&Event),
) -> Result<Option<Place>> {
    loop {
        let page = client.events_after(place.as_ref(), None, Duration::ZERO).await?;
        let Some(last) = page.last() else { return Ok(place) };
        place = Some(last.place());
        page.iter().for_each(&mut each);
    }
}

async fn follow(mut follower: Follower, wanted: &Wanted, json: bool) -> Result<()> {
    loop {
        match follower.next().await? {
            Seen::Events(events) => events.iter().for_each(|event| print(json, wanted, event)),
            Seen::Lost { why } => note(&format!("{why}; asking again until it answers")),
            Seen::Back { after } => {
                note(&format!("the server answers again after {:.1} s", after.as_secs_f32()))
            }
            Seen::Rewound { missing, .. } => {
                note(&format!("the server does not know {} any more: going on with what it has", missing.id));
            }
        }
    }
}

fn print(json: bool, wanted: &Wanted, event: &Event) {
    if !wanted.has(&event.kind) {
        return;
    }
    match json {
        true => line(event.row.get()),
        false => {
            line(&format!("{}  {:<26} {:<30} {}", event.timestamp, event.kind, event.object_id, event.id))
        }
    }
}
