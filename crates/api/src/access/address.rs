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

/// An entry of a key's list: a network, or one address as a network of its own.
pub fn listed_network(entry: &str) -> Option<IpNet> {
    let only = || entry.parse::<IpAddr>().map(|address| IpNet::from(address.to_canonical()));
    entry.parse::<IpNet>().or_else(|_| only()).ok()
}

/// Whether a key that may come from `own` may hand out `wanted`. An empty list is anywhere; an entry that can't be read is nowhere.
pub fn covers_addresses(own: &[String], wanted: &[String]) -> bool {
    let own_networks = || own.iter().filter_map(|entry| listed_network(entry));
    let is_within = |entry: &String| {
        listed_network(entry).is_some_and(|wanted| own_networks().any(|own| own.contains(&wanted)))
    };
    own.is_empty() || (!wanted.is_empty() && wanted.iter().all(is_within))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_hands_out_more_addresses_than_their_own() {
        let list = |entries: &[&str]| entries.iter().map(|entry| (*entry).to_owned()).collect::<Vec<_>>();
        let own = list(&["203.0.113.0/24", "198.51.100.7", "2001:db8::/32"]);
        assert!(covers_addresses(&[], &[]) && covers_addresses(&[], &own) && covers_addresses(&own, &own));
        for within in [&["203.0.113.9"][..], &["203.0.113.128/25", "198.51.100.7/32"], &["2001:db8:1::/48"]] {
            assert!(covers_addresses(&own, &list(within)), "{within:?}");
        }
        for beyond in
            [&[][..], &["203.0.112.0/23"], &["0.0.0.0/0"], &["203.0.113.9", "192.0.2.1"], &["::/0"], &["x"]]
        {
            assert!(!covers_addresses(&own, &list(beyond)), "{beyond:?}");
        }
        assert!(!covers_addresses(&list(&["x"]), &list(&["203.0.113.9"])));
    }

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
