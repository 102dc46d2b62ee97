//! What moving the journal's old lines into files takes, and what it gives back: beside the server, on a history of millions.

use super::connect;
use crate::clock;
use crate::drive::{self, Times};
use crate::http::Connection;
use crate::measure::HEADLINE_CONNECTIONS;
use crate::platform::Serving;
use crate::report::{Report, print};
use crate::scene::Scene;
use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// A day in a zone without summer time.
const DAY_S: u32 = 86_400;
/// The last day's lines stay until the day after has its statement.
const DAYS: u32 = 3;
/// How long statements over the whole history may take.
const STATED_MAX: Duration = Duration::from_secs(900);
/// How long the deletion of what was archived may take.
const DELETED_MAX: Duration = Duration::from_secs(3_600);
/// Pause between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Lets days pass for every merchant, then archives what can be.
pub async fn run(serving: &Serving, url: &str, times: Times, report: &mut Report) -> Result<()> {
    let started = Instant::now();
    days_pass(serving).await?;
    print(&format!("  (statements over all of it after {:.0} s)", started.elapsed().as_secs_f64()))?;
    let (installation, started) = (serving.installation(), Instant::now());
    let made = tokio::task::spawn_blocking(move || installation.archive()).await??;
    let seconds = started.elapsed().as_secs_f64();
    let number = |value: Option<&Value>| value.and_then(Value::as_f64).unwrap_or(0.0);
    let files = made.get("files").and_then(Value::as_array).context("an archive without files")?;
    let sum = |name: &str| files.iter().map(|file| number(file.get(name))).sum::<f64>();
    let (lines, bytes) = (sum("lines"), sum("size_bytes"));
    ensure!(lines > 0.0, "nothing was archived: {made}");
    print(&format!(
        "  archive: {lines:.0} lines in {seconds:.0} s ({:.0} lines/s), {} files, {:.1} bytes a line",
        lines / seconds,
        files.len(),
        bytes / lines,
    ))?;
    let started = Instant::now();
    let (target, merchants) = (&serving.target, &serving.merchants);
    let beside = drive::point(target, merchants, Scene::BarCode, HEADLINE_CONNECTIONS, times).await?;
    print(&format!("  beside the deletion   {:>8.0}", beside.payments_per_s()))?;
    report.put("postgres.beside_deletion.payments_per_s", beside.payments_per_s());
    deleted(url).await?;
    print(&format!("  (deleted after {:.0} s)", started.elapsed().as_secs_f64()))?;
    testdb::say(url, "VACUUM journal_tx");
    testdb::say(url, "VACUUM journal_entry");
    let (bytes_of_tables, free) = journal_room(url).await?;
    print(&format!(
        "  of the {:.0} MB of the journal's tables {:.0} MB are free for new lines after VACUUM",
        bytes_of_tables / 1e6,
        free / 1e6
    ))?;
    report.put("postgres.archive_lines_per_s", lines / seconds);
    report.put("postgres.archive_bytes_per_line", bytes / lines);
    report.put("postgres.archive_free_ratio", free / bytes_of_tables);
    Ok(())
}

/// Moves every merchant's clock on by a day, some times, and waits until what came due is done.
async fn days_pass(serving: &Serving) -> Result<()> {
    let mut connection = Connection::open(serving.target.address).await?;
    let body = format!("{{\"advance_seconds\":{DAY_S}}}");
    let deadline = Instant::now() + STATED_MAX;
    for day in 0..DAYS {
        for (number, merchant) in serving.merchants.iter().enumerate() {
            let unique = format!("bench-clock-{day}-{number:08}");
            let request = merchant.signer.post("/v1/sandbox/clock", &body, &unique, clock::real_now_s())?;
            connection.call(&request).await?.must_be(200)?;
        }
        for merchant in &serving.merchants {
            loop {
                let request = merchant.signer.get("/v1/sandbox/clock", clock::real_now_s())?;
                let answer = connection.call(&request).await?;
                answer.must_be(200)?;
                let clock: Value = serde_json::from_slice(answer.body)?;
                if clock.get("pending").and_then(Value::as_u64) == Some(0) {
                    break;
                }
                ensure!(Instant::now() < deadline, "a day's statements are not there yet: {clock}");
                sleep(LOOK_EVERY).await;
            }
        }
    }
    Ok(())
}

/// Waits until nothing is left that rests in a file.
async fn deleted(url: &str) -> Result<()> {
    let (client, _driver) = connect(url).await?;
    let left = "SELECT EXISTS (SELECT 1 FROM (SELECT shard, MAX(last_seq) AS last_seq FROM archive_file GROUP BY shard) a \
                WHERE EXISTS (SELECT 1 FROM journal_tx t WHERE t.shard = a.shard AND t.seq <= a.last_seq))";
    let deadline = Instant::now() + DELETED_MAX;
    while client.query_one(left, &[]).await?.try_get(0)? {
        ensure!(Instant::now() < deadline, "archived lines are still there after {DELETED_MAX:?}");
        sleep(LOOK_EVERY).await;
    }
    Ok(())
}

/// The size of the journal's tables without their indexes, and how much of it rows may be put into.
async fn journal_room(url: &str) -> Result<(f64, f64)> {
    testdb::say(url, "CREATE EXTENSION IF NOT EXISTS pg_freespacemap");
    let (client, _driver) = connect(url).await?;
    let room = "SELECT SUM(pg_relation_size(inhrelid))::bigint, \
                SUM((SELECT SUM(avail) FROM pg_freespace(inhrelid::regclass)))::bigint FROM pg_inherits \
                WHERE inhparent IN ('journal_tx'::regclass, 'journal_entry'::regclass)";
    let row = client.query_one(room, &[]).await?;
    let (bytes, free): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
    Ok((bytes as f64, free as f64))
}
