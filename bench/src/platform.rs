//! A fresh installation of the platform in a directory of its own, served by the release binary. Only rate limits and addresses
//! are set: everything that durability and speed rest on stays at its default.

use crate::clock;
use crate::database::Database;
use crate::drive::Target;
use crate::http::{Connection, plain_get};
use crate::process;
use crate::scene::{Channel, Merchant};
use crate::signer::Signer;
use anyhow::{Context as _, Result, bail, ensure};
use crypto::key::PrivateKey;
use crypto::seal::{MasterKeyFile, Sealer};
use domain::World;
use std::cell::Cell;
use std::ffi::OsStr;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use store::Control as _;
use store::postgres::{PostgresConfig, PostgresStore};
use store::sqlite::{SqliteConfig, SqliteStore};
use tokio::time::{Instant, sleep};

/// A cold start on a busy machine, and the delay after which a new price takes effect.
const START_MAX: Duration = Duration::from_secs(30);
/// Stopping waits for webhooks under way.
const STOP_MAX: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// An installation that is not served.
pub struct Installation {
    binary: PathBuf,
    directory: PathBuf,
    database: Database,
}

/// A served one. Dropping it kills the server; [`Serving::stop`] ends it in order.
pub struct Serving {
    installation: Installation,
    child: Child,
    internal: SocketAddr,
    /// Where the load goes.
    pub target: Target,
    /// Merchants with a price and a key each.
    pub merchants: Vec<Rc<Merchant>>,
}

/// Commands in batches, as the lane counted them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Batches {
    /// Commands.
    pub commands: f64,
    /// Batches.
    pub count: f64,
}

impl Batches {
    /// The mean size of the batches made since an earlier look.
    pub fn mean_since(self, earlier: Batches) -> f64 {
        (self.commands - earlier.commands) / (self.count - earlier.count).max(1.0)
    }
}

impl Installation {
    /// `init` in an empty directory.
    pub fn create(binary: &Path, directory: &Path, database: &Database) -> Result<Installation> {
        std::fs::create_dir_all(directory)?;
        let installation = Installation {
            binary: binary.to_owned(),
            directory: directory.to_owned(),
            database: database.clone(),
        };
        let (public, internal) = (free_address()?, free_address()?);
        let rate = "{ per_second = 1000000, burst = 1000000 }";
        let settings = format!(
            "listen = \"{public}\"\ninternal_listen = \"{internal}\"\npublic_url = \"http://{public}\"\n\
             data_dir = \"{data}\"\nmaster_key_file = \"{key}\"\n\n[log]\nlevel = \"warn\"\n\n\
             [sandbox]\nallow_private_webhooks = true\n\n\
             [rate_limits]\nsandbox_read = {rate}\nsandbox_write = {rate}\n{store}",
            data = installation.data().display(),
            key = installation.master_key().display(),
            store = database.settings(),
        );
        std::fs::write(installation.settings(), settings)?;
        installation.run(database.init())?;
        Ok(installation)
    }

    fn again(&self) -> Installation {
        let Installation { binary, directory, database } = self;
        Installation { binary: binary.clone(), directory: directory.clone(), database: database.clone() }
    }

    fn settings(&self) -> PathBuf {
        self.directory.join("feiqian.toml")
    }

    fn data(&self) -> PathBuf {
        self.directory.join("data")
    }

    fn master_key(&self) -> PathBuf {
        self.directory.join("master.key")
    }

