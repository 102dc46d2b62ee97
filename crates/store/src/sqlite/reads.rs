//! [`Reads`] over the read pool: each call is one piece of work on one reader, which sees one state.

use super::db::Db;
use super::{
    SqliteStore, api_key, attempt, balance, block, capture, delivery, event, head, journal, payment, refund,
};
use crate::StoreError;
use crate::reads::{
    Block, Delivery, DeliveryStatus, DueMaturity, EventFilter, LineFilter, Page, PaymentFilter, Reads,
    RefundFilter, SeqPage, StoredBalance, StoredLine, StoredTransaction,
};
use async_trait::async_trait;
use domain::attempt::Attempt;
use domain::capture::Capture;
use domain::event::Event;
use domain::id::{
    AttemptId, CaptureId, DeliveryId, EndpointId, EventId, KeyId, MerchantId, PaymentId, RefundId, Shard, Uid,
};
use domain::merchant::Head;
use domain::payment::Payment;
use domain::refund::Refund;
use ledger::{AccountKey, Day};

/// Captures of a payment that a list shows.
const CAPTURES_SHOWN: u32 = 100;

impl SqliteStore {
    /// One read on the pool, in a transaction of its own: all its statements see the same state.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Db) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.readers.run(move |reader| reader.read(|db| db.snapshot(work))).await
    }
}

#[async_trait]
impl Reads for SqliteStore {
    async fn ping(&self) -> Result<(), StoreError> {
        self.read(|db| head::shards(db).map(|_| ())).await
    }

    async fn head(&self, merchant: MerchantId) -> Result<Option<Head>, StoreError> {
        self.read(move |db| head::of_merchant(db, merchant.0.shard(), merchant)).await
    }

    async fn open_day(&self, shard: Shard) -> Result<Day, StoreError> {
        self.read(move |db| Ok(head::shard_head(db, shard)?.open_day)).await
    }

    async fn payment(&self, id: PaymentId) -> Result<Option<Payment>, StoreError> {
        self.read(move |db| payment::Finder::new(db, id.0.shard())?.by_id(id)).await
    }

    async fn payment_by_order_no(
        &self,
        merchant: MerchantId,
        no: &str,
    ) -> Result<Option<Payment>, StoreError> {
        let no = no.to_owned();
        self.read(move |db| payment::Finder::new(db, merchant.0.shard())?.by_order_no(merchant, &no)).await
    }

    async fn payments(
        &self,
        merchant: MerchantId,
        filter: &PaymentFilter,
        page: Page,
    ) -> Result<Vec<Payment>, StoreError> {
        let filter = filter.clone();
        self.read(move |db| payment::list(db, merchant, &filter, page)).await
    }

    async fn attempt(&self, id: AttemptId) -> Result<Option<Attempt>, StoreError> {
        self.read(move |db| attempt::Finder::new(db, id.0.shard())?.by_id(id)).await
    }

    async fn attempts_of(&self, payment: PaymentId) -> Result<Vec<Attempt>, StoreError> {
        self.read(move |db| attempt::of_payment(db, payment)).await
    }

    async fn capture(&self, id: CaptureId) -> Result<Option<Capture>, StoreError> {
        self.read(move |db| capture::by_id(db, id.0.shard(), id)).await
    }

    async fn captures_of(&self, payment: PaymentId) -> Result<Vec<Capture>, StoreError> {
        self.read(move |db| capture::of_payment(db, payment.0.shard(), payment, CAPTURES_SHOWN)).await
    }

    async fn refund(&self, id: RefundId) -> Result<Option<Refund>, StoreError> {
        self.read(move |db| refund::by_id(db, id.0.shard(), id)).await
    }

    async fn refunds(
        &self,
        merchant: MerchantId,
        filter: &RefundFilter,
        page: Page,
    ) -> Result<Vec<Refund>, StoreError> {
        let filter = filter.clone();
        self.read(move |db| refund::list(db, merchant, &filter, page)).await
    }

    async fn balances(&self, merchant: MerchantId) -> Result<Vec<StoredBalance>, StoreError> {
        self.read(move |db| balance::of_merchant(db, merchant)).await
    }

    async fn lines(
        &self,
        merchant: MerchantId,
        filter: &LineFilter,
        page: SeqPage,
    ) -> Result<Vec<StoredLine>, StoreError> {
        let filter = filter.clone();
        self.read(move |db| journal::lines(db, merchant, &filter, page)).await
    }

    async fn lines_of_source(&self, shard: Shard, source: Uid) -> Result<Vec<StoredLine>, StoreError> {
        self.read(move |db| journal::lines_of_source(db, shard, source)).await
    }

    async fn event(&self, id: EventId) -> Result<Option<Event>, StoreError> {
        self.read(move |db| event::by_id(db, id)).await
    }

    async fn events(
        &self,
        merchant: MerchantId,
        filter: &EventFilter,
        page: SeqPage,
    ) -> Result<Vec<Event>, StoreError> {
        let filter = filter.clone();
        self.read(move |db| event::list(db, merchant, &filter, page)).await
    }

