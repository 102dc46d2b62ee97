//! The operator's routes on the internal listener, for the command line beside a serving process. Whoever calls shows that it
//! can read the master key: the token is derived from it, so there is no further secret to keep.

use crate::assemble::Running;
use crate::config::Config;
use crate::inside::Inside;
use anyhow::{Context, Result, bail};
use app::{App, Refusal};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use domain::id::{Id, PaymentId};
use domain::payment::resolve::Resolution;
use domain::rejection::Rejection;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use store::Reads;
use store::sqlite::SqliteStore;
use zeroize::Zeroizing;

/// A body is no larger.
const BODY_BYTES_MAX: usize = 4 * 1_024;
/// The command line waits for an answer no longer.
const ANSWER_MAX: Duration = Duration::from_secs(30);

/// What a person decides about money that a payment may not simply keep.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Resolve {
    pub resolution: Decision,
}

/// The decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Decision {
    Keep,
    SendBack,
}

impl From<Decision> for Resolution {
    fn from(decision: Decision) -> Resolution {
        match decision {
            Decision::Keep => Resolution::Keep,
            Decision::SendBack => Resolution::SendBack,
        }
    }
}

/// What became of the payment.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Resolved {
    pub id: String,
    pub status: String,
    pub status_reason: Option<String>,
}

struct Operator {
    app: App,
    store: Arc<SqliteStore>,
    token: Zeroizing<String>,
}

/// The routes.
pub(crate) fn router(running: &Running, token: Zeroizing<String>) -> Router {
    let operator = Operator { app: running.app.clone(), store: Arc::clone(&running.store), token };
    Router::new().route("/ops/v1/payments/{id}/resolve", post(resolve_route)).with_state(Arc::new(operator))
}

async fn resolve_route(
    State(operator): State<Arc<Operator>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let expected = Zeroizing::new(format!("Bearer {}", operator.token.as_str()));
    let given = headers.get(header::AUTHORIZATION).map_or(&b""[..], |value| value.as_bytes());
    if !crypto::secret::constant_time_eq(given, expected.as_bytes()) {
        return problem(StatusCode::UNAUTHORIZED, "the caller does not hold this installation's master key");
    }
    let Ok(bytes) = to_bytes(body, BODY_BYTES_MAX).await else {
        return problem(StatusCode::PAYLOAD_TOO_LARGE, "the body is too large or broke off");
    };
    let Ok(wish) = serde_json::from_slice::<Resolve>(&bytes) else {
        return problem(StatusCode::BAD_REQUEST, "expected {\"resolution\": \"keep\" | \"send_back\"}");
    };
    let Some(id) = PaymentId::parse(&id) else {
        return problem(StatusCode::NOT_FOUND, "there is no such payment");
    };
    match resolve(&operator.app, &operator.store, id, wish.resolution).await {
        Ok(resolved) => json_answer(StatusCode::OK, "application/json", &json!(resolved)),
        Err(Refusal::NotFound(noun)) => problem(StatusCode::NOT_FOUND, &format!("there is no such {noun}")),
        Err(Refusal::Rejected { rejection, .. }) => problem(StatusCode::CONFLICT, &sentence(&rejection)),
        Err(Refusal::Overloaded | Refusal::StoreUnavailable) => {
            problem(StatusCode::SERVICE_UNAVAILABLE, "busy; nothing was done: try again")
        }
        Err(refusal) => {
            tracing::error!(?refusal, "a payment was not resolved");
            problem(StatusCode::INTERNAL_SERVER_ERROR, "a defect; see the log")
        }
    }
}

fn json_answer(status: StatusCode, content_type: &'static str, body: &serde_json::Value) -> Response {
    (status, [(header::CONTENT_TYPE, content_type)], body.to_string()).into_response()
}

fn problem(status: StatusCode, detail: &str) -> Response {
    let body = json!({"type": "about:blank", "status": status.as_u16(), "detail": detail});
    json_answer(status, "application/problem+json", &body)
}

/// A refusal that resolving can meet, for people.
pub(crate) fn sentence(rejection: &Rejection) -> String {
    if let Rejection::NothingToResolve { found_status } = rejection {
        return format!("the payment is {found_status} and holds no money that waits for a decision");
    }
    if let Rejection::CurrencyDiffers { payment_currency } = rejection {
        return format!("another currency than {payment_currency} came: it can only be sent back");
    }
    format!("refused: {rejection:?}")
}

/// Resolves a payment through the lane of its merchant.
pub(crate) async fn resolve(
    app: &App,
    store: &SqliteStore,
    id: PaymentId,
    decision: Decision,
) -> Result<Resolved, Refusal> {
    let payment = store.payment(id).await?.ok_or(Refusal::NotFound("payment"))?;
    let view = app.resolve_mismatch(payment.merchant, id, decision.into()).await?;
    Ok(Resolved {
        id: id.to_string(),
        status: view.payment.status.to_string(),
        status_reason: view.payment.status_reason.map(|reason| reason.as_str().to_owned()),
    })
}

/// Asks the serving process to resolve a payment.
pub(crate) async fn ask(config: &Config, token: &str, id: PaymentId, decision: Decision) -> Result<Resolved> {
    let inside = Inside::of(config, ANSWER_MAX)?;
    let request = inside
        .post(&format!("/ops/v1/payments/{id}/resolve"))
        .bearer_auth(token)
        .header(header::CONTENT_TYPE, "application/json")
        .body(serde_json::to_vec(&Resolve { resolution: decision })?);
    let answer = request
        .send()
        .await
        .with_context(|| format!("the server's internal listener at {} did not answer", inside.at))?;
    let status = answer.status();
    let body = answer.bytes().await?;
    if status.is_success() {
        return Ok(serde_json::from_slice(&body)?);
    }
    let said: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
    bail!(
        "refused ({status}): {}",
        said.get("detail").and_then(|detail| detail.as_str()).unwrap_or("no reason given")
    )
}
