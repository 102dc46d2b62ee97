//! A channel over a fresh book, and a platform that writes down what it is told.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use channels::sandbox::{BookError, NoticeSink, SandboxChannel, SandboxConfig};
use channels::{
    AuthCode, CaptureRef, CaptureRequest, Channel, Notice, NoticeFact, PrepareRequest, RefundRef,
    RefundRequest, TradeRef,
};
use domain::channel::{AttemptFact, SandboxOutcome, Taken};
use domain::id::{ChannelAccountId, Id};
use domain::{Shard, Uid};
use money::{Amount, Currency, FeeRule, Rate};
use tokio::sync::watch;

/// 2026-11-24T12:00:00 in UTC+8.
pub const NOON_US: i64 = 1_795_492_800_000_000;
pub const HOUR_US: i64 = 3_600_000_000;
pub const SECRET: [u8; 32] = [3; 32];

pub fn cny(minor: i64) -> Amount {
    Amount::new(minor, Currency::CNY)
}

/// The n-th request, capture or refund number.
pub fn number(n: u64) -> String {
    Uid::new(1_795_492_800_000, Shard(1), n).to_text()
}

pub fn at(n: u64, now_us: i64) -> TradeRef {
    TradeRef { request_no: number(n), now_us }
}

pub fn now(n: u64) -> TradeRef {
    at(n, NOON_US)
}

pub fn order(n: u64, scene: &str, minor: i64) -> PrepareRequest {
    PrepareRequest {
        request_no: number(n),
        amount: cny(minor),
        subject: "tea".to_owned(),
        scene: scene.to_owned(),
        auth_code: Some(AuthCode::new("130000000000000001".to_owned())),
        manual_capture: false,
        expires_at_us: NOON_US + HOUR_US,
        now_us: NOON_US,
        sandbox_outcome: None,
    }
}

pub fn order_with(n: u64, scene: &str, outcome: SandboxOutcome) -> PrepareRequest {
    PrepareRequest { sandbox_outcome: Some(outcome), ..order(n, scene, 1250) }
}

pub fn held(n: u64, minor: i64) -> PrepareRequest {
    PrepareRequest { manual_capture: true, ..order(n, "card", minor) }
}

pub fn capture(n: u64, part: u64, minor: i64, is_final: bool) -> CaptureRequest {
    CaptureRequest {
        request_no: number(n),
        capture_no: number(part),
        amount: cny(minor),
        is_final,
        now_us: NOON_US,
    }
}

pub fn capture_ref(n: u64, part: u64) -> CaptureRef {
    CaptureRef { request_no: number(n), capture_no: number(part), now_us: NOON_US }
}

pub fn refund(n: u64, part: u64, minor: i64) -> RefundRequest {
    RefundRequest {
        request_no: number(n),
        refund_no: number(part),
        amount: cny(minor),
        now_us: NOON_US,
        sandbox_outcome: None,
    }
}

pub fn refund_ref(n: u64, part: u64) -> RefundRef {
    RefundRef { request_no: number(n), refund_no: number(part), now_us: NOON_US }
}

pub fn taken(fact: AttemptFact) -> Taken {
    let AttemptFact::Paid(taken) = fact else { panic!("not paid: {fact:?}") };
    taken
}

/// Headers and body as they came.
type Received = (Vec<(String, String)>, Vec<u8>);

/// The platform's side of callbacks.
pub struct Platform {
    received: Mutex<Vec<Received>>,
    count: watch::Sender<usize>,
    refusals: AtomicUsize,
}

impl Platform {
    /// Does not acknowledge the next ones.
    pub fn refuse(&self, times: usize) {
        self.refusals.store(times, Ordering::SeqCst);
    }

    pub fn count(&self) -> usize {
        self.received.lock().unwrap().len()
    }

    /// Waits until so many came in all.
    pub async fn received(&self, count: usize) {
        let mut seen = self.count.subscribe();
        let waited = tokio::time::timeout(Duration::from_secs(3600), seen.wait_for(|n| *n >= count)).await;
        assert!(waited.is_ok(), "only {} callbacks came, not {count}", self.count());
    }

    /// What came, authenticated.
    pub fn notices(&self, channel: &SandboxChannel) -> Vec<Notice> {
        let received = self.received.lock().unwrap();
        received.iter().map(|(headers, body)| channel.parse_callback(headers, body).unwrap()).collect()
    }

    pub fn facts(&self, channel: &SandboxChannel) -> Vec<AttemptFact> {
        let of_attempt = |notice: Notice| match notice.what {
            NoticeFact::Attempt(fact) => fact,
            other => panic!("not of an attempt: {other:?}"),
        };
        self.notices(channel).into_iter().map(of_attempt).collect()
    }

    pub fn bodies(&self) -> Vec<Vec<u8>> {
        self.received.lock().unwrap().iter().map(|(_, body)| body.clone()).collect()
    }
}

#[async_trait]
impl NoticeSink for Platform {
    async fn deliver(&self, _: ChannelAccountId, headers: Vec<(String, String)>, body: Vec<u8>) -> bool {
        self.received.lock().unwrap().push((headers, body));
        self.count.send_modify(|count| *count += 1);
        let refuse =
            self.refusals.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        refuse.is_err()
    }
}

/// A channel and its platform.
pub struct World {
    pub channel: Arc<SandboxChannel>,
    pub platform: Arc<Platform>,
    pub path: PathBuf,
}

pub fn cost() -> FeeRule {
    FeeRule { rate: Rate::parse("0.38").unwrap(), fixed_minor: 0, minimum_minor: 0, cap_minor: None }
}

pub fn config(path: &Path) -> SandboxConfig {
    let account = ChannelAccountId::from_uid(Uid([1; 16]));
    let base = "https://pay.example/pay/".to_owned();
    SandboxConfig::new(account, SECRET, cost(), path.to_owned(), base, || NOON_US)
}

pub fn platform() -> Arc<Platform> {
    let (received, refusals) = (Mutex::new(Vec::new()), AtomicUsize::new(0));
    Arc::new(Platform { received, count: watch::Sender::new(0), refusals })
}

pub fn open(path: &Path) -> Result<World, BookError> {
    let platform = platform();
    let channel = SandboxChannel::open(config(path), Arc::clone(&platform) as Arc<dyn NoticeSink>)?;
    Ok(World { channel, platform, path: path.to_owned() })
}

/// A path for one test, with nothing there.
pub fn fresh_path(test: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{test}-{}.book", std::process::id()));
    let _ = std::fs::remove_file(&path);
    path
}

pub fn world(test: &str) -> World {
    open(&fresh_path(test)).unwrap()
}

impl World {
    /// Ends this process's hold and starts again from the file.
    pub fn reopened(self) -> World {
        drop(self.channel);
        open(&self.path).unwrap()
    }
}
