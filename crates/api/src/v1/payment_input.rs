//! What `POST /v1/payments` takes.

use crate::json::read::{
    self, DEVICE_MAX_BYTES, PAYER_MAX_BYTES, SUBJECT_MAX_CHARS, WORDS_MAX_CHARS, auth_code, callable_url,
    merchant_no, outcome, word, words,
};
use crate::json::{Fault, Fields};
use crate::pipeline::Call;
use crate::problem::{Code, Problem};
use app::NewPayment;
use domain::channel::SandboxOutcome;
use domain::payment::{CaptureMode, Details, EXPIRES_IN_MAX_US, Personal, Scene};
use money::Amount;
use store::reads::{Page, PaymentFilter};

/// How long a payment stays open when the merchant does not say: two hours.
const EXPIRES_IN_DEFAULT_US: i64 = 2 * 3_600 * 1_000_000;

/// The sandbox's wishes, in a slice that lives long enough.
pub static PAYMENT_OUTCOMES: [SandboxOutcome; 11] = SandboxOutcome::PAYMENT;

/// The fields as read; `None` where absent or refused.
pub struct PaymentIn {
    merchant_order_no: Option<String>,
    amount: Option<Amount>,
    method: Option<String>,
    scene: Option<Scene>,
    capture_mode: Option<CaptureMode>,
    expires_at_us: Option<i64>,
    auth_code: Option<Personal>,
    details: Details,
}

impl PaymentIn {
    /// Reads all fields; faults stay with `fields`.
    pub fn read(fields: &mut Fields<'_, '_>) -> PaymentIn {
        let read = PaymentIn {
            merchant_order_no: fields.required("merchant_order_no", merchant_no),
            amount: fields.required("amount", read::amount),
            method: fields.required("method", read::method),
            scene: fields.required("scene", word(Scene::ALL, Scene::as_str)),
            capture_mode: fields.optional("capture_mode", word(CaptureMode::ALL, CaptureMode::as_str)),
            expires_at_us: fields.optional("expires_at", read::time_us),
            auth_code: fields.optional("auth_code", auth_code),
            details: details(fields),
        };
        if read.scene.is_some_and(Scene::needs_auth_code) && !fields.has_value("auth_code") {
            fields.refuse("auth_code", crate::json::missing());
        }
        read
    }

    /// The command for `app`.
    ///
    /// # Errors
    /// `field_invalid` at `/expires_at`.
    pub async fn into_command(self, call: &Call) -> Result<NewPayment, Problem> {
        let (Some(merchant_order_no), Some(amount), Some(method), Some(scene)) =
            (self.merchant_order_no, self.amount, self.method, self.scene)
        else {
            return Err(Problem::internal("a required field was neither read nor refused"));
        };
        let expires_in_us = match self.expires_at_us {
            None => EXPIRES_IN_DEFAULT_US,
            Some(at_us) => expires_in(call, at_us, &merchant_order_no).await?,
        };
        Ok(NewPayment {
            merchant_order_no,
            amount,
            method,
            scene,
            capture_mode: self.capture_mode.unwrap_or(CaptureMode::Automatic),
            expires_in_us,
            details: self.details,
            auth_code: self.auth_code,
        })
    }
}

/// The rest, none of it required but `subject`.
fn details(fields: &mut Fields<'_, '_>) -> Details {
    Details {
        subject: fields.required("subject", words(SUBJECT_MAX_CHARS)).unwrap_or_default(),
        description: fields.optional("description", words(WORDS_MAX_CHARS)),
        goods: fields.optional("goods", read::goods),
        metadata: fields.optional("metadata", read::metadata),
        payer: fields.optional("payer", read::personal_object(PAYER_MAX_BYTES)),
        client_ip: fields.optional("client_ip", read::address),
        device: fields.optional("device", read::personal_object(DEVICE_MAX_BYTES)),
        store: fields.optional("store", words(64)),
        terminal: fields.optional("terminal", words(64)),
        notify_url: fields.optional("notify_url", callable_url),
        return_url: fields.optional("return_url", read::return_url),
        sandbox_outcome: fields.optional("sandbox_outcome", outcome(&PAYMENT_OUTCOMES)),
        created_by: None,
    }
}

/// A repeat may come after its own `expires_at`: it still stands for the payment that its number names, so only a number
/// that is free makes a time in the past a fault.
async fn expires_in(call: &Call, at_us: i64, merchant_order_no: &str) -> Result<i64, Problem> {
    let in_us = at_us.saturating_sub(call.business_now_us().await?);
    if (1..=EXPIRES_IN_MAX_US).contains(&in_us) {
        return Ok(in_us);
    }
    let filter =
        PaymentFilter { merchant_order_no: Some(merchant_order_no.to_owned()), ..PaymentFilter::default() };
    let known = call.app().payments(&call.caller, &filter, Page { limit: 1, after: None }).await?;
    if !known.is_empty() {
        return Ok(EXPIRES_IN_DEFAULT_US);
    }
    let fault = Fault::of(
        Code::FieldInvalid,
        "The time must be later than now (business time) and at most 30 days ahead.",
        "时间须晚于当前业务时间，且不超过 30 天。",
    );
    Err(Problem::field(fault.at("/expires_at")))
}
