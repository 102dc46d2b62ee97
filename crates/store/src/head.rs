//! Heads: one row per merchant, the root of its money rows, and one per shard.

use crate::db::{Columns, Db, KeyVersion, Many, Value, corrupt, keyed, params, statements, writes};
use crate::{Committed, StoreError, WriteSet, installation};
use domain::id::{MerchantId, Shard};
use domain::merchant::Head;
use ledger::Day;

macro_rules! columns {
    () => {
        "merchant, clock_offset_us, business_day, debt_limit_minor, credit_line_minor, key_epoch, sequence"
    };
}

keyed! {
    /// The roots of a batch, locked in key order. Whoever waited for one sees in later statements what was committed.
    LOCK (Uid) = concat!("SELECT ", columns!(), " FROM merchant_head WHERE shard = ?1 AND merchant = ?2")
        => concat!("SELECT ", columns!(), " FROM merchant_head WHERE shard = ?1 AND merchant = ANY(?2::uuid[]) \
            ORDER BY merchant FOR UPDATE");
}

writes! {
    INSERT = insert "merchant_head" row {
        merchant: Uid, clock_offset_us: Big, business_day: Int, debt_limit_minor: Big, credit_line_minor: Big,
        key_epoch: Big, sequence: Big,
    };
    UPDATE = update "merchant_head" key { merchant: Uid } expect { sequence: Big } set {
        clock_offset_us: Big, business_day: Int, debt_limit_minor: Big, credit_line_minor: Big, key_epoch: Big,
        sequence: Big,
    };
    SHARD_INSERT = insert "shard_head" row { open_day: Int, journal_seq: Big, event_seq: Big, key_version: Big };
    DAY_CLOSE = insert "day_close" row { day: Int, last_seq: JournalSeq, closed_at_us: Big };
    BATCH_INSERT = insert "journal_batch" row {
        batch: Uid, first_journal_seq: JournalSeq, first_event_seq: EventSeq, committed_at_us: Big,
    };
}

statements! {
    OF_MERCHANT = concat!("SELECT ", columns!(), " FROM merchant_head WHERE shard = ?1 AND merchant = ?2");
    EPOCHS_SNAPSHOT = "SELECT merchant, key_epoch FROM merchant_head";
    FURTHEST_CLOCK = "SELECT COALESCE(MAX(clock_offset_us), 0) FROM merchant_head WHERE shard = ?1";

    SHARD_READ = "SELECT open_day, journal_seq, event_seq, key_version FROM shard_head WHERE shard = ?1";
    /// Takes numbers; no row when another business day is open, or another version of the master key seals, where PostgreSQL
    /// divides by zero.
    SHARD_TAKE = "UPDATE shard_head SET journal_seq = journal_seq + ?3, event_seq = event_seq + ?4, \
        open_day = ?5 WHERE shard = ?1 AND open_day = ?2 AND key_version = ?6 RETURNING journal_seq, event_seq"
        => "WITH taken AS (UPDATE shard_head SET journal_seq = journal_seq + ?3, event_seq = event_seq + ?4, \
            open_day = ?5 WHERE shard = ?1 AND open_day = ?2 AND key_version = ?6 RETURNING journal_seq, event_seq) \
            SELECT COALESCE(MAX(journal_seq), 0) / COUNT(*), COALESCE(MAX(event_seq), 0) / COUNT(*) FROM taken";
    SHARD_TAKE_EVENT = "UPDATE shard_head SET event_seq = event_seq + 1 WHERE shard = ?1 AND key_version = ?2 \
        RETURNING journal_seq, event_seq";
    /// Keeps the version until the commit, beside lanes that take numbers.
    KEY_HOLD = "SELECT key_version FROM shard_head WHERE shard = ?1"
        => "SELECT key_version FROM shard_head WHERE shard = ?1 FOR KEY SHARE";
    /// Waits for whoever took numbers or holds the version: an update alone waits for the former only.
    KEY_LOCK = "SELECT key_version FROM shard_head WHERE shard = ?1"
        => "SELECT key_version FROM shard_head WHERE shard = ?1 FOR UPDATE";
    KEY_SET = "UPDATE shard_head SET key_version = ?2 WHERE shard = ?1";
    SHARDS_ALL = "SELECT shard FROM shard_head WHERE shard >= ?1 ORDER BY shard";
    /// Settles a commit whose answer was lost: a row that is there is touched, so that this commit waits for whatever the lost one
    /// waited for; where there is none, one with zeros takes its place, and the lost transaction can't commit any more.
    BATCH_SETTLE = "INSERT INTO journal_batch (shard, batch, first_journal_seq, first_event_seq, committed_at_us) \
        VALUES (?1, ?2, 0, 0, 0) ON CONFLICT (shard, batch) DO UPDATE SET committed_at_us = journal_batch.committed_at_us \
        RETURNING first_journal_seq, first_event_seq";
    BATCH_READ = "SELECT first_journal_seq, first_event_seq FROM journal_batch WHERE shard = ?1 AND batch = ?2";
}

