//! A parsed value, borrowing from the body.

use std::borrow::Cow;

/// A JSON value. Numbers keep their text: no reader rounds them.
#[derive(Debug, Clone, PartialEq)]
pub enum Value<'a> {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// As written.
    Number(&'a str),
    /// Unescaped.
    String(Cow<'a, str>),
    /// In order.
    Array(Vec<Value<'a>>),
    /// In order, names unique.
    Object(Vec<(Cow<'a, str>, Value<'a>)>),
}

impl Value<'_> {
    /// True when some text in it, a name too, holds U+0000.
    pub fn has_nul(&self) -> bool {
        match self {
            Value::Null | Value::Bool(_) | Value::Number(_) => false,
            Value::String(text) => text.contains('\0'),
            Value::Array(items) => items.iter().any(Value::has_nul),
            Value::Object(members) => {
                members.iter().any(|(name, value)| name.contains('\0') || value.has_nul())
            }
        }
    }

    /// The value as compact JSON text.
    pub fn to_compact(&self) -> String {
        let mut out = String::with_capacity(128);
        self.write(&mut out);
        out
    }

    fn write(&self, out: &mut String) {
        match self {
            Value::Null => out.push_str("null"),
            Value::Bool(true) => out.push_str("true"),
            Value::Bool(false) => out.push_str("false"),
            Value::Number(text) => out.push_str(text),
            Value::String(text) => write_string(text, out),
            Value::Array(items) => {
                out.push('[');
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    item.write(out);
                }
                out.push(']');
            }
            Value::Object(members) => {
                out.push('{');
                for (index, (name, value)) in members.iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    write_string(name, out);
                    out.push(':');
                    value.write(out);
                }
                out.push('}');
            }
        }
    }
}

fn write_string(text: &str, out: &mut String) {
    // Writing text into memory can't fail.
    out.push_str(&serde_json::to_string(text).unwrap_or_default());
}
