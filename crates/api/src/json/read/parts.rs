//! JSON that is kept as it came: goods, metadata, payer, device.

use crate::json::{Fault, Value};
use domain::payment::Personal;

/// Bytes of `goods` as compact JSON.
pub const GOODS_MAX_BYTES: usize = 4 * 1024;
/// Bytes of `metadata` as compact JSON.
pub const METADATA_MAX_BYTES: usize = 8 * 1024;
/// Members of `metadata`.
pub const METADATA_MAX_KEYS: usize = 50;
/// Bytes of `payer` as compact JSON.
pub const PAYER_MAX_BYTES: usize = 1_024;
/// Bytes of `device` as compact JSON.
pub const DEVICE_MAX_BYTES: usize = 512;

/// A JSON object of at most `max_bytes` as compact text.
pub fn object(max_bytes: usize) -> impl for<'v, 'a> FnOnce(&'v Value<'a>) -> Result<String, Fault> {
    move |value| match value {
        Value::Object(_) => bounded(value, max_bytes),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Err(Fault::invalid("An object is expected.", "此处应为对象。"))
        }
    }
}

/// As [`object`], personal data.
pub fn personal_object(
    max_bytes: usize,
) -> impl for<'v, 'a> FnOnce(&'v Value<'a>) -> Result<Personal, Fault> {
    move |value| object(max_bytes)(value).map(Personal)
}

fn bounded(value: &Value<'_>, max_bytes: usize) -> Result<String, Fault> {
    if value.has_nul() {
        return Err(Fault::invalid("A text in it holds U+0000.", "其中的文本含有 U+0000。"));
    }
    let compact = value.to_compact();
    if compact.len() > max_bytes {
        return Err(Fault::invalid(
            format!("At most {max_bytes} bytes as compact JSON are allowed."),
            format!("按紧凑 JSON 计不得超过 {max_bytes} 字节。"),
        ));
    }
    Ok(compact)
}

/// `goods`: a list of objects.
pub fn goods(value: &Value<'_>) -> Result<String, Fault> {
    let Value::Array(items) = value else {
        return Err(Fault::invalid("A list of objects is expected.", "此处应为对象列表。"));
    };
    if let Some(index) = items.iter().position(|item| !matches!(item, Value::Object(_))) {
        return Err(Fault::invalid("An object is expected.", "此处应为对象。").below(&index.to_string()));
    }
    bounded(value, GOODS_MAX_BYTES)
}

/// `metadata`: names of at most 40 characters, values texts of at most 500; a null member is absent.
pub fn metadata(value: &Value<'_>) -> Result<String, Fault> {
    let Value::Object(members) = value else {
        return Err(Fault::invalid("An object of texts is expected.", "此处应为值均为字符串的对象。"));
    };
    let kept: Vec<_> = members.iter().filter(|(_, value)| *value != Value::Null).cloned().collect();
    if kept.len() > METADATA_MAX_KEYS {
        return Err(Fault::invalid(
            format!("At most {METADATA_MAX_KEYS} names are allowed."),
            format!("最多 {METADATA_MAX_KEYS} 个名称。"),
        ));
    }
    for (name, value) in &kept {
        if name.is_empty() || name.chars().count() > 40 {
            return Err(
                Fault::invalid("A name has 1 to 40 characters.", "名称须为 1 至 40 个字符。").below(name)
            );
        }
        match value {
            Value::String(text) if text.chars().count() <= 500 => {}
            Value::String(_)
            | Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::Array(_)
            | Value::Object(_) => {
                let fault = Fault::invalid(
                    "A text of at most 500 characters is expected.",
                    "此处应为不超过 500 个字符的字符串。",
                );
                return Err(fault.below(name));
            }
        }
    }
    bounded(&Value::Object(kept), METADATA_MAX_BYTES)
}
