//! Heads: one row per merchant, the root of its money rows, and one per shard.

use super::columns::Columns;
use super::db::{self, Db};
use super::fault::corrupt;
use super::statements::statements;
use crate::{Committed, StoreError};
use domain::id::{MerchantId, Shard};
use domain::merchant::Head;
use ledger::Day;
use rusqlite::params;

statements! {
    INSERT = "INSERT INTO merchant_head (shard, merchant, clock_offset_us, business_day, debt_limit_minor, \
        credit_line_minor, key_epoch, sequence) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    UPDATE = "UPDATE merchant_head SET clock_offset_us = ?4, business_day = ?5, debt_limit_minor = ?6, \
        credit_line_minor = ?7, key_epoch = ?8, sequence = ?9 WHERE shard = ?1 AND merchant = ?2 AND sequence = ?3";
    OF_MERCHANT = "SELECT merchant, clock_offset_us, business_day, debt_limit_minor, credit_line_minor, key_epoch, \
        sequence FROM merchant_head WHERE shard = ?1 AND merchant = ?2";
    FURTHEST_CLOCK = "SELECT COALESCE(MAX(clock_offset_us), 0) FROM merchant_head WHERE shard = ?1";

    SHARD_INSERT = "INSERT INTO shard_head (shard, open_day, journal_seq, event_seq) VALUES (?1, ?2, 0, 0)";
    SHARD_READ = "SELECT open_day, journal_seq, event_seq FROM shard_head WHERE shard = ?1";
    SHARD_TAKE = "UPDATE shard_head SET journal_seq = journal_seq + ?3, event_seq = event_seq + ?4, \
        open_day = ?5 WHERE shard = ?1 AND open_day = ?2 RETURNING journal_seq, event_seq";
    SHARD_TAKE_EVENT = "UPDATE shard_head SET event_seq = event_seq + 1 WHERE shard = ?1 RETURNING event_seq";
    SHARDS_ALL = "SELECT shard FROM shard_head WHERE shard >= ?1 ORDER BY shard";
    DAY_CLOSE = "INSERT INTO day_close (shard, day, last_seq, closed_at_us) VALUES (?1, ?2, ?3, ?4)";

    BATCH_INSERT = "INSERT INTO journal_batch (shard, batch, first_journal_seq, first_event_seq, committed_at_us) \
        VALUES (?1, ?2, ?3, ?4, ?5)";
    BATCH_READ = "SELECT first_journal_seq, first_event_seq FROM journal_batch WHERE shard = ?1 AND batch = ?2";
}

fn read(c: &mut Columns<'_, '_>) -> Result<Head, StoreError> {
    Ok(Head {
        merchant: c.id()?,
        clock_offset_us: c.int()?,
        business_day: c.day()?,
        debt_limit_minor: c.int()?,
        credit_line_minor: c.int()?,
        key_epoch: c.int()?,
        sequence: c.int()?,
    })
}

pub(super) fn of_merchant(db: &Db, shard: Shard, merchant: MerchantId) -> Result<Option<Head>, StoreError> {
    db.one(OF_MERCHANT, params![shard.0, merchant.0.0], read)
}

pub(super) fn insert(db: &Db, shard: Shard, head: &Head) -> Result<(), StoreError> {
    db.execute(
        INSERT,
        params![
            shard.0,
            head.merchant.0.0,
            head.clock_offset_us,
            head.business_day.0,
            head.debt_limit_minor,
            head.credit_line_minor,
            head.key_epoch,
            head.sequence,
        ],
    )?;
    Ok(())
}

pub(super) fn update_all(db: &Db, shard: Shard, heads: &[(i64, Head)]) -> Result<(), StoreError> {
    for (expected, head) in heads {
        let values = params![
            shard.0,
            head.merchant.0.0,
            expected,
            head.clock_offset_us,
            head.business_day.0,
            head.debt_limit_minor,
            head.credit_line_minor,
            head.key_epoch,
            head.sequence,
        ];
        let count = db.execute(UPDATE, values)?;
        db::guard(count, || format!("head of {} is not at sequence {expected}", head.merchant))?;
    }
    Ok(())
}

