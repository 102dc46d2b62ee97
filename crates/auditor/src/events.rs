//! Events: one per transition, along the ways that there are, in the object's order, the last of them what the object is.

use crate::json::{list, number, text};
use crate::{Auditor, MerchantEvidence};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// From which statuses an event of a type may come.
fn from(kind: &str) -> Option<&'static [&'static str]> {
    const OPEN: &[&str] = &["created", "requires_action", "processing"];
    const OPEN_OR_HELD: &[&str] = &["created", "requires_action", "processing", "authorized"];
    Some(match kind {
        "payment.created" | "refund.created" => &[""],
        "payment.requires_action" => &["created", "processing"],
        "payment.processing" => &["created", "requires_action"],
        "payment.authorized" | "payment.failed" => OPEN,
        "payment.succeeded" | "payment.closed" => OPEN_OR_HELD,
        "refund.succeeded" => &["pending", "requires_attention"],
        "refund.failed" => &["pending", "requires_attention", "succeeded"],
        "refund.requires_attention" => &["pending"],
        "capture.succeeded" => &["pending", "failed"],
        "capture.failed" => &["pending"],
        _ => return None,
    })
}

/// The statuses that a type of event tells of, once and for ever.
const ENDS: [&str; 5] =
    ["payment.succeeded", "payment.failed", "payment.closed", "refund.failed", "capture.failed"];

impl Auditor {
    pub(crate) fn events(&mut self, merchant: &MerchantEvidence) {
        let mut last: BTreeMap<&str, (i64, &str)> = BTreeMap::new();
        let mut ends: BTreeSet<(&str, &str)> = BTreeSet::new();
        let mut ids = BTreeSet::new();
        let mut paid: BTreeSet<&str> = BTreeSet::new();
        for event in &merchant.events {
            let Some(data) = event.get("data") else { continue };
            let Some(object) = data.get("object") else { continue };
            let (kind, id) = (text(event, "type"), text(object, "id"));
            let sequence = number(data, "sequence");
            if !ids.insert(text(event, "id")) {
                self.find("events once", format!("{} is listed twice", text(event, "id")));
            }
            let own = object.get("merchant_refund_no").is_some_and(Value::is_string);
            if kind == "payment.succeeded" {
                paid.insert(id);
            } else if kind == "refund.created" && own && !paid.contains(text(object, "payment")) {
                self.find("refunds of what is paid", format!("{id} was made before its payment succeeded"));
            }
            if let Some((before, _)) = last.get(id)
                && *before >= sequence
            {
                self.find("numbers of events rise", format!("{kind} of {id}: {sequence} after {before}"));
            }
            if kind.starts_with("payment.") || kind.starts_with("refund.") || kind.starts_with("capture.") {
                last.insert(id, (sequence, if kind.ends_with(".flagged") { "" } else { kind }));
                let before = text(data, "previous_status");
                if from(kind).is_some_and(|may| !may.contains(&before)) {
                    self.find("transitions", format!("{kind} of {id} from {before:?}"));
                }
                if ENDS.contains(&kind) && !ends.insert((id, kind)) {
                    self.find("one event per transition", format!("{kind} of {id} twice"));
                }
            }
        }
        for payment in &merchant.payments {
            self.end_was_told(payment, "payment", &ends, &last);
            for refund in list(payment, "refunds") {
                self.end_was_told(refund, "refund", &ends, &last);
            }
            for capture in list(payment, "captures") {
                self.end_was_told(capture, "capture", &ends, &last);
            }
        }
    }

    /// Every end was told, and no other end than the one that it has.
    fn end_was_told(
        &mut self,
        object: &Value,
        noun: &str,
        ends: &BTreeSet<(&str, &str)>,
        last: &BTreeMap<&str, (i64, &str)>,
    ) {
        let (id, status) = (text(object, "id"), text(object, "status"));
        for kind in ENDS.iter().filter(|kind| kind.starts_with(noun)) {
            let told = ends.contains(&(id, *kind));
            let is = kind.strip_prefix(noun).is_some_and(|end| end.trim_start_matches('.') == status);
            // A capture that failed and was taken after all is told twice.
            let may_differ = noun == "capture";
            if told != is && !may_differ {
                self.find("every end is told", format!("{id} is {status}, {kind} told: {told}"));
            }
        }
        if last.get(id).is_some_and(|(sequence, _)| *sequence > number(object, "sequence")) {
            self.find("numbers of events rise", format!("{id} is behind its last event"));
        }
    }
}
