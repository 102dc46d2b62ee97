//! Deliveries: found when due, in order per destination and object, recorded, replayed, given up.

use crate::fixtures::*;
use domain::id::{DeliveryId, EndpointId, Uid};
use store::StoreError;
use store::control::{DeliveryOutcome, Made};
use store::reads::{Delivery, DeliveryAttempt, DeliveryStatus, SeqPage, delivery_id};

on_both_engines! {
    a_later_event_of_an_object_waits_for_the_earlier_one, tries_are_kept_and_shown,
    replay_makes_it_due_again_in_any_slot, pages_of_deliveries_end_anywhere, all_deliveries_of_one_event,
    an_outcome_that_comes_after_a_replay_changes_nothing, of_two_outcomes_in_one_batch_the_last_word_counts,
    what_an_old_configuration_gives_up_stays_due, deleting_an_endpoint_gives_up_what_waits_for_it, events_of_no_command_are_numbered_with_the_others,
}

fn outcome(delivery: &Delivery, status: DeliveryStatus, due_at_us: Option<i64>) -> DeliveryOutcome {
    let failed = status != DeliveryStatus::Succeeded;
    DeliveryOutcome {
        id: delivery.id,
        attempt: DeliveryAttempt {
            at_us: NOW_US + 5,
            status: Some(if failed { 503 } else { 204 }),
            latency_ms: 31,
            error: failed.then(|| "answered 503".to_owned()),
        },
        status,
        due_at_us,
        tries: delivery.tries + 1,
        fence: delivery.fence,
        by_version: None,
    }
}

struct Hooks {
    here: Installation,
    a: EndpointId,
    b: EndpointId,
    objects: [Uid; 2],
}

/// Events 1 to 4: objects 0, 1, 0, 1. The first destination is endpoint a, then b; events 3 and 4 also have a notify_url.
fn hooks(engine: Engine) -> Hooks {
    let here = Installation::new(engine);
    let mut ids = maker(LIVE, 70);
    let (a, b): (EndpointId, EndpointId) = (ids.next(), ids.next());
    let objects = [here.live.0, ids.next::<EndpointId>().0];
    let mut set = writes(1);
    for number in 0..4 {
        let mut to = vec![Some(a), Some(b)];
        if number >= 2 {
            // In another slot than before: order is by destination, not by slot.
            to.insert(0, None);
        }
        set.events.push(event(&mut ids, here.live, objects[number % 2], &to));
    }
    here.commit(LIVE, &set).unwrap();
    Hooks { here, a, b, objects }
}

impl Hooks {
    fn due(&self, now_us: i64) -> Vec<Delivery> {
        block_on(self.here.store.deliveries_due(LIVE, now_us, 100)).unwrap()
    }

    fn places(&self, now_us: i64) -> Vec<(i64, Option<EndpointId>)> {
        self.due(now_us).iter().map(|delivery| (delivery.event.seq, delivery.endpoint)).collect()
    }

    fn record(&self, outcomes: &[DeliveryOutcome]) {
        block_on(self.here.store.record_deliveries(LIVE, outcomes)).unwrap();
    }

    fn show(&self, id: DeliveryId) -> Delivery {
        block_on(self.here.store.delivery(id)).unwrap().unwrap()
    }
}

fn a_later_event_of_an_object_waits_for_the_earlier_one(engine: Engine) {
    let hooks = hooks(engine);
    let (a, b) = (Some(hooks.a), Some(hooks.b));
    assert!(hooks.due(NOW_US - 1).is_empty());
    let first = vec![(1, a), (1, b), (2, a), (2, b), (3, None), (4, None)];
    assert_eq!(hooks.places(NOW_US), first);
    assert_eq!(block_on(hooks.here.store.deliveries_due(LIVE, NOW_US, 3)).unwrap().len(), 3);

    let due = hooks.due(NOW_US);
    assert_eq!(due[0].event.object, hooks.objects[0]);
    assert!(due[0].event.body.contains("payment.succeeded"));
    // Event 1 to a: done. Event 1 to b: again later. Event 2 to a: given up.
    hooks.record(&[
        outcome(&due[0], DeliveryStatus::Succeeded, None),
        outcome(&due[1], DeliveryStatus::Pending, Some(NOW_US + 1_000)),
        outcome(&due[2], DeliveryStatus::Failed, None),
    ]);
    assert_eq!(hooks.places(NOW_US), [(2, b), (3, None), (3, a), (4, None), (4, a)]);
    assert_eq!(hooks.places(NOW_US + 1_000), [(1, b), (2, b), (3, None), (3, a), (4, None), (4, a)]);
}

