//! Books in memory: they apply postings line by line and refuse a line that breaks a floor.

use std::collections::BTreeMap;

use ledger::posting::held::Took;
use ledger::posting::payment::{Sale, SaleSource};
use ledger::posting::refund::{Acceptance, GrossAccount};
use ledger::{
    Account, AccountKey, Category, Charge, Day, Floor, Funds, Label, Line, Posting, Ref, Side, Tax,
    invariants,
};
use money::{Amount, Currency};

pub const MERCHANT: Ref = [0x11; 16];
pub const CHANNEL: Ref = [0x22; 16];
pub const REFUND: Ref = [0x33; 16];
pub const BILL: Day = Day(20_780);
pub const DUE: Day = Day(20_782);
pub const CNY: Currency = Currency::CNY;

/// Signed balances, debit above zero.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Books {
    pub balances: BTreeMap<AccountKey, i64>,
    pub credit_line_minor: i64,
}

impl Books {
    pub fn post(&mut self, posting: &Posting) {
        invariants::check_posting(posting).unwrap();
        for line in &posting.lines {
            *self.balances.entry(line.account.key(posting.currency)).or_default() += line.amount_minor;
            let balance = self.natural(line.account);
            let lowest = match line.account.floor() {
                Floor::Zero => 0,
                Floor::CreditLine => -self.credit_line_minor,
                Floor::None | Floor::Alarm => i64::MIN,
            };
            assert!(balance >= lowest, "{} at {balance} within {:?}", line.account, shape(posting));
        }
        self.balances.retain(|_, balance| *balance != 0);
        assert!(invariants::trial_balance(self.balances.clone()).is_balanced());
    }

    /// Balance in the natural sign.
    pub fn natural(&self, account: Account) -> i64 {
        let signed = self.balances.get(&account.key(CNY)).copied().unwrap_or(0);
        match account.normal() {
            Side::Debit => signed,
            Side::Credit => -signed,
        }
    }

    /// Natural balances of all accounts of a code, summed.
    pub fn of_code(&self, code: u16) -> i64 {
        let keys = self.balances.keys().filter(|key| key.code == code);
        keys.map(|key| self.natural(Account::from_key(key).unwrap())).sum()
    }

    /// Codes with a balance, and their natural sums; an account that is not zero shows even if the sum is.
    pub fn codes(&self) -> BTreeMap<u16, i64> {
        self.balances.keys().map(|key| (key.code, self.of_code(key.code))).collect()
    }

    pub fn mature(&mut self, day: Day) {
        let minor = self.natural(pending(day));
        if minor > 0 {
            self.post(&ledger::posting::maturity::matured(MERCHANT, day, Amount::new(minor, CNY)).unwrap());
        }
    }

    /// Pays a merchant from 2020 by way of a correction, as payouts have no template yet.
    pub fn pay_out(&mut self, minor: i64) {
        self.adjust(&[(available(), minor), (BANK, -minor)]);
    }

    pub fn adjust(&mut self, lines: &[(Account, i64)]) {
        let lines: Vec<Line> = lines
            .iter()
            .map(|(account, amount_minor)| Line {
                account: *account,
                amount_minor: *amount_minor,
                category: Category::Adjustment,
                merchant: (account.owner() == ledger::Owner::Merchant).then_some(MERCHANT),
            })
            .collect();
        self.post(&ledger::posting::adjustment::adjusted(CNY, &lines, [0xcc; 16]).unwrap());
    }
}

impl Funds for Books {
    fn balance_minor(&self, account: &Account, currency: Currency) -> i64 {
        assert_eq!(currency, CNY);
        self.natural(*account)
    }

    fn credit_line_minor(&self) -> i64 {
        self.credit_line_minor
    }

    fn pending_days(&self, merchant: Ref, currency: Currency) -> Vec<Day> {
        let of_merchant =
            |key: &&AccountKey| key.code == 2010 && key.dim == merchant && key.currency == currency;
        self.balances.keys().filter(of_merchant).map(|key| Day(key.day)).collect()
    }
}

pub const BANK: Account = Account::Bank { bank_account: [0x44; 16] };

pub fn pending(day: Day) -> Account {
    Account::MerchantPending { merchant: MERCHANT, available_on: day }
}

pub fn available() -> Account {
    Account::MerchantAvailable { merchant: MERCHANT }
}

pub fn debt() -> Account {
    Account::MerchantReceivable { merchant: MERCHANT }
}

pub fn label(text: &str) -> Label {
    Label::new(text).unwrap()
}

pub fn taxed(amount_minor: i64, tax_minor: i64) -> Charge {
    Charge { amount_minor, tax: Some(Tax { jurisdiction: label("CN"), amount_minor: tax_minor }) }
}

pub fn sale(gross_minor: i64, fee_minor: i64, cost_minor: i64) -> Sale {
    Sale {
        merchant: MERCHANT,
        channel_account: CHANNEL,
        bill_date: BILL,
        available_on: DUE,
        method: label("sandbox"),
        currency: CNY,
        gross_minor,
        fee: Charge::untaxed(fee_minor),
        cost_minor,
        source: SaleSource::Channel,
    }
}

pub fn took(amount_minor: i64, cost_minor: i64) -> Took {
    Took { channel_account: CHANNEL, bill_date: BILL, amount: Amount::new(amount_minor, CNY), cost_minor }
}

pub fn refund(amount_minor: i64, fee_back_minor: i64) -> Acceptance {
    Acceptance {
        merchant: MERCHANT,
        refund: REFUND,
        currency: CNY,
        method: label("sandbox"),
        gross_account: GrossAccount::Pending(DUE),
        payment_days: vec![DUE],
        holds: vec![],
        reserves: vec![],
        amount_minor,
        fee_back: Charge::untaxed(fee_back_minor),
        refund_fee: Charge::NONE,
    }
}

/// Lines as (code, signed amount, category), for comparison.
pub fn shape(posting: &Posting) -> Vec<(u16, i64, &'static str)> {
    posting
        .lines
        .iter()
        .map(|line| (line.account.code(), line.amount_minor, line.category.as_str()))
        .collect()
}
