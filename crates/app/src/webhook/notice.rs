//! What a merchant is told that no lane tells of: about its endpoints and keys, and test sends. Events like any other, in the list
//! and with deliveries.

use super::health::Change;
use crate::config::Config;
use crate::lane::told::{DESTINATIONS_MAX, receives};
use crate::outside::Random;
use crate::usecase::endpoint::{endpoint_object, status_name};
use domain::Uid;
use domain::event::{Event, NewDelivery, Type};
use domain::id::{EventId, Id, IdMaker, MerchantId, Shard};
use serde::Serialize;
use store::control::{Endpoint, EndpointStatus};

/// What is fixed about such an event.
pub(crate) struct Telling {
    pub(crate) id: EventId,
    pub(crate) kind: Type,
    pub(crate) merchant: MerchantId,
    /// The object that it is about.
    pub(crate) object: Uid,
    /// The object's sequence.
    pub(crate) sequence: i64,
    pub(crate) previous_status: Option<&'static str>,
    /// The merchant's business time.
    pub(crate) created_at_us: i64,
    pub(crate) real_now_us: i64,
}

/// An event's id without what stands for a destination in the ids of its deliveries.
pub(crate) fn without_slot(EventId(mut uid): EventId) -> EventId {
    if let Some(last) = uid.0.last_mut() {
        *last &= 0xf0;
    }
    EventId(uid)
}

/// A new event's id.
pub(crate) fn fresh_id(shard: Shard, real_now_us: i64, random: &Random) -> EventId {
    without_slot(IdMaker::new(real_now_us, shard, random.seed()).next())
}

/// To every endpoint that wants the type.
pub(crate) fn to_subscribers(telling: &Telling, object: &impl Serialize, config: &Config) -> Event {
    let endpoints = config.merchant(telling.merchant).map(|m| m.endpoints.as_slice()).unwrap_or_default();
    event(telling, object, endpoints.iter().filter(|endpoint| receives(endpoint, telling.kind.as_str())))
}

/// To these endpoints.
pub(crate) fn event<'e>(
    telling: &Telling,
    object: &impl Serialize,
    to: impl Iterator<Item = &'e Endpoint>,
) -> Event {
    let head = wire::EventHead {
        id: telling.id,
        kind: telling.kind,
        created_at_us: telling.created_at_us,
        world: telling.merchant.uid().shard().world(),
        merchant: telling.merchant,
        previous_status: telling.previous_status,
        sequence: telling.sequence,
    };
    let due_at_us = telling.real_now_us;
    let delivery = |endpoint: &Endpoint| NewDelivery {
        endpoint: Some(endpoint.id),
        url: endpoint.url.clone(),
        due_at_us,
    };
    Event {
        seq: 0,
        id: telling.id,
        merchant: telling.merchant,
        kind: telling.kind,
        object: telling.object,
        object_sequence: telling.sequence,
        created_at_us: telling.created_at_us,
        body: wire::event_body(&head, object),
        is_personal: false,
        deliveries: to.map(delivery).take(DESTINATIONS_MAX).collect(),
    }
}

/// The event of an endpoint's change of health, `endpoint` as it was written: to the merchant's other endpoints. `now_us` is the
/// merchant's business time.
pub(super) fn of_endpoint(
    change: Change,
    endpoint: &Endpoint,
    before: EndpointStatus,
    config: &Config,
    real_now_us: i64,
    now_us: i64,
    id: EventId,
) -> Event {
    let shard = endpoint.merchant.0.shard();
    let telling = Telling {
        id,
        kind: match change {
            Change::Failing => Type::WebhookEndpointFailing,
            Change::Disabled => Type::WebhookEndpointDisabled,
            Change::Recovered => Type::WebhookEndpointRecovered,
        },
        merchant: endpoint.merchant,
        object: endpoint.id.0,
        sequence: endpoint.sequence,
        previous_status: Some(status_name(before)),
        created_at_us: now_us,
        real_now_us,
    };
    let all = config.merchant(endpoint.merchant).map(|m| m.endpoints.as_slice()).unwrap_or_default();
    let others = all.iter().filter(|it| it.id != endpoint.id && receives(it, telling.kind.as_str()));
    event(&telling, &endpoint_object(endpoint, shard.world()), others)
}
