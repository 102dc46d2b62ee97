//! The installation: its directory, its merchants, and the lives that the platform has in it, one after another.

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
use crypto::seal::{FileKeyProvider, MasterKey, Sealer};
use crypto::secret::BearerToken;
use domain::api_key::{ApiKey, Owner};
use domain::channel::ChannelAccount;
use domain::id::{ChannelAccountId, IdMaker, KeyId, MerchantId, World};
use domain::merchant::{Head, Merchant};
use domain::price::{Price, RefundFee};
use ledger::Day;
use money::{Currency, FeeRule, Rate as MoneyRate};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use store::Control;
use store::control::StoredChannelAccount;
use store::sqlite::{SqliteConfig, SqliteStore, init};

/// What everybody signs.
pub const PUBLIC_URL: &str = "https://pay.example.com";
/// The method that the bank serves.
pub const METHOD: &str = "simbank";
/// Salts the journal's leaves.
pub const SALT_KEY: [u8; 32] = [9; 32];

/// How a merchant authenticates.
#[derive(Clone)]
pub enum Credential {
    /// Sandbox.
    Bearer(String),
    /// Signatures by this key.
    Signer(KeyId, Arc<PrivateKey>),
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
    /// Addresses of its receivers.
    pub urls: Vec<String>,
}

