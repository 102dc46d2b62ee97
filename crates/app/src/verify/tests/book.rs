//! An installation in memory: postings of the real templates, booked as a lane books them, with rows open to falsification.

use super::super::Journal;
use crate::seal::BlockStore;
use async_trait::async_trait;
use domain::Uid;
use domain::adjustment::{Adjustment, Arrival};
use domain::attempt::{self, Attempt};
use domain::id::{
    AdjustmentId, AttemptId, ChannelAccountId, Id, IdMaker, MerchantId, PaymentId, PriceId, RefundId, Shard,
};
use domain::job::Job;
use domain::payment::{CaptureMode, Details, Payment, Scene, Status};
use domain::refund::{self, Refund};
use domain::rows::{Balance, Entry, Transaction};
use ledger::posting::held::Took;
use ledger::posting::payment::{Sale, SaleSource};
use ledger::posting::{authorization, held, maturity, payment, refund as refunding, refund_failed};
use ledger::{Account, AccountKey, Charge, Day, Funds, Keeping, Label, Posting, Ref};
use money::{Amount, Currency};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use store::StoreError;
use store::reads::{Block, StoredBalance, StoredLine, StoredTransaction};

pub const SHARD: Shard = Shard(1);
pub const TODAY: Day = Day(20_781);
pub const GROSS_MINOR: i64 = 10_000;
pub const FEE_MINOR: i64 = 60;

/// What a later read shall find changed: committed between two reads of `verify`.
type Meanwhile = Box<dyn FnOnce(&mut State) + Send>;

/// The rows.
pub struct State {
    pub journal: Vec<StoredTransaction>,
    pub last_seq: i64,
    pub balances: Vec<StoredBalance>,
    pub platform: BTreeMap<AccountKey, i64>,
    pub payments: BTreeMap<PaymentId, Payment>,
    pub attempts: BTreeMap<AttemptId, Attempt>,
    pub refunds: BTreeMap<RefundId, Refund>,
    pub adjustments: BTreeMap<AdjustmentId, Adjustment>,
    /// By the receiver's shard.
    pub arrivals: BTreeMap<(Shard, AdjustmentId), Arrival>,
    pub blocks: Vec<Block>,
    pub verified: i64,
    pub credit_line_minor: i64,
    /// A transaction whose rows the store can't make sense of.
    pub unreadable: Option<i64>,
    pub merchant: MerchantId,
    pub account: ChannelAccountId,
    ids: IdMaker,
}

/// The rows behind a lock, with what happens meanwhile.
pub struct Book {
    state: Mutex<State>,
    meanwhile: Mutex<VecDeque<Meanwhile>>,
}

impl Book {
    pub fn new() -> Book {
        let mut ids = IdMaker::new(1_795_491_000_000_000, SHARD, 7);
        let state = State {
            journal: Vec::new(),
            last_seq: 0,
            balances: Vec::new(),
            platform: BTreeMap::new(),
            payments: BTreeMap::new(),
            attempts: BTreeMap::new(),
            refunds: BTreeMap::new(),
            adjustments: BTreeMap::new(),
            arrivals: BTreeMap::new(),
            blocks: Vec::new(),
            verified: 0,
            credit_line_minor: 0,
            unreadable: None,
            merchant: ids.next(),
            account: ids.next(),
            ids,
        };
        Book { state: Mutex::new(state), meanwhile: Mutex::default() }
    }

