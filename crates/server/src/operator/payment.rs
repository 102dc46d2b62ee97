//! A person decides about money that a payment may not simply keep.

use super::{Operator, Trusted, answer, parsed, problem, sentence};
use app::{App, Refusal};
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use domain::id::{Id, PaymentId};
use domain::payment::resolve::Resolution;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use store::Store;

/// What is asked.
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

pub(super) async fn route(
    State(operator): State<Arc<Operator>>,
    _: Trusted,
    Path(id): Path<String>,
    body: Body,
) -> Response {
    let wish: Resolve = match parsed(body, "{\"resolution\": \"keep\" | \"send_back\"}").await {
        Ok(wish) => wish,
        Err(refused) => return refused,
    };
    let Some(id) = PaymentId::parse(&id) else {
        return problem(StatusCode::NOT_FOUND, "there is no such payment");
    };
    match resolve(&operator.app, operator.store.as_ref(), id, wish.resolution).await {
        Err(Refusal::Rejected { rejection, .. }) => problem(StatusCode::CONFLICT, &sentence(&rejection)),
        result => answer(result),
    }
}

/// Resolves a payment through the lane of its merchant.
pub(crate) async fn resolve(
    app: &App,
    store: &dyn Store,
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
