//! Values that are well-formed and still can't be.

use super::{Config, ConfigFault, StoreUrl, Tls};
use std::ops::RangeInclusive;
use std::path::{Component, Path, PathBuf};

/// Of a database that several nodes may serve: a lease is renewed each second and ends for its holder a second sooner than for the
/// others. With less, a renewal that takes a moment longer leaves the work to nobody.
const SHARED_LEASE_LEAST_MS: u64 = 4_000;

pub(super) fn check(config: &Config) -> Result<(), ConfigFault> {
    public_url(config.public_url.as_deref())?;
    both_files("tls", &config.tls)?;
    both_files("internal_tls", &config.internal_tls)?;
    scheme(config)?;
    internal_listen(config)?;
    outside_data_dir(config)?;
    super::master_key::place(config)?;
    let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    // Who works under a lease must be done, or have given up, before it ends.
    let lease_least = config.sandbox.call_timeout_ms.saturating_add(1_000).max(match config.store.url {
        StoreUrl::Sqlite { .. } => 0,
        StoreUrl::Postgres { .. } => SHARED_LEASE_LEAST_MS,
    });
    for (key, value, range) in [
        ("worker_threads", count(config.worker_threads), 1..=256),
        ("sync_wait_ms", config.sync_wait_ms, 0..=30_000),
        ("stop_max_ms", config.stop_max_ms, 0..=600_000),
        ("master_key.timeout_ms", config.master_key.timeout_ms, 100..=120_000),
        ("tls.handshake_timeout_ms", config.tls.handshake_timeout_ms, 100..=60_000),
        ("tls.handshakes_max", count(config.tls.handshakes_max), 1..=65_536),
        ("tls.reload_ms", config.tls.reload_ms, 100..=3_600_000),
        ("internal_tls.handshake_timeout_ms", config.internal_tls.handshake_timeout_ms, 100..=60_000),
        ("internal_tls.handshakes_max", count(config.internal_tls.handshakes_max), 1..=65_536),
        ("internal_tls.reload_ms", config.internal_tls.reload_ms, 100..=3_600_000),
        ("sandbox.call_timeout_ms", config.sandbox.call_timeout_ms, 50..=20_000),
        ("sandbox.late_answer_ms", config.sandbox.late_answer_ms, 10..=20_000),
        ("lanes.batch_max", count(config.lanes.batch_max), 1..=1_024),
        ("lanes.per_shard", count(config.lanes.per_shard), 1..=64),
        ("lanes.queue_max", count(config.lanes.queue_max), 1..=1_000_000),
        ("lanes.lease_ms", config.lanes.lease_ms, lease_least..=600_000),
        ("lanes.due_poll_ms", config.lanes.due_poll_ms, 10..=60_000),
        ("store.readers", count(config.store.readers), 1..=64),
        ("store.writers", count(config.store.writers), 1..=64),
        ("store.statement_timeout_ms", u64::from(config.store.statement_timeout_ms), 100..=600_000),
        ("store.lock_timeout_ms", u64::from(config.store.lock_timeout_ms), 10..=600_000),
        ("store.cache_kib", u64::from(config.store.cache_kib), 1_024..=16_777_216),
        ("store.reader_cache_kib", u64::from(config.store.reader_cache_kib), 256..=16_777_216),
        // Merchants are promised 30 days of keys and of events; an event's tries go no later than the event.
        ("retention.idempotency_days", u64::from(config.retention.idempotency_days), 30..=36_500),
        ("retention.events_days", u64::from(config.retention.events_days), 30..=36_500),
        (
            "retention.deliveries_days",
            u64::from(config.retention.deliveries_days),
            7..=u64::from(config.retention.events_days),
        ),
        ("retention.journal_batch_days", u64::from(config.retention.journal_batch_days), 1..=36_500),
        ("limits.body_max_bytes", count(config.limits.body_max_bytes), 1_024..=16_777_216),
        ("limits.body_timeout_ms", config.limits.body_timeout_ms, 100..=600_000),
        ("limits.connections_max", count(config.limits.connections_max), 1..=1_000_000),
        ("limits.headers_max", count(config.limits.headers_max), 16..=1_024),
        ("limits.head_max_bytes", count(config.limits.head_max_bytes), 8_192..=1_048_576),
        ("limits.head_timeout_ms", config.limits.head_timeout_ms, 100..=600_000),
        ("limits.idle_max_ms", config.limits.idle_max_ms, 100..=3_600_000),
        ("limits.age_max_ms", config.limits.age_max_ms, 1_000..=86_400_000),
    ] {
        within(key, value, range)?;
    }
    for (name, limit) in config.rate_limits.all() {
        if limit.per_second == 0 || limit.burst == 0 {
            let why = format!("{name}: per_second and burst are at least 1");
            return Err(ConfigFault::Value { key: "rate_limits", why });
        }
    }
    Ok(())
}

