//! What stands on which page: operations by their tag, objects with the operations that answer them.

use super::{at, members, text_at};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Tags that share a page, in the order of the navigation: address, tags. A tag that is not named gets a page of its own. The last
/// one is for objects that many pages use.
const PAGES: [(&str, &[&str]); 9] = [
    ("payments", &["payments"]),
    ("refunds", &["refunds"]),
    ("balances", &["balances", "balance_transactions"]),
    ("statements", &["statements"]),
    ("events", &["events"]),
    ("webhooks", &["webhook_endpoints", "webhook_deliveries"]),
    ("keys", &["whoami", "api_keys", "platform_keys"]),
    ("sandbox", &["sandbox"]),
    ("objects", &[]),
];

/// All pages.
pub(super) struct Plan {
    pub pages: Vec<Page>,
    /// Codes that every operation may answer.
    pub everywhere: BTreeSet<String>,
}

/// One page.
#[derive(Default)]
pub(super) struct Page {
    pub slug: String,
    pub name: String,
    pub about: String,
    pub operations: Vec<Operation>,
    /// In the order in which they are shown.
    pub objects: Vec<String>,
    /// Those of them that are only parts of others.
    pub inner: BTreeSet<String>,
}

/// An operation of the document.
pub(super) struct Operation {
    pub method: String,
    pub path: String,
    pub id: String,
    pub value: Value,
}

impl Plan {
    pub(super) fn page_of_object(&self, name: &str) -> Option<&str> {
        let has = |page: &&Page| page.objects.iter().any(|object| object == name);
        self.pages.iter().find(has).map(|page| page.slug.as_str())
    }

    pub(super) fn page_of_operation(&self, id: &str) -> Option<&str> {
        let has = |page: &&Page| page.operations.iter().any(|operation| operation.id == id);
        self.pages.iter().find(has).map(|page| page.slug.as_str())
    }
}

impl Page {
    /// The parts of an object that stand under it: each under the first that uses it.
    pub(super) fn inner_of(&self, document: &Value, object: &str) -> Vec<String> {
        let own = |name: &String| {
            let users = self.objects.iter().filter(|user| parts(document, user).contains(name));
            users.into_iter().find(|user| !self.inner.contains(*user)).is_some_and(|user| user == object)
        };
        parts(document, object).into_iter().filter(|name| self.inner.contains(name) && own(name)).collect()
    }
}

pub(super) fn plan(document: &Value) -> Plan {
    let mut pages: Vec<Page> = Vec::new();
    for (slug, tags) in PAGES {
        pages.push(Page { slug: slug.to_owned(), ..named(document, tags.first().copied().unwrap_or(slug)) });
    }
    let mut all_codes: Vec<BTreeSet<String>> = Vec::new();
    for (path, item) in members(at(document, "/paths")) {
        for (method, value) in members(item) {
            all_codes.push(codes(value));
            let operation = Operation {
                method: method.to_ascii_uppercase(),
                path: path.clone(),
                id: text_at(value, "/operationId").to_owned(),
                value: value.clone(),
            };
            let home = page_of_tag(document, &mut pages, text_at(value, "/tags/0"));
            if let Some(page) = pages.get_mut(home) {
                page.operations.push(operation);
            }
        }
    }
    for page in &mut pages {
        page.operations.sort_by_key(|operation| {
            let tag = PAGES
                .iter()
                .flat_map(|(_, tags)| *tags)
                .position(|tag| *tag == text_at(&operation.value, "/tags/0"));
            (
                tag,
                operation.path.matches('/').count() > 2,
                operation.path.clone(),
                verb_order(&operation.method),
            )
        });
    }
    place_objects(document, &mut pages);
    pages.retain(|page| !page.operations.is_empty() || !page.objects.is_empty());
    let everywhere = all_codes
        .iter()
        .skip(1)
        .fold(all_codes.first().cloned().unwrap_or_default(), |common, codes| &common & codes);
    Plan { pages, everywhere }
}

fn verb_order(method: &str) -> u8 {
    match method {
        "POST" => 0,
        "GET" => 1,
        "PATCH" => 2,
        _ => 3,
    }
}

fn named(document: &Value, tag: &str) -> Page {
    let tags = at(document, "/tags").as_array().map_or(&[][..], Vec::as_slice);
    let found = tags.iter().find(|known| text_at(known, "/name") == tag);
    let text = |name: &str| found.map_or("", |tag| text_at(tag, name));
    let name = if text("/x-displayName").is_empty() { tag } else { text("/x-displayName") };
    Page { name: name.to_owned(), about: text("/description").to_owned(), ..Page::default() }
}

/// Where the pages have the tag's; made when there is none.
fn page_of_tag(document: &Value, pages: &mut Vec<Page>, tag: &str) -> usize {
    let shared = PAGES.iter().find(|(_, tags)| tags.contains(&tag)).map(|(slug, _)| *slug);
    let slug = shared.unwrap_or(tag);
    pages.iter().position(|page| page.slug == slug).unwrap_or_else(|| {
        // Before the page of the objects that all share.
        let last = pages.len().saturating_sub(1);
        pages.insert(last, Page { slug: slug.to_owned(), ..named(document, tag) });
        last
    })
}

