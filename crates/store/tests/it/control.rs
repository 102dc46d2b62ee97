//! Control rows.

use crate::fixtures::*;
use domain::World;
use store::control::Made;
use store::{Control, StoreError};

#[test]
fn the_snapshot_has_everything_as_it_was_written() {
    let here = Installation::new();
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
    let prices = [price(&mut ids, here.sandbox, 1), price(&mut ids, here.sandbox, 2)];
    let account = channel_account(&mut ids);
    block_on(store.create_endpoint(&full, None)).unwrap();
    block_on(store.create_endpoint(&bare, None)).unwrap();
    block_on(store.create_key(&key, None)).unwrap();
    block_on(store.create_key(&bare_key, None)).unwrap();
    block_on(store.create_price(&prices[0])).unwrap();
    block_on(store.create_price(&prices[1])).unwrap();
    block_on(store.create_channel_account(&account)).unwrap();
    (full.failures, full.sequence, full.url) = (3, 2, "https://shop.example/moved".to_owned());
    block_on(store.update_endpoint(&full, 1)).unwrap();

    let snapshot = block_on(store.snapshot()).unwrap();
    assert_eq!(snapshot.version, start + 8);
    assert_eq!(block_on(store.snapshot_version()).unwrap(), snapshot.version);
    assert_eq!(snapshot.endpoints.len(), 2);
    assert!(snapshot.endpoints.contains(&full) && snapshot.endpoints.contains(&bare));
    assert_eq!(snapshot.keys.len(), 2);
    assert!(snapshot.keys.contains(&key) && snapshot.keys.contains(&bare_key));
    assert!(prices.iter().all(|price| snapshot.prices.contains(price)));
    assert_eq!(snapshot.prices[0].rule.rate.to_string(), "0.60", "with the decimals it was written with");
    assert!(snapshot.channel_accounts == [account]);
    assert_eq!(snapshot.merchants.len(), 2);
    assert!(snapshot.default_secrets.contains(&(here.live, b"default secret".to_vec())));
}

#[test]
fn guards_of_control_rows() {
    let here = Installation::new();
    let store = &here.store;
    let mut ids = maker(SANDBOX, 81);
    let mut key = api_key(&mut ids, here.sandbox);
    block_on(store.create_key(&key, None)).unwrap();
    let version = block_on(store.snapshot_version()).unwrap();
    let is_conflict = |result: Result<(), StoreError>| matches!(result, Err(StoreError::Conflict(_)));
    assert!(is_conflict(block_on(store.update_key(&key, 2))));
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
    block_on(store.update_key(&key, 1)).unwrap();
    assert_eq!(block_on(store.snapshot()).unwrap().keys, [key]);
}

#[test]
fn a_create_repeated_under_its_key_is_made_once() {
    let here = Installation::new();
    let store = &here.store;
    let mut ids = maker(SANDBOX, 82);
    let (key_hash, fingerprint) = ([1; 16], [2; 16]);
    let once = Some((key_hash, fingerprint));
    let mut one = api_key(&mut ids, here.sandbox);
    let mut two = api_key(&mut ids, here.sandbox);
    (one.bearer_hash, two.bearer_hash) = (None, None);
    assert_eq!(block_on(store.create_key(&one, once)).unwrap(), Made::Now);
    assert_eq!(block_on(store.create_key(&two, once)).unwrap(), Made::Before(one.id));
    assert_eq!(block_on(store.create_key(&two, Some((key_hash, [3; 16])))).unwrap(), Made::KeyReused);
    assert_eq!(block_on(store.snapshot()).unwrap().keys, [one]);

    let once = Some(([4; 16], fingerprint));
    let first = endpoint(&mut ids, here.sandbox, "https://shop.example/a");
    let second = endpoint(&mut ids, here.sandbox, "https://shop.example/a");
    assert_eq!(block_on(store.create_endpoint(&first, once)).unwrap(), Made::Now);
    assert_eq!(block_on(store.create_endpoint(&second, once)).unwrap(), Made::Before(first.id));
    let other_key = Some(([5; 16], fingerprint));
    assert_eq!(block_on(store.create_endpoint(&second, other_key)).unwrap(), Made::UrlExists);
    assert_eq!(block_on(store.create_endpoint(&second, None)).unwrap(), Made::UrlExists);
    let elsewhere = endpoint(&mut ids, here.sandbox, "https://shop.example/b");
    assert_eq!(
        block_on(store.create_endpoint(&elsewhere, other_key)).unwrap(),
        Made::Now,
        "not used up by a refusal"
    );
}

#[test]
fn nonces_are_used_once_and_forgotten_after_their_time() {
    let here = Installation::new();
    let mut ids = maker(SANDBOX, 83);
    let (key, other) = (ids.next(), ids.next());
    let used = |key, nonce: u8, at_us| block_on(here.store.use_nonce(key, [nonce; 16], at_us)).unwrap();
    assert!(used(key, 1, NOW_US));
    assert!(!used(key, 1, NOW_US + 1));
    assert!(used(other, 1, NOW_US));
    assert!(used(key, 2, NOW_US));
    let later_us = NOW_US + 3_600_000_001;
    assert!(used(key, 3, later_us));
    assert!(used(key, 1, later_us), "its signature is long out of time");
}

#[test]
fn the_same_notice_is_kept_once() {
    let here = Installation::new();
    let account = maker(SANDBOX, 84).next();
    let keep = |body: &[u8]| block_on(here.store.keep_notice(account, "ref", "a: b", body, NOW_US)).unwrap();
    keep(b"one");
    keep(b"one");
    keep(b"two");
    let file = rusqlite::Connection::open(here.scratch.config().path).unwrap();
    let rows: i64 = file.query_row("SELECT COUNT(*) FROM channel_notice", [], |row| row.get(0)).unwrap();
    assert_eq!(rows, 2);
}