/// The largest clock offset of a shard's merchants: bounds looks into indexes by business time.
pub(super) fn furthest_clock_us(db: &Db, shard: Shard) -> Result<i64, StoreError> {
    if shard.world() == domain::World::Live {
        return Ok(0);
    }
    Ok(db.one(FURTHEST_CLOCK, params![shard.0], |c| c.int())?.unwrap_or(0))
}

/// A shard's head.
#[derive(Debug, Clone, Copy)]
pub(super) struct ShardHead {
    pub(super) open_day: Day,
    pub(super) journal_seq: i64,
    pub(super) event_seq: i64,
}

pub(super) fn shard_head(db: &Db, shard: Shard) -> Result<ShardHead, StoreError> {
    let read = |c: &mut Columns<'_, '_>| {
        Ok(ShardHead { open_day: c.day()?, journal_seq: c.int()?, event_seq: c.int()? })
    };
    db.one(SHARD_READ, params![shard.0], read)?
        .ok_or_else(|| corrupt("this installation does not have that shard"))
}

pub(super) fn insert_shard(db: &Db, shard: Shard, open_day: Day) -> Result<(), StoreError> {
    db.execute(SHARD_INSERT, params![shard.0, open_day.0])?;
    Ok(())
}

pub(super) fn shards(db: &Db) -> Result<Vec<Shard>, StoreError> {
    db.all(SHARDS_ALL, params![0], |c| c.small().map(Shard))
}

/// What a commit wants of the shard head.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted {
    pub(super) transactions: i64,
    pub(super) events: i64,
    pub(super) open_day: Day,
    pub(super) new_open_day: Option<Day>,
    pub(super) at_us: i64,
}

/// Takes numbers; refuses when the business day is not the one that the decisions saw, or would move back.
pub(super) fn take(db: &Db, shard: Shard, wanted: Wanted) -> Result<Committed, StoreError> {
    let next_day = wanted.new_open_day.unwrap_or(wanted.open_day);
    if next_day < wanted.open_day {
        return Err(StoreError::Conflict("the business day never goes back".to_owned()));
    }
    let values = params![shard.0, wanted.open_day.0, wanted.transactions, wanted.events, next_day.0];
    let last = db.one(SHARD_TAKE, values, |c| Ok((c.int()?, c.int()?)))?;
    let Some((journal_seq, event_seq)) = last else {
        return Err(StoreError::Conflict("the business day moved".to_owned()));
    };
    if next_day != wanted.open_day {
        db.execute(DAY_CLOSE, params![shard.0, wanted.open_day.0, journal_seq, wanted.at_us])?;
    }
    Ok(Committed {
        first_journal_seq: journal_seq - wanted.transactions + 1,
        first_event_seq: event_seq - wanted.events + 1,
    })
}

/// The number of one event that no money command caused.
pub(super) fn take_event(db: &Db, shard: Shard) -> Result<i64, StoreError> {
    db.one(SHARD_TAKE_EVENT, params![shard.0], |c| c.int())?
        .ok_or_else(|| corrupt("this installation does not have that shard"))
}

pub(super) fn insert_batch(
    db: &Db,
    shard: Shard,
    batch: u128,
    committed: Committed,
    at_us: i64,
) -> Result<(), StoreError> {
    let Committed { first_journal_seq, first_event_seq } = committed;
    let values = params![shard.0, batch.to_be_bytes(), first_journal_seq, first_event_seq, at_us];
    db.execute(BATCH_INSERT, values)?;
    Ok(())
}

pub(super) fn batch(db: &Db, shard: Shard, batch: u128) -> Result<Option<Committed>, StoreError> {
    db.one(BATCH_READ, params![shard.0, batch.to_be_bytes()], |c| {
        Ok(Committed { first_journal_seq: c.int()?, first_event_seq: c.int()? })
    })
}
