//! Addresses: of hosts and of pages.

use super::text;
use crate::json::{Fault, Value};
use crate::problem::Code;
use domain::payment::Personal;

/// Bytes of a URL.
pub const URL_MAX_BYTES: usize = 512;

/// An IP address.
pub fn address(value: &Value<'_>) -> Result<Personal, Fault> {
    let text = text(value)?;
    text.parse::<std::net::IpAddr>()
        .map(|_| Personal(text.to_owned()))
        .map_err(|_| Fault::invalid("An IPv4 or IPv6 address is expected.", "此处应为 IPv4 或 IPv6 地址。"))
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

/// Bytes that RFC 3986 keeps out of URLs and that HTML or JSON would have to escape.
const NEVER_IN_URLS: &[u8] = b" \"<>\\^`{|}";

/// Parses a URL of the web.
pub fn web_url(text: &str) -> Option<url::Url> {
    if text.len() > URL_MAX_BYTES || text.bytes().any(|b| b.is_ascii_control() || NEVER_IN_URLS.contains(&b))
    {
        return None;
    }
    url::Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}
