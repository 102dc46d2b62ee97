//! Every method of the store's traits, through the plan of faults. The database does its work on threads of its own; here the
//! caller waits for it without giving the turn away, so that nothing but the plan decides what happens next.

use super::{SimStore, now};
use async_trait::async_trait;
use domain::adjustment::{Adjustment, Arrival};
use domain::api_key::ApiKey;
use domain::attempt::Attempt;
use domain::capture::Capture;
use domain::event::Event;
use domain::id::{
    AdjustmentId, AttemptId, CaptureId, ChannelAccountId, DeliveryId, EndpointId, EventId, KeyId, MerchantId,
    PartnerId, PaymentId, RefundId, Shard, StatementId, Uid,
};
use domain::merchant::{Head, Merchant};
use domain::partner::Partner;
use domain::payment::Payment;
use domain::price::Price;
use domain::refund::Refund;
use domain::statement::{Kind, Statement};
use ledger::{AccountKey, Day};
use store::archive::{ArchiveEnd, ArchiveFile, Dropped};
use store::control::{Asked, DeliveryOutcome, Endpoint, Made, Snapshot, StoredChannelAccount};
use store::reads::{
    Block, Delivery, DeliveryStatus, DueMaturity, EventFilter, LineFilter, Page, PaymentFilter, RefundFilter,
    SeqPage, StoredBalance, StoredLine, StoredTransaction, Waiting, WaitingList,
};
use store::retention::{Aging, Forgotten, Place};
use store::safekeeping::{KeptNotice, LostEffect, NoticeKey, Restored, SealedAgain, Sealing};
use store::statements::{DayPage, FormedDay, StatementFilter, StatementPlace};
use store::{Adjustments, Archive, Control, Reads, Retention, Safekeeping, Statements, StoreError};

/// `read`: may fail; `write`: may fail, or succeed and lose its answer.
macro_rules! through_the_plan {
    ($trait:ident: $($kind:ident $name:ident($($arg:ident: $type:ty),*) -> $answer:ty;)*) => {
        #[async_trait]
        impl $trait for SimStore {
            $(async fn $name(&self, $($arg: $type),*) -> Result<$answer, StoreError> {
                self.$kind(stringify!($name), || now(self.inner.$name($($arg),*))).await
            })*
        }
    };
}

through_the_plan! { Reads:
    read ping() -> ();
    read head(merchant: MerchantId) -> Option<Head>;
    read open_day(shard: Shard) -> Day;
    read payment(id: PaymentId) -> Option<Payment>;
    read payment_by_order_no(merchant: MerchantId, no: &str) -> Option<Payment>;
    read payments(merchant: MerchantId, filter: &PaymentFilter, page: Page) -> Vec<Payment>;
    read attempt(id: AttemptId) -> Option<Attempt>;
    read attempts_of(payment: PaymentId) -> Vec<Attempt>;
    read capture(id: CaptureId) -> Option<Capture>;
    read captures_of(payment: PaymentId) -> Vec<Capture>;
    read refund(id: RefundId) -> Option<Refund>;
    read refunds(merchant: MerchantId, filter: &RefundFilter, page: Page) -> Vec<Refund>;
    read balances(merchant: MerchantId) -> Vec<StoredBalance>;
    read lines(merchant: MerchantId, filter: &LineFilter, page: SeqPage) -> Vec<StoredLine>;
    read lines_of_source(shard: Shard, source: Uid) -> Vec<StoredLine>;
    read event(id: EventId) -> Option<Event>;
    read events(merchant: MerchantId, filter: &EventFilter, page: SeqPage) -> Vec<Event>;
    read events_after(merchant: MerchantId, filter: &EventFilter, after_seq: i64, limit: u32) -> Vec<Event>;
    read has_event(merchant: MerchantId, seq: i64) -> bool;
    read events_of_object(shard: Shard, object: Uid) -> Vec<Event>;
    read delivery(id: DeliveryId) -> Option<Delivery>;
    read deliveries(merchant: MerchantId, endpoint: Option<EndpointId>, status: Option<DeliveryStatus>, page: SeqPage) -> Vec<Delivery>;
    read deliveries_of_event(event: EventId) -> Vec<Delivery>;
    read deliveries_due(shard: Shard, real_now_us: i64, limit: u32) -> Vec<Delivery>;
    read attempts_due(shard: Shard, real_now_us: i64, limit: u32) -> Vec<Attempt>;
    read captures_due(shard: Shard, real_now_us: i64, limit: u32) -> Vec<Capture>;
    read refunds_due(shard: Shard, real_now_us: i64, limit: u32) -> Vec<Refund>;
    read payments_expired(shard: Shard, real_now_us: i64, limit: u32) -> Vec<Payment>;
    read maturities_due(shard: Shard, real_now_us: i64, limit: u32) -> Vec<DueMaturity>;
    read waiting(shard: Shard) -> Waiting;
    read waiting_list(shard: Shard, limit: u32) -> WaitingList;
    read journal(shard: Shard, from_seq: i64, limit: u32) -> Vec<StoredTransaction>;
    read last_journal_seq(shard: Shard) -> i64;
    read last_event_seq(shard: Shard) -> i64;
    read balances_after(shard: Shard, after: Option<AccountKey>, limit: u32) -> Vec<StoredBalance>;
    read last_line(shard: Shard, key: AccountKey) -> Option<StoredLine>;
    read platform_balances(shard: Shard) -> Vec<(AccountKey, i64)>;
    read payments_after(shard: Shard, after: Option<PaymentId>, limit: u32) -> Vec<Payment>;
    read refunds_after(shard: Shard, after: Option<RefundId>, limit: u32) -> Vec<Refund>;
    read attempts_after(shard: Shard, after: Option<AttemptId>, limit: u32) -> Vec<Attempt>;
    read asked_before(asked: &Asked) -> Option<Made<Uid>>;
    read last_block(shard: Shard) -> Option<Block>;
    read block(shard: Shard, number: i64) -> Option<Block>;
}

