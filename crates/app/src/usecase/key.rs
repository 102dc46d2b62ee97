//! API keys: made of a public key, a certificate or, in the sandbox, as a bearer token; rotated with overlap. Their end is in
//! `key_end.rs`.

use crate::lane::ReEntry;
use crate::{Answer, App, Caller, Refusal};
use crypto::key::{KeyFault, PresentedKey};
use crypto::secret::BearerToken;
use domain::api_key::{ApiKey, Certificate, Owner};
use domain::id::{IdMaker, KeyId, World};
use store::control::{Asked, Made};
use store::{Store, StoreError};

/// `POST /v1/api_keys`, parsed.
#[derive(Debug, Clone, Default)]
#[allow(missing_docs)] // the fields of WIRE
pub struct NewKey {
    pub name: String,
    /// A public key or a certificate, PEM.
    pub public_key_pem: Option<String>,
    pub generate_bearer: bool,
    pub permissions: Vec<String>,
    pub ip_allow: Vec<String>,
    pub expires_at_us: Option<i64>,
}

/// `POST /v1/api_keys/{id}/rotate`, parsed.
#[derive(Debug, Clone, Default)]
#[allow(missing_docs)] // the fields of WIRE
pub struct KeyRotation {
    pub public_key_pem: Option<String>,
    /// When the new key ends; `None`: when the old one would have ended.
    pub expires_at_us: Option<i64>,
}

/// A key with its bearer token, which the first answer alone shows.
pub type ShownKey = (ApiKey, Option<String>);

/// How long a key lives on beside the one that replaces it, microseconds.
const OVERLAP_US: i64 = 24 * 3_600 * 1_000_000;
/// How often a key's row is read and changed again because another writer came first.
pub(super) const CHANGE_TRIES: usize = 5;

impl App {
    /// Makes a key of the caller's merchant. A bearer token is shown by this answer only.
    ///
    /// # Errors
    /// [`Refusal::SandboxOnly`] for a bearer in live, [`Refusal::FieldInvalid`] for a key that can't be used, re-entry.
    pub async fn create_key(
        &self,
        caller: &Caller,
        new: NewKey,
        re: ReEntry,
    ) -> Result<Answer<ShownKey>, Refusal> {
        let asked = self.asked(caller, re);
        if let Some(before) = self.asked_before(&asked).await? {
            return self.key_made(caller, before.map(KeyId), None);
        }
        let (key, bearer) = make_key(Owner::Merchant(caller.merchant), caller.world, new, asked.at_us)?;
        let key = ApiKey { created_by: caller.key, ..key };
        let made = self.store().create_key(&key, Some(&asked)).await?;
        self.reload_config().await?;
        self.key_made(caller, made, Some((key, bearer)))
    }

    /// The answer to a request that makes a key.
    fn key_made(
        &self,
        caller: &Caller,
        made: Made<KeyId>,
        new: Option<ShownKey>,
    ) -> Result<Answer<ShownKey>, Refusal> {
        match (made, new) {
            (Made::Now, Some(object)) => Ok(Answer { object, fresh: true }),
            (Made::Before(id), _) => Ok(Answer { object: (self.key(caller, id)?, None), fresh: false }),
            (Made::KeyReused, _) => Err(Refusal::KeyReused),
            (Made::Now | Made::UrlExists | Made::TooMany, _) => Err(Refusal::Internal),
        }
    }

    /// The merchant's keys, newest first.
    pub fn keys(&self, caller: &Caller) -> Vec<ApiKey> {
        self.config().keys_of(caller.merchant).into_iter().cloned().collect()
    }

    /// One key of the caller's merchant.
    ///
    /// # Errors
    /// [`Refusal::NotFound`].
    pub fn key(&self, caller: &Caller, id: KeyId) -> Result<ApiKey, Refusal> {
        self.key_of(Owner::Merchant(caller.merchant), id)
    }

