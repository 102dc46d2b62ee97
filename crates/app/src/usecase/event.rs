//! Events and their deliveries: the pull fallback, the attempts made, replay.

use crate::lane::ReEntry;
use crate::{App, Caller, Refusal};
use domain::event::Event;
use domain::id::{DeliveryId, EndpointId, EventId};
use store::control::EndpointStatus;
use store::reads::{Delivery, DeliveryStatus, EventFilter, SeqPage};

impl App {
    /// A page of events, newest first.
    ///
    /// # Errors
    /// [`Refusal::StoreUnavailable`].
    pub async fn events(
        &self,
        caller: &Caller,
        filter: &EventFilter,
        page: SeqPage,
    ) -> Result<Vec<Event>, Refusal> {
        Ok(self.store().events(caller.merchant, filter, page).await?)
    }

    /// One event.
    ///
    /// # Errors
    /// [`Refusal::NotFound`].
    pub async fn event(&self, caller: &Caller, id: EventId) -> Result<Event, Refusal> {
        if id.0.shard() != caller.merchant.0.shard() {
            return Err(Refusal::NotFound("event"));
        }
        let found = self.store().event(id).await?;
        found.filter(|event| event.merchant == caller.merchant).ok_or(Refusal::NotFound("event"))
    }

    /// A page of deliveries, newest event first.
    ///
    /// # Errors
    /// [`Refusal::StoreUnavailable`].
    pub async fn deliveries(
        &self,
        caller: &Caller,
        endpoint: Option<EndpointId>,
        status: Option<DeliveryStatus>,
        page: SeqPage,
    ) -> Result<Vec<Delivery>, Refusal> {
        Ok(self.store().deliveries(caller.merchant, endpoint, status, page).await?)
    }

    /// One delivery.
    ///
    /// # Errors
    /// [`Refusal::NotFound`].
    pub async fn delivery(&self, caller: &Caller, id: DeliveryId) -> Result<Delivery, Refusal> {
        if id.0.shard() != caller.merchant.0.shard() {
            return Err(Refusal::NotFound("delivery"));
        }
        let found = self.store().delivery(id).await?;
        found
            .filter(|delivery| delivery.event.merchant == caller.merchant)
            .ok_or(Refusal::NotFound("delivery"))
    }

    /// Sends a delivery again, due at once. One whose endpoint is gone or disabled is refused: it would start a useless loop (R55).
    ///
    /// # Errors
    /// [`Refusal::NotFound`] for a delivery, or for its endpoint; [`Refusal::NonceReused`].
    pub async fn replay_delivery(
        &self,
        caller: &Caller,
        id: DeliveryId,
        re: ReEntry,
    ) -> Result<Delivery, Refusal> {
        self.refuse_used_nonce(caller, re).await?;
        let delivery = self.delivery(caller, id).await?;
        if let Some(endpoint) = delivery.endpoint {
            let config = self.config();
            let listens = config
                .merchant(caller.merchant)
                .and_then(|m| m.endpoint(endpoint))
                .is_some_and(|endpoint| endpoint.status != EndpointStatus::Disabled);
            if !listens {
                return Err(Refusal::NotFound("webhook_endpoint"));
            }
        }
        self.use_control_nonce(caller, re).await?;
        if delivery.status != DeliveryStatus::Pending || delivery.due_at_us.is_some() {
            self.store().replay_delivery(id, self.0.clock.real_now_us()).await?;
        }
        self.wake_deliverer();
        self.delivery(caller, id).await
    }

    pub(crate) fn wake_deliverer(&self) {
        if let Some(deliverer) = self.0.deliverer.get() {
            deliverer.wake();
        }
    }
}
