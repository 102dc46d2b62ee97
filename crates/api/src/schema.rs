//! Inputs as the OpenAPI document describes them. The readers in `v1` are what counts; a test compares their fields.

#![allow(dead_code)] // described, never built: bodies are read field by field to name every fault

use serde::Serialize;
use utoipa::ToSchema;
use wire::{Instant, Money};

/// What `POST /v1/payments` takes.
#[derive(ToSchema)]
pub struct PaymentInput {
    /// 1 to 64 of 0-9 A-Z a-z _ -; stands for this payment for ever.
    pub merchant_order_no: String,
    /// Above zero.
    pub amount: Money,
    /// sandbox, wechat_pay, alipay, unionpay, card, …
    pub method: String,
    /// qr_code, bar_code, mini_program, app, h5, web, card or pos.
    pub scene: String,
    /// 1 to 127 characters.
    pub subject: String,
    /// automatic (default) or manual.
    pub capture_mode: Option<String>,
    /// Business time; two hours ahead by default, at most 30 days.
    pub expires_at: Option<Instant>,
    /// The code that the payer shows; bar_code needs it.
    pub auth_code: Option<String>,
    /// At most 255 characters.
    pub description: Option<String>,
    /// At most 4 KiB.
    #[schema(value_type = Option<Vec<Object>>)]
    pub goods: Option<()>,
    /// At most 50 names of 40 characters, values of 500, 8 KiB in all.
    #[schema(value_type = Option<std::collections::BTreeMap<String, String>>)]
    pub metadata: Option<()>,
    /// At most 1 KiB.
    #[schema(value_type = Option<Object>)]
    pub payer: Option<()>,
    /// The payer's address.
    pub client_ip: Option<String>,
    /// At most 512 bytes.
    #[schema(value_type = Option<Object>)]
    pub device: Option<()>,
    /// At most 64 characters.
    pub store: Option<String>,
    /// At most 64 characters.
    pub terminal: Option<String>,
    /// This payment's events are also sent there.
    pub notify_url: Option<String>,
    /// Where the payer's browser goes afterwards.
    pub return_url: Option<String>,
    /// Sandbox only: succeed (default), decline, needs_password, timeout, answer_late, callback_twice, callback_first,
    /// contradict, pay_after_close, other_amount or other_currency.
    pub sandbox_outcome: Option<String>,
}

/// What `POST …/attempts` takes.
#[derive(ToSchema)]
pub struct AttemptInput {
    /// As the payment's by default.
    pub method: Option<String>,
    /// As the payment's by default.
    pub scene: Option<String>,
    /// The code that the payer shows; bar_code needs it.
    pub auth_code: Option<String>,
    /// Sandbox only, as on payments.
    pub sandbox_outcome: Option<String>,
}

/// What `POST …/captures` takes.
#[derive(ToSchema)]
pub struct CaptureInput {
    /// All that remains by default.
    pub amount: Option<Money>,
    /// Gives up what remains; true by default when nothing remains after it.
    pub r#final: Option<bool>,
}

/// What `POST /v1/refunds` takes: exactly one of payment and merchant_order_no.
#[derive(ToSchema)]
pub struct RefundInput {
    /// The payment's id.
    pub payment: Option<String>,
    /// The payment's number at the merchant.
    pub merchant_order_no: Option<String>,
    /// 1 to 64 of 0-9 A-Z a-z _ -; stands for this refund for ever.
    pub merchant_refund_no: String,
    /// All that remains by default.
    pub amount: Option<Money>,
    /// At most 255 characters.
    pub reason: Option<String>,
    /// Sandbox only: succeed (default), lose_answer or fail.
    pub sandbox_outcome: Option<String>,
}

/// What `POST /v1/webhook_endpoints` takes.
#[derive(ToSchema)]
pub struct WebhookEndpointInput {
    /// http or https.
    pub url: String,
    /// Types of events: exact, `payment.*` or `*` (default).
    pub events: Option<Vec<String>>,
    /// At most 255 characters.
    pub description: Option<String>,
}

/// What `PATCH /v1/webhook_endpoints/{id}` takes: what is absent stays.
#[derive(ToSchema)]
pub struct WebhookEndpointPatch {
    /// http or https.
    pub url: Option<String>,
    /// Types of events.
    pub events: Option<Vec<String>>,
    /// An empty one removes it.
    pub description: Option<String>,
    /// enabled or disabled.
    pub status: Option<String>,
}

/// What `POST /v1/api_keys` takes: exactly one of public_key and generate_bearer.
#[derive(ToSchema)]
pub struct ApiKeyInput {
    /// For people.
    pub name: String,
    /// Ed25519, ECDSA P-256 or RSA (2048 bits or more), in PEM: a public key, or an X.509 certificate with whose validity the key
    /// begins and ends.
    pub public_key: Option<String>,
    /// Sandbox only.
    pub generate_bearer: Option<bool>,
    /// What it may do; empty: everything.
    pub permissions: Option<Vec<String>>,
    /// Addresses and networks it may come from; empty: any.
    pub ip_allow: Option<Vec<String>>,
    /// Real time.
    pub expires_at: Option<Instant>,
}

/// What `POST /v1/api_keys/{id}/rotate` takes.
#[derive(ToSchema)]
pub struct ApiKeyRotation {
    /// The public key or certificate that replaces the old one; needed unless the old key is a bearer key.
    pub public_key: Option<String>,
    /// When the new key ends, real time; absent: when the old one would have ended.
    pub expires_at: Option<Instant>,
}

/// What `POST /v1/sandbox/payments/{id}/pay` takes.
#[derive(ToSchema)]
pub struct SandboxPayInput {
    /// What the payment asked for by default.
    pub outcome: Option<String>,
}

/// What `POST /v1/sandbox/clock` takes: exactly one of both.
#[derive(ToSchema)]
pub struct SandboxClockInput {
    /// Above zero.
    pub advance_seconds: Option<i64>,
    /// A business time later than the present one.
    pub now: Option<Instant>,
}

/// A merchant's clock.
#[derive(Serialize, ToSchema)]
pub struct SandboxClock {
    /// The merchant's business time.
    pub now: Instant,
    /// How far it is ahead of real time.
    pub offset_seconds: i64,
    /// What came due by the move and is not done yet.
    pub pending: u32,
}
