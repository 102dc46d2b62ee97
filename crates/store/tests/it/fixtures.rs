//! Rows of every kind. Also used by the example program.
#![allow(dead_code)] // each user takes a part

use crypto::seal::{KeyProvider, MasterKey, SealFault, Sealer};
use domain::adjustment::{self, Adjustment, Arrival, Corrected, Person, Reason};
use domain::api_key::{ApiKey, Certificate, Notice, Owner};
use domain::attempt::{self, Attempt};
use domain::capture::{self, Capture};
use domain::channel::{Action, ChannelAccount, Failure, SandboxOutcome};
use domain::event::{Event, NewDelivery, Type};
use domain::id::*;
use domain::job::Job;
use domain::merchant::{Head, Merchant};
use domain::partner::Partner;
use domain::payment::{self, CaptureMode, Details, Payment, Personal, Scene, StatusReason};
use domain::price::{Price, RefundFee};
use domain::refund::{self, Refund};
use domain::rows::{Balance, Entry, IdempotencyRow, Transaction};
use ledger::{Account, AccountKey, Category, Day, Label, Line, NO_DAY, PostingKind};
use money::{Amount, Currency, FeeRule, Rate};
use std::sync::Arc;
use store::control::{Asked, Endpoint, EndpointStatus, StoredChannelAccount};
use store::{BalanceWrite, WriteSet};

pub const NOW_US: i64 = 1_764_000_000_000_000;
pub const TODAY: Day = Day(20_416);
pub const LIVE: Shard = Shard(0);
pub const SANDBOX: Shard = Shard(1);

pub use crate::engines::*;

struct OneKey(u8);

impl KeyProvider for OneKey {
    fn current_version(&self) -> u32 {
        1
    }

    fn key(&self, version: u32) -> Result<MasterKey, SealFault> {
        if version == 1 {
            Ok(MasterKey::from_bytes([self.0; 32]))
        } else {
            Err(SealFault::KeyUnavailable { version })
        }
    }
}

pub fn sealer(byte: u8) -> Arc<Sealer> {
    Arc::new(Sealer::new(Arc::new(OneKey(byte))))
}

pub fn maker(shard: Shard, seed: u128) -> IdMaker {
    IdMaker::new(NOW_US, shard, seed.wrapping_mul(0x9e37_79b9_97f4_a7c1_5f39_cc06_05ce_dc83))
}

pub fn cny(minor: i64) -> Amount {
    Amount::new(minor, Currency::CNY)
}

pub fn writes(batch: u128) -> WriteSet {
    WriteSet { batch, at_us: NOW_US, open_day: TODAY, ..WriteSet::default() }
}

pub fn merchant(shard: Shard, seed: u128) -> Merchant {
    Merchant {
        id: maker(shard, seed).next(),
        world: shard.world(),
        shard,
        name: "面馆 No. 1".to_owned(),
        zone: "Asia/Shanghai".to_owned(),
        maturity_days: 1,
        partner: None,
        created_at_us: NOW_US,
    }
}

/// How often the merchants' keys changed.
pub const KEY_EPOCH: i64 = 3;

pub fn head(merchant: MerchantId) -> Head {
    Head {
        merchant,
        clock_offset_us: 0,
        business_day: TODAY,
        debt_limit_minor: 1_000,
        credit_line_minor: 500,
        key_epoch: KEY_EPOCH,
        sequence: 1,
    }
}

pub fn failure() -> Failure {
    Failure {
        code: "insufficient_funds".to_owned(),
        message: "余额不足".to_owned(),
        channel_code: Some("NOTENOUGH".to_owned()),
        channel_message: Some(String::new()),
        retryable: true,
    }
}