    /// Sales, refunds in every state, an authorization, held money, a maturity: 12 transactions.
    pub fn lived() -> Book {
        let book = Book::new();
        {
            let mut state = book.state();
            let first = state.sale();
            let second = state.sale();
            let taken = state.accept_refund(first, 4_000);
            state.take_refund(taken);
            state.accept_refund(second, 1_000);
            let failed = state.accept_refund(second, 500);
            state.fail_refund(failed);
            state.authorize();
            state.hold();
            state.send_back();
            state.mature(2_000);
            state.sale();
        }
        book
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Happens with the next read of balance rows, the one after that for the second, and so on.
    pub fn meanwhile(&self, change: impl FnOnce(&mut State) + Send + 'static) {
        self.meanwhile.lock().unwrap().push_back(Box::new(change));
    }

    fn time_passes(&self) {
        if let Some(change) = self.meanwhile.lock().unwrap().pop_front() {
            change(&mut self.state());
        }
    }
}

impl Funds for State {
    fn balance_minor(&self, account: &Account, currency: Currency) -> i64 {
        self.balance(&account.key(currency)).map_or(0, |row| row.balance.amount_minor)
    }

    fn credit_line_minor(&self) -> i64 {
        self.credit_line_minor
    }

    fn pending_days(&self, _: Ref, _: Currency) -> Vec<Day> {
        vec![TODAY.plus(1)]
    }
}

impl State {
    pub fn balance(&self, key: &AccountKey) -> Option<&StoredBalance> {
        self.balances.iter().find(|row| row.key == *key)
    }

    pub fn pending(&self) -> AccountKey {
        Account::MerchantPending { merchant: self.merchant.uid().0, available_on: TODAY.plus(1) }
            .key(Currency::CNY)
    }

    pub fn new_id<I: Id>(&mut self) -> I {
        self.ids.next()
    }

    /// Books a posting of the merchant's.
    pub fn book(&mut self, posting: &Posting, source: Uid) {
        self.book_of(self.merchant, posting, source);
    }

    /// Books a posting as a lane does: chained accounts get number and balance, others a delta.
    pub fn book_of(&mut self, merchant: MerchantId, posting: &Posting, source: Uid) {
        let mut entries = Vec::new();
        for line in &posting.lines {
            let key = line.account.key(posting.currency);
            let mut entry = Entry {
                account: key,
                amount_minor: line.amount_minor,
                category: line.category,
                merchant: line.merchant.map(|merchant| MerchantId(Uid(merchant))),
                account_seq: None,
                balance_after_minor: None,
            };
            match line.account.keeping() {
                Keeping::Delta => *self.platform.entry(key).or_default() += line.amount_minor,
                Keeping::Object => {}
                Keeping::Chained => {
                    let before = self.balance(&key).map_or(Balance::default(), |row| row.balance);
                    let after = Balance {
                        amount_minor: before.amount_minor + line.natural_minor(),
                        account_seq: before.account_seq + 1,
                    };
                    self.balances.retain(|row| row.key != key);
                    self.balances.push(StoredBalance { key, merchant, balance: after });
                    entry.account_seq = Some(after.account_seq);
                    entry.balance_after_minor = Some(after.amount_minor);
                }
            }
            entries.push(entry);
        }
        self.last_seq += 1;
        let transaction = Transaction {
            kind: posting.kind,
            source,
            merchant,
            posted_at_us: 1_795_491_000_000_000 + self.last_seq,
            booked_on: TODAY,
            corrects: None,
            entries,
        };
        self.journal.push(StoredTransaction { seq: self.last_seq, transaction });
    }

    fn took(&self) -> Took {
        let amount = Amount::new(GROSS_MINOR, Currency::CNY);
        Took { channel_account: self.account.uid().0, bill_date: TODAY, amount, cost_minor: 20 }
    }

    /// A payment of 10,000 with a fee of 60 succeeds.
    pub fn sale(&mut self) -> PaymentId {
        let mut payment = fresh_payment(self.ids.next(), self.merchant);
        let posting = payment::succeeded(
            &Sale {
                merchant: self.merchant.uid().0,
                channel_account: self.account.uid().0,
                bill_date: TODAY,
                available_on: TODAY.plus(1),
                method: Label::new("sandbox").unwrap(),
                currency: Currency::CNY,
                gross_minor: GROSS_MINOR,
                fee: Charge::untaxed(FEE_MINOR),
                cost_minor: 20,
                source: SaleSource::Channel,
            },
            &*self,
        )
        .unwrap();
        self.book(&posting, payment.id.0);
        payment.status = Status::Succeeded;
        payment.captured_minor = GROSS_MINOR;
        payment.fee_minor = Some(FEE_MINOR);
        payment.cost_minor = 20;
        let id = payment.id;
        self.payments.insert(id, payment);
        id
    }

