//! The ends of keys: announced once each, whatever the node goes through, and revoked for every merchant that they act for.

use crate::world::World;
use app::clock::RealTime;
use app::{Caller, Clock, KeyRotation, NewEndpoint, NewKey, NewPartner, ReEntry, Refusal};
use domain::api_key::{ApiKey, Owner};
use domain::id::{KeyId, World as Realm};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use store::{Control, Reads};

const DAY_US: i64 = 86_400_000_000;

/// A real time that the test moves.
struct Hand(AtomicI64);

impl RealTime for Hand {
    fn now_us(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Hand {
    fn at_now() -> Arc<Hand> {
        Arc::new(Hand(AtomicI64::new(Clock::system().real_now_us())))
    }

    fn set(&self, at_us: i64) {
        self.0.store(at_us, Ordering::Relaxed);
    }
}

async fn key(world: &World, expires_at_us: Option<i64>) -> ApiKey {
    let new = NewKey { name: "till".into(), generate_bearer: true, expires_at_us, ..NewKey::default() };
    world.app.create_key(&world.caller, new, ReEntry::default()).await.unwrap().object.0
}

/// The types of the events about a key, oldest first.
async fn told(world: &World, key: KeyId) -> Vec<String> {
    let events = world.store.events_of_object(key.0.shard(), key.0).await.unwrap();
    for event in &events {
        assert_eq!((event.merchant, event.object), (world.caller.merchant, key.0));
        assert!(event.body.contains(&key.to_string()), "{}", event.body);
        assert!(!event.body.contains("fqsk_"), "{}", event.body);
    }
    events.iter().map(|event| event.kind.as_str().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_notice_of_an_end_is_given_once_across_restarts() {
    let hand = Hand::at_now();
    let mut world = World::at(Clock::of(hand.clone())).await;
    let hook = NewEndpoint { url: "http://127.0.0.1:9/".into(), events: vec!["*".into()], description: None };
    world.app.create_endpoint(&world.caller, hook, ReEntry::default()).await.unwrap();
    let ends_us = hand.now_us() + 40 * DAY_US;
    let long = key(&world, Some(ends_us)).await;
    let endless = key(&world, None).await;
    let mut expected = Vec::new();
    for (days_left, is_new) in
        [(31, false), (30, true), (29, false), (7, true), (6, false), (1, true), (-1, false)]
    {
        hand.set(ends_us - days_left * DAY_US);
        if is_new {
            expected.push("api_key.expiring".to_owned());
        }
        world.app.tell_keys().await;
        world.app.tell_keys().await;
        assert_eq!(told(&world, long.id).await, expected, "{days_left} days left");
        world.restart().await;
        world.app.tell_keys().await;
        assert_eq!(told(&world, long.id).await, expected, "{days_left} days left, restarted");
        if is_new {
            // The node died between the event and the note that it was given.
            let stored = world.app.key(&world.caller, long.id).unwrap();
            let forgotten = ApiKey { noticed: None, sequence: stored.sequence + 1, ..stored.clone() };
            world.store.update_key(&forgotten, stored.sequence, None).await.unwrap();
            world.restart().await;
            world.app.tell_keys().await;
            assert_eq!(told(&world, long.id).await, expected, "{days_left} days left, forgotten");
        }
    }
    assert_eq!(told(&world, endless.id).await, Vec::<String>::new());
    let events = world.store.events_of_object(long.id.0.shard(), long.id.0).await.unwrap();
    let ids: std::collections::HashSet<_> = events.iter().map(|event| event.id).collect();
    assert_eq!(ids.len(), 3);

    // Whoever makes or rotates a key with little time left knows it.
    let short = key(&world, Some(hand.now_us() + 5 * DAY_US)).await;
    let rotated = key(&world, None).await;
    let rotation = KeyRotation::default();
    let next = world.app.rotate_key(&world.caller, rotated.id, rotation, ReEntry::default()).await.unwrap();
    world.app.tell_keys().await;
    for quiet in [short.id, rotated.id, next.object.0.id] {
        assert_eq!(told(&world, quiet).await, Vec::<String>::new());
    }
    hand.set(hand.now_us() + 4 * DAY_US + 1);
    world.app.tell_keys().await;
    assert_eq!(told(&world, short.id).await, ["api_key.expiring"], "the day before is told all the same");

    for _ in 0..2 {
        let key_epoch = world.app.config().key_epoch(world.caller.merchant);
        let caller = Caller { key_epoch, ..world.caller };
        world.app.revoke_key(&caller, endless.id, ReEntry::default()).await.unwrap();
        world.app.tell_keys().await;
        assert_eq!(told(&world, endless.id).await, ["api_key.revoked"]);
    }
    world.verify().await;
}

/// A partner's key is revoked at the commits of every merchant that it could act for, below it too, and of no other.
#[tokio::test(flavor = "multi_thread")]
async fn revoking_a_partners_key_reaches_every_merchant_that_it_acted_for() {
    let world = World::new().await;
    let store = world.store.as_ref();
    let now_us = Clock::system().real_now_us();
    let partner = |name: &str, parent| NewPartner { name: name.to_owned(), parent };
    let above = app::create_partner(store, &partner("above", None), now_us).await.unwrap();
    let below = app::create_partner(store, &partner("below", Some(above.id)), now_us).await.unwrap();
    let (own, nested, other) =
        (world.second_merchant(1).await, world.second_merchant(1).await, world.second_merchant(1).await);
    world.app.assign_merchant(own.merchant, Some(above.id)).await.unwrap();
    world.app.assign_merchant(nested.merchant, Some(below.id)).await.unwrap();
    let new = NewKey { name: "p".into(), generate_bearer: true, ..NewKey::default() };
    let (key, _) =
        app::create_key(store, Owner::Partner(above.id), Realm::Sandbox, new, now_us).await.unwrap();
    world.app.reload_config().await.unwrap();
    let config = world.app.config();
    let acting = |caller: &Caller| Caller {
        key: Some(key.id),
        key_epoch: config.key_epoch(caller.merchant),
        ..*caller
    };
    let order = || world.order(domain::payment::Scene::BarCode, 100, None);
    for caller in [&own, &nested] {
        assert!(config.serves(above.id, caller.merchant));
        let made = world.app.create_payment(&acting(caller), order(), ReEntry::default()).await.unwrap();
        assert_eq!(made.object.payment.details.created_by, Some(key.id));
        let attempt = made.object.latest_attempt.unwrap();
        assert_eq!(attempt.acting_key, Some(key.id));
    }
    assert!(!config.serves(above.id, other.merchant) && !config.serves(below.id, own.merchant));
    let before = config.key_epoch(other.merchant);
    world.app.revoke_any_key(key.id).await.unwrap();
    for caller in [&own, &nested] {
        // As authenticated before the revocation: money commands and control writes alike.
        let late = acting(caller);
        let refused = world.app.create_payment(&late, order(), ReEntry::default()).await.map(|_| ());
        assert_eq!(refused, Err(Refusal::Stale));
        let hook =
            NewEndpoint { url: "http://127.0.0.1:9/".into(), events: vec!["*".into()], description: None };
        let refused = world.app.create_endpoint(&late, hook, ReEntry::default()).await.map(|_| ());
        assert_eq!(refused, Err(Refusal::Stale));
        let new = NewKey { name: "late".into(), generate_bearer: true, ..NewKey::default() };
        let refused = world.app.create_key(&late, new, ReEntry::default()).await.map(|_| ());
        assert_eq!(refused, Err(Refusal::Stale));
    }
    let head = store.head(other.merchant).await.unwrap().unwrap();
    assert_eq!(head.key_epoch, before, "nobody else is asked again");
    // A merchant that leaves its partner is out of reach at its commits too.
    let stays = Caller { key_epoch: world.app.config().key_epoch(nested.merchant), ..nested };
    world.app.assign_merchant(nested.merchant, None).await.unwrap();
    let refused = world.app.create_payment(&stays, order(), ReEntry::default()).await.map(|_| ());
    assert_eq!(refused, Err(Refusal::Stale));
    assert!(!world.app.config().serves(above.id, nested.merchant));
    world.verify().await;
}
