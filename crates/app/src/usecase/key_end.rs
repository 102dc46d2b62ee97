//! How a key of the API ends: revoked exactly, and announced before it expires.

use super::key::CHANGE_TRIES;
use crate::lane::{Command, ReEntry};
use crate::webhook::notice::{self, Telling};
use crate::{App, Caller, Refusal};
use domain::api_key::{ApiKey, Notice, Owner};
use domain::clock::RaiseKeyEpoch;
use domain::event::Type;
use domain::id::{EventId, Id, KeyId, MerchantId, PartnerId, Uid, World};
use futures::stream::{self, StreamExt, TryStreamExt};
use store::StoreError;
use store::control::{Asked, Made};

/// Heads of merchants whose epoch is raised at once: a partner may have many.
const EPOCHS_AT_ONCE: usize = 64;

impl App {
    /// Revokes a key: no request that it signed is committed after this answer.
    ///
    /// # Errors
    /// [`Refusal::NotFound`].
    pub async fn revoke_key(&self, caller: &Caller, id: KeyId, re: ReEntry) -> Result<ApiKey, Refusal> {
        let asked = self.asked(caller, re);
        if let Some(Made::KeyReused) = self.asked_before(&asked).await? {
            return Err(Refusal::KeyReused);
        }
        let (app, owner) = (self.clone(), Owner::Merchant(caller.merchant));
        self.detached(async move { app.end_key(owner, id, Some(asked)).await }).await
    }

    /// The operator revokes anybody's key.
    ///
    /// # Errors
    /// [`Refusal::NotFound`].
    pub async fn revoke_any_key(&self, id: KeyId) -> Result<ApiKey, Refusal> {
        // The command line may have made it a moment ago.
        self.reload_config().await?;
        let owner = self.config().key(id).map(|it| it.key.owner).ok_or(Refusal::NotFound("api_key"))?;
        let app = self.clone();
        self.detached(async move { app.end_key(owner, id, None).await }).await
    }

    async fn end_key(&self, owner: Owner, id: KeyId, asked: Option<Asked>) -> Result<ApiKey, Refusal> {
        let known = self.key_of(owner, id)?;
        let key = if known.revoked_at_us.is_some() {
            known
        } else {
            let now_us = self.0.clock.real_now_us();
            let acting = asked.and_then(|asked| asked.key);
            self.change_key(&known, asked.as_ref(), |key| {
                key.revoked_at_us = key.revoked_at_us.or(Some(now_us));
                key.changed_by = acting.or(key.changed_by);
            })
            .await?
        };
        // Also for a key that was revoked before: whoever revoked it may not have come this far.
        self.raise_key_epochs(key.owner, key.world()).await?;
        self.tell_key(&key).await;
        Ok(key)
    }

    /// The epoch in a merchant's head is what holds at its commits. It is raised in the head of every merchant for which a key of
    /// `owner` may act, so that whoever was authenticated before is asked again. A merchant that is made or given to the partner
    /// meanwhile is known to a node only together with what was written before.
    pub(super) async fn raise_key_epochs(&self, owner: Owner, world: World) -> Result<(), Refusal> {
        let merchants = self.config().acted_for(owner, world);
        stream::iter(merchants)
            .map(|merchant| self.apply(merchant, Command::RaiseKeyEpoch(RaiseKeyEpoch { merchant })))
            .buffer_unordered(EPOCHS_AT_ONCE)
            .try_for_each(|_| async { Ok(()) })
            .await?;
        self.reload_config().await
    }

    /// Gives a merchant to a partner or to none: no request of the partner before is committed after this answer.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] for either.
    pub async fn assign_merchant(
        &self,
        merchant: MerchantId,
        partner: Option<PartnerId>,
    ) -> Result<(), Refusal> {
        self.reload_config().await?;
        let config = self.config();
        if config.merchant(merchant).is_none() {
            return Err(Refusal::NotFound("merchant"));
        }
        if partner.is_some_and(|id| config.partner(id).is_none()) {
            return Err(Refusal::NotFound("partner"));
        }
        let app = self.clone();
        self.detached(async move {
            app.store().set_merchant_partner(merchant, partner).await?;
            app.reload_config().await?;
            app.raise_key_epochs(Owner::Merchant(merchant), merchant.0.shard().world()).await
        })
        .await
    }

