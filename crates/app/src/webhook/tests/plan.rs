//! Order, exclusion and bounds, without I/O.

use super::*;
use domain::event::{NewDelivery, Type};
use domain::id::{EventId, IdMaker, Shard};
use std::collections::{BTreeMap, VecDeque};

const LIMITS: Limits = Limits {
    concurrency: 256,
    per_destination: 8,
    ready_max: 4_096,
    ready_per_destination: 64,
    unwritten_max: 2_048,
};
const START_US: i64 = 1_764_000_000_000_000;
const OK: Ended = Ended { done: true, failed: Some(false), latency_ms: 10 };
const RETRY: Ended = Ended { done: false, failed: Some(true), latency_ms: 10 };

/// Makes events later than the plan's start.
struct Maker {
    ids: IdMaker,
    merchant: MerchantId,
    seq: i64,
}

impl Maker {
    fn new() -> Maker {
        let mut ids = IdMaker::new(START_US + 1_000_000, Shard(1), 7);
        Maker { merchant: ids.next(), ids, seq: 0 }
    }

    fn endpoint(&mut self) -> EndpointId {
        self.ids.next()
    }

    fn object(&mut self) -> Uid {
        self.ids.next::<EventId>().0
    }

    fn job(&mut self, endpoint: EndpointId, object: Uid) -> Job {
        let EventId(mut id) = self.ids.next::<EventId>();
        id.0[15] &= 0xf0;
        self.seq += 1;
        let url = "https://shop.example/".to_owned();
        let event = Event {
            seq: self.seq,
            id: EventId(id),
            merchant: self.merchant,
            kind: Type::PaymentSucceeded,
            object,
            object_sequence: self.seq,
            created_at_us: START_US,
            body: String::new(),
            is_personal: false,
            deliveries: vec![NewDelivery { endpoint: Some(endpoint), url, due_at_us: START_US }],
        };
        Job::of_event(&Arc::new(event)).next().unwrap()
    }
}

fn end(plan: &mut Plan, job: &Job, ended: Ended) {
    plan.ended(job, ended);
    plan.settled(1);
    plan.written(&[job.id]);
}

#[test]
fn one_object_goes_in_order_and_holds_up_no_other() {
    let (mut plan, mut make) = (Plan::new(LIMITS, START_US), Maker::new());
    let (endpoint, poisoned, other) = (make.endpoint(), make.object(), make.object());
    let jobs: Vec<Job> = (0..3).map(|_| make.job(endpoint, poisoned)).collect();
    for job in &jobs {
        assert!(plan.hint(job.clone()));
    }
    let first = plan.take().unwrap();
    assert_eq!(first.id, jobs[0].id);
    assert!(plan.take().is_none(), "the second waits for the first");
    end(&mut plan, &first, RETRY);
    let apart = make.job(endpoint, other);
    assert!(plan.hint(apart.clone()));
    assert_eq!(plan.take().unwrap().id, apart.id, "another object goes on");
    end(&mut plan, &apart, OK);

    // The first waits for its retry: nothing of that object starts from memory.
    let fourth = make.job(endpoint, poisoned);
    assert!(plan.hint(fourth.clone()));
    assert!(plan.take().is_none());
    // The database hands them out one after the other.
    for job in jobs.iter().chain([&fourth]) {
        assert!(matches!(plan.due(job.clone()), Admission::Taken));
        let taken = plan.take().unwrap();
        assert_eq!(taken.id, job.id);
        end(&mut plan, &taken, OK);
        assert_eq!(plan.is_parked(job), job.id != fourth.id);
    }
    let fifth = make.job(endpoint, poisoned);
    assert!(plan.hint(fifth.clone()));
    assert_eq!(plan.take().unwrap().id, fifth.id, "nothing waits any more: from memory again");
}

#[test]
fn a_delivery_is_never_under_way_twice() {
    let (mut plan, mut make) = (Plan::new(LIMITS, START_US), Maker::new());
    let job = make.job(make_endpoint(), make_object());
    assert!(plan.hint(job.clone()) && plan.hint(job.clone()));
    assert!(matches!(plan.due(job.clone()), Admission::Later), "ready in memory");
    let taken = plan.take().unwrap();
    assert!(matches!(plan.due(job.clone()), Admission::Later), "under way");
    plan.ended(&taken, OK);
    assert!(matches!(plan.due(job.clone()), Admission::Later), "its outcome is not written yet");
    plan.settled(1);
    plan.written(&[job.id]);
    assert!(matches!(plan.due(job), Admission::Taken), "a replay");
    assert_eq!(plan.active(), 1);
}

