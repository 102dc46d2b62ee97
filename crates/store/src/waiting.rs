//! What waits in a shard for a channel's or a person's word: counted for metrics, listed for a person. Each statement reads a partial index that holds the waiting rows only.

use crate::StoreError;
use crate::db::{Columns, Db, Sql, params, statements};
use crate::reads::{Waiting, WaitingList, WaitingRows};
use domain::id::{Id, Shard};

statements! {
    ATTEMPTS_UNKNOWN = "SELECT count(*), min(created_at_us) FROM attempt INDEXED BY attempt_unknown \
        WHERE shard = ?1 AND status = 'unknown'";
    PAYMENTS_HELD = "SELECT count(*), min(updated_at_us) FROM payment INDEXED BY payment_held \
        WHERE shard = ?1 AND status = 'processing' AND status_reason = 'amount_mismatch'";
    REFUNDS_ATTENTION = "SELECT count(*), min(updated_at_us) FROM refund INDEXED BY refund_attention \
        WHERE shard = ?1 AND status = 'requires_attention'";
    DELIVERIES_DUE = "SELECT min(d_due_at_us) FROM event INDEXED BY event_due \
        WHERE shard = ?1 AND d_due_at_us IS NOT NULL";
    ATTEMPTS_OLDEST = "SELECT id, created_at_us FROM attempt INDEXED BY attempt_unknown \
        WHERE shard = ?1 AND status = 'unknown' ORDER BY created_at_us LIMIT ?2";
    PAYMENTS_OLDEST = "SELECT id, updated_at_us FROM payment INDEXED BY payment_held \
        WHERE shard = ?1 AND status = 'processing' AND status_reason = 'amount_mismatch' ORDER BY updated_at_us LIMIT ?2";
    REFUNDS_OLDEST = "SELECT id, updated_at_us FROM refund INDEXED BY refund_attention \
        WHERE shard = ?1 AND status = 'requires_attention' ORDER BY updated_at_us LIMIT ?2";
}

fn rows(c: &mut Columns<'_>) -> Result<WaitingRows, StoreError> {
    Ok(WaitingRows { count: c.int()?, oldest_at_us: c.opt_int()? })
}

async fn counted(db: &Db, sql: Sql, shard: Shard) -> Result<WaitingRows, StoreError> {
    Ok(db.one(sql, &params![shard.0], rows).await?.unwrap_or_default())
}

pub(crate) async fn read(db: &Db, shard: Shard) -> Result<Waiting, StoreError> {
    let due = db.one(DELIVERIES_DUE, &params![shard.0], |c| c.opt_int()).await?;
    Ok(Waiting {
        attempts_unknown: counted(db, ATTEMPTS_UNKNOWN, shard).await?,
        payments_held: counted(db, PAYMENTS_HELD, shard).await?,
        refunds_attention: counted(db, REFUNDS_ATTENTION, shard).await?,
        delivery_due_at_us: due.flatten(),
    })
}

async fn oldest<T: Id>(db: &Db, sql: Sql, shard: Shard, limit: u32) -> Result<Vec<(T, i64)>, StoreError> {
    db.all(sql, &params![shard.0, limit], |c| Ok((c.id()?, c.int()?))).await
}

pub(crate) async fn list(db: &Db, shard: Shard, limit: u32) -> Result<WaitingList, StoreError> {
    Ok(WaitingList {
        attempts_unknown: oldest(db, ATTEMPTS_OLDEST, shard, limit).await?,
        payments_held: oldest(db, PAYMENTS_OLDEST, shard, limit).await?,
        refunds_attention: oldest(db, REFUNDS_OLDEST, shard, limit).await?,
    })
}