    pub fn accept_refund(&mut self, payment: PaymentId, amount_minor: i64) -> RefundId {
        let mut refund = fresh_refund(self.ids.next(), payment, self, amount_minor);
        refund.fee_returned_minor = amount_minor * FEE_MINOR / GROSS_MINOR;
        let acceptance = refunding::Acceptance {
            merchant: self.merchant.uid().0,
            refund: refund.id.0.0,
            currency: Currency::CNY,
            method: Label::new("sandbox").unwrap(),
            gross_account: refunding::GrossAccount::Pending(TODAY.plus(1)),
            payment_days: Vec::new(),
            holds: Vec::new(),
            reserves: Vec::new(),
            amount_minor,
            fee_back: Charge::untaxed(refund.fee_returned_minor),
            refund_fee: Charge::untaxed(1),
        };
        let posting = refunding::accepted(&acceptance, &*self).unwrap().posting;
        refund.fee_charged_minor = 1;
        refund.accepted_lines = posting.lines.clone();
        self.book(&posting, refund.id.0);
        let row = self.payments.get_mut(&payment).unwrap();
        row.refunding_minor += amount_minor;
        row.fee_returned_minor += refund.fee_returned_minor;
        let id = refund.id;
        self.refunds.insert(id, refund);
        id
    }

    pub fn take_refund(&mut self, id: RefundId) {
        let refund = self.refunds.get_mut(&id).unwrap();
        refund.status = refund::Status::Succeeded;
        refund.in_transit_minor = 0;
        let amount_minor = refund.amount.minor();
        let payment = self.payments.get_mut(&refund.payment).unwrap();
        payment.refunding_minor -= amount_minor;
        payment.refunded_minor += amount_minor;
        let posting = refunding::taken(&refunding::Taken {
            refund: id.0.0,
            channel_account: self.account.uid().0,
            bill_date: TODAY,
            currency: Currency::CNY,
            amount_minor,
            cost_back_minor: 8,
        })
        .unwrap();
        self.book(&posting, id.0);
    }

    pub fn fail_refund(&mut self, id: RefundId) {
        let refund = self.refunds[&id].clone();
        let failure = refund_failed::Failure {
            currency: Currency::CNY,
            acceptance: &refund.accepted_lines,
            has_moved_on: &|_| false,
            merchant_closed: false,
            late: None,
        };
        let posting = refund_failed::failed(&failure, &*self).unwrap();
        self.book(&posting, id.0);
        let payment = self.payments.get_mut(&refund.payment).unwrap();
        payment.refunding_minor -= refund.amount.minor();
        payment.fee_returned_minor -= refund.fee_returned_minor;
        let row = self.refunds.get_mut(&id).unwrap();
        row.status = refund::Status::Failed;
        row.in_transit_minor = 0;
        row.fee_returned_minor = 0;
        row.fee_charged_minor = 0;
    }

    pub fn authorize(&mut self) -> PaymentId {
        let mut payment = fresh_payment(self.ids.next(), self.merchant);
        let posting = authorization::authorized(payment.id.0.0, payment.amount).unwrap();
        self.book(&posting, payment.id.0);
        payment.status = Status::Authorized;
        payment.authorized_minor = GROSS_MINOR;
        let id = payment.id;
        self.payments.insert(id, payment);
        id
    }

    /// Money of another sum than asked waits for a person.
    pub fn hold(&mut self) -> AttemptId {
        let payment = fresh_payment(self.ids.next(), self.merchant);
        let mut attempt = fresh_attempt(self.ids.next(), &payment, self.account);
        let posting = held::held(&self.took(), attempt.id.0.0).unwrap();
        self.book(&posting, attempt.id.0);
        attempt.taken = Some(self.took().amount);
        attempt.held_minor = GROSS_MINOR;
        let id = attempt.id;
        self.payments.insert(payment.id, payment);
        self.attempts.insert(id, attempt);
        id
    }

