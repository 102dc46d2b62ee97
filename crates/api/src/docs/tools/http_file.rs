//! `feiqian.http`: every request of the API, to be sent from an editor one after the other.

use super::story::{FRESH, STORY, Step};
use crate::openapi::examples::{Input, inputs};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write as _;

const HEAD: &str = "# Every request of the Feiqian API, for editors that send them: VS Code with REST Client, Visual Studio, httpYac.\n\
    # Written from openapi.json; `make docs` writes it again. Set the two lines below and send the requests from top to bottom.\n\
    # 可在编辑器中直接发送的全部请求。先填好下面两行，再从上到下依次发送。\n\n\
    @base = http://127.0.0.1:8080\n\
    @token = fqsk_sandbox_your_token\n";

struct Operation<'d> {
    method: String,
    path: &'d str,
    value: &'d Value,
}

/// The file.
pub(in crate::docs) fn http_file(document: &Value) -> String {
    let operations = operations(document);
    let mut out = HEAD.to_owned();
    for step in STORY {
        if let Some(operation) = operations.get(step.id) {
            request(&mut out, operation, step);
        }
    }
    let untold = operations.iter().filter(|(id, _)| STORY.iter().all(|step| step.id != **id));
    for (_, operation) in untold {
        let example = inputs(body_schema(operation)).next().map_or("", |input| input.name);
        request(&mut out, operation, &Step { id: "", example, name: "", of: "" });
    }
    out
}

fn operations(document: &Value) -> BTreeMap<&str, Operation<'_>> {
    let items = document["paths"].as_object().into_iter().flatten();
    items
        .flat_map(|(path, item)| {
            item.as_object().into_iter().flatten().map(move |(method, value)| (path, method, value))
        })
        .filter_map(|(path, method, value)| {
            let id = value["operationId"].as_str()?;
            Some((id, Operation { method: method.to_ascii_uppercase(), path, value }))
        })
        .collect()
}

fn body_schema<'d>(operation: &Operation<'d>) -> &'d str {
    let content = operation.value.pointer("/requestBody/content/application~1json/schema/$ref");
    content.and_then(Value::as_str).and_then(|target| target.rsplit('/').next()).unwrap_or("")
}

fn request(out: &mut String, operation: &Operation<'_>, step: &Step) {
    let text = |pointer: &str| operation.value.pointer(pointer).and_then(Value::as_str).unwrap_or("");
    let id = text("/operationId");
    let name = if step.name.is_empty() { id } else { step.name };
    let body = inputs(body_schema(operation)).find(|input| input.name == step.example);
    let about = body.map_or_else(|| text("/summary"), |input| input.summary);
    let _ = write!(
        out,
        "\n### {name}: {about}\n# @name {name}\n# @operation {id}\n{} {{{{base}}}}{}\n",
        operation.method,
        path(operation, step)
    );
    out.push_str("Authorization: Bearer {{token}}\n");
    if is_key_required(operation.value) {
        out.push_str("Idempotency-Key: {{$guid}}\n");
    }
    if let Some(body) = body {
        let _ = write!(out, "Content-Type: application/json\n\n{}\n", fresh(body));
    }
}

/// The path with the id that an earlier answer holds.
fn path(operation: &Operation<'_>, step: &Step) -> String {
    let id = match step.of.split_once('.') {
        Some((name, way)) => format!("{{{{{name}.response.body.$.{way}}}}}"),
        None => "replace_me".to_owned(),
    };
    operation.path.replace("{id}", &id)
}

fn fresh(body: &Input) -> String {
    let text = body.text.trim_end().to_owned();
    FRESH.iter().fold(text, |text, (fixed, fresh)| text.replace(fixed, fresh))
}

fn is_key_required(operation: &Value) -> bool {
    let parameters = operation["parameters"].as_array().map_or(&[][..], Vec::as_slice);
    parameters.iter().any(|parameter| parameter["name"] == "Idempotency-Key" && parameter["required"] == true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_is_there_and_the_story_knows_its_names() {
        let document = crate::openapi::document(&crate::routes::Routes::all());
        let file = http_file(&document);
        for (id, _) in operations(&document) {
            assert!(file.contains(&format!("# @name {id}\n")), "{id} is not in the file");
        }
        let mut told: Vec<&str> = Vec::new();
        for step in STORY {
            assert!(operations(&document).contains_key(step.id), "there is no operation {}", step.id);
            let source = step.of.split('.').next().unwrap_or("");
            assert!(source.is_empty() || told.contains(&source), "{}: {source} comes later", step.id);
            told.push(if step.name.is_empty() { step.id } else { step.name });
        }
        told.sort_unstable();
        assert!(told.windows(2).all(|pair| pair[0] != pair[1]), "a name stands twice");
    }
}
