//! From what `app` and the signature check refuse to what the wire says.

use super::{Code, FieldError, Problem};
use crate::text::Text;
use app::Refusal;
use crypto::signature::{FaultCode, SignatureFault};
use domain::rejection::{Differing, Rejection};

/// Seconds after which a full queue or an absent database is worth another try.
const RETRY_AFTER_S: u64 = 1;
/// The same while a person checks a restored installation.
const HELD_RETRY_AFTER_S: u64 = 30;
/// Seconds within which a line is sealed.
const SEALED_WITHIN_S: u64 = 60;

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Problem {
        match refusal {
            Refusal::Rejected { rejection, replayed } => {
                let problem = Problem::from(rejection);
                if matches!(problem.parts().code.row().status, 409 | 422) {
                    problem.with(|parts| parts.replayed = Some(replayed))
                } else {
                    problem
                }
            }
            Refusal::KeyReused => Problem::new(Code::IdempotencyKeyReused),
            Refusal::NonceReused => Problem::new(Code::NonceReused),
            Refusal::InProgress => later(Code::RequestInProgress),
            // Only after every repeat found the keys changed again.
            Refusal::Stale => later(Code::Overloaded).with(|parts| parts.stale = true),
            Refusal::Overloaded => later(Code::Overloaded),
            Refusal::StoreUnavailable => later(Code::StoreUnavailable),
            Refusal::Held => Problem::new(Code::InstallationHeld)
                .with(|parts| parts.retry_after_s = Some(HELD_RETRY_AFTER_S)),
            Refusal::UrlNotAllowed { detail } => Problem::detailed(
                Code::UrlNotAllowed,
                Text::made(detail.clone(), format!("不允许通知该地址：{detail}")),
            ),
            Refusal::EndpointExists => Problem::new(Code::WebhookEndpointExists),
            Refusal::NotFound(noun) => match Code::parse(&format!("{noun}_not_found")) {
                Some(code) => Problem::new(code),
                None => Problem::internal("a noun without a code"),
            },
            Refusal::FieldInvalid { pointer, detail } => Problem::field(FieldError {
                pointer: pointer.to_owned(),
                code: Code::FieldInvalid,
                detail: Text::made(detail.clone(), format!("{pointer} 的值不合法：{detail}")),
                allowed: None,
            }),
            Refusal::StatementNotReady { day, closes_at_us, retry_after_s } => {
                not_ready(day, closes_at_us, retry_after_s)
            }
            Refusal::ProofNotReady => {
                Problem::new(Code::ProofNotReady).with(|parts| parts.retry_after_s = Some(SEALED_WITHIN_S))
            }
            Refusal::LinesArchived => Problem::new(Code::LinesArchived),
            Refusal::SandboxOnly => Problem::new(Code::SandboxOnly),
            Refusal::Internal => Problem::new(Code::Internal),
        }
    }
}

fn not_ready(day: ledger::Day, closes_at_us: i64, retry_after_s: u64) -> Problem {
    let closes_at = wire::Instant(closes_at_us);
    let detail = Text::made(
        format!(
            "Business day {day} is over at {closes_at}; its statements are ready soon after, by 02:00 local time."
        ),
        format!("营业日 {day} 于 {closes_at} 结束，对账单随后生成，最迟在当地时间 02:00。"),
    );
    Problem::detailed(Code::StatementNotReady, detail).with(|parts| parts.retry_after_s = Some(retry_after_s))
}

fn later(code: Code) -> Problem {
    Problem::new(code).with(|parts| parts.retry_after_s = Some(RETRY_AFTER_S))
}

