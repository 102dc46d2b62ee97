//! Header fields.

use crate::message::Message;
use api::outside;
use ipnet::IpNet;
use std::net::{IpAddr, Ipv4Addr};

const PROXY: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));

/// Without a trusted proxy the peer is the client; with one, the client is never the unspecified form of itself.
pub fn forwarded_for(data: &[u8]) {
    let message = Message::of(data);
    assert_eq!(outside::client_address(PROXY, &message.headers, &[]), Some(PROXY), "nobody is trusted");
    let trusted: Vec<IpNet> = "10.0.0.0/8".parse().into_iter().collect();
    let Some(found) = outside::client_address(PROXY, &message.headers, &trusted) else {
        panic!("a peer has an address");
    };
    assert_eq!(found.to_canonical(), found, "one client would have two addresses");
}

/// A key that is taken is visible ASCII of a bounded length, and the same with quotes around it.
pub fn idempotency_key(data: &[u8]) {
    let Some(key) = outside::idempotency_key(data) else { return };
    assert!((1..=255).contains(&key.len()) && key.iter().all(u8::is_ascii_graphic));
    if !key.starts_with(b"\"") {
        let quoted = [b"\"", key, b"\""].concat();
        assert_eq!(outside::idempotency_key(&quoted), Some(key));
    }
}

/// There are two languages.
pub fn language(data: &[u8]) {
    let message = Message::of(&[b"GET /\naccept-language: ", data].concat());
    assert!(["en", "zh-CN"].contains(&outside::language(&message.headers)));
}

/// A digest that is taken is the body's: that of another body is not.
pub fn content_digest(data: &[u8]) {
    let message = Message::of(data);
    if crypto::digest::verify_content_digest(&message.headers, &message.body).is_ok() {
        let other = [message.body.as_slice(), b"."].concat();
        assert!(
            crypto::digest::verify_content_digest(&message.headers, &other).is_err(),
            "good for two bodies"
        );
    }
}
