//! What must hold for every posting and over all of them.

use std::collections::BTreeMap;

use money::{Currency, MAX_WIRE};

use crate::{AccountKey, LedgerError, Line, Owner, Posting};

/// A posting has lines, none of zero; it sums to zero; it stays within the general ledger or within the memos; and a
/// line carries a merchant if and only if its account is a merchant's.
///
/// # Errors
/// The first rule that is broken.
pub fn check_posting(posting: &Posting) -> Result<(), LedgerError> {
    let Some(first) = posting.lines.first() else {
        return Err(LedgerError::Empty);
    };
    for line in &posting.lines {
        check_line(line)?;
        if line.account.is_memo() != first.account.is_memo() {
            return Err(LedgerError::MemoMixed);
        }
    }
    let sum_minor: i128 = posting.lines.iter().map(|line| i128::from(line.amount_minor)).sum();
    if sum_minor == 0 {
        Ok(())
    } else {
        Err(LedgerError::Unbalanced { currency: posting.currency, sum_minor })
    }
}

fn check_line(line: &Line) -> Result<(), LedgerError> {
    if line.amount_minor == 0 || line.amount_minor.unsigned_abs() > MAX_WIRE.unsigned_abs() {
        return Err(LedgerError::LineAmount(line.amount_minor));
    }
    let right = match (line.account.owner(), line.merchant) {
        (Owner::Merchant, Some(merchant)) => {
            line.account.merchant().is_none_or(|dimension| dimension == merchant)
        }
        (Owner::Platform, None) => true,
        (Owner::Merchant, None) | (Owner::Platform, Some(_)) => false,
    };
    if right { Ok(()) } else { Err(LedgerError::LineMerchant { code: line.account.code() }) }
}

/// Sums of signed amounts (debit above zero) per code and currency.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrialBalance {
    /// Σ of each code in each currency, in minor units.
    pub by_code: BTreeMap<(u16, Currency), i128>,
}

impl TrialBalance {
    /// What the general ledger and the memos are off by, each per currency: `true` stands for the memos. Empty if
    /// debits equal credits everywhere.
    pub fn differences(&self) -> Vec<(Currency, bool, i128)> {
        let mut sums: BTreeMap<(Currency, bool), i128> = BTreeMap::new();
        for ((code, currency), sum_minor) in &self.by_code {
            *sums.entry((*currency, *code >= 9000)).or_default() += sum_minor;
        }
        sums.into_iter()
            .filter(|(_, sum)| *sum != 0)
            .map(|((currency, memo), sum)| (currency, memo, sum))
            .collect()
    }

    /// Whether debits equal credits in every currency, in the general ledger and in the memos.
    pub fn is_balanced(&self) -> bool {
        self.differences().is_empty()
    }
}

/// Adds up lines or balances given with their signs.
pub fn trial_balance(amounts: impl IntoIterator<Item = (AccountKey, i64)>) -> TrialBalance {
    let mut trial = TrialBalance::default();
    for (key, amount_minor) in amounts {
        *trial.by_code.entry((key.code, key.currency)).or_default() += i128::from(amount_minor);
    }
    trial
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Account, Category, PostingKind, Ref};

    const MERCHANT: Ref = [1; 16];

    fn line(account: Account, amount_minor: i64, merchant: Option<Ref>) -> Line {
        Line { account, amount_minor, category: Category::Adjustment, merchant }
    }

    fn check(lines: Vec<Line>) -> Result<(), LedgerError> {
        check_posting(&Posting {
            kind: PostingKind::Adjusted,
            currency: Currency::CNY,
            lines,
            corrects: None,
        })
    }

    #[test]
    fn each_rule_has_its_refusal() {
        let bank = Account::Bank { bank_account: [2; 16] };
        let capital = Account::OwnCapital;
        let memo = Account::MemoAuthorized { payment: [3; 16] };
        let available = Account::MerchantAvailable { merchant: MERCHANT };
        let escrow = Account::Escrow { payment: [3; 16] };
        let currency = Currency::CNY;

        assert_eq!(check(vec![line(bank, 1, None), line(capital, -1, None)]), Ok(()));
        assert_eq!(check(vec![line(bank, 1, None), line(escrow, -1, Some(MERCHANT))]), Ok(()));
        assert_eq!(check(vec![]), Err(LedgerError::Empty));
        assert_eq!(check(vec![line(bank, 0, None)]), Err(LedgerError::LineAmount(0)));
        for amount in [MAX_WIRE + 1, -MAX_WIRE - 1, i64::MIN] {
            assert_eq!(check(vec![line(bank, amount, None)]), Err(LedgerError::LineAmount(amount)));
        }
        let off = LedgerError::Unbalanced { currency, sum_minor: 1 };
        assert_eq!(check(vec![line(bank, 2, None), line(capital, -1, None)]), Err(off));
        assert_eq!(check(vec![line(bank, 1, None), line(memo, -1, None)]), Err(LedgerError::MemoMixed));
        for (account, merchant) in
            [(available, None), (available, Some([9; 16])), (escrow, None), (capital, Some(MERCHANT))]
        {
            let refused = Err(LedgerError::LineMerchant { code: account.code() });
            assert_eq!(check(vec![line(bank, 1, None), line(account, -1, merchant)]), refused);
        }
    }

    #[test]
    fn trial_balance_finds_the_currency_that_is_off() {
        let bank = |currency| Account::Bank { bank_account: [2; 16] }.key(currency);
        let capital = |currency| Account::OwnCapital.key(currency);
        let (cny, usd) = (Currency::CNY, Currency::USD);
        let trial = trial_balance([(bank(cny), 5), (capital(cny), -5), (bank(usd), 7), (capital(usd), -6)]);
        assert_eq!(trial.differences(), [(usd, false, 1)]);
        assert!(!trial.is_balanced());
        let memo = Account::MemoAuthorized { payment: [3; 16] }.key(cny);
        assert_eq!(
            trial_balance([(bank(cny), 5), (memo, -5)]).differences(),
            [(cny, false, 5), (cny, true, -5)]
        );
        assert!(trial_balance([]).is_balanced());
    }
}
