//! The merchant's purse as a posting template sees it: the balances of the working set.

use crate::id::{MerchantId, Uid};
use crate::rows::Rows;
use ledger::{Account, Day, Funds, Ref};
use money::Currency;

/// Balances of the working set under one merchant's head.
pub struct Purse<'a> {
    rows: &'a Rows,
    credit_line_minor: i64,
}

impl<'a> Purse<'a> {
    /// The purse of a merchant.
    pub fn new(rows: &'a Rows, merchant: MerchantId) -> Purse<'a> {
        let credit_line_minor = rows.heads.get(&merchant).map_or(0, |head| head.credit_line_minor);
        Purse { rows, credit_line_minor }
    }
}

impl Funds for Purse<'_> {
    fn balance_minor(&self, account: &Account, currency: Currency) -> i64 {
        self.rows.balances.get(&account.key(currency)).map_or(0, |balance| balance.amount_minor)
    }

    fn credit_line_minor(&self) -> i64 {
        self.credit_line_minor
    }

    fn pending_days(&self, merchant: Ref, currency: Currency) -> Vec<Day> {
        self.rows
            .balances
            .iter()
            .filter(|(key, balance)| key.currency == currency && balance.amount_minor != 0)
            .filter_map(|(key, _)| match Account::from_key(key) {
                Some(Account::MerchantPending { merchant: owner, available_on }) if owner == merchant => {
                    Some(available_on)
                }
                _ => None,
            })
            .collect()
    }
}

/// The 16 bytes of an id as the ledger takes them.
pub fn reference(id: Uid) -> Ref {
    id.0
}
