//! What keeps an installation safe over years: its own secrets, the hold after a restore, what channels know and the books do
//! not, and sealing everything again under a new version of the master key.

use crate::StoreError;
use async_trait::async_trait;
use domain::attempt::Attempt;
use domain::capture::Capture;
use domain::channel::Effect;
use domain::id::{AttemptId, CaptureId, ChannelAccountId, RefundId, Shard};
use domain::refund::Refund;

/// These books were restored from a backup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Restored {
    /// When, real time in microseconds.
    pub at_us: i64,
    /// The moment whose state they are, real time in microseconds.
    pub books_of_us: i64,
}

/// An effect that a channel knows and the books do not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LostEffect {
    /// The channel account.
    pub account: ChannelAccountId,
    /// What the channel did.
    pub effect: Effect,
    /// When it was found missing, real time in microseconds.
    pub found_at_us: i64,
    /// When a person said that it was dealt with.
    pub handled_at_us: Option<i64>,
}

/// A callback about a number that no row knew when it came.
#[derive(Clone, PartialEq, Eq)]
pub struct KeptNotice {
    /// Where it stands in the list.
    pub key: NoticeKey,
    /// When it came first, real time in microseconds.
    pub at_us: i64,
    /// When a person said that it was dealt with.
    pub handled_at_us: Option<i64>,
    /// Its bytes as received.
    pub body: Vec<u8>,
}

/// The place of a kept callback: account, the number it is about, digest of its bytes.
pub type NoticeKey = (ChannelAccountId, String, [u8; 32]);

/// Check values of the master key's versions that values may be sealed with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealing {
    /// Of the version that all values were sealed with before a rotation began, or have been since it ended.
    pub check: String,
    /// Of the version that new values are sealed with while a rotation is under way.
    pub next_check: Option<String>,
}

/// What one step of sealing again did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedAgain {
    /// The table and column that it was at.
    pub place: String,
    /// Rows looked at.
    pub looked: u64,
    /// Values sealed again.
    pub sealed: u64,
    /// Where to go on; `None` when every place was walked to its end.
    pub next: Option<String>,
}

/// See the module.
#[async_trait]
#[allow(missing_docs)] // the names say it
pub trait Safekeeping {
    /// A secret of the installation itself; sealed at rest.
    async fn installation_secret(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError>;
    /// Keeps it; one that is there stays.
    async fn keep_installation_secret(&self, name: &str, value: &[u8]) -> Result<(), StoreError>;

    /// Holds the installation from now on. `restored` is noted with it and stays when the hold is lifted.
    async fn hold(&self, since_us: i64, restored: Option<Restored>) -> Result<(), StoreError>;
    /// Lifts the hold.
    async fn release(&self) -> Result<(), StoreError>;
    /// Notes what a channel knows and the books do not; what is noted already stays.
    async fn keep_lost(&self, lost: &[LostEffect]) -> Result<(), StoreError>;
    /// Callbacks that no row knew, in the order of their keys after `after`.
    async fn kept_notices(&self, after: Option<NoticeKey>, limit: u32)
    -> Result<Vec<KeptNotice>, StoreError>;

    /// A person has dealt with what a channel did or told under this number; false when nothing of it is noted.
    async fn mark_handled(
        &self,
        account: ChannelAccountId,
        number: &str,
        at_us: i64,
    ) -> Result<bool, StoreError>;

    /// Attempts with a job, due or not, soonest first after (due, id).
    async fn open_attempts(
        &self,
        shard: Shard,
        after: Option<(i64, AttemptId)>,
        limit: u32,
    ) -> Result<Vec<Attempt>, StoreError>;
    async fn open_captures(
        &self,
        shard: Shard,
        after: Option<(i64, CaptureId)>,
        limit: u32,
    ) -> Result<Vec<Capture>, StoreError>;
    async fn open_refunds(
        &self,
        shard: Shard,
        after: Option<(i64, RefundId)>,
        limit: u32,
    ) -> Result<Vec<Refund>, StoreError>;

    /// What the database says of the master key.
    async fn sealing(&self) -> Result<Sealing, StoreError>;
    /// Seals new values with this version from now on, here and in every process that opens the database later. The same
    /// version again changes nothing; another one while a rotation is under way is a conflict.
    async fn begin_rotation(&self, version: u32) -> Result<(), StoreError>;
    /// Looks at some rows more and seals again what is sealed with an older version than the newest. Begins at the first
    /// place without `from`; else goes on where [`SealedAgain::next`] said. Forgets nothing when it is killed: what is done
    /// is told by the values themselves.
    async fn seal_again(&self, from: Option<&str>) -> Result<SealedAgain, StoreError>;
    /// Ends the rotation: older versions are not needed by any value any more.
    async fn end_rotation(&self) -> Result<(), StoreError>;
}
