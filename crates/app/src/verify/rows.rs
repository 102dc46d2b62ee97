//! Balance rows against the lines of their accounts.

use super::Progress;
use super::difference::{Broken, Difference, Stop};
use super::walk::Walk;
use ledger::invariants::trial_balance;
use ledger::{Account, AccountKey, Side};

/// Balance rows in one read.
const PAGE: u32 = 500;

/// Compares every account that was touched (with `--full`: every row and every account there is), then follows what was
/// committed meanwhile.
pub(super) async fn check(walk: &mut Walk<'_>, progress: &mut dyn Progress) -> Result<(), Stop> {
    if walk.totals.is_some() {
        every_row(walk).await?;
        let platform = walk.journal.platform_balances(walk.shard).await?;
        walk.counted.accounts += platform.len() as u64;
        if let Some(totals) = &mut walk.totals {
            totals.expect_platform(platform);
        }
    } else {
        touched(walk).await?;
    }
    walk.follow(progress).await?;
    walk.chains.none_ahead(walk.shard)?;
    if let Some(totals) = &walk.totals {
        totals.platform_met(walk.shard)?;
    }
    sums_to_zero(walk)
}

async fn touched(walk: &mut Walk<'_>) -> Result<(), Stop> {
    for key in sorted_keys(walk) {
        one_row(walk, key).await?;
        walk.counted.accounts += 1;
    }
    Ok(())
}

async fn one_row(walk: &mut Walk<'_>, key: AccountKey) -> Result<(), Stop> {
    match walk.journal.balance(walk.shard, key).await? {
        Some(row) => Ok(walk.chains.compare(walk.shard, &row)?),
        None => Err(walk.chains.missing_row(walk.shard, &key).into()),
    }
}

async fn every_row(walk: &mut Walk<'_>) -> Result<(), Stop> {
    let (mut after, mut with_lines) = (None, 0);
    loop {
        let rows = walk.journal.balances_after(walk.shard, after, PAGE).await?;
        for row in &rows {
            walk.chains.compare(walk.shard, row)?;
            with_lines += usize::from(walk.chains.last.contains_key(&row.key));
        }
        walk.counted.accounts += rows.len() as u64;
        match rows.last() {
            Some(last) => after = Some(last.key),
            None => break,
        }
    }
    if with_lines < walk.chains.last.len() {
        // Some account has lines and no row: which one is asked for only now.
        for key in sorted_keys(walk) {
            one_row(walk, key).await?;
        }
    }
    Ok(())
}

fn sorted_keys(walk: &Walk<'_>) -> Vec<AccountKey> {
    let mut keys: Vec<AccountKey> = walk.chains.last.keys().copied().collect();
    keys.sort_unstable();
    keys
}

/// Over all accounts of the shard debits equal credits, in the general ledger and in the memos.
fn sums_to_zero(walk: &Walk<'_>) -> Result<(), Stop> {
    let Some(totals) = &walk.totals else {
        return Ok(());
    };
    let chained = walk.chains.last.iter().map(|(key, balance)| {
        let is_debit = Account::from_key(key).is_some_and(|account| account.normal() == Side::Debit);
        (*key, if is_debit { balance.amount_minor } else { balance.amount_minor.saturating_neg() })
    });
    let others = totals.deltas.iter().chain(&totals.objects).map(|(key, sum)| (*key, *sum));
    match trial_balance(chained.chain(others)).differences().first() {
        None => Ok(()),
        Some((currency, is_memo, sum)) => {
            let part = if *is_memo { "memos" } else { "general ledger" };
            let sentence =
                format!("the {part} of shard {} is off by {} {sum:+}", walk.shard.0, currency.code());
            Err(Difference { broken: Broken::Balance, shard: walk.shard, sentence }.into())
        }
    }
}
