//! Balances: chained ones with a floor, and those of platform accounts that only take deltas.

use crate::db::{Columns, Db, Many, Value, keyed, params, statements, writes};
use crate::journal::{self, LastLine};
use crate::reads::{DueMaturity, StoredBalance, StoredLine};
use crate::{BalanceWrite, StoreError, head};
use domain::id::{MerchantId, Shard};
use domain::rows::Balance;
use ledger::{AccountKey, NO_DAY};
use std::collections::HashMap;

keyed! {
    OPEN_OF_MERCHANTS (Uid) = "SELECT code, dim, currency, day, amount_minor, account_seq \
        FROM balance INDEXED BY balance_merchant WHERE shard = ?1 AND merchant = ?2 AND open = 1"
        => "SELECT code, dim, currency, day, amount_minor, account_seq \
            FROM {keys} JOIN balance ON merchant = k2 WHERE shard = ?1 AND open = 1";
    /// So that the next load reads the rows: a decision missed them because they had been closed. By their key: the index of open
    /// balances is none for closed ones, hence the sum that it does not know.
    REOPEN (Small, Uid, Small, Int) = "UPDATE balance SET open = 1 \
        WHERE shard = ?1 AND code = ?2 AND dim = ?3 AND currency = ?4 AND day = ?5 AND open = 0"
        => "UPDATE balance SET open = 1 FROM {keys} \
            WHERE shard = ?1 AND code = k2 AND dim = k3 AND currency = k4 AND day = k5 AND open + 0 = 0";
}

writes! {
    INSERT = insert "balance" row {
        code: Small, dim: Uid, currency: Small, day: Int, merchant: Uid, amount_minor: Big, floor_minor: Big,
        account_seq: Big, last_seq: JournalSeq, last_line: Int, matures_at_us: Big, open: Small,
    };
    /// The usual change touches no index; one to or from zero may (`UPDATE_OPEN`).
    UPDATE = update "balance" key { code: Small, dim: Uid, currency: Small, day: Int }
        expect { account_seq: Big, amount_minor: Big }
        set { amount_minor: Big, floor_minor: Big, account_seq: Big, last_seq: JournalSeq, last_line: Int };
    UPDATE_OPEN = update "balance" key { code: Small, dim: Uid, currency: Small, day: Int }
        expect { account_seq: Big, amount_minor: Big }
        set {
            amount_minor: Big, floor_minor: Big, account_seq: Big, last_seq: JournalSeq, last_line: Int, open: Small,
        };
    PLATFORM_ADD = add "platform_balance" key { code: Small, dim: Uid, currency: Small, day: Int }
        sum { amount_minor: Big };
}

statements! {
    OF_MERCHANT = "SELECT code, dim, currency, day, merchant, amount_minor, account_seq \
        FROM balance INDEXED BY balance_merchant WHERE shard = ?1 AND merchant = ?2";
    AFTER = "SELECT code, dim, currency, day, merchant, amount_minor, account_seq FROM balance \
        WHERE shard = ?1 AND (code, dim, currency, day) > (?2, ?3, ?4, ?5) \
        ORDER BY code, dim, currency, day LIMIT ?6";
    LAST_LINE_AT = "SELECT last_seq, last_line FROM balance \
        WHERE shard = ?1 AND code = ?2 AND dim = ?3 AND currency = ?4 AND day = ?5";
    MATURE = "SELECT b.merchant, b.currency, b.day FROM balance b INDEXED BY balance_maturity \
        CROSS JOIN merchant_head h ON h.shard = b.shard AND h.merchant = b.merchant \
        WHERE b.shard = ?1 AND b.open = 1 AND b.matures_at_us <= CAST(?2 AS BIGINT) + ?4 \
        AND b.matures_at_us <= CAST(?2 AS BIGINT) + h.clock_offset_us AND b.amount_minor <> 0 ORDER BY b.matures_at_us LIMIT ?3";
    PLATFORM_ALL = "SELECT code, dim, currency, day, amount_minor FROM platform_balance WHERE shard = ?1 \
        ORDER BY code, dim, currency, day";
}

/// Whether a merchant's rows are still read with it: not once a dated account was emptied after it matured. Only a hint:
/// a row that is written again all the same is opened again by [`reopen`].
fn is_open(write: &BalanceWrite, business_now_us: i64) -> bool {
    let matured = write.matures_at_us.is_some_and(|at_us| at_us <= business_now_us);
    write.key.day == NO_DAY || write.after.amount_minor != 0 || !matured
}

/// Chained balances as they are written.
#[derive(Debug, Default)]
pub(crate) struct Writes<'a> {
    pub(crate) inserts: Many<'a>,
    pub(crate) updates: Many<'a>,
    pub(crate) open_updates: Many<'a>,
}

