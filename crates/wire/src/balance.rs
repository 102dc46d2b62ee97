//! Balances, their lines, and the lines of one object's ledger.

use crate::text::{IdText, Instant, Money};
use domain::id::{
    AdjustmentId, AttemptId, BalanceTransactionId, MerchantId, PaymentId, RefundId, Shard, World,
};
use domain::rows::Entry;
use domain::{Id, Uid};
use ledger::{Account, Bucket, Day, PostingKind, Side};
use money::Amount;
use serde::Serialize;
use utoipa::ToSchema;

/// A merchant's money in one currency.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Balance)]
pub struct BalanceObject {
    /// `balance`
    pub object: &'static str,
    /// `live` or `sandbox`.
    pub world: &'static str,
    /// Whose it is.
    pub merchant: IdText,
    /// ISO 4217.
    pub currency: &'static str,
    /// Earned, not matured.
    pub pending: Money,
    /// May be paid out.
    pub available: Money,
    /// Kept as a reserve.
    pub reserved: Money,
    /// Held until delivery.
    pub escrow: Money,
    /// Waiting to be split.
    pub split_hold: Money,
    /// Frozen.
    pub blocked: Money,
    /// Payouts under way.
    pub in_transit: Money,
    /// What the merchant owes, as positive debt.
    pub owed: Money,
    /// The moment of this reading, business time.
    pub updated_at: Instant,
}

/// Where a line stands in the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinePosition {
    /// The journal's shard.
    pub shard: Shard,
    /// Number of its transaction, below 2^46.
    pub seq: i64,
    /// Its place in the transaction, below 2^16.
    pub line: i64,
}

/// The id of a journal line: derived, so that no row stores it. It is shaped as every other id: 48 bits of the posting's
/// business time in milliseconds, the shard, then `seq` (46 bits) and line (16 bits) in the tail.
pub fn line_id(at: LinePosition, posted_at_us: i64) -> BalanceTransactionId {
    let at_ms = u64::try_from(posted_at_us.div_euclid(1_000)).unwrap_or(0) & 0xffff_ffff_ffff;
    let seq = u64::try_from(at.seq).unwrap_or(0);
    let line = u64::try_from(at.line).unwrap_or(0) & 0xffff;
    BalanceTransactionId(Uid::new(at_ms, at.shard, (seq << 16) | line))
}

/// The way back from an id to the line's place.
pub fn line_position(id: BalanceTransactionId) -> LinePosition {
    let value = u128::from_be_bytes(id.0.0) & 0x3fff_ffff_ffff_ffff;
    LinePosition {
        shard: id.0.shard(),
        seq: i64::try_from(value >> 16).unwrap_or(0),
        line: i64::try_from(value & 0xffff).unwrap_or(0),
    }
}

/// A stored line of a merchant with the head of its transaction.
#[derive(Debug, Clone, Copy)]
pub struct LineFacts<'a> {
    /// Where it stands.
    pub position: LinePosition,
    /// The template that made its transaction.
    pub kind: PostingKind,
    /// What caused it.
    pub source: Uid,
    /// Business time, microseconds.
    pub posted_at_us: i64,
    /// The line itself.
    pub entry: &'a Entry,
}

