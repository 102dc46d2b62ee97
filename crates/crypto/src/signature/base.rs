//! The signature base (RFC 9421 section 2.5): the bytes that are signed.

use http::HeaderMap;

use super::fault::Problem;
use super::parse::{Component, ParsedSignature};

/// The parts of a request that signatures cover.
#[derive(Debug, Clone, Copy)]
pub struct RequestParts<'a> {
    /// The method, in the case it was sent.
    pub method: &'a str,
    /// The absolute URI. A server builds it from its public URL and the raw path and query as received.
    pub target_uri: &'a str,
    /// The header fields.
    pub headers: &'a HeaderMap,
}

enum Message<'a> {
    Request(&'a RequestParts<'a>),
    Response { status: u16, headers: &'a HeaderMap },
}

/// The signature base of a request.
///
/// # Errors
/// [`Problem::ComponentAbsent`] for a component the request does not have, [`Problem::ValueNotAscii`].
pub fn signature_base(parsed: &ParsedSignature, request: &RequestParts<'_>) -> Result<String, Problem> {
    build(&parsed.components, &parsed.params, &Message::Request(request))
}

/// The signature base of a response, with `@status` and header fields only.
///
/// # Errors
/// As [`signature_base`].
pub fn signature_base_of_response(
    parsed: &ParsedSignature,
    status: u16,
    headers: &HeaderMap,
) -> Result<String, Problem> {
    build(&parsed.components, &parsed.params, &Message::Response { status, headers })
}

pub(super) fn request_base(
    components: &[Component],
    params: &str,
    request: &RequestParts<'_>,
) -> Result<String, Problem> {
    build(components, params, &Message::Request(request))
}

fn build(components: &[Component], params: &str, message: &Message<'_>) -> Result<String, Problem> {
    let mut base = String::with_capacity(512);
    for component in components {
        base.push('"');
        base.push_str(&component.name);
        base.push('"');
        if let Some(query_name) = &component.query_name {
            base.push_str(";name=");
            push_quoted(&mut base, query_name);
        }
        base.push_str(": ");
        push_value(&mut base, component, message)?;
        base.push('\n');
    }
    base.push_str("\"@signature-params\": ");
    base.push_str(params);
    Ok(base)
}

/// Structured-field text (RFC 9651 section 4.1.6); what was parsed holds printable ASCII only.
pub(super) fn push_quoted(out: &mut String, text: &str) {
    out.push('"');
    for character in text.chars() {
        if matches!(character, '"' | '\\') {
            out.push('\\');
        }
        out.push(character);
    }
    out.push('"');
}

fn push_value(base: &mut String, component: &Component, message: &Message<'_>) -> Result<(), Problem> {
    let name = component.name.as_str();
    let absent = || Problem::ComponentAbsent { name: name.to_owned() };
    if !name.starts_with('@') {
        let headers = match message {
            Message::Request(request) => request.headers,
            Message::Response { headers, .. } => headers,
        };
        return push_field(base, name, headers);
    }
    let request = match message {
        Message::Request(request) => request,
        Message::Response { status, .. } if name == "@status" => {
            base.push_str(&format!("{status:03}"));
            return Ok(());
        }
        Message::Response { .. } => return Err(absent()),
    };
    match name {
        "@method" => base.push_str(request.method),
        "@target-uri" => base.push_str(request.target_uri),
        _ => {
            let uri = Uri::split(request.target_uri).ok_or_else(absent)?;
            base.push_str(&uri.component(component).ok_or_else(absent)?);
        }
    }
    Ok(())
}

/// All lines of a field, trimmed and joined (RFC 9421 section 2.1). Folded lines never get here: the HTTP layer
/// refuses line ends inside values.
fn push_field(base: &mut String, name: &str, headers: &HeaderMap) -> Result<(), Problem> {
    let mut lines = headers.get_all(name).iter().peekable();
    if lines.peek().is_none() {
        return Err(Problem::ComponentAbsent { name: name.to_owned() });
    }
    let mut separator = "";
    for line in lines {
        let text = line.to_str().map_err(|_| Problem::ValueNotAscii { name: name.to_owned() })?;
        base.push_str(separator);
        base.push_str(text.trim_matches([' ', '\t']));
        separator = ", ";
    }
    Ok(())
}

/// An absolute URI, split without changing a byte of path and query.
pub(super) struct Uri<'a> {
    pub scheme: &'a str,
    pub authority: &'a str,
    pub path: &'a str,
    pub query: Option<&'a str>,
}

impl<'a> Uri<'a> {
    pub fn split(uri: &'a str) -> Option<Self> {
        let (scheme, rest) = uri.split_once("://")?;
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, target) = rest.split_at_checked(end)?;
        let target = target.split('#').next().unwrap_or_default();
        let (path, query) = match target.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (target, None),
        };
        Some(Self { scheme, authority, path: if path.is_empty() { "/" } else { path }, query })
    }

    /// RFC 9421 sections 2.2.3 to 2.2.8.
    fn component(&self, component: &Component) -> Option<String> {
        Some(match component.name.as_str() {
            "@scheme" => self.scheme.to_ascii_lowercase(),
            "@authority" => self.normal_authority(),
            "@path" => self.path.to_owned(),
            "@query" => format!("?{}", self.query.unwrap_or_default()),
            "@request-target" => self.target(),
            "@query-param" => query_parameter(self.query?, component.query_name.as_deref()?)?,
            _ => return None,
        })
    }

    /// Path and query, as they stand in a request's first line.
    pub fn target(&self) -> String {
        match self.query {
            Some(query) => format!("{}?{query}", self.path),
            None => self.path.to_owned(),
        }
    }

    fn normal_authority(&self) -> String {
        let authority = self.authority.to_ascii_lowercase();
        let default_port = if self.scheme.eq_ignore_ascii_case("https") { ":443" } else { ":80" };
        authority.strip_suffix(default_port).unwrap_or(&authority).to_owned()
    }
}

