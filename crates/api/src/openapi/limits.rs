//! What inputs may be, beyond their types: patterns, lengths, closed sets of words. The words come from where the readers have them;
//! that the server refuses what is said to be refused here is tried by drawn requests.

use crate::access;
use crate::json::read::{AUTH_CODE_MAX_CHARS, NAMES_MAX, SUBJECT_MAX_CHARS, WORDS_MAX_CHARS};
use crate::v1;
use domain::channel::SandboxOutcome;
use domain::payment::{CaptureMode, Scene};
use serde_json::{Value, json};

/// `merchant_order_no` and its like.
const MERCHANT_NO: &str = "^[0-9A-Za-z_-]{1,64}$";
/// A method's name; which ones are served is decided later.
const METHOD: &str = "^[a-z0-9_]{1,16}$";
/// No control characters but tab and line ends.
const WORDS: &str = "^[^\\u0000-\\u0008\\u000B\\u000C\\u000E-\\u001F\\u007F]*$";
/// Quoted or bare.
const IDEMPOTENCY_KEY: &str = "^([!#-~][!-~]{0,254}|\"[!-~]{1,255}\")$";
const EXPANSIONS: &str = "^(refunds|attempts|captures)(,(refunds|attempts|captures))*$";

/// Says all of it in the finished document.
pub(super) fn limit(document: &mut Value) {
    for (schema, field, limits) in fields() {
        let place = format!("/components/schemas/{schema}/properties/{field}");
        if let Some(field) = document.pointer_mut(&place) {
            merge(field, limits);
        }
    }
    let Some(paths) = document.get_mut("paths").and_then(Value::as_object_mut) else { return };
    for (path, item) in paths {
        let operations = item.as_object_mut().into_iter().flatten();
        let parameters = operations.filter_map(|(_, operation)| operation.get_mut("parameters"));
        for parameter in parameters.filter_map(Value::as_array_mut).flatten() {
            let name = parameter.get("name").and_then(Value::as_str).unwrap_or_default();
            let (limits, schema) = (parameter_limits(path, name), parameter.get_mut("schema"));
            if let (Some(limits), Some(schema)) = (limits, schema) {
                merge(schema, limits);
            }
        }
    }
}

/// Adds limits to a schema. A closed set of words also names null where the field takes it.
fn merge(schema: &mut Value, limits: Value) {
    let nullable =
        schema.get("type").and_then(Value::as_array).is_some_and(|all| all.contains(&json!("null")));
    let (Some(schema), Value::Object(limits)) = (schema.as_object_mut(), limits) else { return };
    for (name, mut limit) in limits {
        match (name.as_str(), limit.as_array_mut(), schema.get_mut(&name)) {
            ("enum", Some(words), _) if nullable => words.push(Value::Null),
            (_, _, Some(inner)) if inner.is_object() => {
                merge(inner, limit);
                continue;
            }
            _ => {}
        }
        schema.insert(name, limit);
    }
}

fn pattern(pattern: &str) -> Value {
    json!({ "pattern": pattern })
}

fn one_of<T: Copy>(all: &[T], name: fn(T) -> &'static str) -> Value {
    json!({ "enum": all.iter().map(|word| name(*word)).collect::<Vec<_>>() })
}

fn words(max_chars: usize) -> Value {
    json!({ "pattern": WORDS, "minLength": 1, "maxLength": max_chars })
}

fn subscriptions() -> Value {
    let nouns =
        v1::event_types().filter_map(|kind| kind.split_once('.')).map(|(noun, _)| format!("{noun}.*"));
    let mut all: Vec<String> = std::iter::once("*".to_owned()).chain(nouns).collect();
    all.dedup();
    all.extend(v1::event_types().map(str::to_owned));
    json!({ "minItems": 1, "maxItems": NAMES_MAX, "items": { "enum": all } })
}

type Field = (&'static str, &'static str, Value);

