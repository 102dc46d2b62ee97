//! Which addresses the platform may be sent to by a merchant's word (SSRF). The address in the URL is looked at when it is
//! given, and again before each try together with every address that its name resolves to.

use domain::id::World;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use url::{Host, Url};

/// The longest URL taken, in bytes.
pub const URL_MAX_BYTES: usize = 2_048;

/// What the operator decided about addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct UrlRules {
    /// The sandbox may send to loopback and private addresses (`sandbox.allow_private_webhooks`). Never holds for live.
    pub allow_private: bool,
}

impl UrlRules {
    /// Whether private addresses are open in a world.
    pub fn private_in(self, world: World) -> bool {
        match world {
            World::Live => false,
            World::Sandbox => self.allow_private,
        }
    }
}

/// Why a URL is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UrlRefusal {
    /// No absolute URL.
    #[error("it is no absolute URL of at most {URL_MAX_BYTES} bytes")]
    Malformed,
    /// Another scheme.
    #[error("its scheme is neither https nor http")]
    Scheme,
    /// Plain HTTP in live.
    #[error("in live it must be https")]
    HttpsRequired,
    /// A name or password in it.
    #[error("it carries a user name or password")]
    UserInfo,
    /// No host, or port 0.
    #[error("it names no host and port to connect to")]
    NoHost,
    /// An address inside somebody's network, or of no host at all.
    #[error("its host is a private, loopback, link-local or reserved address")]
    ForbiddenAddress,
}

/// Checks a URL as text. Any notation of an address (decimal, octal, hexadecimal, IPv4 in IPv6, a trailing dot, full-width
/// digits) is read as a browser reads it and judged by its value. A name is judged when it is resolved, at each try.
///
/// # Errors
/// [`UrlRefusal`].
pub fn check_url(url: &str, world: World, rules: &UrlRules) -> Result<Url, UrlRefusal> {
    if url.len() > URL_MAX_BYTES {
        return Err(UrlRefusal::Malformed);
    }
    let url = Url::parse(url).map_err(|_| UrlRefusal::Malformed)?;
    match (url.scheme(), world) {
        ("https", _) | ("http", World::Sandbox) => {}
        ("http", World::Live) => return Err(UrlRefusal::HttpsRequired),
        _ => return Err(UrlRefusal::Scheme),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(UrlRefusal::UserInfo);
    }
    if url.port() == Some(0) {
        return Err(UrlRefusal::NoHost);
    }
    let private = rules.private_in(world);
    let forbidden = match url.host().ok_or(UrlRefusal::NoHost)? {
        Host::Ipv4(ip) => !may_connect(IpAddr::V4(ip), private),
        Host::Ipv6(ip) => !may_connect(IpAddr::V6(ip), private),
        Host::Domain(name) => !private && is_local_name(name),
    };
    if forbidden { Err(UrlRefusal::ForbiddenAddress) } else { Ok(url) }
}

/// `localhost` and names under it are this machine by definition (RFC 6761).
fn is_local_name(name: &str) -> bool {
    let name = name.trim_end_matches('.');
    name.is_empty() || name == "localhost" || name.ends_with(".localhost")
}

/// Whether a connection to an address may be made. `private` opens loopback and private networks only: link-local addresses,
/// among them the metadata services of clouds, multicast and reserved ones stay shut.
pub fn may_connect(ip: IpAddr, private: bool) -> bool {
    !is_forbidden(ip) || (private && is_private(ip.to_canonical()))
}

/// Whether an address is not one of a host on the public internet. IPv4 written in IPv6 is judged as IPv4.
pub fn is_forbidden(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(ip) => is_forbidden_v4(ip),
        IpAddr::V6(ip) => is_forbidden_v6(ip),
    }
}

