//! The reference of the API in both languages, written from the OpenAPI document: what the document says is what the pages
//! say. English comes from the document, Chinese from a table of its sentences that a test keeps complete.

mod events;
mod object;
mod operation;
mod plan;
mod routes;
mod translate;
mod words;

use crate::text::Lang;
use plan::{Plan, plan};
use serde_json::Value;
use site::{Group, Source};
use translate::Translator;
use words::{Words, words};

/// Every page of the reference.
pub(super) fn pages(document: &Value) -> Vec<Source> {
    let plan = plan(document);
    Lang::ALL.into_iter().flat_map(|lang| Writer::new(document, &plan, lang).sources()).collect()
}

/// Writes the pages of a language.
struct Writer<'d> {
    document: &'d Value,
    plan: &'d Plan,
    lang: Lang,
    words: &'static Words,
    translator: Translator,
}

impl<'d> Writer<'d> {
    fn new(document: &'d Value, plan: &'d Plan, lang: Lang) -> Writer<'d> {
        Writer { document, plan, lang, words: words(lang), translator: Translator::new(lang) }
    }

    fn sources(&self) -> Vec<Source> {
        let mut sources = vec![self.source("api/routes", self.words.routes, self.routes())];
        for page in &self.plan.pages {
            let slug = format!("api/{}", page.slug);
            sources.push(self.source(&slug, &self.text(&page.name), self.page(page)));
        }
        sources
    }

    fn source(&self, slug: &str, name: &str, markdown: String) -> Source {
        Source {
            slug: slug.to_owned(),
            lang: self.lang,
            group: Group::Reference,
            nav: Some(name.to_owned()),
            parent: None,
            markdown: markdown.into(),
        }
    }

    /// Objects first, then what can be done with them.
    fn page(&self, page: &plan::Page) -> String {
        let mut out = format!("# {}\n\n{}\n", self.text(&page.name), self.text(&page.about));
        for name in page.objects.iter().filter(|name| !page.inner.contains(*name)) {
            self.object(&mut out, name, 2);
            for inner in page.inner_of(self.document, name) {
                self.object(&mut out, &inner, 3);
            }
        }
        if page.slug == "events" {
            out.push_str(&events::table(self.lang));
        }
        for operation in &page.operations {
            self.operation(&mut out, operation);
        }
        out
    }

    /// A sentence of the document in the page's language.
    fn text(&self, english: &str) -> String {
        self.translator.text(english)
    }

    /// The same for a cell of a table.
    fn cell(&self, english: &str) -> String {
        self.text(english).replace('|', "\\|").replace('\n', " ")
    }

    /// The address of an object's section.
    fn object_url(&self, name: &str) -> Option<String> {
        let slug = self.plan.page_of_object(name)?;
        Some(format!("/docs/{}/api/{slug}#object-{name}", self.lang.prefix()))
    }

    /// The address of an operation's section.
    fn operation_url(&self, id: &str) -> Option<String> {
        let slug = self.plan.page_of_operation(id)?;
        Some(format!("/docs/{}/api/{slug}#{id}", self.lang.prefix()))
    }
}

/// The value at a JSON pointer, or null.
fn at<'v>(value: &'v Value, pointer: &str) -> &'v Value {
    static NULL: Value = Value::Null;
    value.pointer(pointer).unwrap_or(&NULL)
}

fn text_at<'v>(value: &'v Value, pointer: &str) -> &'v str {
    at(value, pointer).as_str().unwrap_or("")
}

fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use site::Site;
    use std::collections::BTreeSet;

    fn document() -> Value {
        crate::openapi::document(&crate::routes::Routes::all())
    }

    #[test]
    fn every_route_and_every_object_has_one_section_in_both_languages() {
        let document = document();
        let site = Site::build([crate::problem::pages(), pages(&document)].concat());
        assert_eq!(site.broken_links(), &[] as &[String]);
        for lang in Lang::ALL {
            let anchors: Vec<&str> = site
                .pages()
                .filter(|page| page.lang == lang && page.slug.starts_with("api/"))
                .flat_map(|page| page.headings.iter().map(|heading| heading.anchor.as_str()))
                .collect();
            let mut wanted: Vec<String> = Vec::new();
            for (_, item) in members(&document["paths"]) {
                wanted.extend(
                    members(item).map(|(_, operation)| text_at(operation, "/operationId").to_owned()),
                );
            }
            for (name, _) in members(&document["components"]["schemas"]) {
                if !name.ends_with("List") && !name.contains("Input") && !plan::is_input(&document, name) {
                    wanted.push(format!("object-{name}"));
                }
            }
            for anchor in wanted {
                assert_eq!(
                    anchors.iter().filter(|known| **known == anchor).count(),
                    1,
                    "{anchor} in {lang:?}"
                );
            }
        }
    }

    /// With `UPDATE_DOCS=1` the table gets the sentences that it lacks, with nothing beside them, and loses those that are gone.
    #[test]
    fn the_committed_chinese_is_complete() {
        let document = document();
        let plan = plan(&document);
        let writer = Writer::new(&document, &plan, Lang::Zh);
        let _ = writer.sources();
        let asked: BTreeSet<String> = writer.translator.asked();
        translate::check(&asked);
    }
}
