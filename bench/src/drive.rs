//! The load: a closed loop. Each connection has one payment under way, and starts the next when it has its answer.

use crate::histogram::{Histogram, as_f64};
use crate::http::Connection;
use crate::process;
use crate::scene::{Merchant, Scene};
use anyhow::{Context as _, Result};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// How long a point is warmed up and measured.
#[derive(Debug, Clone, Copy)]
pub struct Times {
    /// Payments that end in it are not counted.
    pub warm_up: Duration,
    /// Payments that end in it are.
    pub measured: Duration,
}

/// One measured point.
#[derive(Debug, Clone)]
pub struct Point {
    /// Payments that ended in the measured time, each with its latency.
    pub latency: Histogram,
    /// How long was measured, seconds.
    pub seconds: f64,
    /// Processor seconds of the server meanwhile.
    pub server_cpu_s: f64,
    /// Processor seconds of the load generator meanwhile.
    pub load_cpu_s: f64,
}

impl Point {
    /// The rate.
    pub fn payments_per_s(&self) -> f64 {
        as_f64(self.latency.total()) / self.seconds
    }

    /// Microseconds of a processor that the server spent on each payment.
    pub fn server_us_per_payment(&self) -> f64 {
        self.server_cpu_s * 1e6 / as_f64(self.latency.total().max(1))
    }

    /// The same of the load generator.
    pub fn load_us_per_payment(&self) -> f64 {
        self.load_cpu_s * 1e6 / as_f64(self.latency.total().max(1))
    }
}

/// Where the load goes.
#[derive(Debug, Clone)]
pub struct Target {
    /// The public listener.
    pub address: SocketAddr,
    /// The server's process.
    pub pid: String,
}

/// When counting starts and when everything ends.
#[derive(Debug, Clone, Copy)]
struct Window {
    from: Instant,
    until: Instant,
}

/// Drives `connections` connections, spread over the merchants. The first failure ends the run. Call it inside a `LocalSet`.
pub async fn point(
    target: &Target,
    merchants: &[Rc<Merchant>],
    scene: Scene,
    connections: usize,
    times: Times,
) -> Result<Point> {
    let mut open = Vec::with_capacity(connections);
    for _ in 0..connections {
        open.push(Connection::open(target.address).await?);
    }
    let from = Instant::now() + times.warm_up;
    let window = Window { from, until: from + times.measured };
    let mut tasks = JoinSet::new();
    for (connection, merchant) in open.into_iter().zip(merchants.iter().cycle()) {
        tasks.spawn_local(payments(Rc::clone(merchant), scene, connection, window));
    }
    tokio::time::sleep_until(window.from.into()).await;
    let (server_before, load_before) = cpu(target)?;
    tokio::time::sleep_until(window.until.into()).await;
    let (server_after, load_after) = cpu(target)?;
    let mut latency = Histogram::default();
    while let Some(done) = tasks.join_next().await {
        latency.add(&done.context("a connection's task ended early")??);
    }
    Ok(Point {
        latency,
        seconds: times.measured.as_secs_f64(),
        server_cpu_s: server_after - server_before,
        load_cpu_s: load_after - load_before,
    })
}

fn cpu(target: &Target) -> Result<(f64, f64)> {
    Ok((process::cpu_seconds(&target.pid)?, process::cpu_seconds("self")?))
}

async fn payments(
    merchant: Rc<Merchant>,
    scene: Scene,
    mut connection: Connection,
    window: Window,
) -> Result<Histogram> {
    let mut latency = Histogram::default();
    let mut started = Instant::now();
    while started < window.until {
        merchant.pay(scene, &mut connection).await?;
        let ended = Instant::now();
        if ended >= window.from && ended < window.until {
            latency.record(micros(ended - started));
        }
        started = ended;
    }
    Ok(latency)
}

/// One payment after the other with pauses between them, so that each finds an idle server.
pub async fn idle(target: &Target, merchant: &Merchant, scene: Scene, payments: u32) -> Result<Histogram> {
    /// Longer than any work that a payment leaves behind, such as its webhook.
    const PAUSE: Duration = Duration::from_millis(10);
    let mut connection = Connection::open(target.address).await?;
    let mut latency = Histogram::default();
    // The first ones of a fresh installation also make the day's accounts.
    for number in 0..payments + 20 {
        tokio::time::sleep(PAUSE).await;
        let started = Instant::now();
        merchant.pay(scene, &mut connection).await?;
        if number >= 20 {
            latency.record(micros(started.elapsed()));
        }
    }
    Ok(latency)
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
