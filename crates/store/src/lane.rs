//! What a lane does with the store: load a batch's rows under its roots, commit one write-set.

use crate::StoreError;
use domain::adjustment::{Adjustment, Arrival};
use domain::attempt::Attempt;
use domain::capture::Capture;
use domain::event::Event;
use domain::id::MerchantId;
use domain::merchant::Head;
use domain::payment::Payment;
use domain::refund::Refund;
use domain::rows::{Balance, IdempotencyRow, ReadSet, Rows, Transaction};
use futures::future::BoxFuture;
use ledger::AccountKey;

/// One lane's way to the database, used by one batch at a time.
pub trait LaneSession: Send {
    /// Begins: locks the roots in (kind, key) order, then, in statements of their own, reads what is asked for.
    fn load<'a>(&'a mut self, reads: &'a ReadSet) -> BoxFuture<'a, Result<Rows, StoreError>>;
    /// Reads more within the open batch (a second look, for rows that the first look named).
    fn load_more<'a>(
        &'a mut self,
        reads: &'a ReadSet,
        into: &'a mut Rows,
    ) -> BoxFuture<'a, Result<(), StoreError>>;
    /// Writes everything, takes the shard head last, commits. Returns after the commit is durable.
    fn commit<'a>(&'a mut self, writes: &'a WriteSet) -> BoxFuture<'a, Result<Committed, StoreError>>;
    /// Gives the batch up.
    fn abort<'a>(&'a mut self) -> BoxFuture<'a, ()>;
    /// Whether the batch with this id is committed: settles [`StoreError::CommitUnknown`].
    fn was_committed<'a>(&'a mut self, batch: u128) -> BoxFuture<'a, Result<Option<Committed>, StoreError>>;
}

/// Everything that one batch changes, merged. A row that was inserted and changed in the batch stands under `new`.
#[derive(Debug, Clone, Default)]
pub struct WriteSet {
    /// Random; the key of the batch's `journal_batch` row.
    pub batch: u128,
    /// Real time, microseconds.
    pub at_us: i64,
    /// The business day that the decisions saw open; the commit is refused ([`StoreError::Conflict`]) when it moved.
    pub open_day: ledger::Day,
    /// New idempotency rows.
    pub idempotency: Vec<IdempotencyRow>,
    /// New payments.
    pub new_payments: Vec<Payment>,
    /// Changed payments with the sequence they must still have. `details`, `amount`, `method` and other fixed columns are not written again.
    pub payments: Vec<(i64, Payment)>,
    /// New attempts.
    pub new_attempts: Vec<Attempt>,
    /// Changed attempts with the sequence they must still have.
    pub attempts: Vec<(i64, Attempt)>,
    /// New captures.
    pub new_captures: Vec<Capture>,
    /// Changed captures with the sequence they must still have.
    pub captures: Vec<(i64, Capture)>,
    /// New refunds.
    pub new_refunds: Vec<Refund>,
    /// Changed refunds with the sequence they must still have.
    pub refunds: Vec<(i64, Refund)>,
    /// New adjustments.
    pub new_adjustments: Vec<Adjustment>,
    /// Changed adjustments with the sequence they must still have.
    pub adjustments: Vec<(i64, Adjustment)>,
    /// Adjustments that arrived.
    pub arrivals: Vec<Arrival>,
    /// Changed heads with the sequence they must still have.
    pub heads: Vec<(i64, Head)>,
    /// Journal transactions in order; the commit numbers them.
    pub transactions: Vec<Transaction>,
    /// Chained balances, one row each, before and after.
    pub balances: Vec<BalanceWrite>,
    /// Deltas (debit positive) of accounts without a floor, applied under the shard head.
    pub deltas: Vec<(AccountKey, i64)>,
    /// Events in order; the commit numbers them.
    pub events: Vec<Event>,
    /// Moves the open business day (the day-close command).
    pub new_open_day: Option<ledger::Day>,
}

/// A chained balance, guarded by what it was and by its floor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BalanceWrite {
    /// The account.
    pub key: AccountKey,
    /// Whose it is.
    pub merchant: MerchantId,
    /// What the decision saw; `None` when the row did not exist.
    pub before: Option<Balance>,
    /// What it becomes.
    pub after: Balance,
    /// The lowest that `after` may be; checked by the database once more.
    pub floor_minor: i64,
    /// For 2010: business time at which it matures, microseconds.
    pub matures_at_us: Option<i64>,
}

/// What a commit handed out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Committed {
    /// The number of the write-set's first journal transaction.
    pub first_journal_seq: i64,
    /// The number of its first event.
    pub first_event_seq: i64,
}
