//! What the pure crates and the crates of money may not contain.

use crate::none;
use crate::source::Source;
use crate::tree::{File, rust_files};

/// Words of a world outside: files, sockets, processes, clocks, threads. (Dependencies: `arrows`.)
const OUTSIDE: &[&str] = &[
    "std::fs",
    "std::net",
    "std::process",
    "std::env",
    "std::thread",
    "std::io",
    "SystemTime",
    "Instant::now",
    "Timestamp::now",
    "Zoned::now",
    "now_v7",
    "println!",
    "eprintln!",
];

/// Names of floats stand alone: `f64`, `1_f64`, never a part of a longer word.
const FLOATS: &[&str] = &["f32", "f64"];

fn is_of(file: &File, crates: &[&str]) -> bool {
    file.crate_name().is_some_and(|name| crates.contains(&name))
}

/// The lines of code, comments and strings left out, on which one of the words stands alone.
fn lines_with<'a>(code: &'a str, words: &'a [&'a str]) -> impl Iterator<Item = (usize, &'a str)> {
    code.lines().enumerate().flat_map(move |(at, line)| {
        words.iter().filter(move |word| stands_alone(line, word)).map(move |word| (at + 1, *word))
    })
}

fn stands_alone(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line.get(..at).and_then(|text| text.chars().next_back());
        let after = line.get(at + word.len()..).and_then(|text| text.chars().next());
        let part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
        // `1_f64` and `1f64` are floats: what is before them is a number.
        let number = line.get(..at).is_some_and(ends_a_number);
        (!part(before) || number) && !part(after)
    })
}

fn ends_a_number(text: &str) -> bool {
    let from = text.rfind(|c: char| !c.is_alphanumeric() && c != '_').map_or(0, |at| at + 1);
    text.get(from..).is_some_and(|word| word.starts_with(|c: char| c.is_ascii_digit()))
}

#[test]
fn words_stand_alone() {
    for line in ["x: f64", "1.0f64", "2_f64;", "f64::MAX", "<f64>"] {
        assert!(stands_alone(line, "f64"), "{line}");
    }
    for line in ["half64", "f64x2", "my_f64"] {
        assert!(!stands_alone(line, "f64"), "{line}");
    }
}

#[test]
fn there_is_no_float_near_money() {
    let mut wrong = Vec::new();
    for file in rust_files().iter().filter(|file| is_of(file, &["money", "ledger", "domain", "wire"])) {
        let code = Source::of(&file.text).code;
        wrong.extend(lines_with(&code, FLOATS).map(|(line, word)| format!("{}:{line}: {word}", file.path)));
    }
    none(wrong);
}

#[test]
fn pure_crates_reach_for_nothing_outside() {
    let mut wrong = Vec::new();
    let pure = |file: &&File| file.is_shipped() && is_of(file, &["money", "ledger", "domain", "wire"]);
    for file in rust_files().iter().filter(pure) {
        let code = Source::of(&file.text).code;
        wrong.extend(lines_with(&code, OUTSIDE).map(|(line, word)| format!("{}:{line}: {word}", file.path)));
    }
    none(wrong);
}

#[test]
fn only_app_builds_write_sets() {
    let mut wrong = Vec::new();
    let elsewhere = |file: &&File| {
        let may = |name: &str| ["app", "store", "bench", "simtest", "tidy"].contains(&name);
        file.is_shipped() && !file.crate_name().is_some_and(may)
    };
    for file in rust_files().iter().filter(elsewhere) {
        let code = Source::of(&file.text).code;
        let found = lines_with(&code, &["WriteSet", "LaneSession", "lane_session"]);
        wrong.extend(found.map(|(line, word)| format!("{}:{line}: {word}", file.path)));
    }
    none(wrong);
}
