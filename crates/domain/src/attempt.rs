//! An attempt: one possible charge at a channel. Its row is the job that makes the call.

use crate::channel::{Failure, SandboxOutcome};
use crate::id::{AttemptId, ChannelAccountId, KeyId, MerchantId, PaymentId};
use crate::job::Job;
use crate::payment::Scene;
use crate::payment::state::words;
use ledger::Day;
use money::Amount;

words! {
    /// DESIGN section 5. `unknown` is an attempt's, never ends a payment, and is never left by counting.
    Status {
        /// Recorded, the call is about to be made.
        Created = "created",
        /// The payer must act.
        RequiresAction = "requires_action",
        /// The channel works on it, or it took a sum that a person must look at.
        Processing = "processing",
        /// The outcome of the call is not known.
        Unknown = "unknown",
        /// It took (or holds) the money.
        Succeeded = "succeeded",
        /// Declined.
        Failed = "failed",
        /// Closed at the channel, unpaid.
        Closed = "closed",
    }
}

impl Status {
    /// True while it may still take money as far as we know.
    pub fn is_open(self) -> bool {
        match self {
            Status::Created | Status::RequiresAction | Status::Processing | Status::Unknown => true,
            Status::Succeeded | Status::Failed | Status::Closed => false,
        }
    }
}

/// An attempt as its row holds it.
#[derive(Debug, Clone, PartialEq)]
pub struct Attempt {
    /// Its id; without prefix the request number at the channel, the same on every retry.
    pub id: AttemptId,
    /// Its payment.
    pub payment: PaymentId,
    /// Its merchant.
    pub merchant: MerchantId,
    /// The key whose request made it; `None` for one that the platform made.
    pub acting_key: Option<KeyId>,
    /// Where it stands.
    pub status: Status,
    /// The method.
    pub method: String,
    /// The scene.
    pub scene: Scene,
    /// The channel account it is sent to.
    pub channel_account: ChannelAccountId,
    /// What is asked.
    pub amount: Amount,
    /// The channel's number.
    pub channel_trade_no: Option<String>,
    /// Why it failed.
    pub failure: Option<Failure>,
    /// What the sandbox channel shall do.
    pub sandbox_outcome: Option<SandboxOutcome>,
    /// What the channel says it took, once it says so.
    pub taken: Option<Amount>,
    /// The bill date of what it took.
    pub bill_date: Option<Day>,
    /// Taken but neither the payment's nor yet sent back: the balance of 2910 {attempt}.
    pub held_minor: i64,
    /// Given back already, or on the way, of what it took and the payment did not keep.
    pub sent_back_minor: i64,
    /// A later statement of the channel that contradicts what is booked, for review.
    pub contradiction: Option<String>,
    /// The work that remains to be done for it.
    pub job: Job,
    /// Business time of creation, microseconds.
    pub created_at_us: i64,
    /// Business time of the last change.
    pub updated_at_us: i64,
    /// Rises with every change.
    pub sequence: i64,
}

/// How a contradiction begins that says: the channel holds money which the payment can't use.
pub(crate) const UNUSABLE_HOLD: &str = "authorized ";

impl Attempt {
    /// The channel holds (or held) a sum that the payment can't use: it is asked to give it up.
    pub fn reports_unusable_hold(&self) -> bool {
        self.contradiction.as_deref().is_some_and(|said| said.starts_with(UNUSABLE_HOLD))
    }
}
