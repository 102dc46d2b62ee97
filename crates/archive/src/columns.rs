//! Lines as columns: taken apart to be written, put together again when read.

use crate::{Fault, wrong};
use domain::id::{Id, MerchantId, Shard, Uid};
use domain::rows::{Entry, Transaction};
use ledger::{AccountKey, Category, Day, PostingKind};
use money::Currency;
use parquet::column::reader::{ColumnReader, get_typed_column_reader};
use parquet::data_type::{ByteArray, ByteArrayType, DataType, FixedLenByteArray};
use parquet::data_type::{FixedLenByteArrayType, Int32Type, Int64Type};
use parquet::file::reader::RowGroupReader;
use parquet::file::writer::SerializedRowGroupWriter;
use std::io::Write;
use std::vec::IntoIter;
use store::reads::StoredTransaction;

/// The columns of one row group.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    shard: Vec<i32>,
    seq: Vec<i64>,
    line: Vec<i32>,
    kind: Vec<ByteArray>,
    source: Vec<FixedLenByteArray>,
    merchant: Vec<FixedLenByteArray>,
    posted_at_us: Vec<i64>,
    booked_on: Vec<i32>,
    corrects: Optional<FixedLenByteArray>,
    account_code: Vec<i32>,
    account_dim: Vec<FixedLenByteArray>,
    account_day: Vec<i32>,
    currency: Vec<ByteArray>,
    amount_minor: Vec<i64>,
    category: Vec<ByteArray>,
    owner: Optional<FixedLenByteArray>,
    account_seq: Optional<i64>,
    balance_after_minor: Optional<i64>,
}

/// A column that rows may be without: the values there are, and for each row whether it has one.
#[derive(Debug, Default)]
struct Optional<T> {
    values: Vec<T>,
    levels: Vec<i16>,
}

impl<T> Optional<T> {
    fn push(&mut self, value: Option<T>) {
        self.levels.push(i16::from(value.is_some()));
        self.values.extend(value);
    }

    fn into_rows(self) -> IntoIter<Option<T>> {
        let mut values = self.values.into_iter();
        let rows = self.levels.into_iter().map(|level| if level > 0 { values.next() } else { None });
        rows.collect::<Vec<_>>().into_iter()
    }
}

fn uuid(bytes: [u8; 16]) -> FixedLenByteArray {
    FixedLenByteArray::from(bytes.to_vec())
}

fn text(word: &str) -> ByteArray {
    ByteArray::from(word)
}

impl Lines {
    /// How many lines.
    pub(crate) fn len(&self) -> usize {
        self.seq.len()
    }

    /// Takes the lines of the next transaction.
    pub(crate) fn push(&mut self, shard: Shard, stored: &StoredTransaction) {
        let of = &stored.transaction;
        for (line, entry) in (0i32..).zip(&of.entries) {
            self.shard.push(i32::from(shard.0));
            self.seq.push(stored.seq);
            self.line.push(line);
            self.kind.push(text(of.kind.as_str()));
            self.source.push(uuid(of.source.0));
            self.merchant.push(uuid(of.merchant.0.0));
            self.posted_at_us.push(of.posted_at_us);
            self.booked_on.push(of.booked_on.0);
            self.corrects.push(of.corrects.map(|id| uuid(id.0)));
            self.account_code.push(i32::from(entry.account.code));
            self.account_dim.push(uuid(entry.account.dim));
            self.account_day.push(entry.account.day);
            self.currency.push(text(entry.account.currency.code()));
            self.amount_minor.push(entry.amount_minor);
            self.category.push(text(entry.category.as_str()));
            self.owner.push(entry.merchant.map(|id| uuid(id.0.0)));
            self.account_seq.push(entry.account_seq);
            self.balance_after_minor.push(entry.balance_after_minor);
        }
    }

    /// Writes them as one row group.
    pub(crate) fn write<W: Write + Send>(
        &self,
        group: &mut SerializedRowGroupWriter<'_, W>,
    ) -> Result<(), Fault> {
        required::<Int32Type, _>(group, &self.shard)?;
        required::<Int64Type, _>(group, &self.seq)?;
        required::<Int32Type, _>(group, &self.line)?;
        required::<ByteArrayType, _>(group, &self.kind)?;
        required::<FixedLenByteArrayType, _>(group, &self.source)?;
        required::<FixedLenByteArrayType, _>(group, &self.merchant)?;
        required::<Int64Type, _>(group, &self.posted_at_us)?;
        required::<Int32Type, _>(group, &self.booked_on)?;
        optional::<FixedLenByteArrayType, _>(group, &self.corrects)?;
        required::<Int32Type, _>(group, &self.account_code)?;
        required::<FixedLenByteArrayType, _>(group, &self.account_dim)?;
        required::<Int32Type, _>(group, &self.account_day)?;
        required::<ByteArrayType, _>(group, &self.currency)?;
        required::<Int64Type, _>(group, &self.amount_minor)?;
        required::<ByteArrayType, _>(group, &self.category)?;
        optional::<FixedLenByteArrayType, _>(group, &self.owner)?;
        optional::<Int64Type, _>(group, &self.account_seq)?;
        optional::<Int64Type, _>(group, &self.balance_after_minor)
    }

