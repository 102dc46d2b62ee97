//! Bytes as an HTTP message: the form in which the targets about headers take theirs.

use http::{HeaderMap, HeaderName, HeaderValue};

/// A request in pieces.
pub struct Message {
    /// The first word of the first line, if it is a method.
    pub method: String,
    /// What follows it.
    pub target: String,
    /// Lines up to an empty one that are header fields.
    pub headers: HeaderMap,
    /// The rest.
    pub body: Vec<u8>,
}

/// Header fields that are read; HTTP libraries have a bound too.
const HEADERS_MAX: usize = 64;

impl Message {
    /// Takes bytes apart; whatever has no place is left out.
    pub fn of(data: &[u8]) -> Message {
        let (head, body) = match find(data, b"\n\n") {
            Some(at) => (data.get(..at).unwrap_or_default(), data.get(at + 2..).unwrap_or_default()),
            None => (data, &[][..]),
        };
        let mut lines = head.split(|byte| *byte == b'\n');
        let first = String::from_utf8_lossy(lines.next().unwrap_or_default()).into_owned();
        let (method, target) = first.split_once(' ').unwrap_or(("GET", "/"));
        let mut headers = HeaderMap::new();
        for line in lines.take(HEADERS_MAX) {
            let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
            let (name, value) = line.split_at(colon);
            let name = HeaderName::from_bytes(name);
            let value = HeaderValue::from_bytes(value.get(1..).unwrap_or_default().trim_ascii());
            if let (Ok(name), Ok(value)) = (name, value) {
                headers.append(name, value);
            }
        }
        Message { method: method.to_owned(), target: target.to_owned(), headers, body: body.to_vec() }
    }
}

fn find(data: &[u8], wanted: &[u8]) -> Option<usize> {
    data.windows(wanted.len()).position(|window| window == wanted)
}
