//! What was seen on the way, and what was promised by it: one number is one object, one state of an object looks the same
//! whenever it is shown, what was acknowledged is there at the end, what was refused is not.

use crate::json::{currency, minor, number, text};
use crate::{Exchange, Finding, MerchantEvidence};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// What came of all requests about one of a merchant's numbers.
#[derive(Clone, Default)]
struct Numbered {
    /// The object that was answered.
    object: Option<String>,
    /// A request that was taken: its sum and currency.
    accepted: Option<(Option<i64>, String)>,
    /// A request without an answer, or with one that says nothing about its effect.
    open: bool,
    refused: bool,
}

#[derive(Clone, Default)]
pub(crate) struct Seen {
    /// Objects by id and sequence, as shown.
    shown: BTreeMap<(String, i64), Value>,
    /// The highest sequence acknowledged, by id.
    acknowledged: BTreeMap<String, (i64, String)>,
    numbers: BTreeMap<(String, &'static str, String), Numbered>,
    /// The status that each code was answered with.
    codes: BTreeMap<String, u16>,
    /// What a key made.
    keys: BTreeMap<(String, String), String>,
}

impl Seen {
    /// Nothing was seen: the books may go another way from here.
    pub(crate) fn forget(&mut self) {
        *self = Seen::default();
    }

    pub(crate) fn exchange(&mut self, exchange: &Exchange, findings: &mut Vec<Finding>) {
        let mut find = |check, what: String| findings.push(Finding { check, what });
        let about =
            format!("{} {} {}", exchange.request.method, exchange.request.target, exchange.request.body);
        match exchange.status {
            Some(500) => find("no defect", format!("{about}: {}", exchange.answer)),
            Some(503) if !exchange.excused => find("no excuse", format!("{about}: {}", exchange.answer)),
            _ => {}
        }
        if let (Some(status @ 400..), code) = (exchange.status, text(&exchange.answer, "code")) {
            let first = *self.codes.entry(code.to_owned()).or_insert(status);
            if code.is_empty() || first != status {
                find("one code, one status", format!("{about}: {status} {code:?}, before {first}"));
            }
        }
        let done = exchange.status.is_some_and(|status| (200..300).contains(&status));
        // A preview shows what is not there.
        if done && !exchange.request.target.contains("dry_run") {
            for object in objects(&exchange.answer) {
                if text(object, "merchant") != exchange.request.merchant {
                    find("nobody else's", format!("{about} was answered with {object}"));
                }
                self.show(object, &mut find);
                if exchange.request.method != "GET" {
                    self.acknowledge(object, &exchange.request.merchant);
                }
            }
            self.key(exchange, &about, &mut find);
        }
        if exchange.request.void.is_none()
            && let Some((noun, number)) = exchange.request.number()
        {
            self.number(exchange, noun, number, done, &about, &mut find);
        }
    }

