//! Drawing money from several accounts in an order, each down to its floor, the rest from the last.

use money::Currency;

use super::{Charge, Line, Posting, PostingKind};
use crate::{Account, Category, Day, Floor, LedgerError, Ref};

/// What a decision knows of the accounts of the merchant it draws on. Balances are in the natural sign: above zero for
/// what a merchant has, and for what it owes (1210).
pub trait Funds {
    /// The present balance of an account in minor units; zero if it never had a line.
    fn balance_minor(&self, account: &Account, currency: Currency) -> i64;
    /// How far below zero 2020 may fall for refunds and fees, in minor units; zero unless granted.
    fn credit_line_minor(&self) -> i64;
    /// The dates on which a merchant's 2010 has a balance, in any order.
    fn pending_days(&self, merchant: Ref, currency: Currency) -> Vec<Day>;
}

/// Lines in the making. Each draw sees the lines before it.
pub(crate) struct Draft<'a> {
    currency: Currency,
    funds: &'a dyn Funds,
    lines: Vec<Line>,
    /// Changes by `lines`, in the natural sign.
    moved: Vec<(Account, i64)>,
}

/// What one draw is for.
#[derive(Clone, Copy)]
pub(crate) struct Purpose {
    pub merchant: Ref,
    pub category: Category,
}

impl<'a> Draft<'a> {
    pub fn new(currency: Currency, funds: &'a dyn Funds) -> Draft<'a> {
        Draft { currency, funds, lines: Vec::with_capacity(8), moved: Vec::with_capacity(8) }
    }

    /// A debit on the platform's own account; nothing if the amount is zero.
    pub fn debit(
        &mut self,
        account: Account,
        amount_minor: i64,
        category: Category,
    ) -> Result<(), LedgerError> {
        self.push(Line { account, amount_minor, category, merchant: None })
    }

    /// A credit on the platform's own account; nothing if the amount is zero.
    pub fn credit(
        &mut self,
        account: Account,
        amount_minor: i64,
        category: Category,
    ) -> Result<(), LedgerError> {
        self.push(Line { account, amount_minor, category, merchant: None }.turned())
    }

    /// A debit on a merchant's account.
    pub fn debit_merchant(
        &mut self,
        account: Account,
        amount_minor: i64,
        to: Purpose,
    ) -> Result<(), LedgerError> {
        self.push(Line { account, amount_minor, category: to.category, merchant: Some(to.merchant) })
    }

    /// A credit on a merchant's account.
    pub fn credit_merchant(
        &mut self,
        account: Account,
        amount_minor: i64,
        to: Purpose,
    ) -> Result<(), LedgerError> {
        self.push(Line { account, amount_minor, category: to.category, merchant: Some(to.merchant) }.turned())
    }

    /// Any line; a zero one is left out.
    pub fn push(&mut self, line: Line) -> Result<(), LedgerError> {
        if line.amount_minor == 0 {
            return Ok(());
        }
        let change = line.natural_minor();
        match self.moved.iter_mut().find(|(account, _)| *account == line.account) {
            Some((_, moved)) => *moved = moved.checked_add(change).ok_or(LedgerError::Overflow)?,
            None => self.moved.push((line.account, change)),
        }
        self.lines.push(line);
        Ok(())
    }

    /// The balance with the lines so far, in the natural sign.
    pub fn balance_minor(&self, account: &Account) -> Result<i64, LedgerError> {
        let moved = self.moved.iter().find(|(other, _)| other == account).map_or(0, |(_, moved)| *moved);
        let before = self.funds.balance_minor(account, self.currency);
        before.checked_add(moved).ok_or(LedgerError::Overflow)
    }

    /// What an account can give before it reaches its floor.
    fn spendable_minor(&self, account: &Account) -> Result<i64, LedgerError> {
        let below_zero = match account.floor() {
            Floor::Zero => 0,
            Floor::CreditLine => self.funds.credit_line_minor().max(0),
            Floor::None | Floor::Alarm => return Ok(i64::MAX),
        };
        let spendable = self.balance_minor(account)?.checked_add(below_zero).ok_or(LedgerError::Overflow)?;
        Ok(spendable.max(0))
    }

    /// Debits `sources` in order, each down to its floor, and what is still missing to the merchant's 1210. Answers
    /// what the 1210 took.
    pub fn draw(&mut self, sources: &[Account], amount_minor: i64, to: Purpose) -> Result<i64, LedgerError> {
        let mut missing = amount_minor;
        for source in sources {
            let part = self.spendable_minor(source)?.min(missing);
            self.debit_merchant(*source, part, to)?;
            missing -= part;
        }
        self.debit_merchant(Account::MerchantReceivable { merchant: to.merchant }, missing, to)?;
        Ok(missing)
    }

    /// Pays off a merchant's debt from one of its accounts, with at most `at_most_minor` and not below its floor; the
    /// credit line does not serve.
    pub fn recover_debt(
        &mut self,
        merchant: Ref,
        from: Account,
        at_most_minor: i64,
    ) -> Result<(), LedgerError> {
        let debt = Account::MerchantReceivable { merchant };
        let part = self.balance_minor(&debt)?.min(self.balance_minor(&from)?).min(at_most_minor).max(0);
        let purpose = Purpose { merchant, category: Category::DebtRecovery };
        self.debit_merchant(from, part, purpose)?;
        self.credit_merchant(debt, part, purpose)
    }

    /// Books a charge as income: 4010 and the tax in it, 2210.
    pub fn earn(&mut self, charge: &Charge, income: Account, category: Category) -> Result<(), LedgerError> {
        let (net_minor, tax_minor) = charge.parts("charge")?;
        self.credit(income, net_minor, category)?;
        match charge.tax {
            Some(tax) => {
                self.credit(Account::TaxPayable { jurisdiction: tax.jurisdiction }, tax_minor, category)
            }
            None => Ok(()),
        }
    }

    /// Gives a charge's income back: the mirror of [`Draft::earn`].
    pub fn give_up(
        &mut self,
        charge: &Charge,
        income: Account,
        category: Category,
    ) -> Result<(), LedgerError> {
        let (net_minor, tax_minor) = charge.parts("charge")?;
        self.debit(income, net_minor, category)?;
        match charge.tax {
            Some(tax) => {
                self.debit(Account::TaxPayable { jurisdiction: tax.jurisdiction }, tax_minor, category)
            }
            None => Ok(()),
        }
    }

    /// Whether any line was made.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// The checked posting.
    pub fn finish(self, kind: PostingKind) -> Result<Posting, LedgerError> {
        Posting::new(kind, self.currency, self.lines)
    }
}

/// No merchant's money is drawn on.
pub(crate) struct NoFunds;

impl Funds for NoFunds {
    fn balance_minor(&self, _: &Account, _: Currency) -> i64 {
        0
    }

    fn credit_line_minor(&self) -> i64 {
        0
    }

    fn pending_days(&self, _: Ref, _: Currency) -> Vec<Day> {
        Vec::new()
    }
}
