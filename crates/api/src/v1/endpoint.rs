//! Webhook endpoints.

use crate::access::may;
use crate::json::read::{WORDS_MAX_CHARS, callable_url, names, text, word};
use crate::json::{Fault, Fields, Value};
use crate::listing::{Listing, created};
use crate::pipeline::{Allowed, Call, Reply};
use crate::problem::{Code, Problem};
use crate::routes::{Answer, Body, KeyRule, Routes, Spec, Verb};
use app::{EndpointPatch, NewEndpoint};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::event::Type;
use domain::id::EndpointId;
use store::control::{Endpoint, EndpointStatus};
use wire::{EndpointObject, IdText, Instant};

const NOT_FOUND: Code = Code::WebhookEndpointNotFound;

static CREATE: Spec = Spec {
    verb: Verb::Post,
    path: "/v1/webhook_endpoints",
    id: "createWebhookEndpoint",
    summary: "Tell where events go. The answer shows the signing secret once.",
    body: Body::Required("WebhookEndpointInput"),
    key: KeyRule::Required,
    query: &[],
    answer: Answer::Made("WebhookEndpoint"),
    // A repeat under the key of one that was deleted since finds nothing.
    codes: &[Code::WebhookEndpointExists, Code::UrlNotAllowed, NOT_FOUND],
};

static LIST: Spec = Spec {
    verb: Verb::Get,
    path: "/v1/webhook_endpoints",
    id: "listWebhookEndpoints",
    summary: "Webhook endpoints, newest first.",
    body: Body::Refused,
    key: KeyRule::Optional,
    query: &["limit", "cursor"],
    answer: Answer::Page("WebhookEndpoint"),
    codes: &[],
};

static SHOW: Spec = Spec {
    verb: Verb::Get,
    path: "/v1/webhook_endpoints/{id}",
    id: "showWebhookEndpoint",
    summary: "One webhook endpoint.",
    body: Body::Refused,
    key: KeyRule::Optional,
    query: &[],
    answer: Answer::One("WebhookEndpoint"),
    codes: &[NOT_FOUND],
};

static UPDATE: Spec = Spec {
    verb: Verb::Patch,
    path: "/v1/webhook_endpoints/{id}",
    id: "updateWebhookEndpoint",
    summary: "Change what is given; an empty description removes it.",
    body: Body::Optional("WebhookEndpointPatch"),
    key: KeyRule::Optional,
    query: &[],
    answer: Answer::One("WebhookEndpoint"),
    codes: &[NOT_FOUND, Code::WebhookEndpointExists, Code::UrlNotAllowed],
};

static DELETE: Spec = Spec {
    verb: Verb::Delete,
    path: "/v1/webhook_endpoints/{id}",
    id: "deleteWebhookEndpoint",
    summary: "Remove an endpoint; what is pending for it is given up. Answers it as it was.",
    body: Body::Refused,
    key: KeyRule::Optional,
    query: &[],
    answer: Answer::One("WebhookEndpoint"),
    codes: &[NOT_FOUND],
};

static ROTATE: Spec = Spec {
    verb: Verb::Post,
    path: "/v1/webhook_endpoints/{id}/rotate_secret",
    id: "rotateWebhookSecret",
    summary: "A new signing secret, shown once; the one before signs beside it for a day.",
    body: Body::Empty,
    key: KeyRule::Optional,
    query: &[],
    answer: Answer::One("WebhookEndpoint"),
    codes: &[NOT_FOUND],
};

static TEST: Spec = Spec {
    verb: Verb::Post,
    path: "/v1/webhook_endpoints/{id}/test",
    id: "testWebhookEndpoint",
    summary: "Send a test event to this endpoint.",
    body: Body::Empty,
    key: KeyRule::Optional,
    query: &[],
    answer: Answer::One("WebhookEndpoint"),
    codes: &[NOT_FOUND],
};

pub fn routes(routes: &mut Routes) {
    routes.add(&CREATE, create);
    routes.add(&LIST, list);
    routes.add(&SHOW, show);
    routes.add(&UPDATE, update);
    routes.add(&DELETE, delete);
    routes.add(&ROTATE, rotate);
    routes.add(&TEST, test);
}

fn object<'e>(endpoint: &'e Endpoint, secret: Option<&'e str>, call: &Call) -> EndpointObject<'e> {
    EndpointObject {
        id: IdText::of(endpoint.id),
        object: "webhook_endpoint",
        world: call.world().as_str(),
        merchant: IdText::of(endpoint.merchant),
        url: &endpoint.url,
        events: &endpoint.events,
        description: endpoint.description.as_deref(),
        status: match endpoint.status {
            EndpointStatus::Enabled => "enabled",
            EndpointStatus::Failing => "failing",
            EndpointStatus::Disabled => "disabled",
        },
        secret,
        created_at: Instant(endpoint.created_at_us),
        updated_at: Instant(endpoint.updated_at_us),
        sequence: endpoint.sequence,
    }
}

/// The secret as Standard Webhooks writes it.
fn secret_text(endpoint: &Endpoint) -> String {
    format!("whsec_{}", STANDARD.encode(&endpoint.secret))
}

/// Every type of event that an endpoint may subscribe to.
pub fn event_types() -> impl Iterator<Item = &'static str> {
    Type::ALL.iter().map(|kind| kind.as_str())
}

