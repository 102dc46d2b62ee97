//! What several objects share.

use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

/// A page of a list.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct List<T> {
    /// The rows, newest first unless the list was asked for otherwise.
    pub data: Vec<T>,
    /// Where the next page begins; null on the last one (but not of a list that begins with the oldest). Opaque.
    pub next_cursor: Option<String>,
}

/// A closed, short answer without pages.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Plain<T> {
    /// The rows.
    pub data: Vec<T>,
}

/// A stored JSON text as it is embedded; `None` when there is none (or, a defect of the row, when it is no JSON).
pub(crate) fn raw(text: Option<&str>) -> Option<&RawValue> {
    text.and_then(|text| serde_json::from_str(text).ok())
}
