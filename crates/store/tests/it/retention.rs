//! What grew old goes, and nothing that is still needed.

use crate::fixtures::*;
use domain::event::Event;
use domain::id::{EndpointId, EventId, IdMaker, MerchantId};
use domain::payment::Status;
use domain::rows::ReadSet;
use store::StoreError;
use store::control::DeliveryOutcome;
use store::reads::{Delivery, DeliveryAttempt, DeliveryStatus};
use store::retention::{Aging, Forgotten, Place};

on_both_engines! {
    old_events_go_and_what_waits_or_is_read_stays, tries_go_by_their_own_age,
    keys_of_what_is_not_final_stay, a_number_is_never_free_again, a_row_that_forbids_a_commit_stays,
}

const DAY_US: i64 = 86_400_000_000;
const OLD_US: i64 = NOW_US - 40 * DAY_US;
const BEFORE_US: i64 = NOW_US - 30 * DAY_US;

fn old_ids(seed: u128) -> IdMaker {
    IdMaker::new(OLD_US, LIVE, seed)
}

impl Installation {
    fn look(&self, aging: Aging, from: Place, limit: u32) -> Forgotten {
        block_on(self.store.forget(LIVE, aging, BEFORE_US, from, limit)).unwrap()
    }

    /// Walks a table once; answers how many rows went.
    fn walk(&self, aging: Aging, limit: u32) -> u64 {
        let (mut removed, mut place) = (0, Some(Place::default()));
        while let Some(from) = place {
            let looked = self.look(aging, from, limit);
            removed += looked.removed;
            place = looked.next;
        }
        removed
    }

    fn second_live(&self) -> MerchantId {
        let second = merchant(LIVE, 9);
        block_on(self.store.create_merchant(&second, &head(second.id), b"default secret")).unwrap();
        second.id
    }

    fn finish(&self, event: EventId) {
        let deliveries = block_on(self.store.deliveries_of_event(event)).unwrap();
        let outcomes: Vec<DeliveryOutcome> = deliveries.iter().map(|it| sent(it, OLD_US)).collect();
        block_on(self.store.record_deliveries(LIVE, &outcomes)).unwrap();
    }

    fn kept(&self, events: &[Event]) -> Vec<usize> {
        let is_kept = |event: &Event| block_on(self.store.event(event.id)).unwrap().is_some();
        events.iter().enumerate().filter(|(_, event)| is_kept(event)).map(|(at, _)| at).collect()
    }
}

fn sent(delivery: &Delivery, at_us: i64) -> DeliveryOutcome {
    DeliveryOutcome {
        id: delivery.id,
        attempt: DeliveryAttempt { at_us, status: Some(204), latency_ms: 3, error: None },
        status: DeliveryStatus::Succeeded,
        due_at_us: None,
        tries: 1,
        fence: delivery.fence,
        by_version: None,
    }
}

