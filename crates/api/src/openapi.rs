//! The OpenAPI 3.1 document, made of the list of routes and the types' own schemas.

use crate::problem::{Code, ProblemDocument};
use crate::routes::{Answer, Body, KeyRule, Routes, Spec, Verb};
use crate::schema;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use utoipa::ToSchema;
use utoipa::openapi::path::{
    HttpMethod, Operation, OperationBuilder, Parameter, ParameterBuilder, ParameterIn,
};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, Schema, SchemaType, Type};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{
    ComponentsBuilder, Content, InfoBuilder, OpenApi, OpenApiBuilder, PathsBuilder, Ref, RefOr, Required,
    Response, ResponseBuilder, ServerBuilder,
};
use wire::{
    ApiKeyObject, AttemptObject, BalanceObject, BalanceTransactionObject, CaptureObject, DeliveryObject,
    EndpointObject, EventObject, Explanation, LedgerLine, PaymentObject, RefundObject, WhoAmI,
};

/// The document as committed and served: pretty JSON, names in order.
pub fn document_json() -> String {
    pretty(&document(&Routes::all()))
}

/// Pretty JSON with a line end.
pub fn pretty(document: &Value) -> String {
    let mut text = serde_json::to_string_pretty(document).unwrap_or_default();
    text.push('\n');
    text
}

/// The document.
pub fn document(routes: &Routes) -> Value {
    let mut paths = PathsBuilder::new();
    let mut lists = BTreeSet::new();
    for (spec, permission) in routes.permissions() {
        let item =
            utoipa::openapi::PathItem::new(http_method(spec.verb), operation(spec, permission.as_str()));
        paths = paths.path(spec.path, item);
        if let Answer::Page(name) | Answer::Rows(name) = spec.answer {
            lists.insert(name);
        }
    }
    let document = OpenApiBuilder::new()
        .info(InfoBuilder::new().title("Feiqian").version("1").description(Some(DESCRIPTION)).build())
        .servers(Some([ServerBuilder::new().url("/").build()]))
        .paths(paths.build())
        .components(Some(components(&lists).build()))
        .build();
    finished(&document)
}

const DESCRIPTION: &str = "Payments, refunds, balances and events of a merchant. Requests are signed (RFC 9421 with \
    Content-Digest, RFC 9530); in the sandbox a bearer token suffices. Money is an integer number of minor units. A refusal is \
    an application/problem+json document with a stable code.";

fn http_method(verb: Verb) -> HttpMethod {
    match verb {
        Verb::Get => HttpMethod::Get,
        Verb::Post => HttpMethod::Post,
        Verb::Patch => HttpMethod::Patch,
        Verb::Delete => HttpMethod::Delete,
    }
}

fn operation(spec: &Spec, permission: &str) -> Operation {
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
    let schema = if name == "limit" {
        let number = ObjectBuilder::new().schema_type(Type::Integer);
        number.minimum(Some(1)).maximum(Some(100)).default(Some(json!(20))).build()
    } else {
        ObjectBuilder::new().schema_type(Type::String).build()
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
fn query_meaning(name: &str) -> &'static str {
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
        "source" => "Caused by this payment or refund.",
        "type" => "Exactly this type of event.",
        "object_id" => "About this object.",
        "endpoint" => "To this webhook endpoint.",
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
        Answer::Accepted(name) => {
            vec![with("200", "Done.", name), with("202", "Some of it is pending.", name)]
        }
    }
}

