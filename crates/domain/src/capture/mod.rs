//! A capture of an authorized payment: an object with its own life.

pub mod apply;
pub mod request;

use crate::channel::Failure;
use crate::id::{AttemptId, CaptureId, ChannelAccountId, KeyId, MerchantId, PaymentId};
use crate::job::Job;
use crate::payment::state::words;
use ledger::Day;
use money::Amount;

words! {
    /// Where a capture stands.
    Status {
        /// Sent or to be sent; also while its outcome is not known.
        Pending = "pending",
        /// Taken and booked.
        Succeeded = "succeeded",
        /// Refused by the channel.
        Failed = "failed",
    }
}

/// A capture as its row holds it.
#[derive(Debug, Clone, PartialEq)]
pub struct Capture {
    /// Its id; without prefix its number at the channel.
    pub id: CaptureId,
    /// Its payment.
    pub payment: PaymentId,
    /// The authorized attempt.
    pub attempt: AttemptId,
    /// Its merchant.
    pub merchant: MerchantId,
    /// The key whose request made it; `None` for one that the platform made.
    pub acting_key: Option<KeyId>,
    /// The channel account.
    pub channel_account: ChannelAccountId,
    /// How much.
    pub amount: Amount,
    /// Whether the rest of the authorization is given up with it.
    pub is_final: bool,
    /// Where it stands.
    pub status: Status,
    /// Its part of the payment's fee.
    pub fee_minor: i64,
    /// Its part of the channel's cost.
    pub cost_minor: i64,
    /// The day its money matures.
    pub available_on: Option<Day>,
    /// The channel's bill it stands on.
    pub bill_date: Option<Day>,
    /// Why it failed.
    pub failure: Option<Failure>,
    /// The work that remains.
    pub job: Job,
    /// Business time of creation, microseconds.
    pub created_at_us: i64,
    /// Business time of the last change.
    pub updated_at_us: i64,
    /// Rises with every change.
    pub sequence: i64,
}
