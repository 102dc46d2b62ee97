//! Reads outside lanes: lists, single objects, work that came due, the journal for `verify`. They go to the read pool, see
//! committed rows only and hold no snapshot for longer than their own statement.

use crate::StoreError;
use crate::control::{Asked, Made};
use async_trait::async_trait;
use domain::attempt::Attempt;
use domain::capture::Capture;
use domain::event::Event;
use domain::id::{AttemptId, CaptureId, EndpointId, EventId, MerchantId, PaymentId, RefundId, Shard, Uid};
use domain::merchant::Head;
use domain::payment::{Payment, Scene, Status};
use domain::refund::{self, Refund};
use domain::rows::{Balance, Entry, Transaction};
use ledger::{AccountKey, Category, Day};
use money::Currency;

/// A page of a list by (created_at, id), newest first: rows strictly after `after` in that order.
#[derive(Debug, Clone, Copy)]
pub struct Page {
    /// At most this many rows.
    pub limit: u32,
    /// The last row already seen.
    pub after: Option<(i64, Uid)>,
}

/// A page of a list by number, newest first: rows with a position below `before`. `line` is 0 but for journal lines.
#[derive(Debug, Clone, Copy)]
pub struct SeqPage {
    /// At most this many rows.
    pub limit: u32,
    /// Position of the last row already seen: (seq, line).
    pub before: Option<(i64, i64)>,
}

/// Filters of the list of payments.
#[derive(Debug, Clone, Default)]
#[allow(missing_docs)]
pub struct PaymentFilter {
    pub merchant_order_no: Option<String>,
    pub status: Option<Status>,
    pub method: Option<String>,
    pub scene: Option<Scene>,
    pub created_at_gte_us: Option<i64>,
    pub created_at_lt_us: Option<i64>,
}

/// Filters of the list of refunds.
#[derive(Debug, Clone, Default)]
#[allow(missing_docs)]
pub struct RefundFilter {
    pub payment: Option<PaymentId>,
    pub merchant_refund_no: Option<String>,
    pub status: Option<refund::Status>,
}

/// Filters of the list of balance transactions.
#[derive(Debug, Clone, Default)]
#[allow(missing_docs)]
pub struct LineFilter {
    pub category: Option<Category>,
    pub source: Option<Uid>,
    pub posted_at_gte_us: Option<i64>,
    pub posted_at_lt_us: Option<i64>,
}

/// Filters of the list of events.
#[derive(Debug, Clone, Default)]
#[allow(missing_docs)]
pub struct EventFilter {
    pub kind: Option<String>,
    pub object: Option<Uid>,
    pub created_at_gte_us: Option<i64>,
    pub created_at_lt_us: Option<i64>,
}

/// A journal line with its transaction's head, as lists show it.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredLine {
    /// Number of its transaction.
    pub seq: i64,
    /// Its place in the transaction, from 0.
    pub line: i64,
    /// The transaction's template.
    pub kind: ledger::PostingKind,
    /// What caused it.
    pub source: Uid,
    /// Business time, microseconds.
    pub posted_at_us: i64,
    /// The line.
    pub entry: Entry,
}

/// A stored transaction with its number.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredTransaction {
    /// Its number, gapless in its shard.
    pub seq: i64,
    /// The transaction.
    pub transaction: Transaction,
}

/// A row of the balance table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredBalance {
    /// The account.
    pub key: AccountKey,
    /// Its owner.
    pub merchant: MerchantId,
    /// The balance.
    pub balance: Balance,
}

/// A sealed block of the journal: a range of `seq`, its Merkle root, chained to the one before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// From 1, gapless.
    pub number: i64,
    /// First transaction.
    pub first_seq: i64,
    /// Last transaction.
    pub last_seq: i64,
    /// Lines in it.
    pub line_count: i64,
    /// Merkle root over its lines.
    pub root: [u8; 32],
    /// SHA-256 over the previous chained root and this root.
    pub chained: [u8; 32],
    /// The first 8 bytes of each leaf's hash, in order: tells which line changed.
    pub leaf_marks: Vec<u8>,
    /// Real time, microseconds.
    pub sealed_at_us: i64,
}

/// Money of a merchant that is due to mature: one 2010 account with a balance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueMaturity {
    /// The merchant.
    pub merchant: MerchantId,
    /// The currency.
    pub currency: Currency,
    /// The account's day.
    pub available_on: Day,
}

/// A delivery of an event, as claimed or shown.
#[derive(Debug, Clone, PartialEq)]
pub struct Delivery {
    /// The event's id with the destination's number in its last bits; see [`delivery_id`].
    pub id: domain::id::DeliveryId,
    /// The event.
    pub event: Event,
    /// Which destination, from 0.
    pub slot: u8,
    /// The endpoint; `None` for a payment's `notify_url`.
    pub endpoint: Option<EndpointId>,
    /// The address.
    pub url: String,
    /// Where it stands.
    pub status: DeliveryStatus,
    /// When it is tried next, real time.
    pub due_at_us: Option<i64>,
    /// How often it was tried since it was made or replayed.
    pub tries: i64,
    /// Raised by every claim.
    pub fence: i64,
    /// The tries made, oldest first, at most the last 50.
    pub attempts: Vec<DeliveryAttempt>,
}

