//! What operators install agrees with itself and with the program: alerts, their pages, the dashboard, the unit, the image.

use crate::none;
use crate::tree::{File, files};
use std::collections::BTreeSet;

const ALERTS: &str = "deploy/prometheus/alerts.yml";
const ALERT_TESTS: &str = "deploy/prometheus/alerts.test.yml";
const DASHBOARD: &str = "deploy/grafana/feiqian.json";
/// The one table of metrics.
const TABLE: &str = "crates/server/src/metrics_table.rs";
/// What every page of the runbook answers, in both languages.
const SECTIONS: [[&str; 4]; 2] = [
    ["## What it means", "## What merchants notice", "## Look", "## Do"],
    ["## 含义", "## 商户会看到什么", "## 查看", "## 处理"],
];

fn text<'f>(files: &'f [File], path: &str) -> &'f str {
    files
        .iter()
        .find(|file| file.path == path)
        .map(|file| file.text.as_str())
        .unwrap_or_else(|| panic!("{path} is missing"))
}

/// The values of a key of a YAML file, whichever list it stands in.
fn values<'t>(yaml: &'t str, key: &str) -> Vec<&'t str> {
    let of = |line: &'t str| line.trim_start().trim_start_matches("- ").strip_prefix(key)?.strip_prefix(": ");
    yaml.lines().filter_map(of).map(str::trim).collect()
}

/// Words that begin like a metric of ours.
fn metrics(text: &str) -> BTreeSet<&str> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.split(|c| !is_word(c)).filter(|word| word.starts_with("feiqian_")).collect()
}

/// The parts of a histogram are metrics of their own to Prometheus.
fn base<'w>(word: &'w str, declared: &BTreeSet<&str>) -> &'w str {
    let part = ["_bucket", "_sum", "_count"].into_iter().find_map(|end| word.strip_suffix(end));
    part.filter(|part| declared.contains(part)).unwrap_or(word)
}

#[test]
fn alerts_and_dashboard_name_metrics_that_exist() {
    let files = files();
    let declared = metrics(text(&files, TABLE));
    assert!(declared.len() > 20, "the table was not read");
    let mut wrong = Vec::new();
    for path in [ALERTS, ALERT_TESTS, DASHBOARD] {
        let used = metrics(text(&files, path));
        assert!(used.len() > 5, "{path} was not read");
        let unknown = used.into_iter().filter(|word| !declared.contains(base(word, &declared)));
        wrong.extend(unknown.map(|word| format!("{path}: {word} is no metric of {TABLE}")));
    }
    none(wrong);
}

#[test]
fn every_alert_has_its_page_and_every_page_its_alert() {
    let files = files();
    let (alerts, pages) = (values(text(&files, ALERTS), "alert"), values(text(&files, ALERTS), "runbook"));
    assert!(
        alerts.len() > 10 && alerts.len() == pages.len(),
        "{} alerts, {} pages",
        alerts.len(),
        pages.len()
    );
    let mut wrong = Vec::new();
    for (alert, page) in alerts.iter().zip(&pages) {
        for (path, sections) in [(*page).to_owned(), page.replace(".md", ".zh-CN.md")].iter().zip(SECTIONS) {
            let Some(file) = files.iter().find(|file| file.path == *path) else {
                wrong.push(format!("{alert}: {path} is missing"));
                continue;
            };
            if !file
                .text
                .lines()
                .next()
                .is_some_and(|title| title.starts_with("# ") && title.ends_with(alert))
            {
                wrong.push(format!("{path}: its title does not end in {alert}"));
            }
            let found: Vec<&str> = file.text.lines().filter(|line| line.starts_with("## ")).collect();
            if found != sections {
                wrong.push(format!("{path}: its sections are {found:?}"));
            }
        }
    }
    for index in ["docs/runbook.md", "docs/runbook.zh-CN.md"] {
        let listed = |alert: &&&str| text(&files, index).contains(&format!("`{alert}`"));
        wrong.extend(
            alerts
                .iter()
                .filter(|alert| !listed(alert))
                .map(|alert| format!("{index} does not list {alert}")),
        );
    }
    let named: BTreeSet<String> =
        pages.iter().flat_map(|page| [(*page).to_owned(), page.replace(".md", ".zh-CN.md")]).collect();
    let idle =
        files.iter().filter(|file| file.path.starts_with("docs/runbook/") && !named.contains(&file.path));
    wrong.extend(idle.map(|file| format!("{}: no alert names it", file.path)));
    none(wrong);
}

/// Stopping has four parts, each at most `stop_max_ms`: whoever supervises the process waits as long before it kills.
#[test]
fn supervisors_wait_for_a_stop() {
    let files = files();
    let number = |path: &str, before: &str| -> u64 {
        let rest = text(&files, path).split_once(before).unwrap_or_else(|| panic!("{path}: {before}")).1;
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        digits.parse().expect("a number")
    };
    let stop_ms = number("feiqian.example.toml", "# stop_max_ms = ");
    for (path, before) in [
        ("deploy/systemd/feiqian.service", "TimeoutStopSec="),
        ("deploy/container/compose.yaml", "stop_grace_period: "),
    ] {
        let waits_ms = number(path, before) * 1_000;
        assert!(waits_ms > 4 * stop_ms, "{path}: {before}{waits_ms} ms, stop_max_ms {stop_ms}");
    }
}

/// The image is built by the compiler that the project pins, and carries the version of the workspace.
#[test]
fn the_image_is_of_this_version() {
    let files = files();
    let quoted = |path: &str, before: &str| -> String {
        let rest = text(&files, path).split_once(before).unwrap_or_else(|| panic!("{path}: {before}")).1;
        rest.split('"').next().unwrap_or_default().to_owned()
    };
    let compiler = quoted("rust-toolchain.toml", "channel = \"");
    let image = text(&files, "deploy/container/Dockerfile");
    assert!(
        image.contains(&format!("FROM rust:{compiler}-")),
        "the Dockerfile does not build with {compiler}"
    );
    let version = quoted("Cargo.toml", "[workspace.package]\nversion = \"");
    let compose = text(&files, "deploy/container/compose.yaml");
    assert!(
        compose.contains(&format!("image: feiqian:{version}\n")),
        "compose.yaml is not of version {version}"
    );
}