impl LineFacts<'_> {
    fn account(&self) -> Option<Account> {
        Account::from_key(&self.entry.account)
    }

    /// The line's id.
    pub fn id(&self) -> BalanceTransactionId {
        line_id(self.position, self.posted_at_us)
    }

    /// The part of the merchant's balance that it moves; `None` for a line that is no part of it.
    pub fn bucket(&self) -> Option<Bucket> {
        self.account().and_then(|account| account.bucket())
    }

    /// The business day on which a pending line matures.
    pub fn available_on(&self) -> Option<Day> {
        self.account().filter(|account| account.bucket() == Some(Bucket::Pending))?.day()
    }

    /// What the merchant gains by it.
    pub fn gain(&self) -> Amount {
        Amount::new(self.entry.amount_minor.saturating_neg(), self.entry.account.currency)
    }

    /// The account's balance after it, debt below zero: stored in the account's natural sign, shown as the merchant's gain.
    pub fn balance_after(&self) -> Option<Amount> {
        let (account, minor) = (self.account()?, self.entry.balance_after_minor?);
        let shown_minor = match account.normal() {
            Side::Debit => minor.saturating_neg(),
            Side::Credit => minor,
        };
        Some(Amount::new(shown_minor, self.entry.account.currency))
    }

    /// The number that all lines of one posting share.
    pub fn transaction(&self) -> IdText {
        let whole = LinePosition { line: 0, ..self.position };
        IdText::with_prefix("txn_", line_id(whole, self.posted_at_us).uid())
    }

    /// The payment for gross and fee, the refund for all of a refund's lines, the adjustment for money moved between merchants;
    /// null where no object caused it (maturity).
    pub fn source(&self) -> Option<IdText> {
        match self.kind {
            PostingKind::Authorized | PostingKind::AuthorizationReleased | PostingKind::PaymentSucceeded => {
                Some(IdText::of(PaymentId(self.source)))
            }
            PostingKind::RefundAccepted
            | PostingKind::RefundTaken
            | PostingKind::RefundFailed
            | PostingKind::RefundFailedLate
            | PostingKind::PaymentNotKept
            | PostingKind::HeldReturned => Some(IdText::of(RefundId(self.source))),
            PostingKind::PaymentHeld => Some(IdText::of(AttemptId(self.source))),
            PostingKind::Adjusted => Some(IdText::of(AdjustmentId(self.source))),
            PostingKind::Matured | PostingKind::DebtRecovered | PostingKind::Reversed => None,
        }
    }
}

/// One line of a merchant's balance. Immutable.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = BalanceTransaction)]
pub struct BalanceTransactionObject {
    /// Its id.
    pub id: IdText,
    /// `balance_transaction`
    pub object: &'static str,
    /// `live` or `sandbox`.
    pub world: &'static str,
    /// Whose it is.
    pub merchant: IdText,
    /// payment, fee, refund, fee_refund, refund_fee, maturity, debt_recovery, reserve, split, escrow_release,
    /// split_unfreeze, block, payout, dispute or adjustment; later capabilities add values.
    pub category: &'static str,
    /// The part of the balance that it moves: pending, available, reserved, escrow, split_hold, blocked, in_transit or
    /// owed.
    pub bucket: &'static str,
    /// Signed: what the merchant gains.
    pub amount: Money,
    /// Of the account after this line; for pending, of its `available_on`; bucket owed runs negative.
    pub balance_after: Option<Money>,
    /// The payment, refund or adjustment between merchants that caused it.
    pub source: Option<IdText>,
    /// The same for all lines of one posting.
    pub transaction: IdText,
    /// The business day on which a pending line matures.
    pub available_on: Option<String>,
    /// Business time.
    pub posted_at: Instant,
    /// What happened, in one word of ours.
    pub description: &'static str,
    /// As `posted_at`.
    pub created_at: Instant,
    /// As `posted_at`.
    pub updated_at: Instant,
    /// Always 1.
    pub sequence: i64,
}

impl BalanceTransactionObject {
    /// Shows a line of a merchant; `None` for a line that is no part of a merchant's balance.
    pub fn of(line: &LineFacts<'_>, merchant: MerchantId, world: World) -> Option<BalanceTransactionObject> {
        let bucket = line.bucket()?;
        let posted_at = Instant(line.posted_at_us);
        Some(BalanceTransactionObject {
            id: IdText::of(line.id()),
            object: "balance_transaction",
            world: world.as_str(),
            merchant: IdText::of(merchant),
            category: line.entry.category.as_str(),
            bucket: bucket.as_str(),
            amount: line.gain().into(),
            balance_after: line.balance_after().map(Money::from),
            source: line.source(),
            transaction: line.transaction(),
            available_on: line.available_on().map(|day| day.to_string()),
            posted_at,
            description: line.kind.as_str(),
            created_at: posted_at,
            updated_at: posted_at,
            sequence: 1,
        })
    }
}

