//! Members of answers, for people.

use money::{Amount, Currency};
use serde_json::Value;

/// A text member, or nothing.
pub(crate) fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or("")
}

/// A Money member in major units.
pub(crate) fn money(value: &Value, pointer: &str) -> String {
    let at = value.pointer(pointer);
    let minor = at.and_then(|money| money.get("value")).and_then(Value::as_i64);
    let currency = at.and_then(|money| money.get("currency")).and_then(Value::as_str).map(Currency::parse);
    match (minor, currency) {
        (Some(minor), Some(Ok(currency))) => Amount::new(minor, currency).to_string(),
        _ => "–".to_owned(),
    }
}

/// The rows of a list.
pub(crate) fn rows(list: &Value) -> &[Value] {
    list.get("data").or(Some(list)).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}
