//! Room for what comes: partitions of the tables that grow, made before they are needed. An id begins with its time, so a range of ids
//! is a span of time; what is numbered goes by its numbers. Spans are wide, because every plan of a hot statement names them all.

use super::citus;
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

/// How far rows reach that come from another database.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reach {
    /// The time in the first id, milliseconds.
    pub(crate) first_ms: i64,
    /// The last number of the journal.
    pub(crate) journal_seq: i64,
    /// That of events.
    pub(crate) event_seq: i64,
}

/// Partitions for all that comes, in a database that holds no rows yet: once the default ones hold rows of a range, no partition of it
/// can be joined any more.
pub(super) async fn make_room_for(db: &PgDb, reach: Reach, now_us: i64) -> Result<(), StoreError> {
    for (table, by, fill) in TABLES {
        let (first, last) = match by {
            By::Id => (reach.first_ms.max(0) >> SPAN_BITS, (now_us / 1_000) >> SPAN_BITS),
            By::JournalSeq => (0, reach.journal_seq >> NUMBER_BITS),
            By::EventSeq => (0, reach.event_seq >> NUMBER_BITS),
        };
        let there = (db as &Db).all(PARTITIONS, &params![*table], |c| c.string()).await?;
        for index in (first..=last + AHEAD).filter(|index| !there.contains(&name(table, *index))) {
            make(db, false, Wanted { table, by: *by, index, fill: *fill }).await?;
        }
    }
    Ok(())
}

/// Makes the partitions from the one in use on that are not there yet; answers how many. Another node may do the same meanwhile. One
/// that can't be made keeps none of the others back, and is told at the end.
pub(super) async fn make_room(db: &PgDb, now_us: i64) -> Result<usize, StoreError> {
    let pairs = |c: &mut Columns<'_>| Ok((c.int()?, c.int()?));
    let furthest = (db as &Db).one(FURTHEST, &params![0i16], pairs).await?;
    let (journal_seq, event_seq) = furthest.unwrap_or((0, 0));
    let is_citus = citus::is_there(db).await?;
    let (mut made, mut failure) = (0, None);
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
            match make(db, is_citus, Wanted { table, by: *by, index, fill: *fill }).await {
                Ok(is_new) => made += usize::from(is_new),
                Err(error) => {
                    // The others need room all the same.
                    tracing::warn!(%error, partition = name(table, index), "a partition could not be made");
                    failure.get_or_insert(error);
                }
            }
        }
    }
    match failure {
        Some(error) => Err(error),
        None => Ok(made),
    }
}

/// A partition that is to be made.
#[derive(Debug, Clone, Copy)]
struct Wanted<'a> {
    table: &'a str,
    by: By,
    index: i64,
    fill: u32,
}

/// How often the parent's lock is asked for, and how long each time: whoever waits for a lock makes others wait behind it.
const LOCK_TRIES: u32 = 20;

impl Wanted<'_> {
    fn name(self) -> String {
        name(self.table, self.index)
    }

    fn range(self) -> (String, String) {
        (bound(self.by, self.index), bound(self.by, self.index + 1))
    }

    /// The table is made beside its parent and joined to it: commits into the parent go on, which creating it as a partition would
    /// not let them. The check says what the parent would else look for, row by row, under the lock.
    fn words(self) -> String {
        let (Wanted { table, fill, .. }, name, (from, to)) = (self, self.name(), self.range());
        let column = match (self.by, table) {
            (By::Id, "delivery_attempt") => "delivery",
            (By::Id, _) => "id",
            (By::JournalSeq | By::EventSeq, _) => "seq",
        };
        format!(
            "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL lock_timeout = 250; \
             CREATE TABLE {name} (LIKE {table} INCLUDING ALL, CONSTRAINT room CHECK ({column} >= {from} AND {column} < {to})) \
             WITH (fillfactor = {fill}); \
             ALTER TABLE {table} ATTACH PARTITION {name} FOR VALUES FROM ({from}) TO ({to}); \
             ALTER TABLE {name} DROP CONSTRAINT room; COMMIT"
        )
    }

    /// Citus makes the shards of a partition with it.
    fn words_on_citus(self) -> String {
        let (Wanted { table, fill, .. }, name, (from, to)) = (self, self.name(), self.range());
        format!(
            "CREATE TABLE {name} PARTITION OF {table} FOR VALUES FROM ({from}) TO ({to}) WITH (fillfactor = {fill})"
        )
    }
}

/// False when another was quicker.
async fn make(db: &PgDb, is_citus: bool, wanted: Wanted<'_>) -> Result<bool, StoreError> {
    let words = if is_citus { wanted.words_on_citus() } else { wanted.words() };
    let mut tries = 0;
    loop {
        tries += 1;
        let Err(error) = db.say(&words).await else { return Ok(true) };
        // Outside of a transaction it is a warning and no more.
        db.say("ROLLBACK").await?;
        let there = (db as &Db).all(PARTITIONS, &params![wanted.table], |c| c.string()).await?;
        if there.contains(&wanted.name()) {
            return Ok(false);
        }
        // A lock that was not had.
        if !matches!(error, StoreError::Conflict(_)) || tries >= LOCK_TRIES {
            return Err(error);
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
