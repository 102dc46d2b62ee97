//! What may go with time: events and their deliveries, tries at deliveries, what was decided under idempotency keys, and the rows
//! that settle commits. Money rows and natural keys never do;
//! lines of the journal only when they rest in a file: see [`crate::archive`].

use crate::StoreError;
use async_trait::async_trait;
use domain::id::{MerchantId, Shard};
use std::collections::HashSet;

/// What grows old.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Aging {
    /// Events with their deliveries. One goes when all are sent or given up, and only behind all older ones of its merchant. The
    /// newest old one stays until the next has grown old too: while the event that a reader stopped at is there, it missed nothing.
    Events,
    /// Tries made at deliveries.
    DeliveryAttempts,
    /// What was decided under idempotency keys, with the nonces, unless it is about a payment or refund that is not final.
    Idempotency,
    /// The rows that tell whether a commit took place. One that stands for a commit which must never take place stays.
    Batches,
}

impl Aging {
    /// All of them.
    pub const ALL: [Aging; 4] = [Aging::Events, Aging::DeliveryAttempts, Aging::Idempotency, Aging::Batches];

    /// The table that it goes from.
    pub fn table(self) -> &'static str {
        match self {
            Aging::Events => "event",
            Aging::DeliveryAttempts => "delivery_attempt",
            Aging::Idempotency => "idempotency",
            Aging::Batches => "journal_batch",
        }
    }
}

/// How far a walk through a table has come.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    /// The first columns of the key, in order; zeros before the first row.
    pub(crate) keys: [[u8; 16]; 2],
    /// Its number, where it has one.
    pub(crate) number: i64,
    /// Merchants of which an old event had to stay: their later ones stay too.
    pub(crate) stopped: HashSet<MerchantId>,
}

impl Place {
    /// Somewhere in a table whose rows stand in no order of time: a walk that begins anew with every start of a program would come to the
    /// last ones too seldom. Events are walked from their beginning.
    pub fn anywhere(aging: Aging, merchant: Option<MerchantId>, random: [u8; 16]) -> Place {
        match aging {
            Aging::Events | Aging::DeliveryAttempts => Place::default(),
            Aging::Batches => Place { keys: [random, [0; 16]], ..Place::default() },
            Aging::Idempotency => {
                Place { keys: [merchant.map_or([0; 16], |id| id.0.0), random], ..Place::default() }
            }
        }
    }
}

/// What one look did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forgotten {
    /// Rows of [`Aging::table`] that were removed.
    pub removed: u64,
    /// Where to go on; `None` at the end.
    pub next: Option<Place>,
}

/// See the module.
#[async_trait]
pub trait Retention {
    /// Looks at no more than `limit` rows behind `from` and removes those from before `before_us`, real time.
    async fn forget(
        &self,
        shard: Shard,
        aging: Aging,
        before_us: i64,
        from: Place,
        limit: u32,
    ) -> Result<Forgotten, StoreError>;
}
