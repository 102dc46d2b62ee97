//! Markdown to HTML: headings with anchors, links as the site serves them, tables that scroll, coloured code; and the text of
//! each section for the search.

use crate::highlight::highlight;
use crate::links::{Known, resolve};
use crate::page::Heading;
use crate::search::Section;
use crate::text::{Lang, escape};
use pulldown_cmark::{CodeBlockKind, CowStr, Event, HeadingLevel, Options, Parser, Tag, TagEnd, html};
use std::collections::HashMap;

/// A rendered text.
#[derive(Debug, Default)]
pub(crate) struct Rendered {
    pub title: String,
    pub lead: String,
    pub html: String,
    pub headings: Vec<Heading>,
    pub sections: Vec<Section>,
    /// Targets of links that lead to nothing that is served.
    pub broken: Vec<String>,
}

/// Where a text stands.
pub(crate) struct Place<'a> {
    pub lang: Lang,
    pub folder: &'a str,
    pub known: &'a Known,
}

const OPTIONS: Options = Options::ENABLE_TABLES
    .union(Options::ENABLE_STRIKETHROUGH)
    .union(Options::ENABLE_HEADING_ATTRIBUTES)
    .union(Options::ENABLE_GFM);

/// A table of so few columns is not scrolled on a phone: its cells wrap.
const NARROW_COLUMNS_MAX: usize = 3;

/// Renders a text.
pub(crate) fn render(markdown: &str, place: &Place<'_>) -> Rendered {
    let mut renderer = Renderer {
        place,
        out: Rendered::default(),
        events: Vec::new(),
        used: HashMap::new(),
        in_table: None,
        is_after_break: false,
    };
    let mut parser = Parser::new_ext(markdown, OPTIONS);
    while let Some(event) = parser.next() {
        match event {
            Event::Start(Tag::Heading { level, id, .. }) => renderer.heading(level, id, &mut parser),
            Event::Start(Tag::CodeBlock(kind)) => renderer.code(&kind, &mut parser),
            other => renderer.event(other),
        }
    }
    let Renderer { mut out, mut events, .. } = renderer;
    join_wide_lines(&mut events);
    html::push_html(&mut out.html, events.into_iter());
    out
}

struct Renderer<'a, 'm> {
    place: &'a Place<'a>,
    out: Rendered,
    events: Vec<Event<'m>>,
    /// How often an anchor was used.
    used: HashMap<String, usize>,
    /// The column of the table in which we are.
    in_table: Option<usize>,
    /// A line ended, and nothing came since.
    is_after_break: bool,
}