    /// One sequence, one look.
    fn show(&mut self, object: &Value, find: &mut impl FnMut(&'static str, String)) {
        let plain = plain(object);
        let key = (text(object, "id").to_owned(), number(object, "sequence"));
        match self.shown.get(&key) {
            Some(before) if *before != plain => {
                find("one state, one look", format!("{key:?} was {before} and is {plain}"));
            }
            Some(_) => {}
            None => {
                self.shown.insert(key, plain);
            }
        }
    }

    fn acknowledge(&mut self, object: &Value, merchant: &str) {
        let sequence = number(object, "sequence");
        let known = self
            .acknowledged
            .entry(text(object, "id").to_owned())
            .or_insert_with(|| (sequence, merchant.to_owned()));
        known.0 = known.0.max(sequence);
    }

    /// One key, one object.
    fn key(&mut self, exchange: &Exchange, about: &str, find: &mut impl FnMut(&'static str, String)) {
        let (Some(key), id) = (&exchange.request.key, text(&exchange.answer, "id")) else { return };
        if id.is_empty() {
            return;
        }
        let made = self
            .keys
            .entry((exchange.request.merchant.clone(), key.clone()))
            .or_insert_with(|| id.to_owned());
        if made != id {
            find("one key, one object", format!("{about} under {key}: {made} and {id}"));
        }
    }

    fn number(
        &mut self,
        exchange: &Exchange,
        noun: &'static str,
        number: &str,
        done: bool,
        about: &str,
        find: &mut impl FnMut(&'static str, String),
    ) {
        let at = (exchange.request.merchant.clone(), noun, number.to_owned());
        let known = self.numbers.entry(at).or_default();
        match exchange.status {
            Some(_) if done => {}
            // Decided, so nothing was done by this request.
            Some(400..500) => {
                known.refused = true;
                return;
            }
            Some(_) | None => {
                known.open = true;
                return;
            }
        }
        let id = text(&exchange.answer, "id").to_owned();
        if known.object.as_ref().is_some_and(|before| *before != id) {
            find("one number, one object", format!("{about}: {:?} and {id}", known.object));
        }
        known.object = Some(id);
        let asked = exchange
            .request
            .body
            .get("amount")
            .and_then(|amount| amount.get("value"))
            .and_then(Value::as_i64);
        let of = currency(&exchange.request.body, "amount").to_owned();
        if let Some(asked) = asked
            && (asked != minor(&exchange.answer, "amount") || of != currency(&exchange.answer, "amount"))
        {
            find("what was asked", format!("{about} was answered with {}", exchange.answer));
        }
        known.accepted = Some((asked, of));
    }

    /// At the end everything acknowledged is there, nothing that was refused is, and no number has two objects.
    pub(crate) fn all_there(&mut self, merchant: &MerchantEvidence, findings: &mut Vec<Finding>) {
        let mut find = |check, what: String| findings.push(Finding { check, what });
        let mut there: BTreeMap<&str, i64> = BTreeMap::new();
        let mut taken: BTreeSet<(&'static str, &str)> = BTreeSet::new();
        let payments = merchant.payments.iter().map(|payment| ("payment", "merchant_order_no", payment));
        let refunds = merchant.payments.iter().flat_map(|payment| crate::json::list(payment, "refunds"));
        let refunds = refunds.map(|refund| ("refund", "merchant_refund_no", refund));
        for (noun, name, object) in payments.chain(refunds) {
            there.insert(text(object, "id"), number(object, "sequence"));
            let number = text(object, name);
            if !number.is_empty() && !taken.insert((noun, number)) {
                find("one number, one object", format!("two {noun}s have the number {number}"));
            }
        }
        for payment in &merchant.payments {
            for part in ["captures", "attempts"] {
                for object in crate::json::list(payment, part) {
                    there.insert(text(object, "id"), number(object, "sequence"));
                }
            }
        }
        for (id, (sequence, owner)) in &self.acknowledged {
            let counts = ["pay_", "rfd_", "cap_", "att_"].iter().any(|prefix| id.starts_with(prefix));
            if *owner != merchant.id || !counts {
                continue;
            }
            if there.get(id.as_str()).is_none_or(|found| found < sequence) {
                let found = there.get(id.as_str());
                find(
                    "acknowledged means durable",
                    format!("{id} was shown with sequence {sequence}, now {found:?}"),
                );
            }
        }
        for ((owner, noun, number), known) in &self.numbers {
            if *owner != merchant.id {
                continue;
            }
            let exists = taken.contains(&(*noun, number.as_str()));
            if known.accepted.is_some() && !exists {
                find("acknowledged means durable", format!("{noun} {number} was acknowledged and is gone"));
            }
            if exists && known.accepted.is_none() && !known.open && known.refused {
                find("refused means not done", format!("{noun} {number} was refused and is there"));
            }
        }
        for object in
            merchant.payments.iter().flat_map(objects).chain(merchant.events.iter().filter_map(told))
        {
            self.show(object, &mut find);
        }
    }
}

/// The object of an event, if it shows one with a sequence of its own commit.
fn told(event: &Value) -> Option<&Value> {
    let data = event.get("data")?;
    let object = data.get("object")?;
    // Of two events of one commit the earlier one carries the object with the later number.
    (number(object, "sequence") == number(data, "sequence")).then_some(object)
}

/// Every object in an answer that has a life of its own.
pub(crate) fn objects(answer: &Value) -> Vec<&Value> {
    let mut found = Vec::new();
    let mut open = vec![answer];
    while let Some(value) = open.pop() {
        if ["payment", "refund", "capture", "attempt"].contains(&text(value, "object")) {
            found.push(value);
        }
        for part in ["data", "refunds", "captures", "attempts"] {
            open.extend(crate::json::list(value, part));
        }
    }
    found
}

/// Without what is not its own.
fn plain(object: &Value) -> Value {
    let mut plain = object.clone();
    if let Some(members) = plain.as_object_mut() {
        for other in ["refunds", "captures", "attempts", "latest_attempt"] {
            members.remove(other);
        }
    }
    plain
}
