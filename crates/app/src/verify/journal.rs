//! What `verify` reads. Narrow, so that tests can put any state before it.

use async_trait::async_trait;
use domain::adjustment::{Adjustment, Arrival};
use domain::attempt::Attempt;
use domain::id::{AdjustmentId, AttemptId, MerchantId, PaymentId, RefundId, Shard};
use domain::payment::Payment;
use domain::refund::Refund;
use ledger::AccountKey;
use store::reads::{
    Block, LineFilter, Page, RefundFilter, SeqPage, StoredBalance, StoredLine, StoredTransaction,
};
use store::{Store, StoreError};

/// The rows of an installation as `verify` sees them; each call is one short read.
#[async_trait]
#[allow(missing_docs)] // the names say what each reads; see `store::Reads`
pub trait Journal: Send + Sync {
    fn shards(&self) -> Vec<Shard>;
    async fn page(
        &self,
        shard: Shard,
        from_seq: i64,
        limit: u32,
    ) -> Result<Vec<StoredTransaction>, StoreError>;
    async fn last_seq(&self, shard: Shard) -> Result<i64, StoreError>;
    /// The last transaction that [`Journal::page`] can't show, because it rests in a file; 0 when all can be shown.
    async fn archived_seq(&self, shard: Shard) -> Result<i64, StoreError>;
    async fn block(&self, shard: Shard, number: i64) -> Result<Option<Block>, StoreError>;
    async fn newest_block(&self, shard: Shard) -> Result<Option<Block>, StoreError>;
    async fn verified_block(&self, shard: Shard) -> Result<i64, StoreError>;
    async fn set_verified_block(&self, shard: Shard, number: i64) -> Result<(), StoreError>;
    async fn credit_line_minor(&self, merchant: MerchantId) -> Result<i64, StoreError>;
    /// Lines that the merchant sees before (seq, line), newest first.
    async fn lines_before(
        &self,
        merchant: MerchantId,
        before: (i64, i64),
        limit: u32,
    ) -> Result<Vec<StoredLine>, StoreError>;
    async fn balances_after(
        &self,
        shard: Shard,
        after: Option<AccountKey>,
        limit: u32,
    ) -> Result<Vec<StoredBalance>, StoreError>;
    async fn platform_balances(&self, shard: Shard) -> Result<Vec<(AccountKey, i64)>, StoreError>;
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
    async fn adjustments_after(
        &self,
        shard: Shard,
        after: Option<AdjustmentId>,
        limit: u32,
    ) -> Result<Vec<Adjustment>, StoreError>;
    async fn arrivals_after(
        &self,
        shard: Shard,
        after: Option<AdjustmentId>,
        limit: u32,
    ) -> Result<Vec<Arrival>, StoreError>;
    async fn adjustment(&self, id: AdjustmentId) -> Result<Option<Adjustment>, StoreError>;
    /// What has arrived of an adjustment in a receiver's shard.
    async fn arrival(&self, shard: Shard, id: AdjustmentId) -> Result<Option<Arrival>, StoreError>;
    async fn payment(&self, id: PaymentId) -> Result<Option<Payment>, StoreError>;
    async fn refund(&self, id: RefundId) -> Result<Option<Refund>, StoreError>;
    async fn attempt(&self, id: AttemptId) -> Result<Option<Attempt>, StoreError>;
    /// Every refund of a payment.
    async fn refunds_of(&self, payment: &Payment) -> Result<Vec<Refund>, StoreError>;

    /// One balance row. Rows come in the order (code, dim, currency, day), so the row right after the day before is it.
    async fn balance(&self, shard: Shard, key: AccountKey) -> Result<Option<StoredBalance>, StoreError> {
        let before = AccountKey { day: key.day.saturating_sub(1), ..key };
        let rows = self.balances_after(shard, Some(before), 1).await?;
        Ok(rows.into_iter().find(|row| row.key == key))
    }
}

/// Transactions that the database holds no more, read from where they rest.
#[async_trait]
pub trait Archived: Send + Sync {
    /// The last one of a shard; 0 when none rests there.
    fn last_seq(&self, shard: Shard) -> i64;
    /// Transactions from a number on, at most `limit` and at least one up to [`Archived::last_seq`].
    ///
    /// # Errors
    /// [`StoreError::Corrupt`]: they can't be read.
    async fn page(
        &self,
        shard: Shard,
        from_seq: i64,
        limit: u32,
    ) -> Result<Vec<StoredTransaction>, StoreError>;
}

/// The real store, and what was taken out of it, where that is at hand.
pub(super) struct OfStore<'a> {
    pub(super) store: &'a dyn Store,
    pub(super) archived: Option<&'a dyn Archived>,
}

/// Refunds in one read.
const REFUND_PAGE: u32 = 500;

