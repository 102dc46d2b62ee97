//! The tables of the settings file.

use super::StoreUrl;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// `[tls]` and `[internal_tls]`: the own TLS of the public and of the internal listener. Without files they speak plain HTTP.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Tls {
    /// The certificate with its chain, PEM.
    pub certificate_file: Option<PathBuf>,
    /// Its private key, PEM.
    pub key_file: Option<PathBuf>,
    /// How long a handshake may take, milliseconds.
    pub handshake_timeout_ms: u64,
    /// Handshakes computed at once; more wait within their time.
    pub handshakes_max: usize,
    /// Pause between two looks at the files, milliseconds.
    pub reload_ms: u64,
}

impl Default for Tls {
    fn default() -> Tls {
        Tls {
            certificate_file: None,
            key_file: None,
            handshake_timeout_ms: 10_000,
            handshakes_max: 256,
            reload_ms: 10_000,
        }
    }
}

/// `[sandbox]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sandbox {
    /// Whether webhooks of the sandbox may go to private and loopback addresses.
    pub allow_private_webhooks: bool,
    /// Where the sandbox channel keeps its books; without it `data_dir`. Nodes that serve one database share it.
    pub book_dir: Option<PathBuf>,
    /// After this a call that the sandbox channel lost is given up as unknown, milliseconds.
    pub call_timeout_ms: u64,
    /// So late the answer of `answer_late` comes, milliseconds.
    pub late_answer_ms: u64,
}

impl Default for Sandbox {
    fn default() -> Sandbox {
        Sandbox {
            allow_private_webhooks: false,
            book_dir: None,
            call_timeout_ms: 3_000,
            late_answer_ms: 2_000,
        }
    }
}

/// `[log]`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    /// `json` for machines, `pretty` for people.
    pub format: LogFormat,
    /// How much of what this program does is told.
    pub level: LogLevel,
}

impl Default for Log {
    fn default() -> Log {
        Log { format: LogFormat::Json, level: LogLevel::Info }
    }
}

/// How logs are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum LogFormat {
    Json,
    Pretty,
}

/// How much is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum LogLevel {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

impl LogLevel {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            LogLevel::Error => "error",
            LogLevel::Warn => "warn",
            LogLevel::Info => "info",
            LogLevel::Debug => "debug",
            LogLevel::Trace => "trace",
        }
    }
}

/// A steady rate and what may come at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct RateLimit {
    /// Requests per second in the long run.
    pub per_second: u32,
    /// Requests at once.
    pub burst: u32,
}

/// `[rate_limits]`: per key, class of route and world; failed authentications per client address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs)] // the names say it
pub struct RateLimits {
    pub live_read: RateLimit,
    pub live_write: RateLimit,
    pub sandbox_read: RateLimit,
    pub sandbox_write: RateLimit,
    pub failed_access: RateLimit,
}

impl Default for RateLimits {
    fn default() -> RateLimits {
        let of = |rate: api::Rate| RateLimit { per_second: rate.per_second, burst: rate.burst };
        let limits = api::RateLimits::default();
        RateLimits {
            live_read: of(limits.live_read),
            live_write: of(limits.live_write),
            sandbox_read: of(limits.sandbox_read),
            sandbox_write: of(limits.sandbox_write),
            failed_access: of(limits.failed_access),
        }
    }
}

impl RateLimits {
    pub(crate) fn all(&self) -> [(&'static str, RateLimit); 5] {
        [
            ("live_read", self.live_read),
            ("live_write", self.live_write),
            ("sandbox_read", self.sandbox_read),
            ("sandbox_write", self.sandbox_write),
            ("failed_access", self.failed_access),
        ]
    }

    pub(crate) fn to_api(self) -> api::RateLimits {
        let of = |limit: RateLimit| api::Rate { per_second: limit.per_second, burst: limit.burst };
        api::RateLimits {
            live_read: of(self.live_read),
            live_write: of(self.live_write),
            sandbox_read: of(self.sandbox_read),
            sandbox_write: of(self.sandbox_write),
            failed_access: of(self.failed_access),
        }
    }
}

/// `[limits]`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Largest body of a request.
    pub body_max_bytes: usize,
    /// How long a body may take to arrive.
    pub body_timeout_ms: u64,
    /// Connections at once.
    pub connections_max: usize,
    /// Header fields of a request.
    pub headers_max: usize,
    /// Bytes of a request's head.
    pub head_max_bytes: usize,
    /// How long a request's head may take to arrive.
    pub head_timeout_ms: u64,
    /// How long a connection may be idle.
    pub idle_max_ms: u64,
    /// After this a connection is closed at its next pause.
    pub age_max_ms: u64,
}

