//! A small honest book, and each row of it falsified in turn.

mod between;
mod book;
mod clean;
mod sqlite;
mod tamper;

use super::{Options, Report, run_on};
use crate::seal::{SealPolicy, seal_on};
use book::{Book, SHARD};
use futures::executor::block_on;

const SALT_KEY: [u8; 32] = [9; 32];

/// Seals every transaction, at most `transactions_max` in a block.
fn seal(book: &Book, transactions_max: u32) -> usize {
    block_on(seal_on(book, &SALT_KEY, SHARD, SealPolicy { transactions_max, idle_us: 0 }, 1)).unwrap()
}

fn verify(book: &Book, options: Options) -> Report {
    block_on(run_on(book, &SALT_KEY, options, &mut ())).unwrap()
}

/// The sentence of the first difference; panics when there is none.
fn difference(book: &Book, options: Options) -> String {
    verify(book, options).difference.expect("a difference").to_string()
}
