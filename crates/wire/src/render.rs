//! One function per noun: entities in, objects out.

use crate::{
    ApiKeyObject, AttemptObject, CaptureObject, CertificateObject, EventObject, IdText, Instant,
    PaymentObject, RefundObject,
};
use domain::api_key::ApiKey;
use domain::attempt::Attempt;
use domain::capture::Capture;
use domain::event::Event;
use domain::id::{MerchantId, World};
use domain::payment::Payment;
use domain::refund::Refund;

/// A payment with its newest attempt.
pub fn payment<'a>(payment: &'a Payment, latest: Option<&'a Attempt>, world: World) -> PaymentObject<'a> {
    PaymentObject::of(payment, latest, world)
}

/// An attempt by itself.
pub fn attempt(attempt: &Attempt, world: World) -> AttemptObject<'_> {
    AttemptObject::of(attempt, world)
}

/// A capture.
pub fn capture(capture: &Capture, world: World) -> CaptureObject<'_> {
    CaptureObject::of(capture, world)
}

/// A refund.
pub fn refund(refund: &Refund, world: World) -> RefundObject<'_> {
    RefundObject::of(refund, world)
}

/// An event.
pub fn event(event: &Event, world: World) -> EventObject<'_> {
    EventObject::of(event, world)
}

/// A key of a merchant's; `bearer` in the answer that makes it only.
pub fn api_key<'k>(key: &'k ApiKey, merchant: MerchantId, bearer: Option<&'k str>) -> ApiKeyObject<'k> {
    let certificate = key.certificate.as_ref().map(|certificate| CertificateObject {
        serial: &certificate.serial,
        fingerprint: &certificate.fingerprint,
        begins_at: Instant(certificate.begins_at_us),
        ends_at: Instant(certificate.ends_at_us),
    });
    ApiKeyObject {
        id: IdText::of(key.id),
        object: "api_key",
        world: key.world().as_str(),
        merchant: IdText::of(merchant),
        name: &key.name,
        public_key: key.public_key_pem.as_deref(),
        certificate,
        bearer,
        permissions: &key.permissions,
        ip_allow: &key.ip_allow,
        expires_at: key.ends_at_us().map(Instant),
        revoked_at: key.revoked_at_us.map(Instant),
        created_at: Instant(key.created_at_us),
        updated_at: Instant(key.revoked_at_us.unwrap_or(key.created_at_us)),
        sequence: key.sequence,
    }
}
