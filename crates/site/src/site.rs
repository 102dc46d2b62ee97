//! The whole site, built once.

use crate::layout::{Content, Frame, ICON, Listed, SCRIPT, STYLE};
use crate::links::{Known, address};
use crate::markdown::{Place, Rendered, render};
use crate::page::{Page, Source};
use crate::registry::{file, pages};
use crate::search::{Hit, Index, Section};
use crate::text::Lang;
use std::collections::BTreeMap;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};

/// Results on a page of results.
const RESULTS_MAX: usize = 30;

/// All pages in both languages, and what finds them.
pub struct Site {
    pages: BTreeMap<(Lang, String), Page>,
    english: Half,
    chinese: Half,
    version: String,
    broken: Vec<String>,
}

/// What a language has of its own.
struct Half {
    frame: Frame,
    index: Index,
}

impl Site {
    /// Renders the pages of `docs/` and those that are generated; these come last in their groups.
    pub fn build(generated: Vec<Source>) -> Site {
        let mut sources = pages();
        sources.extend(generated);
        let known = Known { slugs: sources.iter().map(|source| source.slug.clone()).collect() };
        let version = version(&[STYLE, SCRIPT]);
        let half = |lang| Half { frame: frame(lang, &sources, &version), index: Index::default() };
        let (english, chinese) = (half(Lang::En), half(Lang::Zh));
        let mut site = Site { pages: BTreeMap::new(), english, chinese, version, broken: Vec::new() };
        for source in sources {
            site.add(source, &known);
        }
        site
    }

    fn add(&mut self, source: Source, known: &Known) {
        let folder = source.folder();
        let Rendered { title, lead, html, headings, sections, broken } =
            render(&source.markdown, &Place { lang: source.lang, folder: &folder, known });
        let name = |target| format!("{} ({}): {target}", source.slug, source.lang.tag());
        self.broken.extend(broken.into_iter().map(name));
        let url = address(source.lang, &source.slug);
        let half = self.half_mut(source.lang);
        half.index.add(&title, &url, &with_slug(&source.slug, sections));
        let html = half.frame.document(&Content {
            title: &title,
            lead: &lead,
            body: &html,
            headings: &headings,
            slug: Some(&source.slug),
            marked: Some(source.parent.as_deref().unwrap_or(&source.slug)),
            query: "",
        });
        let Source { slug, lang, markdown, .. } = source;
        self.pages.insert((lang, slug.clone()), Page { slug, lang, title, lead, html, markdown, headings });
    }

    fn half(&self, lang: Lang) -> &Half {
        match lang {
            Lang::En => &self.english,
            Lang::Zh => &self.chinese,
        }
    }

    fn half_mut(&mut self, lang: Lang) -> &mut Half {
        match lang {
            Lang::En => &mut self.english,
            Lang::Zh => &mut self.chinese,
        }
    }

    /// A page.
    pub fn page(&self, lang: Lang, slug: &str) -> Option<&Page> {
        self.pages.get(&(lang, slug.to_owned()))
    }

    /// Every page, by language and slug.
    pub fn pages(&self) -> impl Iterator<Item = &Page> {
        self.pages.values()
    }

    /// Names in the navigation with their slugs, in its order.
    pub fn listed(&self, lang: Lang) -> impl Iterator<Item = (&str, &str)> {
        self.half(lang).frame.listed.iter().map(|page| (page.name.as_str(), page.slug.as_str()))
    }

    /// What answers a query, best first.
    pub fn search(&self, lang: Lang, query: &str, limit: usize) -> Vec<Hit> {
        self.half(lang).index.search(query, limit.min(RESULTS_MAX))
    }

    /// What answers a query, as a page.
    pub fn results(&self, lang: Lang, query: &str) -> String {
        self.half(lang).frame.results(query, &self.search(lang, query, RESULTS_MAX))
    }

    /// The page that says that there is none.
    pub fn lost(&self, lang: Lang) -> String {
        self.half(lang).frame.lost()
    }

    /// Style sheet, script or picture by name: media type and bytes.
    pub fn asset(name: &str) -> Option<(&'static str, &'static [u8])> {
        match name {
            "site.css" => Some(("text/css; charset=utf-8", STYLE.as_bytes())),
            "site.js" => Some(("text/javascript; charset=utf-8", SCRIPT.as_bytes())),
            "icon.svg" => Some(("image/svg+xml", ICON.as_bytes())),
            _ => None,
        }
    }

    /// A file of the repository that pages link to: media type and bytes.
    pub fn file(path: &str) -> Option<(&'static str, &'static [u8])> {
        file(path).map(|file| (file.media_type, file.bytes))
    }

    /// Changes when style sheet or script do.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Links of pages that lead to nothing that is served. A test keeps it empty.
    pub fn broken_links(&self) -> &[String] {
        &self.broken
    }
}

/// A page is also found by the name in its address: `quick-start` in Chinese, `webhooks` everywhere.
fn with_slug(slug: &str, mut sections: Vec<Section>) -> Vec<Section> {
    if let Some(first) = sections.first_mut() {
        first.terms.push(slug.rsplit('/').next().unwrap_or(slug).to_owned());
    }
    sections
}

fn frame(lang: Lang, sources: &[Source], version: &str) -> Frame {
    let of_lang = sources.iter().filter(|source| source.lang == lang);
    let mut listed: Vec<Listed> = of_lang
        .filter_map(|source| {
            let name = source.nav.clone()?;
            Some(Listed { group: source.group, slug: source.slug.clone(), name })
        })
        .collect();
    listed.sort_by_key(|page| page.group as u8);
    Frame { lang, listed, version: version.to_owned() }
}

fn version(texts: &[&str]) -> String {
    let mut hasher = DefaultHasher::new();
    texts.hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn generated() -> Vec<Source> {
        let make = |lang| Source {
            slug: "errors".to_owned(),
            lang,
            group: crate::page::Group::Integrate,
            nav: Some("Errors".to_owned()),
            parent: None,
            markdown: "# Errors\n\nText.\n".into(),
        };
        Lang::ALL.into_iter().map(make).collect()
    }

    #[test]
    fn every_page_is_there_in_both_languages() {
        let site = Site::build(generated());
        let slugs = |lang| {
            site.pages()
                .filter(|page| page.lang == lang)
                .map(|page| page.slug.clone())
                .collect::<BTreeSet<_>>()
        };
        assert_eq!(slugs(Lang::En), slugs(Lang::Zh));
        for page in site.pages() {
            assert!(
                !page.title.is_empty() && !page.lead.is_empty(),
                "{} has no title or no first paragraph",
                page.slug
            );
            let anchors: BTreeSet<_> = page.headings.iter().map(|heading| &heading.anchor).collect();
            assert_eq!(anchors.len(), page.headings.len(), "{}: two headings have one anchor", page.slug);
        }
    }

    #[test]
    fn nothing_comes_from_elsewhere() {
        let site = Site::build(generated());
        for html in site
            .pages()
            .map(|page| page.html.as_str())
            .chain([site.lost(Lang::Zh).as_str(), &site.results(Lang::En, "<b>")])
        {
            for loaded in ["src=\"http", "<style", "style=\"", "onclick", "href=\"http://fonts"] {
                assert!(!html.contains(loaded), "{loaded}");
            }
            assert_eq!(html.matches("<script").count(), 1);
        }
        assert!(site.results(Lang::En, "<b>").contains("&lt;b&gt;"));
        assert!(!STYLE.contains("@import") && !STYLE.contains("url("));
    }
}
