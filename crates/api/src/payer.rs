//! The payer's page of the sandbox: what a wallet would show. Plain forms, no script, nothing from elsewhere.

use crate::html::{escape, html, page};
use crate::pipeline::read_body;
use crate::query::form_value;
use crate::state::Shared;
use crate::text::Lang;
use app::{PayerPage, Refusal};
use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Request};
use axum::response::Response;
use axum::routing::get;
use domain::channel::SandboxOutcome;
use domain::payment::Status;
use http::header::LOCATION;
use http::{HeaderMap, HeaderValue, StatusCode};
use std::fmt::Write as _;
use std::sync::Arc;

/// `/pay/{request_no}`: shown by GET, acted on by POST.
pub fn router(state: &Shared) -> Router {
    let (shown, acted) = (Arc::clone(state), Arc::clone(state));
    Router::new().route(
        "/pay/{request_no}",
        get(move |Path(request_no): Path<String>, headers: HeaderMap| show(shown, request_no, headers))
            .post(move |Path(request_no): Path<String>, request: Request| act(acted, request_no, request)),
    )
}

struct Words {
    title: &'static str,
    sandbox: &'static str,
    pay: &'static str,
    decline: &'static str,
    time_out: &'static str,
    done: &'static str,
    gone: &'static str,
    later: &'static str,
    back: &'static str,
    order: &'static str,
    refresh: &'static str,
}

fn words(lang: Lang) -> Words {
    match lang {
        Lang::En => Words {
            title: "Payment",
            sandbox: "Sandbox: no money moves.",
            pay: "Pay",
            decline: "Decline",
            time_out: "Let it time out",
            done: "There is nothing to pay.",
            gone: "This payment is not known.",
            later: "Please try again in a moment.",
            back: "Back to the merchant",
            order: "Order",
            refresh: "Show again",
        },
        Lang::Zh => Words {
            title: "支付",
            sandbox: "沙箱环境：不会发生真实扣款。",
            pay: "支付",
            decline: "拒绝",
            time_out: "让它超时",
            done: "无需付款。",
            gone: "没有找到这笔支付。",
            later: "请稍后再试。",
            back: "返回商户",
            order: "订单",
            refresh: "刷新",
        },
    }
}

/// Statuses in the payer's words.
fn status_words(status: Status, lang: Lang) -> &'static str {
    match (status, lang) {
        (Status::Created | Status::RequiresAction, Lang::En) => "Waiting for payment",
        (Status::Created | Status::RequiresAction, Lang::Zh) => "等待付款",
        (Status::Processing, Lang::En) => "In progress",
        (Status::Processing, Lang::Zh) => "处理中",
        (Status::Authorized, Lang::En) => "Authorized",
        (Status::Authorized, Lang::Zh) => "已授权",
        (Status::Succeeded, Lang::En) => "Paid",
        (Status::Succeeded, Lang::Zh) => "已支付",
        (Status::Failed, Lang::En) => "Failed",
        (Status::Failed, Lang::Zh) => "支付失败",
        (Status::Closed, Lang::En) => "Closed",
        (Status::Closed, Lang::Zh) => "已关闭",
    }
}

async fn show(state: Shared, request_no: String, headers: HeaderMap) -> Response {
    let lang = Lang::of(&headers);
    match state.app.payer_page(&request_no.to_ascii_lowercase()).await {
        Ok(found) => html(StatusCode::OK, render(&found, &request_no, lang)),
        Err(refusal) => sorry(&refusal, lang),
    }
}