fn old_events_go_and_what_waits_or_is_read_stays(engine: Engine) {
    let here = Installation::new(engine);
    let (second, mut old, mut young) = (here.second_live(), old_ids(3), maker(LIVE, 71));
    let (a, b): (EndpointId, EndpointId) = (old.next(), old.next());
    let to = [Some(a), Some(b)];
    let mut set = writes(1);
    for _ in 0..3 {
        set.events.push(event(&mut old, here.live, here.live.0, &to));
    }
    set.events.push(event(&mut young, here.live, here.live.0, &[]));
    set.events.push(event(&mut old, second, second.0, &[]));
    set.events.push(event(&mut old, second, second.0, &[]));
    set.events.push(event(&mut young, second, second.0, &[]));
    here.commit(LIVE, &set).unwrap();
    let events = set.events;
    assert_eq!(here.walk(Aging::Events, 100), 1, "of the second merchant the older of two old ones");
    assert_eq!(here.kept(&events), [0, 1, 2, 3, 5, 6]);

    // Of the second event one destination is done and one still waits.
    here.finish(events[0].id);
    here.finish(events[2].id);
    let half = block_on(here.store.deliveries_of_event(events[1].id)).unwrap();
    block_on(here.store.record_deliveries(LIVE, &[sent(&half[0], OLD_US)])).unwrap();
    assert_eq!(here.walk(Aging::Events, 1), 1, "one row a look comes to the same");
    assert_eq!(here.kept(&events), [1, 2, 3, 5, 6], "what is behind a waiting one stays");
    assert_eq!(here.place.number("SELECT COUNT(*) FROM delivery"), 2, "its second delivery went with it");
    assert!(block_on(here.store.has_event(here.live, 2)).unwrap());
    assert!(!block_on(here.store.has_event(here.live, 1)).unwrap(), "a reader that stopped there is told");
    assert!(!block_on(here.store.has_event(second, 2)).unwrap(), "another merchant's");

    here.finish(events[1].id);
    assert_eq!(here.walk(Aging::Events, 3), 1);
    assert_eq!(here.kept(&events), [2, 3, 5, 6], "the newest old one stays until the next is old");
    // One is made due again: it waits like any other.
    let again = block_on(here.store.deliveries_of_event(events[2].id)).unwrap();
    block_on(here.store.replay_delivery(again[0].id, NOW_US, None)).unwrap();
    let later_us = NOW_US + 31 * DAY_US;
    let walk_later =
        || block_on(here.store.forget(LIVE, Aging::Events, later_us, Place::default(), 100)).unwrap();
    assert_eq!(walk_later().removed, 1);
    assert_eq!(here.kept(&events), [2, 3, 6], "and the newest of each is never gone");
    here.finish(events[2].id);
    assert_eq!(walk_later(), Forgotten { removed: 1, next: None });
    assert_eq!(here.kept(&events), [3, 6]);
    assert_eq!(block_on(here.store.last_event_seq(LIVE)).unwrap(), 7, "numbers go on");
}

fn tries_go_by_their_own_age(engine: Engine) {
    let here = Installation::new(engine);
    let mut ids = old_ids(4);
    let to = [Some(ids.next::<EndpointId>())];
    let mut set = writes(1);
    set.events = vec![
        event(&mut ids, here.live, here.live.0, &to),
        event(&mut maker(LIVE, 4), here.live, here.live.0, &to),
    ];
    here.commit(LIVE, &set).unwrap();
    let of = |at: usize| block_on(here.store.deliveries_of_event(set.events[at].id)).unwrap().remove(0);
    for at_us in [OLD_US, OLD_US + 1, NOW_US] {
        block_on(here.store.record_deliveries(LIVE, &[sent(&of(0), at_us)])).unwrap();
    }
    block_on(here.store.record_deliveries(LIVE, &[sent(&of(1), NOW_US)])).unwrap();
    assert_eq!(here.walk(Aging::DeliveryAttempts, 1), 2);
    assert_eq!(of(0).attempts.iter().map(|it| it.at_us).collect::<Vec<_>>(), [NOW_US], "a late replay's");
    assert_eq!((of(0).status, of(1).attempts.len()), (DeliveryStatus::Succeeded, 1));
    // Tries made later go on with the numbers.
    block_on(here.store.record_deliveries(LIVE, &[sent(&of(0), NOW_US + 1)])).unwrap();
    assert_eq!(of(0).attempts.len(), 2);
}

