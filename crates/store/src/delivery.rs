//! Deliveries of events: to the first destination in the event's row (slot 0), to others in rows of their own.

use crate::StoreError;
use crate::control::DeliveryOutcome;
use crate::db::{Columns, Db, Many, Value, guard, keyed, params, statements, writes};
use crate::reads::{Delivery, DeliveryAttempt, DeliveryStatus, SeqPage, delivery_id, delivery_parts};
use crate::{event, merchant};
use domain::event::{Event, NewDelivery};
use domain::id::{DeliveryId, EndpointId, EventId, Id, MerchantId, Shard, Uid};
use std::collections::{BTreeMap, HashMap};

/// Tries that are kept of each delivery.
const ATTEMPTS_KEPT: i64 = 50;

macro_rules! list_filters {
    () => {
        " AND seq <= ?3 AND (d_endpoint = ?5 OR ?5 IS NULL) AND (seq < ?3 OR CAST(?4 AS BIGINT) > 0) ORDER BY seq DESC LIMIT ?7"
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
            " AND o.d_due_at_us IS NOT NULL AND o.d_endpoint IS NOT DISTINCT FROM ",
            $endpoint,
            ") AND NOT EXISTS (SELECT 1 FROM delivery o INDEXED BY delivery_object WHERE o.shard = ?1 AND o.object = ",
            $object,
            " AND o.seq < ",
            $seq,
            " AND o.due_at_us IS NOT NULL AND o.endpoint IS NOT DISTINCT FROM ",
            $endpoint,
            ") "
        )
    };
}

keyed! {
    /// By the event's number.
    FIRST (Big) = concat!("SELECT ", event::columns!(), ", d_endpoint, d_url, d_status, d_due_at_us, d_tries, d_fence \
        FROM event WHERE shard = ?1 AND seq = ?2")
        => concat!("SELECT ", event::columns!(), ", d_endpoint, d_url, d_status, d_due_at_us, d_tries, d_fence \
            FROM {keys} JOIN event ON seq = k2 WHERE shard = ?1");
    OTHER (Big, Small) = "SELECT seq, slot, endpoint, url, status, due_at_us, tries, fence FROM delivery \
        WHERE shard = ?1 AND seq = ?2 AND slot = ?3"
        => "SELECT seq, slot, endpoint, url, status, due_at_us, tries, fence \
            FROM {keys} JOIN delivery ON seq = k2 AND slot = k3 WHERE shard = ?1";
    /// The last four bits of a delivery's id are its slot's: any event id of that range is the one.
    SEQ_OF_EVENT (Uid, Uid) = "SELECT id, seq FROM event INDEXED BY event_id \
        WHERE shard = ?1 AND id >= ?2 AND id <= ?3 LIMIT 1"
        => "SELECT id, seq FROM {keys} JOIN event ON id >= k2 AND id <= k3 WHERE shard = ?1";
    /// The tries made, oldest first; no more than are kept.
    ATTEMPTS (Uid) = "SELECT delivery, at_us, status, latency_ms, error FROM delivery_attempt \
        WHERE shard = ?1 AND delivery = ?2 ORDER BY number"
        => "SELECT delivery, at_us, status, latency_ms, error FROM {keys} JOIN delivery_attempt ON delivery = k2 \
            WHERE shard = ?1 ORDER BY delivery, number";

    /// A delivery that was given up meanwhile stays so, unless this try succeeded. One that was replayed or tried elsewhere meanwhile
    /// has another fence.
    OUTCOME_FIRST (Big, Text, Big, Big, Big) = "UPDATE event SET d_status = ?3, d_due_at_us = ?4, d_tries = ?5, \
        d_fence = d_fence + 1 \
        WHERE shard = ?1 AND seq = ?2 AND d_fence = ?6 AND (d_status = 'pending' OR ?3 = 'succeeded')"
        => "UPDATE event SET d_status = k3, d_due_at_us = k4, d_tries = k5, d_fence = d_fence + 1 FROM {keys} \
            WHERE shard = ?1 AND seq = k2 AND d_fence = k6 AND (d_status = 'pending' OR k3 = 'succeeded')";
    OUTCOME_OTHER (Big, Text, Big, Big, Big, Small) = "UPDATE delivery SET status = ?3, due_at_us = ?4, tries = ?5, \
        fence = fence + 1 WHERE shard = ?1 AND seq = ?2 AND fence = ?6 AND slot = ?7 \
        AND (status = 'pending' OR ?3 = 'succeeded')"
        => "UPDATE delivery SET status = k3, due_at_us = k4, tries = k5, fence = fence + 1 FROM {keys} \
            WHERE shard = ?1 AND seq = k2 AND fence = k6 AND slot = k7 \
            AND (status = 'pending' OR k3 = 'succeeded')";
    ATTEMPT_INSERT (Uid, Big, Int, Big, Text) = "INSERT INTO delivery_attempt (shard, delivery, number, at_us, status, \
        latency_ms, error) \
        SELECT ?1, ?2, COALESCE(MAX(number), 0) + 1, ?3, ?4, ?5, ?6 FROM delivery_attempt \
        WHERE shard = ?1 AND delivery = ?2"
        => "INSERT INTO delivery_attempt (shard, delivery, number, at_us, status, latency_ms, error) \
            SELECT ?1, k2, ROW_NUMBER() OVER (PARTITION BY k2 ORDER BY k3) \
            + COALESCE((SELECT MAX(number) FROM delivery_attempt WHERE shard = ?1 AND delivery = k2), 0), \
            k3, k4, k5, k6 FROM {keys}";
    ATTEMPTS_FORGET (Uid, Big) = "DELETE FROM delivery_attempt WHERE shard = ?1 AND delivery = ?2 AND number <= \
        (SELECT MAX(number) FROM delivery_attempt WHERE shard = ?1 AND delivery = ?2) - ?3"
        => "DELETE FROM delivery_attempt USING {keys} WHERE shard = ?1 AND delivery = k2 AND number <= \
            (SELECT MAX(o.number) FROM delivery_attempt o WHERE o.shard = ?1 AND o.delivery = k2) - k3";
}

