//! Steps of a payment: attempts, captures, void, close.

use super::payment::sandbox_fields_only_there;
use super::payment_input::PAYMENT_OUTCOMES;
use crate::access::may;
use crate::json::Fields;
use crate::json::read::{self, auth_code, boolean, outcome, word};
use crate::listing::{Listing, created};
use crate::pipeline::{Allowed, Call, Reply};
use crate::problem::{Code, Problem};
use crate::routes::{Answer, Body, KeyRule, Routes, Spec, Verb};
use app::{NewAttempt, NewCapture};
use domain::id::PaymentId;
use domain::payment::Scene;
use domain::payment::end::Wish;
use wire::render;

static LIST_ATTEMPTS: Spec = Spec {
    verb: Verb::Get,
    path: "/v1/payments/{id}/attempts",
    id: "listAttempts",
    summary: "A payment's attempts, newest first.",
    body: Body::Refused,
    key: KeyRule::Optional,
    query: &["limit", "cursor"],
    answer: Answer::Page("Attempt"),
    codes: &[Code::PaymentNotFound],
};

static ADD_ATTEMPT: Spec = Spec {
    verb: Verb::Post,
    path: "/v1/payments/{id}/attempts",
    id: "createAttempt",
    summary: "Another try at paying, as the payment stands or by another method or scene.",
    body: Body::Optional("AttemptInput"),
    key: KeyRule::Required,
    query: &[],
    answer: Answer::Made("Attempt"),
    codes: &[
        Code::SandboxOnly,
        Code::PaymentNotFound,
        Code::PaymentNotPayable,
        Code::AttemptUnresolved,
        Code::ChannelNotConfigured,
        Code::PriceNotConfigured,
    ],
};

static LIST_CAPTURES: Spec = Spec {
    verb: Verb::Get,
    path: "/v1/payments/{id}/captures",
    id: "listCaptures",
    summary: "A payment's captures, newest first.",
    body: Body::Refused,
    key: KeyRule::Optional,
    query: &["limit", "cursor"],
    answer: Answer::Page("Capture"),
    codes: &[Code::PaymentNotFound],
};

static CAPTURE: Spec = Spec {
    verb: Verb::Post,
    path: "/v1/payments/{id}/captures",
    id: "createCapture",
    summary: "Take authorized money: all that remains, or an amount.",
    body: Body::Optional("CaptureInput"),
    key: KeyRule::Required,
    query: &[],
    answer: Answer::Made("Capture"),
    codes: &[
        Code::PaymentNotFound,
        Code::PaymentNotCapturable,
        Code::CaptureExceedsAuthorized,
        Code::CurrencyDiffers,
    ],
};

static VOID: Spec = Spec {
    verb: Verb::Post,
    path: "/v1/payments/{id}/void",
    id: "voidPayment",
    summary: "Give an authorization up.",
    body: Body::Empty,
    key: KeyRule::Optional,
    query: &[],
    answer: Answer::One("Payment"),
    codes: &[Code::PaymentNotFound, Code::PaymentNotVoidable],
};

static CLOSE: Spec = Spec {
    verb: Verb::Post,
    path: "/v1/payments/{id}/close",
    id: "closePayment",
    summary: "End an unpaid payment.",
    body: Body::Empty,
    key: KeyRule::Optional,
    query: &[],
    answer: Answer::One("Payment"),
    codes: &[Code::PaymentNotFound, Code::PaymentNotClosable],
};

pub fn routes(routes: &mut Routes) {
    routes.add(&LIST_ATTEMPTS, list_attempts);
    routes.add(&ADD_ATTEMPT, add_attempt);
    routes.add(&LIST_CAPTURES, list_captures);
    routes.add(&CAPTURE, capture);
    routes.add(&VOID, void);
    routes.add(&CLOSE, close);
}

