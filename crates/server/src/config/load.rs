//! Reads the settings. `FEIQIAN__LOG__LEVEL` is `log.level`: a single underscore can't separate, as keys have underscores.

use super::{Config, check};
use config::{Environment, File, FileFormat};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// Looked for where the program is started, when no file is named.
const FILE_HERE: &str = "feiqian.toml";
/// A settings file is no larger.
const FILE_BYTES_MAX: u64 = 256 * 1_024;

/// What is wrong with the settings.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)] // the messages say what the fields are
pub enum ConfigFault {
    #[error("the settings file {path} can't be read: {why}", path = .path.display())]
    File { path: PathBuf, why: String },
    #[error("settings: {0}")]
    Read(String),
    #[error("settings: {key}: {why}")]
    Value { key: &'static str, why: String },
}

impl Config {
    /// The settings of a file (or of `./feiqian.toml`, or the defaults) and the environment.
    ///
    /// # Errors
    /// [`ConfigFault`].
    pub fn load(path: Option<&Path>) -> Result<Config, ConfigFault> {
        let text = match path {
            Some(path) => Some(read_file(path)?),
            None if Path::new(FILE_HERE).is_file() => Some(read_file(Path::new(FILE_HERE))?),
            None => None,
        };
        // Variables of others need not even be UTF-8.
        let ours = std::env::vars_os()
            .filter_map(|(key, value)| Some((key.into_string().ok()?, value.into_string().ok()?)));
        Config::read(
            text.as_deref(),
            ours.filter(|(key, _)| key.to_ascii_uppercase().starts_with("FEIQIAN__")).collect(),
        )
    }

