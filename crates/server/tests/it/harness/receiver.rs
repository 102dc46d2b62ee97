//! A merchant's webhook receiver: keeps what came, and does as it is told.

use super::client::now_ms;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use crypto::webhook::WebhookSecret;
use serde_json::Value;
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// What it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Behaviour {
    /// 204
    Accept,
    /// This status.
    Fail(u16),
    /// Nothing, ever.
    Hang,
}

/// One delivery as it came.
#[derive(Debug, Clone)]
pub struct Delivered {
    /// `webhook-id`
    pub id: String,
    /// `webhook-timestamp`
    pub timestamp: String,
    /// `webhook-signature`
    pub signature: String,
    /// The bytes.
    pub body: Vec<u8>,
    /// The bytes as JSON.
    pub json: Value,
    /// Whether it was answered with 2xx.
    pub accepted: bool,
    /// When it came, milliseconds since 1970.
    pub at_ms: i64,
}

struct Inner {
    behaviour: Behaviour,
    deliveries: Vec<Delivered>,
}

/// A receiver on a port of its own; it ends when dropped.
pub struct Receiver {
    /// Where to send.
    pub url: String,
    inner: Arc<Mutex<Inner>>,
    leave: Arc<Notify>,
    task: JoinHandle<()>,
}

impl Receiver {
    /// Starts one that accepts.
    pub async fn start() -> Receiver {
        Receiver::start_at("127.0.0.1:0").await
    }

    /// Starts one at an address, such as that of one that went away.
    pub async fn start_at(address: &str) -> Receiver {
        let listener = TcpListener::bind(address).await.expect("a free port");
        let url = format!("http://{}/hook", listener.local_addr().expect("its number"));
        let inner = Arc::new(Mutex::new(Inner { behaviour: Behaviour::Accept, deliveries: Vec::new() }));
        let router = Router::new().fallback(receive).with_state(Arc::clone(&inner));
        let leave = Arc::new(Notify::new());
        let left = Arc::clone(&leave);
        let task = super::spawn(async move {
            let until_left = async move { left.notified().await };
            let _ = axum::serve(listener, router).with_graceful_shutdown(until_left).await;
        });
        Receiver { url, inner, leave, task }
    }

    /// Goes away; comes back when nothing listens at its address any more.
    pub async fn end(mut self) {
        self.leave.notify_one();
        let _ = (&mut self.task).await;
    }

    /// What it does from now on.
    pub fn behave(&self, behaviour: Behaviour) {
        self.inner.lock().expect("no test panicked here").behaviour = behaviour;
    }

    /// What came so far.
    pub fn deliveries(&self) -> Vec<Delivered> {
        self.inner.lock().expect("no test panicked here").deliveries.clone()
    }

    /// What came so far and was accepted, about one object.
    pub fn accepted_of(&self, object: &str) -> Vec<Delivered> {
        let of_object = |d: &Delivered| d.accepted && d.json["data"]["object"]["id"] == object;
        self.deliveries().into_iter().filter(of_object).collect()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Delivered {
    /// `type` of the body.
    pub fn kind(&self) -> &str {
        self.json["type"].as_str().unwrap_or("")
    }

    /// Whether a receiver with this secret believes it.
    pub fn is_signed_by(&self, secret: &str) -> bool {
        let secret = WebhookSecret::parse(secret).expect("a secret");
        let now_s = super::client::now_s();
        crypto::webhook::verify(&[secret], &self.id, &self.timestamp, &self.signature, &self.body, now_s)
            .is_ok()
    }
}

async fn receive(State(inner): State<Arc<Mutex<Inner>>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let header = |name: &str| headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or("").to_owned();
    let behaviour = {
        let mut inner = inner.lock().expect("no test panicked here");
        let behaviour = inner.behaviour;
        inner.deliveries.push(Delivered {
            id: header("webhook-id"),
            timestamp: header("webhook-timestamp"),
            signature: header("webhook-signature"),
            json: serde_json::from_slice(&body).unwrap_or(Value::Null),
            body: body.to_vec(),
            accepted: behaviour == Behaviour::Accept,
            at_ms: now_ms(),
        });
        behaviour
    };
    match behaviour {
        Behaviour::Accept => StatusCode::NO_CONTENT,
        Behaviour::Fail(status) => StatusCode::from_u16(status).expect("a status"),
        Behaviour::Hang => std::future::pending().await,
    }
}