fn tries_are_kept_and_shown(engine: Engine) {
    let hooks = hooks(engine);
    let first = hooks.due(NOW_US).remove(0);
    assert_eq!(first.id, delivery_id(first.event.id, 0));
    assert_eq!((first.tries, first.fence, first.slot), (0, 0, 0));
    let mut shown = hooks.show(first.id);
    for number in 1..=53 {
        hooks.record(&[outcome(&shown, DeliveryStatus::Pending, Some(NOW_US + number))]);
        shown = hooks.show(first.id);
        assert_eq!((shown.tries, shown.fence, shown.due_at_us), (number, number, Some(NOW_US + number)));
    }
    assert_eq!(shown.attempts.len(), 50, "the oldest are forgotten");
    assert_eq!(shown.attempts[49], outcome(&first, DeliveryStatus::Pending, None).attempt);
    hooks.record(&[outcome(&shown, DeliveryStatus::Succeeded, None)]);
    let shown = hooks.show(first.id);
    assert_eq!((shown.status, shown.due_at_us), (DeliveryStatus::Succeeded, None));
    assert_eq!(shown.attempts[49].status, Some(204));
    let kept = hooks.here.place.number("SELECT COUNT(*) FROM delivery_attempt");
    assert_eq!(kept, 50);
}

fn replay_makes_it_due_again_in_any_slot(engine: Engine) {
    let hooks = hooks(engine);
    for delivery in hooks.due(NOW_US) {
        hooks.record(&[outcome(&delivery, DeliveryStatus::Failed, None)]);
        assert_eq!(hooks.show(delivery.id).status, DeliveryStatus::Failed);
        block_on(hooks.here.store.replay_delivery(delivery.id, NOW_US + 7, None)).unwrap();
        let again = hooks.show(delivery.id);
        assert_eq!(
            (again.status, again.due_at_us, again.tries),
            (DeliveryStatus::Pending, Some(NOW_US + 7), 0)
        );
        assert_eq!((again.endpoint, &again.url), (delivery.endpoint, &delivery.url));
        assert_eq!(again.attempts.len(), 1, "what was tried stays visible");
    }
    let unknown = delivery_id(hooks.due(NOW_US + 7)[0].event.id, 9);
    assert_eq!(block_on(hooks.here.store.delivery(unknown)).unwrap(), None);
    let error = block_on(hooks.here.store.replay_delivery(unknown, NOW_US, None)).unwrap_err();
    assert!(matches!(error, StoreError::Conflict(_)));
}

fn pages_of_deliveries_end_anywhere(engine: Engine) {
    let hooks = hooks(engine);
    let list = |endpoint, status, limit, before| {
        block_on(hooks.here.store.deliveries(hooks.here.live, endpoint, status, SeqPage { limit, before }))
            .unwrap()
    };
    let all: Vec<DeliveryId> = list(None, None, 100, None).iter().map(|delivery| delivery.id).collect();
    assert_eq!(all.len(), 10);
    let (mut paged, mut before) = (Vec::new(), None);
    loop {
        let page = list(None, None, 3, before);
        let Some(last) = page.last() else { break };
        before = Some((last.event.seq, i64::from(last.slot)));
        paged.extend(page.iter().map(|delivery| delivery.id));
    }
    assert_eq!(paged, all);
    assert_eq!(list(Some(hooks.a), None, 100, None).len(), 4);
    let due = hooks.due(NOW_US);
    hooks.record(&[
        outcome(&due[0], DeliveryStatus::Failed, None),
        outcome(&due[1], DeliveryStatus::Failed, None),
        outcome(&due[2], DeliveryStatus::Succeeded, None),
    ]);
    assert_eq!(list(None, Some(DeliveryStatus::Failed), 100, None).len(), 2);
    assert_eq!(list(Some(hooks.b), Some(DeliveryStatus::Failed), 100, None).len(), 1);
    assert_eq!(list(None, Some(DeliveryStatus::Succeeded), 100, None).len(), 1);
    assert_eq!(list(None, Some(DeliveryStatus::Pending), 100, None).len(), 7);
}