    /// Reads one row group.
    pub(crate) fn read(group: &dyn RowGroupReader) -> Result<Lines, Fault> {
        let rows =
            usize::try_from(group.metadata().num_rows()).map_err(|_| wrong("a row group without rows"))?;
        let mut columns = Columns { group, rows, next: 0 };
        Ok(Lines {
            shard: columns.required::<Int32Type>()?,
            seq: columns.required::<Int64Type>()?,
            line: columns.required::<Int32Type>()?,
            kind: columns.required::<ByteArrayType>()?,
            source: columns.required::<FixedLenByteArrayType>()?,
            merchant: columns.required::<FixedLenByteArrayType>()?,
            posted_at_us: columns.required::<Int64Type>()?,
            booked_on: columns.required::<Int32Type>()?,
            corrects: columns.optional::<FixedLenByteArrayType>()?,
            account_code: columns.required::<Int32Type>()?,
            account_dim: columns.required::<FixedLenByteArrayType>()?,
            account_day: columns.required::<Int32Type>()?,
            currency: columns.required::<ByteArrayType>()?,
            amount_minor: columns.required::<Int64Type>()?,
            category: columns.required::<ByteArrayType>()?,
            owner: columns.optional::<FixedLenByteArrayType>()?,
            account_seq: columns.optional::<Int64Type>()?,
            balance_after_minor: columns.optional::<Int64Type>()?,
        })
    }

    /// The transactions that they are the lines of.
    pub(crate) fn into_transactions(self, shard: Shard) -> Result<Vec<StoredTransaction>, Fault> {
        if self.shard.iter().any(|of| *of != i32::from(shard.0)) {
            return Err(wrong("a line is of another shard than the file"));
        }
        let mut heads = Heads {
            kind: self.kind.into_iter(),
            source: self.source.into_iter(),
            merchant: self.merchant.into_iter(),
            posted_at_us: self.posted_at_us.into_iter(),
            booked_on: self.booked_on.into_iter(),
            corrects: self.corrects.into_rows(),
        };
        let mut entries = Entries {
            code: self.account_code.into_iter(),
            dim: self.account_dim.into_iter(),
            day: self.account_day.into_iter(),
            currency: self.currency.into_iter(),
            amount_minor: self.amount_minor.into_iter(),
            category: self.category.into_iter(),
            owner: self.owner.into_rows(),
            account_seq: self.account_seq.into_rows(),
            balance_after_minor: self.balance_after_minor.into_rows(),
        };
        let mut found: Vec<StoredTransaction> = Vec::new();
        for (seq, line) in self.seq.into_iter().zip(self.line) {
            let (head, entry) =
                heads.next().zip(entries.next()).ok_or_else(|| wrong("a column is too short"))?;
            let (mut transaction, entry) = (head?, entry?);
            let same = found.last_mut().filter(|last| last.seq == seq);
            let expected = same.as_ref().map_or(0, |last| last.transaction.entries.len());
            if usize::try_from(line).ok() != Some(expected) {
                return Err(wrong(format!(
                    "transaction {seq} has line {line} where {expected} was expected"
                )));
            }
            match same {
                Some(last) => last.transaction.entries.push(entry),
                None => {
                    transaction.entries.push(entry);
                    found.push(StoredTransaction { seq, transaction });
                }
            }
        }
        Ok(found)
    }
}

/// What is of the whole transaction, line by line.
struct Heads {
    kind: IntoIter<ByteArray>,
    source: IntoIter<FixedLenByteArray>,
    merchant: IntoIter<FixedLenByteArray>,
    posted_at_us: IntoIter<i64>,
    booked_on: IntoIter<i32>,
    corrects: IntoIter<Option<FixedLenByteArray>>,
}

impl Iterator for Heads {
    type Item = Result<Transaction, Fault>;

