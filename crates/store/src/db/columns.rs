//! Reads a row's columns in order.

use super::corrupt;
use crate::StoreError;
use domain::id::{Id, Uid};
use domain::job::Job;
use ledger::{AccountKey, Day};
use money::{Amount, Currency};

/// What stands in a column, whichever engine holds it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Cell<'r> {
    /// NULL.
    Null,
    /// An integer of any width.
    Int(i64),
    /// A text, not yet known to be UTF-8.
    Text(&'r [u8]),
    /// Bytes, ids too.
    Bytes(&'r [u8]),
}

/// A row of an engine.
pub(crate) trait Row {
    /// The value of a column.
    fn cell(&self, at: usize) -> Result<Cell<'_>, StoreError>;
    /// The name of a column, for messages.
    fn name(&self, at: usize) -> String;
    /// How many columns it has.
    fn width(&self) -> usize;
}

/// The columns of a row, taken one after another in the order of the SELECT list.
pub(crate) struct Columns<'r> {
    row: &'r (dyn Row + 'r),
    next: usize,
}

impl<'r> Columns<'r> {
    pub(crate) fn new(row: &'r (dyn Row + 'r)) -> Columns<'r> {
        Columns { row, next: 0 }
    }

    fn take(&mut self) -> Result<Cell<'r>, StoreError> {
        let value = self.row.cell(self.next)?;
        self.next += 1;
        Ok(value)
    }

    fn wrong(&self, wanted: &str) -> StoreError {
        let column = self.row.name(self.next.saturating_sub(1));
        StoreError::Corrupt(format!("column {column} is not {wanted}"))
    }

    pub(crate) fn opt_int(&mut self) -> Result<Option<i64>, StoreError> {
        match self.take()? {
            Cell::Null => Ok(None),
            Cell::Int(value) => Ok(Some(value)),
            Cell::Text(_) | Cell::Bytes(_) => Err(self.wrong("an integer")),
        }
    }

    pub(crate) fn int(&mut self) -> Result<i64, StoreError> {
        self.opt_int()?.ok_or_else(|| self.wrong("an integer"))
    }

    pub(crate) fn small<T: TryFrom<i64>>(&mut self) -> Result<T, StoreError> {
        let value = self.int()?;
        T::try_from(value).map_err(|_| self.wrong("in its range"))
    }

    pub(crate) fn flag(&mut self) -> Result<bool, StoreError> {
        Ok(self.int()? != 0)
    }

    pub(crate) fn opt_text(&mut self) -> Result<Option<&'r str>, StoreError> {
        match self.take()? {
            Cell::Null => Ok(None),
            Cell::Text(bytes) => std::str::from_utf8(bytes).map(Some).map_err(|_| self.wrong("UTF-8")),
            Cell::Int(_) | Cell::Bytes(_) => Err(self.wrong("a text")),
        }
    }

    pub(crate) fn text(&mut self) -> Result<&'r str, StoreError> {
        self.opt_text()?.ok_or_else(|| self.wrong("a text"))
    }

    pub(crate) fn string(&mut self) -> Result<String, StoreError> {
        self.text().map(str::to_owned)
    }

    pub(crate) fn opt_string(&mut self) -> Result<Option<String>, StoreError> {
        Ok(self.opt_text()?.map(str::to_owned))
    }

    /// A text of a closed set.
    pub(crate) fn word<T>(&mut self, parse: impl Fn(&str) -> Option<T>) -> Result<T, StoreError> {
        let text = self.text()?;
        parse(text).ok_or_else(|| self.wrong("a known word"))
    }

    pub(crate) fn opt_word<T>(&mut self, parse: impl Fn(&str) -> Option<T>) -> Result<Option<T>, StoreError> {
        match self.opt_text()? {
            None => Ok(None),
            Some(text) => parse(text).map(Some).ok_or_else(|| self.wrong("a known word")),
        }
    }

    pub(crate) fn opt_blob(&mut self) -> Result<Option<&'r [u8]>, StoreError> {
        match self.take()? {
            Cell::Null => Ok(None),
            Cell::Bytes(bytes) => Ok(Some(bytes)),
            Cell::Int(_) | Cell::Text(_) => Err(self.wrong("a blob")),
        }
    }

    pub(crate) fn blob(&mut self) -> Result<&'r [u8], StoreError> {
        self.opt_blob()?.ok_or_else(|| self.wrong("a blob"))
    }

    pub(crate) fn opt_bytes<const N: usize>(&mut self) -> Result<Option<[u8; N]>, StoreError> {
        match self.opt_blob()? {
            None => Ok(None),
            Some(bytes) => bytes.try_into().map(Some).map_err(|_| self.wrong("of its length")),
        }
    }

    pub(crate) fn bytes<const N: usize>(&mut self) -> Result<[u8; N], StoreError> {
        self.opt_bytes()?.ok_or_else(|| self.wrong("a blob"))
    }

    pub(crate) fn uid(&mut self) -> Result<Uid, StoreError> {
        self.bytes().map(Uid)
    }

    pub(crate) fn opt_uid(&mut self) -> Result<Option<Uid>, StoreError> {
        Ok(self.opt_bytes()?.map(Uid))
    }

    pub(crate) fn id<I: Id>(&mut self) -> Result<I, StoreError> {
        self.uid().map(I::from_uid)
    }

    pub(crate) fn opt_id<I: Id>(&mut self) -> Result<Option<I>, StoreError> {
        Ok(self.opt_uid()?.map(I::from_uid))
    }

    pub(crate) fn day(&mut self) -> Result<Day, StoreError> {
        self.small().map(Day)
    }

    pub(crate) fn opt_day(&mut self) -> Result<Option<Day>, StoreError> {
        match self.opt_int()? {
            None => Ok(None),
            Some(day) => i32::try_from(day).map(|day| Some(Day(day))).map_err(|_| self.wrong("a day")),
        }
    }

    pub(crate) fn currency(&mut self) -> Result<Currency, StoreError> {
        let numeric = self.small()?;
        Currency::from_stored_numeric(numeric).map_err(|_| self.wrong("a currency"))
    }

    /// Minor units and currency.
    pub(crate) fn amount(&mut self) -> Result<Amount, StoreError> {
        let minor = self.int()?;
        Ok(Amount::new(minor, self.currency()?))
    }

    /// Minor units and currency, both or neither.
    pub(crate) fn opt_amount(&mut self) -> Result<Option<Amount>, StoreError> {
        let minor = self.opt_int()?;
        let numeric = self.opt_int()?;
        match (minor, numeric) {
            (None, None) => Ok(None),
            (Some(minor), Some(numeric)) => {
                let numeric = u16::try_from(numeric).map_err(|_| self.wrong("a currency"))?;
                let currency =
                    Currency::from_stored_numeric(numeric).map_err(|_| self.wrong("a currency"))?;
                Ok(Some(Amount::new(minor, currency)))
            }
            (Some(_), None) | (None, Some(_)) => Err(self.wrong("complete")),
        }
    }

    /// Due, owner, fence, tries.
    pub(crate) fn job(&mut self) -> Result<Job, StoreError> {
        Ok(Job { due_at_us: self.opt_int()?, owner: self.int()?, fence: self.int()?, tries: self.int()? })
    }

    /// Code, dimension, currency, day: the order of the tables' keys.
    pub(crate) fn account(&mut self) -> Result<AccountKey, StoreError> {
        let code = self.small()?;
        let dim = self.bytes()?;
        let currency = self.currency()?;
        let day = self.small()?;
        Ok(AccountKey { code, dim, day, currency })
    }

    /// Anything that a function reads out of an optional blob.
    pub(crate) fn opt_decoded<T>(
        &mut self,
        decode: impl Fn(&[u8]) -> Option<T>,
    ) -> Result<Option<T>, StoreError> {
        match self.opt_blob()? {
            None => Ok(None),
            Some(bytes) => decode(bytes).map(Some).ok_or_else(|| self.wrong("decodable")),
        }
    }

    /// Fails when the SELECT list has a column that was not read.
    pub(crate) fn end(&self) -> Result<(), StoreError> {
        if self.next == self.row.width() {
            Ok(())
        } else {
            Err(corrupt("a row has other columns than expected"))
        }
    }
}
