//! Sealing everything again under a new version of the master key.

use crate::fixtures::*;
use crypto::seal::{KeyProvider, MasterKey, SealFault, Sealer};
use domain::rows::ReadSet;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use store::{Store, StoreError};

on_both_engines! {
    every_sealed_value_of_the_schema_is_sealed_again, a_rotation_that_was_cut_off_goes_on_wherever_it_was,
    rotations_that_can_not_be_are_refused, who_still_seals_with_the_old_version_is_refused,
    sealing_again_goes_on_beside_lanes,
}

/// Some versions, each its own key; version 1 is that of [`sealer`]`(7)`.
struct Keys(&'static [u32]);

impl KeyProvider for Keys {
    fn current_version(&self) -> u32 {
        self.0.iter().copied().max().unwrap()
    }

    fn key(&self, version: u32) -> Result<MasterKey, SealFault> {
        let byte = u8::try_from(version).unwrap() + 6;
        let known = self.0.contains(&version);
        known.then(|| MasterKey::from_bytes([byte; 32])).ok_or(SealFault::KeyUnavailable { version })
    }
}

fn keys(versions: &'static [u32]) -> Arc<Sealer> {
    Arc::new(Sealer::new(Arc::new(Keys(versions))))
}

/// Rows with a value in every sealed column; of some columns in many rows.
fn filled(engine: Engine) -> Installation {
    let here = Installation::new(engine);
    let mut ids = maker(SANDBOX, 70);
    for batch in 0..4 {
        let mut set = writes(1 + batch);
        set.new_payments = (0..100)
            .map(|number| full_payment(&mut ids, here.sandbox, &format!("order-{batch}-{number}")))
            .collect();
        let personal = |event| domain::event::Event { is_personal: true, ..event };
        set.events = (0..100).map(|_| personal(event(&mut ids, here.sandbox, here.sandbox.0, &[]))).collect();
        set.events.push(event(&mut ids, here.sandbox, here.sandbox.0, &[]));
        here.commit(SANDBOX, &set).unwrap();
    }
    let row = endpoint(&mut ids, here.sandbox, "https://shop.example/a");
    assert!(row.old_secret.is_some());
    block_on(here.store.create_endpoint(&row, 13, None)).unwrap();
    let account = channel_account(&mut ids);
    block_on(here.store.create_channel_account(&account)).unwrap();
    block_on(here.store.keep_notice(account.account.id, "REF", "x: header", b"body", NOW_US)).unwrap();
    block_on(here.store.keep_installation_secret("salt", &[3; 32])).unwrap();
    here
}

/// Every column of every table, and what version sealed the values in it: also of columns that nobody thought of.
fn sealed_with(here: &Installation) -> BTreeMap<String, BTreeSet<u32>> {
    let mut found = BTreeMap::new();
    for (column, values) in here.place.byte_columns() {
        // An id begins with its time, so it would be of a version far beyond these.
        let versions =
            values.iter().filter_map(|value| Sealer::version_of(value)).filter(|v| (1..=9).contains(v));
        let versions: BTreeSet<u32> = versions.collect();
        if !versions.is_empty() {
            found.insert(column, versions);
        }
    }
    found
}

/// Walks every place once; answers how many values were sealed again, by place.
fn walk(store: &Arc<dyn Store>) -> BTreeMap<String, u64> {
    let (mut sealed, mut from) = (BTreeMap::new(), None);
    loop {
        let step = block_on(store.seal_again(from.as_deref())).unwrap();
        assert!(step.looked <= 256);
        *sealed.entry(step.place).or_insert(0) += step.sealed;
        match step.next {
            Some(next) => from = Some(next),
            None => return sealed,
        }
    }
}

fn every_sealed_value_of_the_schema_is_sealed_again(engine: Engine) {
    let here = filled(engine).reopened(keys(&[1, 2]));
    let before = sealed_with(&here);
    assert!(before.values().all(|versions| *versions == BTreeSet::from([1])), "{before:?}");
    let told = block_on(here.store.snapshot()).unwrap();
    block_on(here.store.begin_rotation(2)).unwrap();
    let sealed = walk(&here.store);
    assert_eq!(
        sealed.keys().collect::<Vec<_>>(),
        before.keys().collect::<Vec<_>>(),
        "the list of places is the columns that hold sealed values"
    );
    assert!(sealed.values().all(|count| *count > 0), "{sealed:?}");
    assert_eq!((sealed["payment.personal"], sealed["event.body"]), (400, 400));
    let after = sealed_with(&here);
    assert!(after.values().all(|versions| *versions == BTreeSet::from([2])), "{after:?}");
    assert!(walk(&here.store).values().all(|count| *count == 0));
    block_on(here.store.end_rotation()).unwrap();
    // The first version is needed for nothing any more.
    let here = here.reopened(keys(&[2]));
    let now = block_on(here.store.snapshot()).unwrap();
    assert_eq!(now.default_secrets, told.default_secrets);
    assert!(now.endpoints == told.endpoints && now.channel_accounts == told.channel_accounts);
    assert_eq!(block_on(here.store.installation_secret("salt")).unwrap(), Some(vec![3; 32]));
    let kept = block_on(here.store.kept_notices(None, 10)).unwrap();
    assert_eq!((kept.len(), kept[0].body.as_slice()), (1, &b"body"[..]));
    assert!(block_on(here.store.kept_notices(Some(kept[0].key.clone()), 10)).unwrap().is_empty());
    let payments = block_on(here.store.payments_after(SANDBOX, None, 500)).unwrap();
    assert_eq!(payments.len(), 400);
    assert!(payments.iter().all(|payment| payment.details.payer.is_some()));
    let events = block_on(here.store.events_of_object(SANDBOX, here.sandbox.0)).unwrap();
    assert!(events.iter().filter(|event| event.is_personal).count() > 100);
}

fn a_rotation_that_was_cut_off_goes_on_wherever_it_was(engine: Engine) {
    let here = filled(engine).reopened(keys(&[1, 2]));
    block_on(here.store.begin_rotation(2)).unwrap();
    let step = block_on(here.store.seal_again(None)).unwrap();
    assert!(step.sealed > 0 && step.next.is_some());
    // Killed here. The key file must still have both, and what is new is sealed with the new one.
    let Installation { store, live, sandbox, place } = here;
    drop(store);
    for versions in [&[1][..], &[2]] {
        let Err(fault) = place.open(keys(versions)) else { panic!("{versions:?}") };
        assert!(fault.is_key_unavailable(), "{fault:?}");
    }
    let store = place.open(keys(&[1, 2])).unwrap();
    let here = Installation { store, live, sandbox, place };
    block_on(here.store.keep_installation_secret("later", &[4; 32])).unwrap();
    assert_eq!(sealed_with(&here)["installation_secret.value"], BTreeSet::from([1, 2]));
    block_on(here.store.begin_rotation(2)).unwrap();
    let sealed = walk(&here.store);
    assert_eq!(sealed["payment.personal"], 400 - step.sealed, "what was done is not done again");
    block_on(here.store.end_rotation()).unwrap();
    block_on(here.store.end_rotation()).unwrap();
    let sealing = block_on(here.store.sealing()).unwrap();
    assert!(sealing.check.starts_with("2:") && sealing.next_check.is_none(), "{sealing:?}");
    let here = here.reopened(keys(&[2]));
    assert_eq!(block_on(here.store.installation_secret("later")).unwrap(), Some(vec![4; 32]));
}

fn rotations_that_can_not_be_are_refused(engine: Engine) {
    let here = filled(engine).reopened(keys(&[1, 2, 3]));
    let begin = |version| block_on(here.store.begin_rotation(version)).unwrap_err();
    assert!(matches!(begin(1), StoreError::Conflict(_)), "the one in use");
    assert!(matches!(begin(4), StoreError::Unavailable(_)), "not in the key file");
    block_on(here.store.begin_rotation(2)).unwrap();
    assert!(matches!(begin(3), StoreError::Conflict(_)), "one at a time");
    for from in ["", "0", "99:i1,b00", "0:i1", "0:b00,i1", "0:ix,b00", "0:i1,bzz", "8:t80"] {
        let fault = block_on(here.store.seal_again(Some(from))).unwrap_err();
        assert!(matches!(fault, StoreError::Conflict(_)), "{from}: {fault}");
    }
}

/// A command that read the key file before the rotation began must not leave a value behind that nobody can open later.
fn who_still_seals_with_the_old_version_is_refused(engine: Engine) {
    let here = filled(engine).reopened(keys(&[1, 2]));
    let stale = here.place.open_beside(keys(&[1, 2])).unwrap();
    block_on(here.store.begin_rotation(2)).unwrap();
    let new = merchant(SANDBOX, 71);
    let fault = block_on(stale.create_merchant(&new, &head(new.id), b"secret")).unwrap_err();
    assert!(matches!(&fault, StoreError::Unavailable(why) if why.contains("start again")), "{fault}");
    let fresh = here.place.open_beside(keys(&[1, 2])).unwrap();
    block_on(fresh.create_merchant(&new, &head(new.id), b"secret")).unwrap();
}

/// Lanes write sealed rows while everything is sealed again: nothing is lost and nothing stays behind.
fn sealing_again_goes_on_beside_lanes(engine: Engine) {
    let here = filled(engine).reopened(keys(&[1, 2]));
    let stop = AtomicBool::new(false);
    let written = std::thread::scope(|scope| {
        let lane = scope.spawn(|| {
            let mut session = here.session(SANDBOX);
            let (mut ids, mut batch) = (maker(SANDBOX, 72), 9_000);
            while !stop.load(Ordering::Relaxed) {
                let mut set = writes(batch);
                set.new_payments = vec![full_payment(&mut ids, here.sandbox, &format!("beside-{batch}"))];
                block_on(session.load(&ReadSet::default())).unwrap();
                match block_on(session.commit(&set)) {
                    Ok(_) => batch += 1,
                    // The rotation began meanwhile: decided again.
                    Err(StoreError::Conflict(_)) => {}
                    Err(error) => panic!("{error:?}"),
                }
            }
            usize::try_from(batch - 9_000).unwrap()
        });
        block_on(here.store.begin_rotation(2)).unwrap();
        while walk(&here.store).values().any(|count| *count > 0) {}
        stop.store(true, Ordering::Relaxed);
        lane.join().unwrap()
    });
    assert!(written > 0);
    block_on(here.store.end_rotation()).unwrap();
    let here = here.reopened(keys(&[2]));
    let (mut after, mut seen) = (None, 0);
    loop {
        let page = block_on(here.store.payments_after(SANDBOX, after, 500)).unwrap();
        assert!(page.iter().all(|payment| payment.details.payer.is_some()));
        seen += page.len();
        match page.last() {
            Some(last) => after = Some(last.id),
            None => break,
        }
    }
    assert_eq!(seen, 400 + written);
}