fn all_deliveries_of_one_event(engine: Engine) {
    let hooks = hooks(engine);
    let of = |event| block_on(hooks.here.store.deliveries_of_event(event)).unwrap();
    let due = hooks.due(NOW_US);
    let first = due.iter().find(|delivery| delivery.event.seq == 1).unwrap();
    hooks.record(&[outcome(first, DeliveryStatus::Succeeded, None)]);
    let found = of(first.event.id);
    let places: Vec<_> = found.iter().map(|delivery| (delivery.slot, delivery.endpoint)).collect();
    assert_eq!(places, [(0, Some(hooks.a)), (1, Some(hooks.b))]);
    assert_eq!((found[0].attempts.len(), found[1].attempts.len()), (1, 0), "with the tries made");
    let other = due.iter().find(|delivery| delivery.event.seq == 2).unwrap();
    assert!(of(other.event.id).iter().all(|delivery| delivery.event.seq == 2));
    let alone = event(&mut maker(LIVE, 73), hooks.here.live, hooks.here.live.0, &[]);
    block_on(hooks.here.store.insert_event(LIVE, &alone, None)).unwrap();
    assert!(of(alone.id).is_empty(), "an event that nobody subscribed to");
    assert!(of(domain::id::EventId(Uid([0x10; 16]))).is_empty(), "an event that is not there");
}

fn deleting_an_endpoint_gives_up_what_waits_for_it(engine: Engine) {
    let hooks = hooks(engine);
    let mut row = endpoint(&mut maker(LIVE, 71), hooks.here.live, "https://shop.example/a");
    row.id = hooks.a;
    block_on(hooks.here.store.create_endpoint(&row, 13, None)).unwrap();
    let in_flight = hooks.due(NOW_US).remove(0);
    block_on(hooks.here.store.delete_endpoint(hooks.here.live, hooks.a, None)).unwrap();
    let b = Some(hooks.b);
    assert_eq!(hooks.places(NOW_US), [(1, b), (2, b), (3, None), (4, None)]);
    // A try that was under way: its failure does not bring it back, its success counts.
    hooks.record(&[outcome(&in_flight, DeliveryStatus::Pending, Some(NOW_US))]);
    assert_eq!(hooks.show(in_flight.id).status, DeliveryStatus::Failed);
    hooks.record(&[outcome(&in_flight, DeliveryStatus::Succeeded, None)]);
    assert_eq!(hooks.show(in_flight.id).status, DeliveryStatus::Succeeded);
    let error = block_on(hooks.here.store.delete_endpoint(hooks.here.live, hooks.a, None)).unwrap_err();
    assert!(matches!(error, StoreError::Conflict(_)));
}

fn events_of_no_command_are_numbered_with_the_others(engine: Engine) {
    let hooks = hooks(engine);
    let mut ids = maker(LIVE, 72);
    let notice = event(&mut ids, hooks.here.live, hooks.here.live.0, &[Some(hooks.a), None]);
    assert_eq!(block_on(hooks.here.store.insert_event(LIVE, &notice, None)).unwrap(), Made::Now);
    assert_eq!(block_on(hooks.here.store.last_event_seq(LIVE)).unwrap(), 5);
    let found = block_on(hooks.here.store.delivery(delivery_id(notice.id, 1))).unwrap().unwrap();
    assert_eq!((found.event.seq, found.endpoint), (5, None));
    assert_eq!(block_on(hooks.here.store.last_event_seq(LIVE)).unwrap(), 5);
}

