//! Nodes, and which of them does a shard's background work.

use crate::fixtures::*;
use store::nodes::HeldWork;

on_both_engines! { work_is_held_by_one_node_at_a_time, nodes_are_counted_while_they_are_heard_of }

const A_MINUTE_US: i64 = 60_000_000;

fn work_is_held_by_one_node_at_a_time(engine: Engine) {
    let here = Installation::new(engine);
    let store = &here.store;
    let claim = |node, lease_us| block_on(store.claim_work(node, &[SANDBOX, LIVE], lease_us)).unwrap();
    let both = |fence| [LIVE, SANDBOX].map(|shard| HeldWork { shard, fence });
    assert_eq!(claim(1, A_MINUTE_US), both(1));
    assert!(claim(2, A_MINUTE_US).is_empty(), "another node holds it");
    let mut of_others = block_on(store.work_of_others(2)).unwrap();
    of_others.sort_unstable();
    assert_eq!(of_others, [LIVE, SANDBOX]);
    assert!(block_on(store.work_of_others(1)).unwrap().is_empty());
    assert_eq!(claim(1, A_MINUTE_US), both(1), "renewed: it has not changed hands");
    block_on(store.release_work(2, &[LIVE])).unwrap();
    assert!(claim(2, A_MINUTE_US).is_empty(), "nobody gives up what is another's");
    block_on(store.release_work(1, &[LIVE])).unwrap();
    assert_eq!(claim(2, A_MINUTE_US), [HeldWork { shard: LIVE, fence: 2 }]);
    block_on(store.leave(1)).unwrap();
    // A lease that is over before the next one asks, whatever the clock's resolution.
    assert_eq!(claim(2, -A_MINUTE_US), both(2));
    assert_eq!(claim(3, A_MINUTE_US), both(3));
}

fn nodes_are_counted_while_they_are_heard_of(engine: Engine) {
    let here = Installation::new(engine);
    let beat = |node, within_us| block_on(here.store.beat(node, within_us)).unwrap();
    assert_eq!((beat(1, A_MINUTE_US), beat(2, A_MINUTE_US), beat(1, A_MINUTE_US)), (1, 2, 2));
    block_on(here.store.leave(2)).unwrap();
    assert_eq!(beat(1, A_MINUTE_US), 1);
    assert_eq!(beat(3, -A_MINUTE_US), 0, "nobody was heard of in the future");
}
