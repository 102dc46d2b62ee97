//! The sandbox: playing the payer, and the merchant's clock.

use super::payment_input::PAYMENT_OUTCOMES;
use crate::access::may;
use crate::json::read::{count, outcome, time_us};
use crate::json::{Fault, Fields, missing};
use crate::pipeline::{Allowed, Call, Reply};
use crate::problem::{Code, Problem};
use crate::routes::{Answer, Body, KeyRule, Routes, Spec, Verb};
use crate::schema::SandboxClock;
use app::ClockAnswer;
use domain::World;
use domain::channel::SandboxOutcome;
use domain::clock::ClockMove;
use domain::id::PaymentId;
use http::StatusCode;
use wire::{Instant, render};

static PAY: Spec = Spec {
    verb: Verb::Post,
    path: "/v1/sandbox/payments/{id}/pay",
    id: "sandboxPay",
    summary: "Pay as the payer would, with an outcome.",
    body: Body::Optional("SandboxPayInput"),
    key: KeyRule::Optional,
    query: &[],
    answer: Answer::One("Payment"),
    codes: &[Code::SandboxOnly, Code::PaymentNotFound, Code::PaymentNotPayable],
};

static SHOW_CLOCK: Spec = Spec {
    verb: Verb::Get,
    path: "/v1/sandbox/clock",
    id: "showSandboxClock",
    summary: "The merchant's business time.",
    body: Body::Refused,
    key: KeyRule::Optional,
    query: &[],
    answer: Answer::One("SandboxClock"),
    codes: &[Code::SandboxOnly],
};

static MOVE_CLOCK: Spec = Spec {
    verb: Verb::Post,
    path: "/v1/sandbox/clock",
    id: "moveSandboxClock",
    summary: "Move the merchant's clock forward and do what comes due.",
    body: Body::Required("SandboxClockInput"),
    key: KeyRule::Optional,
    query: &[],
    answer: Answer::Accepted("SandboxClock"),
    codes: &[Code::SandboxOnly],
};

pub fn routes(routes: &mut Routes) {
    routes.add(&PAY, pay);
    routes.add(&SHOW_CLOCK, show_clock);
    routes.add(&MOVE_CLOCK, move_clock);
}

fn only_in_sandbox(call: &Call) -> Result<(), Problem> {
    match call.world() {
        World::Sandbox => Ok(()),
        World::Live => Err(Problem::new(Code::SandboxOnly)),
    }
}

/// What `POST /v1/sandbox/payments/{id}/pay` takes.
pub struct PayIn;

impl PayIn {
    /// Reads all fields; faults stay with `fields`.
    pub fn read(fields: &mut Fields<'_, '_>) -> Option<SandboxOutcome> {
        fields.optional("outcome", outcome(&PAYMENT_OUTCOMES))
    }
}

async fn pay(call: Allowed<may::UseSandbox>) -> Result<Reply, Problem> {
    only_in_sandbox(&call)?;
    let id: PaymentId = call.id(Code::PaymentNotFound)?;
    let wish = {
        let body = call.body()?;
        let mut fields = Fields::new(&body);
        let wish = PayIn::read(&mut fields);
        fields.finish()?;
        wish
    };
    let view = call.app().sandbox_pay(&call.caller, id, wish, call.re_entry).await?;
    Ok(Reply::ok(&render::payment(&view.payment, view.latest_attempt.as_ref(), call.world())))
}

fn shown(clock: &ClockAnswer) -> SandboxClock {
    SandboxClock {
        now: Instant(clock.now_us),
        offset_seconds: clock.offset_us.div_euclid(1_000_000),
        pending: clock.pending,
    }
}

async fn show_clock(call: Allowed<may::UseSandbox>) -> Result<Reply, Problem> {
    only_in_sandbox(&call)?;
    let clock = call.app().sandbox_clock(&call.caller).await?;
    Ok(Reply::ok(&shown(&clock)))
}

/// The longest single move: ten years.
pub const ADVANCE_MAX_S: i64 = 10 * 366 * 86_400;

/// What `POST /v1/sandbox/clock` takes.
pub struct ClockIn;

impl ClockIn {
    /// Reads all fields; faults stay with `fields`.
    pub fn read(fields: &mut Fields<'_, '_>) -> Option<ClockMove> {
        let seconds = fields.optional("advance_seconds", |value| {
            let too_far = || Fault::invalid("At most ten years at once.", "一次最多前进十年。");
            count(value)
                .and_then(|seconds| if seconds <= ADVANCE_MAX_S { Ok(seconds) } else { Err(too_far()) })
        });
        let to_us = fields.optional("now", time_us);
        match (fields.has_value("advance_seconds"), fields.has_value("now")) {
            (true, true) => {
                fields.refuse(
                    "now",
                    Fault::invalid(
                        "Send exactly one of advance_seconds and now.",
                        "advance_seconds 与 now 只能填写一个。",
                    ),
                );
            }
            (false, false) => fields.refuse("advance_seconds", missing()),
            (true, false) | (false, true) => {}
        }
        seconds.map(|seconds| ClockMove::AdvanceUs(seconds * 1_000_000)).or(to_us.map(ClockMove::To))
    }
}

async fn move_clock(call: Allowed<may::UseSandbox>) -> Result<Reply, Problem> {
    only_in_sandbox(&call)?;
    let to = {
        let body = call.body()?;
        let mut fields = Fields::new(&body);
        let to = ClockIn::read(&mut fields);
        fields.finish()?;
        to.ok_or_else(|| Problem::internal("a clock move was neither read nor refused"))?
    };
    let clock = call.app().set_sandbox_clock(&call.caller, to, call.re_entry).await?;
    let status = if clock.pending == 0 { StatusCode::OK } else { StatusCode::ACCEPTED };
    Ok(Reply::ok(&shown(&clock)).with_status(status))
}
