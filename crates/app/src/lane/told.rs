//! Events of a decision: the object as it will be committed, rendered once, with where it shall be sent.

use super::working::Working;
use crate::config::MerchantConfig;
use crate::webhook::notice::without_slot;
use domain::decide::Facts;
use domain::event::{Emit, Event, NewDelivery, Object};
use domain::id::World;
use domain::payment::Payment;
use store::control::{Endpoint, EndpointStatus};

/// The most destinations of one event: the number stands in the last bits of a delivery's id.
pub(crate) const DESTINATIONS_MAX: usize = 14;

/// Renders the event of a transition. `None` only for an object that is not in the working set, which is a defect.
pub(super) fn event(
    emit: &Emit,
    later: usize,
    working: &Working,
    facts: &mut Facts<'_>,
    config: &MerchantConfig,
) -> Option<Event> {
    let id = without_slot(facts.id());
    let (world, merchant, now_us) = (facts.merchant.world, facts.merchant.id, facts.now_us);
    let rows = &working.rows;
    let later = i64::try_from(later).unwrap_or(0);
    let head = |sequence: i64| wire::EventHead {
        id,
        kind: emit.kind,
        created_at_us: now_us,
        world,
        merchant,
        previous_status: emit.previous_status,
        sequence: sequence - later,
    };
    let (object, sequence, payment, body) = match emit.object {
        Object::Payment(payment_id) => {
            let payment = rows.payments.get(&payment_id)?;
            let latest = payment.latest_attempt.and_then(|id| rows.attempts.get(&id));
            let body =
                wire::event_body(&head(payment.sequence), &wire::render::payment(payment, latest, world));
            (payment_id.0, payment.sequence, Some(payment), body)
        }
        Object::Capture(capture_id) => {
            let capture = rows.captures.get(&capture_id)?;
            let body = wire::event_body(&head(capture.sequence), &wire::render::capture(capture, world));
            (capture_id.0, capture.sequence, rows.payments.get(&capture.payment), body)
        }
        Object::Refund(refund_id) => {
            let refund = rows.refunds.get(&refund_id)?;
            let body = wire::event_body(&head(refund.sequence), &wire::render::refund(refund, world));
            (refund_id.0, refund.sequence, rows.payments.get(&refund.payment), body)
        }
    };
    let is_personal = match emit.object {
        Object::Payment(_) => payment.is_some_and(|payment| payment.details.has_personal()),
        // Neither shows anything of the payer.
        Object::Capture(_) | Object::Refund(_) => false,
    };
    Some(Event {
        seq: 0,
        id,
        merchant,
        kind: emit.kind,
        object,
        object_sequence: sequence - later,
        created_at_us: now_us,
        body,
        is_personal,
        deliveries: destinations(emit.kind.as_str(), payment, config, facts.real_now_us),
    })
}

/// Where an event goes: each endpoint that wants its type, and the payment's own `notify_url` unless it is one of them.
fn destinations(
    kind: &str,
    payment: Option<&Payment>,
    config: &MerchantConfig,
    due_at_us: i64,
) -> Vec<NewDelivery> {
    let wanted = config.endpoints.iter().filter(|endpoint| receives(endpoint, kind));
    let mut found: Vec<NewDelivery> = wanted
        .map(|endpoint| NewDelivery { endpoint: Some(endpoint.id), url: endpoint.url.clone(), due_at_us })
        .collect();
    if let Some(url) = payment.and_then(|p| p.details.notify_url.as_ref())
        && found.iter().all(|delivery| delivery.url != *url)
        && notify_url_allowed(url, config)
    {
        found.push(NewDelivery { endpoint: None, url: url.clone(), due_at_us });
    }
    found.truncate(DESTINATIONS_MAX);
    found
}

/// In live the host of a `notify_url` must be one of the registered endpoints' hosts; creation refuses others already, and an
/// endpoint may have been removed since.
fn notify_url_allowed(url: &str, config: &MerchantConfig) -> bool {
    match config.merchant.world {
        World::Sandbox => true,
        World::Live => {
            crate::webhook::guard::host_is_registered(url, config.endpoints.iter().map(|e| e.url.as_str()))
        }
    }
}

/// Whether an endpoint wants a type now.
pub(crate) fn receives(endpoint: &Endpoint, kind: &str) -> bool {
    let listens = match endpoint.status {
        EndpointStatus::Enabled | EndpointStatus::Failing => true,
        EndpointStatus::Disabled => false,
    };
    listens && endpoint.events.iter().any(|pattern| matches(pattern, kind))
}

/// `*`, `payment.*` or the exact type.
pub(crate) fn matches(pattern: &str, kind: &str) -> bool {
    pattern == "*"
        || pattern == kind
        || pattern.strip_suffix('*').is_some_and(|p| p.ends_with('.') && kind.starts_with(p))
}
