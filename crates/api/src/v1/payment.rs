//! Payments: create, list, show, and what hangs under one.

use super::explain::shown;
use super::ledger::ledger_rows;
use super::payment_input::PaymentIn;
use crate::access::may;
use crate::json::read::{self, is_merchant_no, merchant_no_fault, method_fault};
use crate::json::{Fault, Fields};
use crate::listing::{Listing, created};
use crate::pipeline::{Allowed, Call, Reply};
use crate::problem::{Code, Problem};
use crate::query::Query;
use crate::routes::{Answer, Body, KeyRule, Routes, Spec, Verb};
use domain::id::PaymentId;
use domain::payment::{Scene, Status};
use store::reads::{Page, PaymentFilter, RefundFilter};
use wire::render;

static CREATE: Spec = Spec {
    verb: Verb::Post,
    path: "/v1/payments",
    id: "createPayment",
    summary: "Ask to be paid. A decline is an outcome, not an error: 201 with status and failure.",
    body: Body::Required("PaymentInput"),
    key: KeyRule::Optional,
    query: &[],
    answer: Answer::Made("Payment"),
    codes: &[
        Code::SandboxOnly,
        Code::PaymentExistsDiffers,
        Code::ChannelNotConfigured,
        Code::PriceNotConfigured,
        Code::UrlNotAllowed,
    ],
};

static LIST: Spec = Spec {
    verb: Verb::Get,
    path: "/v1/payments",
    id: "listPayments",
    summary: "Payments, newest first.",
    body: Body::Refused,
    key: KeyRule::Optional,
    query: &[
        "merchant_order_no",
        "status",
        "method",
        "scene",
        "created_at_gte",
        "created_at_lt",
        "limit",
        "cursor",
    ],
    answer: Answer::Page("Payment"),
    codes: &[],
};

static SHOW: Spec = Spec {
    verb: Verb::Get,
    path: "/v1/payments/{id}",
    id: "showPayment",
    summary: "One payment.",
    body: Body::Refused,
    key: KeyRule::Optional,
    query: &["expand"],
    answer: Answer::One("Payment"),
    codes: &[Code::UnknownExpansion, Code::PaymentNotFound],
};

static LEDGER: Spec = Spec {
    verb: Verb::Get,
    path: "/v1/payments/{id}/ledger",
    id: "showPaymentLedger",
    summary: "The merchant's own lines that a payment caused.",
    body: Body::Refused,
    key: KeyRule::Optional,
    query: &[],
    answer: Answer::Rows("LedgerLine"),
    codes: &[Code::PaymentNotFound, Code::LinesArchived],
};

static EXPLAIN: Spec = Spec {
    verb: Verb::Get,
    path: "/v1/payments/{id}/explain",
    id: "explainPayment",
    summary: "Why a payment is as it is: history, price, route.",
    body: Body::Refused,
    key: KeyRule::Optional,
    query: &[],
    answer: Answer::One("Explanation"),
    codes: &[Code::PaymentNotFound],
};

pub fn routes(routes: &mut Routes) {
    routes.add(&CREATE, create);
    routes.add(&LIST, list);
    routes.add(&SHOW, show);
    routes.add(&LEDGER, ledger);
    routes.add(&EXPLAIN, explain);
}

async fn create(call: Allowed<may::CreatePayments>) -> Result<Reply, Problem> {
    let input = {
        let body = call.body()?;
        let mut fields = Fields::new(&body);
        sandbox_fields_only_there(&call, &fields)?;
        let input = PaymentIn::read(&mut fields);
        fields.finish()?;
        input
    };
    let command = input.into_command(&call).await?;
    let answer = call.app().create_payment(&call.caller, command, call.re_entry).await?;
    let view = &answer.object;
    Ok(Reply::made(&render::payment(&view.payment, view.latest_attempt.as_ref(), call.world()), answer.fresh))
}

/// `sandbox_outcome` is refused in live.
pub fn sandbox_fields_only_there(call: &Call, fields: &Fields<'_, '_>) -> Result<(), Problem> {
    if call.world() == domain::World::Live && fields.has_value("sandbox_outcome") {
        let fault = Fault::of(Code::SandboxOnly, "Only the sandbox takes this field.", "仅沙箱接受此字段。");
        return Err(Problem::field(fault.at("/sandbox_outcome")));
    }
    Ok(())
}

