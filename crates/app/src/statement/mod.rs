//! Statements: a merchant's business day is formed once it is over and sealed, told, and made into files again whenever asked.
//!
//! A day is over when the merchant's head has a later one open: every decision is taken under that head and dated no earlier than
//! its day, so nothing can be added to a day before it. Its lines are then read by their numbers, page by page, without a
//! snapshot: they can't change any more.

mod due;
pub mod file;
mod form;
mod pages;
pub mod root;
mod told;

pub(crate) use form::first_day;
pub use pages::{Again, Pages, Step, again};
