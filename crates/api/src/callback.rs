//! Channels' callbacks: raw bytes in, the channel's own acknowledgement out. They are judged by the channel's code, not here.

use crate::pipeline::{self, parse_id, read_body};
use crate::problem::Code;
use crate::state::Shared;
use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Request};
use axum::response::Response;
use axum::routing::post;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, StatusCode};
use std::sync::Arc;

/// `/callback/{channel_account}`.
pub fn router(state: &Shared) -> Router {
    let state = Arc::clone(state);
    let take = move |Path(account): Path<String>, request: Request| take(state, account, request);
    Router::new().route("/callback/{channel_account}", post(take))
}

async fn take(state: Shared, account: String, request: Request) -> Response {
    let Some(account) = parse_id(&account) else {
        return pipeline::refuse(state, Code::RouteNotFound, request).await;
    };
    let (parts, body) = request.into_parts();
    let (body, _share) = match read_body(&state, &parts.headers, body).await {
        Ok(read) => read,
        Err(problem) => {
            let status = StatusCode::from_u16(problem.parts().code.row().status);
            return plain(status.unwrap_or(StatusCode::BAD_REQUEST), "text/plain", String::new());
        }
    };
    let answer = state.app.channel_notice(account, texts(&parts.headers), body).await;
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    metrics::counter!("feiqian_callbacks_total", "accepted" => if status.is_success() { "yes" } else { "no" }).increment(1);
    plain(status, answer.content_type, answer.body)
}

/// Fields that are text; a signature over other bytes could not be checked anyway.
fn texts(headers: &HeaderMap) -> Vec<(String, String)> {
    let text = |value: &HeaderValue| value.to_str().map(str::to_owned).ok();
    headers.iter().filter_map(|(name, value)| Some((name.as_str().to_owned(), text(value)?))).collect()
}

fn plain(status: StatusCode, content_type: &'static str, body: String) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
