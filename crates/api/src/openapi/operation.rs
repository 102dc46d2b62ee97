//! One route of the document: parameters, body, answers and refusals.

use crate::problem::Code;
use crate::routes::{Answer, Body, KeyRule, Spec, Verb};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use utoipa::openapi::path::{Operation, OperationBuilder, Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::security::SecurityRequirement;
use utoipa::openapi::{Content, Ref, Required, Response, ResponseBuilder};

/// A route with its permission.
pub(super) fn operation(spec: &Spec, permission: &str) -> Operation {
    let mut operation = OperationBuilder::new()
        .operation_id(Some(spec.id))
        .tag(tag(spec.path))
        .summary(Some(spec.summary))
        .description(Some(format!("Permission: `{permission}`.")))
        .securities(Some([
            SecurityRequirement::new::<_, [&str; 0], &str>("signature", []),
            SecurityRequirement::new::<_, [&str; 0], &str>("sandboxBearer", []),
        ]));
    if spec.path.contains("{id}") {
        operation = operation.parameter(parameter("id", ParameterIn::Path, true, "Its id."));
    }
    for name in spec.query {
        operation = operation.parameter(parameter(name, ParameterIn::Query, false, query_meaning(name)));
    }
    let acting = "With a partner's key: the merchant (mch_…) that it acts for, signed like the rest.";
    operation = operation.parameter(parameter("Feiqian-Merchant", ParameterIn::Header, false, acting));
    if spec.verb != Verb::Get {
        let required = spec.key == KeyRule::Required;
        let meaning = "1 to 255 visible ASCII characters. The same key answers the same object.";
        operation = operation.parameter(parameter("Idempotency-Key", ParameterIn::Header, required, meaning));
    }
    if let Body::Optional(name) | Body::Required(name) = spec.body {
        let required = if matches!(spec.body, Body::Required(_)) { Required::True } else { Required::False };
        let body = RequestBodyBuilder::new()
            .content("application/json", Content::new(Some(Ref::from_schema_name(name))))
            .required(Some(required));
        operation = operation.request_body(Some(body.build()));
    }
    for (status, response) in successes(spec).into_iter().chain(refusals(spec)) {
        operation = operation.response(status, response);
    }
    operation.build()
}

fn tag(path: &str) -> &str {
    path.split('/').nth(2).unwrap_or("v1")
}

fn parameter(name: &str, place: ParameterIn, required: bool, meaning: &str) -> Parameter {
    let whole = ObjectBuilder::new().schema_type(Type::Integer);
    let schema = match name {
        "limit" => whole.minimum(Some(1)).maximum(Some(100)).default(Some(json!(20))).build(),
        "wait_ms" => whole.minimum(Some(0)).maximum(Some(20_000)).default(Some(json!(0))).build(),
        _ => ObjectBuilder::new().schema_type(Type::String).build(),
    };
    ParameterBuilder::new()
        .name(name)
        .parameter_in(place)
        .required(if required { Required::True } else { Required::False })
        .description(Some(meaning))
        .schema(Some(schema))
        .build()
}

/// What a query parameter means; a test asks for every name that a route knows.
pub(super) fn query_meaning(name: &str) -> &'static str {
    match name {
        "limit" => "Rows of a page.",
        "cursor" => "next_cursor of the page before, unchanged.",
        "expand" => "Any of refunds, attempts, captures, separated by commas.",
        "dry_run" => "true: answers what would happen, writes nothing.",
        "merchant_order_no" | "merchant_refund_no" => "The merchant's number, exactly.",
        "status" => "Exactly this status.",
        "method" => "Exactly this method.",
        "scene" => "Exactly this scene.",
        "payment" => "Of this payment.",
        "category" => "Exactly this category.",
        "source" => "Caused by this payment, refund or adjustment.",
        "date" => "Of this business day, YYYY-MM-DD.",
        "kind" => "trade or fund_flow.",
        "format" => "csv (default), excel or jsonl.",
        "lang" => "zh or en; of the headers and words of csv and excel. By default as Accept-Language says.",
        "type" => "Exactly this type of event.",
        "object_id" => "About this object.",
        "order" => {
            "newest_first (default) or oldest_first. In the latter next_cursor is never null: what comes later stands behind it."
        }
        "after" => "With order=oldest_first: what happened behind this event, the last one handled.",
        "wait_ms" => {
            "With order=oldest_first: wait up to so long, at most 20000, when there is nothing yet. Goes with object_id, not with \
             other filters."
        }
        "endpoint" => "To this webhook endpoint.",
        "event" => "Of this event.",
        "created_at_gte" | "posted_at_gte" => "From this business time on, RFC 3339.",
        "created_at_lt" | "posted_at_lt" => "Before this business time, RFC 3339.",
        _ => "",
    }
}

