//! What single values may be: the limits of WIRE, and those that the size of events sets (at most 20 kB).

mod amount;
mod parts;
mod web;

pub use amount::amount;
pub use parts::{DEVICE_MAX_BYTES, PAYER_MAX_BYTES, goods, metadata, personal_object};
pub use web::{URL_MAX_BYTES, address, callable_url, return_url, web_url};

use super::{Fault, Value};
use crate::text::parse_time_us;
use domain::channel::SandboxOutcome;
use domain::payment::Personal;
use money::MAX_WIRE;

/// Characters of `subject`.
pub const SUBJECT_MAX_CHARS: usize = 127;
/// Characters of `description` and other words for people.
pub const WORDS_MAX_CHARS: usize = 255;
/// Characters of a code shown by a payer.
pub const AUTH_CODE_MAX_CHARS: usize = 128;
/// Items of a list of names (permissions, networks, types of events).
pub const NAMES_MAX: usize = 100;

/// A text without U+0000.
pub fn text<'v>(value: &'v Value<'_>) -> Result<&'v str, Fault> {
    match value {
        Value::String(text) if text.contains('\0') => {
            Err(Fault::invalid("The text holds U+0000.", "文本中含有 U+0000。"))
        }
        Value::String(text) => Ok(text),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            Err(Fault::invalid("A text is expected.", "此处应为字符串。"))
        }
    }
}

/// A text of 1 to `max` characters without control characters other than tab and line ends: written as JSON they would grow
/// sixfold, and no channel takes them.
pub fn words(max: usize) -> impl for<'v, 'a> FnOnce(&'v Value<'a>) -> Result<String, Fault> {
    move |value| {
        let text = text(value)?;
        if text.chars().any(|c| c.is_ascii_control() && !matches!(c, '\t' | '\n' | '\r')) {
            return Err(Fault::invalid("The text holds a control character.", "文本中含有控制字符。"));
        }
        let chars = text.chars().count();
        if (1..=max).contains(&chars) {
            return Ok(text.to_owned());
        }
        Err(Fault::invalid(
            format!("1 to {max} characters are allowed."),
            format!("长度须为 1 至 {max} 个字符。"),
        ))
    }
}

/// A merchant's number: 1 to 64 of `[0-9A-Za-z_-]`.
pub fn merchant_no(value: &Value<'_>) -> Result<String, Fault> {
    let text = text(value)?;
    if is_merchant_no(text) { Ok(text.to_owned()) } else { Err(merchant_no_fault()) }
}