fn outside_data_dir(config: &Config) -> Result<(), ConfigFault> {
    let archive = config.archive_place();
    for (key, path, why) in [
        ("master_key_file", &config.master_key_file, "so that a copy of the data would carry its key"),
        ("archive_dir", &archive, "which is lost and restored as a whole"),
    ] {
        if is_inside(path, &config.data_dir) {
            let why = format!("lies inside data_dir, {why}: name a place outside of it");
            return Err(ConfigFault::Value { key, why });
        }
    }
    Ok(())
}

fn within(key: &'static str, value: u64, range: RangeInclusive<u64>) -> Result<(), ConfigFault> {
    if range.contains(&value) {
        return Ok(());
    }
    let why = format!("{value} is not between {} and {}", range.start(), range.end());
    Err(ConfigFault::Value { key, why })
}

fn public_url(url: Option<&str>) -> Result<(), ConfigFault> {
    let Some(text) = url else { return Ok(()) };
    let parsed = url::Url::parse(text).ok().filter(|url| {
        let plain = url.query().is_none() && url.fragment().is_none();
        let anonymous = url.username().is_empty() && url.password().is_none();
        matches!(url.scheme(), "http" | "https") && url.has_host() && plain && anonymous
    });
    match parsed {
        Some(_) => Ok(()),
        None => {
            let why = "must be http(s)://host[:port], without user, query and fragment".to_owned();
            Err(ConfigFault::Value { key: "public_url", why })
        }
    }
}

/// A certificate without its key, or the other way round, is a line that somebody forgot.
fn both_files(key: &'static str, tls: &Tls) -> Result<(), ConfigFault> {
    let missing = match (&tls.certificate_file, &tls.key_file) {
        (Some(_), Some(_)) | (None, None) => return Ok(()),
        (Some(_), None) => "key_file is missing beside certificate_file",
        (None, Some(_)) => "certificate_file is missing beside key_file",
    };
    Err(ConfigFault::Value { key, why: missing.to_owned() })
}

/// Merchants sign public_url: with own TLS they reach nothing under `http://`.
fn scheme(config: &Config) -> Result<(), ConfigFault> {
    let is_plain =
        config.public_url.as_deref().is_some_and(|url| !url.to_ascii_lowercase().starts_with("https://"));
    if config.tls.certificate_file.is_some() && is_plain {
        let why = "must begin with https://, since tls.certificate_file is set".to_owned();
        return Err(ConfigFault::Value { key: "public_url", why });
    }
    Ok(())
}

/// The internal listener shows metrics to whoever asks.
fn internal_listen(config: &Config) -> Result<(), ConfigFault> {
    let at = config.internal_listen;
    if at.ip().to_canonical().is_loopback() || config.internal_listen_exposed {
        return Ok(());
    }
    let why = format!(
        "{at} can be reached by other machines, and metrics are shown to whoever asks: name a loopback address such as \
         127.0.0.1:8081, or, where a firewall or a container's own network stands before it, set internal_listen_exposed = true"
    );
    Err(ConfigFault::Value { key: "internal_listen", why })
}

/// Whether a path lies under a directory, by their names after `.` and `..` are resolved.
pub(crate) fn is_inside(path: &Path, directory: &Path) -> bool {
    plain(path).starts_with(plain(directory))
}

fn plain(path: &Path) -> PathBuf {
    let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut plain = PathBuf::new();
    for part in whole.components() {
        match part {
            Component::ParentDir => {
                plain.pop();
            }
            Component::CurDir => {}
            Component::Prefix(_) | Component::RootDir | Component::Normal(_) => plain.push(part),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inside_and_outside() {
        for (path, directory, inside) in [
            ("/a/b/key", "/a/b", true),
            ("/a/bb/key", "/a/b", false),
            ("/a/b/../key", "/a/b", false),
            ("/a/./b/c/../key", "/a/b/", true),
            ("key", "data", false),
            ("data/key", "data", true),
        ] {
            assert_eq!(is_inside(Path::new(path), Path::new(directory)), inside, "{path} in {directory}");
        }
    }
}