/// A payment as it is created, with few optional members.
pub fn payment(ids: &mut IdMaker, merchant: MerchantId, order_no: &str) -> Payment {
    Payment {
        id: ids.next(),
        merchant,
        merchant_order_no: order_no.to_owned(),
        status: payment::Status::Created,
        status_reason: None,
        amount: cny(1_000),
        authorized_minor: 0,
        capturing_minor: 0,
        captured_minor: 0,
        refunded_minor: 0,
        refunding_minor: 0,
        fee_minor: None,
        fee_returned_minor: 0,
        cost_minor: 0,
        cost_returned_minor: 0,
        method: "sandbox".to_owned(),
        scene: Scene::BarCode,
        capture_mode: CaptureMode::Automatic,
        price: ids.next(),
        expires_at_us: NOW_US + 7_200_000_000,
        authorization_expires_at_us: None,
        ending: None,
        ended_by: None,
        next_action: None,
        failure: None,
        latest_attempt: None,
        open_attempt: None,
        paid_attempt: None,
        available_on: None,
        created_at_us: NOW_US,
        updated_at_us: NOW_US,
        authorized_at_us: None,
        paid_at_us: None,
        closed_at_us: None,
        sequence: 1,
        details: Arc::new(Details {
            subject: "牛肉面".to_owned(),
            store: Some("store 12".to_owned()),
            notify_url: Some("https://shop.example/notify".to_owned()),
            ..Details::default()
        }),
    }
}

/// A payment with every optional member.
pub fn full_payment(ids: &mut IdMaker, merchant: MerchantId, order_no: &str) -> Payment {
    Payment {
        status: payment::Status::Authorized,
        status_reason: Some(StatusReason::Declined),
        authorized_minor: 700,
        capturing_minor: 200,
        captured_minor: 300,
        refunded_minor: 100,
        refunding_minor: 50,
        fee_minor: Some(6),
        fee_returned_minor: 2,
        cost_minor: 3,
        cost_returned_minor: 1,
        capture_mode: CaptureMode::Manual,
        scene: Scene::MiniProgram,
        authorization_expires_at_us: Some(NOW_US + 5),
        ending: Some(StatusReason::Voided),
        ended_by: Some(ids.next()),
        next_action: Some(Action::Invoke {
            target: "mini_program".to_owned(),
            parameters: "{\"a\":1}".to_owned(),
        }),
        failure: Some(failure()),
        latest_attempt: Some(ids.next()),
        open_attempt: Some(ids.next()),
        paid_attempt: Some(ids.next()),
        available_on: Some(TODAY.plus(1)),
        updated_at_us: NOW_US + 1,
        authorized_at_us: Some(NOW_US + 2),
        paid_at_us: Some(NOW_US + 3),
        closed_at_us: Some(NOW_US + 4),
        sequence: 9,
        details: Arc::new(Details {
            subject: "牛肉面".to_owned(),
            description: Some("大碗".to_owned()),
            goods: Some("[{\"name\":\"面\"}]".to_owned()),
            metadata: Some("{\"table\":\"9\"}".repeat(200)),
            payer: Some(Personal("{\"name\":\"PLANTED-PAYER\"}".to_owned())),
            client_ip: Some(Personal("203.0.113.77".to_owned())),
            device: Some(Personal("{\"id\":\"PLANTED-DEVICE\"}".to_owned())),
            store: Some("s".to_owned()),
            terminal: Some("t".to_owned()),
            notify_url: Some("https://shop.example/n".to_owned()),
            return_url: Some("https://shop.example/r".to_owned()),
            sandbox_outcome: Some(SandboxOutcome::PayAfterClose),
            created_by: Some(ids.next()),
        }),
        ..payment(ids, merchant, order_no)
    }
}

pub fn attempt(ids: &mut IdMaker, payment: &Payment) -> Attempt {
    Attempt {
        id: ids.next(),
        payment: payment.id,
        merchant: payment.merchant,
        acting_key: None,
        status: attempt::Status::Created,
        method: payment.method.clone(),
        scene: payment.scene,
        channel_account: ids.next(),
        amount: payment.amount,
        channel_trade_no: None,
        failure: None,
        sandbox_outcome: None,
        taken: None,
        bill_date: None,
        held_minor: 0,
        sent_back_minor: 0,
        contradiction: None,
        job: Job::leased(1, NOW_US + 10_000_000),
        created_at_us: NOW_US,
        updated_at_us: NOW_US,
        sequence: 1,
    }
}

