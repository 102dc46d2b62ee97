//! Which event is forwarded when: in order per object, several objects at once, failed ones again. Pure: times are handed in,
//! milliseconds since the start.

use crate::client::events::{Event, Place};
use app::webhook::Answer;
use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

/// Events that are held at once; more are not asked for.
pub(super) const HELD_MAX: usize = 500;
/// Events that are forwarded at once.
pub(super) const AT_ONCE: usize = 16;
/// Pauses after a try that the merchant's program answered with a failure, in milliseconds; after the last one it is given up.
const PAUSES_MS: [u64; 9] = [1_000, 2_000, 5_000, 10_000, 20_000, 30_000, 60_000, 60_000, 60_000];
/// Pauses while the program is not there, doubled up to the second one. They are never given up.
const ABSENT_PAUSE_MIN_MS: u64 = 250;
const ABSENT_PAUSE_MAX_MS: u64 = 2_000;
/// The longest that the program's Retry-After is heeded.
const RETRY_AFTER_MAX_S: i64 = 300;

/// An event to be forwarded now.
#[derive(Debug, Clone)]
pub(super) struct Job {
    /// Its number in the queue.
    pub number: u64,
    /// Which try this is, from 1, of those that were answered.
    pub attempt: usize,
    /// The event.
    pub event: Arc<Event>,
}

/// What follows from a try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// Delivered.
    Done,
    /// Again after so long.
    Again { in_ms: u64 },
    /// The program is not there; everything waits so long.
    Absent { in_ms: u64 },
    /// Not tried any more.
    GivenUp,
}

enum State {
    Waiting { due_ms: u64 },
    UnderWay,
    Done,
}

struct Item {
    number: u64,
    event: Arc<Event>,
    /// Tries that were answered with a failure.
    failures: usize,
    state: State,
}

struct Absent {
    pause_ms: u64,
    until_ms: u64,
}

/// The events between what is wholly done and what was last learnt, oldest first.
pub(super) struct Queue {
    items: VecDeque<Item>,
    under_way: usize,
    numbers: u64,
    absent: Option<Absent>,
    /// Everything up to here is done.
    mark: Option<Place>,
    /// Events behind the mark that an earlier run has delivered.
    known_done: HashSet<String>,
}

impl Queue {
    /// Goes on behind a mark; `done` are events behind it that need not be forwarded again.
    pub(super) fn new(mark: Option<Place>, done: impl IntoIterator<Item = String>) -> Queue {
        Queue {
            items: VecDeque::new(),
            under_way: 0,
            numbers: 0,
            absent: None,
            mark,
            known_done: done.into_iter().collect(),
        }
    }

    /// Whether a page more may be taken.
    pub(super) fn has_room(&self) -> bool {
        self.items.len() + crate::client::events::PAGE_MAX <= HELD_MAX
    }

    /// Takes an event; `wanted` is false for one that only moves the mark on.
    pub(super) fn push(&mut self, event: Event, wanted: bool) {
        let done = !wanted || self.known_done.remove(&event.id);
        let state = if done { State::Done } else { State::Waiting { due_ms: 0 } };
        self.numbers += 1;
        self.items.push_back(Item { number: self.numbers, event: Arc::new(event), failures: 0, state });
        self.sweep();
    }

    /// The next event to forward at a time, if there is one: never one whose object has an older one open.
    pub(super) fn next(&mut self, now_ms: u64) -> Option<Job> {
        if self.under_way >= AT_ONCE {
            return None;
        }
        // Of a program that is not there, one event asks whether it is back.
        if self.absent.as_ref().is_some_and(|absent| self.under_way > 0 || now_ms < absent.until_ms) {
            return None;
        }
        let probing = self.absent.is_some();
        let mut busy = HashSet::new();
        let mut found = None;
        for item in &mut self.items {
            match item.state {
                State::Done => {}
                State::Waiting { due_ms }
                    if (due_ms <= now_ms || probing) && !busy.contains(item.event.object_id.as_str()) =>
                {
                    found = Some(item);
                    break;
                }
                State::Waiting { .. } | State::UnderWay => {
                    busy.insert(item.event.object_id.as_str());
                }
            }
        }
        let item = found?;
        item.state = State::UnderWay;
        self.under_way += 1;
        Some(Job { number: item.number, attempt: item.failures + 1, event: Arc::clone(&item.event) })
    }

