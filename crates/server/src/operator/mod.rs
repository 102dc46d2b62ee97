//! The operator's routes on the internal listener, for the command line beside a serving process, and the command line's side of
//! them. Whoever calls shows that it can read the master key: the token rests sealed in the database, so there is no further
//! secret to keep.

mod access;
pub(crate) mod adjustment;
mod client;
mod master_key;
mod payment;
mod resume;

pub(crate) use access::{Assign, Assigned, Revoked, assign, revoke};
pub(crate) use client::Client;
pub(crate) use master_key::{Begin, Reloaded, SealAgain, SealedAgainAnswer};
pub(crate) use payment::{Decision, Resolve, Resolved, resolve};
pub(crate) use resume::{Resume, ResumeAnswer, ResumeProgress};

use crate::assemble::Running;
use app::{App, Refusal};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use crypto::seal::Sealer;
use domain::rejection::Rejection;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use std::sync::Arc;
use store::Store;
use zeroize::Zeroizing;

/// A body is no larger.
const BODY_BYTES_MAX: usize = 4 * 1_024;

struct Operator {
    app: App,
    store: Arc<dyn Store>,
    sealer: Arc<Sealer>,
    token: Zeroizing<String>,
}

/// The routes.
pub(crate) fn router(running: &Running, sealer: Arc<Sealer>, token: Zeroizing<String>) -> Router {
    let operator = Operator { app: running.app.clone(), store: Arc::clone(&running.store), sealer, token };
    Router::new()
        .route("/ops/v1/payments/{id}/resolve", post(payment::route))
        .route("/ops/v1/adjustments", post(adjustment::propose_route))
        .route("/ops/v1/adjustments/{id}/decide", post(adjustment::decide_route))
        .route("/ops/v1/api_keys/{id}/revoke", post(access::revoke_route))
        .route("/ops/v1/merchants/{id}/partner", post(access::assign_route))
        .route("/ops/v1/resume", get(resume::progress).post(resume::route))
        .route("/ops/v1/master-key/begin", post(master_key::begin))
        .route("/ops/v1/master-key/seal-again", post(master_key::seal_again))
        .route("/ops/v1/master-key/end", post(master_key::end))
        .route("/ops/v1/master-key/reload", post(master_key::reload))
        .with_state(Arc::new(operator))
}

/// A caller who holds this installation's master key. A handler that takes it can't be reached without.
struct Trusted;

impl FromRequestParts<Arc<Operator>> for Trusted {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, operator: &Arc<Operator>) -> Result<Trusted, Response> {
        let expected = Zeroizing::new(format!("Bearer {}", operator.token.as_str()));
        let given = parts.headers.get(header::AUTHORIZATION).map_or(&b""[..], |value| value.as_bytes());
        if crypto::secret::constant_time_eq(given, expected.as_bytes()) {
            Ok(Trusted)
        } else {
            Err(problem(StatusCode::UNAUTHORIZED, "the caller does not hold this installation's master key"))
        }
    }
}

/// Reads a body; `form` says what it should have been.
async fn parsed<T: DeserializeOwned>(body: Body, form: &str) -> Result<T, Response> {
    let bytes = to_bytes(body, BODY_BYTES_MAX).await;
    let bytes =
        bytes.map_err(|_| problem(StatusCode::PAYLOAD_TOO_LARGE, "the body is too large or broke off"))?;
    serde_json::from_slice(&bytes).map_err(|_| problem(StatusCode::BAD_REQUEST, &format!("expected {form}")))
}

/// What a use case came to.
fn answer(result: Result<impl Serialize, Refusal>) -> Response {
    match result {
        Ok(object) => json_answer(StatusCode::OK, "application/json", &json!(object)),
        Err(Refusal::NotFound(noun)) => problem(StatusCode::NOT_FOUND, &format!("there is no such {noun}")),
        Err(Refusal::InProgress) => problem(StatusCode::CONFLICT, "it is being done already"),
        Err(Refusal::Held) => problem(StatusCode::SERVICE_UNAVAILABLE, Refusal::held_sentence()),
        Err(Refusal::Overloaded | Refusal::StoreUnavailable) => {
            problem(StatusCode::SERVICE_UNAVAILABLE, "busy; nothing was done: try again")
        }
        Err(refusal) => {
            tracing::error!(?refusal, "an operator's request failed");
            problem(StatusCode::INTERNAL_SERVER_ERROR, "a defect; see the log")
        }
    }
}

/// A refusal that an operator's request can meet, for people.
pub(crate) fn sentence(rejection: &Rejection) -> String {
    match rejection {
        Rejection::NothingToResolve { found_status } => {
            format!("the payment is {found_status} and holds no money that waits for a decision")
        }
        Rejection::CurrencyDiffers { payment_currency } => {
            format!("another currency than {payment_currency} came: it can only be sent back")
        }
        Rejection::SamePerson => {
            "whoever proposed an adjustment can't approve it: ask another person".to_owned()
        }
        Rejection::AdjustmentExceedsCorrected { remaining_minor } => format!(
            "{remaining_minor} minor units are left of what it corrects, after what this merchant gave for it before: look at \
             `adjustment list --corrects`, then reject it, or approve it with --beyond"
        ),
        Rejection::AdjustmentDecided { found_status } => {
            format!("the adjustment is {found_status}: it was decided before")
        }
        Rejection::AdjustmentExistsDiffers => "another adjustment has this id".to_owned(),
        Rejection::AdjustmentNotFound => "there is no such adjustment".to_owned(),
        Rejection::InsufficientFunds { short_minor } => {
            format!(
                "what the merchant has available is short of {short_minor} minor units; nothing was moved"
            )
        }
        other => format!("refused: {other:?}"),
    }
}

fn json_answer(status: StatusCode, content_type: &'static str, body: &serde_json::Value) -> Response {
    (status, [(header::CONTENT_TYPE, content_type)], body.to_string()).into_response()
}

fn problem(status: StatusCode, detail: &str) -> Response {
    let body = json!({"type": "about:blank", "status": status.as_u16(), "detail": detail});
    json_answer(status, "application/problem+json", &body)
}