    /// Money that comes after the end goes back by itself.
    pub fn send_back(&mut self) -> RefundId {
        let payment = fresh_payment(self.ids.next(), self.merchant);
        let mut refund = fresh_refund(self.ids.next(), payment.id, self, GROSS_MINOR);
        refund.kind = refund::Kind::Automatic;
        let posting = held::not_kept(&self.took(), refund.id.0.0).unwrap();
        self.book(&posting, refund.id.0);
        let id = refund.id;
        self.payments.insert(payment.id, payment);
        self.refunds.insert(id, refund);
        id
    }

    /// What was sent back by itself was done, and comes back: a person decides anew.
    pub fn come_back(&mut self, id: RefundId) {
        let refund = self.refunds[&id].clone();
        let posting = refunding::taken(&refunding::Taken {
            refund: id.0.0,
            channel_account: self.account.uid().0,
            bill_date: TODAY,
            currency: Currency::CNY,
            amount_minor: refund.amount.minor(),
            cost_back_minor: 8,
        })
        .unwrap();
        self.book(&posting, id.0);
        let payment = self.payments[&refund.payment].clone();
        let mut attempt = fresh_attempt(self.ids.next(), &payment, self.account);
        let late = refund_failed::LateFailure {
            channel_account: self.account.uid().0,
            learnt_on: TODAY,
            cost_back_minor: 8,
        };
        let posting = held::return_failed(id.0.0, Some(late), attempt.id.0.0, refund.amount).unwrap();
        self.book(&posting, id.0);
        attempt.taken = Some(refund.amount);
        attempt.held_minor = refund.amount.minor();
        self.attempts.insert(attempt.id, attempt);
        let row = self.refunds.get_mut(&id).unwrap();
        (row.status, row.in_transit_minor) = (refund::Status::Failed, 0);
    }

