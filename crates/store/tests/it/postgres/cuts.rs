//! The way to the server is cut at the worst moments. What is committed is found, what is not never will be.

use super::proxy::{Fate, Proxy};
use crate::fixtures::*;
use domain::rows::ReadSet;
use std::sync::Arc;
use std::time::{Duration, Instant};
use store::postgres::PostgresStore;
use store::{LaneSession, Store, StoreError, WriteSet};

/// An installation whose store goes through a proxy, and a session of its live lane.
struct Cut {
    here: Installation,
    proxy: Proxy,
    session: Box<dyn LaneSession>,
}

fn behind_a_proxy() -> Cut {
    let mut here = Installation::new(Engine::Postgres);
    let proxy = block_on(Proxy::before(here.place.url()));
    here.store = Place::Named(proxy.url().to_owned()).open(sealer(7)).unwrap();
    let session = here.session(LIVE);
    Cut { here, proxy, session }
}

/// One payment and its journal line under the root of its merchant.
fn batch(here: &Installation, number: u128) -> (ReadSet, WriteSet) {
    let mut ids = maker(LIVE, 500 + number);
    let endpoint = ids.next();
    let sale = Sale::new(&mut ids, here.live, &format!("order {number}"), endpoint);
    let mut set = writes(number);
    sale.begin(&mut set);
    let (transaction, balance) = movement(available_key(here.live), here.live, None, 500);
    set.transactions = vec![transaction];
    set.balances = vec![balance];
    (ReadSet { merchants: vec![here.live], balances_of: vec![here.live], ..ReadSet::default() }, set)
}

impl Cut {
    fn journal_seq(&self) -> i64 {
        self.here.place.number("SELECT journal_seq FROM shard_head WHERE shard = 0")
    }

    fn payments(&self) -> i64 {
        self.here.place.number("SELECT COUNT(*) FROM payment")
    }

    fn commit(&mut self, number: u128) -> Result<store::Committed, StoreError> {
        let (reads, set) = batch(&self.here, number);
        block_on(self.session.load(&reads))?;
        block_on(self.session.commit(&set))
    }

    fn was_committed(&mut self, number: u128) -> bool {
        block_on(self.session.was_committed(number)).unwrap().is_some()
    }
}

#[test]
fn a_commit_whose_answer_is_lost_is_found() {
    let mut cut = behind_a_proxy();
    cut.proxy.set(Fate::LoseAnswer);
    let lost = cut.commit(1).unwrap_err();
    assert!(matches!(lost, StoreError::CommitUnknown(_)), "{lost:?}");
    cut.proxy.set(Fate::Pass);
    let found = block_on(cut.session.was_committed(1)).unwrap().unwrap();
    assert_eq!(found.first_journal_seq, 1);
    assert!(cut.was_committed(1), "asked again, it says the same");
    assert_eq!((cut.journal_seq(), cut.payments()), (1, 1));
}

#[test]
fn a_commit_that_did_not_arrive_is_not_found_and_leaves_nothing() {
    let mut cut = behind_a_proxy();
    cut.proxy.set(Fate::LoseRequest);
    let lost = cut.commit(1).unwrap_err();
    assert!(matches!(lost, StoreError::CommitUnknown(_)), "{lost:?}");
    cut.proxy.set(Fate::Pass);
    assert!(!cut.was_committed(1));
    assert_eq!((cut.journal_seq(), cut.payments()), (0, 0));
    // Its merchant's root is free, and the next batch gets the first number.
    assert_eq!(cut.commit(2).unwrap().first_journal_seq, 1);
}

/// The request lingers on the way while its fate is asked for. Whoever was told "no" decides again, so it must stay "no".
#[test]
fn a_commit_that_arrives_after_it_was_looked_for_is_refused() {
    let mut cut = behind_a_proxy();
    let (reads, set) = batch(&cut.here, 1);
    block_on(cut.session.load(&reads)).unwrap();
    cut.proxy.set(Fate::Hold);
    let lost = block_on(cut.session.commit(&set)).unwrap_err();
    assert!(matches!(lost, StoreError::CommitUnknown(_)), "{lost:?}");
    // Another way to the server: this one is held.
    let mut beside =
        Place::Named(cut.here.place.url().to_owned()).open(sealer(7)).unwrap().lane_session(LIVE).unwrap();
    assert_eq!(block_on(beside.was_committed(1)).unwrap(), None);
    block_on(cut.proxy.release());
    cut.proxy.set(Fate::Pass);
    assert_eq!((cut.journal_seq(), cut.payments()), (0, 0));
    assert!(!cut.was_committed(1));
    // The same command, decided again.
    let again = WriteSet { batch: 2, ..set };
    block_on(cut.session.load(&reads)).unwrap();
    block_on(cut.session.commit(&again)).unwrap();
    assert_eq!((cut.journal_seq(), cut.payments()), (1, 1));
}

#[test]
fn a_batch_whose_connection_is_cut_between_its_flights_leaves_nothing_and_the_lane_goes_on() {
    let mut cut = behind_a_proxy();
    let (reads, set) = batch(&cut.here, 1);
    block_on(cut.session.load(&reads)).unwrap();
    cut.proxy.cut();
    match block_on(cut.session.commit(&set)).unwrap_err() {
        StoreError::Unavailable(_) => {}
        StoreError::CommitUnknown(_) => assert!(!cut.was_committed(1)),
        other => panic!("{other:?}"),
    }
    assert_eq!((cut.journal_seq(), cut.payments()), (0, 0));
    cut.commit(2).unwrap();
    assert_eq!((cut.journal_seq(), cut.payments()), (1, 1));
}