fn successes(spec: &Spec) -> Vec<(String, Response)> {
    let with = |status: &str, meaning: &str, name: &str| {
        let content = Content::new(Some(Ref::from_schema_name(name)));
        let response =
            ResponseBuilder::new().description(meaning).content("application/json", content).build();
        (status.to_owned(), response)
    };
    match spec.answer {
        Answer::One(name) => vec![with("200", "The object.", name)],
        Answer::Made(name) => {
            vec![with("201", "Made now.", name), with("200", "It stood already, or dry_run.", name)]
        }
        Answer::Page(name) | Answer::Rows(name) => vec![with("200", "The rows.", &format!("{name}List"))],
        Answer::File(media_types) => {
            let binary = || Content::new(Some(ObjectBuilder::new().schema_type(Type::String)));
            let file =
                media_types.iter().fold(ResponseBuilder::new().description("The file."), |file, of| {
                    file.content(*of, binary())
                });
            vec![("200".to_owned(), file.build())]
        }
        Answer::Accepted(name) => {
            vec![with("200", "Done.", name), with("202", "Some of it is pending.", name)]
        }
    }
}

/// Codes that every route may answer.
const EVERYWHERE: [Code; 27] = [
    Code::UnknownField,
    Code::FieldInvalid,
    Code::CredentialsMissing,
    Code::KeyUnknown,
    Code::KeyRevoked,
    Code::KeyExpired,
    Code::KeyNotYetValid,
    Code::KeyWrongWorld,
    Code::SignatureInvalid,
    Code::SignatureEncoding,
    Code::SignatureComponentMissing,
    Code::SignatureTime,
    Code::DigestMismatch,
    Code::AlgorithmMismatch,
    Code::IpNotAllowed,
    Code::PermissionMissing,
    Code::MerchantNotPermitted,
    Code::LicenceRequired,
    Code::BearerNotInLive,
    Code::BodyTimeout,
    Code::BodyTooLarge,
    Code::MediaType,
    Code::RateLimited,
    Code::Overloaded,
    Code::StoreUnavailable,
    Code::MethodNotAllowed,
    Code::Internal,
];

/// Codes that routes with a body add.
const WITH_BODY: [Code; 6] = [
    Code::MalformedJson,
    Code::FieldMissing,
    Code::NonceReused,
    Code::RequestInProgress,
    Code::IdempotencyKeyReused,
    Code::InstallationHeld,
];

fn codes(spec: &Spec) -> BTreeSet<Code> {
    let mut codes: BTreeSet<Code> = EVERYWHERE.into_iter().chain(spec.codes.iter().copied()).collect();
    if spec.verb != Verb::Get {
        codes.extend(WITH_BODY);
    }
    if spec.key == KeyRule::Required {
        codes.insert(Code::IdempotencyKeyMissing);
    }
    if spec.query.contains(&"cursor") {
        codes.insert(Code::CursorInvalid);
    }
    if let Body::Optional("CaptureInput") | Body::Required("PaymentInput" | "RefundInput") = spec.body {
        codes.extend([Code::AmountInvalid, Code::CurrencyUnknown]);
    }
    codes
}

fn refusals(spec: &Spec) -> Vec<(String, Response)> {
    let mut by_status: BTreeMap<u16, String> = BTreeMap::new();
    for code in codes(spec) {
        let text = by_status.entry(code.row().status).or_default();
        let _ = write!(text, "{}`{}`", if text.is_empty() { "" } else { ", " }, code.as_str());
    }
    let content = || Content::new(Some(Ref::from_schema_name("Problem")));
    by_status
        .into_iter()
        .map(|(status, names)| {
            let response =
                ResponseBuilder::new().description(names).content("application/problem+json", content());
            (status.to_string(), response.build())
        })
        .collect()
}
