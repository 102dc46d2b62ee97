//! Rows of events: the outbox, with the delivery to the first destination in the event's own row.

use super::columns::Columns;
use super::db::{Db, Place};
use super::delivery;
use super::fault::corrupt;
use super::statements::statements;
use crate::StoreError;
use crate::reads::{DeliveryStatus, EventFilter, SeqPage};
use crypto::seal::Sealer;
use domain::event::{Event, NewDelivery, Type};
use domain::id::{EventId, MerchantId, Shard, Uid};
use rusqlite::{CachedStatement, params};
use std::borrow::Cow;

/// Destinations of one event: its own row's and those in `delivery`.
pub(super) const SLOTS_MAX: usize = 15;

macro_rules! columns {
    () => {
        "seq, id, merchant, kind, object, object_sequence, created_at_us, body"
    };
}
pub(super) use columns;

macro_rules! list_filters {
    ($side:literal, $order:literal) => {
        concat!(
            " AND seq ",
            $side,
            " ?3 AND (?4 IS NULL OR kind = ?4) AND created_at_us >= ?5 AND created_at_us < ?6 ORDER BY seq ",
            $order,
            " LIMIT ?7"
        )
    };
}

statements! {
    INSERT = "INSERT INTO event (shard, seq, id, merchant, kind, object, object_sequence, created_at_us, d_endpoint, \
        d_url, d_status, d_due_at_us, d_tries, d_fence, body) \
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, 0, 0, ?13)";
    BY_ID = concat!("SELECT ", columns!(), " FROM event INDEXED BY event_id WHERE shard = ?1 AND id = ?2");
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

/// Bodies show what the merchant told of its payer; those that do rest sealed, the others as the text that they are.
const BODY: Place = Place { table: "event", column: "body" };

pub(super) fn read(db: &Db, c: &mut Columns<'_, '_>) -> Result<Event, StoreError> {
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

/// No text begins with the byte of a sealed value's format.
fn read_body(db: &Db, id: EventId, stored: &[u8]) -> Result<(String, bool), StoreError> {
    let is_sealed = Sealer::version_of(stored).is_some();
    let plain = if is_sealed { db.open(BODY, &id.0.0, stored)? } else { stored.to_vec() };
    let text = String::from_utf8(plain).map_err(|_| corrupt("an event's body is not UTF-8"))?;
    Ok((text, is_sealed))
}

fn stored_body<'e>(db: &Db, event: &'e Event) -> Result<Cow<'e, [u8]>, StoreError> {
    if event.is_personal {
        return db.seal(BODY, &event.id.0.0, event.body.as_bytes()).map(Cow::Owned);
    }
    Ok(Cow::Borrowed(event.body.as_bytes()))
}

/// Writes events under numbers from `first_seq` on; answers how many rows of `delivery` they took besides.
pub(super) fn insert_all(db: &Db, shard: Shard, first_seq: i64, events: &[Event]) -> Result<u64, StoreError> {
    if events.is_empty() {
        return Ok(0);
    }
    let mut statement = db.statement(INSERT)?;
    let mut more = 0;
    for (seq, event) in (first_seq..).zip(events) {
        if event.deliveries.len() > SLOTS_MAX {
            return Err(corrupt("an event has more destinations than it can have"));
        }
        let mut deliveries = event.deliveries.iter();
        insert(&mut statement, shard, seq, event, &stored_body(db, event)?, deliveries.next())?;
        for (slot, other) in (1..).zip(deliveries) {
            delivery::insert(db, shard, seq, slot, event, other)?;
            more += 1;
        }
    }
    Ok(more)
}

fn insert(
    statement: &mut CachedStatement<'_>,
    shard: Shard,
    seq: i64,
    event: &Event,
    body: &[u8],
    first: Option<&NewDelivery>,
) -> Result<(), StoreError> {
    statement.execute(params![
        shard.0,
        seq,
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
        body,
    ])?;
    Ok(())
}

pub(super) fn by_id(db: &Db, id: EventId) -> Result<Option<Event>, StoreError> {
    db.one(BY_ID, params![id.0.shard().0, id.0.0], |c| read(db, c))
}

pub(super) fn list(
    db: &Db,
    merchant: MerchantId,
    filter: &EventFilter,
    page: SeqPage,
) -> Result<Vec<Event>, StoreError> {
    let sql = if filter.object.is_some() { LIST_OF_OBJECT } else { LIST };
    filtered(db, sql, merchant, filter, page.before.map_or(i64::MAX, |(seq, _)| seq), page.limit)
}

pub(super) fn list_after(
    db: &Db,
    merchant: MerchantId,
    filter: &EventFilter,
    after_seq: i64,
    limit: u32,
) -> Result<Vec<Event>, StoreError> {
    let sql = if filter.object.is_some() { AFTER_OF_OBJECT } else { AFTER };
    filtered(db, sql, merchant, filter, after_seq, limit)
}

/// Runs a list from a place on; the statement says in which direction.
fn filtered(
    db: &Db,
    sql: &str,
    merchant: MerchantId,
    filter: &EventFilter,
    place_seq: i64,
    limit: u32,
) -> Result<Vec<Event>, StoreError> {
    let mut statement = db.statement(sql)?;
    statement.raw_bind_parameter(1, merchant.0.shard().0)?;
    statement.raw_bind_parameter(2, merchant.0.0)?;
    statement.raw_bind_parameter(3, place_seq)?;
    statement.raw_bind_parameter(4, filter.kind.as_deref())?;
    statement.raw_bind_parameter(5, filter.created_at_gte_us.unwrap_or(i64::MIN))?;
    statement.raw_bind_parameter(6, filter.created_at_lt_us.unwrap_or(i64::MAX))?;
    statement.raw_bind_parameter(7, limit)?;
    if let Some(object) = filter.object {
        statement.raw_bind_parameter(8, object.0)?;
    }
    super::db::all_bound(&mut statement, |c| read(db, c))
}

pub(super) fn of_object(db: &Db, shard: Shard, object: Uid) -> Result<Vec<Event>, StoreError> {
    db.all(OF_OBJECT, params![shard.0, object.0], |c| read(db, c))
}