writes! {
    INSERT = insert "delivery" row {
        seq: EventSeq, slot: Small, merchant: Uid, object: Uid, endpoint: Uid, url: Text, status: Text,
        due_at_us: Big, tries: Big, fence: Big,
    };
}

statements! {
    LIST_FIRST = concat!("SELECT seq FROM event INDEXED BY event_merchant WHERE shard = ?1 AND merchant = ?2 \
        AND d_status IS NOT NULL AND (d_status = ?6 OR ?6 IS NULL)", list_filters!());
    LIST_FIRST_FAILED = concat!("SELECT seq FROM event INDEXED BY event_failed WHERE shard = ?1 AND merchant = ?2 \
        AND d_status = 'failed' AND d_status = ?6", list_filters!());
    LIST_OTHER = "SELECT seq, slot FROM delivery INDEXED BY delivery_merchant WHERE shard = ?1 AND merchant = ?2 \
        AND (seq, slot) < (?3, CAST(?4 AS BIGINT)) AND (endpoint = ?5 OR ?5 IS NULL) AND (status = ?6 OR ?6 IS NULL) \
        ORDER BY seq DESC, slot DESC LIMIT ?7";
    DUE_FIRST = concat!("SELECT e.d_due_at_us, e.seq FROM event e INDEXED BY event_due \
        WHERE e.shard = ?1 AND e.d_due_at_us <= ?2", none_older!("e.object", "e.d_endpoint", "e.seq"),
        "ORDER BY e.d_due_at_us LIMIT ?3");
    DUE_OTHER = concat!("SELECT d.due_at_us, d.seq, d.slot FROM delivery d INDEXED BY delivery_due \
        WHERE d.shard = ?1 AND d.due_at_us <= ?2", none_older!("d.object", "d.endpoint", "d.seq"),
        "ORDER BY d.due_at_us LIMIT ?3");

    REPLAY_FIRST = "UPDATE event SET d_status = 'pending', d_due_at_us = ?3, d_tries = 0, d_fence = d_fence + 1 \
        WHERE shard = ?1 AND seq = ?2 AND d_status IS NOT NULL";
    REPLAY_OTHER = "UPDATE delivery SET status = 'pending', due_at_us = ?3, tries = 0, fence = fence + 1 \
        WHERE shard = ?1 AND seq = ?2 AND slot = ?4";
    GIVE_UP_FIRST = "UPDATE event INDEXED BY event_due SET d_status = 'failed', d_due_at_us = NULL \
        WHERE shard = ?1 AND d_due_at_us >= 0 AND d_endpoint = ?2";
    GIVE_UP_OTHER = "UPDATE delivery INDEXED BY delivery_due SET status = 'failed', due_at_us = NULL \
        WHERE shard = ?1 AND due_at_us >= 0 AND endpoint = ?2";
}