fn keys_of_what_is_not_final_stay(engine: Engine) {
    let here = Installation::new(engine);
    let mut ids = maker(LIVE, 5);
    let mut set = writes(1);
    let mut open = payment(&mut ids, here.live, "open");
    open.status = Status::Authorized;
    let held = attempt(&mut ids, &open);
    let taken = full_capture(&mut ids, &open);
    let closed = payment(&mut ids, here.live, "closed");
    let closed = domain::payment::Payment { status: Status::Closed, ..closed };
    let mut waiting = full_refund(&mut ids, &closed, Some("R1"));
    waiting.status = domain::refund::Status::RequiresAttention;
    let mut done = full_refund(&mut ids, &closed, Some("R2"));
    done.status = domain::refund::Status::Succeeded;
    let objects = [
        Some(open.id.0),
        Some(held.id.0),
        Some(taken.id.0),
        Some(waiting.id.0),
        Some(closed.id.0),
        Some(done.id.0),
        Some(here.live.0),
        None,
    ];
    set.new_payments = vec![open, closed];
    set.new_attempts = vec![held];
    set.new_captures = vec![taken];
    set.new_refunds = vec![waiting, done];
    for object in objects {
        let mut row = idempotency(&mut ids, here.live, object);
        row.created_at_us = BEFORE_US - 1;
        row.refusal = object.is_none().then(|| "{}".to_owned());
        set.idempotency.push(row);
    }
    let mut young = idempotency(&mut ids, here.live, None);
    young.created_at_us = BEFORE_US;
    set.idempotency.push(young);
    here.commit(LIVE, &set).unwrap();
    assert_eq!(here.walk(Aging::Idempotency, 2), 4);
    let reads = ReadSet {
        idempotency: set.idempotency.iter().map(|row| (row.merchant, row.key_hash)).collect(),
        nonces: set.idempotency.iter().filter_map(|row| row.nonce).collect(),
        ..ReadSet::default()
    };
    let rows = here.load(LIVE, &reads);
    let there: Vec<bool> = set
        .idempotency
        .iter()
        .map(|row| rows.idempotency.contains_key(&(row.merchant, row.key_hash)))
        .collect();
    assert_eq!(there, [true, true, true, true, false, false, false, false, true]);
    assert_eq!(here.walk(Aging::Idempotency, 100), 0);
}

fn a_number_is_never_free_again(engine: Engine) {
    let here = Installation::new(engine);
    let mut ids = maker(LIVE, 6);
    let endpoint = ids.next();
    let mut sale = Sale::new(&mut ids, here.live, "kept for ever", endpoint);
    sale.payment.status = Status::Closed;
    sale.idempotency.created_at_us = OLD_US;
    let mut set = writes(1);
    sale.begin(&mut set);
    here.commit(LIVE, &set).unwrap();
    assert_eq!(here.walk(Aging::Idempotency, 100), 1);
    let twin = Sale::new(&mut ids, here.live, "kept for ever", endpoint);
    let mut again = writes(2);
    twin.begin(&mut again);
    assert!(matches!(here.commit(LIVE, &again), Err(StoreError::Conflict(_))));
    let found = block_on(here.store.payment_by_order_no(here.live, "kept for ever")).unwrap().unwrap();
    assert_eq!(found.id, sale.payment.id);
}

fn a_row_that_forbids_a_commit_stays(engine: Engine) {
    let here = Installation::new(engine);
    for (batch, at_us) in [(1, OLD_US), (2, NOW_US)] {
        here.commit(LIVE, &store::WriteSet { at_us, ..writes(batch) }).unwrap();
    }
    let uuid = |last: u8| format!("{:032x}", u128::from(last));
    let hex = |last: u8| match engine {
        Engine::Sqlite => format!("x'{}'", uuid(last)),
        Engine::Postgres => format!("'{}'::uuid", uuid(last)),
    };
    here.place.say(&format!("INSERT INTO journal_batch VALUES (0, {}, 0, 0, 0)", hex(3)));
    assert_eq!(here.walk(Aging::Batches, 1), 1);
    let there =
        |last| here.place.number(&format!("SELECT COUNT(*) FROM journal_batch WHERE batch = {}", hex(last)));
    assert_eq!([there(1), there(2), there(3)], [0, 1, 1]);
    // From somewhere in the middle a walk sees what is behind.
    let from = Place::anywhere(Aging::Batches, None, [0xff; 16]);
    assert_eq!(here.look(Aging::Batches, from, 10), Forgotten { removed: 0, next: None });
}
