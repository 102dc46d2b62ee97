//! Rows of adjustments, and of what has arrived of them.

use crate::db::{Columns, Db, Many, corrupt, keyed, params, statements, writes};
use crate::{StoreError, members};
use domain::adjustment::{Adjustment, Arrival, Person, Status};
use domain::id::{AdjustmentId, Shard, Uid};

macro_rules! columns {
    () => {
        "id, merchant, receiver, amount_minor, currency, corrects, details, proposed_by, decided_by, status, due_at_us, \
         created_at_us, updated_at_us, sequence"
    };
}

macro_rules! arrived {
    () => {
        "adjustment, merchant, amount_minor, currency, arrived_at_us"
    };
}

keyed! {
    BY_ID (Uid) = concat!("SELECT ", columns!(), " FROM adjustment WHERE shard = ?1 AND id = ?2")
        => concat!("SELECT ", columns!(), " FROM {keys} JOIN adjustment ON id = k2 WHERE shard = ?1");
    /// All that correct the same object; they are few.
    CORRECTING (Uid) = concat!("SELECT ", columns!(), " FROM adjustment INDEXED BY adjustment_corrects \
        WHERE shard = ?1 AND corrects = ?2")
        => concat!("SELECT ", columns!(), " FROM {keys} JOIN adjustment ON corrects = k2 WHERE shard = ?1");
    ARRIVED (Uid) = concat!("SELECT ", arrived!(), " FROM arrival WHERE shard = ?1 AND adjustment = ?2")
        => concat!("SELECT ", arrived!(), " FROM {keys} JOIN arrival ON adjustment = k2 WHERE shard = ?1");
}

writes! {
    INSERT = insert "adjustment" row {
        id: Uid, merchant: Uid, receiver: Uid, amount_minor: Big, currency: Small, corrects: Uid, details: Bytes,
        proposed_by: Text, decided_by: Text, status: Text, due_at_us: Big, created_at_us: Big, updated_at_us: Big, sequence: Big,
    };
    UPDATE = update "adjustment" key { id: Uid } expect { sequence: Big } set {
        decided_by: Text, status: Text, due_at_us: Big, updated_at_us: Big, sequence: Big,
    };
    INSERT_ARRIVAL = insert "arrival" row {
        adjustment: Uid, merchant: Uid, amount_minor: Big, currency: Small, arrived_at_us: Big,
    };
}

statements! {
    AFTER = concat!("SELECT ", columns!(), " FROM adjustment WHERE shard = ?1 AND id > ?2 ORDER BY id LIMIT ?3");
    OPEN = concat!("SELECT ", columns!(), " FROM adjustment INDEXED BY adjustment_open \
        WHERE shard = ?1 AND status IN ('proposed', 'in_transit') AND id > ?2 ORDER BY id LIMIT ?3");
    DUE = concat!("SELECT ", columns!(), " FROM adjustment INDEXED BY adjustment_due \
        WHERE shard = ?1 AND due_at_us <= ?2 ORDER BY due_at_us LIMIT ?3");
    ARRIVED_AFTER = concat!("SELECT ", arrived!(), " FROM arrival \
        WHERE shard = ?1 AND adjustment > ?2 ORDER BY adjustment LIMIT ?3");
}

fn read(c: &mut Columns<'_>) -> Result<Adjustment, StoreError> {
    let (id, merchant, receiver, amount) = (c.id()?, c.id()?, c.id()?, c.amount()?);
    let corrected = c.uid()?;
    let (corrects, reason) = members::read_correction(c.blob()?, corrected)
        .ok_or_else(|| corrupt("an adjustment's details can't be read"))?;
    Ok(Adjustment {
        id,
        merchant,
        receiver,
        amount,
        corrects,
        reason,
        proposed_by: c.word(Person::parse)?,
        decided_by: c.opt_word(Person::parse)?,
        status: c.word(Status::parse)?,
        due_at_us: c.opt_int()?,
        created_at_us: c.int()?,
        updated_at_us: c.int()?,
        sequence: c.int()?,
    })
}

fn read_arrival(c: &mut Columns<'_>) -> Result<Arrival, StoreError> {
    Ok(Arrival { adjustment: c.id()?, merchant: c.id()?, amount: c.amount()?, arrived_at_us: c.int()? })
}

