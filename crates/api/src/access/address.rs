//! The client's address. `X-Forwarded-For` counts only as far as trusted proxies wrote it.

use http::HeaderMap;
use ipnet::IpNet;
use std::net::{IpAddr, SocketAddr};

/// The peer of the connection; the accept loop leaves it in the request's extensions.
#[derive(Debug, Clone, Copy)]
pub struct PeerAddr(pub SocketAddr);

/// Entries of `X-Forwarded-For` that are looked at.
const HOPS_MAX: usize = 16;

/// The client's address: the peer's, unless the peer is a trusted proxy; then the last address in `X-Forwarded-For` that
/// no trusted proxy wrote about another one.
pub fn client_address(peer: Option<IpAddr>, headers: &HeaderMap, trusted: &[IpNet]) -> Option<IpAddr> {
    let mut address = peer?.to_canonical();
    let is_trusted = |address: IpAddr| trusted.iter().any(|net| net.contains(&address));
    if !is_trusted(address) {
        return Some(address);
    }
    let lines = headers.get_all("x-forwarded-for").iter().rev().filter_map(|line| line.to_str().ok());
    for hop in lines.flat_map(|line| line.rsplit(',')).take(HOPS_MAX) {
        let Some(found) = parse_hop(hop.trim()) else { break };
        address = found;
        if !is_trusted(address) {
            break;
        }
    }
    Some(address)
}

fn parse_hop(text: &str) -> Option<IpAddr> {
    let bare =
        text.strip_prefix('[').and_then(|rest| rest.split_once(']')).map_or(text, |(inside, _)| inside);
    let parsed: Result<IpAddr, _> = bare.parse();
    parsed
        .or_else(|_| text.parse::<SocketAddr>().map(|with_port| with_port.ip()))
        .ok()
        .map(|ip| ip.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(peer: &str, forwarded: &[&str], trusted: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for line in forwarded {
            headers.append("x-forwarded-for", line.parse().unwrap());
        }
        let trusted: Vec<IpNet> = trusted.iter().map(|net| net.parse().unwrap()).collect();
        client_address(Some(peer.parse().unwrap()), &headers, &trusted).unwrap().to_string()
    }

    #[test]
    fn forwarded_addresses_count_only_from_trusted_proxies() {
        assert_eq!(seen("203.0.113.9", &["1.1.1.1"], &[]), "203.0.113.9");
        assert_eq!(seen("203.0.113.9", &["1.1.1.1"], &["10.0.0.0/8"]), "203.0.113.9");
        assert_eq!(seen("10.0.0.1", &["6.6.6.6, 1.1.1.1"], &["10.0.0.0/8"]), "1.1.1.1");
        assert_eq!(seen("10.0.0.1", &["1.1.1.1, 10.0.0.2"], &["10.0.0.0/8"]), "1.1.1.1");
        assert_eq!(seen("10.0.0.1", &["6.6.6.6", "1.1.1.1"], &["10.0.0.0/8"]), "1.1.1.1");
        assert_eq!(seen("10.0.0.1", &["nonsense"], &["10.0.0.0/8"]), "10.0.0.1");
        assert_eq!(seen("10.0.0.1", &["1.1.1.1:4711"], &["10.0.0.0/8"]), "1.1.1.1");
        assert_eq!(seen("10.0.0.1", &["[2001:db8::1]:4711"], &["10.0.0.0/8"]), "2001:db8::1");
        assert_eq!(seen("::ffff:10.0.0.1", &["1.1.1.1"], &["10.0.0.0/8"]), "1.1.1.1");
        assert_eq!(seen("10.0.0.1", &[], &["10.0.0.0/8"]), "10.0.0.1");
    }
}
