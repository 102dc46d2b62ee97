//! The journal: transactions and their lines, inserted once and never changed.

use super::columns::Columns;
use super::db::{self, Db};
use super::statements::statements;
use crate::StoreError;
use crate::reads::{LineFilter, SeqPage, StoredLine, StoredTransaction};
use domain::id::{MerchantId, Shard, Uid};
use domain::rows::{Entry, Transaction};
use ledger::{AccountKey, Category, PostingKind};
use rusqlite::params;
use std::collections::HashMap;

macro_rules! line_columns {
    () => {
        "e.seq, e.line, t.kind, t.source, t.posted_at_us, e.code, e.dim, e.currency, e.day, e.amount_minor, \
         e.category, e.merchant, e.account_seq, e.balance_after_minor"
    };
}

macro_rules! lines_of_merchant {
    ($index:literal, $root:literal) => {
        concat!(
            "SELECT ",
            line_columns!(),
            " FROM journal_tx t INDEXED BY ",
            $index,
            " CROSS JOIN journal_entry e ON e.shard = t.shard AND e.seq = t.seq \
             WHERE t.shard = ?1 AND t.seq <= ?3 AND (t.seq < ?3 OR e.line < ?4) AND ",
            $root,
            " AND e.merchant = ?2 AND (?5 IS NULL OR e.category = ?5) AND t.posted_at_us >= ?6 \
             AND t.posted_at_us < ?7 ORDER BY t.seq DESC, e.line DESC LIMIT ?8"
        )
    };
}

statements! {
    INSERT_TX = "INSERT INTO journal_tx (shard, seq, kind, source, merchant, posted_at_us, booked_on, corrects) \
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    INSERT_ENTRY = "INSERT INTO journal_entry (shard, seq, line, code, dim, day, currency, amount_minor, category, \
        merchant, account_seq, balance_after_minor) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";
    LINES = lines_of_merchant!("journal_tx_merchant", "t.merchant = ?2");
    LINES_BY_SOURCE = lines_of_merchant!("journal_tx_source", "t.source = ?9");
    LINES_OF_SOURCE = concat!("SELECT ", line_columns!(), " FROM journal_tx t INDEXED BY journal_tx_source \
        CROSS JOIN journal_entry e ON e.shard = t.shard AND e.seq = t.seq \
        WHERE t.shard = ?1 AND t.source = ?2 ORDER BY t.seq, e.line LIMIT 1000");
    LINE = concat!("SELECT ", line_columns!(), " FROM journal_entry e \
        CROSS JOIN journal_tx t ON t.shard = e.shard AND t.seq = e.seq \
        WHERE e.shard = ?1 AND e.seq = ?2 AND e.line = ?3");
    TX_FROM = "SELECT seq, kind, source, merchant, posted_at_us, booked_on, corrects FROM journal_tx \
        WHERE shard = ?1 AND seq >= ?2 ORDER BY seq LIMIT ?3";
    ENTRIES_OF = "SELECT code, dim, currency, day, amount_minor, category, merchant, account_seq, \
        balance_after_minor FROM journal_entry WHERE shard = ?1 AND seq = ?2 ORDER BY line";
}

/// Where a chained account's last line of a write-set stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct LastLine {
    pub(super) account_seq: i64,
    pub(super) balance_after_minor: i64,
    pub(super) seq: i64,
    pub(super) line: i64,
}

/// Writes transactions under numbers from `first_seq` on; answers the last line of every chained account.
pub(super) fn insert_all(
    db: &Db,
    shard: Shard,
    first_seq: i64,
    transactions: &[Transaction],
) -> Result<HashMap<AccountKey, LastLine>, StoreError> {
    let mut chained = HashMap::new();
    if transactions.is_empty() {
        return Ok(chained);
    }
    let mut insert_tx = db.statement(INSERT_TX)?;
    let mut insert_entry = db.statement(INSERT_ENTRY)?;
    for (seq, tx) in (first_seq..).zip(transactions) {
        must_balance(tx)?;
        insert_tx.execute(params![
            shard.0,
            seq,
            tx.kind.as_str(),
            tx.source.0,
            tx.merchant.0.0,
            tx.posted_at_us,
            tx.booked_on.0,
            tx.corrects.map(|source| source.0),
        ])?;
        for (line, entry) in (0i64..).zip(&tx.entries) {
            insert_entry.execute(params![
                shard.0,
                seq,
                line,
                entry.account.code,
                entry.account.dim,
                entry.account.day,
                entry.account.currency.numeric(),
                entry.amount_minor,
                entry.category.as_str(),
                entry.merchant.map(|merchant| merchant.0.0),
                entry.account_seq,
                entry.balance_after_minor,
            ])?;
            if let Some((account_seq, balance_after_minor)) = entry.account_seq.zip(entry.balance_after_minor)
            {
                chained.insert(entry.account, LastLine { account_seq, balance_after_minor, seq, line });
            }
        }
    }
    Ok(chained)
}

