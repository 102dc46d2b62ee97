//! The demo's webhook receiver: checks each delivery's signature as a merchant must, over the bytes received, and prints it.

use crate::assemble::real_now_us;
use crate::client::fields::text;
use crate::output::line;
use anyhow::{Context, Result};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use crypto::webhook::{WebhookSecret, verify};
use serde_json::Value;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::Notify;

/// A delivery that was not here by then does not come.
const DELIVERY_MAX: Duration = Duration::from_secs(20);

pub(super) struct Receiver {
    address: SocketAddr,
    inbox: Arc<Inbox>,
}

#[derive(Default)]
struct Inbox {
    secret: OnceLock<WebhookSecret>,
    /// Type and object of every delivery whose signature is good.
    good: Mutex<Vec<(String, String)>>,
    /// What to print about deliveries while somebody else is printing; `None`: print at once.
    held_back: Mutex<Option<Vec<String>>>,
    came: Notify,
}

impl Inbox {
    fn say(&self, text: String) {
        match self.held_back.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            Some(lines) => lines.push(text),
            None => line(&text),
        }
    }
}

impl Receiver {
    pub(super) async fn start() -> Result<Receiver> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let inbox = Arc::new(Inbox { held_back: Mutex::new(Some(Vec::new())), ..Inbox::default() });
        let router = Router::new().route("/webhooks", post(receive)).with_state(Arc::clone(&inbox));
        let limits = api::ServeLimits { connections_max: 16, ..api::ServeLimits::default() };
        tokio::spawn(api::serve(listener, None, router, std::future::pending(), limits));
        Ok(Receiver { address, inbox })
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}/webhooks", self.address)
    }

    pub(super) fn trust(&self, secret: &str) -> Result<()> {
        let _ = self.inbox.secret.set(WebhookSecret::parse(secret)?);
        Ok(())
    }

    /// Waits for a good delivery of a type about an object.
    pub(super) async fn wait_for(&self, kind: &str, object: &str) -> Result<()> {
        let found = async {
            loop {
                let next = self.inbox.came.notified();
                let good = self.inbox.good.lock().unwrap_or_else(PoisonError::into_inner).clone();
                if good.iter().any(|(k, o)| k == kind && o == object) {
                    return;
                }
                next.await;
            }
        };
        let came = tokio::time::timeout(DELIVERY_MAX, found).await;
        self.print(true);
        came.with_context(|| format!("the webhook {kind} of {object} did not come"))
    }

    /// Prints what came meanwhile. Later deliveries are held back again, or printed as they come.
    pub(super) fn print(&self, hold_back: bool) {
        let mut held_back = self.inbox.held_back.lock().unwrap_or_else(PoisonError::into_inner);
        for text in held_back.take().unwrap_or_default() {
            line(&text);
        }
        *held_back = hold_back.then(Vec::new);
    }
}

async fn receive(State(inbox): State<Arc<Inbox>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("");
    let (id, timestamp, signature) =
        (header("webhook-id"), header("webhook-timestamp"), header("webhook-signature"));
    let secret = inbox.secret.get().map(std::slice::from_ref).unwrap_or_default();
    if let Err(fault) = verify(secret, id, timestamp, signature, &body, real_now_us() / 1_000_000) {
        inbox.say(format!("  ← webhook refused: {fault}"));
        return StatusCode::UNAUTHORIZED;
    }
    let Ok(event) = serde_json::from_slice::<Value>(&body) else { return StatusCode::BAD_REQUEST };
    let (kind, object) = (text(&event, "/type"), text(&event, "/data/object/id"));
    inbox.say(format!("  ← webhook {kind} {object} · signature good 签名有效"));
    inbox.good.lock().unwrap_or_else(PoisonError::into_inner).push((kind.to_owned(), object.to_owned()));
    // One waits at most; a permit is kept if it is just about to.
    inbox.came.notify_one();
    StatusCode::NO_CONTENT
}
