//! Payments: create, read, retry, close, void, resolve.

use crate::calls::{Ask, Asker, asks_channel};
use crate::lane::{Command, Outcome, ReEntry, Reply};
use crate::numbers::tries_at;
use crate::webhook::guard;
use crate::{Answer, App, Caller, Refusal};
use channels::AuthCode;
use domain::attempt::Attempt;
use domain::channel::SandboxOutcome;
use domain::id::{AttemptId, MerchantId, PaymentId, World};
use domain::payment::create::CreatePayment;
use domain::payment::end::{EndPayment, Wish};
use domain::payment::resolve::{Resolution, ResolveMismatch};
use domain::payment::retry::AddAttempt;
use domain::payment::{CaptureMode, Details, Payment, Personal, Scene, Status};
use domain::rejection::Rejection;
use money::Amount;
use std::sync::Arc;
use std::time::Duration;
use store::reads::{Page, PaymentFilter};

/// A payment with its newest attempt, as every answer shows it.
#[derive(Debug, Clone)]
pub struct PaymentView {
    /// The payment.
    pub payment: Payment,
    /// Its newest attempt.
    pub latest_attempt: Option<Attempt>,
}

/// `POST /v1/payments`, parsed.
#[derive(Debug, Clone)]
#[allow(missing_docs)] // the fields of WIRE
pub struct NewPayment {
    pub merchant_order_no: String,
    pub amount: Amount,
    pub method: String,
    pub scene: Scene,
    pub capture_mode: CaptureMode,
    /// How long it may stay unpaid, microseconds.
    pub expires_in_us: i64,
    pub details: Details,
    pub auth_code: Option<Personal>,
}

/// `POST /v1/payments/{id}/attempts`, parsed.
#[derive(Debug, Clone, Default)]
#[allow(missing_docs)] // the fields of WIRE
pub struct NewAttempt {
    pub method: Option<String>,
    pub scene: Option<Scene>,
    pub auth_code: Option<Personal>,
    pub sandbox_outcome: Option<SandboxOutcome>,
}

/// An attempt is asked about because somebody reads it at most this often.
const READ_QUERY_PAUSE_US: i64 = 1_000_000;
/// The most attempts whose last query on read is remembered.
const READ_QUERIES_MAX: usize = 10_000;

impl App {
    /// Creates a payment and waits a while for its channel's first answer.
    ///
    /// # Errors
    /// Rejections of [`domain::payment::create::decide`], [`Refusal::UrlNotAllowed`], re-entry and overload.
    pub async fn create_payment(
        &self,
        caller: &Caller,
        new: NewPayment,
        re: ReEntry,
    ) -> Result<Answer<PaymentView>, Refusal> {
        // Before anything is taken from it: a node that slept would put an old price into the command.
        let fresh = self.fresh_config().await?;
        self.check_notify_url(caller, new.details.notify_url.as_deref())?;
        let config = self.config();
        let merchant = config.merchant(caller.merchant).ok_or(Refusal::NotFound("merchant"))?;
        let real_now_us = self.0.clock.real_now_us();
        let details = Details { created_by: caller.key, ..new.details };
        let command = CreatePayment {
            merchant: caller.merchant,
            merchant_order_no: new.merchant_order_no,
            amount: new.amount,
            price: merchant.price_at(&new.method, new.amount.currency(), real_now_us).cloned(),
            account: config.account_for(caller.world, &new.method).cloned(),
            method: new.method,
            scene: new.scene,
            capture_mode: new.capture_mode,
            expires_in_us: new.expires_in_us,
            details: Arc::new(details),
        };
        let auth_code = new.auth_code.map(|code| AuthCode::new(code.0));
        let (app, caller) = (self.clone(), *caller);
        self.detached(async move {
            let command = Command::CreatePayment(Box::new(command));
            let reply = app.ask_by(&caller, command, re, fresh).await?;
            if reply.outcome != Outcome::PaymentCreated {
                return Ok(Answer { object: app.view_of(reply).await?, fresh: false });
            }
            let object = app.first_answer(reply, auth_code).await?;
            Ok(Answer { object, fresh: true })
        })
        .await
    }

