//! What a merchant is told about an endpoint of its own: an event like any other, to its other endpoints and in the list.

use super::health::Change;
use crate::config::Config;
use crate::lane::told::receives;
use crate::usecase::endpoint::{endpoint_object, status_name};
use domain::event::{Event, NewDelivery, Type};
use domain::id::{EventId, Id, IdMaker};
use store::control::{Endpoint, EndpointStatus};

/// The type of a change's event.
fn kind(change: Change) -> Type {
    match change {
        Change::Failing => Type::WebhookEndpointFailing,
        Change::Disabled => Type::WebhookEndpointDisabled,
        Change::Recovered => Type::WebhookEndpointRecovered,
    }
}

/// The event of a change, `endpoint` as it was written. `now_us` is the merchant's business time.
pub(super) fn event(
    change: Change,
    endpoint: &Endpoint,
    before: EndpointStatus,
    config: &Config,
    real_now_us: i64,
    now_us: i64,
) -> Event {
    let shard = endpoint.merchant.0.shard();
    let seed = u128::from_be_bytes(crypto::secret::random_bytes::<16>());
    let EventId(mut uid) = IdMaker::new(real_now_us, shard, seed).next::<EventId>();
    if let Some(last) = uid.0.last_mut() {
        // The number of a destination stands there in a delivery's id.
        *last &= 0xf0;
    }
    let id = EventId::from_uid(uid);
    let kind = kind(change);
    let head = wire::EventHead {
        id,
        kind,
        created_at_us: now_us,
        world: shard.world(),
        merchant: endpoint.merchant,
        previous_status: Some(status_name(before)),
        sequence: endpoint.sequence,
    };
    let others = config.merchant(endpoint.merchant).map(|m| m.endpoints.as_slice()).unwrap_or_default();
    let deliveries = others
        .iter()
        .filter(|other| other.id != endpoint.id && receives(other, kind.as_str()))
        .map(|other| NewDelivery { endpoint: Some(other.id), url: other.url.clone(), due_at_us: real_now_us })
        .take(14)
        .collect();
    Event {
        seq: 0,
        id,
        merchant: endpoint.merchant,
        kind,
        object: endpoint.id.0,
        object_sequence: endpoint.sequence,
        created_at_us: now_us,
        body: wire::event_body(&head, &endpoint_object(endpoint, shard.world())),
        is_personal: false,
        deliveries,
    }
}
