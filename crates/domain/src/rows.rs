//! The working set of a batch: the rows that its commands named, as locked and read, changed in memory by each decision in
//! order, so that later commands see earlier ones.

use crate::adjustment::{Adjustment, Arrival};
use crate::attempt::Attempt;
use crate::capture::Capture;
use crate::id::{AdjustmentId, AttemptId, CaptureId, KeyId, MerchantId, PaymentId, RefundId, Uid};
use crate::merchant::Head;
use crate::payment::Payment;
use crate::refund::Refund;
use ledger::{AccountKey, Category, Day};
use std::collections::{HashMap, HashSet};

/// What a batch wants to see. Duplicates are allowed; the store reads each row once. The roots are the merchants' heads.
#[derive(Debug, Clone, Default)]
pub struct ReadSet {
    /// Merchants whose head is locked and read.
    pub merchants: Vec<MerchantId>,
    /// Idempotency rows by (merchant, hash of the key).
    pub idempotency: Vec<(MerchantId, [u8; 16])>,
    /// Nonces by (key, hash of the nonce).
    pub nonces: Vec<(KeyId, [u8; 16])>,
    /// Payments by the merchant's number.
    pub order_nos: Vec<(MerchantId, String)>,
    /// Refunds by the merchant's number.
    pub refund_nos: Vec<(MerchantId, String)>,
    /// Payments by id.
    pub payments: Vec<PaymentId>,
    /// Attempts by id.
    pub attempts: Vec<AttemptId>,
    /// Captures by id.
    pub captures: Vec<CaptureId>,
    /// All captures of these payments.
    pub captures_of: Vec<PaymentId>,
    /// Refunds by id.
    pub refunds: Vec<RefundId>,
    /// Adjustments by id.
    pub adjustments: Vec<AdjustmentId>,
    /// All adjustments that correct these objects.
    pub correcting: Vec<Uid>,
    /// What has arrived of these adjustments.
    pub arrivals: Vec<AdjustmentId>,
    /// Every chained balance of these merchants that is not zero, has no day, or whose day has not matured.
    pub balances_of: Vec<MerchantId>,
}

/// A chained balance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Balance {
    /// In the account's natural sign: credit-positive for 2010 and 2020, debit-positive for 1210.
    pub amount_minor: i64,
    /// Number of the account's last line; gapless from 1.
    pub account_seq: i64,
}

/// What was decided under an idempotency key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyRow {
    /// Whose key.
    pub merchant: MerchantId,
    /// Hash of the key, or of the nonce when the request had no key.
    pub key_hash: [u8; 16],
    /// Hash of method, path and body.
    pub fingerprint: [u8; 16],
    /// The key that signed and the hash of its nonce, unique together.
    pub nonce: Option<(KeyId, [u8; 16])>,
    /// The object that was made or acted on.
    pub object: Option<Uid>,
    /// A stored refusal (its code and fields as JSON), when it was refused.
    pub refusal: Option<String>,
    /// Real time, microseconds.
    pub created_at_us: i64,
}

/// The rows themselves.
#[derive(Debug, Clone, Default)]
pub struct Rows {
    /// Heads of the locked merchants.
    pub heads: HashMap<MerchantId, Head>,
    /// Idempotency rows found.
    pub idempotency: HashMap<(MerchantId, [u8; 16]), IdempotencyRow>,
    /// Nonces found, that is: used.
    pub nonces: HashSet<(KeyId, [u8; 16])>,
    /// Payments by the merchant's number.
    pub order_nos: HashMap<(MerchantId, String), PaymentId>,
    /// Refunds by the merchant's number.
    pub refund_nos: HashMap<(MerchantId, String), RefundId>,
    /// Payments.
    pub payments: HashMap<PaymentId, Payment>,
    /// Attempts.
    pub attempts: HashMap<AttemptId, Attempt>,
    /// Captures.
    pub captures: HashMap<CaptureId, Capture>,
    /// Refunds.
    pub refunds: HashMap<RefundId, Refund>,
    /// Adjustments.
    pub adjustments: HashMap<AdjustmentId, Adjustment>,
    /// What has arrived, by adjustment.
    pub arrivals: HashMap<AdjustmentId, Arrival>,
    /// Chained balances; an absent one is zero with no line.
    pub balances: HashMap<AccountKey, Balance>,
    /// The shard's open business day.
    pub open_day: Day,
}

/// One journal transaction as it is written: lines that sum to zero.
#[derive(Debug, Clone, PartialEq)]
pub struct Transaction {
    /// The template that made it.
    pub kind: ledger::PostingKind,
    /// What caused it: the payment for gross and fee, the refund for a refund's lines.
    pub source: Uid,
    /// The merchant under whose root it was decided.
    pub merchant: MerchantId,
    /// Business time, microseconds.
    pub posted_at_us: i64,
    /// The open business day.
    pub booked_on: Day,
    /// The transaction that it corrects or turns round (its source), if any.
    pub corrects: Option<Uid>,
    /// The lines.
    pub entries: Vec<Entry>,
}

/// One line of the journal.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The account.
    pub account: AccountKey,
    /// Debit positive, credit negative, never zero.
    pub amount_minor: i64,
    /// Reporting category.
    pub category: Category,
    /// The merchant that sees it.
    pub merchant: Option<MerchantId>,
    /// Gapless number of the account's line, for chained accounts.
    pub account_seq: Option<i64>,
    /// The account's balance after it in natural sign, for chained accounts.
    pub balance_after_minor: Option<i64>,
}
