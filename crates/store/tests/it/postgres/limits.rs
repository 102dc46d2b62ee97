//! Time limits: nobody waits for ever, and who gave up left nothing behind.

use crate::fixtures::*;
use domain::rows::ReadSet;
use std::sync::Arc;
use std::time::{Duration, Instant};
use store::postgres::PostgresStore;
use store::{Store, StoreError};

fn opened(here: &Installation, lock_timeout_ms: u32, statement_timeout_ms: u32) -> Arc<dyn Store> {
    let mut config = postgres_config(here.place.url());
    (config.lock_timeout_ms, config.statement_timeout_ms) = (lock_timeout_ms, statement_timeout_ms);
    Arc::new(block_on(PostgresStore::open(&config)).unwrap())
}

/// Holds the root of the live merchant in a transaction of its own while `work` runs.
fn with_the_root_held<T>(here: &Installation, work: impl FnOnce() -> T) -> T {
    let client = block_on(client(here.place.url()));
    block_on(client.batch_execute("BEGIN; SELECT 1 FROM merchant_head WHERE shard = 0 FOR UPDATE")).unwrap();
    let result = work();
    block_on(client.batch_execute("ROLLBACK")).unwrap();
    result
}

#[test]
fn a_lock_that_is_not_had_in_time_is_a_conflict() {
    let here = Installation::new(Engine::Postgres);
    let mut session = opened(&here, 150, 10_000).lane_session(LIVE).unwrap();
    let reads = ReadSet { merchants: vec![here.live], ..ReadSet::default() };
    let start = Instant::now();
    let error = with_the_root_held(&here, || block_on(session.load(&reads)).unwrap_err());
    assert!(matches!(error, StoreError::Conflict(_)), "{error:?}");
    assert!(start.elapsed() >= Duration::from_millis(150));
    assert_eq!(block_on(session.load(&reads)).unwrap().heads.len(), 1, "the session goes on");
}

#[test]
fn a_statement_that_takes_too_long_is_given_up() {
    let here = Installation::new(Engine::Postgres);
    let mut session = opened(&here, 0, 150).lane_session(LIVE).unwrap();
    let reads = ReadSet { merchants: vec![here.live], ..ReadSet::default() };
    let error = with_the_root_held(&here, || block_on(session.load(&reads)).unwrap_err());
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    assert_eq!(block_on(session.load(&reads)).unwrap().heads.len(), 1, "the session goes on");
}

/// More callers than connections wait for one; more than may wait are refused at once.
#[test]
fn who_may_wait_for_a_connection_is_bounded() {
    let here = Installation::new(Engine::Postgres);
    let mut config = postgres_config(here.place.url());
    (config.readers, config.waiting_max, config.wait_max) = (1, 2, Duration::from_secs(10));
    let store = Arc::new(block_on(PostgresStore::open(&config)).unwrap());
    let results = block_on(async {
        let ask = |_| {
            let store = Arc::clone(&store);
            tokio::spawn(async move { (store as Arc<dyn Store>).ping().await })
        };
        let asked: Vec<_> = (0..40).map(ask).collect();
        let mut results = Vec::new();
        for asked in asked {
            results.push(asked.await.unwrap());
        }
        results
    });
    assert!(results.iter().any(Result::is_ok));
    let refused = |result: &Result<(), StoreError>| matches!(result, Err(StoreError::Unavailable(_)));
    assert!(results.iter().all(|result| result.is_ok() || refused(result)), "{results:?}");
}
