//! A merchant's transactions by number, a short read each, and the walk that makes a statement again.

use domain::id::MerchantId;
use domain::statement::Statement;
use statement::{Formed, Former, Line};
use store::statements::DayPage;
use store::{Store, StoreError};

/// Transactions in one read.
const PAGE: u32 = 512;

/// Reads on from a number.
pub struct Pages {
    merchant: MerchantId,
    after_seq: i64,
    last_seq: i64,
    is_done: bool,
}

impl Pages {
    /// The merchant's transactions after `after_seq` up to `last_seq`.
    pub fn new(merchant: MerchantId, after_seq: i64, last_seq: i64) -> Pages {
        Pages { merchant, after_seq, last_seq, is_done: after_seq >= last_seq }
    }

    /// The next page; `None` after the last one.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn next(&mut self, store: &dyn Store) -> Result<Option<DayPage>, StoreError> {
        if self.is_done {
            return Ok(None);
        }
        let page = store.merchant_journal(self.merchant, self.after_seq, self.last_seq, PAGE).await?;
        match page.transactions.last() {
            Some(last) => self.after_seq = last.seq,
            None => self.is_done = true,
        }
        if page.transactions.len() < PAGE as usize {
            self.is_done = true;
        }
        Ok((!page.transactions.is_empty()).then_some(page))
    }
}

/// The walk over a statement's lines, to make its files again.
pub struct Again {
    pages: Pages,
    /// `None` once it has ended.
    former: Option<Former>,
}

/// The lines of one step of the walk.
pub enum Step {
    /// Some lines, more may come.
    Lines(Vec<Line>),
    /// The last ones, and what all of them came to.
    Last(Vec<Line>, Formed),
}

/// Begins the walk over a statement's lines.
pub fn again(statement: &Statement) -> Again {
    let pages = Pages::new(statement.merchant, statement.after_seq, statement.last_seq);
    Again { pages, former: Some(Former::again(statement)) }
}

impl Again {
    /// The next lines; `None` after the last ones.
    ///
    /// # Errors
    /// Those of the store; [`StoreError::Corrupt`] when a line can't be made any more.
    pub async fn next(&mut self, store: &dyn Store) -> Result<Option<Step>, StoreError> {
        let Some(former) = &mut self.former else { return Ok(None) };
        let Some(page) = self.pages.next(store).await? else {
            let last = self.former.take().map(Former::finish);
            return Ok(last.map(|(lines, formed)| Step::Last(lines, formed)));
        };
        let mut lines = Vec::with_capacity(page.transactions.len());
        for stored in &page.transactions {
            lines.extend(former.take(stored.seq, &stored.transaction, &page.orders).map_err(corrupt)?);
        }
        Ok(Some(Step::Lines(lines)))
    }

    /// Walks to the end without keeping lines: what the statement comes to now.
    ///
    /// # Errors
    /// As [`Again::next`].
    pub async fn to_end(mut self, store: &dyn Store) -> Result<Option<Formed>, StoreError> {
        while let Some(step) = self.next(store).await? {
            if let Step::Last(_, formed) = step {
                return Ok(Some(formed));
            }
        }
        Ok(None)
    }
}

/// A day whose rows do not make sense.
pub(super) fn corrupt(fault: statement::Fault) -> StoreError {
    StoreError::Corrupt(format!("a statement can't be made: {fault}"))
}