/// Codes that every route may answer.
const EVERYWHERE: [Code; 26] = [
    Code::UnknownField,
    Code::FieldInvalid,
    Code::CredentialsMissing,
    Code::KeyUnknown,
    Code::KeyRevoked,
    Code::KeyExpired,
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
const WITH_BODY: [Code; 5] = [
    Code::MalformedJson,
    Code::FieldMissing,
    Code::NonceReused,
    Code::RequestInProgress,
    Code::IdempotencyKeyReused,
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

fn components(lists: &BTreeSet<&str>) -> ComponentsBuilder {
    let mut schemas: Vec<(String, RefOr<Schema>)> = Vec::new();
    add::<PaymentObject<'_>>(&mut schemas);
    add::<AttemptObject<'_>>(&mut schemas);
    add::<CaptureObject<'_>>(&mut schemas);
    add::<RefundObject<'_>>(&mut schemas);
    add::<BalanceObject>(&mut schemas);
    add::<BalanceTransactionObject>(&mut schemas);
    add::<EventObject<'_>>(&mut schemas);
    add::<EndpointObject<'_>>(&mut schemas);
    add::<DeliveryObject<'_>>(&mut schemas);
    add::<ApiKeyObject<'_>>(&mut schemas);
    add::<WhoAmI<'_>>(&mut schemas);
    add::<LedgerLine>(&mut schemas);
    add::<Explanation>(&mut schemas);
    add::<ProblemDocument<'_>>(&mut schemas);
    add::<schema::SandboxClock>(&mut schemas);
    for (name, _, read) in INPUTS {
        let mut input = Vec::new();
        read(&mut input);
        debug_assert!(input.iter().any(|(known, _)| known == name));
        schemas.append(&mut input);
    }
    let known: BTreeMap<String, RefOr<Schema>> = schemas.into_iter().collect();
    let builder =
        known.into_iter().fold(ComponentsBuilder::new(), |b, (name, schema)| b.schema(name, schema));
    let builder = lists.iter().fold(builder, |b, name| b.schema(format!("{name}List"), list_of(name)));
    builder.security_scheme("signature", signature_scheme()).security_scheme("sandboxBearer", bearer_scheme())
}

fn add<T: ToSchema>(schemas: &mut Vec<(String, RefOr<Schema>)>) {
    schemas.push((T::name().into_owned(), T::schema()));
    T::schemas(schemas);
}

type AddSchema = fn(&mut Vec<(String, RefOr<Schema>)>);
type KnownFields = fn() -> Vec<&'static str>;

/// Every input: its schema's name, the fields that its reader asks for, its schema.
const INPUTS: [(&str, KnownFields, AddSchema); 10] = [
    (
        "PaymentInput",
        || {
            known(|f| {
                let _ = crate::v1::PaymentIn::read(f);
            })
        },
        add::<schema::PaymentInput>,
    ),
    (
        "AttemptInput",
        || {
            known(|f| {
                let _ = crate::v1::AttemptIn::read(f);
            })
        },
        add::<schema::AttemptInput>,
    ),
    (
        "CaptureInput",
        || {
            known(|f| {
                let _ = crate::v1::CaptureIn::read(f);
            })
        },
        add::<schema::CaptureInput>,
    ),
    (
        "RefundInput",
        || {
            known(|f| {
                let _ = crate::v1::RefundIn::read(f);
            })
        },
        add::<schema::RefundInput>,
    ),
    (
        "WebhookEndpointInput",
        || {
            known(|f| {
                let _ = crate::v1::EndpointIn::read(f);
            })
        },
        add::<schema::WebhookEndpointInput>,
    ),
    (
        "WebhookEndpointPatch",
        || {
            known(|f| {
                let _ = crate::v1::EndpointPatchIn::read(f);
            })
        },
        add::<schema::WebhookEndpointPatch>,
    ),
    (
        "ApiKeyInput",
        || {
            known(|f| {
                let _ = crate::v1::KeyIn::read(f, 0);
            })
        },
        add::<schema::ApiKeyInput>,
    ),
    ("ApiKeyRotation", || vec!["public_key"], add::<schema::ApiKeyRotation>),
    ("SandboxPayInput", || vec!["outcome"], add::<schema::SandboxPayInput>),
    ("SandboxClockInput", || vec!["advance_seconds", "now"], add::<schema::SandboxClockInput>),
];

fn known(read: impl FnOnce(&mut crate::json::Fields<'_, '_>)) -> Vec<&'static str> {
    let empty = crate::json::Value::Object(Vec::new());
    let mut fields = crate::json::Fields::new(&empty);
    read(&mut fields);
    fields.known().to_vec()
}

fn list_of(name: &str) -> Schema {
    let cursor = ObjectBuilder::new()
        .schema_type(SchemaType::from_iter([Type::String, Type::Null]))
        .description(Some("Where the next page begins; null on the last one. Opaque."));
    let builder = ObjectBuilder::new()
        .property("data", ArrayBuilder::new().items(Ref::from_schema_name(name)))
        .required("data");
    // A ledger is never paged.
    if name == "LedgerLine" {
        builder.into()
    } else {
        builder.property("next_cursor", cursor).required("next_cursor").into()
    }
}

fn bearer_scheme() -> SecurityScheme {
    SecurityScheme::Http(
        HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("Sandbox only: `Authorization: Bearer fqsk_sandbox_…`."))
            .build(),
    )
}

