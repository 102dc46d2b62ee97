//! What a listener prints: one line per try on standard output; what happens to the connections on standard error.

use super::queue::{Job, Next};
use crate::client::events::Place;
use crate::output::{instant, line, note};
use app::webhook::Answer;
use serde_json::{Value, json};
use std::time::Duration;

/// How lines are written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Show {
    json: bool,
}

/// Who listens where.
pub(super) struct Started<'a> {
    pub server: &'a str,
    pub merchant: &'a str,
    pub forward_to: &'a str,
    pub secret: &'a str,
    /// The event behind which it begins.
    pub after: Option<&'a Place>,
    /// Whether an earlier run came so far.
    pub goes_on: bool,
}

impl Show {
    pub(crate) fn new(json: bool) -> Show {
        Show { json }
    }

    pub(super) fn started(self, started: &Started<'_>) {
        let Started { server, merchant, forward_to, secret, after, goes_on } = started;
        let after = after.map(|place| place.id.as_str());
        if self.json {
            return print(&json!({
                "object": "listener", "server": server, "merchant": merchant, "forward_to": forward_to,
                "secret": secret, "after": after,
            }));
        }
        line(&format!("Listening to {merchant} (sandbox 沙箱) at {server} → {forward_to}"));
        line(&format!("  webhook secret 签名密钥  {secret}   (the same at every start with this key)"));
        line(&match (goes_on, after) {
            (true, Some(id)) => format!("  goes on behind {id} 从上次停下之处继续"),
            (false, Some(id)) => format!("  what happens behind {id} is forwarded 转发其后的事件"),
            (true | false, None) => "  everything is forwarded from the beginning 从头转发".to_owned(),
        });
    }

    /// The end of a try. `was_absent`: the program was not there before it.
    pub(super) fn tried(self, job: &Job, at_us: i64, answer: &Answer, next: Next, was_absent: bool) {
        if self.json {
            return print(&as_json(job, at_us, answer, next));
        }
        if let Next::Absent { .. } = next {
            if !was_absent {
                note(&format!(
                    "  nobody answers there ({}): everything waits and is tried again 目标程序无应答，稍后重试",
                    outcome(answer)
                ));
            }
            return;
        }
        if was_absent {
            note("  the program answers again 目标程序已恢复");
        }
        line(&format!("{}{}", event_line(job, answer), what_next(job, next)));
    }

    pub(super) fn lost(self, why: &str) {
        note(&format!("  {why}; asking again until it answers 服务器无应答，持续重试"));
    }

    pub(super) fn back(self, after: Duration) {
        note(&format!("  the server answers again after {:.1} s 服务器已恢复", after.as_secs_f32()));
    }

    pub(super) fn rewound(self, missing: &Place, to: Option<&Place>) {
        let from = to.map_or("the beginning", |place| place.id.as_str());
        note(&format!(
            "  the server does not know {} any more (other data, or restored ones): going on behind {from} 服务器数据已变更",
            missing.id
        ));
    }

    pub(super) fn ended(self, delivered: u64, given_up: u64, open: usize) {
        let text = format!("{delivered} delivered, {given_up} given up, {open} waiting for the next start");
        note(&format!("  ended: {text} 已结束"));
    }
}

fn print(value: &Value) {
    line(&value.to_string());
}

fn as_json(job: &Job, at_us: i64, answer: &Answer, next: Next) -> Value {
    let (result, next_try_in_ms) = match next {
        Next::Done => ("delivered", None),
        Next::Again { in_ms } => ("retry", Some(in_ms)),
        Next::Absent { in_ms } => ("absent", Some(in_ms)),
        Next::GivenUp => ("given_up", None),
    };
    json!({
        "object": "forward",
        "event": job.event.id,
        "type": job.event.kind,
        "object_id": job.event.object_id,
        "try": job.attempt,
        "at": instant(at_us).ok(),
        "status": answer.status,
        "error": answer.error,
        "latency_ms": answer.latency_ms,
        "result": result,
        "next_try_in_ms": next_try_in_ms,
    })
}

/// What was answered.
pub(crate) fn outcome(answer: &Answer) -> String {
    match (answer.status, answer.error) {
        (Some(status), _) => status.to_string(),
        (None, error) => error.unwrap_or("no answer").to_owned(),
    }
}

/// Type, object, answer, latency, id.
fn event_line(job: &Job, answer: &Answer) -> String {
    let event = &job.event;
    let answered = format!("{} in {} ms", outcome(answer), answer.latency_ms);
    format!("{:<26} {:<30} → {answered:<14} {}", event.kind, event.object_id, event.id)
}

fn what_next(job: &Job, next: Next) -> String {
    match next {
        Next::Done | Next::Absent { .. } => String::new(),
        Next::Again { in_ms } => format!("   again in {} s (try {})", in_ms / 1_000, job.attempt),
        Next::GivenUp => format!(
            "   given up after {} tries: feiqian events replay {} --forward-to URL sends it again",
            job.attempt, job.event.id
        ),
    }
}