/// One line of an object's ledger, of an account of the merchant's own.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct LedgerLine {
    /// The same for all lines of one posting.
    pub transaction: IdText,
    /// Number and name in the chart of accounts, and the day of a dated account.
    pub account: String,
    /// debit or credit.
    pub side: &'static str,
    /// Never negative; the side tells the direction.
    pub amount: Money,
    /// As in balance transactions.
    pub category: &'static str,
    /// Business time.
    pub posted_at: Instant,
    /// The posting's template.
    pub reason: &'static str,
}

impl LedgerLine {
    /// Shows a line of a merchant; `None` for a line of the platform's accounts.
    pub fn of(line: &LineFacts<'_>) -> Option<LedgerLine> {
        let account = line.account()?;
        line.entry.merchant?;
        let facts = account.facts();
        let name = match account.day() {
            Some(day) => format!("{} {} {day}", facts.code, facts.name),
            None => format!("{} {}", facts.code, facts.name),
        };
        let magnitude = i64::try_from(line.entry.amount_minor.unsigned_abs()).unwrap_or(i64::MAX);
        Some(LedgerLine {
            transaction: line.transaction(),
            account: name,
            side: if line.entry.amount_minor > 0 { "debit" } else { "credit" },
            amount: Amount::new(magnitude, line.entry.account.currency).into(),
            category: line.entry.category.as_str(),
            posted_at: Instant(line.posted_at_us),
            reason: line.kind.as_str(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ledger::Category;
    use money::Currency;

    #[test]
    fn ids_of_lines_go_there_and_back() {
        for (shard, seq, line) in [(0, 1, 0), (1, 987_654_321, 7), (4_095, (1 << 46) - 1, 65_535)] {
            let at = LinePosition { shard: Shard(shard), seq, line };
            let id = line_id(at, 1_795_595_400_123_456);
            assert_eq!(line_position(id), at);
            let text = IdText::of(id).to_string();
            assert_eq!(BalanceTransactionId::parse(&text), Some(id));
        }
    }

    fn entry(account: Account, amount_minor: i64, after_minor: i64) -> Entry {
        Entry {
            account: account.key(Currency::CNY),
            amount_minor,
            category: Category::DebtRecovery,
            merchant: Some(MerchantId(Uid([7; 16]))),
            account_seq: Some(3),
            balance_after_minor: Some(after_minor),
        }
    }

    fn facts(entry: &Entry) -> LineFacts<'_> {
        let position = LinePosition { shard: Shard(1), seq: 5, line: 2 };
        LineFacts {
            position,
            kind: PostingKind::PaymentSucceeded,
            source: Uid([9; 16]),
            posted_at_us: 0,
            entry,
        }
    }

    #[test]
    fn a_line_shows_the_merchants_gain() {
        let merchant = MerchantId(Uid([7; 16]));
        let pending = Account::MerchantPending { merchant: merchant.0.0, available_on: Day(20_782) };
        let credit = entry(pending, -1_250, 1_250);
        let shown = BalanceTransactionObject::of(&facts(&credit), merchant, World::Sandbox).unwrap();
        assert_eq!((shown.amount.value, shown.bucket), (1_250, "pending"));
        assert_eq!(shown.balance_after.unwrap().value, 1_250);
        assert_eq!(shown.available_on.as_deref(), Some("2026-11-25"));

        let debt = entry(Account::MerchantReceivable { merchant: merchant.0.0 }, 300, 300);
        let shown = BalanceTransactionObject::of(&facts(&debt), merchant, World::Sandbox).unwrap();
        assert_eq!((shown.amount.value, shown.bucket), (-300, "owed"));
        assert_eq!(shown.balance_after.unwrap().value, -300);

        let line = LedgerLine::of(&facts(&debt)).unwrap();
        assert_eq!((line.side, line.amount.value), ("debit", 300));
        assert_eq!(line.account, "1210 merchant receivable");
    }
}
