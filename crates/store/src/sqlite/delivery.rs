//! Deliveries of events: to the first destination in the event's row (slot 0), to others in rows of their own.

use super::columns::Columns;
use super::db::{self, Db};
use super::event;
use super::statements::statements;
use crate::StoreError;
use crate::control::DeliveryOutcome;
use crate::reads::{Delivery, DeliveryAttempt, DeliveryStatus, SeqPage, delivery_id, delivery_parts};
use domain::event::{Event, NewDelivery};
use domain::id::{DeliveryId, EndpointId, EventId, Id, MerchantId, Shard, Uid};
use rusqlite::params;

/// Tries that are kept of each delivery.
const ATTEMPTS_KEPT: i64 = 50;

macro_rules! list_filters {
    () => {
        " AND seq <= ?3 AND (?5 IS NULL OR d_endpoint = ?5) AND (seq < ?3 OR ?4 > 0) ORDER BY seq DESC LIMIT ?7"
    };
}

/// An older event of the same object that still waits for the same destination, in either table. `x` is the candidate.
macro_rules! none_older {
    ($object:literal, $endpoint:literal, $seq:literal) => {
        concat!(
            " AND NOT EXISTS (SELECT 1 FROM event o INDEXED BY event_object WHERE o.shard = ?1 AND o.object = ",
            $object,
            " AND o.seq < ",
            $seq,
            " AND o.d_due_at_us IS NOT NULL AND o.d_endpoint IS ",
            $endpoint,
            ") AND NOT EXISTS (SELECT 1 FROM delivery o INDEXED BY delivery_object WHERE o.shard = ?1 AND o.object = ",
            $object,
            " AND o.seq < ",
            $seq,
            " AND o.due_at_us IS NOT NULL AND o.endpoint IS ",
            $endpoint,
            ") "
        )
    };
}

