//! `feiqian sign` and `feiqian sign explain`, as a merchant's developer uses them.

mod command;
mod document;
mod explain;
