//! Every known mistake as a change of the right base.

use http::HeaderMap;

use super::draft::{Draft, PARAMS, Wrapping};
use super::mistake::Mistake;
use super::{Evidence, uri};
use crate::digest::{CONTENT_DIGEST, content_digest};
use crate::hash::{hex, sha256};

/// Lines or parameters of which every order is tried: five of them have 120.
const PERMUTED_MAX: usize = 5;
/// How far two looks at the clock may lie apart, in seconds.
const CLOCK_TWICE_S: i64 = 5;

/// One mistake, made on purpose.
pub(super) struct Change {
    pub mistake: Mistake,
    /// Whether it is also tried together with another one.
    pub usual: bool,
    apply: Box<dyn Fn(&mut Draft)>,
}

impl Change {
    pub fn apply(&self, draft: &mut Draft) {
        (self.apply)(draft);
    }
}

struct Changes(Vec<Change>);

impl Changes {
    fn add(&mut self, mistake: Mistake, apply: impl Fn(&mut Draft) + 'static) {
        self.0.push(Change { mistake, usual: true, apply: Box::new(apply) });
    }

    fn add_rare(&mut self, mistake: Mistake, apply: impl Fn(&mut Draft) + 'static) {
        self.0.push(Change { mistake, usual: false, apply: Box::new(apply) });
    }

    fn set(&mut self, mistake: Mistake, component: &str, value: String) {
        let component = component.to_owned();
        self.add(mistake, move |draft| draft.set(&component, &value));
    }
}

/// The known mistakes that can be made in this base.
pub(super) fn changes(right: &Draft, evidence: &Evidence<'_>) -> Vec<Change> {
    let mut changes = Changes(Vec::new());
    frame(&mut changes);
    method_and_address(&mut changes, right, evidence);
    fields(&mut changes, right, evidence);
    lines(&mut changes, right);
    params(&mut changes, right, evidence.request.headers);
    changes.0
}

fn frame(changes: &mut Changes) {
    for end in ["\n", "\r\n", "\n\n", "\\n"] {
        changes.add(Mistake::TrailingLineEnd, move |draft| draft.end = end);
    }
    changes.add(Mistake::CarriageReturns, |draft| draft.separator = "\r\n");
    changes.add(Mistake::CarriageReturns, |draft| (draft.separator, draft.end) = ("\r\n", "\r\n"));
    changes.add(Mistake::EscapedLineEnds, |draft| draft.separator = "\\n");
    for separator in ["", " ", "&", ", "] {
        changes.add(Mistake::LinesJoined, move |draft| draft.separator = separator);
    }
    changes.add(Mistake::NamesUnquoted, |draft| draft.quotes = false);
    for colon in [":", "=", " : ", ":  "] {
        changes.add(Mistake::Colon, move |draft| draft.colon = colon);
    }
    for wrapping in [Wrapping::Sha256, Wrapping::Sha256Hex, Wrapping::Base64] {
        changes.add(Mistake::Wrapped, move |draft| draft.wrapping = wrapping);
    }
    changes.add(Mistake::NamesCase, |draft| {
        for (label, _) in &mut draft.lines {
            *label = in_title_case(label);
        }
    });
}

/// `"content-digest"` as `"Content-Digest"`; names with an `@` stay.
fn in_title_case(label: &str) -> String {
    if label.contains('@') {
        return label.to_owned();
    }
    let mut before = '-';
    let upper = |character: char| {
        let first = matches!(before, '-' | '"');
        before = character;
        if first { character.to_ascii_uppercase() } else { character }
    };
    label.chars().map(upper).collect()
}

fn method_and_address(changes: &mut Changes, right: &Draft, evidence: &Evidence<'_>) {
    changes.set(Mistake::MethodCase, "@method", evidence.request.method.to_ascii_lowercase());
    let host = evidence.request.headers.get(http::header::HOST).and_then(|host| host.to_str().ok());
    if let Some(uri) = right.value("@target-uri") {
        for (mistake, wrong) in uri::wrong(uri, host, evidence.called_uri) {
            changes.set(mistake, "@target-uri", wrong);
        }
    }
}

fn fields(changes: &mut Changes, right: &Draft, evidence: &Evidence<'_>) {
    if let Some(digest) = right.value(CONTENT_DIGEST) {
        let bare = digest.split_once('=').map_or(digest, |(_, value)| value);
        changes.set(Mistake::DigestBare, CONTENT_DIGEST, bare.trim_matches(':').to_owned());
        changes.set(Mistake::DigestBare, CONTENT_DIGEST, bare.to_owned());
        let body = evidence.body.unwrap_or_default();
        let as_hex = hex(&sha256(body));
        for wrong in [as_hex.clone(), format!("sha-256={as_hex}"), format!("sha-256=:{as_hex}:")] {
            changes.set(Mistake::DigestHex, CONTENT_DIGEST, wrong);
        }
        for (at, body) in evidence.other_bodies.iter().enumerate() {
            changes.set(Mistake::OtherBody(at), CONTENT_DIGEST, content_digest(body));
        }
        // The header may be the wrong one and the signature right.
        changes.set(Mistake::Value(CONTENT_DIGEST.to_owned()), CONTENT_DIGEST, content_digest(body));
    }
    if let Some(key) = right.value("idempotency-key") {
        let bare = key.trim_matches('"');
        changes.set(Mistake::KeyQuotes, "idempotency-key", bare.to_owned());
        changes.set(Mistake::KeyQuotes, "idempotency-key", format!("\"{bare}\""));
    }
    for component in right.components().iter().filter(|name| !name.starts_with('@')) {
        // As the request has it, where the server saw another: changed on the way.
        let sent = evidence.request.headers.get(component).and_then(|value| value.to_str().ok());
        if let Some(sent) = sent {
            changes.set(Mistake::Value(component.clone()), component, sent.to_owned());
        }
    }
}

