//! What only the sandbox offers: paying as the payer would, and moving a merchant's clock.

use crate::calls::Asker;
use crate::lane::{Command, ReEntry};
use crate::{App, Caller, PaymentView, Refusal};
use channels::sandbox::{PayRefusal, SandboxChannel};
use domain::attempt::{self, Attempt};
use domain::channel::SandboxOutcome;
use domain::clock::{ClockMove, MoveClock};
use domain::id::{AttemptId, Id, MerchantId, PaymentId, Uid, World};
use domain::payment::Payment;
use domain::rejection::Rejection;
use std::sync::Arc;
use std::time::Duration;

/// What a merchant's clock shows after a move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockAnswer {
    /// The merchant's business time, microseconds.
    pub now_us: i64,
    /// How far it is ahead of real time.
    pub offset_us: i64,
    /// What came due by the move and is not done yet.
    pub pending: u32,
}

/// What the payer's page shows.
#[derive(Debug, Clone)]
pub struct PayerPage {
    /// The payment.
    pub payment: Payment,
    /// Whether it can be paid now.
    pub payable: bool,
}

/// How long a clock move waits for what came due.
const CLOCK_WAITS: Duration = Duration::from_secs(8);

impl App {
    /// The payer pays (or declines, or lets it time out).
    ///
    /// # Errors
    /// [`Rejection::PaymentNotPayable`] when there is nothing to pay.
    pub async fn sandbox_pay(
        &self,
        caller: &Caller,
        id: PaymentId,
        outcome: Option<SandboxOutcome>,
        re: ReEntry,
    ) -> Result<PaymentView, Refusal> {
        if caller.world != World::Sandbox {
            return Err(Refusal::SandboxOnly);
        }
        // Before anything of the request is remembered.
        self.0.gate.open()?;
        // The wallet's money is the channel's: there is no row of ours to write, and a payer who pays twice is told so.
        let asked = self.asked(caller, ReEntry { key: None, ..re });
        self.asked_before(&asked).await?;
        let payment = self.own_payment(caller, id).await?;
        self.store().admit(&asked).await?;
        self.pay(&payment, outcome).await?;
        self.load_view(id).await
    }

    async fn pay(&self, payment: &Payment, outcome: Option<SandboxOutcome>) -> Result<(), Refusal> {
        let not_payable =
            || Refusal::rejected(Rejection::PaymentNotPayable { found_status: payment.status.to_string() });
        let open = payment.open_attempt.ok_or_else(not_payable)?;
        let attempt = self.store().attempt(open).await?.ok_or_else(not_payable)?;
        let sandbox = self.0.gate.sandbox(attempt.channel_account)?.ok_or_else(not_payable)?;
        let now_us = self.business_now_us(payment.merchant).await?;
        match pay_at(&sandbox, &attempt, outcome, now_us).await {
            Ok(()) => {}
            Err(PayRefusal::Unavailable) => return Err(Refusal::StoreUnavailable),
            Err(PayRefusal::NotFound | PayRefusal::NotPayable | PayRefusal::OutcomeInvalid) => {
                return Err(not_payable());
            }
        }
        self.ask_soon(attempt.id);
        Ok(())
    }

    /// A payer acted and no callback may come: ask soon, and again, until the attempt ends.
    fn ask_soon(&self, id: AttemptId) {
        let app = self.clone();
        self.spawn(async move {
            for pause_s in [1, 2, 4, 8] {
                tokio::select! {
                    () = tokio::time::sleep(Duration::from_secs(pause_s)) => {}
                    () = app.0.stopping.cancelled() => return,
                }
                match app.store().attempt(id).await {
                    Ok(Some(attempt)) if attempt.status.is_open() && attempt.held_minor == 0 => {
                        let _ = app.resolve_attempt(attempt.id, Asker::Reader).await;
                    }
                    Ok(_) => return,
                    Err(error) => tracing::warn!(%error, "asking soon came to nothing"),
                }
            }
        });
    }

