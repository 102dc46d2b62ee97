//! Links between the pages of the repository lead somewhere.

use crate::none;
use crate::tree::{File, files, root};
use std::path::Path;

/// A link as written, with the line it stands on.
pub(crate) fn links(page: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut in_block = false;
    for (at, line) in page.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            in_block = !in_block;
        }
        if in_block {
            continue;
        }
        let prose: String = line.split('`').step_by(2).collect::<Vec<_>>().join("`");
        for rest in prose.split("](").skip(1) {
            let target = rest.split([')', ' ']).next().unwrap_or_default();
            found.push((at + 1, target.to_owned()));
        }
    }
    found
}

/// The anchors that a page offers, made from its headings as the usual renderers do.
fn anchors(page: &str) -> Vec<String> {
    let headings =
        page.lines().filter(|line| line.starts_with('#')).map(|line| line.trim_start_matches('#').trim());
    let kept = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
    headings
        .map(|text| text.to_lowercase().chars().filter(kept).collect::<String>().replace(' ', "-"))
        .collect()
}

pub(crate) fn is_outside(target: &str) -> bool {
    target.contains("://") || target.starts_with("mailto:")
}

fn complaint(file: &File, target: &str, pages: &[File]) -> Option<String> {
    let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
    let folder = Path::new(&file.path).parent().unwrap_or(Path::new(""));
    let there = if path.is_empty() { root().join(&file.path) } else { root().join(folder).join(path) };
    let Ok(there) = there.canonicalize() else { return Some("leads nowhere".to_owned()) };
    let page = pages.iter().find(|page| root().join(&page.path) == there);
    match page {
        Some(page) if !anchor.is_empty() && !anchors(&page.text).iter().any(|known| known == anchor) => {
            Some(format!("{} has no heading #{anchor}", page.path))
        }
        _ => None,
    }
}

#[test]
fn links_and_anchors_are_read() {
    let page = "# One, two\n[a](b.md#c) and [d](https://e) `[f](g)`\n```\n[h](i)\n```\n![j](k.png \"l\")";
    let targets: Vec<_> = links(page).into_iter().map(|(_, target)| target).collect();
    assert_eq!(targets, ["b.md#c", "https://e", "k.png"]);
    assert_eq!(anchors(page), ["one-two"]);
}

#[test]
fn links_between_pages_lead_somewhere() {
    let pages: Vec<File> = files().into_iter().filter(|file| file.path.ends_with(".md")).collect();
    let mut wrong = Vec::new();
    for page in &pages {
        for (line, target) in links(&page.text).into_iter().filter(|(_, target)| !is_outside(target)) {
            if let Some(what) = complaint(page, &target, &pages) {
                wrong.push(format!("{}:{line}: {target} {what}", page.path));
            }
        }
    }
    none(wrong);
}
