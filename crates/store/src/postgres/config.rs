//! How the engine reaches its database: what the url says, what must not stand in one, and the bounds on pools and waits.

use super::OpenFault;
use crypto::seal::Sealer;
use crypto::secret::Secret;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio_postgres::config::{Host, SslMode};

/// How much the connection to the database is guarded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tls {
    /// In the clear: for a socket or this machine.
    Disable,
    /// Encrypted. Who answers is checked only against `root_ca_file`, where that is given.
    Require,
    /// Encrypted, and the certificate must be the host's by a root of `root_ca_file`.
    VerifyFull,
}

/// How the engine is opened. `new` gives the defaults.
#[derive(Clone)]
pub struct PostgresConfig {
    /// Hosts, user, database and what else the url said; no password.
    pub(super) target: tokio_postgres::Config,
    /// From a file or the environment, never from a url.
    pub password: Option<Arc<Secret<String>>>,
    /// Guards the connection.
    pub tls: Tls,
    /// Roots in PEM that the database's certificate is judged by.
    pub root_ca_file: Option<PathBuf>,
    /// Seals and opens personal data and secrets.
    pub sealer: Arc<Sealer>,
    /// Real time in microseconds: noted with migrations that are applied now; room is made from here on.
    pub now_us: i64,
    /// Connections that read.
    pub readers: usize,
    /// Connections that write control rows. Lanes have theirs beside these, one per session.
    pub writers: usize,
    /// Callers that may wait for a connection of a pool; one more is refused.
    pub waiting_max: usize,
    /// How long one waits.
    pub wait_max: Duration,
    /// How long a connection may take to stand.
    pub connect_timeout: Duration,
    /// The longest that one statement of a lane or a control write may take. Reads have two seconds.
    pub statement_timeout_ms: u32,
    /// The longest that a statement waits for a lock.
    pub lock_timeout_ms: u32,
    /// How long the answer to a COMMIT is waited for, which may wait for a synchronous standby. After it nobody knows, and that is told.
    pub commit_max: Duration,
    /// Whether a server whose `fsync` is off is served: its machine's crash loses commits that were answered. For tests.
    pub accept_fsync_off: bool,
    /// What the database shows of these connections.
    pub application_name: String,
}

/// The keys of a url that are ours to read, with their values, and the url without them.
struct Taken {
    url: String,
    sslmode: Option<String>,
    root_ca_file: Option<PathBuf>,
}

/// `tokio_postgres` knows neither `verify-full` nor a file of roots.
fn take(url: &str) -> Taken {
    let mut taken = Taken { url: url.to_owned(), sslmode: None, root_ca_file: None };
    let Some((head, query)) = url.split_once('?') else { return taken };
    let mut rest = Vec::new();
    for pair in query.split('&') {
        match pair.split_once('=') {
            Some(("sslmode", value)) => taken.sslmode = Some(value.to_owned()),
            Some(("sslrootcert", value)) => {
                taken.root_ca_file = Some(PathBuf::from(value.replace("%2F", "/")))
            }
            _ => rest.push(pair),
        }
    }
    let mark = if rest.is_empty() { "" } else { "?" };
    taken.url = format!("{head}{mark}{}", rest.join("&"));
    taken
}

/// A host to which nobody else listens on the way.
fn is_here(host: &Host) -> bool {
    match host {
        Host::Tcp(name) => {
            name == "localhost" || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
        }
        Host::Unix(_) => true,
    }
}

fn tls_of(sslmode: Option<&str>, hosts: &[Host]) -> Result<Tls, OpenFault> {
    match sslmode {
        None if hosts.iter().all(is_here) => Ok(Tls::Disable),
        None | Some("verify-full") => Ok(Tls::VerifyFull),
        Some("disable") => Ok(Tls::Disable),
        Some("require") => Ok(Tls::Require),
        Some(other) => Err(OpenFault::Url(format!(
            "sslmode is {other}: use disable, require or verify-full (what falls back to the clear is not offered)"
        ))),
    }
}

impl PostgresConfig {
    /// Reads `postgres://user@host:port/database?sslmode=…&sslrootcert=…`. The defaults: 8 connections that read, 4 that write
    /// control rows, 10 s for a statement, 5 s for a lock, TLS with verification unless the database is on this machine.
    ///
    /// # Errors
    /// [`OpenFault::Url`], also when the url holds a password: that belongs in a file.
    pub fn new(url: &str, sealer: Arc<Sealer>, now_us: i64) -> Result<PostgresConfig, OpenFault> {
        let Taken { url, sslmode, root_ca_file } = take(url);
        // The parser's own words may repeat a part of the url.
        let unreadable =
            |_| OpenFault::Url("it can't be read: postgres://user@host:port/database".to_owned());
        let target: tokio_postgres::Config = url.parse().map_err(unreadable)?;
        if target.get_password().is_some() {
            return Err(OpenFault::Url("it holds a password: that belongs in the password file".to_owned()));
        }
        if target.get_user().is_none() || target.get_dbname().is_none() || target.get_hosts().is_empty() {
            return Err(OpenFault::Url("it must name user, host and database".to_owned()));
        }
        let tls = tls_of(sslmode.as_deref(), target.get_hosts())?;
        Ok(PostgresConfig {
            target,
            password: None,
            tls,
            root_ca_file,
            sealer,
            now_us,
            readers: 8,
            writers: 4,
            waiting_max: 1_024,
            wait_max: Duration::from_secs(5),
            connect_timeout: Duration::from_secs(5),
            statement_timeout_ms: 10_000,
            lock_timeout_ms: 5_000,
            commit_max: Duration::from_secs(30),
            accept_fsync_off: false,
            application_name: "feiqian".to_owned(),
        })
    }

