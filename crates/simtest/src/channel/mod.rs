//! A channel whose answers are lost, late, doubled, out of order or untrue. Its book is always consistent: what the platform
//! believes is judged by it.

mod bank;
mod courier;
mod trade;

pub use bank::{Act, Bank, Notice};
pub use courier::carry;
pub use trade::{Part, PartState, State, Trade};

use crate::faults::{Faults, Verdict};
use async_trait::async_trait;
use channels::{
    CallbackAnswer, CallbackFault, CaptureRef, CaptureRequest, Channel, Effects, Notice as Told,
    PrepareRequest, RefundRef, RefundRequest, TradeRef,
};
use domain::Uid;
use domain::channel::{AttemptFact, CaptureFact, Effect, EffectKind, EffectState, RefundFact};
use domain::id::ChannelAccountId;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;
use trade::failure;

/// What authenticates a notice.
pub const SEAL: (&str, &str) = ("bank-seal", "genuine");

/// One account at the bank.
pub struct SimChannel {
    account: ChannelAccountId,
    bank: Arc<Bank>,
    faults: Arc<Faults>,
}

impl SimChannel {
    /// The platform's way to an account.
    pub fn new(account: ChannelAccountId, bank: Arc<Bank>) -> SimChannel {
        let faults = Arc::clone(&bank.faults);
        SimChannel { account, bank, faults }
    }

    /// A call: it may get lost before anything is done, its answer may get lost or take long, and the process may die.
    async fn call<F: std::fmt::Debug>(&self, what: &str, unknown: F, run: impl FnOnce() -> F) -> F {
        self.faults.count("channel calls");
        let verdict = self.faults.step("channel call");
        if matches!(verdict, Some(Verdict::DieBefore | Verdict::Dead)) {
            return pending().await;
        }
        if self.faults.strikes(|r| r.call_lost, "call lost") {
            self.faults.note(|| format!("channel {what}: call lost"));
            self.count_silence(what);
            return unknown;
        }
        let answer = run();
        self.faults.note(|| format!("channel {what}: {answer:?}"));
        if verdict.is_some() {
            return pending().await;
        }
        if self.faults.strikes(|r| r.answer_lost, "answer lost") {
            self.faults.note(|| format!("channel {what}: answer lost"));
            self.count_silence(what);
            return unknown;
        }
        let pause_ms = match self.faults.strikes(|r| r.answer_late, "answer late") {
            true => self.faults.draw(60_000),
            false => self.faults.draw(40),
        };
        tokio::time::sleep(Duration::from_millis(pause_ms)).await;
        answer
    }

    /// What nobody answered about.
    fn count_silence(&self, what: &str) {
        match what.split(' ').next() {
            Some("capture") => self.faults.count("no answer to a capture"),
            Some("refund") => self.faults.count("no answer to a refund"),
            _ => {}
        }
    }

    fn fact(&self, trade: &TradeRef) -> AttemptFact {
        self.bank.settle(&trade.request_no, trade.now_us);
        self.bank.book().trades.get(&trade.request_no).map_or(AttemptFact::NotFound, Trade::fact)
    }

    /// An untruth that costs nobody money: the truth is told or found later.
    fn bend(&self, fact: AttemptFact) -> AttemptFact {
        if !self.faults.strikes(|r| r.answer_lies, "answer untrue") {
            return fact;
        }
        match fact {
            AttemptFact::Paid(_) => match self.faults.draw(2) {
                0 => AttemptFact::Processing,
                _ => AttemptFact::NotFound,
            },
            AttemptFact::Authorized { .. } => AttemptFact::Processing,
            AttemptFact::ActionRequired(_) => AttemptFact::NotFound,
            AttemptFact::Processing
            | AttemptFact::Declined(_)
            | AttemptFact::Closed
            | AttemptFact::NotFound
            | AttemptFact::Unknown => fact,
        }
    }
}

#[async_trait]
impl Channel for SimChannel {
    async fn prepare(&self, request: PrepareRequest) -> AttemptFact {
        let trade = TradeRef { request_no: request.request_no.clone(), now_us: request.now_us };
        let run = || {
            self.bank.prepare(self.account, &request);
            let fact = self.fact(&trade);
            let is_paid = matches!(fact, AttemptFact::Paid(_));
            if is_paid && self.faults.strikes(|r| r.answer_lies, "answer contradicts the book") {
                // Declined, it says; that it was paid is told by a notice, for nobody would ask again.
                let mut book = self.bank.book();
                let told = channels::NoticeFact::Attempt(fact);
                self.bank.tell(&mut book, self.account, &request.request_no, told, true);
                return AttemptFact::Declined(failure("system_error"));
            }
            self.bend(fact)
        };
        self.call(&format!("prepare {}", request.request_no), AttemptFact::Unknown, run).await
    }

