//! The deliverer over the real store, with a receiver on this machine.

use super::*;
use crate::clock::{Clock, RealTime};
use crate::config::Config;
use crate::{NewMerchant, create_merchant};
use arc_swap::ArcSwap;
use crypto::seal::{FileKeyProvider, MasterKey, Sealer};
use crypto::webhook::{WebhookSecret, verify};
use domain::event::{Event, NewDelivery, Type};
use domain::id::{EndpointId, EventId, IdMaker, MerchantId, Shard, Uid, World};
use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use store::control::{Endpoint, EndpointStatus};
use store::reads::{Delivery, DeliveryStatus, EventFilter, SeqPage, delivery_id};
use store::sqlite::{SqliteConfig, SqliteStore, init};
use store::{Control, Reads};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const SHARD: Shard = Shard(1);
const START_US: i64 = 1_764_000_000_000_000;
const MINUTE_US: i64 = 60_000_000;
const DAY_US: i64 = 24 * 60 * MINUTE_US;

/// Real time that stands still but for what the test adds.
struct HandTime(AtomicI64);

impl RealTime for HandTime {
    fn now_us(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }
}

/// A request as the receiver got it.
#[derive(Debug, Clone)]
struct Got {
    path: String,
    headers: HashMap<String, String>,
    body: String,
}

impl Got {
    fn sequence(&self) -> i64 {
        self.body.parse().unwrap()
    }
}

/// Answers by the first part of the path; remembers everything.
#[derive(Clone)]
struct Receiver {
    base: String,
    got: Arc<Mutex<Vec<Got>>>,
    /// Paths that answer 500 now.
    broken: Arc<Mutex<Vec<String>>>,
}

impl Receiver {
    async fn start() -> Receiver {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let receiver = Receiver { base, got: Arc::default(), broken: Arc::default() };
        let served = receiver.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let receiver = served.clone();
                tokio::spawn(async move { receiver.serve(stream).await });
            }
        });
        receiver
    }

    async fn serve(&self, mut stream: TcpStream) {
        while let Some(got) = read_request(&mut stream).await {
            let broken = self.broken.lock().unwrap().contains(&got.path);
            let answer = match got.path.split('/').nth(1).unwrap() {
                _ if broken => "HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n".to_owned(),
                "hang" => {
                    self.got.lock().unwrap().push(got);
                    std::future::pending::<()>().await;
                    return;
                }
                "redirect" => {
                    format!("HTTP/1.1 302 No\r\nlocation: {}/ok\r\ncontent-length: 0\r\n\r\n", self.base)
                }
                "gone" => "HTTP/1.1 410 No\r\ncontent-length: 0\r\n\r\n".to_owned(),
                "busy" => "HTTP/1.1 503 No\r\nretry-after: 9\r\ncontent-length: 0\r\n\r\n".to_owned(),
                "flood" => {
                    format!("HTTP/1.1 200 OK\r\ncontent-length: 900000000\r\n\r\n{}", "x".repeat(100_000))
                }
                _ => "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok".to_owned(),
            };
            self.got.lock().unwrap().push(got);
            if stream.write_all(answer.as_bytes()).await.is_err() {
                return;
            }
        }
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    fn got(&self, path: &str) -> Vec<Got> {
        self.got.lock().unwrap().iter().filter(|got| got.path == path).cloned().collect()
    }

    fn sequences(&self, path: &str) -> Vec<i64> {
        self.got(path).iter().map(Got::sequence).collect()
    }
}

async fn read_request(stream: &mut TcpStream) -> Option<Got> {
    let mut bytes = Vec::new();
    let head_end = loop {
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break at + 4;
        }
        let mut chunk = [0; 4_096];
        let read = stream.read(&mut chunk).await.ok().filter(|read| *read > 0)?;
        bytes.extend_from_slice(&chunk[..read]);
    };
    let head = String::from_utf8(bytes[..head_end].to_vec()).unwrap();
    let mut lines = head.split("\r\n");
    let path = lines.next().unwrap().split(' ').nth(1).unwrap().to_owned();
    let pairs = lines.filter_map(|line| line.split_once(": "));
    let headers: HashMap<String, String> =
        pairs.map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect();
    let length: usize = headers["content-length"].parse().unwrap();
    while bytes.len() < head_end + length {
        let mut chunk = [0; 4_096];
        let read = stream.read(&mut chunk).await.ok().filter(|read| *read > 0)?;
        bytes.extend_from_slice(&chunk[..read]);
    }
    Some(Got { path, headers, body: String::from_utf8(bytes[head_end..].to_vec()).unwrap() })
}

