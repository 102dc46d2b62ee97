//! A look into the database for deliveries that are due.

use crate::config::Config;
use arc_swap::ArcSwap;
use domain::id::Shard;
use store::reads::Delivery;
use store::{Store, StoreError};

/// A look into the database.
pub(super) struct Look {
    pub(super) rows: Vec<Delivery>,
    /// More may be due than was asked for.
    pub(super) full: bool,
}

/// Reads what is due. Rows of endpoints that this node's configuration does not know yet are left for later.
pub(super) async fn look(
    store: &dyn Store,
    config: &ArcSwap<Config>,
    shard: Shard,
    real_now_us: i64,
    limit: u32,
) -> Result<Look, StoreError> {
    let mut rows = store.deliveries_due(shard, real_now_us, limit).await?;
    let full = rows.len() >= usize::try_from(limit).unwrap_or(usize::MAX);
    let config = config.load_full();
    let known = |row: &Delivery| {
        let merchant = config.merchant(row.event.merchant);
        merchant.is_some_and(|m| row.endpoint.is_none_or(|id| m.endpoint(id).is_some()))
    };
    if !rows.iter().all(known) && store.snapshot_version().await? != config.version {
        rows.retain(known);
    }
    Ok(Look { rows, full })
}

/// The look's task is gone.
pub(super) fn gone() -> StoreError {
    StoreError::Unavailable("the look ended early".to_owned())
}
