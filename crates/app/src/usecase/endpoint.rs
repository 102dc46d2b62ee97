//! Webhook endpoints: where a merchant's events go.

use crate::lane::ReEntry;
use crate::webhook::guard;
use crate::webhook::notice::{self, Telling};
use crate::{Answer, App, Caller, Refusal};
use domain::Uid;
use domain::event::Type;
use domain::id::{EndpointId, IdMaker, World};
use store::StoreError;
use store::control::{Asked, Endpoint, EndpointStatus, Made};

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
pub(crate) const OVERLAP_US: i64 = 24 * 3_600 * 1_000_000;
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
        let asked = self.asked(caller, re);
        if let Some(before) = self.asked_before(&asked).await? {
            return self.endpoint_made(caller, before.map(EndpointId), None).await;
        }
        self.check_endpoint_url(caller, &new.url)?;
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
            created_by: caller.key,
            changed_by: None,
        };
        let made = self.store().create_endpoint(&endpoint, ENDPOINTS_MAX, Some(&asked)).await?;
        self.reload_config().await?;
        self.endpoint_made(caller, made, Some(endpoint)).await
    }

    /// The answer to a request that makes or changes an endpoint.
    async fn endpoint_made(
        &self,
        caller: &Caller,
        made: Made<EndpointId>,
        new: Option<Endpoint>,
    ) -> Result<Answer<Endpoint>, Refusal> {
        match (made, new) {
            (Made::Now, Some(object)) => Ok(Answer { object, fresh: true }),
            (Made::Before(id), _) => Ok(Answer { object: self.endpoint(caller, id).await?, fresh: false }),
            (Made::KeyReused, _) => Err(Refusal::KeyReused),
            (Made::UrlExists, _) => Err(Refusal::EndpointExists),
            (Made::TooMany, _) => {
                let detail = format!("a merchant has at most {ENDPOINTS_MAX} endpoints");
                Err(Refusal::FieldInvalid { pointer: "/url", detail })
            }
            (Made::Now, None) => Err(Refusal::Internal),
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
    ) -> Result<Answer<Endpoint>, Refusal> {
        let asked = self.asked(caller, re);
        if let Some(before) = self.asked_before(&asked).await? {
            return self.endpoint_made(caller, before.map(EndpointId), None).await;
        }
        if let Some(url) = &patch.url {
            self.check_endpoint_url(caller, url)?;
            if self.endpoints(caller).iter().any(|other| other.id != id && other.url == *url) {
                return Err(Refusal::EndpointExists);
            }
        }
        self.change_endpoint(caller, id, &asked, |endpoint| {
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
        // What is gone can't be shown again: a repeat finds nothing, whatever its key.
        let asked = self.asked(caller, ReEntry { key: None, ..re });
        self.asked_before(&asked).await?;
        self.endpoint(caller, id).await?;
        self.store().delete_endpoint(caller.merchant, id, Some(&asked)).await?;
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
        let asked = self.asked(caller, re);
        if let Some(before) = self.asked_before(&asked).await? {
            return self.endpoint_made(caller, before.map(EndpointId), None).await;
        }
        let until_us = asked.at_us.saturating_add(OVERLAP_US);
        let secret = crypto::secret::random_bytes::<32>().to_vec();
        self.change_endpoint(caller, id, &asked, |endpoint| {
            let before = std::mem::replace(&mut endpoint.secret, secret.clone());
            endpoint.old_secret = Some((before, until_us));
        })
        .await
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
    ) -> Result<Answer<Endpoint>, Refusal> {
        let asked = self.asked(caller, re);
        let fresh = match self.asked_before(&asked).await? {
            Some(Made::KeyReused) => return Err(Refusal::KeyReused),
            before => before.is_none(),
        };
        let endpoint = self.endpoint(caller, id).await?;
        if !fresh {
            return Ok(Answer { object: endpoint, fresh });
        }
        let now_us = self.business_now_us(caller.merchant).await?;
        let telling = Telling {
            id: notice::fresh_id(caller.merchant.0.shard(), asked.at_us, &self.0.random),
            kind: Type::WebhookEndpointTest,
            merchant: caller.merchant,
            object: endpoint.id.0,
            sequence: endpoint.sequence,
            previous_status: Some(status_name(endpoint.status)),
            created_at_us: now_us,
            real_now_us: asked.at_us,
        };
        let event =
            notice::event(&telling, &endpoint_object(&endpoint, caller.world), std::iter::once(&endpoint));
        let made = self.store().insert_event(caller.merchant.0.shard(), &event, Some(&asked)).await?;
        self.wake_deliverer();
        match made {
            Made::Now => Ok(Answer { object: endpoint, fresh: true }),
            Made::Before(_) => Ok(Answer { object: endpoint, fresh: false }),
            Made::KeyReused => Err(Refusal::KeyReused),
            Made::UrlExists | Made::TooMany => Err(Refusal::Internal),
        }
    }

    /// Reads, changes, writes under the sequence; another writer in between is waited out.
    async fn change_endpoint(
        &self,
        caller: &Caller,
        id: EndpointId,
        asked: &Asked,
        change: impl Fn(&mut Endpoint),
    ) -> Result<Answer<Endpoint>, Refusal> {
        for _ in 0..CHANGE_TRIES {
            let mut endpoint = self.endpoint(caller, id).await?;
            let expected = endpoint.sequence;
            change(&mut endpoint);
            endpoint.changed_by = caller.key.or(endpoint.changed_by);
            endpoint.sequence += 1;
            endpoint.updated_at_us = self.business_now_us(caller.merchant).await?;
            let written = self.store().update_endpoint(&endpoint, expected, Some(asked)).await;
            self.reload_config().await?;
            match written {
                Ok(made) => return self.endpoint_made(caller, made, Some(endpoint)).await,
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
        IdMaker::new(self.0.clock.real_now_us(), caller.merchant.0.shard(), self.0.random.seed())
    }

    /// What is known of a request before anything else is looked at: a captured one is refused as one, whatever has become of the
    /// object that it is about, and a repeat is answered as one.
    pub(crate) async fn asked_before(&self, asked: &Asked) -> Result<Option<Made<Uid>>, Refusal> {
        Ok(self.store().asked_before(asked).await?)
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
