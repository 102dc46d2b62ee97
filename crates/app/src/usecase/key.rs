//! API keys: made with a public key or, in the sandbox, as a bearer token; rotated with overlap; revoked exactly.

use crate::lane::{Command, ReEntry};
use crate::{Answer, App, Caller, Refusal};
use crypto::key::PublicKey;
use crypto::secret::BearerToken;
use domain::clock::RaiseKeyEpoch;
use domain::id::{KeyId, World};
use domain::merchant::ApiKey;
use store::StoreError;
use store::control::Made;

/// `POST /v1/api_keys`, parsed.
#[derive(Debug, Clone, Default)]
#[allow(missing_docs)] // the fields of WIRE
pub struct NewKey {
    pub name: String,
    pub public_key_pem: Option<String>,
    pub generate_bearer: bool,
    pub permissions: Vec<String>,
    pub ip_allow: Vec<String>,
    pub expires_at_us: Option<i64>,
}

/// How long a key lives on beside the one that replaces it, microseconds.
const OVERLAP_US: i64 = 24 * 3_600 * 1_000_000;

impl App {
    /// Makes a key. A bearer token is shown by this answer only.
    ///
    /// # Errors
    /// [`Refusal::SandboxOnly`] for a bearer in live, [`Refusal::FieldInvalid`] for a key that can't be used, re-entry.
    pub async fn create_key(
        &self,
        caller: &Caller,
        new: NewKey,
        re: ReEntry,
    ) -> Result<Answer<(ApiKey, Option<String>)>, Refusal> {
        self.refuse_used_nonce(caller, re).await?;
        let (key, bearer) = self.new_key(caller, new)?;
        self.use_control_nonce(caller, re).await?;
        let entry = re.key.map(|key| (key.hash, key.fingerprint));
        match self.store().create_key(&key, entry).await? {
            Made::Now => {
                self.reload_config().await?;
                Ok(Answer { object: (key, bearer), fresh: true })
            }
            Made::Before(id) => Ok(Answer { object: (self.key(caller, id)?, None), fresh: false }),
            Made::KeyReused => Err(Refusal::KeyReused),
            Made::UrlExists => Err(Refusal::Internal),
        }
    }

    fn new_key(&self, caller: &Caller, new: NewKey) -> Result<(ApiKey, Option<String>), Refusal> {
        if new.generate_bearer && caller.world == World::Live {
            return Err(Refusal::SandboxOnly);
        }
        let public_key_pem = match &new.public_key_pem {
            Some(pem) => {
                let parsed = PublicKey::from_pem(pem);
                let parsed = parsed.map_err(|fault| Refusal::FieldInvalid {
                    pointer: "/public_key",
                    detail: fault.to_string(),
                })?;
                Some(parsed.to_pem())
            }
            None => None,
        };
        let token = new.generate_bearer.then(BearerToken::generate);
        let key = ApiKey {
            id: self.ids(caller).next(),
            merchant: caller.merchant,
            name: new.name,
            bearer_hash: token.as_ref().map(BearerToken::hash),
            public_key_pem,
            permissions: new.permissions,
            ip_allow: new.ip_allow,
            expires_at_us: new.expires_at_us,
            revoked_at_us: None,
            created_at_us: self.0.clock.real_now_us(),
            sequence: 1,
        };
        Ok((key, token.map(|token| token.expose().to_owned())))
    }

    /// The merchant's keys, newest first.
    pub fn keys(&self, caller: &Caller) -> Vec<ApiKey> {
        self.config().keys_of(caller.merchant).into_iter().cloned().collect()
    }

    /// One key.
    ///
    /// # Errors
    /// [`Refusal::NotFound`].
    pub fn key(&self, caller: &Caller, id: KeyId) -> Result<ApiKey, Refusal> {
        let config = self.config();
        let found = config.key(id).map(|k| &k.key).filter(|key| key.merchant == caller.merchant);
        found.cloned().ok_or(Refusal::NotFound("api_key"))
    }

    /// A new key in place of one, with the same rights; the old one lives on for a day.
    ///
    /// # Errors
    /// As [`App::create_key`].
    pub async fn rotate_key(
        &self,
        caller: &Caller,
        id: KeyId,
        public_key_pem: Option<String>,
        re: ReEntry,
    ) -> Result<Answer<(ApiKey, Option<String>)>, Refusal> {
        self.refuse_used_nonce(caller, re).await?;
        let old = self.key(caller, id)?;
        let new = NewKey {
            name: old.name.clone(),
            generate_bearer: public_key_pem.is_none() && old.bearer_hash.is_some(),
            public_key_pem,
            permissions: old.permissions.clone(),
            ip_allow: old.ip_allow.clone(),
            expires_at_us: old.expires_at_us,
        };
        if old.revoked_at_us.is_some() {
            let detail = "a revoked key can't be rotated: create a new one".to_owned();
            return Err(Refusal::FieldInvalid { pointer: "", detail });
        }
        if new.public_key_pem.is_none() && !new.generate_bearer {
            let detail = "send the new public_key (PEM) that replaces this key's".to_owned();
            return Err(Refusal::FieldInvalid { pointer: "/public_key", detail });
        }
        let made = self.create_key(caller, new, re).await?;
        if made.fresh {
            let until_us = self.0.clock.real_now_us().saturating_add(OVERLAP_US);
            let ends_us = old.expires_at_us.map_or(until_us, |at| at.min(until_us));
            self.change_key(caller, id, |key| key.expires_at_us = Some(ends_us)).await?;
        }
        Ok(made)
    }

    /// Revokes a key: no request that it signed is committed after this answer.
    ///
    /// # Errors
    /// [`Refusal::NotFound`].
    pub async fn revoke_key(&self, caller: &Caller, id: KeyId, re: ReEntry) -> Result<ApiKey, Refusal> {
        self.refuse_used_nonce(caller, re).await?;
        let known = self.key(caller, id)?;
        if known.revoked_at_us.is_some() {
            return Ok(known);
        }
        self.use_control_nonce(caller, re).await?;
        let now_us = self.0.clock.real_now_us();
        let key =
            self.change_key(caller, id, |key| key.revoked_at_us = key.revoked_at_us.or(Some(now_us))).await?;
        // The epoch in the head is what holds at the commit: whoever was authenticated before is asked again.
        self.apply(caller.merchant, Command::RaiseKeyEpoch(RaiseKeyEpoch { merchant: caller.merchant }))
            .await?;
        self.reload_config().await?;
        Ok(key)
    }

    async fn change_key(
        &self,
        caller: &Caller,
        id: KeyId,
        change: impl Fn(&mut ApiKey),
    ) -> Result<ApiKey, Refusal> {
        for _ in 0..5 {
            let mut key = self.key(caller, id)?;
            let expected = key.sequence;
            change(&mut key);
            key.sequence += 1;
            let written = self.store().update_key(&key, expected).await;
            self.reload_config().await?;
            match written {
                Ok(()) => return Ok(key),
                Err(StoreError::Conflict(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(Refusal::Overloaded)
    }
}
