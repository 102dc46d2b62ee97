//! A function fits a screen, so that it can be seen whole.

use crate::none;
use crate::source::Source;
use crate::tree::rust_files;

/// Longer than this, a function outside tests needs a reason.
const LINES_MAX: usize = 70;

/// Functions that are longer, each with the reason why it is not two.
const LONG: &[(&str, &str, &str)] = &[
    ("crates/crypto/src/signature/fault.rs", "fmt", "one arm per fault, in the order of the checks"),
    ("crates/ledger/src/document.rs", "rows", "one row per posting"),
];

/// The functions with a body: name, first line from 1, and how many lines it has.
fn functions(code: &str) -> Vec<(String, usize, usize)> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("fn ") {
        let rest = code.get(at + 3..).unwrap_or_default();
        let alone = code
            .get(..at)
            .and_then(|text| text.chars().next_back())
            .is_none_or(|c| !c.is_alphanumeric() && c != '_');
        let name: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        if let Some(length) = body_end(rest).filter(|_| alone && !name.is_empty()) {
            let text = rest.get(..length).unwrap_or_default();
            let line = code.get(..at).unwrap_or_default().matches('\n').count() + 1;
            found.push((name, line, text.matches('\n').count() + 1));
        }
    }
    found
}

/// Where the body ends; `None` for a function without one.
fn body_end(text: &str) -> Option<usize> {
    let (mut braces, mut brackets) = (0_i32, 0_i32);
    for (at, c) in text.char_indices() {
        match c {
            '(' | '[' => brackets += 1,
            ')' | ']' => brackets -= 1,
            '{' => braces += 1,
            '}' => {
                braces -= 1;
                if braces <= 0 {
                    return (braces == 0 && brackets == 0).then_some(at);
                }
            }
            ';' if braces == 0 && brackets == 0 => return None,
            _ => {}
        }
    }
    None
}

#[test]
fn functions_are_found() {
    let code =
        "fn a() {\n  if x { y }\n}\ntrait T { fn b(&self, z: [u8; 2]);\n fn c(z: [u8; 2]) -> u8 {\n 0 }\n}";
    let found = functions(code);
    assert_eq!(found, [("a".to_owned(), 1, 3), ("c".to_owned(), 5, 2)]);
}

#[test]
fn long_functions_have_a_reason() {
    let mut wrong = Vec::new();
    let mut excused = Vec::new();
    for file in rust_files().iter().filter(|file| file.is_shipped()) {
        // Tests stand at the end of a file.
        let source = Source::of(&file.text).code;
        let code = source.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        for (name, line, lines) in functions(code).into_iter().filter(|(_, _, lines)| *lines > LINES_MAX) {
            match LONG.iter().find(|(path, function, _)| *path == file.path && *function == name) {
                Some(reason) => excused.push(reason),
                None => wrong.push(format!("{}:{line}: {name} has {lines} lines: see LONG", file.path)),
            }
        }
    }
    let idle = LONG.iter().filter(|reason| !excused.contains(reason));
    wrong.extend(idle.map(|(path, name, _)| format!("{path}: {name} needs no reason in LONG")));
    none(wrong);
}
