//! What an installation sets about its HTTP faces. Units are in the names.

use ipnet::IpNet;

/// Settings of the public face.
#[derive(Debug, Clone)]
pub struct ApiConfig {
    /// The base URL that merchants sign, such as `https://pay.example.com`; never taken from `Host`.
    pub public_url: String,
    /// Peers whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Largest body of a request.
    pub body_max_bytes: usize,
    /// How long a body may take to arrive.
    pub body_timeout_ms: u64,
    /// Bytes of all bodies at once, the first 16 KiB of each not counted: whoever holds many large ones open gets no more, and
    /// those of the usual size go on.
    pub bodies_max_bytes: usize,
    /// How often a key may call.
    pub rate_limits: RateLimits,
    /// The version shown in `Feiqian-Version` and whoami.
    pub version: String,
}

impl ApiConfig {
    /// Settings with defaults for everything but the base URL and the version.
    pub fn new(public_url: &str, version: &str) -> ApiConfig {
        ApiConfig {
            public_url: public_url.trim_end_matches('/').to_owned(),
            trusted_proxies: Vec::new(),
            body_max_bytes: 256 * 1024,
            body_timeout_ms: 15_000,
            bodies_max_bytes: 64 * 1024 * 1024,
            rate_limits: RateLimits::default(),
            version: version.to_owned(),
        }
    }
}

/// A steady rate and what may come at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Requests per second in the long run; at least 1.
    pub per_second: u32,
    /// Requests at once; at least 1.
    pub burst: u32,
}

/// Limits per API key, class of route and world, and for failed authentication per client address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimits {
    /// GET in live.
    pub live_read: Rate,
    /// POST, PATCH, DELETE in live.
    pub live_write: Rate,
    /// GET in the sandbox.
    pub sandbox_read: Rate,
    /// POST, PATCH, DELETE in the sandbox.
    pub sandbox_write: Rate,
    /// Failed authentications of one client address (IPv6: one /64).
    pub failed_access: Rate,
}

impl Default for RateLimits {
    fn default() -> RateLimits {
        let rate = |per_second, burst| Rate { per_second, burst };
        RateLimits {
            live_read: rate(2_000, 4_000),
            live_write: rate(5_000, 10_000),
            sandbox_read: rate(2_000, 4_000),
            sandbox_write: rate(2_000, 4_000),
            failed_access: rate(20, 200),
        }
    }
}

/// Bounds of a listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServeLimits {
    /// Connections at once; more wait in the system's queue.
    pub connections_max: usize,
    /// Header fields of a request.
    pub headers_max: usize,
    /// Bytes of a request's head.
    pub head_max_bytes: usize,
    /// How long a request's head may take to arrive.
    pub head_timeout_ms: u64,
    /// How long a connection may be idle before or between requests.
    pub idle_max_ms: u64,
    /// After this a connection is closed at its next pause, so that load balancers see new nodes.
    pub age_max_ms: u64,
    /// How long open requests may take to end at shutdown.
    pub drain_max_ms: u64,
}

impl Default for ServeLimits {
    fn default() -> ServeLimits {
        ServeLimits {
            connections_max: 8_192,
            headers_max: 64,
            head_max_bytes: 32 * 1024,
            head_timeout_ms: 10_000,
            idle_max_ms: 75_000,
            age_max_ms: 600_000,
            drain_max_ms: 20_000,
        }
    }
}
