//! The OpenAPI 3.1 document, made of the list of routes and the types' own schemas.

mod components;
mod enrich;
pub mod examples;
mod limits;
mod operation;
mod words;

use crate::inputs::INPUTS;
use crate::routes::{Answer, Routes, Verb};
use components::components;
use operation::operation;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use utoipa::openapi::path::HttpMethod;
use utoipa::openapi::{InfoBuilder, OpenApi, OpenApiBuilder, PathsBuilder, ServerBuilder};
use words::ABOUT;

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
        .info(InfoBuilder::new().title("Feiqian").version("1").description(Some(ABOUT)).build())
        .servers(Some([ServerBuilder::new().url("/").build()]))
        .paths(paths.build())
        .components(Some(components(&lists).build()))
        .build();
    let mut document = finished(&document);
    enrich::enrich(&mut document);
    limits::limit(&mut document);
    document
}

fn http_method(verb: Verb) -> HttpMethod {
    match verb {
        Verb::Get => HttpMethod::Get,
        Verb::Post => HttpMethod::Post,
        Verb::Patch => HttpMethod::Patch,
        Verb::Delete => HttpMethod::Delete,
    }
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
    use super::operation::query_meaning;
    use super::*;
    use crate::inputs::known;
    use crate::routes::Body;

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
        for (name, read) in INPUTS {
            let schema = &document["components"]["schemas"][name];
            let mut described: Vec<&str> =
                schema["properties"].as_object().unwrap().keys().map(String::as_str).collect();
            let mut read = known(read);
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