async fn list_attempts(call: Allowed<may::ReadPayments>) -> Result<Reply, Problem> {
    let id: PaymentId = call.id(Code::PaymentNotFound)?;
    let listing = Listing::of(&call)?;
    let rows = call.app().attempts(&call.caller, id).await?;
    let rows = listing.page_of_all(rows, |attempt| (attempt.created_at_us, attempt.id.0))?;
    let place = |attempt: &domain::attempt::Attempt| created(attempt.created_at_us, attempt.id);
    Ok(Reply::ok(&listing.page(&rows, place, |attempt| render::attempt(attempt, call.world()))))
}

/// What `POST …/attempts` takes.
pub struct AttemptIn;

impl AttemptIn {
    /// Reads all fields; faults stay with `fields`.
    pub fn read(fields: &mut Fields<'_, '_>) -> NewAttempt {
        let new = NewAttempt {
            method: fields.optional("method", read::method),
            scene: fields.optional("scene", word(Scene::ALL, Scene::as_str)),
            auth_code: fields.optional("auth_code", auth_code),
            sandbox_outcome: fields.optional("sandbox_outcome", outcome(&PAYMENT_OUTCOMES)),
        };
        if new.scene.is_some_and(Scene::needs_auth_code) && !fields.has_value("auth_code") {
            fields.refuse("auth_code", crate::json::missing());
        }
        new
    }
}

async fn add_attempt(call: Allowed<may::CreatePayments>) -> Result<Reply, Problem> {
    let id: PaymentId = call.id(Code::PaymentNotFound)?;
    let new = {
        let body = call.body()?;
        let mut fields = Fields::new(&body);
        sandbox_fields_only_there(&call, &fields)?;
        let new = AttemptIn::read(&mut fields);
        fields.finish()?;
        new
    };
    let answer = call.app().add_attempt(&call.caller, id, new, call.re_entry).await?;
    Ok(Reply::made(&render::attempt(&answer.object, call.world()), answer.fresh))
}

async fn list_captures(call: Allowed<may::ReadPayments>) -> Result<Reply, Problem> {
    let id: PaymentId = call.id(Code::PaymentNotFound)?;
    let listing = Listing::of(&call)?;
    let rows = call.app().captures(&call.caller, id).await?;
    let rows = listing.page_of_all(rows, |capture| (capture.created_at_us, capture.id.0))?;
    let place = |capture: &domain::capture::Capture| created(capture.created_at_us, capture.id);
    Ok(Reply::ok(&listing.page(&rows, place, |capture| render::capture(capture, call.world()))))
}

/// What `POST …/captures` takes.
pub struct CaptureIn;

impl CaptureIn {
    /// Reads all fields; faults stay with `fields`.
    pub fn read(fields: &mut Fields<'_, '_>) -> NewCapture {
        NewCapture {
            amount: fields.optional("amount", read::amount),
            is_final: fields.optional("final", boolean),
        }
    }
}

async fn capture(call: Allowed<may::CapturePayments>) -> Result<Reply, Problem> {
    let id: PaymentId = call.id(Code::PaymentNotFound)?;
    let new = {
        let body = call.body()?;
        let mut fields = Fields::new(&body);
        let new = CaptureIn::read(&mut fields);
        fields.finish()?;
        new
    };
    let answer = call.app().capture(&call.caller, id, new, call.re_entry).await?;
    Ok(Reply::made(&render::capture(&answer.object, call.world()), answer.fresh))
}

async fn void(call: Allowed<may::EndPayments>) -> Result<Reply, Problem> {
    end(&call, Wish::Void).await
}

async fn close(call: Allowed<may::EndPayments>) -> Result<Reply, Problem> {
    end(&call, Wish::Close).await
}

async fn end(call: &Call, wish: Wish) -> Result<Reply, Problem> {
    let id: PaymentId = call.id(Code::PaymentNotFound)?;
    call.no_inputs()?;
    let answer = call.app().end_payment(&call.caller, id, wish, call.re_entry).await?;
    let view = &answer.object;
    Ok(Reply::acted(
        &render::payment(&view.payment, view.latest_attempt.as_ref(), call.world()),
        answer.fresh,
    ))
}