/// Whether a text is a merchant's number.
pub fn is_merchant_no(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

/// The fault of a text that is no merchant's number.
pub fn merchant_no_fault() -> Fault {
    Fault::invalid("1 to 64 of 0-9 A-Z a-z _ - are allowed.", "须为 1 至 64 个字符，只能用 0-9 A-Z a-z _ -。")
}

/// A method: a short name; which ones are served is decided later.
pub fn method(value: &Value<'_>) -> Result<String, Fault> {
    let text = text(value)?;
    if is_method(text) { Ok(text.to_owned()) } else { Err(method_fault()) }
}

/// Whether a text can be a method's name.
pub fn is_method(text: &str) -> bool {
    (1..=16).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

/// The fault of a text that can't be a method's name.
pub fn method_fault() -> Fault {
    Fault::invalid(
        "A method is 1 to 16 of a-z 0-9 _, such as sandbox, wechat_pay or alipay.",
        "支付方式为 1 至 16 个字符（a-z 0-9 _），如 sandbox、wechat_pay、alipay。",
    )
}

/// A word of a closed set.
pub fn word<T: Copy>(
    all: &'static [T],
    name: fn(T) -> &'static str,
) -> impl for<'v, 'a> FnOnce(&'v Value<'a>) -> Result<T, Fault> {
    move |value| {
        let text = text(value).map_err(|fault| fault.allowing(all.iter().map(|word| name(*word))))?;
        one_of(all, name, text)
    }
}

/// The word of a closed set that a text is.
pub fn one_of<T: Copy>(all: &[T], name: fn(T) -> &'static str, text: &str) -> Result<T, Fault> {
    all.iter().copied().find(|word| name(*word) == text).ok_or_else(|| {
        Fault::invalid("The value is not one of those allowed.", "不在可用值之内。")
            .allowing(all.iter().map(|word| name(*word)))
    })
}

/// `true` or `false`.
pub fn boolean(value: &Value<'_>) -> Result<bool, Fault> {
    match value {
        Value::Bool(flag) => Ok(*flag),
        Value::Null | Value::Number(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => {
            Err(Fault::invalid("true or false is expected.", "此处应为 true 或 false。"))
        }
    }
}

/// A whole number from 1.
pub fn count(value: &Value<'_>) -> Result<i64, Fault> {
    let fault = || Fault::invalid("A whole number from 1 is expected.", "此处应为不小于 1 的整数。");
    match value {
        Value::Number(digits) if digits.bytes().all(|b| b.is_ascii_digit()) => {
            digits.parse().ok().filter(|number| (1..=MAX_WIRE).contains(number)).ok_or_else(fault)
        }
        Value::Number(_)
        | Value::Null
        | Value::Bool(_)
        | Value::String(_)
        | Value::Array(_)
        | Value::Object(_) => Err(fault()),
    }
}

/// A time.
pub fn time_us(value: &Value<'_>) -> Result<i64, Fault> {
    parse_time_us(text(value)?).ok_or_else(time_fault)
}

/// The fault of a text that is no time.
pub fn time_fault() -> Fault {
    Fault::invalid(
        "A time in RFC 3339 is expected, such as 2026-11-25T08:30:00Z or 2026-11-25T16:30:00+08:00.",
        "此处应为 RFC 3339 时间，如 2026-11-25T08:30:00Z 或 2026-11-25T16:30:00+08:00。",
    )
}

/// A code that a payer shows: visible ASCII.
pub fn auth_code(value: &Value<'_>) -> Result<Personal, Fault> {
    let text = text(value)?;
    let fits = (1..=AUTH_CODE_MAX_CHARS).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
    fits.then(|| Personal(text.to_owned())).ok_or_else(|| {
        Fault::invalid("1 to 128 visible ASCII characters are allowed.", "须为 1 至 128 个可见 ASCII 字符。")
    })
}

/// A list of names.
pub fn names(value: &Value<'_>) -> Result<Vec<String>, Fault> {
    let Value::Array(items) = value else {
        return Err(Fault::invalid("A list of texts is expected.", "此处应为字符串列表。"));
    };
    if items.len() > NAMES_MAX {
        return Err(Fault::invalid(
            format!("At most {NAMES_MAX} items are allowed."),
            format!("最多 {NAMES_MAX} 项。"),
        ));
    }
    let read = |(index, item)| {
        words(WORDS_MAX_CHARS)(item).map_err(|fault: Fault| fault.below(&usize::to_string(&index)))
    };
    items.iter().enumerate().map(read).collect()
}

/// What the sandbox shall do, out of those that the noun allows.
pub fn outcome(
    all: &'static [SandboxOutcome],
) -> impl for<'v, 'a> FnOnce(&'v Value<'a>) -> Result<SandboxOutcome, Fault> {
    word(all, SandboxOutcome::as_str)
}

#[cfg(test)]
mod tests {
    use super::amount::amount_fault;
    use super::*;
    use crate::json::parse;
    use crate::problem::Code;
    use money::{Amount, Currency};

    fn read<T>(text: &str, read: impl FnOnce(&Value<'_>) -> Result<T, Fault>) -> Result<T, (Code, String)> {
        let body = format!("{{\"x\":{text}}}");
        let Ok(Value::Object(members)) = parse(body.as_bytes()) else { panic!("{text} is no JSON") };
        read(&members[0].1).map_err(|fault| (fault.code, fault.below))
    }

    #[test]
    fn amounts() {
        let cny = |value: &str| format!("{{\"value\":{value},\"currency\":\"CNY\"}}");
        assert_eq!(read(&cny("1250"), amount), Ok(Amount::new(1_250, Currency::CNY)));
        assert_eq!(read(&cny("9007199254740991"), amount), Ok(Amount::new(MAX_WIRE, Currency::CNY)));
        for value in [
            "0",
            "-1",
            "-0",
            "1.0",
            "100.0",
            "12.5",
            "1e2",
            "1E2",
            "true",
            "\"100\"",
            "[1]",
            "{}",
            "9007199254740992",
            "9223372036854775808",
            "99999999999999999999999999",
        ] {
            let refused = read(&cny(value), amount);
            assert_eq!(refused, Err((Code::AmountInvalid, "/value".to_owned())), "{value}");
        }
        for (text, code, below) in [
            ("100", Code::FieldInvalid, ""),
            ("\"100\"", Code::FieldInvalid, ""),
            ("{}", Code::FieldMissing, "/value"),
            ("{\"value\":null,\"currency\":\"CNY\"}", Code::FieldMissing, "/value"),
            ("{\"value\":1}", Code::FieldMissing, "/currency"),
            ("{\"value\":1,\"currency\":\"cny\"}", Code::CurrencyUnknown, "/currency"),
            ("{\"value\":1,\"currency\":\"XXX\"}", Code::CurrencyUnknown, "/currency"),
            ("{\"value\":1,\"currency\":156}", Code::FieldInvalid, "/currency"),
            ("{\"value\":1,\"currency\":\"CNY\",\"unit\":1}", Code::UnknownField, "/unit"),
        ] {
            assert_eq!(read(text, amount), Err((code, below.to_owned())), "{text}");
        }
    }

    #[test]
    fn the_hint_names_the_unit_of_the_currency() {
        assert!(amount_fault(Currency::CNY).detail.en.contains("CNY 12.50 is 1250"));
        assert!(amount_fault(Currency::JPY).detail.en.contains("JPY 1250 is 1250"));
    }

    #[test]
    fn metadata_and_goods() {
        assert_eq!(read("{\"a\":\"1\",\"b\":null}", metadata), Ok("{\"a\":\"1\"}".to_owned()));
        let many: String = (0..51).map(|n| format!("\"k{n}\":\"\",")).collect();
        let many = format!("{{{}}}", many.trim_end_matches(','));
        let large: String = (0..17).map(|n| format!("\"k{n}\":\"{}\",", "x".repeat(500))).collect();
        let large = format!("{{{}}}", large.trim_end_matches(','));
        let long_value = format!("{{\"a\":\"{}\"}}", "x".repeat(501));
        let long_name = format!("{{\"{}\":\"\"}}", "n".repeat(41));
        for (text, below) in [
            ("[]", ""),
            ("{\"a\":1}", "/a"),
            ("{\"a\":{}}", "/a"),
            ("{\"a\":\"\\u0000\"}", ""),
            ("{\"a\\u0000\":\"\"}", ""),
            ("{\"\":\"\"}", "/"),
            (&many, ""),
            (&large, ""),
            (&long_value, "/a"),
        ] {
            assert_eq!(read(text, metadata), Err((Code::FieldInvalid, below.to_owned())), "{text:.60}");
        }
        assert!(read(&long_name, metadata).is_err());
        assert!(read(&format!("{{\"a\":\"{}\"}}", "茶".repeat(500)), metadata).is_ok());
        assert_eq!(read("[{\"n\": 1.50}]", goods), Ok("[{\"n\":1.50}]".to_owned()));
        assert_eq!(read("[1]", goods), Err((Code::FieldInvalid, "/0".to_owned())));
        assert!(read(&format!("[{{\"n\":\"{}\"}}]", "x".repeat(5_000)), goods).is_err());
    }

    #[test]
    fn texts() {
        assert_eq!(read("\"茶\"", words(1)), Ok("茶".to_owned()));
        for text in ["\"\"", "\"ab\"", "1", "\"\\u0000\"", "\"\\u0001\"", "\"\\u007f\""] {
            assert!(read(text, words(1)).is_err(), "{text}");
        }
        for (text, fits) in [("a-B_9", true), ("", false), ("a b", false), ("订单", false), ("a/b", false)]
        {
            assert_eq!(read(&format!("\"{text}\""), merchant_no).is_ok(), fits, "{text}");
        }
        assert!(is_merchant_no(&"x".repeat(64)) && !is_merchant_no(&"x".repeat(65)));
        for (url, fits) in [
            ("https://shop.example/n?x=1", true),
            ("http://127.0.0.1:9/n", true),
            ("ftp://shop.example/", false),
            ("https://u:p@shop.example/", false),
            ("https://shop.example/#x", false),
            ("https:///x y", false),
            ("//shop.example/", false),
            ("javascript:alert(1)", false),
            ("https://shop.example/\\\"", false),
            ("", false),
        ] {
            let got = read(&format!("\"{url}\""), callable_url);
            assert_eq!(got.is_ok(), fits, "{url}");
            assert!(fits || got == Err((Code::UrlNotAllowed, String::new())), "{url}");
        }
    }
}
