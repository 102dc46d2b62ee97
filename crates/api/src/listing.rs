//! Pages of lists: limit, cursor, and what follows the last row.

use crate::cursor::{self, ListHash, Place};
use crate::json::Fault;
use crate::pipeline::Call;
use crate::problem::{Code, Problem};
use crate::query::refuse;
use domain::{Id, Uid};
use serde::Serialize;
use store::reads::{Page, SeqPage};
use wire::List;

const LIMIT_DEFAULT: usize = 20;
const LIMIT_MAX: usize = 100;

/// The page that a request asks for.
#[derive(Debug, Clone, Copy)]
pub struct Listing {
    limit: usize,
    hash: ListHash,
    place: Option<Place>,
}

impl Listing {
    /// Reads `limit` and `cursor`.
    ///
    /// # Errors
    /// `field_invalid` at `/query/limit`, `cursor_invalid`.
    pub fn of(call: &Call) -> Result<Listing, Problem> {
        let limit = call.query.read("limit", |text| {
            let digits = !text.is_empty() && text.len() <= 3 && text.bytes().all(|b| b.is_ascii_digit());
            let number = text.parse().ok().filter(|n| digits && (1..=LIMIT_MAX).contains(n));
            number.ok_or_else(|| Fault::invalid("limit is 1 to 100.", "limit 须为 1 至 100。"))
        })?;
        let hash = list_hash(call);
        let place = match call.query.get("cursor") {
            None => None,
            Some(text) => Some(cursor::decode(hash, text).ok_or_else(invalid_cursor)?),
        };
        Ok(Listing { limit: limit.unwrap_or(LIMIT_DEFAULT), hash, place })
    }

    /// One row more than asked for tells whether there is a next page.
    fn fetch(&self) -> u32 {
        u32::try_from(self.limit + 1).unwrap_or(1)
    }

    /// For lists by (created_at, id).
    ///
    /// # Errors
    /// `cursor_invalid`.
    pub fn by_creation(&self) -> Result<Page, Problem> {
        let after = match self.place {
            None => None,
            Some(Place::Created(at_us, id)) => Some((at_us, id)),
            Some(Place::Seq(..)) => return Err(invalid_cursor()),
        };
        Ok(Page { limit: self.fetch(), after })
    }

    /// For lists by number.
    ///
    /// # Errors
    /// `cursor_invalid`.
    pub fn by_seq(&self) -> Result<SeqPage, Problem> {
        let before = match self.place {
            None => None,
            Some(Place::Seq(seq, line)) => Some((seq, line)),
            Some(Place::Created(..)) => return Err(invalid_cursor()),
        };
        Ok(SeqPage { limit: self.fetch(), before })
    }

    /// The page out of the rows fetched.
    pub fn page<'r, R, T: Serialize>(
        &self,
        rows: &'r [R],
        place: impl Fn(&R) -> Place,
        show: impl FnMut(&'r R) -> T,
    ) -> List<T> {
        let shown = rows.get(..self.limit.min(rows.len())).unwrap_or(rows);
        let more = rows.len() > shown.len();
        let next = shown.last().filter(|_| more).map(|last| cursor::encode(self.hash, place(last)));
        List { data: shown.iter().map(show).collect(), next_cursor: next }
    }

    /// The most rows of the page.
    pub fn limit(&self) -> u32 {
        u32::try_from(self.limit).unwrap_or(1)
    }

    /// The page of a list in rising order, `last` the place of its last row, or the one that was asked for when there is none:
    /// what comes later stands behind it, so it is a cursor also at the end.
    pub fn rising_page<'r, R, T: Serialize>(
        &self,
        rows: &'r [R],
        last: Place,
        show: impl FnMut(&'r R) -> T,
    ) -> List<T> {
        List { data: rows.iter().map(show).collect(), next_cursor: Some(cursor::encode(self.hash, last)) }
    }

    /// The page of a list that is held whole: newest first by (created_at, id).
    ///
    /// # Errors
    /// `cursor_invalid`.
    pub fn page_of_all<R>(
        &self,
        mut rows: Vec<R>,
        key: impl Fn(&R) -> (i64, Uid),
    ) -> Result<Vec<R>, Problem> {
        let page = self.by_creation()?;
        rows.sort_by_key(|row| std::cmp::Reverse(key(row)));
        if let Some(after) = page.after {
            rows.retain(|row| key(row) < after);
        }
        rows.truncate(usize::try_from(page.limit).unwrap_or(LIMIT_MAX));
        Ok(rows)
    }
}

/// The place of a row in a list by (created_at, id).
pub fn created<I: Id>(at_us: i64, id: I) -> Place {
    Place::Created(at_us, id.uid())
}

fn invalid_cursor() -> Problem {
    let fault = Fault::of(
        Code::CursorInvalid,
        "The cursor does not belong to this list with these filters.",
        "游标不属于带有这些筛选条件的列表。",
    );
    refuse("cursor", fault)
}

fn list_hash(call: &Call) -> ListHash {
    let mut text = format!("{}\n{}\n", call.caller.merchant, call.request.path);
    for (name, value) in call.query.filters() {
        text.push_str(name);
        text.push('=');
        text.push_str(value);
        text.push('\n');
    }
    crypto::sha256(text.as_bytes()).first_chunk::<8>().copied().unwrap_or_default()
}
