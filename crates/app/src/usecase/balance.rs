//! A merchant's balances and the lines behind them. Money figures come from the books only.

use crate::{App, Caller, Refusal};
use domain::id::{PaymentId, RefundId};
use ledger::{Account, Bucket, Category, PostingKind};
use money::Currency;
use std::collections::BTreeMap;
use store::reads::{LineFilter, SeqPage, StoredLine};

/// A merchant's money in one currency, minor units by bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)] // the buckets of WIRE
pub struct BalanceView {
    pub currency: Currency,
    pub pending_minor: i64,
    pub available_minor: i64,
    pub reserved_minor: i64,
    pub escrow_minor: i64,
    pub split_hold_minor: i64,
    pub blocked_minor: i64,
    pub in_transit_minor: i64,
    pub owed_minor: i64,
}

impl BalanceView {
    fn empty(currency: Currency) -> BalanceView {
        BalanceView {
            currency,
            pending_minor: 0,
            available_minor: 0,
            reserved_minor: 0,
            escrow_minor: 0,
            split_hold_minor: 0,
            blocked_minor: 0,
            in_transit_minor: 0,
            owed_minor: 0,
        }
    }

    fn add(&mut self, bucket: Bucket, minor: i64) {
        match bucket {
            Bucket::Pending => self.pending_minor += minor,
            Bucket::Available => self.available_minor += minor,
            Bucket::Reserved => self.reserved_minor += minor,
            Bucket::Escrow => self.escrow_minor += minor,
            Bucket::SplitHold => self.split_hold_minor += minor,
            Bucket::Blocked => self.blocked_minor += minor,
            Bucket::InTransit => self.in_transit_minor += minor,
            Bucket::Owed => self.owed_minor += minor,
        }
    }
}

impl App {
    /// One row per currency ever used.
    ///
    /// # Errors
    /// [`Refusal::StoreUnavailable`].
    pub async fn balances(&self, caller: &Caller) -> Result<Vec<BalanceView>, Refusal> {
        let mut views: BTreeMap<&'static str, BalanceView> = BTreeMap::new();
        for stored in self.store().balances(caller.merchant).await? {
            let currency = stored.key.currency;
            let view = views.entry(currency.code()).or_insert_with(|| BalanceView::empty(currency));
            if let Some(bucket) = Account::from_key(&stored.key).and_then(|account| account.bucket()) {
                view.add(bucket, stored.balance.amount_minor);
            }
        }
        Ok(views.into_values().collect())
    }

    /// A page of balance lines, newest first.
    ///
    /// # Errors
    /// [`Refusal::StoreUnavailable`].
    pub async fn lines(
        &self,
        caller: &Caller,
        filter: &LineFilter,
        page: SeqPage,
    ) -> Result<Vec<StoredLine>, Refusal> {
        Ok(self.store().lines(caller.merchant, filter, page).await?)
    }

    /// The merchant's own lines that a payment caused.
    ///
    /// # Errors
    /// [`Refusal::NotFound`]; [`Refusal::LinesArchived`] when any of them may rest elsewhere.
    pub async fn payment_lines(&self, caller: &Caller, id: PaymentId) -> Result<Vec<StoredLine>, Refusal> {
        let payment = self.own_payment(caller, id).await?;
        let is_whole = |lines: &[StoredLine]| {
            let taken = lines.iter().filter(|line| line.entry.category == Category::Payment);
            taken.map(|line| line.entry.amount_minor.saturating_neg()).sum::<i64>() == payment.captured_minor
        };
        self.own_lines(caller, id.0, is_whole).await
    }

    /// The merchant's own lines that a refund caused.
    ///
    /// # Errors
    /// As [`App::payment_lines`].
    pub async fn refund_lines(&self, caller: &Caller, id: RefundId) -> Result<Vec<StoredLine>, Refusal> {
        self.refund(caller, id).await?;
        let is_whole =
            |lines: &[StoredLine]| lines.iter().any(|line| line.kind == PostingKind::RefundAccepted);
        self.own_lines(caller, id.0, is_whole).await
    }

    /// Without its first lines, the later ones of an object say something else than what was booked: rather none.
    async fn own_lines(
        &self,
        caller: &Caller,
        source: domain::Uid,
        is_whole: impl Fn(&[StoredLine]) -> bool,
    ) -> Result<Vec<StoredLine>, Refusal> {
        let mut lines = self.store().lines_of_source(source.shard(), source).await?;
        lines.retain(|line| line.entry.merchant == Some(caller.merchant));
        if !is_whole(&lines) && self.store().archive_end(source.shard()).await?.seq > 0 {
            return Err(Refusal::LinesArchived);
        }
        Ok(lines)
    }
}
