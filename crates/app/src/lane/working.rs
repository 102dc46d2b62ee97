//! The working set of a batch: rows as read, changed by each accepted decision in order, and everything that the commit will
//! write. A decision is applied whole or not at all.

use crate::config::MerchantConfig;
use domain::Uid;
use domain::decide::{Booking, Changes, Facts, start_of_day_us};
use domain::id::{Id, MerchantId, Shard, World};
use domain::merchant::Head;
use domain::rejection::Rejection;
use domain::rows::{Balance, Entry, IdempotencyRow, Rows, Transaction};
use ledger::{Account, AccountKey, Day, Keeping, Line};
use std::collections::HashMap;
use std::hash::Hash;
use store::{BalanceWrite, WriteSet};

/// Remembers, per row that changed, the sequence it had when it was read; `None` for a new row.
struct Touched<K>(HashMap<K, Option<i64>>);

impl<K> Default for Touched<K> {
    fn default() -> Self {
        Touched(HashMap::new())
    }
}

impl<K: Copy + Eq + Hash> Touched<K> {
    fn note(&mut self, key: K, read_sequence: Option<i64>) {
        self.0.entry(key).or_insert(read_sequence);
    }

    /// Splits rows into new ones and changed ones with what is expected of them, in key order.
    fn split<V>(self, rows: &mut HashMap<K, V>) -> (Vec<V>, Vec<(i64, V)>)
    where
        K: Ord,
    {
        let mut keys: Vec<(K, Option<i64>)> = self.0.into_iter().collect();
        keys.sort_by_key(|(key, _)| *key);
        let (mut new, mut changed) = (Vec::new(), Vec::new());
        for (key, expected) in keys {
            match (rows.remove(&key), expected) {
                (Some(row), None) => new.push(row),
                (Some(row), Some(sequence)) => changed.push((sequence, row)),
                (None, _) => {}
            }
        }
        (new, changed)
    }
}

/// What a balance was when it was read, and whose it is.
struct TouchedBalance {
    before: Option<Balance>,
    merchant: MerchantId,
    floor_minor: i64,
    matures_at_us: Option<i64>,
}

/// A batch in the making.
pub(super) struct Working {
    pub rows: Rows,
    shard: Shard,
    payments: Touched<domain::id::PaymentId>,
    attempts: Touched<domain::id::AttemptId>,
    captures: Touched<domain::id::CaptureId>,
    refunds: Touched<domain::id::RefundId>,
    adjustments: Touched<domain::id::AdjustmentId>,
    arrivals: Touched<domain::id::AdjustmentId>,
    heads: Touched<MerchantId>,
    balances: HashMap<AccountKey, TouchedBalance>,
    deltas: HashMap<AccountKey, i64>,
    transactions: Vec<Transaction>,
    pub events: Vec<domain::event::Event>,
    idempotency: Vec<IdempotencyRow>,
    pub new_open_day: Option<Day>,
}

impl Working {
    pub fn new(rows: Rows, shard: Shard) -> Working {
        Working {
            rows,
            shard,
            payments: Touched::default(),
            attempts: Touched::default(),
            captures: Touched::default(),
            refunds: Touched::default(),
            adjustments: Touched::default(),
            arrivals: Touched::default(),
            heads: Touched::default(),
            balances: HashMap::new(),
            deltas: HashMap::new(),
            transactions: Vec::new(),
            events: Vec::new(),
            idempotency: Vec::new(),
            new_open_day: None,
        }
    }

