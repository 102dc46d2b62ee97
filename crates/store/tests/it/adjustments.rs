//! Adjustments and arrivals: written, found, and written once.

use crate::fixtures::*;
use domain::adjustment::{Adjustment, Person, Status};
use domain::id::{IdMaker, MerchantId, Shard};
use domain::rows::ReadSet;
use store::{StoreError, WriteSet};

on_both_engines! {
    what_is_written_comes_back, what_is_open_and_what_is_due_is_found, what_arrived_arrives_no_second_time,
    rows_of_another_shard_or_world_are_a_defect, the_database_knows_what_can_not_be,
}

/// A merchant of the live world, in another shard that may not be here.
fn other() -> MerchantId {
    IdMaker::new(NOW_US, Shard(2), 77).next()
}

fn approved(adjustment: &Adjustment) -> Adjustment {
    Adjustment {
        decided_by: Person::parse("wei"),
        status: Status::InTransit,
        due_at_us: Some(NOW_US + 9),
        updated_at_us: NOW_US + 1,
        sequence: 2,
        ..adjustment.clone()
    }
}

fn proposing(adjustments: &[Adjustment]) -> WriteSet {
    WriteSet { new_adjustments: adjustments.to_vec(), ..writes(1) }
}

fn what_is_written_comes_back(engine: Engine) {
    let here = Installation::new(engine);
    let mut ids = maker(LIVE, 70);
    let proposed = adjustment(&mut ids, here.live, other());
    let counted = here.store.rows_written();
    here.commit(LIVE, &proposing(std::slice::from_ref(&proposed))).unwrap();
    let read = || block_on(here.store.adjustment(proposed.id)).unwrap();
    assert_eq!(read().as_ref(), Some(&proposed));
    let in_transit = approved(&proposed);
    here.commit(LIVE, &WriteSet { adjustments: vec![(1, in_transit.clone())], ..writes(2) }).unwrap();
    assert_eq!(read().as_ref(), Some(&in_transit));
    assert_eq!(here.store.rows_written().since(&counted).adjustment, 2);

    // What another shard's merchant gave arrives here.
    let mut given = adjustment(&mut maker(Shard(2), 71), other(), here.live);
    given.amount = cny(9_007_199_254_740_991);
    let arrived = arrival(&given);
    here.commit(LIVE, &WriteSet { arrivals: vec![arrived], ..writes(3) }).unwrap();
    assert_eq!(block_on(here.store.arrival(LIVE, given.id)).unwrap(), Some(arrived));
    let reads = ReadSet {
        adjustments: vec![proposed.id, given.id],
        arrivals: vec![proposed.id, given.id],
        ..ReadSet::default()
    };
    let rows = here.load(LIVE, &reads);
    assert_eq!(rows.adjustments.values().collect::<Vec<_>>(), [&in_transit]);
    assert_eq!(rows.arrivals.values().collect::<Vec<_>>(), [&arrived]);
    assert_eq!(block_on(here.store.arrivals_after(LIVE, None, 9)).unwrap(), [arrived]);
    assert_eq!(block_on(here.store.arrivals_after(LIVE, Some(given.id), 9)).unwrap(), []);
}

fn what_is_open_and_what_is_due_is_found(engine: Engine) {
    let here = Installation::new(engine);
    let mut ids = maker(LIVE, 72);
    let all: Vec<Adjustment> = (0..4).map(|_| adjustment(&mut ids, here.live, other())).collect();
    here.commit(LIVE, &proposing(&all)).unwrap();
    let rejected = Adjustment { status: Status::Rejected, due_at_us: None, ..approved(&all[0]) };
    let succeeded = Adjustment { status: Status::Succeeded, due_at_us: None, ..approved(&all[1]) };
    let in_transit = approved(&all[2]);
    let changed = vec![(1, rejected), (1, succeeded), (1, in_transit.clone())];
    here.commit(LIVE, &WriteSet { adjustments: changed, ..writes(2) }).unwrap();
    let mut open = vec![in_transit.clone(), all[3].clone()];
    open.sort_by_key(|adjustment| adjustment.id);
    let listed = |after, limit| block_on(here.store.adjustments_open(LIVE, after, limit)).unwrap();
    assert_eq!(listed(None, 9), open);
    assert_eq!(listed(Some(open[0].id), 9), open[1..]);
    assert_eq!(listed(None, 1), open[..1]);
    assert_eq!(block_on(here.store.adjustments_after(LIVE, None, 9)).unwrap().len(), 4);
    let due = |at_us| block_on(here.store.adjustments_due(LIVE, at_us, 9)).unwrap();
    assert_eq!((due(NOW_US + 8), due(NOW_US + 9)), (vec![], vec![in_transit]));
}

