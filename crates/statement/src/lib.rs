//! A statement's lines and files: which journal lines a day shows, in which columns and words, and how they are written as CSV,
//! Excel and JSON Lines.
//!
//! A line is made of the journal and of what never changes in payments and refunds, so that a file made years later has the same
//! bytes as on the first day. The JSON Lines file is the one that a statement's hash is of; the other two carry the same lines for
//! people. Nothing here reads a clock or a database.

mod cell;
mod column;
mod csv_file;
pub mod document;
mod excel;
mod flow;
mod former;
mod jsonl;
mod neutral;
mod trade;
mod words;

pub use cell::{Cell, Line};
pub use column::{Column, columns};
pub use csv_file::CsvFile;
pub use excel::{ExcelFault, ExcelFile, SHEET_LINES_MAX};
pub use former::{Fault, Formed, Former, Scope};
pub use jsonl::json_line;

/// The language of a file for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lang {
    /// Headers are the columns' names, words are codes.
    En,
    /// 中文
    Zh,
}
