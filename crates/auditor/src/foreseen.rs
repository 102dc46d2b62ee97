//! What must come of a request, as far as it is certain when it is sent: what can't be done any more or never could must be refused,
//! and a refusal must have a reason that is true. Whatever hangs on what is under way is left open.

use crate::Request;
use crate::json::{currency, minor, number, text};
use serde_json::Value;
use std::collections::BTreeMap;

/// What is foreseen of one request. The default: anything may come.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Foreseen {
    /// It may not succeed, and why.
    pub(crate) refused: Option<&'static str>,
    /// It is about what its asker may not know of: an answer that tells more than "not found" is a finding.
    pub(crate) is_foreign: bool,
    /// Codes that would be no true reason.
    pub(crate) untrue: Vec<&'static str>,
    /// How often something had been asked for that takes from anybody's funds.
    pub(crate) changes: u64,
}

/// A payment as it was shown last.
#[derive(Clone, Default)]
struct Known {
    sequence: i64,
    owner: String,
    status: String,
    reason: String,
    currency: String,
    amount_minor: i64,
    captured_minor: i64,
    /// By the merchant's refund number.
    refunds: BTreeMap<String, Asked>,
}

/// A refund that was asked for.
#[derive(Clone, Copy, Default)]
struct Asked {
    /// So much; `None`: all that remained, or different sums were asked under one number.
    minor: Option<i64>,
    /// Requests about it that are not decided, as far as was answered.
    open: u32,
    taken: bool,
    failed: bool,
}

impl Asked {
    fn counts(&self) -> bool {
        !self.failed && (self.open > 0 || self.taken)
    }
}

/// Target and body.
pub(crate) type Content = (String, Value);

/// What a key or a number stands for.
#[derive(Clone, Default)]
pub(crate) struct Stands {
    first: Option<Content>,
    /// The request that was accepted.
    pub(crate) accepted: Option<Content>,
    /// Different ones were asked for.
    pub(crate) differs: bool,
}

/// Using a key or a number.
pub(crate) enum Use {
    /// For nothing else, ever.
    Same,
    /// For something else than what was accepted.
    Other,
    /// Nothing is certain.
    Unclear,
}

impl Stands {
    /// Uses it; `alike` says whether two contents are the same, as far as that is certain.
    pub(crate) fn use_for(
        &mut self,
        content: &Content,
        alike: impl Fn(&Content, &Content) -> Option<bool>,
    ) -> Use {
        match &self.first {
            Some(first) => self.differs |= alike(first, content) != Some(true),
            None => self.first = Some(content.clone()),
        }
        match &self.accepted {
            Some(accepted) => match alike(accepted, content) {
                Some(true) => Use::Same,
                Some(false) => Use::Other,
                None => Use::Unclear,
            },
            None if self.differs => Use::Unclear,
            None => Use::Same,
        }
    }
}

/// See the module.
#[derive(Clone, Default)]
pub(crate) struct Prospects {
    payments: BTreeMap<String, Known>,
    /// Payments by merchant and order number.
    orders: BTreeMap<(String, String), String>,
    keys: BTreeMap<(String, String), Stands>,
    numbers: BTreeMap<(String, &'static str, String), Stands>,
}

/// Codes that say of a payment what only its merchant may know.
const TELLING: [&str; 10] = [
    "payment_not_payable",
    "payment_not_refundable",
    "payment_not_capturable",
    "payment_not_voidable",
    "payment_not_closable",
    "attempt_unresolved",
    "refund_exceeds_remaining",
    "capture_exceeds_authorized",
    "currency_differs",
    "insufficient_funds",
];

/// Codes that refuse a credential.
const CREDENTIAL: [&str; 8] = [
    "key_unknown",
    "key_revoked",
    "key_expired",
    "key_wrong_world",
    "signature_invalid",
    "signature_time",
    "nonce_reused",
    "merchant_not_permitted",
];

impl Foreseen {
    /// What is wrong with an answer.
    pub(crate) fn judge(&self, status: Option<u16>, answer: &Value) -> Option<(&'static str, String)> {
        let (Some(status), code) = (status, text(answer, "code")) else { return None };
        let done = (200..300).contains(&status);
        if let (true, Some(why)) = (done, self.refused) {
            return Some(("must be refused", why.to_owned()));
        }
        if self.is_foreign && (done || TELLING.contains(&code)) {
            return Some(("nobody else's", format!("somebody else's payment, answered {status} {code}")));
        }
        if self.untrue.contains(&code) {
            return Some(("refused without reason", format!("{code} is not so")));
        }
        None
    }
}

impl Prospects {
    /// Looks at a request that is about to be sent, and remembers it.
    pub(crate) fn foresee(&mut self, request: &Request) -> Foreseen {
        let mut foreseen = Foreseen::default();
        if let Some(why) = request.void {
            foreseen.refused = Some(why);
            // It does nothing, so nothing is to be remembered of it.
            return foreseen;
        }
        if request.key_is_good {
            foreseen.untrue.extend(CREDENTIAL);
        }
        let fresh = self.re_entry(request, &mut foreseen);
        if request.number().is_some() && wanted(&request.body).is_some_and(|minor| minor <= 0) {
            foreseen.refused = Some("no amount");
        }
        if let Some(id) = self.payment_of(request) {
            self.about(request, &id, fresh, &mut foreseen);
        }
        foreseen
    }