/// The authority of an absolute URI, in lower case and without its scheme's default port.
pub(super) fn authority(uri: &str) -> Option<String> {
    Uri::split(uri).map(|uri| uri.normal_authority())
}

/// The only value of a query parameter, decoded and encoded anew; `None` when it is absent or repeated.
fn query_parameter(query: &str, name: &str) -> Option<String> {
    let mut values = query.split('&').filter_map(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        (!pair.is_empty() && form_decode(key) == form_decode(name)).then_some(value)
    });
    let value = values.next()?;
    values.next().is_none().then(|| component_encode(&form_decode(value)))
}

/// Decodes `application/x-www-form-urlencoded` (WHATWG URL); a `%` without two digits stands for itself.
fn form_decode(text: &str) -> Vec<u8> {
    percent_decode(&text.replace('+', " "))
}

/// Resolves every escape; a `%` without two digits stands for itself.
pub(super) fn percent_decode(text: &str) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match (byte, after.split_first_chunk::<2>().and_then(|(digits, _)| hex_byte(*digits))) {
            (b'%', Some(value)) => {
                decoded.push(value);
                rest = after.get(2..).unwrap_or_default();
            }
            _ => decoded.push(byte),
        }
    }
    decoded
}

fn hex_byte(digits: [u8; 2]) -> Option<u8> {
    let [high, low] = digits.map(|digit| char::from(digit).to_digit(16));
    u8::try_from(high? * 16 + low?).ok()
}

/// Percent-encodes by the component set of the WHATWG URL standard.
fn component_encode(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for &byte in bytes {
        if byte.is_ascii_alphanumeric() || b"-_.!~*'()".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(uri: &str, name: &str, query_name: Option<&str>) -> Option<String> {
        let component = Component { name: name.to_owned(), query_name: query_name.map(str::to_owned) };
        Uri::split(uri)?.component(&component)
    }

    /// The examples of RFC 9421 sections 2.2.3 to 2.2.8.
    #[test]
    fn derived_components() {
        let uri = "HTTPS://www.Example.com:443/path?param=value&foo=bar&baz=batman";
        let cases = [
            (uri, "@authority", "www.example.com"),
            (uri, "@scheme", "https"),
            (uri, "@path", "/path"),
            (uri, "@query", "?param=value&foo=bar&baz=batman"),
            (uri, "@request-target", "/path?param=value&foo=bar&baz=batman"),
            ("http://h:8080", "@authority", "h:8080"),
            ("http://h:80?queryString", "@query", "?queryString"),
            ("http://h", "@query", "?"),
            ("http://h", "@path", "/"),
            ("http://h/a%2fb/./c", "@path", "/a%2fb/./c"),
            ("http://h/a?", "@request-target", "/a?"),
        ];
        for (uri, name, expected) in cases {
            assert_eq!(value(uri, name, None).as_deref(), Some(expected), "{name} of {uri}");
        }
        assert_eq!(value("/path", "@path", None), None);
    }

    #[test]
    fn query_parameters() {
        let uri = "https://www.example.com/parameters?var=this%20is%20a%20big%0Avalue&\
                   bar=with+plus+whitespace&fa%C3%A7ade%22%3A%20=something&twice=1&twice=2&qux=&flag&bad=%zz%4";
        let cases = [
            ("var", Some("this%20is%20a%20big%0Avalue")),
            ("bar", Some("with%20plus%20whitespace")),
            ("fa%C3%A7ade%22%3A%20", Some("something")),
            ("qux", Some("")),
            ("flag", Some("")),
            ("bad", Some("%25zz%254")),
            ("twice", None),
            ("absent", None),
        ];
        for (name, expected) in cases {
            assert_eq!(value(uri, "@query-param", Some(name)).as_deref(), expected, "{name}");
        }
    }

    #[test]
    fn fields_are_trimmed_and_joined() {
        let mut headers = HeaderMap::new();
        for (name, value) in [("x", " one "), ("x", "\ttwo"), ("empty", ""), ("cn", "键")] {
            headers.append(name, http::HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        let field = |name: &str| {
            let mut out = String::new();
            push_field(&mut out, name, &headers).map(|()| out)
        };
        assert_eq!(field("x").unwrap(), "one, two");
        assert_eq!(field("empty").unwrap(), "");
        assert_eq!(field("cn").unwrap_err(), Problem::ValueNotAscii { name: "cn".to_owned() });
        assert_eq!(field("none").unwrap_err(), Problem::ComponentAbsent { name: "none".to_owned() });
    }
}
