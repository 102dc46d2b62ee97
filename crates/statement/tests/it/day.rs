//! A merchant's day in postings: a payment, a refund, its failure, a maturity.

use domain::Uid;
use domain::id::{Id, MerchantId, PaymentId, RefundId, Shard, StatementId};
use domain::payment::Scene;
use domain::rows::{Entry, Transaction};
use domain::statement::{Kind, OrderFacts, Orders, RefundFacts, SCHEMA, Span, Statement};
use ledger::{Account, Category, Day, PostingKind};
use money::{Amount, Currency};
use statement::{Formed, Former, Line, Scope};

pub const MERCHANT: MerchantId = MerchantId(Uid([7; 16]));
pub const AT_US: i64 = 1_795_595_400_123_456;

pub fn payment() -> PaymentId {
    PaymentId(Uid::new(1, Shard(1), 11))
}

pub fn refund() -> RefundId {
    RefundId(Uid::new(1, Shard(1), 12))
}

pub fn pending() -> Account {
    Account::MerchantPending { merchant: MERCHANT.0.0, available_on: Day::parse("2026-11-26").unwrap() }
}

pub fn available() -> Account {
    Account::MerchantAvailable { merchant: MERCHANT.0.0 }
}

/// A line of the merchant: what it gains, and what the account holds afterwards.
pub fn entry(account: Account, category: Category, gain_minor: i64, after_minor: i64) -> Entry {
    Entry {
        account: account.key(Currency::CNY),
        amount_minor: -gain_minor,
        category,
        merchant: Some(MERCHANT),
        account_seq: Some(1),
        balance_after_minor: Some(after_minor),
    }
}

/// A line of the platform's own, which no statement shows.
pub fn platform(category: Category, minor: i64) -> Entry {
    Entry {
        account: Account::OwnCapital.key(Currency::CNY),
        amount_minor: minor,
        category,
        merchant: None,
        account_seq: None,
        balance_after_minor: None,
    }
}

pub fn transaction(kind: PostingKind, source: Uid, entries: Vec<Entry>) -> Transaction {
    Transaction {
        kind,
        source,
        merchant: MERCHANT,
        posted_at_us: AT_US,
        booked_on: Day(0),
        corrects: None,
        entries,
    }
}

pub fn orders(subject: &str) -> Orders {
    let mut orders = Orders::default();
    orders.payments.insert(
        payment(),
        OrderFacts {
            merchant_order_no: "-1-2".to_owned(),
            amount: Amount::new(10_000, Currency::CNY),
            method: "sandbox".to_owned(),
            scene: Scene::BarCode,
            subject: subject.to_owned(),
            store: None,
            terminal: Some("till 7".to_owned()),
            created_at_us: AT_US - 1_000_000,
        },
    );
    orders.refunds.insert(
        refund(),
        RefundFacts {
            payment: payment(),
            merchant_refund_no: Some("R-1".to_owned()),
            amount: Amount::new(4_000, Currency::CNY),
            reason: Some("@returned".to_owned()),
            created_at_us: AT_US,
        },
    );
    orders
}

/// Payment of 100.00 with a fee of 0.60; a refund of 40.00 that gives 0.24 back; it fails; what is left matures.
pub fn transactions() -> Vec<Transaction> {
    use Category::{Cost, Fee, FeeRefund, Maturity, Payment, Refund};
    vec![
        transaction(
            PostingKind::PaymentSucceeded,
            payment().uid(),
            vec![
                platform(Payment, 10_000),
                entry(pending(), Payment, 10_000, 10_500),
                entry(pending(), Fee, -60, 10_440),
                platform(Cost, 38),
            ],
        ),
        transaction(
            PostingKind::RefundAccepted,
            refund().uid(),
            vec![entry(pending(), FeeRefund, 24, 10_464), entry(pending(), Refund, -4_000, 6_464)],
        ),
        transaction(
            PostingKind::RefundFailed,
            refund().uid(),
            vec![entry(pending(), Refund, 4_000, 10_464), entry(pending(), FeeRefund, -24, 10_440)],
        ),
        transaction(
            PostingKind::Matured,
            MERCHANT.uid(),
            vec![entry(pending(), Maturity, -10_440, 0), entry(available(), Maturity, 10_440, 10_441)],
        ),
    ]
}

/// The day's lines and what it came to.
pub fn formed(kind: Kind, subject: &str) -> (Vec<Line>, Formed) {
    let scope = Scope { merchant: MERCHANT, kind, schema: SCHEMA };
    let mut former = Former::new(scope, &[(Currency::CNY, 501)]);
    let mut lines = Vec::new();
    for (seq, transaction) in (40..).zip(transactions()) {
        lines.extend(former.take(seq, &transaction, &orders(subject)).unwrap());
    }
    let (closings, formed) = former.finish();
    lines.extend(closings);
    (lines, formed)
}

/// The statement of a day.
pub fn statement(kind: Kind, formed: &Formed) -> Statement {
    Statement {
        id: StatementId(Uid([1; 16])),
        merchant: MERCHANT,
        kind,
        day: Day::parse("2026-11-25").unwrap(),
        zone: "Asia/Shanghai".to_owned(),
        span: Span {
            starts_at_us: AT_US - 1_000_000_000,
            ends_at_us: AT_US + 1_000_000_000,
            offset_s: 28_800,
            shift: None,
        },
        schema: SCHEMA,
        after_seq: 39,
        last_seq: 43,
        line_count: formed.line_count,
        totals: formed.totals.clone(),
        sha256: formed.sha256,
        root: None,
        created_at_us: AT_US + 2_000_000_000,
    }
}
