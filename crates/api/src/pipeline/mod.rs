//! What happens around every handler: id, body, media type, credentials, rate, permission, query; then the answer's headers,
//! the log and the counters. A panic becomes a 500 of its own request and of no other.

mod body;
mod call;
mod envelope;
mod receive;

pub use body::read_body;
pub use call::{Allowed, Anybody, Call, FileReply, Handler, Reply, parse_id};
pub use receive::{Received, key_text};

use crate::access::rate::Class;
use crate::access::{Access, Operation, authenticate};
use crate::problem::{Code, FieldError, Problem};
use crate::query::Query;
use crate::routes::{Spec, Verb};
use crate::state::Shared;
use crate::text::Text;
use app::ReEntry;
use axum::extract::Request;
use axum::response::Response;
use call::Run;
use domain::id::World;
use envelope::Envelope;
use futures::FutureExt;
use receive::{idempotency_key, receive};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

/// How often a request is authenticated again because the merchant's keys changed under it.
const STALE_TRIES: usize = 3;

/// Runs a `/v1` route.
pub async fn run(state: Shared, spec: &'static Spec, handler: Handler, request: Request) -> Response {
    let mut envelope = Envelope::new(&state, &request, spec.path);
    let mut world = None;
    let answer = AssertUnwindSafe(answer(&state, spec, &handler, request, &mut world)).catch_unwind().await;
    envelope.world = world;
    envelope.finish(&state, answer.unwrap_or_else(|_| Err(Problem::internal("a handler panicked"))))
}

/// Answers what no route takes.
pub async fn refuse(state: Shared, code: Code, request: Request) -> Response {
    let envelope = Envelope::new(&state, &request, "none");
    envelope.finish(&state, Err(Problem::new(code)))
}

async fn answer(
    state: &Shared,
    spec: &'static Spec,
    handler: &Handler,
    request: Request,
    world: &mut Option<World>,
) -> Result<Reply, Problem> {
    let received = Arc::new(receive(state, spec, request).await?);
    for _ in 1..STALE_TRIES {
        let judged_by = state.app.config().version;
        match attempt(state, spec, handler, &received, world).await {
            Err(problem) if problem.parts().stale => state.app.reload_config().await?,
            // A key that was made a moment ago, by the command line or by another node. Failures are counted per address, so
            // nobody makes this node read often.
            Err(problem) if problem.parts().code == Code::KeyUnknown => {
                state.app.refresh_config().await;
                // It may be another request that read it.
                if state.app.config().version == judged_by {
                    return Err(problem);
                }
            }
            answer => return answer,
        }
    }
    attempt(state, spec, handler, &received, world).await
}

async fn attempt(
    state: &Shared,
    spec: &'static Spec,
    handler: &Handler,
    received: &Arc<Received>,
    world: &mut Option<World>,
) -> Result<Reply, Problem> {
    let access = match authenticate(state, received) {
        Ok(access) => access,
        Err(problem) => {
            let counted = problem.parts().code.row().status == 401;
            return match counted.then(|| state.limiters.failed_access(received.address, state.app.nodes())) {
                Some(Err(wait_s)) => Err(limited(wait_s)),
                Some(Ok(())) | None => Err(problem),
            };
        }
    };
    *world = Some(access.world);
    state.limiters.call(access.key, access.world, spec.verb.class(), state.app.nodes()).map_err(limited)?;
    permit(&access, handler.operation())?;
    let query = Query::parse(received.raw_query.as_deref(), spec.query)?;
    let re_entry = ReEntry { key: idempotency_key(spec, received)?, nonce: access.nonce };
    let Access { caller, world, key, config, .. } = access;
    match (handler.run(), caller) {
        (Run::ForMerchant(run), Some(caller)) => {
            let (state, request) = (Arc::clone(state), Arc::clone(received));
            run(Call { state, caller, key, config, request, query, re_entry }).await
        }
        (Run::ForMerchant(_), None) => Err(Problem::detailed(Code::MerchantNotPermitted, NOBODY_NAMED)),
        (Run::ForAnybody(run), caller) => {
            run(Anybody { state: Arc::clone(state), caller, world, key, config }).await
        }
    }
}

/// A partner's key and no merchant named.
const NOBODY_NAMED: Text = Text::fixed(
    "This is a partner's key: name the merchant that it acts for in Feiqian-Merchant (mch_…), and sign that header.",
    "这是服务商密钥：请在 Feiqian-Merchant 中写明所代表的商户（mch_…），并对该请求头签名。",
);

fn limited(wait_s: u64) -> Problem {
    Problem::new(Code::RateLimited).with(|parts| parts.retry_after_s = Some(wait_s.max(1)))
}

fn permit(access: &Access, operation: Operation) -> Result<(), Problem> {
    let key = access.config.key(access.key).ok_or_else(|| Problem::new(Code::KeyUnknown))?;
    if operation.is_allowed(&key.key) {
        return Ok(());
    }
    let name = operation.as_str();
    let detail =
        Text::made(format!("The key lacks the permission {name}."), format!("该密钥缺少权限 {name}。"));
    Err(Problem::field(FieldError {
        pointer: String::new(),
        code: Code::PermissionMissing,
        detail,
        allowed: Some(vec![name.to_owned()]),
    }))
}

impl Verb {
    fn class(self) -> Class {
        match self {
            Verb::Get => Class::Read,
            Verb::Post | Verb::Patch | Verb::Delete => Class::Write,
        }
    }
}
