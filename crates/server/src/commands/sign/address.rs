//! Under which address the server sees a request, and which one the client called, as far as the request tells.

use super::sent::Request;
use http::header;

/// The first line and the `Host` of a request.
#[derive(Clone, Copy)]
pub(super) struct Address<'a>(pub &'a Request);

impl<'a> Address<'a> {
    /// Path and query as sent.
    pub fn target(self) -> &'a str {
        let target = self.0.target.as_str();
        match target.split_once("://") {
            Some((_, rest)) => rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/"),
            None => target,
        }
    }

    fn host(self) -> Option<&'a str> {
        self.0.headers.get(header::HOST)?.to_str().ok()
    }

    /// The public URL that a server used in this signature base.
    pub fn of_base(self, base: &str) -> Option<String> {
        let uri = base.lines().find_map(|line| line.strip_prefix("\"@target-uri\": "))?;
        // Another target than sent: something on the way changed it.
        uri.strip_suffix(self.target()).map(str::to_owned).or_else(|| origin(uri))
    }

    /// The public URL of a first line that holds a whole URL.
    pub fn of_first_line(self) -> Option<String> {
        origin(&self.0.target)
    }

    /// A public URL from `Host` and the scheme that is usual for it.
    pub fn of_host(self) -> Option<String> {
        let host = self.host()?;
        let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
        let is_near = name == "localhost" || name.starts_with("127.") || host.starts_with("[::1]");
        let usual = if is_near { "http" } else { "https" };
        Some(format!("{}://{host}", self.scheme().unwrap_or(usual)))
    }

    /// The URL that the client called. Where the file does not tell its scheme, that is not judged: it is the server's.
    pub fn called(self, public_url: &str) -> Option<String> {
        if self.0.target.contains("://") {
            return Some(self.0.target.clone());
        }
        let servers = public_url.split_once("://").map_or("https", |(scheme, _)| scheme);
        Some(format!("{}://{}{}", self.scheme().unwrap_or(servers), self.host()?, self.target()))
    }

    fn scheme(self) -> Option<&'static str> {
        self.0.tls.map(|tls| if tls { "https" } else { "http" })
    }
}

/// A public URL as the server puts it before path and query; `None`: it is none.
pub(super) fn public_url(url: &str) -> Option<String> {
    origin(url).map(|_| url.trim_end_matches('/').to_owned())
}

/// `https://host:port` of a URL.
fn origin(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let is_http = scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https");
    let authority = rest.split(['/', '?', '#']).next().filter(|authority| !authority.is_empty())?;
    is_http.then(|| format!("{scheme}://{authority}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderMap, HeaderValue};

    fn request(target: &str, host: &'static str, tls: Option<bool>) -> Request {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, HeaderValue::from_static(host));
        Request { method: "GET".to_owned(), target: target.to_owned(), headers, body: None, tls }
    }

    #[test]
    fn where_a_request_went() {
        for (host, tls, url) in [
            ("pay.example.com", None, "https://pay.example.com"),
            ("pay.example.com:8080", Some(false), "http://pay.example.com:8080"),
            ("localhost:8080", None, "http://localhost:8080"),
            ("localhost:8443", Some(true), "https://localhost:8443"),
            ("127.0.0.1", None, "http://127.0.0.1"),
            ("[::1]:8080", None, "http://[::1]:8080"),
            ("[::1]", None, "http://[::1]"),
        ] {
            let request = request("/v1/payments?a=b", host, tls);
            let address = Address(&request);
            assert_eq!(address.of_host().as_deref(), Some(url), "{host}");
            assert!(address.called("https://x").is_some_and(|called| called.ends_with("/v1/payments?a=b")));
        }
        let whole = request("https://pay.example.com/v1/whoami?", "other", None);
        assert_eq!(Address(&whole).target(), "/v1/whoami?");
        assert_eq!(Address(&whole).of_first_line().as_deref(), Some("https://pay.example.com"));
        assert_eq!(
            Address(&whole).called("https://x").as_deref(),
            Some("https://pay.example.com/v1/whoami?")
        );
        let unknown = request("/v1/whoami", "h", None);
        assert_eq!(Address(&unknown).called("http://x").as_deref(), Some("http://h/v1/whoami"));
        let base = |uri: &str| format!("\"@method\": GET\n\"@target-uri\": {uri}\n\"@signature-params\": ()");
        let of_base = |uri: &str| Address(&unknown).of_base(&base(uri));
        assert_eq!(of_base("https://h/pay/v1/whoami").as_deref(), Some("https://h/pay"));
        assert_eq!(of_base("https://h/v1/other").as_deref(), Some("https://h"));
        assert_eq!(Address(&unknown).of_base("nonsense"), None);
    }

    #[test]
    fn public_urls_may_have_a_path() {
        for (text, url) in [
            ("https://h/", Some("https://h")),
            ("https://h:1/pay/", Some("https://h:1/pay")),
            ("pay.example.com", None),
            ("ftp://h", None),
            ("https:///x", None),
        ] {
            assert_eq!(public_url(text).as_deref(), url, "{text}");
        }
    }
}
