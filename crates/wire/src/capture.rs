//! A capture.

use crate::attempt::FailureObject;
use crate::text::{IdText, Instant, Money};
use domain::capture::Capture;
use domain::id::World;
use serde::Serialize;
use utoipa::ToSchema;

/// Money taken from an authorization.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Capture)]
pub struct CaptureObject<'a> {
    /// Its id.
    pub id: IdText,
    /// `capture`
    pub object: &'static str,
    /// `live` or `sandbox`.
    pub world: &'static str,
    /// Whose it is.
    pub merchant: IdText,
    /// Its payment.
    pub payment: IdText,
    /// How much.
    pub amount: Money,
    /// Whether what remains of the authorization is given up with it.
    #[serde(rename = "final")]
    pub is_final: bool,
    /// pending, succeeded or failed.
    pub status: &'static str,
    /// Why it failed.
    pub failure: Option<FailureObject<'a>>,
    /// Business time.
    pub created_at: Instant,
    /// Business time.
    pub updated_at: Instant,
    /// Rises with every change; may skip.
    pub sequence: i64,
}

impl<'a> CaptureObject<'a> {
    /// Shows a capture.
    pub fn of(capture: &'a Capture, world: World) -> CaptureObject<'a> {
        CaptureObject {
            id: IdText::of(capture.id),
            object: "capture",
            world: world.as_str(),
            merchant: IdText::of(capture.merchant),
            payment: IdText::of(capture.payment),
            amount: capture.amount.into(),
            is_final: capture.is_final,
            status: capture.status.as_str(),
            failure: capture.failure.as_ref().map(FailureObject::of),
            created_at: Instant(capture.created_at_us),
            updated_at: Instant(capture.updated_at_us),
            sequence: capture.sequence,
        }
    }
}
