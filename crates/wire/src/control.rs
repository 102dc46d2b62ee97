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
    /// The certificate that it came in; null for a bare key.
    pub certificate: Option<CertificateObject<'a>>,
    /// The bearer token (`fqsk_sandbox_…`), in the first answer only.
    pub bearer: Option<&'a str>,
    /// What it may do; empty: everything.
    pub permissions: &'a [String],
    /// Addresses and networks it may come from; empty: any.
    pub ip_allow: &'a [String],
    /// Real time: as asked for, and with its certificate at the latest.
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

/// What is kept of an X.509 certificate.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Certificate)]
pub struct CertificateObject<'a> {
    /// Its serial number, hexadecimal.
    pub serial: &'a str,
    /// SHA-256 of its DER bytes, hexadecimal.
    pub fingerprint: &'a str,
    /// notBefore: before it the key is refused.
    pub begins_at: Instant,
    /// notAfter: the key ends with it.
    pub ends_at: Instant,
}

/// Who is asking: the first call to sign.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct WhoAmI<'a> {
    /// `whoami`
    pub object: &'static str,
    /// The merchant that the key acts for; null for a partner's key whose request names none.
    pub merchant: Option<IdText>,
    /// The partner whose key it is; null for a merchant's key.
    pub partner: Option<IdText>,
    /// `live` or `sandbox`.
    pub world: &'static str,
    /// The key.
    pub key: IdText,
    /// What the key may do; empty: everything.
    pub permissions: &'a [String],
    /// When the key ends, real time; null when it does not.
    pub key_expires_at: Option<Instant>,
    /// Real time.
    pub server_time: Instant,
    /// The server's version.
    pub version: &'a str,
    /// IANA zone of the merchant's business day; null without a merchant.
    pub business_zone: Option<&'a str>,
    /// Natural days from capture to maturity; null without a merchant.
    pub maturity_days: Option<u16>,
}
