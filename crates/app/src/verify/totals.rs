//! What `--full` adds up from the first line on, to be compared with every row that keeps a sum.

use super::difference::{Broken, Difference, name_of};
use domain::id::{Id, MerchantId, PaymentId, RefundId, Shard, Uid};
use domain::rows::Transaction;
use ledger::{Account, AccountKey, Category, Keeping, PostingKind};
use std::collections::{BTreeSet, HashMap};
use store::reads::StoredTransaction;

/// The code of the account between two halves.
const BETWEEN_SHARDS: u16 = 1920;

/// Sums over the journal so far. Memory grows with accounts, payments and refunds, not with lines.
#[derive(Debug, Default)]
pub(super) struct Totals {
    /// Accounts whose balance is kept by deltas, debit positive.
    pub(super) deltas: HashMap<AccountKey, i64>,
    /// Accounts whose balance is a column of their object, debit positive; those at zero are left out.
    pub(super) objects: HashMap<AccountKey, i64>,
    pub(super) payments: HashMap<PaymentId, PaymentSums>,
    pub(super) refunds: HashMap<RefundId, RefundSums>,
    /// Lines on 1920 by what caused them, with the merchant under whose root each was booked, in order.
    pub(super) between: HashMap<Uid, Vec<Half>>,
    platform: Option<PlatformMatch>,
}

/// A line on 1920: where, how much, and under whose root.
pub(super) type Half = (AccountKey, i64, MerchantId);

/// What the lines say of a payment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct PaymentSums {
    pub(super) captured_minor: i64,
    pub(super) fee_minor: i64,
    /// Its row was met.
    pub(super) met: bool,
}

/// What the lines say of a refund.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct RefundSums {
    pub(super) fee_returned_minor: i64,
    pub(super) fee_charged_minor: i64,
    /// What the channel took, credited to 1110.
    pub(super) taken_minor: i64,
    /// Its row was met.
    pub(super) met: bool,
}

fn add(sum: &mut i64, amount_minor: i64) {
    // A journal that reaches the end of 64 bits is wrong by any measure; it must not stop the search for why.
    *sum = sum.saturating_add(amount_minor);
}

impl Totals {
    /// Takes the next transaction.
    pub(super) fn take(&mut self, stored: &StoredTransaction) {
        let mut touched = Vec::new();
        for entry in &stored.transaction.entries {
            let key = entry.account;
            match Account::from_key(&key).map(|account| account.keeping()) {
                Some(Keeping::Delta) => {
                    add(self.deltas.entry(key).or_default(), entry.amount_minor);
                    touched.push(key);
                }
                Some(Keeping::Object) => {
                    let sum = self.objects.entry(key).or_default();
                    add(sum, entry.amount_minor);
                    if *sum == 0 {
                        self.objects.remove(&key);
                    }
                }
                Some(Keeping::Chained) | None => {}
            }
        }
        self.take_between(stored);
        self.take_object(stored);
        if let Some(platform) = &mut self.platform {
            platform.moved(&self.deltas, &touched);
        }
    }

    fn take_object(&mut self, stored: &StoredTransaction) {
        let source = stored.transaction.source;
        match stored.transaction.kind {
            PostingKind::PaymentSucceeded => self.take_sale(PaymentId::from_uid(source), stored),
            PostingKind::RefundAccepted
            | PostingKind::RefundTaken
            | PostingKind::RefundFailed
            | PostingKind::RefundFailedLate => self.take_refund(RefundId::from_uid(source), stored),
            PostingKind::PaymentHeld => self.take_held(source, stored),
            // They move accounts of objects (2130, 2910, 9010), which are summed by account, or no object at all.
            PostingKind::Authorized
            | PostingKind::AuthorizationReleased
            | PostingKind::PaymentNotKept
            | PostingKind::HeldReturned
            | PostingKind::Matured
            | PostingKind::DebtRecovered
            | PostingKind::Adjusted
            | PostingKind::Reversed => {}
        }
    }

    fn take_sale(&mut self, payment: PaymentId, stored: &StoredTransaction) {
        let sums = self.payments.entry(payment).or_default();
        for entry in stored.transaction.entries.iter().filter(|entry| entry.merchant.is_some()) {
            match entry.category {
                Category::Payment => add(&mut sums.captured_minor, entry.amount_minor.saturating_neg()),
                Category::Fee => add(&mut sums.fee_minor, entry.amount_minor),
                _ => {}
            }
        }
    }

