//! Deliveries of events, and sending one again.

use crate::access::may;
use crate::cursor::Place;
use crate::json::{Fault, read};
use crate::listing::Listing;
use crate::pipeline::{Allowed, Call, Reply, parse_id};
use crate::problem::{Code, Problem};
use crate::routes::{Answer, Body, KeyRule, Routes, Spec, Verb};
use domain::id::{DeliveryId, EndpointId, EventId};
use store::reads::{Delivery, DeliveryStatus, SeqPage};
use wire::{DeliveryObject, DeliveryTry, IdText, Instant};

static LIST: Spec = Spec {
    verb: Verb::Get,
    path: "/v1/webhook_deliveries",
    id: "listWebhookDeliveries",
    summary: "Deliveries, those of the newest events first.",
    body: Body::Refused,
    key: KeyRule::Optional,
    query: &["event", "endpoint", "status", "limit", "cursor"],
    answer: Answer::Page("Delivery"),
    codes: &[Code::EventNotFound],
};

static SHOW: Spec = Spec {
    verb: Verb::Get,
    path: "/v1/webhook_deliveries/{id}",
    id: "showWebhookDelivery",
    summary: "One delivery with its tries.",
    body: Body::Refused,
    key: KeyRule::Optional,
    query: &[],
    answer: Answer::One("Delivery"),
    codes: &[Code::DeliveryNotFound],
};

static REPLAY: Spec = Spec {
    verb: Verb::Post,
    path: "/v1/webhook_deliveries/{id}/replay",
    id: "replayWebhookDelivery",
    summary: "Send it again, due at once.",
    body: Body::Empty,
    key: KeyRule::Optional,
    query: &[],
    answer: Answer::One("Delivery"),
    codes: &[Code::DeliveryNotFound, Code::WebhookEndpointNotFound],
};

pub fn routes(routes: &mut Routes) {
    routes.add(&LIST, list);
    routes.add(&SHOW, show);
    routes.add(&REPLAY, replay);
}

static STATUSES: [DeliveryStatus; 3] =
    [DeliveryStatus::Pending, DeliveryStatus::Succeeded, DeliveryStatus::Failed];

fn status_name(status: DeliveryStatus) -> &'static str {
    match status {
        DeliveryStatus::Pending => "pending",
        DeliveryStatus::Succeeded => "succeeded",
        DeliveryStatus::Failed => "failed",
    }
}

fn object<'d>(delivery: &'d Delivery, call: &Call) -> DeliveryObject<'d> {
    let created_at = Instant(delivery.event.created_at_us);
    let shown = |attempt: &'d store::reads::DeliveryAttempt| DeliveryTry {
        at: Instant(attempt.at_us),
        status: attempt.status,
        latency_ms: attempt.latency_ms,
        error: attempt.error.as_deref(),
    };
    DeliveryObject {
        id: IdText::of(delivery.id),
        object: "delivery",
        world: call.world().as_str(),
        merchant: IdText::of(delivery.event.merchant),
        event: IdText::of(delivery.event.id),
        endpoint: delivery.endpoint.map(IdText::of),
        url: &delivery.url,
        status: status_name(delivery.status),
        attempts: delivery.attempts.iter().map(shown).collect(),
        next_attempt_at: delivery
            .due_at_us
            .map(Instant)
            .filter(|_| delivery.status == DeliveryStatus::Pending),
        created_at,
        updated_at: delivery.attempts.last().map_or(created_at, |attempt| Instant(attempt.at_us)),
        sequence: delivery.fence.saturating_add(1),
    }
}

async fn list(call: Allowed<may::ReadWebhooks>) -> Result<Reply, Problem> {
    let endpoint = |text: &str| {
        parse_id(text)
            .ok_or_else(|| Fault::invalid("A webhook endpoint's id is expected.", "此处应为通知地址编号。"))
    };
    let endpoint = call.query.read("endpoint", endpoint)?;
    let status = call.query.read("status", |text| read::one_of(&STATUSES, status_name, text))?;
    let event = |text: &str| {
        parse_id(text).ok_or_else(|| Fault::invalid("The id of an event is expected.", "此处应为事件编号。"))
    };
    let event: Option<EventId> = call.query.read("event", event)?;
    let listing = Listing::of(&call)?;
    let page = listing.by_seq()?;
    let rows = match event {
        Some(event) => of_event(&call, event, endpoint, status, page).await?,
        None => call.app().deliveries(&call.caller, endpoint, status, page).await?,
    };
    let place = |delivery: &Delivery| Place::Seq(delivery.event.seq, i64::from(delivery.slot));
    Ok(Reply::ok(&listing.page(&rows, place, |delivery| object(delivery, &call))))
}

/// As the list orders them: the last slot first.
async fn of_event(
    call: &Call,
    event: EventId,
    endpoint: Option<EndpointId>,
    status: Option<DeliveryStatus>,
    page: SeqPage,
) -> Result<Vec<Delivery>, Problem> {
    let mut rows = call.app().deliveries_of_event(&call.caller, event).await?;
    rows.reverse();
    rows.retain(|row| {
        endpoint.is_none_or(|id| row.endpoint == Some(id))
            && status.is_none_or(|status| row.status == status)
            && page.before.is_none_or(|before| (row.event.seq, i64::from(row.slot)) < before)
    });
    rows.truncate(usize::try_from(page.limit).unwrap_or(usize::MAX));
    Ok(rows)
}

async fn show(call: Allowed<may::ReadWebhooks>) -> Result<Reply, Problem> {
    let id: DeliveryId = call.id(Code::DeliveryNotFound)?;
    let delivery = call.app().delivery(&call.caller, id).await?;
    Ok(Reply::ok(&object(&delivery, &call)))
}

async fn replay(call: Allowed<may::WriteWebhooks>) -> Result<Reply, Problem> {
    let id: DeliveryId = call.id(Code::DeliveryNotFound)?;
    call.no_inputs()?;
    let answer = call.app().replay_delivery(&call.caller, id, call.re_entry).await?;
    Ok(Reply::acted(&object(&answer.object, &call), answer.fresh))
}
