//! Room for what comes: partitions of the tables that grow, made before they are needed. An id begins with its time, so a range of ids
//! is a span of time; what is numbered goes by its numbers. Spans are wide, because every plan of a hot statement names them all.

use super::db::PgDb;
use crate::StoreError;
use crate::db::{Columns, Db, params, statements};

/// Bits of an id's milliseconds that one partition spans: 99 days.
const SPAN_BITS: u32 = 33;
/// Bits of a number: 67 million.
const NUMBER_BITS: u32 = 26;
/// Partitions that stand ready beyond the one in use: they are looked after every hour, and each holds far more than one.
const AHEAD: i64 = 1;

/// What a table is partitioned by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    Id,
    JournalSeq,
    EventSeq,
}

/// Tables, what they are partitioned by, and how full a page is made: rows that will change keep room beside them.
const TABLES: &[(&str, By, u32)] = &[
    ("payment", By::Id, 85),
    ("attempt", By::Id, 85),
    ("capture", By::Id, 85),
    ("refund", By::Id, 85),
    ("delivery_attempt", By::Id, 100),
    ("journal_tx", By::JournalSeq, 100),
    ("journal_entry", By::JournalSeq, 100),
    ("event", By::EventSeq, 85),
    ("delivery", By::EventSeq, 85),
];

statements! {
    FURTHEST = "SELECT COALESCE(MAX(journal_seq), 0), COALESCE(MAX(event_seq), 0) FROM shard_head WHERE shard >= ?1";
    PARTITIONS = "SELECT CAST(c.relname AS TEXT) FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid \
        JOIN pg_class p ON p.oid = i.inhparent JOIN pg_namespace n ON n.oid = p.relnamespace \
        WHERE n.nspname = current_schema() AND CAST(p.relname AS TEXT) = ?1";
}

/// Whether anything was ever booked or told.
pub(super) async fn has_rows(db: &PgDb) -> Result<bool, StoreError> {
    let pairs = |c: &mut Columns<'_>| Ok((c.int()?, c.int()?));
    let furthest = (db as &Db).one(FURTHEST, &params![0i16], pairs).await?;
    Ok(furthest.is_some_and(|(journal_seq, event_seq)| journal_seq + event_seq > 0))
}

/// Where the partition with number `index` begins.
fn bound(by: By, index: i64) -> String {
    match by {
        By::Id => {
            let ms = u128::from(index.unsigned_abs()) << SPAN_BITS;
            let hex = format!("{:032x}", ms << 80);
            let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
            format!("'{}-{}-{}-{}-{}'", part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32))
        }
        By::JournalSeq | By::EventSeq => (index << NUMBER_BITS).to_string(),
    }
}

fn name(table: &str, index: i64) -> String {
    format!("{table}_p{index}")
}

/// Makes the partitions from the one in use on that are not there yet; answers how many. Another node may do the same meanwhile.
pub(super) async fn make_room(db: &PgDb, now_us: i64) -> Result<usize, StoreError> {
    let pairs = |c: &mut Columns<'_>| Ok((c.int()?, c.int()?));
    let furthest = (db as &Db).one(FURTHEST, &params![0i16], pairs).await?;
    let (journal_seq, event_seq) = furthest.unwrap_or((0, 0));
    let mut made = 0;
    for (table, by, fill) in TABLES {
        let present = match by {
            By::Id => (now_us / 1_000) >> SPAN_BITS,
            By::JournalSeq => journal_seq >> NUMBER_BITS,
            By::EventSeq => event_seq >> NUMBER_BITS,
        };
        let there = (db as &Db).all(PARTITIONS, &params![*table], |c| c.string()).await?;
        for index in present..=present + AHEAD {
            if there.contains(&name(table, index)) {
                continue;
            }
            made += usize::from(make(db, table, *by, index, *fill).await?);
        }
    }
    Ok(made)
}

/// False when another was quicker.
async fn make(db: &PgDb, table: &str, by: By, index: i64, fill: u32) -> Result<bool, StoreError> {
    let words = format!(
        "CREATE TABLE {} PARTITION OF {table} FOR VALUES FROM ({}) TO ({}) WITH (fillfactor = {fill})",
        name(table, index),
        bound(by, index),
        bound(by, index + 1)
    );
    match db.say(&words).await {
        Ok(()) => Ok(true),
        Err(error) => {
            let there = (db as &Db).all(PARTITIONS, &params![table], |c| c.string()).await?;
            if there.contains(&name(table, index)) { Ok(false) } else { Err(error) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ids_partition_is_told_by_its_time() {
        // 2025-11-24: 1,764,000,000,000 ms lie in the span that begins at 205 × 2^33.
        let ms = 1_764_000_000_000i64;
        assert_eq!(ms >> SPAN_BITS, 205);
        assert_eq!(bound(By::Id, 205), "'019a0000-0000-0000-0000-000000000000'");
        assert_eq!(bound(By::Id, 206), "'019c0000-0000-0000-0000-000000000000'");
        let id = format!("{:012x}", ms);
        assert!(id.as_str() >= "019a00000000" && id.as_str() < "019c00000000", "{id}");
        assert_eq!(bound(By::EventSeq, 1), "67108864");
    }
}
