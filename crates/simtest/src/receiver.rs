//! Merchants' receivers of webhooks: they answer, hang, refuse, lie that they refused, or say that they want no more.

use crate::faults::{Faults, Verdict};
use app::webhook::{Answer, Post, Request};
use async_trait::async_trait;
use std::collections::{BTreeMap, BTreeSet};
use std::future::pending;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// One delivery as a receiver saw it.
#[derive(Debug, Clone)]
pub struct Received {
    /// At which address.
    pub url: String,
    /// `webhook-id`
    pub id: String,
    /// The body.
    pub body: String,
    /// Whether it was answered 2xx, and the answer came through.
    pub accepted: bool,
}

#[derive(Default)]
struct Book {
    received: Vec<Received>,
    gone: BTreeSet<String>,
    /// Tries that were not answered 2xx, by address.
    failures: BTreeMap<String, u64>,
}

/// All receivers.
pub struct Receivers {
    book: Mutex<Book>,
    faults: Arc<Faults>,
}

impl Receivers {
    /// Nothing received yet.
    pub fn new(faults: Arc<Faults>) -> Receivers {
        Receivers { book: Mutex::default(), faults }
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Everything that was received, in order.
    pub fn received(&self) -> Vec<Received> {
        self.book().received.clone()
    }

    /// Addresses that answered 410 once.
    pub fn gone(&self) -> BTreeSet<String> {
        self.book().gone.clone()
    }

    /// How often an address was tried and did not answer 2xx.
    pub fn failures(&self, url: &str) -> u64 {
        self.book().failures.get(url).copied().unwrap_or(0)
    }

    fn note(&self, request: &Request<'_>, accepted: bool) {
        self.book().received.push(Received {
            url: request.url.to_owned(),
            id: request.id.to_owned(),
            body: request.body.to_owned(),
            accepted,
        });
    }
}

fn answered(status: u16) -> Answer {
    Answer {
        status: Some(status),
        latency_ms: 5,
        error: (status >= 300).then_some("http_status"),
        retry_after_s: None,
    }
}

#[async_trait]
impl Post for Receivers {
    async fn post(&self, request: &Request<'_>, _: i64) -> Answer {
        self.faults.count("webhook tries");
        let verdict = self.faults.step("webhook");
        if matches!(verdict, Some(Verdict::DieBefore | Verdict::Dead)) {
            return pending().await;
        }
        tokio::time::sleep(Duration::from_millis(self.faults.draw(30))).await;
        if self.faults.strikes(|r| r.webhook_fails, "webhook failed") {
            return self.fail(request).await;
        }
        self.note(request, verdict.is_none());
        match verdict {
            None => answered(200),
            Some(_) => pending().await,
        }
    }
}

impl Receivers {
    async fn fail(&self, request: &Request<'_>) -> Answer {
        *self.book().failures.entry(request.url.to_owned()).or_insert(0) += 1;
        match self.faults.draw(12) {
            // Taken in, and answered as if not.
            0..3 => {
                self.note(request, false);
                answered(500)
            }
            3..5 => {
                tokio::time::sleep(Duration::from_secs(15)).await;
                Answer { status: None, latency_ms: 15_000, error: Some("timeout"), retry_after_s: None }
            }
            5 => Answer { retry_after_s: Some(20), ..answered(503) },
            6 => answered(302),
            7 if self.faults.draw(8) == 0 => {
                self.book().gone.insert(request.url.to_owned());
                answered(410)
            }
            _ => answered(500),
        }
    }
}
