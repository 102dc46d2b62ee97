//! The journal: transactions and their lines, inserted once and never changed.

use crate::StoreError;
use crate::db::{Columns, Db, Many, Value, keyed, params, statements, writes};
use crate::reads::{LineFilter, SeqPage, StoredLine, StoredTransaction};
use domain::id::{MerchantId, Shard, Uid};
use domain::rows::{Entry, Transaction};
use ledger::{AccountKey, Category, PostingKind};
use std::collections::HashMap;

macro_rules! line_columns {
    () => {
        "e.seq, e.line, t.kind, t.source, t.posted_at_us, e.code, e.dim, e.currency, e.day, e.amount_minor, \
         e.category, e.merchant, e.account_seq, e.balance_after_minor"
    };
}

macro_rules! entry_columns {
    () => {
        "e.seq, e.code, e.dim, e.currency, e.day, e.amount_minor, e.category, e.merchant, e.account_seq, \
         e.balance_after_minor"
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
             WHERE t.shard = ?1 AND t.seq <= ?3 AND (t.seq < ?3 OR e.line < CAST(?4 AS BIGINT)) AND ",
            $root,
            " AND e.merchant = ?2 AND (e.category = ?5 OR ?5 IS NULL) AND t.posted_at_us >= ?6 \
             AND t.posted_at_us < ?7 ORDER BY t.seq DESC, e.line DESC LIMIT ?8"
        )
    };
}

writes! {
    INSERT_TX = insert "journal_tx" row {
        seq: JournalSeq, kind: Text, source: Uid, merchant: Uid, posted_at_us: Big, booked_on: Int, corrects: Uid,
    };
    INSERT_ENTRY = insert "journal_entry" row {
        seq: JournalSeq, line: Int, code: Small, dim: Uid, day: Int, currency: Small, amount_minor: Big,
        category: Text, merchant: Uid, account_seq: Big, balance_after_minor: Big,
    };
}

keyed! {
    /// The lines of single transactions, in order.
    ENTRIES_AT (Big) = concat!("SELECT ", entry_columns!(), " FROM journal_entry e \
        WHERE e.shard = ?1 AND e.seq = ?2 ORDER BY e.line")
        => concat!("SELECT ", entry_columns!(), " FROM {keys} JOIN journal_entry e ON e.seq = k2 \
            WHERE e.shard = ?1 ORDER BY e.seq, e.line");
}

statements! {
    LINES = lines_of_merchant!("journal_tx_merchant", "t.merchant = ?2");
    /// A source has few transactions; on PostgreSQL their lines are looked up for each, never the other way round.
    LINES_BY_SOURCE = lines_of_merchant!("journal_tx_source", "t.source = ?9")
        => concat!("SELECT ", line_columns!(), " FROM journal_tx t, \
            LATERAL (SELECT * FROM journal_entry i WHERE i.shard = t.shard AND i.seq = t.seq OFFSET 0) e \
            WHERE t.shard = ?1 AND t.seq <= ?3 AND (t.seq < ?3 OR e.line < CAST(?4 AS BIGINT)) AND t.source = ?9 \
            AND e.merchant = ?2 AND (e.category = ?5 OR ?5 IS NULL) AND t.posted_at_us >= ?6 AND t.posted_at_us < ?7 \
            ORDER BY t.seq DESC, e.line DESC LIMIT ?8");
    LINES_OF_SOURCE = concat!("SELECT ", line_columns!(), " FROM journal_tx t INDEXED BY journal_tx_source \
        CROSS JOIN journal_entry e ON e.shard = t.shard AND e.seq = t.seq \
        WHERE t.shard = ?1 AND t.source = ?2 ORDER BY t.seq, e.line LIMIT 1000");
    LINE = concat!("SELECT ", line_columns!(), " FROM journal_entry e \
        CROSS JOIN journal_tx t ON t.shard = e.shard AND t.seq = e.seq \
        WHERE e.shard = ?1 AND e.seq = ?2 AND e.line = ?3");
    TX_OF_MERCHANT = "SELECT seq, kind, source, merchant, posted_at_us, booked_on, corrects \
        FROM journal_tx INDEXED BY journal_tx_merchant \
        WHERE shard = ?1 AND merchant = ?2 AND seq > ?3 AND seq <= ?4 ORDER BY seq LIMIT ?5";
    TX_FROM = "SELECT seq, kind, source, merchant, posted_at_us, booked_on, corrects FROM journal_tx \
        WHERE shard = ?1 AND seq >= ?2 ORDER BY seq LIMIT ?3";
    ENTRIES_OF = concat!("SELECT ", entry_columns!(), " FROM journal_entry e \
        WHERE e.shard = ?1 AND e.seq >= ?2 AND e.seq <= ?3 ORDER BY e.seq, e.line");
}

/// Where a chained account's last line of a write-set stands.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LastLine {
    pub(crate) account_seq: i64,
    pub(crate) balance_after_minor: i64,
    /// Counted back from the last number of the commit.
    pub(crate) seq: i64,
    pub(crate) line: i64,
}

/// New transactions and lines, numbered back from the commit's last, and the last line of every chained account.
#[derive(Debug, Default)]
pub(crate) struct Inserts<'a> {
    pub(crate) transactions: Many<'a>,
    pub(crate) entries: Many<'a>,
    pub(crate) chained: HashMap<AccountKey, LastLine>,
}