statements! {
    INSERT = "INSERT INTO delivery (shard, seq, slot, merchant, object, endpoint, url, status, due_at_us, tries, \
        fence) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 0, 0)";
    FIRST = concat!("SELECT ", event::columns!(), ", d_endpoint, d_url, d_status, d_due_at_us, d_tries, d_fence \
        FROM event WHERE shard = ?1 AND seq = ?2");
    OTHER = "SELECT endpoint, url, status, due_at_us, tries, fence FROM delivery \
        WHERE shard = ?1 AND seq = ?2 AND slot = ?3";
    /// The last four bits of a delivery's id are its slot's: any event id of that range is the one.
    SEQ_OF_EVENT = "SELECT seq, id FROM event INDEXED BY event_id WHERE shard = ?1 AND id >= ?2 AND id <= ?3 LIMIT 1";
    ATTEMPTS = "SELECT at_us, status, latency_ms, error FROM delivery_attempt \
        WHERE shard = ?1 AND delivery = ?2 ORDER BY number DESC LIMIT ?3";

    LIST_FIRST = concat!("SELECT seq FROM event INDEXED BY event_merchant WHERE shard = ?1 AND merchant = ?2 \
        AND d_status IS NOT NULL AND (?6 IS NULL OR d_status = ?6)", list_filters!());
    LIST_FIRST_FAILED = concat!("SELECT seq FROM event INDEXED BY event_failed WHERE shard = ?1 AND merchant = ?2 \
        AND d_status = 'failed' AND ?6 IS NOT NULL", list_filters!());
    LIST_OTHER = "SELECT seq, slot FROM delivery INDEXED BY delivery_merchant WHERE shard = ?1 AND merchant = ?2 \
        AND (seq, slot) < (?3, ?4) AND (?5 IS NULL OR endpoint = ?5) AND (?6 IS NULL OR status = ?6) \
        ORDER BY seq DESC, slot DESC LIMIT ?7";
    DUE_FIRST = concat!("SELECT e.d_due_at_us, e.seq FROM event e INDEXED BY event_due \
        WHERE e.shard = ?1 AND e.d_due_at_us <= ?2", none_older!("e.object", "e.d_endpoint", "e.seq"),
        "ORDER BY e.d_due_at_us LIMIT ?3");
    DUE_OTHER = concat!("SELECT d.due_at_us, d.seq, d.slot FROM delivery d INDEXED BY delivery_due \
        WHERE d.shard = ?1 AND d.due_at_us <= ?2", none_older!("d.object", "d.endpoint", "d.seq"),
        "ORDER BY d.due_at_us LIMIT ?3");

    /// A delivery that was given up meanwhile stays so, unless this try succeeded.
    OUTCOME_FIRST = "UPDATE event SET d_status = ?3, d_due_at_us = ?4, d_tries = ?5, d_fence = d_fence + 1 \
        WHERE shard = ?1 AND seq = ?2 AND d_status IS NOT NULL AND (d_status = 'pending' OR ?3 = 'succeeded')";
    OUTCOME_OTHER = "UPDATE delivery SET status = ?3, due_at_us = ?4, tries = ?5, fence = fence + 1 \
        WHERE shard = ?1 AND seq = ?2 AND slot = ?6 AND (status = 'pending' OR ?3 = 'succeeded')";
    ATTEMPT_INSERT = "INSERT INTO delivery_attempt (shard, delivery, number, at_us, status, latency_ms, error) \
        SELECT ?1, ?2, COALESCE(MAX(number), 0) + 1, ?3, ?4, ?5, ?6 FROM delivery_attempt \
        WHERE shard = ?1 AND delivery = ?2";
    ATTEMPTS_FORGET = "DELETE FROM delivery_attempt WHERE shard = ?1 AND delivery = ?2 AND number <= \
        (SELECT MAX(number) FROM delivery_attempt WHERE shard = ?1 AND delivery = ?2) - ?3";
    REPLAY_FIRST = "UPDATE event SET d_status = 'pending', d_due_at_us = ?3, d_tries = 0, d_fence = d_fence + 1 \
        WHERE shard = ?1 AND seq = ?2 AND d_status IS NOT NULL";
    REPLAY_OTHER = "UPDATE delivery SET status = 'pending', due_at_us = ?3, tries = 0, fence = fence + 1 \
        WHERE shard = ?1 AND seq = ?2 AND slot = ?4";
    GIVE_UP_FIRST = "UPDATE event INDEXED BY event_due SET d_status = 'failed', d_due_at_us = NULL \
        WHERE shard = ?1 AND d_due_at_us IS NOT NULL AND d_endpoint = ?2";
    GIVE_UP_OTHER = "UPDATE delivery INDEXED BY delivery_due SET status = 'failed', due_at_us = NULL \
        WHERE shard = ?1 AND due_at_us IS NOT NULL AND endpoint = ?2";
}

pub(super) fn status_text(status: DeliveryStatus) -> &'static str {
    match status {
        DeliveryStatus::Pending => "pending",
        DeliveryStatus::Succeeded => "succeeded",
        DeliveryStatus::Failed => "failed",
    }
}

fn parse_status(text: &str) -> Option<DeliveryStatus> {
    [DeliveryStatus::Pending, DeliveryStatus::Succeeded, DeliveryStatus::Failed]
        .into_iter()
        .find(|status| status_text(*status) == text)
}

/// A row for a destination after the first.
pub(super) fn insert(
    db: &Db,
    shard: Shard,
    seq: i64,
    slot: i64,
    event: &Event,
    new: &NewDelivery,
) -> Result<(), StoreError> {
    let values = params![
        shard.0,
        seq,
        slot,
        event.merchant.0.0,
        event.object.0,
        new.endpoint.map(|id| id.0.0),
        new.url,
        status_text(DeliveryStatus::Pending),
        new.due_at_us,
    ];
    db.execute(INSERT, values)?;
    Ok(())
}