/// New adjustments.
pub(crate) fn inserts(adjustments: &[Adjustment]) -> Many<'_> {
    Many::of(adjustments.iter().map(|adjustment| {
        params![
            adjustment.id.0.0,
            adjustment.merchant.0.0,
            adjustment.receiver.0.0,
            adjustment.amount.minor(),
            adjustment.amount.currency().numeric(),
            adjustment.corrects.uid().0,
            members::correction(adjustment.corrects, &adjustment.reason),
            adjustment.proposed_by.as_str(),
            adjustment.decided_by.as_ref().map(Person::as_str),
            adjustment.status.as_str(),
            adjustment.due_at_us,
            adjustment.created_at_us,
            adjustment.updated_at_us,
            adjustment.sequence,
        ]
    }))
}

/// Changed adjustments with the sequence they must still have.
pub(crate) fn updates(adjustments: &[(i64, Adjustment)]) -> Many<'_> {
    Many::of(adjustments.iter().map(|(expected, adjustment)| {
        params![
            adjustment.id.0.0,
            *expected,
            adjustment.decided_by.as_ref().map(Person::as_str),
            adjustment.status.as_str(),
            adjustment.due_at_us,
            adjustment.updated_at_us,
            adjustment.sequence,
        ]
    }))
}

/// What has arrived.
pub(crate) fn arrivals(arrivals: &[Arrival]) -> Many<'static> {
    Many::of(arrivals.iter().map(|arrival| {
        params![
            arrival.adjustment.0.0,
            arrival.merchant.0.0,
            arrival.amount.minor(),
            arrival.amount.currency().numeric(),
            arrival.arrived_at_us,
        ]
    }))
}

/// Adjustments by id.
pub(crate) async fn by_ids(
    db: &Db,
    shard: Shard,
    ids: impl IntoIterator<Item = AdjustmentId>,
) -> Result<Vec<Adjustment>, StoreError> {
    let keys = Many::of(ids.into_iter().map(|id| params![id.0.0]));
    db.find_all(&BY_ID, shard, &keys, read).await
}

/// All that correct these objects.
pub(crate) async fn correcting(
    db: &Db,
    shard: Shard,
    objects: impl IntoIterator<Item = Uid>,
) -> Result<Vec<Adjustment>, StoreError> {
    let keys = Many::of(objects.into_iter().map(|id| params![id.0]));
    db.find_all(&CORRECTING, shard, &keys, read).await
}

/// What has arrived in a shard of adjustments, which may be another's.
pub(crate) async fn arrived(
    db: &Db,
    shard: Shard,
    ids: impl IntoIterator<Item = AdjustmentId>,
) -> Result<Vec<Arrival>, StoreError> {
    let keys = Many::of(ids.into_iter().map(|id| params![id.0.0]));
    db.find_all(&ARRIVED, shard, &keys, read_arrival).await
}

/// Before every id.
fn from(after: Option<AdjustmentId>) -> [u8; 16] {
    after.map_or(Uid([0; 16]), |id| id.0).0
}

pub(crate) async fn after(
    db: &Db,
    shard: Shard,
    after: Option<AdjustmentId>,
    limit: u32,
) -> Result<Vec<Adjustment>, StoreError> {
    db.all(AFTER, &params![shard.0, from(after), limit], read).await
}

pub(crate) async fn open(
    db: &Db,
    shard: Shard,
    after: Option<AdjustmentId>,
    limit: u32,
) -> Result<Vec<Adjustment>, StoreError> {
    db.all(OPEN, &params![shard.0, from(after), limit], read).await
}

pub(crate) async fn due(
    db: &Db,
    shard: Shard,
    real_now_us: i64,
    limit: u32,
) -> Result<Vec<Adjustment>, StoreError> {
    db.all(DUE, &params![shard.0, real_now_us, limit], read).await
}

pub(crate) async fn arrived_after(
    db: &Db,
    shard: Shard,
    after: Option<AdjustmentId>,
    limit: u32,
) -> Result<Vec<Arrival>, StoreError> {
    db.all(ARRIVED_AFTER, &params![shard.0, from(after), limit], read_arrival).await
}