    /// The database file.
    pub fn database(&self) -> PathBuf {
        self.data().join("feiqian.db")
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.binary);
        command.env("FEIQIAN_CONFIG", self.settings()).current_dir(&self.directory).stdin(Stdio::null());
        command
    }

    /// Runs a command to its end; answers its standard output.
    fn run<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Result<String> {
        let mut command = self.command();
        command.args(arguments);
        let output = command.output().with_context(|| format!("running {}", self.binary.display()))?;
        ensure!(
            output.status.success(),
            "{command:?} ended with {}: {}",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// The `id` in a command's line of JSON.
    fn made(&self, arguments: &[&str]) -> Result<String> {
        let line = self.run(arguments)?;
        let answer: serde_json::Value =
            serde_json::from_str(line.trim()).context("a command's answer is no JSON")?;
        let id = answer.get("id").and_then(|id| id.as_str());
        Ok(id.with_context(|| format!("no id in {line}"))?.to_owned())
    }

    /// Proves the books, which must hold.
    pub fn verify(&self) -> Result<()> {
        self.run(["verify", "--full"]).context("the books do not hold after the load").map(|_| ())
    }

    /// Archives what can be of the sandbox; answers what was made.
    pub fn archive(&self) -> Result<serde_json::Value> {
        let line = self.run(["archive", "--world", "sandbox", "--older-than-days", "0", "--json"])?;
        serde_json::from_str(line.trim()).context("a command's answer is no JSON")
    }

    /// Makes merchants with a price and a key each.
    pub async fn merchants(&self, count: usize) -> Result<Vec<Rc<Merchant>>> {
        let (public, _) = self.addresses()?;
        let authority = public.to_string();
        let channel = self.channel(&authority).await?;
        (0..count).map(|_| Ok(Rc::new(self.make_merchant(&authority, channel.clone())?))).collect()
    }

    /// Starts the server and waits until it takes payments of these merchants.
    pub async fn serve(self, merchants: Vec<Rc<Merchant>>) -> Result<Serving> {
        let (public, internal) = self.addresses()?;
        let log = std::fs::File::create(self.directory.join("server.log"))?;
        let child = self.command().arg("serve").stdout(log.try_clone()?).stderr(log).spawn()?;
        let target = Target { address: public, pid: child.id().to_string() };
        let mut serving = Serving { installation: self, child, internal, target, merchants };
        serving.wait_until_ready().await?;
        Ok(serving)
    }

    fn make_merchant(&self, authority: &str, channel: Channel) -> Result<Merchant> {
        let merchant_id =
            self.made(&["merchant", "create", "--world", "sandbox", "--name", "Bench", "--json"])?;
        let price =
            ["--rate", "0.60", "--fixed", "0", "--minimum", "0", "--refund-fee", "returned", "--json"];
        let of_merchant =
            ["price", "set", "--merchant", &merchant_id, "--method", "sandbox", "--currency", "CNY"];
        self.run(of_merchant.into_iter().chain(price))?;
        let key = PrivateKey::generate_ed25519();
        let pem = self.directory.join("bench.pem");
        std::fs::write(&pem, key.public_key_pem())?;
        let pem = pem.display().to_string();
        let key_id =
            self.made(&["key", "create", "--merchant", &merchant_id, "--public-key", &pem, "--json"])?;
        Ok(Merchant { signer: Signer::new(key, &key_id, authority), channel, numbers: Cell::new(0) })
    }

    fn addresses(&self) -> Result<(SocketAddr, SocketAddr)> {
        let text = std::fs::read_to_string(self.settings())?;
        let address = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(" = "));
            line.and_then(|value| value.trim_matches('"').parse().ok()).context("no address in the settings")
        };
        Ok((address("listen")?, address("internal_listen")?))
    }

    /// The sandbox's channel account, with its secret opened by the master key, as the channel itself would know it.
    async fn channel(&self, authority: &str) -> Result<Channel> {
        let sealer = Arc::new(Sealer::new(Arc::new(MasterKeyFile::load(&self.master_key())?)));
        let now_us = clock::real_now_us();
        let snapshot = match &self.database {
            Database::File => {
                SqliteStore::open_read_only(&SqliteConfig::new(self.database(), sealer, now_us))?
                    .snapshot()
                    .await?
            }
            Database::Postgres(url) | Database::Citus(url, _) => {
                let config = PostgresConfig::new(url, sealer, now_us)?;
                PostgresStore::open_read_only(&config).await?.snapshot().await?
            }
        };
        let account = snapshot.channel_accounts.into_iter().find(|account| account.world == World::Sandbox);
        let account = account.context("init made no sandbox channel account")?;
        let Ok(secret) = account.callback_secret.try_into() else {
            bail!("a callback secret of another length")
        };
        let path = format!("/callback/{}", account.account.id);
        Ok(Channel { path, secret, authority: authority.to_owned() })
    }
}

/// An address on loopback that nobody listens on now.
fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?)
}

impl Serving {
    async fn wait_until_ready(&mut self) -> Result<()> {
        let deadline = Instant::now() + START_MAX;
        loop {
            if let Some(status) = self.child.try_wait()? {
                bail!("the server ended with {status}: {}", self.log());
            }
            let readiness = match self.get_internal("/readyz").await {
                Ok(_) => self.try_payment().await,
                Err(error) => Err(error),
            };
            match readiness {
                Ok(()) => return Ok(()),
                Err(error) if Instant::now() > deadline => {
                    return Err(error.context(format!("the server takes no payments: {}", self.log())));
                }
                Err(_) => sleep(LOOK_EVERY).await,
            }
        }
    }