    /// When [`Queue::next`] has something again without anything else happening; `None` when only a try that ends can tell.
    pub(super) fn next_due_ms(&self) -> Option<u64> {
        if let Some(absent) = &self.absent {
            return (self.under_way == 0 && self.open() > 0).then_some(absent.until_ms);
        }
        if self.under_way >= AT_ONCE {
            return None;
        }
        let mut busy = HashSet::new();
        let mut soonest = None;
        for item in self.items.iter().filter(|item| !matches!(item.state, State::Done)) {
            let first = busy.insert(item.event.object_id.as_str());
            if let State::Waiting { due_ms } = item.state
                && first
            {
                soonest = Some(soonest.map_or(due_ms, |other: u64| other.min(due_ms)));
            }
        }
        soonest
    }

    /// Takes the end of a try; answers what follows.
    pub(super) fn ended(&mut self, number: u64, answer: &Answer, now_ms: u64) -> Next {
        self.under_way = self.under_way.saturating_sub(1);
        let next = self.judge(number, answer, now_ms);
        if let Some(item) = self.items.iter_mut().find(|item| item.number == number) {
            item.state = match next {
                Next::Done | Next::GivenUp => State::Done,
                Next::Again { in_ms } => State::Waiting { due_ms: now_ms + in_ms },
                Next::Absent { .. } => State::Waiting { due_ms: now_ms },
            };
            item.failures += usize::from(matches!(next, Next::Again { .. }));
        }
        self.sweep();
        next
    }

    fn judge(&mut self, number: u64, answer: &Answer, now_ms: u64) -> Next {
        if is_absent(answer) {
            let before_ms = self.absent.as_ref().map(|absent| absent.pause_ms);
            let pause_ms = before_ms.map_or(ABSENT_PAUSE_MIN_MS, |ms| (ms * 2).min(ABSENT_PAUSE_MAX_MS));
            self.absent = Some(Absent { pause_ms, until_ms: now_ms + pause_ms });
            return Next::Absent { in_ms: pause_ms };
        }
        self.absent = None;
        let failures = self.items.iter().find(|item| item.number == number).map_or(0, |item| item.failures);
        match (answer.status, PAUSES_MS.get(failures)) {
            (Some(200..=299), _) => Next::Done,
            // It wants no more of it, ever.
            (Some(410), _) | (_, None) => Next::GivenUp,
            (_, Some(pause_ms)) => {
                let asked_s = answer.retry_after_s.unwrap_or(0).clamp(0, RETRY_AFTER_MAX_S);
                Next::Again { in_ms: (*pause_ms).max(u64::try_from(asked_s).unwrap_or(0) * 1_000) }
            }
        }
    }

    fn sweep(&mut self) {
        while let Some(item) = self.items.pop_front_if(|item| matches!(item.state, State::Done)) {
            self.mark = Some(item.event.place());
        }
    }

    /// Everything up to here is done.
    pub(super) fn mark(&self) -> Option<&Place> {
        self.mark.as_ref()
    }

    /// The mark is not there any more: it moves back, and everything behind it is taken again.
    pub(super) fn move_mark(&mut self, to: Option<Place>) {
        if self.items.is_empty() {
            self.mark = to;
        }
    }

    /// Events behind the mark that are done.
    pub(super) fn done(&self) -> Vec<String> {
        let here = self.items.iter().filter(|item| matches!(item.state, State::Done));
        here.map(|item| item.event.id.clone()).chain(self.known_done.iter().cloned()).collect()
    }

    /// Events that are not done.
    pub(super) fn open(&self) -> usize {
        self.items.iter().filter(|item| !matches!(item.state, State::Done)).count()
    }

    /// Whether the program is not there.
    pub(super) fn is_absent(&self) -> bool {
        self.absent.is_some()
    }
}

