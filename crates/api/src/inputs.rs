//! Every request body, by the name of its schema, with the function that reads it.

use crate::json::Fields;
use crate::v1;

/// Reads a body's fields; what is refused stays with them.
pub type Read = fn(&mut Fields<'_, '_>);

/// All of them.
pub const INPUTS: [(&str, Read); 10] = [
    ("PaymentInput", |fields| {
        let _ = v1::PaymentIn::read(fields);
    }),
    ("AttemptInput", |fields| {
        let _ = v1::AttemptIn::read(fields);
    }),
    ("CaptureInput", |fields| {
        let _ = v1::CaptureIn::read(fields);
    }),
    ("RefundInput", |fields| {
        let _ = v1::RefundIn::read(fields);
    }),
    ("WebhookEndpointInput", |fields| {
        let _ = v1::EndpointIn::read(fields);
    }),
    ("WebhookEndpointPatch", |fields| {
        let _ = v1::EndpointPatchIn::read(fields);
    }),
    ("ApiKeyInput", |fields| {
        let _ = v1::KeyIn::read(fields, 0);
    }),
    ("ApiKeyRotation", |fields| {
        let _ = v1::RotationIn::read(fields, 0);
    }),
    ("SandboxPayInput", |fields| {
        let _ = v1::PayIn::read(fields);
    }),
    ("SandboxClockInput", |fields| {
        let _ = v1::ClockIn::read(fields);
    }),
];

/// The fields that a reader asks for.
#[cfg(test)]
pub fn known(read: Read) -> Vec<&'static str> {
    let empty = crate::json::Value::Object(Vec::new());
    let mut fields = Fields::new(&empty);
    read(&mut fields);
    fields.known().to_vec()
}
