//! Chained accounts: each line carries a gapless number and the balance after it, so each follows from the one before.

use super::difference::{Broken, Difference, name_of};
use domain::id::{MerchantId, Shard};
use domain::rows::{Balance, Entry};
use ledger::{Account, AccountKey, Floor, Keeping, Side};
use std::collections::HashMap;
use store::reads::{StoredBalance, StoredTransaction};

/// The last line seen of every chained account that was touched.
#[derive(Debug, Default)]
pub(super) struct Chains {
    pub(super) last: HashMap<AccountKey, Balance>,
    /// Balance rows that were read ahead of the journal: the walk must come to just this.
    ahead: HashMap<AccountKey, Balance>,
    /// How far a merchant's 2020 may go below zero.
    pub(super) credit_lines: HashMap<MerchantId, i64>,
}

/// A line on a chained account, its key, number and balance.
pub(super) struct Link<'a> {
    pub(super) line: usize,
    pub(super) entry: &'a Entry,
    pub(super) account: Account,
    pub(super) after: Balance,
}

/// The chained lines of a transaction that passed [`super::books::check`].
pub(super) fn links(stored: &StoredTransaction) -> impl Iterator<Item = Link<'_>> {
    stored.transaction.entries.iter().enumerate().filter_map(|(line, entry)| {
        let account =
            Account::from_key(&entry.account).filter(|account| account.keeping() == Keeping::Chained)?;
        let (account_seq, amount_minor) = entry.account_seq.zip(entry.balance_after_minor)?;
        Some(Link { line, entry, account, after: Balance { amount_minor, account_seq } })
    })
}

/// The line's change of its account in natural sign.
pub(super) fn natural_minor(account: &Account, amount_minor: i64) -> i64 {
    match account.normal() {
        Side::Debit => amount_minor,
        Side::Credit => amount_minor.saturating_neg(),
    }
}

impl Chains {
    /// Takes the chained lines of the next transaction.
    pub(super) fn take(&mut self, shard: Shard, stored: &StoredTransaction) -> Result<(), Difference> {
        for link in links(stored) {
            let before = self.last.get(&link.entry.account).copied().unwrap_or_default();
            follows(shard, stored.seq, &link, before)?;
            self.above_floor(shard, stored.seq, &link)?;
            self.last.insert(link.entry.account, link.after);
            self.meets_row(shard, &link)?;
        }
        Ok(())
    }

    fn above_floor(&self, shard: Shard, seq: i64, link: &Link<'_>) -> Result<(), Difference> {
        let floor_minor = match link.account.floor() {
            Floor::Zero => 0,
            Floor::CreditLine => {
                let line = link.entry.merchant.and_then(|merchant| self.credit_lines.get(&merchant)).copied();
                line.unwrap_or(0).saturating_neg()
            }
            Floor::None | Floor::Alarm => return Ok(()),
        };
        // What stood below its floor already may come up step by step.
        let falls = natural_minor(&link.account, link.entry.amount_minor) < 0;
        if !falls || link.after.amount_minor >= floor_minor {
            return Ok(());
        }
        let sentence = format!(
            "journal line {seq}/{} of shard {} takes {} to {}, its floor is {floor_minor}",
            link.line,
            shard.0,
            name_of(&link.entry.account),
            link.after.amount_minor,
        );
        Err(Difference { broken: Broken::Floor, shard, sentence })
    }

    fn meets_row(&mut self, shard: Shard, link: &Link<'_>) -> Result<(), Difference> {
        let key = link.entry.account;
        match self.ahead.get(&key).copied() {
            Some(row) if row.account_seq == link.after.account_seq => {
                self.ahead.remove(&key);
                same_balance(shard, &key, row, Some(link.after))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Compares a balance row, read after the walk came to its end, with the account's last line. A row that is ahead of
    /// it was written meanwhile: it is settled by walking on.
    pub(super) fn compare(&mut self, shard: Shard, row: &StoredBalance) -> Result<(), Difference> {
        let owner = Account::from_key(&row.key).and_then(|account| account.merchant());
        if owner.is_some_and(|owner| owner != row.merchant.0.0) {
            let sentence = format!("balance {} says that it is of {}", name_of(&row.key), row.merchant);
            return Err(Difference { broken: Broken::Balance, shard, sentence });
        }
        let last = self.last.get(&row.key).copied();
        if row.balance.account_seq > last.unwrap_or_default().account_seq {
            self.ahead.insert(row.key, row.balance);
            return Ok(());
        }
        same_balance(shard, &row.key, row.balance, last)
    }

    /// After the second walk no row may be ahead of the journal any more.
    pub(super) fn none_ahead(&self, shard: Shard) -> Result<(), Difference> {
        let Some((key, row)) = self.ahead.iter().min_by_key(|(key, _)| **key) else {
            return Ok(());
        };
        same_balance(shard, key, *row, self.last.get(key).copied())
    }

    /// A line without a balance row.
    pub(super) fn missing_row(&self, shard: Shard, key: &AccountKey) -> Difference {
        let number = self.last.get(key).map_or(0, |last| last.account_seq);
        let sentence = format!("{} has {number} lines and no balance row", name_of(key));
        Difference { broken: Broken::Balance, shard, sentence }
    }
}

fn follows(shard: Shard, seq: i64, link: &Link<'_>, before: Balance) -> Result<(), Difference> {
    let broken = |sentence: String| Err(Difference { broken: Broken::Chain, shard, sentence });
    let (name, line) = (name_of(&link.entry.account), link.line);
    if before.account_seq.checked_add(1) != Some(link.after.account_seq) {
        return broken(format!(
            "account line numbers of {name} jump from {} to {} at journal line {seq}/{line} of shard {}",
            before.account_seq, link.after.account_seq, shard.0,
        ));
    }
    let natural_minor = natural_minor(&link.account, link.entry.amount_minor);
    let expected_minor = i128::from(before.amount_minor) + i128::from(natural_minor);
    if expected_minor != i128::from(link.after.amount_minor) {
        return broken(format!(
            "journal line {seq}/{line} of shard {} says that {name} is {} after it; the line before left {}, with \
             {natural_minor:+} that makes {expected_minor}",
            shard.0, link.after.amount_minor, before.amount_minor,
        ));
    }
    Ok(())
}

fn same_balance(
    shard: Shard,
    key: &AccountKey,
    row: Balance,
    last: Option<Balance>,
) -> Result<(), Difference> {
    let name = name_of(key);
    let sentence = match last {
        Some(last) if last == row => return Ok(()),
        None => format!("balance {name} says {} and has no line", row.amount_minor),
        Some(last) if last.account_seq != row.account_seq => format!(
            "balance {name} says that its last line is number {}, the journal's last is number {} (balance {})",
            row.account_seq, last.account_seq, last.amount_minor,
        ),
        Some(last) => {
            format!(
                "balance {name} says {}, its last line (number {}) says {}",
                row.amount_minor, last.account_seq, last.amount_minor
            )
        }
    };
    Err(Difference { broken: Broken::Balance, shard, sentence })
}
