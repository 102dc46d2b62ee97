//! Control rows: small tables, cached by nodes, never written together with a money row. Also the outcomes of deliveries and
//! sealed blocks, which are written in batches of their own.

use crate::StoreError;
use crate::reads::{Block, DeliveryAttempt, DeliveryStatus};
use crate::safekeeping::{LostEffect, Restored};
use async_trait::async_trait;
use domain::api_key::ApiKey;
use domain::channel::ChannelAccount;
use domain::id::{ChannelAccountId, DeliveryId, EndpointId, EventId, KeyId, MerchantId, PartnerId, Shard};
use domain::merchant::{Head, Merchant};
use domain::partner::Partner;
use domain::price::Price;
use std::fmt;

/// A webhook endpoint as its row holds it. Secrets are sealed at rest.
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Its id.
    pub id: EndpointId,
    /// Whose it is.
    pub merchant: MerchantId,
    /// Where events go.
    pub url: String,
    /// Types it wants: exact, `payment.*` or `*`.
    pub events: Vec<String>,
    /// For people.
    pub description: Option<String>,
    /// Where it stands.
    pub status: EndpointStatus,
    /// The signing secret, raw bytes.
    pub secret: Vec<u8>,
    /// The one before it, until this real time in microseconds.
    pub old_secret: Option<(Vec<u8>, i64)>,
    /// Since when every try failed, real time; `None` after a success.
    pub failing_since_us: Option<i64>,
    /// Failures in a row.
    pub failures: i64,
    /// Business time of creation.
    pub created_at_us: i64,
    /// Business time of the last change.
    pub updated_at_us: i64,
    /// Rises with every change.
    pub sequence: i64,
    /// The key whose request made it.
    pub created_by: Option<KeyId>,
    /// The key whose request changed it last, if a request did.
    pub changed_by: Option<KeyId>,
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Urls may carry credentials, so neither they nor the secrets show.
        f.debug_struct("Endpoint")
            .field("id", &self.id)
            .field("merchant", &self.merchant)
            .field("events", &self.events)
            .field("status", &self.status)
            .field("failures", &self.failures)
            .field("sequence", &self.sequence)
            .finish_non_exhaustive()
    }
}

/// Where an endpoint stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EndpointStatus {
    /// Events are sent.
    Enabled,
    /// Events are sent; the last ones failed.
    Failing,
    /// Nothing is sent.
    Disabled,
}

/// The outcome of one try at a delivery, written in batches.
#[derive(Debug, Clone, PartialEq)]
pub struct DeliveryOutcome {
    /// The delivery.
    pub id: DeliveryId,
    /// What happened.
    pub attempt: DeliveryAttempt,
    /// Where it stands now.
    pub status: DeliveryStatus,
    /// When it is tried next.
    pub due_at_us: Option<i64>,
    /// Tries so far.
    pub tries: i64,
    /// The delivery's fence when the try began. Where it is another by now, the delivery was replayed or tried elsewhere meanwhile:
    /// the try is noted and changes nothing.
    pub fence: i64,
    /// The version of the configuration that says it can't be sent, where nobody was asked for that reason. Where another is in force
    /// by now, the outcome is left out: whoever decides again may send it.
    pub by_version: Option<i64>,
}

/// Everything that a node caches of the control tables.
#[derive(Clone, Default)]
pub struct Snapshot {
    /// Rises with every control write.
    pub version: i64,
    /// The key epoch of every merchant's head, read no later than the rows below: a key that is revoked in between carries the
    /// older epoch, which a lane refuses.
    pub key_epochs: Vec<(MerchantId, i64)>,
    /// Partners.
    pub partners: Vec<Partner>,
    /// Merchants.
    pub merchants: Vec<Merchant>,
    /// Keys, revoked ones too.
    pub keys: Vec<ApiKey>,
    /// All price versions.
    pub prices: Vec<Price>,
    /// Channel accounts with their world and the sealed secret opened.
    pub channel_accounts: Vec<StoredChannelAccount>,
    /// Endpoints that are not deleted.
    pub endpoints: Vec<Endpoint>,
    /// Each merchant's default secret for `notify_url` deliveries.
    pub default_secrets: Vec<(MerchantId, Vec<u8>)>,
    /// Since when nothing may leave the installation, real time in microseconds.
    pub held_since_us: Option<i64>,
    /// Set once these books were restored from a backup.
    pub restored: Option<Restored>,
    /// What channels know and the books do not.
    pub lost: Vec<LostEffect>,
}

/// A channel account with what the platform needs to speak for it.
#[derive(Clone, PartialEq)]
pub struct StoredChannelAccount {
    /// The account.
    pub account: ChannelAccount,
    /// Its world.
    pub world: domain::World,
    /// `sandbox`, later others.
    pub kind: String,
    /// The secret of its callbacks; sealed at rest.
    pub callback_secret: Vec<u8>,
}

impl fmt::Debug for StoredChannelAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredChannelAccount")
            .field("account", &self.account)
            .field("world", &self.world)
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot")
            .field("version", &self.version)
            .field("partners", &self.partners.len())
            .field("merchants", &self.merchants.len())
            .field("keys", &self.keys.len())
            .field("endpoints", &self.endpoints.len())
            .field("held_since_us", &self.held_since_us)
            .finish_non_exhaustive()
    }
}

/// Writes of control rows. Each is one transaction and raises the snapshot's version.
#[async_trait]
#[allow(missing_docs)] // the names say what each writes
pub trait Control {
    /// Everything to cache.
    async fn snapshot(&self) -> Result<Snapshot, StoreError>;
    async fn snapshot_version(&self) -> Result<i64, StoreError>;

