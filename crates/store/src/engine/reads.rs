//! [`Reads`] for every engine: each call is one piece of work on one reader.

use super::Engine;
use crate::StoreError;
use crate::control::{Asked, Made};
use crate::reads::{
    Block, Delivery, DeliveryStatus, DueMaturity, EventFilter, LineFilter, Page, PaymentFilter, Reads,
    RefundFilter, SeqPage, StoredBalance, StoredLine, StoredTransaction, Waiting, WaitingList,
};
use crate::{
    asked, attempt, balance, block, capture, delivery, event, head, journal, payment, refund, waiting,
};
use async_trait::async_trait;
use domain::attempt::Attempt;
use domain::capture::Capture;
use domain::event::Event;
use domain::id::{
    AttemptId, CaptureId, DeliveryId, EndpointId, EventId, MerchantId, PaymentId, RefundId, Shard, Uid,
};
use domain::merchant::Head;
use domain::payment::Payment;
use domain::refund::Refund;
use ledger::{AccountKey, Day};

/// Captures of a payment that a list shows.
const CAPTURES_SHOWN: u32 = 100;

#[async_trait]
impl<E: Engine> Reads for E {
    async fn ping(&self) -> Result<(), StoreError> {
        self.read(|db| Box::pin(async move { head::shards(db).await.map(|_| ()) })).await
    }

    async fn head(&self, merchant: MerchantId) -> Result<Option<Head>, StoreError> {
        self.read(move |db| Box::pin(head::of_merchant(db, merchant.0.shard(), merchant))).await
    }

    async fn open_day(&self, shard: Shard) -> Result<Day, StoreError> {
        self.read(move |db| Box::pin(async move { Ok(head::shard_head(db, shard).await?.open_day) })).await
    }

    async fn payment(&self, id: PaymentId) -> Result<Option<Payment>, StoreError> {
        self.read(move |db| Box::pin(async move { Ok(payment::by_ids(db, id.0.shard(), [id]).await?.pop()) }))
            .await
    }

    async fn payment_by_order_no(
        &self,
        merchant: MerchantId,
        no: &str,
    ) -> Result<Option<Payment>, StoreError> {
        let number = [(merchant, no.to_owned())];
        self.read(move |db| {
            Box::pin(async move { Ok(payment::by_order_nos(db, merchant.0.shard(), &number).await?.pop()) })
        })
        .await
    }

    async fn payments(
        &self,
        merchant: MerchantId,
        filter: &PaymentFilter,
        page: Page,
    ) -> Result<Vec<Payment>, StoreError> {
        let filter = filter.clone();
        self.read(move |db| Box::pin(async move { payment::list(db, merchant, &filter, page).await })).await
    }

    async fn attempt(&self, id: AttemptId) -> Result<Option<Attempt>, StoreError> {
        self.read(move |db| Box::pin(async move { Ok(attempt::by_ids(db, id.0.shard(), [id]).await?.pop()) }))
            .await
    }

    async fn attempts_of(&self, payment: PaymentId) -> Result<Vec<Attempt>, StoreError> {
        self.read(move |db| Box::pin(attempt::of_payment(db, payment))).await
    }

    async fn capture(&self, id: CaptureId) -> Result<Option<Capture>, StoreError> {
        self.read(move |db| Box::pin(async move { Ok(capture::by_ids(db, id.0.shard(), [id]).await?.pop()) }))
            .await
    }

    async fn captures_of(&self, payment: PaymentId) -> Result<Vec<Capture>, StoreError> {
        self.read(move |db| Box::pin(capture::of_payment(db, payment.0.shard(), payment, CAPTURES_SHOWN)))
            .await
    }

    async fn refund(&self, id: RefundId) -> Result<Option<Refund>, StoreError> {
        self.read(move |db| Box::pin(async move { Ok(refund::by_ids(db, id.0.shard(), [id]).await?.pop()) }))
            .await
    }

