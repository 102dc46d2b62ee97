//! The command line's way to the internal listener of the process that serves this data.

use crate::config::Config;
use crate::service::Serving;
use crate::tls::{PairFiles, pinned_client};
use anyhow::Result;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

/// An HTTP client that reaches the internal listener and nothing else.
pub(crate) struct Inside {
    client: reqwest::Client,
    base: String,
    /// Where it connects to, for sentences.
    pub at: SocketAddr,
}

impl Inside {
    /// Where the serving process noted that it listens, else where the settings say; with TLS, it must hold the key of the
    /// certificate that the settings name.
    pub(crate) fn of(config: &Config, timeout: Duration) -> Result<Inside> {
        let noted = Serving::read(config).map(|serving| serving.internal_listen);
        let at = reachable(noted.unwrap_or(config.internal_listen));
        let builder = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(timeout);
        let (builder, scheme) = match PairFiles::of(&config.internal_tls) {
            Some(files) => (builder.tls_backend_preconfigured(pinned_client(&files)?), "https"),
            None => (builder, "http"),
        };
        Ok(Inside { client: builder.build()?, base: format!("{scheme}://{at}"), at })
    }

    pub(crate) fn get(&self, path: &str) -> reqwest::RequestBuilder {
        self.client.get(format!("{}{path}", self.base))
    }

    pub(crate) fn post(&self, path: &str) -> reqwest::RequestBuilder {
        self.client.post(format!("{}{path}", self.base))
    }
}

/// Who listens on every address is reached over loopback.
fn reachable(listening: SocketAddr) -> SocketAddr {
    let ip = match listening.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, listening.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_address_is_reached_over_loopback() {
        for (listening, reached) in [
            ("0.0.0.0:8081", "127.0.0.1:8081"),
            ("[::]:8081", "[::1]:8081"),
            ("127.0.0.1:8081", "127.0.0.1:8081"),
            ("10.1.2.3:8081", "10.1.2.3:8081"),
        ] {
            assert_eq!(reachable(listening.parse().unwrap()), reached.parse().unwrap());
        }
    }
}