    /// Applies one decision. Everything that can refuse comes before the first change.
    pub fn apply(
        &mut self,
        changes: Changes,
        facts: &Facts<'_>,
        config: &MerchantConfig,
    ) -> Result<(), Rejection> {
        let booked = self.book(&changes.bookings, facts, config)?;
        self.roll_business_day(&changes, facts);
        for transaction in booked.transactions {
            self.transactions.push(transaction);
        }
        for (key, balance, touched) in booked.balances {
            self.rows.balances.insert(key, balance);
            self.balances.entry(key).or_insert(touched);
        }
        for (key, delta_minor) in booked.deltas {
            *self.deltas.entry(key).or_insert(0) += delta_minor;
        }
        for payment in changes.payments {
            let before = self.rows.payments.get(&payment.id).map(|p| p.sequence);
            self.payments.note(payment.id, before);
            let number = (payment.merchant, payment.merchant_order_no.clone());
            if before.is_none() {
                self.rows.order_nos.insert(number, payment.id);
            }
            self.rows.payments.insert(payment.id, payment);
        }
        for attempt in changes.attempts {
            self.attempts.note(attempt.id, self.rows.attempts.get(&attempt.id).map(|a| a.sequence));
            self.rows.attempts.insert(attempt.id, attempt);
        }
        for capture in changes.captures {
            self.captures.note(capture.id, self.rows.captures.get(&capture.id).map(|c| c.sequence));
            self.rows.captures.insert(capture.id, capture);
        }
        for refund in changes.refunds {
            let before = self.rows.refunds.get(&refund.id).map(|r| r.sequence);
            self.refunds.note(refund.id, before);
            if let (None, Some(number)) = (before, &refund.merchant_refund_no) {
                self.rows.refund_nos.insert((refund.merchant, number.clone()), refund.id);
            }
            self.rows.refunds.insert(refund.id, refund);
        }
        for adjustment in changes.adjustments {
            let before = self.rows.adjustments.get(&adjustment.id).map(|a| a.sequence);
            self.adjustments.note(adjustment.id, before);
            self.rows.adjustments.insert(adjustment.id, adjustment);
        }
        for arrival in changes.arrivals {
            self.arrivals.note(arrival.adjustment, None);
            self.rows.arrivals.insert(arrival.adjustment, arrival);
        }
        for head in changes.heads {
            self.change_head(head);
        }
        Ok(())
    }

    /// The idempotency row of an accepted or refused command.
    pub fn remember(&mut self, row: IdempotencyRow) {
        if let Some(nonce) = row.nonce {
            self.rows.nonces.insert(nonce);
        }
        self.rows.idempotency.insert((row.merchant, row.key_hash), row.clone());
        self.idempotency.push(row);
    }

    fn change_head(&mut self, head: Head) {
        self.heads.note(head.merchant, self.rows.heads.get(&head.merchant).map(|h| h.sequence));
        self.rows.heads.insert(head.merchant, head);
    }

    /// The first booking of a merchant's day moves the day in its head.
    fn roll_business_day(&mut self, changes: &Changes, facts: &Facts<'_>) {
        let Some(head) = self.rows.heads.get(&facts.merchant.id) else { return };
        if changes.bookings.is_empty() || head.business_day >= facts.today {
            return;
        }
        let rolled = Head { business_day: facts.today, sequence: head.sequence + 1, ..head.clone() };
        self.change_head(rolled);
    }

    fn book(
        &self,
        bookings: &[Booking],
        facts: &Facts<'_>,
        config: &MerchantConfig,
    ) -> Result<Booked, Rejection> {
        let mut booked = Booked::default();
        for booking in bookings {
            let mut entries = Vec::with_capacity(booking.posting.lines.len());
            for line in &booking.posting.lines {
                entries.push(self.entry(line, booking, facts, config, &mut booked)?);
            }
            booked.transactions.push(Transaction {
                kind: booking.posting.kind,
                source: booking.source,
                merchant: facts.merchant.id,
                posted_at_us: facts.now_us,
                booked_on: self.booking_day(facts),
                corrects: booking.posting.corrects.map(Uid),
                entries,
            });
        }
        Ok(booked)
    }

    /// Live books on the shard's open day, a sandbox merchant on its own.
    fn booking_day(&self, facts: &Facts<'_>) -> Day {
        match self.shard.world() {
            World::Live => self.rows.open_day,
            World::Sandbox => facts.today,
        }
    }

    fn entry(
        &self,
        line: &Line,
        booking: &Booking,
        facts: &Facts<'_>,
        config: &MerchantConfig,
        booked: &mut Booked,
    ) -> Result<Entry, Rejection> {
        let key = line.account.key(booking.posting.currency);
        let mut entry = Entry {
            account: key,
            amount_minor: line.amount_minor,
            category: line.category,
            merchant: line.merchant.map(|reference| MerchantId::from_uid(Uid(reference))),
            account_seq: None,
            balance_after_minor: None,
        };
        match line.account.keeping() {
            Keeping::Delta => booked.deltas.push((key, line.amount_minor)),
            Keeping::Object => {}
            Keeping::Chained => {
                let after = self.chained(line, key, facts, config, booked)?;
                entry.account_seq = Some(after.account_seq);
                entry.balance_after_minor = Some(after.amount_minor);
            }
        }
        Ok(entry)
    }

