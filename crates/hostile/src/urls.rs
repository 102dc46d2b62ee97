//! Addresses that a merchant has events sent to.

use app::webhook::guard::{UrlRules, check_url, is_forbidden};
use domain::id::World;
use std::net::IpAddr;
use url::Host;

/// Whatever the notation, an address inside is refused, in live also where the sandbox is open.
pub fn webhook(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    for allow_private in [false, true] {
        let rules = UrlRules { allow_private };
        if let Ok(url) = check_url(text, World::Live, &rules) {
            assert_eq!(url.scheme(), "https");
            assert!(url.username().is_empty() && url.password().is_none());
            match url.host() {
                Some(Host::Ipv4(ip)) => assert!(!is_forbidden(IpAddr::V4(ip)), "{url}"),
                Some(Host::Ipv6(ip)) => assert!(!is_forbidden(IpAddr::V6(ip)), "{url}"),
                // What a resolver would read as an address must have been read as one here.
                Some(Host::Domain(name)) => assert!(name.parse::<IpAddr>().is_err(), "{url}"),
                None => panic!("no host: {url}"),
            }
            let again = check_url(url.as_str(), World::Live, &rules);
            assert_eq!(again.as_ref(), Ok(&url), "judged otherwise when read again");
        }
        let _ = check_url(text, World::Sandbox, &rules);
    }
}
