//! What all requests of a listener share.

use crate::access::rate::Limiters;
use crate::config::ApiConfig;
use crate::docs::Docs;
use app::App;
use domain::Uid;
use domain::id::Shard;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// The shared state.
pub struct ApiState {
    /// The use cases.
    pub app: App,
    /// Settings.
    pub config: ApiConfig,
    /// Who called how often.
    pub limiters: Limiters,
    /// Requests that may wait for events at once.
    pub waiting: Semaphore,
    /// KiB of large bodies that may still be taken.
    pub bodies: Arc<Semaphore>,
    /// The OpenAPI document as served.
    pub openapi: String,
    /// The documentation.
    pub docs: Docs,
}

/// A handle on it.
pub type Shared = Arc<ApiState>;

impl ApiState {
    /// Real time.
    pub fn real_now_us(&self) -> i64 {
        self.app.clock().real_now_us()
    }

    /// A request's id: `req_` and 26 characters.
    pub fn request_id(&self) -> String {
        let at_ms = u64::try_from(self.real_now_us() / 1_000).unwrap_or(0);
        let random = u64::from_be_bytes(crypto::secret::random_bytes::<8>());
        format!("req_{}", Uid::new(at_ms, Shard(0), random).to_text())
    }
}