/// Whether nobody was there to answer: nothing listens, or a proxy in front says so. A program that hangs or breaks off was there.
fn is_absent(answer: &Answer) -> bool {
    match answer.status {
        Some(status) => matches!(status, 502..=504),
        None => matches!(answer.error, Some("connect_failed" | "name_not_resolved" | "resolver_busy")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    fn event(number: u64, object: &str) -> Event {
        let row = format!("{{\"n\":{number}}}");
        Event {
            id: format!("evt_{number}"),
            kind: "payment.succeeded".to_owned(),
            timestamp: format!("t{number}"),
            object_id: object.to_owned(),
            row: serde_json::value::RawValue::from_string(row.clone()).unwrap(),
            body: row,
        }
    }

    fn queue(objects: &[&str]) -> Queue {
        let mut queue = Queue::new(None, []);
        for (number, object) in (1..).zip(objects) {
            queue.push(event(number, object), true);
        }
        queue
    }

    fn status(status: u16) -> Answer {
        Answer { status: Some(status), latency_ms: 1, error: None, retry_after_s: None }
    }

    fn no_answer(error: &'static str) -> Answer {
        Answer { status: None, latency_ms: 1, error: Some(error), retry_after_s: None }
    }

    fn mark(queue: &Queue) -> &str {
        queue.mark().map_or("", |place| place.id.as_str())
    }

    fn all_startable(queue: &mut Queue, now_ms: u64) -> Vec<u64> {
        std::iter::from_fn(|| queue.next(now_ms)).map(|job| job.number).collect()
    }

    #[test]
    fn an_object_waits_for_its_older_event_and_no_other_does() {
        let mut queue = queue(&["a", "a", "b", "a"]);
        assert_eq!(all_startable(&mut queue, 0), [1, 3]);
        assert_eq!(queue.ended(3, &status(204), 5), Next::Done);
        assert_eq!((mark(&queue), queue.done()), ("", vec!["evt_3".to_owned()]), "1 and 2 are open");
        assert_eq!(queue.ended(1, &status(500), 5), Next::Again { in_ms: 1_000 });
        assert_eq!((queue.next(1_004).is_none(), queue.next_due_ms()), (true, Some(1_005)));
        assert_eq!(all_startable(&mut queue, 1_005), [1]);
        assert_eq!(queue.ended(1, &status(200), 1_006), Next::Done);
        assert_eq!(mark(&queue), "evt_1");
        assert_eq!(all_startable(&mut queue, 1_006), [2]);
        queue.ended(2, &status(200), 1_007);
        assert_eq!((mark(&queue), queue.done()), ("evt_3", Vec::new()));
        assert_eq!(all_startable(&mut queue, 1_007), [4]);
    }

    #[test]
    fn a_program_that_is_not_there_is_asked_by_one_event_and_nothing_is_given_up() {
        let mut queue = queue(&["a", "b", "c"]);
        assert_eq!(all_startable(&mut queue, 0).len(), 3);
        for (number, in_ms) in [(1, 250), (2, 500), (3, 1_000)] {
            assert_eq!(queue.ended(number, &no_answer("connect_failed"), 0), Next::Absent { in_ms });
        }
        assert!(queue.next(999).is_none() && queue.is_absent());
        let mut now_ms = 1_000;
        for _ in 0..100 {
            assert_eq!(all_startable(&mut queue, now_ms), [1]);
            let next = queue.ended(1, &status(503), now_ms);
            assert_eq!(next, Next::Absent { in_ms: ABSENT_PAUSE_MAX_MS });
            now_ms = queue.next_due_ms().unwrap();
        }
        assert_eq!(queue.next(now_ms).map(|job| (job.number, job.attempt)), Some((1, 1)));
        assert_eq!(queue.ended(1, &status(204), now_ms), Next::Done);
        assert_eq!(all_startable(&mut queue, now_ms), [2, 3], "it is back: the others go at once");
    }

    #[test]
    fn what_is_refused_again_and_again_is_given_up_and_blocks_nothing() {
        let mut queue = queue(&["a", "a"]);
        let mut now_ms = 0;
        for attempt in 1..=PAUSES_MS.len() {
            assert_eq!(queue.next(now_ms).map(|job| (job.number, job.attempt)), Some((1, attempt)));
            let in_ms = PAUSES_MS[attempt - 1];
            assert_eq!(queue.ended(1, &status(400), now_ms), Next::Again { in_ms });
            now_ms += in_ms;
        }
        assert!(queue.next(now_ms).is_some());
        assert_eq!(queue.ended(1, &no_answer("timeout"), now_ms), Next::GivenUp);
        assert_eq!(all_startable(&mut queue, now_ms), [2]);
        assert_eq!(queue.ended(2, &status(410), now_ms), Next::GivenUp);
        assert_eq!((mark(&queue), queue.open()), ("evt_2", 0));
    }

    #[test]
    fn retry_after_is_heeded_within_bounds() {
        for (asked_s, in_ms) in [(0, 1_000), (7, 7_000), (100_000, 300_000), (-5, 1_000)] {
            let mut queue = queue(&["a"]);
            queue.next(0);
            let answer = Answer { retry_after_s: Some(asked_s), ..status(429) };
            assert_eq!(queue.ended(1, &answer, 0), Next::Again { in_ms });
        }
    }

    #[test]
    fn what_an_earlier_run_delivered_and_what_is_not_wanted_only_moves_the_mark() {
        let mut queue = Queue::new(None, ["evt_2".to_owned()]);
        queue.push(event(1, "a"), true);
        queue.push(event(2, "b"), true);
        queue.push(event(3, "c"), false);
        assert_eq!(all_startable(&mut queue, 0), [1]);
        queue.ended(1, &status(200), 0);
        assert_eq!((mark(&queue), queue.open()), ("evt_3", 0));
        assert!(queue.has_room());
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

        /// Whatever the program does: every event arrives, each object's in order, and the mark never passes one that is open.
        #[test]
        fn any_history_delivers_all_in_order(
            objects in prop::collection::vec(0u8..6, 1..40),
            answers in prop::collection::vec((0u8..6, 0usize..64), 0..200),
        ) {
            let mut queue = Queue::new(None, []);
            for (number, object) in (1..).zip(&objects) {
                queue.push(event(number, &object.to_string()), true);
            }
            let (mut now_ms, mut answers) = (0, answers.into_iter());
            let mut under_way: Vec<Job> = Vec::new();
            let mut delivered: HashMap<String, Vec<u64>> = HashMap::new();
            let mut delivered_count = 0;
            while queue.open() > 0 {
                under_way.extend(std::iter::from_fn(|| queue.next(now_ms)));
                prop_assert!(under_way.len() <= AT_ONCE);
                if under_way.is_empty() {
                    let due_ms = queue.next_due_ms().expect("something is due some time");
                    prop_assert!(due_ms > now_ms);
                    now_ms = due_ms;
                    continue;
                }
                let (kind, which) = answers.next().unwrap_or((0, 0));
                let job = under_way.swap_remove(which % under_way.len());
                let answer = match kind {
                    1 => no_answer("connect_failed"),
                    2 => status(503),
                    3 if job.attempt < PAUSES_MS.len() => status(500),
                    4 if job.attempt < PAUSES_MS.len() => no_answer("timeout"),
                    _ => status(204),
                };
                if queue.ended(job.number, &answer, now_ms) == Next::Done {
                    delivered.entry(job.event.object_id.clone()).or_default().push(job.number);
                    delivered_count += 1;
                }
                let passed = queue.mark().map_or(0, |place| place.id[4..].parse::<u64>().unwrap());
                let open = under_way.iter().map(|job| job.number).min().unwrap_or(u64::MAX);
                prop_assert!(passed < open);
            }
            prop_assert_eq!(delivered_count, objects.len());
            prop_assert!(delivered.values().all(|numbers| numbers.is_sorted()));
            prop_assert_eq!(mark(&queue), format!("evt_{}", objects.len()));
        }
    }
}
