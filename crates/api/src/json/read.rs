//! What single values may be: the limits of WIRE, and those that the size of events sets (at most 20 kB).

use super::fields::missing;
use super::{Fault, Value};
use crate::problem::Code;
use crate::text::parse_time_us;
use domain::channel::SandboxOutcome;
use domain::payment::Personal;
use money::{Amount, Currency, MAX_WIRE};

/// Characters of `subject`.
pub const SUBJECT_MAX_CHARS: usize = 127;
/// Characters of `description` and other words for people.
pub const WORDS_MAX_CHARS: usize = 255;
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
/// Bytes of a URL.
pub const URL_MAX_BYTES: usize = 512;
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

/// A text of 1 to `max` characters.
pub fn words(max: usize) -> impl for<'v, 'a> FnOnce(&'v Value<'a>) -> Result<String, Fault> {
    move |value| {
        let text = text(value)?;
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

/// Money of a command: `{"value": digits, "currency": code}`, above zero.
pub fn amount(value: &Value<'_>) -> Result<Amount, Fault> {
    let Value::Object(members) = value else {
        return Err(Fault::invalid(
            "An object is expected, such as {\"value\": 1250, \"currency\": \"CNY\"} for CNY 12.50.",
            "此处应为对象，如 {\"value\": 1250, \"currency\": \"CNY\"}，表示人民币 12.50 元。",
        ));
    };
    if let Some((name, _)) = members.iter().find(|(name, _)| name != "value" && name != "currency") {
        let fault = Fault::of(Code::UnknownField, "This field is not known.", "不认识的字段。");
        return Err(fault.allowing(["value", "currency"]).below(name));
    }
    let member = |wanted: &str| {
        let found = members.iter().find(|(name, value)| name == wanted && *value != Value::Null);
        found.map(|(_, value)| value).ok_or_else(|| missing().below(wanted))
    };
    let (minor, code) = (member("value")?, member("currency")?);
    let currency = currency(code);
    let shown_in = currency.as_ref().copied().unwrap_or(Currency::CNY);
    let minor = minor_units(minor).ok_or_else(|| amount_fault(shown_in).below("value"))?;
    currency.map(|currency| Amount::new(minor, currency)).map_err(|fault| fault.below("currency"))
}

fn minor_units(value: &Value<'_>) -> Option<i64> {
    match value {
        Value::Number(digits) if digits.bytes().all(|b| b.is_ascii_digit()) => {
            digits.parse().ok().filter(|minor| (1..=MAX_WIRE).contains(minor))
        }
        Value::Number(_)
        | Value::Null
        | Value::Bool(_)
        | Value::String(_)
        | Value::Array(_)
        | Value::Object(_) => None,
    }
}

fn currency(value: &Value<'_>) -> Result<Currency, Fault> {
    Currency::parse(text(value)?).map_err(|_| {
        Fault::of(
            Code::CurrencyUnknown,
            "An active ISO 4217 code in upper case is expected, such as CNY.",
            "此处应为有效的 ISO 4217 大写代码，如 CNY。",
        )
    })
}

/// The hint names the unit.
fn amount_fault(currency: Currency) -> Fault {
    let example = Amount::new(1_250, currency);
    let (code, major) = (currency.code(), example.to_major_string());
    Fault::of(
        Code::AmountInvalid,
        format!(
            "An integer number of minor units from 1 to {MAX_WIRE} is expected, digits only: {code} {major} is 1250."
        ),
        format!("此处应为最小货币单位的整数（1 至 {MAX_WIRE}），只写数字：{code} {major} 写作 1250。"),
    )
}

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

/// An IP address.
pub fn address(value: &Value<'_>) -> Result<Personal, Fault> {
    let text = text(value)?;
    text.parse::<std::net::IpAddr>()
        .map(|_| Personal(text.to_owned()))
        .map_err(|_| Fault::invalid("An IPv4 or IPv6 address is expected.", "此处应为 IPv4 或 IPv6 地址。"))
}

/// A code that a payer shows: visible ASCII.
pub fn auth_code(value: &Value<'_>) -> Result<Personal, Fault> {
    let text = text(value)?;
    let fits = (1..=AUTH_CODE_MAX_CHARS).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
    fits.then(|| Personal(text.to_owned())).ok_or_else(|| {
        Fault::invalid("1 to 128 visible ASCII characters are allowed.", "须为 1 至 128 个可见 ASCII 字符。")
    })
}

/// A URL that this service may be asked to call: absolute, http or https, with a host, without user or fragment. Whether
/// its host may be called is decided later.
pub fn callable_url(value: &Value<'_>) -> Result<String, Fault> {
    let text = text(value)?;
    let parsed = web_url(text).filter(|url| url.username().is_empty() && url.password().is_none());
    parsed.filter(|url| url.fragment().is_none()).map(|_| text.to_owned()).ok_or_else(|| {
        Fault::of(
            Code::UrlNotAllowed,
            format!("An absolute http or https URL of at most {URL_MAX_BYTES} bytes is expected."),
            format!("此处应为不超过 {URL_MAX_BYTES} 字节的 http 或 https 绝对地址。"),
        )
    })
}

/// A URL that a payer's browser or app is sent to.
pub fn return_url(value: &Value<'_>) -> Result<String, Fault> {
    let text = text(value)?;
    let fault = || {
        Fault::invalid(
            format!("An absolute http or https URL of at most {URL_MAX_BYTES} bytes is expected."),
            format!("此处应为不超过 {URL_MAX_BYTES} 字节的 http 或 https 绝对地址。"),
        )
    };
    web_url(text).map(|_| text.to_owned()).ok_or_else(fault)
}

/// Parses a URL of the web.
pub fn web_url(text: &str) -> Option<url::Url> {
    if text.len() > URL_MAX_BYTES || text.bytes().any(|b| b.is_ascii_control() || b == b' ') {
        return None;
    }
    url::Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
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
    use super::*;
    use crate::json::parse;

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
        for text in ["\"\"", "\"ab\"", "1", "\"\\u0000\""] {
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
            ("", false),
        ] {
            let got = read(&format!("\"{url}\""), callable_url);
            assert_eq!(got.is_ok(), fits, "{url}");
            assert!(fits || got == Err((Code::UrlNotAllowed, String::new())), "{url}");
        }
    }
}
