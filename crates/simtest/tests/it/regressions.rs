//! REGRESSIONS.md says the truth: every case of the suite has a row, what it names happens, and what judges it is there.
#![allow(clippy::expect_used)] // a file that can't be read fails the test

use super::seeds;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

struct Row {
    happens: String,
    judged: String,
}

fn crates() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn table() -> BTreeMap<String, Row> {
    let page =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("REGRESSIONS.md")).expect("the page");
    let rows = page.lines().filter(|line| line.starts_with("| R"));
    rows.map(|line| {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        let [case, _, happens, judged] = cells.as_slice() else { panic!("four cells: {line}") };
        ((*case).to_owned(), Row { happens: (*happens).to_owned(), judged: (*judged).to_owned() })
    })
    .collect()
}

/// What stands in backticks.
fn named(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

fn sources(under: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(under).expect("a folder").map(|entry| entry.expect("an entry")) {
        let path = entry.path();
        if path.is_dir() && !path.ends_with("target") {
            sources(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(fs::read_to_string(&path).expect("a source"));
        }
    }
}

#[test]
fn every_case_of_the_suite_has_its_row() {
    let mut texts = Vec::new();
    sources(&crates(), &mut texts);
    let mut cases = BTreeSet::new();
    for text in &texts {
        for rest in text.split("fn r").skip(1) {
            let digits = rest.get(..2).filter(|two| two.bytes().all(|b| b.is_ascii_digit()));
            if let Some(digits) = digits.filter(|_| rest.as_bytes().get(2) == Some(&b'_')) {
                cases.insert(format!("R{digits}"));
            }
        }
    }
    assert!(cases.len() > 30, "{cases:?}");
    assert_eq!(cases, table().into_keys().collect());
}

#[test]
fn what_the_table_names_happens_in_the_twenty_seeds() {
    let counts = seeds::counts();
    for (case, row) in table() {
        let actions = named(&row.happens);
        if row.happens.starts_with("– ") {
            assert!(row.happens.len() > 60, "{case}: a row without an action says why");
            continue;
        }
        assert!(!actions.is_empty(), "{case}");
        for action in actions {
            assert!(
                counts.get(action).is_some_and(|count| *count > 0),
                "{case}: `{action}` never happened: {counts:?}"
            );
        }
    }
}

#[test]
fn what_judges_is_there() {
    let mut texts = Vec::new();
    sources(&crates().join("auditor/src"), &mut texts);
    sources(&crates().join("simtest/src"), &mut texts);
    for (case, row) in table() {
        let checks = named(&row.judged);
        assert!(!checks.is_empty() || row.happens.starts_with("– "), "{case} is judged by nothing");
        for check in checks {
            let quoted = format!("\"{check}\"");
            assert!(texts.iter().any(|text| text.contains(&quoted)), "{case}: no check is called `{check}`");
        }
    }
}
