//! Control rows.

use crate::fixtures::*;
use domain::World;
use domain::api_key::Owner;
use domain::id::KeyId;
use store::StoreError;
use store::control::{Asked, Made};

on_both_engines! {
    a_merchant_has_no_more_endpoints_than_it_may_have_whoever_asks,
    the_snapshot_has_everything_as_it_was_written, guards_of_control_rows,
    a_create_repeated_under_its_key_is_made_once, nonces_are_used_once_and_forgotten_after_their_time,
    a_control_write_holds_to_the_key_epoch_and_its_nonce, the_same_notice_is_kept_once,
}

fn the_snapshot_has_everything_as_it_was_written(engine: Engine) {
    let here = Installation::new(engine);
    let store = &here.store;
    let mut ids = maker(SANDBOX, 80);
    let start = block_on(store.snapshot_version()).unwrap();
    let mut full = endpoint(&mut ids, here.sandbox, "https://shop.example/a");
    let mut bare = endpoint(&mut ids, here.sandbox, "https://shop.example/b");
    (bare.description, bare.old_secret, bare.failing_since_us, bare.events) = (None, None, None, Vec::new());
    let key = api_key(&mut ids, here.sandbox);
    let mut bare_key = api_key(&mut ids, here.sandbox);
    (bare_key.bearer_hash, bare_key.public_key_pem, bare_key.expires_at_us) = (None, None, None);
    (bare_key.revoked_at_us, bare_key.permissions, bare_key.ip_allow) = (None, Vec::new(), Vec::new());
    (bare_key.certificate, bare_key.noticed) = (None, None);
    (bare_key.created_by, bare_key.changed_by) = (None, None);
    let above = partner(&mut ids, None);
    let below = partner(&mut ids, Some(above.id));
    bare_key.owner = Owner::Partner(below.id);
    block_on(store.create_partner(&above)).unwrap();
    block_on(store.create_partner(&below)).unwrap();
    block_on(store.set_merchant_partner(here.sandbox, Some(below.id))).unwrap();
    let prices = [price(&mut ids, here.sandbox, 1), price(&mut ids, here.sandbox, 2)];
    let account = channel_account(&mut ids);
    block_on(store.create_endpoint(&full, 13, None)).unwrap();
    block_on(store.create_endpoint(&bare, 13, None)).unwrap();
    block_on(store.create_key(&key, None)).unwrap();
    block_on(store.create_key(&bare_key, None)).unwrap();
    block_on(store.create_price(&prices[0])).unwrap();
    block_on(store.create_price(&prices[1])).unwrap();
    block_on(store.create_channel_account(&account)).unwrap();
    (full.failures, full.sequence, full.url) = (3, 2, "https://shop.example/moved".to_owned());
    block_on(store.update_endpoint(&full, 1, None)).unwrap();

    let snapshot = block_on(store.snapshot()).unwrap();
    assert_eq!(snapshot.version, start + 11);
    assert_eq!(block_on(store.snapshot_version()).unwrap(), snapshot.version);
    assert_eq!(snapshot.endpoints.len(), 2);
    assert!(snapshot.endpoints.contains(&full) && snapshot.endpoints.contains(&bare));
    assert_eq!(snapshot.keys.len(), 2);
    assert!(snapshot.keys.contains(&key) && snapshot.keys.contains(&bare_key));
    assert!(prices.iter().all(|price| snapshot.prices.contains(price)));
    assert_eq!(snapshot.prices[0].rule.rate.to_string(), "0.60", "with the decimals it was written with");
    assert!(snapshot.channel_accounts == [account]);
    assert_eq!(snapshot.merchants.len(), 2);
    let served = snapshot.merchants.iter().find(|merchant| merchant.id == here.sandbox).unwrap();
    assert_eq!(served.partner, Some(below.id));
    assert_eq!(snapshot.partners.len(), 2);
    assert!(snapshot.partners.contains(&above) && snapshot.partners.contains(&below));
    let mut epochs = snapshot.key_epochs.clone();
    epochs.sort_unstable();
    let mut wanted = vec![(here.live, KEY_EPOCH), (here.sandbox, KEY_EPOCH)];
    wanted.sort_unstable();
    assert_eq!(epochs, wanted);
    assert!(snapshot.default_secrets.contains(&(here.live, b"default secret".to_vec())));
}

