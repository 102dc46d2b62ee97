//! What the site answers: bytes with their type, a tag that saves sending them twice, and a policy that loads nothing from
//! elsewhere and runs no script but our own file.

use crate::text::Lang;
use axum::body::Body;
use axum::response::Response;
use http::header::{
    ACCEPT_LANGUAGE, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH, LOCATION,
    VARY,
};
use http::{HeaderMap, HeaderValue, StatusCode};

/// Style sheet, script, pictures and requests from ourselves only.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; \
    form-action 'self'; frame-ancestors 'none'; base-uri 'none'";
/// A picture that is opened by itself: its own styles, nothing else.
const FILE_POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'";

/// What is answered.
pub(super) enum Kind {
    Html,
    Json,
    Markdown,
    Text,
    /// A file of this media type.
    File(&'static str),
    /// A file whose address changes with it.
    Forever(&'static str),
}

/// The bytes, or 304 when the reader has them.
pub(super) fn answer(asked: &HeaderMap, kind: Kind, bytes: Vec<u8>) -> Response {
    let tag = format!("\"{}\"", crypto::hex(crypto::sha256(&bytes).get(..12).unwrap_or_default()));
    let is_known = asked
        .get(IF_NONE_MATCH)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|known| known.split(',').any(|known| known.trim().trim_start_matches("W/") == tag));
    let mut response = Response::new(Body::empty());
    if is_known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    } else {
        *response.body_mut() = Body::from(bytes);
    }
    let (media_type, policy, cache) = match kind {
        Kind::Html => ("text/html; charset=utf-8", POLICY, "no-cache"),
        Kind::Json => ("application/json", FILE_POLICY, "no-cache"),
        Kind::Markdown => ("text/markdown; charset=utf-8", FILE_POLICY, "no-cache"),
        Kind::Text => ("text/plain; charset=utf-8", FILE_POLICY, "no-cache"),
        Kind::File(media_type) => (media_type, FILE_POLICY, "no-cache"),
        Kind::Forever(media_type) => (media_type, FILE_POLICY, "public, max-age=31536000, immutable"),
    };
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(cache));
    headers.insert("x-content-type-options", HeaderValue::from_static("nosniff"));
    headers.insert("referrer-policy", HeaderValue::from_static("no-referrer"));
    // The pages under /docs/errors speak the reader's language.
    headers.insert(VARY, HeaderValue::from_name(ACCEPT_LANGUAGE));
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(ETAG, tag);
    }
    response
}

/// Off to the pages of a language.
pub(super) fn moved(lang: Lang, slug: &str) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::FOUND;
    let mark = if slug.is_empty() { "" } else { "/" };
    if let Ok(location) = HeaderValue::from_str(&format!("/docs/{}{mark}{slug}", lang.prefix())) {
        response.headers_mut().insert(LOCATION, location);
    }
    response.headers_mut().insert(VARY, HeaderValue::from_name(ACCEPT_LANGUAGE));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_reader_has_is_not_sent_again() {
        let mut asked = HeaderMap::new();
        let first = answer(&asked, Kind::Html, b"page".to_vec());
        assert_eq!(first.status(), StatusCode::OK);
        asked.insert(IF_NONE_MATCH, first.headers().get(ETAG).unwrap().clone());
        assert_eq!(answer(&asked, Kind::Html, b"page".to_vec()).status(), StatusCode::NOT_MODIFIED);
        assert_eq!(answer(&asked, Kind::Html, b"other".to_vec()).status(), StatusCode::OK);
    }

    #[test]
    fn nothing_may_be_loaded_from_elsewhere() {
        assert!(!POLICY.contains("unsafe") && !POLICY.contains("http"));
        assert_eq!(moved(Lang::Zh, "").headers().get(LOCATION).unwrap(), "/docs/zh");
    }
}
