//! ARCHITECTURE.md says what always holds, SECURITY.md what is protected, and both name for their sentences the test that checks it.

use crate::none;
use crate::source::Source;
use crate::tree::{File, files, rust_files};

/// The page with the invariants.
const INVARIANTS: &str = "ARCHITECTURE.md";

/// The heading under which every item of the list must name a test.
const HEADING: &str = "## Invariants";

/// The page with the threats, and its Chinese summary.
const THREATS: &str = "SECURITY.md";

/// Every page that names tests.
const PAGES: [&str; 2] = [INVARIANTS, THREATS];

/// Words of a threat's row that stand for a test: met by configuration, or not at all.
const WITHOUT_TEST: [&str; 3] = ["**Not met**", "**not met**", "hold"];

/// `test: crate::function`, as written in backquotes.
#[derive(Debug, PartialEq)]
struct Named {
    page: &'static str,
    line: usize,
    crate_name: String,
    function: String,
}

/// The names in a page, and complaints about those that can't be read.
fn named(name: &'static str, page: &str) -> (Vec<Named>, Vec<String>) {
    let (mut names, mut wrong) = (Vec::new(), Vec::new());
    for (at, line) in page.lines().enumerate() {
        for text in line.split('`').skip(1).step_by(2).filter_map(|code| code.strip_prefix("test: ")) {
            match text.split_once("::") {
                Some((krate, function)) if !function.contains("::") => names.push(Named {
                    page: name,
                    line: at + 1,
                    crate_name: krate.to_owned(),
                    function: function.to_owned(),
                }),
                _ => wrong.push(format!("{name}:{}: `{text}` is not crate::function", at + 1)),
            }
        }
    }
    (names, wrong)
}

/// The items of the list under the heading, each with the line on which it begins.
fn items(page: &str) -> Vec<(usize, String)> {
    let mut found: Vec<(usize, String)> = Vec::new();
    let section = page.lines().enumerate().skip_while(|(_, line)| *line != HEADING).skip(1);
    for (at, line) in section.take_while(|(_, line)| !line.starts_with("## ")) {
        let numbered = line.split_once(". ").is_some_and(|(number, _)| number.parse::<u32>().is_ok());
        if numbered || line.starts_with("* ") || line.starts_with("- ") {
            found.push((at + 1, line.to_owned()));
        } else if let Some((_, item)) = found.last_mut().filter(|_| line.starts_with(' ')) {
            item.push_str(line);
        }
    }
    found
}

/// Whether a file has a test of that name: a function with a `test` attribute above it. `name_*` asks for any that begins so.
fn has_test(file: &File, function: &str) -> bool {
    let head = match function.strip_suffix('*') {
        Some(beginning) => format!("fn {beginning}"),
        None => format!("fn {function}("),
    };
    if !file.text.contains(&head) {
        return false;
    }
    let code = Source::of(&file.text).code;
    if is_listed(&code, function) {
        return true;
    }
    let lines: Vec<&str> = code.lines().map(str::trim).collect();
    lines.iter().enumerate().filter(|(_, line)| line.contains(&head)).any(|(at, _)| {
        let above = lines.iter().take(at).rev().take_while(|line| line.is_empty() || line.starts_with("#["));
        above.copied().any(|line| line.starts_with("#[test]") || line.starts_with("#[tokio::test"))
    })
}

/// Tests of the store are listed to be run on both engines.
fn is_listed(code: &str, function: &str) -> bool {
    let lists = code.split("on_both_engines! {").skip(1).filter_map(|rest| rest.split('}').next());
    let mut names = lists.flat_map(|list| list.split(',').map(str::trim));
    match function.strip_suffix('*') {
        Some(beginning) => names.any(|name| name.starts_with(beginning)),
        None => names.any(|name| name == function),
    }
}

fn page(path: &str) -> String {
    let found = files().into_iter().find(|file| file.path == path);
    found.map(|file| file.text).unwrap_or_else(|| panic!("{path} is not there"))
}

/// The rows of a page's tables that tell of a threat: three cells, the first of which holds letters of STRIDE.
fn threats(page: &str) -> Vec<(usize, &str)> {
    let is_threat = |line: &&str| {
        let first = line.strip_prefix("| ").and_then(|rest| rest.split(" | ").next()).unwrap_or_default();
        !first.is_empty() && first.chars().all(|c| "STRIDE ".contains(c))
    };
    page.lines().enumerate().filter(|(_, line)| is_threat(line)).map(|(at, line)| (at + 1, line)).collect()
}

#[test]
fn a_page_is_read() {
    let page =
        "## Invariants\n\n1. One. `test: a::b`,\n   `test: c::d`\n2. Two\n\n## Next\n1. no\n`test: a::b::c`";
    let (names, wrong) = named(THREATS, page);
    let names: Vec<_> = names.iter().map(|n| (n.line, n.crate_name.as_str(), n.function.as_str())).collect();
    assert_eq!(names, [(3, "a", "b"), (4, "c", "d")]);
    assert_eq!(wrong.len(), 1);
    let items: Vec<_> =
        items(page).into_iter().map(|(line, text)| (line, text.contains("test: c::d"))).collect();
    assert_eq!(items, [(3, true), (5, false)]);
}

#[test]
fn a_test_is_known_by_its_attribute() {
    let text = "#[test]\n#[cfg(unix)]\n/// Says.\nfn r01_one() {}\n\nfn helper() {}\n// #[test]\nfn two() {}"
        .to_owned();
    let file = File { path: "crates/x/tests/it/a.rs".to_owned(), text };
    assert!(has_test(&file, "r01_one") && has_test(&file, "r01_*"));
    assert!(["r01", "r02_*", "helper", "two", "one"].iter().all(|name| !has_test(&file, name)));
}

#[test]
fn every_invariant_names_a_test() {
    let page = page(INVARIANTS);
    let items = items(&page);
    assert!(!items.is_empty(), "{INVARIANTS} has no list under {HEADING}");
    let without = items.iter().filter(|(_, text)| !text.contains("`test: "));
    none(without.map(|(line, text)| format!("{INVARIANTS}:{line}: no test is named: {text}")).collect());
}

/// What is said to be met names its test; what is not met says so.
#[test]
fn every_threat_names_a_test_or_is_said_not_to_be_met() {
    let page = page(THREATS);
    let threats = threats(&page);
    assert!(threats.len() > 40, "{THREATS} has {} threats", threats.len());
    let is_honest = |row: &str| {
        let has_test = row.contains("`test: ") || row.contains("`make ");
        has_test || WITHOUT_TEST.iter().any(|word| row.contains(word))
    };
    let without = threats.iter().filter(|(_, row)| !is_honest(row));
    none(
        without
            .map(|(line, row)| format!("{THREATS}:{line}: neither a test nor a plain word: {row}"))
            .collect(),
    );
}

#[test]
fn every_test_that_is_named_exists() {
    let mut wrong = Vec::new();
    let mut names = Vec::new();
    for path in PAGES {
        let (found, unreadable) = named(path, &page(path));
        assert!(found.len() > 20, "{path} names {} tests", found.len());
        names.extend(found);
        wrong.extend(unreadable);
    }
    let files = rust_files();
    for Named { page, line, crate_name, function } in names {
        let mut of_crate = files.iter().filter(|file| file.crate_name() == Some(crate_name.as_str()));
        if !of_crate.any(|file| has_test(file, &function)) {
            wrong.push(format!("{page}:{line}: {crate_name} has no test {function}"));
        }
    }
    none(wrong);
}
