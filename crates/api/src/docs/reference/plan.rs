//! What stands on which page: operations by their tag, objects with the operations that answer them.

use super::{at, members, text_at};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Tags that share a page, in the order of the navigation: address, tags. A tag that is not named gets a page of its own.
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

/// Objects that many pages use stand on this one.
const COMMON: &str = "objects";

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
    place_objects(document, &mut pages);
    for page in &mut pages {
        page.operations.sort_by_key(|operation| {
            (operation.path.matches('/').count() > 2, operation.path.clone(), verb_order(&operation.method))
        });
    }
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

/// An object stands where operations answer it or, as a part, where the objects that hold it stand; what two pages use stands
/// on the page of common objects.
fn place_objects(document: &Value, pages: &mut [Page]) {
    let mut users: BTreeMap<String, BTreeSet<usize>> = BTreeMap::new();
    let mut answered: BTreeMap<String, BTreeSet<usize>> = BTreeMap::new();
    for (number, page) in pages.iter().enumerate() {
        for operation in &page.operations {
            for name in direct(document, &operation.value) {
                answered.entry(name.clone()).or_default().insert(number);
                for part in reachable(document, &name) {
                    users.entry(part).or_default().insert(number);
                }
            }
        }
    }
    for (name, _) in members(at(document, "/components/schemas")) {
        if name.ends_with("List") || is_input(document, name) {
            continue;
        }
        let homes = answered.get(name).or_else(|| users.get(name)).cloned().unwrap_or_default();
        let common = pages.len().saturating_sub(1);
        // A payment shows refunds, but a refund's home is where refunds are made.
        let home = match (homes.len(), homes.first()) {
            (1, Some(home)) => *home,
            (_, Some(home))
                if answered.contains_key(name)
                    && name != "Problem"
                    && name != "LedgerLine"
                    && name != "Explanation" =>
            {
                *home
            }
            _ => common,
        };
        let Some(page) = pages.get_mut(home) else { continue };
        if !answered.contains_key(name) && page.slug != COMMON {
            page.inner.insert(name.clone());
        }
        page.objects.push(name.clone());
    }
    for page in pages.iter_mut() {
        let singular = page.slug.trim_end_matches('s').to_owned();
        page.objects.sort_by_key(|name| (!name.eq_ignore_ascii_case(&singular), name.clone()));
    }
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

/// Schemas that one refers to, itself too.
fn reachable(document: &Value, name: &str) -> BTreeSet<String> {
    let (mut found, mut open) = (BTreeSet::new(), vec![name.to_owned()]);
    while let Some(name) = open.pop() {
        if found.insert(name.clone()) {
            open.extend(parts(document, &name));
        }
    }
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