/// Where a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DeliveryStatus {
    /// To be tried (again).
    Pending,
    /// Answered 2xx.
    Succeeded,
    /// Given up.
    Failed,
}

/// One try at a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryAttempt {
    /// Real time, microseconds.
    pub at_us: i64,
    /// HTTP status, if there was an answer.
    pub status: Option<u16>,
    /// How long it took.
    pub latency_ms: i64,
    /// What went wrong, without secrets.
    pub error: Option<String>,
}

/// What waits in a shard for a channel's or a person's word, for metrics.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Waiting {
    /// Attempts whose outcome nobody knows yet; oldest by creation.
    pub attempts_unknown: WaitingRows,
    /// Payments that took another amount or currency and wait for a decision; oldest by their last change.
    pub payments_held: WaitingRows,
    /// Refunds that wait for a person; oldest by their last change.
    pub refunds_attention: WaitingRows,
    /// The earliest time at which a first destination's delivery is to be tried, real time; past when the deliverer is behind.
    pub delivery_due_at_us: Option<i64>,
}

/// How many rows wait, and since when the oldest does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WaitingRows {
    /// Rows.
    pub count: i64,
    /// The oldest one's time, microseconds.
    pub oldest_at_us: Option<i64>,
}

/// The oldest of what waits in a shard, each with the time since when, microseconds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WaitingList {
    /// Attempts whose outcome nobody knows yet.
    pub attempts_unknown: Vec<(AttemptId, i64)>,
    /// Payments that took another amount or currency and wait for a decision.
    pub payments_held: Vec<(PaymentId, i64)>,
    /// Refunds that wait for a person.
    pub refunds_attention: Vec<(RefundId, i64)>,
}

/// A statement about the rows of a table, for `verify`: what a payment says of itself against the journal.
#[async_trait]
#[allow(missing_docs)] // the names say what each reads
pub trait Reads {
    async fn ping(&self) -> Result<(), StoreError>;
    async fn head(&self, merchant: MerchantId) -> Result<Option<Head>, StoreError>;
    async fn open_day(&self, shard: Shard) -> Result<Day, StoreError>;

    async fn payment(&self, id: PaymentId) -> Result<Option<Payment>, StoreError>;
    async fn payment_by_order_no(
        &self,
        merchant: MerchantId,
        no: &str,
    ) -> Result<Option<Payment>, StoreError>;
    async fn payments(
        &self,
        merchant: MerchantId,
        filter: &PaymentFilter,
        page: Page,
    ) -> Result<Vec<Payment>, StoreError>;
    async fn attempt(&self, id: AttemptId) -> Result<Option<Attempt>, StoreError>;
    /// Oldest first, at most 100.
    async fn attempts_of(&self, payment: PaymentId) -> Result<Vec<Attempt>, StoreError>;
    async fn capture(&self, id: CaptureId) -> Result<Option<Capture>, StoreError>;
    /// Oldest first, at most 100.
    async fn captures_of(&self, payment: PaymentId) -> Result<Vec<Capture>, StoreError>;
    async fn refund(&self, id: RefundId) -> Result<Option<Refund>, StoreError>;
    async fn refunds(
        &self,
        merchant: MerchantId,
        filter: &RefundFilter,
        page: Page,
    ) -> Result<Vec<Refund>, StoreError>;

    /// Every chained balance of a merchant.
    async fn balances(&self, merchant: MerchantId) -> Result<Vec<StoredBalance>, StoreError>;
    /// Lines that the merchant sees, newest first by (seq, line).
    async fn lines(
        &self,
        merchant: MerchantId,
        filter: &LineFilter,
        page: SeqPage,
    ) -> Result<Vec<StoredLine>, StoreError>;
    /// All lines that a source caused, oldest first, at most 1,000.
    async fn lines_of_source(&self, shard: Shard, source: Uid) -> Result<Vec<StoredLine>, StoreError>;

    async fn event(&self, id: EventId) -> Result<Option<Event>, StoreError>;
    async fn events(
        &self,
        merchant: MerchantId,
        filter: &EventFilter,
        page: SeqPage,
    ) -> Result<Vec<Event>, StoreError>;
    /// Whether the event of that number is still there; it must be the merchant's.
    async fn has_event(&self, merchant: MerchantId, seq: i64) -> Result<bool, StoreError>;
    /// Events with a number above `after_seq`, oldest first: what follows a place already read.
    async fn events_after(
        &self,
        merchant: MerchantId,
        filter: &EventFilter,
        after_seq: i64,
        limit: u32,
    ) -> Result<Vec<Event>, StoreError>;
    /// All events of an object, oldest first, at most 200.
    async fn events_of_object(&self, shard: Shard, object: Uid) -> Result<Vec<Event>, StoreError>;

