//! Balances: chained ones with a floor, and those of platform accounts that only take deltas.

use super::columns::Columns;
use super::db::{self, Db};
use super::journal::{self, LastLine};
use super::statements::statements;
use crate::reads::{DueMaturity, StoredBalance, StoredLine};
use crate::{BalanceWrite, StoreError};
use domain::id::{MerchantId, Shard};
use domain::rows::Balance;
use ledger::{AccountKey, NO_DAY};
use rusqlite::params;
use std::collections::HashMap;

statements! {
    INSERT = "INSERT INTO balance (shard, code, dim, currency, day, merchant, amount_minor, floor_minor, \
        account_seq, last_seq, last_line, matures_at_us, open) \
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)";
    /// The usual change touches no index; one to or from zero may (`UPDATE_OPEN`).
    UPDATE = "UPDATE balance SET amount_minor = ?8, floor_minor = ?9, account_seq = ?10, last_seq = ?11, \
        last_line = ?12 WHERE shard = ?1 AND code = ?2 AND dim = ?3 AND currency = ?4 AND day = ?5 \
        AND account_seq = ?6 AND amount_minor = ?7";
    UPDATE_OPEN = "UPDATE balance SET amount_minor = ?8, floor_minor = ?9, account_seq = ?10, last_seq = ?11, \
        last_line = ?12, open = ?13 WHERE shard = ?1 AND code = ?2 AND dim = ?3 AND currency = ?4 AND day = ?5 \
        AND account_seq = ?6 AND amount_minor = ?7";
    REOPEN = "UPDATE balance SET open = 1 \
        WHERE shard = ?1 AND code = ?2 AND dim = ?3 AND currency = ?4 AND day = ?5 AND open = 0";
    OPEN_OF_MERCHANT = "SELECT code, dim, currency, day, amount_minor, account_seq \
        FROM balance INDEXED BY balance_merchant WHERE shard = ?1 AND merchant = ?2 AND open = 1";
    OF_MERCHANT = "SELECT code, dim, currency, day, merchant, amount_minor, account_seq \
        FROM balance INDEXED BY balance_merchant WHERE shard = ?1 AND merchant = ?2";
    AFTER = "SELECT code, dim, currency, day, merchant, amount_minor, account_seq FROM balance \
        WHERE shard = ?1 AND (code, dim, currency, day) > (?2, ?3, ?4, ?5) \
        ORDER BY code, dim, currency, day LIMIT ?6";
    LAST_LINE_AT = "SELECT last_seq, last_line FROM balance \
        WHERE shard = ?1 AND code = ?2 AND dim = ?3 AND currency = ?4 AND day = ?5";
    MATURE = "SELECT b.merchant, b.currency, b.day FROM balance b INDEXED BY balance_maturity \
        CROSS JOIN merchant_head h ON h.shard = b.shard AND h.merchant = b.merchant \
        WHERE b.shard = ?1 AND b.open = 1 AND b.matures_at_us <= ?2 + ?4 \
        AND b.matures_at_us <= ?2 + h.clock_offset_us AND b.amount_minor <> 0 ORDER BY b.matures_at_us LIMIT ?3";
    PLATFORM_ADD = "INSERT INTO platform_balance (shard, code, dim, currency, day, amount_minor) \
        VALUES (?1, ?2, ?3, ?4, ?5, ?6) \
        ON CONFLICT (shard, code, dim, currency, day) DO UPDATE SET amount_minor = amount_minor + excluded.amount_minor";
    PLATFORM_ALL = "SELECT code, dim, currency, day, amount_minor FROM platform_balance WHERE shard = ?1 \
        ORDER BY code, dim, currency, day";
}

/// Whether a merchant's rows are still read with it: not once a dated account was emptied after it matured. Only a hint:
/// a row that is written again all the same is opened again by [`reopen`].
fn is_open(write: &BalanceWrite, business_now_us: i64) -> bool {
    let matured = write.matures_at_us.is_some_and(|at_us| at_us <= business_now_us);
    write.key.day == NO_DAY || write.after.amount_minor != 0 || !matured
}

/// Writes chained balances; each must have its last line in the same write-set. `business_now_us` tells a merchant's
/// time. On a conflict the key of a row that the decision did not know of is left in `unknown_row`.
pub(super) fn write_all(
    db: &Db,
    shard: Shard,
    balances: &[BalanceWrite],
    last_lines: &HashMap<AccountKey, LastLine>,
    business_now_us: impl Fn(MerchantId) -> i64,
    unknown_row: &mut Option<AccountKey>,
) -> Result<u64, StoreError> {
    let mut written = 0;
    for write in balances {
        if write.before == Some(write.after) {
            continue;
        }
        let last = last_line_of(write, last_lines)?;
        let open = is_open(write, business_now_us(write.merchant));
        match write.before {
            None => {
                let result = insert(db, shard, write, last, open);
                if let Err(StoreError::Conflict(_)) = &result {
                    *unknown_row = Some(write.key);
                }
                result?;
            }
            Some(before) => update(db, shard, write, before, last, open)?,
        }
        written += 1;
    }
    Ok(written)
}

fn last_line_of(
    write: &BalanceWrite,
    last_lines: &HashMap<AccountKey, LastLine>,
) -> Result<LastLine, StoreError> {
    let fits = |last: &&LastLine| {
        last.account_seq == write.after.account_seq && last.balance_after_minor == write.after.amount_minor
    };
    last_lines
        .get(&write.key)
        .filter(fits)
        .copied()
        .ok_or_else(|| StoreError::Corrupt(format!("the balance of {} has no line to match", write.key)))
}