impl<'m> Renderer<'_, 'm> {
    fn heading(&mut self, level: HeadingLevel, id: Option<CowStr<'m>>, parser: &mut Parser<'m>) {
        let mut inner = Vec::new();
        let (mut text, mut codes) = (String::new(), Vec::new());
        for event in parser.by_ref() {
            match &event {
                Event::End(TagEnd::Heading(_)) => break,
                Event::Text(piece) => text.push_str(piece),
                Event::Code(code) => {
                    text.push_str(code);
                    codes.push(code.to_string());
                }
                Event::SoftBreak => text.push(' '),
                _ => {}
            }
            inner.push(self.with_our_links(event));
        }
        let level = level as u8;
        let anchor = self.anchor(id.as_deref(), &text);
        let mut inside = String::new();
        html::push_html(&mut inside, inner.into_iter());
        if level == 1 && self.out.title.is_empty() {
            self.out.title.clone_from(&text);
            self.raw(format!("<h1 id=\"{}\">{inside}</h1>\n", escape(&anchor)));
        } else {
            let anchor = escape(&anchor);
            self.raw(format!(
                "<h{level} id=\"{anchor}\">{inside} <a class=\"anchor\" href=\"#{anchor}\" aria-hidden=\"true\" tabindex=\"-1\">#</a></h{level}>\n"
            ));
        }
        self.out.headings.push(Heading { level, anchor: anchor.clone(), text: text.clone() });
        self.out.sections.push(Section {
            anchor,
            heading: text,
            codes,
            terms: Vec::new(),
            text: String::new(),
        });
    }

    /// The anchor of a heading, as the usual renderers make it; a second one of the same name gets a number.
    fn anchor(&mut self, id: Option<&str>, text: &str) -> String {
        let made = id.map_or_else(|| slug(text), str::to_owned);
        let count = self.used.entry(made.clone()).or_insert(0);
        *count += 1;
        if *count == 1 { made } else { format!("{made}-{}", *count - 1) }
    }

    fn code(&mut self, kind: &CodeBlockKind<'m>, parser: &mut Parser<'m>) {
        let info = match kind {
            CodeBlockKind::Fenced(info) => info.as_ref(),
            CodeBlockKind::Indented => "",
        };
        let mut code = String::new();
        for event in parser.by_ref() {
            match event {
                Event::Text(text) => code.push_str(&text),
                Event::End(TagEnd::CodeBlock) => break,
                _ => {}
            }
        }
        let language = info.split_whitespace().next().unwrap_or("");
        self.text(&code);
        self.raw(format!(
            "<div class=\"code\"><pre tabindex=\"0\"><code>{}</code></pre></div>\n",
            highlight(language, code.trim_end_matches('\n'))
        ));
    }

    fn event(&mut self, event: Event<'m>) {
        match event {
            // Marks for programs, such as those around a rendered table.
            Event::Html(text) | Event::InlineHtml(text) if text.trim_start().starts_with("<!--") => {}
            Event::Start(Tag::Table(columns)) => {
                self.in_table = Some(0);
                let class = if columns.len() <= NARROW_COLUMNS_MAX { "table narrow" } else { "table" };
                self.raw(format!("<div class=\"{class}\" tabindex=\"0\">"));
                self.events.push(Event::Start(Tag::Table(columns)));
            }
            Event::End(TagEnd::Table) => {
                self.in_table = None;
                self.events.push(Event::End(TagEnd::Table));
                self.raw("</div>\n".to_owned());
            }
            other => {
                self.listen(&other);
                let event = self.with_our_links(other);
                self.events.push(event);
            }
        }
    }

    fn with_our_links(&mut self, event: Event<'m>) -> Event<'m> {
        match event {
            Event::Start(Tag::Link { link_type, dest_url, title, id }) => {
                Event::Start(Tag::Link { link_type, dest_url: self.link(&dest_url), title, id })
            }
            Event::Start(Tag::Image { link_type, dest_url, title, id }) => {
                Event::Start(Tag::Image { link_type, dest_url: self.link(&dest_url), title, id })
            }
            other => other,
        }
    }

    /// What the search shall know of an event.
    fn listen(&mut self, event: &Event<'m>) {
        match event {
            Event::Start(Tag::TableRow) => self.in_table = Some(0),
            Event::End(TagEnd::TableCell) => {
                self.in_table = self.in_table.map(|column| column + 1);
                self.text(" ");
            }
            Event::Text(text) => self.text(text),
            Event::Code(code) => {
                if self.in_table == Some(0)
                    && let Some(section) = self.out.sections.last_mut()
                {
                    section.terms.push(code.to_string());
                }
                self.text(code);
            }
            Event::SoftBreak | Event::HardBreak => self.is_after_break = true,
            Event::End(TagEnd::Paragraph) => {
                if self.out.lead.is_empty()
                    && let Some(section) = self.out.sections.last()
                {
                    self.out.lead = section.text.trim().to_owned();
                }
                self.text(" ");
            }
            Event::End(TagEnd::Item | TagEnd::TableRow) => self.text(" "),
            _ => {}
        }
    }

    fn text(&mut self, text: &str) {
        let is_after_break = std::mem::take(&mut self.is_after_break);
        if let Some(section) = self.out.sections.last_mut() {
            if is_after_break && !(section.text.ends_with(is_wide) && text.starts_with(is_wide)) {
                section.text.push(' ');
            }
            section.text.push_str(text);
        }
    }

    fn raw(&mut self, html: String) {
        self.events.push(Event::Html(html.into()));
    }

    fn link(&mut self, target: &str) -> CowStr<'m> {
        match resolve(self.place.known, self.place.lang, self.place.folder, target) {
            Some(address) => address.into(),
            None => {
                self.out.broken.push(target.to_owned());
                "#".into()
            }
        }
    }
}

