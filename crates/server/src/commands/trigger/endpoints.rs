//! Recipes about webhook endpoints. An endpoint is made for the recipe and removed after it; the merchant's own are not touched.

use super::stage::Stage;
use crate::client::fields::{rows, text};
use anyhow::{Context, Result};
use app::webhook::health::FAILING_AFTER;
use axum::Router;
use axum::http::StatusCode;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use tokio::net::TcpListener;

/// How an endpoint shall fare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Tested,
    Failing,
    Recovered,
    Disabled,
}

/// A program on this machine that answers what it is told to.
struct Answerer {
    address: SocketAddr,
    status: Arc<AtomicU16>,
}

/// Where the platform reaches this machine, when it is not the same one.
#[derive(Debug, Clone, Default)]
pub(super) struct Reach {
    /// Where to listen.
    pub listen: Option<SocketAddr>,
    /// The address that leads there.
    pub url: Option<String>,
}

impl Answerer {
    async fn start(reach: &Reach, status: StatusCode) -> Result<Answerer> {
        let listen = reach.listen.unwrap_or(SocketAddr::from(([127, 0, 0, 1], 0)));
        let listener =
            TcpListener::bind(listen).await.with_context(|| format!("--receiver-listen {listen}"))?;
        let address = listener.local_addr()?;
        let status = Arc::new(AtomicU16::new(status.as_u16()));
        let answers = Arc::clone(&status);
        let router = Router::new().fallback(move || {
            let status = answers.load(Ordering::Relaxed);
            async move { StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR) }
        });
        let limits = api::ServeLimits { connections_max: 16, ..api::ServeLimits::default() };
        tokio::spawn(api::serve(listener, None, router, std::future::pending(), limits));
        Ok(Answerer { address, status })
    }

    fn answer(&self, status: StatusCode) {
        self.status.store(status.as_u16(), Ordering::Relaxed);
    }
}

/// Makes an endpoint and lets it fare so.
pub(super) async fn play(stage: &mut Stage<'_>, fate: Fate, reach: &Reach) -> Result<()> {
    let answerer = match fate {
        // RFC 2606: a name that leads nowhere, so nobody is bothered and no receiver is needed.
        Fate::Tested | Fate::Failing => None,
        Fate::Recovered => Some(Answerer::start(reach, StatusCode::INTERNAL_SERVER_ERROR).await?),
        Fate::Disabled => Some(Answerer::start(reach, StatusCode::GONE).await?),
    };
    let url = match (&answerer, &reach.url) {
        (None, _) => format!("https://{}.invalid/hook", stage.fresh("host")),
        (Some(_), Some(url)) => url.clone(),
        (Some(answerer), None) => format!("http://{}/hook", answerer.address),
    };
    let input =
        json!({ "url": url, "events": ["webhook_endpoint.test"], "description": "made by feiqian trigger" });
    let endpoint = match stage.act("/v1/webhook_endpoints", &input).await {
        Err(error) if is_url_not_allowed(&error) => return Err(advise(error, answerer.as_ref())),
        made => made?,
    };
    let id = text(&endpoint, "/id").to_owned();
    let path = format!("/v1/webhook_endpoints/{id}");
    stage.remove_at_the_end(&path);
    fare(stage, fate, answerer.as_ref(), &path, &id).await
}

async fn fare(
    stage: &mut Stage<'_>,
    fate: Fate,
    answerer: Option<&Answerer>,
    path: &str,
    id: &str,
) -> Result<()> {
    stage.act(&format!("{path}/test"), &json!({})).await?;
    match fate {
        Fate::Tested | Fate::Disabled => Ok(()),
        Fate::Failing => fail(stage, path, id).await.map(drop),
        Fate::Recovered => {
            let delivery = fail(stage, path, id).await?;
            if let Some(answerer) = answerer {
                answerer.answer(StatusCode::NO_CONTENT);
            }
            stage.act(&format!("{delivery}/replay"), &json!({})).await.map(drop)
        }
    }
}

/// Tries the test send until the endpoint is called failing; answers the delivery's path.
async fn fail(stage: &mut Stage<'_>, path: &str, id: &str) -> Result<String> {
    let delivery = format!("/v1/webhook_deliveries/{}", the_delivery(stage, id).await?);
    for wanted in 1..=FAILING_AFTER {
        let tries = |row: &Value| row.get("attempts").and_then(Value::as_array).map_or(0, Vec::len);
        let tried = |row: &Value| i64::try_from(tries(row)).is_ok_and(|tries| tries >= wanted);
        stage.until(&delivery, "tried", tried).await?;
        if wanted < FAILING_AFTER {
            stage.act(&format!("{delivery}/replay"), &json!({})).await?;
        }
    }
    stage.until(path, "failing", |endpoint| text(endpoint, "/status") == "failing").await?;
    Ok(delivery)
}

/// The endpoint's only delivery.
async fn the_delivery(stage: &Stage<'_>, endpoint: &str) -> Result<String> {
    let path = format!("/v1/webhook_deliveries?endpoint={endpoint}");
    let page = stage.until(&path, "listed", |page| !rows(page).is_empty()).await?;
    rows(&page).first().map(|row| text(row, "/id").to_owned()).context("the test send has no delivery")
}

fn is_url_not_allowed(error: &anyhow::Error) -> bool {
    error.downcast_ref::<crate::client::Fault>().is_some_and(|fault| fault.is(api::Code::UrlNotAllowed))
}

fn advise(error: anyhow::Error, answerer: Option<&Answerer>) -> anyhow::Error {
    let Some(answerer) = answerer else { return error };
    error.context(format!(
        "the server may not call this machine at {}. On an installation of your own set sandbox.allow_private_webhooks = true; for \
         another one open a tunnel to this machine and give its ends: --receiver-listen 127.0.0.1:PORT --receiver-url https://…",
        answerer.address
    ))
}