/// The special-purpose registry of IANA for IPv4 (RFC 6890 and later entries).
fn is_forbidden_v4(ip: Ipv4Addr) -> bool {
    match ip.octets() {
        // This network, private, loopback.
        [0 | 10 | 127, ..] | [172, 16..=31, ..] | [192, 168, ..] => true,
        // Shared by carriers, link-local, protocol assignments, the former 6to4 relays.
        [100, 64..=127, ..] | [169, 254, ..] | [192, 0, 0, _] | [192, 88, 99, _] => true,
        // Documentation, benchmarks.
        [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] | [198, 18..=19, ..] => true,
        // Multicast, reserved, broadcast.
        [224..=255, ..] => true,
        _ => false,
    }
}

/// Only 2000::/3 is global unicast; of it, what IANA lists as special. That shuts `::`, `::1`, IPv4-compatible addresses,
/// 64:ff9b::/96 and 64:ff9b:1::/48, 100::/64, 5f00::/16, fc00::/7, fe80::/10 and ff00::/8.
fn is_forbidden_v6(ip: Ipv6Addr) -> bool {
    match ip.segments() {
        // Protocol assignments (Teredo, ORCHID, benchmarks), documentation twice, 6to4.
        [0x2001, 0x0000..=0x01ff, ..]
        | [0x2001, 0x0db8, ..]
        | [0x3fff, 0x0000..=0x0fff, ..]
        | [0x2002, ..] => true,
        [0x2000..=0x3fff, ..] => false,
        _ => true,
    }
}

/// Loopback, RFC 1918, carriers' shared space, unique local IPv6 without the metadata service that lives there.
fn is_private(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => {
            matches!(ip.octets(), [10 | 127, ..] | [172, 16..=31, ..] | [192, 168, ..] | [100, 64..=127, ..])
        }
        IpAddr::V6(ip) => match ip.segments() {
            [0, 0, 0, 0, 0, 0, 0, 1] => true,
            [0xfd00, 0x0ec2, ..] => false,
            [0xfc00..=0xfdff, ..] => true,
            _ => false,
        },
    }
}

/// Whether a URL's host is the host of one of the merchant's registered endpoints.
pub fn host_is_registered<'a>(url: &str, endpoints: impl Iterator<Item = &'a str>) -> bool {
    let Some(host) = host_of(url) else { return false };
    endpoints.filter_map(host_of).any(|registered| registered == host)
}

