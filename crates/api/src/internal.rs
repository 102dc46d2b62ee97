//! The internal listener: health and metrics. Never reachable from outside.

use app::App;
use axum::Router;
use axum::routing::get;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use std::sync::Arc;

/// `/healthz` (the process answers), `/readyz` (commands are taken), `/metrics` (what `metrics` prints, Prometheus text).
pub fn internal_router(app: App, metrics: impl Fn() -> String + Send + Sync + 'static) -> Router {
    let metrics = Arc::new(metrics);
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(move || ready(app.clone())))
        .route(
            "/metrics",
            get(move || async move { ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], metrics()) }),
        )
}

async fn ready(app: App) -> (StatusCode, String) {
    match app.ready().await {
        Ok(()) => (StatusCode::OK, "ready\n".to_owned()),
        Err(reason) => (StatusCode::SERVICE_UNAVAILABLE, format!("{reason}\n")),
    }
}
