//! Captures of authorized payments.

use crate::lane::{Command, Outcome, ReEntry};
use crate::{Answer, App, Caller, Refusal};
use domain::capture::Capture;
use domain::capture::request::RequestCapture;
use domain::id::{CaptureId, PaymentId};
use money::Amount;

/// `POST /v1/payments/{id}/captures`, parsed.
#[derive(Debug, Clone, Copy, Default)]
#[allow(missing_docs)] // the fields of WIRE
pub struct NewCapture {
    pub amount: Option<Amount>,
    pub is_final: Option<bool>,
}

impl App {
    /// Captures part or all of what is authorized and waits a while for the channel.
    ///
    /// # Errors
    /// Rejections of [`domain::capture::request::decide`], re-entry and overload.
    pub async fn capture(
        &self,
        caller: &Caller,
        payment: PaymentId,
        new: NewCapture,
        re: ReEntry,
    ) -> Result<Answer<Capture>, Refusal> {
        self.own_payment(caller, payment).await?;
        let command =
            RequestCapture { merchant: caller.merchant, payment, amount: new.amount, is_final: new.is_final };
        let (app, caller) = (self.clone(), *caller);
        self.detached(async move { app.request_capture(&caller, command, re).await }).await
    }

    async fn request_capture(
        &self,
        caller: &Caller,
        command: RequestCapture,
        re: ReEntry,
    ) -> Result<Answer<Capture>, Refusal> {
        let reply = self.ask(caller, Command::RequestCapture(command), re).await?;
        if let Outcome::Replayed(Some(object)) = reply.outcome {
            return Ok(Answer { object: self.load_capture(CaptureId(object)).await?, fresh: false });
        }
        let (payment, capture) = reply.payment.zip(reply.capture).ok_or(Refusal::Internal)?;
        let id = capture.id;
        let wait = self.start_capture(payment, capture, reply.now_us);
        let answered = self.wait_for(wait).await.and_then(|reply| reply.capture);
        let object = match answered {
            Some(capture) => capture,
            None => self.load_capture(id).await?,
        };
        Ok(Answer { object, fresh: true })
    }

    async fn load_capture(&self, id: CaptureId) -> Result<Capture, Refusal> {
        self.store().capture(id).await?.ok_or(Refusal::NotFound("capture"))
    }

    /// A payment's captures, oldest first.
    ///
    /// # Errors
    /// [`Refusal::NotFound`].
    pub async fn captures(&self, caller: &Caller, payment: PaymentId) -> Result<Vec<Capture>, Refusal> {
        self.own_payment(caller, payment).await?;
        Ok(self.store().captures_of(payment).await?)
    }
}