pub fn full_attempt(ids: &mut IdMaker, payment: &Payment) -> Attempt {
    Attempt {
        acting_key: Some(ids.next()),
        status: attempt::Status::Unknown,
        channel_trade_no: Some("4200001".to_owned()),
        failure: Some(failure()),
        sandbox_outcome: Some(SandboxOutcome::OtherCurrency),
        taken: Some(Amount::new(77, Currency::USD)),
        bill_date: Some(TODAY),
        held_minor: 77,
        sent_back_minor: 7,
        contradiction: Some("closed, then paid".to_owned()),
        job: Job { due_at_us: Some(NOW_US + 1), owner: 4, fence: 5, tries: 6 },
        sequence: 3,
        ..attempt(ids, payment)
    }
}

pub fn full_capture(ids: &mut IdMaker, payment: &Payment) -> Capture {
    Capture {
        id: ids.next(),
        payment: payment.id,
        attempt: ids.next(),
        merchant: payment.merchant,
        acting_key: Some(ids.next()),
        channel_account: ids.next(),
        amount: cny(300),
        is_final: true,
        status: capture::Status::Pending,
        fee_minor: 2,
        cost_minor: 1,
        available_on: Some(TODAY.plus(1)),
        bill_date: Some(TODAY),
        failure: Some(failure()),
        job: Job { due_at_us: Some(NOW_US + 2), owner: 1, fence: 2, tries: 3 },
        created_at_us: NOW_US,
        updated_at_us: NOW_US + 1,
        sequence: 2,
    }
}

pub fn full_refund(ids: &mut IdMaker, payment: &Payment, refund_no: Option<&str>) -> Refund {
    let merchant = payment.merchant.0.0;
    let id: RefundId = ids.next();
    let line = |account, amount_minor, category, merchant| Line { account, amount_minor, category, merchant };
    Refund {
        id,
        payment: payment.id,
        attempt: ids.next(),
        merchant: payment.merchant,
        acting_key: Some(ids.next()),
        channel_account: ids.next(),
        merchant_order_no: payment.merchant_order_no.clone(),
        merchant_refund_no: refund_no.map(str::to_owned),
        kind: refund::Kind::Merchant,
        amount: cny(40),
        status: refund::Status::RequiresAttention,
        reason: Some("太咸".to_owned()),
        fee_returned_minor: 2,
        fee_charged_minor: 1,
        cost_returned_minor: 1,
        accepted_lines: vec![
            line(
                Account::MerchantPending { merchant, available_on: TODAY.plus(1) },
                40,
                Category::Refund,
                Some(merchant),
            ),
            line(Account::RefundInTransit { refund: id.0.0 }, -40, Category::Refund, Some(merchant)),
            line(Account::FeeIncome { method: Label::new("sandbox").unwrap() }, 2, Category::FeeRefund, None),
            line(Account::MerchantAvailable { merchant }, -2, Category::FeeRefund, Some(merchant)),
        ],
        in_transit_minor: 40,
        channel_refund_no: Some("5030".to_owned()),
        bill_date: Some(TODAY),
        failure: Some(failure()),
        sandbox_outcome: Some(SandboxOutcome::LoseAnswer),
        contradiction: Some("refused, then taken".to_owned()),
        job: Job { due_at_us: Some(NOW_US + 3), owner: 1, fence: 2, tries: 3 },
        succeeded_at_us: Some(NOW_US + 9),
        created_at_us: NOW_US,
        updated_at_us: NOW_US + 1,
        sequence: 4,
    }
}

pub fn adjustment(ids: &mut IdMaker, merchant: MerchantId, receiver: MerchantId) -> Adjustment {
    Adjustment {
        id: ids.next(),
        merchant,
        receiver,
        amount: cny(700),
        corrects: Corrected::Refund(ids.next()),
        reason: Reason::parse("收错商户").unwrap(),
        proposed_by: Person::parse("li").unwrap(),
        decided_by: None,
        status: adjustment::Status::Proposed,
        due_at_us: None,
        created_at_us: NOW_US,
        updated_at_us: NOW_US,
        sequence: 1,
    }
}

