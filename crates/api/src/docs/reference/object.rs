//! The section of an object: what it is, its fields, an example.

use super::plan::name_of;
use super::{Writer, at, members, text_at};
use crate::openapi::examples::output;
use serde_json::Value;
use std::fmt::Write as _;

/// In which order fields stand.
pub(super) enum Order<'e> {
    /// Required ones first.
    Input,
    /// As in this example.
    Output(&'e str),
}

impl Writer<'_> {
    pub(super) fn object(&self, out: &mut String, name: &str, level: usize) {
        let schema = at(self.document, &format!("/components/schemas/{name}"));
        let _ = write!(out, "\n{} {name} {{#object-{name}}}\n\n", "#".repeat(level));
        let about = self.text(text_at(schema, "/description"));
        if !about.is_empty() {
            let _ = write!(out, "{about}\n\n");
        }
        let variants = at(schema, "/oneOf").as_array().map_or(&[][..], Vec::as_slice);
        let mut rows = String::new();
        for shape in std::iter::once(schema).chain(variants) {
            self.fields(&mut rows, shape, &Order::Output(output(name).unwrap_or_default()));
        }
        if !rows.is_empty() {
            let _ = write!(out, "{}{rows}", self.words.fields_head);
        } else if let Some(kind) = at(schema, "/type").as_str() {
            let _ = writeln!(
                out,
                "{}: {}",
                self.words.kind,
                self.kind(&Value::from(serde_json::Map::from_iter([("type".to_owned(), kind.into())])))
            );
        }
        if let Some(example) = output(name) {
            let _ = write!(out, "\n```json\n{}\n```\n", example.trim_end());
        }
    }

    /// Rows of a table: name, type, meaning.
    pub(super) fn fields(&self, rows: &mut String, schema: &Value, order: &Order<'_>) {
        let is_input = matches!(order, Order::Input);
        let required = at(schema, "/required").as_array().map_or(&[][..], Vec::as_slice);
        let is_required = |field: &str| required.iter().any(|name| name == field);
        let mut fields: Vec<(&String, &Value)> = members(at(schema, "/properties")).collect();
        let place = |name: &str| match order {
            Order::Input => required.iter().position(|known| known == name).unwrap_or(usize::MAX),
            Order::Output(example) => example.find(&format!("\n  \"{name}\":")).unwrap_or(usize::MAX),
        };
        fields.sort_by_key(|(name, _)| place(name));
        for (name, inner) in fields {
            let mark = if is_input && is_required(name) { self.words.required } else { "" };
            let _ = writeln!(
                rows,
                "| `{name}`{mark} | <span class=\"type\">{}</span> | {} |",
                self.kind(inner),
                self.cell(description(inner))
            );
        }
    }

    /// A schema's type in a few words, with a link where it has a name.
    pub(super) fn kind(&self, schema: &Value) -> String {
        if let Some(target) = at(schema, "/$ref").as_str() {
            let name = name_of(target);
            return match self.object_url(name) {
                Some(url) => format!("[{name}]({url})"),
                None => name.to_owned(),
            };
        }
        if let Some(choices) = at(schema, "/oneOf").as_array() {
            return choices.iter().map(|choice| self.kind(choice)).collect::<Vec<_>>().join(self.words.or);
        }
        match at(schema, "/type") {
            Value::String(one) if one == "array" => {
                self.words.list_of.replace("{}", &self.kind(at(schema, "/items")))
            }
            Value::String(one) => self.words.type_name(one).to_owned(),
            Value::Array(several) if several.iter().any(|one| one == "array") => {
                let list = self.words.list_of.replace("{}", &self.kind(at(schema, "/items")));
                format!("{list}{}{}", self.words.or, self.words.type_name("null"))
            }
            Value::Array(several) => {
                let names = several.iter().filter_map(Value::as_str).map(|one| self.words.type_name(one));
                names.collect::<Vec<_>>().join(self.words.or)
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => String::new(),
        }
    }
}

/// A field's own words, or those inside its choices.
fn description(schema: &Value) -> &str {
    match text_at(schema, "/description") {
        "" => {
            let choices = at(schema, "/oneOf").as_array().map_or(&[][..], Vec::as_slice);
            choices
                .iter()
                .map(|choice| text_at(choice, "/description"))
                .find(|text| !text.is_empty())
                .unwrap_or("")
        }
        text => text,
    }
}
