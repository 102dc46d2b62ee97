//! Nodes and their leases, by the database's clock.

use crate::StoreError;
use crate::db::{Db, params, statements};
use crate::nodes::HeldWork;
use domain::id::Shard;

/// Microseconds since 1970 by the database's clock; in PostgreSQL not the transaction's beginning, which may lie before a wait.
macro_rules! now {
    (sqlite) => {
        "CAST(unixepoch('subsec') * 1000000 AS INTEGER)"
    };
    (postgres) => {
        "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)"
    };
}

macro_rules! beat {
    ($engine:ident) => {
        concat!(
            "INSERT INTO node (id, beat_at_us) VALUES (?1, ",
            now!($engine),
            ") ON CONFLICT (id) DO UPDATE SET beat_at_us = excluded.beat_at_us"
        )
    };
}
macro_rules! count {
    ($engine:ident) => {
        concat!("SELECT COUNT(*) FROM node WHERE beat_at_us > ", now!($engine), " - CAST(?1 AS BIGINT)")
    };
}
macro_rules! forget {
    ($now:expr) => {
        concat!("DELETE FROM node WHERE beat_at_us < ", $now, " - CAST(?1 AS BIGINT)")
    };
}
macro_rules! claim {
    ($engine:ident) => {
        concat!(
            "INSERT INTO work_lease (shard, node, fence, until_us) VALUES (?1, ?2, 1, ",
            now!($engine),
            " + CAST(?3 AS BIGINT)) ON CONFLICT (shard) DO UPDATE SET node = excluded.node, \
             fence = work_lease.fence + CASE WHEN work_lease.node = excluded.node THEN 0 ELSE 1 END, \
             until_us = excluded.until_us \
             WHERE work_lease.node = excluded.node OR work_lease.until_us < excluded.until_us - CAST(?3 AS BIGINT) \
             RETURNING fence"
        )
    };
}
macro_rules! others {
    ($engine:ident) => {
        concat!("SELECT shard FROM work_lease WHERE node <> ?1 AND until_us >= ", now!($engine))
    };
}

statements! {
    BEAT = beat!(sqlite) => beat!(postgres);
    COUNT_SNAPSHOT = count!(sqlite) => count!(postgres);
    /// The transaction's beginning will do, and Citus takes no deletion that asks for the time itself.
    FORGET_SILENT = forget!(now!(sqlite)) => forget!("CAST(EXTRACT(EPOCH FROM now()) * 1000000 AS BIGINT)");
    CLAIM = claim!(sqlite) => claim!(postgres);
    OTHERS_SNAPSHOT = others!(sqlite) => others!(postgres);
    RELEASE = "UPDATE work_lease SET until_us = 0 WHERE shard = ?1 AND node = ?2";
    RELEASE_ALL = "UPDATE work_lease SET until_us = 0 WHERE node = ?1";
    LEAVE = "DELETE FROM node WHERE id = ?1";
}

/// A node that was silent for so long is forgotten: a day.
const FORGOTTEN_AFTER_US: i64 = 86_400_000_000;

pub(crate) async fn beat(db: &Db, node: i64, within_us: i64) -> Result<u32, StoreError> {
    db.execute(BEAT, &params![node]).await?;
    db.execute(FORGET_SILENT, &params![FORGOTTEN_AFTER_US]).await?;
    Ok(db.one(COUNT_SNAPSHOT, &params![within_us], |c| c.small()).await?.unwrap_or(1))
}

/// In the order given, which is the same everywhere: nobody waits in a circle.
pub(crate) async fn claim(
    db: &Db,
    node: i64,
    shards: &[Shard],
    lease_us: i64,
) -> Result<Vec<HeldWork>, StoreError> {
    let mut held = Vec::with_capacity(shards.len());
    for shard in shards {
        let fence = db.one(CLAIM, &params![shard.0, node, lease_us], |c| c.int()).await?;
        held.extend(fence.map(|fence| HeldWork { shard: *shard, fence }));
    }
    Ok(held)
}

pub(crate) async fn of_others(db: &Db, node: i64) -> Result<Vec<Shard>, StoreError> {
    db.all(OTHERS_SNAPSHOT, &params![node], |c| c.small().map(Shard)).await
}

pub(crate) async fn release(db: &Db, node: i64, shards: &[Shard]) -> Result<(), StoreError> {
    for shard in shards {
        db.execute(RELEASE, &params![shard.0, node]).await?;
    }
    Ok(())
}

pub(crate) async fn leave(db: &Db, node: i64) -> Result<(), StoreError> {
    db.execute(RELEASE_ALL, &params![node]).await?;
    db.execute(LEAVE, &params![node]).await.map(|_| ())
}
