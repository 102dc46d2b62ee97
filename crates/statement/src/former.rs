//! A day in the making: takes a merchant's postings in order, answers their lines, and knows in the end what they came to. The
//! same walk forms a statement and makes its files again.

use crate::cell::Line;
use crate::flow::Flow;
use crate::jsonl::json_line;
use crate::trade;
use domain::id::MerchantId;
use domain::rows::Transaction;
use domain::statement::{FlowTotal, Kind, Orders, Statement, Totals, TradeTotal};
use money::Currency;
use std::collections::BTreeMap;

/// Whose lines, of which kind, in which columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scope {
    /// The merchant.
    pub merchant: MerchantId,
    /// Which lines.
    pub kind: Kind,
    /// The columns.
    pub schema: u16,
}

/// Why a day can't be formed. None of them is the merchant's doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// A line's payment or refund is not there.
    #[error("a line's payment or refund is missing")]
    OrderMissing,
    /// A sum leaves the range of 64 bits.
    #[error("a sum of the day leaves the range")]
    Range,
}

/// What a day came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Formed {
    /// Its lines.
    pub line_count: i64,
    /// What they sum to.
    pub totals: Totals,
    /// SHA-256 of its JSON Lines file.
    pub sha256: [u8; 32],
}

impl Formed {
    /// Whether it is what a statement says.
    pub fn is(&self, statement: &Statement) -> bool {
        self.line_count == statement.line_count
            && self.totals == statement.totals
            && self.sha256 == statement.sha256
    }
}

enum Sums {
    Trade(BTreeMap<&'static str, TradeTotal>),
    Flow(Flow, BTreeMap<&'static str, FlowTotal>),
}

/// The walk.
pub struct Former {
    scope: Scope,
    sums: Sums,
    line_count: i64,
    hash: crypto::Sha256,
}

impl Former {
    /// Begins a day. `opening` is what the merchant's accounts held, by currency; a trade statement asks for none.
    pub fn new(scope: Scope, opening: &[(Currency, i64)]) -> Former {
        let opened =
            |(currency, minor): &(Currency, i64)| (currency.code(), FlowTotal::opened(*currency, *minor));
        let sums = match scope.kind {
            Kind::Trade => Sums::Trade(BTreeMap::new()),
            Kind::FundFlow => Sums::Flow(Flow::default(), opening.iter().map(opened).collect()),
        };
        Former { scope, sums, line_count: 0, hash: crypto::Sha256::default() }
    }

    /// Begins the day of a statement again.
    pub fn again(statement: &Statement) -> Former {
        let opening = statement.totals.openings();
        let Statement { merchant, kind, schema, .. } = *statement;
        Former::new(Scope { merchant, kind, schema }, &opening)
    }

    /// Takes the next posting of the merchant; answers its lines.
    ///
    /// # Errors
    /// [`Fault`].
    pub fn take(&mut self, seq: i64, transaction: &Transaction, orders: &Orders) -> Result<Vec<Line>, Fault> {
        let scope = self.scope;
        let lines = match &mut self.sums {
            Sums::Trade(totals) => trade::lines(&scope, seq, transaction, orders, |currency, sums| {
                let total = totals.entry(currency.code()).or_insert_with(|| TradeTotal::empty(currency));
                trade::add(total, sums)
            })?,
            Sums::Flow(flow, totals) => {
                flow.lines(&scope, seq, transaction, orders, |currency, category, minor| {
                    let total =
                        totals.entry(currency.code()).or_insert_with(|| FlowTotal::opened(currency, 0));
                    total.add(category, minor).ok_or(Fault::Range)
                })?
            }
        };
        self.note(&lines);
        Ok(lines)
    }

    /// Ends the day; answers the lines that close it, and what it came to.
    pub fn finish(mut self) -> (Vec<Line>, Formed) {
        let closings = match &self.sums {
            Sums::Trade(_) => Vec::new(),
            Sums::Flow(flow, _) => flow.closings(),
        };
        self.note(&closings);
        let totals = match self.sums {
            Sums::Trade(totals) => Totals::Trade(totals.into_values().collect()),
            Sums::Flow(_, totals) => {
                let is_empty = |row: &FlowTotal| row.movements == 0 && row.opening_minor == 0;
                Totals::FundFlow(totals.into_values().filter(|row| !is_empty(row)).collect())
            }
        };
        (closings, Formed { line_count: self.line_count, totals, sha256: self.hash.finish() })
    }

    fn note(&mut self, lines: &[Line]) {
        for line in lines {
            self.hash.update(&json_line(self.scope.kind, self.scope.schema, line));
        }
        self.line_count += i64::try_from(lines.len()).unwrap_or(i64::MAX);
    }
}
