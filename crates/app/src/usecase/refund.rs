//! Refunds: create, preview, read.

use crate::lane::{Command, Outcome, ReEntry};
use crate::{Answer, App, Caller, Refusal};
use domain::channel::SandboxOutcome;
use domain::id::{PaymentId, RefundId};
use domain::payment::Payment;
use domain::refund::Refund;
use domain::refund::request::RequestRefund;
use money::Amount;
use store::reads::{Page, RefundFilter};

/// Which payment is refunded.
#[derive(Debug, Clone)]
pub enum RefundTarget {
    /// By its id.
    Payment(PaymentId),
    /// By the merchant's number.
    OrderNo(String),
}

/// `POST /v1/refunds`, parsed.
#[derive(Debug, Clone)]
#[allow(missing_docs)] // the fields of WIRE
pub struct NewRefund {
    pub target: RefundTarget,
    pub merchant_refund_no: String,
    pub amount: Option<Amount>,
    pub reason: Option<String>,
    pub sandbox_outcome: Option<SandboxOutcome>,
}

impl App {
    /// Accepts a refund, books it, and waits a while for the channel.
    ///
    /// # Errors
    /// Rejections of [`domain::refund::request::decide`], re-entry and overload.
    pub async fn create_refund(
        &self,
        caller: &Caller,
        new: NewRefund,
        re: ReEntry,
    ) -> Result<Answer<Refund>, Refusal> {
        let command = self.refund_command(caller, new).await?;
        let (app, caller) = (self.clone(), *caller);
        self.detached(async move { app.request_refund(&caller, command, re).await }).await
    }

    async fn request_refund(
        &self,
        caller: &Caller,
        command: RequestRefund,
        re: ReEntry,
    ) -> Result<Answer<Refund>, Refusal> {
        let reply = self.ask(caller, Command::RequestRefund(Box::new(command)), re).await?;
        match (reply.outcome, reply.refund) {
            (Outcome::Replayed(Some(object)), _) => {
                Ok(Answer { object: self.load_refund(RefundId(object)).await?, fresh: false })
            }
            (Outcome::AskChannel, Some(refund)) => {
                let id = refund.id;
                let wait = self.start_refund(refund, reply.now_us);
                let answered = self.wait_for(wait).await.and_then(|reply| reply.refund);
                let object = match answered {
                    Some(refund) => refund,
                    None => self.load_refund(id).await?,
                };
                Ok(Answer { object, fresh: true })
            }
            (_, Some(refund)) => Ok(Answer { object: refund, fresh: false }),
            (_, None) => Err(Refusal::Internal),
        }
    }

    /// What the refund would be; nothing is written and no channel is called.
    ///
    /// # Errors
    /// As [`App::create_refund`].
    pub async fn preview_refund(&self, caller: &Caller, new: NewRefund) -> Result<Refund, Refusal> {
        let command = self.refund_command(caller, new).await?;
        let reply = self.ask(caller, Command::PreviewRefund(Box::new(command)), ReEntry::default()).await?;
        reply.refund.ok_or(Refusal::Internal)
    }

    async fn refund_command(&self, caller: &Caller, new: NewRefund) -> Result<RequestRefund, Refusal> {
        let payment: Payment = match &new.target {
            RefundTarget::Payment(id) => self.own_payment(caller, *id).await?,
            RefundTarget::OrderNo(number) => self
                .store()
                .payment_by_order_no(caller.merchant, number)
                .await?
                .ok_or(Refusal::NotFound("payment"))?,
        };
        let price = self.price_of(&payment).await?;
        Ok(RequestRefund {
            merchant: caller.merchant,
            payment: payment.id,
            merchant_refund_no: new.merchant_refund_no,
            amount: new.amount,
            reason: new.reason,
            sandbox_outcome: new.sandbox_outcome,
            price,
        })
    }

    async fn load_refund(&self, id: RefundId) -> Result<Refund, Refusal> {
        self.store().refund(id).await?.ok_or(Refusal::NotFound("refund"))
    }

    /// One refund.
    ///
    /// # Errors
    /// [`Refusal::NotFound`].
    pub async fn refund(&self, caller: &Caller, id: RefundId) -> Result<Refund, Refusal> {
        if id.0.shard() != caller.merchant.0.shard() {
            return Err(Refusal::NotFound("refund"));
        }
        let refund = self.load_refund(id).await?;
        if refund.merchant == caller.merchant { Ok(refund) } else { Err(Refusal::NotFound("refund")) }
    }

    /// A page of refunds, newest first.
    ///
    /// # Errors
    /// [`Refusal::StoreUnavailable`].
    pub async fn refunds(
        &self,
        caller: &Caller,
        filter: &RefundFilter,
        page: Page,
    ) -> Result<Vec<Refund>, Refusal> {
        Ok(self.store().refunds(caller.merchant, filter, page).await?)
    }
}