/// An object stands on the page of its name, or on the only one that answers it; a part stands with what it is a part of. What
/// several pages answer or hold stands on the page of common objects.
fn place_objects(document: &Value, pages: &mut [Page]) {
    let common = pages.len().saturating_sub(1);
    let mut homes = homes_of_answers(document, pages);
    let names: Vec<&String> = members(at(document, "/components/schemas"))
        .map(|(name, _)| name)
        .filter(|name| !name.ends_with("List") && !is_input(document, name))
        .collect();
    let mut inner: BTreeSet<&String> = BTreeSet::new();
    // A part of a part finds its home in a later round; one that never does is used by nothing that is answered.
    for _ in 0..names.len() {
        let found = names.iter().copied().filter(|name| !homes.contains_key(*name)).find_map(|name| {
            let holders: Vec<&String> = names
                .iter()
                .copied()
                .filter(|holder| *holder != name && parts(document, holder).contains(name))
                .collect();
            let of_holders: Option<BTreeSet<usize>> =
                holders.iter().map(|holder| homes.get(*holder).copied()).collect();
            of_holders
                .map(|pages| (name, pages.first().copied().filter(|_| pages.len() == 1).unwrap_or(common)))
        });
        let Some((name, home)) = found else { break };
        homes.insert(name.clone(), home);
        if home != common {
            inner.insert(name);
        }
    }
    for name in &names {
        if let Some(page) = pages.get_mut(homes.get(*name).copied().unwrap_or(common)) {
            page.objects.push((*name).clone());
            if inner.contains(name) {
                page.inner.insert((*name).clone());
            }
        }
    }
    for page in pages.iter_mut() {
        let mut objects = std::mem::take(&mut page.objects);
        let first = |name: &String| {
            let of = |operation: &Operation| direct(document, &operation.value).contains(name);
            page.operations.iter().position(of).unwrap_or(usize::MAX)
        };
        objects.sort_by_key(|name| (!is_named_after(page, name), first(name), name.clone()));
        page.objects = objects;
    }
}

/// The pages of the objects that operations answer.
fn homes_of_answers(document: &Value, pages: &[Page]) -> BTreeMap<String, usize> {
    let mut answered: BTreeMap<String, BTreeSet<usize>> = BTreeMap::new();
    for (number, page) in pages.iter().enumerate() {
        for name in page.operations.iter().flat_map(|operation| direct(document, &operation.value)) {
            answered.entry(name).or_default().insert(number);
        }
    }
    let home = |name: &String, by: &BTreeSet<usize>| {
        let named = pages.iter().position(|page| is_named_after(page, name));
        let only = by.first().copied().filter(|_| by.len() == 1);
        named.or(only).unwrap_or(pages.len().saturating_sub(1))
    };
    answered.iter().map(|(name, by)| (name.clone(), home(name, by))).collect()
}

/// `Payment` is what the page `payments` is about.
fn is_named_after(page: &Page, object: &str) -> bool {
    page.slug.trim_end_matches('s').eq_ignore_ascii_case(object)
}

/// Schemas that an operation answers.
fn direct(document: &Value, operation: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (_, response) in members(at(operation, "/responses")) {
        for (_, content) in members(at(response, "/content")) {
            let name = name_of(text_at(content, "/schema/$ref"));
            let item = text_at(document, &format!("/components/schemas/{name}/properties/data/items/$ref"));
            found.insert(if item.is_empty() { name } else { name_of(item) }.to_owned());
        }
    }
    found.remove("");
    found
}

/// Schemas that one refers to directly.
pub(super) fn parts(document: &Value, name: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    references(at(document, &format!("/components/schemas/{name}")), &mut found);
    found
}

fn references(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                match (name.as_str(), value) {
                    ("$ref", Value::String(target)) => {
                        found.insert(name_of(target).to_owned());
                    }
                    (_, value) => references(value, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The last part of a reference.
pub(super) fn name_of(reference: &str) -> &str {
    reference.rsplit('/').next().unwrap_or("")
}

/// Whether a schema is what a route takes.
pub(super) fn is_input(document: &Value, name: &str) -> bool {
    let wanted = format!("#/components/schemas/{name}");
    members(at(document, "/paths")).flat_map(|(_, item)| members(item)).any(|(_, operation)| {
        text_at(operation, "/requestBody/content/application~1json/schema/$ref") == wanted
    })
}

/// The codes that an operation's answers name.
pub(super) fn codes(operation: &Value) -> BTreeSet<String> {
    let refusals = members(at(operation, "/responses")).filter(|(status, _)| status.as_str() >= "400");
    refusals
        .flat_map(|(_, response)| text_at(response, "/description").split('`').skip(1).step_by(2))
        .map(str::to_owned)
        .collect()
}