    /// Reads, changes, writes under the sequence; another writer in between is waited out.
    async fn change_key(
        &self,
        known: &ApiKey,
        asked: Option<&Asked>,
        change: impl Fn(&mut ApiKey),
    ) -> Result<ApiKey, Refusal> {
        let mut key = known.clone();
        for _ in 0..CHANGE_TRIES {
            let expected = key.sequence;
            change(&mut key);
            key.sequence += 1;
            let written = self.store().update_key(&key, expected, asked).await;
            self.reload_config().await?;
            match written {
                Ok(Made::Now) => return Ok(key),
                Ok(Made::Before(_)) => return self.key_of(known.owner, known.id),
                Ok(Made::KeyReused) => return Err(Refusal::KeyReused),
                Ok(Made::UrlExists | Made::TooMany) => return Err(Refusal::Internal),
                Err(StoreError::Conflict(_)) => key = self.key_of(known.owner, known.id)?,
                Err(error) => return Err(error.into()),
            }
        }
        Err(Refusal::Overloaded)
    }

    /// Tells owners of keys that end soon or were revoked. What is not through is told at the next look.
    pub async fn tell_keys(&self) {
        // Of several nodes the one that does the work of the first shard.
        if !self.0.store.shards().first().is_some_and(|shard| self.0.duty.is_ours(*shard)) {
            return;
        }
        let now_us = self.0.clock.real_now_us();
        let config = self.config();
        let mut due: Vec<&ApiKey> = config.keys().filter(|key| key.notice_due(now_us).is_some()).collect();
        due.sort_by_key(|key| key.id);
        for key in due {
            self.tell_key(key).await;
        }
    }

    /// Gives the notice that is due, once: its event has an id of its own making, so that a second try finds it told.
    async fn tell_key(&self, key: &ApiKey) {
        let Some(notice) = key.notice_due(self.0.clock.real_now_us()) else { return };
        if let Err(refusal) = self.try_tell_key(key, notice).await {
            tracing::warn!(?refusal, key = %key.id, ?notice, "a notice about a key was not given; it is tried again");
        }
    }

    async fn try_tell_key(&self, key: &ApiKey, notice: Notice) -> Result<(), Refusal> {
        match key.owner {
            Owner::Merchant(merchant) => self.insert_key_event(merchant, key, notice).await?,
            // A partner has no webhook endpoints: whoami shows it the end, and the operator reads the log.
            Owner::Partner(partner) => {
                tracing::warn!(key = %key.id, %partner, ?notice, "a partner's key ends or was revoked");
            }
        }
        self.change_key(key, None, |key| key.noticed = key.noticed.max(Some(notice))).await.map(|_| ())
    }

    async fn insert_key_event(
        &self,
        merchant: MerchantId,
        key: &ApiKey,
        notice: Notice,
    ) -> Result<(), Refusal> {
        let telling = Telling {
            id: event_id(key, notice),
            kind: match notice {
                Notice::Days30 | Notice::Days7 | Notice::Day1 => Type::ApiKeyExpiring,
                Notice::Revoked => Type::ApiKeyRevoked,
            },
            merchant,
            object: key.id.0,
            sequence: key.sequence,
            previous_status: None,
            created_at_us: self.business_now_us(merchant).await?,
            real_now_us: self.0.clock.real_now_us(),
        };
        let object = wire::render::api_key(key, merchant, None);
        let event = notice::to_subscribers(&telling, &object, &self.config());
        match self.store().insert_event(merchant.0.shard(), &event, None).await {
            // It stands already: told, and not noted as such.
            Ok(_) | Err(StoreError::Conflict(_)) => {
                self.wake_deliverer();
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// The same notice of the same end has the same id, whoever gives it and however often.
fn event_id(key: &ApiKey, notice: Notice) -> EventId {
    let at_us = key.revoked_at_us.or(key.ends_at_us()).unwrap_or(key.created_at_us);
    let text = format!("{} {} {at_us}", key.id, notice.days());
    let random = crypto::sha256(text.as_bytes()).first_chunk::<8>().copied().unwrap_or_default();
    let at_ms = u64::try_from(at_us / 1_000).unwrap_or(0);
    notice::without_slot(EventId::from_uid(Uid::new(at_ms, key.id.0.shard(), u64::from_be_bytes(random))))
}
