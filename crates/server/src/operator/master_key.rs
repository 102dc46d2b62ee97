//! Rotation of the master key, step by step: the command line leads, the process that owns the database does the work.

use super::{Operator, Trusted, answer, parsed, problem};
use axum::body::Body;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use store::StoreError;
use store::safekeeping::SealedAgain;

/// Seal new values with this version from now on.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Begin {
    pub version: u32,
}

/// The next step.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SealAgain {
    pub from: Option<String>,
}

/// What a step did.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct SealedAgainAnswer {
    pub place: String,
    pub looked: u64,
    pub sealed: u64,
    pub next: Option<String>,
}

/// What the key file gives now.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Reloaded {
    /// The version that new values are sealed with.
    pub version: u32,
}

impl From<SealedAgain> for SealedAgainAnswer {
    fn from(step: SealedAgain) -> SealedAgainAnswer {
        SealedAgainAnswer { place: step.place, looked: step.looked, sealed: step.sealed, next: step.next }
    }
}

impl From<SealedAgainAnswer> for SealedAgain {
    fn from(step: SealedAgainAnswer) -> SealedAgain {
        SealedAgain { place: step.place, looked: step.looked, sealed: step.sealed, next: step.next }
    }
}

type Here = State<Arc<Operator>>;

pub(super) async fn begin(State(operator): Here, _: Trusted, body: Body) -> Response {
    let wish: Begin = match parsed(body, "{\"version\": 2}").await {
        Ok(wish) => wish,
        Err(refused) => return refused,
    };
    if let Some(refused) = read_key_file(&operator) {
        return refused;
    }
    told(operator.store.begin_rotation(wish.version).await.map(|()| version(&operator)))
}

pub(super) async fn seal_again(State(operator): Here, _: Trusted, body: Body) -> Response {
    match parsed::<SealAgain>(body, "{\"from\": null | \"…\"}").await {
        Ok(wish) => told(operator.store.seal_again(wish.from.as_deref()).await.map(SealedAgainAnswer::from)),
        Err(refused) => refused,
    }
}

pub(super) async fn end(State(operator): Here, _: Trusted) -> Response {
    told(operator.store.end_rotation().await.map(|()| version(&operator)))
}

pub(super) async fn reload(State(operator): Here, _: Trusted) -> Response {
    match read_key_file(&operator) {
        Some(refused) => refused,
        None => told(Ok(version(&operator))),
    }
}

fn version(operator: &Operator) -> Reloaded {
    Reloaded { version: operator.sealer.version() }
}

fn read_key_file(operator: &Operator) -> Option<Response> {
    let fault = operator.sealer.reload().err()?;
    Some(problem(StatusCode::CONFLICT, &format!("the server can't read the key file: {fault}")))
}

/// What the store came to; a refusal of its own is told in its own words.
fn told(result: Result<impl Serialize, StoreError>) -> Response {
    match result {
        Err(StoreError::Conflict(why) | StoreError::Unavailable(why)) => problem(StatusCode::CONFLICT, &why),
        result => answer(result.map_err(app::Refusal::from)),
    }
}
