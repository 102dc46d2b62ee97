//! A refund: money on its way back to a payer, through the channel that took it.

pub mod apply;
pub mod request;

use crate::channel::{Failure, SandboxOutcome};
use crate::id::{AttemptId, ChannelAccountId, KeyId, MerchantId, PaymentId, RefundId};
use crate::job::Job;
use crate::payment::state::words;
use ledger::{Day, Line};
use money::Amount;

words! {
    /// Where a refund stands.
    Status {
        /// Accepted and booked; the channel has not said that it took it.
        Pending = "pending",
        /// The channel can't do it as things are; a person or a retry must act.
        RequiresAttention = "requires_attention",
        /// The channel took the money.
        Succeeded = "succeeded",
        /// Final; its amount is free again.
        Failed = "failed",
    }
}

words! {
    /// What kind of refund.
    Kind {
        /// Asked for by the merchant, out of the merchant's money.
        Merchant = "merchant",
        /// Made by the platform: money that the payment may not keep.
        Automatic = "automatic",
    }
}

/// A refund as its row holds it.
#[derive(Debug, Clone, PartialEq)]
pub struct Refund {
    /// Its id; without prefix its number at the channel, the same on every retry.
    pub id: RefundId,
    /// Its payment.
    pub payment: PaymentId,
    /// The attempt whose money goes back.
    pub attempt: AttemptId,
    /// Its merchant.
    pub merchant: MerchantId,
    /// The key whose request made it; `None` for one that the platform made.
    pub acting_key: Option<KeyId>,
    /// The channel account.
    pub channel_account: ChannelAccountId,
    /// The payment's number at the merchant.
    pub merchant_order_no: String,
    /// The merchant's number for the refund; `None` for one that the platform made.
    pub merchant_refund_no: Option<String>,
    /// Who asked for it.
    pub kind: Kind,
    /// How much.
    pub amount: Amount,
    /// Where it stands.
    pub status: Status,
    /// The merchant's words.
    pub reason: Option<String>,
    /// Fee given back to the merchant with it.
    pub fee_returned_minor: i64,
    /// Refund fee charged for it.
    pub fee_charged_minor: i64,
    /// Channel's cost given back with it.
    pub cost_returned_minor: i64,
    /// The lines of its acceptance, to be turned round exactly if it fails.
    pub accepted_lines: Vec<Line>,
    /// The balance of 2130 {refund}.
    pub in_transit_minor: i64,
    /// The channel's number.
    pub channel_refund_no: Option<String>,
    /// The bill date of its money at the channel.
    pub bill_date: Option<Day>,
    /// Why it failed.
    pub failure: Option<Failure>,
    /// What the sandbox channel shall do.
    pub sandbox_outcome: Option<SandboxOutcome>,
    /// A later statement of the channel that contradicts what is booked.
    pub contradiction: Option<String>,
    /// The work that remains.
    pub job: Job,
    /// When it succeeded, business time.
    pub succeeded_at_us: Option<i64>,
    /// Business time of creation, microseconds.
    pub created_at_us: i64,
    /// Business time of the last change.
    pub updated_at_us: i64,
    /// Rises with every change.
    pub sequence: i64,
}

/// The number under which the whole sum of an attempt that has come so far goes back: restored books that have forgotten it ask for
/// the same refund. One that fails is held again, and a person may send it back anew.
pub(crate) fn returned_as(attempt: &crate::attempt::Attempt) -> RefundId {
    RefundId(attempt.id.0.nth(attempt.id.0.tail(), attempt.sequence))
}

/// A refund that the platform itself must make: an attempt's whole sum goes back, with what the channel charges for it.
pub(crate) fn automatic(
    payment: &crate::payment::Payment,
    attempt: &crate::attempt::Attempt,
    id: RefundId,
    amount: Amount,
    cost_minor: i64,
    facts: &mut crate::decide::Facts<'_>,
) -> Refund {
    Refund {
        id,
        kind: Kind::Automatic,
        // What the channel charged for taking it is given back when it takes the refund.
        cost_returned_minor: cost_minor,
        // What a sandbox amount stands for is a merchant's wish, not the platform's.
        sandbox_outcome: Some(SandboxOutcome::Succeed),
        ..request::fresh(payment, attempt.id, attempt.channel_account, amount, facts)
    }
}