    /// The settings of a TOML text and variables.
    ///
    /// # Errors
    /// [`ConfigFault`].
    pub fn read(toml: Option<&str>, variables: HashMap<String, String>) -> Result<Config, ConfigFault> {
        let environment = Environment::with_prefix("FEIQIAN")
            .prefix_separator("__")
            .separator("__")
            .try_parsing(true)
            .list_separator(",")
            .with_list_parse_key("trusted_proxies")
            .ignore_empty(true)
            .source(Some(variables));
        let builder =
            config::Config::builder().add_source(File::from_str(toml.unwrap_or(""), FileFormat::Toml));
        let read = builder.add_source(environment).build();
        let config: Config = read
            .and_then(config::Config::try_deserialize)
            .map_err(|error| ConfigFault::Read(error.to_string()))?;
        check::check(&config)?;
        Ok(config)
    }
}

fn read_file(path: &Path) -> Result<String, ConfigFault> {
    let fault = |why: String| ConfigFault::File { path: path.to_owned(), why };
    let bytes = std::fs::metadata(path).map_err(|error| fault(error.to_string()))?.len();
    if bytes > FILE_BYTES_MAX {
        return Err(fault(format!("{bytes} bytes are too many for a settings file")));
    }
    std::fs::read_to_string(path).map_err(|error| fault(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::super::{LogFormat, LogLevel};
    use super::*;

    /// Commands are run with the data directory as the current one, as units of systemd do.
    #[test]
    fn an_archive_lies_beside_the_data_wherever_a_command_is_run() {
        for (data_dir, place) in
            [("/var/lib/feiqian", "/var/lib/feiqian-archive"), ("/srv/pay/", "/srv/pay-archive")]
        {
            let config = Config { data_dir: data_dir.into(), ..Config::default() };
            assert_eq!(config.archive_place(), std::path::Path::new(place));
        }
        let here = std::env::current_dir().unwrap();
        let master_key_file = "/etc/feiqian/keys/master.key".into();
        let config = Config { data_dir: ".".into(), master_key_file, ..Config::default() };
        assert_eq!(config.archive_place().parent(), here.parent());
        crate::config::check::check(&config).unwrap();
    }

    fn read(toml: &str, variables: &[(&str, &str)]) -> Result<Config, String> {
        let variables = variables.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        Config::read(Some(toml), variables).map_err(|fault| fault.to_string())
    }

    #[test]
    fn nothing_set_is_the_defaults() {
        assert_eq!(read("", &[]).unwrap(), Config::default());
    }

    #[test]
    fn the_example_is_the_defaults_and_names_every_key() {
        let example = include_str!("../../../../feiqian.example.toml");
        assert_eq!(read(example, &[]).unwrap(), Config::default());
        // Every commented setting is one, at its default.
        let uncommented: String = example
            .lines()
            .map(|line| match line.strip_prefix("# ").filter(|rest| is_setting(rest)) {
                Some(rest) => format!("{rest}\n"),
                None => format!("{line}\n"),
            })
            .collect();
        let mut read = read(&uncommented, &[]).unwrap();
        // What has no default is shown by an example.
        read.public_url = None;
        (read.master_key.module, read.master_key.token_label, read.master_key.pin_file) = (None, None, None);
        (read.store.password_file, read.sandbox.book_dir, read.archive_dir) = (None, None, None);
        for tls in [&mut read.tls, &mut read.internal_tls] {
            (tls.certificate_file, tls.key_file) = (None, None);
        }
        assert_eq!(read, Config::default());
        let all = serde_json::to_value(Config::default()).unwrap();
        let mut names = Vec::new();
        leaves(&all, &mut names);
        for name in names {
            assert!(uncommented.contains(&format!("{name} =")), "{name} is missing in the example");
        }
    }

    fn is_setting(line: &str) -> bool {
        let name = line.split_once(" = ").map_or("", |(name, _)| name);
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
    }

    fn leaves(value: &serde_json::Value, names: &mut Vec<String>) {
        for (name, inner) in value.as_object().unwrap() {
            let is_table = inner.as_object().is_some_and(|table| !table.contains_key("per_second"));
            if is_table { leaves(inner, names) } else { names.push(name.clone()) }
        }
    }

    /// Settings are shown by `config check`, kept in repositories and pasted into tickets: a secret among them is lost. What is
    /// named like one names a file.
    #[test]
    fn no_setting_is_a_secret() {
        let mut names = Vec::new();
        leaves(&serde_json::to_value(Config::default()).unwrap(), &mut names);
        let words = ["secret", "password", "token", "key", "credential"];
        let like_secrets: Vec<&String> =
            names.iter().filter(|name| words.iter().any(|word| name.contains(word))).collect();
        assert!(like_secrets.len() >= 3, "{names:?}");
        // The name of a device, which everybody who lists the devices is shown.
        let is_public = |name: &str| name == "token_label";
        assert!(
            like_secrets.iter().all(|name| name.ends_with("_file") || is_public(name)),
            "{like_secrets:?}"
        );
    }

    #[test]
    fn an_unknown_key_is_named_in_every_section() {
        for (toml, name) in [
            ("listen_on = 1", "listen_on"),
            ("[sandbox]\nallow_all = true", "allow_all"),
            ("[log]\nfromat = 'json'", "fromat"),
            ("[rate_limits]\nreads = {per_second = 1, burst = 1}", "reads"),
            ("[rate_limits]\nlive_read = {per_second = 1, burst = 1, window = 1}", "window"),
            ("[limits]\nbody_max = 1", "body_max"),
            ("[lanes]\nbatch = 1", "batch"),
            ("[store]\nthreads = 2", "threads"),
            ("[tls]\nkey = 'k.pem'", "key"),
            ("[internal_tls]\npassword = 'x'", "password"),
            ("[lanse]\nbatch_max = 1", "lanse"),
        ] {
            let fault = read(toml, &[]).unwrap_err();
            assert!(fault.contains(&format!("`{name}`")), "{toml}: {fault}");
        }
        for (variable, name) in [("FEIQIAN__LISTEN_ON", "listen_on"), ("FEIQIAN__LOG__LEVLE", "levle")] {
            let fault = read("", &[(variable, "1")]).unwrap_err();
            assert!(fault.contains(&format!("`{name}`")), "{variable}: {fault}");
        }
    }

    #[test]
    fn the_environment_wins_over_the_file() {
        let toml = "listen = '127.0.0.1:1000'\nsync_wait_ms = 7\n[log]\nlevel = 'error'\nformat = 'pretty'";
        let variables = [
            ("FEIQIAN__LISTEN", "127.0.0.1:2000"),
            ("FEIQIAN__LOG__LEVEL", "debug"),
            ("FEIQIAN__SANDBOX__ALLOW_PRIVATE_WEBHOOKS", "true"),
            ("FEIQIAN__TRUSTED_PROXIES", "10.0.0.0/8,::1/128"),
            ("FEIQIAN__DATA_DIR", "/srv/feiqian"),
            ("FEIQIAN__RATE_LIMITS__LIVE_READ__PER_SECOND", "5"),
            ("FEIQIAN__RATE_LIMITS__LIVE_READ__BURST", "6"),
            ("FEIQIAN__PUBLIC_URL", "https://pay.example.com"),
        ];
        let config = read(toml, &variables).unwrap();
        assert_eq!(config.listen.port(), 2000);
        assert_eq!(
            (config.sync_wait_ms, config.log.level, config.log.format),
            (7, LogLevel::Debug, LogFormat::Pretty)
        );
        assert!(config.sandbox.allow_private_webhooks);
        assert_eq!(config.trusted_proxies.len(), 2);
        assert_eq!(config.database_file(), Path::new("/srv/feiqian/feiqian.db"));
        assert_eq!(config.rate_limits.live_read.burst, 6);
        assert_eq!(config.public_url_at(config.listen), "https://pay.example.com");
    }

    #[test]
    fn bad_values_are_named() {
        for (toml, part) in [
            ("listen = 'here'", "listen"),
            ("trusted_proxies = ['10.0.0.0/33']", "trusted_proxies"),
            ("[log]\nlevel = 'loud'", "loud"),
            ("sync_wait_ms = -1", "sync_wait_ms"),
            ("sync_wait_ms = 'soon'", "sync_wait_ms"),
            ("public_url = 'pay.example.com'", "public_url"),
            ("public_url = 'ftp://pay.example.com'", "public_url"),
            ("public_url = 'https://pay.example.com/?a=b'", "public_url"),
            ("public_url = 'https://user:word@pay.example.com'", "public_url"),
            ("master_key_file = 'feiqian-data/key'", "master_key_file"),
            ("archive_dir = 'feiqian-data/archive'", "archive_dir"),
            ("[tls]\ncertificate_file = 'c.pem'", "key_file is missing"),
            ("[internal_tls]\nkey_file = 'k.pem'", "internal_tls: certificate_file is missing"),
            (
                "public_url = 'http://pay.example.com'\n[tls]\ncertificate_file = 'c'\nkey_file = 'k'",
                "https://",
            ),
            ("[tls]\nreload_ms = 1", "tls.reload_ms"),
            ("[tls]\nhandshakes_max = 0", "tls.handshakes_max"),
            ("internal_listen = '0.0.0.0:8081'", "internal_listen_exposed = true"),
            ("internal_listen = '[::]:8081'", "internal_listen_exposed = true"),
            ("internal_listen = '10.0.0.7:8081'", "internal_listen_exposed = true"),
            ("worker_threads = 0", "worker_threads"),
            ("sync_wait_ms = 60000", "sync_wait_ms"),
            ("[lanes]\nbatch_max = 0", "lanes.batch_max"),
            ("[lanes]\nlease_ms = 1000", "lanes.lease_ms"),
            (
                "[sandbox]\ncall_timeout_ms = 500\n[lanes]\nlease_ms = 3999\n[store]\nurl = 'postgres://f@127.0.0.1/f'",
                "lanes.lease_ms: 3999 is not between 4000",
            ),
            ("[store]\nreaders = 0", "store.readers"),
            ("[limits]\nbody_max_bytes = 10", "limits.body_max_bytes"),
            ("[retention]\nidempotency_days = 29", "retention.idempotency_days"),
            ("[retention]\nevents_days = 29", "retention.events_days"),
            ("[retention]\ndeliveries_days = 6", "retention.deliveries_days"),
            ("[retention]\nevents_days = 31\ndeliveries_days = 32", "retention.deliveries_days"),
            ("[retention]\njournal_batch_days = 0", "retention.journal_batch_days"),
            ("[rate_limits]\nlive_read = {per_second = 0, burst = 1}", "rate_limits"),
            ("listen = ", "TOML"),
        ] {
            let fault = read(toml, &[]).unwrap_err();
            assert!(fault.contains(part), "{toml}: {fault}");
        }
    }

    #[test]
    fn without_a_public_url_it_is_the_address_listened_on() {
        let config = read("listen = '127.0.0.1:0'", &[]).unwrap();
        assert_eq!(config.public_url_at("127.0.0.1:4711".parse().unwrap()), "http://127.0.0.1:4711");
        let config = read("[tls]\ncertificate_file = 'c'\nkey_file = 'k'", &[]).unwrap();
        assert_eq!(config.public_url_at("127.0.0.1:4711".parse().unwrap()), "https://127.0.0.1:4711");
    }

    #[test]
    fn the_internal_listener_leaves_the_machine_only_by_an_explicit_word() {
        for at in ["127.0.0.1:1", "[::1]:1", "[::ffff:127.0.0.1]:1", "127.8.9.1:1"] {
            read(&format!("internal_listen = '{at}'"), &[]).unwrap();
        }
        read("internal_listen = '0.0.0.0:1'\ninternal_listen_exposed = true", &[]).unwrap();
    }
}
