//! Reads a row's columns in order.

use super::fault::corrupt;
use crate::StoreError;
use domain::id::{Id, Uid};
use domain::job::Job;
use ledger::{AccountKey, Day};
use money::{Amount, Currency};
use rusqlite::Row;
use rusqlite::types::ValueRef;

/// The columns of a row, taken one after another in the order of the SELECT list.
pub(super) struct Columns<'r, 's> {
    row: &'r Row<'s>,
    next: usize,
}

impl<'r, 's> Columns<'r, 's> {
    pub(super) fn new(row: &'r Row<'s>) -> Columns<'r, 's> {
        Columns { row, next: 0 }
    }

    fn take(&mut self) -> Result<ValueRef<'r>, StoreError> {
        let value = self.row.get_ref(self.next)?;
        self.next += 1;
        Ok(value)
    }

    fn wrong(&self, wanted: &str) -> StoreError {
        let column = self.row.as_ref().column_name(self.next.saturating_sub(1)).unwrap_or("?");
        StoreError::Corrupt(format!("column {column} is not {wanted}"))
    }

    pub(super) fn opt_int(&mut self) -> Result<Option<i64>, StoreError> {
        match self.take()? {
            ValueRef::Null => Ok(None),
            ValueRef::Integer(value) => Ok(Some(value)),
            ValueRef::Real(_) | ValueRef::Text(_) | ValueRef::Blob(_) => Err(self.wrong("an integer")),
        }
    }

    pub(super) fn int(&mut self) -> Result<i64, StoreError> {
        self.opt_int()?.ok_or_else(|| self.wrong("an integer"))
    }

    pub(super) fn small<T: TryFrom<i64>>(&mut self) -> Result<T, StoreError> {
        let value = self.int()?;
        T::try_from(value).map_err(|_| self.wrong("in its range"))
    }

    pub(super) fn flag(&mut self) -> Result<bool, StoreError> {
        Ok(self.int()? != 0)
    }

    pub(super) fn opt_text(&mut self) -> Result<Option<&'r str>, StoreError> {
        match self.take()? {
            ValueRef::Null => Ok(None),
            ValueRef::Text(bytes) => std::str::from_utf8(bytes).map(Some).map_err(|_| self.wrong("UTF-8")),
            ValueRef::Integer(_) | ValueRef::Real(_) | ValueRef::Blob(_) => Err(self.wrong("a text")),
        }
    }

    pub(super) fn text(&mut self) -> Result<&'r str, StoreError> {
        self.opt_text()?.ok_or_else(|| self.wrong("a text"))
    }

    pub(super) fn string(&mut self) -> Result<String, StoreError> {
        self.text().map(str::to_owned)
    }

    pub(super) fn opt_string(&mut self) -> Result<Option<String>, StoreError> {
        Ok(self.opt_text()?.map(str::to_owned))
    }

    /// A text of a closed set.
    pub(super) fn word<T>(&mut self, parse: impl Fn(&str) -> Option<T>) -> Result<T, StoreError> {
        let text = self.text()?;
        parse(text).ok_or_else(|| self.wrong("a known word"))
    }

    pub(super) fn opt_word<T>(&mut self, parse: impl Fn(&str) -> Option<T>) -> Result<Option<T>, StoreError> {
        match self.opt_text()? {
            None => Ok(None),
            Some(text) => parse(text).map(Some).ok_or_else(|| self.wrong("a known word")),
        }
    }

    pub(super) fn opt_blob(&mut self) -> Result<Option<&'r [u8]>, StoreError> {
        match self.take()? {
            ValueRef::Null => Ok(None),
            ValueRef::Blob(bytes) => Ok(Some(bytes)),
            ValueRef::Integer(_) | ValueRef::Real(_) | ValueRef::Text(_) => Err(self.wrong("a blob")),
        }
    }

    pub(super) fn blob(&mut self) -> Result<&'r [u8], StoreError> {
        self.opt_blob()?.ok_or_else(|| self.wrong("a blob"))
    }

    pub(super) fn opt_bytes<const N: usize>(&mut self) -> Result<Option<[u8; N]>, StoreError> {
        match self.opt_blob()? {
            None => Ok(None),
            Some(bytes) => bytes.try_into().map(Some).map_err(|_| self.wrong("of its length")),
        }
    }

    pub(super) fn bytes<const N: usize>(&mut self) -> Result<[u8; N], StoreError> {
        self.opt_bytes()?.ok_or_else(|| self.wrong("a blob"))
    }

    pub(super) fn uid(&mut self) -> Result<Uid, StoreError> {
        self.bytes().map(Uid)
    }

    pub(super) fn opt_uid(&mut self) -> Result<Option<Uid>, StoreError> {
        Ok(self.opt_bytes()?.map(Uid))
    }

    pub(super) fn id<I: Id>(&mut self) -> Result<I, StoreError> {
        self.uid().map(I::from_uid)
    }

    pub(super) fn opt_id<I: Id>(&mut self) -> Result<Option<I>, StoreError> {
        Ok(self.opt_uid()?.map(I::from_uid))
    }

    pub(super) fn day(&mut self) -> Result<Day, StoreError> {
        self.small().map(Day)
    }

    pub(super) fn opt_day(&mut self) -> Result<Option<Day>, StoreError> {
        match self.opt_int()? {
            None => Ok(None),
            Some(day) => i32::try_from(day).map(|day| Some(Day(day))).map_err(|_| self.wrong("a day")),
        }
    }

    pub(super) fn currency(&mut self) -> Result<Currency, StoreError> {
        let numeric = self.small()?;
        Currency::from_stored_numeric(numeric).map_err(|_| self.wrong("a currency"))
    }

    /// Minor units and currency.
    pub(super) fn amount(&mut self) -> Result<Amount, StoreError> {
        let minor = self.int()?;
        Ok(Amount::new(minor, self.currency()?))
    }

    /// Minor units and currency, both or neither.
    pub(super) fn opt_amount(&mut self) -> Result<Option<Amount>, StoreError> {
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
    pub(super) fn job(&mut self) -> Result<Job, StoreError> {
        Ok(Job { due_at_us: self.opt_int()?, owner: self.int()?, fence: self.int()?, tries: self.int()? })
    }

    /// Code, dimension, currency, day: the order of the tables' keys.
    pub(super) fn account(&mut self) -> Result<AccountKey, StoreError> {
        let code = self.small()?;
        let dim = self.bytes()?;
        let currency = self.currency()?;
        let day = self.small()?;
        Ok(AccountKey { code, dim, day, currency })
    }

    /// Anything that a function reads out of an optional blob.
    pub(super) fn opt_decoded<T>(
        &mut self,
        decode: impl Fn(&[u8]) -> Option<T>,
    ) -> Result<Option<T>, StoreError> {
        match self.opt_blob()? {
            None => Ok(None),
            Some(bytes) => decode(bytes).map(Some).ok_or_else(|| self.wrong("decodable")),
        }
    }

    /// Fails when the SELECT list has a column that was not read.
    pub(super) fn end(&self) -> Result<(), StoreError> {
        if self.next == self.row.as_ref().column_count() {
            Ok(())
        } else {
            Err(corrupt("a row has other columns than expected"))
        }
    }
}