/// The server ends all sessions, as at a restart: reads and control writes go on with new ones.
#[test]
fn reads_and_control_writes_go_on_after_the_server_ended_every_session() {
    let here = Installation::new(Engine::Postgres);
    // A piece of work may be the first to find a connection gone; nobody is told the wrong thing.
    let until = Instant::now() + Duration::from_secs(20);
    let may_be_cut = |error: StoreError| {
        assert!(matches!(error, StoreError::Unavailable(_)) && Instant::now() < until, "{error:?}");
    };
    for round in 0..3 {
        while let Err(error) = block_on(here.store.head(here.live)) {
            may_be_cut(error);
        }
        while let Err(error) = block_on(here.store.set_verified_block(LIVE, round)) {
            may_be_cut(error);
        }
        assert_eq!(block_on(here.store.verified_block(LIVE)).unwrap(), round);
        here.place.say(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() \
             AND pid <> pg_backend_pid()",
        );
    }
}

#[test]
fn while_the_database_is_away_everybody_is_told_at_once_and_afterwards_work_resumes() {
    let mut cut = behind_a_proxy();
    cut.commit(1).unwrap();
    cut.proxy.set(Fate::Away);
    cut.proxy.cut();
    let (reads, _) = batch(&cut.here, 2);
    let start = Instant::now();
    for _ in 0..50 {
        let load = block_on(cut.session.load(&reads)).unwrap_err();
        assert!(matches!(load, StoreError::Unavailable(_)), "{load:?}");
    }
    let ping = block_on(cut.here.store.ping()).unwrap_err();
    assert!(matches!(ping, StoreError::Unavailable(_)), "{ping:?}");
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
    cut.proxy.set(Fate::Pass);
    let until = Instant::now() + Duration::from_secs(20);
    while let Err(error) = block_on(cut.session.load(&reads)) {
        assert!(Instant::now() < until, "{error:?}");
    }
    block_on(cut.session.abort());
    block_on(cut.here.store.ping()).unwrap();
    assert_eq!(cut.payments(), 1);
}

/// How long the answer to a COMMIT is waited for here.
const COMMIT_MAX: Duration = Duration::from_millis(300);

/// A store behind the proxy that waits shortly.
fn impatient(proxy: &Proxy) -> Arc<dyn Store> {
    let mut config = postgres_config(proxy.url());
    (config.commit_max, config.connect_timeout) = (COMMIT_MAX, COMMIT_MAX);
    (config.readers, config.writers) = (1, 1);
    Arc::new(block_on(PostgresStore::open(&config)).unwrap())
}

/// The server is there and says nothing: whoever asked for a COMMIT does not know, of control rows as of money.
#[test]
fn a_commit_whose_answer_does_not_come_in_time_is_unknown() {
    let here = Installation::new(Engine::Postgres);
    let proxy = block_on(Proxy::before(here.place.url()));
    let store = impatient(&proxy);
    proxy.set(Fate::Swallow);
    let control = block_on(store.set_verified_block(LIVE, 7)).unwrap_err();
    assert!(matches!(control, StoreError::CommitUnknown(_)), "{control:?}");
    let mut session = store.lane_session(LIVE).unwrap();
    block_on(session.load(&ReadSet::default())).unwrap();
    let money = block_on(session.commit(&writes(1))).unwrap_err();
    assert!(matches!(money, StoreError::CommitUnknown(_)), "{money:?}");
    proxy.set(Fate::Pass);
    // Both arrived; what stood open on the way was closed, and nobody inherits it.
    assert_eq!(block_on(store.verified_block(LIVE)).unwrap(), 7);
    assert!(block_on(session.was_committed(1)).unwrap().is_some());
    block_on(store.set_verified_block(LIVE, 8)).unwrap();
}

/// A server that takes connections and says nothing on them holds up nobody for long.
#[test]
fn a_connection_on_which_nothing_is_said_is_given_up() {
    let here = Installation::new(Engine::Postgres);
    let proxy = block_on(Proxy::before(here.place.url()));
    let store = impatient(&proxy);
    proxy.set(Fate::Silent);
    proxy.cut();
    let mut session = store.lane_session(LIVE).unwrap();
    let start = Instant::now();
    let lane = block_on(session.load(&ReadSet::default())).unwrap_err();
    assert!(matches!(lane, StoreError::Unavailable(_)), "{lane:?}");
    let until = Instant::now() + Duration::from_secs(20);
    // The first may still be told that its old connection is gone.
    while !block_on(store.ping()).is_err_and(|error| error.to_string().contains("does not answer")) {
        assert!(Instant::now() < until);
    }
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
    proxy.set(Fate::Pass);
    proxy.cut();
    let until = Instant::now() + Duration::from_secs(20);
    while let Err(error) = block_on(session.load(&ReadSet::default())) {
        assert!(Instant::now() < until, "{error:?}");
    }
    block_on(store.ping()).unwrap();
}
