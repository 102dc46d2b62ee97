//! Twenty seeds, and that a seed is a history.

use simtest::{Options, run};

const STEPS: u64 = 60;

fn judged(seeds: std::ops::RangeInclusive<u64>) {
    for seed in seeds {
        let outcome = run(seed, Options { steps: STEPS, kept: false });
        let outcome = outcome.unwrap_or_else(|error| panic!("seed {seed}: {error:#}"));
        assert!(
            outcome.findings.is_empty(),
            "seed {seed} with {STEPS} steps: {:#?}\nrun it again with: cargo run -p simtest -- --seed {seed} --steps {STEPS}",
            outcome.findings
        );
        assert!(outcome.counts.get("requests").is_some_and(|count| *count > 100), "{:?}", outcome.counts);
    }
}

#[test]
fn ten_seeds_are_as_they_must_be() {
    judged(1..=10);
}

#[test]
fn ten_more_seeds_are_as_they_must_be() {
    judged(11..=20);
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