    async fn delivery(&self, id: domain::id::DeliveryId) -> Result<Option<Delivery>, StoreError>;
    async fn deliveries(
        &self,
        merchant: MerchantId,
        endpoint: Option<EndpointId>,
        status: Option<DeliveryStatus>,
        page: SeqPage,
    ) -> Result<Vec<Delivery>, StoreError>;
    /// Every delivery of an event, by slot; none for an event that is not there.
    async fn deliveries_of_event(&self, event: EventId) -> Result<Vec<Delivery>, StoreError>;
    /// Pending deliveries due at `real_now_us`, oldest event first; never one whose (destination, object) has an older
    /// pending delivery.
    async fn deliveries_due(
        &self,
        shard: Shard,
        real_now_us: i64,
        limit: u32,
    ) -> Result<Vec<Delivery>, StoreError>;

    /// Attempts with a job due at `real_now_us`, soonest first.
    async fn attempts_due(
        &self,
        shard: Shard,
        real_now_us: i64,
        limit: u32,
    ) -> Result<Vec<Attempt>, StoreError>;
    async fn captures_due(
        &self,
        shard: Shard,
        real_now_us: i64,
        limit: u32,
    ) -> Result<Vec<Capture>, StoreError>;
    async fn refunds_due(
        &self,
        shard: Shard,
        real_now_us: i64,
        limit: u32,
    ) -> Result<Vec<Refund>, StoreError>;
    /// Open payments whose expiry (or authorization's end) lies before their merchant's business time
    /// (`real_now_us` + the head's offset) and that are not being ended already.
    async fn payments_expired(
        &self,
        shard: Shard,
        real_now_us: i64,
        limit: u32,
    ) -> Result<Vec<Payment>, StoreError>;
    /// 2010 accounts with a balance whose maturity lies before their merchant's business time.
    async fn maturities_due(
        &self,
        shard: Shard,
        real_now_us: i64,
        limit: u32,
    ) -> Result<Vec<DueMaturity>, StoreError>;

    /// What waits for a channel's or a person's word.
    async fn waiting(&self, shard: Shard) -> Result<Waiting, StoreError>;
    /// The oldest of each kind, at most `limit`.
    async fn waiting_list(&self, shard: Shard, limit: u32) -> Result<WaitingList, StoreError>;

    /// Transactions with `seq >= from`, ascending, at most `limit`, in one short read transaction.
    async fn journal(
        &self,
        shard: Shard,
        from_seq: i64,
        limit: u32,
    ) -> Result<Vec<StoredTransaction>, StoreError>;
    /// The last journal number handed out; 0 when none.
    async fn last_journal_seq(&self, shard: Shard) -> Result<i64, StoreError>;
    async fn last_event_seq(&self, shard: Shard) -> Result<i64, StoreError>;
    /// Chained balances in key order after `after`.
    async fn balances_after(
        &self,
        shard: Shard,
        after: Option<AccountKey>,
        limit: u32,
    ) -> Result<Vec<StoredBalance>, StoreError>;
    /// The account's last line (highest account_seq), for one chained account.
    async fn last_line(&self, shard: Shard, key: AccountKey) -> Result<Option<StoredLine>, StoreError>;
    /// Balances (debit positive) of accounts without a floor.
    async fn platform_balances(&self, shard: Shard) -> Result<Vec<(AccountKey, i64)>, StoreError>;
    /// Objects by id order after `after`, for `verify --full`.
    async fn payments_after(
        &self,
        shard: Shard,
        after: Option<PaymentId>,
        limit: u32,
    ) -> Result<Vec<Payment>, StoreError>;
    async fn refunds_after(
        &self,
        shard: Shard,
        after: Option<RefundId>,
        limit: u32,
    ) -> Result<Vec<Refund>, StoreError>;
    async fn attempts_after(
        &self,
        shard: Shard,
        after: Option<AttemptId>,
        limit: u32,
    ) -> Result<Vec<Attempt>, StoreError>;

    /// What is known of a request that asks for a control write, before anything else is looked at: refused as its write would be,
    /// or what its idempotency key made.
    async fn asked_before(&self, asked: &Asked) -> Result<Option<Made<Uid>>, StoreError>;

    async fn last_block(&self, shard: Shard) -> Result<Option<Block>, StoreError>;
    async fn block(&self, shard: Shard, number: i64) -> Result<Option<Block>, StoreError>;
}

/// The id of an event's delivery to destination `slot` (0..14): event ids end in four zero bits.
pub fn delivery_id(event: EventId, slot: u8) -> domain::id::DeliveryId {
    let mut bytes = event.0.0;
    if let Some(last) = bytes.last_mut() {
        *last = (*last & 0xf0) | (slot + 1).min(15);
    }
    domain::id::DeliveryId(Uid(bytes))
}

/// The event and destination of a delivery's id.
pub fn delivery_parts(id: domain::id::DeliveryId) -> Option<(EventId, u8)> {
    let mut bytes = id.0.0;
    let last = bytes.last_mut()?;
    let slot = (*last & 0x0f).checked_sub(1)?;
    *last &= 0xf0;
    Some((EventId(Uid(bytes)), slot))
}
