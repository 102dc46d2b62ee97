//! A rotation of the master key while other nodes write: from its beginning no value is committed that the version which goes out
//! sealed, so that the walk which follows leaves none behind.

use crate::fixtures::*;
use crypto::seal::{KeyProvider, MasterKey, SealFault, Sealer};
use domain::rows::ReadSet;
use std::sync::{Arc, Mutex, OnceLock};
use store::{Store, StoreError, WriteSet};

/// Two versions; the first is that of [`sealer`]`(7)`, in use until the database says otherwise.
struct Keys;

impl KeyProvider for Keys {
    fn current_version(&self) -> u32 {
        2
    }

    fn key(&self, version: u32) -> Result<MasterKey, SealFault> {
        match version {
            1 | 2 => Ok(MasterKey::from_bytes([u8::try_from(version).unwrap() + 6; 32])),
            _ => Err(SealFault::KeyUnavailable { version }),
        }
    }
}

/// A node with a sealer of its own.
fn node(place: &Place) -> Arc<dyn Store> {
    place.open(Arc::new(Sealer::new(Arc::new(Keys)))).unwrap()
}

fn versions(place: &Place, column: &str) -> Vec<u32> {
    place.byte_columns()[column].iter().filter_map(|value| Sealer::version_of(value)).collect()
}

#[test]
fn a_batch_that_was_sealed_before_the_rotation_began_is_refused_and_decided_again() {
    let here = Installation::new(Engine::Postgres);
    let (operator, other) = (node(&here.place), node(&here.place));
    let mut session = other.lane_session(SANDBOX).unwrap();
    let mut ids = maker(SANDBOX, 900);
    let set = WriteSet { new_payments: vec![full_payment(&mut ids, here.sandbox, "one")], ..writes(1) };
    let reads = ReadSet { merchants: vec![here.sandbox], ..ReadSet::default() };
    block_on(session.load(&reads)).unwrap();
    block_on(operator.begin_rotation(2)).unwrap();
    let refused = block_on(session.commit(&set)).unwrap_err();
    assert!(matches!(refused, StoreError::Conflict(_)), "{refused:?}");
    // The load follows; what is sealed after it is of the version that came in.
    block_on(session.load(&reads)).unwrap();
    block_on(session.commit(&WriteSet { batch: 2, ..set })).unwrap();
    assert_eq!(versions(&here.place, "payment.personal"), [2]);
}

#[test]
fn events_and_notices_of_a_node_that_knows_of_no_rotation_are_sealed_with_the_new_version() {
    let here = Installation::new(Engine::Postgres);
    let (operator, other) = (node(&here.place), node(&here.place));
    block_on(operator.begin_rotation(2)).unwrap();
    let mut ids = maker(SANDBOX, 901);
    let personal =
        domain::event::Event { is_personal: true, ..event(&mut ids, here.sandbox, here.sandbox.0, &[]) };
    block_on(other.insert_event(SANDBOX, &personal, None)).unwrap();
    assert_eq!(versions(&here.place, "event.body"), [2]);
    let third = node(&here.place);
    let stale = node(&here.place);
    drop(third);
    block_on(stale.keep_notice(ids.next(), "REF", "h: v", b"body", NOW_US)).unwrap();
    assert_eq!(versions(&here.place, "channel_notice.body"), [2]);
}

/// As [`Keys`]; beside the next look at a key, another task of the process tells the sealer what it read before the rotation began.
#[derive(Default)]
struct Turning {
    sealer: OnceLock<Arc<Sealer>>,
    is_due: Mutex<bool>,
}

impl KeyProvider for Turning {
    fn current_version(&self) -> u32 {
        Keys.current_version()
    }

    fn key(&self, version: u32) -> Result<MasterKey, SealFault> {
        if version == 2 && std::mem::take(&mut *self.is_due.lock().unwrap()) {
            self.sealer.get().unwrap().seal_with(1).unwrap();
        }
        Keys.key(version)
    }
}

/// The process's own version goes back in the middle of a write-set: what is sealed is what the commit asserts, or it is refused.
#[test]
fn every_value_of_a_write_set_is_sealed_with_the_version_that_its_commit_asserts() {
    let here = Installation::new(Engine::Postgres);
    let keys = Arc::new(Turning::default());
    let sealer = Arc::new(Sealer::new(Arc::clone(&keys) as Arc<dyn KeyProvider>));
    keys.sealer.set(Arc::clone(&sealer)).ok().unwrap();
    let node = here.place.open(Arc::clone(&sealer)).unwrap();
    block_on(node.begin_rotation(2)).unwrap();
    let mut session = node.lane_session(SANDBOX).unwrap();
    let mut ids = maker(SANDBOX, 902);
    let personal =
        domain::event::Event { is_personal: true, ..event(&mut ids, here.sandbox, here.sandbox.0, &[]) };
    let new_payments = vec![full_payment(&mut ids, here.sandbox, "one")];
    let set = WriteSet { new_payments, events: vec![personal], ..writes(1) };
    let reads = ReadSet { merchants: vec![here.sandbox], ..ReadSet::default() };
    block_on(session.load(&reads)).unwrap();
    // The first value that is sealed looks its table's key up.
    *keys.is_due.lock().unwrap() = true;
    block_on(session.commit(&set)).unwrap();
    assert_eq!(sealer.version(), 1, "it was turned back meanwhile");
    let sealed = [versions(&here.place, "payment.personal"), versions(&here.place, "event.body")].concat();
    assert_eq!(sealed, [2, 2]);
}