    /// The keys and numbers that it uses; true when none was used before.
    fn re_entry(&mut self, request: &Request, foreseen: &mut Foreseen) -> bool {
        let mut fresh = true;
        let content = request.content();
        if let Some(key) = &request.key {
            let stands = self.keys.entry((request.merchant.clone(), key.clone())).or_default();
            fresh &= stands.first.is_none();
            match stands.use_for(&content, |one, other| Some(one == other)) {
                Use::Same => foreseen.untrue.push("idempotency_key_reused"),
                Use::Other => foreseen.refused = Some("its key stands for another request"),
                Use::Unclear => {}
            }
        }
        if let Some((noun, number)) = request.number() {
            let at = (request.merchant.clone(), noun, number.to_owned());
            let stands = self.numbers.entry(at).or_default();
            fresh &= stands.first.is_none();
            match stands.use_for(&content, same_sum) {
                Use::Same if noun == "payment" => foreseen.untrue.push("payment_exists_differs"),
                Use::Same => foreseen.untrue.push("refund_exists_differs"),
                Use::Other => foreseen.refused = Some("its number stands for another sum"),
                Use::Unclear => {}
            }
        }
        fresh
    }

    fn payment_of(&self, request: &Request) -> Option<String> {
        if let Some(rest) = request.target.strip_prefix("/v1/payments/") {
            return rest.split(['/', '?']).next().map(str::to_owned);
        }
        if request.method != "POST" || !request.target.starts_with("/v1/refunds") {
            return None;
        }
        match text(&request.body, "payment") {
            "" => {
                let order = text(&request.body, "merchant_order_no").to_owned();
                self.orders.get(&(request.merchant.clone(), order)).cloned()
            }
            id => Some(id.to_owned()),
        }
    }

    fn about(&mut self, request: &Request, id: &str, fresh: bool, foreseen: &mut Foreseen) {
        let Some(known) = self.payments.get_mut(id) else { return };
        if known.owner != request.merchant {
            (foreseen.is_foreign, foreseen.refused) = (true, Some("the payment is somebody else's"));
            return;
        }
        foreseen.untrue.push("payment_not_found");
        if request.method != "POST" {
            return;
        }
        let action = match request.target.strip_prefix("/v1/payments/") {
            Some(rest) => rest.split(['/', '?']).nth(1).unwrap_or(""),
            None => "refunds",
        };
        if fresh && let Some(why) = known.forbids(action, &request.body) {
            foreseen.refused = Some(why);
        }
        if action == "refunds" {
            // What was refused once is refused under the same key for ever, in the same words.
            if fresh {
                known.untrue_reasons(request, foreseen);
            }
            if !request.is_preview() {
                known.remember_refund(request);
            }
        }
    }

    /// Learns from an answer.
    pub(crate) fn learn(&mut self, request: &Request, status: Option<u16>, answer: &Value) {
        if request.method != "POST" || request.is_preview() || request.void.is_some() {
            return;
        }
        let done = status.is_some_and(|status| (200..300).contains(&status));
        let refused = is_decided(status, answer);
        if done {
            self.accepted(request);
        }
        if let Some(("refund", number)) = request.number()
            && let Some(known) = self.payment_of(request).and_then(|id| self.payments.get_mut(&id))
            && let Some(asked) = known.refunds.get_mut(number)
        {
            asked.taken |= done;
            asked.open = asked.open.saturating_sub(u32::from(done || refused));
        }
    }

