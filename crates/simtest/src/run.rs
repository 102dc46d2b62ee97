//! One seed, one history, one judgement.

use crate::faults::Faults;
use crate::house::{COST_PERCENT, House, Image, Life, SALT_KEY};
use crate::store::now;
use crate::workload::{Phase, World};
use anyhow::{Context, Result};
use auditor::{Auditor, FeeTerms, Finding, RefundFee};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Builder;

/// How a seed is run.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Steps of the workload before nothing fails any more.
    pub steps: u64,
    /// Whether the history is kept as text.
    pub kept: bool,
}

impl Default for Options {
    fn default() -> Options {
        Options { steps: 140, kept: false }
    }
}

/// What came of a seed.
pub struct Outcome {
    /// What is not as it must be.
    pub findings: Vec<Finding>,
    /// What was done and injected, by kind.
    pub counts: BTreeMap<&'static str, u64>,
    /// The history, if it was kept.
    pub history: Vec<String>,
    /// Its digest, if it was kept.
    pub digest: String,
}

/// How a life ended.
enum End {
    /// With the files as they were.
    Died(std::io::Result<Image>),
    Done(Result<Vec<Finding>>),
}

/// Lives of one history; more would be a plan that never ends.
const LIVES_MAX: u32 = 500;

/// How often a start that fails is tried again.
const STARTS_MAX: u32 = 20;

/// Runs a seed.
///
/// # Errors
/// When the simulator itself can't go on: no scratch directory, no database.
pub fn run(seed: u64, options: Options) -> Result<Outcome> {
    let house = House::build(seed)?;
    let cost = FeeTerms {
        percent: COST_PERCENT.to_owned(),
        fixed_minor: 0,
        minimum_minor: 0,
        cap_minor: None,
        refund_fee: RefundFee::Returned,
    };
    let mut world = World::new(house, Auditor::new(cost), seed, options.steps, options.kept);
    let mut findings = Vec::new();
    for _ in 0..LIVES_MAX {
        let runtime =
            Builder::new_current_thread().enable_time().start_paused(true).build().context("runtime")?;
        let end = runtime.block_on(one_life(&mut world))?;
        runtime.shutdown_background();
        match end {
            End::Died(image) => world.died(image?)?,
            End::Done(judged) => {
                findings = judged?;
                break;
            }
        }
    }
    if world.phase != Phase::Done {
        findings.push(Finding { check: "everything ends", what: "the history never ended".to_owned() });
    }
    let mut counts = world.house.faults.counts();
    counts.insert("orders", u64::try_from(world.orders.len()).unwrap_or(0));
    Ok(Outcome { findings, counts, history: world.history.lines().to_vec(), digest: world.history.digest() })
}

async fn one_life(world: &mut World) -> Result<End> {
    let faults: Arc<Faults> = Arc::clone(&world.house.faults);
    let clock = Arc::clone(&world.house.clock);
    let power = Arc::clone(&world.house.power);
    clock.begin();
    faults.revive();
    let end = {
        let mut work = std::pin::pin!(from_the_start(world));
        tokio::select! {
            biased;
            // While the database is open: whoever closes it in good order tidies up.
            () = faults.death() => End::Died(power.image()),
            done = &mut work => End::Done(done),
        }
    };
    clock.end();
    Ok(end)
}

async fn from_the_start(world: &mut World) -> Result<Vec<Finding>> {
    let mut dies_in = world.doomed_start.take();
    let mut tries = 0;
    let life = loop {
        // A read that fails while it starts ends the process; whoever watches it starts it again.
        match world.house.wake(dies_in.take()).await {
            Ok(life) => break life,
            Err(error) if tries >= STARTS_MAX => return Err(error),
            Err(_) => tokio::time::sleep(Duration::from_secs(1)).await,
        }
        tries += 1;
    };
    to_the_end(world, &life).await
}

/// Work, rest, judgement.
async fn to_the_end(world: &mut World, life: &Life) -> Result<Vec<Finding>> {
    world.live(life).await?;
    let evidence = world.evidence(life).await?;
    let blank = Auditor::new(FeeTerms {
        percent: String::new(),
        fixed_minor: 0,
        minimum_minor: 0,
        cap_minor: None,
        refund_fee: RefundFee::Kept,
    });
    let auditor = std::mem::replace(&mut world.auditor, blank);
    let mut findings = auditor.close(&evidence);
    findings.append(&mut world.accusations);
    world.house.sleep(life).await;
    // A second opinion, by those who made the books.
    let report =
        now(app::verify::run(life.store.as_ref(), None, &SALT_KEY, app::verify::Options::full(), &mut ()));
    match report {
        Ok(report) => findings.extend(
            report.difference.map(|found| Finding { check: "verify --full", what: found.to_string() }),
        ),
        Err(error) => findings.push(Finding { check: "verify --full", what: error.to_string() }),
    }
    Ok(findings)
}
