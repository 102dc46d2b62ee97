//! A merchant's balances and the lines behind them. Money figures come from the books only.

use crate::{App, Caller, Refusal, archive};
use domain::id::{AdjustmentId, PaymentId, RefundId};
use domain::statement::Kind;
use ledger::{Account, Bucket};
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

    /// A page of balance lines, newest first; the list ends where the archive begins.
    ///
    /// # Errors
    /// [`Refusal::LinesArchived`] when it is asked for a source or a period of which lines rest elsewhere;
    /// [`Refusal::StoreUnavailable`].
    pub async fn lines(
        &self,
        caller: &Caller,
        filter: &LineFilter,
        page: SeqPage,
    ) -> Result<Vec<StoredLine>, Refusal> {
        if page.before.is_none() && (filter.source.is_some() || filter.posted_at_gte_us.is_some()) {
            self.must_be_here(caller, filter).await?;
        }
        Ok(self.store().lines(caller.merchant, filter, page).await?)
    }

    /// Refuses what would be shown in part.
    async fn must_be_here(&self, caller: &Caller, filter: &LineFilter) -> Result<(), Refusal> {
        let end = self.store().archive_end(caller.merchant.0.shard()).await?;
        if end.block == 0 {
            return Ok(());
        }
        if let Some(gte_us) = filter.posted_at_gte_us {
            let last = self.store().last_statement_from(caller.merchant, Kind::FundFlow, end.block).await?;
            if last.is_some_and(|day| gte_us < day.span.ends_at_us) {
                return Err(Refusal::LinesArchived);
            }
        }
        let Some(source) = filter.source else { return Ok(()) };
        let looked = match self.payment_lines(caller, PaymentId(source)).await {
            Err(Refusal::NotFound(_)) => self.refund_lines(caller, RefundId(source)).await,
            found => found,
        };
        match looked {
            // Of what is nobody's or another's there are no lines.
            Err(Refusal::NotFound(_)) => self.is_adjustment_here(caller, AdjustmentId(source)).await,
            Ok(_) => Ok(()),
            Err(refusal) => Err(refusal),
        }
    }

    /// Refuses an adjustment of which the merchant had lines that rest elsewhere: each half is one transaction.
    async fn is_adjustment_here(&self, caller: &Caller, id: AdjustmentId) -> Result<(), Refusal> {
        let shard = caller.merchant.0.shard();
        let has_given = match self.adjustment(id).await {
            Ok(found) => found.merchant == caller.merchant && found.status.is_given(),
            Err(Refusal::NotFound(_)) => false,
            Err(refusal) => return Err(refusal),
        };
        let has_received = self.store().arrival(shard, id).await?;
        if !has_given && has_received.is_none_or(|arrival| arrival.merchant != caller.merchant) {
            return Ok(());
        }
        let lines = self.store().lines_of_source(shard, id.0).await?;
        match lines.iter().any(|line| line.entry.merchant == Some(caller.merchant)) {
            true => Ok(()),
            false => Err(Refusal::LinesArchived),
        }
    }

    /// The merchant's own lines that a payment caused.
    ///
    /// # Errors
    /// [`Refusal::NotFound`]; [`Refusal::LinesArchived`] when any of them may rest elsewhere.
    pub async fn payment_lines(&self, caller: &Caller, id: PaymentId) -> Result<Vec<StoredLine>, Refusal> {
        let payment = self.own_payment(caller, id).await?;
        self.own_lines(caller, id.0, |lines| archive::is_whole_payment(&payment, lines)).await
    }

    /// The merchant's own lines that a refund caused.
    ///
    /// # Errors
    /// As [`App::payment_lines`].
    pub async fn refund_lines(&self, caller: &Caller, id: RefundId) -> Result<Vec<StoredLine>, Refusal> {
        let refund = self.refund(caller, id).await?;
        self.own_lines(caller, id.0, |lines| archive::is_whole_refund(&refund, lines)).await
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