    async fn refunds(
        &self,
        merchant: MerchantId,
        filter: &RefundFilter,
        page: Page,
    ) -> Result<Vec<Refund>, StoreError> {
        let filter = filter.clone();
        self.read(move |db| Box::pin(async move { refund::list(db, merchant, &filter, page).await })).await
    }

    async fn balances(&self, merchant: MerchantId) -> Result<Vec<StoredBalance>, StoreError> {
        self.read(move |db| Box::pin(balance::of_merchant(db, merchant))).await
    }

    async fn lines(
        &self,
        merchant: MerchantId,
        filter: &LineFilter,
        page: SeqPage,
    ) -> Result<Vec<StoredLine>, StoreError> {
        let filter = filter.clone();
        self.read(move |db| Box::pin(async move { journal::lines(db, merchant, &filter, page).await })).await
    }

    async fn lines_of_source(&self, shard: Shard, source: Uid) -> Result<Vec<StoredLine>, StoreError> {
        self.read(move |db| Box::pin(journal::lines_of_source(db, shard, source))).await
    }

    async fn event(&self, id: EventId) -> Result<Option<Event>, StoreError> {
        self.read(move |db| Box::pin(event::by_id(db, id))).await
    }

    async fn has_event(&self, merchant: MerchantId, seq: i64) -> Result<bool, StoreError> {
        self.read(move |db| Box::pin(event::is_at(db, merchant, seq))).await
    }

    async fn events(
        &self,
        merchant: MerchantId,
        filter: &EventFilter,
        page: SeqPage,
    ) -> Result<Vec<Event>, StoreError> {
        let filter = filter.clone();
        self.read(move |db| Box::pin(async move { event::list(db, merchant, &filter, page).await })).await
    }

    async fn events_after(
        &self,
        merchant: MerchantId,
        filter: &EventFilter,
        after_seq: i64,
        limit: u32,
    ) -> Result<Vec<Event>, StoreError> {
        let filter = filter.clone();
        self.read(move |db| {
            Box::pin(async move { event::list_after(db, merchant, &filter, after_seq, limit).await })
        })
        .await
    }

    async fn events_of_object(&self, shard: Shard, object: Uid) -> Result<Vec<Event>, StoreError> {
        self.read(move |db| Box::pin(event::of_object(db, shard, object))).await
    }

    async fn delivery(&self, id: DeliveryId) -> Result<Option<Delivery>, StoreError> {
        self.read(move |db| Box::pin(delivery::by_id(db, id))).await
    }

    async fn deliveries(
        &self,
        merchant: MerchantId,
        endpoint: Option<EndpointId>,
        status: Option<DeliveryStatus>,
        page: SeqPage,
    ) -> Result<Vec<Delivery>, StoreError> {
        self.read(move |db| Box::pin(delivery::list(db, merchant, endpoint, status, page))).await
    }

    async fn deliveries_of_event(&self, event: EventId) -> Result<Vec<Delivery>, StoreError> {
        self.read(move |db| Box::pin(delivery::of_event(db, event))).await
    }

    async fn deliveries_due(
        &self,
        shard: Shard,
        real_now_us: i64,
        limit: u32,
    ) -> Result<Vec<Delivery>, StoreError> {
        self.read(move |db| Box::pin(delivery::due(db, shard, real_now_us, limit))).await
    }

    async fn attempts_due(
        &self,
        shard: Shard,
        real_now_us: i64,
        limit: u32,
    ) -> Result<Vec<Attempt>, StoreError> {
        self.read(move |db| Box::pin(attempt::due(db, shard, real_now_us, limit))).await
    }

    async fn captures_due(
        &self,
        shard: Shard,
        real_now_us: i64,
        limit: u32,
    ) -> Result<Vec<Capture>, StoreError> {
        self.read(move |db| Box::pin(capture::due(db, shard, real_now_us, limit))).await
    }

