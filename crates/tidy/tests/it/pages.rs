//! Pages for readers: each in both languages, each on the site.

use crate::none;
use crate::tree::{File, files};
use std::collections::BTreeSet;

/// Where the site names its pages and files.
const REGISTRY: &str = "crates/site/src/registry.rs";

/// The pages of error codes come from the program, not from their files.
const GENERATED: &[&str] = &["errors"];

/// `docs/a.zh-CN.md` → (`a`, Chinese).
fn page(path: &str) -> Option<(&str, bool)> {
    let name = path.strip_prefix("docs/")?.strip_suffix(".md")?;
    Some(name.strip_suffix(".zh-CN").map_or((name, false), |name| (name, true)))
}

fn registry(files: &[File]) -> &str {
    files
        .iter()
        .find(|file| file.path == REGISTRY)
        .map(|file| file.text.as_str())
        .expect("the registry is there")
}

#[test]
fn every_page_is_there_in_both_languages_and_on_the_site() {
    let files = files();
    let of = |chinese: bool| -> BTreeSet<&str> {
        let pages = files.iter().filter_map(|file| page(&file.path));
        pages.filter(|(_, is_chinese)| *is_chinese == chinese).map(|(name, _)| name).collect()
    };
    let (english, chinese) = (of(false), of(true));
    assert!(english.len() > 3, "the pages were not found");
    let mut wrong: Vec<String> = Vec::new();
    wrong.extend(english.difference(&chinese).map(|name| format!("docs/{name}.zh-CN.md is missing")));
    wrong.extend(chinese.difference(&english).map(|name| format!("docs/{name}.md is missing")));
    for name in english.iter().filter(|name| !GENERATED.contains(name)) {
        if !registry(&files).contains(&format!("\"{name}\"")) {
            wrong.push(format!(
                "docs/{name}.md is not on the site: {REGISTRY} wants a row for it (group, name, title in both languages)"
            ));
        }
    }
    none(wrong);
}

/// A page may link to other files of the repository only where the site serves them, too.
#[test]
fn files_that_pages_link_to_are_on_the_site() {
    let files = files();
    let served = registry(&files);
    let mut wrong = Vec::new();
    for file in files.iter().filter(|file| page(&file.path).is_some()) {
        let folder = file.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        for (line, target) in crate::links::links(&file.text) {
            let path = target.split('#').next().unwrap_or_default();
            if path.is_empty()
                || crate::links::is_outside(&target)
                || path.starts_with('/')
                || path.ends_with(".md") && !path.contains("../")
            {
                continue;
            }
            let path = joined(folder, path);
            let is_served = page(&path).is_some()
                || path.starts_with("openapi/")
                || served.contains(&format!("\"{path}\""));
            if !is_served {
                wrong.push(format!(
                    "{}:{line}: {path} is not on the site: {REGISTRY} wants a `file!` row for it, or take the link out",
                    file.path
                ));
            }
        }
    }
    none(wrong);
}

fn joined(folder: &str, path: &str) -> String {
    let mut parts: Vec<&str> = folder.split('/').collect();
    for part in path.split('/') {
        match part {
            ".." => {
                parts.pop();
            }
            "." => {}
            name => parts.push(name),
        }
    }
    parts.join("/")
}

/// Commands that readers may copy are the same in both languages, comments apart.
#[test]
fn blocks_of_code_are_the_same_in_both_languages() {
    let files = files();
    let mut wrong = Vec::new();
    for english in files
        .iter()
        .filter(|file| page(&file.path).is_some_and(|(name, chinese)| !chinese && !GENERATED.contains(&name)))
    {
        let other = english.path.replace(".md", ".zh-CN.md");
        let Some(chinese) = files.iter().find(|file| file.path == other) else { continue };
        let (ours, theirs) = (runnable(&english.text), runnable(&chinese.text));
        if ours.len() != theirs.len() {
            wrong.push(format!(
                "{}: {} runnable blocks, {other}: {}",
                english.path,
                ours.len(),
                theirs.len()
            ));
        }
        for (number, (one, two)) in ours.iter().zip(&theirs).enumerate() {
            if one != two {
                wrong.push(format!("{}: runnable block {} is not that of {other}", english.path, number + 1));
            }
        }
    }
    none(wrong);
}

/// The blocks marked as runnable, without comments.
fn runnable(page: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut is_inside = false;
    for line in page.lines() {
        if line.starts_with("```") {
            is_inside = !is_inside && line.split_whitespace().any(|word| word == "runnable");
            if is_inside {
                found.push(line.to_owned());
            }
        } else if let Some(block) = found.last_mut().filter(|_| is_inside) {
            let code = line.split_once("# ").map_or(line, |(code, _)| code).trim_end();
            if !code.is_empty() {
                block.push('\n');
                block.push_str(code);
            }
        }
    }
    found
}

#[test]
fn pages_and_blocks_are_read() {
    assert_eq!(page("docs/runbook/a.zh-CN.md"), Some(("runbook/a", true)));
    assert_eq!(page("README.md"), None);
    assert_eq!(joined("docs/runbook", "../../examples/a.sh"), "examples/a.sh");
    let page = "```sh\nno\n```\n```sh runnable\n# why\na # b\n```\nx\n";
    assert_eq!(runnable(page), ["```sh runnable\na"]);
}
