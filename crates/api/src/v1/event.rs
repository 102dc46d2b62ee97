//! Events: the pull fallback for lost deliveries.

use super::endpoint::event_types;
use super::event_feed;
use crate::access::may;
use crate::cursor::Place;
use crate::json::{Fault, read};
use crate::listing::Listing;
use crate::pipeline::{Allowed, Reply, parse_id};
use crate::problem::{Code, Problem};
use crate::routes::{Answer, Body, KeyRule, Routes, Spec, Verb};
use domain::id::{CaptureId, EndpointId, EventId, KeyId, PaymentId, RefundId, StatementId};
use domain::{Id, Uid};
use store::reads::EventFilter;
use wire::render;

static LIST: Spec = Spec {
    verb: Verb::Get,
    path: "/v1/events",
    id: "listEvents",
    summary: "What happened, newest first or, for a program that follows it, oldest first; kept 30 days or more.",
    body: Body::Refused,
    key: KeyRule::Optional,
    query: &[
        "type",
        "object_id",
        "created_at_gte",
        "created_at_lt",
        "order",
        "after",
        "wait_ms",
        "limit",
        "cursor",
    ],
    answer: Answer::Page("Event"),
    codes: &[Code::EventNotFound],
};

static SHOW: Spec = Spec {
    verb: Verb::Get,
    path: "/v1/events/{id}",
    id: "showEvent",
    summary: "One event.",
    body: Body::Refused,
    key: KeyRule::Optional,
    query: &[],
    answer: Answer::One("Event"),
    codes: &[Code::EventNotFound],
};

pub fn routes(routes: &mut Routes) {
    routes.add(&LIST, list);
    routes.add(&SHOW, show);
}

fn object(text: &str) -> Result<Uid, Fault> {
    parse_id::<PaymentId>(text)
        .map(Id::uid)
        .or_else(|| parse_id::<RefundId>(text).map(Id::uid))
        .or_else(|| parse_id::<CaptureId>(text).map(Id::uid))
        .or_else(|| parse_id::<EndpointId>(text).map(Id::uid))
        .or_else(|| parse_id::<KeyId>(text).map(Id::uid))
        .or_else(|| parse_id::<StatementId>(text).map(Id::uid))
        .ok_or_else(|| {
            Fault::invalid("The id of an object that has events is expected.", "此处应为有事件的对象的编号。")
        })
}

/// Which end the list begins at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    NewestFirst,
    OldestFirst,
}

impl Order {
    const ALL: [Order; 2] = [Order::NewestFirst, Order::OldestFirst];

    fn as_str(self) -> &'static str {
        match self {
            Order::NewestFirst => "newest_first",
            Order::OldestFirst => "oldest_first",
        }
    }
}

fn filter(call: &Allowed<may::ReadEvents>) -> Result<EventFilter, Problem> {
    let query = &call.query;
    let types: Vec<&'static str> = event_types().collect();
    let kind = |text: &str| read::one_of(&types, |kind| kind, text).map(str::to_owned);
    Ok(EventFilter {
        kind: query.read("type", kind)?,
        object: query.read("object_id", object)?,
        created_at_gte_us: query.time_us("created_at_gte")?,
        created_at_lt_us: query.time_us("created_at_lt")?,
    })
}

async fn list(call: Allowed<may::ReadEvents>) -> Result<Reply, Problem> {
    let filter = filter(&call)?;
    let order = call.query.read("order", |text| read::one_of(&Order::ALL, Order::as_str, text))?;
    if order == Some(Order::OldestFirst) {
        return event_feed::oldest_first(&call, &filter).await;
    }
    event_feed::refuse_parameters(&call)?;
    let listing = Listing::of(&call)?;
    let rows = call.app().events(&call.caller, &filter, listing.by_seq()?).await?;
    let page =
        listing.page(&rows, |event| Place::Seq(event.seq, 0), |event| render::event(event, call.world()));
    Ok(Reply::ok(&page))
}

async fn show(call: Allowed<may::ReadEvents>) -> Result<Reply, Problem> {
    let id: EventId = call.id(Code::EventNotFound)?;
    let event = call.app().event(&call.caller, id).await?;
    Ok(Reply::ok(&render::event(&event, call.world())))
}
