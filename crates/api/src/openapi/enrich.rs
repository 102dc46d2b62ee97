//! What makes the document a good read: tags, longer words, examples, headers. Added to the finished document, so that types and
//! routes stay the only source of its shape.

use super::examples;
use super::words::{HEADERS, OPERATIONS, TAGS};
use serde_json::{Map, Value, json};

/// Adds all of it.
pub(super) fn enrich(document: &mut Value) {
    let used = used_tags(document);
    let tags = TAGS.iter().filter(|(name, ..)| used.iter().any(|tag| tag == name) || *name == "objects");
    let tags: Value = tags
        .map(|(name, summary, about)| json!({ "name": name, "x-displayName": summary, "description": about }))
        .collect();
    put(document, "tags", tags);
    put(document, "externalDocs", json!({ "url": "/docs", "description": "Guides, in English and Chinese" }));
    if let Some(components) = document.get_mut("components") {
        let outputs = examples::OUTPUTS.iter();
        let examples: Map<_, _> =
            outputs.map(|(name, text)| ((*name).to_owned(), json!({ "value": parsed(text) }))).collect();
        put(components, "examples", examples.into());
        let header = |meaning: &str| json!({ "description": meaning, "schema": { "type": "string" } });
        let headers: Map<_, _> =
            HEADERS.iter().map(|(name, meaning)| ((*name).to_owned(), header(meaning))).collect();
        put(components, "headers", headers.into());
    }
    let Some(paths) = document.get_mut("paths").and_then(Value::as_object_mut) else { return };
    for (method, operation) in paths.values_mut().filter_map(Value::as_object_mut).flatten() {
        describe(operation);
        request_examples(operation);
        let Some(responses) = operation.get_mut("responses").and_then(Value::as_object_mut) else { continue };
        for (status, response) in responses {
            put(response, "headers", headers_of(method, status));
            answer_examples(response);
        }
    }
}

/// Sets a member of an object.
fn put(object: &mut Value, name: &str, value: Value) {
    if let Some(members) = object.as_object_mut() {
        members.insert(name.to_owned(), value);
    }
}

fn text<'v>(value: &'v Value, pointer: &str) -> &'v str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or("")
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_default()
}

fn used_tags(document: &Value) -> Vec<String> {
    let items = document.get("paths").and_then(Value::as_object).into_iter().flatten();
    let operations = items.filter_map(|(_, item)| item.as_object()).flatten();
    operations.map(|(_, operation)| text(operation, "/tags/0").to_owned()).collect()
}

fn describe(operation: &mut Value) {
    let id = text(operation, "/operationId");
    let more = OPERATIONS.iter().find(|(known, _)| *known == id).map_or("", |(_, text)| *text);
    let whole = format!("{more}\n\n{}", text(operation, "/description"));
    put(operation, "description", whole.trim().into());
}

fn schema_name(content: &Value) -> String {
    text(content, "/schema/$ref").rsplit('/').next().unwrap_or("").to_owned()
}

fn request_examples(operation: &mut Value) {
    let Some(content) = operation.pointer_mut("/requestBody/content/application~1json") else { return };
    let found: Map<String, Value> = examples::inputs(&schema_name(content))
        .map(|input| {
            (input.name.to_owned(), json!({ "summary": input.summary, "value": parsed(input.text) }))
        })
        .collect();
    if !found.is_empty() {
        put(content, "examples", found.into());
    }
}

fn answer_examples(response: &mut Value) {
    let Some(contents) = response.get_mut("content").and_then(Value::as_object_mut) else { return };
    for content in contents.values_mut() {
        let name = schema_name(content);
        let of = |name: &str| {
            examples::output(name)
                .is_some()
                .then(|| json!({ "$ref": format!("#/components/examples/{name}") }))
        };
        if let Some(example) = of(&name) {
            put(content, "examples", json!({ name: example }));
        } else if let Some(row) = name.strip_suffix("List").and_then(examples::output) {
            let mut page = json!({ "data": [parsed(row)] });
            if name != "LedgerLineList" {
                put(&mut page, "next_cursor", Value::Null);
            }
            put(content, "example", page);
        }
    }
}

