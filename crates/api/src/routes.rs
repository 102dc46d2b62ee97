//! Every `/v1` route, registered once: router, permissions and OpenAPI document come from this list.

use crate::access::rate::Limiters;
use crate::access::{Operation, Permission};
use crate::config::ApiConfig;
use crate::pipeline::{self, Allowed, Anybody, Handler, Reply};
use crate::problem::{Code, Problem};
use crate::state::{ApiState, Shared};
use crate::{callback, docs, openapi, payer, v1};
use app::App;
use axum::Router;
use axum::extract::Request;
use axum::routing::{MethodFilter, on};
use std::future::Future;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// A method that routes use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Verb {
    Get,
    Post,
    Patch,
    Delete,
}

impl Verb {
    fn filter(self) -> MethodFilter {
        match self {
            Verb::Get => MethodFilter::GET,
            Verb::Post => MethodFilter::POST,
            Verb::Patch => MethodFilter::PATCH,
            Verb::Delete => MethodFilter::DELETE,
        }
    }
}

/// What a route takes as a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Body {
    /// None at all.
    Refused,
    /// Nothing or `{}`.
    Empty,
    /// This schema; it may be left out, for every field is optional.
    Optional(&'static str),
    /// This schema.
    Required(&'static str),
}

/// Whether a route that changes something needs an `Idempotency-Key`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyRule {
    /// It may have one.
    Optional,
    /// It makes an object, or moves money, without a number of the merchant's.
    Required,
}