    /// A new price takes effect some seconds after it was set.
    async fn try_payment(&self) -> Result<()> {
        let mut connection = Connection::open(self.target.address).await?;
        for merchant in &self.merchants {
            merchant.pay(crate::scene::Scene::BarCode, &mut connection).await?;
        }
        Ok(())
    }

    /// The first of them.
    pub fn first_merchant(&self) -> Result<&Merchant> {
        self.merchants.first().map(Rc::as_ref).context("no merchant was made")
    }

    /// Payments that were begun so far.
    pub fn payments(&self) -> u64 {
        self.merchants.iter().map(|merchant| merchant.numbers.get()).sum()
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.installation.directory.join("server.log")).unwrap_or_default()
    }

    async fn get_internal(&self, path: &str) -> Result<String> {
        let mut connection = Connection::open(self.internal).await?;
        let answer = connection.call(&plain_get(self.internal, path)).await?;
        answer.must_be(200)?;
        Ok(String::from_utf8_lossy(answer.body).into_owned())
    }

    /// A webhook endpoint for every event, of each merchant.
    pub async fn add_endpoints(&self, receiver: SocketAddr) -> Result<()> {
        let body = format!("{{\"url\":\"http://{receiver}/hook\",\"events\":[\"*\"]}}");
        let unique = format!("bench-endpoint-{}", receiver.port());
        let mut connection = Connection::open(self.target.address).await?;
        for merchant in &self.merchants {
            let request =
                merchant.signer.post("/v1/webhook_endpoints", &body, &unique, clock::real_now_s())?;
            connection.call(&request).await?.must_be(201)?;
        }
        Ok(())
    }

    /// What the lanes have batched so far.
    pub async fn batches(&self) -> Result<Batches> {
        let text = self.get_internal("/metrics").await?;
        Ok(Batches {
            commands: metric(&text, "feiqian_lane_batch_commands_sum")?,
            count: metric(&text, "feiqian_lane_batch_commands_count")?,
        })
    }

    /// The most memory that the server had resident, MiB.
    pub fn peak_resident_mib(&self) -> Result<f64> {
        process::peak_resident_mib(&self.target.pid)
    }

    /// Kills the server as a power cut would, and starts it again.
    pub async fn kill_and_serve(mut self) -> Result<(Serving, Duration)> {
        self.child.kill()?;
        self.child.wait()?;
        let started = Instant::now();
        let serving = self.installation.again().serve(self.merchants.clone()).await?;
        Ok((serving, started.elapsed()))
    }

    /// The installation, for what is asked beside the server.
    pub fn installation(&self) -> Installation {
        self.installation.again()
    }

    /// Asks the server to end, and waits for it.
    pub async fn stop(mut self) -> Result<Installation> {
        let asked = Command::new("kill").args(["-TERM", &self.target.pid]).status()?;
        ensure!(asked.success(), "the server could not be asked to end");
        let deadline = Instant::now() + STOP_MAX;
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait()? {
                ensure!(status.success(), "the server ended with {status}: {}", self.log());
                return Ok(self.installation.again());
            }
            sleep(LOOK_EVERY).await;
        }
        bail!("the server did not end within {} s", STOP_MAX.as_secs())
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // Ended in order already, or the run failed: then nothing of it may stay behind.
        if !matches!(self.child.try_wait(), Ok(Some(_))) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// The sum of a metric over its labels.
fn metric(text: &str, name: &str) -> Result<f64> {
    let mut found = None;
    for line in text.lines() {
        let Some(rest) = line.strip_prefix(name) else { continue };
        if !rest.starts_with(['{', ' ']) {
            continue;
        }
        let value: f64 =
            rest.rsplit(' ').next().unwrap_or_default().parse().context("an unreadable metric")?;
        found = Some(found.unwrap_or(0.0) + value);
    }
    found.with_context(|| format!("the server shows no {name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_are_summed_over_labels() {
        let text = "# TYPE a_sum summary\na_sum{lane=\"0\"} 2.5\na_sum{lane=\"1\"} 4\na_sum_of_more 7\nb 1\n";
        assert!((metric(text, "a_sum").unwrap() - 6.5).abs() < 1e-9);
        assert!((metric(text, "b").unwrap() - 1.0).abs() < 1e-9);
        assert!(metric(text, "c").is_err());
    }
}
