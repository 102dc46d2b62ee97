//! The frame around a page: header with search and language, navigation, table of contents, links to the neighbours. It works
//! without scripts; the one script adds results while typing and buttons that copy code.

use crate::links::address;
use crate::page::{Group, Heading};
use crate::search::Hit;
use crate::text::{Lang, escape};
use crate::words::{Words, words};
use std::fmt::Write as _;

/// The style sheet and the script, by the names under which they are served.
pub(crate) const STYLE: &str = include_str!("../assets/site.css");
pub(crate) const SCRIPT: &str = include_str!("../assets/site.js");
pub(crate) const ICON: &str = include_str!("../assets/icon.svg");

/// Entries of a table of contents, at most.
const CONTENTS_MAX: usize = 80;

/// An entry of the navigation.
#[derive(Debug)]
pub(crate) struct Listed {
    pub group: Group,
    pub slug: String,
    pub name: String,
}

/// What all pages of a language share.
#[derive(Debug)]
pub(crate) struct Frame {
    pub lang: Lang,
    pub listed: Vec<Listed>,
    /// Changes with style sheet and script, so that both may be kept for ever.
    pub version: String,
}

/// What one page puts into the frame.
#[derive(Default)]
pub(crate) struct Content<'a> {
    pub title: &'a str,
    pub lead: &'a str,
    pub body: &'a str,
    pub headings: &'a [Heading],
    /// The page itself, where it has an address.
    pub slug: Option<&'a str>,
    /// The entry that is marked.
    pub marked: Option<&'a str>,
    /// What was searched for.
    pub query: &'a str,
}

impl Frame {
    /// The whole document.
    pub(crate) fn document(&self, content: &Content<'_>) -> String {
        let words = words(self.lang);
        let mut out = String::with_capacity(content.body.len() + 8_192);
        self.head(&mut out, content, words);
        self.header(&mut out, content, words);
        out.push_str("<div class=\"frame\">");
        self.navigation(&mut out, content.marked, words);
        let _ = write!(out, "<main id=\"text\" tabindex=\"-1\"><article>{}</article>", content.body);
        self.neighbours(&mut out, content, words);
        out.push_str("</main>");
        contents(&mut out, content.headings, words);
        out.push_str("</div></body></html>\n");
        out
    }

    fn head(&self, out: &mut String, content: &Content<'_>, words: &Words) {
        let _ = write!(
            out,
            "<!doctype html><html lang=\"{}\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
             content=\"width=device-width,initial-scale=1\"><meta name=\"color-scheme\" content=\"light dark\"><title>{} · {}</title>\
             <meta name=\"description\" content=\"{}\"><link rel=\"stylesheet\" href=\"/docs/assets/site.css?v={}\">",
            self.lang.tag(),
            escape(content.title),
            words.site,
            escape(content.lead),
            self.version,
        );
        out.push_str("<link rel=\"icon\" type=\"image/svg+xml\" href=\"/docs/assets/icon.svg\">");
        if let Some(slug) = content.slug {
            for lang in Lang::ALL {
                let _ = write!(
                    out,
                    "<link rel=\"alternate\" hreflang=\"{}\" href=\"{}\">",
                    lang.tag(),
                    address(lang, slug)
                );
            }
            let _ = write!(out, "<link rel=\"canonical\" href=\"{}\">", address(self.lang, slug));
        }
        let _ = write!(out, "<script src=\"/docs/assets/site.js?v={}\" defer></script></head>", self.version);
    }

    fn header(&self, out: &mut String, content: &Content<'_>, words: &Words) {
        let (here, other) = (self.lang.prefix(), self.lang.other());
        let there = match (content.slug, content.query) {
            (Some(slug), _) => address(other, slug),
            (None, "") => address(other, "index"),
            (None, query) => format!("/docs/{}/search?q={}", other.prefix(), percent_encoded(query)),
        };
        let _ = write!(
            out,
            "<body data-copy=\"{}\" data-copied=\"{}\"><a class=\"skip\" href=\"#text\">{}</a><header class=\"top\">\
             <a class=\"menu-open\" href=\"#menu\">{}</a><a class=\"brand\" href=\"/docs/{here}\">{ICON}<b>Feiqian</b> <span \
             lang=\"zh-CN\">飞钱</span></a><form class=\"search\" role=\"search\" action=\"/docs/{here}/search\"><input type=\"search\" \
             name=\"q\" maxlength=\"120\" autocomplete=\"off\" spellcheck=\"false\" aria-label=\"{}\" placeholder=\"{}\" \
             value=\"{}\"><button type=\"submit\">{}</button></form><a class=\"language\" lang=\"{}\" hreflang=\"{}\" \
             href=\"{}\">{}</a></header>",
            words.copy,
            words.copied,
            words.skip,
            words.menu,
            words.search,
            words.search_hint,
            escape(content.query),
            words.search,
            other.tag(),
            other.tag(),
            escape(&there),
            words.other_language,
        );
    }

