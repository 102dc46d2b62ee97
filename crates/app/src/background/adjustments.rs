//! Second halves of adjustments that whoever approved them did not book: it died, or the receiver's shard took no commit.

use super::{AT_ONCE, DUE_MAX};
use crate::App;
use domain::id::Shard;
use futures::{StreamExt, stream};

impl App {
    /// Books what is due, once each. In a loop of its own, for it depends on other shards; none of them is waited for: the next look
    /// finds again what could not be done.
    pub(super) async fn deliver_due(&self, shard: Shard) {
        if self.0.gate.is_held() || !self.0.duty.is_ours(shard) {
            return;
        }
        match self.store().adjustments_due(shard, self.0.clock.real_now_us(), DUE_MAX).await {
            Ok(due) => {
                let deliver = |adjustment| async move { self.deliver_or_later(&adjustment).await };
                stream::iter(due).map(deliver).buffer_unordered(AT_ONCE).for_each(async |_| ()).await;
            }
            Err(error) => tracing::warn!(%error, shard = shard.0, "looking for adjustments came to nothing"),
        }
    }
}