    /// The channel is called; the view is what stands when it answered, or when waiting long enough.
    async fn first_answer(
        &self,
        created: Reply,
        auth_code: Option<AuthCode>,
    ) -> Result<PaymentView, Refusal> {
        let (payment, attempt) = created.payment.zip(created.attempt).ok_or(Refusal::Internal)?;
        let id = payment.id;
        let wait = self.start_attempt(payment, attempt, Ask::Prepare(auth_code), created.now_us);
        match self.wait_for(wait).await {
            Some(Reply { payment: Some(payment), attempt, .. }) => {
                Ok(PaymentView { payment, latest_attempt: attempt })
            }
            Some(_) | None => self.load_view(id).await,
        }
    }

    /// The payment that a reply is about, read again when the reply does not carry it.
    async fn view_of(&self, reply: Reply) -> Result<PaymentView, Refusal> {
        match (reply.payment, reply.outcome) {
            (Some(payment), _) if payment.latest_attempt == reply.attempt.as_ref().map(|a| a.id) => {
                Ok(PaymentView { payment, latest_attempt: reply.attempt })
            }
            (Some(payment), _) => self.load_view(payment.id).await,
            (None, Outcome::Replayed(Some(object))) => self.load_view(PaymentId(object)).await,
            (None, _) => Err(Refusal::Internal),
        }
    }

    pub(crate) async fn load_view(&self, id: PaymentId) -> Result<PaymentView, Refusal> {
        let payment = self.store().payment(id).await?.ok_or(Refusal::NotFound("payment"))?;
        let latest_attempt = match payment.latest_attempt {
            Some(id) => self.store().attempt(id).await?,
            None => None,
        };
        Ok(PaymentView { payment, latest_attempt })
    }

    /// Another try at paying.
    ///
    /// # Errors
    /// Rejections of [`domain::payment::retry::decide`].
    pub async fn add_attempt(
        &self,
        caller: &Caller,
        payment: PaymentId,
        new: NewAttempt,
        re: ReEntry,
    ) -> Result<Answer<Attempt>, Refusal> {
        let fresh = self.fresh_config().await?;
        let stored = self.own_payment(caller, payment).await?;
        let method = new.method.clone().unwrap_or_else(|| stored.method.clone());
        let config = self.config();
        let account = config.account_for(caller.world, &method).cloned();
        let (merchant, order_no) = (caller.merchant, &stored.merchant_order_no);
        let command = AddAttempt {
            merchant,
            payment,
            tries: tries_at(&config, merchant, order_no, account.as_ref().map(|one| one.id)),
            account,
            method: new.method,
            scene: new.scene,
            sandbox_outcome: new.sandbox_outcome,
        };
        let auth_code = new.auth_code.map(|code| AuthCode::new(code.0));
        let (app, caller) = (self.clone(), *caller);
        self.detached(async move {
            let reply = app.ask_by(&caller, Command::AddAttempt(Box::new(command)), re, fresh).await?;
            app.tried_again(reply, auth_code).await
        })
        .await
    }

    async fn tried_again(
        &self,
        reply: Reply,
        auth_code: Option<AuthCode>,
    ) -> Result<Answer<Attempt>, Refusal> {
        if let Outcome::Replayed(Some(object)) = reply.outcome {
            let attempt =
                self.store().attempt(AttemptId(object)).await?.ok_or(Refusal::NotFound("attempt"))?;
            return Ok(Answer { object: attempt, fresh: false });
        }
        let (payment, attempt) = reply.payment.zip(reply.attempt).ok_or(Refusal::Internal)?;
        let id = attempt.id;
        let wait = self.start_attempt(payment, attempt, Ask::Prepare(auth_code), reply.now_us);
        self.wait_for(wait).await;
        let attempt = self.store().attempt(id).await?.ok_or(Refusal::Internal)?;
        Ok(Answer { object: attempt, fresh: true })
    }

