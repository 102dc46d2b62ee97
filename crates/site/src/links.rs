//! Where the relative links of a page lead on the site.

use crate::registry::file;
use crate::text::Lang;
use std::collections::BTreeSet;

/// Every address that exists, to resolve links against.
#[derive(Debug, Default)]
pub(crate) struct Known {
    /// Slugs of pages; a page exists in both languages.
    pub slugs: BTreeSet<String>,
}

/// Committed files that the server makes anew, and where it serves them.
const GENERATED: [(&str, &str); 3] = [
    ("openapi/feiqian.json", "/openapi.json"),
    ("openapi/feiqian.http", "/docs/feiqian.http"),
    ("openapi/llms.txt", "/llms.txt"),
];

/// A link as the site serves it, or `None` when it leads to nothing that is served.
pub(crate) fn resolve(known: &Known, lang: Lang, folder: &str, target: &str) -> Option<String> {
    if target.contains("://") || target.starts_with(['#', '/']) || target.starts_with("mailto:") {
        return Some(target.to_owned());
    }
    let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
    let path = joined(folder, path)?;
    if let Some(slug) = slug_of(&path) {
        return page(known, lang, slug, anchor);
    }
    if let Some((_, address)) = GENERATED.iter().find(|(file, _)| *file == path) {
        return Some((*address).to_owned());
    }
    file(&path).map(|file| format!("/docs/files/{}", file.path))
}

/// `docs/signing.md` and `docs/signing.zh-CN.md` are the page `signing`, in the reader's language.
fn slug_of(path: &str) -> Option<&str> {
    let name = path.strip_prefix("docs/")?.strip_suffix(".md")?;
    Some(name.strip_suffix(".zh-CN").unwrap_or(name))
}

fn page(known: &Known, lang: Lang, slug: &str, anchor: &str) -> Option<String> {
    // In the repository all codes stand on one page; here each has its own.
    let own = format!("{slug}/{anchor}");
    let (slug, anchor) =
        if !anchor.is_empty() && known.slugs.contains(&own) { (own.as_str(), "") } else { (slug, anchor) };
    if !known.slugs.contains(slug) {
        return None;
    }
    let mark = if anchor.is_empty() { "" } else { "#" };
    Some(format!("{}{mark}{anchor}", address(lang, slug)))
}

/// The address of a page.
pub(crate) fn address(lang: Lang, slug: &str) -> String {
    match slug {
        "index" => format!("/docs/{}", lang.prefix()),
        _ => format!("/docs/{}/{slug}", lang.prefix()),
    }
}

/// `folder/path` with its dots taken away; `None` when it leaves the repository.
fn joined(folder: &str, path: &str) -> Option<String> {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_lead_to_addresses_of_the_site() {
        let slugs = ["index", "sandbox", "errors", "errors/key_unknown", "runbook/late"];
        let known = Known { slugs: slugs.map(str::to_owned).into() };
        for (lang, folder, target, wanted) in [
            (Lang::En, "docs", "sandbox.md", Some("/docs/en/sandbox")),
            (Lang::Zh, "docs", "sandbox.zh-CN.md#时钟", Some("/docs/zh/sandbox#时钟")),
            (Lang::Zh, "docs", "sandbox.md", Some("/docs/zh/sandbox")),
            (Lang::En, "docs", "index.md", Some("/docs/en")),
            (Lang::En, "docs", "errors.md#key_unknown", Some("/docs/en/errors/key_unknown")),
            (Lang::En, "docs", "errors.md#nothing", Some("/docs/en/errors#nothing")),
            (Lang::En, "docs", "runbook/late.md", Some("/docs/en/runbook/late")),
            (Lang::En, "docs/runbook", "../sandbox.md", Some("/docs/en/sandbox")),
            (Lang::En, "docs/runbook", "late.md", Some("/docs/en/runbook/late")),
            (Lang::En, "docs", "../openapi/feiqian.json", Some("/openapi.json")),
            (Lang::En, "docs", "../feiqian.example.toml", Some("/docs/files/feiqian.example.toml")),
            (Lang::En, "docs", "https://example.com/a.md", Some("https://example.com/a.md")),
            (Lang::En, "docs", "#here", Some("#here")),
            (Lang::En, "docs", "nothing.md", None),
            (Lang::En, "docs", "../Cargo.toml", None),
            (Lang::En, "docs", "../../outside", None),
        ] {
            assert_eq!(resolve(&known, lang, folder, target).as_deref(), wanted, "{target}");
        }
    }
}
