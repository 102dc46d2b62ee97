//! Rows of events: the outbox, with the delivery to the first destination in the event's own row.

use crate::db::{Columns, Db, KeyVersion, Many, Sql, Value, corrupt, params, statements, writes};
use crate::place::Place;
use crate::reads::{DeliveryStatus, EventFilter, SeqPage};
use crate::{StoreError, delivery, event_body, head, natural_key};
use crypto::seal::Sealer;
use domain::event::{Event, NewDelivery, Type};
use domain::id::{EventId, MerchantId, Shard, Uid};
use std::collections::HashSet;

/// Destinations of one event: its own row's and those in `delivery`.
pub(super) const SLOTS_MAX: usize = 15;

macro_rules! columns {
    () => {
        "seq, id, merchant, kind, object, object_sequence, created_at_us, body"
    };
}
pub(crate) use columns;

macro_rules! list_filters {
    ($side:literal, $order:literal) => {
        concat!(
            " AND seq ",
            $side,
            " ?3 AND (kind = ?4 OR ?4 IS NULL) AND created_at_us >= ?5 AND created_at_us < ?6 ORDER BY seq ",
            $order,
            " LIMIT ?7"
        )
    };
}

writes! {
    INSERT = insert "event" row {
        seq: EventSeq, id: Uid, merchant: Uid, kind: Text, object: Uid, object_sequence: Big, created_at_us: Big,
        d_endpoint: Uid, d_url: Text, d_status: Text, d_due_at_us: Big, d_tries: Big, d_fence: Big, body: Bytes,
    };
}

statements! {
    BY_ID = concat!("SELECT ", columns!(), " FROM event INDEXED BY event_id WHERE shard = ?1 AND id = ?2");
    AT = "SELECT merchant FROM event WHERE shard = ?1 AND seq = ?2";
    LIST = concat!("SELECT ", columns!(), " FROM event INDEXED BY event_merchant \
        WHERE shard = ?1 AND merchant = ?2", list_filters!("<", "DESC"));
    LIST_OF_OBJECT = concat!("SELECT ", columns!(), " FROM event INDEXED BY event_object \
        WHERE shard = ?1 AND object = ?8 AND merchant = ?2", list_filters!("<", "DESC"));
    AFTER = concat!("SELECT ", columns!(), " FROM event INDEXED BY event_merchant \
        WHERE shard = ?1 AND merchant = ?2", list_filters!(">", "ASC"));
    AFTER_OF_OBJECT = concat!("SELECT ", columns!(), " FROM event INDEXED BY event_object \
        WHERE shard = ?1 AND object = ?8 AND merchant = ?2", list_filters!(">", "ASC"));
    OF_OBJECT = concat!("SELECT ", columns!(), " FROM event INDEXED BY event_object \
        WHERE shard = ?1 AND object = ?2 ORDER BY seq LIMIT 200");
}

pub(crate) fn read(db: &Db, c: &mut Columns<'_>) -> Result<Event, StoreError> {
    let (seq, id): (i64, EventId) = (c.int()?, c.id()?);
    let (merchant, kind, object) = (c.id()?, c.word(Type::parse)?, c.uid()?);
    let (object_sequence, created_at_us) = (c.int()?, c.int()?);
    let (body, is_personal) = read_body(db, id, c.blob()?)?;
    Ok(Event {
        seq,
        id,
        merchant,
        kind,
        object,
        object_sequence,
        created_at_us,
        body,
        is_personal,
        deliveries: Vec::new(),
    })
}

/// Bodies show what the merchant told of its payer; those that do rest sealed, the others not. All are packed: neither a text nor a
/// packed one begins with the byte of a sealed value's format.
fn read_body(db: &Db, id: EventId, stored: &[u8]) -> Result<(String, bool), StoreError> {
    if Sealer::version_of(stored).is_some() {
        return Ok((event_body::unpack(&db.open(Place::EventBody, &id.0.0, stored)?)?, true));
    }
    Ok((event_body::unpack(stored)?, false))
}

fn stored_body(db: &Db, version: KeyVersion, event: &Event) -> Result<Vec<u8>, StoreError> {
    let packed = event_body::pack(&event.body);
    if event.is_personal {
        return db.seal(version, Place::EventBody, &event.id.0.0, &packed);
    }
    Ok(packed)
}

/// New events, numbered back from the commit's last, and their deliveries after the first.
#[derive(Debug, Default)]
pub(crate) struct Inserts<'a> {
    pub(crate) events: Many<'a>,
    pub(crate) deliveries: Many<'a>,
}