    async fn events_after(
        &self,
        merchant: MerchantId,
        filter: &EventFilter,
        after_seq: i64,
        limit: u32,
    ) -> Result<Vec<Event>, StoreError> {
        let filter = filter.clone();
        self.read(move |db| event::list_after(db, merchant, &filter, after_seq, limit)).await
    }

    async fn events_of_object(&self, shard: Shard, object: Uid) -> Result<Vec<Event>, StoreError> {
        self.read(move |db| event::of_object(db, shard, object)).await
    }

    async fn delivery(&self, id: DeliveryId) -> Result<Option<Delivery>, StoreError> {
        self.read(move |db| delivery::by_id(db, id)).await
    }

    async fn deliveries(
        &self,
        merchant: MerchantId,
        endpoint: Option<EndpointId>,
        status: Option<DeliveryStatus>,
        page: SeqPage,
    ) -> Result<Vec<Delivery>, StoreError> {
        self.read(move |db| delivery::list(db, merchant, endpoint, status, page)).await
    }

    async fn deliveries_of_event(&self, event: EventId) -> Result<Vec<Delivery>, StoreError> {
        self.read(move |db| delivery::of_event(db, event)).await
    }

    async fn deliveries_due(
        &self,
        shard: Shard,
        real_now_us: i64,
        limit: u32,
    ) -> Result<Vec<Delivery>, StoreError> {
        self.read(move |db| delivery::due(db, shard, real_now_us, limit)).await
    }

    async fn attempts_due(
        &self,
        shard: Shard,
        real_now_us: i64,
        limit: u32,
    ) -> Result<Vec<Attempt>, StoreError> {
        self.read(move |db| attempt::due(db, shard, real_now_us, limit)).await
    }

    async fn captures_due(
        &self,
        shard: Shard,
        real_now_us: i64,
        limit: u32,
    ) -> Result<Vec<Capture>, StoreError> {
        self.read(move |db| capture::due(db, shard, real_now_us, limit)).await
    }

    async fn refunds_due(
        &self,
        shard: Shard,
        real_now_us: i64,
        limit: u32,
    ) -> Result<Vec<Refund>, StoreError> {
        self.read(move |db| refund::due(db, shard, real_now_us, limit)).await
    }

    async fn payments_expired(
        &self,
        shard: Shard,
        real_now_us: i64,
        limit: u32,
    ) -> Result<Vec<Payment>, StoreError> {
        self.read(move |db| payment::expired(db, shard, real_now_us, limit)).await
    }

    async fn maturities_due(
        &self,
        shard: Shard,
        real_now_us: i64,
        limit: u32,
    ) -> Result<Vec<DueMaturity>, StoreError> {
        self.read(move |db| balance::mature(db, shard, real_now_us, limit)).await
    }

    async fn journal(
        &self,
        shard: Shard,
        from_seq: i64,
        limit: u32,
    ) -> Result<Vec<StoredTransaction>, StoreError> {
        self.read(move |db| journal::transactions(db, shard, from_seq, limit)).await
    }

    async fn last_journal_seq(&self, shard: Shard) -> Result<i64, StoreError> {
        self.read(move |db| Ok(head::shard_head(db, shard)?.journal_seq)).await
    }

    async fn last_event_seq(&self, shard: Shard) -> Result<i64, StoreError> {
        self.read(move |db| Ok(head::shard_head(db, shard)?.event_seq)).await
    }

    async fn balances_after(
        &self,
        shard: Shard,
        after: Option<AccountKey>,
        limit: u32,
    ) -> Result<Vec<StoredBalance>, StoreError> {
        self.read(move |db| balance::after(db, shard, after, limit)).await
    }

    async fn last_line(&self, shard: Shard, key: AccountKey) -> Result<Option<StoredLine>, StoreError> {
        self.read(move |db| balance::last_line(db, shard, key)).await
    }

    async fn platform_balances(&self, shard: Shard) -> Result<Vec<(AccountKey, i64)>, StoreError> {
        self.read(move |db| balance::platform(db, shard)).await
    }

    async fn payments_after(
        &self,
        shard: Shard,
        after: Option<PaymentId>,
        limit: u32,
    ) -> Result<Vec<Payment>, StoreError> {
        self.read(move |db| payment::after(db, shard, after, limit)).await
    }

    async fn refunds_after(
        &self,
        shard: Shard,
        after: Option<RefundId>,
        limit: u32,
    ) -> Result<Vec<Refund>, StoreError> {
        self.read(move |db| refund::after(db, shard, after, limit)).await
    }

    async fn attempts_after(
        &self,
        shard: Shard,
        after: Option<AttemptId>,
        limit: u32,
    ) -> Result<Vec<Attempt>, StoreError> {
        self.read(move |db| attempt::after(db, shard, after, limit)).await
    }

    async fn is_control_nonce_used(&self, key: KeyId, nonce_hash: [u8; 16]) -> Result<bool, StoreError> {
        self.read(move |db| api_key::is_nonce_used(db, key, nonce_hash)).await
    }

    async fn last_block(&self, shard: Shard) -> Result<Option<Block>, StoreError> {
        self.read(move |db| block::last(db, shard)).await
    }

    async fn block(&self, shard: Shard, number: i64) -> Result<Option<Block>, StoreError> {
        self.read(move |db| block::by_number(db, shard, number)).await
    }
}