    async fn refunds_due(
        &self,
        shard: Shard,
        real_now_us: i64,
        limit: u32,
    ) -> Result<Vec<Refund>, StoreError> {
        self.read(move |db| Box::pin(refund::due(db, shard, real_now_us, limit))).await
    }

    async fn payments_expired(
        &self,
        shard: Shard,
        real_now_us: i64,
        limit: u32,
    ) -> Result<Vec<Payment>, StoreError> {
        self.read(move |db| Box::pin(payment::expired(db, shard, real_now_us, limit))).await
    }

    async fn maturities_due(
        &self,
        shard: Shard,
        real_now_us: i64,
        limit: u32,
    ) -> Result<Vec<DueMaturity>, StoreError> {
        self.read(move |db| Box::pin(balance::mature(db, shard, real_now_us, limit))).await
    }

    async fn waiting(&self, shard: Shard) -> Result<Waiting, StoreError> {
        self.read(move |db| Box::pin(waiting::read(db, shard))).await
    }

    async fn waiting_list(&self, shard: Shard, limit: u32) -> Result<WaitingList, StoreError> {
        self.read(move |db| Box::pin(waiting::list(db, shard, limit))).await
    }

    async fn journal(
        &self,
        shard: Shard,
        from_seq: i64,
        limit: u32,
    ) -> Result<Vec<StoredTransaction>, StoreError> {
        self.view(move |db| Box::pin(journal::transactions(db, shard, from_seq, limit))).await
    }

    async fn last_journal_seq(&self, shard: Shard) -> Result<i64, StoreError> {
        self.read(move |db| Box::pin(async move { Ok(head::shard_head(db, shard).await?.journal_seq) })).await
    }

    async fn last_event_seq(&self, shard: Shard) -> Result<i64, StoreError> {
        self.read(move |db| Box::pin(async move { Ok(head::shard_head(db, shard).await?.event_seq) })).await
    }

    async fn balances_after(
        &self,
        shard: Shard,
        after: Option<AccountKey>,
        limit: u32,
    ) -> Result<Vec<StoredBalance>, StoreError> {
        self.read(move |db| Box::pin(balance::balances_after(db, shard, after, limit))).await
    }

    async fn last_line(&self, shard: Shard, key: AccountKey) -> Result<Option<StoredLine>, StoreError> {
        self.view(move |db| Box::pin(balance::last_line(db, shard, key))).await
    }

    async fn platform_balances(&self, shard: Shard) -> Result<Vec<(AccountKey, i64)>, StoreError> {
        self.read(move |db| Box::pin(balance::platform(db, shard))).await
    }

    async fn payments_after(
        &self,
        shard: Shard,
        after: Option<PaymentId>,
        limit: u32,
    ) -> Result<Vec<Payment>, StoreError> {
        self.read(move |db| Box::pin(payment::after(db, shard, after, limit))).await
    }

    async fn refunds_after(
        &self,
        shard: Shard,
        after: Option<RefundId>,
        limit: u32,
    ) -> Result<Vec<Refund>, StoreError> {
        self.read(move |db| Box::pin(refund::after(db, shard, after, limit))).await
    }

    async fn attempts_after(
        &self,
        shard: Shard,
        after: Option<AttemptId>,
        limit: u32,
    ) -> Result<Vec<Attempt>, StoreError> {
        self.read(move |db| Box::pin(attempt::after(db, shard, after, limit))).await
    }

    async fn asked_before(&self, asked: &Asked) -> Result<Option<Made<Uid>>, StoreError> {
        let asked = *asked;
        self.read(move |db| Box::pin(async move { asked::look(db, &asked).await })).await
    }

    async fn last_block(&self, shard: Shard) -> Result<Option<Block>, StoreError> {
        self.read(move |db| Box::pin(block::last(db, shard))).await
    }

    async fn block(&self, shard: Shard, number: i64) -> Result<Option<Block>, StoreError> {
        self.read(move |db| Box::pin(block::by_number(db, shard, number))).await
    }
}