fn read(c: &mut Columns<'_>) -> Result<Head, StoreError> {
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

/// Locks the heads of merchants and reads them.
pub(crate) async fn lock(
    db: &Db,
    shard: Shard,
    merchants: impl IntoIterator<Item = MerchantId>,
) -> Result<Vec<Head>, StoreError> {
    let keys = Many::of(merchants.into_iter().map(|merchant| params![merchant.0.0]));
    db.find_all(&LOCK, shard, &keys, read).await
}

pub(crate) async fn of_merchant(
    db: &Db,
    shard: Shard,
    merchant: MerchantId,
) -> Result<Option<Head>, StoreError> {
    db.one(OF_MERCHANT, &params![shard.0, merchant.0.0], read).await
}

/// The key epochs of all merchants.
pub(crate) async fn key_epochs(db: &Db) -> Result<Vec<(MerchantId, i64)>, StoreError> {
    db.all(EPOCHS_SNAPSHOT, &[], |c| Ok((c.id()?, c.int()?))).await
}

fn values(head: &Head) -> [Value<'static>; 6] {
    params![
        head.clock_offset_us,
        head.business_day.0,
        head.debt_limit_minor,
        head.credit_line_minor,
        head.key_epoch,
        head.sequence,
    ]
}

pub(crate) async fn insert(db: &Db, shard: Shard, head: &Head) -> Result<(), StoreError> {
    let [clock, day, debt, credit, epoch, sequence] = values(head);
    let row = [Value::from(head.merchant.0.0), clock, day, debt, credit, epoch, sequence];
    db.write(&INSERT, shard, Many::of([row])).await
}

/// Changed heads with the sequence they must still have.
pub(crate) fn updates(heads: &[(i64, Head)]) -> Many<'static> {
    Many::of(heads.iter().map(|(expected, head)| {
        let [clock, day, debt, credit, epoch, sequence] = values(head);
        [Value::from(head.merchant.0.0), Value::from(*expected), clock, day, debt, credit, epoch, sequence]
    }))
}

/// The largest clock offset of a shard's merchants: bounds looks into indexes by business time.
pub(crate) async fn furthest_clock_us(db: &Db, shard: Shard) -> Result<i64, StoreError> {
    if shard.world() == domain::World::Live {
        return Ok(0);
    }
    Ok(db.one(FURTHEST_CLOCK, &params![shard.0], |c| c.int()).await?.unwrap_or(0))
}

/// A shard's head.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ShardHead {
    pub(crate) open_day: Day,
    pub(crate) journal_seq: i64,
    pub(crate) event_seq: i64,
    /// The version of the master key that values are sealed with.
    pub(crate) key_version: i64,
}

pub(crate) async fn shard_head(db: &Db, shard: Shard) -> Result<ShardHead, StoreError> {
    let read = |c: &mut Columns<'_>| {
        let (open_day, journal_seq, event_seq) = (c.day()?, c.int()?, c.int()?);
        Ok(ShardHead { open_day, journal_seq, event_seq, key_version: c.int()? })
    };
    db.one(SHARD_READ, &params![shard.0], read)
        .await?
        .ok_or_else(|| corrupt("this installation does not have that shard"))
}

pub(crate) async fn insert_shard(db: &Db, shard: Shard, open_day: Day) -> Result<(), StoreError> {
    db.write(&SHARD_INSERT, shard, Many::of([params![open_day.0, 0, 0, db.sealer().version()]])).await
}

pub(crate) async fn shards(db: &Db) -> Result<Vec<Shard>, StoreError> {
    db.all(SHARDS_ALL, &params![0], |c| c.small().map(Shard)).await
}

/// How many numbers a write-set takes: of transactions, of events.
fn wanted(writes: &WriteSet) -> (i64, i64) {
    let count = |length: usize| i64::try_from(length).unwrap_or(i64::MAX);
    (count(writes.transactions.len()), count(writes.events.len()))
}

/// The business day that is open after a write-set; it never goes back.
pub(crate) fn next_day(writes: &WriteSet) -> Result<Day, StoreError> {
    let next = writes.new_open_day.unwrap_or(writes.open_day);
    if next < writes.open_day {
        return Err(StoreError::Conflict("the business day never goes back".to_owned()));
    }
    Ok(next)
}