impl Default for Limits {
    fn default() -> Limits {
        let serve = api::ServeLimits::default();
        let api = api::ApiConfig::new("", "");
        Limits {
            body_max_bytes: api.body_max_bytes,
            body_timeout_ms: api.body_timeout_ms,
            connections_max: serve.connections_max,
            headers_max: serve.headers_max,
            head_max_bytes: serve.head_max_bytes,
            head_timeout_ms: serve.head_timeout_ms,
            idle_max_ms: serve.idle_max_ms,
            age_max_ms: serve.age_max_ms,
        }
    }
}

impl Limits {
    pub(crate) fn to_serve(self, drain_max_ms: u64) -> api::ServeLimits {
        api::ServeLimits {
            connections_max: self.connections_max,
            headers_max: self.headers_max,
            head_max_bytes: self.head_max_bytes,
            head_timeout_ms: self.head_timeout_ms,
            idle_max_ms: self.idle_max_ms,
            age_max_ms: self.age_max_ms,
            drain_max_ms,
        }
    }
}

/// `[lanes]`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Lanes {
    /// The most commands in one commit.
    pub batch_max: usize,
    /// Lanes of one shard, where the database lets several write at once.
    pub per_shard: usize,
    /// The most new commands that wait in one lane; one more is answered 503.
    pub queue_max: usize,
    /// How long work born here is this node's, milliseconds.
    pub lease_ms: u64,
    /// Pause between two looks for work that came due, milliseconds.
    pub due_poll_ms: u64,
}

impl Default for Lanes {
    fn default() -> Lanes {
        let app = app::Settings::default();
        Lanes {
            batch_max: app.batch_max,
            per_shard: app.lanes_per_shard,
            queue_max: app.lane_queue_max,
            lease_ms: app.lease_ms,
            due_poll_ms: app.due_poll_ms,
        }
    }
}

/// `[store]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct StoreSettings {
    /// Which database.
    pub url: StoreUrl,
    /// The password of a PostgreSQL database's user, alone in a file of mode 0600.
    pub password_file: Option<PathBuf>,
    /// Whether `serve` brings the schema to the program's.
    pub migrate: bool,
    /// Threads, or connections, that read.
    pub readers: usize,
    /// Connections that write control rows.
    pub writers: usize,
    /// The longest that a statement of PostgreSQL may take, milliseconds.
    pub statement_timeout_ms: u32,
    /// The longest that it waits for a lock, milliseconds.
    pub lock_timeout_ms: u32,
    /// Whether a PostgreSQL server whose `fsync` is off is served. Its machine's crash loses answered payments: for tests only.
    pub accept_fsync_off: bool,
    /// Page cache of the writer, KiB.
    pub cache_kib: u32,
    /// Page cache of each reader, KiB.
    pub reader_cache_kib: u32,
}

impl Default for StoreSettings {
    fn default() -> StoreSettings {
        StoreSettings {
            url: StoreUrl::default(),
            password_file: None,
            migrate: true,
            readers: 4,
            writers: 4,
            statement_timeout_ms: 10_000,
            lock_timeout_ms: 5_000,
            accept_fsync_off: false,
            cache_kib: 32 * 1_024,
            reader_cache_kib: 4 * 1_024,
        }
    }
}

/// `[retention]`: days of real time. What merchants are promised is the least that can be set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Retention {
    /// Idempotency keys with what was decided under them, and nonces.
    pub idempotency_days: u32,
    /// Events with their deliveries.
    pub events_days: u32,
    /// Tries made at deliveries.
    pub deliveries_days: u32,
    /// The rows by which a commit whose answer was lost is found.
    pub journal_batch_days: u32,
}

impl Default for Retention {
    fn default() -> Retention {
        Retention { idempotency_days: 35, events_days: 90, deliveries_days: 30, journal_batch_days: 7 }
    }
}

impl Retention {
    pub(crate) fn to_app(self) -> app::Retention {
        let Retention { idempotency_days, events_days, deliveries_days, journal_batch_days } = self;
        app::Retention { idempotency_days, events_days, deliveries_days, journal_batch_days }
    }
}
