//! Objects of control data: endpoints, deliveries, API keys, and who is asking.

use crate::text::{IdText, Instant};
use serde::Serialize;
use utoipa::ToSchema;

/// Where a merchant wants its events.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = WebhookEndpoint)]
pub struct EndpointObject<'a> {
    /// Its id.
    pub id: IdText,
    /// `webhook_endpoint`
    pub object: &'static str,
    /// `live` or `sandbox`.
    pub world: &'static str,
    /// Whose it is.
    pub merchant: IdText,
    /// The address.
    pub url: &'a str,
    /// Types of events: exact, `payment.*` or `*`.
    pub events: &'a [String],
    /// For people.
    pub description: Option<&'a str>,
    /// enabled, failing or disabled.
    pub status: &'static str,
    /// The signing secret (`whsec_…`), in the first answer only.
    pub secret: Option<&'a str>,
    /// Business time.
    pub created_at: Instant,
    /// Business time.
    pub updated_at: Instant,
    /// Rises with every change; may skip.
    pub sequence: i64,
}

/// One try at a delivery.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct DeliveryTry<'a> {
    /// Real time.
    pub at: Instant,
    /// The HTTP status of the answer, if there was one.
    pub status: Option<u16>,
    /// How long it took.
    pub latency_ms: i64,
    /// What went wrong.
    pub error: Option<&'a str>,
}

/// An event on its way to one address.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Delivery)]
pub struct DeliveryObject<'a> {
    /// Its id.
    pub id: IdText,
    /// `delivery`
    pub object: &'static str,
    /// `live` or `sandbox`.
    pub world: &'static str,
    /// Whose it is.
    pub merchant: IdText,
    /// The event.
    pub event: IdText,
    /// The endpoint; null for a payment's own `notify_url`.
    pub endpoint: Option<IdText>,
    /// The address.
    pub url: &'a str,
    /// pending, succeeded or failed.
    pub status: &'static str,
    /// The tries made, oldest first, at most the last 50.
    pub attempts: Vec<DeliveryTry<'a>>,
    /// When it is tried next, real time.
    pub next_attempt_at: Option<Instant>,
    /// The event's business time.
    pub created_at: Instant,
    /// The time of the last try, or as `created_at`.
    pub updated_at: Instant,
    /// Rises with every change; may skip.
    pub sequence: i64,
}

/// A key of the API.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = ApiKey)]
pub struct ApiKeyObject<'a> {
    /// Its id, the `keyid` of signatures.
    pub id: IdText,
    /// `api_key`
    pub object: &'static str,
    /// `live` or `sandbox`.
    pub world: &'static str,
    /// Whose it is.
    pub merchant: IdText,
    /// For people.
    pub name: &'a str,
    /// The public key in PEM; null for a bearer key.
    pub public_key: Option<&'a str>,
    /// The bearer token (`fqsk_sandbox_…`), in the first answer only.
    pub bearer: Option<&'a str>,
    /// What it may do; empty: everything.
    pub permissions: &'a [String],
    /// Addresses and networks it may come from; empty: any.
    pub ip_allow: &'a [String],
    /// Real time.
    pub expires_at: Option<Instant>,
    /// Real time.
    pub revoked_at: Option<Instant>,
    /// Real time.
    pub created_at: Instant,
    /// Real time.
    pub updated_at: Instant,
    /// Rises with every change; may skip.
    pub sequence: i64,
}

/// Who is asking: the first call to sign.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct WhoAmI<'a> {
    /// `whoami`
    pub object: &'static str,
    /// The merchant that the key acts for.
    pub merchant: IdText,
    /// `live` or `sandbox`.
    pub world: &'static str,
    /// The key.
    pub key: IdText,
    /// What the key may do; empty: everything.
    pub permissions: &'a [String],
    /// Real time.
    pub server_time: Instant,
    /// The server's version.
    pub version: &'a str,
    /// IANA zone of the merchant's business day.
    pub business_zone: &'a str,
    /// Natural days from capture to maturity.
    pub maturity_days: u16,
}
