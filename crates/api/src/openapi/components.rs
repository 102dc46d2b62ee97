//! The schemas of the document: outputs from `wire`, inputs from `schema`, and how requests are secured.

use crate::inputs::INPUTS;
use crate::problem::ProblemDocument;
use crate::schema;
use std::collections::{BTreeMap, BTreeSet};
use utoipa::ToSchema;
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, Schema, SchemaType, Type};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{ComponentsBuilder, Ref, RefOr};
use wire::{
    ApiKeyObject, AttemptObject, BalanceObject, BalanceTransactionObject, CaptureObject, DeliveryObject,
    EndpointObject, EventObject, Explanation, LedgerLine, PaymentObject, ProofObject, RefundObject,
    StatementObject, WhoAmI,
};

/// Every schema; `lists` names the objects that are listed.
pub(super) fn components(lists: &BTreeSet<&str>) -> ComponentsBuilder {
    let mut schemas: Vec<(String, RefOr<Schema>)> = Vec::new();
    add::<PaymentObject<'_>>(&mut schemas);
    add::<AttemptObject<'_>>(&mut schemas);
    add::<CaptureObject<'_>>(&mut schemas);
    add::<RefundObject<'_>>(&mut schemas);
    add::<BalanceObject>(&mut schemas);
    add::<BalanceTransactionObject>(&mut schemas);
    add::<StatementObject<'_>>(&mut schemas);
    add::<ProofObject>(&mut schemas);
    add::<EventObject<'_>>(&mut schemas);
    add::<EndpointObject<'_>>(&mut schemas);
    add::<DeliveryObject<'_>>(&mut schemas);
    add::<ApiKeyObject<'_>>(&mut schemas);
    add::<WhoAmI<'_>>(&mut schemas);
    add::<LedgerLine>(&mut schemas);
    add::<Explanation>(&mut schemas);
    add::<ProblemDocument<'_>>(&mut schemas);
    add::<schema::SandboxClock>(&mut schemas);
    for ((name, _), add) in INPUTS.iter().zip(INPUT_SCHEMAS) {
        let mut input = Vec::new();
        add(&mut input);
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

/// The schema of every input in [`crate::inputs::INPUTS`], in its order.
const INPUT_SCHEMAS: [AddSchema; INPUTS.len()] = [
    add::<schema::PaymentInput>,
    add::<schema::AttemptInput>,
    add::<schema::CaptureInput>,
    add::<schema::RefundInput>,
    add::<schema::WebhookEndpointInput>,
    add::<schema::WebhookEndpointPatch>,
    add::<schema::ApiKeyInput>,
    add::<schema::ApiKeyRotation>,
    add::<schema::SandboxPayInput>,
    add::<schema::SandboxClockInput>,
];

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
