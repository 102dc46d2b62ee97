//! Webhook endpoints: where a merchant's events go.

use crate::lane::ReEntry;
use crate::webhook::guard;
use crate::{Answer, App, Caller, Refusal};
use domain::event::{Event, NewDelivery, Type};
use domain::id::{EndpointId, EventId, Id, IdMaker, World};
use store::StoreError;
use store::control::{Endpoint, EndpointStatus, Made};

/// `POST /v1/webhook_endpoints`, parsed.
#[derive(Debug, Clone)]
#[allow(missing_docs)] // the fields of WIRE
pub struct NewEndpoint {
    pub url: String,
    pub events: Vec<String>,
    pub description: Option<String>,
}

/// `PATCH /v1/webhook_endpoints/{id}`, parsed: what is absent stays.
#[derive(Debug, Clone, Default)]
#[allow(missing_docs)] // the fields of WIRE
pub struct EndpointPatch {
    pub url: Option<String>,
    pub events: Option<Vec<String>>,
    pub description: Option<Option<String>>,
    /// Enables a disabled endpoint again, or disables it.
    pub enabled: Option<bool>,
}

/// How long the secret before a rotation still signs, microseconds.
const OVERLAP_US: i64 = 24 * 3_600 * 1_000_000;
/// How often a row is read and changed again because another writer came first.
const CHANGE_TRIES: usize = 5;
/// The most endpoints of one merchant.
pub(crate) const ENDPOINTS_MAX: usize = 13;

impl App {
    /// Registers an endpoint. The secret is shown by this answer only.
    ///
    /// # Errors
    /// [`Refusal::UrlNotAllowed`], [`Refusal::EndpointExists`], re-entry.
    pub async fn create_endpoint(
        &self,
        caller: &Caller,
        new: NewEndpoint,
        re: ReEntry,
    ) -> Result<Answer<Endpoint>, Refusal> {
        self.refuse_used_nonce(caller, re).await?;
        self.check_endpoint_url(caller, &new.url)?;
        if self.endpoints(caller).len() >= ENDPOINTS_MAX {
            let detail = format!("a merchant has at most {ENDPOINTS_MAX} endpoints");
            return Err(Refusal::FieldInvalid { pointer: "/url", detail });
        }
        let now_us = self.business_now_us(caller.merchant).await?;
        let endpoint = Endpoint {
            id: self.ids(caller).next(),
            merchant: caller.merchant,
            url: new.url,
            events: new.events,
            description: new.description,
            status: EndpointStatus::Enabled,
            secret: crypto::secret::random_bytes::<32>().to_vec(),
            old_secret: None,
            failing_since_us: None,
            failures: 0,
            created_at_us: now_us,
            updated_at_us: now_us,
            sequence: 1,
        };
        self.use_control_nonce(caller, re).await?;
        let key = re.key.map(|key| (key.hash, key.fingerprint));
        match self.store().create_endpoint(&endpoint, key).await? {
            Made::Now => {
                self.reload_config().await?;
                Ok(Answer { object: endpoint, fresh: true })
            }
            Made::Before(id) => Ok(Answer { object: self.endpoint(caller, id).await?, fresh: false }),
            Made::KeyReused => Err(Refusal::KeyReused),
            Made::UrlExists => Err(Refusal::EndpointExists),
        }
    }

    /// The merchant's endpoints, newest first.
    pub fn endpoints(&self, caller: &Caller) -> Vec<Endpoint> {
        let config = self.config();
        let mut endpoints = config.merchant(caller.merchant).map(|m| m.endpoints.clone()).unwrap_or_default();
        endpoints.sort_by_key(|endpoint| std::cmp::Reverse((endpoint.created_at_us, endpoint.id)));
        endpoints
    }

    /// One endpoint.
    ///
    /// # Errors
    /// [`Refusal::NotFound`].
    pub async fn endpoint(&self, caller: &Caller, id: EndpointId) -> Result<Endpoint, Refusal> {
        let found = |app: &App| app.config().merchant(caller.merchant).and_then(|m| m.endpoint(id).cloned());
        if let Some(endpoint) = found(self) {
            return Ok(endpoint);
        }
        self.reload_config().await?;
        found(self).ok_or(Refusal::NotFound("webhook_endpoint"))
    }

