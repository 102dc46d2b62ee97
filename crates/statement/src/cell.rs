//! What stands in one cell, before it is written in a format.

use crate::words::Word;
use ledger::Day;
use money::Amount;
use wire::IdText;

/// One value of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell {
    /// Nothing.
    Empty,
    /// Text that somebody outside wrote, or a number of the merchant's.
    Text(String),
    /// A code of ours that is the same in every language.
    Code(&'static str),
    /// A word of a closed set.
    Word(Word),
    /// An id.
    Id(IdText),
    /// An amount; its currency stands in a cell of its own.
    Money(Amount),
    /// A business day.
    Day(Day),
    /// An instant, microseconds.
    Time(i64),
}

impl Cell {
    /// Text, or nothing.
    pub(crate) fn text(text: Option<&str>) -> Cell {
        text.map_or(Cell::Empty, |text| Cell::Text(text.to_owned()))
    }

    /// An id, or nothing.
    pub(crate) fn id(id: Option<IdText>) -> Cell {
        id.map_or(Cell::Empty, Cell::Id)
    }
}

/// A line: one cell for each column of its kind.
pub type Line = Vec<Cell>;
