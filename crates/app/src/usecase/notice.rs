//! Callbacks of channels: authenticated, applied as facts, acknowledged only after their commit.

use crate::{App, Refusal};
use bytes::Bytes;
use channels::{CallbackAnswer, Notice, NoticeFact};
use domain::id::{AttemptId, CaptureId, ChannelAccountId, Id, RefundId, Uid};

impl App {
    /// A callback's bytes as they came in, over HTTP or from a channel in this process.
    pub async fn channel_notice(
        &self,
        account: ChannelAccountId,
        headers: Vec<(String, String)>,
        body: Bytes,
    ) -> CallbackAnswer {
        let Some(door) = self.0.gate.door(account) else {
            return CallbackAnswer {
                status: 404,
                content_type: "text/plain",
                body: "no such channel account".to_owned(),
            };
        };
        let notice = match door.read(&headers, &body) {
            Ok(notice) => notice,
            Err(fault) => {
                metrics::counter!("feiqian_callbacks_refused_total").increment(1);
                tracing::warn!(%fault, account = %account, "callback refused");
                return CallbackAnswer { status: 401, content_type: "text/plain", body: fault.to_string() };
            }
        };
        let accepted = match self.apply_notice(account, &notice).await {
            Ok(()) => true,
            Err(Refusal::NotFound(_)) => {
                self.keep_unknown(account, &notice, &body).await;
                false
            }
            Err(refusal) => {
                tracing::error!(?refusal, "callback not applied; the channel will send it again");
                false
            }
        };
        door.answer(accepted)
    }

    async fn apply_notice(&self, account: ChannelAccountId, notice: &Notice) -> Result<(), Refusal> {
        match &notice.what {
            NoticeFact::Attempt(fact) => {
                let id = AttemptId::from_uid(reference(&notice.request_no)?);
                let attempt = self.store().attempt(id).await?;
                let attempt =
                    attempt.filter(|a| a.channel_account == account).ok_or(Refusal::NotFound("attempt"))?;
                let payment =
                    self.store().payment(attempt.payment).await?.ok_or(Refusal::NotFound("payment"))?;
                self.apply_attempt(&payment, &attempt, fact.clone()).await.map(|_| ())
            }
            NoticeFact::Capture { capture_no, fact } => {
                let id = CaptureId::from_uid(reference(capture_no)?);
                let capture = self.store().capture(id).await?;
                let capture =
                    capture.filter(|c| c.channel_account == account).ok_or(Refusal::NotFound("capture"))?;
                let payment =
                    self.store().payment(capture.payment).await?.ok_or(Refusal::NotFound("payment"))?;
                self.apply_capture(&payment, &capture, fact.clone()).await.map(|_| ())
            }
            NoticeFact::Refund { refund_no, fact } => {
                let id = RefundId::from_uid(reference(refund_no)?);
                let refund = self.store().refund(id).await?;
                let refund =
                    refund.filter(|r| r.channel_account == account).ok_or(Refusal::NotFound("refund"))?;
                self.apply_refund(&refund, fact.clone()).await.map(|_| ())
            }
        }
    }

    /// Signed by the channel, but about a number that no row knows: kept for matching and not acknowledged, so that the channel
    /// sends it again (R06).
    async fn keep_unknown(&self, account: ChannelAccountId, notice: &Notice, body: &[u8]) {
        metrics::counter!("feiqian_callbacks_unknown_total").increment(1);
        tracing::warn!(account = %account, "callback for a number that no row knows, kept");
        let at_us = self.0.clock.real_now_us();
        let kept = self.store().keep_notice(account, number_of(notice), "", body, at_us).await;
        if let Err(error) = kept {
            tracing::error!(%error, "the callback could not be kept; the channel will send it again");
        }
    }
}

/// The number that a callback is about.
fn number_of(notice: &Notice) -> &str {
    match &notice.what {
        NoticeFact::Attempt(_) => &notice.request_no,
        NoticeFact::Capture { capture_no, .. } => capture_no,
        NoticeFact::Refund { refund_no, .. } => refund_no,
    }
}

fn reference(number: &str) -> Result<Uid, Refusal> {
    Uid::parse(number).ok_or(Refusal::NotFound("attempt"))
}