    fn navigation(&self, out: &mut String, marked: Option<&str>, words: &Words) {
        let _ = write!(
            out,
            "<nav id=\"menu\" class=\"side\" aria-label=\"{}\"><a class=\"menu-close\" href=\"#text\" aria-label=\"{}\">×</a>",
            words.pages, words.skip
        );
        for group in Group::ALL {
            let mut pages = self.listed.iter().filter(|page| page.group == group).peekable();
            if pages.peek().is_none() {
                continue;
            }
            let _ = write!(out, "<h2>{}</h2><ul>", escape(group.title().pick(self.lang)));
            for page in pages {
                let current = if marked == Some(page.slug.as_str()) { " aria-current=\"page\"" } else { "" };
                let _ = write!(
                    out,
                    "<li><a href=\"{}\"{current}>{}</a></li>",
                    address(self.lang, &page.slug),
                    escape(&page.name)
                );
            }
            out.push_str("</ul>");
        }
        out.push_str("</nav>");
    }

    /// The pages before and after, and the page as Markdown.
    fn neighbours(&self, out: &mut String, content: &Content<'_>, words: &Words) {
        let Some(slug) = content.slug else { return };
        let at = self.listed.iter().position(|page| page.slug == slug);
        let before = at.and_then(|at| at.checked_sub(1)).and_then(|at| self.listed.get(at));
        let after = at.and_then(|at| self.listed.get(at + 1));
        out.push_str("<footer>");
        if before.is_some() || after.is_some() {
            let _ =
                write!(out, "<nav class=\"neighbours\" aria-label=\"{} {}\">", words.previous, words.next);
            for (page, label, class) in [(before, words.previous, "before"), (after, words.next, "after")] {
                let Some(page) = page else { continue };
                let _ = write!(
                    out,
                    "<a class=\"{class}\" rel=\"{}\" href=\"{}\"><small>{label}</small>{}</a>",
                    if class == "before" { "prev" } else { "next" },
                    address(self.lang, &page.slug),
                    escape(&page.name)
                );
            }
            out.push_str("</nav>");
        }
        let _ = write!(
            out,
            "<p class=\"small\"><a href=\"/docs/{}/{}.md\">{}</a></p></footer>",
            self.lang.prefix(),
            escape(slug),
            words.as_markdown
        );
    }

    /// The answers to a query as a page.
    pub(crate) fn results(&self, query: &str, hits: &[Hit]) -> String {
        let words = words(self.lang);
        let title = if hits.is_empty() { words.no_results } else { words.results };
        let mut body = format!("<h1>{title} <q>{}</q></h1>", escape(query));
        if query.trim().is_empty() {
            body = format!("<h1>{}</h1>", words.search);
        }
        if hits.is_empty() {
            let _ = write!(body, "<p>{}</p>", words.no_results_hint);
        }
        body.push_str("<ol class=\"hits\">");
        for hit in hits {
            let _ = write!(body, "<li><a href=\"{}\"><b>{}</b>", escape(&hit.url), escape(&hit.page));
            if !hit.heading.is_empty() {
                let _ = write!(body, " › {}", escape(&hit.heading));
            }
            body.push_str("</a><p>");
            for (text, is_marked) in &hit.excerpt {
                let text = escape(text);
                let _ = if *is_marked { write!(body, "<mark>{text}</mark>") } else { write!(body, "{text}") };
            }
            body.push_str("</p></li>");
        }
        body.push_str("</ol>");
        self.document(&Content { title: words.search, body: &body, query, ..Content::default() })
    }

    /// A page that does not exist.
    pub(crate) fn lost(&self) -> String {
        let words = words(self.lang);
        let body = format!("<h1>{}</h1><p>{}</p>", words.not_found, words.not_found_hint);
        self.document(&Content { title: words.not_found, body: &body, ..Content::default() })
    }
}

fn contents(out: &mut String, headings: &[Heading], words: &Words) {
    let wanted = |level: u8| headings.iter().filter(move |heading| (2..=level).contains(&heading.level));
    let level = if wanted(3).count() > CONTENTS_MAX { 2 } else { 3 };
    if wanted(level).count() < 2 {
        return;
    }
    let _ = write!(
        out,
        "<nav class=\"contents\" aria-labelledby=\"contents\"><h2 id=\"contents\">{}</h2><ul>",
        words.on_this_page
    );
    for heading in wanted(level).take(CONTENTS_MAX) {
        let _ = write!(
            out,
            "<li class=\"level{}\"><a href=\"#{}\">{}</a></li>",
            heading.level,
            escape(&heading.anchor),
            escape(&heading.text)
        );
    }
    out.push_str("</ul></nav>");
}

/// A query inside an address.
fn percent_encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 3);
    for byte in text.bytes() {
        match byte {
            b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'_' | b'.' | b'-' => out.push(char::from(byte)),
            other => {
                let _ = write!(out, "%{other:02X}");
            }
        }
    }
    out
}