    /// The page of a payer who holds an attempt's number.
    ///
    /// # Errors
    /// [`Refusal::NotFound`].
    pub async fn payer_page(&self, request_no: &str) -> Result<PayerPage, Refusal> {
        let attempt = self.payers_attempt(request_no).await?;
        let payment = self.store().payment(attempt.payment).await?.ok_or(Refusal::NotFound("payment"))?;
        let waits = attempt.status == attempt::Status::RequiresAction;
        let payable = waits && payment.open_attempt == Some(attempt.id) && payment.ending.is_none();
        Ok(PayerPage { payment, payable })
    }

    /// The payer pays on that page.
    ///
    /// # Errors
    /// [`Refusal::NotFound`], [`Rejection::PaymentNotPayable`].
    pub async fn payer_pay(
        &self,
        request_no: &str,
        outcome: Option<SandboxOutcome>,
    ) -> Result<PayerPage, Refusal> {
        let page = self.payer_page(request_no).await?;
        self.pay(&page.payment, outcome).await?;
        self.payer_page(request_no).await
    }

    async fn payers_attempt(&self, request_no: &str) -> Result<Attempt, Refusal> {
        let uid = Uid::parse(request_no).filter(|uid| uid.shard().world() == World::Sandbox);
        let id = AttemptId::from_uid(uid.ok_or(Refusal::NotFound("payment"))?);
        self.store().attempt(id).await?.ok_or(Refusal::NotFound("payment"))
    }

    /// The merchant's clock, and how much is due by it.
    ///
    /// # Errors
    /// [`Refusal::SandboxOnly`].
    pub async fn sandbox_clock(&self, caller: &Caller) -> Result<ClockAnswer, Refusal> {
        if caller.world != World::Sandbox {
            return Err(Refusal::SandboxOnly);
        }
        let head = self.store().head(caller.merchant).await?.ok_or(Refusal::NotFound("merchant"))?;
        let now_us = self.0.clock.real_now_us().saturating_add(head.clock_offset_us);
        let pending = self.due_of(caller.merchant).await?;
        Ok(ClockAnswer { now_us, offset_us: head.clock_offset_us, pending })
    }

    /// Moves the merchant's clock forward and does what came due by it.
    ///
    /// # Errors
    /// [`Refusal::SandboxOnly`]; [`Rejection::ClockBackwards`].
    pub async fn set_sandbox_clock(
        &self,
        caller: &Caller,
        to: ClockMove,
        re: ReEntry,
    ) -> Result<ClockAnswer, Refusal> {
        if caller.world != World::Sandbox {
            return Err(Refusal::SandboxOnly);
        }
        self.ask(caller, Command::MoveClock(MoveClock { merchant: caller.merchant, to }), re).await?;
        let deadline = tokio::time::Instant::now() + CLOCK_WAITS;
        let mut pending = self.due_of(caller.merchant).await?;
        while pending > 0 && tokio::time::Instant::now() < deadline {
            self.run_due(caller.merchant.0.shard()).await;
            self.form_statements_of(caller.merchant).await?;
            let left = self.due_of(caller.merchant).await?;
            if left >= pending {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            pending = left;
        }
        self.sandbox_clock(caller).await
    }

    /// How much is due for a merchant by its own clock.
    async fn due_of(&self, merchant: MerchantId) -> Result<u32, Refusal> {
        let real_now_us = self.0.clock.real_now_us();
        let shard = merchant.0.shard();
        let expired = self.store().payments_expired(shard, real_now_us, crate::background::DUE_MAX).await?;
        let matured = self.store().maturities_due(shard, real_now_us, crate::background::DUE_MAX).await?;
        let expired = expired.iter().filter(|p| p.merchant == merchant).count();
        let matured = matured.iter().filter(|m| m.merchant == merchant).count();
        let days = self.days_to_form(merchant).await?;
        Ok(u32::try_from(expired + matured).unwrap_or(u32::MAX).saturating_add(days))
    }
}

async fn pay_at(
    sandbox: &Arc<SandboxChannel>,
    attempt: &Attempt,
    outcome: Option<SandboxOutcome>,
    now_us: i64,
) -> Result<(), PayRefusal> {
    sandbox.pay(&attempt.id.bare(), outcome, now_us).await.map(|_| ())
}
