//! An in-memory installation: rows, and every account's sum. It applies decisions whole and checks what must always hold.

use domain::attempt::Attempt;
use domain::channel::ChannelAccount;
use domain::decide::{Changes, Facts, Number, business_day};
use domain::id::{Id, IdMaker, MerchantId, World};
use domain::merchant::{Head, Merchant};
use domain::payment::{Payment, Status};
use domain::price::{Price, RefundFee};
use domain::rows::Rows;
use jiff::tz::TimeZone;
use ledger::{Account, AccountKey, Floor, Keeping};
use money::{Currency, FeeRule, Rate};
use std::collections::HashMap;

pub const START_US: i64 = 1_764_000_000_000_000;

pub struct Books {
    pub rows: Rows,
    pub sums: HashMap<AccountKey, i64>,
    pub merchant: Merchant,
    pub price: Price,
    pub account: ChannelAccount,
    pub now_us: i64,
    /// How what a decision makes is numbered.
    pub number: Number,
    zone: TimeZone,
    ids: IdMaker,
}

pub fn rule(rate: &str, fixed_minor: i64) -> FeeRule {
    FeeRule { rate: Rate::parse(rate).unwrap(), fixed_minor, minimum_minor: 0, cap_minor: None }
}

impl Books {
    pub fn new(rate: &str, fixed_minor: i64, refund_fee: RefundFee, debt_limit_minor: i64) -> Books {
        let mut ids = IdMaker::new(START_US, World::Sandbox.first_shard(), 3);
        let merchant = Merchant {
            id: ids.next::<MerchantId>(),
            world: World::Sandbox,
            shard: World::Sandbox.first_shard(),
            name: "m".into(),
            zone: "Asia/Shanghai".into(),
            maturity_days: 1,
            partner: None,
            created_at_us: START_US,
        };
        let zone = TimeZone::get("Asia/Shanghai").unwrap();
        let head = Head {
            merchant: merchant.id,
            clock_offset_us: 0,
            business_day: business_day(START_US, &zone),
            debt_limit_minor,
            credit_line_minor: 0,
            key_epoch: 1,
            sequence: 1,
        };
        let price = Price {
            id: ids.next(),
            merchant: merchant.id,
            method: "sandbox".into(),
            currency: Currency::CNY,
            version: 1,
            rule: rule(rate, fixed_minor),
            refund_fee,
            effective_at_us: 0,
        };
        let account =
            ChannelAccount { id: ids.next(), method: "sandbox".into(), cost: rule("0.38", 0), enabled: true };
        let rows = Rows { heads: HashMap::from([(merchant.id, head)]), ..Rows::default() };
        Books {
            rows,
            sums: HashMap::new(),
            merchant,
            price,
            account,
            now_us: START_US,
            number: Number::Fresh,
            zone,
            ids,
        }
    }

