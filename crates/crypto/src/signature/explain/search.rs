//! From the server's text to the one that was signed.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::changes::{Change, changes};
use super::difference::common_prefix;
use super::draft::Draft;
use super::{Difference, Evidence, Finding, Mistake};
use crate::key::{Alg, PublicKey};
use crate::signature::base::{RequestParts, signature_base};
use crate::signature::parse::{AlgParameter, ParsedSignature};

/// Mistakes that are looked for in one text.
const MISTAKES_MAX: usize = 8;

/// What is searched.
pub(super) struct Search<'a> {
    pub evidence: &'a Evidence<'a>,
    pub parsed: &'a ParsedSignature,
    /// The server's text.
    pub base: &'a str,
    pub key: Option<&'a PublicKey>,
}

impl Search<'_> {
    /// What is wrong with the text, and whether the signature is right.
    pub fn run(&self) -> (Vec<Finding>, Option<bool>) {
        let verified = self.key.map(|_| self.verifies(self.base.as_bytes()));
        if verified == Some(true) {
            return (Vec::new(), verified);
        }
        let mistakes = match (self.evidence.client_base, self.key) {
            (Some(client), _) => self.in_the_clients(client),
            (None, Some(_)) => self.by_the_signature(),
            // What the server saw beside what was sent: the difference was made on the way, or by the address.
            (None, None) if self.evidence.server_base.is_some() => {
                match signature_base(self.parsed, &self.as_called()) {
                    Ok(sent) => self.in_the_clients(sent.as_bytes()),
                    Err(problem) => vec![problem.into()],
                }
            }
            (None, None) => Vec::new(),
        };
        (mistakes, verified)
    }

    fn as_called(&self) -> RequestParts<'_> {
        let RequestParts { target_uri, .. } = self.evidence.request;
        RequestParts { target_uri: self.evidence.called_uri.unwrap_or(target_uri), ..self.evidence.request }
    }

    fn verifies(&self, text: &[u8]) -> bool {
        let Some(key) = self.key else { return false };
        let signature = &self.parsed.signature;
        match &self.parsed.alg {
            AlgParameter::Known(alg) => key.verify(*alg, text, signature).is_ok(),
            AlgParameter::Absent => key.verify_any(text, signature).is_ok(),
            AlgParameter::Unknown(_) => false,
        }
    }

    /// The mistakes that lead from the server's text to the one that the client shows.
    fn in_the_clients(&self, client: &[u8]) -> Vec<Finding> {
        let mut found = compare(self.base, client, self.evidence);
        if self.key.is_some() && !self.verifies(client) {
            found.push(Mistake::NotThisBase.into());
        }
        found
    }

    /// The mistakes under which the signature verifies.
    fn by_the_signature(&self) -> Vec<Finding> {
        if let Some(mistake) = self.other_algorithm().or_else(|| self.encoded_twice()) {
            return vec![mistake.into()];
        }
        let right = Draft::of(self.base);
        let changes = changes(&right, self.evidence);
        let Some((mistakes, text)) =
            self.one_change(&right, &changes).or_else(|| self.two_changes(&right, &changes))
        else {
            return vec![Mistake::OtherKey.into()];
        };
        let mut found: Vec<Finding> = mistakes.into_iter().map(Finding::from).collect();
        if let Some(first) = found.first_mut() {
            first.difference = Difference::first(self.base.as_bytes(), &text);
        }
        found
    }

    fn other_algorithm(&self) -> Option<Mistake> {
        let key = self.key?;
        let fits = |alg: &&Alg| key.verify(**alg, self.base.as_bytes(), &self.parsed.signature).is_ok();
        key.kind().algorithms().iter().find(fits).map(|alg| Mistake::Algorithm(*alg))
    }

    fn encoded_twice(&self) -> Option<Mistake> {
        let text = std::str::from_utf8(&self.parsed.signature).ok()?;
        let raw = from_hex(text).or_else(|| STANDARD.decode(text).ok())?;
        let key = self.key?;
        key.verify_any(self.base.as_bytes(), &raw).is_ok().then_some(Mistake::SignatureTwice)
    }

    fn one_change(&self, right: &Draft, changes: &[Change]) -> Option<(Vec<Mistake>, Vec<u8>)> {
        changes.iter().find_map(|change| {
            let text = made(right, &[change]);
            self.verifies(&text).then(|| (vec![change.mistake.clone()], text))
        })
    }

    fn two_changes(&self, right: &Draft, changes: &[Change]) -> Option<(Vec<Mistake>, Vec<u8>)> {
        let usual: Vec<&Change> = changes.iter().filter(|change| change.usual).collect();
        usual.iter().enumerate().find_map(|(at, first)| {
            usual.iter().skip(at + 1).find_map(|second| {
                let text = made(right, &[first, second]);
                self.verifies(&text).then(|| (vec![first.mistake.clone(), second.mistake.clone()], text))
            })
        })
    }
}

