//! Lifting the hold of a restored installation.

use super::{Operator, Trusted, answer, parsed};
use app::{Refusal, Resumed};
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What is asked.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Resume {
    /// Lift the hold although a channel did not answer about something.
    pub without_answers: bool,
}

/// What a resume found and did.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ResumeAnswer {
    pub attempts: u64,
    pub captures: u64,
    pub refunds: u64,
    pub unanswered: Vec<String>,
    pub lost: u64,
    pub without_list: Vec<String>,
    pub lifted: bool,
}

/// How far the one that runs is.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct ResumeProgress {
    pub asked: u64,
    pub to_ask: u64,
}

impl From<Resumed> for ResumeAnswer {
    fn from(resumed: Resumed) -> ResumeAnswer {
        ResumeAnswer {
            attempts: resumed.attempts,
            captures: resumed.captures,
            refunds: resumed.refunds,
            unanswered: resumed.unanswered,
            lost: resumed.lost,
            without_list: resumed.without_list.iter().map(ToString::to_string).collect(),
            lifted: resumed.lifted,
        }
    }
}

pub(super) async fn route(State(operator): State<Arc<Operator>>, _: Trusted, body: Body) -> Response {
    match parsed::<Resume>(body, "{\"without_answers\": true | false}").await {
        Ok(wish) => answer(operator.app.resume(wish.without_answers).await.map(ResumeAnswer::from)),
        Err(refused) => refused,
    }
}

pub(super) async fn progress(State(operator): State<Arc<Operator>>, _: Trusted) -> Response {
    let (asked, to_ask) = operator.app.resume_progress();
    answer(Ok::<_, Refusal>(ResumeProgress { asked, to_ask }))
}