    pub fn mature(&mut self, amount_minor: i64) {
        let amount = Amount::new(amount_minor, Currency::CNY);
        let posting = maturity::matured(self.merchant.uid().0, TODAY.plus(1), amount).unwrap();
        let source = self.merchant.uid();
        self.book(&posting, source);
    }
}

fn fresh_payment(id: PaymentId, merchant: MerchantId) -> Payment {
    Payment {
        id,
        merchant,
        merchant_order_no: id.bare(),
        status: Status::Created,
        status_reason: None,
        amount: Amount::new(GROSS_MINOR, Currency::CNY),
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
        price: PriceId(id.0),
        expires_at_us: 0,
        authorization_expires_at_us: None,
        ending: None,
        ended_by: None,
        next_action: None,
        failure: None,
        latest_attempt: None,
        open_attempt: None,
        paid_attempt: None,
        available_on: Some(TODAY.plus(1)),
        created_at_us: 0,
        updated_at_us: 0,
        authorized_at_us: None,
        paid_at_us: None,
        closed_at_us: None,
        sequence: 1,
        details: Arc::new(Details::default()),
    }
}

fn fresh_attempt(id: AttemptId, payment: &Payment, account: ChannelAccountId) -> Attempt {
    Attempt {
        id,
        payment: payment.id,
        merchant: payment.merchant,
        acting_key: None,
        status: attempt::Status::Processing,
        method: payment.method.clone(),
        scene: payment.scene,
        channel_account: account,
        amount: payment.amount,
        channel_trade_no: None,
        failure: None,
        sandbox_outcome: None,
        taken: None,
        bill_date: None,
        held_minor: 0,
        sent_back_minor: 0,
        contradiction: None,
        job: Job::default(),
        created_at_us: 0,
        updated_at_us: 0,
        sequence: 1,
    }
}

fn fresh_refund(id: RefundId, payment: PaymentId, state: &State, amount_minor: i64) -> Refund {
    Refund {
        id,
        payment,
        attempt: AttemptId(id.0),
        merchant: state.merchant,
        acting_key: None,
        channel_account: state.account,
        merchant_order_no: String::new(),
        merchant_refund_no: Some(id.bare()),
        kind: refund::Kind::Merchant,
        amount: Amount::new(amount_minor, Currency::CNY),
        status: refund::Status::Pending,
        reason: None,
        fee_returned_minor: 0,
        fee_charged_minor: 0,
        cost_returned_minor: 0,
        accepted_lines: Vec::new(),
        in_transit_minor: amount_minor,
        channel_refund_no: None,
        bill_date: None,
        failure: None,
        sandbox_outcome: None,
        contradiction: None,
        job: Job::default(),
        succeeded_at_us: None,
        created_at_us: 0,
        updated_at_us: 0,
        sequence: 1,
    }
}

fn after<K: Copy + Ord, V: Clone>(rows: &BTreeMap<K, V>, after: Option<K>, limit: u32) -> Vec<V> {
    let rows = rows.iter().filter(|(key, _)| after.is_none_or(|after| **key > after));
    rows.take(limit as usize).map(|(_, row)| row.clone()).collect()
}

/// The order in which the store answers balance rows.
fn place(key: &AccountKey) -> (u16, [u8; 16], u16, i32) {
    (key.code, key.dim, key.currency.numeric(), key.day)
}

#[async_trait]
impl BlockStore for Book {
    async fn page(&self, _: Shard, from_seq: i64, limit: u32) -> Result<Vec<StoredTransaction>, StoreError> {
        let state = self.state();
        let found = state.journal.iter().filter(|stored| stored.seq >= from_seq).take(limit as usize);
        if found.clone().any(|stored| Some(stored.seq) == state.unreadable) {
            return Err(StoreError::Corrupt("category: paymemt".to_owned()));
        }
        Ok(found.cloned().collect())
    }

    async fn newest_block(&self, _: Shard) -> Result<Option<Block>, StoreError> {
        Ok(self.state().blocks.last().cloned())
    }

    async fn append(&self, _: Shard, block: &Block) -> Result<(), StoreError> {
        self.state().blocks.push(block.clone());
        Ok(())
    }
}

#[async_trait]
impl Journal for Book {
    fn shards(&self) -> Vec<Shard> {
        vec![SHARD]
    }

    async fn page(
        &self,
        shard: Shard,
        from_seq: i64,
        limit: u32,
    ) -> Result<Vec<StoredTransaction>, StoreError> {
        BlockStore::page(self, shard, from_seq, limit).await
    }

    async fn last_seq(&self, _: Shard) -> Result<i64, StoreError> {
        Ok(self.state().last_seq)
    }

    async fn archived_seq(&self, _: Shard) -> Result<i64, StoreError> {
        Ok(0)
    }

    async fn block(&self, _: Shard, number: i64) -> Result<Option<Block>, StoreError> {
        Ok(self.state().blocks.iter().find(|block| block.number == number).cloned())
    }

    async fn newest_block(&self, shard: Shard) -> Result<Option<Block>, StoreError> {
        BlockStore::newest_block(self, shard).await
    }

    async fn verified_block(&self, _: Shard) -> Result<i64, StoreError> {
        Ok(self.state().verified)
    }

    async fn set_verified_block(&self, _: Shard, number: i64) -> Result<(), StoreError> {
        self.state().verified = number;
        Ok(())
    }

    async fn credit_line_minor(&self, _: MerchantId) -> Result<i64, StoreError> {
        Ok(self.state().credit_line_minor)
    }

