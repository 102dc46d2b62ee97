//! Twenty seeds, and that a seed is a history.

use simtest::{Options, Outcome, run};
use std::collections::BTreeMap;
use std::sync::OnceLock;

const STEPS: u64 = 120;

type Counts = BTreeMap<&'static str, u64>;

static FIRST: OnceLock<Counts> = OnceLock::new();
static SECOND: OnceLock<Counts> = OnceLock::new();

fn judged(seeds: std::ops::RangeInclusive<u64>) -> Counts {
    let mut counts = Counts::new();
    for seed in seeds {
        let outcome = run(seed, Options { steps: STEPS, kept: false });
        let Outcome { findings, counts: of_seed, .. } =
            outcome.unwrap_or_else(|error| panic!("seed {seed}: {error:#}"));
        assert!(
            findings.is_empty(),
            "seed {seed} with {STEPS} steps: {findings:#?}\nrun it again with: make sim SEED={seed} ARGS='--steps {STEPS}'"
        );
        assert!(of_seed.get("requests").is_some_and(|count| *count > 100), "{of_seed:?}");
        for (what, count) in of_seed {
            *counts.entry(what).or_insert(0) += count;
        }
    }
    counts
}

/// What was done and injected in all twenty.
pub fn counts() -> Counts {
    let mut all = FIRST.get_or_init(|| judged(1..=10)).clone();
    for (what, count) in SECOND.get_or_init(|| judged(11..=20)) {
        *all.entry(what).or_insert(0) += count;
    }
    all
}

#[test]
fn ten_seeds_are_as_they_must_be() {
    FIRST.get_or_init(|| judged(1..=10));
}

#[test]
fn ten_more_seeds_are_as_they_must_be() {
    SECOND.get_or_init(|| judged(11..=20));
}

/// Histories of a search through a thousand that found something: later tries at an order that the restored books had forgotten;
/// money in another sum for an order whose merchant never got an answer.
#[test]
fn what_longer_searches_found_stays_mended() {
    for seed in [498, 725] {
        let outcome = run(seed, Options { steps: 140, kept: false });
        let found = outcome.unwrap_or_else(|error| panic!("seed {seed}: {error:#}")).findings;
        assert!(found.is_empty(), "seed {seed}: {found:#?}");
    }
}

/// It once did: a key was revoked, the clock was set back behind that moment, and what the key signed was committed again.
#[test]
fn no_clock_revives_a_revoked_key() {
    let times = counts().get("clock set back behind a revocation").copied().unwrap_or(0);
    assert!(times > 0, "the auditor judges each use, and there was none");
}

/// What people say of adjustments, rightly and wrongly; and a process that died between the two halves of one, which another one
/// finished when its time came.
#[test]
fn adjustments_are_moved_refused_and_finished_by_others() {
    let counts = counts();
    for what in [
        "adjustments moved",
        "adjustments approved again",
        "adjustments rejected",
        "adjustment decided by its proposer",
        "adjustment decided otherwise before",
        "adjustment of more than there is",
        "crash while an adjustment is in transit",
        "adjustment finished by another's lease",
    ] {
        assert!(counts.get(what).is_some_and(|count| *count > 0), "`{what}` never happened: {counts:?}");
    }
}

#[test]
fn a_seed_is_one_history() {
    for seed in [3, 8] {
        let once = run(seed, Options { steps: STEPS, kept: true }).unwrap();
        let again = run(seed, Options { steps: STEPS, kept: true }).unwrap();
        let differs = once.history.iter().zip(&again.history).position(|(left, right)| left != right);
        assert_eq!(
            differs,
            None,
            "seed {seed}: {:?}",
            differs.map(|at| (&once.history[at], &again.history[at]))
        );
        assert_eq!((once.digest, once.counts), (again.digest, again.counts));
    }
}
