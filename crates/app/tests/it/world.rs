//! An installation in a scratch directory: store, lanes, sandbox channel, one merchant with a price.

use app::{
    App, Caller, Channels, Clock, NewMerchant, NewPayment, NewPrice, NoticeDoor, Outside, PaymentView,
    ReEntry, Retention, Settings, Start,
};
use channels::sandbox::{SandboxChannel, SandboxConfig};
use crypto::seal::{FileKeyProvider, MasterKey, Sealer};
use domain::channel::{ChannelAccount, SandboxOutcome};
use domain::id::{ChannelAccountId, IdMaker, MerchantId, World as Realm};
use domain::payment::{CaptureMode, Details, Personal, Scene, Status};
use domain::price::RefundFee;
use money::{Amount, Currency, FeeRule, Rate};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use store::Control;
use store::control::StoredChannelAccount;
use store::sqlite::{SqliteConfig, SqliteStore, init};

const SALT_KEY: [u8; 32] = [9; 32];

pub struct World {
    pub app: App,
    pub store: Arc<SqliteStore>,
    pub caller: Caller,
    clock: Clock,
    numbers: AtomicU64,
    _dir: tempfile::TempDir,
}

pub fn cny(minor: i64) -> Amount {
    Amount::new(minor, Currency::CNY)
}

fn real_now_us() -> i64 {
    Clock::system().real_now_us()
}

impl World {
    pub async fn new() -> World {
        World::at(Clock::system()).await
    }

    /// With a real time of the test's.
    pub async fn at(clock: Clock) -> World {
        let dir = tempfile::tempdir().unwrap();
        let provider = FileKeyProvider::in_memory(MasterKey::generate());
        let sealer = Arc::new(Sealer::new(Arc::new(provider)));
        let config = SqliteConfig::new(dir.path().join("feiqian.db"), Arc::clone(&sealer), real_now_us());
        let open_day = ledger::Day(20_000);
        init(&config, open_day).unwrap();
        let store = Arc::new(SqliteStore::open(&config).unwrap());
        let cost =
            FeeRule { rate: Rate::parse("0.38").unwrap(), fixed_minor: 0, minimum_minor: 0, cap_minor: None };
        let account_id: ChannelAccountId =
            IdMaker::new(real_now_us(), Realm::Sandbox.first_shard(), 1).next();
        let secret = [7u8; 32];
        store
            .create_channel_account(&StoredChannelAccount {
                account: ChannelAccount { id: account_id, method: "sandbox".into(), cost, enabled: true },
                world: Realm::Sandbox,
                kind: "sandbox".into(),
                callback_secret: secret.to_vec(),
            })
            .await
            .unwrap();
        let merchant = add_merchant(store.as_ref(), 1, "0.60").await;
        let door = Arc::new(NoticeDoor::default());
        let mut sandbox_config = SandboxConfig::new(
            account_id,
            secret,
            cost,
            dir.path().join("sandbox.book"),
            "http://127.0.0.1/pay".into(),
            real_now_us,
        );
        sandbox_config.call_timeout_ms = 300;
        sandbox_config.late_answer_ms = 300;
        let sandbox = SandboxChannel::open(sandbox_config, door.clone()).unwrap();
        let channels = Channels {
            by_account: HashMap::from([(account_id, sandbox.clone() as Arc<dyn channels::Channel>)]),
            sandbox: HashMap::from([(account_id, sandbox.clone())]),
        };
        let app = App::start(start(&store, &clock, channels), Some(&door)).await.unwrap();
        let caller = caller_of(merchant);
        World { app, store, caller, clock, numbers: AtomicU64::new(1), _dir: dir }
    }

    /// Stops the node and starts another on the same database, without channels.
    pub async fn restart(&mut self) {
        self.restart_with(None).await;
    }

    /// The same, with a node that removes what is old.
    pub async fn restart_keeping(&mut self, retention: Retention) {
        self.restart_with(Some(retention)).await;
    }

