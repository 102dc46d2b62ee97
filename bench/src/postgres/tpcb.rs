//! The yardstick: pgbench's built-in TPC-B of the very server that the platform is measured on. One of its transactions changes
//! three rows, reads one and inserts one.

use anyhow::{Context as _, Result, ensure};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

/// More branches than clients, so that they do not wait for each other's branch more than the benchmark means them to.
const SCALE: u32 = 50;
/// Of these the better counts.
pub const CLIENTS: [u32; 2] = [8, 32];

/// Makes the tables in an empty database.
pub fn prepare(programs: &Path, url: &str) -> Result<()> {
    let scale = SCALE.to_string();
    run(programs, &["-i", "-q", "-s", &scale, url]).map(|_| ())
}

/// Transactions a second of prepared statements, durable.
pub fn transactions_per_s(programs: &Path, url: &str, clients: u32, measured: Duration) -> Result<f64> {
    let (clients, seconds) = (clients.to_string(), measured.as_secs().max(1).to_string());
    let output = run(programs, &["-n", "-M", "prepared", "-c", &clients, "-j", "2", "-T", &seconds, url])?;
    rate(&output).with_context(|| format!("pgbench told no rate: {output}"))
}

fn run(programs: &Path, arguments: &[&str]) -> Result<String> {
    let program = programs.join("pgbench");
    let mut command = Command::new(&program);
    command.args(arguments).stdin(Stdio::null());
    let output = command.output().with_context(|| format!("running {}", program.display()))?;
    ensure!(
        output.status.success(),
        "{} ended with {}: {}",
        program.display(),
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn rate(output: &str) -> Option<f64> {
    let line = output.lines().find_map(|line| line.strip_prefix("tps = "))?;
    line.split(' ').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_read_from_the_summary() {
        let output = "number of failed transactions: 0 (0.000%)\nlatency average = 3.1 ms\n\
                      initial connection time = 9.2 ms\ntps = 2612.301127 (without initial connection time)\n";
        assert!((rate(output).unwrap() - 2_612.301_127).abs() < 1e-9);
        assert_eq!(rate("nothing"), None);
    }
}