impl From<Rejection> for Problem {
    fn from(rejection: Rejection) -> Problem {
        match rejection {
            Rejection::PaymentNotFound => Problem::new(Code::PaymentNotFound),
            Rejection::RefundNotFound => Problem::new(Code::RefundNotFound),
            Rejection::CaptureNotFound => Problem::new(Code::CaptureNotFound),
            Rejection::PaymentExistsDiffers { differing } => differs(Code::PaymentExistsDiffers, differing),
            Rejection::RefundExistsDiffers { differing } => differs(Code::RefundExistsDiffers, differing),
            Rejection::PaymentNotPayable { found_status } => found(Code::PaymentNotPayable, found_status),
            Rejection::PaymentNotRefundable { found_status } => {
                found(Code::PaymentNotRefundable, found_status)
            }
            Rejection::PaymentNotCapturable { found_status } => {
                found(Code::PaymentNotCapturable, found_status)
            }
            Rejection::PaymentNotVoidable { found_status } => found(Code::PaymentNotVoidable, found_status),
            Rejection::PaymentNotClosable { found_status } => found(Code::PaymentNotClosable, found_status),
            Rejection::AttemptUnresolved { found_status } => found(Code::AttemptUnresolved, found_status),
            Rejection::CurrencyDiffers { payment_currency } => currency_differs(payment_currency),
            Rejection::RefundExceedsRemaining { remaining_minor } => {
                at("/amount/value", Code::RefundExceedsRemaining, remains(remaining_minor), None)
            }
            Rejection::CaptureExceedsAuthorized { remaining_minor } => {
                at("/amount/value", Code::CaptureExceedsAuthorized, remains(remaining_minor), None)
            }
            Rejection::InsufficientFunds { short_minor } => Problem::detailed(
                Code::InsufficientFunds,
                Text::made(
                    format!("It is short of {short_minor} minor units."),
                    format!("尚差 {short_minor}（最小货币单位）。"),
                ),
            ),
            Rejection::ChannelNotConfigured { method } => Problem::detailed(
                Code::ChannelNotConfigured,
                Text::made(
                    format!("No channel serves the method {method}."),
                    format!("没有渠道支持支付方式 {method}。"),
                ),
            ),
            Rejection::PriceNotConfigured { method, currency } => Problem::detailed(
                Code::PriceNotConfigured,
                Text::made(
                    format!("There is no price for {method} in {currency}."),
                    format!("支付方式 {method}、币种 {currency} 尚未设定费率。"),
                ),
            ),
            Rejection::ClockBackwards => at(
                "/now",
                Code::FieldInvalid,
                Text::fixed("The sandbox's clock only goes forward.", "沙箱时钟只能向前拨。"),
                None,
            ),
            // Decided for operators only; no route of merchants leads there.
            refused @ (Rejection::AdjustmentNotFound
            | Rejection::AdjustmentExistsDiffers
            | Rejection::AdjustmentDecided { .. }
            | Rejection::AdjustmentExceedsCorrected { .. }
            | Rejection::SamePerson) => Problem::internal(&format!("{refused:?}")),
            Rejection::NothingToResolve { found_status } => found(Code::PaymentNotPayable, found_status),
            Rejection::AmountTooLarge => at(
                "/amount/value",
                Code::AmountInvalid,
                Text::fixed("The amount leaves the range of the books.", "金额超出账簿可表示的范围。"),
                None,
            ),
            Rejection::Defect { what } => Problem::internal(&what),
        }
    }
}

fn differs(code: Code, differing: Vec<Differing>) -> Problem {
    Problem::new(code).with(|parts| parts.differing = differing)
}

fn found(code: Code, found_status: String) -> Problem {
    let row = code.row();
    let detail = Text::made(
        format!("{} Found: {found_status}.", row.title.en),
        format!("{}当前状态：{found_status}。", row.title.zh),
    );
    Problem::detailed(code, detail).with(|parts| parts.found_status = Some(found_status))
}

fn currency_differs(payment_currency: String) -> Problem {
    let detail = Text::made(
        format!("The payment's currency is {payment_currency}."),
        format!("原支付的币种是 {payment_currency}。"),
    );
    at("/amount/currency", Code::CurrencyDiffers, detail, Some(vec![payment_currency]))
}

fn at(pointer: &str, code: Code, detail: Text, allowed: Option<Vec<String>>) -> Problem {
    Problem::field(FieldError { pointer: pointer.to_owned(), code, detail, allowed })
}

fn remains(remaining_minor: i64) -> Text {
    Text::made(
        format!("At most {remaining_minor} minor units remain."),
        format!("最多还有 {remaining_minor}（最小货币单位）。"),
    )
}

/// A refused signature; `in_sandbox` opens the computed base to its sender.
pub fn signature(fault: SignatureFault, in_sandbox: bool) -> Problem {
    let code = match fault.code() {
        FaultCode::Encoding => Code::SignatureEncoding,
        FaultCode::AlgorithmMismatch => Code::AlgorithmMismatch,
        FaultCode::Time => Code::SignatureTime,
        FaultCode::ComponentMissing => Code::SignatureComponentMissing,
        FaultCode::DigestMismatch => Code::DigestMismatch,
        FaultCode::Invalid => Code::SignatureInvalid,
    };
    let detail = Text::made(fault.detail(), fault.detail_zh());
    Problem::detailed(code, detail).with(|parts| {
        parts.signature_base = fault.base.filter(|_| in_sandbox);
        parts.signature_components = Some(fault.components);
    })
}
