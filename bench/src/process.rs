//! What `/proc` tells of the server and of this program.

use anyhow::{Context as _, Result};

/// Processor time in this unit; Linux has shown 100 of them a second to programs on every machine since 2.6.
const TICKS_PER_SECOND: f64 = 100.0;

/// Processor seconds that a process has used in user and system mode. `pid` may be "self".
pub fn cpu_seconds(pid: &str) -> Result<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).context("reading /proc")?;
    cpu_of(&stat).context("an unreadable line in /proc")
}

fn cpu_of(stat: &str) -> Option<f64> {
    // The program's name stands in brackets and may hold anything.
    let (_, after_name) = stat.rsplit_once(") ")?;
    let mut fields = after_name.split(' ').skip(11);
    let user: f64 = fields.next()?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    Some((user + system) / TICKS_PER_SECOND)
}

/// The most memory that a process had resident so far, MiB.
pub fn peak_resident_mib(pid: &str) -> Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).context("reading /proc")?;
    let kib = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse::<f64>().ok());
    Ok(kib.context("no VmHWM in /proc")? / 1_024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_line_whatever_the_name() {
        let line = "12 (a b) c) S 1 12 12 0 -1 4194560 1 2 3 4 250 50 6 7 20 0 9 0 1 2 3";
        assert_eq!(cpu_of(line), Some(3.0));
        assert_eq!(cpu_of("12"), None);
        assert!(cpu_seconds("self").unwrap() >= 0.0);
        assert!(peak_resident_mib("self").unwrap() > 0.5);
    }
}
