//! An auditor who trusts nobody. It sees what the outside sees: requests and answers, the objects and lists that the API shows,
//! webhooks as they were received, statements, the channel's own book, what people say of adjustments at the operator's desk, and the
//! operator's trial balance. From these it works out by its own arithmetic what must be, and names what is not. It shares no code with
//! the platform, so that a mistake there is not made here again (`tidy` checks that).

mod adjustments;
mod books;
mod events;
mod fee;
mod foreseen;
mod funds;
mod json;
mod lines;
mod payments;
mod refunds;
mod restored;
mod seen;
mod statements;
mod webhooks;

pub use adjustments::{Instruction, Proposal, Wish};
pub use fee::{FeeTerms, RefundFee};
pub use foreseen::Foreseen;

use adjustments::{About, Desk, Moved};
use foreseen::Prospects;
use funds::Funds;
use json::text;
use restored::Ever;
use seen::Seen;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Something that is not as it must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Which check found it.
    pub check: &'static str,
    /// What was found.
    pub what: String,
}

/// What a merchant agreed with the operator.
#[derive(Debug, Clone)]
pub struct Terms {
    /// Its id.
    pub id: String,
    /// `live` or `sandbox`.
    pub world: String,
    /// IANA zone of its days.
    pub zone: String,
    /// Natural days until money matures.
    pub maturity_days: i64,
    /// How much it may owe by its own refunds, minor units.
    pub debt_limit_minor: i64,
}

/// A request as it is sent.
#[derive(Debug, Clone)]
pub struct Request {
    /// For whom it asks.
    pub merchant: String,
    /// GET, POST, …
    pub method: &'static str,
    /// Path and query.
    pub target: String,
    /// The idempotency key.
    pub key: Option<String>,
    /// The body sent.
    pub body: Value,
    /// Its key is certainly good for what it asks.
    pub key_is_good: bool,
    /// Why nothing may come of it, whatever it asks for: such as a key whose revocation was answered before.
    pub void: Option<&'static str>,
}

impl Request {
    /// A preview: nothing comes of it.
    pub(crate) fn is_preview(&self) -> bool {
        self.target.contains("dry_run")
    }

    fn content(&self) -> (String, Value) {
        (self.target.clone(), self.body.clone())
    }

    /// Which number of the merchant's it makes something under.
    pub(crate) fn number(&self) -> Option<(&'static str, &str)> {
        if self.method != "POST" || self.is_preview() {
            return None;
        }
        let (noun, name) = match self.target.split('?').next().unwrap_or("") {
            "/v1/payments" => ("payment", "merchant_order_no"),
            "/v1/refunds" => ("refund", "merchant_refund_no"),
            _ => return None,
        };
        Some((noun, text(&self.body, name))).filter(|(_, number)| !number.is_empty())
    }
}

/// A request and what came of it.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// What was asked.
    pub request: Request,
    /// What was foreseen when it was sent.
    pub foreseen: Foreseen,
    /// The HTTP status; `None` when no answer came.
    pub status: Option<u16>,
    /// The body received.
    pub answer: Value,
    /// Trades of attempts that the answer names which a payer can pay, or the channel works on, now.
    pub open_at_channel: Vec<String>,
    /// Whether a 503 has an excuse: faults were injected, the process died, or the installation was held.
    pub excused: bool,
}

/// Money that a channel moved for one trade.
#[derive(Debug, Clone, Default)]
pub struct TradeEvidence {
    /// `live` or `sandbox`.
    pub world: String,
    /// The attempt's number there.
    pub number: String,
    /// Whether the payer may still pay, or money is still held.
    pub open: bool,
    /// What was taken: number of the part, currency, minor units.
    pub taken: Vec<(String, String, i64)>,
    /// Refunds: number, currency, minor units, whether the money went back.
    pub refunds: Vec<(String, String, i64, bool)>,
}

/// One row of the operator's trial balance: the sum of an account over all that it is divided by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrialRow {
    /// `live` or `sandbox`.
    pub world: String,
    /// Number in the chart of accounts.
    pub code: u16,
    /// ISO 4217.
    pub currency: String,
    /// Debit positive, minor units.
    pub debit_minor: i64,
}