pub(crate) fn inserts(transactions: &[Transaction]) -> Result<Inserts<'_>, StoreError> {
    let mut inserts = Inserts::default();
    let count = i64::try_from(transactions.len()).unwrap_or(i64::MAX);
    for (seq, tx) in (1 - count..).zip(transactions) {
        must_balance(tx)?;
        inserts.transactions.push(params![
            Value::JournalSeq(seq),
            tx.kind.as_str(),
            tx.source.0,
            tx.merchant.0.0,
            tx.posted_at_us,
            tx.booked_on.0,
            tx.corrects.map(|source| source.0),
        ]);
        for (line, entry) in (0i64..).zip(&tx.entries) {
            inserts.entries.push(params![
                Value::JournalSeq(seq),
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
            ]);
            if let Some((account_seq, balance_after_minor)) = entry.account_seq.zip(entry.balance_after_minor)
            {
                let last = LastLine { account_seq, balance_after_minor, seq, line };
                inserts.chained.insert(entry.account, last);
            }
        }
    }
    Ok(inserts)
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

fn read_entry(c: &mut Columns<'_>) -> Result<Entry, StoreError> {
    Ok(Entry {
        account: c.account()?,
        amount_minor: c.int()?,
        category: c.word(Category::parse)?,
        merchant: c.opt_id()?,
        account_seq: c.opt_int()?,
        balance_after_minor: c.opt_int()?,
    })
}

fn read_line(c: &mut Columns<'_>) -> Result<StoredLine, StoreError> {
    Ok(StoredLine {
        seq: c.int()?,
        line: c.int()?,
        kind: c.word(PostingKind::parse)?,
        source: c.uid()?,
        posted_at_us: c.int()?,
        entry: read_entry(c)?,
    })
}

pub(crate) async fn lines(
    db: &Db,
    merchant: MerchantId,
    filter: &LineFilter,
    page: SeqPage,
) -> Result<Vec<StoredLine>, StoreError> {
    let (seq, line) = page.before.unwrap_or((i64::MAX, i64::MAX));
    let sql = if filter.source.is_some() { LINES_BY_SOURCE } else { LINES };
    let values = params![
        merchant.0.shard().0,
        merchant.0.0,
        seq,
        line,
        filter.category.map(Category::as_str),
        filter.posted_at_gte_us.unwrap_or(i64::MIN),
        filter.posted_at_lt_us.unwrap_or(i64::MAX),
        page.limit,
        filter.source.map(|source| source.0),
    ];
    db.all(sql, &values, read_line).await
}

pub(crate) async fn lines_of_source(
    db: &Db,
    shard: Shard,
    source: Uid,
) -> Result<Vec<StoredLine>, StoreError> {
    db.all(LINES_OF_SOURCE, &params![shard.0, source.0], read_line).await
}

pub(crate) async fn line(
    db: &Db,
    shard: Shard,
    seq: i64,
    line: i64,
) -> Result<Option<StoredLine>, StoreError> {
    db.one(LINE, &params![shard.0, seq, line], read_line).await
}

/// Transactions with their lines, in order of their numbers. Call it where all statements see the same state.
pub(crate) async fn transactions(
    db: &Db,
    shard: Shard,
    from_seq: i64,
    limit: u32,
) -> Result<Vec<StoredTransaction>, StoreError> {
    let found = db.all(TX_FROM, &params![shard.0, from_seq, limit], read_transaction).await?;
    let (Some(first), Some(last)) = (found.first(), found.last()) else { return Ok(found) };
    let values = params![shard.0, first.seq, last.seq];
    let entries = db.all(ENTRIES_OF, &values, |c| Ok((c.int()?, read_entry(c)?))).await?;
    Ok(with_entries(found, entries))
}

/// As [`transactions`], those decided under one merchant's root, with `after_seq < seq <= last_seq`.
pub(crate) async fn of_merchant(
    db: &Db,
    merchant: MerchantId,
    after_seq: i64,
    last_seq: i64,
    limit: u32,
) -> Result<Vec<StoredTransaction>, StoreError> {
    let shard = merchant.0.shard();
    let values = params![shard.0, merchant.0.0, after_seq, last_seq, limit];
    let found = db.all(TX_OF_MERCHANT, &values, read_transaction).await?;
    let keys = Many::of(found.iter().map(|stored| params![stored.seq]));
    let entries = db.find_all(&ENTRIES_AT, shard, &keys, |c| Ok((c.int()?, read_entry(c)?))).await?;
    Ok(with_entries(found, entries))
}

/// A transaction without its lines.
fn read_transaction(c: &mut Columns<'_>) -> Result<StoredTransaction, StoreError> {
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
}

/// Puts lines, in order of their numbers, into their transactions.
fn with_entries(mut found: Vec<StoredTransaction>, entries: Vec<(i64, Entry)>) -> Vec<StoredTransaction> {
    let mut entries = entries.into_iter().peekable();
    for stored in &mut found {
        // Lines whose transaction is missing belong to nobody.
        while entries.next_if(|(seq, _)| *seq < stored.seq).is_some() {}
        while let Some((_, entry)) = entries.next_if(|(seq, _)| *seq == stored.seq) {
            stored.transaction.entries.push(entry);
        }
    }
    found
}
