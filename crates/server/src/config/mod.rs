//! The settings: defaults, then a TOML file, then the environment. `feiqian.example.toml` explains each. An unknown key is an
//! error that names it. No setting is a secret: those live in files of their own.

mod check;
mod load;
mod master_key;
mod sections;
mod store_url;

pub(crate) use check::is_inside;
pub use load::ConfigFault;
pub use master_key::{KeyKeeper, MasterKeySettings};
pub use sections::{
    Lanes, Limits, Log, LogFormat, LogLevel, RateLimit, RateLimits, Retention, Sandbox, StoreSettings, Tls,
};

pub use store_url::StoreUrl;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::path::PathBuf;

/// Everything that an installation sets.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where merchants, channels and payers come in.
    pub listen: SocketAddr,
    /// Metrics, health, the operator. Never on a public address.
    pub internal_listen: SocketAddr,
    /// The word that it takes to listen there on an address that other machines can reach.
    pub internal_listen_exposed: bool,
    /// The base URL that merchants sign and payers open; without it the address listened on, `https://` with own TLS.
    pub public_url: Option<String>,
    /// Peers whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Where the database and the sandbox channel's book lie.
    pub data_dir: PathBuf,
    /// Where `feiqian archive` puts the oldest part of the journal; without it beside `data_dir`, under its name with `-archive`.
    pub archive_dir: Option<PathBuf>,
    /// The master key, outside `data_dir`.
    pub master_key_file: PathBuf,
    /// Who keeps the master key.
    pub master_key: MasterKeySettings,
    /// The longest that a request waits for a channel's answer, milliseconds.
    pub sync_wait_ms: u64,
    /// Threads that serve requests.
    pub worker_threads: usize,
    /// How long stopping may take before work under way is left to its lease, milliseconds.
    pub stop_max_ms: u64,
    /// Own TLS of the public listener.
    pub tls: Tls,
    /// Own TLS of the internal listener.
    pub internal_tls: Tls,
    /// The sandbox.
    pub sandbox: Sandbox,
    /// Logs.
    pub log: Log,
    /// How often a key may call.
    pub rate_limits: RateLimits,
    /// Bounds of requests and connections.
    pub limits: Limits,
    /// How commands are batched and leased.
    pub lanes: Lanes,
    /// The database.
    pub store: StoreSettings,
    /// How long what may go is kept.
    pub retention: Retention,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            internal_listen: SocketAddr::from(([127, 0, 0, 1], 8081)),
            internal_listen_exposed: false,
            public_url: None,
            trusted_proxies: Vec::new(),
            data_dir: PathBuf::from("feiqian-data"),
            archive_dir: None,
            master_key_file: PathBuf::from("feiqian-master.key"),
            master_key: MasterKeySettings::default(),
            sync_wait_ms: 5_000,
            worker_threads: 2,
            stop_max_ms: 20_000,
            tls: Tls::default(),
            internal_tls: Tls::default(),
            sandbox: Sandbox::default(),
            log: Log::default(),
            rate_limits: RateLimits::default(),
            limits: Limits::default(),
            lanes: Lanes::default(),
            store: StoreSettings::default(),
            retention: Retention::default(),
        }
    }
}

impl Config {
    /// Where the master key is kept.
    ///
    /// # Errors
    /// [`ConfigFault`], which reading the settings has found already.
    pub fn key_place(&self) -> Result<crypto::seal::KeyPlace, ConfigFault> {
        master_key::place(self)
    }

    /// Where the oldest part of the journal rests.
    pub(crate) fn archive_place(&self) -> PathBuf {
        let beside = || {
            let data_dir = std::path::absolute(&self.data_dir).unwrap_or_else(|_| self.data_dir.clone());
            let mut name = data_dir.file_name().unwrap_or_default().to_owned();
            name.push("-archive");
            data_dir.with_file_name(name)
        };
        self.archive_dir.clone().unwrap_or_else(beside)
    }

    /// The database file.
    pub(crate) fn database_file(&self) -> PathBuf {
        self.store.url.file_in(&self.data_dir)
    }

    /// Where a serving process notes its addresses, for commands that must reach it.
    pub(crate) fn serving_note(&self) -> PathBuf {
        self.data_dir.join("serving.json")
    }

    /// The base URL, given the address that is really listened on.
    pub fn public_url_at(&self, listening: SocketAddr) -> String {
        match &self.public_url {
            Some(url) => url.trim_end_matches('/').to_owned(),
            None if self.tls.certificate_file.is_some() => format!("https://{listening}"),
            None => format!("http://{listening}"),
        }
    }

    pub(crate) fn app_settings(&self) -> app::Settings {
        app::Settings {
            sync_wait_ms: self.sync_wait_ms,
            lease_ms: self.lanes.lease_ms,
            batch_max: self.lanes.batch_max,
            lanes_per_shard: self.lanes.per_shard,
            lane_queue_max: self.lanes.queue_max,
            due_poll_ms: self.lanes.due_poll_ms,
            allow_private_webhooks: self.sandbox.allow_private_webhooks,
            takes_duty: true,
            retention: Some(self.retention.to_app()),
            // What is made of merchants' lines stays where those rest, whatever else can't be written to.
            scratch_dir: self.data_dir.clone(),
        }
    }

    pub(crate) fn api_config(&self, public_url: &str) -> api::ApiConfig {
        api::ApiConfig {
            trusted_proxies: self.trusted_proxies.clone(),
            body_max_bytes: self.limits.body_max_bytes,
            body_timeout_ms: self.limits.body_timeout_ms,
            rate_limits: self.rate_limits.to_api(),
            ..api::ApiConfig::new(public_url, env!("CARGO_PKG_VERSION"))
        }
    }
}