pub(crate) fn inserts<'a>(
    db: &Db,
    version: KeyVersion,
    events: &'a [Event],
) -> Result<Inserts<'a>, StoreError> {
    let mut inserts = Inserts::default();
    let count = i64::try_from(events.len()).unwrap_or(i64::MAX);
    let mut ids = HashSet::with_capacity(events.len());
    for (seq, event) in (1 - count..).zip(events) {
        if !ids.insert(event.id) {
            return Err(StoreError::Conflict(format!("event {} is told twice", event.id)));
        }
        if event.deliveries.len() > SLOTS_MAX {
            return Err(corrupt("an event has more destinations than it can have"));
        }
        let mut deliveries = event.deliveries.iter();
        inserts.events.push(row(seq, event, stored_body(db, version, event)?, deliveries.next()));
        for (slot, other) in (1..).zip(deliveries) {
            inserts.deliveries.push(delivery::row(seq, slot, event, other));
        }
    }
    Ok(inserts)
}

fn row<'a>(seq: i64, event: &'a Event, body: Vec<u8>, first: Option<&'a NewDelivery>) -> [Value<'a>; 14] {
    params![
        Value::EventSeq(seq),
        event.id.0.0,
        event.merchant.0.0,
        event.kind.as_str(),
        event.object.0,
        event.object_sequence,
        event.created_at_us,
        first.and_then(|delivery| delivery.endpoint).map(|id| id.0.0),
        first.map(|delivery| delivery.url.as_str()),
        first.map(|_| delivery::status_text(DeliveryStatus::Pending)),
        first.map(|delivery| delivery.due_at_us),
        0,
        0,
        body,
    ]
}

/// Writes one event under a number of its own; a conflict when one of that id stands.
pub(crate) async fn insert_one(db: &Db, shard: Shard, event: &Event) -> Result<(), StoreError> {
    let version = head::take_event(db, shard).await?;
    if db.keeps_natural_keys() {
        db.write(&natural_key::INSERT, shard, natural_key::of_event(event)).await?;
    }
    let Inserts { events, deliveries } = inserts(db, version, std::slice::from_ref(event))?;
    db.write(&INSERT, shard, events).await?;
    if deliveries.is_empty() {
        return Ok(());
    }
    db.write(&delivery::INSERT, shard, deliveries).await
}

pub(crate) async fn by_id(db: &Db, id: EventId) -> Result<Option<Event>, StoreError> {
    db.one(BY_ID, &params![id.0.shard().0, id.0.0], |c| read(db, c)).await
}

/// Whether the event of that number is there and this merchant's.
pub(crate) async fn is_at(db: &Db, merchant: MerchantId, seq: i64) -> Result<bool, StoreError> {
    let found: Option<MerchantId> = db.one(AT, &params![merchant.0.shard().0, seq], |c| c.id()).await?;
    Ok(found == Some(merchant))
}

pub(crate) async fn list(
    db: &Db,
    merchant: MerchantId,
    filter: &EventFilter,
    page: SeqPage,
) -> Result<Vec<Event>, StoreError> {
    let sql = if filter.object.is_some() { LIST_OF_OBJECT } else { LIST };
    filtered(db, sql, merchant, filter, page.before.map_or(i64::MAX, |(seq, _)| seq), page.limit).await
}

pub(crate) async fn list_after(
    db: &Db,
    merchant: MerchantId,
    filter: &EventFilter,
    after_seq: i64,
    limit: u32,
) -> Result<Vec<Event>, StoreError> {
    let sql = if filter.object.is_some() { AFTER_OF_OBJECT } else { AFTER };
    filtered(db, sql, merchant, filter, after_seq, limit).await
}

/// Runs a list from a place on; the statement says in which direction.
async fn filtered(
    db: &Db,
    sql: Sql,
    merchant: MerchantId,
    filter: &EventFilter,
    place_seq: i64,
    limit: u32,
) -> Result<Vec<Event>, StoreError> {
    let values = params![
        merchant.0.shard().0,
        merchant.0.0,
        place_seq,
        filter.kind.as_deref(),
        filter.created_at_gte_us.unwrap_or(i64::MIN),
        filter.created_at_lt_us.unwrap_or(i64::MAX),
        limit,
        filter.object.map(|object| object.0),
    ];
    db.all(sql, &values, |c| read(db, c)).await
}

pub(crate) async fn of_object(db: &Db, shard: Shard, object: Uid) -> Result<Vec<Event>, StoreError> {
    db.all(OF_OBJECT, &params![shard.0, object.0], |c| read(db, c)).await
}