fn render(found: &PayerPage, request_no: &str, lang: Lang) -> String {
    let (words, payment) = (words(lang), &found.payment);
    let mut body = format!(
        "<p><strong>{}</strong></p><h1>{}</h1><p class=\"sum\">{}</p><p>{} {}</p><p role=\"status\">{}</p>",
        words.sandbox,
        escape(&payment.details.subject),
        payment.amount,
        words.order,
        escape(&payment.merchant_order_no),
        status_words(payment.status, lang),
    );
    if found.payable {
        let _ = write!(body, "<form method=\"post\" action=\"/pay/{}\">", escape(request_no));
        let buttons = [
            (SandboxOutcome::Succeed, words.pay),
            (SandboxOutcome::Decline, words.decline),
            (SandboxOutcome::Timeout, words.time_out),
        ];
        for (outcome, label) in buttons {
            let name = outcome.as_str();
            let _ =
                write!(body, "<button type=\"submit\" name=\"outcome\" value=\"{name}\">{label}</button>");
        }
        body.push_str("</form>");
    } else {
        let _ = write!(
            body,
            "<p>{}</p><p><a href=\"/pay/{}\">{}</a></p>",
            words.done,
            escape(request_no),
            words.refresh
        );
    }
    if let Some(url) =
        payment.details.return_url.as_deref().filter(|url| crate::json::read::web_url(url).is_some())
    {
        let _ = write!(body, "<p><a rel=\"noreferrer\" href=\"{}\">{}</a></p>", escape(url), words.back);
    }
    page(lang, words.title, &body)
}

fn sorry(refusal: &Refusal, lang: Lang) -> Response {
    let words = words(lang);
    let (status, text) = match refusal {
        Refusal::Overloaded
        | Refusal::Held
        | Refusal::StoreUnavailable
        | Refusal::InProgress
        | Refusal::Internal => (StatusCode::SERVICE_UNAVAILABLE, words.later),
        Refusal::Rejected { .. }
        | Refusal::KeyReused
        | Refusal::NonceReused
        | Refusal::Stale
        | Refusal::UrlNotAllowed { .. }
        | Refusal::EndpointExists
        | Refusal::NotFound(_)
        | Refusal::FieldInvalid { .. }
        | Refusal::StatementNotReady { .. }
        | Refusal::ProofNotReady
        | Refusal::LinesArchived
        | Refusal::SandboxOnly => (StatusCode::NOT_FOUND, words.gone),
    };
    html(status, page(lang, words.title, &format!("<h1>{}</h1><p role=\"alert\">{text}</p>", words.title)))
}

/// What the payer may do here; the sandbox's other outcomes are chosen by the merchant's program.
fn chosen(body: &[u8]) -> Option<SandboxOutcome> {
    let offered = [SandboxOutcome::Succeed, SandboxOutcome::Decline, SandboxOutcome::Timeout];
    let name = form_value(body, "outcome")?;
    offered.into_iter().find(|outcome| outcome.as_str() == name)
}

async fn act(state: Shared, request_no: String, request: Request) -> Response {
    let lang = Lang::of(request.headers());
    let (parts, body) = request.into_parts();
    let chosen = match read_body(&state, &parts.headers, body).await {
        Ok((bytes, _share)) => chosen(&bytes),
        Err(_) => None,
    };
    let Some(outcome) = chosen else { return back(&request_no) };
    match state.app.payer_pay(&request_no.to_ascii_lowercase(), Some(outcome)).await {
        // Nothing to pay any more: the page says what became of it.
        Ok(_) | Err(Refusal::Rejected { .. }) => back(&request_no),
        Err(refusal) => sorry(&refusal, lang),
    }
}

/// To the page again, so that a reload does not pay twice.
fn back(request_no: &str) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SEE_OTHER;
    let plain: String = request_no.chars().filter(char::is_ascii_alphanumeric).take(64).collect();
    if let Ok(location) = HeaderValue::from_str(&format!("/pay/{plain}")) {
        response.headers_mut().insert(LOCATION, location);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_page_offers_is_taken() {
        assert_eq!(chosen(b"outcome=succeed"), Some(SandboxOutcome::Succeed));
        assert_eq!(chosen(b"x=1&outcome=timeout"), Some(SandboxOutcome::Timeout));
        for body in [&b""[..], b"outcome=contradict", b"outcome", b"outcome=%ff", b"\xff"] {
            assert_eq!(chosen(body), None);
        }
    }
}
