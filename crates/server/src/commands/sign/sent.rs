//! Reading what people have at hand of a refused request: the raw request, what `curl -v` printed, the problem that came back,
//! the signature base that their program signed. All of it may stand in one file, one part after another.

use anyhow::{Context, Result, bail};
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;

/// Header lines that are read.
const HEADERS_MAX: usize = 128;
/// The line that ends a signature base.
const LAST_LINE: &[u8] = b"\"@signature-params\": ";
/// The line that begins one.
const FIRST_LINE: &[u8] = b"\"@method\": ";

/// What a file holds.
#[derive(Debug, Default)]
pub(crate) struct Sent {
    /// The request, where there is one.
    pub request: Option<Request>,
    /// The problem that came back.
    pub answer: Option<Answer>,
    /// The signature base that the client signed.
    pub client_base: Option<Vec<u8>>,
}

/// A request as it was sent.
#[derive(Debug)]
pub(crate) struct Request {
    pub method: String,
    /// As it stands in the first line: a path with its query, or a whole URL.
    pub target: String,
    pub headers: HeaderMap,
    /// `None`: the file does not show it, as `curl -v` does not.
    pub body: Option<Vec<u8>>,
    /// Whether it went over TLS, where the file tells.
    pub tls: Option<bool>,
}

/// What of a problem document matters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub code: String,
    pub detail: String,
    /// Sandbox only.
    pub signature_base: Option<String>,
    /// Unix seconds.
    pub server_time_s: Option<i64>,
}

impl Sent {
    /// Reads a file's bytes.
    pub fn read(bytes: &[u8]) -> Result<Sent> {
        let lines = lines(bytes);
        let verbose =
            lines.iter().position(|line| line.text.strip_prefix(b"> ").is_some_and(is_request_line));
        match verbose {
            Some(at) => read_verbose(bytes, &lines, at),
            None => read_raw(bytes, &lines),
        }
    }
}

/// A line without its end, and where it stands.
struct Line<'a> {
    text: &'a [u8],
    start: usize,
    /// Behind its end.
    next: usize,
}

fn lines(bytes: &[u8]) -> Vec<Line<'_>> {
    let mut found = Vec::new();
    let mut start = 0;
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let text = line.strip_suffix(b"\n").unwrap_or(line);
        found.push(Line { text: text.strip_suffix(b"\r").unwrap_or(text), start, next: start + line.len() });
        start += line.len();
    }
    found
}

/// `POST /v1/payments HTTP/1.1`, the version may be absent.
fn is_request_line(line: &[u8]) -> bool {
    request_line(line).is_some()
}

fn request_line(line: &[u8]) -> Option<(&str, &str)> {
    let text = std::str::from_utf8(line).ok()?;
    let mut words = text.split(' ');
    let (method, target, version) = (words.next()?, words.next()?, words.next());
    let named = !method.is_empty() && method.bytes().all(|byte| byte.is_ascii_uppercase());
    let placed = target.starts_with('/') || target.contains("://");
    let versioned = version.is_none_or(|version| version.starts_with("HTTP/"));
    (named && placed && versioned && words.next().is_none()).then_some((method, target))
}

