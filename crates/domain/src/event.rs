//! Events: what a merchant is told, one per transition, out of the committed state.

use crate::id::{CaptureId, EventId, MerchantId, PaymentId, RefundId};
use crate::payment::state::words;

words! {
    /// Every type of event.
    Type {
        #[allow(missing_docs)]
        PaymentCreated = "payment.created",
        #[allow(missing_docs)]
        PaymentRequiresAction = "payment.requires_action",
        #[allow(missing_docs)]
        PaymentProcessing = "payment.processing",
        #[allow(missing_docs)]
        PaymentAuthorized = "payment.authorized",
        #[allow(missing_docs)]
        PaymentSucceeded = "payment.succeeded",
        #[allow(missing_docs)]
        PaymentFailed = "payment.failed",
        #[allow(missing_docs)]
        PaymentClosed = "payment.closed",
        #[allow(missing_docs)]
        PaymentFlagged = "payment.flagged",
        #[allow(missing_docs)]
        CaptureSucceeded = "capture.succeeded",
        #[allow(missing_docs)]
        CaptureFailed = "capture.failed",
        #[allow(missing_docs)]
        RefundCreated = "refund.created",
        #[allow(missing_docs)]
        RefundRequiresAttention = "refund.requires_attention",
        #[allow(missing_docs)]
        RefundSucceeded = "refund.succeeded",
        #[allow(missing_docs)]
        RefundFailed = "refund.failed",
        /// A day's statement was formed.
        StatementReady = "statement.ready",
        #[allow(missing_docs)]
        WebhookEndpointFailing = "webhook_endpoint.failing",
        #[allow(missing_docs)]
        WebhookEndpointDisabled = "webhook_endpoint.disabled",
        #[allow(missing_docs)]
        WebhookEndpointRecovered = "webhook_endpoint.recovered",
        /// A test send, to one endpoint only.
        WebhookEndpointTest = "webhook_endpoint.test",
        /// It ends within 30, 7 days or a day; one event each.
        ApiKeyExpiring = "api_key.expiring",
        #[allow(missing_docs)]
        ApiKeyRevoked = "api_key.revoked",
    }
}

/// Which object an event is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Object {
    /// A payment.
    Payment(PaymentId),
    /// A capture.
    Capture(CaptureId),
    /// A refund.
    Refund(RefundId),
}

/// A decision's wish to tell the merchant of a transition. The body is made from the object as it will be committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Emit {
    /// The type.
    pub kind: Type,
    /// The object.
    pub object: Object,
    /// Its status before; `None` for an object that is new to the merchant.
    pub previous_status: Option<&'static str>,
}

/// An event as its row holds it.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Position in the shard's order; 0 until the commit hands it out.
    pub seq: i64,
    /// Its id, also `webhook-id`.
    pub id: EventId,
    /// Whose it is.
    pub merchant: MerchantId,
    /// The type.
    pub kind: Type,
    /// The 16 bytes of the object's id.
    pub object: crate::id::Uid,
    /// The object's sequence then.
    pub object_sequence: i64,
    /// Business time, microseconds.
    pub created_at_us: i64,
    /// The body as it is sent, JSON text.
    pub body: String,
    /// Whether the body holds personal data, so that it rests sealed.
    pub is_personal: bool,
    /// Where it goes; the first is a part of the event's own row.
    pub deliveries: Vec<NewDelivery>,
}

/// Where an event shall be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDelivery {
    /// An endpoint's id, or `None` for the payment's own `notify_url`.
    pub endpoint: Option<crate::id::EndpointId>,
    /// The address at that time.
    pub url: String,
    /// Real time from which it is due, microseconds.
    pub due_at_us: i64,
}
