//! Events and their deliveries: the pull fallback, the attempts made, replay.

use crate::lane::ReEntry;
use crate::{Answer, App, Caller, Refusal};
use domain::event::Event;
use domain::id::{DeliveryId, EndpointId, EventId};
use store::control::{EndpointStatus, Made};
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

    /// Events behind a place, oldest first.
    ///
    /// # Errors
    /// [`Refusal::StoreUnavailable`].
    pub async fn events_after(
        &self,
        caller: &Caller,
        filter: &EventFilter,
        after_seq: i64,
        limit: u32,
    ) -> Result<Vec<Event>, Refusal> {
        Ok(self.store().events_after(caller.merchant, filter, after_seq, limit).await?)
    }

    /// Whether an event that a reader stopped at is still kept. While it is, none behind it was removed.
    ///
    /// # Errors
    /// [`Refusal::StoreUnavailable`].
    pub async fn has_event(&self, caller: &Caller, seq: i64) -> Result<bool, Refusal> {
        Ok(self.store().has_event(caller.merchant, seq).await?)
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

    /// The deliveries of one event, at most 15.
    ///
    /// # Errors
    /// [`Refusal::NotFound`].
    pub async fn deliveries_of_event(&self, caller: &Caller, id: EventId) -> Result<Vec<Delivery>, Refusal> {
        let event = self.event(caller, id).await?;
        Ok(self.store().deliveries_of_event(event.id).await?)
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
    ) -> Result<Answer<Delivery>, Refusal> {
        let asked = self.asked(caller, re);
        match self.asked_before(&asked).await? {
            Some(Made::KeyReused) => return Err(Refusal::KeyReused),
            Some(_) => return Ok(Answer { object: self.delivery(caller, id).await?, fresh: false }),
            None => {}
        }
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
        let fresh = if delivery.status != DeliveryStatus::Pending || delivery.due_at_us.is_some() {
            self.store().replay_delivery(id, asked.at_us, Some(&asked)).await? == Made::Now
        } else {
            // It is being sent at this moment.
            self.store().admit(&asked).await?;
            true
        };
        self.wake_deliverer();
        Ok(Answer { object: self.delivery(caller, id).await?, fresh })
    }

    pub(crate) fn wake_deliverer(&self) {
        if let Some(deliverer) = self.0.deliverer.get() {
            deliverer.wake();
        }
    }
}