/// A try was under way when its merchant asked for a replay, which was acknowledged: it stands, whatever becomes of that try.
fn an_outcome_that_comes_after_a_replay_changes_nothing(engine: Engine) {
    let hooks = hooks(engine);
    for (late, slot) in [
        (DeliveryStatus::Failed, 0),
        (DeliveryStatus::Pending, 0),
        (DeliveryStatus::Succeeded, 0),
        (DeliveryStatus::Failed, 1),
        (DeliveryStatus::Pending, 1),
        (DeliveryStatus::Succeeded, 1),
    ] {
        let id = delivery_id(hooks.due(i64::MAX)[0].event.id, slot);
        let tried = hooks.show(id);
        let replayed_at_us = NOW_US + 60_000_000;
        block_on(hooks.here.store.replay_delivery(id, replayed_at_us, None)).unwrap();
        hooks.record(&[outcome(&tried, late, Some(NOW_US + 9))]);
        let shown = hooks.show(id);
        let stands = (shown.status, shown.due_at_us, shown.tries);
        assert_eq!(stands, (DeliveryStatus::Pending, Some(replayed_at_us), 0), "{late:?} in slot {slot}");
        assert_eq!(shown.attempts.len(), tried.attempts.len() + 1, "the try is shown all the same");
        // The replay's own outcome counts.
        hooks.record(&[outcome(&shown, DeliveryStatus::Pending, Some(replayed_at_us + 1))]);
        assert_eq!(hooks.show(id).due_at_us, Some(replayed_at_us + 1));
    }
}

fn of_two_outcomes_in_one_batch_the_last_word_counts(engine: Engine) {
    let hooks = hooks(engine);
    let event = hooks.due(NOW_US)[0].event.id;
    for slot in [0, 1] {
        for is_reversed in [false, true] {
            let id = delivery_id(event, slot);
            block_on(hooks.here.store.replay_delivery(id, NOW_US, None)).unwrap();
            let tried = hooks.show(id);
            let at = |at_us: i64, mut said: DeliveryOutcome| {
                said.attempt.at_us = at_us;
                said
            };
            let mut two = vec![
                at(NOW_US + 1, outcome(&tried, DeliveryStatus::Pending, Some(NOW_US + 10))),
                at(NOW_US + 2, outcome(&tried, DeliveryStatus::Pending, Some(NOW_US + 20))),
            ];
            if is_reversed {
                two.reverse();
            }
            hooks.record(&two);
            let shown = hooks.show(id);
            assert_eq!((shown.due_at_us, shown.fence), (Some(NOW_US + 20), tried.fence + 1), "slot {slot}");
            let tried = shown;
            let mut two = vec![
                at(NOW_US + 3, outcome(&tried, DeliveryStatus::Succeeded, None)),
                at(NOW_US + 4, outcome(&tried, DeliveryStatus::Failed, None)),
            ];
            if is_reversed {
                two.reverse();
            }
            hooks.record(&two);
            let shown = hooks.show(id);
            assert_eq!((shown.status, shown.due_at_us), (DeliveryStatus::Succeeded, None), "slot {slot}");
            assert_eq!(shown.attempts.len() % 4, 0, "every try is shown");
        }
    }
}

/// A node gives up what it may not send by the configuration that it knows; another one is in force.
fn what_an_old_configuration_gives_up_stays_due(engine: Engine) {
    let hooks = hooks(engine);
    let due = hooks.due(NOW_US);
    let given_up = |version: i64| {
        let said = outcome(&due[0], DeliveryStatus::Failed, None);
        DeliveryOutcome { by_version: Some(version), ..said }
    };
    let version = block_on(hooks.here.store.snapshot_version()).unwrap();
    let beside = outcome(&due[1], DeliveryStatus::Succeeded, None);
    hooks.record(&[given_up(version - 1), beside]);
    let shown = hooks.show(due[0].id);
    assert_eq!((shown.status, shown.tries, shown.attempts.len()), (DeliveryStatus::Pending, 0, 0));
    assert_eq!(hooks.show(due[1].id).status, DeliveryStatus::Succeeded, "others of the batch are written");
    hooks.record(&[given_up(version)]);
    assert_eq!(hooks.show(due[0].id).status, DeliveryStatus::Failed);
}
