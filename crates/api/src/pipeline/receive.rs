//! Reading a request: its body, its media type, its idempotency key.

use super::body::{Share, read_body};
use crate::access::{PeerAddr, client_address};
use crate::json::Fault;
use crate::problem::{Code, Problem};
use crate::routes::{Body as BodyRule, KeyRule, Spec, Verb};
use crate::server::Closing;
use crate::state::Shared;
use app::IdempotencyKey;
use axum::extract::{FromRequestParts, RawPathParams, Request};
use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, Method};
use std::net::IpAddr;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// A request as received, its body read.
pub struct Received {
    /// The method.
    pub method: Method,
    /// The path as sent.
    pub path: String,
    /// Path and query as sent: what is signed behind the public URL.
    pub target: String,
    /// The query as sent.
    pub raw_query: Option<String>,
    /// What the route's `{id}` matched, percent-decoded.
    pub id: Option<String>,
    /// The header fields.
    pub headers: HeaderMap,
    /// The body's bytes.
    pub body: Bytes,
    /// Its share of what all bodies may take, for as long as it is held.
    pub _share: Share,
    /// The client's address.
    pub address: Option<IpAddr>,
    /// Tells when the listener takes no more requests: who waits for something stops then. `None` outside a listener.
    pub closing: Option<Closing>,
}

/// Reads a request whose route is known.
pub(super) async fn receive(state: &Shared, spec: &Spec, request: Request) -> Result<Received, Problem> {
    let (mut parts, body) = request.into_parts();
    let id = match RawPathParams::from_request_parts(&mut parts, &()).await {
        Ok(params) => params.iter().next().map(|(_, value)| value.to_owned()),
        Err(_) => None,
    };
    let (body, share) = read_body(state, &parts.headers, body).await?;
    media_type(spec, &parts.headers, &body)?;
    let peer = parts.extensions.get::<PeerAddr>().map(|peer| peer.0.ip());
    let closing = parts.extensions.get::<Closing>().cloned();
    let target = parts.uri.path_and_query().map_or("/", |target| target.as_str()).to_owned();
    Ok(Received {
        method: parts.method,
        path: parts.uri.path().to_owned(),
        raw_query: parts.uri.query().map(str::to_owned),
        target,
        id,
        address: client_address(peer, &parts.headers, &state.config.trusted_proxies),
        headers: parts.headers,
        body,
        _share: share,
        closing,
    })
}

fn media_type(spec: &Spec, headers: &HeaderMap, body: &Bytes) -> Result<(), Problem> {
    let encoded = headers
        .get_all(CONTENT_ENCODING)
        .iter()
        .any(|value| !value.as_bytes().eq_ignore_ascii_case(b"identity"));
    if encoded {
        return Err(Problem::new(Code::MediaType));
    }
    if body.is_empty() {
        return Ok(());
    }
    match spec.body {
        BodyRule::Refused => {
            let fault = Fault::invalid("This method takes no body.", "此方法不接受请求体。");
            Err(Problem::field(fault.at("")))
        }
        BodyRule::Empty | BodyRule::Optional(_) | BodyRule::Required(_) if !is_json(headers) => {
            Err(Problem::new(Code::MediaType))
        }
        BodyRule::Empty | BodyRule::Optional(_) | BodyRule::Required(_) => Ok(()),
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let mut lines = headers.get_all(CONTENT_TYPE).iter();
    let (Some(line), None) = (lines.next(), lines.next()) else { return false };
    let Ok(text) = line.to_str() else { return false };
    let mut parts = text.split(';').map(str::trim);
    let essence = parts.next().unwrap_or("");
    let plain = parts.filter(|part| !part.is_empty()).all(|part| {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        !name.eq_ignore_ascii_case("charset") || value.trim_matches('"').eq_ignore_ascii_case("utf-8")
    });
    essence.eq_ignore_ascii_case("application/json") && plain
}

/// The key of a request that changes something; GET has none.
pub(super) fn idempotency_key(spec: &Spec, received: &Received) -> Result<Option<IdempotencyKey>, Problem> {
    let invalid = || {
        let fault = Fault::invalid(
            "Idempotency-Key is one value of 1 to 255 visible ASCII characters, quoted or bare.",
            "Idempotency-Key 须为 1 至 255 个可见 ASCII 字符的单个值，可带引号。",
        );
        Problem::field(fault.at("/headers/idempotency-key"))
    };
    if spec.verb == Verb::Get {
        return Ok(None);
    }
    let mut lines = received.headers.get_all(IDEMPOTENCY_KEY).iter();
    let line = match (lines.next(), lines.next(), spec.key) {
        (None, _, KeyRule::Required) => return Err(Problem::new(Code::IdempotencyKeyMissing)),
        (None, _, KeyRule::Optional) => return Ok(None),
        (Some(line), None, KeyRule::Required | KeyRule::Optional) => line,
        (Some(_), Some(_), KeyRule::Required | KeyRule::Optional) => return Err(invalid()),
    };
    let key = key_text(line.as_bytes()).ok_or_else(invalid)?;
    let mut content = Vec::with_capacity(received.body.len() + received.path.len() + 16);
    content.extend_from_slice(received.method.as_str().as_bytes());
    content.push(b' ');
    content.extend_from_slice(received.path.as_bytes());
    content.push(b'\n');
    content.extend_from_slice(&received.body);
    let short = |bytes: &[u8]| crypto::sha256(bytes).first_chunk::<16>().copied().unwrap_or_default();
    Ok(Some(IdempotencyKey { hash: short(key), fingerprint: short(&content) }))
}

/// The key without its quotes: "k" and k are the same.
pub fn key_text(line: &[u8]) -> Option<&[u8]> {
    let bare = match line {
        [b'"', inside @ .., b'"'] => inside,
        [b'"', ..] => return None,
        bare => bare,
    };
    let fits = (1..=255).contains(&bare.len()) && bare.iter().all(u8::is_ascii_graphic);
    fits.then_some(bare)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_with_and_without_quotes_are_the_same() {
        let long = [b'k'; 255];
        let too_long = [b'k'; 256];
        for (line, key) in [
            (&b"k"[..], Some(&b"k"[..])),
            (b"\"k\"", Some(b"k")),
            (b"a\"b", Some(b"a\"b")),
            (&long, Some(&long)),
            (&too_long, None),
            (b"", None),
            (b"\"\"", None),
            (b"\"", None),
            (b"\"k", None),
            (b"a b", None),
            (b"\"a b\"", None),
            ("é".as_bytes(), None),
        ] {
            assert_eq!(key_text(line), key, "{}", String::from_utf8_lossy(line));
        }
    }

    #[test]
    fn only_json_in_utf_8_is_json() {
        for (value, fits) in [
            ("application/json", true),
            ("Application/JSON; charset=UTF-8", true),
            ("application/json; charset=\"utf-8\"", true),
            ("application/json; charset=gbk", false),
            ("application/x-www-form-urlencoded", false),
            ("text/plain", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_TYPE, value.parse().unwrap());
            assert_eq!(is_json(&headers), fits, "{value}");
        }
        assert!(!is_json(&HeaderMap::new()));
    }
}