    /// One line on a chained account: the floor is checked here on the working set, and by the database once more.
    fn chained(
        &self,
        line: &Line,
        key: AccountKey,
        facts: &Facts<'_>,
        config: &MerchantConfig,
        booked: &mut Booked,
    ) -> Result<Balance, Rejection> {
        let earlier = booked.balances.iter().position(|(k, ..)| *k == key);
        let before = match earlier.and_then(|at| booked.balances.get(at)) {
            Some((_, balance, _)) => *balance,
            None => self.rows.balances.get(&key).copied().unwrap_or_default(),
        };
        let amount_minor =
            before.amount_minor.checked_add(line.natural_minor()).ok_or(Rejection::AmountTooLarge)?;
        let floor_minor = self.floor_minor(&line.account, facts.merchant.id).min(before.amount_minor);
        if amount_minor < floor_minor {
            return Err(Rejection::Defect { what: format!("{} would fall to {amount_minor}", line.account) });
        }
        let after = Balance { amount_minor, account_seq: before.account_seq + 1 };
        match earlier.and_then(|at| booked.balances.get_mut(at)) {
            Some(slot) => slot.1 = after,
            None => {
                let touched = TouchedBalance {
                    before: self.rows.balances.get(&key).copied(),
                    merchant: facts.merchant.id,
                    floor_minor,
                    matures_at_us: matures_at_us(&line.account, config),
                };
                booked.balances.push((key, after, touched));
            }
        }
        Ok(after)
    }

    fn floor_minor(&self, account: &Account, merchant: MerchantId) -> i64 {
        match account.floor() {
            ledger::Floor::Zero => 0,
            ledger::Floor::CreditLine => {
                -self.rows.heads.get(&merchant).map_or(0, |head| head.credit_line_minor)
            }
            ledger::Floor::None | ledger::Floor::Alarm => i64::MIN,
        }
    }

    /// True when nothing is to be written.
    pub fn is_clean(&self) -> bool {
        self.payments.0.is_empty()
            && self.attempts.0.is_empty()
            && self.captures.0.is_empty()
            && self.refunds.0.is_empty()
            && self.adjustments.0.is_empty()
            && self.arrivals.0.is_empty()
            && self.heads.0.is_empty()
            && self.transactions.is_empty()
            && self.events.is_empty()
            && self.idempotency.is_empty()
            && self.new_open_day.is_none()
    }

    /// Everything to be written, in key order.
    pub fn into_write_set(mut self, batch: u128, at_us: i64) -> WriteSet {
        let (new_payments, payments) = self.payments.split(&mut self.rows.payments);
        let (new_attempts, attempts) = self.attempts.split(&mut self.rows.attempts);
        let (new_captures, captures) = self.captures.split(&mut self.rows.captures);
        let (new_refunds, refunds) = self.refunds.split(&mut self.rows.refunds);
        let (new_adjustments, adjustments) = self.adjustments.split(&mut self.rows.adjustments);
        let (arrivals, _) = self.arrivals.split(&mut self.rows.arrivals);
        let (_, heads) = self.heads.split(&mut self.rows.heads);
        let mut balances: Vec<BalanceWrite> = Vec::with_capacity(self.balances.len());
        for (key, touched) in self.balances {
            if let Some(after) = self.rows.balances.get(&key).copied() {
                let TouchedBalance { before, merchant, floor_minor, matures_at_us } = touched;
                balances.push(BalanceWrite { key, merchant, before, after, floor_minor, matures_at_us });
            }
        }
        balances.sort_by_key(|write| write.key);
        let mut deltas: Vec<(AccountKey, i64)> =
            self.deltas.into_iter().filter(|(_, delta)| *delta != 0).collect();
        deltas.sort_by_key(|(key, _)| *key);
        WriteSet {
            batch,
            at_us,
            open_day: self.rows.open_day,
            idempotency: self.idempotency,
            new_payments,
            payments,
            new_attempts,
            attempts,
            new_captures,
            captures,
            new_refunds,
            refunds,
            new_adjustments,
            adjustments,
            arrivals,
            heads,
            transactions: self.transactions,
            balances,
            deltas,
            events: self.events,
            new_open_day: self.new_open_day,
        }
    }
}

/// When a 2010 account matures: 00:00 of its day in the merchant's zone.
fn matures_at_us(account: &Account, config: &MerchantConfig) -> Option<i64> {
    match account {
        Account::MerchantPending { available_on, .. } => Some(start_of_day_us(*available_on, &config.zone)),
        _ => None,
    }
}

/// The ledger part of one decision, computed before anything changes.
#[derive(Default)]
struct Booked {
    transactions: Vec<Transaction>,
    balances: Vec<(AccountKey, Balance, TouchedBalance)>,
    deltas: Vec<(AccountKey, i64)>,
}
