//! The sandbox's side of the [`Channel`] trait: requests in, facts out, and the waiting that some outcomes ask for.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::Uid;
use domain::channel::{AttemptFact, CaptureFact, RefundFact, SandboxOutcome};
use domain::payment::Scene;
use tokio::time::{Instant, sleep, timeout};

use super::courier::steps;
use super::desk::{Desk, Order, Ordered};
use super::outcome;
use super::parts::{CaptureOrder, RefundOrder};
use super::reason::Reason;
use super::{HAZY_MS, Inner, PAY_WAITS_MS, SandboxChannel, callback};
use crate::channel::{
    CallbackAnswer, CallbackFault, CaptureRef, CaptureRequest, Channel, Effects, Notice, PrepareRequest,
    RefundRef, RefundRequest, TradeRef,
};

#[async_trait]
impl Channel for SandboxChannel {
    async fn prepare(&self, request: PrepareRequest) -> AttemptFact {
        let Some(order) = self.inner.order_of(&request) else {
            return AttemptFact::Declined(Reason::RequestInvalid.failure());
        };
        let ordered = self.inner.book.with(|desk| {
            let ordered = desk.order(&order);
            if let Ordered::New { slot, .. } = ordered
                && order.loses_its_answer()
            {
                desk.make_hazy(slot, Instant::now() + self.inner.unsettled_for());
            }
            ordered
        });
        match ordered {
            Err(_) | Ok(Ordered::Full) => AttemptFact::Unknown,
            Ok(Ordered::Known { fact, asked }) => {
                if asked != order.amount && fact != AttemptFact::Closed {
                    tracing::warn!(
                        request_no = request.request_no,
                        "a request number came with another amount"
                    );
                }
                fact
            }
            Ok(Ordered::New { slot, fact }) => self.inner.answer(&order, slot, fact).await,
        }
    }

    async fn query(&self, request: &TradeRef) -> AttemptFact {
        let Some(key) = Uid::parse(&request.request_no) else { return AttemptFact::NotFound };
        let fact = self.inner.book.with(|desk| match desk.trades.find(key) {
            Some(slot) => desk.query(slot, request.now_us),
            None => AttemptFact::NotFound,
        });
        fact.unwrap_or(AttemptFact::Unknown)
    }

    async fn close(&self, request: &TradeRef) -> AttemptFact {
        self.inner.end(request, Desk::close)
    }

    async fn capture(&self, request: CaptureRequest) -> CaptureFact {
        let (Some(of), Some(key)) = (Uid::parse(&request.request_no), Uid::parse(&request.capture_no)) else {
            return CaptureFact::Failed(Reason::RequestInvalid.failure());
        };
        let CaptureRequest { amount, is_final, now_us, .. } = request;
        let order = CaptureOrder { of, key, amount, is_final, now_us };
        self.inner.book.with(|desk| desk.capture(&order)).unwrap_or(CaptureFact::Unknown)
    }

    async fn query_capture(&self, request: &CaptureRef) -> CaptureFact {
        let (Some(of), Some(key)) = (Uid::parse(&request.request_no), Uid::parse(&request.capture_no)) else {
            return CaptureFact::NotFound;
        };
        self.inner.book.with(|desk| desk.query_capture(of, key)).unwrap_or(CaptureFact::Unknown)
    }

    async fn void(&self, request: &TradeRef) -> AttemptFact {
        self.inner.end(request, Desk::void)
    }

    async fn refund(&self, request: RefundRequest) -> RefundFact {
        let RefundRequest { amount, now_us, .. } = request;
        let (Some(of), Some(key)) = (Uid::parse(&request.request_no), Uid::parse(&request.refund_no)) else {
            let bill_date = self.inner.zone().day(now_us);
            return RefundFact::Failed { failure: Reason::RequestInvalid.failure(), bill_date };
        };
        let outcome = outcome::of_refund(request.sandbox_outcome, amount.minor());
        let order = RefundOrder { of, key, amount, outcome, now_us };
        let Ok(refunded) = self.inner.book.with(|desk| desk.refund(&order)) else {
            return RefundFact::Unknown;
        };
        if let Some((slot, key)) = refunded.fails_later {
            self.inner.fail_refund_later(slot, key, now_us);
        }
        refunded.fact
    }

    async fn query_refund(&self, request: &RefundRef) -> RefundFact {
        let (Some(of), Some(key)) = (Uid::parse(&request.request_no), Uid::parse(&request.refund_no)) else {
            return RefundFact::NotFound;
        };
        let fact = self.inner.book.with(|desk| desk.query_refund(of, key, request.now_us));
        fact.unwrap_or(RefundFact::Unknown)
    }

