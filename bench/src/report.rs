//! What comes out: a table for people and one flat JSON object for programs, names as in the issue that asked for them. Later
//! benchmarks add names.

use crate::drive::Point;
use crate::scene::Scene;
use anyhow::{Context as _, Result};
use serde_json::{Map, Value};
use std::io::Write as _;
use std::path::Path;

/// Numbers by name.
#[derive(Debug, Default)]
pub struct Report {
    values: Map<String, Value>,
}

impl Report {
    /// Notes one number, with as many digits as mean something.
    pub fn put(&mut self, name: &str, value: f64) {
        let digits = if value.abs() >= 100.0 { 1.0 } else { 1_000.0 };
        self.values.insert(name.to_owned(), Value::from((value * digits).round() / digits));
    }

    /// Notes a point and prints its line.
    pub fn point(&mut self, engine: &str, scene: Scene, connections: usize, point: &Point) -> Result<()> {
        let name = format!("{engine}.{}.c{connections}", scene.name());
        let (p50_ms, p99_ms) = (point.latency.quantile_ms(0.5), point.latency.quantile_ms(0.99));
        self.put(&format!("{name}.payments_per_s"), point.payments_per_s());
        self.put(&format!("{name}.p50_ms"), p50_ms);
        self.put(&format!("{name}.p99_ms"), p99_ms);
        print(&format!(
            "  {connections:>11}  {:>10.0}  {p50_ms:>8.2}  {p99_ms:>8.2}  {:>9.0}  {:>7.0}",
            point.payments_per_s(),
            point.server_us_per_payment(),
            point.load_us_per_payment(),
        ))
    }

    /// Writes the file, making its directory.
    pub fn write(&self, path: &Path) -> Result<()> {
        if let Some(directory) = path.parent() {
            std::fs::create_dir_all(directory)?;
        }
        let text = serde_json::to_string_pretty(&self.values)?;
        std::fs::write(path, text + "\n").with_context(|| format!("writing {}", path.display()))
    }
}

/// The head of a scene's lines.
pub fn scene_head(engine: &str, scene: Scene) -> Result<()> {
    print(&format!("\n{engine}: {}", scene.title()))?;
    print("  connections  payments/s    p50 ms    p99 ms  server µs  load µs   (processor time per payment)")
}

/// One line for people.
pub fn print(line: &str) -> Result<()> {
    writeln!(std::io::stdout(), "{line}").context("writing to the terminal")
}

/// A measured value beside its target.
pub fn target(what: &str, value: f64, unit: &str, holds: bool, wanted: &str) -> Result<()> {
    let mark = if holds { "ok  " } else { "MISS" };
    print(&format!("  {mark}  {what:<58} {value:>9.2} {unit:<4} (target {wanted})"))
}
