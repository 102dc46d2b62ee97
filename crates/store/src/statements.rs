//! Statements: what forming, showing and proving a merchant's day reads and writes. A statement's row is written once, with the
//! event that tells of it, in a transaction of its own; no money row is written with it.

use crate::StoreError;
use crate::reads::{Block, Page, StoredTransaction};
use async_trait::async_trait;
use domain::event::Event;
use domain::id::{MerchantId, Shard, StatementId};
use domain::statement::{Kind, Orders, Statement};
use ledger::Day;

/// Filters of the list of statements.
#[derive(Debug, Clone, Copy, Default)]
#[allow(missing_docs)]
pub struct StatementFilter {
    pub day: Option<Day>,
    pub kind: Option<Kind>,
}

/// A merchant's transactions, with what they are about.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct DayPage {
    /// In order of their numbers.
    pub transactions: Vec<StoredTransaction>,
    /// The payments and refunds that caused them.
    pub orders: Orders,
}

/// A merchant's day as it is written: one statement of each kind, and what its merchant is told.
#[derive(Debug, Clone, PartialEq)]
pub struct FormedDay {
    /// Its statements.
    pub statements: Vec<Statement>,
    /// Their events.
    pub events: Vec<Event>,
    /// When the merchant's next day is over, business time.
    pub next_due_at_us: i64,
}

/// Where the walk over all statements of a shard stands: the last one seen.
pub type StatementPlace = (MerchantId, Day, Kind);

/// Reads and writes of statements.
#[async_trait]
#[allow(missing_docs)] // the names say what each reads
pub trait Statements {
    async fn statement(&self, id: StatementId) -> Result<Option<Statement>, StoreError>;
    async fn statements(
        &self,
        merchant: MerchantId,
        filter: StatementFilter,
        page: Page,
    ) -> Result<Vec<Statement>, StoreError>;
    /// Of the newest day of a merchant.
    async fn last_statement(&self, merchant: MerchantId, kind: Kind)
    -> Result<Option<Statement>, StoreError>;
    /// A merchant's newest statement of a kind with lines in the shard's blocks up to `block`.
    async fn last_statement_from(
        &self,
        merchant: MerchantId,
        kind: Kind,
        block: i64,
    ) -> Result<Option<Statement>, StoreError>;
    /// All statements of a shard by (merchant, day, kind), for `verify`.
    async fn statements_after(
        &self,
        shard: Shard,
        after: Option<StatementPlace>,
        limit: u32,
    ) -> Result<Vec<Statement>, StoreError>;
    /// Merchants whose next day is due by their business time (`real_now_us` and the head's offset), longest due first.
    async fn statements_due(
        &self,
        shard: Shard,
        real_now_us: i64,
        limit: u32,
    ) -> Result<Vec<MerchantId>, StoreError>;
    /// A merchant's transactions with `after_seq < seq <= last_seq`, ascending, in one short read transaction.
    async fn merchant_journal(
        &self,
        merchant: MerchantId,
        after_seq: i64,
        last_seq: i64,
        limit: u32,
    ) -> Result<DayPage, StoreError>;
    /// The block that a transaction is sealed in; `None` while it is not.
    async fn block_of(&self, shard: Shard, seq: i64) -> Result<Option<Block>, StoreError>;
    /// The chained roots of blocks from `first` to `last`, at most `limit`, in order.
    async fn chained_roots(
        &self,
        shard: Shard,
        first: i64,
        last: i64,
        limit: u32,
    ) -> Result<Vec<[u8; 32]>, StoreError>;

    /// Writes days, each the next one of its merchant, with their events. [`StoreError::Conflict`] when a day is not the one
    /// after the merchant's last, or its range does not begin where that one ended: somebody else formed it.
    async fn append_statements(&self, shard: Shard, days: &[FormedDay]) -> Result<(), StoreError>;
    /// Sets when a merchant's next day is looked at, business time.
    async fn set_statements_due(&self, due: &[(MerchantId, i64)]) -> Result<(), StoreError>;
}