    pub(super) fn key_of(&self, owner: Owner, id: KeyId) -> Result<ApiKey, Refusal> {
        let config = self.config();
        let found = config.key(id).map(|k| &k.key).filter(|key| key.owner == owner);
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
        rotation: KeyRotation,
        re: ReEntry,
    ) -> Result<Answer<ShownKey>, Refusal> {
        let asked = self.asked(caller, re);
        if let Some(before) = self.asked_before(&asked).await? {
            return self.key_made(caller, before.map(KeyId), None);
        }
        let owner = Owner::Merchant(caller.merchant);
        let (made, new) = self.replace_key(owner, id, rotation, &asked).await?;
        self.key_made(caller, made, Some(new))
    }

    async fn replace_key(
        &self,
        owner: Owner,
        id: KeyId,
        rotation: KeyRotation,
        asked: &Asked,
    ) -> Result<(Made<KeyId>, ShownKey), Refusal> {
        for _ in 0..CHANGE_TRIES {
            let old = self.key_of(owner, id)?;
            let turn = Turn::of(&old, rotation.clone(), asked.key, asked.at_us)?;
            let written = self.store().rotate_key(&turn.new, &turn.ending, old.sequence, Some(asked)).await;
            self.reload_config().await?;
            match written {
                Ok(made) => return Ok((made, (turn.new, turn.bearer))),
                Err(StoreError::Conflict(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(Refusal::Overloaded)
    }
}

/// A rotation: both rows as they will be.
struct Turn {
    new: ApiKey,
    bearer: Option<String>,
    ending: ApiKey,
}

impl Turn {
    fn of(
        old: &ApiKey,
        rotation: KeyRotation,
        acting: Option<KeyId>,
        real_now_us: i64,
    ) -> Result<Turn, Refusal> {
        let (new, bearer) = make_key(old.owner, old.world(), successor(old, rotation)?, real_now_us)?;
        let new = ApiKey { created_by: acting, ..new };
        let until_us = real_now_us.saturating_add(OVERLAP_US);
        let mut ending = ApiKey {
            expires_at_us: Some(old.expires_at_us.map_or(until_us, |at_us| at_us.min(until_us))),
            changed_by: acting.or(old.changed_by),
            sequence: old.sequence + 1,
            ..old.clone()
        };
        // Whoever rotates a key knows that the old one ends.
        ending.noticed = ending.notice_reached(real_now_us).max(old.noticed);
        Ok(Turn { new, bearer, ending })
    }
}

/// What the key that replaces `old` is made of.
fn successor(old: &ApiKey, rotation: KeyRotation) -> Result<NewKey, Refusal> {
    if old.revoked_at_us.is_some() {
        return Err(invalid("", "a revoked key can't be rotated: create a new one"));
    }
    let new = NewKey {
        name: old.name.clone(),
        generate_bearer: rotation.public_key_pem.is_none() && old.bearer_hash.is_some(),
        public_key_pem: rotation.public_key_pem,
        permissions: old.permissions.clone(),
        ip_allow: old.ip_allow.clone(),
        expires_at_us: rotation.expires_at_us.or(old.expires_at_us),
    };
    if new.public_key_pem.is_none() && !new.generate_bearer {
        return Err(invalid("/public_key", "send the new public_key (PEM) that replaces this key's"));
    }
    Ok(new)
}

/// A key as it will be stored, and its bearer token.
fn make_key(owner: Owner, world: World, new: NewKey, real_now_us: i64) -> Result<ShownKey, Refusal> {
    if new.generate_bearer && world == World::Live {
        return Err(Refusal::SandboxOnly);
    }
    let presented = new.public_key_pem.as_deref().map(|pem| present(pem, real_now_us)).transpose()?;
    let token = new.generate_bearer.then(BearerToken::generate);
    let shard = owner.merchant().map_or(world.first_shard(), |merchant| merchant.0.shard());
    let seed = u128::from_be_bytes(crypto::secret::random_bytes::<16>());
    let (public_key_pem, certificate) = presented.unzip();
    let mut key = ApiKey {
        id: IdMaker::new(real_now_us, shard, seed).next(),
        owner,
        name: new.name,
        bearer_hash: token.as_ref().map(BearerToken::hash),
        public_key_pem,
        certificate: certificate.flatten(),
        permissions: new.permissions,
        ip_allow: new.ip_allow,
        expires_at_us: new.expires_at_us,
        revoked_at_us: None,
        noticed: None,
        created_by: None,
        changed_by: None,
        created_at_us: real_now_us,
        sequence: 1,
    };
    // A key that is made with little time left is known to have little time left.
    key.noticed = key.notice_reached(real_now_us);
    Ok((key, token.map(|token| token.expose().to_owned())))
}

/// The canonical public key of what was handed in, and its certificate.
fn present(pem: &str, real_now_us: i64) -> Result<(String, Option<Certificate>), Refusal> {
    let refused = |fault: KeyFault| invalid("/public_key", &fault.to_string());
    let PresentedKey { key, certificate } = PresentedKey::from_pem(pem).map_err(refused)?;
    let certificate = certificate.map(|facts| Certificate {
        begins_at_us: facts.validity.not_before_s.saturating_mul(1_000_000),
        ends_at_us: facts.validity.not_after_s.saturating_mul(1_000_000),
        serial: facts.serial,
        fingerprint: facts.fingerprint,
    });
    if certificate.as_ref().is_some_and(|certificate| certificate.ends_at_us <= real_now_us) {
        return Err(invalid("/public_key", "the certificate's validity is over: send a new one"));
    }
    Ok((key.to_pem(), certificate))
}

/// Makes a key as the operator's command line does: control rows only, beside a serving node or without one.
///
/// # Errors
/// [`Refusal::NotFound`] for the owner, and as [`App::create_key`].
pub async fn create_key(
    store: &dyn Store,
    owner: Owner,
    world: World,
    new: NewKey,
    real_now_us: i64,
) -> Result<ShownKey, Refusal> {
    let snapshot = store.snapshot().await?;
    let noun = match owner {
        Owner::Merchant(id) => (!snapshot.merchants.iter().any(|known| known.id == id)).then_some("merchant"),
        Owner::Partner(id) => (!snapshot.partners.iter().any(|known| known.id == id)).then_some("partner"),
    };
    if let Some(noun) = noun {
        return Err(Refusal::NotFound(noun));
    }
    let (key, bearer) = make_key(owner, world, new, real_now_us)?;
    match store.create_key(&key, None).await? {
        Made::Now => Ok((key, bearer)),
        Made::Before(_) | Made::KeyReused | Made::UrlExists | Made::TooMany => Err(Refusal::Internal),
    }
}

/// Rotates anybody's key as the operator's command line does: control rows only.
///
/// # Errors
/// [`Refusal::NotFound`], and as [`App::rotate_key`].
pub async fn rotate_key(
    store: &dyn Store,
    id: KeyId,
    rotation: KeyRotation,
    real_now_us: i64,
) -> Result<ShownKey, Refusal> {
    let keys = store.snapshot().await?.keys;
    let old = keys.into_iter().find(|key| key.id == id).ok_or(Refusal::NotFound("api_key"))?;
    let turn = Turn::of(&old, rotation, None, real_now_us)?;
    match store.rotate_key(&turn.new, &turn.ending, old.sequence, None).await {
        Ok(_) => Ok((turn.new, turn.bearer)),
        Err(StoreError::Conflict(_)) => Err(Refusal::Overloaded),
        Err(error) => Err(error.into()),
    }
}

fn invalid(pointer: &'static str, detail: &str) -> Refusal {
    Refusal::FieldInvalid { pointer, detail: detail.to_owned() }
}