through_the_plan! { Control:
    read snapshot() -> Snapshot;
    read snapshot_version() -> i64;
    write create_merchant(merchant: &Merchant, head: &Head, default_secret: &[u8]) -> ();
    write create_channel_account(account: &StoredChannelAccount) -> ();
    write create_partner(partner: &Partner) -> ();
    write set_merchant_partner(merchant: MerchantId, partner: Option<PartnerId>) -> ();
    write create_price(price: &Price) -> ();
    write create_key(key: &ApiKey, asked: Option<&Asked>) -> Made<KeyId>;
    write update_key(key: &ApiKey, expected_sequence: i64, asked: Option<&Asked>) -> Made<KeyId>;
    write rotate_key(new: &ApiKey, old: &ApiKey, old_sequence: i64, asked: Option<&Asked>) -> Made<KeyId>;
    write create_endpoint(endpoint: &Endpoint, most: usize, asked: Option<&Asked>) -> Made<EndpointId>;
    write update_endpoint(endpoint: &Endpoint, expected_sequence: i64, asked: Option<&Asked>) -> Made<EndpointId>;
    write delete_endpoint(merchant: MerchantId, id: EndpointId, asked: Option<&Asked>) -> ();
    write record_deliveries(shard: Shard, outcomes: &[DeliveryOutcome]) -> ();
    write replay_delivery(id: DeliveryId, due_at_us: i64, asked: Option<&Asked>) -> Made<DeliveryId>;
    write insert_event(shard: Shard, event: &Event, asked: Option<&Asked>) -> Made<EventId>;
    write append_block(shard: Shard, block: &Block) -> ();
    read verified_block(shard: Shard) -> i64;
    write set_verified_block(shard: Shard, number: i64) -> ();
    write admit(asked: &Asked) -> ();
    write keep_notice(account: ChannelAccountId, reference: &str, headers: &str, body: &[u8], at_us: i64) -> ();
}

through_the_plan! { Safekeeping:
    read installation_secret(name: &str) -> Option<Vec<u8>>;
    write keep_installation_secret(name: &str, value: &[u8]) -> ();
    write hold(since_us: i64, restored: Option<Restored>) -> ();
    write release() -> ();
    write keep_lost(lost: &[LostEffect]) -> ();
    read kept_notices(after: Option<NoticeKey>, limit: u32) -> Vec<KeptNotice>;
    write mark_handled(account: ChannelAccountId, number: &str, at_us: i64) -> bool;
    read open_attempts(shard: Shard, after: Option<(i64, AttemptId)>, limit: u32) -> Vec<Attempt>;
    read open_captures(shard: Shard, after: Option<(i64, CaptureId)>, limit: u32) -> Vec<Capture>;
    read open_refunds(shard: Shard, after: Option<(i64, RefundId)>, limit: u32) -> Vec<Refund>;
    read sealing() -> Sealing;
    write begin_rotation(version: u32) -> ();
    write seal_again(from: Option<&str>) -> SealedAgain;
    write end_rotation() -> ();
}

through_the_plan! { Statements:
    read statement(id: StatementId) -> Option<Statement>;
    read statements(merchant: MerchantId, filter: StatementFilter, page: Page) -> Vec<Statement>;
    read last_statement(merchant: MerchantId, kind: Kind) -> Option<Statement>;
    read last_statement_from(merchant: MerchantId, kind: Kind, block: i64) -> Option<Statement>;
    read statements_after(shard: Shard, after: Option<StatementPlace>, limit: u32) -> Vec<Statement>;
    read statements_due(shard: Shard, real_now_us: i64, limit: u32) -> Vec<MerchantId>;
    read merchant_journal(merchant: MerchantId, after_seq: i64, last_seq: i64, limit: u32) -> DayPage;
    read block_of(shard: Shard, seq: i64) -> Option<Block>;
    read chained_roots(shard: Shard, first: i64, last: i64, limit: u32) -> Vec<[u8; 32]>;
    write append_statements(shard: Shard, days: &[FormedDay]) -> ();
    write set_statements_due(due: &[(MerchantId, i64)]) -> ();
}

through_the_plan! {
    Retention:
    write forget(shard: Shard, aging: Aging, before_us: i64, from: Place, limit: u32) -> Forgotten;
}

through_the_plan! {
    Archive:
    read archive_files(shard: Shard, after_seq: i64, limit: u32) -> Vec<ArchiveFile>;
    read archive_end(shard: Shard) -> ArchiveEnd;
    write keep_archive_file(file: &ArchiveFile) -> ();
    write drop_archived(shard: Shard, from_seq: i64, limit: u32) -> Dropped;
}

through_the_plan! {
    Adjustments:
    read adjustment(id: AdjustmentId) -> Option<Adjustment>;
    read arrival(shard: Shard, id: AdjustmentId) -> Option<Arrival>;
    read adjustments_correcting(shard: Shard, object: Uid) -> Vec<Adjustment>;
    read adjustments_open(shard: Shard, after: Option<AdjustmentId>, limit: u32) -> Vec<Adjustment>;
    read adjustments_due(shard: Shard, real_now_us: i64, limit: u32) -> Vec<Adjustment>;
    read adjustments_after(shard: Shard, after: Option<AdjustmentId>, limit: u32) -> Vec<Adjustment>;
    read arrivals_after(shard: Shard, after: Option<AdjustmentId>, limit: u32) -> Vec<Arrival>;
}