    async fn effects(&self) -> Effects {
        self.inner.book.with(|desk| desk.effects()).map_or(Effects::Unavailable, Effects::Listed)
    }

    fn parse_callback(&self, headers: &[(String, String)], body: &[u8]) -> Result<Notice, CallbackFault> {
        callback::parse(&self.inner.key, self.inner.zone(), headers, body)
    }

    fn callback_answer(&self, accepted: bool) -> CallbackAnswer {
        let (status, body) =
            if accepted { (200, "{\"code\":\"OK\"}") } else { (503, "{\"code\":\"RETRY\"}") };
        CallbackAnswer { status, content_type: "application/json", body: body.to_owned() }
    }
}

impl Order {
    /// The call that makes it is never answered.
    fn loses_its_answer(&self) -> bool {
        self.refused.is_none() && self.scene.synchronous() && self.outcome == SandboxOutcome::Timeout
    }
}

impl Inner {
    pub(super) fn zone(&self) -> super::BillZone {
        super::BillZone { offset_s: self.config.bill_offset_s }
    }

    /// From the start of a lost call until queries know.
    fn unsettled_for(&self) -> Duration {
        Duration::from_millis(self.config.call_timeout_ms.saturating_add(HAZY_MS))
    }

    /// `None`: the number cannot be a request's.
    fn order_of(&self, request: &PrepareRequest) -> Option<Order> {
        let key = Uid::parse(&request.request_no)?;
        let scene = Scene::parse(&request.scene)?;
        let outcome = outcome::of_payment(request.sandbox_outcome, request.amount.minor());
        let has_code = request.auth_code.as_ref().is_some_and(|code| !code.expose().is_empty());
        let refused = if request.amount.minor() <= 0 || outcome.is_none() {
            Some(Reason::RequestInvalid)
        } else if request.now_us >= request.expires_at_us {
            Some(Reason::OrderExpired)
        } else if scene.needs_auth_code() && !has_code {
            Some(Reason::AuthCodeMissing)
        } else {
            None
        };
        Some(Order {
            key,
            amount: request.amount,
            scene,
            manual: request.manual_capture,
            expires_at_us: request.expires_at_us,
            now_us: request.now_us,
            outcome: outcome.unwrap_or(SandboxOutcome::Decline),
            refused,
        })
    }

    /// Answers the request that made a trade, in the way and at the time its outcome says.
    async fn answer(self: &Arc<Inner>, order: &Order, slot: u32, fact: AttemptFact) -> AttemptFact {
        if order.refused.is_some() || !order.scene.synchronous() {
            return fact;
        }
        let heard = self.deliver(steps(slot, order.outcome, true, self.config.late_answer_ms));
        match order.outcome {
            SandboxOutcome::Timeout => {
                sleep(Duration::from_millis(self.config.call_timeout_ms)).await;
                AttemptFact::Unknown
            }
            SandboxOutcome::AnswerLate => {
                sleep(Duration::from_millis(self.config.late_answer_ms)).await;
                fact
            }
            SandboxOutcome::CallbackFirst => {
                // If the platform does not acknowledge in time the answer comes first after all.
                let _ = timeout(Duration::from_millis(PAY_WAITS_MS), heard).await;
                fact
            }
            SandboxOutcome::Contradict => AttemptFact::Processing,
            SandboxOutcome::Succeed
            | SandboxOutcome::Decline
            | SandboxOutcome::NeedsPassword
            | SandboxOutcome::CallbackTwice
            | SandboxOutcome::PayAfterClose
            | SandboxOutcome::OtherAmount
            | SandboxOutcome::OtherCurrency
            | SandboxOutcome::LoseAnswer
            | SandboxOutcome::Fail => fact,
        }
    }

    /// Closes or voids. A number that cannot be a request's can never be paid either.
    fn end(
        self: &Arc<Inner>,
        request: &TradeRef,
        act: fn(&mut Desk, Uid, i64) -> (AttemptFact, Option<u32>),
    ) -> AttemptFact {
        let Some(key) = Uid::parse(&request.request_no) else { return AttemptFact::Closed };
        let Ok((fact, pays_now)) = self.book.with(|desk| act(desk, key, request.now_us)) else {
            return AttemptFact::Unknown;
        };
        if let Some(slot) = pays_now {
            self.pay_after_close(slot);
        }
        fact
    }
}