/// A webhook as its receiver saw it.
#[derive(Debug, Clone)]
pub struct Delivered {
    /// At which address.
    pub url: String,
    /// `webhook-id`
    pub id: String,
    /// The body.
    pub body: String,
    /// Whether the receiver's 2xx came through.
    pub accepted: bool,
}

/// An endpoint that wants every event.
#[derive(Debug, Clone)]
pub struct EndpointEvidence {
    /// Its id.
    pub id: String,
    /// Its address.
    pub url: String,
    /// Tries that its receiver did not answer 2xx.
    pub failures: u64,
    /// The platform sends it nothing more.
    pub disabled: bool,
    /// Its receiver said once that it wants no more.
    pub gone: bool,
    /// It was there before anything happened.
    pub from_the_start: bool,
}

/// A statement with the rows of its file.
#[derive(Debug, Clone)]
pub struct StatementEvidence {
    /// The object.
    pub head: Value,
    /// The file's rows.
    pub rows: Vec<Value>,
}

/// Everything that a merchant can read at the end.
#[derive(Debug, Clone, Default)]
pub struct MerchantEvidence {
    /// Its id.
    pub id: String,
    /// Its business time, RFC 3339.
    pub now: String,
    /// Its payments, with attempts, captures and refunds.
    pub payments: Vec<Value>,
    /// Its events, oldest first.
    pub events: Vec<Value>,
    /// Its balance transactions, oldest first.
    pub lines: Vec<Value>,
    /// Its balances.
    pub balances: Vec<Value>,
    /// Its statements.
    pub statements: Vec<StatementEvidence>,
    /// Its endpoints.
    pub endpoints: Vec<EndpointEvidence>,
}

/// Everything that is known at the end.
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    /// By merchant.
    pub merchants: Vec<MerchantEvidence>,
    /// Adjustments between merchants, as the operator is shown them.
    pub adjustments: Vec<Value>,
    /// The channel's book.
    pub trades: Vec<TradeEvidence>,
    /// The operator's trial balance.
    pub trial: Vec<TrialRow>,
    /// All webhooks received.
    pub delivered: Vec<Delivered>,
    /// Addresses whose receiver said once that it wants no more.
    pub gone: BTreeSet<String>,
    /// Numbers of what the operator is told that channels did and the books do not know.
    pub listed: BTreeSet<String>,
    /// Numbers of what channels had taken when the books were restored from a backup.
    pub taken_before: BTreeSet<String>,
}

/// See the crate.
pub struct Auditor {
    terms: BTreeMap<String, Terms>,
    prices: BTreeMap<String, FeeTerms>,
    cost: FeeTerms,
    seen: Seen,
    prospects: Prospects,
    desk: Desk,
    funds: Funds,
    ever: Ever,
    is_restored: bool,
    findings: Vec<Finding>,
}

impl Auditor {
    /// Knows what the channel charges, and nothing else yet.
    pub fn new(cost: FeeTerms) -> Auditor {
        Auditor {
            terms: BTreeMap::new(),
            prices: BTreeMap::new(),
            cost,
            seen: Seen::default(),
            prospects: Prospects::default(),
            desk: Desk::default(),
            funds: Funds::default(),
            ever: Ever::default(),
            is_restored: false,
            findings: Vec::new(),
        }
    }

    /// A merchant was made.
    pub fn merchant(&mut self, terms: Terms) {
        self.terms.insert(terms.id.clone(), terms);
    }

    /// A price version was agreed.
    pub fn price(&mut self, id: String, terms: FeeTerms) {
        self.prices.insert(id, terms);
    }

    /// The books are those of a backup now: what was promised since is void, but nothing may be done twice.
    pub fn restored(&mut self) {
        self.is_restored = true;
        (self.prospects, self.seen) = (Prospects::default(), Seen::default());
        (self.desk, self.funds) = (Desk::default(), Funds::default());
    }

    /// A request is about to be sent: what must come of it?
    pub fn foresee(&mut self, request: &Request) -> Foreseen {
        if self.is_restored {
            return Foreseen::default();
        }
        let changes = self.funds.foresee(request);
        Foreseen { changes, ..self.prospects.foresee(request) }
    }