    async fn lines_before(
        &self,
        merchant: MerchantId,
        before: (i64, i64),
        limit: u32,
    ) -> Result<Vec<StoredLine>, StoreError> {
        let state = self.state();
        let mut found = Vec::new();
        for StoredTransaction { seq, transaction } in state.journal.iter().rev() {
            for (line, entry) in (0_i64..).zip(&transaction.entries).collect::<Vec<_>>().into_iter().rev() {
                if entry.merchant == Some(merchant) && (*seq, line) < before {
                    let Transaction { kind, source, posted_at_us, .. } = *transaction;
                    found.push(StoredLine {
                        seq: *seq,
                        line,
                        kind,
                        source,
                        posted_at_us,
                        entry: entry.clone(),
                    });
                }
            }
        }
        found.truncate(limit as usize);
        Ok(found)
    }

    async fn balances_after(
        &self,
        _: Shard,
        after: Option<AccountKey>,
        limit: u32,
    ) -> Result<Vec<StoredBalance>, StoreError> {
        self.time_passes();
        let mut rows = self.state().balances.clone();
        rows.sort_by_key(|row| place(&row.key));
        rows.retain(|row| after.is_none_or(|after| place(&row.key) > place(&after)));
        rows.truncate(limit as usize);
        Ok(rows)
    }

    async fn platform_balances(&self, _: Shard) -> Result<Vec<(AccountKey, i64)>, StoreError> {
        self.time_passes();
        Ok(self.state().platform.iter().map(|(key, sum)| (*key, *sum)).collect())
    }

    async fn payments_after(
        &self,
        _: Shard,
        last: Option<PaymentId>,
        limit: u32,
    ) -> Result<Vec<Payment>, StoreError> {
        self.time_passes();
        Ok(after(&self.state().payments, last, limit))
    }

    async fn refunds_after(
        &self,
        _: Shard,
        last: Option<RefundId>,
        limit: u32,
    ) -> Result<Vec<Refund>, StoreError> {
        self.time_passes();
        Ok(after(&self.state().refunds, last, limit))
    }

    async fn attempts_after(
        &self,
        _: Shard,
        last: Option<AttemptId>,
        limit: u32,
    ) -> Result<Vec<Attempt>, StoreError> {
        self.time_passes();
        Ok(after(&self.state().attempts, last, limit))
    }

    async fn adjustments_after(
        &self,
        _: Shard,
        last: Option<AdjustmentId>,
        limit: u32,
    ) -> Result<Vec<Adjustment>, StoreError> {
        self.time_passes();
        Ok(after(&self.state().adjustments, last, limit))
    }

    async fn arrivals_after(
        &self,
        shard: Shard,
        last: Option<AdjustmentId>,
        limit: u32,
    ) -> Result<Vec<Arrival>, StoreError> {
        self.time_passes();
        let state = self.state();
        let here: BTreeMap<AdjustmentId, Arrival> = state
            .arrivals
            .iter()
            .filter(|((of, _), _)| *of == shard)
            .map(|((_, id), arrival)| (*id, *arrival))
            .collect();
        Ok(after(&here, last, limit))
    }

    async fn adjustment(&self, id: AdjustmentId) -> Result<Option<Adjustment>, StoreError> {
        Ok(self.state().adjustments.get(&id).cloned())
    }

    async fn arrival(&self, shard: Shard, id: AdjustmentId) -> Result<Option<Arrival>, StoreError> {
        Ok(self.state().arrivals.get(&(shard, id)).copied())
    }

    async fn payment(&self, id: PaymentId) -> Result<Option<Payment>, StoreError> {
        Ok(self.state().payments.get(&id).cloned())
    }

    async fn refund(&self, id: RefundId) -> Result<Option<Refund>, StoreError> {
        Ok(self.state().refunds.get(&id).cloned())
    }

    async fn attempt(&self, id: AttemptId) -> Result<Option<Attempt>, StoreError> {
        Ok(self.state().attempts.get(&id).cloned())
    }

    async fn refunds_of(&self, payment: &Payment) -> Result<Vec<Refund>, StoreError> {
        Ok(self.state().refunds.values().filter(|refund| refund.payment == payment.id).cloned().collect())
    }
}
