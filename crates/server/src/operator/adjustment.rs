//! Adjustments between merchants: one person proposes, another decides.

use super::{Operator, Trusted, answer, parsed, problem, sentence};
use app::{App, NewAdjustment, Refusal};
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use domain::adjustment::{Adjustment, Corrected, Person, Reason, Verdict};
use domain::id::{AdjustmentId, Id, MerchantId};
use domain::rejection::Rejection;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What is proposed, as it travels.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Propose {
    pub id: String,
    pub from: String,
    pub to: String,
    pub corrects: String,
    pub amount_minor: i64,
    pub reason: String,
    pub by: String,
}

impl Propose {
    /// Reads it; the sentence says which part can't be read.
    pub(crate) fn read(&self) -> Result<NewAdjustment, &'static str> {
        Ok(NewAdjustment {
            id: AdjustmentId::parse(&self.id).ok_or("--id: not an adjustment's id (adj_…)")?,
            from: MerchantId::parse(&self.from).ok_or("--from: not a merchant's id (mch_…)")?,
            to: MerchantId::parse(&self.to).ok_or("--to: not a merchant's id (mch_…)")?,
            corrects: Corrected::parse(&self.corrects)
                .ok_or("--corrects: not a payment's or refund's id (pay_…, rfd_…)")?,
            amount_minor: self.amount_minor,
            reason: Reason::parse(&self.reason)
                .ok_or("--reason: 1 to 127 characters in one line, no control characters")?,
            by: read_person(&self.by)?,
        })
    }
}

/// What is decided, as it travels.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Decide {
    pub verdict: Said,
    pub by: String,
    /// More than what is corrected may be given for it.
    #[serde(default)]
    pub beyond: bool,
}

/// The verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Said {
    Approve,
    Reject,
}

impl From<Said> for Verdict {
    fn from(said: Said) -> Verdict {
        match said {
            Said::Approve => Verdict::Approve,
            Said::Reject => Verdict::Reject,
        }
    }
}

/// Who acts.
pub(crate) fn read_person(text: &str) -> Result<Person, &'static str> {
    Person::parse(text).ok_or("--by: a login of 1 to 64 letters, digits, . _ - @")
}

/// An adjustment as operators see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Shown {
    pub id: String,
    pub world: String,
    pub status: String,
    pub from: String,
    pub to: String,
    pub amount_minor: i64,
    pub currency: String,
    pub corrects: String,
    pub reason: String,
    pub proposed_by: String,
    pub decided_by: Option<String>,
    /// Business time of the giver, microseconds.
    pub created_at_us: i64,
    /// Likewise, of the last change.
    pub updated_at_us: i64,
}

impl From<&Adjustment> for Shown {
    fn from(adjustment: &Adjustment) -> Shown {
        Shown {
            id: adjustment.id.to_string(),
            world: adjustment.id.uid().shard().world().as_str().to_owned(),
            status: adjustment.status.to_string(),
            from: adjustment.merchant.to_string(),
            to: adjustment.receiver.to_string(),
            amount_minor: adjustment.amount.minor(),
            currency: adjustment.amount.currency().code().to_owned(),
            corrects: adjustment.corrects.to_string(),
            reason: adjustment.reason.as_str().to_owned(),
            proposed_by: adjustment.proposed_by.as_str().to_owned(),
            decided_by: adjustment.decided_by.as_ref().map(|by| by.as_str().to_owned()),
            created_at_us: adjustment.created_at_us,
            updated_at_us: adjustment.updated_at_us,
        }
    }
}

pub(super) async fn propose_route(State(operator): State<Arc<Operator>>, _: Trusted, body: Body) -> Response {
    let form = "{\"id\", \"from\", \"to\", \"corrects\", \"amount_minor\", \"reason\", \"by\"}";
    let wish: Propose = match parsed(body, form).await {
        Ok(wish) => wish,
        Err(refused) => return refused,
    };
    match wish.read() {
        Ok(new) => answered(propose(&operator.app, new).await),
        Err(detail) => problem(StatusCode::BAD_REQUEST, detail),
    }
}

pub(super) async fn decide_route(
    State(operator): State<Arc<Operator>>,
    _: Trusted,
    Path(id): Path<String>,
    body: Body,
) -> Response {
    let wish: Decide = match parsed(body, "{\"verdict\": \"approve\" | \"reject\", \"by\"}").await {
        Ok(wish) => wish,
        Err(refused) => return refused,
    };
    let Some(id) = AdjustmentId::parse(&id) else {
        return problem(StatusCode::NOT_FOUND, "there is no such adjustment");
    };
    match read_person(&wish.by) {
        Ok(by) => answered(decide(&operator.app, id, wish.verdict, by, wish.beyond).await),
        Err(detail) => problem(StatusCode::BAD_REQUEST, detail),
    }
}

fn answered(result: Result<Shown, Refusal>) -> Response {
    match result {
        Err(Refusal::Rejected { rejection: Rejection::AdjustmentNotFound, .. }) => {
            problem(StatusCode::NOT_FOUND, "there is no such adjustment")
        }
        Err(Refusal::Rejected { rejection, .. }) => problem(StatusCode::CONFLICT, &sentence(&rejection)),
        Err(Refusal::FieldInvalid { pointer, detail }) => {
            problem(StatusCode::BAD_REQUEST, &format!("--{}: {detail}", pointer.trim_start_matches('/')))
        }
        result => answer(result),
    }
}

/// Asks for an adjustment through the lane of its giver.
pub(crate) async fn propose(app: &App, new: NewAdjustment) -> Result<Shown, Refusal> {
    Ok(Shown::from(&app.propose_adjustment(new).await?))
}

/// Decides one.
pub(crate) async fn decide(
    app: &App,
    id: AdjustmentId,
    said: Said,
    by: Person,
    beyond: bool,
) -> Result<Shown, Refusal> {
    Ok(Shown::from(&app.decide_adjustment(id, said.into(), by, beyond).await?))
}