/// OpenAPI has no word for RFC 9421; the field that carries the signature stands for it.
fn signature_scheme() -> SecurityScheme {
    let meaning = "HTTP message signature (RFC 9421): Signature-Input and Signature with one label over @method, @target-uri and, \
        where present, content-digest, idempotency-key and feiqian-merchant; parameters created, keyid and (POST, PATCH, DELETE) \
        nonce. A body needs Content-Digest (RFC 9530).";
    SecurityScheme::ApiKey(utoipa::openapi::security::ApiKey::Header(
        utoipa::openapi::security::ApiKeyValue::with_description("Signature", meaning),
    ))
}

/// Members that are there only where asked for, or where they say something.
const SOMETIMES: [(&str, &str); 5] = [
    ("Payment", "refunds"),
    ("Payment", "attempts"),
    ("Payment", "captures"),
    ("Problem", "signature_base"),
    ("Problem", "signature_components"),
];

/// Outputs show every documented field: what derives as optional is nullable, not absent.
fn finished(document: &OpenApi) -> Value {
    let mut value = serde_json::to_value(document).unwrap_or_default();
    let Some(schemas) = value.pointer_mut("/components/schemas").and_then(Value::as_object_mut) else {
        return value;
    };
    for (name, schema) in schemas {
        let is_input = INPUTS.iter().any(|(input, ..)| input == name);
        let Some(properties) = schema.get("properties").and_then(Value::as_object).filter(|_| !is_input)
        else {
            continue;
        };
        let always =
            properties.keys().filter(|member| !SOMETIMES.contains(&(name.as_str(), member.as_str())));
        let required: Vec<Value> = always.map(|member| json!(member)).collect();
        if let Some(object) = schema.as_object_mut() {
            object.insert("required".to_owned(), Value::Array(required));
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    /// With `UPDATE_OPENAPI=1` the file is written instead of compared.
    #[test]
    fn the_committed_document_is_this_one() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../openapi/feiqian.json");
        let printed = document_json();
        if std::env::var_os("UPDATE_OPENAPI").is_some() {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, &printed).unwrap();
        }
        let committed = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            committed == printed,
            "openapi/feiqian.json is out of date: run the tests with UPDATE_OPENAPI=1"
        );
    }

    #[test]
    fn every_reference_leads_somewhere() {
        fn walk<'v>(value: &'v Value, found: &mut Vec<&'v str>) {
            match value {
                Value::Object(members) => {
                    members.iter().for_each(|(name, value)| match (name.as_str(), value) {
                        ("$ref", Value::String(target)) => found.push(target),
                        (_, value) => walk(value, found),
                    })
                }
                Value::Array(items) => items.iter().for_each(|item| walk(item, found)),
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
            }
        }
        let document = document(&Routes::all());
        assert_eq!(document["openapi"], "3.1.0");
        let mut found = Vec::new();
        walk(&document, &mut found);
        assert!(found.len() > 100);
        for target in found {
            assert!(document.pointer(target.trim_start_matches('#')).is_some(), "{target} leads nowhere");
        }
    }

    #[test]
    fn inputs_are_described_as_they_are_read() {
        let document = document(&Routes::all());
        for (name, known, _) in INPUTS {
            let schema = &document["components"]["schemas"][name];
            let mut described: Vec<&str> =
                schema["properties"].as_object().unwrap().keys().map(String::as_str).collect();
            let mut read = known();
            described.sort_unstable();
            read.sort_unstable();
            assert_eq!(described, read, "{name}");
        }
    }

    #[test]
    fn routes_are_described_once_and_wholly() {
        let routes = Routes::all();
        let mut ids = BTreeSet::new();
        for (spec, _) in routes.permissions() {
            assert!(ids.insert(spec.id), "{} twice", spec.id);
            for name in spec.query {
                assert!(!query_meaning(name).is_empty(), "{name}");
            }
            assert_eq!(spec.query.contains(&"limit"), spec.query.contains(&"cursor"), "{}", spec.path);
            assert_eq!(
                spec.body == Body::Refused,
                matches!(spec.verb, Verb::Get | Verb::Delete),
                "{}",
                spec.path
            );
        }
    }
}