fn fields() -> Vec<Field> {
    let auth_code = || pattern(&format!("^[!-~]{{1,{AUTH_CODE_MAX_CHARS}}}$"));
    let outcome = || one_of(&SandboxOutcome::PAYMENT, SandboxOutcome::as_str);
    let scene = || one_of(Scene::ALL, Scene::as_str);
    let metadata = json!({
        "maxProperties": 50, "propertyNames": { "minLength": 1, "maxLength": 40 }, "additionalProperties": { "maxLength": 500 },
    });
    let permissions: Vec<&str> = access::permissions().collect();
    vec![
        ("PaymentInput", "merchant_order_no", pattern(MERCHANT_NO)),
        ("PaymentInput", "method", pattern(METHOD)),
        ("PaymentInput", "scene", scene()),
        ("PaymentInput", "subject", words(SUBJECT_MAX_CHARS)),
        ("PaymentInput", "capture_mode", one_of(CaptureMode::ALL, CaptureMode::as_str)),
        ("PaymentInput", "auth_code", auth_code()),
        ("PaymentInput", "description", words(WORDS_MAX_CHARS)),
        ("PaymentInput", "metadata", metadata),
        ("PaymentInput", "store", words(64)),
        ("PaymentInput", "terminal", words(64)),
        ("PaymentInput", "notify_url", url()),
        ("PaymentInput", "return_url", url()),
        ("PaymentInput", "sandbox_outcome", outcome()),
        ("AttemptInput", "method", pattern(METHOD)),
        ("AttemptInput", "scene", scene()),
        ("AttemptInput", "auth_code", auth_code()),
        ("AttemptInput", "sandbox_outcome", outcome()),
        ("RefundInput", "merchant_order_no", pattern(MERCHANT_NO)),
        ("RefundInput", "merchant_refund_no", pattern(MERCHANT_NO)),
        ("RefundInput", "reason", words(WORDS_MAX_CHARS)),
        ("RefundInput", "sandbox_outcome", one_of(&SandboxOutcome::REFUND, SandboxOutcome::as_str)),
        ("WebhookEndpointInput", "url", url()),
        ("WebhookEndpointInput", "events", subscriptions()),
        ("WebhookEndpointPatch", "url", url()),
        ("WebhookEndpointPatch", "events", subscriptions()),
        ("WebhookEndpointPatch", "status", json!({ "enum": ["enabled", "disabled"] })),
        ("ApiKeyInput", "name", words(WORDS_MAX_CHARS)),
        ("ApiKeyInput", "permissions", json!({ "maxItems": NAMES_MAX, "items": { "enum": permissions } })),
        ("ApiKeyInput", "ip_allow", json!({ "maxItems": NAMES_MAX })),
        ("SandboxPayInput", "outcome", outcome()),
        ("SandboxClockInput", "advance_seconds", json!({ "minimum": 1, "maximum": v1::ADVANCE_MAX_S })),
    ]
}

fn url() -> Value {
    json!({ "pattern": "^[Hh][Tt][Tt][Pp][Ss]?://", "maxLength": crate::json::read::URL_MAX_BYTES })
}

fn parameter_limits(path: &str, name: &str) -> Option<Value> {
    Some(match name {
        "Idempotency-Key" => pattern(IDEMPOTENCY_KEY),
        "merchant_order_no" | "merchant_refund_no" => pattern(MERCHANT_NO),
        "method" => pattern(METHOD),
        "scene" => one_of(Scene::ALL, Scene::as_str),
        "category" => one_of(&v1::CATEGORIES, ledger::Category::as_str),
        "kind" => one_of(domain::statement::Kind::ALL, domain::statement::Kind::as_str),
        "type" => json!({ "enum": v1::event_types().collect::<Vec<_>>() }),
        "status" => match path {
            "/v1/payments" => one_of(domain::payment::Status::ALL, domain::payment::Status::as_str),
            "/v1/refunds" => one_of(domain::refund::Status::ALL, domain::refund::Status::as_str),
            _ => json!({ "enum": ["pending", "succeeded", "failed"] }),
        },
        "format" => json!({ "enum": ["csv", "excel", "jsonl"] }),
        "lang" => json!({ "enum": ["zh", "en"] }),
        "order" => json!({ "enum": ["newest_first", "oldest_first"] }),
        "dry_run" => json!({ "enum": ["true", "false"] }),
        "expand" => pattern(EXPANSIONS),
        "date" => json!({ "format": "date" }),
        "created_at_gte" | "created_at_lt" | "posted_at_gte" | "posted_at_lt" => {
            json!({ "format": "date-time" })
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routes::Routes;

    #[test]
    fn every_limit_has_its_field() {
        let document = super::super::document(&Routes::all());
        for (schema, field, limits) in fields() {
            let found = &document["components"]["schemas"][schema]["properties"][field];
            for name in limits.as_object().unwrap().keys() {
                assert!(!found[name].is_null(), "{schema}.{field} does not say its {name}: {found}");
            }
        }
        let outcomes =
            &document["components"]["schemas"]["PaymentInput"]["properties"]["sandbox_outcome"]["enum"];
        assert_eq!(outcomes.as_array().map(Vec::len), Some(12), "eleven and null: {outcomes}");
        let metadata = &document["components"]["schemas"]["PaymentInput"]["properties"]["metadata"];
        let value = &metadata["additionalProperties"];
        assert_eq!((&value["type"], &value["maxLength"]), (&json!("string"), &json!(500)), "{metadata}");
    }

    /// Each parameter but ids, cursors and whole numbers is a closed set, a pattern or a format.
    #[test]
    fn every_parameter_is_limited_or_free_for_a_reason() {
        let free = ["id", "Feiqian-Merchant", "cursor", "limit", "wait_ms", "after"];
        let ids = ["payment", "source", "object_id", "endpoint", "event"];
        for (spec, _) in Routes::all().permissions() {
            for name in spec.query.iter().filter(|name| !free.contains(name) && !ids.contains(name)) {
                assert!(parameter_limits(spec.path, name).is_some(), "{} {name}", spec.path);
            }
        }
    }
}
