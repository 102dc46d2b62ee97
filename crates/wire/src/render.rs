//! One function per noun: entities in, objects out.

use crate::{AttemptObject, CaptureObject, EventObject, PaymentObject, RefundObject};
use domain::attempt::Attempt;
use domain::capture::Capture;
use domain::event::Event;
use domain::id::World;
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
