//! A refund.

use crate::attempt::FailureObject;
use crate::text::{IdText, Instant, Money};
use domain::id::World;
use domain::refund::Refund;
use serde::Serialize;
use utoipa::ToSchema;

/// Money on its way back to a payer.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Refund)]
pub struct RefundObject<'a> {
    /// Its id; without prefix, its number at the channel.
    pub id: IdText,
    /// `refund`
    pub object: &'static str,
    /// `live` or `sandbox`.
    pub world: &'static str,
    /// Whose it is.
    pub merchant: IdText,
    /// The payment whose money goes back.
    pub payment: IdText,
    /// That payment's number at the merchant.
    pub merchant_order_no: &'a str,
    /// The merchant's number; null for a refund that the platform itself made.
    pub merchant_refund_no: Option<&'a str>,
    /// How much.
    pub amount: Money,
    /// What the merchant gets back of the payment's fee; 0 again once the refund failed.
    pub fee_returned: Money,
    /// What the merchant pays for the refund.
    pub fee_charged: Money,
    /// The merchant's words.
    pub reason: Option<&'a str>,
    /// pending, requires_attention, succeeded or failed.
    pub status: &'static str,
    /// The channel's number, once known.
    pub channel_refund_no: Option<&'a str>,
    /// Why it failed.
    pub failure: Option<FailureObject<'a>>,
    /// When the channel had taken it, business time.
    pub succeeded_at: Option<Instant>,
    /// Business time.
    pub created_at: Instant,
    /// Business time.
    pub updated_at: Instant,
    /// Rises with every change; may skip.
    pub sequence: i64,
}

impl<'a> RefundObject<'a> {
    /// Shows a refund.
    pub fn of(refund: &'a Refund, world: World) -> RefundObject<'a> {
        RefundObject {
            id: IdText::of(refund.id),
            object: "refund",
            world: world.as_str(),
            merchant: IdText::of(refund.merchant),
            payment: IdText::of(refund.payment),
            merchant_order_no: &refund.merchant_order_no,
            merchant_refund_no: refund.merchant_refund_no.as_deref(),
            amount: refund.amount.into(),
            fee_returned: Money::like(refund.fee_returned_minor, refund.amount),
            fee_charged: Money::like(refund.fee_charged_minor, refund.amount),
            reason: refund.reason.as_deref(),
            status: refund.status.as_str(),
            channel_refund_no: refund.channel_refund_no.as_deref(),
            failure: refund.failure.as_ref().map(FailureObject::of),
            succeeded_at: refund.succeeded_at_us.map(Instant),
            created_at: Instant(refund.created_at_us),
            updated_at: Instant(refund.updated_at_us),
            sequence: refund.sequence,
        }
    }
}