    /// Something is about to be said of an adjustment: what must come of it?
    pub fn foresee_instruction(&mut self, instruction: &Instruction) -> Foreseen {
        if self.is_restored {
            return Foreseen::default();
        }
        let Auditor { prospects, funds, terms, prices, .. } = self;
        self.desk.foresee(instruction, &mut About { prospects, funds, terms, prices })
    }

    /// What was said of an adjustment was answered, or not; `excused` as of an [`Exchange`].
    pub fn instructed(
        &mut self,
        instruction: &Instruction,
        foreseen: &Foreseen,
        (status, answer): (Option<u16>, &Value),
        excused: bool,
    ) {
        let about = format!("{instruction:?}");
        let still = self.desk.still(instruction, foreseen, &self.funds);
        if let Some((check, why)) = still.judge(status, answer) {
            self.find(check, format!("{about}: {why}; {status:?} {answer}"));
        }
        self.findings.extend(adjustments::fault(status, excused, &about, answer));
        if !self.is_restored {
            let findings = &mut self.findings;
            let mut find = |check, what| findings.push(Finding { check, what });
            self.desk.learn(instruction, status, answer, &mut find);
        }
    }

    /// A request was answered, or not.
    pub fn exchange(&mut self, exchange: &Exchange) {
        if let Some((check, why)) = exchange.foreseen.judge(exchange.status, &exchange.answer) {
            let request = &exchange.request;
            let about = format!("{} {} {}", request.method, request.target, request.body);
            self.find(check, format!("{about}: {why}; {:?} {}", exchange.status, exchange.answer));
        }
        let Exchange { request, foreseen, status, answer, .. } = exchange;
        self.prospects.learn(request, *status, answer);
        self.funds.learn(request, foreseen.changes, *status, answer);
        if exchange.status.is_some_and(|status| (200..300).contains(&status))
            && !exchange.request.is_preview()
        {
            for object in seen::objects(&exchange.answer) {
                self.ever.show(object);
                self.prospects.show(object);
                self.is_closed_at_the_channel(object, exchange);
            }
        }
        if self.is_restored {
            self.seen.forget();
        }
        self.seen.exchange(exchange, &mut self.findings);
    }

    /// Closed is said once nobody can pay any more, not before.
    fn is_closed_at_the_channel(&mut self, object: &Value, exchange: &Exchange) {
        if text(object, "object") != "payment" || text(object, "status") != "closed" {
            return;
        }
        let latest = object.get("latest_attempt").into_iter();
        for attempt in latest.chain(json::list(object, "attempts")) {
            let id = text(attempt, "id");
            if exchange.open_at_channel.iter().any(|number| number == json::bare(id)) {
                self.find("closed at the channel too", format!("{id} can be paid, and shown was {object}"));
            }
        }
    }

    /// What was found so far.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// Looks at everything, after all work is done and nothing fails any more.
    pub fn close(mut self, evidence: &Evidence) -> Vec<Finding> {
        self.adjustments(evidence);
        if self.is_restored {
            self.after_a_restore(evidence);
            return self.findings;
        }
        let findings = &mut self.findings;
        self.desk.all_there(&evidence.adjustments, &mut |check, what| findings.push(Finding { check, what }));
        for merchant in &evidence.merchants {
            let Some(terms) = self.terms.get(&merchant.id).cloned() else {
                self.find("merchants", format!("{} is nobody's", merchant.id));
                continue;
            };
            self.seen.all_there(merchant, &mut self.findings);
            self.payments(merchant, evidence);
            self.refunds(merchant, evidence);
            let moved = Moved::of(&merchant.id, evidence);
            self.balances(merchant, &moved);
            self.lines(merchant, &terms, &moved);
            self.events(merchant);
            self.statements(merchant, &terms);
            self.webhooks(merchant, evidence);
            self.notify_urls(merchant, evidence);
        }
        self.books(evidence);
        self.findings
    }

    pub(crate) fn find(&mut self, check: &'static str, what: String) {
        // The first of a kind tell what is wrong; thousands would hide it.
        if self.findings.iter().filter(|found| found.check == check).count() < 5 {
            self.findings.push(Finding { check, what });
        }
    }

    /// The price that a payment names.
    pub(crate) fn price_of(&self, payment: &Value) -> Option<&FeeTerms> {
        self.prices.get(text(payment, "price_version"))
    }
}