/// The mistakes that lead from one text to the other; the first finding carries the first difference.
pub(super) fn compare(server: &str, client: &[u8], evidence: &Evidence<'_>) -> Vec<Finding> {
    let Some(difference) = Difference::first(server.as_bytes(), client) else { return Vec::new() };
    let right = Draft::of(server);
    let mistakes = trace(&right, client, &changes(&right, evidence));
    let mut found: Vec<Finding> = mistakes.into_iter().map(Finding::from).collect();
    if let Some(first) = found.first_mut() {
        first.difference = Some(difference);
    }
    found
}

fn made(right: &Draft, changes: &[&Change]) -> Vec<u8> {
    let mut draft = right.clone();
    for change in changes {
        change.apply(&mut draft);
    }
    draft.render()
}

/// From the server's text to the client's: again and again the change that brings the two furthest together.
fn trace(right: &Draft, client: &[u8], changes: &[Change]) -> Vec<Mistake> {
    let mut current = right.clone();
    let mut found: Vec<Mistake> = Vec::new();
    for _ in 0..MISTAKES_MAX {
        let text = current.render();
        if text == client {
            break;
        }
        let (mistake, next) = nearest(&current, client, changes)
            .or_else(|| other_value(&current, &text, client))
            .unwrap_or_else(|| (Mistake::Text, current.clone()));
        let stuck = mistake == Mistake::Text;
        current = next;
        if !found.contains(&mistake) {
            found.push(mistake);
        }
        if stuck {
            break;
        }
    }
    found
}

fn nearest(current: &Draft, client: &[u8], changes: &[Change]) -> Option<(Mistake, Draft)> {
    let mut best: Option<(Mistake, Draft)> = None;
    let mut furthest = common_prefix(&current.render(), client);
    for change in changes {
        let mut draft = current.clone();
        change.apply(&mut draft);
        let text = draft.render();
        if text == client {
            return Some((change.mistake.clone(), draft));
        }
        let shared = common_prefix(&text, client);
        if shared > furthest {
            furthest = shared;
            best = Some((change.mistake.clone(), draft));
        }
    }
    best
}

/// The value of one line is another, whatever the reason: the client's stands in for it.
fn other_value(current: &Draft, text: &[u8], client: &[u8]) -> Option<(Mistake, Draft)> {
    let difference = Difference::first(text, client)?;
    let line = String::from_utf8(difference.client_line).ok()?;
    let (label, value) = line.trim_end_matches('\r').split_once(current.colon)?;
    let component = label.trim_matches('"').to_owned();
    let before = current.value(&component)?.to_owned();
    let mut draft = current.clone();
    draft.set(&component, value);
    (before != value).then_some((Mistake::Value(component), draft))
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let pairs = text.as_bytes().chunks(2).map(|pair| match pair {
        [high, low] => u8::try_from(digit(*high)? * 16 + digit(*low)?).ok(),
        _ => None,
    });
    pairs.collect()
}