    /// Held under its own attempt, money was never refunded. Under another number it is a refund of the platform's own that came
    /// back: what the channel had taken for it is on 1110 again.
    fn take_held(&mut self, source: Uid, stored: &StoredTransaction) {
        let entries = &stored.transaction.entries;
        if entries.iter().any(|entry| entry.account.code == 2910 && entry.account.dim == source.0) {
            return;
        }
        let sums = self.refunds.entry(RefundId::from_uid(source)).or_default();
        for entry in entries.iter().filter(|entry| entry.account.code == 1110) {
            add(&mut sums.taken_minor, entry.amount_minor.saturating_neg());
        }
    }

    /// Whatever kind it is of: a line on 1920 is one half of something.
    fn take_between(&mut self, stored: &StoredTransaction) {
        let Transaction { source, merchant, entries, .. } = &stored.transaction;
        for entry in entries.iter().filter(|entry| entry.account.code == BETWEEN_SHARDS) {
            let lines = self.between.entry(*source).or_default();
            lines.push((entry.account, entry.amount_minor, *merchant));
            lines.sort_unstable();
        }
    }

    fn take_refund(&mut self, refund: RefundId, stored: &StoredTransaction) {
        let sums = self.refunds.entry(refund).or_default();
        for entry in &stored.transaction.entries {
            match (entry.category, entry.merchant.is_some()) {
                (Category::FeeRefund, true) => {
                    add(&mut sums.fee_returned_minor, entry.amount_minor.saturating_neg())
                }
                (Category::RefundFee, true) => add(&mut sums.fee_charged_minor, entry.amount_minor),
                (Category::Refund, false) if entry.account.code == 1110 => {
                    add(&mut sums.taken_minor, entry.amount_minor.saturating_neg());
                }
                _ => {}
            }
        }
    }

    /// Hands in the platform's balance rows, read after the walk came to its end.
    pub(super) fn expect_platform(&mut self, rows: Vec<(AccountKey, i64)>) {
        self.platform = Some(PlatformMatch::new(rows, &self.deltas));
    }

    /// Whether the rows were those of some moment since they were handed in.
    pub(super) fn platform_met(&self, shard: Shard) -> Result<(), Difference> {
        let Some(nearest) = self.platform.as_ref().and_then(|platform| platform.nearest.as_ref()) else {
            return Ok(());
        };
        let Nearest { key, row_minor, sum_minor, .. } = nearest;
        let sentence = format!(
            "platform balance {} says {row_minor} (debit above zero), its lines sum to {sum_minor}",
            name_of(key),
        );
        Err(Difference { broken: Broken::Balance, shard, sentence })
    }
}

/// Platform rows carry no number of a line, and the journal moves while they are read: they must equal the sums at one
/// moment between their read and the end of the walk after it.
#[derive(Debug)]
struct PlatformMatch {
    rows: HashMap<AccountKey, i64>,
    off: BTreeSet<AccountKey>,
    /// `None` once all rows were met.
    nearest: Option<Nearest>,
    met: bool,
}

/// The moment at which the fewest rows were off, and the first of them.
#[derive(Debug)]
struct Nearest {
    off: usize,
    key: AccountKey,
    row_minor: i64,
    sum_minor: i64,
}

impl PlatformMatch {
    fn new(rows: Vec<(AccountKey, i64)>, sums: &HashMap<AccountKey, i64>) -> PlatformMatch {
        let rows: HashMap<AccountKey, i64> = rows.into_iter().collect();
        let keys: Vec<AccountKey> = rows.keys().chain(sums.keys()).copied().collect();
        let mut made = PlatformMatch { rows, off: BTreeSet::new(), nearest: None, met: false };
        made.moved(sums, &keys);
        made
    }

    fn moved(&mut self, sums: &HashMap<AccountKey, i64>, keys: &[AccountKey]) {
        if self.met {
            return;
        }
        for key in keys {
            if value(&self.rows, key) == value(sums, key) {
                self.off.remove(key);
            } else {
                self.off.insert(*key);
            }
        }
        let is_nearer = self.nearest.as_ref().is_none_or(|nearest| self.off.len() < nearest.off);
        if !is_nearer {
            return;
        }
        self.met = self.off.is_empty();
        self.nearest = self.off.first().map(|key| Nearest {
            off: self.off.len(),
            key: *key,
            row_minor: value(&self.rows, key),
            sum_minor: value(sums, key),
        });
    }
}

/// An absent account is zero.
fn value(of: &HashMap<AccountKey, i64>, key: &AccountKey) -> i64 {
    of.get(key).copied().unwrap_or(0)
}