    /// Runs a decision with the facts of now and applies what it changes.
    pub fn run<T, E>(
        &mut self,
        decide: impl FnOnce(&Rows, &mut Facts<'_>) -> Result<(Changes, T), E>,
    ) -> Result<T, E> {
        let merchant = self.merchant.clone();
        let zone = self.zone.clone();
        let mut facts = Facts {
            number: self.number,
            now_us: self.now_us,
            real_now_us: self.now_us,
            merchant: &merchant,
            acting_key: None,
            zone: &zone,
            today: business_day(self.now_us, &zone),
            node: 1,
            lease_until_us: self.now_us + 30_000_000,
            ids: self.ids.clone(),
        };
        let decided = decide(&self.rows, &mut facts);
        self.ids = facts.ids;
        let (changes, answer) = decided?;
        self.apply(changes);
        Ok(answer)
    }

    fn apply(&mut self, changes: Changes) {
        for booking in &changes.bookings {
            let total: i64 = booking.posting.lines.iter().map(|line| line.amount_minor).sum();
            assert_eq!(total, 0, "a posting balances");
            for line in &booking.posting.lines {
                let key = line.account.key(booking.posting.currency);
                *self.sums.entry(key).or_insert(0) += line.amount_minor;
                if line.account.keeping() == Keeping::Chained {
                    let balance = self.rows.balances.entry(key).or_default();
                    balance.amount_minor += line.natural_minor();
                    balance.account_seq += 1;
                }
            }
        }
        for payment in changes.payments {
            let before = self.rows.payments.get(&payment.id);
            self.check_step(before, &payment);
            self.rows.order_nos.insert((payment.merchant, payment.merchant_order_no.clone()), payment.id);
            self.rows.payments.insert(payment.id, payment);
        }
        for attempt in changes.attempts {
            let before = self.rows.attempts.get(&attempt.id).map_or(0, |a: &Attempt| a.sequence);
            assert_eq!(attempt.sequence, before + 1, "every change of an attempt raises its sequence by one");
            assert!(attempt.held_minor >= 0 && attempt.sent_back_minor >= 0, "{attempt:?}");
            self.rows.attempts.insert(attempt.id, attempt);
        }
        for adjustment in changes.adjustments {
            let before =
                self.rows.adjustments.get(&adjustment.id).map_or(0, |adjustment| adjustment.sequence);
            assert_eq!(adjustment.sequence, before + 1, "every change raises its sequence by one");
            self.rows.adjustments.insert(adjustment.id, adjustment);
        }
        for arrival in changes.arrivals {
            assert_eq!(self.rows.arrivals.insert(arrival.adjustment, arrival), None, "it arrives once");
        }
        for capture in changes.captures {
            self.rows.captures.insert(capture.id, capture);
        }
        for refund in changes.refunds {
            let before = self.rows.refunds.get(&refund.id).map_or(0, |refund| refund.sequence);
            assert_eq!(refund.sequence, before + 1, "every change of a refund raises its sequence by one");
            if let Some(number) = &refund.merchant_refund_no {
                self.rows.refund_nos.insert((refund.merchant, number.clone()), refund.id);
            }
            self.rows.refunds.insert(refund.id, refund);
        }
    }

    fn check_step(&self, before: Option<&Payment>, after: &Payment) {
        let Some(before) = before else {
            assert_eq!(after.sequence, 1);
            return;
        };
        assert!(after.sequence > before.sequence);
        if before.status.is_final() {
            assert_eq!(after.status, before.status, "an end is never left");
        }
        let legal = match before.status {
            Status::Created => true,
            Status::RequiresAction | Status::Processing => after.status != Status::Created,
            Status::Authorized => {
                matches!(after.status, Status::Authorized | Status::Succeeded | Status::Closed)
            }
            Status::Succeeded | Status::Failed | Status::Closed => after.status == before.status,
        };
        assert!(legal, "{} never becomes {}", before.status, after.status);
    }

    fn sum(&self, account: &Account) -> i64 {
        self.sums.get(&account.key(Currency::CNY)).copied().unwrap_or(0)
    }

    /// What must hold after every step.
    pub fn check(&self) {
        let mut totals: HashMap<Currency, i64> = HashMap::new();
        for (key, sum) in &self.sums {
            *totals.entry(key.currency).or_insert(0) += sum;
            let account = Account::from_key(key).unwrap();
            if account.floor() == Floor::Zero {
                let natural = if account.normal() == ledger::Side::Debit { *sum } else { -*sum };
                assert!(natural >= 0, "{account} fell to {natural}");
            }
        }
        assert!(totals.values().all(|total| *total == 0), "all accounts sum to zero: {totals:?}");
        for payment in self.rows.payments.values() {
            self.check_payment(payment);
        }
        for refund in self.rows.refunds.values().filter(|r| r.amount.currency() == Currency::CNY) {
            let in_transit = Account::RefundInTransit { refund: refund.id.uid().0 };
            assert_eq!(-self.sum(&in_transit), refund.in_transit_minor, "2130 is the refund's column");
        }
        for attempt in
            self.rows.attempts.values().filter(|a| a.taken.is_none_or(|t| t.currency() == Currency::CNY))
        {
            let case = Account::SuspenseLong { case: attempt.id.uid().0 };
            assert_eq!(-self.sum(&case), attempt.held_minor, "2910 is the attempt's column");
        }
    }

    fn check_payment(&self, payment: &Payment) {
        let memo = Account::MemoAuthorized { payment: payment.id.uid().0 };
        assert_eq!(self.sum(&memo), payment.authorized_minor, "9010 is the payment's column");
        assert!(payment.refundable_minor() >= 0 && payment.capturable_minor() >= 0);
        assert!(payment.authorized_minor >= 0 && payment.capturing_minor >= 0);
        assert!(
            payment.status != Status::Succeeded || payment.capturing_minor == 0,
            "nothing is under way when it ends"
        );
        assert!(payment.captured_minor <= payment.amount.minor());
        let fee_minor = payment.fee_minor.unwrap_or(0);
        assert_eq!(
            fee_minor,
            self.price.rule.fee(payment.captured_minor).unwrap().rounded_minor,
            "the fee can be derived again"
        );
        assert!((0..=fee_minor).contains(&payment.fee_returned_minor));
        assert_eq!(
            payment.status == Status::Authorized,
            payment.status == Status::Authorized && payment.authorized_minor > 0
        );
        let kept = self.rows.attempts.values().filter(|a| {
            a.payment == payment.id && a.taken.is_some() && a.sent_back_minor == 0 && a.held_minor == 0
        });
        assert!(kept.count() <= 1, "a payment keeps the money of one attempt");
    }
}
