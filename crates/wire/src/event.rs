//! Events: the body that is sent and stored, and the row that the list shows.

use crate::text::{IdText, Instant};
use domain::event::{Event, Type};
use domain::id::{EventId, MerchantId, World};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

/// The largest body of an event (WIRE, EVENTS). The limits on inputs keep every object below it.
pub const EVENT_BODY_MAX_BYTES: usize = 20_000;

/// What an event says of itself.
#[derive(Debug, Clone, Copy)]
pub struct EventHead<'a> {
    /// Its id, also `webhook-id`.
    pub id: EventId,
    /// Its type.
    pub kind: Type,
    /// Business time, microseconds.
    pub created_at_us: i64,
    /// Its world.
    pub world: World,
    /// Whose it is.
    pub merchant: MerchantId,
    /// The object's status before.
    pub previous_status: Option<&'a str>,
    /// The object's sequence then.
    pub sequence: i64,
}

#[derive(Serialize)]
struct Data<'a, O: Serialize> {
    id: IdText,
    world: &'static str,
    merchant: IdText,
    object: &'a O,
    previous_status: Option<&'a str>,
    sequence: i64,
}

#[derive(Serialize)]
struct Body<'a, O: Serialize> {
    r#type: &'static str,
    timestamp: Instant,
    data: Data<'a, O>,
}

/// The body of an event, as it is stored and sent: the object as GET shows it at that commit, without expansions.
pub fn event_body<O: Serialize>(head: &EventHead<'_>, object: &O) -> String {
    let data = Data {
        id: IdText::of(head.id),
        world: head.world.as_str(),
        merchant: IdText::of(head.merchant),
        object,
        previous_status: head.previous_status,
        sequence: head.sequence,
    };
    let body = Body { r#type: head.kind.as_str(), timestamp: Instant(head.created_at_us), data };
    let mut out = Vec::with_capacity(2_048);
    // Writing our own structs into memory can't fail, and JSON is UTF-8.
    let written = serde_json::to_writer(&mut out, &body).is_ok();
    if written { String::from_utf8(out).unwrap_or_default() } else { String::new() }
}

#[derive(Deserialize)]
struct StoredBody<'a> {
    #[serde(borrow)]
    data: &'a RawValue,
}

/// An event as the list shows it: the pull fallback for a lost delivery.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Event)]
pub struct EventObject<'a> {
    /// Its id, also `webhook-id`.
    pub id: IdText,
    /// `event`
    pub object: &'static str,
    /// `live` or `sandbox`.
    pub world: &'static str,
    /// Whose it is.
    pub merchant: IdText,
    /// What happened.
    pub r#type: &'static str,
    /// Business time.
    pub timestamp: Instant,
    /// id, world, merchant, object, previous_status, sequence: as it was sent.
    #[schema(value_type = Object)]
    pub data: Option<&'a RawValue>,
    /// As `timestamp`.
    pub created_at: Instant,
    /// As `timestamp`.
    pub updated_at: Instant,
    /// Always 1.
    pub sequence: i64,
}

impl<'a> EventObject<'a> {
    /// Shows an event out of its stored body.
    pub fn of(event: &'a Event, world: World) -> EventObject<'a> {
        let at = Instant(event.created_at_us);
        EventObject {
            id: IdText::of(event.id),
            object: "event",
            world: world.as_str(),
            merchant: IdText::of(event.merchant),
            r#type: event.kind.as_str(),
            timestamp: at,
            data: serde_json::from_str::<StoredBody<'a>>(&event.body).ok().map(|body| body.data),
            created_at: at,
            updated_at: at,
            sequence: 1,
        }
    }
}