/// A store, a merchant, a receiver, and time in the hand.
struct Bench {
    store: Arc<SqliteStore>,
    config: Arc<ArcSwap<Config>>,
    time: Arc<HandTime>,
    merchant: MerchantId,
    receiver: Receiver,
    ids: Mutex<IdMaker>,
    _dir: tempfile::TempDir,
}

impl Bench {
    async fn new() -> Bench {
        let dir = tempfile::tempdir().unwrap();
        let sealer = Arc::new(Sealer::new(Arc::new(FileKeyProvider::in_memory(MasterKey::generate()))));
        let config = SqliteConfig::new(dir.path().join("feiqian.db"), sealer, START_US);
        init(&config, ledger::Day(20_000)).unwrap();
        let store = Arc::new(SqliteStore::open(&config).unwrap());
        let new = NewMerchant {
            world: World::Sandbox,
            name: "Tea House".into(),
            zone: "Asia/Shanghai".into(),
            maturity_days: 1,
            debt_limit_minor: 0,
            partner: None,
        };
        let merchant = create_merchant(store.as_ref(), &new, START_US).await.unwrap().id;
        let snapshot = store.snapshot().await.unwrap();
        Bench {
            config: Arc::new(ArcSwap::from_pointee(Config::new(snapshot))),
            store,
            time: Arc::new(HandTime(AtomicI64::new(START_US))),
            merchant,
            receiver: Receiver::start().await,
            // Later than the start, as in a running node.
            ids: Mutex::new(IdMaker::new(START_US + MINUTE_US, SHARD, 3)),
            _dir: dir,
        }
    }

    fn start(&self) -> DelivererHandle {
        self.start_with(|_| {})
    }

    fn start_with(&self, change: impl FnOnce(&mut DelivererConfig)) -> DelivererHandle {
        let clock = Clock::of(self.time.clone());
        let mut config = DelivererConfig::defaults(self.store.clone(), self.config.clone(), clock);
        config.rules = guard::UrlRules { allow_private: true };
        config.poll_ms = 30;
        config.idle_poll_ms = 30;
        config.request_timeout_ms = 400;
        change(&mut config);
        Deliverer::start(config)
    }

    async fn reload(&self) {
        let snapshot = self.store.snapshot().await.unwrap();
        self.config.store(Arc::new(Config::new(snapshot)));
    }

    async fn endpoint(&self, path: &str, types: &str) -> EndpointId {
        let id = self.ids.lock().unwrap().next();
        let endpoint = Endpoint {
            id,
            merchant: self.merchant,
            url: self.receiver.url(path),
            events: vec![types.to_owned()],
            description: None,
            status: EndpointStatus::Enabled,
            secret: vec![1; 32],
            old_secret: None,
            failing_since_us: None,
            failures: 0,
            created_at_us: START_US,
            updated_at_us: START_US,
            sequence: 1,
            created_by: None,
            changed_by: None,
        };
        self.store.create_endpoint(&endpoint, 13, None).await.unwrap();
        self.reload().await;
        id
    }

    async fn change(&self, id: EndpointId, change: impl FnOnce(&mut Endpoint)) {
        let mut endpoint = self.stored(id).await;
        let expected = endpoint.sequence;
        change(&mut endpoint);
        endpoint.sequence += 1;
        self.store.update_endpoint(&endpoint, expected, None).await.unwrap();
        self.reload().await;
    }

    async fn stored(&self, id: EndpointId) -> Endpoint {
        let snapshot = self.store.snapshot().await.unwrap();
        snapshot.endpoints.into_iter().find(|endpoint| endpoint.id == id).unwrap()
    }

    fn object(&self) -> Uid {
        self.ids.lock().unwrap().next::<EventId>().0
    }

    /// Commits an event whose body is its sequence.
    async fn event(&self, object: Uid, sequence: i64, endpoint: Option<EndpointId>, url: &str) -> Event {
        let EventId(mut id) = self.ids.lock().unwrap().next::<EventId>();
        id.0[15] &= 0xf0;
        let event = Event {
            seq: 0,
            id: EventId(id),
            merchant: self.merchant,
            kind: Type::PaymentSucceeded,
            object,
            object_sequence: sequence,
            created_at_us: START_US,
            body: sequence.to_string(),
            is_personal: false,
            deliveries: vec![NewDelivery { endpoint, url: url.to_owned(), due_at_us: self.time.now_us() }],
        };
        self.store.insert_event(SHARD, &event, None).await.unwrap();
        event
    }

