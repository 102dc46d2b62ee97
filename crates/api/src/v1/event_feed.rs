//! Events in the order in which they happened, for a program that follows them: it asks for what stands behind the last one
//! that it handled, and may wait for it.

use crate::access::{may, still_alive};
use crate::cursor::Place;
use crate::json::Fault;
use crate::listing::Listing;
use crate::pipeline::{Allowed, Call, Reply, parse_id};
use crate::problem::{Code, Problem};
use crate::query::refuse;
use crate::server::Closing;
use domain::event::Event;
use domain::id::EventId;
use std::time::Duration;
use store::reads::EventFilter;
use tokio::sync::SemaphorePermit;
use tokio::time::{Instant, sleep};
use wire::render;

/// The longest that a request may wait, milliseconds. Proxies and clients give up after 30 s or more.
const WAIT_MAX_MS: u64 = 20_000;
/// How often a waiting request looks. Each look is one step into an index.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// Requests that wait at once on this node, of all merchants. One more is answered at once, as if it had not asked to wait.
pub const WAITING_MAX: usize = 256;
/// Filters under which a look has to step over rows, so that waiting would read them again and again.
const NOT_WITH_WAIT: [&str; 3] = ["type", "created_at_gte", "created_at_lt"];

/// Parameters that only this order knows.
const PARAMETERS: [&str; 2] = ["after", "wait_ms"];

/// Answers the events behind a place, oldest first.
pub async fn oldest_first(call: &Allowed<may::ReadEvents>, filter: &EventFilter) -> Result<Reply, Problem> {
    let listing = Listing::of(call)?;
    let after_seq = place(call, &listing).await?;
    let wait = wait(call)?;
    let rows = look(call, filter, after_seq, listing.limit(), wait).await?;
    let last = rows.last().map_or(after_seq, |event| event.seq);
    let world = call.world();
    Ok(Reply::ok(&listing.rising_page(&rows, Place::Seq(last, 0), |event| render::event(event, world))))
}

/// Behind which number the page begins: the cursor's, that of the event in `after`, or none.
async fn place(call: &Call, listing: &Listing) -> Result<i64, Problem> {
    let at_cursor = listing.by_seq()?.before.map(|(seq, _)| seq);
    let after = call.query.read("after", |text| {
        parse_id::<EventId>(text)
            .ok_or_else(|| Fault::invalid("The id of an event is expected.", "此处应为事件编号。"))
    })?;
    match (at_cursor, after) {
        (Some(_), Some(_)) => {
            let fault =
                Fault::invalid("Send exactly one of after and cursor.", "after 与 cursor 只能填写一个。");
            Err(refuse("after", fault))
        }
        // Before the first event stands nothing that could have been removed.
        (Some(seq), None) if seq <= 0 || call.app().has_event(&call.caller, seq).await? => Ok(seq),
        (Some(_), None) => Err(refuse("cursor", expired())),
        (None, Some(id)) => Ok(call.app().event(&call.caller, id).await?.seq),
        (None, None) => Ok(0),
    }
}

/// Who stopped so long ago must not believe that it missed nothing.
fn expired() -> Fault {
    Fault::of(
        Code::CursorExpired,
        "The event at which this cursor stands is no longer kept, and later ones may not be either.",
        "该游标所在的事件已不再保留，其后的事件也可能已被清除。",
    )
}

fn wait(call: &Call) -> Result<Duration, Problem> {
    let wait_ms = call.query.read("wait_ms", |text| {
        let digits = !text.is_empty() && text.len() <= 5 && text.bytes().all(|b| b.is_ascii_digit());
        let number = text.parse::<u64>().ok().filter(|number| digits && *number <= WAIT_MAX_MS);
        number.ok_or_else(|| {
            Fault::invalid(
                format!("Milliseconds are expected, at most {WAIT_MAX_MS}."),
                format!("此处应为毫秒数，最多 {WAIT_MAX_MS}。"),
            )
        })
    })?;
    match wait_ms {
        Some(1..) if NOT_WITH_WAIT.iter().any(|name| call.query.has(name)) => {
            let fault = Fault::invalid(
                "wait_ms goes with object_id and without other filters: choose among the events as they come.",
                "wait_ms 只能与 object_id 同用；其他条件请在收到事件后自行筛选。",
            );
            Err(refuse("wait_ms", fault))
        }
        found => Ok(Duration::from_millis(found.unwrap_or(0))),
    }
}

/// Looks, and looks again until there is something, the time is over, the listener closes or the key is no longer good.
async fn look(
    call: &Call,
    filter: &EventFilter,
    after_seq: i64,
    limit: u32,
    wait: Duration,
) -> Result<Vec<Event>, Problem> {
    let until = Instant::now() + wait;
    let find = || call.app().events_after(&call.caller, filter, after_seq, limit);
    let rows = find().await?;
    if !rows.is_empty() || wait.is_zero() {
        return Ok(rows);
    }
    let Some(_slot) = slot(call) else { return Ok(rows) };
    let closing = call.request.closing.clone();
    tokio::pin! {
        let closes = closes(closing);
    }
    loop {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(Vec::new());
        }
        tokio::select! {
            () = &mut closes => return Ok(Vec::new()),
            () = sleep(left.min(LOOK_EVERY)) => {}
        }
        still_alive(&call.state, call.key)?;
        let rows = find().await?;
        if !rows.is_empty() {
            return Ok(rows);
        }
    }
}

fn slot(call: &Call) -> Option<SemaphorePermit<'_>> {
    call.state.waiting.try_acquire().ok()
}

async fn closes(closing: Option<Closing>) {
    match closing {
        Some(closing) => closing.begun().await,
        None => std::future::pending().await,
    }
}

/// What `order` leaves no room for.
///
/// # Errors
/// `field_invalid`.
pub fn refuse_parameters(call: &Call) -> Result<(), Problem> {
    match PARAMETERS.iter().find(|name| call.query.has(name)) {
        None => Ok(()),
        Some(name) => {
            let fault = Fault::of(
                Code::FieldInvalid,
                "This parameter goes with order=oldest_first.",
                "此参数须与 order=oldest_first 一起使用。",
            );
            Err(refuse(name, fault))
        }
    }
}
