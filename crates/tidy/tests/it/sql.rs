//! SQL lives in `store`, and in what stands apart on purpose.

use crate::none;
use crate::source::Source;
use crate::tree::{File, rust_files};

/// `bench` writes the row budget straight to the database; `testdb` makes databases and drops them.
const MAY_HOLD_SQL: &[&str] = &["store", "bench", "testdb", "tidy"];

fn is_sql(text: &str) -> bool {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.iter().enumerate().any(|(at, word)| {
        let later = |wanted: &str| words.iter().skip(at + 1).any(|word| *word == wanted);
        match *word {
            "SELECT" => later("FROM") || words.len() > 1 && at == 0,
            "INSERT" | "REPLACE" => later("INTO"),
            "UPDATE" => later("SET"),
            "DELETE" => later("FROM"),
            "CREATE" | "ALTER" | "DROP" => later("TABLE") || later("INDEX") || later("TRIGGER"),
            "PRAGMA" => at == 0,
            _ => false,
        }
    })
}

#[test]
fn sql_is_known_when_seen() {
    for text in [
        "SELECT 1",
        "select_x; SELECT a FROM b",
        "INSERT INTO t VALUES (1)",
        "UPDATE t\n SET a = 1",
        "PRAGMA x",
    ] {
        assert!(is_sql(text), "{text}");
    }
    for text in [
        "Update the endpoint",
        "UPDATE_DOCS",
        "choose: SELECT",
        "DELETE /v1/webhook_endpoints/{id}",
        "CREATE",
    ] {
        assert!(!is_sql(text), "{text}");
    }
}

#[test]
fn sql_is_in_store_only() {
    let mut wrong = Vec::new();
    let elsewhere = |file: &&File| {
        file.is_shipped() && file.crate_name().is_some_and(|name| !MAY_HOLD_SQL.contains(&name))
    };
    for file in rust_files().iter().filter(elsewhere) {
        let strings = Source::of(&file.text).strings;
        let found = strings.into_iter().filter(|(_, text)| is_sql(text));
        wrong.extend(found.map(|(line, text)| format!("{}:{line}: {text}", file.path)));
    }
    none(wrong);
}