fn make_endpoint() -> EndpointId {
    IdMaker::new(START_US, Shard(1), 99).next()
}

fn make_object() -> Uid {
    IdMaker::new(START_US + 5_000, Shard(1), 98).next::<EventId>().0
}

#[test]
fn objects_from_before_the_start_are_left_to_the_database() {
    let (mut plan, mut make) = (Plan::new(LIMITS, START_US), Maker::new());
    let old = IdMaker::new(START_US - 1, Shard(1), 5).next::<EventId>().0;
    let endpoint = make.endpoint();
    assert!(!plan.hint(make.job(endpoint, old)), "an older event may wait for a retry");
    let (new, lost) = (make.object(), make.object());
    assert!(plan.hint(make.job(endpoint, new)));
    plan.distrust(START_US + 2_000_000);
    assert!(!plan.hint(make.job(endpoint, lost)), "hints were lost since it was made");
    assert_eq!(plan.active(), 1);
}

#[test]
fn slots_are_bounded_per_destination_and_shared_in_turn() {
    let limits = Limits { concurrency: 12, ..LIMITS };
    let (mut plan, mut make) = (Plan::new(limits, START_US), Maker::new());
    let (loud, quiet) = (make.endpoint(), make.endpoint());
    for _ in 0..40 {
        let object = make.object();
        assert!(plan.hint(make.job(loud, object)));
    }
    make.merchant = make.ids.next();
    for _ in 0..2 {
        let object = make.object();
        assert!(plan.hint(make.job(quiet, object)));
    }
    let started: Vec<Job> = std::iter::from_fn(|| plan.take()).collect();
    let loud_jobs: Vec<&Job> = started.iter().filter(|job| job.endpoint == Some(loud)).collect();
    assert_eq!(loud_jobs.len(), 6, "a merchant takes half of the slots at most");
    assert_eq!(started.len(), 8);
    end(&mut plan, loud_jobs[0], OK);
    assert_eq!(plan.take().unwrap().endpoint, Some(loud), "a slot given back is used");
    assert!(plan.take().is_none());
}

#[test]
fn a_failing_destination_gets_few_slots_and_its_overflow_is_put_off() {
    let (mut plan, mut make) = (Plan::new(LIMITS, START_US), Maker::new());
    let dead = make.endpoint();
    for _ in 0..2 {
        let object = make.object();
        assert!(plan.hint(make.job(dead, object)));
        let job = plan.take().unwrap();
        end(&mut plan, &job, RETRY);
    }
    let mut put_off = 0;
    for _ in 0..20 {
        let object = make.object();
        match plan.due(make.job(dead, object)) {
            Admission::Taken => {}
            Admission::PutOff { failing, .. } => {
                assert!(failing);
                put_off += 1;
            }
            Admission::Later => panic!("it would hide others that are due"),
        }
    }
    assert_eq!(put_off, 12, "eight wait in memory");
    assert_eq!(std::iter::from_fn(|| plan.take()).count(), 2);
}

#[test]
fn nothing_starts_while_too_much_is_unwritten() {
    let limits = Limits { unwritten_max: 3, ..LIMITS };
    let (mut plan, mut make) = (Plan::new(limits, START_US), Maker::new());
    let endpoint = make.endpoint();
    for _ in 0..4 {
        let object = make.object();
        assert!(plan.hint(make.job(endpoint, object)));
    }
    for _ in 0..3 {
        let job = plan.take().unwrap();
        plan.ended(&job, OK);
    }
    assert!(plan.take().is_none());
    plan.settled(1);
    assert!(plan.take().is_some());
}

