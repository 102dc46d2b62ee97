//! How long a file may be, what is left undone, and what does not belong into the repository.

use crate::none;
use crate::source::Source;
use crate::tree::{files, rust_files};

/// Longer than this, a file needs a reason.
const LINES_MAX: usize = 500;

/// Files that are longer, each with the reason why it is not two.
const LONG: &[(&str, &str)] = &[
    ("crates/ledger/src/chart.rs", "one table: a row of the chart of accounts is a row here"),
    (
        "crates/app/src/verify/tests/book.rs",
        "one journal in memory, which every test of verify falsifies in its own way",
    ),
    ("crates/app/src/webhook/tests.rs", "one receiver and one store, told from many sides"),
    ("crates/store/tests/it/fixtures.rs", "one maker per table, used by every test of the store"),
];

/// Tests that `cargo test` does not run by itself, each with the test that does run it.
const RUN_BY_ANOTHER: &[(&str, &str)] = &[(
    "crates/channels/tests/it/killed.rs",
    "the process that an_answered_payment_survives_a_kill starts and kills",
)];

/// Paths and names of the machines on which the project was made; no file may hold them. In halves, or this one would.
const WORKPLACE: &[(&str, &str)] = &[("/wo", "rk/"), ("far", "m-"), ("/tmp/", "brief"), ("../sha", "red")];

#[test]
fn long_files_have_a_reason() {
    let files = rust_files();
    let mut wrong = Vec::new();
    for file in &files {
        let lines = file.text.lines().count();
        let excused = LONG.iter().any(|(path, _)| *path == file.path);
        if lines > LINES_MAX && !excused {
            wrong.push(format!(
                "{} has {lines} lines: is it two files? If not, LONG takes the reason",
                file.path
            ));
        }
        if lines <= LINES_MAX && excused {
            wrong.push(format!("{} has {lines} lines and needs no reason in LONG", file.path));
        }
    }
    let gone = LONG.iter().filter(|(path, _)| files.iter().all(|file| file.path != *path));
    wrong.extend(gone.map(|(path, _)| format!("LONG names {path}, which is not there")));
    none(wrong);
}

#[test]
fn nothing_is_left_undone() {
    let mut wrong = Vec::new();
    for file in rust_files() {
        let code = Source::of(&file.text).code;
        for (at, line) in code.lines().enumerate() {
            let ignored =
                line.contains("#[ignore") && RUN_BY_ANOTHER.iter().all(|(path, _)| *path != file.path);
            if ignored || ["todo!", "unimplemented!"].iter().any(|word| line.contains(word)) {
                wrong.push(format!("{}:{}: {}", file.path, at + 1, line.trim()));
            }
        }
    }
    none(wrong);
}

#[test]
fn no_file_names_a_workplace() {
    let words: Vec<String> = WORKPLACE.iter().map(|(half, other)| format!("{half}{other}")).collect();
    let mut wrong = Vec::new();
    for file in files() {
        for (at, line) in file.text.lines().enumerate() {
            let found = words.iter().filter(|word| line.contains(word.as_str()));
            wrong.extend(found.map(|word| format!("{}:{}: {word}", file.path, at + 1)));
        }
    }
    none(wrong);
}