fn headers_of(method: &str, status: &str) -> Value {
    let is_there = |name: &str| match name {
        "Idempotency-Status" => method != "get" && status < "300",
        "Retry-After" => matches!(status, "429" | "503"),
        "Feiqian-World" => !matches!(status, "401"),
        _ => true,
    };
    let found = HEADERS.iter().map(|(name, _)| *name).filter(|name| is_there(name));
    found
        .map(|name| (name.to_owned(), json!({ "$ref": format!("#/components/headers/{name}") })))
        .collect::<Map<_, _>>()
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routes::Routes;

    fn document() -> Value {
        super::super::document(&Routes::all())
    }

    /// Every documented field is in its example, nothing else is, and each has one of its types.
    #[test]
    fn examples_are_as_their_schemas_say() {
        let document = document();
        for (name, text) in examples::OUTPUTS {
            let value: Value = serde_json::from_str(text).unwrap_or_else(|fault| panic!("{name}: {fault}"));
            fits(&document, &document["components"]["schemas"][name], &value, name);
        }
        for input in examples::INPUTS {
            let value: Value = serde_json::from_str(input.text).unwrap();
            fits(&document, &document["components"]["schemas"][input.schema], &value, input.schema);
        }
    }

    fn fits(document: &Value, schema: &Value, value: &Value, path: &str) {
        if let Some(target) = schema["$ref"].as_str() {
            return fits(document, document.pointer(target.trim_start_matches('#')).unwrap(), value, path);
        }
        if let Some(choices) = schema["oneOf"].as_array() {
            assert!(
                choices.iter().any(|choice| fits_roughly(document, choice, value)),
                "{path}: {value} is none of its choices"
            );
            let named = choices.iter().filter(|choice| !choice["$ref"].is_null() && !value.is_null());
            for choice in named.filter(|choice| fits_roughly(document, choice, value)) {
                fits(document, choice, value, path);
            }
            return;
        }
        assert!(fits_roughly(document, schema, value), "{path}: {value} is not {}", schema["type"]);
        if let (Some(fields), Some(known)) = (value.as_object(), schema["properties"].as_object()) {
            for (field, value) in fields {
                let inner = known.get(field).unwrap_or_else(|| panic!("{path} has no field {field}"));
                fits(document, inner, value, &format!("{path}/{field}"));
            }
            for required in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
                assert!(fields.contains_key(required), "{path} lacks {required}");
            }
        }
        for (row, value) in value.as_array().into_iter().flatten().enumerate() {
            fits(document, &schema["items"], value, &format!("{path}/{row}"));
        }
    }

    fn fits_roughly(document: &Value, schema: &Value, value: &Value) -> bool {
        if let Some(target) = schema["$ref"].as_str() {
            return fits_roughly(document, document.pointer(target.trim_start_matches('#')).unwrap(), value);
        }
        let kind = match value {
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::Number(_) => "integer",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        };
        match &schema["type"] {
            Value::String(one) => one == kind,
            Value::Array(several) => several.iter().any(|one| one == kind),
            _ => true,
        }
    }

    #[test]
    fn every_word_has_its_place() {
        let document = document();
        let ids: Vec<&Value> = document["paths"]
            .as_object()
            .unwrap()
            .values()
            .flat_map(|item| item.as_object().unwrap().values().map(|operation| &operation["operationId"]))
            .collect();
        for (id, _) in OPERATIONS {
            assert!(ids.iter().any(|known| *known == id), "there is no operation {id}");
        }
        for tag in used_tags(&document) {
            assert!(TAGS.iter().any(|(name, ..)| *name == tag), "the tag {tag} has no words");
        }
        for input in examples::INPUTS {
            assert!(!document["components"]["schemas"][input.schema].is_null(), "{}", input.schema);
        }
    }
}