fn what_arrived_arrives_no_second_time(engine: Engine) {
    let here = Installation::new(engine);
    let given = adjustment(&mut maker(Shard(2), 73), other(), here.live);
    let mut ids = maker(LIVE, 74);
    let proposed = adjustment(&mut ids, here.live, other());
    here.commit(LIVE, &WriteSet { arrivals: vec![arrival(&given)], ..writes(9) }).unwrap();
    let twice = WriteSet { arrivals: vec![arrival(&given)], ..proposing(std::slice::from_ref(&proposed)) };
    assert!(matches!(here.commit(LIVE, &twice), Err(StoreError::Conflict(_))));
    assert_eq!(block_on(here.store.adjustment(proposed.id)).unwrap(), None, "nothing of the batch stays");

    here.commit(LIVE, &proposing(std::slice::from_ref(&proposed))).unwrap();
    for sequence in [0, 2] {
        let stale = WriteSet { adjustments: vec![(sequence, approved(&proposed))], ..writes(4) };
        assert!(matches!(here.commit(LIVE, &stale), Err(StoreError::Conflict(_))), "{sequence}");
    }
    let again = proposing(std::slice::from_ref(&proposed));
    assert!(matches!(here.commit(LIVE, &WriteSet { batch: 5, ..again }), Err(StoreError::Conflict(_))));
}

fn rows_of_another_shard_or_world_are_a_defect(engine: Engine) {
    let here = Installation::new(engine);
    let good = adjustment(&mut maker(LIVE, 75), here.live, other());
    let of_sandbox = adjustment(&mut maker(SANDBOX, 75), here.live, other());
    let to_sandbox = Adjustment { receiver: here.sandbox, ..good.clone() };
    for wrong in [of_sandbox, to_sandbox] {
        let refused = here.commit(LIVE, &proposing(&[wrong]));
        assert!(matches!(refused, Err(StoreError::Corrupt(_))), "{refused:?}");
    }
    let from_sandbox = adjustment(&mut maker(SANDBOX, 76), here.sandbox, here.live);
    let elsewhere = adjustment(&mut maker(Shard(2), 76), here.live, other());
    for wrong in [from_sandbox, elsewhere] {
        let refused = here.commit(LIVE, &WriteSet { arrivals: vec![arrival(&wrong)], ..writes(2) });
        assert!(matches!(refused, Err(StoreError::Corrupt(_))), "{refused:?}");
    }
}

fn the_database_knows_what_can_not_be(engine: Engine) {
    let here = Installation::new(engine);
    let mut ids = maker(LIVE, 78);
    let good = adjustment(&mut ids, here.live, other());
    here.commit(LIVE, &proposing(std::slice::from_ref(&good))).unwrap();
    let same_person = Adjustment { decided_by: Some(good.proposed_by.clone()), ..approved(&good) };
    let by_nobody = Adjustment { decided_by: None, ..approved(&good) };
    let without_job = Adjustment { due_at_us: None, ..approved(&good) };
    for wrong in [same_person, by_nobody, without_job] {
        let refused = here.commit(LIVE, &WriteSet { adjustments: vec![(1, wrong)], ..writes(2) });
        assert!(refused.is_err(), "{refused:?}");
    }
    let to_itself = adjustment(&mut ids, here.live, here.live);
    let of_nothing = Adjustment { amount: cny(0), ..adjustment(&mut ids, here.live, other()) };
    for wrong in [to_itself, of_nothing] {
        let refused = here.commit(LIVE, &proposing(&[wrong]));
        assert!(refused.is_err(), "{refused:?}");
    }
    assert_eq!(block_on(here.store.adjustment(good.id)).unwrap(), Some(good));
}
