//! Refunds: create, preview, list, show.

use super::explain::shown;
use super::ledger::ledger_rows;
use super::payment::sandbox_fields_only_there;
use crate::access::may;
use crate::json::read::{
    self, WORDS_MAX_CHARS, is_merchant_no, merchant_no, merchant_no_fault, outcome, words,
};
use crate::json::{Fault, Fields};
use crate::listing::{Listing, created};
use crate::pipeline::{Allowed, Reply, parse_id};
use crate::problem::{Code, Problem};
use crate::query::Query;
use crate::routes::{Answer, Body, KeyRule, Routes, Spec, Verb};
use app::{NewRefund, RefundTarget};
use domain::channel::SandboxOutcome;
use domain::id::RefundId;
use domain::refund::Status;
use money::Amount;
use store::reads::RefundFilter;
use wire::render;

static CREATE: Spec = Spec {
    verb: Verb::Post,
    path: "/v1/refunds",
    id: "createRefund",
    summary: "Give money back, all that remains or an amount. With dry_run=true nothing is written.",
    body: Body::Required("RefundInput"),
    key: KeyRule::Optional,
    query: &["dry_run"],
    answer: Answer::Made("Refund"),
    codes: &[
        Code::SandboxOnly,
        Code::PaymentNotFound,
        Code::RefundExistsDiffers,
        Code::PaymentNotRefundable,
        Code::RefundExceedsRemaining,
        Code::CurrencyDiffers,
        Code::InsufficientFunds,
    ],
};

static LIST: Spec = Spec {
    verb: Verb::Get,
    path: "/v1/refunds",
    id: "listRefunds",
    summary: "Refunds, newest first; also those that the platform itself made.",
    body: Body::Refused,
    key: KeyRule::Optional,
    query: &["payment", "merchant_refund_no", "status", "limit", "cursor"],
    answer: Answer::Page("Refund"),
    codes: &[],
};

static SHOW: Spec = Spec {
    verb: Verb::Get,
    path: "/v1/refunds/{id}",
    id: "showRefund",
    summary: "One refund.",
    body: Body::Refused,
    key: KeyRule::Optional,
    query: &[],
    answer: Answer::One("Refund"),
    codes: &[Code::RefundNotFound],
};

static LEDGER: Spec = Spec {
    verb: Verb::Get,
    path: "/v1/refunds/{id}/ledger",
    id: "showRefundLedger",
    summary: "The merchant's own lines that a refund caused.",
    body: Body::Refused,
    key: KeyRule::Optional,
    query: &[],
    answer: Answer::Rows("LedgerLine"),
    codes: &[Code::RefundNotFound, Code::LinesArchived],
};

static EXPLAIN: Spec = Spec {
    verb: Verb::Get,
    path: "/v1/refunds/{id}/explain",
    id: "explainRefund",
    summary: "Why a refund is as it is.",
    body: Body::Refused,
    key: KeyRule::Optional,
    query: &[],
    answer: Answer::One("Explanation"),
    codes: &[Code::RefundNotFound],
};

pub fn routes(routes: &mut Routes) {
    routes.add(&CREATE, create);
    routes.add(&LIST, list);
    routes.add(&SHOW, show);
    routes.add(&LEDGER, ledger);
    routes.add(&EXPLAIN, explain);
}

static REFUND_OUTCOMES: [SandboxOutcome; 3] = SandboxOutcome::REFUND;

/// The fields as read; `None` where absent or refused.
pub struct RefundIn {
    payment: Option<String>,
    merchant_order_no: Option<String>,
    merchant_refund_no: Option<String>,
    amount: Option<Amount>,
    reason: Option<String>,
    sandbox_outcome: Option<SandboxOutcome>,
}

impl RefundIn {
    /// Reads all fields; faults stay with `fields`.
    pub fn read(fields: &mut Fields<'_, '_>) -> RefundIn {
        let both = fields.has_value("payment") && fields.has_value("merchant_order_no");
        let neither = !fields.has_value("payment") && !fields.has_value("merchant_order_no");
        let read = RefundIn {
            payment: fields.optional("payment", |value| read::text(value).map(str::to_owned)),
            merchant_order_no: fields.optional("merchant_order_no", merchant_no),
            merchant_refund_no: fields.required("merchant_refund_no", merchant_no),
            amount: fields.optional("amount", read::amount),
            reason: fields.optional("reason", words(WORDS_MAX_CHARS)),
            sandbox_outcome: fields.optional("sandbox_outcome", outcome(&REFUND_OUTCOMES)),
        };
        let which = (
            "Send exactly one of payment and merchant_order_no.",
            "payment 与 merchant_order_no 须且只能填写一个。",
        );
        if both {
            fields.refuse("merchant_order_no", Fault::invalid(which.0, which.1));
        }
        if neither {
            fields.refuse("payment", Fault::of(Code::FieldMissing, which.0, which.1));
        }
        read
    }

