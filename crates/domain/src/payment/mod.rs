//! A payment: what a merchant asks to be paid, with its attempts at channels.

pub mod apply;
pub mod create;
pub mod end;
pub mod resolve;
pub mod retry;
pub(crate) mod sale;
pub mod state;

pub use state::{CaptureMode, Scene, Status, StatusReason};

use crate::channel::{Action, Failure, SandboxOutcome};
use crate::id::{AttemptId, KeyId, MerchantId, PaymentId, PriceId};
use ledger::Day;
use money::{Amount, Currency};
use std::sync::Arc;

/// The longest that a payment may stay open: thirty days.
pub const EXPIRES_IN_MAX_US: i64 = 30 * 24 * 3_600 * 1_000_000;

/// A payment as its row holds it. `details` never change after creation.
#[derive(Debug, Clone, PartialEq)]
pub struct Payment {
    /// Its id.
    pub id: PaymentId,
    /// Whose it is.
    pub merchant: MerchantId,
    /// The merchant's number, unique per merchant for ever.
    pub merchant_order_no: String,
    /// Where it stands.
    pub status: Status,
    /// Why, where the status alone does not say.
    pub status_reason: Option<StatusReason>,
    /// What was asked.
    pub amount: Amount,
    /// Open authorization at the channel, the balance of 9010 {payment}.
    pub authorized_minor: i64,
    /// Captures under way.
    pub capturing_minor: i64,
    /// Captured, fee not yet taken off.
    pub captured_minor: i64,
    /// Refunds that succeeded.
    pub refunded_minor: i64,
    /// Refunds pending or requiring attention.
    pub refunding_minor: i64,
    /// Fee charged for what is captured; `None` until money is captured.
    pub fee_minor: Option<i64>,
    /// Fee given back by live (pending, requiring attention, succeeded) refunds.
    pub fee_returned_minor: i64,
    /// Channel's cost accrued.
    pub cost_minor: i64,
    /// Channel's cost given back by succeeded refunds.
    pub cost_returned_minor: i64,
    /// `sandbox`, `wechat_pay`, …
    pub method: String,
    /// Where and how the payer pays.
    pub scene: Scene,
    /// Whether capturing is a step of its own.
    pub capture_mode: CaptureMode,
    /// The price version that charges it.
    pub price: PriceId,
    /// When an unpaid order ends, business time in microseconds.
    pub expires_at_us: i64,
    /// When the channel's window for captures ends, business time.
    pub authorization_expires_at_us: Option<i64>,
    /// Why it shall be closed or voided at the channel; set while that is under way.
    pub ending: Option<StatusReason>,
    /// The key whose close or void was taken up last, whatever came of it.
    pub ended_by: Option<KeyId>,
    /// What the payer must do.
    pub next_action: Option<Action>,
    /// Why the latest try failed.
    pub failure: Option<Failure>,
    /// The newest attempt.
    pub latest_attempt: Option<AttemptId>,
    /// The attempt that may still take money; no second one is made while it is set.
    pub open_attempt: Option<AttemptId>,
    /// The attempt that took the money; refunds go through its channel.
    pub paid_attempt: Option<AttemptId>,
    /// The day on which its (latest) capture matures; the account 2010 that took its gross.
    pub available_on: Option<Day>,
    /// Business time of creation, microseconds.
    pub created_at_us: i64,
    /// Business time of the last change.
    pub updated_at_us: i64,
    /// When it was authorized.
    pub authorized_at_us: Option<i64>,
    /// When it was paid.
    pub paid_at_us: Option<i64>,
    /// When it was closed or failed.
    pub closed_at_us: Option<i64>,
    /// Rises with every change; the guard of every write.
    pub sequence: i64,
    /// What never changes.
    pub details: Arc<Details>,
}

/// The part of a payment that is fixed at creation. JSON members are kept as the compact text that was accepted.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Details {
    /// What is sold, up to 127 characters.
    pub subject: String,
    /// More words.
    pub description: Option<String>,
    /// Items, a JSON array of at most 4 KiB.
    pub goods: Option<String>,
    /// The merchant's own data, a JSON object of at most 8 KiB.
    pub metadata: Option<String>,
    /// Personal data about the payer, a JSON object; sealed at rest.
    pub payer: Option<Personal>,
    /// The payer's address; sealed at rest.
    pub client_ip: Option<Personal>,
    /// The device, a JSON object; sealed at rest.
    pub device: Option<Personal>,
    /// The merchant's store.
    pub store: Option<String>,
    /// The merchant's terminal.
    pub terminal: Option<String>,
    /// Where this payment's events are also sent.
    pub notify_url: Option<String>,
    /// Where the payer's browser goes afterwards.
    pub return_url: Option<String>,
    /// What the sandbox channel shall do.
    pub sandbox_outcome: Option<SandboxOutcome>,
    /// The key that created it.
    pub created_by: Option<KeyId>,
}

impl Details {
    /// Whether anything of it is personal, so that a copy of it must rest sealed too.
    pub fn has_personal(&self) -> bool {
        self.payer.is_some() || self.client_ip.is_some() || self.device.is_some()
    }
}

/// Personal data: never shown by `Debug`, sealed at rest.
#[derive(Clone, PartialEq, Eq)]
pub struct Personal(pub String);

impl std::fmt::Debug for Personal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[personal]")
    }
}

impl Payment {
    /// Its currency.
    pub fn currency(&self) -> Currency {
        self.amount.currency()
    }

    /// What may still be refunded: captured less every live refund.
    pub fn refundable_minor(&self) -> i64 {
        self.captured_minor.saturating_sub(self.refunded_minor).saturating_sub(self.refunding_minor)
    }

    /// What may still be captured: authorized less captures under way. The memo 9010 falls with each capture.
    pub fn capturable_minor(&self) -> i64 {
        self.authorized_minor.saturating_sub(self.capturing_minor)
    }
}
