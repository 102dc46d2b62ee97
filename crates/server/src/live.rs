//! What must be so before live money is served: a base URL that merchants, payers and channels can reach. The sandbox alone may
//! be served on a developer's own machine.

use anyhow::{Result, bail};
use domain::World;
use store::control::Snapshot;
use url::Host;

/// Whether nobody but this machine can reach a base URL: loopback, `localhost`, or "every address".
pub(crate) fn is_loopback(public_url: &str) -> bool {
    let Ok(url) = url::Url::parse(public_url) else { return false };
    match url.host() {
        None => true,
        Some(Host::Domain(name)) => {
            let name = name.trim_end_matches('.').to_ascii_lowercase();
            name == "localhost" || name.ends_with(".localhost")
        }
        Some(Host::Ipv4(ip)) => ip.is_loopback() || ip.is_unspecified(),
        Some(Host::Ipv6(ip)) => {
            let ip = ip.to_canonical();
            ip.is_loopback() || ip.is_unspecified()
        }
    }
}

/// What of an installation is live, in words; `None` when all of it is the sandbox's.
fn what_is_live(snapshot: &Snapshot) -> Option<String> {
    if let Some(merchant) = snapshot.merchants.iter().find(|merchant| merchant.world == World::Live) {
        return Some(format!("merchant {}", merchant.id));
    }
    let mut accounts = snapshot.channel_accounts.iter();
    let account = accounts.find(|stored| stored.world == World::Live)?;
    Some(format!("channel account {}", account.account.id))
}

/// Refuses to serve live under a URL that only this machine can reach: callbacks and payers would never arrive, and what
/// merchants sign would be wrong on every other machine.
///
/// # Errors
/// A sentence that says what to set.
pub(crate) fn refuse_loopback(public_url: &str, snapshot: &Snapshot) -> Result<()> {
    match what_is_live(snapshot) {
        Some(what) if is_loopback(public_url) => bail!(
            "public_url is {public_url}, which only this machine can reach, and {what} is live: set public_url to the address \
             under which merchants, payers and channels reach this server, such as https://pay.example.com"
        ),
        Some(_) if !public_url.starts_with("https://") => {
            tracing::warn!(
                public_url,
                "live is served over plain HTTP: what merchants and payers send can be read on the way; use https://"
            );
            Ok(())
        }
        Some(_) | None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_has_many_names() {
        for url in [
            "http://127.0.0.1:8080",
            "https://127.9.9.9",
            "http://localhost:8080",
            "https://LOCALHOST./",
            "https://pay.localhost",
            "http://[::1]:8080",
            "http://[::ffff:127.0.0.1]",
            "http://0.0.0.0:8080",
            "http://[::]",
            "http://0x7f.1",
        ] {
            assert!(is_loopback(url), "{url}");
        }
        for url in [
            "https://pay.example.com",
            "http://10.0.0.1",
            "https://localhost.example.com",
            "https://[2001:db8::1]",
        ] {
            assert!(!is_loopback(url), "{url}");
        }
    }
}
