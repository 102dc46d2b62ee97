//! A payment and what its payer must do next.

use crate::attempt::{AttemptObject, FailureObject, LatestAttempt};
use crate::capture::CaptureObject;
use crate::common::raw;
use crate::refund::RefundObject;
use crate::text::{IdText, Instant, Money};
use domain::attempt::Attempt;
use domain::channel::Action;
use domain::id::World;
use domain::payment::{Payment, Personal};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

/// What the payer must do; `type` tells which fields are there.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum NextAction<'a> {
    /// Show `text` as a QR code.
    QrCode {
        /// What the code encodes.
        text: &'a str,
        /// Until when it can be paid, business time.
        expires_at: Instant,
    },
    /// Send the payer's browser to `url`.
    Redirect {
        /// The page.
        url: &'a str,
    },
    /// Call the wallet's SDK with `parameters`, unchanged.
    Invoke {
        /// mini_program, app or h5.
        target: &'a str,
        /// The channel's parameters.
        #[schema(value_type = Option<Object>)]
        parameters: Option<&'a RawValue>,
    },
    /// The payer confirms on the phone; ask again after this long.
    PayerConfirm {
        /// Milliseconds between two queries.
        poll_after_ms: i64,
    },
}

/// What a merchant asks to be paid.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Payment)]
pub struct PaymentObject<'a> {
    /// Its id.
    pub id: IdText,
    /// `payment`
    pub object: &'static str,
    /// `live` or `sandbox`.
    pub world: &'static str,
    /// Whose it is.
    pub merchant: IdText,
    /// The merchant's number, unique for ever.
    pub merchant_order_no: &'a str,
    /// created, requires_action, processing, authorized, succeeded, failed or closed. Any other value is not final:
    /// query.
    pub status: &'static str,
    /// expired, merchant_closed, voided, authorization_expired, declined, paid_after_close, amount_mismatch or null.
    pub status_reason: Option<&'static str>,
    /// What is asked.
    pub amount: Money,
    /// What was captured, the fee not taken off.
    pub amount_captured: Money,
    /// What succeeded refunds gave back.
    pub amount_refunded: Money,
    /// none, partial or full (of what was captured).
    pub refund_status: &'static str,
    /// The fee on what was captured; null until then.
    pub fee: Option<Money>,
    /// Captured less fee; null until captured. Refunds do not change it.
    pub net: Option<Money>,
    /// The method.
    pub method: &'a str,
    /// The scene.
    pub scene: &'static str,
    /// automatic or manual.
    pub capture_mode: &'static str,
    /// What is sold.
    pub subject: &'a str,
    /// More words.
    pub description: Option<&'a str>,
    /// Items as given.
    #[schema(value_type = Option<Vec<Object>>)]
    pub goods: Option<&'a RawValue>,
    /// The merchant's own data as given.
    #[schema(value_type = Option<Object>)]
    pub metadata: Option<&'a RawValue>,
    /// The payer as given.
    #[schema(value_type = Option<Object>)]
    pub payer: Option<&'a RawValue>,
    /// The payer's address as given.
    pub client_ip: Option<&'a str>,
    /// The device as given.
    #[schema(value_type = Option<Object>)]
    pub device: Option<&'a RawValue>,
    /// The merchant's store.
    pub store: Option<&'a str>,
    /// The merchant's terminal.
    pub terminal: Option<&'a str>,
    /// Where this payment's events are also sent.
    pub notify_url: Option<&'a str>,
    /// Where the payer's browser goes afterwards.
    pub return_url: Option<&'a str>,
    /// When it ends unpaid, business time.
    pub expires_at: Instant,
    /// When the channel's window for captures ends, business time.
    pub authorization_expires_at: Option<Instant>,
    /// What the payer must do.
    pub next_action: Option<NextAction<'a>>,
    /// Why the latest try failed.
    pub failure: Option<FailureObject<'a>>,
    /// The newest attempt, without its payment.
    pub latest_attempt: Option<LatestAttempt<'a>>,
    /// The price version that charges it.
    pub price_version: IdText,
    /// Business time.
    pub authorized_at: Option<Instant>,
    /// Business time.
    pub paid_at: Option<Instant>,
    /// Business time.
    pub closed_at: Option<Instant>,
    /// Business time.
    pub created_at: Instant,
    /// Business time.
    pub updated_at: Instant,
    /// Rises with every change; may skip.
    pub sequence: i64,
    /// Only with `expand=refunds`: the newest 100.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refunds: Option<Vec<RefundObject<'a>>>,
    /// Only with `expand=attempts`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempts: Option<Vec<AttemptObject<'a>>>,
    /// Only with `expand=captures`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub captures: Option<Vec<CaptureObject<'a>>>,
}

