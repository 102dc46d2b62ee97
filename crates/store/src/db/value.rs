//! What is bound to a statement: one type for both engines. An engine encodes it as the statement's parameter asks.

use std::borrow::Cow;

/// A value to bind.
#[derive(Debug, Clone)]
pub(crate) enum Value<'a> {
    /// Nothing.
    Null,
    /// An integer of any width.
    Int(i64),
    /// A text.
    Text(Cow<'a, str>),
    /// Sixteen bytes: an id, a hash, a dimension.
    Uid([u8; 16]),
    /// Bytes of any length.
    Bytes(Cow<'a, [u8]>),
    /// A journal number, counted back from the one that the shard head hands out last in this commit (0, -1, …).
    JournalSeq(i64),
    /// The same of an event.
    EventSeq(i64),
}

/// A text as both engines keep it: PostgreSQL holds no zero byte in one. What merchants send with one is refused before it comes here;
/// what a channel told must not be lost for it, so it is shown as what can't be shown. Whoever names a row by a text names it by this.
pub(crate) fn storable(text: &str) -> Cow<'_, str> {
    match text.contains('\0') {
        true => Cow::Owned(text.replace('\0', "\u{fffd}")),
        false => Cow::Borrowed(text),
    }
}

macro_rules! integers {
    ($($integer:ty),*) => {
        $(impl From<$integer> for Value<'_> {
            fn from(value: $integer) -> Self {
                Value::Int(i64::from(value))
            }
        })*
    };
}
integers!(i16, i32, i64, u8, u16, u32, bool);

impl<'a, T> From<Option<T>> for Value<'a>
where
    Value<'a>: From<T>,
{
    fn from(value: Option<T>) -> Self {
        value.map_or(Value::Null, Value::from)
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(value: &'a str) -> Self {
        Value::Text(storable(value))
    }
}

impl<'a> From<&'a String> for Value<'a> {
    fn from(value: &'a String) -> Self {
        Value::Text(storable(value))
    }
}

impl From<String> for Value<'_> {
    fn from(value: String) -> Self {
        Value::Text(Cow::Owned(storable(&value).into_owned()))
    }
}

impl<'a> From<Cow<'a, str>> for Value<'a> {
    fn from(value: Cow<'a, str>) -> Self {
        match value {
            Cow::Borrowed(text) => Value::from(text),
            Cow::Owned(text) => Value::from(text),
        }
    }
}

impl<'a> From<&'a Option<String>> for Value<'a> {
    fn from(value: &'a Option<String>) -> Self {
        Value::from(value.as_deref())
    }
}

impl From<[u8; 16]> for Value<'_> {
    fn from(value: [u8; 16]) -> Self {
        Value::Uid(value)
    }
}

impl<'a> From<&'a [u8]> for Value<'a> {
    fn from(value: &'a [u8]) -> Self {
        Value::Bytes(Cow::Borrowed(value))
    }
}

impl<'a> From<&'a [u8; 32]> for Value<'a> {
    fn from(value: &'a [u8; 32]) -> Self {
        Value::Bytes(Cow::Borrowed(value))
    }
}

impl<'a> From<&'a Vec<u8>> for Value<'a> {
    fn from(value: &'a Vec<u8>) -> Self {
        Value::Bytes(Cow::Borrowed(value))
    }
}

impl From<Vec<u8>> for Value<'_> {
    fn from(value: Vec<u8>) -> Self {
        Value::Bytes(Cow::Owned(value))
    }
}

impl<'a> From<Cow<'a, [u8]>> for Value<'a> {
    fn from(value: Cow<'a, [u8]>) -> Self {
        Value::Bytes(value)
    }
}

/// Values in the order of a statement's parameters.
macro_rules! params {
    ($($value:expr),* $(,)?) => {
        [$($crate::db::Value::from($value)),*]
    };
}
pub(crate) use params;

/// Rows of equal width for one statement.
#[derive(Debug, Default)]
pub(crate) struct Many<'a> {
    width: usize,
    values: Vec<Value<'a>>,
}

impl<'a> Many<'a> {
    /// Adds a row. All rows of a set have the same width.
    pub(crate) fn push<const N: usize>(&mut self, row: [Value<'a>; N]) {
        debug_assert!(self.width == 0 || self.width == N, "rows of one width");
        self.width = N;
        self.values.extend(row);
    }

    /// A set of as many rows as `rows` gives.
    pub(crate) fn of<const N: usize>(rows: impl IntoIterator<Item = [Value<'a>; N]>) -> Many<'a> {
        let mut many = Many::default();
        for row in rows {
            many.push(row);
        }
        many
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// How many rows.
    pub(crate) fn len(&self) -> usize {
        self.values.len().checked_div(self.width).unwrap_or(0)
    }

    /// How many columns.
    pub(crate) fn width(&self) -> usize {
        self.width
    }

    /// Row by row.
    pub(crate) fn rows(&self) -> impl Iterator<Item = &[Value<'a>]> {
        self.values.chunks(self.width.max(1))
    }

    /// One column from top to bottom.
    pub(crate) fn column(&self, at: usize) -> impl Iterator<Item = &Value<'a>> {
        self.values.iter().skip(at).step_by(self.width.max(1))
    }
}
