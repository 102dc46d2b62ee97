//! Who may call what: every route for every kind of caller, asked of a running server, and committed as a table.

mod callers;
mod faces;
mod kinds;
mod matrix;
mod methods;
mod page;