    /// What the driver is given for one connection.
    pub(super) fn driver(&self) -> tokio_postgres::Config {
        let mut driver = self.target.clone();
        if let Some(password) = &self.password {
            driver.password(password.expose());
        }
        driver
            .application_name(&self.application_name)
            .connect_timeout(self.connect_timeout)
            .ssl_mode(if self.tls == Tls::Disable { SslMode::Disable } else { SslMode::Require })
            .keepalives(true)
            .keepalives_idle(Duration::from_secs(10))
            .keepalives_interval(Duration::from_secs(5))
            .keepalives_retries(3)
            .tcp_user_timeout(Duration::from_secs(20));
        driver
    }

    /// The database's name, for messages.
    pub(super) fn database(&self) -> &str {
        self.target.get_dbname().unwrap_or_default()
    }
}

impl fmt::Debug for PostgresConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresConfig")
            .field("hosts", &self.target.get_hosts())
            .field("ports", &self.target.get_ports())
            .field("user", &self.target.get_user())
            .field("database", &self.target.get_dbname())
            .field("tls", &self.tls)
            .field("readers", &self.readers)
            .field("writers", &self.writers)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crypto::seal::{KeyProvider, MasterKey, SealFault};

    struct NoKey;

    impl KeyProvider for NoKey {
        fn current_version(&self) -> u32 {
            1
        }

        fn key(&self, version: u32) -> Result<MasterKey, SealFault> {
            Err(SealFault::KeyUnavailable { version })
        }
    }

    fn read(url: &str) -> Result<PostgresConfig, OpenFault> {
        PostgresConfig::new(url, Arc::new(Sealer::new(Arc::new(NoKey))), 1)
    }

    fn refused(url: &str) -> String {
        read(url).unwrap_err().to_string()
    }

    #[test]
    fn tls_is_the_default_on_the_way_to_another_machine() {
        for (url, tls) in [
            ("postgres://u@localhost/d", Tls::Disable),
            ("postgres://u@127.0.0.1:5433/d", Tls::Disable),
            ("postgres://u@%2Frun%2Fpostgresql/d", Tls::Disable),
            ("postgres://u@db.example/d", Tls::VerifyFull),
            ("postgres://u@db.example,localhost/d", Tls::VerifyFull),
            ("postgres://u@db.example/d?sslmode=disable", Tls::Disable),
            ("postgres://u@localhost/d?sslmode=verify-full&application_name=x", Tls::VerifyFull),
            ("postgres://u@localhost/d?application_name=x&sslmode=require", Tls::Require),
        ] {
            assert_eq!(read(url).unwrap().tls, tls, "{url}");
        }
        let with_roots = read("postgres://u@db.example/d?sslrootcert=/etc/roots.pem").unwrap();
        assert_eq!(with_roots.root_ca_file.as_deref(), Some(std::path::Path::new("/etc/roots.pem")));
        assert_eq!(with_roots.database(), "d");
    }

    #[test]
    fn what_does_not_belong_in_a_url_is_refused_and_not_repeated() {
        assert!(refused("postgres://u:PLANTED@localhost/d").contains("password file"));
        assert!(refused("postgres://u@localhost/d?password=PLANTED").contains("password file"));
        assert!(!refused("postgres://u:PLANTED@localhost:nonsense/d").contains("PLANTED"));
        assert!(refused("postgres://localhost/d").contains("user"));
        assert!(refused("postgres://u@localhost").contains("database"));
        for mode in ["prefer", "allow", "verify-ca", "nonsense"] {
            assert!(refused(&format!("postgres://u@localhost/d?sslmode={mode}")).contains(mode));
        }
    }

    #[test]
    fn the_password_is_not_shown() {
        let mut config = read("postgres://u@localhost/d").unwrap();
        config.password = Some(Arc::new(Secret::new("PLANTED".to_owned())));
        assert!(!format!("{config:?}").contains("PLANTED"));
        assert_eq!(config.driver().get_password(), Some("PLANTED".as_bytes()));
    }
}