/// Takes numbers; refuses when the business day is not the one that the decisions saw, or when `key_version`, which the values of the
/// write-set were sealed with, went out.
pub(crate) async fn take(
    db: &Db,
    shard: Shard,
    writes: &WriteSet,
    key_version: KeyVersion,
) -> Result<Committed, StoreError> {
    let (transactions, events) = wanted(writes);
    let values =
        params![shard.0, writes.open_day.0, transactions, events, next_day(writes)?.0, key_version.0];
    let last = db.one(SHARD_TAKE, &values, |c| Ok((c.int()?, c.int()?))).await?;
    let Some((journal_seq, event_seq)) = last else {
        return Err(StoreError::Conflict("the business day or the master key moved".to_owned()));
    };
    db.note_numbers(journal_seq, event_seq);
    Ok(Committed {
        first_journal_seq: journal_seq - transactions + 1,
        first_event_seq: event_seq - events + 1,
    })
}

/// Takes the number of one event that no money command caused, and with it holds the version that its body is sealed with.
pub(crate) async fn take_event(db: &Db, shard: Shard) -> Result<KeyVersion, StoreError> {
    if let Some(version) = take_one(db, shard).await? {
        return Ok(version);
    }
    installation::follow_rotation(db).await?;
    take_one(db, shard).await?.ok_or_else(|| corrupt("the shard's head can't be taken"))
}

async fn take_one(db: &Db, shard: Shard) -> Result<Option<KeyVersion>, StoreError> {
    let version = KeyVersion(db.sealer().version());
    let values = params![shard.0, version.0];
    let taken = db.one(SHARD_TAKE_EVENT, &values, |c| Ok((c.int()?, c.int()?))).await?;
    Ok(taken.map(|(journal_seq, event_seq)| {
        db.note_numbers(journal_seq, event_seq);
        version
    }))
}

/// A process that seals with another version than its shard does reads the key file again.
pub(crate) async fn follow_key(db: &Db, key_version: i64) -> Result<(), StoreError> {
    if key_version == i64::from(db.sealer().version()) {
        return Ok(());
    }
    installation::follow_rotation(db).await
}

/// Holds the version of the master key that values are sealed with until the commit.
pub(crate) async fn hold_key(db: &Db, shard: Shard) -> Result<KeyVersion, StoreError> {
    let version = db.one(KEY_HOLD, &params![shard.0], |c| c.int()).await?;
    let version = version.ok_or_else(|| corrupt("this installation does not have that shard"))?;
    follow_key(db, version).await?;
    u32::try_from(version).map(KeyVersion).map_err(|_| corrupt("a version of the master key can't be read"))
}

/// Values of every shard are sealed with this version from the commit on; what was sealed with another and is not committed yet
/// never will be. Shard by shard: the nodes of a cluster lock the rows of one shard at a time, and here all do it in one order.
pub(crate) async fn seal_with(db: &Db, version: u32) -> Result<(), StoreError> {
    for shard in shards(db).await? {
        db.one(KEY_LOCK, &params![shard.0], |c| c.int()).await?;
        db.execute(KEY_SET, &params![shard.0, version]).await?;
    }
    Ok(())
}

/// The day that a write-set closes, if it does.
pub(crate) fn day_closes(writes: &WriteSet) -> Result<Many<'static>, StoreError> {
    let closes = next_day(writes)? != writes.open_day;
    let row = || params![writes.open_day.0, Value::JournalSeq(0), writes.at_us];
    Ok(Many::of(closes.then(row)))
}

/// The write-set's own row.
pub(crate) fn batch_inserts(writes: &WriteSet) -> Many<'static> {
    let (transactions, events) = wanted(writes);
    Many::of([params![
        writes.batch.to_be_bytes(),
        Value::JournalSeq(1 - transactions),
        Value::EventSeq(1 - events),
        writes.at_us,
    ]])
}

fn read_batch(c: &mut Columns<'_>) -> Result<Committed, StoreError> {
    Ok(Committed { first_journal_seq: c.int()?, first_event_seq: c.int()? })
}

pub(crate) async fn batch(db: &Db, shard: Shard, batch: u128) -> Result<Option<Committed>, StoreError> {
    db.one(BATCH_READ, &params![shard.0, batch.to_be_bytes()], read_batch).await
}

/// As [`batch`], where the commit may still be under way: afterwards it is committed or never will be.
pub(crate) async fn settle(db: &Db, shard: Shard, batch: u128) -> Result<Option<Committed>, StoreError> {
    let found = db.one(BATCH_SETTLE, &params![shard.0, batch.to_be_bytes()], read_batch).await?;
    // Numbers begin at 1.
    Ok(found.filter(|committed| committed.first_journal_seq > 0))
}