    /// Closes an unpaid payment, or gives an authorization up. The channel is asked first where it may still take money.
    ///
    /// # Errors
    /// Rejections of [`domain::payment::end::decide`]; also when the payer paid meanwhile.
    pub async fn end_payment(
        &self,
        caller: &Caller,
        payment: PaymentId,
        wish: Wish,
        re: ReEntry,
    ) -> Result<Answer<PaymentView>, Refusal> {
        let stored = self.own_payment(caller, payment).await?;
        let command = EndPayment { merchant: caller.merchant, payment, wish };
        let open = stored.open_attempt.or(stored.paid_attempt);
        let (app, caller) = (self.clone(), *caller);
        self.detached(async move { app.try_end(&caller, command, open, re).await }).await
    }

    async fn try_end(
        &self,
        caller: &Caller,
        command: EndPayment,
        open: Option<AttemptId>,
        re: ReEntry,
    ) -> Result<Answer<PaymentView>, Refusal> {
        let (payment, wish) = (command.payment, command.wish);
        let reply = self.ask(caller, Command::EndPayment(command, open), re).await?;
        let fresh = !matches!(reply.outcome, Outcome::Replayed(_));
        if asks_channel(&reply) {
            self.ask_end(reply).await;
        }
        let view = self.load_view(payment).await?;
        let found_status = view.payment.status.to_string();
        match (wish, view.payment.status) {
            (Wish::Close, Status::Succeeded | Status::Authorized) => {
                Err(Refusal::rejected(Rejection::PaymentNotClosable { found_status }))
            }
            _ => Ok(Answer { object: view, fresh }),
        }
    }

    async fn ask_end(&self, reply: Reply) {
        let Some((payment, attempt)) = reply.payment.zip(reply.attempt) else { return };
        let ask = match payment.status {
            Status::Authorized => Ask::Void,
            Status::Created
            | Status::RequiresAction
            | Status::Processing
            | Status::Succeeded
            | Status::Failed
            | Status::Closed => Ask::Close,
        };
        let wait = self.start_attempt(payment, attempt, ask, reply.now_us);
        self.wait_for(wait).await;
    }

    /// Ends a payment whose time is over; called by the background.
    pub(crate) async fn expire(&self, payment: &Payment) -> Result<(), Refusal> {
        let command = EndPayment { merchant: payment.merchant, payment: payment.id, wish: Wish::Expire };
        let open = payment.open_attempt.or(payment.paid_attempt);
        let reply = self.apply(payment.merchant, Command::EndPayment(command, open)).await?;
        if asks_channel(&reply) {
            self.ask_end(reply).await;
        }
        Ok(())
    }

    /// A person resolves a payment whose channel reported another amount or currency.
    ///
    /// # Errors
    /// Rejections of [`domain::payment::resolve::decide`].
    pub async fn resolve_mismatch(
        &self,
        merchant: MerchantId,
        payment: PaymentId,
        resolution: Resolution,
    ) -> Result<PaymentView, Refusal> {
        let stored = self.store().payment(payment).await?.ok_or(Refusal::NotFound("payment"))?;
        let attempts = self.store().attempts_of(payment).await?;
        let found_status = stored.status.to_string();
        let held = attempts.iter().find(|a| a.held_minor > 0);
        let held = held.ok_or(Refusal::rejected(Rejection::NothingToResolve { found_status }))?;
        let (price, account) = self.booking_terms(&stored, held.channel_account).await?;
        let command = ResolveMismatch { merchant, payment, attempt: held.id, resolution, price, account };
        let reply = self.apply(merchant, Command::ResolveMismatch(Box::new(command))).await?;
        for refund in &reply.started {
            let wait = self.start_refund(refund.clone(), reply.now_us);
            self.wait_for(wait).await;
        }
        self.load_view(payment).await
    }