    fn accepted(&mut self, request: &Request) {
        let key = request.key.as_ref().map(|key| (request.merchant.clone(), key.clone()));
        if let Some(stands) = key.and_then(|key| self.keys.get_mut(&key)) {
            stands.accepted.get_or_insert_with(|| request.content());
        }
        let number =
            request.number().map(|(noun, number)| (request.merchant.clone(), noun, number.to_owned()));
        if let Some(stands) = number.and_then(|number| self.numbers.get_mut(&number)) {
            stands.accepted.get_or_insert_with(|| request.content());
        }
    }

    /// Whose a payment is, and in which currency, once it was shown.
    pub(crate) fn owner_of(&self, payment: &str) -> Option<(&str, &str)> {
        self.payments.get(payment).map(|known| (known.owner.as_str(), known.currency.as_str()))
    }

    /// An object was shown.
    pub(crate) fn show(&mut self, object: &Value) {
        match text(object, "object") {
            "payment" => self.show_payment(object),
            "refund" if text(object, "status") == "failed" => {
                let number = text(object, "merchant_refund_no");
                let known = self.payments.get_mut(text(object, "payment"));
                if let Some(asked) = known.and_then(|known| known.refunds.get_mut(number)) {
                    asked.failed = true;
                }
            }
            _ => {}
        }
    }

    fn show_payment(&mut self, object: &Value) {
        let (id, sequence) = (text(object, "id"), number(object, "sequence"));
        let known = self.payments.entry(id.to_owned()).or_default();
        if known.sequence >= sequence {
            return;
        }
        known.sequence = sequence;
        known.owner = text(object, "merchant").to_owned();
        known.status = text(object, "status").to_owned();
        known.reason = text(object, "status_reason").to_owned();
        known.currency = currency(object, "amount").to_owned();
        known.amount_minor = minor(object, "amount");
        known.captured_minor = known.captured_minor.max(minor(object, "amount_captured"));
        let order = text(object, "merchant_order_no").to_owned();
        self.orders.insert((known.owner.clone(), order), id.to_owned());
    }
}

impl Known {
    /// Why an action can't be done any more, or never could.
    fn forbids(&self, action: &str, body: &Value) -> Option<&'static str> {
        let over = ["succeeded", "failed", "closed"].contains(&self.status.as_str());
        let voided = self.reason == "voided";
        let takes = ["refunds", "captures"].contains(&action);
        match (action, self.status.as_str()) {
            ("refunds", "failed" | "closed") => return Some("nothing was captured and never will be"),
            ("captures", _) if over => return Some("nothing is authorized any more"),
            ("attempts", _) if over => return Some("it can't be paid any more"),
            ("close", "succeeded" | "failed") => return Some("it has ended otherwise"),
            ("void", _) if over && !voided => return Some("it has ended otherwise"),
            _ => {}
        }
        let amount = body.get("amount").filter(|_| takes)?;
        let value = amount.get("value").and_then(Value::as_i64)?;
        if text(amount, "currency") != self.currency {
            return Some("another currency");
        }
        if value <= 0 {
            return Some("no amount");
        }
        (value > self.amount_minor).then_some("more than the payment")
    }

    /// What would be no true reason to refuse.
    fn untrue_reasons(&self, request: &Request, foreseen: &mut Foreseen) {
        if self.status != "succeeded" {
            return;
        }
        foreseen.untrue.push("payment_not_refundable");
        let own = request.number().map_or("", |(_, number)| number);
        let others = self.refunds.iter().filter(|(number, asked)| *number != own && asked.counts());
        let live: Option<i64> = others.map(|(_, asked)| asked.minor).sum();
        if let (Some(live), Some(wanted)) = (live, wanted(&request.body))
            && (1..=self.captured_minor.saturating_sub(live)).contains(&wanted)
        {
            foreseen.untrue.push("refund_exceeds_remaining");
        }
    }

    fn remember_refund(&mut self, request: &Request) {
        let Some(("refund", number)) = request.number() else { return };
        let wanted = wanted(&request.body);
        let asked =
            self.refunds.entry(number.to_owned()).or_insert(Asked { minor: wanted, ..Asked::default() });
        asked.minor = asked.minor.filter(|minor| Some(*minor) == wanted);
        asked.open += 1;
    }
}

/// Refused for good: 401, 408, 429 and a first one still under way say nothing of what was or will be done.
pub(crate) fn is_decided(status: Option<u16>, answer: &Value) -> bool {
    status.is_some_and(|status| [400, 403, 404, 409, 422].contains(&status))
        && text(answer, "code") != "request_in_progress"
}