impl<'a> PaymentObject<'a> {
    /// Shows a payment with its newest attempt, without expansions.
    pub fn of(payment: &'a Payment, latest: Option<&'a Attempt>, world: World) -> PaymentObject<'a> {
        let money = |minor| Money::like(minor, payment.amount);
        let details = &*payment.details;
        let personal = |part: &'a Option<Personal>| part.as_ref().map(|personal| personal.0.as_str());
        PaymentObject {
            id: IdText::of(payment.id),
            object: "payment",
            world: world.as_str(),
            merchant: IdText::of(payment.merchant),
            merchant_order_no: &payment.merchant_order_no,
            status: payment.status.as_str(),
            status_reason: payment.status_reason.map(|reason| reason.as_str()),
            amount: payment.amount.into(),
            amount_captured: money(payment.captured_minor),
            amount_refunded: money(payment.refunded_minor),
            refund_status: refund_status(payment),
            fee: payment.fee_minor.map(money),
            net: payment.fee_minor.map(|fee_minor| money(payment.captured_minor.saturating_sub(fee_minor))),
            method: &payment.method,
            scene: payment.scene.as_str(),
            capture_mode: payment.capture_mode.as_str(),
            subject: &details.subject,
            description: details.description.as_deref(),
            goods: raw(details.goods.as_deref()),
            metadata: raw(details.metadata.as_deref()),
            payer: raw(personal(&details.payer)),
            client_ip: personal(&details.client_ip),
            device: raw(personal(&details.device)),
            store: details.store.as_deref(),
            terminal: details.terminal.as_deref(),
            notify_url: details.notify_url.as_deref(),
            return_url: details.return_url.as_deref(),
            expires_at: Instant(payment.expires_at_us),
            authorization_expires_at: payment.authorization_expires_at_us.map(Instant),
            next_action: payment.next_action.as_ref().map(|action| next_action(action, payment)),
            failure: payment.failure.as_ref().map(FailureObject::of),
            latest_attempt: latest.map(|attempt| LatestAttempt::of(attempt, world)),
            price_version: IdText::of(payment.price),
            authorized_at: payment.authorized_at_us.map(Instant),
            paid_at: payment.paid_at_us.map(Instant),
            closed_at: payment.closed_at_us.map(Instant),
            created_at: Instant(payment.created_at_us),
            updated_at: Instant(payment.updated_at_us),
            sequence: payment.sequence,
            refunds: None,
            attempts: None,
            captures: None,
        }
    }
}

/// Counts succeeded refunds only, against what was captured.
fn refund_status(payment: &Payment) -> &'static str {
    if payment.refunded_minor <= 0 {
        "none"
    } else if payment.refunded_minor < payment.captured_minor {
        "partial"
    } else {
        "full"
    }
}

fn next_action<'a>(action: &'a Action, payment: &Payment) -> NextAction<'a> {
    match action {
        Action::QrCode { text } => NextAction::QrCode { text, expires_at: Instant(payment.expires_at_us) },
        Action::Redirect { url } => NextAction::Redirect { url },
        Action::Invoke { target, parameters } => {
            NextAction::Invoke { target, parameters: raw(Some(parameters)) }
        }
        Action::PayerConfirm { poll_after_ms } => NextAction::PayerConfirm { poll_after_ms: *poll_after_ms },
    }
}
