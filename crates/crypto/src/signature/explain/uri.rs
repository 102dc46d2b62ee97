//! Other ways in which clients write the address that they call.

use super::super::base::{Uri, percent_decode};
use super::mistake::Mistake;

/// The wrong addresses that a client may have signed in place of `right`, each with its name. `host` is the request's
/// `Host`, `called` the address that the client called, where it is known.
pub(super) fn wrong(right: &str, host: Option<&str>, called: Option<&str>) -> Vec<(Mistake, String)> {
    let Some(uri) = Uri::split(right) else { return Vec::new() };
    let (Uri { scheme, authority, .. }, target) = (&uri, &uri.target());
    let at = |authority: &str| format!("{scheme}://{authority}{target}");
    let mut found: Vec<(Mistake, String)> = Vec::new();
    let mut add = |mistake, uri: String| {
        if uri != right && found.iter().all(|(_, known)| *known != uri) {
            found.push((mistake, uri));
        }
    };
    let other_scheme = if *scheme == "https" { "http" } else { "https" };
    add(Mistake::UriScheme, format!("{other_scheme}://{authority}{target}"));
    if let Some(called) = called {
        add(Mistake::UriHost, called.to_owned());
    }
    if let Some(host) = host {
        add(Mistake::UriHost, at(host));
        add(Mistake::UriHost, format!("{other_scheme}://{host}{target}"));
    }
    let bare = authority.rsplit_once(':').map_or(*authority, |(name, _)| name);
    for port in ["80", "443"] {
        add(Mistake::UriPort, at(&format!("{bare}:{port}")));
    }
    add(Mistake::UriPort, at(bare));
    for name in ["localhost", "127.0.0.1"] {
        add(Mistake::UriHost, at(&authority.replacen(bare, name, 1)));
    }
    add(Mistake::UriHost, at(&authority.to_ascii_lowercase()));
    add(Mistake::UriWithoutHost, target.to_owned());
    for (mistake, target) in wrong_targets(&uri) {
        add(mistake, format!("{scheme}://{authority}{target}"));
        add(Mistake::UriWithoutHost, target);
    }
    found
}

fn wrong_targets(uri: &Uri<'_>) -> Vec<(Mistake, String)> {
    let (Uri { path, query, .. }, target) = (uri, &uri.target());
    let mut found = vec![(Mistake::UriSlash, format!("/{target}"))];
    let tail = query.map_or(String::new(), |query| format!("?{query}"));
    found.push(match path.strip_suffix('/') {
        Some(shorter) => (Mistake::UriSlash, format!("{shorter}{tail}")),
        None => (Mistake::UriSlash, format!("{path}/{tail}")),
    });
    if let Some(query) = query {
        found.push((Mistake::UriQueryMissing, (*path).to_owned()));
        let mut sorted: Vec<&str> = query.split('&').collect();
        sorted.sort_unstable();
        found.push((Mistake::UriQueryOrder, format!("{path}?{}", sorted.join("&"))));
        sorted.reverse();
        found.push((Mistake::UriQueryOrder, format!("{path}?{}", sorted.join("&"))));
    }
    let encodings =
        [decoded(target), target.replace('+', "%20"), target.replace("%20", "+"), encoded(target)];
    found.extend(encodings.into_iter().map(|target| (Mistake::UriEncoding, target)));
    for upper in [true, false] {
        found.push((Mistake::UriEncoding, with_hex_case(target, upper)));
    }
    found
}

/// Every escape resolved, where that makes text.
fn decoded(target: &str) -> String {
    String::from_utf8(percent_decode(target)).unwrap_or_else(|_| target.to_owned())
}

/// Escaped once more: what stands for itself in a URL stays.
fn encoded(target: &str) -> String {
    let keeps = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/?&=".contains(&byte);
    let mut out = String::with_capacity(target.len());
    for byte in decoded(target).bytes() {
        if keeps(byte) { out.push(char::from(byte)) } else { out.push_str(&format!("%{byte:02X}")) }
    }
    out
}

fn with_hex_case(target: &str, upper: bool) -> String {
    let mut parts = target.split('%');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (digits, rest) = part.split_at_checked(2).unwrap_or((part, ""));
        let digits = if upper { digits.to_ascii_uppercase() } else { digits.to_ascii_lowercase() };
        out = out + "%" + &digits + rest;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name_of(right: &str, signed: &str) -> Option<Mistake> {
        let found = wrong(right, Some("10.0.0.5:8080"), Some("https://shop.example/v1/payments"));
        found.into_iter().find(|(_, uri)| uri == signed).map(|(mistake, _)| mistake)
    }

    #[test]
    fn each_way_to_write_an_address_wrong() {
        let right = "https://pay.example.com/v1/payments?b=%e8%8c%b6&a=x+y";
        for (signed, expected) in [
            (right, None),
            ("http://pay.example.com/v1/payments?b=%e8%8c%b6&a=x+y", Some(Mistake::UriScheme)),
            ("https://10.0.0.5:8080/v1/payments?b=%e8%8c%b6&a=x+y", Some(Mistake::UriHost)),
            ("http://10.0.0.5:8080/v1/payments?b=%e8%8c%b6&a=x+y", Some(Mistake::UriHost)),
            ("https://shop.example/v1/payments", Some(Mistake::UriHost)),
            ("https://pay.example.com:443/v1/payments?b=%e8%8c%b6&a=x+y", Some(Mistake::UriPort)),
            ("/v1/payments?b=%e8%8c%b6&a=x+y", Some(Mistake::UriWithoutHost)),
            ("/v1/payments", Some(Mistake::UriWithoutHost)),
            ("https://pay.example.com/v1/payments", Some(Mistake::UriQueryMissing)),
            ("https://pay.example.com/v1/payments?a=x+y&b=%e8%8c%b6", Some(Mistake::UriQueryOrder)),
            ("https://pay.example.com/v1/payments?b=茶&a=x+y", Some(Mistake::UriEncoding)),
            ("https://pay.example.com/v1/payments?b=%E8%8C%B6&a=x+y", Some(Mistake::UriEncoding)),
            ("https://pay.example.com/v1/payments?b=%e8%8c%b6&a=x%20y", Some(Mistake::UriEncoding)),
            ("https://pay.example.com//v1/payments?b=%e8%8c%b6&a=x+y", Some(Mistake::UriSlash)),
            ("https://pay.example.com/v1/payments/?b=%e8%8c%b6&a=x+y", Some(Mistake::UriSlash)),
        ] {
            assert_eq!(name_of(right, signed), expected, "{signed}");
        }
        assert_eq!(name_of("http://localhost:8080/v1", "http://127.0.0.1:8080/v1"), Some(Mistake::UriHost));
        assert_eq!(name_of("http://localhost:8080/v1", "http://localhost/v1"), Some(Mistake::UriPort));
        assert!(wrong("nonsense", None, None).is_empty());
    }

    #[test]
    fn escapes() {
        assert_eq!(decoded("/a%2Fb%zz%e8%8c%b6%"), "/a/b%zz茶%");
        assert_eq!(decoded("%ff"), "%ff");
        assert_eq!(with_hex_case("/%e8x%B6%", true), "/%E8x%B6%");
        assert_eq!(encoded("/茶 :"), "/%E8%8C%B6%20%3A");
    }
}
