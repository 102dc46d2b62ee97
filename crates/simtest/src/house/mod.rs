//! The installation: its directory, its merchants, and the lives that the platform has in it, one after another.

mod master_keys;
mod people;
mod power;

pub use master_keys::MasterKeys;
pub use power::{Image, Power};

use crate::channel::{Bank, SimChannel, carry};
use crate::clock::SimClock;
use crate::faults::Faults;
use crate::random::{Dice, SeededRandomness};
use crate::receiver::Receivers;
use crate::store::SimStore;
use anyhow::{Context, Result};
use api::{ApiConfig, Rate, RateLimits, public_router};
use app::clock::RealTime;
use app::{App, Channels, Clock, Outside, Random, Settings, Start};
use axum::Router;
use channels::Channel;
use crypto::key::PrivateKey;
use crypto::seal::{KeyProvider, Sealer};
use domain::id::{ChannelAccountId, IdMaker, KeyId, MerchantId, PartnerId, World};
use ledger::Day;
use money::Currency;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use store::sqlite::{SqliteConfig, SqliteStore, init};

/// What everybody signs.
pub const PUBLIC_URL: &str = "https://pay.example.com";
/// The database's file.
const DATABASE: &str = "feiqian.db";
/// The method that the bank serves.
pub const METHOD: &str = "simbank";
/// Salts the journal's leaves.
pub const SALT_KEY: [u8; 32] = [9; 32];

/// How a merchant authenticates.
#[derive(Clone)]
pub enum Credential {
    /// Sandbox.
    Bearer(KeyId, String),
    /// Signatures by this key.
    Signer(KeyId, Arc<PrivateKey>),
}

impl Credential {
    /// The key's id.
    pub fn id(&self) -> KeyId {
        match self {
            Credential::Bearer(id, _) | Credential::Signer(id, _) => *id,
        }
    }
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.id())
    }
}

/// A partner with its keys.
#[derive(Clone)]
pub struct Agent {
    /// Its id.
    pub id: PartnerId,
    /// The partner above it.
    pub parent: Option<usize>,
    /// Its key in live.
    pub live: Credential,
    /// Its key in the sandbox.
    pub sandbox: Credential,
}

/// A merchant as its own program knows it.
#[derive(Clone)]
pub struct Shop {
    /// Its id.
    pub id: MerchantId,
    /// Its world.
    pub world: World,
    /// Its zone.
    pub zone: &'static str,
    /// Natural days until its money matures.
    pub maturity_days: u16,
    /// How much it may owe.
    pub debt_limit_minor: i64,
    /// The currencies it has prices in.
    pub currencies: Vec<Currency>,
    /// Its key.
    pub credential: Credential,
    /// The partner that serves it.
    pub partner: Option<usize>,
    /// Addresses of its receivers.
    pub urls: Vec<String>,
}

/// See the module.
pub struct House {
    dir: tempfile::TempDir,
    /// The master key.
    pub keys: Arc<MasterKeys>,
    /// What becomes of the database's files.
    pub power: Arc<Power>,
    /// Real time.
    pub clock: Arc<SimClock>,
    /// The plan of faults.
    pub faults: Arc<Faults>,
    /// The bank.
    pub bank: Arc<Bank>,
    /// Merchants' receivers.
    pub receivers: Arc<Receivers>,
    /// The platform's randomness; one stream through all lives.
    random: Random,
    /// Merchants.
    pub shops: Vec<Arc<Shop>>,
    /// Partners; the second stands below the first, the third by itself.
    pub agents: Vec<Agent>,
    accounts: Vec<ChannelAccountId>,
    /// Ids of control rows that the operator makes.
    ids: Dice,
}

/// The platform between its start and its death.
pub struct Life {
    /// The platform.
    pub app: App,
    /// Its public face.
    pub router: Router,
    /// The database, without faults.
    pub store: Arc<SqliteStore>,
    /// The database as the operator's commands reach it, through the platform.
    pub operator: Arc<SimStore>,
    carrier: tokio::task::JoinHandle<()>,
}

impl Drop for Life {
    fn drop(&mut self) {
        self.carrier.abort();
    }
}

/// Where scratch files live: in memory, so that a commit costs no disk.
fn scratch() -> Result<tempfile::TempDir> {
    let shared_memory = std::path::Path::new("/dev/shm");
    if shared_memory.is_dir() {
        return tempfile::Builder::new().prefix("simtest").tempdir_in(shared_memory).context("scratch");
    }
    tempfile::tempdir().context("scratch")
}

/// Places and moments with something in them: clocks that change, years that end.
const STARTS_S: [i64; 6] = [
    1_772_919_000, // 2026-03-07 21:30 UTC, hours before New York changes its clocks
    1_774_728_000, // 2026-03-28 20:00, before Berlin does
    1_792_879_200, // 2026-10-24 22:00, before it changes back
    1_793_484_000, // 2026-10-31 22:00, before New York changes back
    1_798_754_400, // 2026-12-31 22:00
    1_781_516_400, // 2026-06-15 09:40
];