/// See the module.
pub struct House {
    dir: tempfile::TempDir,
    sealer: Arc<Sealer>,
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
        let provider = FileKeyProvider::in_memory(MasterKey::generate());
        let mut house = House {
            dir: scratch()?,
            sealer: Arc::new(Sealer::new(Arc::new(provider))),
            receivers: Arc::new(Receivers::new(Arc::clone(&faults))),
            random: Random::of(Arc::new(SeededRandomness::new(seed, "platform"))),
            clock,
            faults,
            bank,
            shops: Vec::new(),
            accounts: Vec::new(),
            ids: Dice::of(seed, "ids"),
        };
        let today = Day(i32::try_from(start_s / 86_400).unwrap_or(0) - 1);
        init(&house.sqlite(), today).context("init")?;
        let store = SqliteStore::open(&house.sqlite()).context("open")?;
        futures::executor::block_on(house.furnish(&store, &mut dice))?;
        Ok(house)
    }

    fn sqlite(&self) -> SqliteConfig {
        SqliteConfig {
            readers: 1,
            page_size: 4_096,
            cache_kib: 4 * 1_024,
            ..SqliteConfig::new(
                self.dir.path().join("feiqian.db"),
                Arc::clone(&self.sealer),
                self.clock.now_us(),
            )
        }
    }

    /// The next id of a control row.
    pub fn id<I: domain::Id>(&mut self, world: World) -> I {
        let seed = (u128::from(self.ids.draw()) << 64) | u128::from(self.ids.draw());
        IdMaker::new(self.clock.now_us(), world.first_shard(), seed).next()
    }

    async fn furnish(&mut self, store: &SqliteStore, dice: &mut Dice) -> Result<()> {
        for world in [World::Live, World::Sandbox] {
            let account =
                ChannelAccount { id: self.id(world), method: METHOD.into(), cost: cost()?, enabled: true };
            self.accounts.push(account.id);
            let kind = METHOD.to_owned();
            let stored = StoredChannelAccount { account, world, kind, callback_secret: vec![7; 32] };
            store.create_channel_account(&stored).await?;
        }
        let count = dice.range(2, 4);
        for at in 0..count {
            self.add_shop(store, dice, at).await?;
        }
        Ok(())
    }

    async fn add_shop(&mut self, store: &SqliteStore, dice: &mut Dice, at: i64) -> Result<()> {
        let world = if at % 2 == 0 { World::Sandbox } else { World::Live };
        let zones = ["Asia/Shanghai", "America/New_York", "Europe/Berlin", "UTC", "Pacific/Auckland"];
        let zone = dice.pick(&zones).copied().unwrap_or("UTC");
        let maturity_days = u16::try_from(dice.weighted(&[2, 5, 1, 2])).unwrap_or(1);
        let debt_limit_minor = if dice.chance(300) { dice.range(1, 50_000) } else { 0 };
        let id: MerchantId = self.id(world);
        let now_us = self.clock.now_us();
        let merchant = Merchant {
            id,
            world,
            shard: world.first_shard(),
            name: format!("Shop {at}"),
            zone: zone.to_owned(),
            maturity_days,
            partner: None,
            created_at_us: now_us,
        };
        let head = Head {
            merchant: id,
            clock_offset_us: 0,
            business_day: domain::decide::business_day(now_us, &jiff_zone(zone)),
            debt_limit_minor,
            credit_line_minor: 0,
            key_epoch: 1,
            sequence: 1,
        };
        store.create_merchant(&merchant, &head, &[8; 32]).await?;
        let currencies = match dice.weighted(&[6, 2, 2, 2]) {
            0 => vec![Currency::CNY],
            1 => vec![Currency::CNY, Currency::USD],
            2 => vec![Currency::JPY],
            _ => vec![Currency::parse("EUR")?],
        };
        let credential = self.credential(store, id, world).await?;
        let urls = (0..dice.range(1, 2)).map(|n| format!("https://shop{at}.example.com/hook{n}")).collect();
        let shop = Shop { id, world, zone, maturity_days, debt_limit_minor, currencies, credential, urls };
        self.shops.push(Arc::new(shop));
        Ok(())
    }

    async fn credential(
        &mut self,
        store: &SqliteStore,
        merchant: MerchantId,
        world: World,
    ) -> Result<Credential> {
        let id: KeyId = self.id(world);
        let now_us = self.clock.now_us();
        let (mut key, credential) = match world {
            World::Sandbox => {
                let token = BearerToken::generate();
                let key = blank_key(id, merchant, now_us);
                let text = token.expose().to_owned();
                (ApiKey { bearer_hash: Some(token.hash()), ..key }, Credential::Bearer(text))
            }
            World::Live => {
                let private = PrivateKey::generate_ed25519();
                let key = ApiKey {
                    public_key_pem: Some(private.public_key_pem()),
                    ..blank_key(id, merchant, now_us)
                };
                (key, Credential::Signer(id, Arc::new(private)))
            }
        };
        key.name = "the shop's program".to_owned();
        store.create_key(&key, None).await?;
        Ok(credential)
    }

    /// A price version of a shop, drawn, with its percentage; in force at once.
    pub fn price(
        &mut self,
        shop: usize,
        currency: Currency,
        version: i64,
        dice: &mut Dice,
    ) -> Option<(Price, &'static str)> {
        let merchant = self.shops.get(shop)?;
        let (id, world) = (merchant.id, merchant.world);
        let rates = ["0.60", "0.38", "1.25", "2.9", "0", "0.005", "3.333333", "0.25"];
        let rate = dice.pick(&rates).copied().unwrap_or("0");
        let minimum_minor = if dice.chance(250) { dice.range(1, 30) } else { 0 };
        let rule = FeeRule {
            rate: MoneyRate::parse(rate).ok()?,
            fixed_minor: if dice.chance(250) { dice.range(1, 50) } else { 0 },
            minimum_minor,
            cap_minor: dice.chance(350).then(|| minimum_minor + dice.range(1, 400)),
        };
        let refund_fee = match dice.weighted(&[5, 2, 3]) {
            0 => RefundFee::Returned,
            1 => RefundFee::Kept,
            _ => RefundFee::Charged(dice.range(1, 60)),
        };
        let price = Price {
            id: self.id(world),
            merchant: id,
            method: METHOD.into(),
            currency,
            version,
            rule,
            refund_fee,
            effective_at_us: self.clock.now_us(),
        };
        Some((price, rate))
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
        let sim_store = SimStore::new(Arc::clone(&store), Arc::clone(&self.faults));
        let channel = |account: &ChannelAccountId| {
            let channel: Arc<dyn Channel> = Arc::new(SimChannel::new(*account, Arc::clone(&self.bank)));
            (*account, channel)
        };
        let channels =
            Channels { by_account: self.accounts.iter().map(channel).collect(), sandbox: HashMap::new() };
        let start = Start {
            store: Arc::new(sim_store),
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
        Ok(Life { app, router, store, carrier })
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

fn cost() -> Result<FeeRule> {
    Ok(FeeRule { rate: MoneyRate::parse(COST_PERCENT)?, fixed_minor: 0, minimum_minor: 0, cap_minor: None })
}

fn jiff_zone(zone: &str) -> jiff::tz::TimeZone {
    jiff::tz::TimeZone::get(zone).unwrap_or(jiff::tz::TimeZone::UTC)
}

fn blank_key(id: KeyId, merchant: MerchantId, now_us: i64) -> ApiKey {
    ApiKey {
        id,
        owner: Owner::Merchant(merchant),
        name: String::new(),
        bearer_hash: None,
        public_key_pem: None,
        certificate: None,
        permissions: Vec::new(),
        ip_allow: Vec::new(),
        expires_at_us: None,
        revoked_at_us: None,
        noticed: None,
        created_by: None,
        changed_by: None,
        created_at_us: now_us,
        sequence: 1,
    }
}

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