    async fn restart_with(&mut self, retention: Option<Retention>) {
        self.app.stop(Duration::from_secs(10)).await;
        let mut start = start(&self.store, &self.clock, Channels::default());
        start.settings.retention = retention;
        self.app = App::start(start, None).await.unwrap();
    }

    pub async fn second_merchant(&self, maturity_days: u16) -> Caller {
        let merchant = add_merchant(self.store.as_ref(), maturity_days, "0.60").await;
        self.app.reload_config().await.unwrap();
        caller_of(merchant)
    }

    pub fn next_no(&self) -> String {
        format!("ORDER-{}", self.numbers.fetch_add(1, Ordering::Relaxed))
    }

    pub fn order(&self, scene: Scene, minor: i64, outcome: Option<SandboxOutcome>) -> NewPayment {
        NewPayment {
            merchant_order_no: self.next_no(),
            amount: cny(minor),
            method: "sandbox".into(),
            scene,
            capture_mode: CaptureMode::Automatic,
            expires_in_us: 2 * 3_600_000_000,
            details: Details { subject: "tea".into(), sandbox_outcome: outcome, ..Details::default() },
            auth_code: scene.needs_auth_code().then(|| Personal("134500000000000000".into())),
        }
    }

    pub async fn pay(&self, new: NewPayment) -> PaymentView {
        self.app.create_payment(&self.caller, new, ReEntry::default()).await.unwrap().object
    }

    pub async fn paid(&self, minor: i64) -> PaymentView {
        let view = self.pay(self.order(Scene::BarCode, minor, None)).await;
        assert_eq!(view.payment.status, Status::Succeeded);
        view
    }

    /// The books as `feiqian verify --full` judges them.
    pub async fn verify(&self) {
        let report =
            app::verify::run(self.store.as_ref(), None, &SALT_KEY, app::verify::Options::full(), &mut ())
                .await
                .unwrap();
        assert!(
            report.difference.is_none(),
            "{}",
            report.difference.map(|d| d.to_string()).unwrap_or_default()
        );
    }

    /// The types of a payment's events, oldest first.
    pub async fn store_events(&self, id: domain::id::PaymentId) -> Vec<String> {
        let events = store::Reads::events_of_object(self.store.as_ref(), id.0.shard(), id.0).await.unwrap();
        events.iter().map(|event| event.kind.as_str().to_owned()).collect()
    }

    /// Waits for a condition on a payment, within the 30 s in which every recoverable outcome ends.
    pub async fn until(&self, id: domain::id::PaymentId, done: impl Fn(&PaymentView) -> bool) -> PaymentView {
        for _ in 0..600 {
            let view = self.app.payment(&self.caller, id).await.unwrap();
            if done(&view) {
                return view;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the payment never got there: {:?}", self.app.payment(&self.caller, id).await.unwrap());
    }
}

fn start(store: &Arc<SqliteStore>, clock: &Clock, channels: Channels) -> Start {
    let settings = Settings { due_poll_ms: 50, allow_private_webhooks: true, ..Settings::default() };
    Start {
        store: store.clone(),
        clock: clock.clone(),
        outside: Outside::default(),
        settings,
        channels,
        salt_key: SALT_KEY,
    }
}

fn caller_of(merchant: MerchantId) -> Caller {
    Caller { merchant, world: Realm::Sandbox, key: None, key_epoch: 1 }
}

async fn add_merchant(store: &SqliteStore, maturity_days: u16, rate: &str) -> MerchantId {
    let new = NewMerchant {
        world: Realm::Sandbox,
        name: "Tea House".into(),
        zone: "Asia/Shanghai".into(),
        maturity_days,
        debt_limit_minor: 0,
        partner: None,
    };
    let merchant = app::create_merchant(store, &new, real_now_us()).await.unwrap();
    let price = NewPrice {
        merchant: merchant.id,
        method: "sandbox".into(),
        currency: Currency::CNY,
        rule: FeeRule { rate: Rate::parse(rate).unwrap(), fixed_minor: 0, minimum_minor: 0, cap_minor: None },
        refund_fee: RefundFee::Returned,
    };
    app::set_price(store, &price, real_now_us()).await.unwrap();
    merchant.id
}