/// The last look before money is written: lines sum to zero in each currency.
fn must_balance(tx: &Transaction) -> Result<(), StoreError> {
    let mut sums: Vec<(money::Currency, i128)> = Vec::with_capacity(1);
    for entry in &tx.entries {
        let amount = i128::from(entry.amount_minor);
        match sums.iter_mut().find(|(currency, _)| *currency == entry.account.currency) {
            Some((_, sum)) => *sum += amount,
            None => sums.push((entry.account.currency, amount)),
        }
    }
    if !sums.is_empty() && sums.iter().all(|(_, sum)| *sum == 0) {
        Ok(())
    } else {
        Err(StoreError::Corrupt(format!("a {} of {:?} does not balance", tx.kind.as_str(), tx.source)))
    }
}

fn read_entry(c: &mut Columns<'_, '_>) -> Result<Entry, StoreError> {
    Ok(Entry {
        account: c.account()?,
        amount_minor: c.int()?,
        category: c.word(Category::parse)?,
        merchant: c.opt_id()?,
        account_seq: c.opt_int()?,
        balance_after_minor: c.opt_int()?,
    })
}

fn read_line(c: &mut Columns<'_, '_>) -> Result<StoredLine, StoreError> {
    Ok(StoredLine {
        seq: c.int()?,
        line: c.int()?,
        kind: c.word(PostingKind::parse)?,
        source: c.uid()?,
        posted_at_us: c.int()?,
        entry: read_entry(c)?,
    })
}

pub(super) fn lines(
    db: &Db,
    merchant: MerchantId,
    filter: &LineFilter,
    page: SeqPage,
) -> Result<Vec<StoredLine>, StoreError> {
    let (seq, line) = page.before.unwrap_or((i64::MAX, i64::MAX));
    let sql = if filter.source.is_some() { LINES_BY_SOURCE } else { LINES };
    let mut statement = db.statement(sql)?;
    statement.raw_bind_parameter(1, merchant.0.shard().0)?;
    statement.raw_bind_parameter(2, merchant.0.0)?;
    statement.raw_bind_parameter(3, seq)?;
    statement.raw_bind_parameter(4, line)?;
    statement.raw_bind_parameter(5, filter.category.map(Category::as_str))?;
    statement.raw_bind_parameter(6, filter.posted_at_gte_us.unwrap_or(i64::MIN))?;
    statement.raw_bind_parameter(7, filter.posted_at_lt_us.unwrap_or(i64::MAX))?;
    statement.raw_bind_parameter(8, page.limit)?;
    if let Some(source) = filter.source {
        statement.raw_bind_parameter(9, source.0)?;
    }
    db::all_bound(&mut statement, read_line)
}

pub(super) fn lines_of_source(db: &Db, shard: Shard, source: Uid) -> Result<Vec<StoredLine>, StoreError> {
    db.all(LINES_OF_SOURCE, params![shard.0, source.0], read_line)
}

pub(super) fn line(db: &Db, shard: Shard, seq: i64, line: i64) -> Result<Option<StoredLine>, StoreError> {
    db.one(LINE, params![shard.0, seq, line], read_line)
}

/// Transactions with their lines, in order of their numbers. Call it within a snapshot.
pub(super) fn transactions(
    db: &Db,
    shard: Shard,
    from_seq: i64,
    limit: u32,
) -> Result<Vec<StoredTransaction>, StoreError> {
    let mut found = db.all(TX_FROM, params![shard.0, from_seq, limit], |c| {
        Ok(StoredTransaction {
            seq: c.int()?,
            transaction: Transaction {
                kind: c.word(PostingKind::parse)?,
                source: c.uid()?,
                merchant: c.id()?,
                posted_at_us: c.int()?,
                booked_on: c.day()?,
                corrects: c.opt_uid()?,
                entries: Vec::new(),
            },
        })
    })?;
    let mut entries_of = db.statement(ENTRIES_OF)?;
    for stored in &mut found {
        stored.transaction.entries = db::all(&mut entries_of, params![shard.0, stored.seq], read_entry)?;
    }
    Ok(found)
}