pub fn arrival(of: &Adjustment) -> Arrival {
    Arrival { adjustment: of.id, merchant: of.receiver, amount: of.amount, arrived_at_us: NOW_US + 5 }
}

pub fn idempotency(ids: &mut IdMaker, merchant: MerchantId, object: Option<Uid>) -> IdempotencyRow {
    // Hashes have no order, so each row lands on a page of its own, as at work.
    let mut hash = || crypto::sha256(&ids.next::<KeyId>().0.0)[..16].try_into().unwrap();
    let (key_hash, nonce) = (hash(), hash());
    let key = KeyId(Uid([5; 16]));
    IdempotencyRow {
        merchant,
        key_hash,
        fingerprint: [9; 16],
        nonce: Some((key, nonce)),
        object,
        refusal: None,
        created_at_us: NOW_US,
    }
}

/// An event whose id ends in four zero bits, as those of deliveries need.
pub fn event(ids: &mut IdMaker, merchant: MerchantId, object: Uid, to: &[Option<EndpointId>]) -> Event {
    let mut id: EventId = ids.next();
    id.0.0[15] &= 0xf0;
    let url = |endpoint: &Option<EndpointId>| match endpoint {
        Some(endpoint) => format!("https://shop.example/hooks/{endpoint}"),
        None => "https://shop.example/notify".to_owned(),
    };
    Event {
        seq: 0,
        id,
        merchant,
        kind: Type::PaymentSucceeded,
        object,
        object_sequence: 2,
        created_at_us: NOW_US,
        body: format!(
            "{{\"id\":\"{id}\",\"type\":\"payment.succeeded\",\"data\":{{\"object\":\"{object:?}\",\"amount\":1000,\
             \"currency\":\"CNY\",\"status\":\"succeeded\",\"merchant_order_no\":\"2025112400001\",\
             \"subject\":\"牛肉面\",\"paid_at\":\"2025-11-24T16:00:00.000000Z\",\"captured\":1000}}}}"
        ),
        is_personal: false,
        deliveries: to
            .iter()
            .map(|endpoint| NewDelivery { endpoint: *endpoint, url: url(endpoint), due_at_us: NOW_US })
            .collect(),
    }
}

pub fn endpoint(ids: &mut IdMaker, merchant: MerchantId, url: &str) -> Endpoint {
    Endpoint {
        id: ids.next(),
        merchant,
        url: url.to_owned(),
        events: vec!["payment.*".to_owned(), "refund.succeeded".to_owned()],
        description: Some("cash desk".to_owned()),
        status: EndpointStatus::Failing,
        secret: b"PLANTED-ENDPOINT-SECRET".to_vec(),
        old_secret: Some((b"PLANTED-OLD-SECRET".to_vec(), NOW_US + 1)),
        failing_since_us: Some(NOW_US),
        failures: 2,
        created_at_us: NOW_US,
        updated_at_us: NOW_US,
        sequence: 1,
        created_by: Some(ids.next()),
        changed_by: Some(ids.next()),
    }
}

pub fn api_key(ids: &mut IdMaker, merchant: MerchantId) -> ApiKey {
    ApiKey {
        id: ids.next(),
        owner: Owner::Merchant(merchant),
        name: "till".to_owned(),
        bearer_hash: Some([3; 32]),
        public_key_pem: Some("-----BEGIN PUBLIC KEY-----".to_owned()),
        certificate: Some(Certificate {
            serial: "0a1b".to_owned(),
            fingerprint: "ff".repeat(32),
            begins_at_us: NOW_US - 1,
            ends_at_us: NOW_US + 3,
        }),
        permissions: vec!["payments:write".to_owned()],
        ip_allow: vec!["203.0.113.0/24".to_owned(), "2001:db8::1".to_owned()],
        expires_at_us: Some(NOW_US + 1),
        revoked_at_us: Some(NOW_US + 2),
        noticed: Some(Notice::Days7),
        created_by: Some(ids.next()),
        changed_by: Some(ids.next()),
        created_at_us: NOW_US,
        sequence: 1,
    }
}