fn guards_of_control_rows(engine: Engine) {
    let here = Installation::new(engine);
    let store = &here.store;
    let mut ids = maker(SANDBOX, 81);
    let mut key = api_key(&mut ids, here.sandbox);
    block_on(store.create_key(&key, None)).unwrap();
    let version = block_on(store.snapshot_version()).unwrap();
    let is_conflict = |result: Result<(), StoreError>| matches!(result, Err(StoreError::Conflict(_)));
    assert!(is_conflict(block_on(store.update_key(&key, 2, None)).map(|_| ())));
    let mut nobodys = api_key(&mut ids, here.sandbox);
    nobodys.bearer_hash = None;
    let rotated = block_on(store.rotate_key(&nobodys, &key, 2, None)).map(|_| ());
    assert!(is_conflict(rotated), "a rotation is whole or not at all");
    assert_eq!(block_on(store.snapshot()).unwrap().keys.len(), 1);
    let one = price(&mut ids, here.sandbox, 1);
    block_on(store.create_price(&one)).unwrap();
    assert!(is_conflict(block_on(store.create_price(&price(&mut ids, here.sandbox, 1)))));
    let merchant = merchant(SANDBOX, 2);
    assert!(is_conflict(block_on(store.create_merchant(&merchant, &head(merchant.id), b""))));
    let mut foreign = merchant;
    foreign.world = World::Live;
    let result = block_on(store.create_merchant(&foreign, &head(foreign.id), b""));
    assert!(matches!(result, Err(StoreError::Corrupt(_))));
    assert_eq!(block_on(store.snapshot_version()).unwrap(), version + 1, "only the price was written");
    (key.sequence, key.name) = (2, "renamed".to_owned());
    block_on(store.update_key(&key, 1, None)).unwrap();
    assert_eq!(block_on(store.snapshot()).unwrap().keys, [key]);
}

fn a_create_repeated_under_its_key_is_made_once(engine: Engine) {
    let here = Installation::new(engine);
    let store = &here.store;
    let mut ids = maker(SANDBOX, 82);
    let under = |key: u8, fingerprint: u8| Asked {
        idempotency: Some(([key; 16], [fingerprint; 16])),
        ..asked(here.sandbox)
    };
    let once = under(1, 2);
    let mut one = api_key(&mut ids, here.sandbox);
    let mut two = api_key(&mut ids, here.sandbox);
    (one.bearer_hash, two.bearer_hash) = (None, None);
    assert_eq!(block_on(store.asked_before(&once)).unwrap(), None);
    assert_eq!(block_on(store.create_key(&one, Some(&once))).unwrap(), Made::Now);
    assert_eq!(block_on(store.create_key(&two, Some(&once))).unwrap(), Made::Before(one.id));
    assert_eq!(block_on(store.asked_before(&once)).unwrap(), Some(Made::Before(one.id.0)));
    assert_eq!(block_on(store.create_key(&two, Some(&under(1, 3)))).unwrap(), Made::KeyReused);
    assert_eq!(block_on(store.snapshot()).unwrap().keys, [one]);

    let once = under(4, 2);
    let first = endpoint(&mut ids, here.sandbox, "https://shop.example/a");
    let second = endpoint(&mut ids, here.sandbox, "https://shop.example/a");
    assert_eq!(block_on(store.create_endpoint(&first, 13, Some(&once))).unwrap(), Made::Now);
    assert_eq!(block_on(store.create_endpoint(&second, 13, Some(&once))).unwrap(), Made::Before(first.id));
    let other_key = under(5, 2);
    assert_eq!(block_on(store.create_endpoint(&second, 13, Some(&other_key))).unwrap(), Made::UrlExists);
    assert_eq!(block_on(store.create_endpoint(&second, 13, None)).unwrap(), Made::UrlExists);
    let elsewhere = endpoint(&mut ids, here.sandbox, "https://shop.example/b");
    assert_eq!(
        block_on(store.create_endpoint(&elsewhere, 13, Some(&other_key))).unwrap(),
        Made::Now,
        "not used up by a refusal"
    );
}

fn nonces_are_used_once_and_forgotten_after_their_time(engine: Engine) {
    let here = Installation::new(engine);
    let mut ids = maker(SANDBOX, 83);
    let (key, other): (KeyId, KeyId) = (ids.next(), ids.next());
    let used = |key, nonce: u8, at_us| {
        let asked = Asked { key: Some(key), nonce: Some([nonce; 16]), at_us, ..asked(here.sandbox) };
        match block_on(here.store.admit(&asked)) {
            Ok(()) => true,
            Err(StoreError::NonceUsed) => false,
            Err(error) => panic!("{error:?}"),
        }
    };
    assert!(used(key, 1, NOW_US));
    assert!(!used(key, 1, NOW_US + 1));
    assert!(used(other, 1, NOW_US));
    assert!(used(key, 2, NOW_US));
    let later_us = NOW_US + 3_600_000_001;
    assert!(used(key, 3, later_us));
    assert!(used(key, 1, later_us), "its signature is long out of time");
}