    /// One payment; an unresolved attempt is asked about because somebody reads it.
    ///
    /// # Errors
    /// [`Refusal::NotFound`].
    pub async fn payment(&self, caller: &Caller, id: PaymentId) -> Result<PaymentView, Refusal> {
        let payment = self.own_payment(caller, id).await?;
        if let Some(open) =
            payment.open_attempt.filter(|_| !payment.status.is_final() && payment.status != Status::Created)
        {
            self.query_on_read(open).await;
        }
        self.load_view(id).await
    }

    async fn query_on_read(&self, attempt: AttemptId) {
        let real_now_us = self.0.clock.real_now_us();
        {
            let mut asked = self.0.asked_on_read.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            if asked.len() > READ_QUERIES_MAX {
                asked.retain(|_, at| real_now_us - *at < READ_QUERY_PAUSE_US);
            }
            if asked.get(&attempt).is_some_and(|at| real_now_us - *at < READ_QUERY_PAUSE_US) {
                return;
            }
            asked.insert(attempt, real_now_us);
        }
        let Ok(Some(found)) = self.store().attempt(attempt).await else { return };
        if !found.status.is_open() || found.held_minor > 0 {
            return;
        }
        let app = self.clone();
        let (done, wait) = tokio::sync::oneshot::channel();
        self.spawn(async move {
            if let Err(refusal) = app.resolve_attempt(attempt, Asker::Reader).await {
                tracing::debug!(?refusal, attempt = %attempt, "query on read came to nothing");
            }
            let _ = done.send(());
        });
        // A reader waits a moment for the channel, not for ever.
        let _ = tokio::time::timeout(Duration::from_millis(500), wait).await;
    }

    /// A page of payments, newest first.
    ///
    /// # Errors
    /// [`Refusal::StoreUnavailable`].
    pub async fn payments(
        &self,
        caller: &Caller,
        filter: &PaymentFilter,
        page: Page,
    ) -> Result<Vec<PaymentView>, Refusal> {
        let payments = self.store().payments(caller.merchant, filter, page).await?;
        let mut views = Vec::with_capacity(payments.len());
        for payment in payments {
            let latest_attempt = match payment.latest_attempt {
                Some(id) => self.store().attempt(id).await?,
                None => None,
            };
            views.push(PaymentView { payment, latest_attempt });
        }
        Ok(views)
    }

    /// Its attempts, oldest first.
    ///
    /// # Errors
    /// [`Refusal::NotFound`].
    pub async fn attempts(&self, caller: &Caller, id: PaymentId) -> Result<Vec<Attempt>, Refusal> {
        self.own_payment(caller, id).await?;
        Ok(self.store().attempts_of(id).await?)
    }

    /// A payment of the caller; a foreign one looks like none.
    pub(crate) async fn own_payment(&self, caller: &Caller, id: PaymentId) -> Result<Payment, Refusal> {
        if id.0.shard() != caller.merchant.0.shard() {
            return Err(Refusal::NotFound("payment"));
        }
        let found = self.store().payment(id).await?;
        found.filter(|p| p.merchant == caller.merchant).ok_or(Refusal::NotFound("payment"))
    }

    fn check_notify_url(&self, caller: &Caller, url: Option<&str>) -> Result<(), Refusal> {
        let Some(url) = url else { return Ok(()) };
        let rules = guard::UrlRules { allow_private: self.0.settings.allow_private_webhooks };
        guard::check_url(url, caller.world, &rules)
            .map_err(|refusal| Refusal::UrlNotAllowed { detail: refusal.to_string() })?;
        let config = self.config();
        let registered = config
            .merchant(caller.merchant)
            .is_some_and(|m| guard::host_is_registered(url, m.endpoints.iter().map(|e| e.url.as_str())));
        if caller.world == World::Live && !registered {
            let detail =
                "in live the host of notify_url must be the host of one of your webhook endpoints".to_owned();
            return Err(Refusal::UrlNotAllowed { detail });
        }
        Ok(())
    }
}
