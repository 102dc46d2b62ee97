//! How many rows lanes wrote, by table: the row budget of DESIGN section 4 is counted with it.

use std::sync::atomic::{AtomicU64, Ordering};

macro_rules! tables {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// Rows written by committed batches since the store was opened; inserts and updates count alike.
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
        pub struct RowCounts { $($(#[$doc])* pub $name: u64,)* }

        impl RowCounts {
            /// All rows.
            pub fn total(&self) -> u64 {
                0 $(+ self.$name)*
            }

            /// What was written since `earlier`.
            #[must_use]
            pub fn since(&self, earlier: &RowCounts) -> RowCounts {
                RowCounts { $($name: self.$name.saturating_sub(earlier.$name),)* }
            }
        }

        /// The counters behind [`RowCounts`].
        #[derive(Debug, Default)]
        pub(crate) struct Counters { $($name: AtomicU64,)* }

        impl Counters {
            pub(crate) fn add(&self, counts: &RowCounts) {
                $(if counts.$name != 0 { self.$name.fetch_add(counts.$name, Ordering::Relaxed); })*
            }

            pub(crate) fn read(&self) -> RowCounts {
                RowCounts { $($name: self.$name.load(Ordering::Relaxed),)* }
            }
        }
    };
}

tables! {
    /// `idempotency`
    idempotency,
    /// `natural_key`: on PostgreSQL, where it stands in for unique indexes.
    natural_key,
    /// `payment`
    payment,
    /// `attempt`
    attempt,
    /// `capture`
    capture,
    /// `refund`
    refund,
    /// `adjustment`
    adjustment,
    /// `arrival`
    arrival,
    /// `merchant_head`
    merchant_head,
    /// `journal_tx`
    journal_tx,
    /// `journal_entry`
    journal_entry,
    /// `balance`
    balance,
    /// `event`
    event,
    /// `delivery`: destinations after the first.
    delivery,
    /// `platform_balance`
    platform_balance,
    /// `journal_batch`: one a commit.
    journal_batch,
    /// `shard_head`: one a commit.
    shard_head,
}
