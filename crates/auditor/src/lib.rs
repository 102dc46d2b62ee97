//! An auditor who trusts nobody. It sees what the outside sees: requests and answers, the objects and lists that the API shows,
//! webhooks as they were received, statements, the channel's own book, and the operator's trial balance. From these it works out
//! by its own arithmetic what must be, and names what is not. It shares no code with the platform, so that a mistake there is
//! not made here again (`tidy` checks that).

mod books;
mod events;
mod fee;
mod json;
mod lines;
mod payments;
mod refunds;
mod seen;
mod statements;
mod webhooks;

pub use fee::{FeeTerms, RefundFee};

use json::text;
use seen::Seen;
use serde_json::Value;
use std::collections::BTreeMap;

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

/// A request and what came of it.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// Who asked.
    pub merchant: String,
    /// GET, POST, …
    pub method: &'static str,
    /// Path and query.
    pub target: String,
    /// The idempotency key.
    pub key: Option<String>,
    /// The body sent.
    pub body: Value,
    /// The HTTP status; `None` when no answer came.
    pub status: Option<u16>,
    /// The body received.
    pub answer: Value,
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
    /// It never said that it wants no more, and is not disabled.
    pub listens: bool,
    /// Events from this number in the list on were made when it existed.
    pub since: usize,
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
    /// The channel's book.
    pub trades: Vec<TradeEvidence>,
    /// The operator's trial balance.
    pub trial: Vec<TrialRow>,
    /// All webhooks received.
    pub delivered: Vec<Delivered>,
}

/// See the crate.
pub struct Auditor {
    terms: BTreeMap<String, Terms>,
    prices: BTreeMap<String, FeeTerms>,
    cost: FeeTerms,
    seen: Seen,
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

    /// A request was answered, or not.
    pub fn exchange(&mut self, exchange: &Exchange) {
        self.seen.exchange(exchange, &mut self.findings);
    }

    /// What was found so far.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// Looks at everything, after all work is done and nothing fails any more.
    pub fn close(mut self, evidence: &Evidence) -> Vec<Finding> {
        for merchant in &evidence.merchants {
            let Some(terms) = self.terms.get(&merchant.id).cloned() else {
                self.find("merchants", format!("{} is nobody's", merchant.id));
                continue;
            };
            self.seen.all_there(merchant, &mut self.findings);
            self.payments(merchant, evidence);
            self.refunds(merchant, evidence);
            self.balances(merchant);
            self.lines(merchant, &terms);
            self.events(merchant);
            self.statements(merchant, &terms);
            self.webhooks(merchant, evidence);
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
