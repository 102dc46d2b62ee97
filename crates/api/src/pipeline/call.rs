//! What a handler is given, what it answers, and the proof that it may be reached.

use super::receive::Received;
use crate::access::{Operation, Permission, may};
use crate::json::{Fields, Value, parse};
use crate::problem::{Code, Problem};
use crate::query::Query;
use crate::state::Shared;
use app::{Caller, Config, ReEntry};
use domain::Id;
use domain::id::{KeyId, World};
use http::StatusCode;
use serde::Serialize;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;

/// A request of a known caller on its way into a handler.
pub struct Call {
    /// What all requests share.
    pub state: Shared,
    /// Who asks.
    pub caller: Caller,
    /// With which key.
    pub key: KeyId,
    /// The configuration in which the key stands.
    pub config: Arc<Config>,
    /// The request.
    pub request: Arc<Received>,
    /// Its query.
    pub query: Query,
    /// What makes it re-entrant.
    pub re_entry: ReEntry,
}

/// A request of whoever holds a key, also of a partner that names no merchant.
pub struct Anybody {
    /// What all requests share.
    pub state: Shared,
    /// Who asks, where a merchant is acted for.
    pub caller: Option<Caller>,
    /// The world of the key.
    pub world: World,
    /// With which key.
    pub key: KeyId,
    /// The configuration in which the key stands.
    pub config: Arc<Config>,
}

/// Proof that the caller may do `P`. Only the pipeline makes one.
pub struct Allowed<P: Permission> {
    /// The call.
    pub call: Call,
    may: PhantomData<P>,
}

impl<P: Permission> std::ops::Deref for Allowed<P> {
    type Target = Call;
    fn deref(&self) -> &Call {
        &self.call
    }
}

impl Call {
    /// The use cases.
    pub fn app(&self) -> &app::App {
        &self.state.app
    }

    /// The caller's world.
    pub fn world(&self) -> World {
        self.caller.world
    }

    /// The id in the path: one that can't be read looks like one that does not exist.
    ///
    /// # Errors
    /// The noun's `…_not_found`.
    pub fn id<I: Id>(&self, not_found: Code) -> Result<I, Problem> {
        self.request.id.as_deref().and_then(parse_id).ok_or_else(|| Problem::new(not_found))
    }

    /// The body as an object; an empty one where the route lets it be left out.
    ///
    /// # Errors
    /// `malformed_json`.
    pub fn body(&self) -> Result<Value<'_>, Problem> {
        if self.request.body.is_empty() { Ok(Value::Object(Vec::new())) } else { parse(&self.request.body) }
    }

    /// For routes without inputs: nothing but `{}`.
    ///
    /// # Errors
    /// `malformed_json`, `unknown_field`.
    pub fn no_inputs(&self) -> Result<(), Problem> {
        let body = self.body()?;
        Fields::new(&body).finish()
    }

    /// The merchant's business time, microseconds.
    ///
    /// # Errors
    /// `store_unavailable`.
    pub async fn business_now_us(&self) -> Result<i64, Problem> {
        match self.world() {
            World::Live => Ok(self.state.real_now_us()),
            World::Sandbox => Ok(self.app().sandbox_clock(&self.caller).await?.now_us),
        }
    }
}

/// Reads an id in any case; at most 64 characters are looked at.
pub fn parse_id<I: Id>(text: &str) -> Option<I> {
    if text.len() > 64 { None } else { I::parse(&text.to_ascii_lowercase()) }
}

/// What a handler answers.
pub struct Reply {
    pub(super) status: StatusCode,
    pub(super) content: Content,
    pub(super) fresh: Option<bool>,
}

/// The body of an answer.
pub(super) enum Content {
    /// JSON, whole.
    Json(Vec<u8>),
    /// A file, as it comes.
    File(FileReply),
}

/// A file for download.
pub struct FileReply {
    /// Its media type.
    pub content_type: &'static str,
    /// What it is saved as: letters, digits, `-`, `_` and `.`.
    pub name: String,
    /// The hash of its bytes, where it is known before they are.
    pub sha256: Option<[u8; 32]>,
    /// Its bytes.
    pub chunks: app::statement::file::Chunks,
}

impl Reply {
    /// 200 with an object.
    pub fn ok(object: &impl Serialize) -> Reply {
        let json = serde_json::to_vec(object).unwrap_or_default();
        Reply { status: StatusCode::OK, content: Content::Json(json), fresh: None }
    }

    /// 200 with a file.
    pub fn file(file: FileReply) -> Reply {
        Reply { status: StatusCode::OK, content: Content::File(file), fresh: None }
    }

    /// 201 with a new object, 200 with one that stood already.
    pub fn made(object: &impl Serialize, fresh: bool) -> Reply {
        let status = if fresh { StatusCode::CREATED } else { StatusCode::OK };
        Reply { status, fresh: Some(fresh), ..Reply::ok(object) }
    }

    /// 200 with the object acted on.
    pub fn acted(object: &impl Serialize, fresh: bool) -> Reply {
        Reply { fresh: Some(fresh), ..Reply::ok(object) }
    }

    /// The same with another status.
    pub fn with_status(self, status: StatusCode) -> Reply {
        Reply { status, ..self }
    }
}

type HandlerFuture = Pin<Box<dyn Future<Output = Result<Reply, Problem>> + Send>>;

/// A handler behind its permission, its type forgotten.
#[derive(Clone)]
pub struct Handler {
    run: Run,
    operation: Operation,
}

/// Whom a handler is given.
#[derive(Clone)]
pub(super) enum Run {
    /// A merchant, by its own key or its partner's.
    ForMerchant(Arc<dyn Fn(Call) -> HandlerFuture + Send + Sync>),
    /// The holder of any key.
    ForAnybody(Arc<dyn Fn(Anybody) -> HandlerFuture + Send + Sync>),
}

impl Handler {
    /// Wraps a handler; what it may do follows from its argument's type.
    pub fn new<P, H, F>(handler: H) -> Handler
    where
        P: Permission,
        H: Fn(Allowed<P>) -> F + Send + Sync + 'static,
        F: Future<Output = Result<Reply, Problem>> + Send + 'static,
    {
        let run = move |call| -> HandlerFuture { Box::pin(handler(Allowed { call, may: PhantomData })) };
        Handler { run: Run::ForMerchant(Arc::new(run)), operation: P::OPERATION }
    }

    /// Wraps the handler of the one question that every key may ask.
    pub fn for_anybody<H, F>(handler: H) -> Handler
    where
        H: Fn(Anybody) -> F + Send + Sync + 'static,
        F: Future<Output = Result<Reply, Problem>> + Send + 'static,
    {
        let run = move |call| -> HandlerFuture { Box::pin(handler(call)) };
        Handler { run: Run::ForAnybody(Arc::new(run)), operation: may::WhoAmI::OPERATION }
    }

    pub(super) fn run(&self) -> &Run {
        &self.run
    }

    /// What the caller must be allowed to do.
    pub fn operation(&self) -> Operation {
        self.operation
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_read_in_any_case() {
        let id = domain::id::PaymentId(domain::Uid::new(1, domain::id::Shard(1), 7));
        assert_eq!(parse_id(&id.to_string().to_ascii_uppercase()), Some(id));
        assert_eq!(parse_id::<domain::id::RefundId>(&id.to_string()), None);
        assert_eq!(parse_id::<domain::id::PaymentId>(&"pay_".repeat(40)), None);
    }
}
