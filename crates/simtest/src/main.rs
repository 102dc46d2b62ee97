//! Runs seeds and says what came of them.

use anyhow::Result;
use clap::Parser;
use simtest::{Options, run};
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// Seeded histories of the platform, judged by an auditor.
#[derive(Debug, Parser)]
struct Arguments {
    /// Runs this seed alone and prints its history.
    #[arg(long)]
    seed: Option<u64>,
    /// Runs so many seeds.
    #[arg(long, default_value_t = 20)]
    seeds: u64,
    /// The first of them.
    #[arg(long, default_value_t = 1)]
    from: u64,
    /// Steps of the workload in each.
    #[arg(long, default_value_t = 140)]
    steps: u64,
    /// Threads; each runs seeds of its own. Twice as many as cores, unless told: one waits for its database half of the time.
    #[arg(long)]
    threads: Option<usize>,
    /// Stops at the first seed that fails.
    #[arg(long)]
    fail_fast: bool,
}

#[allow(clippy::print_stdout)] // what it is for
fn main() -> Result<()> {
    let arguments = Arguments::parse();
    match arguments.seed {
        Some(seed) => one(seed, arguments.steps),
        None => many(&arguments),
    }
}

#[allow(clippy::print_stdout)]
fn one(seed: u64, steps: u64) -> Result<()> {
    let outcome = run(seed, Options { steps, kept: true })?;
    for line in &outcome.history {
        println!("{line}");
    }
    println!("counts {:?}", outcome.counts);
    println!("digest {}", outcome.digest);
    for finding in &outcome.findings {
        println!("FOUND {}: {}", finding.check, finding.what);
    }
    if !outcome.findings.is_empty() {
        std::process::exit(1);
    }
    Ok(())
}

#[derive(Default)]
struct Sums {
    counts: BTreeMap<&'static str, u64>,
    failed: Vec<u64>,
}

#[allow(clippy::print_stdout)]
fn many(arguments: &Arguments) -> Result<()> {
    let began = Instant::now();
    let next = AtomicU64::new(arguments.from);
    let sums = Mutex::new(Sums::default());
    let past = arguments.from.saturating_add(arguments.seeds);
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let threads = arguments.threads.unwrap_or(2 * cores).max(1);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::SeqCst);
                    let stop = arguments.fail_fast
                        && !sums.lock().unwrap_or_else(std::sync::PoisonError::into_inner).failed.is_empty();
                    if seed >= past || stop {
                        return;
                    }
                    judge(seed, arguments.steps, &sums);
                }
            });
        }
    });
    let sums = sums.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    let steps = ["requests", "channel calls", "notices", "payers act", "webhook tries", "commits"];
    let operations: u64 = steps.iter().filter_map(|kind| sums.counts.get(kind)).sum();
    for (kind, count) in &sums.counts {
        println!("{count:>12}  {kind}");
    }
    println!("{operations:>12}  operations: {}", steps.join(", "));
    println!(
        "{} seeds in {} s, {} failed: {:?}",
        arguments.seeds,
        began.elapsed().as_secs(),
        sums.failed.len(),
        sums.failed
    );
    if let Some(first) = sums.failed.first() {
        println!("run it again with: simtest --seed {first} --steps {}", arguments.steps);
        std::process::exit(1);
    }
    Ok(())
}

#[allow(clippy::print_stdout)]
fn judge(seed: u64, steps: u64, sums: &Mutex<Sums>) {
    let outcome = run(seed, Options { steps, kept: false });
    let mut sums = sums.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    match outcome {
        Ok(outcome) => {
            for (kind, count) in outcome.counts {
                *sums.counts.entry(kind).or_insert(0) += count;
            }
            for finding in &outcome.findings {
                println!("seed {seed}: {}: {}", finding.check, finding.what);
            }
            if !outcome.findings.is_empty() {
                sums.failed.push(seed);
            }
        }
        Err(error) => {
            println!("seed {seed}: the simulator stopped: {error:#}");
            sums.failed.push(seed);
        }
    }
}