    fn next(&mut self) -> Option<Self::Item> {
        let (kind, source, merchant) = (self.kind.next()?, self.source.next()?, self.merchant.next()?);
        let (posted_at_us, booked_on) = (self.posted_at_us.next()?, self.booked_on.next()?);
        let corrects = self.corrects.next()?;
        let made = || {
            Ok(Transaction {
                kind: word(&kind, PostingKind::parse)?,
                source: uid(&source)?,
                merchant: MerchantId::from_uid(uid(&merchant)?),
                posted_at_us,
                booked_on: Day(booked_on),
                corrects: corrects.as_ref().map(uid).transpose()?,
                entries: Vec::new(),
            })
        };
        Some(made())
    }
}

/// What is of the line alone.
struct Entries {
    code: IntoIter<i32>,
    dim: IntoIter<FixedLenByteArray>,
    day: IntoIter<i32>,
    currency: IntoIter<ByteArray>,
    amount_minor: IntoIter<i64>,
    category: IntoIter<ByteArray>,
    owner: IntoIter<Option<FixedLenByteArray>>,
    account_seq: IntoIter<Option<i64>>,
    balance_after_minor: IntoIter<Option<i64>>,
}

impl Iterator for Entries {
    type Item = Result<Entry, Fault>;

    fn next(&mut self) -> Option<Self::Item> {
        let (code, dim, day) = (self.code.next()?, self.dim.next()?, self.day.next()?);
        let (currency, amount_minor) = (self.currency.next()?, self.amount_minor.next()?);
        let (category, owner) = (self.category.next()?, self.owner.next()?);
        let (account_seq, balance_after_minor) = (self.account_seq.next()?, self.balance_after_minor.next()?);
        let made = || {
            let currency = word(&currency, |code| Currency::parse(code).ok())?;
            let code = u16::try_from(code).map_err(|_| wrong("an account code out of range"))?;
            Ok(Entry {
                account: AccountKey { code, dim: uid(&dim)?.0, day, currency },
                amount_minor,
                category: word(&category, Category::parse)?,
                merchant: owner.as_ref().map(uid).transpose()?.map(MerchantId::from_uid),
                account_seq,
                balance_after_minor,
            })
        };
        Some(made())
    }
}

fn uid(bytes: &FixedLenByteArray) -> Result<Uid, Fault> {
    bytes.data().try_into().map(Uid).map_err(|_| wrong("an id that is not 16 bytes long"))
}

fn word<T>(bytes: &ByteArray, parse: impl Fn(&str) -> Option<T>) -> Result<T, Fault> {
    let text = bytes.as_utf8()?;
    parse(text).ok_or_else(|| wrong(format!("a word that this program does not know: {text:?}")))
}

fn required<T: DataType, W: Write + Send>(
    group: &mut SerializedRowGroupWriter<'_, W>,
    values: &[T::T],
) -> Result<(), Fault> {
    written::<T, W>(group, values, None)
}

fn optional<T: DataType, W: Write + Send>(
    group: &mut SerializedRowGroupWriter<'_, W>,
    column: &Optional<T::T>,
) -> Result<(), Fault> {
    written::<T, W>(group, &column.values, Some(&column.levels))
}

fn written<T: DataType, W: Write + Send>(
    group: &mut SerializedRowGroupWriter<'_, W>,
    values: &[T::T],
    levels: Option<&[i16]>,
) -> Result<(), Fault> {
    let mut column = group.next_column()?.ok_or_else(|| wrong("more columns than the schema has"))?;
    let count = column.typed::<T>().write_batch(values, levels, None)?;
    column.close()?;
    if count == values.len() { Ok(()) } else { Err(wrong("a column was written in part")) }
}

/// The columns of a row group, in the order of the schema.
struct Columns<'g> {
    group: &'g dyn RowGroupReader,
    rows: usize,
    next: usize,
}

impl Columns<'_> {
    fn reader(&mut self) -> Result<ColumnReader, Fault> {
        let reader = self.group.get_column_reader(self.next)?;
        self.next += 1;
        Ok(reader)
    }

    fn required<T: DataType>(&mut self) -> Result<Vec<T::T>, Fault> {
        Ok(self.read::<T>(None)?.values)
    }

    fn optional<T: DataType>(&mut self) -> Result<Optional<T::T>, Fault> {
        self.read::<T>(Some(Vec::new()))
    }

    fn read<T: DataType>(&mut self, mut levels: Option<Vec<i16>>) -> Result<Optional<T::T>, Fault> {
        let mut reader = get_typed_column_reader::<T>(self.reader()?);
        let (mut values, mut left) = (Vec::new(), self.rows);
        while left > 0 {
            let (records, ..) = reader.read_records(left, levels.as_mut(), None, &mut values)?;
            if records == 0 {
                return Err(wrong("a column ends before its rows"));
            }
            left = left.saturating_sub(records);
        }
        Ok(Optional { values, levels: levels.unwrap_or_default() })
    }
}