/// A list of subscriptions: exact types, `noun.*` or `*`; at least one.
fn subscriptions(value: &Value<'_>) -> Result<Vec<String>, Fault> {
    let wanted = names(value)?;
    if wanted.is_empty() {
        return Err(Fault::invalid(
            "At least one type of event, such as *, is expected.",
            "至少填写一种事件类型，例如 *。",
        ));
    }
    let is_known = |name: &str| match name.strip_suffix(".*") {
        Some(noun) => event_types().any(|kind| kind.split_once('.').is_some_and(|(known, _)| known == noun)),
        None => name == "*" || event_types().any(|kind| kind == name),
    };
    match wanted.iter().position(|name| !is_known(name)) {
        Some(index) => {
            let fault = Fault::invalid("This type of event is not known.", "不认识的事件类型。");
            Err(fault.allowing(["*", "payment.*"].into_iter().chain(event_types())).below(&index.to_string()))
        }
        None => Ok(wanted),
    }
}

/// A description; an empty one is none.
fn description(value: &Value<'_>) -> Result<Option<String>, Fault> {
    let text = text(value)?;
    if text.chars().count() > WORDS_MAX_CHARS {
        return Err(Fault::invalid("At most 255 characters are allowed.", "最多 255 个字符。"));
    }
    Ok(Some(text.to_owned()).filter(|text| !text.is_empty()))
}

/// What `POST /v1/webhook_endpoints` takes.
pub struct EndpointIn;

impl EndpointIn {
    /// Reads all fields; faults stay with `fields`. Without `events` it wants all.
    pub fn read(fields: &mut Fields<'_, '_>) -> NewEndpoint {
        NewEndpoint {
            url: fields.required("url", callable_url).unwrap_or_default(),
            events: fields.optional("events", subscriptions).unwrap_or_else(|| vec!["*".to_owned()]),
            description: fields.optional("description", description).flatten(),
        }
    }
}

async fn create(call: Allowed<may::WriteWebhooks>) -> Result<Reply, Problem> {
    let new = {
        let body = call.body()?;
        let mut fields = Fields::new(&body);
        let new = EndpointIn::read(&mut fields);
        fields.finish()?;
        new
    };
    let answer = call.app().create_endpoint(&call.caller, new, call.re_entry).await?;
    let secret = answer.fresh.then(|| secret_text(&answer.object));
    Ok(Reply::made(&object(&answer.object, secret.as_deref(), &call), answer.fresh))
}

async fn list(call: Allowed<may::ReadWebhooks>) -> Result<Reply, Problem> {
    let listing = Listing::of(&call)?;
    let rows = call.app().endpoints(&call.caller);
    let rows = listing.page_of_all(rows, |endpoint| (endpoint.created_at_us, endpoint.id.0))?;
    let place = |endpoint: &Endpoint| created(endpoint.created_at_us, endpoint.id);
    Ok(Reply::ok(&listing.page(&rows, place, |endpoint| object(endpoint, None, &call))))
}

async fn show(call: Allowed<may::ReadWebhooks>) -> Result<Reply, Problem> {
    let id: EndpointId = call.id(NOT_FOUND)?;
    let endpoint = call.app().endpoint(&call.caller, id).await?;
    Ok(Reply::ok(&object(&endpoint, None, &call)))
}

/// What `PATCH /v1/webhook_endpoints/{id}` takes.
pub struct EndpointPatchIn;

impl EndpointPatchIn {
    /// Reads all fields; faults stay with `fields`.
    pub fn read(fields: &mut Fields<'_, '_>) -> EndpointPatch {
        EndpointPatch {
            url: fields.optional("url", callable_url),
            events: fields.optional("events", subscriptions),
            description: fields.optional("description", description),
            enabled: fields
                .optional("status", word(&STATUSES, |status: Settable| status.name()))
                .map(Settable::is_on),
        }
    }
}

/// The statuses that a merchant sets.
#[derive(Clone, Copy, PartialEq)]
enum Settable {
    Enabled,
    Disabled,
}

static STATUSES: [Settable; 2] = [Settable::Enabled, Settable::Disabled];

impl Settable {
    fn name(self) -> &'static str {
        match self {
            Settable::Enabled => "enabled",
            Settable::Disabled => "disabled",
        }
    }

    fn is_on(self) -> bool {
        self == Settable::Enabled
    }
}

async fn update(call: Allowed<may::WriteWebhooks>) -> Result<Reply, Problem> {
    let id: EndpointId = call.id(NOT_FOUND)?;
    let patch = {
        let body = call.body()?;
        let mut fields = Fields::new(&body);
        let patch = EndpointPatchIn::read(&mut fields);
        fields.finish()?;
        patch
    };
    let answer = call.app().update_endpoint(&call.caller, id, patch, call.re_entry).await?;
    Ok(Reply::acted(&object(&answer.object, None, &call), answer.fresh))
}

async fn delete(call: Allowed<may::WriteWebhooks>) -> Result<Reply, Problem> {
    let id: EndpointId = call.id(NOT_FOUND)?;
    let endpoint = call.app().endpoint(&call.caller, id).await?;
    call.app().delete_endpoint(&call.caller, id, call.re_entry).await?;
    Ok(Reply::ok(&object(&endpoint, None, &call)))
}

async fn rotate(call: Allowed<may::WriteWebhooks>) -> Result<Reply, Problem> {
    let id: EndpointId = call.id(NOT_FOUND)?;
    call.no_inputs()?;
    let app::Answer { object: endpoint, fresh } =
        call.app().rotate_secret(&call.caller, id, call.re_entry).await?;
    let secret = fresh.then(|| secret_text(&endpoint));
    Ok(Reply::acted(&object(&endpoint, secret.as_deref(), &call), fresh))
}

async fn test(call: Allowed<may::WriteWebhooks>) -> Result<Reply, Problem> {
    let id: EndpointId = call.id(NOT_FOUND)?;
    call.no_inputs()?;
    let answer = call.app().test_endpoint(&call.caller, id, call.re_entry).await?;
    Ok(Reply::acted(&object(&answer.object, None, &call), answer.fresh))
}