pub(crate) fn status_text(status: DeliveryStatus) -> &'static str {
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
pub(crate) fn row<'a>(seq: i64, slot: i64, event: &Event, new: &'a NewDelivery) -> [Value<'a>; 10] {
    params![
        Value::EventSeq(seq),
        slot,
        event.merchant.0.0,
        event.object.0,
        new.endpoint.map(|id| id.0.0),
        &new.url,
        status_text(DeliveryStatus::Pending),
        new.due_at_us,
        0,
        0,
    ]
}

/// Where the rows of deliveries stand: the event's number and the slot.
async fn positions(
    db: &Db,
    shard: Shard,
    ids: impl IntoIterator<Item = DeliveryId>,
) -> Result<HashMap<DeliveryId, Position>, StoreError> {
    let of_shard = ids.into_iter().filter(|id| id.uid().shard() == shard);
    let parts: Vec<(DeliveryId, EventId, u8)> =
        of_shard.filter_map(|id| delivery_parts(id).map(|(event, slot)| (id, event, slot))).collect();
    let keys = parts.iter().map(|(_, event, _)| params![range(event.0, 0x00).0, range(event.0, 0x0f).0]);
    let events: HashMap<Uid, i64> = db
        .find_all(&SEQ_OF_EVENT, shard, &Many::of(keys), |c| Ok((range(c.uid()?, 0x00), c.int()?)))
        .await?
        .into_iter()
        .collect();
    let place = |(id, event, slot): (DeliveryId, EventId, u8)| {
        events.get(&range(event.0, 0x00)).map(|seq| (id, Position { seq: *seq, slot }))
    };
    Ok(parts.into_iter().filter_map(place).collect())
}

/// An id with other last four bits.
fn range(Uid(mut bytes): Uid, bits: u8) -> Uid {
    if let Some(last) = bytes.last_mut() {
        *last = (*last & 0xf0) | bits;
    }
    Uid(bytes)
}

/// Where a delivery's row stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Position {
    seq: i64,
    slot: u8,
}

/// The six columns about a delivery. An event without destinations has neither url nor status.
#[derive(Debug, Clone)]
struct State {
    endpoint: Option<EndpointId>,
    url: Option<String>,
    status: Option<DeliveryStatus>,
    due_at_us: Option<i64>,
    tries: i64,
    fence: i64,
}