/// The host in its normal form, lower case, without a last dot.
fn host_of(url: &str) -> Option<String> {
    let url = Url::parse(url).ok()?;
    Some(url.host_str()?.trim_end_matches('.').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const STRICT: UrlRules = UrlRules { allow_private: false };
    const OPEN: UrlRules = UrlRules { allow_private: true };

    /// The corpus of R56: each is refused in both worlds unless private addresses are open.
    const FORBIDDEN: [&str; 52] = [
        "https://0.0.0.0/",
        "https://0.1.2.3/",
        "https://10.0.0.1/",
        "https://100.64.0.1/",
        "https://100.127.255.255/",
        "https://127.0.0.1/",
        "https://127.0.0.1./",
        "https://127.1/",
        "https://127.255.255.254:8443/hook",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0x7f.0.0.1/",
        "https://0177.0.0.1/",
        "https://017700000001/",
        "https://%31%32%37.0.0.1/",
        "https://１２７.0.0.1/",
        "https://①②⑦.0.0.1/",
        "https://127。0。0。1/",
        "https://169.254.169.254/latest/meta-data/",
        "https://2852039166/",
        "https://172.16.0.1/",
        "https://172.31.255.255/",
        "https://192.0.0.8/",
        "https://192.0.2.1/",
        "https://192.88.99.1/",
        "https://192.168.1.1/",
        "https://198.18.0.1/",
        "https://198.51.100.7/",
        "https://203.0.113.9/",
        "https://224.0.0.1/",
        "https://240.0.0.1/",
        "https://255.255.255.255/",
        "https://[::]/",
        "https://[::1]/",
        "https://[0:0:0:0:0:0:0:1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[::ffff:a9fe:a9fe]/",
        "https://[::ffff:10.1.2.3]/",
        "https://[::127.0.0.1]/",
        "https://[64:ff9b::7f00:1]/",
        "https://[64:ff9b:1::1]/",
        "https://[100::1]/",
        "https://[2001::1]/",
        "https://[2001:db8::1]/",
        "https://[2002:7f00:1::]/",
        "https://[3fff::1]/",
        "https://[5f00::1]/",
        "https://[fc00::1]/",
        "https://[fd12:3456::1]/",
        "https://[fe80::1]/",
        "https://[ff02::1]/",
        "https://LOCALHOST./",
    ];

    #[test]
    fn addresses_inside_are_refused_in_any_notation() {
        for url in FORBIDDEN {
            for world in [World::Live, World::Sandbox] {
                assert_eq!(check_url(url, world, &STRICT), Err(UrlRefusal::ForbiddenAddress), "{url}");
            }
            assert!(check_url(url, World::Live, &OPEN).is_err(), "live stays shut: {url}");
        }
    }

    #[test]
    fn the_rest_of_a_url_is_checked() {
        let cases = [
            ("ftp://example.com/", UrlRefusal::Scheme),
            ("file:///etc/passwd", UrlRefusal::Scheme),
            ("gopher://127.0.0.1:6379/_", UrlRefusal::Scheme),
            ("http://example.com/", UrlRefusal::HttpsRequired),
            ("https://user@example.com/", UrlRefusal::UserInfo),
            ("https://example.com:443@127.0.0.1/", UrlRefusal::UserInfo),
            ("https://user:pass@example.com/", UrlRefusal::UserInfo),
            ("https://example.com:0/", UrlRefusal::NoHost),
            ("https:///", UrlRefusal::Malformed),
            ("/hook", UrlRefusal::Malformed),
            ("https://256.256.256.256/", UrlRefusal::Malformed),
            ("https://1.2.3.4.5/", UrlRefusal::Malformed),
            ("https://[fe80::1%25eth0]/", UrlRefusal::Malformed),
        ];
        for (url, refusal) in cases {
            assert_eq!(check_url(url, World::Live, &STRICT), Err(refusal), "{url}");
        }
        let long = format!("https://example.com/{}", "a".repeat(URL_MAX_BYTES));
        assert_eq!(check_url(&long, World::Live, &STRICT), Err(UrlRefusal::Malformed));
    }

    #[test]
    fn public_hosts_are_taken() {
        for url in [
            "https://example.com/hook?a=b",
            "https://example.com.:8443/",
            "https://bücher.example/",
            "https://8.8.8.8/",
            "https://[2606:4700::1111]/",
            "https://[::ffff:8.8.8.8]/",
        ] {
            assert!(check_url(url, World::Live, &STRICT).is_ok(), "{url}");
        }
        assert!(check_url("http://example.com/", World::Sandbox, &STRICT).is_ok());
    }

    #[test]
    fn the_sandbox_may_be_opened_for_private_addresses_only() {
        for url in [
            "http://127.0.0.1:9000/",
            "http://localhost/",
            "http://10.1.2.3/",
            "http://[::1]/",
            "http://[fd12::1]/",
        ] {
            assert!(check_url(url, World::Sandbox, &OPEN).is_ok(), "{url}");
        }
        for url in [
            "http://169.254.169.254/",
            "http://[fe80::1]/",
            "http://[fd00:ec2::254]/",
            "http://0.0.0.0/",
            "http://224.0.0.1/",
        ] {
            assert_eq!(check_url(url, World::Sandbox, &OPEN), Err(UrlRefusal::ForbiddenAddress), "{url}");
        }
    }

    #[test]
    fn hosts_are_compared_in_their_normal_form() {
        let registered = ["https://Shop.Example/hooks", "https://bücher.example/"];
        let known = |url| host_is_registered(url, registered.into_iter());
        assert!(known("https://shop.example:8443/other") && known("https://SHOP.example./x"));
        assert!(known("https://xn--bcher-kva.example/"));
        assert!(
            !known("https://evil.example/") && !known("https://shop.example.evil/") && !known("nonsense")
        );
        assert!(!known("https://pay.shop.example/"));
    }
}
