//! Lines of a fund flow: every line of the merchant's accounts; before an account's first one what it held, and at the end what
//! each account that moved holds.

use crate::cell::{Cell, Line};
use crate::former::{Fault, Scope};
use crate::words::{self, LineType};
use domain::id::{PaymentId, RefundId};
use domain::rows::Transaction;
use domain::statement::Orders;
use ledger::{AccountKey, Bucket, Category, Day};
use money::{Amount, Currency};
use std::collections::BTreeMap;
use wire::{IdText, LineFacts, LinePosition};

/// What an account that moved holds. Accounts of objects (of an escrow, of a payout) carry no balance in their lines and are not
/// among them.
struct Account {
    bucket: Bucket,
    available_on: Option<Day>,
    balance: Amount,
}

/// The accounts that moved so far.
#[derive(Default)]
pub struct Flow {
    accounts: BTreeMap<AccountKey, Account>,
}

impl Flow {
    /// The lines of a posting; each movement is counted in its currency's totals.
    pub fn lines(
        &mut self,
        scope: &Scope,
        seq: i64,
        transaction: &Transaction,
        orders: &Orders,
        mut count: impl FnMut(Currency, Category, i64) -> Result<(), Fault>,
    ) -> Result<Vec<Line>, Fault> {
        let mut lines = Vec::with_capacity(4);
        for (place, entry) in (0_i64..).zip(&transaction.entries) {
            if entry.merchant != Some(scope.merchant) {
                continue;
            }
            let facts = LineFacts {
                position: LinePosition { shard: scope.merchant.0.shard(), seq, line: place },
                kind: transaction.kind,
                source: transaction.source,
                posted_at_us: transaction.posted_at_us,
                entry,
            };
            // Unclaimed money of a closed merchant is no part of its balance.
            let Some(bucket) = facts.bucket() else { continue };
            count(entry.account.currency, entry.category, facts.gain().minor())?;
            lines.extend(self.opening(&facts, bucket)?);
            lines.push(movement(&facts, bucket, orders));
        }
        Ok(lines)
    }

    /// Notes an account's balance; before its first movement, the line that opens it.
    fn opening(&mut self, facts: &LineFacts<'_>, bucket: Bucket) -> Result<Option<Line>, Fault> {
        let Some(balance) = facts.balance_after() else { return Ok(None) };
        if let Some(account) = self.accounts.get_mut(&facts.entry.account) {
            account.balance = balance;
            return Ok(None);
        }
        let opening_minor = balance.minor().checked_sub(facts.gain().minor()).ok_or(Fault::Range)?;
        let opening = Amount::new(opening_minor, balance.currency());
        let account = Account { bucket, available_on: facts.available_on(), balance };
        let line = standing(LineType::Opening, &account, opening);
        self.accounts.insert(facts.entry.account, account);
        Ok(Some(line))
    }

    /// What every account that moved holds, in order of the accounts.
    pub fn closings(&self) -> Vec<Line> {
        let accounts = self.accounts.values();
        accounts.map(|account| standing(LineType::Closing, account, account.balance)).collect()
    }
}

/// A line that moves nothing: cells in the order of the columns.
fn standing(line_type: LineType, account: &Account, balance: Amount) -> Line {
    vec![
        Cell::Word(line_type.word()),
        Cell::Empty,
        Cell::Word(words::bucket(account.bucket)),
        account.available_on.map_or(Cell::Empty, Cell::Day),
        Cell::Code(balance.currency().code()),
        Cell::Empty,
        Cell::Empty,
        Cell::Money(balance),
        Cell::Empty,
        Cell::Empty,
        Cell::Empty,
        Cell::Empty,
        Cell::Empty,
    ]
}

/// Cells in the order of the columns.
fn movement(facts: &LineFacts<'_>, bucket: Bucket, orders: &Orders) -> Line {
    let refund = orders.refunds.get(&RefundId(facts.source));
    let payment = refund.map_or(PaymentId(facts.source), |refund| refund.payment);
    let order = orders.payments.get(&payment);
    vec![
        Cell::Word(LineType::Movement.word()),
        Cell::Time(facts.posted_at_us),
        Cell::Word(words::bucket(bucket)),
        facts.available_on().map_or(Cell::Empty, Cell::Day),
        Cell::Code(facts.entry.account.currency.code()),
        Cell::Word(words::category(facts.entry.category)),
        Cell::Money(facts.gain()),
        facts.balance_after().map_or(Cell::Empty, Cell::Money),
        Cell::text(order.map(|order| order.merchant_order_no.as_str())),
        Cell::text(refund.and_then(|refund| refund.merchant_refund_no.as_deref())),
        Cell::id(facts.source()),
        Cell::Id(facts.transaction()),
        Cell::Id(IdText::of(facts.id())),
    ]
}