/// What a request brings is judged in the transaction of what it asks for: one that is refused leaves nothing, and uses nothing.
fn a_control_write_holds_to_the_key_epoch_and_its_nonce(engine: Engine) {
    let here = Installation::new(engine);
    let store = &here.store;
    let mut ids = maker(SANDBOX, 85);
    let acting = ids.next();
    let by = |nonce: u8, key_epoch: i64| Asked {
        key: Some(acting),
        nonce: Some([nonce; 16]),
        key_epoch,
        ..asked(here.sandbox)
    };
    let mut key = api_key(&mut ids, here.sandbox);
    let hook = endpoint(&mut ids, here.sandbox, "https://shop.example/a");
    let told = event(&mut ids, here.sandbox, here.sandbox.0, &[]);
    assert_eq!(block_on(store.create_key(&key, Some(&by(1, KEY_EPOCH)))).unwrap(), Made::Now);
    assert_eq!(block_on(store.create_endpoint(&hook, 13, Some(&by(2, KEY_EPOCH)))).unwrap(), Made::Now);
    let before = block_on(store.snapshot()).unwrap();
    let mut next = api_key(&mut ids, here.sandbox);
    next.bearer_hash = None;
    let mut second = hook.clone();
    (second.url, second.id) = ("https://shop.example/b".to_owned(), ids.next());
    key.sequence = 2;
    let all = |asked: &Asked| {
        [
            block_on(store.create_key(&next, Some(asked))).map(|_| ()),
            block_on(store.update_key(&key, 1, Some(asked))).map(|_| ()),
            block_on(store.rotate_key(&next, &key, 1, Some(asked))).map(|_| ()),
            block_on(store.create_endpoint(&second, 13, Some(asked))).map(|_| ()),
            block_on(store.update_endpoint(&hook, 1, Some(asked))).map(|_| ()),
            block_on(store.delete_endpoint(here.sandbox, hook.id, Some(asked))),
            block_on(store.insert_event(SANDBOX, &told, Some(asked))).map(|_| ()),
            block_on(store.admit(asked)),
            block_on(store.asked_before(asked)).map(|_| ()),
        ]
    };
    for (at, refused) in all(&by(3, KEY_EPOCH - 1)).into_iter().enumerate() {
        assert!(matches!(refused, Err(StoreError::Stale)), "{at}: {refused:?}");
    }
    for (at, refused) in all(&by(1, KEY_EPOCH)).into_iter().enumerate() {
        assert!(matches!(refused, Err(StoreError::NonceUsed)), "{at}: {refused:?}");
    }
    let after = block_on(store.snapshot()).unwrap();
    assert_eq!((after.keys, after.endpoints, after.version), (before.keys, before.endpoints, before.version));
    assert_eq!(block_on(store.last_event_seq(SANDBOX)).unwrap(), 0);
    assert_eq!(
        block_on(store.create_key(&next, Some(&by(3, KEY_EPOCH)))).unwrap(),
        Made::Now,
        "3 was not used up"
    );
    assert_eq!(block_on(store.insert_event(SANDBOX, &told, Some(&by(4, KEY_EPOCH)))).unwrap(), Made::Now);
    let twin = block_on(store.insert_event(SANDBOX, &told, None));
    assert!(matches!(twin, Err(StoreError::Conflict(_))), "an event of that id stands: {twin:?}");
    assert_eq!(block_on(store.last_event_seq(SANDBOX)).unwrap(), 1);
}

fn the_same_notice_is_kept_once(engine: Engine) {
    let here = Installation::new(engine);
    let account = maker(SANDBOX, 84).next();
    let keep = |body: &[u8]| block_on(here.store.keep_notice(account, "ref", "a: b", body, NOW_US)).unwrap();
    keep(b"one");
    keep(b"one");
    keep(b"two");
    assert_eq!(here.place.number("SELECT COUNT(*) FROM channel_notice"), 2);
}

/// Many ask at once, and each has seen room for one more.
fn a_merchant_has_no_more_endpoints_than_it_may_have_whoever_asks(engine: Engine) {
    let here = Installation::new(engine);
    let mut ids = maker(LIVE, 95);
    let rows: Vec<_> = (0..12)
        .map(|number| endpoint(&mut ids, here.live, &format!("https://shop.example/{number}")))
        .collect();
    let made = block_on(async {
        let ask = |row: store::control::Endpoint| {
            let store = std::sync::Arc::clone(&here.store);
            tokio::spawn(async move { store.create_endpoint(&row, 3, None).await.unwrap() })
        };
        let asked: Vec<_> = rows.into_iter().map(ask).collect();
        let mut made = Vec::new();
        for one in asked {
            made.push(one.await.unwrap());
        }
        made
    });
    assert_eq!(made.iter().filter(|made| **made == Made::Now).count(), 3, "{made:?}");
    assert_eq!(made.iter().filter(|made| **made == Made::TooMany).count(), 9, "{made:?}");
    assert_eq!(block_on(here.store.snapshot()).unwrap().endpoints.len(), 3);
    // Another merchant's do not count.
    let other = endpoint(&mut ids, merchant(LIVE, 96).id, "https://shop.example/0");
    assert_eq!(block_on(here.store.create_endpoint(&other, 3, None)).unwrap(), Made::Now);
}