    async fn delivery(&self, event: &Event) -> Delivery {
        self.store.delivery(delivery_id(event.id, 0)).await.unwrap().unwrap()
    }

    /// Waits for a delivery to be so, within ten seconds.
    async fn until(&self, event: &Event, so: impl Fn(&Delivery) -> bool) -> Delivery {
        let patience = Instant::now() + Duration::from_secs(10);
        loop {
            let delivery = self.delivery(event).await;
            if so(&delivery) {
                return delivery;
            }
            assert!(Instant::now() < patience, "it never became so: {delivery:?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    async fn until_status(&self, event: &Event, status: DeliveryStatus) -> Delivery {
        self.until(event, |delivery| delivery.status == status).await
    }

    async fn notices(&self, kind: Type) -> Vec<Event> {
        let filter = EventFilter { kind: Some(kind.as_str().to_owned()), ..EventFilter::default() };
        self.store.events(self.merchant, &filter, SeqPage { limit: 100, before: None }).await.unwrap()
    }

    fn pass(&self, us: i64) {
        self.time.0.fetch_add(us, Ordering::SeqCst);
    }
}

fn secret(bytes: &[u8]) -> WebhookSecret {
    use base64::Engine as _;
    WebhookSecret::parse(&format!("whsec_{}", base64::engine::general_purpose::STANDARD.encode(bytes)))
        .unwrap()
}

fn check(got: &Got, key: &[u8]) -> bool {
    let header = |name: &str| got.headers[name].as_str();
    let (id, at, signatures) =
        (header("webhook-id"), header("webhook-timestamp"), header("webhook-signature"));
    verify(&[secret(key)], id, at, signatures, got.body.as_bytes(), START_US / 1_000_000).is_ok()
}

#[tokio::test]
async fn an_event_told_of_is_sent_at_once_and_signed() {
    let bench = Bench::new().await;
    let endpoint = bench.endpoint("/ok", "*").await;
    // The database is looked at once, at the start, and then not for an hour: it must come from memory.
    let handle = bench.start_with(|config| (config.poll_ms, config.idle_poll_ms) = (3_600_000, 3_600_000));
    let event = bench.event(bench.object(), 1, Some(endpoint), &bench.receiver.url("/ok")).await;
    handle.hint(std::slice::from_ref(&event));
    let delivery = bench.until_status(&event, DeliveryStatus::Succeeded).await;
    assert_eq!((delivery.tries, delivery.due_at_us, delivery.attempts.len()), (1, None, 1));
    assert_eq!((delivery.attempts[0].status, &delivery.attempts[0].error), (Some(200), &None));
    let got = &bench.receiver.got("/ok")[0];
    assert_eq!(got.headers["webhook-id"], event.id.to_string());
    assert_eq!(got.headers["content-type"], "application/json");
    assert!(got.headers["user-agent"].starts_with("Feiqian-Webhooks/"));
    assert!(check(got, &[1; 32]) && !check(got, &[2; 32]));
    handle.stop().await;
    assert_eq!(bench.receiver.got("/ok").len(), 1);
}

#[tokio::test]
async fn after_a_rotation_both_secrets_sign_until_the_old_one_ends() {
    let bench = Bench::new().await;
    let endpoint = bench.endpoint("/ok", "*").await;
    bench
        .change(endpoint, |endpoint| {
            endpoint.secret = vec![2; 32];
            endpoint.old_secret = Some((vec![1; 32], START_US + MINUTE_US));
        })
        .await;
    let handle = bench.start();
    let event = bench.event(bench.object(), 1, Some(endpoint), "").await;
    handle.wake();
    bench.until_status(&event, DeliveryStatus::Succeeded).await;
    bench.pass(MINUTE_US);
    let event = bench.event(bench.object(), 2, Some(endpoint), "").await;
    handle.wake();
    bench.until_status(&event, DeliveryStatus::Succeeded).await;
    let got = bench.receiver.got("/ok");
    assert!(check(&got[0], &[1; 32]) && check(&got[0], &[2; 32]));
    assert!(!check(&got[1], &[1; 32]) && check(&got[1], &[2; 32]));
}

#[tokio::test]
async fn a_notify_url_is_signed_with_the_default_secret() {
    let bench = Bench::new().await;
    let handle = bench.start();
    let event = bench.event(bench.object(), 1, None, &bench.receiver.url("/ok?order=1")).await;
    handle.hint(std::slice::from_ref(&event));
    bench.until_status(&event, DeliveryStatus::Succeeded).await;
    let default_secret = bench.config.load().merchant(bench.merchant).unwrap().default_secret.clone();
    assert!(check(&bench.receiver.got("/ok?order=1")[0], &default_secret));
}

#[tokio::test]
async fn whatever_is_no_2xx_is_tried_again_and_seen() {
    let bench = Bench::new().await;
    let handle = bench.start();
    let cases = [
        ("/redirect", Some(302), Some("redirect_not_followed"), 4..=6),
        ("/busy", Some(503), Some("http_status"), 9..=9),
        ("/hang", None, Some("timeout"), 4..=6),
    ];
    for (path, status, error, pause_s) in cases {
        let event = bench.event(bench.object(), 1, None, &bench.receiver.url(path)).await;
        handle.wake();
        let delivery = bench.until(&event, |delivery| delivery.tries == 1).await;
        assert_eq!(delivery.status, DeliveryStatus::Pending, "{path}");
        assert_eq!(
            (delivery.attempts[0].status, delivery.attempts[0].error.as_deref()),
            (status, error),
            "{path}"
        );
        let pause_us = delivery.due_at_us.unwrap() - START_US;
        assert!(pause_s.contains(&(pause_us / 1_000_000)) || pause_us == 6_000_000, "{path}: {pause_us}");
    }
    let closed = "http://127.0.0.1:1/".to_owned();
    for (url, error) in [
        (closed.as_str(), "connect_failed"),
        ("http://169.254.169.254/latest", "address_forbidden"),
        ("http://no-such-name.invalid/", "name_not_resolved"),
    ] {
        let event = bench.event(bench.object(), 1, None, url).await;
        handle.wake();
        let delivery = bench.until(&event, |delivery| delivery.tries == 1).await;
        assert_eq!(delivery.attempts[0].error.as_deref(), Some(error));
    }
    assert!(bench.receiver.got("/ok").is_empty(), "the redirect was not followed");
}

#[tokio::test]
async fn an_endless_answer_is_cut_off() {
    let bench = Bench::new().await;
    let handle = bench.start();
    let event = bench.event(bench.object(), 1, None, &bench.receiver.url("/flood")).await;
    handle.hint(std::slice::from_ref(&event));
    bench.until_status(&event, DeliveryStatus::Succeeded).await;
}

#[tokio::test]
async fn a_strict_deliverer_connects_to_nothing_private() {
    let bench = Bench::new().await;
    let handle = bench.start_with(|config| config.rules = guard::UrlRules::default());
    let port = bench.receiver.base.rsplit(':').next().unwrap();
    for host in ["127.0.0.1", "2130706433", "[::ffff:127.0.0.1]", "localhost", "localhost."] {
        let event = bench.event(bench.object(), 1, None, &format!("http://{host}:{port}/ok")).await;
        handle.hint(std::slice::from_ref(&event));
        let delivery = bench.until(&event, |delivery| delivery.tries == 1).await;
        assert_eq!(delivery.attempts[0].error.as_deref(), Some("address_forbidden"), "{host}");
    }
    assert!(bench.receiver.got.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_poisoned_object_blocks_only_itself_and_catches_up_in_order() {
    let bench = Bench::new().await;
    let endpoint = bench.endpoint("/ok", "*").await;
    let handle = bench.start();
    bench.receiver.broken.lock().unwrap().push("/ok".to_owned());
    let (poisoned, other) = (bench.object(), bench.object());
    let mut events = Vec::new();
    for sequence in 1..=4 {
        let event = bench.event(poisoned, sequence, Some(endpoint), "").await;
        handle.hint(std::slice::from_ref(&event));
        if sequence == 1 {
            bench.until(&event, |delivery| delivery.tries == 1).await;
            bench.receiver.broken.lock().unwrap().clear();
        }
        events.push(event);
    }
    let apart = bench.event(other, 50, Some(endpoint), "").await;
    handle.hint(std::slice::from_ref(&apart));
    bench.until_status(&apart, DeliveryStatus::Succeeded).await;
    assert_eq!(bench.receiver.sequences("/ok"), [1, 50], "2 to 4 wait for 1");
    bench.pass(7_000_000);
    for event in &events {
        bench.until_status(event, DeliveryStatus::Succeeded).await;
    }
    assert_eq!(bench.receiver.sequences("/ok"), [1, 50, 1, 2, 3, 4]);
}

#[tokio::test]
async fn what_a_node_left_behind_is_delivered_by_the_next() {
    let bench = Bench::new().await;
    let endpoint = bench.endpoint("/ok", "*").await;
    let object = bench.object();
    let first = bench.event(object, 1, Some(endpoint), "").await;
    let second = bench.event(object, 2, Some(endpoint), "").await;
    // Nobody told of them: the node was killed between commit and hint (R52).
    let handle = bench.start();
    bench.until_status(&second, DeliveryStatus::Succeeded).await;
    bench.until_status(&first, DeliveryStatus::Succeeded).await;
    assert_eq!(bench.receiver.sequences("/ok"), [1, 2]);
    handle.stop().await;
    let third = bench.event(object, 3, Some(endpoint), "").await;
    handle.hint(std::slice::from_ref(&third));
    tokio::task::yield_now().await;
    assert_eq!(
        bench.delivery(&third).await.status,
        DeliveryStatus::Pending,
        "a stopped deliverer starts nothing"
    );
}

#[tokio::test]
async fn a_delivery_is_given_up_after_ten_tries() {
    let bench = Bench::new().await;
    let handle = bench.start();
    let event = bench.event(bench.object(), 1, None, &bench.receiver.url("/redirect")).await;
    for tries in 1..=10 {
        handle.wake();
        bench.until(&event, |delivery| delivery.tries == tries).await;
        bench.pass(2 * DAY_US);
    }
    let delivery = bench.delivery(&event).await;
    assert_eq!(
        (delivery.status, delivery.due_at_us, delivery.attempts.len()),
        (DeliveryStatus::Failed, None, 10)
    );
    // By hand it goes again, counting afresh.
    bench.store.replay_delivery(delivery.id, bench.time.now_us(), None).await.unwrap();
    handle.wake();
    bench.until(&event, |delivery| delivery.attempts.len() == 11 && delivery.tries == 1).await;
}

#[tokio::test]
async fn a_failing_endpoint_is_told_of_once_and_recovers() {
    let bench = Bench::new().await;
    let ill = bench.endpoint("/ill", "*").await;
    let other = bench.endpoint("/other", "webhook_endpoint.*").await;
    let handle = bench.start();
    bench.receiver.broken.lock().unwrap().push("/ill".to_owned());
    let mut events = Vec::new();
    for sequence in 1..=6 {
        let event = bench.event(bench.object(), sequence, Some(ill), "").await;
        handle.hint(std::slice::from_ref(&event));
        bench.until(&event, |delivery| delivery.tries == 1).await;
        events.push(event);
        bench.reload().await;
    }
    let notice = until_notice(&bench, Type::WebhookEndpointFailing).await;
    let stored = bench.stored(ill).await;
    assert_eq!((stored.status, stored.failing_since_us), (EndpointStatus::Failing, Some(START_US)));
    assert_eq!(notice.object, ill.0);
    bench.until_status(&notice, DeliveryStatus::Succeeded).await;
    let told = &bench.receiver.got("/other")[0].body;
    assert!(
        told.contains("\"previous_status\":\"enabled\"") && told.contains("\"status\":\"failing\""),
        "{told}"
    );
    assert!(!told.contains("whsec_"));

    bench.receiver.broken.lock().unwrap().clear();
    bench.pass(MINUTE_US);
    handle.wake();
    bench.until_status(&events[0], DeliveryStatus::Succeeded).await;
    until_notice(&bench, Type::WebhookEndpointRecovered).await;
    assert_eq!(bench.stored(ill).await.status, EndpointStatus::Enabled);
    assert_eq!(bench.notices(Type::WebhookEndpointFailing).await.len(), 1);
    assert_eq!(bench.stored(other).await.sequence, 1, "an endpoint that is well is not written");
}

async fn until_notice(bench: &Bench, kind: Type) -> Event {
    let patience = Instant::now() + Duration::from_secs(10);
    loop {
        if let Some(notice) = bench.notices(kind).await.pop() {
            bench.reload().await;
            return notice;
        }
        assert!(Instant::now() < patience, "no {kind:?}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn five_days_of_failures_disable_and_what_waits_is_given_up() {
    let bench = Bench::new().await;
    let ill = bench.endpoint("/ill", "*").await;
    bench.endpoint("/other", "webhook_endpoint.disabled").await;
    let handle = bench.start();
    bench.receiver.broken.lock().unwrap().push("/ill".to_owned());
    let mut last = None;
    for day in 0..=5 {
        bench.pass(if day == 0 { 0 } else { DAY_US });
        let event = bench.event(bench.object(), day, Some(ill), "").await;
        handle.hint(std::slice::from_ref(&event));
        bench.until(&event, |delivery| delivery.tries >= 1).await;
        assert!(bench.notices(Type::WebhookEndpointDisabled).await.is_empty() || day == 5);
        last = Some(event);
    }
    let notice = until_notice(&bench, Type::WebhookEndpointDisabled).await;
    bench.until_status(&notice, DeliveryStatus::Succeeded).await;
    assert_eq!(bench.stored(ill).await.status, EndpointStatus::Disabled);
    bench.pass(DAY_US);
    handle.wake();
    let given_up = bench.until_status(&last.unwrap(), DeliveryStatus::Failed).await;
    assert_eq!(given_up.attempts.last().unwrap().error.as_deref(), Some("endpoint_disabled"));
    assert_eq!(bench.notices(Type::WebhookEndpointDisabled).await.len(), 1);
}

#[tokio::test]
async fn gone_disables_at_once() {
    let bench = Bench::new().await;
    let endpoint = bench.endpoint("/gone", "*").await;
    let handle = bench.start();
    let event = bench.event(bench.object(), 1, Some(endpoint), "").await;
    handle.hint(std::slice::from_ref(&event));
    let delivery = bench.until_status(&event, DeliveryStatus::Failed).await;
    assert_eq!(delivery.attempts[0].status, Some(410));
    // The event is there before the configuration is read again, and no try is made in between.
    let patience = Instant::now() + Duration::from_secs(10);
    while bench.notices(Type::WebhookEndpointDisabled).await.is_empty() {
        assert!(Instant::now() < patience);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(bench.stored(endpoint).await.status, EndpointStatus::Disabled);
}

#[tokio::test]
async fn a_hanging_destination_leaves_the_others_undelayed() {
    let bench = Bench::new().await;
    let (dead, well) = (bench.endpoint("/hang", "*").await, bench.endpoint("/ok", "*").await);
    let handle = bench.start_with(|config| {
        config.concurrency = 32;
        config.request_timeout_ms = 60_000;
    });
    for sequence in 0..100 {
        let event = bench.event(bench.object(), sequence, Some(dead), "").await;
        handle.hint(std::slice::from_ref(&event));
    }
    let mut events = Vec::new();
    for sequence in 0..30 {
        let event = bench.event(bench.object(), sequence, Some(well), "").await;
        handle.hint(std::slice::from_ref(&event));
        events.push(event);
    }
    // Would wait a minute for a slot of the dead one.
    for event in &events {
        bench.until_status(event, DeliveryStatus::Succeeded).await;
    }
    assert!(bench.receiver.got("/hang").len() <= 8);
    let stopping = Instant::now();
    handle.stop().await;
    assert!(stopping.elapsed() < Duration::from_secs(12), "stopping is bounded");
}

/// The node knows the endpoint as disabled; it was enabled through another one a moment ago.
#[tokio::test]
async fn nothing_is_given_up_by_a_configuration_that_is_not_in_force_any_more() {
    let bench = Bench::new().await;
    let endpoint = bench.endpoint("/ok", "*").await;
    let set = async |status: EndpointStatus| {
        let stored = bench.stored(endpoint).await;
        let changed = Endpoint { status, sequence: stored.sequence + 1, ..stored.clone() };
        bench.store.update_endpoint(&changed, stored.sequence, None).await.unwrap();
    };
    set(EndpointStatus::Disabled).await;
    bench.reload().await;
    set(EndpointStatus::Enabled).await;
    let handle = bench.start();
    let event = bench.event(bench.object(), 1, Some(endpoint), "").await;
    // Looked at many times over while the old configuration stands.
    for _ in 0..20 {
        handle.wake();
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let waiting = bench.delivery(&event).await;
    assert_eq!((waiting.status, waiting.attempts.len()), (DeliveryStatus::Pending, 0));
    bench.reload().await;
    handle.wake();
    bench.until_status(&event, DeliveryStatus::Succeeded).await;
    // And what the one in force says is certain.
    set(EndpointStatus::Disabled).await;
    bench.reload().await;
    let event = bench.event(bench.object(), 2, Some(endpoint), "").await;
    handle.hint(std::slice::from_ref(&event));
    let given_up = bench.until_status(&event, DeliveryStatus::Failed).await;
    assert_eq!(given_up.attempts[0].error.as_deref(), Some("endpoint_disabled"));
}
