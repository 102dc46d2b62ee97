//! What must hold at the commits of a running platform: keys are revoked, merchants change their partner.

use super::{Operator, Trusted, answer, parsed, problem};
use app::{App, Refusal};
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use domain::id::{Id, KeyId, MerchantId, PartnerId};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A key that is revoked.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Revoked {
    pub id: String,
    pub revoked_at_us: Option<i64>,
}

/// Whose merchant it shall be.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Assign {
    pub partner: Option<String>,
}

/// Whose merchant it is now.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Assigned {
    pub merchant: String,
    pub partner: Option<String>,
}

pub(super) async fn revoke_route(
    State(operator): State<Arc<Operator>>,
    _: Trusted,
    Path(id): Path<String>,
) -> Response {
    let Some(id) = KeyId::parse(&id) else {
        return problem(StatusCode::NOT_FOUND, "there is no such api_key");
    };
    answer(revoke(&operator.app, id).await)
}

/// Revokes a key; whatever it signed is not committed after the answer.
pub(crate) async fn revoke(app: &App, id: KeyId) -> Result<Revoked, Refusal> {
    let key = app.revoke_any_key(id).await?;
    Ok(Revoked { id: key.id.to_string(), revoked_at_us: key.revoked_at_us })
}

pub(super) async fn assign_route(
    State(operator): State<Arc<Operator>>,
    _: Trusted,
    Path(id): Path<String>,
    body: Body,
) -> Response {
    let wish: Assign = match parsed(body, "{\"partner\": \"ptn_…\" | null}").await {
        Ok(wish) => wish,
        Err(refused) => return refused,
    };
    let Some(merchant) = MerchantId::parse(&id) else {
        return problem(StatusCode::NOT_FOUND, "there is no such merchant");
    };
    let partner = match wish.partner.as_deref().map(PartnerId::parse) {
        None => None,
        Some(Some(partner)) => Some(partner),
        Some(None) => return problem(StatusCode::NOT_FOUND, "there is no such partner"),
    };
    answer(assign(&operator.app, merchant, partner).await)
}

/// Gives a merchant to a partner or to none.
pub(crate) async fn assign(
    app: &App,
    merchant: MerchantId,
    partner: Option<PartnerId>,
) -> Result<Assigned, Refusal> {
    app.assign_merchant(merchant, partner).await?;
    Ok(Assigned { merchant: merchant.to_string(), partner: partner.map(|id| id.to_string()) })
}