/// What `curl -v` prints: `>` before what it sent, `<` before what came back, `*` before what it did.
fn read_verbose(bytes: &[u8], lines: &[Line<'_>], at: usize) -> Result<Sent> {
    let rest = lines.get(at..).unwrap_or_default();
    let sent = rest.iter().map_while(|line| line.text.strip_prefix(b">"));
    let mut head =
        sent.map(|line| line.strip_prefix(b" ").unwrap_or(line)).take_while(|line| !line.is_empty());
    let first = head.next().and_then(request_line).context("the line after > is no request line")?;
    let headers = headers(head)?;
    let tells = |words: &[&str]| {
        lines.iter().filter_map(|line| line.text.strip_prefix(b"*")).any(|line| {
            let line = String::from_utf8_lossy(line);
            words.iter().any(|word| line.contains(word))
        })
    };
    let tls = match (tells(&["SSL connection", "TLSv", "ALPN"]), tells(&["Connected to"])) {
        (true, _) => Some(true),
        (false, true) => Some(false),
        (false, false) => None,
    };
    let (method, target) = (first.0.to_owned(), first.1.to_owned());
    let request = Request { method, target, headers, body: None, tls };
    let from = rest.first().map_or(0, |line| line.start);
    let tail = bytes.get(from..).unwrap_or_default();
    Ok(Sent { request: Some(request), answer: answer(tail), client_base: base(tail) })
}

/// A request as it goes over the wire, then perhaps the answer and the client's base.
fn read_raw(bytes: &[u8], lines: &[Line<'_>]) -> Result<Sent> {
    let Some(at) = lines.iter().position(|line| is_request_line(line.text)) else {
        return Ok(Sent { request: None, answer: answer(bytes), client_base: base(bytes) });
    };
    let rest = lines.get(at..).unwrap_or_default();
    let first = rest.first().and_then(|line| request_line(line.text)).context("no request line")?;
    let headers = headers(rest.iter().skip(1).map(|line| line.text).take_while(|line| !line.is_empty()))?;
    let end = rest.iter().find(|line| line.text.is_empty()).map_or(bytes.len(), |line| line.next);
    let after = bytes.get(end..).unwrap_or_default();
    let (body, tail) = split_body(&headers, after);
    let (method, target) = (first.0.to_owned(), first.1.to_owned());
    let request = Request { method, target, headers, body: Some(body.to_vec()), tls: None };
    Ok(Sent { request: Some(request), answer: answer(tail), client_base: base(tail) })
}

fn headers<'a>(lines: impl Iterator<Item = &'a [u8]>) -> Result<HeaderMap> {
    let mut found = HeaderMap::new();
    for (at, line) in lines.enumerate() {
        if at >= HEADERS_MAX {
            bail!("more than {HEADERS_MAX} header lines");
        }
        let shown = || format!("header line {}: {:?}", at + 1, String::from_utf8_lossy(line));
        let place = line.iter().position(|byte| *byte == b':').with_context(shown)?;
        let (name, value) = line.split_at(place);
        let value = value.get(1..).unwrap_or_default().trim_ascii();
        let name = HeaderName::from_bytes(name).with_context(shown)?;
        found.append(name, HeaderValue::from_bytes(value).with_context(shown)?);
    }
    Ok(found)
}

/// Body and what stands after it. `Content-Length` tells; without it the body goes up to the next part, and a line end before
/// that, or at the end of the file, is taken for the editor's unless the digest says that it was sent.
fn split_body<'a>(headers: &HeaderMap, after: &'a [u8]) -> (&'a [u8], &'a [u8]) {
    let declared = headers.get(http::header::CONTENT_LENGTH);
    let declared = declared.and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if let Some(split) = declared.and_then(|bytes| after.split_at_checked(bytes)) {
        return split;
    }
    let next =
        lines(after).iter().find(|line| is_next_part(line.text)).map_or(after.len(), |line| line.start);
    let (body, tail) = after.split_at(next);
    let mut shorter = body;
    loop {
        if crypto::digest::verify_content_digest(headers, shorter).is_ok() {
            return (shorter, tail);
        }
        let cut = shorter.strip_suffix(b"\n").map(|cut| cut.strip_suffix(b"\r").unwrap_or(cut));
        match cut {
            Some(cut) => shorter = cut,
            None => return (shorter, tail),
        }
    }
}

fn is_next_part(line: &[u8]) -> bool {
    line.starts_with(b"HTTP/1.") || line.starts_with(b"HTTP/2") || line.starts_with(FIRST_LINE)
}

/// The first problem document in a text.
pub(crate) fn answer(text: &[u8]) -> Option<Answer> {
    let opened = text.iter().enumerate().filter(|(_, byte)| **byte == b'{').map(|(at, _)| at);
    // The outermost object comes first; what is inside of it is no problem document.
    opened.take(PLACES_MAX).find_map(|at| {
        let rest = text.get(at..)?;
        let value = serde_json::Deserializer::from_slice(rest).into_iter::<Value>().next()?.ok()?;
        let of = |name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
        let time = of("server_time").and_then(|time| time.parse::<jiff::Timestamp>().ok());
        Some(Answer {
            code: of("code").filter(|_| value.get("status").is_some())?,
            detail: of("detail").unwrap_or_default(),
            signature_base: of("signature_base"),
            server_time_s: time.map(jiff::Timestamp::as_second),
        })
    })
}

/// Places at which a problem document is looked for.
const PLACES_MAX: usize = 64;

