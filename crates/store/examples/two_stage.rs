//! Measures the writer alone: synchronous payments in two commits of the row budget, one lane, durable.
//!
//! `cargo run --release -p store --example two_stage -- [payments] [batch] [directory or url of an empty PostgreSQL database]`
#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::indexing_slicing, missing_docs)] // a program for people

#[path = "../tests/it/engines.rs"]
mod engines;
#[path = "../tests/it/fixtures.rs"]
mod fixtures;

use domain::id::{EndpointId, IdMaker, MerchantId};
use domain::rows::ReadSet;
use fixtures::*;
use std::path::Path;
use std::time::{Duration, Instant};
use store::{LaneSession, WriteSet};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number =
        |index: usize, default: usize| arguments.get(index).map_or(default, |text| text.parse().unwrap());
    let (payments, batch) = (number(0, 50_000), number(1, 32));
    let place = arguments.get(2).cloned().unwrap_or_else(|| std::env::temp_dir().display().to_string());
    let place = match place.starts_with("postgres:") {
        true => Place::postgres_at(&place),
        false => Place::sqlite_under(Path::new(&place)),
    };
    let here = Installation::at(place);
    let mut session = here.session(LIVE);
    let mut run = Run { ids: maker(LIVE, 1), endpoint: maker(LIVE, 2).next(), merchant: here.live, batch: 0 };
    let (mut waiting, mut spent) = (Vec::new(), Spent::default());
    let start = Instant::now();
    let (mut done, mut made) = (0, 0);
    let mut part = Instant::now();
    while done < payments {
        // As at work: each batch finishes the payments that the one before began, and begins others.
        let fresh = if made < payments { batch } else { 0 };
        made += fresh;
        let before = done;
        done += waiting.len();
        waiting = run.step(session.as_mut(), waiting, fresh, made, &mut spent);
        if done / 10_000 != before / 10_000 {
            println!(
                "{done:>8} payments, the last 10,000 at {:.0}/s",
                10_000.0 / part.elapsed().as_secs_f64()
            );
            part = Instant::now();
        }
    }
    let elapsed = start.elapsed();
    let each = |time: Duration| time.as_secs_f64() * 1e6 / done as f64;
    println!(
        "{done} payments in {elapsed:.2?}: {:.0}/s, {:.1} µs each (load {:.1}, write and commit {:.1}), {:?}",
        done as f64 / elapsed.as_secs_f64(),
        each(spent.load + spent.commit),
        each(spent.load),
        each(spent.commit),
        here.store.rows_written(),
    );
}

#[derive(Default)]
struct Spent {
    load: Duration,
    commit: Duration,
}

struct Run {
    ids: IdMaker,
    endpoint: EndpointId,
    merchant: MerchantId,
    batch: u128,
}

impl Run {
    fn step(
        &mut self,
        session: &mut dyn LaneSession,
        waiting: Vec<Sale>,
        fresh: usize,
        made: usize,
        spent: &mut Spent,
    ) -> Vec<Sale> {
        // Ids carry the time of their making: a batch takes some milliseconds.
        let at_us = NOW_US + i64::try_from(self.batch).unwrap() * 6_000;
        self.ids =
            IdMaker::new(at_us, LIVE, self.batch.wrapping_mul(0x9e37_79b9_97f4_a7c1_5f39_cc06_05ce_dc83));
        let sales: Vec<Sale> = (0..fresh)
            .map(|index| {
                let order_no = format!("2025112400{:010}", made - fresh + index);
                Sale::new(&mut self.ids, self.merchant, &order_no, self.endpoint)
            })
            .collect();
        let reads = ReadSet {
            merchants: vec![self.merchant],
            balances_of: vec![self.merchant],
            idempotency: sales.iter().map(|sale| (self.merchant, sale.idempotency.key_hash)).collect(),
            nonces: sales.iter().filter_map(|sale| sale.idempotency.nonce).collect(),
            order_nos: sales
                .iter()
                .map(|sale| (self.merchant, sale.payment.merchant_order_no.clone()))
                .collect(),
            payments: waiting.iter().map(|sale| sale.payment.id).collect(),
            attempts: waiting.iter().map(|sale| sale.attempt.id).collect(),
            ..ReadSet::default()
        };
        let start = Instant::now();
        let rows = block_on(session.load(&reads)).unwrap();
        spent.load += start.elapsed();
        assert_eq!((rows.payments.len(), rows.attempts.len()), (waiting.len(), waiting.len()));

        self.batch += 1;
        let mut set: WriteSet = writes(self.batch.wrapping_mul(0x9e37_79b9_97f4_a7c1_5f39_cc06_05ce_dc83));
        sales.iter().for_each(|sale| sale.begin(&mut set));
        if !waiting.is_empty() {
            let mut books =
                Books::new(self.merchant, rows.balances.get(&pending_key(self.merchant)).copied());
            waiting.iter().for_each(|sale| sale.succeed(&mut self.ids, &mut books, &mut set));
            books.close(&mut set);
        }
        let start = Instant::now();
        block_on(session.commit(&set)).unwrap();
        spent.commit += start.elapsed();
        sales
    }
}
