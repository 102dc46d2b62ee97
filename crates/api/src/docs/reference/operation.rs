//! The section of an operation: what it does, what it takes, an example, what it answers.

use super::object::Order;
use super::plan::{Operation, codes, name_of};
use super::{Writer, at, members, text_at};
use crate::openapi::examples::{Input, inputs};
use serde_json::Value;
use std::fmt::Write as _;

impl Writer<'_> {
    pub(super) fn operation(&self, out: &mut String, operation: &Operation) {
        let Operation { method, path, id, value } = operation;
        let class = method.to_ascii_lowercase();
        let _ = write!(out, "\n## <span class=\"verb {class}\">{method}</span> `{path}` {{#{id}}}\n\n");
        let _ = write!(
            out,
            "{}\n\n{}\n",
            self.text(text_at(value, "/summary")),
            self.text(text_at(value, "/description"))
        );
        self.parameters(out, value);
        self.body(out, value);
        self.request(out, operation);
        self.answers(out, value);
    }

    fn parameters(&self, out: &mut String, operation: &Value) {
        let parameters = at(operation, "/parameters").as_array().map_or(&[][..], Vec::as_slice);
        if parameters.is_empty() {
            return;
        }
        let _ = write!(out, "\n{}", self.words.parameters_head);
        for parameter in parameters {
            let mark =
                if *at(parameter, "/required") == Value::Bool(true) { self.words.required } else { "" };
            let _ = writeln!(
                out,
                "| `{}`{mark} | <span class=\"type\">{}</span> | {} |",
                text_at(parameter, "/name"),
                self.words.place(text_at(parameter, "/in")),
                self.cell(text_at(parameter, "/description"))
            );
        }
    }

    fn body(&self, out: &mut String, operation: &Value) {
        let reference = text_at(operation, "/requestBody/content/application~1json/schema/$ref");
        let schema = at(self.document, reference.trim_start_matches('#'));
        if reference.is_empty() || schema.is_null() {
            return;
        }
        let mut rows = String::new();
        self.fields(&mut rows, schema, &Order::Input);
        let _ = write!(out, "\n{}\n\n{}{rows}", self.words.body, self.words.fields_head);
    }

    /// One line of curl for each example of the body; without a body, one.
    fn request(&self, out: &mut String, operation: &Operation) {
        let Operation { method, path, value, .. } = operation;
        let schema = name_of(text_at(value, "/requestBody/content/application~1json/schema/$ref"));
        let examples: Vec<&Input> = inputs(schema).collect();
        let head = |body: Option<&str>| {
            let verb = if method == "GET" { String::new() } else { format!(" -X {method}") };
            let mut text = format!(
                "curl{verb} \"$FEIQIAN{}\" \\\n  -H \"Authorization: Bearer $TOKEN\"",
                example_path(path)
            );
            if is_key_required(value) {
                text.push_str(" \\\n  -H \"Idempotency-Key: $(uuidgen)\"");
            }
            if let Some(body) = body {
                let body = body.trim_end().replace('\'', "'\\''");
                let _ = write!(text, " \\\n  -H \"Content-Type: application/json\" \\\n  -d '{body}'");
            }
            text
        };
        if examples.is_empty() {
            let _ = write!(out, "\n```sh\n{}\n```\n", head(None));
        }
        for example in examples {
            let _ =
                write!(out, "\n{}\n\n```sh\n{}\n```\n", self.text(example.summary), head(Some(example.text)));
        }
    }

    fn answers(&self, out: &mut String, operation: &Value) {
        let _ = write!(out, "\n{}", self.words.answers_head);
        for (status, response) in
            members(at(operation, "/responses")).filter(|(status, _)| status.as_str() < "400")
        {
            let reference = text_at(response, "/content/application~1json/schema/$ref");
            let item = text_at(
                self.document,
                &format!("/components/schemas/{}/properties/data/items/$ref", name_of(reference)),
            );
            let shape = match item {
                "" => self.named(name_of(reference)),
                item => self.words.list_of.replace("{}", &self.named(name_of(item))),
            };
            let _ =
                writeln!(out, "| {status} | {shape} · {} |", self.cell(text_at(response, "/description")));
        }
        for (status, response) in
            members(at(operation, "/responses")).filter(|(status, _)| status.as_str() >= "400")
        {
            let own: Vec<String> = text_at(response, "/description")
                .split('`')
                .skip(1)
                .step_by(2)
                .filter(|code| !self.plan.everywhere.contains(*code))
                .map(|code| format!("[`{code}`](/docs/{}/errors/{code})", self.lang.prefix()))
                .collect();
            if !own.is_empty() {
                let _ = writeln!(out, "| {status} | {} |", own.join(", "));
            }
        }
        debug_assert!(self.plan.everywhere.is_subset(&codes(operation)));
        let _ = write!(out, "\n{}\n", self.words.every_route.replace("{}", self.lang.prefix()));
    }

    fn named(&self, name: &str) -> String {
        match self.object_url(name) {
            Some(url) => format!("[{name}]({url})"),
            None => name.to_owned(),
        }
    }
}

fn is_key_required(operation: &Value) -> bool {
    let parameters = at(operation, "/parameters").as_array().map_or(&[][..], Vec::as_slice);
    parameters.iter().any(|parameter| {
        text_at(parameter, "/name") == "Idempotency-Key" && *at(parameter, "/required") == Value::Bool(true)
    })
}

/// A path with an id in the place of `{id}`.
fn example_path(path: &str) -> String {
    path.replace("{id}", "$ID")
}