    async fn query(&self, request: &TradeRef) -> AttemptFact {
        self.call(&format!("query {}", request.request_no), AttemptFact::Unknown, || {
            self.bend(self.fact(request))
        })
        .await
    }

    async fn close(&self, request: &TradeRef) -> AttemptFact {
        let run = || {
            self.bank.settle(&request.request_no, request.now_us);
            self.bank.close(self.account, &request.request_no);
            self.fact(request)
        };
        self.call(&format!("close {}", request.request_no), AttemptFact::Unknown, run).await
    }

    async fn capture(&self, request: CaptureRequest) -> CaptureFact {
        let run = || {
            self.bank.capture(&request);
            let book = self.bank.book();
            let trade = book.trades.get(&request.request_no);
            trade.map_or(CaptureFact::Failed(failure("no_such_trade")), |t| {
                t.capture_fact(&request.capture_no)
            })
        };
        self.call(&format!("capture {}", request.capture_no), CaptureFact::Unknown, run).await
    }

    async fn query_capture(&self, request: &CaptureRef) -> CaptureFact {
        let run = || {
            let book = self.bank.book();
            let trade = book.trades.get(&request.request_no);
            trade.map_or(CaptureFact::NotFound, |t| t.capture_fact(&request.capture_no))
        };
        self.call(&format!("query_capture {}", request.capture_no), CaptureFact::Unknown, run).await
    }

    async fn void(&self, request: &TradeRef) -> AttemptFact {
        let run = || {
            self.bank.void(&request.request_no);
            self.fact(request)
        };
        self.call(&format!("void {}", request.request_no), AttemptFact::Unknown, run).await
    }

    async fn refund(&self, request: RefundRequest) -> RefundFact {
        let run = || {
            self.bank.settle(&request.request_no, request.now_us);
            self.bank.refund(&request);
            let book = self.bank.book();
            book.trades
                .get(&request.request_no)
                .map_or(RefundFact::Unknown, |t| t.refund_fact(&request.refund_no))
        };
        self.call(&format!("refund {}", request.refund_no), RefundFact::Unknown, run).await
    }

    async fn query_refund(&self, request: &RefundRef) -> RefundFact {
        let run = || {
            self.bank.settle(&request.request_no, request.now_us);
            let book = self.bank.book();
            book.trades
                .get(&request.request_no)
                .map_or(RefundFact::NotFound, |t| t.refund_fact(&request.refund_no))
        };
        self.call(&format!("query_refund {}", request.refund_no), RefundFact::Unknown, run).await
    }

    async fn effects(&self) -> Effects {
        let run = || {
            let book = self.bank.book();
            let own = book.trades.values().filter(|t| t.account == self.account);
            Effects::Listed(own.flat_map(effects_of).collect())
        };
        self.call("effects", Effects::Unavailable, run).await
    }

    fn parse_callback(&self, headers: &[(String, String)], body: &[u8]) -> Result<Told, CallbackFault> {
        let sealed = headers.iter().any(|(name, value)| name == SEAL.0 && value == SEAL.1);
        if !sealed {
            return Err(CallbackFault::SignatureInvalid);
        }
        let number = std::str::from_utf8(body).ok().and_then(|text| text.parse::<usize>().ok());
        let book = self.bank.book();
        let notice = number.and_then(|at| book.notices.get(at)).ok_or(CallbackFault::Malformed)?;
        Ok(Told { request_no: notice.request_no.clone(), what: notice.fact.clone() })
    }

    fn callback_answer(&self, accepted: bool) -> CallbackAnswer {
        let status = if accepted { 200 } else { 500 };
        CallbackAnswer { status, content_type: "text/plain", body: String::new() }
    }
}

/// What the bank did with a trade.
fn effects_of(trade: &Trade) -> Vec<Effect> {
    let Some(number) = Uid::parse(&trade.request_no) else { return Vec::new() };
    let effect = |kind, number, state, part: &Part| Effect {
        kind,
        number,
        trade: Uid::parse(&trade.request_no).unwrap_or(number),
        state,
        channel_no: format!("T{}", trade.request_no),
        amount: part.amount,
        at_us: part.at_us,
    };
    let mut all = Vec::new();
    if let Some(part) = &trade.paid {
        let state = match trade.state {
            State::Held(_) => EffectState::Held,
            State::Open | State::Working => EffectState::Open,
            State::Paid | State::Declined | State::Closed => EffectState::Done,
        };
        all.push(effect(EffectKind::Payment, number, state, part));
    }
    let done = |kind, parts: &std::collections::BTreeMap<String, Part>| {
        let moved = parts.iter().filter(|(_, part)| part.state == PartState::Done);
        moved
            .filter_map(|(no, part)| Some(effect(kind, Uid::parse(no)?, EffectState::Done, part)))
            .collect::<Vec<_>>()
    };
    all.extend(done(EffectKind::Capture, &trade.captures));
    all.extend(done(EffectKind::Refund, &trade.refunds));
    all
}
