//! Random histories of commands and channel facts against the pure decisions, with the books kept beside them.

mod books;
mod histories;
