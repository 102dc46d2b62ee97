//! The regression cases, by subject. A test's name starts with its number.

mod bill;
mod captures;
mod crashes;
mod late_money;
mod limits;
mod notices;
mod re_entry;
mod refunds;
mod unresolved;