impl State {
    fn read(c: &mut Columns<'_>) -> Result<State, StoreError> {
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

/// The deliveries at these places, in their order, without the tries made.
async fn at(db: &Db, shard: Shard, places: &[Position]) -> Result<Vec<Delivery>, StoreError> {
    let mut numbers: Vec<i64> = places.iter().map(|place| place.seq).collect();
    numbers.sort_unstable();
    numbers.dedup();
    let keys = Many::of(numbers.iter().map(|seq| params![*seq]));
    let firsts = db.find_all(&FIRST, shard, &keys, |c| Ok((event::read(db, c)?, State::read(c)?))).await?;
    let others =
        Many::of(places.iter().filter(|place| place.slot > 0).map(|place| params![place.seq, place.slot]));
    let others = db
        .find_all(&OTHER, shard, &others, |c| {
            Ok((Position { seq: c.int()?, slot: c.small()? }, State::read(c)?))
        })
        .await?;
    let firsts: HashMap<i64, (Event, State)> =
        firsts.into_iter().map(|(event, state)| (event.seq, (event, state))).collect();
    let mut others: HashMap<Position, State> = others.into_iter().collect();
    let delivery = |place: &Position| {
        let (event, first) = firsts.get(&place.seq)?;
        let state = if place.slot == 0 { Some(first.clone()) } else { others.remove(place) };
        state?.of(event.clone(), place.slot)
    };
    Ok(places.iter().filter_map(delivery).collect())
}

/// Adds the tries made.
async fn with_attempts(db: &Db, shard: Shard, deliveries: &mut [Delivery]) -> Result<(), StoreError> {
    let keys = Many::of(deliveries.iter().map(|delivery| params![delivery.id.0.0]));
    let attempts = db
        .find_all(&ATTEMPTS, shard, &keys, |c| {
            let delivery: DeliveryId = c.id()?;
            let attempt = DeliveryAttempt {
                at_us: c.int()?,
                status: c.opt_int()?.and_then(|status| u16::try_from(status).ok()),
                latency_ms: c.int()?,
                error: c.opt_string()?,
            };
            Ok((delivery, attempt))
        })
        .await?;
    let mut of: HashMap<DeliveryId, Vec<DeliveryAttempt>> = HashMap::new();
    for (delivery, attempt) in attempts {
        of.entry(delivery).or_default().push(attempt);
    }
    for delivery in deliveries {
        delivery.attempts = of.remove(&delivery.id).unwrap_or_default();
    }
    Ok(())
}

pub(crate) async fn by_id(db: &Db, id: DeliveryId) -> Result<Option<Delivery>, StoreError> {
    let shard = id.uid().shard();
    let places: Vec<Position> = positions(db, shard, [id]).await?.into_values().collect();
    let mut found = at(db, shard, &places).await?;
    with_attempts(db, shard, &mut found).await?;
    Ok(found.pop())
}

pub(crate) async fn list(
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
    let mut places = db.all(first_sql, &values, |c| Ok(Position { seq: c.int()?, slot: 0 })).await?;
    let read = |c: &mut Columns<'_>| Ok(Position { seq: c.int()?, slot: c.small()? });
    places.extend(db.all(LIST_OTHER, &values, read).await?);
    places.sort_unstable_by(|left, right| right.cmp(left));
    places.truncate(usize::try_from(page.limit).unwrap_or(usize::MAX));
    let mut found = at(db, shard, &places).await?;
    with_attempts(db, shard, &mut found).await?;
    Ok(found)
}

/// Every delivery of an event, by slot.
pub(crate) async fn of_event(db: &Db, event: EventId) -> Result<Vec<Delivery>, StoreError> {
    let shard = event.uid().shard();
    let first = positions(db, shard, [delivery_id(event, 0)]).await?.into_values().next();
    let slots = (0..=u8::MAX).take(event::SLOTS_MAX);
    let places: Vec<Position> =
        first.map_or(Vec::new(), |first| slots.map(|slot| Position { slot, ..first }).collect());
    let mut found = at(db, shard, &places).await?;
    with_attempts(db, shard, &mut found).await?;
    Ok(found)
}

/// Without the tries made: whoever sends does not need them.
pub(crate) async fn due(
    db: &Db,
    shard: Shard,
    real_now_us: i64,
    limit: u32,
) -> Result<Vec<Delivery>, StoreError> {
    let values = params![shard.0, real_now_us, limit];
    let first = |c: &mut Columns<'_>| Ok((c.int()?, Position { seq: c.int()?, slot: 0 }));
    let mut places: Vec<(i64, Position)> = db.all(DUE_FIRST, &values, first).await?;
    let other = |c: &mut Columns<'_>| Ok((c.int()?, Position { seq: c.int()?, slot: c.small()? }));
    places.extend(db.all(DUE_OTHER, &values, other).await?);
    places.sort_unstable();
    places.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    let mut places: Vec<Position> = places.into_iter().map(|(_, place)| place).collect();
    places.sort_unstable();
    at(db, shard, &places).await
}

/// Writes outcomes; call it in a transaction. An unknown delivery is skipped.
pub(crate) async fn record(db: &Db, shard: Shard, outcomes: &[DeliveryOutcome]) -> Result<(), StoreError> {
    let mut outcomes: Vec<&DeliveryOutcome> = outcomes.iter().collect();
    if outcomes.iter().any(|outcome| outcome.by_version.is_some()) {
        let newest = merchant::version(db).await?;
        outcomes.retain(|outcome| outcome.by_version.is_none_or(|version| version == newest));
    }
    let positions = positions(db, shard, outcomes.iter().map(|outcome| outcome.id)).await?;
    let mut known: Vec<(Position, &DeliveryOutcome)> =
        outcomes.iter().filter_map(|outcome| positions.get(&outcome.id).map(|at| (*at, *outcome))).collect();
    // Everybody touches rows in the order of their keys.
    known.sort_by_key(|(place, outcome)| (*place, outcome.attempt.at_us));
    let (mut firsts, mut others) = (Many::default(), Many::default());
    for (Position { seq, slot }, outcome) in last_words(&known) {
        let status = status_text(outcome.status);
        let [a, b, c, d, e] = params![seq, status, outcome.due_at_us, outcome.tries, outcome.fence];
        if slot == 0 {
            firsts.push([a, b, c, d, e]);
        } else {
            others.push([a, b, c, d, e, slot.into()]);
        }
    }
    let attempts = Many::of(known.iter().map(|(_, outcome)| {
        let DeliveryAttempt { at_us, status, latency_ms, error } = &outcome.attempt;
        params![outcome.id.0.0, *at_us, *status, *latency_ms, error]
    }));
    let ids = Many::of(known.iter().map(|(_, outcome)| params![outcome.id.0.0, ATTEMPTS_KEPT]));
    db.for_all(&OUTCOME_FIRST, shard, &firsts).await?;
    db.for_all(&OUTCOME_OTHER, shard, &others).await?;
    db.for_all(&ATTEMPT_INSERT, shard, &attempts).await?;
    db.for_all(&ATTEMPTS_FORGET, shard, &ids).await
}

/// What a batch says of each delivery, in the order of their places: of two tries under one fence a success, else the later one. An
/// update from many rows takes any of those that fit.
fn last_words<'o>(known: &[(Position, &'o DeliveryOutcome)]) -> BTreeMap<Position, &'o DeliveryOutcome> {
    let weight = |outcome: &DeliveryOutcome| {
        (outcome.fence, outcome.status == DeliveryStatus::Succeeded, outcome.attempt.at_us)
    };
    let mut last: BTreeMap<Position, &DeliveryOutcome> = BTreeMap::new();
    for (place, outcome) in known {
        let said = last.entry(*place).or_insert(outcome);
        if weight(outcome) >= weight(said) {
            *said = outcome;
        }
    }
    last
}

pub(crate) async fn replay(db: &Db, id: DeliveryId, due_at_us: i64) -> Result<(), StoreError> {
    let shard = id.uid().shard();
    let count = match positions(db, shard, [id]).await?.get(&id) {
        None => 0,
        Some(Position { seq, slot: 0 }) => {
            db.execute(REPLAY_FIRST, &params![shard.0, *seq, due_at_us]).await?
        }
        Some(Position { seq, slot }) => {
            db.execute(REPLAY_OTHER, &params![shard.0, *seq, due_at_us, *slot]).await?
        }
    };
    guard(count, || format!("there is no delivery {id}"))
}

/// Ends what is pending for an endpoint.
pub(crate) async fn give_up(db: &Db, shard: Shard, endpoint: EndpointId) -> Result<(), StoreError> {
    db.execute(GIVE_UP_FIRST, &params![shard.0, endpoint.0.0]).await?;
    db.execute(GIVE_UP_OTHER, &params![shard.0, endpoint.0.0]).await?;
    Ok(())
}