    fn into_command(self) -> Result<NewRefund, Problem> {
        let target = match (self.payment, self.merchant_order_no) {
            (Some(text), None) => {
                RefundTarget::Payment(parse_id(&text).ok_or_else(|| Problem::new(Code::PaymentNotFound))?)
            }
            (None, Some(number)) => RefundTarget::OrderNo(number),
            (Some(_), Some(_)) | (None, None) => {
                return Err(Problem::internal("a refund without one target was read"));
            }
        };
        let merchant_refund_no = self
            .merchant_refund_no
            .ok_or_else(|| Problem::internal("a required field was neither read nor refused"))?;
        Ok(NewRefund {
            target,
            merchant_refund_no,
            amount: self.amount,
            reason: self.reason,
            sandbox_outcome: self.sandbox_outcome,
        })
    }
}

async fn create(call: Allowed<may::CreateRefunds>) -> Result<Reply, Problem> {
    let is_preview = dry_run(&call.query)?;
    if is_preview && call.re_entry.key.is_some() {
        let fault = Fault::invalid(
            "dry_run=true takes no Idempotency-Key.",
            "dry_run=true 时不能带 Idempotency-Key。",
        );
        return Err(Problem::field(fault.at("/headers/idempotency-key")));
    }
    let new = {
        let body = call.body()?;
        let mut fields = Fields::new(&body);
        sandbox_fields_only_there(&call, &fields)?;
        let input = RefundIn::read(&mut fields);
        fields.finish()?;
        input.into_command()?
    };
    if is_preview {
        // Nothing is stored, so a refusal is neither fresh nor replayed.
        let unstored = |refusal| Problem::from(refusal).with(|parts| parts.replayed = None);
        let refund = call.app().preview_refund(&call.caller, new).await.map_err(unstored)?;
        return Ok(Reply::ok(&render::refund(&refund, call.world())));
    }
    let answer = call.app().create_refund(&call.caller, new, call.re_entry).await?;
    Ok(Reply::made(&render::refund(&answer.object, call.world()), answer.fresh))
}

fn dry_run(query: &Query) -> Result<bool, Problem> {
    let read = |text: &str| match text {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(Fault::invalid("true or false is expected.", "此处应为 true 或 false。")
            .allowing(["true", "false"])),
    };
    Ok(query.read("dry_run", read)?.unwrap_or(false))
}

async fn list(call: Allowed<may::ReadRefunds>) -> Result<Reply, Problem> {
    let query = &call.query;
    let number = |text: &str| is_merchant_no(text).then(|| text.to_owned()).ok_or_else(merchant_no_fault);
    let payment = |text: &str| {
        parse_id(text).ok_or_else(|| Fault::invalid("A payment's id is expected.", "此处应为支付编号。"))
    };
    let filter = RefundFilter {
        payment: query.read("payment", payment)?,
        merchant_refund_no: query.read("merchant_refund_no", number)?,
        status: query.read("status", |text| read::one_of(Status::ALL, Status::as_str, text))?,
    };
    let listing = Listing::of(&call)?;
    let rows = call.app().refunds(&call.caller, &filter, listing.by_creation()?).await?;
    let place = |refund: &domain::refund::Refund| created(refund.created_at_us, refund.id);
    Ok(Reply::ok(&listing.page(&rows, place, |refund| render::refund(refund, call.world()))))
}

async fn show(call: Allowed<may::ReadRefunds>) -> Result<Reply, Problem> {
    let id: RefundId = call.id(Code::RefundNotFound)?;
    let refund = call.app().refund(&call.caller, id).await?;
    Ok(Reply::ok(&render::refund(&refund, call.world())))
}

async fn ledger(call: Allowed<may::ReadRefunds>) -> Result<Reply, Problem> {
    let id: RefundId = call.id(Code::RefundNotFound)?;
    let lines = call.app().refund_lines(&call.caller, id).await?;
    Ok(Reply::ok(&ledger_rows(&call, &lines)))
}

async fn explain(call: Allowed<may::ReadRefunds>) -> Result<Reply, Problem> {
    let id: RefundId = call.id(Code::RefundNotFound)?;
    let refund = call.app().refund(&call.caller, id).await?;
    let explanation = call.app().explain_refund(&call.caller, id).await?;
    Ok(Reply::ok(&shown(&explanation, refund.amount.currency())))
}