impl House {
    /// A new installation, made from a seed.
    ///
    /// # Errors
    /// When the scratch directory or the database can't be made.
    pub fn build(seed: u64) -> Result<House> {
        let mut dice = Dice::of(seed, "house");
        let start_s = dice.pick(&STARTS_S).copied().unwrap_or(0) + dice.range(0, 7_200);
        let clock = Arc::new(SimClock::new(start_s * 1_000_000));
        let faults = Arc::new(Faults::new(seed));
        let bank = Arc::new(Bank::new(seed, Arc::clone(&clock), Arc::clone(&faults)));
        let dir = scratch()?;
        let mut house = House {
            power: Arc::new(Power::new(dir.path().join(DATABASE))),
            dir,
            keys: Arc::new(MasterKeys::first()),
            receivers: Arc::new(Receivers::new(Arc::clone(&faults))),
            random: Random::of(Arc::new(SeededRandomness::new(seed, "platform"))),
            clock,
            faults,
            bank,
            shops: Vec::new(),
            agents: Vec::new(),
            accounts: Vec::new(),
            ids: Dice::of(seed, "ids"),
        };
        let today = Day(i32::try_from(start_s / 86_400).unwrap_or(0) - 1);
        init(&house.sqlite(), today).context("init")?;
        let store = SqliteStore::open(&house.sqlite()).context("open")?;
        futures::executor::block_on(house.furnish(&store, &mut dice))?;
        Ok(house)
    }

    /// How the database is opened; each process reads the master key for itself.
    pub fn sqlite(&self) -> SqliteConfig {
        let sealer = Sealer::new(Arc::clone(&self.keys) as Arc<dyn KeyProvider>);
        SqliteConfig {
            readers: 1,
            page_size: u32::try_from(power::PAGE_BYTES).unwrap_or(4_096),
            cache_kib: 4 * 1_024,
            ..SqliteConfig::new(self.dir.path().join(DATABASE), Arc::new(sealer), self.clock.now_us())
        }
    }

    /// A file beside the database.
    pub fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The next id of a control row.
    pub fn id<I: domain::Id>(&mut self, world: World) -> I {
        let seed = (u128::from(self.ids.draw()) << 64) | u128::from(self.ids.draw());
        IdMaker::new(self.clock.now_us(), world.first_shard(), seed).next()
    }

    /// Starts the platform on the database as it is; perhaps it dies while it starts.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn wake(&self, dies_in: Option<u64>) -> Result<Life> {
        self.faults.revive();
        if let Some(steps) = dies_in {
            self.faults.die_in(steps);
        }
        let store = Arc::new(SqliteStore::open(&self.sqlite()).context("open")?);
        let sim_store = SimStore::new(Arc::clone(&store), Arc::clone(&self.faults), Arc::clone(&self.power));
        let sim_store = Arc::new(sim_store);
        let channel = |account: &ChannelAccountId| {
            let channel: Arc<dyn Channel> = Arc::new(SimChannel::new(*account, Arc::clone(&self.bank)));
            (*account, channel)
        };
        let channels =
            Channels { by_account: self.accounts.iter().map(channel).collect(), sandbox: HashMap::new() };
        let start = Start {
            store: Arc::clone(&sim_store) as Arc<dyn store::Store>,
            clock: Clock::of(Arc::clone(&self.clock) as Arc<dyn RealTime>),
            outside: Outside {
                random: self.random.clone(),
                webhooks: Some(Arc::clone(&self.receivers) as _),
            },
            settings: Settings { due_poll_ms: 3_000, allow_private_webhooks: true, ..Settings::default() },
            channels,
            salt_key: SALT_KEY,
        };
        let app = App::start(start, None).await.context("start")?;
        let router = public_router(app.clone(), api_config());
        let carrier = tokio::spawn(carry(Arc::clone(&self.bank), router.clone()));
        Ok(Life { app, router, store, operator: sim_store, carrier })
    }

    /// The platform ends in good order.
    pub async fn sleep(&self, life: &Life) {
        life.app.stop(Duration::from_secs(20)).await;
    }

    /// The channel accounts, live first.
    pub fn accounts(&self) -> &[ChannelAccountId] {
        &self.accounts
    }
}

/// What the bank charges the operator, percent.
pub const COST_PERCENT: &str = "0.38";

/// Rates are counted in the machine's time, which stands still here: they would stop a history by chance.
fn api_config() -> ApiConfig {
    let rate = Rate { per_second: 1_000_000, burst: 1_000_000 };
    let rate_limits = RateLimits {
        live_read: rate,
        live_write: rate,
        sandbox_read: rate,
        sandbox_write: rate,
        failed_access: rate,
    };
    ApiConfig { rate_limits, ..ApiConfig::new(PUBLIC_URL, "0.1.0") }
}