fn lines(changes: &mut Changes, right: &Draft) {
    let components = right.components();
    for component in &components {
        let name = component.clone();
        changes.add(Mistake::LineMissing(component.clone()), move |draft| draft.remove(&name));
    }
    changes.add(Mistake::ParamsMissing, |draft| draft.lines.retain(|(label, _)| label != PARAMS));
    let body = right.lines.iter().filter(|(label, _)| label != PARAMS).map(|(label, _)| label.clone());
    for order in orders(body.collect()) {
        changes.add_rare(Mistake::LineOrder, move |draft| {
            let place = |label: &String| order.iter().position(|known| known == label).unwrap_or(usize::MAX);
            draft.lines.sort_by_key(|(label, _)| place(label));
        });
    }
}

fn params(changes: &mut Changes, right: &Draft, headers: &HeaderMap) {
    const LINE: &str = "@signature-params";
    let Some(text) = right.value(LINE) else { return };
    // Labels have no parenthesis; components may hold a semicolon only in quotes, which none of ours does.
    let Some((list, rest)) = text.split_once(')') else { return };
    let list = format!("{list})");
    let parts: Vec<String> = rest.split(';').filter(|part| !part.is_empty()).map(str::to_owned).collect();
    let made = |parts: &[String]| parts.iter().fold(list.clone(), |text, part| text + ";" + part);
    let sent = headers.get("signature-input").and_then(|line| line.to_str().ok()).unwrap_or_default();
    if let Some((label, as_sent)) = sent.split_once('=') {
        changes.set(Mistake::ParamsLabel, LINE, format!("{label}={text}"));
        changes.set(Mistake::ParamsLabel, LINE, sent.to_owned());
        changes.set(Mistake::ParamsSpaces, LINE, as_sent.to_owned());
    }
    changes.set(Mistake::ParamsSpaces, LINE, text.replace(';', "; "));
    changes.set(Mistake::ParamsSpaces, LINE, text.replace("\" \"", "\", \""));
    changes.set(Mistake::ParamsUnquoted, LINE, list.clone() + &rest.replace('"', ""));
    changes.set(Mistake::ParamsUnquoted, LINE, text.replace('"', ""));
    for at in 0..parts.len() {
        let mut fewer = parts.clone();
        let name = fewer.remove(at).split('=').next().unwrap_or_default().to_owned();
        changes.set(Mistake::ParamsWithout(name), LINE, made(&fewer));
    }
    created_twice(changes, LINE, &parts, made);
    for order in orders(parts.clone()) {
        let wrong = made(&order);
        changes.add_rare(Mistake::ParamsOrder, move |draft| draft.set(LINE, &wrong));
    }
}

fn created_twice(changes: &mut Changes, line: &str, parts: &[String], made: impl Fn(&[String]) -> String) {
    let place = parts.iter().position(|part| part.starts_with("created="));
    let created = place.and_then(|at| parts.get(at)?.split_once('=')?.1.parse::<i64>().ok());
    let (Some(place), Some(created_s)) = (place, created) else { return };
    for apart_s in (-CLOCK_TWICE_S..=CLOCK_TWICE_S).filter(|apart_s| *apart_s != 0) {
        let mut other = parts.to_vec();
        if let Some(part) = other.get_mut(place) {
            *part = format!("created={}", created_s.saturating_add(apart_s));
        }
        changes.set(Mistake::CreatedTwice, line, made(&other));
    }
}

/// Every other order of a few things; of many, the sorted and the reversed one.
fn orders(things: Vec<String>) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    if things.len() <= PERMUTED_MAX {
        permute(&mut things.clone(), 0, &mut found);
    } else {
        let mut sorted = things.clone();
        sorted.sort_unstable();
        let mut reversed = things.clone();
        reversed.reverse();
        found.extend([sorted, reversed]);
    }
    found.retain(|order| *order != things);
    found
}

fn permute(things: &mut Vec<String>, from: usize, found: &mut Vec<Vec<String>>) {
    if from >= things.len() {
        found.push(things.clone());
        return;
    }
    for at in from..things.len() {
        things.swap(from, at);
        permute(things, from + 1, found);
        things.swap(from, at);
    }
}