    /// Changes what is given.
    ///
    /// # Errors
    /// [`Refusal::NotFound`], [`Refusal::UrlNotAllowed`], [`Refusal::EndpointExists`].
    pub async fn update_endpoint(
        &self,
        caller: &Caller,
        id: EndpointId,
        patch: EndpointPatch,
        re: ReEntry,
    ) -> Result<Endpoint, Refusal> {
        self.refuse_used_nonce(caller, re).await?;
        if let Some(url) = &patch.url {
            self.check_endpoint_url(caller, url)?;
            if self.endpoints(caller).iter().any(|other| other.id != id && other.url == *url) {
                return Err(Refusal::EndpointExists);
            }
        }
        self.use_control_nonce(caller, re).await?;
        self.change_endpoint(caller, id, |endpoint| {
            if let Some(url) = &patch.url {
                endpoint.url.clone_from(url);
            }
            if let Some(events) = &patch.events {
                endpoint.events.clone_from(events);
            }
            if let Some(description) = &patch.description {
                endpoint.description.clone_from(description);
            }
            match patch.enabled {
                Some(true) => {
                    endpoint.status = EndpointStatus::Enabled;
                    endpoint.failing_since_us = None;
                    endpoint.failures = 0;
                }
                Some(false) => endpoint.status = EndpointStatus::Disabled,
                None => {}
            }
        })
        .await
    }

    /// Removes it; what is pending for it is given up.
    ///
    /// # Errors
    /// [`Refusal::NotFound`].
    pub async fn delete_endpoint(&self, caller: &Caller, id: EndpointId, re: ReEntry) -> Result<(), Refusal> {
        self.refuse_used_nonce(caller, re).await?;
        self.endpoint(caller, id).await?;
        self.use_control_nonce(caller, re).await?;
        self.store().delete_endpoint(caller.merchant, id).await?;
        self.reload_config().await
    }