/// What a route answers when it does not refuse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// 200 with one object.
    One(&'static str),
    /// 201 with a new object, 200 with one that stood.
    Made(&'static str),
    /// 200 with a page.
    Page(&'static str),
    /// 200 with all rows.
    Rows(&'static str),
    /// 200 when done, 202 while some of it is pending.
    Accepted(&'static str),
    /// 200 with a file of one of these media types.
    File(&'static [&'static str]),
}

/// What is fixed about a route.
#[derive(Debug)]
pub struct Spec {
    /// Its method.
    pub verb: Verb,
    /// Its path, with `{id}`.
    pub path: &'static str,
    /// Its name in the document.
    pub id: &'static str,
    /// One line about it.
    pub summary: &'static str,
    /// Its body.
    pub body: Body,
    /// Whether it needs an idempotency key.
    pub key: KeyRule,
    /// Query parameters that it knows.
    pub query: &'static [&'static str],
    /// What it answers.
    pub answer: Answer,
    /// Codes of its own, beside those of every route.
    pub codes: &'static [Code],
}

/// A route with its handler.
pub struct Entry {
    /// What is fixed.
    pub spec: &'static Spec,
    /// Who answers.
    pub handler: Handler,
}

/// All routes.
#[derive(Default)]
pub struct Routes {
    entries: Vec<Entry>,
}

impl Routes {
    /// Every route of `/v1`.
    pub fn all() -> Routes {
        let mut routes = Routes::default();
        v1::routes(&mut routes);
        routes
    }

    /// Registers a route. Its permission is the handler's argument type: there is no way without one.
    pub fn add<P, H, F>(&mut self, spec: &'static Spec, handler: H)
    where
        P: Permission,
        H: Fn(Allowed<P>) -> F + Send + Sync + 'static,
        F: Future<Output = Result<Reply, Problem>> + Send + 'static,
    {
        self.entries.push(Entry { spec, handler: Handler::new(handler) });
    }

    /// Registers a route that needs no permission and no merchant: it tells who is asking.
    pub fn add_for_anybody<H, F>(&mut self, spec: &'static Spec, handler: H)
    where
        H: Fn(Anybody) -> F + Send + Sync + 'static,
        F: Future<Output = Result<Reply, Problem>> + Send + 'static,
    {
        self.entries.push(Entry { spec, handler: Handler::for_anybody(handler) });
    }

    /// Method, path and permission of every route.
    pub fn permissions(&self) -> impl Iterator<Item = (&'static Spec, Operation)> {
        self.entries.iter().map(|entry| (entry.spec, entry.handler.operation()))
    }
}

/// The public face: `/v1`, payers' pages, channels' callbacks, `/docs` and `/openapi.json`.
pub fn public_router(app: App, config: ApiConfig) -> Router {
    let routes = Routes::all();
    let document = openapi::document(&routes);
    let state: Shared = Arc::new(ApiState {
        app,
        limiters: Limiters::new(&config.rate_limits),
        waiting: Semaphore::new(v1::event_feed::WAITING_MAX),
        bodies: Arc::new(Semaphore::new(config.bodies_max_bytes / 1024)),
        openapi: openapi::pretty(&document),
        docs: docs::Docs::default(),
        config,
    });
    let mut router = Router::new();
    for Entry { spec, handler } in routes.entries {
        let state = Arc::clone(&state);
        let answer =
            move |request: Request| pipeline::run(Arc::clone(&state), spec, handler.clone(), request);
        router = router.route(spec.path, on(spec.verb.filter(), answer));
    }
    let (lost, refused) = (Arc::clone(&state), Arc::clone(&state));
    router
        .merge(docs::router(&state))
        .merge(payer::router(&state))
        .merge(callback::router(&state))
        .fallback(move |request: Request| pipeline::refuse(Arc::clone(&lost), Code::RouteNotFound, request))
        .method_not_allowed_fallback(move |request: Request| {
            pipeline::refuse(Arc::clone(&refused), Code::MethodNotAllowed, request)
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    /// The type system asks for a permission; this says that reading and writing were not mixed up, and that only whoami
    /// needs none in particular.
    #[test]
    fn every_route_has_the_right_kind_of_permission() {
        let routes = Routes::all();
        let mut without = Vec::new();
        let mut used = HashSet::new();
        for (spec, operation) in routes.permissions() {
            used.insert(operation);
            let reads = operation.as_str().ends_with(".read");
            match (operation, spec.verb) {
                (Operation::WhoAmI, _) => without.push(spec.path),
                (Operation::UseSandbox, _) => assert!(spec.path.starts_with("/v1/sandbox/"), "{}", spec.path),
                (_, Verb::Get) => assert!(reads, "{} {}", spec.path, operation.as_str()),
                (_, Verb::Post | Verb::Patch | Verb::Delete) => assert!(!reads, "{}", spec.path),
            }
        }
        assert_eq!(without, ["/v1/whoami"]);
        assert_eq!(used.len(), Operation::ALL.len(), "an operation that no route asks for");
    }

    #[test]
    fn every_route_of_wire_is_there_once() {
        let routes = Routes::all();
        let mut seen: Vec<String> = routes
            .permissions()
            .map(|(spec, _)| format!("{:?} {}", spec.verb, spec.path).to_uppercase())
            .collect();
        seen.sort();
        let mut wanted: Vec<String> = "GET /v1/whoami|POST /v1/payments|GET /v1/payments|GET /v1/payments/{id}|\
            GET /v1/payments/{id}/attempts|GET /v1/payments/{id}/captures|GET /v1/payments/{id}/ledger|\
            GET /v1/payments/{id}/explain|POST /v1/payments/{id}/attempts|POST /v1/payments/{id}/captures|\
            POST /v1/payments/{id}/void|POST /v1/payments/{id}/close|POST /v1/refunds|GET /v1/refunds|\
            GET /v1/refunds/{id}|GET /v1/refunds/{id}/ledger|GET /v1/refunds/{id}/explain|GET /v1/balances|\
            GET /v1/balance_transactions|GET /v1/balance_transactions/{id}/proof|GET /v1/statements|\
            GET /v1/statements/{id}|GET /v1/statements/{id}/file|GET /v1/events|GET /v1/events/{id}|POST /v1/webhook_endpoints|\
            GET /v1/webhook_endpoints|GET /v1/webhook_endpoints/{id}|PATCH /v1/webhook_endpoints/{id}|\
            DELETE /v1/webhook_endpoints/{id}|POST /v1/webhook_endpoints/{id}/rotate_secret|\
            POST /v1/webhook_endpoints/{id}/test|GET /v1/webhook_deliveries|GET /v1/webhook_deliveries/{id}|\
            POST /v1/webhook_deliveries/{id}/replay|POST /v1/api_keys|GET /v1/api_keys|POST /v1/api_keys/{id}/rotate|\
            POST /v1/api_keys/{id}/revoke|GET /v1/platform_keys|POST /v1/sandbox/payments/{id}/pay|\
            GET /v1/sandbox/clock|POST /v1/sandbox/clock"
            .split('|')
            .map(str::to_uppercase)
            .collect();
        wanted.sort();
        assert_eq!(seen, wanted);
    }
}