#[async_trait]
impl Journal for OfStore<'_> {
    fn shards(&self) -> Vec<Shard> {
        self.store.shards()
    }

    async fn page(
        &self,
        shard: Shard,
        from_seq: i64,
        limit: u32,
    ) -> Result<Vec<StoredTransaction>, StoreError> {
        match self.archived.filter(|archived| from_seq <= archived.last_seq(shard)) {
            Some(archived) => archived.page(shard, from_seq, limit).await,
            None => self.store.journal(shard, from_seq, limit).await,
        }
    }

    async fn last_seq(&self, shard: Shard) -> Result<i64, StoreError> {
        self.store.last_journal_seq(shard).await
    }

    async fn archived_seq(&self, shard: Shard) -> Result<i64, StoreError> {
        match self.archived {
            Some(_) => Ok(0),
            None => Ok(self.store.archive_end(shard).await?.seq),
        }
    }

    async fn block(&self, shard: Shard, number: i64) -> Result<Option<Block>, StoreError> {
        self.store.block(shard, number).await
    }

    async fn newest_block(&self, shard: Shard) -> Result<Option<Block>, StoreError> {
        self.store.last_block(shard).await
    }

    async fn verified_block(&self, shard: Shard) -> Result<i64, StoreError> {
        self.store.verified_block(shard).await
    }

    async fn set_verified_block(&self, shard: Shard, number: i64) -> Result<(), StoreError> {
        self.store.set_verified_block(shard, number).await
    }

    async fn credit_line_minor(&self, merchant: MerchantId) -> Result<i64, StoreError> {
        Ok(self.store.head(merchant).await?.map_or(0, |head| head.credit_line_minor))
    }

    async fn lines_before(
        &self,
        merchant: MerchantId,
        before: (i64, i64),
        limit: u32,
    ) -> Result<Vec<StoredLine>, StoreError> {
        self.store.lines(merchant, &LineFilter::default(), SeqPage { limit, before: Some(before) }).await
    }

    async fn balances_after(
        &self,
        shard: Shard,
        after: Option<AccountKey>,
        limit: u32,
    ) -> Result<Vec<StoredBalance>, StoreError> {
        self.store.balances_after(shard, after, limit).await
    }

    async fn platform_balances(&self, shard: Shard) -> Result<Vec<(AccountKey, i64)>, StoreError> {
        self.store.platform_balances(shard).await
    }

    async fn payments_after(
        &self,
        shard: Shard,
        after: Option<PaymentId>,
        limit: u32,
    ) -> Result<Vec<Payment>, StoreError> {
        self.store.payments_after(shard, after, limit).await
    }

    async fn refunds_after(
        &self,
        shard: Shard,
        after: Option<RefundId>,
        limit: u32,
    ) -> Result<Vec<Refund>, StoreError> {
        self.store.refunds_after(shard, after, limit).await
    }

    async fn attempts_after(
        &self,
        shard: Shard,
        after: Option<AttemptId>,
        limit: u32,
    ) -> Result<Vec<Attempt>, StoreError> {
        self.store.attempts_after(shard, after, limit).await
    }

    async fn adjustments_after(
        &self,
        shard: Shard,
        after: Option<AdjustmentId>,
        limit: u32,
    ) -> Result<Vec<Adjustment>, StoreError> {
        self.store.adjustments_after(shard, after, limit).await
    }

    async fn arrivals_after(
        &self,
        shard: Shard,
        after: Option<AdjustmentId>,
        limit: u32,
    ) -> Result<Vec<Arrival>, StoreError> {
        self.store.arrivals_after(shard, after, limit).await
    }

    async fn adjustment(&self, id: AdjustmentId) -> Result<Option<Adjustment>, StoreError> {
        self.store.adjustment(id).await
    }

    async fn arrival(&self, shard: Shard, id: AdjustmentId) -> Result<Option<Arrival>, StoreError> {
        self.store.arrival(shard, id).await
    }

    async fn payment(&self, id: PaymentId) -> Result<Option<Payment>, StoreError> {
        self.store.payment(id).await
    }

    async fn refund(&self, id: RefundId) -> Result<Option<Refund>, StoreError> {
        self.store.refund(id).await
    }

    async fn attempt(&self, id: AttemptId) -> Result<Option<Attempt>, StoreError> {
        self.store.attempt(id).await
    }

    async fn refunds_of(&self, payment: &Payment) -> Result<Vec<Refund>, StoreError> {
        let filter = RefundFilter { payment: Some(payment.id), ..RefundFilter::default() };
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let rows =
                self.store.refunds(payment.merchant, &filter, Page { limit: REFUND_PAGE, after }).await?;
            let is_last = rows.len() < REFUND_PAGE as usize;
            after = rows.last().map(|refund| (refund.created_at_us, refund.id.0));
            found.extend(rows);
            if is_last {
                return Ok(found);
            }
        }
    }
}