/// Chinese has no spaces: a line that ends and a line that begins with a Chinese character are joined without one.
fn join_wide_lines(events: &mut [Event<'_>]) {
    let is_text = |event: Option<&Event<'_>>, is_wide_there: fn(&str) -> bool| match event {
        Some(Event::Text(text)) => is_wide_there(text),
        _ => false,
    };
    for at in 1..events.len() {
        let is_wide_break = is_text(events.get(at - 1), |text| text.ends_with(is_wide))
            && is_text(events.get(at + 1), |text| text.starts_with(is_wide));
        if let Some(event) = events.get_mut(at).filter(|event| is_wide_break && **event == Event::SoftBreak) {
            *event = Event::Text("".into());
        }
    }
}

/// Chinese characters and their punctuation.
fn is_wide(c: char) -> bool {
    matches!(c, '\u{3000}'..='\u{303f}' | '\u{3400}'..='\u{9fff}' | '\u{ff00}'..='\u{ffef}')
}

/// A heading's anchor, as the usual renderers make it.
fn slug(text: &str) -> String {
    let kept = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
    text.to_lowercase().chars().filter(kept).collect::<String>().trim().replace(' ', "-")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered(markdown: &str) -> Rendered {
        let known = Known { slugs: ["faq".to_owned()].into() };
        render(markdown, &Place { lang: Lang::Zh, folder: "docs", known: &known })
    }

    #[test]
    fn headings_have_anchors_and_sections_their_text() {
        let page = rendered(
            "# Title\n\nLead *text*.\n\n## One `two_three`\n\nBody.\n\n## One `two_three`\n\n| f | m |\n| - | - |\n| `x_y` | `z` |\n",
        );
        assert_eq!((page.title.as_str(), page.lead.as_str()), ("Title", "Lead text."));
        let anchors: Vec<_> = page.headings.iter().map(|heading| heading.anchor.as_str()).collect();
        assert_eq!(anchors, ["title", "one-two_three", "one-two_three-1"]);
        let last = page.sections.last().unwrap();
        assert_eq!(
            (last.codes.as_slice(), last.terms.as_slice()),
            (&["two_three".to_owned()][..], &["x_y".to_owned()][..])
        );
        assert!(
            page.html.contains("<div class=\"table narrow\"") && page.html.contains("id=\"one-two_three-1\"")
        );
    }

    #[test]
    fn links_are_those_of_the_site_and_broken_ones_are_told() {
        let page =
            rendered("# T [a](faq.md)\n[a](faq.md#b) [c](nothing.md) <!-- mark -->\n\n<!-- mark -->\n");
        assert!(page.html.contains("href=\"/docs/zh/faq#b\""), "{}", page.html);
        assert!(page.html.contains("href=\"/docs/zh/faq\""), "{}", page.html);
        assert_eq!(page.broken, ["nothing.md"]);
        assert!(!page.html.contains("mark"));
    }

    #[test]
    fn chinese_lines_are_joined_without_a_space() {
        let page = rendered("# 题\n\n用自己的\n程序，\nPython 也\n可以。\n");
        assert!(page.html.contains("用自己的程序，\nPython 也可以。"), "{}", page.html);
        assert_eq!(page.lead, "用自己的程序， Python 也可以。");
    }

    #[test]
    fn code_and_text_are_escaped() {
        let page = rendered("# <b>\n\n```sh runnable\necho '<i>'\n```\n\na & `<u>`\n");
        assert!(page.html.contains("&lt;i&gt;") && page.html.contains("&lt;u&gt;"), "{}", page.html);
        assert_eq!(slug("快速 开始：一、二"), "快速-开始一二");
    }
}