/// The signature base in a text: from its first line to its last. What stands between the two need not be right.
fn base(text: &[u8]) -> Option<Vec<u8>> {
    let lines = lines(text);
    let first = lines.iter().position(|line| line.text.starts_with(FIRST_LINE))?;
    let last = lines.iter().skip(first).find(|line| line.text.starts_with(LAST_LINE))?;
    let start = lines.get(first)?.start;
    Some(text.get(start..last.start + last.text.len())?.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "POST /v1/payments?a=b HTTP/1.1\nHost: pay.example.com\nSignature: sig1=:AAAA:\n";
    const DIGEST: &str = "Content-Digest: sha-256=:RBNvpkxnhuyC6HdR+OU4wBpP9ky2OWcHs4W0jsDIbQE=:\n";
    const PROBLEM: &str = "{\"status\":401,\"code\":\"signature_invalid\",\"detail\":\"no\",\"server_time\":\
         \"2026-01-02T03:04:05.678Z\",\"signature_base\":\"\\\"@method\\\": POST\"}";

    fn body(text: &str) -> Vec<u8> {
        Sent::read(text.as_bytes()).unwrap().request.unwrap().body.unwrap()
    }

    #[test]
    fn a_raw_request_with_either_line_end() {
        for text in [format!("{HEAD}\n{{\"a\":1}}"), format!("\n\n{HEAD}\n{{\"a\":1}}").replace('\n', "\r\n")]
        {
            let request = Sent::read(text.as_bytes()).unwrap().request.unwrap();
            assert_eq!((&*request.method, &*request.target), ("POST", "/v1/payments?a=b"));
            assert_eq!(request.headers["host"], "pay.example.com");
            assert_eq!(request.body.unwrap(), b"{\"a\":1}");
        }
    }

    #[test]
    fn the_body_ends_where_it_says_or_where_the_next_part_begins() {
        assert_eq!(body(&format!("{HEAD}Content-Length: 3\n\n{{}}\n\n\n")), b"{}\n");
        assert_eq!(body(&format!("{HEAD}\n{{}}\n")), b"{}", "an editor's line end");
        assert_eq!(body(&format!("{HEAD}\n{{}}\n\nHTTP/1.1 401 Unauthorized\n\n{PROBLEM}\n")), b"{}");
        assert_eq!(body(&format!("{HEAD}\n")), b"");
        assert_eq!(body(HEAD), b"");
        // The digest of "{}" alone, so that the line end was not sent.
        let digest = crypto::digest::content_digest(b"{}\n");
        assert_eq!(
            body(&format!("{HEAD}Content-Digest: {digest}\n\n{{}}\n\n")),
            b"{}\n",
            "the digest knows better"
        );
        assert_eq!(body(&format!("{HEAD}{DIGEST}\n{{}}\n")), b"{}");
    }

    #[test]
    fn an_answer_and_a_base_stand_after_the_request() {
        let base = "\"@method\": POST\r\n\"@target-uri\": x\r\n\"@signature-params\": ();created=1";
        let text =
            format!("{HEAD}\n{{}}\n\nHTTP/1.1 401 Unauthorized\nServer: nginx\n\n{PROBLEM}\n\n{base}\n");
        let sent = Sent::read(text.as_bytes()).unwrap();
        let expected = Answer {
            code: "signature_invalid".to_owned(),
            detail: "no".to_owned(),
            signature_base: Some("\"@method\": POST".to_owned()),
            server_time_s: Some(1_767_323_045),
        };
        assert_eq!(sent.answer, Some(expected));
        assert_eq!(sent.client_base.as_deref(), Some(base.as_bytes()));
        let alone = Sent::read(format!("{PROBLEM}\n{base}").as_bytes()).unwrap();
        assert!(alone.request.is_none() && alone.answer.is_some() && alone.client_base.is_some());
        assert!(Sent::read(b"").unwrap().request.is_none());
        assert_eq!(answer(b"{\"status\":\"succeeded\",\"id\":{\"code\":\"x\"}}"), None);
    }

    #[test]
    fn what_curl_printed() {
        let text = "*   Trying 127.0.0.1:8443...\n* Connected to localhost (127.0.0.1) port 8443 (#0)\n* SSL connection using TLSv1.3\n\
                    > POST /v1/payments HTTP/1.1\r\n> Host: localhost:8443\r\n> Signature: sig1=:AAAA:\r\n>\r\n} [5 bytes data]\n\
                    < HTTP/1.1 401 Unauthorized\r\n< Content-Type: application/problem+json\r\n<\r\n{ [5 bytes data]\n";
        let sent = Sent::read(format!("{text}{PROBLEM}\n").as_bytes()).unwrap();
        let request = sent.request.unwrap();
        assert_eq!((&*request.method, request.tls, request.body), ("POST", Some(true), None));
        assert_eq!(request.headers["signature"], "sig1=:AAAA:");
        assert_eq!(sent.answer.unwrap().code, "signature_invalid");
        let plain = text.replace("* SSL connection using TLSv1.3\n", "");
        assert_eq!(Sent::read(plain.as_bytes()).unwrap().request.unwrap().tls, Some(false));
    }

    #[test]
    fn bad_lines_are_named() {
        for (text, part) in [
            ("GET / HTTP/1.1\nno colon\n\n", "header line 1"),
            ("GET / HTTP/1.1\nHost: h\nbad name: x\n\n", "header line 2"),
        ] {
            let fault = format!("{:#}", Sent::read(text.as_bytes()).unwrap_err());
            assert!(fault.contains(part), "{fault}");
        }
        let many = format!("GET / HTTP/1.1\n{}\n", "a: b\n".repeat(129));
        assert!(Sent::read(many.as_bytes()).is_err());
        for text in [&b"\xff\xfe\n> \n"[..], b"GET /", b"> GET / HTTP/1.1", b"{{{{", b"\"@method\": \n"] {
            // Whatever it is, it is read or refused, and nothing panics.
            let _ = Sent::read(text);
        }
    }
}