/// The sum that is wanted; `None`: all that remains.
fn wanted(body: &Value) -> Option<i64> {
    body.get("amount").and_then(|amount| amount.get("value")).and_then(Value::as_i64)
}

/// Whether two requests under one number are about the same sum, where both say.
fn same_sum(one: &Content, other: &Content) -> Option<bool> {
    if one == other {
        return Some(true);
    }
    let sum = |content: &Content| Some((wanted(&content.1)?, currency(&content.1, "amount").to_owned()));
    (sum(one)? != sum(other)?).then_some(false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn request(target: &str, key: &str, body: Value) -> Request {
        Request {
            merchant: "mch_a".to_owned(),
            method: "POST",
            target: target.to_owned(),
            key: Some(key.to_owned()),
            body,
            key_is_good: true,
            void: None,
        }
    }

    fn paid(owner: &str, sequence: i64, status: &str) -> Value {
        json!({"object": "payment", "id": "pay_1", "merchant": owner, "sequence": sequence, "status": status,
            "merchant_order_no": "O", "amount": {"value": 100, "currency": "CNY"},
            "amount_captured": {"value": 100, "currency": "CNY"}})
    }

    fn refund(number: &str, minor: i64) -> Request {
        let amount = json!({"value": minor, "currency": "CNY"});
        let body = json!({"payment": "pay_1", "merchant_refund_no": number, "amount": amount});
        request("/v1/refunds", number, body)
    }

    const DONE: Option<u16> = Some(201);

    #[test]
    fn what_can_not_be_must_be_refused() {
        let mut prospects = Prospects::default();
        prospects.show(&paid("mch_a", 3, "succeeded"));
        for (target, key, minor, refused) in [
            ("/v1/refunds", "a", 101, true),
            ("/v1/refunds", "b", 0, true),
            ("/v1/refunds", "c", 100, false),
            ("/v1/payments/pay_1/captures", "d", 1, true),
        ] {
            let ask = Request { target: target.to_owned(), ..refund(key, minor) };
            let answer = prospects.foresee(&ask).judge(DONE, &json!({}));
            assert_eq!(answer.is_some(), refused, "{target} of {minor}");
        }
        // An older view takes nothing back.
        prospects.show(&paid("mch_a", 2, "authorized"));
        let late = request("/v1/payments/pay_1/close", "e", Value::Null);
        assert!(prospects.foresee(&late).judge(DONE, &json!({})).is_some());
    }

    #[test]
    fn a_key_and_a_number_stand_for_what_was_accepted() {
        let mut prospects = Prospects::default();
        prospects.show(&paid("mch_a", 3, "succeeded"));
        let first = refund("R", 10);
        prospects.foresee(&first);
        // Not answered: either may be the one.
        assert_eq!(prospects.foresee(&refund("R", 11)).judge(DONE, &json!({})), None);
        prospects.learn(&first, DONE, &json!({}));
        assert!(prospects.foresee(&refund("R", 11)).judge(DONE, &json!({})).is_some());
        assert_eq!(prospects.foresee(&first).judge(DONE, &json!({})), None);
    }

    #[test]
    fn a_refusal_needs_a_true_reason() {
        let exceeds = json!({"code": "refund_exceeds_remaining"});
        let mut prospects = Prospects::default();
        prospects.show(&paid("mch_a", 3, "succeeded"));
        let whole = prospects.foresee(&refund("R1", 60));
        assert!(whole.judge(Some(422), &exceeds).is_some(), "nothing else was asked");
        assert!(prospects.foresee(&refund("R2", 40)).judge(Some(422), &exceeds).is_some());
        assert_eq!(prospects.foresee(&refund("R3", 1)).judge(Some(422), &exceeds), None);
        prospects.show(
            &json!({"object": "refund", "payment": "pay_1", "merchant_refund_no": "R1", "status": "failed"}),
        );
        assert!(
            prospects.foresee(&refund("R4", 59)).judge(Some(422), &exceeds).is_some(),
            "60 is free again"
        );
    }

    #[test]
    fn somebody_elses_looks_like_nothing() {
        let mut prospects = Prospects::default();
        prospects.show(&paid("mch_b", 3, "succeeded"));
        for (status, code, wrong) in
            [(404, "payment_not_found", false), (409, "payment_not_closable", true), (200, "", true)]
        {
            let ask = request("/v1/payments/pay_1/close", code, Value::Null);
            let found = prospects.foresee(&ask).judge(Some(status), &json!({"code": code}));
            assert_eq!(found.is_some(), wrong, "{status} {code}");
        }
    }
}