async fn list(call: Allowed<may::ReadPayments>) -> Result<Reply, Problem> {
    let (filter, listing) = (filter(&call.query)?, Listing::of(&call)?);
    let views = call.app().payments(&call.caller, &filter, listing.by_creation()?).await?;
    let world = call.world();
    let page = listing.page(
        &views,
        |view| created(view.payment.created_at_us, view.payment.id),
        |view| render::payment(&view.payment, view.latest_attempt.as_ref(), world),
    );
    Ok(Reply::ok(&page))
}

fn filter(query: &Query) -> Result<PaymentFilter, Problem> {
    let number = |text: &str| is_merchant_no(text).then(|| text.to_owned()).ok_or_else(merchant_no_fault);
    let method = |text: &str| read::is_method(text).then(|| text.to_owned()).ok_or_else(method_fault);
    Ok(PaymentFilter {
        merchant_order_no: query.read("merchant_order_no", number)?,
        status: query.read("status", |text| read::one_of(Status::ALL, Status::as_str, text))?,
        method: query.read("method", method)?,
        scene: query.read("scene", |text| read::one_of(Scene::ALL, Scene::as_str, text))?,
        created_at_gte_us: query.time_us("created_at_gte")?,
        created_at_lt_us: query.time_us("created_at_lt")?,
    })
}

/// What `expand` may name.
const EXPANSIONS: [&str; 3] = ["refunds", "attempts", "captures"];
/// Refunds shown in an expansion.
const EXPANDED_MAX: u32 = 100;

fn expansions(query: &Query) -> Result<Vec<&'static str>, Problem> {
    let known = |name: &str| {
        EXPANSIONS.into_iter().find(|known| *known == name).ok_or_else(|| {
            Fault::of(Code::UnknownExpansion, "This can't be expanded here.", "此处不支持展开该内容。")
                .allowing(EXPANSIONS)
        })
    };
    let read = |text: &str| text.split(',').map(known).collect::<Result<Vec<_>, _>>();
    Ok(query.read("expand", read)?.unwrap_or_default())
}

async fn show(call: Allowed<may::ReadPayments>) -> Result<Reply, Problem> {
    let id: PaymentId = call.id(Code::PaymentNotFound)?;
    let expand = expansions(&call.query)?;
    let (app, caller, world) = (call.app(), &call.caller, call.world());
    let view = app.payment(caller, id).await?;
    let mut shown = render::payment(&view.payment, view.latest_attempt.as_ref(), world);
    let (refunds, attempts, captures);
    if expand.contains(&"refunds") {
        let filter = RefundFilter { payment: Some(id), ..RefundFilter::default() };
        refunds = app.refunds(caller, &filter, Page { limit: EXPANDED_MAX, after: None }).await?;
        shown.refunds = Some(refunds.iter().map(|refund| render::refund(refund, world)).collect());
    }
    if expand.contains(&"attempts") {
        attempts = app.attempts(caller, id).await?;
        shown.attempts = Some(attempts.iter().rev().map(|attempt| render::attempt(attempt, world)).collect());
    }
    if expand.contains(&"captures") {
        captures = app.captures(caller, id).await?;
        shown.captures = Some(captures.iter().rev().map(|capture| render::capture(capture, world)).collect());
    }
    Ok(Reply::ok(&shown))
}

async fn ledger(call: Allowed<may::ReadPayments>) -> Result<Reply, Problem> {
    let id: PaymentId = call.id(Code::PaymentNotFound)?;
    let lines = call.app().payment_lines(&call.caller, id).await?;
    Ok(Reply::ok(&ledger_rows(&call, &lines)))
}

async fn explain(call: Allowed<may::ReadPayments>) -> Result<Reply, Problem> {
    let id: PaymentId = call.id(Code::PaymentNotFound)?;
    let view = call.app().payment(&call.caller, id).await?;
    let explanation = call.app().explain_payment(&call.caller, id).await?;
    Ok(Reply::ok(&shown(&explanation, view.payment.currency())))
}