/// Each must have its last line in the same write-set. `business_now_us` tells a merchant's time.
pub(crate) fn writes(
    balances: &[BalanceWrite],
    last_lines: &HashMap<AccountKey, LastLine>,
    business_now_us: impl Fn(MerchantId) -> i64,
) -> Result<Writes<'static>, StoreError> {
    let mut writes = Writes::default();
    for write in balances.iter().filter(|write| write.before != Some(write.after)) {
        let last = last_line_of(write, last_lines)?;
        let open = is_open(write, business_now_us(write.merchant));
        match write.before {
            None => writes.inserts.push(insert(write, last, open)),
            Some(before) => {
                let [code, dim, currency, day] = key(write.key);
                let [amount, floor, seq, last_seq, line] = after(write, last);
                let (expected_seq, expected) = (before.account_seq.into(), before.amount_minor.into());
                let may_move =
                    write.key.day != NO_DAY && (before.amount_minor == 0 || write.after.amount_minor == 0);
                if may_move {
                    writes.open_updates.push([
                        code,
                        dim,
                        currency,
                        day,
                        expected_seq,
                        expected,
                        amount,
                        floor,
                        seq,
                        last_seq,
                        line,
                        open.into(),
                    ]);
                } else {
                    writes.updates.push([
                        code,
                        dim,
                        currency,
                        day,
                        expected_seq,
                        expected,
                        amount,
                        floor,
                        seq,
                        last_seq,
                        line,
                    ]);
                }
            }
        }
    }
    Ok(writes)
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

/// Code, dimension, currency, day: the order of the tables' keys.
fn key(key: AccountKey) -> [Value<'static>; 4] {
    params![key.code, key.dim, key.currency.numeric(), key.day]
}

/// Amount, floor, number, and where the last line stands.
fn after(write: &BalanceWrite, last: LastLine) -> [Value<'static>; 5] {
    params![
        write.after.amount_minor,
        write.floor_minor,
        write.after.account_seq,
        Value::JournalSeq(last.seq),
        last.line,
    ]
}

fn insert(write: &BalanceWrite, last: LastLine, open: bool) -> [Value<'static>; 12] {
    let [code, dim, currency, day] = key(write.key);
    let [amount, floor, seq, last_seq, line] = after(write, last);
    let merchant = write.merchant.0.0.into();
    let (matures_at_us, open) = (write.matures_at_us.into(), open.into());
    [code, dim, currency, day, merchant, amount, floor, seq, last_seq, line, matures_at_us, open]
}

/// Marks the rows that a refused write-set took for new, so that the next load reads those that are there.
pub(crate) async fn reopen(db: &Db, shard: Shard, balances: &[BalanceWrite]) -> Result<(), StoreError> {
    let keys = Many::of(balances.iter().filter(|write| write.before.is_none()).map(|write| key(write.key)));
    db.for_all(&REOPEN, shard, &keys).await
}

/// The open balances of merchants.
pub(crate) async fn open_of(
    db: &Db,
    shard: Shard,
    merchants: impl IntoIterator<Item = MerchantId>,
) -> Result<Vec<(AccountKey, Balance)>, StoreError> {
    let keys = Many::of(merchants.into_iter().map(|merchant| params![merchant.0.0]));
    db.find_all(&OPEN_OF_MERCHANTS, shard, &keys, |c| Ok((c.account()?, read_balance(c)?))).await
}

fn read_balance(c: &mut Columns<'_>) -> Result<Balance, StoreError> {
    Ok(Balance { amount_minor: c.int()?, account_seq: c.int()? })
}

fn read(c: &mut Columns<'_>) -> Result<StoredBalance, StoreError> {
    Ok(StoredBalance { key: c.account()?, merchant: c.id()?, balance: read_balance(c)? })
}

pub(crate) async fn of_merchant(db: &Db, merchant: MerchantId) -> Result<Vec<StoredBalance>, StoreError> {
    db.all(OF_MERCHANT, &params![merchant.0.shard().0, merchant.0.0], read).await
}

pub(crate) async fn balances_after(
    db: &Db,
    shard: Shard,
    after: Option<AccountKey>,
    limit: u32,
) -> Result<Vec<StoredBalance>, StoreError> {
    // No account has the code 0.
    let [code, dim, currency, day] = after.map_or_else(|| params![0, [0; 16], 0, 0], key);
    db.all(AFTER, &[shard.0.into(), code, dim, currency, day, limit.into()], read).await
}

pub(crate) async fn last_line(
    db: &Db,
    shard: Shard,
    account: AccountKey,
) -> Result<Option<StoredLine>, StoreError> {
    let [code, dim, currency, day] = key(account);
    let values = [shard.0.into(), code, dim, currency, day];
    match db.one(LAST_LINE_AT, &values, |c| Ok((c.int()?, c.int()?))).await? {
        Some((seq, line)) => journal::line(db, shard, seq, line).await,
        None => Ok(None),
    }
}

pub(crate) async fn mature(
    db: &Db,
    shard: Shard,
    real_now_us: i64,
    limit: u32,
) -> Result<Vec<DueMaturity>, StoreError> {
    let furthest_us = head::furthest_clock_us(db, shard).await?;
    db.all(MATURE, &params![shard.0, real_now_us, limit, furthest_us], |c| {
        Ok(DueMaturity { merchant: c.id()?, currency: c.currency()?, available_on: c.day()? })
    })
    .await
}

/// Deltas (debit positive) of accounts without a floor; an account comes into being with its first.
pub(crate) fn additions(deltas: &[(AccountKey, i64)]) -> Many<'static> {
    Many::of(deltas.iter().filter(|(_, delta)| *delta != 0).map(|(account, delta)| {
        let [code, dim, currency, day] = key(*account);
        [code, dim, currency, day, (*delta).into()]
    }))
}

pub(crate) async fn platform(db: &Db, shard: Shard) -> Result<Vec<(AccountKey, i64)>, StoreError> {
    db.all(PLATFORM_ALL, &params![shard.0], |c| Ok((c.account()?, c.int()?))).await
}