/// Where a delivery's row stands: the event's number and the slot.
fn position(db: &Db, id: DeliveryId) -> Result<Option<(Shard, i64, u8)>, StoreError> {
    let Some((EventId(Uid(first)), slot)) = delivery_parts(id) else { return Ok(None) };
    let shard = id.uid().shard();
    let mut last = first;
    if let Some(byte) = last.last_mut() {
        *byte |= 0x0f;
    }
    let found = db.one(SEQ_OF_EVENT, params![shard.0, first, last], |c| Ok((c.int()?, c.uid()?)))?;
    Ok(found.map(|(seq, _)| (shard, seq, slot)))
}

/// The six columns about a delivery. An event without destinations has neither url nor status.
struct State {
    endpoint: Option<EndpointId>,
    url: Option<String>,
    status: Option<DeliveryStatus>,
    due_at_us: Option<i64>,
    tries: i64,
    fence: i64,
}

impl State {
    fn read(c: &mut Columns<'_, '_>) -> Result<State, StoreError> {
        Ok(State {
            endpoint: c.opt_id()?,
            url: c.opt_string()?,
            status: c.opt_word(parse_status)?,
            due_at_us: c.opt_int()?,
            tries: c.int()?,
            fence: c.int()?,
        })
    }

    fn of(self, event: Event, slot: u8) -> Option<Delivery> {
        let (url, status) = self.url.zip(self.status)?;
        let State { endpoint, due_at_us, tries, fence, .. } = self;
        let id = delivery_id(event.id, slot);
        Some(Delivery {
            id,
            event,
            slot,
            endpoint,
            url,
            status,
            due_at_us,
            tries,
            fence,
            attempts: Vec::new(),
        })
    }
}

fn at(db: &Db, shard: Shard, seq: i64, slot: u8) -> Result<Option<Delivery>, StoreError> {
    let first = db.one(FIRST, params![shard.0, seq], |c| Ok((event::read(db, c)?, State::read(c)?)))?;
    let Some((event, state)) = first else { return Ok(None) };
    let state = match slot {
        0 => Some(state),
        _ => db.one(OTHER, params![shard.0, seq, slot], State::read)?,
    };
    Ok(state.and_then(|state| state.of(event, slot)))
}

fn with_attempts(db: &Db, shard: Shard, mut delivery: Delivery) -> Result<Delivery, StoreError> {
    let mut attempts = db.all(ATTEMPTS, params![shard.0, delivery.id.0.0, ATTEMPTS_KEPT], |c| {
        Ok(DeliveryAttempt {
            at_us: c.int()?,
            status: match c.opt_int()? {
                None => None,
                Some(status) => u16::try_from(status).ok(),
            },
            latency_ms: c.int()?,
            error: c.opt_string()?,
        })
    })?;
    attempts.reverse();
    delivery.attempts = attempts;
    Ok(delivery)
}

pub(super) fn by_id(db: &Db, id: DeliveryId) -> Result<Option<Delivery>, StoreError> {
    let Some((shard, seq, slot)) = position(db, id)? else { return Ok(None) };
    match at(db, shard, seq, slot)? {
        Some(delivery) => with_attempts(db, shard, delivery).map(Some),
        None => Ok(None),
    }
}

pub(super) fn list(
    db: &Db,
    merchant: MerchantId,
    endpoint: Option<EndpointId>,
    status: Option<DeliveryStatus>,
    page: SeqPage,
) -> Result<Vec<Delivery>, StoreError> {
    let shard = merchant.0.shard();
    let (seq, slot) = page.before.unwrap_or((i64::MAX, 0));
    let first_sql = match status {
        Some(DeliveryStatus::Failed) => LIST_FIRST_FAILED,
        Some(DeliveryStatus::Pending | DeliveryStatus::Succeeded) | None => LIST_FIRST,
    };
    let endpoint = endpoint.map(|id| id.0.0);
    let status = status.map(status_text);
    let values = params![shard.0, merchant.0.0, seq, slot, endpoint, status, page.limit];
    let mut places: Vec<(i64, u8)> = db.all(first_sql, values, |c| Ok((c.int()?, 0)))?;
    places.extend(db.all(LIST_OTHER, values, |c| Ok((c.int()?, c.small()?)))?);
    places.sort_unstable_by(|left, right| right.cmp(left));
    places.truncate(usize::try_from(page.limit).unwrap_or(usize::MAX));
    let mut found = Vec::with_capacity(places.len());
    for (seq, slot) in places {
        if let Some(delivery) = at(db, shard, seq, slot)? {
            found.push(with_attempts(db, shard, delivery)?);
        }
    }
    Ok(found)
}