fn insert(db: &Db, shard: Shard, write: &BalanceWrite, last: LastLine, open: bool) -> Result<(), StoreError> {
    let key = write.key;
    db.execute(
        INSERT,
        params![
            shard.0,
            key.code,
            key.dim,
            key.currency.numeric(),
            key.day,
            write.merchant.0.0,
            write.after.amount_minor,
            write.floor_minor,
            write.after.account_seq,
            last.seq,
            last.line,
            write.matures_at_us,
            open,
        ],
    )?;
    Ok(())
}

fn update(
    db: &Db,
    shard: Shard,
    write: &BalanceWrite,
    before: Balance,
    last: LastLine,
    open: bool,
) -> Result<(), StoreError> {
    let key = write.key;
    let may_move = key.day != NO_DAY && (before.amount_minor == 0 || write.after.amount_minor == 0);
    let mut statement = db.statement(if may_move { UPDATE_OPEN } else { UPDATE })?;
    statement.raw_bind_parameter(1, shard.0)?;
    statement.raw_bind_parameter(2, key.code)?;
    statement.raw_bind_parameter(3, key.dim)?;
    statement.raw_bind_parameter(4, key.currency.numeric())?;
    statement.raw_bind_parameter(5, key.day)?;
    statement.raw_bind_parameter(6, before.account_seq)?;
    statement.raw_bind_parameter(7, before.amount_minor)?;
    statement.raw_bind_parameter(8, write.after.amount_minor)?;
    statement.raw_bind_parameter(9, write.floor_minor)?;
    statement.raw_bind_parameter(10, write.after.account_seq)?;
    statement.raw_bind_parameter(11, last.seq)?;
    statement.raw_bind_parameter(12, last.line)?;
    if may_move {
        statement.raw_bind_parameter(13, open)?;
    }
    let count = statement.raw_execute()?;
    db::guard(count, || format!("the balance of {key} is not what the decision saw"))
}

/// Marks a row so that the next load reads it: a decision missed it because it had been closed.
pub(super) fn reopen(db: &Db, shard: Shard, key: AccountKey) -> Result<(), StoreError> {
    db.execute(REOPEN, params![shard.0, key.code, key.dim, key.currency.numeric(), key.day])?;
    Ok(())
}

/// Hands a merchant's open balances to `each`.
pub(super) fn open_of(
    db: &Db,
    shard: Shard,
    merchant: MerchantId,
    mut each: impl FnMut(AccountKey, Balance),
) -> Result<(), StoreError> {
    db.all(OPEN_OF_MERCHANT, params![shard.0, merchant.0.0], |c| {
        each(c.account()?, Balance { amount_minor: c.int()?, account_seq: c.int()? });
        Ok(())
    })?;
    Ok(())
}

fn read(c: &mut Columns<'_, '_>) -> Result<StoredBalance, StoreError> {
    Ok(StoredBalance {
        key: c.account()?,
        merchant: c.id()?,
        balance: Balance { amount_minor: c.int()?, account_seq: c.int()? },
    })
}

pub(super) fn of_merchant(db: &Db, merchant: MerchantId) -> Result<Vec<StoredBalance>, StoreError> {
    db.all(OF_MERCHANT, params![merchant.0.shard().0, merchant.0.0], read)
}

pub(super) fn after(
    db: &Db,
    shard: Shard,
    after: Option<AccountKey>,
    limit: u32,
) -> Result<Vec<StoredBalance>, StoreError> {
    match after {
        Some(key) => {
            let values = params![shard.0, key.code, key.dim, key.currency.numeric(), key.day, limit];
            db.all(AFTER, values, read)
        }
        // No account has the code 0.
        None => db.all(AFTER, params![shard.0, 0, [0u8; 16], 0, 0, limit], read),
    }
}

pub(super) fn last_line(db: &Db, shard: Shard, key: AccountKey) -> Result<Option<StoredLine>, StoreError> {
    let values = params![shard.0, key.code, key.dim, key.currency.numeric(), key.day];
    match db.one(LAST_LINE_AT, values, |c| Ok((c.int()?, c.int()?)))? {
        Some((seq, line)) => journal::line(db, shard, seq, line),
        None => Ok(None),
    }
}

pub(super) fn mature(
    db: &Db,
    shard: Shard,
    real_now_us: i64,
    limit: u32,
) -> Result<Vec<DueMaturity>, StoreError> {
    let furthest_us = super::head::furthest_clock_us(db, shard)?;
    db.all(MATURE, params![shard.0, real_now_us, limit, furthest_us], |c| {
        Ok(DueMaturity { merchant: c.id()?, currency: c.currency()?, available_on: c.day()? })
    })
}

/// Adds deltas; an account comes into being with its first.
pub(super) fn add_all(db: &Db, shard: Shard, deltas: &[(AccountKey, i64)]) -> Result<u64, StoreError> {
    if deltas.is_empty() {
        return Ok(0);
    }
    let mut statement = db.statement(PLATFORM_ADD)?;
    let mut written = 0;
    for (key, delta) in deltas.iter().filter(|(_, delta)| *delta != 0) {
        statement.execute(params![shard.0, key.code, key.dim, key.currency.numeric(), key.day, delta])?;
        written += 1;
    }
    Ok(written)
}

pub(super) fn platform(db: &Db, shard: Shard) -> Result<Vec<(AccountKey, i64)>, StoreError> {
    db.all(PLATFORM_ALL, params![shard.0], |c| Ok((c.account()?, c.int()?)))
}