pub fn partner(ids: &mut IdMaker, parent: Option<PartnerId>) -> Partner {
    Partner { id: ids.next(), parent, name: "服务商".to_owned(), created_at_us: NOW_US }
}

/// A request of the merchant's, its keys as they are since the beginning.
pub fn asked(merchant: MerchantId) -> Asked {
    Asked { merchant, key_epoch: KEY_EPOCH, key: None, nonce: None, idempotency: None, at_us: NOW_US }
}

pub fn rule() -> FeeRule {
    FeeRule { rate: Rate::parse("0.60").unwrap(), fixed_minor: 1, minimum_minor: 2, cap_minor: Some(9_999) }
}

pub fn price(ids: &mut IdMaker, merchant: MerchantId, version: i64) -> Price {
    Price {
        id: ids.next(),
        merchant,
        method: "sandbox".to_owned(),
        currency: Currency::CNY,
        version,
        rule: rule(),
        refund_fee: RefundFee::Charged(5),
        effective_at_us: NOW_US,
    }
}

pub fn channel_account(ids: &mut IdMaker) -> StoredChannelAccount {
    StoredChannelAccount {
        account: ChannelAccount { id: ids.next(), method: "sandbox".to_owned(), cost: rule(), enabled: true },
        world: domain::World::Sandbox,
        kind: "sandbox".to_owned(),
        callback_secret: b"PLANTED-CALLBACK-SECRET".to_vec(),
    }
}

pub fn pending_key(merchant: MerchantId) -> AccountKey {
    Account::MerchantPending { merchant: merchant.0.0, available_on: TODAY.plus(1) }.key(Currency::CNY)
}

pub fn available_key(merchant: MerchantId) -> AccountKey {
    Account::MerchantAvailable { merchant: merchant.0.0 }.key(Currency::CNY)
}

/// A transaction that moves the balance of a chained account by `change` (in its natural, credit-positive sign) against
/// own capital, with the write of that balance.
pub fn movement(
    key: AccountKey,
    merchant: MerchantId,
    before: Option<Balance>,
    change: i64,
) -> (Transaction, BalanceWrite) {
    let start = before.unwrap_or_default();
    let after = Balance { amount_minor: start.amount_minor + change, account_seq: start.account_seq + 1 };
    let entry = |account, amount_minor, chained: Option<Balance>| Entry {
        account,
        amount_minor,
        category: Category::Adjustment,
        merchant: chained.map(|_| merchant),
        account_seq: chained.map(|balance| balance.account_seq),
        balance_after_minor: chained.map(|balance| balance.amount_minor),
    };
    let transaction = Transaction {
        kind: PostingKind::Adjusted,
        source: merchant.0,
        merchant,
        posted_at_us: NOW_US,
        booked_on: TODAY,
        corrects: Some(merchant.0),
        entries: vec![
            entry(key, -change, Some(after)),
            entry(Account::OwnCapital.key(key.currency), change, None),
        ],
    };
    let matures_at_us = (key.day != NO_DAY).then_some(NOW_US + 1_000);
    (transaction, BalanceWrite { key, merchant, before, after, floor_minor: 0, matures_at_us })
}

/// One synchronous bar-code payment on its way through its two stages.
pub struct Sale {
    pub payment: Payment,
    pub attempt: Attempt,
    pub idempotency: IdempotencyRow,
    endpoint: EndpointId,
    channel_account: ChannelAccountId,
}

impl Sale {
    pub fn new(ids: &mut IdMaker, merchant: MerchantId, order_no: &str, endpoint: EndpointId) -> Sale {
        let mut payment = payment(ids, merchant, order_no);
        let attempt = attempt(ids, &payment);
        payment.latest_attempt = Some(attempt.id);
        payment.open_attempt = Some(attempt.id);
        let idempotency = idempotency(ids, merchant, Some(payment.id.0));
        // One account for all, so that its balances are shared as they are at work.
        let channel_account = ChannelAccountId(Uid([8; 16]));
        Sale { payment, attempt, idempotency, endpoint, channel_account }
    }