/// 1 % black holes: 1,000 endpoints of as many merchants, an event each every 100 ms, for 10 s; ten answer nobody and end after 5 s.
/// Every healthy first try starts in the tick of its event.
#[test]
fn black_holes_leave_the_others_undelayed() {
    const TICK_MS: i64 = 10;
    let (mut plan, mut make) = (Plan::new(LIMITS, START_US), Maker::new());
    let endpoints: Vec<(EndpointId, MerchantId)> =
        (0..1_000).map(|_| (make.ids.next(), make.ids.next())).collect();
    let dead = |endpoint: EndpointId| endpoints.iter().take(10).any(|(id, _)| *id == endpoint);
    let mut ends: BTreeMap<i64, Vec<Job>> = BTreeMap::new();
    let mut healthy = 0;
    for tick in 0..1_000_i64 {
        for job in ends.remove(&tick).unwrap_or_default() {
            let ended = if dead(job.endpoint.unwrap()) { Ended { latency_ms: 5_000, ..RETRY } } else { OK };
            end(&mut plan, &job, ended);
        }
        let mut expected = 0;
        for n in (tick % 10 * 100)..(tick % 10 * 100 + 100) {
            let (endpoint, merchant) = endpoints[usize::try_from(n).unwrap()];
            make.merchant = merchant;
            let object = make.object();
            plan.hint(make.job(endpoint, object));
            expected += i64::from(!dead(endpoint));
        }
        while let Some(job) = plan.take() {
            let is_dead = dead(job.endpoint.unwrap());
            let lasts = if is_dead { 500 } else { 10 / TICK_MS };
            expected -= i64::from(!is_dead);
            healthy += i64::from(!is_dead);
            ends.entry(tick + lasts).or_default().push(job);
        }
        assert_eq!(expected, 0, "tick {tick}: a healthy delivery waits");
    }
    assert_eq!(healthy, 1_000 * 99);
}

/// A receiver that fails at random, a node that forgets and loses hints: what arrives of each object arrives in order, and all
/// of it arrives. The queue of the model is the database.
#[test]
fn whatever_happens_objects_arrive_in_order_and_whole() {
    for seed in 1..=25_u64 {
        run_model(seed);
    }
}

struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

fn run_model(seed: u64) {
    let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let mut make = Maker::new();
    let limits = Limits {
        concurrency: 6,
        per_destination: 2,
        ready_max: 6,
        ready_per_destination: 3,
        unwritten_max: 5,
    };
    let mut plan = Plan::new(limits, START_US);
    let endpoints = [make.endpoint(), make.endpoint(), make.endpoint()];
    let objects: Vec<Uid> = (0..5).map(|_| make.object()).collect();
    let mut database: VecDeque<Job> = VecDeque::new();
    let mut running: Vec<Job> = Vec::new();
    let mut unwritten: Vec<(Job, bool)> = Vec::new();
    let mut arrived: HashMap<(EndpointId, Uid), Vec<i64>> = HashMap::new();
    let mut told = 0;
    for step in 0..40_000 {
        let calm = step > 2_000;
        if calm && database.is_empty() {
            break;
        }
        match random.below(10) {
            0..=2 if !calm => {
                let endpoint = endpoints[usize::try_from(random.below(3)).unwrap()];
                let object = objects[usize::try_from(random.below(5)).unwrap()];
                let job = make.job(endpoint, object);
                database.push_back(job.clone());
                told += 1;
                if random.below(400) == 0 {
                    plan.distrust(START_US + 3_600_000_000);
                } else {
                    plan.hint(job);
                }
            }
            0..=4 => {
                while let Some(job) = plan.take() {
                    assert!(
                        running
                            .iter()
                            .chain(unwritten.iter().map(|(job, _)| job))
                            .all(|other| other.id != job.id)
                    );
                    assert!(running.iter().all(|other| other.key() != job.key()));
                    running.push(job);
                }
                assert!(running.len() <= limits.concurrency);
            }
            5 | 6 if !running.is_empty() => {
                let index = usize::try_from(random.below(u64::try_from(running.len()).unwrap())).unwrap();
                let job = running.swap_remove(index);
                let ok = calm || random.below(3) > 0;
                if ok {
                    arrived.entry((job.endpoint.unwrap(), job.event.object)).or_default().push(job.event.seq);
                }
                plan.ended(&job, if ok { OK } else { RETRY });
                unwritten.push((job, ok));
            }
            7 if !unwritten.is_empty() => {
                for (job, ok) in unwritten.drain(..) {
                    database.retain(|other| !ok || other.id != job.id);
                    plan.settled(1);
                    plan.written(&[job.id]);
                }
            }
            8 => {
                for job in oldest_of_each(&database) {
                    if let Admission::PutOff { job, .. } = plan.due(job) {
                        plan.put_off(&job);
                        unwritten.push((*job, false));
                    }
                }
            }
            _ => {}
        }
    }
    assert!(database.is_empty(), "seed {seed}: {} never arrived", database.len());
    assert_eq!(arrived.values().map(Vec::len).sum::<usize>(), told);
    for (key, seqs) in arrived {
        assert!(seqs.is_sorted(), "seed {seed}: {key:?} arrived as {seqs:?}");
    }
}

/// As the store answers: never one whose object has an older pending delivery there.
fn oldest_of_each(database: &VecDeque<Job>) -> Vec<Job> {
    let mut seen = HashSet::new();
    database.iter().filter(|job| seen.insert(job.key())).cloned().collect()
}
