//! The columns of a file, in order. Programs read them by name. Other columns, or another meaning, are another version, and a reader
//! of it then reads this one too.

use crate::{Fault, wrong};
use parquet::basic::{Compression, LogicalType, Repetition, TimeUnit, Type as Physical};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::schema::types::{Type, TypePtr};
use std::sync::Arc;

/// The version of the columns and their meaning.
const VERSION: &str = "1";
/// Under this key a file names its version.
const VERSION_KEY: &str = "feiqian.journal.version";
/// Under this key a file names its shard.
const SHARD_KEY: &str = "feiqian.journal.shard";

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Holds {
    Int32,
    Int64,
    Date,
    Moment,
    Text,
    Uuid,
}

/// Name, content, and whether a row may be without it.
const COLUMNS: &[(&str, Holds, bool)] = &[
    ("shard", Holds::Int32, false),
    ("seq", Holds::Int64, false),
    ("line", Holds::Int32, false),
    ("kind", Holds::Text, false),
    ("source", Holds::Uuid, false),
    // Under whose head the transaction was decided.
    ("merchant", Holds::Uuid, false),
    ("posted_at", Holds::Moment, false),
    ("booked_on", Holds::Date, false),
    ("corrects", Holds::Uuid, true),
    ("account_code", Holds::Int32, false),
    ("account_dim", Holds::Uuid, false),
    // The business day of a dated account, in days since 1970-01-01; 0 for others.
    ("account_day", Holds::Int32, false),
    ("currency", Holds::Text, false),
    // Debit positive.
    ("amount_minor", Holds::Int64, false),
    ("category", Holds::Text, false),
    // Who sees the line.
    ("owner", Holds::Uuid, true),
    ("account_seq", Holds::Int64, true),
    ("balance_after_minor", Holds::Int64, true),
];

fn column(name: &str, holds: Holds, is_optional: bool) -> Result<TypePtr, Fault> {
    let (physical, logical) = match holds {
        Holds::Int32 => (Physical::INT32, None),
        Holds::Int64 => (Physical::INT64, None),
        Holds::Date => (Physical::INT32, Some(LogicalType::Date)),
        Holds::Moment => (Physical::INT64, Some(LogicalType::timestamp(true, TimeUnit::MICROS))),
        Holds::Text => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
        Holds::Uuid => (Physical::FIXED_LEN_BYTE_ARRAY, Some(LogicalType::Uuid)),
    };
    let repetition = if is_optional { Repetition::OPTIONAL } else { Repetition::REQUIRED };
    let length = if holds == Holds::Uuid { 16 } else { -1 };
    let made = Type::primitive_type_builder(name, physical)
        .with_repetition(repetition)
        .with_logical_type(logical)
        .with_length(length)
        .build()?;
    Ok(Arc::new(made))
}

/// The schema that files are written with, and that a file must have to be read.
pub(crate) fn schema() -> Result<TypePtr, Fault> {
    let fields: Result<Vec<TypePtr>, Fault> =
        COLUMNS.iter().map(|(name, holds, is_optional)| column(name, *holds, *is_optional)).collect();
    Ok(Arc::new(Type::group_type_builder("journal_line").with_fields(fields?).build()?))
}

/// How files are written. Nothing in one tells when or where it was made: one build of this program gives the same bytes for the same
/// lines.
pub(crate) fn properties(shard: u16) -> WriterProperties {
    let named = |key: &str, value: String| KeyValue::new(key.to_owned(), value);
    let about = vec![named(VERSION_KEY, VERSION.to_owned()), named(SHARD_KEY, shard.to_string())];
    WriterProperties::builder()
        .set_compression(Compression::LZ4_RAW)
        .set_created_by("feiqian".to_owned())
        .set_key_value_metadata(Some(about))
        .build()
}

/// The shard that a file says it is of.
pub(crate) fn shard_of(about: Option<&Vec<KeyValue>>) -> Result<u16, Fault> {
    let find = |key: &str| {
        let found = about.into_iter().flatten().find(|pair| pair.key == key);
        found.and_then(|pair| pair.value.as_deref())
    };
    match find(VERSION_KEY) {
        Some(VERSION) => {}
        Some(other) => return Err(wrong(format!("it has version {other}, this program reads {VERSION}"))),
        None => return Err(wrong("it is no file of a journal")),
    }
    find(SHARD_KEY).and_then(|text| text.parse().ok()).ok_or_else(|| wrong("it names no shard"))
}
