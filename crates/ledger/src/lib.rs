//! The chart of accounts, the posting templates and their invariants (BOOKS).
//!
//! A posting is a balanced set of lines of one currency. Every template in [`posting`] is a pure function: it sees the
//! event and, where it draws on a merchant's money, the balances handed in through [`Funds`]; it writes nothing.
//! Amounts of lines are signed: debit above zero, credit below, never zero.

mod account;
mod category;
mod chart;
mod day;
pub mod document;
mod error;
pub mod invariants;
mod label;
pub mod posting;

pub use account::{Account, AccountKey, NO_DAY, Ref};
pub use category::{Bucket, Category};
pub use chart::{CHART, Facts, Floor, Keeping, Owner, Side};
pub use day::Day;
pub use error::LedgerError;
pub use label::Label;
pub use posting::draw::Funds;
pub use posting::{Charge, Line, Posting, PostingKind, Tax};
