//! Webhooks against the list of events: each at least once, the same bytes of data, in the object's order, and none about something
//! that was never committed.

use crate::json::{number, text};
use crate::{Auditor, Evidence, MerchantEvidence};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

impl Auditor {
    pub(crate) fn webhooks(&mut self, merchant: &MerchantEvidence, evidence: &Evidence) {
        let listed: BTreeMap<&str, (usize, &Value)> =
            merchant.events.iter().enumerate().map(|(at, event)| (text(event, "id"), (at, event))).collect();
        for endpoint in &merchant.endpoints {
            let mut accepted: BTreeMap<&str, u64> = BTreeMap::new();
            let mut order: BTreeMap<String, i64> = BTreeMap::new();
            for delivered in evidence.delivered.iter().filter(|delivered| delivered.url == endpoint.url) {
                let body: Value = serde_json::from_str(&delivered.body).unwrap_or(Value::Null);
                let Some((_, event)) = listed.get(delivered.id.as_str()) else {
                    self.find("no webhook without event", format!("{} {}", delivered.url, delivered.body));
                    continue;
                };
                if body.get("data") != event.get("data") || text(&body, "type") != text(event, "type") {
                    self.find("a webhook is its event", format!("{} differs from {event}", delivered.body));
                }
                if !delivered.accepted {
                    continue;
                }
                *accepted.entry(text(event, "id")).or_insert(0) += 1;
                self.in_order(&body, accepted.get(text(event, "id")) == Some(&1), &mut order, &endpoint.url);
            }
            if endpoint.disabled && !endpoint.gone && endpoint.failures < 2 {
                let times = endpoint.failures;
                self.find("one failure disables nothing", format!("{} failed {times} times", endpoint.url));
            }
            if endpoint.disabled || endpoint.gone || !endpoint.from_the_start {
                continue;
            }
            for (at, event) in merchant.events.iter().enumerate() {
                // Notices about an endpoint go to the others, test sends to one.
                let to_all = !text(event, "type").starts_with("webhook_endpoint.");
                if to_all && !accepted.contains_key(text(event, "id")) {
                    self.find("at least once", format!("{} never got event {at}: {event}", endpoint.url));
                }
            }
        }
    }

    /// What happens to a payment that names an address of its own is told there too.
    pub(crate) fn notify_urls(&mut self, merchant: &MerchantEvidence, evidence: &Evidence) {
        let mut got: BTreeSet<(&str, &str)> = BTreeSet::new();
        for delivered in evidence.delivered.iter().filter(|delivered| delivered.accepted) {
            got.insert((&delivered.url, &delivered.id));
        }
        let urls: BTreeMap<&str, &str> = merchant
            .payments
            .iter()
            .map(|payment| (text(payment, "id"), text(payment, "notify_url")))
            .filter(|(_, url)| !url.is_empty() && !evidence.gone.contains(*url))
            .collect();
        for event in &merchant.events {
            let Some(object) = event.get("data").and_then(|data| data.get("object")) else { continue };
            let payment = match text(object, "object") {
                "payment" => text(object, "id"),
                _ => text(object, "payment"),
            };
            let Some(url) = urls.get(payment) else { continue };
            if !got.contains(&(*url, text(event, "id"))) {
                self.find("at least once", format!("{url} never got {event}"));
            }
        }
    }

    /// While an event waits for a retry, later ones of its object wait.
    fn in_order(&mut self, body: &Value, is_first: bool, order: &mut BTreeMap<String, i64>, url: &str) {
        let Some(data) = body.get("data") else { return };
        let id = data.get("object").map_or("", |object| text(object, "id")).to_owned();
        let sequence = number(data, "sequence");
        let last = order.entry(id).or_insert(sequence);
        if is_first && sequence < *last {
            self.find("webhooks in order", format!("{url}: {sequence} after {last} of {body}"));
        }
        *last = (*last).max(sequence);
    }
}
