//! The committed page.

use super::faces::{Face, INTERNAL, PUBLIC};
use super::kinds::{KINDS, Rule, Told};
use crate::cases_b::python::root;
use std::fmt::Write as _;

/// A route with what each kind of caller was answered.
pub struct Line {
    /// Method and path.
    pub route: String,
    /// What a key needs.
    pub permission: String,
    /// In the order of the kinds.
    pub told: Vec<Told>,
}

const HEAD: &str = "\
# Who may call what

Every route of the served document, the other public routes and the internal listener, each called by every kind of caller. A test asks a
running server for each cell and compares the answer with the rule; it fails when a route lacks a row. After a refusal nothing in the
database is different. (`crates/server/tests/it/authorization`; `make docs` writes this page.)

*The merchant* is one of the sandbox with a partner. The requests are about its objects unless something else is said.
";

fn usual(rule: Rule) -> String {
    match rule {
        Rule::Refused(status, code) => format!("{status} `{code}`"),
        Rule::RefusedButTold(status, code) => format!("{status} `{code}`; whoami tells it who it is"),
        Rule::OwnOnly => "what the route does, for itself; the merchant's objects are not found".to_owned(),
        Rule::LiveAboutSandbox => "what live can do; objects of the sandbox are not found".to_owned(),
        Rule::Live => "what live can do while it has no channel".to_owned(),
        Rule::Allowed => "what the route does".to_owned(),
        Rule::AllowedNoWider => "what the route does; no key hands out more than it has".to_owned(),
    }
}

fn letter(column: usize) -> char {
    char::from(b'A' + u8::try_from(column).expect("26 kinds at most"))
}

/// The status; the code too where it is not the one that the kind is usually told.
fn cell(rule: Rule, told: &Told) -> String {
    let expected = match rule {
        Rule::Refused(_, code) | Rule::RefusedButTold(_, code) => code,
        Rule::OwnOnly | Rule::LiveAboutSandbox | Rule::Live | Rule::Allowed | Rule::AllowedNoWider => "",
    };
    match told.code.as_str() {
        "" => told.status.to_string(),
        code if code == expected || told.status == 404 => told.status.to_string(),
        code => format!("{} `{code}`", told.status),
    }
}

fn head_row(page: &mut String, first: &[&str], columns: usize) {
    let names: Vec<String> = (0..columns).map(|column| letter(column).to_string()).collect();
    let all: Vec<&str> = first.iter().copied().chain(names.iter().map(String::as_str)).collect();
    let _ = writeln!(page, "| {} |\n|{}", all.join(" | "), " --- |".repeat(all.len()));
}

fn rendered(lines: &[Line], public: &[Face], internal: &[Face]) -> String {
    let mut page = HEAD.to_owned();
    page.push_str("\n## Kinds of callers\n\n| | caller | is answered |\n| --- | --- | --- |\n");
    for (column, kind) in KINDS.iter().enumerate() {
        let _ = writeln!(page, "| {} | {} | {} |", letter(column), kind.who, usual(kind.rule));
    }
    page.push_str("\n## `/v1`\n\nStatuses; a code stands beside where it is not the one that the caller is usually told. 404 is the noun's own code.\n\n");
    head_row(&mut page, &["route", "permission"], KINDS.len());
    for line in lines {
        let cells: Vec<String> =
            line.told.iter().zip(&KINDS).map(|(told, kind)| cell(kind.rule, told)).collect();
        let _ = writeln!(page, "| `{}` | `{}` | {} |", line.route, line.permission, cells.join(" | "));
    }
    let sections = [
        (
            "The public listener without an API key",
            "A payer's page is opened by its link, which names the attempt (sandbox only, so far); a callback by the channel's signature; documents by anybody; redirects are followed. \
             An API key or the operator's token opens nothing here.",
            &PUBLIC[..],
            public,
        ),
        (
            "The internal listener",
            "Health and metrics are for whoever reaches the listener: it is bound to the machine unless the configuration says otherwise. \
             The operator's routes take a token that only the holder of the master key can compute. 409: the server is not in the middle of that step.",
            &INTERNAL[..],
            internal,
        ),
    ];
    for (title, about, callers, faces) in sections {
        let _ = write!(page, "\n## {title}\n\n{about}\n\n| | caller |\n| --- | --- |\n");
        for (column, who) in callers.iter().enumerate() {
            let _ = writeln!(page, "| {} | {who} |", letter(column));
        }
        page.push('\n');
        head_row(&mut page, &["route"], callers.len());
        for face in faces {
            let cells: Vec<String> = face.told.iter().map(ToString::to_string).collect();
            let _ = writeln!(page, "| `{}` | {} |", face.route, cells.join(" | "));
        }
    }
    page
}

/// Compares what was answered with the committed page, or writes it.
pub fn compare(lines: &[Line], public: &[Face], internal: &[Face]) {
    let path = root().join("openapi/authorization.md");
    let page = rendered(lines, public, internal);
    if std::env::var_os("UPDATE_OPENAPI").is_some() {
        std::fs::write(&path, &page).expect("the page is written");
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    let differs = page.lines().zip(committed.lines()).find(|(now, then)| now != then);
    assert!(
        committed == page,
        "openapi/authorization.md is not what the server does (make docs writes it; look at the difference): {differs:?}"
    );
}