    /// A new secret; the one before signs beside it for a day. Under an idempotency key it happens once: a repeat answers the
    /// endpoint, and the secret was shown by the first answer only.
    ///
    /// # Errors
    /// [`Refusal::NotFound`], [`Refusal::KeyReused`].
    pub async fn rotate_secret(
        &self,
        caller: &Caller,
        id: EndpointId,
        re: ReEntry,
    ) -> Result<Answer<Endpoint>, Refusal> {
        self.refuse_used_nonce(caller, re).await?;
        self.endpoint(caller, id).await?;
        self.use_control_nonce(caller, re).await?;
        let until_us = self.0.clock.real_now_us().saturating_add(OVERLAP_US);
        let secret = crypto::secret::random_bytes::<32>().to_vec();
        let key = re.key.map(|key| (key.hash, key.fingerprint));
        for _ in 0..CHANGE_TRIES {
            let mut endpoint = self.endpoint(caller, id).await?;
            let expected = endpoint.sequence;
            let before = std::mem::replace(&mut endpoint.secret, secret.clone());
            endpoint.old_secret = Some((before, until_us));
            endpoint.sequence += 1;
            endpoint.updated_at_us = self.business_now_us(caller.merchant).await?;
            let written = self.store().update_endpoint_once(&endpoint, expected, key).await;
            self.reload_config().await?;
            match written {
                Ok(Made::Now) => return Ok(Answer { object: endpoint, fresh: true }),
                Ok(Made::Before(_)) => {
                    return Ok(Answer { object: self.endpoint(caller, id).await?, fresh: false });
                }
                Ok(Made::KeyReused) => return Err(Refusal::KeyReused),
                Ok(Made::UrlExists) => return Err(Refusal::Internal),
                Err(StoreError::Conflict(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(Refusal::Overloaded)
    }

    /// Sends a test event to this endpoint alone; it stands among the deliveries like any other.
    ///
    /// # Errors
    /// [`Refusal::NotFound`].
    pub async fn test_endpoint(
        &self,
        caller: &Caller,
        id: EndpointId,
        re: ReEntry,
    ) -> Result<Endpoint, Refusal> {
        self.refuse_used_nonce(caller, re).await?;
        let endpoint = self.endpoint(caller, id).await?;
        self.use_control_nonce(caller, re).await?;
        let now_us = self.business_now_us(caller.merchant).await?;
        let event = self.test_event(caller, &endpoint, now_us);
        self.store().insert_event(caller.merchant.0.shard(), &event).await?;
        self.wake_deliverer();
        Ok(endpoint)
    }

    fn test_event(&self, caller: &Caller, endpoint: &Endpoint, now_us: i64) -> Event {
        let EventId(mut uid) = self.ids(caller).next::<EventId>();
        if let Some(last) = uid.0.last_mut() {
            *last &= 0xf0;
        }
        let id = EventId::from_uid(uid);
        let kind = Type::WebhookEndpointTest;
        let head = wire::EventHead {
            id,
            kind,
            created_at_us: now_us,
            world: caller.world,
            merchant: caller.merchant,
            previous_status: Some(status_name(endpoint.status)),
            sequence: endpoint.sequence,
        };
        let body = wire::event_body(&head, &endpoint_object(endpoint, caller.world));
        let due_at_us = self.0.clock.real_now_us();
        let delivery = NewDelivery { endpoint: Some(endpoint.id), url: endpoint.url.clone(), due_at_us };
        Event {
            seq: 0,
            id,
            merchant: caller.merchant,
            kind,
            object: endpoint.id.0,
            object_sequence: endpoint.sequence,
            created_at_us: now_us,
            body,
            is_personal: false,
            deliveries: vec![delivery],
        }
    }

    /// Reads, changes, writes under the sequence; another writer in between is waited out.
    async fn change_endpoint(
        &self,
        caller: &Caller,
        id: EndpointId,
        change: impl Fn(&mut Endpoint),
    ) -> Result<Endpoint, Refusal> {
        for _ in 0..CHANGE_TRIES {
            let mut endpoint = self.endpoint(caller, id).await?;
            let expected = endpoint.sequence;
            change(&mut endpoint);
            endpoint.sequence += 1;
            endpoint.updated_at_us = self.business_now_us(caller.merchant).await?;
            let written = self.store().update_endpoint(&endpoint, expected).await;
            self.reload_config().await?;
            match written {
                Ok(()) => return Ok(endpoint),
                Err(StoreError::Conflict(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(Refusal::Overloaded)
    }

    fn check_endpoint_url(&self, caller: &Caller, url: &str) -> Result<(), Refusal> {
        let rules = guard::UrlRules { allow_private: self.0.settings.allow_private_webhooks };
        let checked = guard::check_url(url, caller.world, &rules);
        checked.map(|_| ()).map_err(|refusal| Refusal::UrlNotAllowed { detail: refusal.to_string() })
    }

    /// Ids of control rows, in the merchant's shard.
    pub(crate) fn ids(&self, caller: &Caller) -> IdMaker {
        let seed = u128::from_be_bytes(crypto::secret::random_bytes::<16>());
        IdMaker::new(self.0.clock.real_now_us(), caller.merchant.0.shard(), seed)
    }

    /// A captured request is refused as one, whatever has become of the object that it is about.
    pub(crate) async fn refuse_used_nonce(&self, caller: &Caller, re: ReEntry) -> Result<(), Refusal> {
        let (Some(key), Some(nonce)) = (caller.key, re.nonce) else { return Ok(()) };
        if self.store().is_control_nonce_used(key, nonce).await? { Err(Refusal::NonceReused) } else { Ok(()) }
    }

    /// The nonce of a request that writes control rows only.
    pub(crate) async fn use_control_nonce(&self, caller: &Caller, re: ReEntry) -> Result<(), Refusal> {
        let (Some(key), Some(nonce)) = (caller.key, re.nonce) else { return Ok(()) };
        let fresh = self.store().use_nonce(key, nonce, self.0.clock.real_now_us()).await?;
        if fresh { Ok(()) } else { Err(Refusal::NonceReused) }
    }
}

/// An endpoint as events show it: without its secret.
pub(crate) fn endpoint_object(endpoint: &Endpoint, world: World) -> wire::EndpointObject<'_> {
    wire::EndpointObject {
        id: wire::IdText::of(endpoint.id),
        object: "webhook_endpoint",
        world: world.as_str(),
        merchant: wire::IdText::of(endpoint.merchant),
        url: &endpoint.url,
        events: &endpoint.events,
        description: endpoint.description.as_deref(),
        status: status_name(endpoint.status),
        secret: None,
        created_at: wire::Instant(endpoint.created_at_us),
        updated_at: wire::Instant(endpoint.updated_at_us),
        sequence: endpoint.sequence,
    }
}

/// The status as the wire names it.
pub(crate) fn status_name(status: EndpointStatus) -> &'static str {
    match status {
        EndpointStatus::Enabled => "enabled",
        EndpointStatus::Failing => "failing",
        EndpointStatus::Disabled => "disabled",
    }
}