    /// Idempotency row, payment, attempt.
    pub fn begin(&self, into: &mut WriteSet) {
        into.idempotency.push(self.idempotency.clone());
        into.new_payments.push(self.payment.clone());
        into.new_attempts.push(self.attempt.clone());
    }

    /// Payment, attempt, a transaction of six lines, an event. Balances and deltas go to `books`.
    pub fn succeed(&self, ids: &mut IdMaker, books: &mut Books, into: &mut WriteSet) {
        let merchant = self.payment.merchant;
        let mut paid = self.payment.clone();
        paid.status = payment::Status::Succeeded;
        paid.captured_minor = 1_000;
        paid.fee_minor = Some(6);
        paid.cost_minor = 3;
        paid.open_attempt = None;
        paid.paid_attempt = Some(self.attempt.id);
        paid.available_on = Some(TODAY.plus(1));
        paid.paid_at_us = Some(NOW_US + 1);
        paid.sequence += 1;
        let mut attempt = self.attempt.clone();
        attempt.status = attempt::Status::Succeeded;
        attempt.channel_trade_no = Some("4200001234202511240000000001".to_owned());
        attempt.taken = Some(paid.amount);
        attempt.bill_date = Some(TODAY);
        attempt.job = attempt.job.done();
        attempt.sequence += 1;
        into.payments.push((1, paid));
        into.attempts.push((1, attempt));

        let channel_account = self.channel_account.0.0;
        let method = Label::new("sandbox").unwrap();
        let mut entries = vec![
            books.delta(
                Account::ChannelReceivable { channel_account, bill_date: TODAY },
                1_000,
                Category::Payment,
            ),
            books.pending(1_000, Category::Payment),
            books.pending(-6, Category::Fee),
            books.delta(Account::FeeIncome { method }, -6, Category::Fee),
            books.delta(Account::ChannelCost { kind: Label::TRANSACTION }, 3, Category::Cost),
            books.delta(Account::ChannelFeeAccrued { channel_account, bill_date: TODAY }, -3, Category::Cost),
        ];
        entries.shrink_to_fit();
        into.transactions.push(Transaction {
            kind: PostingKind::PaymentSucceeded,
            source: self.payment.id.0,
            merchant,
            posted_at_us: NOW_US + 1,
            booked_on: TODAY,
            corrects: None,
            entries,
        });
        into.events.push(event(ids, merchant, self.payment.id.0, &[Some(self.endpoint)]));
    }
}

/// The balances that a batch of sales of one merchant moves.
pub struct Books {
    merchant: MerchantId,
    before: Option<Balance>,
    now: Balance,
    deltas: Vec<(AccountKey, i64)>,
}

impl Books {
    pub fn new(merchant: MerchantId, before: Option<Balance>) -> Books {
        Books { merchant, before, now: before.unwrap_or_default(), deltas: Vec::new() }
    }

    fn delta(&mut self, account: Account, amount_minor: i64, category: Category) -> Entry {
        let key = account.key(Currency::CNY);
        match self.deltas.iter_mut().find(|(known, _)| *known == key) {
            Some((_, sum)) => *sum += amount_minor,
            None => self.deltas.push((key, amount_minor)),
        }
        Entry {
            account: key,
            amount_minor,
            category,
            merchant: None,
            account_seq: None,
            balance_after_minor: None,
        }
    }

    fn pending(&mut self, change: i64, category: Category) -> Entry {
        self.now.amount_minor += change;
        self.now.account_seq += 1;
        Entry {
            account: pending_key(self.merchant),
            amount_minor: -change,
            category,
            merchant: Some(self.merchant),
            account_seq: Some(self.now.account_seq),
            balance_after_minor: Some(self.now.amount_minor),
        }
    }

    /// Writes what was moved; answers the balance for the next batch.
    pub fn close(self, into: &mut WriteSet) -> Balance {
        into.balances.push(BalanceWrite {
            key: pending_key(self.merchant),
            merchant: self.merchant,
            before: self.before,
            after: self.now,
            floor_minor: 0,
            matures_at_us: Some(NOW_US + 86_400_000_000),
        });
        into.deltas.extend(self.deltas);
        self.now
    }
}