    /// A merchant with its head and default webhook secret. The head is a money row that has no history yet.
    async fn create_merchant(
        &self,
        merchant: &Merchant,
        head: &Head,
        default_secret: &[u8],
    ) -> Result<(), StoreError>;
    async fn create_channel_account(&self, account: &StoredChannelAccount) -> Result<(), StoreError>;
    async fn create_partner(&self, partner: &Partner) -> Result<(), StoreError>;
    /// Gives a merchant to a partner, or to none. Whoever calls raises the merchant's key epoch afterwards.
    async fn set_merchant_partner(
        &self,
        merchant: MerchantId,
        partner: Option<PartnerId>,
    ) -> Result<(), StoreError>;
    async fn create_price(&self, price: &Price) -> Result<(), StoreError>;
    async fn create_key(&self, key: &ApiKey, asked: Option<&Asked>) -> Result<Made<KeyId>, StoreError>;
    async fn update_key(
        &self,
        key: &ApiKey,
        expected_sequence: i64,
        asked: Option<&Asked>,
    ) -> Result<Made<KeyId>, StoreError>;
    /// A new key and the end of the one that it replaces, as one.
    async fn rotate_key(
        &self,
        new: &ApiKey,
        old: &ApiKey,
        old_sequence: i64,
        asked: Option<&Asked>,
    ) -> Result<Made<KeyId>, StoreError>;
    /// [`Made::UrlExists`] when the merchant has that url already, [`Made::TooMany`] when it has `most` endpoints.
    async fn create_endpoint(
        &self,
        endpoint: &Endpoint,
        most: usize,
        asked: Option<&Asked>,
    ) -> Result<Made<EndpointId>, StoreError>;
    async fn update_endpoint(
        &self,
        endpoint: &Endpoint,
        expected_sequence: i64,
        asked: Option<&Asked>,
    ) -> Result<Made<EndpointId>, StoreError>;
    /// Removes it; what is pending for it is given up.
    async fn delete_endpoint(
        &self,
        merchant: MerchantId,
        id: EndpointId,
        asked: Option<&Asked>,
    ) -> Result<(), StoreError>;

    /// Writes outcomes of tries; also appends the visible attempt.
    async fn record_deliveries(&self, shard: Shard, outcomes: &[DeliveryOutcome]) -> Result<(), StoreError>;
    /// Makes a delivery pending again, due at once, counting afresh.
    async fn replay_delivery(
        &self,
        id: DeliveryId,
        due_at_us: i64,
        asked: Option<&Asked>,
    ) -> Result<Made<DeliveryId>, StoreError>;
    /// Inserts an event that no money command caused (test sends, notices about endpoints and keys); [`StoreError::Conflict`] when
    /// one of that id stands already.
    async fn insert_event(
        &self,
        shard: Shard,
        event: &domain::event::Event,
        asked: Option<&Asked>,
    ) -> Result<Made<EventId>, StoreError>;

    async fn append_block(&self, shard: Shard, block: &Block) -> Result<(), StoreError>;
    /// Progress of `verify`: blocks up to this number were proven. 0 when none.
    async fn verified_block(&self, shard: Shard) -> Result<i64, StoreError>;
    async fn set_verified_block(&self, shard: Shard, number: i64) -> Result<(), StoreError>;

    /// A request that writes no row itself: judged and noted as with a write.
    async fn admit(&self, asked: &Asked) -> Result<(), StoreError>;
    /// A callback whose reference no row knows, kept for matching.
    async fn keep_notice(
        &self,
        account: ChannelAccountId,
        reference: &str,
        headers: &str,
        body: &[u8],
        at_us: i64,
    ) -> Result<(), StoreError>;
}

/// The request that asks for a control write, judged and noted in the write's own transaction. It is refused when the merchant's
/// key epoch moved ([`StoreError::Stale`]), so that nothing a revoked key signed is committed after the revocation was answered,
/// and when its nonce was used ([`StoreError::NonceUsed`]). Nonce and idempotency key are noted with the effect or not at all.
/// An engine with several writers holds the merchant's head from the look at its epoch to the commit.
#[derive(Debug, Clone, Copy)]
pub struct Asked {
    /// The merchant acted for: the idempotency key is its.
    pub merchant: MerchantId,
    /// Its key epoch when the request was authenticated.
    pub key_epoch: i64,
    /// The key; the nonce is its.
    pub key: Option<KeyId>,
    /// Hash of the signature's nonce.
    pub nonce: Option<[u8; 16]>,
    /// Hash of the idempotency key, and fingerprint of the request.
    pub idempotency: Option<([u8; 16], [u8; 16])>,
    /// Real time, microseconds.
    pub at_us: i64,
}

/// What became of a write under an idempotency key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Made<I> {
    /// It was made now.
    Now,
    /// The key made this one before, with the same fingerprint.
    Before(I),
    /// The key was used with another fingerprint.
    KeyReused,
    /// The merchant has an endpoint with that url.
    UrlExists,
    /// The merchant has as many as it may have.
    TooMany,
}

impl<I> Made<I> {
    /// The same about another kind of id.
    pub fn map<J>(self, of: impl FnOnce(I) -> J) -> Made<J> {
        match self {
            Made::Now => Made::Now,
            Made::Before(id) => Made::Before(of(id)),
            Made::KeyReused => Made::KeyReused,
            Made::UrlExists => Made::UrlExists,
            Made::TooMany => Made::TooMany,
        }
    }
}