/// Every delivery of an event, by slot.
pub(super) fn of_event(db: &Db, event: EventId) -> Result<Vec<Delivery>, StoreError> {
    let mut found = Vec::new();
    let Some((shard, seq, _)) = position(db, delivery_id(event, 0))? else { return Ok(found) };
    for slot in (0..=u8::MAX).take(event::SLOTS_MAX) {
        match at(db, shard, seq, slot)? {
            Some(delivery) => found.push(with_attempts(db, shard, delivery)?),
            None => break,
        }
    }
    Ok(found)
}

/// Without the tries made: whoever sends does not need them.
pub(super) fn due(db: &Db, shard: Shard, real_now_us: i64, limit: u32) -> Result<Vec<Delivery>, StoreError> {
    let values = params![shard.0, real_now_us, limit];
    let mut places: Vec<(i64, i64, u8)> = db.all(DUE_FIRST, values, |c| Ok((c.int()?, c.int()?, 0)))?;
    places.extend(db.all(DUE_OTHER, values, |c| Ok((c.int()?, c.int()?, c.small()?)))?);
    places.sort_unstable();
    places.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    places.sort_unstable_by_key(|(_, seq, slot)| (*seq, *slot));
    let mut found = Vec::with_capacity(places.len());
    for (_, seq, slot) in places {
        found.extend(at(db, shard, seq, slot)?);
    }
    Ok(found)
}

/// Writes outcomes; call it in a transaction. An unknown delivery is skipped.
pub(super) fn record(db: &Db, shard: Shard, outcomes: &[DeliveryOutcome]) -> Result<(), StoreError> {
    for outcome in outcomes {
        let Some((found, seq, slot)) = position(db, outcome.id)? else { continue };
        if found != shard {
            continue;
        }
        let status = status_text(outcome.status);
        if slot == 0 {
            db.execute(OUTCOME_FIRST, params![shard.0, seq, status, outcome.due_at_us, outcome.tries])?;
        } else {
            let values = params![shard.0, seq, status, outcome.due_at_us, outcome.tries, slot];
            db.execute(OUTCOME_OTHER, values)?;
        }
        let DeliveryAttempt { at_us, status, latency_ms, error } = &outcome.attempt;
        db.execute(ATTEMPT_INSERT, params![shard.0, outcome.id.0.0, at_us, status, latency_ms, error])?;
        db.execute(ATTEMPTS_FORGET, params![shard.0, outcome.id.0.0, ATTEMPTS_KEPT])?;
    }
    Ok(())
}

pub(super) fn replay(db: &Db, id: DeliveryId, due_at_us: i64) -> Result<(), StoreError> {
    let count = match position(db, id)? {
        None => 0,
        Some((shard, seq, 0)) => db.execute(REPLAY_FIRST, params![shard.0, seq, due_at_us])?,
        Some((shard, seq, slot)) => db.execute(REPLAY_OTHER, params![shard.0, seq, due_at_us, slot])?,
    };
    db::guard(count, || format!("there is no delivery {id}"))
}

/// Ends what is pending for an endpoint.
pub(super) fn give_up(db: &Db, shard: Shard, endpoint: EndpointId) -> Result<(), StoreError> {
    db.execute(GIVE_UP_FIRST, params![shard.0, endpoint.0.0])?;
    db.execute(GIVE_UP_OTHER, params![shard.0, endpoint.0.0])?;
    Ok(())
}
